/* The users key: who is meant. */
#ifndef BOXDO_POLICY_USERS_H
#define BOXDO_POLICY_USERS_H

#include "policy/arena.h"
#include "policy/policy.h"
#include "policy/words.h"

#define USERS_BUCKETS 256 /* a power of two */

enum users_type { USERS_ANY, USERS_NAME, USERS_UID, USERS_GROUP, USERS_NETGROUP };

struct users_entry {
	enum users_type type;
	bool negated;
	const char *name;
	uid_t uid;
};

struct users {
	struct users_entry *entries;
	size_t count, room;
};

struct users_known;

/* What was looked up, so that each name is asked for once. */
struct users_cache {
	const struct policy_who *who;
	const struct policy_lookup *lookup;
	struct users_known *buckets[USERS_BUCKETS];
	const char *failed; /* the name whose look-up failed, and what it is */
	const char *failed_type;
};

/* Appends the entry word says. NULL, or what is wrong with it. */
const char *
users_read(struct users *users, struct arena *arena, const struct word *word);
bool
users_has_positive(const struct users *users);
/* Does a netgroup keep somebody out (by '!', or in a deny)? NSS cannot tell its outage from "no". */
bool
users_trusts_netgroup(const struct users *users, bool in_deny);
/* NULL, or what is wrong with a name (of an account, group or netgroup). */
const char *
users_name_problem(const char *name);
/*
 * Is this one plain name, of an account, that is not the caller's? No other reading of it is
 * possible: lower case letters, digits and '_', '.', '-' behind a letter.
 */
bool
users_is_other_name(const struct policy_who *who, const char *text, size_t length);
/* Is the caller surely not meant? Looks nothing up; false says nothing. */
bool
users_is_others(const struct users *users, const struct users_cache *cache, bool in_deny);
/*
 * Is the caller meant? Needs one entry that matches and no '!' entry that does. in_deny: a group
 * counts also when NSS alone gives it. 1, 0, or -1: a look-up failed (cache->failed).
 */
int
users_match(const struct users *users, struct users_cache *cache, bool in_deny);
void
users_forget(struct users_cache *cache);

#endif
