/*
 * The strict look at a line before inih gets it: whatever inih would cut, join or take for
 * something else is an error here, and what it is to hand on is noted, so that parse.c can compare.
 */
#ifndef BOXDO_POLICY_PREPASS_H
#define BOXDO_POLICY_PREPASS_H

#include "policy/place.h"

/* inih cuts section and key names behind this many bytes. */
#define PREPASS_NAME_MAX 49
/* And, as it is packaged, takes lines of this many: more would be handed on in pieces. */
#define PREPASS_LINE_MAX 198

enum prepass_kind { PREPASS_NONE, PREPASS_SECTION, PREPASS_KEY, PREPASS_MORE };

struct prepass {
	enum prepass_kind kind; /* of the line last checked; NONE: blank or comment */
	bool in_section;
	bool clean;        /* set by the caller, when prepass_is_clean says so of the line */
	bool may_continue; /* an indented line would go on with the last key */
	bool skip;         /* an indented line would go on with one that is wrong: NONE */
	const char *text;  /* the section's name, or the value */
	size_t length;
	unsigned column;                /* of text, from 1 */
	char key[PREPASS_NAME_MAX + 1]; /* of the value, also on a line that goes on with it */
};

/* Is there no control character among these, but newlines and tabs? Of many lines at a time. */
bool
prepass_is_clean(const char *bytes, size_t length);
/*
 * Checks one line of length bytes (without its newline), of which inih takes at most `longest`. The
 * text is where the line is. Returns 0, or -1 with the error.
 */
int
prepass_line(struct prepass *prepass, const char *line, size_t length, size_t longest,
    const struct place *place);

#endif
