/*
 * command.c: stage 12, the command
 *
 * Privilege: the caller's, none else, on entry and exit. Everything the caller had set (umask, limits,
 * ignored and blocked signals) is given back here, after nothing more can go wrong with privilege.
 * The child shares INIT's memory until it executes (vfork): nothing is copied that is thrown away at once,
 * and how it failed stands in a variable. Errors: one line, -1.
 */
#include "broker/command.h"

#include "broker/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum failed_at { FAILED_NOT, FAILED_EXECUTE, FAILED_DIRECTORY, FAILED_LIMIT };

struct failure {
	enum failed_at at;
	int error;
};

static void
restore_signals(const struct origin *origin)
{
	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			signal(i, sigismember(&origin->ignored, i) ? SIG_IGN : SIG_DFL);
	sigprocmask(SIG_SETMASK, &origin->blocked, NULL);
}

static int
restore_limits(const struct plan *plan)
{
	for (int i = 0; i < (int)RLIM_NLIMITS; i++)
		if (setrlimit((__rlimit_resource_t)i, &plan->origin->limits[i]) != 0)
			return -1;
	for (size_t i = 0; i < plan->request->ulimit_count; i++) {
		const struct request_ulimit *wanted = &plan->request->ulimits[i];
		struct rlimit limit = {wanted->soft, wanted->hard};

		if (setrlimit((__rlimit_resource_t)wanted->resource, &limit) != 0)
			return -1;
	}
	return 0;
}

static void __attribute__((noreturn))
command_child(const struct plan *plan, volatile struct failure *failure)
{
	failure->at = FAILED_DIRECTORY;
	if (chdir(plan->directory) == 0) {
		failure->at = FAILED_LIMIT;
		umask(plan->origin->umask);
		prctl(PR_SET_TIMERSLACK, plan->origin->timer_slack);
		fds_close_others(-1, -1);
		if (restore_limits(plan) == 0) {
			failure->at = FAILED_EXECUTE;
			restore_signals(plan->origin);
			/* PATH is looked up in the environment the command will have. */
			environ = plan->environment;
			execvp(plan->command[0], plan->command);
		}
	}
	failure->error = errno;
	_exit(127);
}

static void
explain(const struct plan *plan, const volatile struct failure *failure, int *status, char *error,
    size_t size)
{
	const char *why = strerror(failure->error);

	*status = 125;
	if (failure->at == FAILED_DIRECTORY) {
		snprintf(error, size,
		    "the working directory %s cannot be entered in the container: %s",
		    plan->directory, why);
	} else if (failure->at == FAILED_LIMIT) {
		snprintf(error, size,
		    "a limit (--ulimit) cannot be set: %s; it may not be above your own "
		    "(ulimit -H -a)",
		    why);
	} else if (failure->error == ENOENT || failure->error == ENOTDIR) {
		*status = 127;
		snprintf(error, size, "%s: not found in the image", plan->command[0]);
	} else {
		*status = 126;
		snprintf(error, size, "%s: cannot be run: %s", plan->command[0], why);
	}
}

pid_t
command_start(const struct plan *plan, int *status, char *error, size_t size)
{
	/* Written by the child, which runs while we do not. */
	volatile struct failure failure = {FAILED_NOT, 0};
	pid_t pid = vfork();

	if (pid == 0)
		command_child(plan, &failure);
	if (pid < 0) {
		*status = 125;
		snprintf(error, size,
		    "no process for the command: %s (ulimit -u, or the job's pids limit?)",
		    strerror(errno));
		return -1;
	}
	if (failure.error == 0)
		return pid;
	waitpid(pid, NULL, 0);
	explain(plan, &failure, status, error, size);
	return -1;
}
