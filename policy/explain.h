/*
 * Why: the same comparisons as a decision, one by one, for `boxdo explain`. Not in the helper.
 */
#ifndef BOXDO_POLICY_EXPLAIN_H
#define BOXDO_POLICY_EXPLAIN_H

#include "policy/policy.h"

#define EXPLAIN_KEYS_MAX 9
#define EXPLAIN_WHY_MAX 512

/* One key that a rule names. */
struct explain_key {
	const char *key; /* "users"; "hours" stands for all that is about time */
	bool matches;
	char why[EXPLAIN_WHY_MAX]; /* "'%ml' means alice"; printable */
};

struct explain_rule {
	const char *kind, *name, *file; /* "deny" */
	unsigned line;
	struct explain_key keys[EXPLAIN_KEYS_MAX];
	size_t key_count;
	bool matches; /* every key does; of an allow: it is about this image, command and account */
	size_t
	    missing; /* of an allow that matches: how much of what was asked for it does not grant, */
	char lacks[POLICY_TEXT_MAX]; /* and the first of it */
	bool decides;
};

/*
 * Tells each rule of everybody's, denies first, then allows, then grants, each in reading order. view
 * is set_view's for the caller, question what policy_decide was asked about it.
 */
void
explain_rules(const struct policy *everybodys, const struct policy *view,
    const struct policy_lookup *lookup, const struct policy_question *question,
    void (*each)(void *context, const struct explain_rule *rule), void *context);

/*
 * Tells each rule whose duties (a password, a limit) are stricter than the decision's and that the
 * request did not reach because of its shape: another command, another account, another name of the
 * same image. One line each.
 */
void
explain_laxer(const struct policy *view, const struct policy_question *question,
    const struct policy_decision *decision, void (*each)(void *context, const char *line),
    void *context);

#endif
