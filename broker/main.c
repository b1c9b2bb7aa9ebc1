/*
 * main.c: boxdo-launch, the set-user-id helper
 *
 *	boxdo-launch 1 KEY=VALUE... -- COMMAND [ARGUMENT...]
 *
 * Stage 1 and the first fork. No options, no help: it is started by boxdo, and attacked by anybody.
 * The process that was started becomes HANDLE, which has no privilege; its child SUPERVISOR, born in
 * a cgroup no user owns, does the rest. So no record is older than the process that owes its end.
 */
#include "broker/cgroup.h"
#include "broker/handle.h"
#include "broker/origin.h"
#include "broker/supervisor.h"
#include "broker/wire.h"

#include <stdio.h>
#include <unistd.h>

static int
give_up(const char *what)
{
	dprintf(STDERR_FILENO, "boxdo: %s; try again later\n", what);
	return 125;
}

int
main(int argc, char **argv)
{
	struct origin origin;
	struct cgroups cgroups;
	int talk[2], prompt[2];
	pid_t supervisor;

	sanitize(&origin, argc, argv, environ);
	cgroup_find(&cgroups);
	if (wire_pair(talk) != 0 || wire_pair(prompt) != 0)
		return give_up("no socket for the launch");
	supervisor = cgroup_fork(cgroups.safe, 0);
	if (supervisor < 0)
		return give_up("no process for the launch");
	if (supervisor == 0) {
		close(talk[0]);
		close(prompt[0]);
		supervisor_run(&origin, &cgroups, talk[1], prompt[1]);
	}
	close(talk[1]);
	close(prompt[1]);
	handle_run(&origin, talk[0], supervisor, prompt[0]);
}
