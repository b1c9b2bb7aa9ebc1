/*
 * A change of the policy by one of root's tools (`boxdo policy edit` and `install`, `boxdo image add` and `remove`):
 * who makes it, the one lock, the set of files before and after, the record. All return 0, or -1 with one line in error.
 */
#ifndef BOXDO_CHANGE_H
#define BOXDO_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/set.h"

#define CHANGE_DIR "/etc/boxdo"
#define CHANGE_POLICY_LOCK "/run/boxdo/policy.lock"
#define CHANGE_STORE_LOCK "/run/boxdo/images.lock"

struct change_admin {
	uid_t uid; /* SUDO_UID's or the login uid's account; 0: root itself */
	gid_t gid;
	char name[64];
	const char *home, *shell;
	uint32_t login_uid; /* UINT32_MAX: none */
};

struct change {
	struct change_admin admin;
	struct set old, new; /* all files, in force and as they would be */
	bool volatile_journal;
	const char *how;                                      /* "boxdo policy edit policy.conf" */
	const char *what, *image, *image_path, *image_sha256; /* NULL: not about an image */
};

/* Whoever calls this, who must be root by now. */
int
change_admin(struct change_admin *admin, char *error, size_t size);
/*
 * A lock on a file that only root can open, released by close(): returns its descriptor. Held by another: with
 * wait it says on stderr for whom and waits, else -1.
 */
int
change_lock(
    const char *path, const struct change_admin *admin, bool wait, char *error, size_t size);
/* new becomes old with data as the file path; data NULL: without it. */
int
change_set(struct change *change, const char *path, const char *data, size_t length);
/*
 * A `policy` record, confirmed, before the change is made: what is put in force, by whom, how. failed: NULL, or why
 * what an earlier record announced did not happen. On -1 the change is not to be made.
 */
int
change_record(const struct change *change, const char *failed, char *error, size_t size);
void
change_free(struct change *change);

#endif
