/*
 * Accounts and groups: root's files, and behind them DIRECTORY, a process that asks NSS, because NSS loads
 * modules and can hang. Real uid the caller's.
 * Every answer has a deadline; a look-up that fails is never taken for "not found".
 */
#ifndef BOXDO_DIRECTORY_H
#define BOXDO_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "broker/origin.h"

#define DIRECTORY_GROUPS_MAX 65536  /* of one account */
#define DIRECTORY_DEADLINE_MS 10000 /* for one look-up: an LDAP server may be far away */

/* Questions; the answer has the same kind, and value 1 found, 0 not, -1 failed. */
enum directory_kind {
	DIRECTORY_USER = 0x44495201,
	DIRECTORY_UID,
	DIRECTORY_GID,
	DIRECTORY_GROUP,
	DIRECTORY_MEMBER,
	DIRECTORY_NETGROUP,
	DIRECTORY_NAME,  /* an account by name, value 1: by number */
	DIRECTORY_GROUPS /* groups of the account last named, from index value on; none: no more */
};

struct directory {
	const struct origin *origin;
	pid_t pid;   /* 0: not started yet */
	int socket;  /* -1: not running */
	bool failed; /* it was started, and is gone: what it did not answer stays unanswered */
	bool user_files, group_files; /* /etc/passwd, /etc/group come first */
	bool known_by_files;          /* the caller stands in /etc/passwd */
};

struct directory_user {
	char name[256];
	char home[4096];
	char shell[256];
	uid_t uid;
	gid_t gid;
};

/* Nothing is started yet. */
void
directory_prepare(struct directory *directory, const struct origin *origin);
/* Asks it to end and reaps it. */
void
directory_stop(struct directory *directory);

/* Each returns 1 found, 0 no such entry, -1 the look-up failed. */
/* 0 or -1; the answer, for the same user, is the next call's. */
int
directory_user_question(struct directory *directory, uid_t uid, struct directory_user *user);
int
directory_user(struct directory *directory, uid_t uid, struct directory_user *user);
/*
 * The account a name means (uid NULL) or a number, as the directory calls that number, and its groups as
 * initgroups(3) would give them, owned by the caller of this.
 */
int
directory_account(struct directory *directory, const char *name, const uid_t *uid,
    struct directory_user *user, gid_t **groups, size_t *count);
int
directory_uid(struct directory *directory, const char *name, uid_t *uid);
int
directory_gid(struct directory *directory, const char *group, gid_t *gid);
/* The names of count groups: take is called for each in order, name "" when it has none. */
int
directory_groups(struct directory *directory, const gid_t *gids, size_t count,
    void (*take)(void *context, gid_t gid, const char *name), void *context);
/* Is gid one of the groups NSS gives the user last asked for by directory_user? */
int
directory_member(struct directory *directory, gid_t gid);
int
directory_netgroup(struct directory *directory, const char *netgroup);

#endif
