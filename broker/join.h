/*
 * `boxdo exec`: a command in a container that runs already. What the container is was written down by its
 * SUPERVISOR, which alone vouches for it; the policy is asked anew, with that container's request.
 */
#ifndef BOXDO_JOIN_H
#define BOXDO_JOIN_H

#include "broker/launch.h"

/* So many commands may join at once for each container that max_running permits. */
#define JOIN_EACH 16
#define JOIN_DEVICES_MAX (REQUEST_DEVICES_MAX + CDI_NODES_MAX + CDI_MOUNTS_MAX)

struct join {
	struct running_entry entry;
	int init;            /* pidfd of the container's process 1 */
	const char *cwd;     /* of who started it, as it was called */
	const char *network; /* what it was given */
	const char *image;   /* join_image() of its image */
	uid_t uid;           /* of its command */
	bool strict;         /* nothing of the caller's covers what the image has */
	uint64_t scratch;    /* bytes of its writable root; 0: it is read-only */
	struct policy_mount mounts[POLICY_BINDS_MAX];
	size_t mount_count;
	const char *devices[JOIN_DEVICES_MAX]; /* what CDI names brought along, too */
	size_t device_count;
};

/*
 * A container's SUPERVISOR writes down what a command that joins must know, once INIT exists; and offers it
 * once INIT is ready and the launch is on record: from then on it may be joined. Where that cannot be had it may not.
 */
void
join_write(struct launch *launch);
void
join_offer(struct launch *launch);
/*
 * Finds the container that request.join names among the caller's own, makes its request this launch's (with
 * the command, directory and variables that were typed), and its cgroup. Fails the launch.
 */
void
join_find(struct launch *launch);
/* Whom the command runs as is known: the container's own account, or the launch fails. */
void
join_account(struct launch *launch);
/* The policy said yes: to all that the container has? Fails the launch. What else it granted is dropped. */
void
join_check(struct launch *launch);
/* SUPERVISOR: its next child is born among the container's processes. Returns 0 or -1. */
int
join_processes(const struct join *join);
/* That child: into the container's other namespaces; its root is the container's then. Returns 0 or -1. */
int
join_enter(int init);

#endif
