/* What one allow, with the grants that go with it, would give for a question. */
#ifndef BOXDO_POLICY_PLAN_H
#define BOXDO_POLICY_PLAN_H

#include "policy/rule.h"

struct plan {
	const struct policy *policy;
	const struct policy_question *question;
	const struct rule *allow;
};

/* How many things asked for are not granted; 0: the question is covered. */
size_t
plan_missing(const struct plan *plan);
/* One line about the first of them: what was asked for, which rule came nearest, what it grants. */
void
plan_explain(const struct plan *plan, char *text, size_t size);
/* Fills mounts, sorted. 0, or -1 with decision->reason. */
int
plan_mounts(const struct plan *plan, struct policy_decision *decision);
/* The mounts asked for, granted or not: what a deny is held against when no allow decides. */
int
plan_mounts_asked(const struct policy_question *question, struct policy_decision *decision);
/* "host" or "none". */
const char *
plan_network(const struct plan *plan);
/* The environment the rules in force narrow to, into policy->env; NULL: not narrowed. */
const char *const *
plan_env(const struct plan *plan);
/* The opened path an entry of binds means; NULL: nothing. In a deny: as written where not opened. */
const char *
plan_source(const struct policy_question *question, const struct rule_bind *bind);

#endif
