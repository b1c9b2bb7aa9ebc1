/*
 * action.c: what is asked for instead of a launch
 *
 * After stage 3. Privilege: all ids 0; what is written to the caller's descriptors is written with the
 * caller's (a file of the kernel's may ask who writes, not who opened). Trusts: nothing that was asked; it
 * is about the caller's own uid, whatever was typed. Errors: launch_fail.
 */
#include "broker/action.h"

#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/handle.h"
#include "broker/mine.h"
#include "broker/ticket.h"
#include "broker/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ACTION_SECONDS 10 /* whoever does not read what they asked for */

/* As the caller, in a process that can be waited for: who stops it may not keep it in root's cgroup. */
static void __attribute__((noreturn))
write_as_caller(const struct origin *origin, const char *data, size_t size)
{
	size_t done = 0;
	ssize_t written = 0;

	fds_close_others(-1, -1);
	drop_to(origin->uid, origin->gid, origin->groups, origin->group_count);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (; done < size && written >= 0; done += written > 0 ? (size_t)written : 0)
		written = write(STDOUT_FILENO, data + done, size - done);
	_exit(written < 0 ? 125 : 0);
}

/* The caller's own entries, for boxdo-ps. No record: nothing is started or changed. */
static void
list(struct launch *launch)
{
	struct pollfd ended = {.fd = -1, .events = POLLIN};
	struct running_entry *entries;
	size_t count;
	int status = 0;
	pid_t pid;

	if (running_own(launch->origin->uid, &entries, &count) != 0 || (pid = fork()) < 0)
		launch_fail(launch, STAGE_REQUEST, "out of memory");
	if (pid == 0)
		write_as_caller(launch->origin, (const char *)entries, count * sizeof *entries);
	ended.fd = pidfd_open(pid, 0);
	if (ended.fd < 0 || poll(&ended, 1, ACTION_SECONDS * 1000) <= 0)
		kill(pid, SIGKILL);
	if (waitpid(pid, &status, WNOHANG) != pid || status != 0)
		status = 125;
	wire_send(launch->handle, HANDLE_REFUSED, status, NULL, -1);
	_exit(0);
}

void
action_run(struct launch *launch)
{
	auth_stop(&launch->auth); /* frozen in the caller's cgroup it would outlive us */
	if (launch->request.action == REQUEST_PS)
		list(launch);
	if (launch->request.action == REQUEST_LOG)
		mine_run(launch);
	if (ticket_forget(launch->origin->uid) != 0)
		launch_fail(
		    launch, STAGE_AUTH, "your tickets cannot be removed: %s", strerror(errno));
	launch_fail_status(launch, STAGE_AUTH, 0,
	    "forgotten: the next launch that needs your password asks for it");
}
