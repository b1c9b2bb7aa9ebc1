/*
 * child.c: INIT's table of contents
 *
 * Stages 8 to 12, and the same of a command that joins a container (join.c), which is not its process 1.
 * Privilege: root in namespaces of its own on entry; the ids of the plan (the caller's, or
 * those of the account a rule names), no capability, no_new_privs and a filter before anything of the user's runs.
 * Trusts: the plan. Distrusts: everything inside the image and the binds.
 * Errors: CHILD_FAILED to SUPERVISOR, then exit; the namespaces take everything with them.
 */
#include "broker/child.h"

#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/filter.h"
#include "broker/fuse.h"
#include "broker/init.h"
#include "broker/join.h"
#include "broker/mounts.h"
#include "broker/wire.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void
give_up(int control, const char *why)
{
	wire_send(control, CHILD_FAILED, 0, why, -1);
	_exit(125);
}

static int
loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), status;

	if (fd < 0)
		return -1;
	status = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return status;
}

/* What only root may give back: a negative nice value, a real-time class. */
static void
restore_priority(const struct origin *origin)
{
	setpriority(PRIO_PROCESS, 0, origin->nice);
	if (origin->scheduler > 0)
		sched_setscheduler(0, origin->scheduler, &origin->parameter);
}

/* SUPERVISOR is gone when nobody holds the other end: then nobody records the end either. */
static void
must_have_parent(int control)
{
	struct wire_message message;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(125);
	if (wire_receive(control, 0, &message, wire_now()) == 0)
		_exit(125);
}

static void
make_container(const struct plan *plan, int control)
{
	char error[POLICY_TEXT_MAX];

	if (plan->network_none && loopback_up() != 0)
		give_up(control, "cannot bring the loopback interface up");
	if (plan->hostname && sethostname(plan->hostname, strlen(plan->hostname)) != 0)
		give_up(control, "cannot set the host name");
	if (plan->fuse >= 0 && fuse_serve(plan->origin, plan->fuse, plan->file) != 0)
		give_up(control, "no process for the image's server");
	if (mounts_build(plan, error, sizeof error) != 0)
		give_up(control,
		    plan->fuse >= 0 && errno == ENOTCONN
		        ? "the image cannot be read: squashfuse says it is no whole SquashFS"
		        : error);
}

/* Processes of the caller's see us from here on: nothing of the host's may be there to be found. */
static void
enter_container(const struct plan *plan, int control)
{
	fds_close_others(control, plan->join);
	if (join_enter(plan->join) != 0)
		give_up(control, "the container has ended");
}

void
child_run(const struct plan *plan, int control, const int *foreign, size_t foreign_count)
{
	const struct origin *origin = plan->origin;
	const struct identity *as = &plan->as;

	sanitize_title(origin, plan->join < 0 ? "boxdo-init" : "boxdo-join");
	for (size_t i = 0; i < foreign_count; i++)
		close(foreign[i]);
	/* The user's groups, so that a mount point inside the user's files is found as the user would. */
	if (drop_groups(as->groups, as->group_count) != 0)
		give_up(control, "cannot set the groups");
	if (plan->join < 0)
		make_container(plan, control);
	else
		enter_container(plan, control);
	restore_priority(origin);
	/* Every privileged descriptor goes before the ids do (CVE-2026-46333). */
	fds_close_others(control, -1);
	drop_to(as->uid, as->gid, as->groups, as->group_count);
	if (as->other)
		drop_keyring();
	must_have_parent(control);
	if (filter_payload_load() != 0)
		give_up(control, "cannot load the system call filter");
	wire_send(control, CHILD_READY, 0, NULL, -1);
	init_run(plan, control);
}
