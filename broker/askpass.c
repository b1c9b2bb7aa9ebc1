/*
 * askpass.c: the password comes from a program of the caller's
 *
 * Stage 6, in HANDLE. Privilege: none, the caller's ids, for good; a program named by the caller's
 * environment must never run with more (it is checked again here). Trusts and distrusts nothing: the
 * caller asks themselves. Errors: -1, no password.
 */
#include "broker/askpass.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char *
program(const struct origin *origin)
{
	static const char name[] = "BOXDO_ASKPASS=";

	for (char **entry = origin->environment; *entry; entry++)
		if (strncmp(*entry, name, sizeof name - 1) == 0)
			return *entry + sizeof name - 1;
	return NULL;
}

int
askpass_run(const struct origin *origin, const char *prompt)
{
	char *argv[] = {program(origin), strdup(prompt), NULL};
	uid_t real, effective, saved;
	int ends[2];
	pid_t pid;

	if (!argv[0] || argv[0][0] != '/' || !argv[1] ||
	    getresuid(&real, &effective, &saved) != 0 || real != origin->uid ||
	    effective != origin->uid || saved != origin->uid || pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		sigprocmask(SIG_SETMASK, &origin->blocked, NULL);
		if (dup2(ends[1], STDOUT_FILENO) == STDOUT_FILENO)
			execve(argv[0], argv, origin->environment);
		_exit(127);
	}
	close(ends[1]);
	if (pid > 0)
		return ends[0];
	close(ends[0]);
	return -1;
}
