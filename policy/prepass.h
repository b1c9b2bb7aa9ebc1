/*
 * The strict look at a line before inih gets it: whatever inih would cut, join or take for
 * something else is an error here, and what it is to hand on is noted, so that parse.c can compare.
 */
#ifndef BOXDO_POLICY_PREPASS_H
#define BOXDO_POLICY_PREPASS_H

#include "policy/place.h"

/* inih cuts section and key names behind this many bytes. */
#define PREPASS_NAME_MAX 49

enum prepass_kind { PREPASS_NONE, PREPASS_SECTION, PREPASS_KEY, PREPASS_MORE };

struct prepass {
	enum prepass_kind kind; /* of the line last checked; NONE: blank or comment */
	bool in_section;
	bool may_continue; /* an indented line would go on with the last key */
	const char *text;  /* the section's name, or the value */
	size_t length;
	unsigned column; /* of text, from 1 */
	const char *key; /* of the value, also on a line that goes on with it */
	size_t key_length;
};

/*
 * Checks one line of length bytes (without its newline), of which inih takes at most `longest`. The
 * strings stay where the line is: the file must stay in memory. Returns 0, or -1 with the error.
 */
int
prepass_line(struct prepass *prepass, const char *line, size_t length, size_t longest,
    const struct place *place);

#endif
