/* Where in the policy something stands, and the one way to say that it is wrong. */
#ifndef BOXDO_POLICY_PLACE_H
#define BOXDO_POLICY_PLACE_H

#include "policy/policy.h"

#include <stdarg.h>

struct place {
	const char *file;
	unsigned line;
	struct policy_error *error;
};

/*
 * Tells place->error that something is wrong here. The first is kept: "FILE:LINE:COLUMN: TEXT"; a
 * line or column of 0 is left out. Returns -1.
 */
int
place_error(const struct place *place, unsigned column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Makes text printable: whatever is not plain ASCII becomes '?'. */
void
place_clean(char *text);

#endif
