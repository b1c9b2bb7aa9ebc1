/*
 * Accounts and groups out of root's own files, where /etc/nsswitch.conf asks those first: what they know
 * needs no module of NSS, and no process for it. What they do not know DIRECTORY is asked for.
 */
#ifndef BOXDO_ACCOUNTS_H
#define BOXDO_ACCOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

#define ACCOUNTS_NAME_MAX 256

struct directory_user;

/* Are users, are groups looked up in root's files first, and does what is found there stand? */
void
accounts_first(bool *users, bool *groups);

/* Each returns 1 found, 0 not, or not readable. */
int
accounts_user(uid_t uid, struct directory_user *user);
int
accounts_uid(const char *name, uid_t *uid);
int
accounts_gid(const char *name, gid_t *gid);
/* The names of count groups in one pass; the name of one that is not there stays as it is, "". */
void
accounts_groups(const gid_t *gids, size_t count, char (*names)[ACCOUNTS_NAME_MAX]);

#endif
