/* The comparisons a decision is made of, one a key: explain.c shows each of them. */
#ifndef BOXDO_POLICY_DECIDE_H
#define BOXDO_POLICY_DECIDE_H

#include "policy/offer.h"

/* What was learnt on the way to the rule that decides. */
struct decide {
	struct offer offer;         /* allow: the rule that decides, or NULL */
	const struct rule *nearest; /* matched, but did not cover; the fewest things missing */
	size_t nearest_missing;
	const struct rule *other;    /* about the image, but not about this command or account */
	const struct rule *narrowed; /* the first passed over that narrows the environment */
	uint64_t scratch;            /* the least that one passed over grants; 0: none does */
};

/*
 * Before denies are asked: the allow, what the container would get by it (or, without one, what was
 * asked for), duties. *network NULL: not known. False: something hinders the mounts, d->reason.
 */
bool
decide_offer(struct decide *decide, struct policy_decision *d, const char **network);

/* The account asked for, or NULL: the caller, named or not. */
const char *
decide_run_as(const struct policy *policy, const struct policy_question *question);
bool
decide_command(const struct rule *rule, const struct policy_question *question);

/* Of a deny that names the key, against what the container would get. */
/* Both as opened and as written: a deny must not depend on what the caller can open. */
bool
decide_deny_binds(const struct rule *rule, const struct policy_question *question,
    const struct policy_decision *decision);
/* Devices asked for, and those a bind of /dev or of something in it brings along. */
bool
decide_deny_devices(const struct rule *rule, const struct policy_question *question,
    const struct policy_decision *decision);
/* network: NULL: not known, for no allow decides. */
bool
decide_deny_network(const struct rule *rule, const char *network);

#endif
