/*
 * DIRECTORY: a child that asks NSS, because NSS loads modules and can hang. Real uid the caller's.
 * Every answer has a deadline; a look-up that fails is never taken for "not found".
 */
#ifndef BOXDO_DIRECTORY_H
#define BOXDO_DIRECTORY_H

#include <stddef.h>
#include <sys/types.h>

#include "broker/origin.h"

#define DIRECTORY_DEADLINE_MS 10000 /* for one look-up: an LDAP server may be far away */

struct directory {
	pid_t pid;
	int socket; /* -1: not running */
};

struct directory_user {
	char name[256];
	char home[4096];
	char shell[256];
	uid_t uid;
	gid_t gid;
};

/* Forks the child. Returns 0 or -1. */
int
directory_start(struct directory *directory, const struct origin *origin);
/* Asks it to end and reaps it. */
void
directory_stop(struct directory *directory);

/* Each returns 1 found, 0 no such entry, -1 the look-up failed. */
int
directory_user_question(
    struct directory *directory, uid_t uid); /* 0 or -1; the answer is the next call's */
int
directory_user(struct directory *directory, uid_t uid, struct directory_user *user);
int
directory_uid(struct directory *directory, const char *name, uid_t *uid);
int
directory_gid(struct directory *directory, const char *group, gid_t *gid);
/* The names of count groups, asked for all at once: take is called for each in order, name "" when it has none. */
int
directory_groups(struct directory *directory, const gid_t *gids, size_t count,
    void (*take)(void *context, gid_t gid, const char *name), void *context);
/* Is gid one of the groups NSS gives the user last asked for by directory_user? */
int
directory_member(struct directory *directory, gid_t gid);
int
directory_netgroup(struct directory *directory, const char *netgroup);

#endif
