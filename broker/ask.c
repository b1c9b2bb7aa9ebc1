/*
 * ask.c: starts AUTH and DIRECTORY
 *
 * Privilege: all ids 0; the program itself makes the real ones the caller's. Trusts: the program's file, root's.
 * The child holds two sockets and nothing else. Errors: -1; a program that is not there shows as a socket
 * that closes.
 */
#include "broker/ask.h"

#include "broker/fds.h"
#include "broker/processors.h"
#include "broker/wire.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In the memory of who started us, which goes on: nothing is written but our stack, and errno where all is lost. */
static int
become(void *argument)
{
	const struct ask *ask = argument;
	char *const environment[] = {NULL};

	fds_keep_only(ask->end[0], ask->end[1]);
	if (fcntl(ask->end[0], F_SETFD, 0) != 0 ||
	    (ask->end[1] >= 0 && fcntl(ask->end[1], F_SETFD, 0) != 0))
		_exit(125);
	execve(ASK_PROGRAM, (char *const *)(uintptr_t)ask->argv, environment);
	_exit(125);
}

/*
 * Not fork: that copies what execve throws away. Not vfork: for the tenth of a millisecond execve takes we have something
 * to do. The kernel clears executing, as it does for a thread that ends, when the memory is ours alone again.
 */
void
ask_start(struct ask *ask, const char *what, const struct origin *origin, int theirs)
{
	int ends[2];

	ask->pid = ask->socket = -1;
	ask->executing = 0;
	if (wire_pair(ends) != 0)
		return;
	ask->end[0] = ends[1];
	ask->end[1] = theirs;
	snprintf(ask->uid, sizeof ask->uid, "%u", origin->uid);
	snprintf(ask->gid, sizeof ask->gid, "%u", origin->gid);
	snprintf(ask->first, sizeof ask->first, "%d", ends[1]);
	snprintf(ask->second, sizeof ask->second, "%d", theirs);
	ask->argv[0] = "boxdo-ask";
	ask->argv[1] = what;
	ask->argv[2] = ask->uid;
	ask->argv[3] = ask->gid;
	ask->argv[4] = ask->first;
	ask->argv[5] = ask->second;
	ask->argv[6] = NULL;
	ask->two = origin->two;
	ask->executing = 1;
	ask->pid = clone(become, ask->stack + sizeof ask->stack,
	    CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, ask, NULL, NULL, &ask->executing);
	if (ask->two && ask->pid > 0)
		processors_away(ask->pid);
	close(ends[1]);
	if (ask->pid >= 0) {
		ask->socket = ends[0];
		return;
	}
	ask->executing = 0;
	close(ends[0]);
}

void
ask_executed(struct ask *ask)
{
	while (__atomic_load_n(&ask->executing, __ATOMIC_ACQUIRE) != 0)
		syscall(SYS_futex, &ask->executing, FUTEX_WAIT, 1, NULL, NULL, 0);
	/* By us and not by itself, which might be before we moved it. */
	if (ask->two && ask->pid > 0)
		processors_any(ask->pid);
}
