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

#define WORDS_BLANK " \t"

/* Copies one word and returns where it ends. */
static const char *
words_one(const char *at, char *to, bool *was_quoted)
{
	bool quoted = false;

	for (; *at != '\0' && (quoted || strchr(WORDS_BLANK, *at) == NULL); at++) {
		if (*at == '"') {
			quoted = !quoted;
			*was_quoted = true;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
	return at;
}

long
words_split(struct arena *arena, const char *value, unsigned column, struct word **words)
{
	size_t length = strlen(value);
	struct word *list = arena_alloc(arena, (length / 2 + 1) * sizeof(*list));
	/* Every word with its NUL is no longer than it was with the blank behind it. */
	char *text = arena_alloc(arena, length + 1);
	const char *at = value;
	long count = 0;

	if (list == NULL || text == NULL)
		return -1;
	while (*(at += strspn(at, WORDS_BLANK)) != '\0') {
		list[count].text = text;
		list[count].column = column + (unsigned)(at - value);
		at = words_one(at, text, &list[count].quoted);
		text += strlen(text) + 1;
		count++;
	}
	*words = list;
	return count;
}
