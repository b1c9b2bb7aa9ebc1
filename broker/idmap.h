/* The image's files that are root's, as the user's: for a writable root. */
#ifndef BOXDO_IDMAP_H
#define BOXDO_IDMAP_H

#include <sys/types.h>

/*
 * Makes what is root's in a detached mount appear as uid's and gid's, and what is theirs as root's; the file system
 * itself is not touched. Returns 0, or -1 with errno: this kernel, or the file system, cannot.
 */
int
idmap_mount(int tree, uid_t uid, gid_t gid);

#endif
