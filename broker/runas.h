/* Whom the command runs as: the caller, or with -u the account a rule may name (run_as). */
#ifndef BOXDO_RUNAS_H
#define BOXDO_RUNAS_H

#include "broker/directory.h"
#include "broker/origin.h"

struct runas {
	bool found; /* what -u names was looked up */
	struct identity is;
	struct directory_user user;
};

struct launch;

/* The caller is known: until something else is said the command is theirs. */
void
runas_caller(struct launch *launch);
/*
 * Looks up what -u names. Fails the launch when that is no account, is root, comes with a group that is
 * not the account's own, or cannot be looked up. OPENER is that account from then on.
 */
void
runas_find(struct launch *launch);
/* For records: the account; before it is known, as typed. */
const char *
runas_name(const struct launch *launch);
/* Is it the account of this name (NULL: the caller)? */
bool
runas_is(const struct runas *as, const char *name);

#endif
