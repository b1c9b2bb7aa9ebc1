/* What one allow, with the grants that go with it, would give for a question. */
#ifndef BOXDO_POLICY_OFFER_H
#define BOXDO_POLICY_OFFER_H

#include "policy/rule.h"

struct offer {
	const struct policy *policy;
	const struct policy_question *question;
	const struct rule *allow;
};

/* How many things asked for are not granted; 0: the question is covered. */
size_t
offer_missing(const struct offer *offer);
/* One line about the first of them: what was asked for, which rule came nearest, what it grants. */
void
offer_explain(const struct offer *offer, char *text, size_t size);
/* Fills mounts, sorted. 0, or -1 with decision->reason. */
int
offer_mounts(const struct offer *offer, struct policy_decision *decision);
/* The mounts asked for, granted or not: what a deny is held against when no allow decides. */
int
offer_mounts_asked(const struct policy_question *question, struct policy_decision *decision);
/* "host" or "none". */
const char *
offer_network(const struct offer *offer);
/* Bytes a writable root may hold, the most that a rule in force grants; 0: none is granted. */
uint64_t
offer_scratch(const struct offer *offer);
/* The environment the rules in force narrow to, into policy->env; NULL: not narrowed. */
const char *const *
offer_env(const struct offer *offer);
/*
 * The opened path an entry of binds means; NULL: nothing. In a deny: as written where not opened.
 */
const char *
offer_source(const struct policy_question *question, const struct rule_bind *bind);

#endif
