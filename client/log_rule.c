/*
 * log_rule.c: a rule's text as it stood when it decided, out of the `policy` record with the launch's digest
 *
 * Runs as whoever reads the log. Distrusts: the record's text, which reaches the terminal by log_text alone.
 */
#include "client/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE_INDENT 11 /* as wide as a page's labels */

/* The line of text that begins at `from`; its length without the newline. NULL: no more. */
static const char *
rule_next_line(const char **from, const char *end, size_t *length)
{
	const char *line = *from, *newline;

	if (line >= end)
		return NULL;
	newline = memchr(line, '\n', (size_t)(end - line));
	*length = (size_t)((newline == NULL ? end : newline) - line);
	*from = newline == NULL ? end : newline + 1;
	return line;
}

/*
 * The section at line `number` of `file` in the policy's text: files follow one another, each behind a line
 * "# PATH". A comment may look like one; the section that is found must be the one named.
 */
static const char *
rule_find(
    const char *text, const char *end, const char *file, unsigned long number, const char *name)
{
	const char *at = text, *line;
	size_t length;

	while ((line = rule_next_line(&at, end, &length)) != NULL) {
		const char *inside = at, *section = NULL;

		if (length != strlen(file) + 2 || memcmp(line, "# ", 2) != 0 ||
		    memcmp(line + 2, file, length - 2) != 0)
			continue;
		for (unsigned long i = 0; i < number; i++)
			section = rule_next_line(&inside, end, &length);
		if (section != NULL && length >= strlen(name) + 2 && *section == '[' &&
		    memcmp(section + 1, name, strlen(name)) == 0 &&
		    section[1 + strlen(name)] == ']')
			return section;
	}
	return NULL;
}

/* Up to the next section or file; comments and blank lines before that belong to it. */
static void
rule_show(const struct log_screen *screen, const char *rule, const char *end)
{
	const char *at = rule, *line, *last = rule;
	size_t length;

	while ((line = rule_next_line(&at, end, &length)) != NULL) {
		if (line != rule && *line == '[')
			break;
		if (length > 0 && *line != '#')
			last = line;
	}
	at = rule;
	while ((line = rule_next_line(&at, end, &length)) != NULL && line <= last) {
		printf("%*s", RULE_INDENT + 2, "");
		log_text(screen, line, length, 0);
		putchar('\n');
	}
}

/* "allow ml (/etc/boxdo/policy.conf:14)" in its parts. false: it has none. */
static bool
rule_parts(const char *rule, char name[256], char file[1024], unsigned long *number)
{
	const char *place = strstr(rule, " ("), *colon = strrchr(rule, ':');

	if (place == NULL || colon == NULL || colon < place ||
	    snprintf(name, 256, "%.*s", (int)(place - rule), rule) >= 256 ||
	    snprintf(file, 1024, "%.*s", (int)(colon - place - 2), place + 2) >= 1024)
		return false;
	*number = strtoul(colon + 1, NULL, 10);
	return *number > 0 && *number < 1000000;
}

void
log_rule(struct reader *reader, const struct log_screen *screen, const struct reader_entry *entry,
    const char *rule)
{
	char pair[128], name[256], file[1024];
	struct reader_entry policy;
	const struct reader_field *text;
	const char *found = NULL;
	unsigned long number;

	snprintf(
	    pair, sizeof pair, "BOXDO_POLICY_SHA256=%s", reader_entry_text(entry, "POLICY_SHA256"));
	if (!rule_parts(rule, name, file, &number))
		return;
	if (reader_find(reader, pair, "policy", &policy) == 0) {
		printf(
		    "%*s(its text is not on record here: the policy's record is older than what is "
		    "kept)\n",
		    RULE_INDENT, "");
		return;
	}
	text = reader_entry_get(&policy, "POLICY_TEXT");
	if (text != NULL)
		found = rule_find(text->value, text->value + text->length, file, number, name);
	if (found != NULL)
		rule_show(screen, found, text->value + text->length);
	reader_entry_free(&policy);
}
