/* A value split at blanks. */
#ifndef BOXDO_POLICY_WORDS_H
#define BOXDO_POLICY_WORDS_H

#include "policy/arena.h"

#include <stdbool.h>

/* Of one line: it has at most 198 bytes, and each word but the last a blank behind it. */
#define WORDS_MAX 100

struct word {
	char *text;      /* quotes taken off */
	unsigned column; /* in the file, from 1 */
	bool quoted;     /* some of it stood in quotes */
};

/*
 * Splits value, which prepass.c has seen (quotes end) and which stands at column. The texts are in
 * the arena. Returns how many, or -1: no memory, or more than a line can hold.
 */
long
words_split(struct arena *arena, const char *value, unsigned column, struct word words[WORDS_MAX]);

#endif
