/*
 * mine.c: what `boxdo log --mine` asks for instead of a launch, where [settings] has log_mine = yes
 *
 * After stage 3. Privilege: all ids 0 here; the journal is read and printed by boxdo-log, run as an account
 * that owns nothing and is not the caller's, with the one group that may read the trail and no environment.
 * Distrusts: the words, of which a few are taken, letter by letter. Errors: launch_fail. No record: nothing is
 * started or changed.
 *
 * What MUST hold:
 *  - boxdo-log gets --uid with the caller's own, which the kernel says, and no option that adds to it;
 *  - no record of the policy: its text may be closed to the caller;
 *  - nothing the caller chooses is executed by it (no pager), and it has no descriptor but the caller's 0-2.
 */
#include "broker/mine.h"

#include "broker/cgroup.h"
#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/handle.h"
#include "broker/question.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MINE_NOBODY 65534 /* the kernel's overflow id: owns nothing */
#define MINE_KILLED_MS 2000

static bool
is_taken(const char *word)
{
	static const char *const whole[] = {"--json", "--csv", "--reverse", "--refused", "--full"};
	static const char *const beginnings[] = {"--lines=", "--since=", "--until="};
	static const char letters[] =
	    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ :.+-";

	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		if (strcmp(word, whole[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
		size_t length = strlen(beginnings[i]);

		if (strncmp(word, beginnings[i], length) == 0)
			return strlen(word) < 64 &&
			       word[length + strspn(word + length, letters)] == '\0';
	}
	return false;
}

static void __attribute__((noreturn)) child(const struct launch *launch, gid_t group)
{
	static char *const no_environment[] = {NULL};
	char *words[MINE_WORDS_MAX + 8] = {(char[]){"boxdo-log"}, (char[]){"--no-pager"},
	    (char[]){"--event=launch"}, (char[]){"--event=end"}, (char[]){"--event=refuse"},
	    (char[]){"--event=auth"}};
	char uid[32];
	size_t count = 6;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	snprintf(uid, sizeof uid, "--uid=%u", launch->origin->uid);
	words[count++] = uid;
	for (size_t i = 0; i < launch->request.command_count; i++)
		words[count++] = launch->request.command[i];
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		_exit(125);
	fds_close_others(-1, -1);
	drop_to(MINE_NOBODY, group, &group, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execve(MINE_PROGRAM, words, no_environment);
	_exit(125);
}

/*
 * Until it has ended, is late, or the caller said stop or is gone. Its exit code. Who cannot even be killed (frozen,
 * on a disk that hangs) is not waited for: it is the caller's process by then, and we are root's.
 */
static int
wait_for(const struct launch *launch, pid_t pid)
{
	struct pollfd ready[2] = {
	    {.fd = pidfd_open(pid, 0), .events = POLLIN}, {.fd = launch->handle, .events = POLLIN}};
	int status = 0;

	if (ready[0].fd < 0 || poll(ready, 2, MINE_SECONDS * 1000) <= 0 || !ready[0].revents) {
		kill(pid, SIGKILL);
		poll(ready, 1, MINE_KILLED_MS);
	}
	return waitpid(pid, &status, WNOHANG) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
	                                                                  : 125;
}

void
mine_run(struct launch *launch)
{
	gid_t group;
	pid_t pid;

	question_load_policy(launch);
	if (!policy_settings(launch->policy)->log_mine)
		launch_fail(launch, STAGE_POLICY,
		    "who ran what is for auditors here (an admin may set log_mine = yes in the "
		    "policy)");
	if (launch->request.command_count > MINE_WORDS_MAX)
		launch_fail(launch, STAGE_REQUEST, "boxdo log --mine takes fewer options");
	for (size_t i = 0; i < launch->request.command_count; i++)
		if (!is_taken(launch->request.command[i]))
			launch_fail(launch, STAGE_REQUEST,
			    "boxdo log --mine takes --json, --csv, --reverse, --refused, --full, "
			    "--lines, --since and --until, not '%.100s'",
			    launch->request.command[i]);
	if (directory_gid(&launch->directory, MINE_GROUP, &group) != 1)
		launch_fail(launch, STAGE_CALLER,
		    "there is no group " MINE_GROUP
		    " on this host: an admin runs systemd-sysusers");
	/* In the caller's cgroup: what reading a long trail costs is theirs. */
	pid = cgroup_fork(launch->cgroups->caller, 0, SIGCHLD);
	if (pid == 0)
		child(launch, group);
	if (pid < 0)
		launch_fail(launch, STAGE_NS, "no process: %s", strerror(errno));
	wire_send(launch->handle, HANDLE_REFUSED, wait_for(launch, pid), NULL, -1);
	_exit(0);
}
