/*
 * OPENER: a child that is the caller in every respect (six ids, groups, no privilege) and opens the
 * paths the caller names, because only the caller may enter a FUSE mount or a root-squashed home,
 * and because such a file system can hang whoever touches it.
 *
 * Its word about a path is not needed: what a descriptor is called is asked of the kernel
 * (fds_name). The worst a forged answer could do is hand over a descriptor the caller has anyway.
 */
#ifndef BOXDO_OPENER_H
#define BOXDO_OPENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/origin.h"

#define OPENER_DEADLINE_MS 3000 /* for all paths of one call together */

struct opener {
	pid_t pid;
	int socket; /* -1: not running */
};

struct opened {
	int fd; /* O_PATH, owned by whoever called opener_open; -1: could not be opened */
	const char *asked; /* as given to opener_open */
	int error;         /* errno, when fd is -1; ETIMEDOUT: the file system does not answer */
	bool directory;    /* what the caller sees there: a directory, or not */
	bool owned;        /* by the caller */
	char *path; /* absolute, as the kernel names what was opened; owned; NULL: it has no name */
};

int
opener_start(struct opener *opener, const struct origin *origin);
void
opener_stop(struct opener *opener);

/*
 * Opens each path (relative ones: below the caller's cwd; following symbolic links) and fills
 * opened[i]. The one at index readable is opened for reading, if the caller may (OPENER_NONE: none is).
 * Never fails as a whole: after the deadline the rest is ETIMEDOUT and OPENER is gone.
 */
#define OPENER_NONE SIZE_MAX
void
opener_open(struct opener *opener, const char *const *paths, size_t count, size_t readable,
    struct opened *opened);
/* Was it opened for reading? The descriptor says so itself: nobody can have one who may not read. */
bool
opener_may_read(const struct opened *opened);

#endif
