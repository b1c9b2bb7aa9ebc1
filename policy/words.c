/*
 * A value split at blanks; "..." holds blanks together.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: prepass.c for quotes that end. Nothing escapes anything, so there is one way to read a
 * word.
 * On error: -1, no memory.
 */
#include "policy/words.h"

#include <string.h>

static bool
words_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Copies one word to *text, which is moved behind it, and returns where it ends. */
static const char *
words_one(const char *at, char **text, bool *was_quoted)
{
	bool quoted = false;
	char *to = *text;

	for (; *at != '\0' && (quoted || !words_blank(*at)); at++) {
		if (*at == '"') {
			quoted = !quoted;
			*was_quoted = true;
		} else {
			*to++ = *at;
		}
	}
	*to++ = '\0';
	*text = to;
	return at;
}

long
words_split(struct arena *arena, const char *value, unsigned column, struct word words[WORDS_MAX])
{
	/* Every word with its NUL is no longer than it was with the blank behind it. */
	char *text = arena_alloc(arena, strlen(value) + 1);
	const char *at = value;
	long count = 0;

	if (text == NULL)
		return -1;
	for (;;) {
		while (words_blank(*at))
			at++;
		if (*at == '\0')
			return count;
		if (count == WORDS_MAX)
			return -1;
		words[count] =
		    (struct word){.text = text, .column = column + (unsigned)(at - value)};
		at = words_one(at, &text, &words[count].quoted);
		count++;
	}
}
