/*
 * command.c: stage 12, the command
 *
 * Privilege: the caller's, none else, on entry and exit. Everything the caller had set (umask, limits,
 * ignored and blocked signals) is given back here, after nothing more can go wrong with privilege.
 * The child shares INIT's memory until it executes (vfork): nothing is copied that is thrown away at once,
 * and how it failed stands in a variable. It makes itself ready while the launch record is being confirmed, and
 * waits for "go" in INIT's place: then execve is all that is left to do. Errors: one line, -1.
 */
#include "broker/command.h"

#include "broker/child.h"
#include "broker/fds.h"
#include "broker/own.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum failed_at { FAILED_DIRECTORY, FAILED_LIMIT, FAILED_EXECUTE };

/* Written by the child, which runs while INIT does not. */
struct attempt {
	const struct plan *plan;
	struct plan_start start;
	int control; /* socket to SUPERVISOR */
	volatile bool gone;
	volatile enum failed_at at;
	volatile int error; /* 0: the command was executed */
};

static void
restore_signals(const struct origin *origin)
{
	/* A ^Z until now was nobody's: were we stopped here, INIT would sleep on, and no shell learn of it. */
	for (int i = SIGTSTP; i <= SIGTTOU; i++)
		signal(i, signal(i, SIG_IGN));
	/* All are default since sanitize.c, but for the one it ignores itself. */
	signal(SIGXFSZ, SIG_DFL);
	for (int i = 1; i < NSIG; i++)
		if (sigismember(&origin->ignored, i) && i != SIGKILL && i != SIGSTOP)
			signal(i, SIG_IGN);
	sigprocmask(SIG_SETMASK, &origin->blocked, NULL);
}

static int
restore_limits(const struct plan *plan)
{
	const struct rlimit none = {0, 0};

	for (int i = 0; i < (int)RLIM_NLIMITS; i++)
		if (plan->origin->limit_changed[i] && setrlimit(i, &plan->origin->limits[i]) != 0)
			return -1;
	/* What another account had in memory does not end up in a directory of the caller's. */
	if (plan->as.other && setrlimit(RLIMIT_CORE, &none) != 0)
		return -1;
	for (size_t i = 0; i < plan->request->ulimit_count; i++) {
		const struct request_ulimit *wanted = &plan->request->ulimits[i];
		struct rlimit limit = {wanted->soft, wanted->hard};

		if (setrlimit(wanted->resource, &limit) != 0)
			return -1;
	}
	return 0;
}

/* PATH of the command's environment, or what shells use without one. */
static const char *
search_path(void)
{
	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, "PATH=", 5) == 0)
			return *variable + 5;
	return "/usr/local/bin:/bin:/usr/bin";
}

/*
 * Nothing of the user's runs before: the launch is on record now. Signals stay blocked until then, for ^C means
 * "give the launch up", which HANDLE hears. What is not "go" is SUPERVISOR's end.
 */
static void
await_go(struct attempt *attempt)
{
	struct wire_message message;

	if (attempt->gone)
		return;
	if (wire_receive(attempt->control, 0, &message, UINT64_MAX) != 1 ||
	    message.kind != CHILD_GO)
		_exit(125);
	attempt->gone = true;
	restore_signals(attempt->plan->origin);
}

/* A script without an interpreter's line is /bin/sh's, as from any shell. Returns only when it is not. */
static void
execute_file(struct attempt *attempt, const char *path)
{
	char *const *command = attempt->start.command;
	size_t count = 0;
	char **argv;

	await_go(attempt);
	execve(path, command, environ);
	if (errno != ENOEXEC)
		return;
	while (command[count])
		count++;
	argv = calloc(count + 2, sizeof *argv);
	if (!argv)
		return;
	argv[0] = strdup("/bin/sh");
	argv[1] = strdup(path);
	memcpy(argv + 2, command + 1, count * sizeof *argv);
	execve(argv[0], argv, environ);
	errno = ENOEXEC;
}

/* What execvp of glibc does, but that an empty name at the end is none; and to look first costs a fraction of an execve that fails. */
static void
execute(struct attempt *attempt)
{
	const char *name = attempt->start.command[0], *rest = search_path(), *end;
	int error = ENOENT;
	char path[PATH_MAX];

	if (strchr(name, '/')) {
		execute_file(attempt, name);
		return;
	}
	for (; *rest && name[0]; rest = *end ? end + 1 : end) {
		end = strchrnul(rest, ':');
		if (snprintf(path, sizeof path, "%.*s%s%s", (int)(end - rest), rest,
		        end > rest ? "/" : "./", name) >= PATH_MAX)
			continue;
		if (access(path, X_OK) == 0)
			execute_file(attempt, path);
		if (errno == EACCES)
			error = EACCES;
		else if (errno != ENOENT && errno != ENOTDIR)
			return;
	}
	errno = error;
}

static void __attribute__((noreturn)) command_child(struct attempt *attempt, pid_t parent)
{
	const struct plan *plan = attempt->plan;
	const struct plan_start *start = &attempt->start;

	/* In a container that goes on without us the kernel would not end it with us. */
	if (plan->join >= 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
		_exit(127);
	/* docker's -w makes it; perhaps in a directory of the host's, so for a launch that happens alone. */
	if (plan->root_size && access(start->directory, F_OK) != 0) {
		await_go(attempt);
		mkdir(start->directory, 0755);
	}
	if (chdir(start->directory) == 0) {
		attempt->at = FAILED_LIMIT;
		/* sudo's rule: the caller's umask may make another account's files more private, not less. */
		umask(plan->origin->umask | (plan->as.other ? 022 : 0));
		prctl(PR_SET_TIMERSLACK, plan->origin->timer_slack);
		fds_close_others(attempt->control, -1);
		if (restore_limits(plan) == 0) {
			attempt->at = FAILED_EXECUTE;
			/* PATH is looked up in the environment the command will have. */
			environ = start->environment;
			execute(attempt);
		}
	}
	attempt->error = errno;
	_exit(127);
}

static void
explain(const struct attempt *attempt, int *status, char *error, size_t size)
{
	const char *why = strerror(attempt->error);

	*status = 125;
	if (attempt->at == FAILED_DIRECTORY) {
		snprintf(error, size,
		    "the working directory %s cannot be entered in the container: %s",
		    attempt->start.directory, why);
	} else if (attempt->at == FAILED_LIMIT) {
		snprintf(error, size,
		    "a limit (--ulimit) cannot be set: %s; it may not be above your own "
		    "(ulimit -H -a)",
		    why);
	} else if (attempt->error == ENOENT || attempt->error == ENOTDIR) {
		*status = 127;
		snprintf(error, size, "%s: not found in the image", attempt->start.command[0]);
	} else {
		*status = 126;
		snprintf(error, size, "%s: cannot be run: %s", attempt->start.command[0], why);
	}
}

pid_t
command_start(const struct plan *plan, int control, int *status, char *error, size_t size)
{
	struct attempt attempt = {.plan = plan, .start = plan->start, .control = control};
	pid_t self = getpid(), pid;

	if (plan->own && !own_start(plan, &attempt.start)) {
		*status = 125;
		snprintf(error, size,
		    "what the image says about how it is started (/.boxdo/launch) cannot be read, "
		    "or "
		    "is not as 'boxdo import' writes it");
		return -1;
	}
	pid = vfork();
	if (pid == 0)
		command_child(&attempt, self);
	if (pid < 0) {
		*status = 125;
		snprintf(error, size,
		    "no process for the command: %s (ulimit -u, or the job's pids limit?)",
		    strerror(errno));
		return -1;
	}
	/* SUPERVISOR is gone, or somebody killed the child: no command ran. */
	if (!attempt.gone && attempt.error == 0)
		_exit(125);
	if (attempt.error == 0)
		return pid;
	waitpid(pid, NULL, 0);
	explain(&attempt, status, error, size);
	return -1;
}
