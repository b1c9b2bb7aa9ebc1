/*
 * One file, line by line, through inih. The only file that calls it.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: prepass.c. Distrusts: inih's reading of a line: what it hands on must be, byte for byte,
 * what prepass.c saw, exactly once a line, or the policy is refused. So a library built with other
 * options (other limits, other comments) can refuse a launch, but never change a meaning.
 * On error: -1, and the rest of the file is read for what else is wrong with it.
 *
 * inih gets the lines with keys, one by one, until the rule's users turn out to be others, which one
 * plain name is at once: what such a rule says is held to the same syntax, by the same functions,
 * but means nothing to this caller, whoever reads it. (inih takes 0.15 us a line, as long as
 * everything else together.)
 * Files that were read so, and were in order, are not held to it again while they are the same: what
 * is surely others' is passed over up to the next section, and no section is looked for twice.
 * Nothing of the file stays in memory but what section.c keeps, and at its first reading 12 bytes a
 * section.
 */
#include "policy/parse.h"
#include "policy/prepass.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

#define PARSE_BUFFER 65536 /* bytes of the file at a time; no line is longer */

/* The sections of this file that were seen: a table of hashes, open, at most seven eighths full. */
struct parse_heads {
	uint64_t *hashes; /* 0: free */
	unsigned *lines;
	size_t count, room;
};

struct parse {
	struct section *section;
	parse_reader *read;
	void *context;
	struct parse_heads heads;
	struct prepass prepass;
	bool waiting; /* a value is with inih and has not come back */
	bool failed;
	bool lost; /* inih reads something else than we do: there is no going on */
	bool at_end, in_long_line;
	size_t at, have;
	char data[PARSE_BUFFER + 1];
};

/* --- sections that stand twice ----------------------------------------------------------------- */

static uint64_t
parse_hash(const char *text, size_t length)
{
	uint64_t hash = 14695981039346656037U;

	for (; length > 0; length--)
		hash = (hash ^ (unsigned char)*text++) * 1099511628211U;
	return hash != 0 ? hash : 1;
}

/* Where the hash is or belongs. */
static size_t
parse_slot(const struct parse_heads *heads, uint64_t hash)
{
	size_t at = (size_t)(hash ^ hash >> 32) & (heads->room - 1);

	while (heads->hashes[at] != 0 && heads->hashes[at] != hash)
		at = (at + 1) & (heads->room - 1);
	return at;
}

static int
parse_grow_heads(struct parse_heads *heads)
{
	struct parse_heads larger = {.room = heads->room != 0 ? 2 * heads->room : 64};
	size_t i, at;

	larger.hashes = calloc(larger.room, sizeof(*larger.hashes));
	larger.lines = calloc(larger.room, sizeof(*larger.lines));
	if (larger.hashes == NULL || larger.lines == NULL) {
		free(larger.hashes);
		free(larger.lines);
		return -1;
	}
	for (i = 0; i < heads->room; i++)
		if (heads->hashes[i] != 0) {
			at = parse_slot(&larger, heads->hashes[i]);
			larger.hashes[at] = heads->hashes[i];
			larger.lines[at] = heads->lines[i];
		}
	larger.count = heads->count;
	free(heads->hashes);
	free(heads->lines);
	*heads = larger;
	return 0;
}

/*
 * One section twice in a file is a slip of the hand (in two files it is two owners). Two names with
 * one hash of 64 bits would be told so too: once in 10^9 files of 100,000 rules.
 */
static int
parse_add_head(struct parse *parse)
{
	const struct prepass *seen = &parse->prepass;
	struct parse_heads *heads = &parse->heads;
	uint64_t hash = parse_hash(seen->text, seen->length);
	size_t at;

	if (8 * heads->count >= 7 * heads->room && parse_grow_heads(heads) != 0)
		return place_error(&parse->section->place, 0, "out of memory");
	at = parse_slot(heads, hash);
	if (heads->hashes[at] != 0)
		return place_error(&parse->section->place, 1, "[%.*s] stands on line %u already",
		    (int)seen->length, seen->text, heads->lines[at]);
	heads->hashes[at] = hash;
	heads->lines[at] = parse->section->place.line;
	heads->count++;
	return 0;
}

/* --- lines ------------------------------------------------------------------------------------- */

/* More of the file behind what is left of it. False: there is no more, or it cannot be read. */
static bool
parse_fill(struct parse *parse)
{
	ssize_t got;

	memmove(parse->data, parse->data + parse->at, parse->have - parse->at);
	parse->have -= parse->at;
	parse->at = 0;
	if (parse->at_end || parse->have == PARSE_BUFFER)
		return false;
	got = parse->read(parse->context, parse->data + parse->have, PARSE_BUFFER - parse->have);
	parse->failed = parse->failed || got < 0;
	parse->at_end = got <= 0;
	parse->have += got > 0 ? (size_t)got : 0;
	parse->prepass.clean = prepass_is_clean(parse->data, parse->have);
	return got > 0;
}

/* The next line, or NULL at the end. *ended: by a newline, which is not of its length. */
static char *
parse_next(struct parse *parse, size_t *length, bool *ended)
{
	char *line, *end;

	for (;;) {
		do {
			line = parse->data + parse->at;
			end = memchr(line, '\n', parse->have - parse->at);
		} while (end == NULL && parse_fill(parse));
		line = parse->data + parse->at;
		*ended = end != NULL;
		*length = end != NULL ? (size_t)(end - line) : parse->have - parse->at;
		if (end == NULL && *length == 0)
			return NULL;
		parse->at += *length + *ended;
		if (!parse->in_long_line)
			break;
		/* The rest of a line that was told to be too long. */
		parse->in_long_line = !*ended;
	}
	parse->in_long_line = !*ended && !parse->at_end;
	return line;
}

/* A wrong line is none. Where a section was to begin, what follows does not belong to the last one. */
static void
parse_wrong(struct parse *parse, bool head)
{
	struct section *section = parse->section;

	parse->failed = true;
	if (head && parse->prepass.kind == PREPASS_NONE)
		section_end(section);
	parse->prepass.kind = PREPASS_NONE;
	section->bad = section->torn = true;
}

static void
parse_lose(struct parse *parse)
{
	place_error(&parse->section->place, 0, "read two ways; cannot be trusted");
	parse->failed = parse->lost = true;
}

/* Sections are begun and ended here: inih says nothing about an empty one. */
static int
parse_section(struct parse *parse)
{
	struct section *section = parse->section;
	unsigned line = section->place.line;

	if (section_end(section) != 0)
		parse->failed = true;
	section->place.line = line;
	if (section_begin(section, parse->prepass.text, parse->prepass.length) != 0)
		return -1;
	return section->known ? 0 : parse_add_head(parse);
}

static void
parse_key(struct parse *parse, const char *key, const char *value)
{
	const struct prepass *seen = &parse->prepass;

	if (section_key(parse->section, key, value, seen->column, seen->kind == PREPASS_MORE) != 0)
		parse->failed = true;
}

/* Does the list of the line just read end with it? Comments may stand between lines of one. */
static bool
parse_list_ends(const struct parse *parse)
{
	return parse->at < parse->have && strchr(" \t#", parse->data[parse->at]) == NULL;
}

/* Checks the next line and does what can be done without inih. 1: inih must see it; 0: not; -1: end. */
static int
parse_step(struct parse *parse, size_t longest, const char **line, size_t *length)
{
	struct prepass *seen = &parse->prepass;
	char *text;
	bool ended;

	text = parse_next(parse, length, &ended);
	if (text == NULL)
		return -1;
	*line = text;
	parse->section->place.line++;
	if (section_is_passed_over(parse->section) && ended && text[0] != '[')
		return 0;
	if (prepass_line(seen, text, *length, longest, &parse->section->place) != 0 ||
	    (!ended && place_error(&parse->section->place, 0,
	                   "the last line does not end: cut short?") != 0) ||
	    (seen->kind == PREPASS_SECTION && parse_section(parse) != 0))
		parse_wrong(parse, *length > 0 && text[0] == '[');
	if (seen->kind != PREPASS_KEY && seen->kind != PREPASS_MORE)
		return 0;
	if (seen->kind == PREPASS_KEY && strcmp(seen->key, "users") == 0 &&
	    parse_list_ends(parse) &&
	    section_is_others_name(parse->section, seen->text, seen->length))
		return 0;
	if (!section_is_others(parse->section, seen->kind == PREPASS_MORE))
		return 1;
	text[(size_t)(seen->text - text) + seen->length] = '\0';
	parse_key(parse, seen->key, seen->text);
	return 0;
}

/* inih's fgets: the next line it must see. NULL at the end. */
static char *
parse_line(char *buffer, int size, void *context)
{
	struct parse *parse = context;
	const char *line;
	size_t length, longest;
	int step = 0;

	if (parse->waiting || size < 3)
		parse_lose(parse);
	longest = size - 2 < PREPASS_LINE_MAX ? (size_t)size - 2 : PREPASS_LINE_MAX;
	while (!parse->lost && step == 0)
		step = parse_step(parse, longest, &line, &length);
	if (step != 1)
		return NULL;
	parse->waiting = true;
	memcpy(buffer, line, length);
	memcpy(buffer + length, "\n", 2);
	return buffer;
}

static bool
parse_same(const char *text, const char *seen, size_t length)
{
	return strlen(text) == length && memcmp(text, seen, length) == 0;
}

static int
parse_value(void *context, const char *section, const char *key, const char *value)
{
	struct parse *parse = context;
	const struct prepass *seen = &parse->prepass;

	(void)section;
	if (parse->lost)
		return 0;
	if (!parse->waiting || key == NULL || value == NULL || strcmp(key, seen->key) != 0 ||
	    !parse_same(value, seen->text, seen->length))
		parse_lose(parse);
	else if (section_key(
	             parse->section, key, value, seen->column, seen->kind == PREPASS_MORE) != 0)
		parse->failed = true;
	parse->waiting = false;
	return !parse->lost;
}

int
parse_file(struct section *section, bool is_main, parse_reader *read, void *context)
{
	/* On the heap: too much for the stack of whoever asks. Once for all files: it is a mapping of its own. */
	struct parse *parse = section->parse != NULL ? section->parse : malloc(sizeof(*parse));
	int result;

	section->place.line = 0;
	section->in_main = is_main;
	if (parse == NULL)
		return place_error(&section->place, 0, "out of memory");
	section->parse = memset(parse, 0, offsetof(struct parse, data));
	parse->section = section;
	parse->read = read;
	parse->context = context;
	result = ini_parse_stream(parse_line, parse, parse_value, parse);
	if (!parse->failed && (result != 0 || !parse->at_end))
		parse->failed = place_error(&section->place, 0, "not understood") != 0;
	if (section_end(section) != 0)
		parse->failed = true;
	result = parse->failed ? -1 : 0;
	free(parse->heads.hashes);
	free(parse->heads.lines);
	return result;
}
