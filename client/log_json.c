/*
 * Records as JSON, one object a line: every byte of every field comes out, and jq takes it.
 */
#include "client/log.h"

#include "audit/utf8.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* Every byte counts: what is no UTF-8 goes out whole, in base64. */
static void
json_bytes(const unsigned char *bytes, size_t length)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	fputs("{\"bytes\":\"", stdout);
	for (size_t at = 0; at < length; at += 3) {
		size_t left = length - at;
		unsigned group = (unsigned)bytes[at] << 16 |
		                 (left > 1 ? (unsigned)bytes[at + 1] << 8 : 0) |
		                 (left > 2 ? bytes[at + 2] : 0);

		putchar(digits[group >> 18]);
		putchar(digits[group >> 12 & 63]);
		putchar(left > 1 ? digits[group >> 6 & 63] : '=');
		putchar(left > 2 ? digits[group & 63] : '=');
	}
	fputs("\"}", stdout);
}

static void
json_character(uint32_t code, const unsigned char *bytes, size_t length)
{
	if (code == '"' || code == '\\')
		printf("\\%c", (char)code);
	else if (utf8_printable(code))
		fwrite(bytes, 1, length, stdout);
	else
		printf("\\u%04" PRIx32, code); /* none of these lies above U+FFFF */
}

static void
json_string(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t code = 0;
	size_t taken;

	for (size_t at = 0; at < length; at += taken) {
		taken = utf8_decode(bytes + at, length - at, &code);
		if (taken == 0) {
			json_bytes(bytes, length);
			return;
		}
	}
	putchar('"');
	for (size_t at = 0; at < length; at += taken) {
		taken = utf8_decode(bytes + at, length - at, &code);
		json_character(code, bytes + at, taken);
	}
	putchar('"');
}

/* Fields that are numbers, always: a reader need not convert them. */
static bool
json_is_number(const struct reader_field *field)
{
	static const char *const names[] = {"EXIT", "GID", "LOGINUID", "REDACTED", "SEQ", "SESSION",
	    "SIGNAL", "SUPPRESSED", "TIME", "UID"};
	static const char *const ends[] = {
	    "_LENGTH", "_LOGINUID", "_USEC", "_KIB", "_BYTES", "INIT_PID"};
	bool named = false;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		named |= strcmp(names[i], field->name) == 0;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t length = strlen(field->name), end = strlen(ends[i]);

		named |= length >= end && strcmp(field->name + length - end, ends[i]) == 0;
	}
	/* Plain decimal, no leading zero: what JSON takes. */
	return named && field->length > 0 && field->length < 20 &&
	       strspn(field->value, "0123456789") == field->length &&
	       (*field->value != '0' || field->length == 1);
}

static void
json_value(const struct reader_field *field)
{
	if (json_is_number(field))
		fwrite(field->value, 1, field->length, stdout);
	else
		json_string(field->value, field->length);
}

static void
json_name(const char *name)
{
	putchar('"');
	/* journald takes only A-Z, 0-9 and _ in a name; its own keep theirs. */
	for (const char *at = name; *at != '\0'; at++)
		putchar(*name != '_' && *at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
	fputs("\":", stdout);
}

static bool
json_shown(const struct log_options *options, const char *name)
{
	if (options->columns[0] == NULL)
		return *name != '_' || strcmp(name, "_PID") == 0 || strcmp(name, "_BOOT_ID") == 0;
	for (const char *const *column = options->columns; *column != NULL; column++)
		if (strcmp(*column, name) == 0)
			return true;
	return false;
}

/* All fields of that name, at its first; binds and devices are lists also when there is one. */
static void
json_field(const struct reader_entry *entry, size_t first)
{
	const char *name = entry->fields[first].name;
	bool list = strcmp(name, "BINDS") == 0 || strcmp(name, "DEVICES") == 0;

	for (size_t i = 0; i < entry->count; i++) {
		if (i == first || strcmp(entry->fields[i].name, name) != 0)
			continue;
		if (i < first)
			return;
		list = true;
	}
	putchar(',');
	json_name(name);
	if (list)
		putchar('[');
	json_value(&entry->fields[first]);
	for (size_t i = first + 1; i < entry->count; i++) {
		if (strcmp(entry->fields[i].name, name) == 0) {
			putchar(',');
			json_value(&entry->fields[i]);
		}
	}
	if (list)
		putchar(']');
}

void
log_json_row(
    struct reader *reader, const struct log_options *options, const struct reader_entry *entry)
{
	static const char *const states[] = {"ended", "running", "no end"};

	printf("{\"__REALTIME_TIMESTAMP\":\"%" PRIu64 "\"", entry->realtime);
	for (size_t i = 0; i < entry->count; i++)
		if (json_shown(options, entry->fields[i].name))
			json_field(entry, i);
	if (options->columns[0] == NULL && reader_entry_is(entry, "launch"))
		printf(",\"state\":\"%s\"", states[reader_state(reader, entry, NULL)]);
	puts("}");
}
