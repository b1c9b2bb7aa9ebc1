/*
 * Control groups: where SUPERVISOR lives (root's, so that nobody freezes or kills it there) and
 * where the container goes back to (the caller's, so that the job's limits hold).
 */
#ifndef BOXDO_CGROUP_H
#define BOXDO_CGROUP_H

#include <limits.h>
#include <sys/types.h>

struct cgroups {
	int safe;   /* directory of the root-owned cgroup; -1: there is none (reason says why) */
	int caller; /* directory of the caller's cgroup; -1 when safe is -1 */
	char path
	    [PATH_MAX]; /* the caller's, as /proc/self/cgroup says; of the v1 line that names a job if v2 says "/" */
	const char *reason;
};

/* Finds (and makes, when missing) both. Never fails: a policy may allow to do without. */
void
cgroup_find(struct cgroups *cgroups);

/*
 * fork, but the child is born in cgroup directory fd with the given CLONE_NEW* flags; fd -1: in ours. One that
 * ends without a signal to its parent (0): only __WALL waits for it.
 */
pid_t
cgroup_fork(int cgroup, unsigned long long flags, int exit_signal);
/*
 * The same for who has nothing to do before the child has begun: it says so by a byte through theirs, which is taken from
 * ours, and nothing need be asked of /proc. The two are a pair of sockets; both stay open.
 */
pid_t
cgroup_fork_heard(int cgroup, int ours, int theirs);
/*
 * The cgroup of another process, by a descriptor of its directory in /proc: of the same v1 cgroups as we.
 * Returns a directory the caller owns, or -1.
 */
int
cgroup_of(int process);

#endif
