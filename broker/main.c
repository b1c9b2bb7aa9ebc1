/*
 * main.c: boxdo-launch, the set-user-id helper
 *
 *	boxdo-launch 1 KEY=VALUE... -- COMMAND [ARGUMENT...]
 *
 * Stage 1 and the first fork. No options, no help: it is started by boxdo, and attacked by anybody.
 * The process that was started becomes HANDLE, which has no privilege; its child SUPERVISOR, born in
 * a cgroup no user owns, does the rest. So no record is older than the process that owes its end.
 */
#include "broker/auth.h"
#include "broker/cgroup.h"
#include "broker/drop.h"
#include "broker/handle.h"
#include "broker/origin.h"
#include "broker/supervisor.h"
#include "broker/wire.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Not by leaving main: AUTH may stand in its memory still (ask.h). */
static void __attribute__((noreturn)) give_up(const char *what)
{
	dprintf(STDERR_FILENO, "boxdo: %s\n", what);
	_exit(125);
}

int
main(int argc, char **argv)
{
	struct origin origin;
	struct cgroups cgroups;
	int talk[2], prompt[2], open[2];
	struct auth auth;
	struct ask ask;
	pid_t supervisor;

	sanitize(&origin, argc, argv, environ);
	/*
	 * AUTH first of all: everybody waits for its modules in the end, and it has a processor to itself while we go
	 * on. HANDLE's child, it ends with HANDLE at the latest.
	 */
	if (wire_pair(prompt) != 0)
		give_up("no socket for the launch; try again later");
	auth_start(&auth, &ask, &origin, prompt[1]);
	/* Once for every process to come. */
	if (drop_bounding() != 0)
		give_up("root lacks CAP_SETPCAP here (a container, a unit's "
		        "CapabilityBoundingSet=), so nothing can be started");
	cgroup_find(&cgroups);
	if (wire_pair(talk) != 0 || wire_pair(open) != 0)
		give_up("no socket for the launch; try again later");
	supervisor = cgroup_fork_heard(cgroups.safe, open[0], open[1]);
	if (supervisor < 0)
		give_up("no process for the launch; try again later");
	if (supervisor == 0) {
		close(talk[0]);
		close(prompt[0]);
		close(open[0]);
		supervisor_run(&origin, &cgroups, talk[1], open[1], &auth);
	}
	/* Who is without privilege shares no memory with who has it. */
	ask_executed(&ask);
	handle_run(&origin, talk[0], supervisor, prompt[0], open[0], auth.pid);
}
