/*
 * ask.c: starts AUTH and DIRECTORY
 *
 * Privilege: all ids 0; the program itself makes the real ones the caller's. Trusts: the program's file, root's.
 * The child holds two sockets and nothing else. Errors: -1; a program that is not there shows as a socket
 * that closes.
 */
#include "broker/ask.h"

#include "broker/fds.h"
#include "broker/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void __attribute__((noreturn))
become(const char *what, const struct origin *origin, int socket, int other)
{
	char uid[16], gid[16], first[16], second[16];
	const char *const argv[] = {"boxdo-ask", what, uid, gid, first, second, NULL};
	char *const environment[] = {NULL};

	fds_keep_only(socket, other);
	if (fcntl(socket, F_SETFD, 0) != 0 || (other >= 0 && fcntl(other, F_SETFD, 0) != 0))
		_exit(125);
	snprintf(uid, sizeof uid, "%u", origin->uid);
	snprintf(gid, sizeof gid, "%u", origin->gid);
	snprintf(first, sizeof first, "%d", socket);
	snprintf(second, sizeof second, "%d", other);
	execve(ASK_PROGRAM, (char *const *)(uintptr_t)argv, environment);
	_exit(125);
}

pid_t
ask_start(const char *what, const struct origin *origin, int *ours, int theirs)
{
	int ends[2];
	pid_t pid;

	*ours = -1;
	if (wire_pair(ends) != 0)
		return -1;
	/*
	 * Not fork: that copies what execve throws away, and on a machine with two processors the child may have
	 * to wait for milliseconds until we sleep (seen: it was put behind us while HANDLE had the other one).
	 * Here we sleep until it has executed, and are woken where there is room.
	 */
	pid = vfork();
	if (pid == 0)
		become(what, origin, ends[1], theirs);
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	else
		*ours = ends[0];
	return pid;
}
