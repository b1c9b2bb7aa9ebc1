/*
 * One file, line by line, through inih. The only file that calls it.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: prepass.c. Distrusts: inih's reading of a line: what it hands on must be, byte for byte,
 * what prepass.c saw, exactly once a line, or the policy is refused. So a library built with other
 * options (other limits, other comments) can refuse a launch, but never change a meaning.
 * On error: -1 with the first one; the rest of the file is not read.
 */
#include "policy/parse.h"
#include "policy/prepass.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

/* A section's header in the file. */
struct parse_head {
	const char *text;
	size_t length;
	unsigned line;
};

struct parse {
	struct section *section;
	const char *data;
	size_t size, at;
	struct prepass prepass;
	struct parse_head *heads; /* given back at the end of the file */
	size_t head_count, head_room;
	bool waiting; /* a value is with inih and has not come back */
	bool failed;
};

static int
parse_add_head(struct parse *parse)
{
	struct parse_head *heads = parse->heads;
	size_t room = parse->head_room != 0 ? 2 * parse->head_room : 16;

	if (parse->head_count == parse->head_room) {
		heads = reallocarray(heads, room, sizeof(*heads));
		if (heads == NULL)
			return place_error(&parse->section->place, 0, "out of memory");
		parse->heads = heads;
		parse->head_room = room;
	}
	heads[parse->head_count++] = (struct parse_head){
	    parse->prepass.text, parse->prepass.length, parse->section->place.line};
	return 0;
}

static int
parse_by_head(const void *a, const void *b)
{
	const struct parse_head *x = a, *y = b;
	int order = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);

	if (order != 0)
		return order;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return x->line < y->line ? -1 : 1;
}

/* One section twice in a file is a slip of the hand (in two files it is two owners). */
static int
parse_check_heads(struct parse *parse)
{
	const struct parse_head *head = parse->heads;
	struct place *place = &parse->section->place;
	size_t i;

	if (parse->head_count < 2)
		return 0;
	qsort(parse->heads, parse->head_count, sizeof(*head), parse_by_head);
	for (i = 1; i < parse->head_count; i++)
		if (head[i - 1].length == head[i].length &&
		    memcmp(head[i - 1].text, head[i].text, head[i].length) == 0) {
			place->line = head[i].line;
			return place_error(place, 1, "[%.*s] stands on line %u already",
			    (int)head[i].length, head[i].text, head[i - 1].line);
		}
	return 0;
}

/* Line by line, sections are begun and ended here: inih says nothing about an empty one. */
static int
parse_seen(struct parse *parse)
{
	struct section *section = parse->section;
	unsigned line = section->place.line;
	int result;

	if (parse->prepass.kind != PREPASS_SECTION) {
		parse->waiting = parse->prepass.kind != PREPASS_NONE;
		return 0;
	}
	result = section_end(section);
	section->place.line = line;
	if (result != 0 || parse_add_head(parse) != 0)
		return -1;
	return section_begin(section, parse->prepass.text, parse->prepass.length);
}

/* inih's fgets: the next line, after it was checked. NULL at the end, and on the first error. */
static char *
parse_line(char *buffer, int size, void *context)
{
	struct parse *parse = context;
	struct place *place = &parse->section->place;
	const char *line = parse->data + parse->at, *end;
	size_t length;

	if (parse->waiting && !parse->failed)
		parse->failed = place_error(place, 0, "read two ways; cannot be trusted") != 0;
	if (parse->failed || parse->at == parse->size)
		return NULL;
	place->line++;
	end = memchr(line, '\n', parse->size - parse->at);
	length = end != NULL ? (size_t)(end - line) : parse->size - parse->at;
	parse->failed =
	    size < 3 || prepass_line(&parse->prepass, line, length, (size_t)size - 2, place) != 0 ||
	    (end == NULL && place_error(place, 0, "the last line does not end: cut short?") != 0) ||
	    parse_seen(parse) != 0;
	if (parse->failed)
		return NULL;
	parse->at += length + 1;
	memcpy(buffer, line, length + 1);
	buffer[length + 1] = '\0';
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
	if (parse->failed)
		return 0;
	if (!parse->waiting || key == NULL || value == NULL ||
	    !parse_same(key, seen->key, seen->key_length) ||
	    !parse_same(value, seen->text, seen->length))
		parse->failed =
		    place_error(&parse->section->place, 0, "read two ways; cannot be trusted") != 0;
	else
		parse->failed = section_key(parse->section, key, value, seen->column,
		                    seen->kind == PREPASS_MORE) != 0;
	parse->waiting = false;
	return parse->failed ? 0 : 1;
}

int
parse_file(struct section *section, const struct vet_file *file)
{
	struct parse parse = {.section = section, .data = file->data, .size = file->size};
	int result;

	section->place.line = 0;
	section->in_main = file->main;
	result = ini_parse_stream(parse_line, &parse, parse_value, &parse);
	if (parse.failed)
		result = -1;
	else if (result != 0 || parse.at != parse.size)
		result = place_error(&section->place, 0, "not understood");
	else if ((result = section_end(section)) == 0)
		result = parse_check_heads(&parse);
	free(parse.heads);
	return result;
}
