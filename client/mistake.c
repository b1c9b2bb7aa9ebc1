/*
 * A mistake in a policy and the line it stands on, the word underlined.
 *
 * Runs in: clients (`boxdo policy check`), never in the helper, which says the first in one line.
 * Trusts: policy/ for file, line and column. Distrusts: the line's bytes; they go to a terminal, and
 * the file may be anybody's draft.
 * On error: what can be shown is shown.
 */
#include "client/mistake.h"
#include "client/plain.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MISTAKE_WIDTH 72 /* bytes of a line shown; more of it stands for itself in an editor */

static bool
mistake_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The line's bytes, without its newline, the caller's to free; NULL: there is no such line. */
static char *
mistake_line(const struct policy_mistake *mistake, size_t *length)
{
	FILE *file = fopen(mistake->file, "re");
	unsigned number;
	char *line = NULL;
	size_t room = 0;
	ssize_t got = -1;

	if (file == NULL)
		return NULL;
	for (number = 0; number < mistake->line; number++)
		if ((got = getline(&line, &room, file)) < 0)
			break;
	fclose(file);
	if (got < 0) {
		free(line);
		return NULL;
	}
	*length = (size_t)got - (line[got - 1] == '\n');
	return line;
}

/* Where the word that begins at `at` ends; blanks in quotes belong to it, a '=' or '[' does not. */
static size_t
mistake_word_end(const char *line, size_t length, size_t at)
{
	size_t end = at + 1;
	bool quoted = at < length && line[at] == '"';

	/* A key, or a section's name. */
	if (at < length && line[at] == '[')
		while (end < length && line[end - 1] != ']')
			end++;
	else
		for (; end < length && (quoted || !mistake_blank(line[end])); end++) {
			if (at == 0 && line[end] == '=')
				break;
			quoted = quoted != (line[end] == '"');
		}
	return end;
}

/* Bytes from..to of the line as something a terminal can be shown. A tab is one column here. */
static void
mistake_put(FILE *out, const char *line, size_t from, size_t to)
{
	for (; from < to; from++) {
		char c = line[from];

		fputc(c == '\t' ? ' ' : plain_char(c), out);
	}
}

static void
mistake_underline(FILE *out, const struct policy_mistake *mistake, const char *line, size_t length)
{
	size_t at = mistake->column - 1, end, from, to;

	/* An error may stand right behind the line: something is missing there. */
	if (at > length)
		at = length;
	end = mistake_word_end(line, length, at);
	from = at > MISTAKE_WIDTH / 2 && length > MISTAKE_WIDTH ? at - MISTAKE_WIDTH / 2 : 0;
	to = length - from > MISTAKE_WIDTH ? from + MISTAKE_WIDTH : length;
	fprintf(out, "%5u | %s", mistake->line, from > 0 ? "..." : "");
	mistake_put(out, line, from, to);
	fprintf(out, "%s\n      | %*s^", to < length ? "..." : "",
	    (int)(at - from + (from > 0 ? 3 : 0)), "");
	for (at++; at < end && at < to; at++)
		fputc('~', out);
	fputc('\n', out);
}

static void
mistake_head(FILE *out, const struct policy_mistake *mistake)
{
	mistake_put(out, mistake->file, 0, strlen(mistake->file));
	if (mistake->line != 0)
		fprintf(out, ":%u", mistake->line);
	if (mistake->line != 0 && mistake->column != 0)
		fprintf(out, ":%u", mistake->column);
	fprintf(out, ": %s\n", mistake->text);
}

void
mistake_show(FILE *out, const struct policy_mistake *mistake)
{
	char *line = NULL;
	size_t length = 0;

	mistake_head(out, mistake);
	if (mistake->line != 0 && mistake->column != 0)
		line = mistake_line(mistake, &length);
	if (line != NULL)
		mistake_underline(out, mistake, line, length);
	free(line);
}

void
mistake_show_in(FILE *out, const struct policy_mistake *mistake, const char *data, size_t size)
{
	const char *end = data + size, *next;

	mistake_head(out, mistake);
	if (mistake->line == 0 || mistake->column == 0)
		return;
	for (unsigned number = 1; data < end; number++, data = next + 1) {
		next = memchr(data, '\n', (size_t)(end - data));
		next = next != NULL ? next : end;
		if (number == mistake->line) {
			mistake_underline(out, mistake, data, (size_t)(next - data));
			return;
		}
	}
}
