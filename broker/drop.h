/*
 * Privilege going down, for good: the only ways in which a process of the helper stops being root.
 * But for those that say so none of these returns on failure ("we can't recover from a partial drop, so we don't try").
 */
#ifndef BOXDO_DROP_H
#define BOXDO_DROP_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Empties bounding and ambient set, once for every process of the launch; drop_to and drop_to_kill check. What is
 * permitted becomes inheritable, until one of them: so AUTH and DIRECTORY still have it after execve, and the
 * programs that modules of PAM and NSS start as root have it, too; nobody else starts any before.
 * Returns 0 or -1: root itself lacks CAP_SETPCAP here, and nothing is lost by saying so.
 */
int
drop_bounding(void);

/*
 * All six ids and the groups become the given ones, every capability set is empty, no_new_privs is
 * set, the process stays non-dumpable; then it is proved that there is no way back. Before calling,
 * close every descriptor that was opened with privilege (CVE-2026-46333).
 */
void
drop_to(uid_t uid, gid_t gid, const gid_t *groups, size_t count);

/*
 * Only the real ids become the caller's: for the children that run PAM and NSS modules. They need
 * root's eyes (shadow), but pam_rootok must see who asks.
 */
void
drop_real(uid_t uid, gid_t gid);

/*
 * SUPERVISOR for the rest of its life: ids 0, CAP_KILL alone, an empty root, no new privileges. Returns 0 or
 * -1: it owes an end record by now, and must be able to say so.
 */
int
drop_to_kill(int empty_root);

/*
 * A session keyring of its own, for who is not the caller: what the caller has in the inherited one (tokens
 * of AFS, Kerberos tickets, keys of fscrypt) opens files by possession, whatever the ids say. After drop_to.
 */
void
drop_keyring(void);

/* The groups alone: INIT takes the caller's before it looks into the caller's files. Returns 0 or -1. */
int
drop_groups(const gid_t *groups, size_t count);

/* File access ids alone become the caller's: INIT, to resolve a mount point inside the caller's files. */
void
drop_fsids(uid_t uid, gid_t gid);

#endif
