/* The keys a policy may use: where, how often, and how each is read. */
#ifndef BOXDO_POLICY_KEYS_H
#define BOXDO_POLICY_KEYS_H

#include "policy/section.h"

enum keys_shape {
	KEYS_ONE,  /* one word */
	KEYS_DATE, /* one or two words */
	KEYS_LIST, /* words; goes on on indented lines */
	KEYS_MANY  /* a list a line; the key may be repeated */
};

struct keys_key {
	const char *name;
	unsigned where; /* section kinds */
	enum keys_shape shape;
	/* Stores the words of one line. 0 or -1 with the error. */
	int (*read)(struct section *section, const struct word *words, size_t count);
};

/* The index of the key, or -1. */
int
keys_find(const char *name);
const struct keys_key *
keys_at(int index);

#endif
