/*
 * child.c: INIT's table of contents
 *
 * Stages 8 to 12. Privilege: root in namespaces of its own on entry; the caller's ids, no capability,
 * no_new_privs and a filter before anything of the user's runs.
 * Trusts: the plan. Distrusts: everything inside the image and the binds.
 * Errors: CHILD_FAILED to SUPERVISOR, then exit; the namespaces take everything with them.
 */
#include "broker/child.h"

#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/filter.h"
#include "broker/init.h"
#include "broker/mounts.h"
#include "broker/wire.h"

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

void
child_run(const struct plan *plan, int control, const int *foreign, size_t foreign_count)
{
	const struct origin *origin = plan->origin;
	struct wire_message message;
	char error[POLICY_TEXT_MAX];

	sanitize_title(origin, "boxdo-init");
	for (size_t i = 0; i < foreign_count; i++)
		close(foreign[i]);
	/* The caller's groups, so that a mount point inside the caller's files is found as the caller would. */
	if (drop_groups(origin->groups, origin->group_count) != 0)
		give_up(control, "cannot set the groups");
	if (plan->network_none && loopback_up() != 0)
		give_up(control, "cannot bring the loopback interface up");
	if (plan->hostname && sethostname(plan->hostname, strlen(plan->hostname)) != 0)
		give_up(control, "cannot set the host name");
	if (mounts_build(plan, error, sizeof error) != 0)
		give_up(control, error);
	restore_priority(origin);
	/* Every privileged descriptor goes before the ids do (CVE-2026-46333). */
	fds_close_others(control, -1);
	drop_to(origin->uid, origin->gid, origin->groups, origin->group_count);
	must_have_parent(control);
	if (filter_payload_load() != 0)
		give_up(control, "cannot load the system call filter");
	wire_send(control, CHILD_READY, 0, NULL, -1);
	if (wire_receive(control, 0, &message, UINT64_MAX) != 1 || message.kind != CHILD_GO)
		_exit(125);
	init_run(plan, control);
}
