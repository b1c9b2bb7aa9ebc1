/*
 * OPENER: a child that is the caller in every respect (six ids, groups, no privilege) and opens the
 * paths the caller names, because only the caller may enter a FUSE mount or a root-squashed home,
 * and because such a file system can hang whoever touches it. Where the command is to run as another
 * account it is that account: what the command could not open is not bound for it.
 *
 * Its word about a path is not needed: what a descriptor is called is asked of the kernel
 * (fds_name). The worst a forged answer could do is hand over a descriptor the caller has anyway. But answers come in
 * the order of the questions, and denies are among these: who cannot send one sends no other.
 */
#ifndef BOXDO_OPENER_H
#define BOXDO_OPENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/origin.h"

#define OPENER_DEADLINE_MS 3000 /* for all paths of one call together */
#define OPENER_HANDLE_MS 100    /* the same while HANDLE is asked, which waits for nothing */

struct opened {
	int fd;            /* O_PATH, owned by whoever called opener_ask; -1: could not be opened */
	const char *asked; /* as given to opener_ask */
	bool read;         /* asked for reading */
	int error;         /* errno, when fd is -1; ETIMEDOUT: the file system does not answer */
	bool directory;    /* what the caller sees there: a directory, or not */
	bool owned;        /* by the caller */
	char *path; /* absolute, as the kernel names what was opened; owned; NULL: it has no name */
};

struct opener {
	pid_t pid;
	int pidfd;            /* if it is not HANDLE */
	int socket;           /* -1: not running */
	bool is_handle;       /* it is HANDLE that is asked, and nobody was started yet */
	struct identity as;   /* whose groups stay where they are */
	struct opened *first; /* all that was asked for, in one array */
	size_t wanted, asked, answered;
};

/* Of HANDLE, which is told through socket (owned by opener from now on); as: the caller. */
void
opener_handle(struct opener *opener, int socket, pid_t handle, const struct identity *as);
/* HANDLE's part: answers one question; false: there will be no more, and none may be answered. Waits for nothing. */
bool
opener_answer(int socket, pid_t supervisor, uid_t uid);
int
opener_start(struct opener *opener, const struct identity *as);
void
opener_stop(struct opener *opener);

/*
 * Has each path opened (relative ones: below the caller's cwd; following symbolic links); opened[i] is
 * filled when opener_wait returns. "" is not there, and nobody is asked. The one at index readable is opened for reading, if the caller may
 * (OPENER_NONE: none is). Asked again, opened goes on where it ended the last time; paths stay the caller's.
 */
#define OPENER_NONE SIZE_MAX
void
opener_ask(struct opener *opener, const char *const *paths, size_t count, size_t readable,
    struct opened *opened);
/* Never fails as a whole: after the deadline the rest is ETIMEDOUT and OPENER is gone. */
void
opener_wait(struct opener *opener);
/* Was it opened for reading? The descriptor says so itself: nobody can have one who may not read. */
bool
opener_may_read(const struct opened *opened);

#endif
