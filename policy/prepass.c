/*
 * The strict look at every line.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: nothing but that root wrote the bytes; a slip of root's must be an error, not another
 * meaning. inih as packaged cuts a section name at 49 bytes, hands on a long line in pieces, takes
 * ':' for '=', joins indented lines to the key above (also over a blank line), ignores what follows
 * ']', and takes ';' for a comment, inside a value too (but not on an indented line).
 * On error: -1 with file, line and column. The next line can be looked at all the same; those that
 * would go on with a wrong one are passed over, so that one slip is one error.
 */
#include "policy/prepass.h"

#include <ctype.h>
#include <string.h>

/* What a byte may be part of. */
#define PREPASS_IS_KEY 1     /* a key's name */
#define PREPASS_IS_NAME 2    /* a section's name */
#define PREPASS_IS_SPECIAL 4 /* in a value: not only itself, or not everywhere */

static const unsigned char prepass_class[256] = {
    ['a' ... 'z'] = PREPASS_IS_KEY | PREPASS_IS_NAME,
    ['0' ... '9'] = PREPASS_IS_KEY | PREPASS_IS_NAME,
    ['_'] = PREPASS_IS_KEY | PREPASS_IS_NAME,
    ['A' ... 'Z'] = PREPASS_IS_NAME,
    [' '] = PREPASS_IS_NAME,
    ['.'] = PREPASS_IS_NAME,
    ['+'] = PREPASS_IS_NAME,
    [':'] = PREPASS_IS_NAME,
    ['@'] = PREPASS_IS_NAME,
    ['/'] = PREPASS_IS_NAME,
    ['-'] = PREPASS_IS_NAME,
    ['"'] = PREPASS_IS_SPECIAL,
    ['#'] = PREPASS_IS_SPECIAL,
    [';'] = PREPASS_IS_SPECIAL,
    ['\\'] = PREPASS_IS_SPECIAL,
    ['~' + 1 ... 255] = PREPASS_IS_SPECIAL,
};

static bool
prepass_is(char c, unsigned class)
{
	return (prepass_class[(unsigned char)c] & class) != 0;
}

static bool
prepass_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t
prepass_skip(const char *line, size_t length, size_t at)
{
	while (at < length && prepass_blank(line[at]))
		at++;
	return at;
}

/* Which byte is wrong, and how. */
static int
prepass_bad_byte(const char *line, size_t length, const struct place *place)
{
	size_t i;

	for (i = 0; i < length; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c == '\r')
			return place_error(place, (unsigned)i + 1,
			    "carriage return: save with Unix line ends (dos2unix)");
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return place_error(
			    place, (unsigned)i + 1, "control character (byte %u)", c);
	}
	return 0;
}

/* Every byte of every rule comes by here: sixteen at a time, then the rest. */
bool
prepass_is_clean(const char *bytes, size_t length)
{
	typedef unsigned char sixteen __attribute__((vector_size(16)));
	sixteen v, bad = {0};
	unsigned char any[sizeof(bad)] = {0}, sum = 0;
	size_t i;

	for (i = 0; i + sizeof(v) <= length; i += sizeof(v)) {
		memcpy(&v, bytes + i, sizeof(v));
		bad |= (sixteen)(((v < ' ') & (v != '\t') & (v != '\n')) | (v == 0x7f));
	}
	memcpy(any, &bad, sizeof(bad));
	for (; i < length; i++)
		sum |= (bytes[i] >= 0 && bytes[i] < ' ' && bytes[i] != '\t' && bytes[i] != '\n') ||
		       bytes[i] == 0x7f;
	for (i = 0; i < sizeof(any); i++)
		sum |= any[i];
	return sum == 0;
}

/* Bytes that are wrong anywhere, comments included. */
static int
prepass_bytes(
    const char *line, size_t length, size_t longest, bool clean, const struct place *place)
{
	if (place->line == 1 && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
		return place_error(place, 1, "starts with a byte order mark: save without BOM");
	if (length > longest)
		return place_error(place, (unsigned)longest + 1,
		    "line of %zu bytes, at most %zu: a list goes on on an indented line", length,
		    longest);
	return clean ? 0 : prepass_bad_byte(line, length, place);
}

static int
prepass_section(struct prepass *p, const char *line, size_t length, const struct place *place)
{
	size_t end, i;

	for (end = length; end > 0 && prepass_blank(line[end - 1]); end--)
		;
	for (i = 1; i < end && line[i] != ']'; i++)
		if (!prepass_is(line[i], PREPASS_IS_NAME))
			return place_error(place, (unsigned)i + 1,
			    "this does not belong in a section name: letters, digits and . _ + : @ "
			    "/ -");
	if (i == end)
		return place_error(place, (unsigned)end + 1, "']' is missing");
	if (i + 1 != end)
		return place_error(place, (unsigned)i + 2, "text after ']'");
	if (i - 1 > PREPASS_NAME_MAX)
		return place_error(place, PREPASS_NAME_MAX + 2, "section name longer than %d bytes",
		    PREPASS_NAME_MAX);
	p->kind = PREPASS_SECTION;
	p->text = line + 1;
	p->length = i - 1;
	p->column = 2;
	p->in_section = true;
	p->may_continue = false;
	return 0;
}

/* A '#' that begins a word must begin a uid, all digits; anything else was meant as a comment. */
static bool
prepass_is_uid(const char *line, size_t length, size_t at)
{
	size_t i;

	for (i = at + 1; i < length && isdigit((unsigned char)line[i]); i++)
		;
	return i > at + 1 && (i == length || prepass_blank(line[i]));
}

/* One byte of a value outside quotes. */
static int
prepass_plain(const char *line, size_t length, size_t i, bool first, const struct place *place)
{
	unsigned column = (unsigned)i + 1;

	if (line[i] == '\\')
		return place_error(place, column, "'\\' escapes nothing here: use \"...\" quotes");
	if ((unsigned char)line[i] > '~')
		return place_error(
		    place, column, "not plain ASCII: put it in \"...\" quotes if it is meant");
	if (first && line[i] == '#' && !prepass_is_uid(line, length, i))
		return place_error(
		    place, column, "'#' after a value: a comment has a line of its own");
	return 0;
}

/* Everything from start is the value. */
static int
prepass_value(
    struct prepass *p, const char *line, size_t length, size_t start, const struct place *place)
{
	size_t end, i, quote = 0;
	bool quoted = false;

	for (end = length; end > start && prepass_blank(line[end - 1]); end--)
		;
	/* Most values have none of these, and then there is nothing to look at byte by byte. */
	for (i = start; i < end && !prepass_is(line[i], PREPASS_IS_SPECIAL); i++)
		;
	for (i = i < end ? start : end; i < end; i++) {
		bool first = i == start || prepass_blank(line[i - 1]);

		if (first && line[i] == ';')
			return place_error(place, (unsigned)i + 1,
			    "';' would begin a comment: a comment begins with '#' on a line of its "
			    "own");
		if (line[i] == '"') {
			quoted = !quoted;
			quote = i;
		} else if (!quoted && prepass_plain(line, end, i, first, place) != 0) {
			return -1;
		}
	}
	if (quoted)
		return place_error(
		    place, (unsigned)quote + 1, "this quote does not end on its line");
	if (start == end)
		return place_error(place, (unsigned)start + 1, "'%s' says nothing", p->key);
	p->text = line + start;
	p->length = end - start;
	p->column = (unsigned)start + 1;
	p->may_continue = true;
	return 0;
}

static size_t
prepass_key_end(const char *line, size_t length, size_t at)
{
	while (at < length && prepass_is(line[at], PREPASS_IS_KEY))
		at++;
	return at;
}

static int
prepass_key(struct prepass *p, const char *line, size_t length, const struct place *place)
{
	size_t end, at;

	/* Copied byte by byte: so few are not worth a call of memcpy. */
	for (end = 0; end < length && prepass_is(line[end], PREPASS_IS_KEY); end++)
		if (end < PREPASS_NAME_MAX)
			p->key[end] = line[end];
	p->key[end < PREPASS_NAME_MAX ? end : PREPASS_NAME_MAX] = '\0';
	at = prepass_skip(line, length, end);
	if (!islower((unsigned char)line[0]))
		return place_error(
		    place, 1, "neither a [section], nor 'key = value', nor a # comment");
	if (at == length || line[at] != '=')
		return place_error(
		    place, (unsigned)at + 1, "'=' expected after the key '%.*s'", (int)end, line);
	if (end > PREPASS_NAME_MAX)
		return place_error(place, 1, "key longer than %d bytes", PREPASS_NAME_MAX);
	if (!p->in_section)
		return place_error(place, 1, "text before the first [section]");
	p->kind = PREPASS_KEY;
	return prepass_value(p, line, length, prepass_skip(line, length, at + 1), place);
}

/* An indented line goes on with the list above it; start is its first byte that is not blank. */
static int
prepass_more(
    struct prepass *p, const char *line, size_t length, size_t start, const struct place *place)
{
	size_t end = prepass_key_end(line, length, start);
	unsigned column = (unsigned)start + 1;

	if (!p->may_continue)
		return place_error(
		    place, column, "indented, but there is no list above to go on with");
	if (line[start] == '[')
		return place_error(place, column, "a [section] begins at the start of its line");
	end = end > start ? prepass_skip(line, length, end) : length;
	if (end < length && line[end] == '=')
		return place_error(place, column,
		    "a key begins at the start of its line (a word with '=' that is meant: "
		    "\"...\")");
	p->kind = PREPASS_MORE;
	return prepass_value(p, line, length, start, place);
}

static int
prepass_any(
    struct prepass *p, const char *line, size_t length, size_t longest, const struct place *place)
{
	size_t start = prepass_skip(line, length, 0);

	if (prepass_bytes(line, length, longest, p->clean, place) != 0)
		return -1;
	if (start == length) {
		p->may_continue = false;
		return 0;
	}
	if (line[start] == ';')
		return place_error(place, (unsigned)start + 1, "a comment begins with '#'");
	/*
	 * inih takes an indented "#1000" for a comment; the one who wrote it may have meant the
	 * uid.
	 */
	if (line[start] == '#' && start > 0 && prepass_is_uid(line, length, start))
		return place_error(place, (unsigned)start + 1,
		    "a line that begins with '#' is a comment: put the uid behind another word");
	if (line[start] == '#')
		return 0;
	if (start > 0)
		return p->skip ? 0 : prepass_more(p, line, length, start, place);
	p->skip = false;
	return line[0] == '[' ? prepass_section(p, line, length, place)
	                      : prepass_key(p, line, length, place);
}

int
prepass_line(
    struct prepass *p, const char *line, size_t length, size_t longest, const struct place *place)
{
	p->kind = PREPASS_NONE;
	if (prepass_any(p, line, length, longest, place) == 0)
		return 0;
	/* "Text before the first [section]" is said once. */
	p->in_section = true;
	if (length > 0 && line[0] != '#' && !prepass_blank(line[0]))
		p->may_continue = false;
	p->skip = !p->may_continue;
	return -1;
}
