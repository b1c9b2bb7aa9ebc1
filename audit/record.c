/*
 * One audit record, built in memory in the native protocol of systemd-journald.
 *
 * Stage:     7 (record) and 13 (end); any way out after stage 1.
 * Privilege: real uid 0; needs none and changes none.
 * Distrusts: every value. Names come from our own code, values from callers and their files: a field
 *            that is not plain text is sent with its length in front, so that no byte of a value can
 *            end it and start another field.
 * On error:  out of memory, or no randomness, marks the record failed; it must not be sent then.
 *
 * MUST hold:
 *  - a value ends where its length says; nothing in it begins a field or a record;
 *  - what is cut says so: its full length and SHA-256 stand beside it;
 *  - MESSAGE holds printable UTF-8 alone;
 *  - what matches a redact glob is in no field.
 */
#include "audit/audit.h"
#include "audit/utf8.h"

#include <endian.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define RECORD_NAME_MAX 64 /* journald's own limit for a whole field name */

static const struct record_kind {
	const char *event, *message_id;
	int priority;
} record_kinds[AUDIT_EVENT_COUNT] = {
#define X(id, name, message_id, priority) {name, message_id, priority},
    AUDIT_EVENTS(X)
#undef X
};

void
audit_new_id(char id[AUDIT_ID_SIZE])
{
	unsigned char bytes[(AUDIT_ID_SIZE - 1) / 2];
	ssize_t got = -1;

	/* Up to 256 bytes come whole or not at all. Again: whoever aborts here owes an end, perhaps. */
	for (int tries = 0; tries < 16 && got != (ssize_t)sizeof bytes; tries++)
		got = getrandom(bytes, sizeof bytes, 0);
	/* An id another launch has too would join their records. */
	if (got != (ssize_t)sizeof bytes)
		abort();
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

/* --- bytes and fields ---------------------------------------------------------------------------- */

static void
record_append(struct audit_record *record, const void *bytes, size_t length)
{
	if (record->failed || length == 0)
		return;
	if (length > record->capacity - record->length) {
		size_t capacity = 2 * (record->length + length) + 1024;
		char *data = realloc(record->data, capacity);

		if (data == NULL) {
			record->failed = true;
			return;
		}
		record->data = data;
		record->capacity = capacity;
	}
	memcpy(record->data + record->length, bytes, length);
	record->length += length;
}

/* Text that can stand behind NAME= as it is. */
static bool
record_plain(const unsigned char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (value[i] < 0x20 || value[i] == 0x7f)
			return false;
	return true;
}

/* journald drops a field with a bad name silently; here it is a bug that stops the record. */
static bool
record_name_good(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= RECORD_NAME_MAX && *name >= 'A' && *name <= 'Z' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == length;
}

static void
record_field(struct audit_record *record, const char *name, const void *value, size_t length)
{
	uint64_t size = htole64(length);

	if (!record_name_good(name)) {
		record->failed = true;
		return;
	}
	record_append(record, name, strlen(name));
	if (record_plain(value, length)) {
		record_append(record, "=", 1);
	} else {
		record_append(record, "\n", 1);
		record_append(record, &size, sizeof size);
	}
	record_append(record, value, length);
	record_append(record, "\n", 1);
}

/* name, or with a suffix name_suffix, behind our prefix. */
static void
record_our_field(struct audit_record *record, const char *name, const char *suffix,
    const void *value, size_t length)
{
	char full[RECORD_NAME_MAX + 2];

	/* Cut at one byte more than journald takes, so that a name too long is seen by record_field. */
	snprintf(full, sizeof full, "BOXDO_%s%s", name, suffix);
	record_field(record, full, value, length);
}

static void
record_our_number(struct audit_record *record, const char *name, const char *suffix, uint64_t value)
{
	char text[24];
	int length = snprintf(text, sizeof text, "%" PRIu64, value);

	record_our_field(record, name, suffix, text, (size_t)length);
}

void
audit_record_bytes(struct audit_record *record, const char *name, const void *value, size_t length)
{
	char sha256[SHA256_DIGEST_STRING_LENGTH];

	if (value == NULL)
		return;
	if (length <= record->field_max) {
		record_our_field(record, name, "", value, length);
		return;
	}
	record_our_field(record, name, "", value, record->field_max);
	record_our_number(record, name, "_LENGTH", length);
	SHA256Data(value, length, sha256);
	record_our_field(record, name, "_SHA256", sha256, strlen(sha256));
}

void
audit_record_text(struct audit_record *record, const char *name, const char *value)
{
	if (value != NULL)
		audit_record_bytes(record, name, value, strlen(value));
}

void
audit_record_number(struct audit_record *record, const char *name, uint64_t value)
{
	record_our_number(record, name, "", value);
}

void
audit_record_start(
    struct audit_record *record, enum audit_event event, const char id[AUDIT_ID_SIZE], uint64_t seq)
{
	const struct record_kind *kind = &record_kinds[event];
	struct timespec now;
	char priority = (char)('0' + kind->priority);

	*record = (struct audit_record){
	    .field_max = event == AUDIT_POLICY ? AUDIT_POLICY_MAX : AUDIT_FIELD_MAX, .seq = seq};
	audit_new_id(record->record);
	clock_gettime(CLOCK_REALTIME, &now);
	record_field(record, "MESSAGE_ID", kind->message_id, strlen(kind->message_id));
	record_field(record, "PRIORITY", &priority, 1);
	record_field(record, "SYSLOG_IDENTIFIER", "boxdo", 5);
	audit_record_text(record, "EVENT", kind->event);
	audit_record_text(record, "ID", id);
	audit_record_text(record, "RECORD", record->record);
	audit_record_number(record, "SEQ", seq);
	audit_record_number(
	    record, "TIME", (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void
audit_record_free(struct audit_record *record)
{
	free(record->data);
	*record = (struct audit_record){.failed = true};
}

/* --- the command --------------------------------------------------------------------------------- */

/* The quoted text: its first max bytes kept, all of it counted and hashed. */
struct record_quote {
	char *text;
	size_t max, length;
	SHA2_CTX hash;
};

static void
quote_add(struct record_quote *quote, const char *bytes, size_t length)
{
	if (quote->length < quote->max) {
		size_t room = quote->max - quote->length;

		memcpy(quote->text + quote->length, bytes, length < room ? length : room);
	}
	quote->length += length;
	SHA256Update(&quote->hash, (const uint8_t *)bytes, length);
}

/* As the first word these would begin something else than a command. */
static bool
quote_reserved(const char *word, size_t length)
{
	static const char *const words[] = {"case", "coproc", "do", "done", "elif", "else", "esac",
	    "fi", "for", "function", "if", "in", "select", "then", "time", "until", "while"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
			return true;
	return memchr(word, '=', length) != NULL;
}

/* Single quotes keep every byte but themselves; a quote is left, escaped and the text entered again. */
static void
quote_argument(
    struct record_quote *quote, const char *word, size_t length, bool first, const char *tail)
{
	static const char safe[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
	size_t run = 0;

	if (length + strlen(tail) > 0 && strspn(word, safe) >= length &&
	    !(first && quote_reserved(word, length))) {
		quote_add(quote, word, length);
		quote_add(quote, tail, strlen(tail));
		return;
	}
	quote_add(quote, "'", 1);
	for (size_t at = 0; at < length; at += run + 1) {
		const char *end = memchr(word + at, '\'', length - at);

		run = end == NULL ? length - at : (size_t)(end - (word + at));
		quote_add(quote, word + at, run);
		if (end != NULL)
			quote_add(quote, "'\\''", 4);
	}
	quote_add(quote, tail, strlen(tail));
	quote_add(quote, "'", 1);
}

/* '*' any bytes, '?' one. Not fnmatch(): that knows brackets, locales, and fails on invalid UTF-8. */
static bool
redact_match(const char *glob, const char *word)
{
	const char *star = NULL, *retry = NULL;

	while (*word != '\0') {
		if (*glob == '*') {
			star = ++glob;
			retry = word;
		} else if (*glob != '\0' && (*glob == '?' || *glob == *word)) {
			glob++;
			word++;
		} else if (star != NULL) {
			glob = star;
			word = ++retry;
		} else {
			return false;
		}
	}
	return glob[strspn(glob, "*")] == '\0';
}

/* The first part of a glob that is not wildcards: its length, and whether anything may stand before it. */
static const char *
redact_literal(const char *glob, size_t *length, bool *anywhere)
{
	const char *literal = glob + strspn(glob, "*");

	*length = strcspn(literal, "*?");
	*anywhere = literal != glob;
	return literal;
}

/*
 * Where what must not be seen begins in a word that matches: at the first '*', and where the glob begins
 * with that, behind the text that follows it. Before the first '*' a glob's bytes and the word's go one
 * by one, so that its place in the glob is its place in the word.
 */
static size_t
redact_begin(const char *glob, const char *word)
{
	size_t length;
	bool anywhere;
	const char *literal = redact_literal(glob, &length, &anywhere), *found;

	if (!anywhere) {
		found = strchr(glob, '*');
		return found == NULL ? 0 : (size_t)(found - glob);
	}
	found = literal[length] == '\0' ? NULL : memmem(word, strlen(word), literal, length);
	return found == NULL ? 0 : (size_t)(found - word) + length;
}

/* How many bytes of word may be kept: all when no glob matches (*redacted false), else the fewest. */
static size_t
redact_kept(const char *const *redact, const char *word, bool *redacted)
{
	size_t kept = strlen(word);

	*redacted = false;
	for (; redact != NULL && *redact != NULL; redact++) {
		size_t begin;

		if (!redact_match(*redact, word))
			continue;
		begin = redact_begin(*redact, word);
		*redacted = true;
		if (begin < kept)
			kept = begin;
	}
	return kept;
}

/* "--token=*" also means what follows a "--token" that stands alone. */
static bool
redact_next(const char *const *redact, const char *word)
{
	size_t length, size = strlen(word);
	bool anywhere;

	for (; word[0] == '-' && redact != NULL && *redact != NULL; redact++) {
		const char *literal = redact_literal(*redact, &length, &anywhere);

		if (length < 2 || literal[length - 1] != '=' || strcmp(literal + length, "*") != 0)
			continue;
		length--;
		if ((anywhere ? size >= length : size == length) &&
		    memcmp(word + size - length, literal, length) == 0)
			return true;
	}
	return false;
}

void
audit_redact(char *text, const char *const *redact)
{
	for (; redact != NULL && *redact != NULL; redact++) {
		size_t length, begin = 0, left;
		bool anywhere;
		const char *literal = redact_literal(*redact, &length, &anywhere);
		char *found = NULL;

		if (anywhere && redact_match(*redact, text))
			begin = redact_begin(*redact, text);
		else if (!anywhere && length > 2 && literal[length - 1] == '=')
			found = memmem(text, strlen(text), literal, length);
		if (found != NULL)
			begin = (size_t)(found - text) + length;
		left = begin > 0 ? strlen(text + begin) : 0;
		if (left > 4)
			left = 4;
		memset(text + begin, 'x', left);
		if (left > 0)
			text[begin + left] = '\0';
	}
}

static void
record_quoted(struct audit_record *record, struct record_quote *quote)
{
	char sha256[SHA256_DIGEST_STRING_LENGTH];
	bool cut = quote->length > quote->max;

	size_t length = cut ? quote->max : quote->length;

	record_our_field(record, "COMMAND", "", quote->text, length);
	record->command_length = length;
	record->command = record->length - length - 1;
	if (!cut)
		return;
	SHA256End(&quote->hash, sha256);
	record_our_number(record, "COMMAND", "_LENGTH", quote->length);
	record_our_field(record, "COMMAND", "_SHA256", sha256, strlen(sha256));
}

void
audit_record_command(
    struct audit_record *record, const char *const *argv, size_t max, const char *const *redact)
{
	struct record_quote quote = {.text = malloc(max), .max = max};
	uint64_t hidden = 0;
	bool next = false;

	if (quote.text == NULL || argv == NULL) {
		record->failed |= quote.text == NULL;
		free(quote.text);
		return;
	}
	SHA256Init(&quote.hash);
	for (size_t i = 0; argv[i] != NULL; i++) {
		bool redacted;
		size_t kept = redact_kept(redact, argv[i], &redacted);

		/* What begins with '-' is another option rather than a value. */
		if (next && argv[i][0] != '-') {
			redacted = true;
			kept = 0;
		}
		next = redact_next(redact, argv[i]);
		if (i > 0)
			quote_add(&quote, " ", 1);
		quote_argument(&quote, argv[i], kept, i == 0, redacted ? "xxxx" : "");
		hidden += redacted;
	}
	record_quoted(record, &quote);
	if (hidden > 0)
		audit_record_number(record, "REDACTED", hidden);
	free(quote.text);
}

const char *
audit_record_command_text(const struct audit_record *record, int *length)
{
	*length = record->failed ? 0 : (int)record->command_length;
	return *length == 0 ? "" : record->data + record->command;
}

/* --- the message ----------------------------------------------------------------------------------- */

/* One character of text made printable, at most 16 bytes, into out; returns the bytes of text it took. */
static size_t
message_character(const unsigned char *text, size_t length, char out[17])
{
	uint32_t code = 0;
	size_t taken = utf8_decode(text, length, &code), written = 0;

	if (taken > 0 && utf8_printable(code)) {
		memcpy(out, text, taken);
		out[taken] = '\0';
		return taken;
	}
	if (taken == 0)
		taken = 1;
	for (size_t i = 0; i < taken; i++)
		written += (size_t)snprintf(out + written, 17 - written, "#%03o", text[i]);
	return taken;
}

static void
record_message(struct audit_record *record, const unsigned char *text, size_t length)
{
	char piece[17];
	size_t start = record->length;

	record_append(record, "MESSAGE=", 8);
	for (size_t at = 0; at < length;) {
		/* The fields hold everything; this line is for people and stays within the budget. */
		if (record->length - start > AUDIT_FIELD_MAX) {
			record_append(record, "...\n", 4);
			record_our_number(record, "MESSAGE", "_LENGTH", length);
			return;
		}
		at += message_character(text + at, length - at, piece);
		record_append(record, piece, strlen(piece));
		if (record->failed)
			return;
	}
	record_append(record, "\n", 1);
}

void
audit_record_message(struct audit_record *record, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		record->failed = true;
		return;
	}
	record_message(record, (const unsigned char *)text, (size_t)length);
	free(text);
}
