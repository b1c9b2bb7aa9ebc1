/* Who asks: what the kernel and NSS know about the caller. */
#ifndef BOXDO_CALLER_H
#define BOXDO_CALLER_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/utsname.h>

#include "broker/directory.h"
#include "broker/origin.h"
#include "broker/process.h"

#define CALLER_UNSET UINT32_MAX /* login uid or session the kernel does not know */

struct caller {
	struct directory_user user; /* name, home, shell from NSS; uid and gid from the kernel */
	const gid_t *groups;        /* origin's */
	size_t group_count;
	uint32_t login_uid, session; /* the kernel's audit ids */
	struct process
	    process; /* SUPERVISOR as it was born: the caller's session and terminal are still its own */
	char tty[32];       /* "pts/3", or "" */
	char cwd[PATH_MAX]; /* "" when it has no name here */
	char host[sizeof((struct utsname *)0)->nodename];
	char cgroup[PATH_MAX];
	char job[32], step[32]; /* Slurm's, from the cgroup; "" */
};

/* The kernel's part. Returns 0, or -1 when /proc is not the kernel's. */
int
caller_read(struct caller *caller, const struct origin *origin, const char *cgroup);
/* NSS's part: name, home, shell. Returns 1, 0 no such account, -1 the directory does not answer. */
int
caller_name(struct caller *caller, struct directory *directory);

#endif
