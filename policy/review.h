/*
 * What is legal in a policy and yet hardly what its author meant: `boxdo policy check`. Looks at the
 * rules alone, not at the system. Not in the helper.
 */
#ifndef BOXDO_POLICY_REVIEW_H
#define BOXDO_POLICY_REVIEW_H

#include "policy/policy.h"

struct review_finding {
	const char *id; /* "shadowed"; API of --json */
	const char *file;
	unsigned line;    /* of the section */
	const char *key;  /* the key it is about; NULL: the section */
	const char *word; /* the word of that key; NULL: all of it */
	const char *text, *why;
};

struct review {
	/* Is the account in the group? NULL: nobody can be asked. */
	bool (*member)(void *context, const char *user, const char *group);
	void (*each)(void *context, const struct review_finding *finding);
	void *context;
	time_t now;
};

/* Tells each finding about everybody's rules (set_policy), rule by rule. */
void
review_rules(const struct policy *everybodys, const struct review *review);

#endif
