/*
 * process.c: who a process is
 *
 * Any stage. Privilege: none needed. Trusts: the kernel's /proc (its magic was checked in stage 2).
 * Distrusts: the process's own name, which stands in the middle of the line and is its owner's to
 * choose: spaces, newlines and ')' in it shift nothing (CVE-2017-1000367, CVE-2017-1000368).
 * Errors: -1.
 */
#include "broker/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
process_read(pid_t pid, struct process *process)
{
	char text[1024], *at;
	ssize_t length;
	int fd;

	snprintf(text, sizeof text, pid ? "/proc/%d/stat" : "/proc/self/stat", pid);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (length < 0)
		return -1;
	text[length] = '\0';
	errno = EINVAL;
	/* Behind the name there are numbers alone: the last ')' ends it, whatever it holds. */
	at = strrchr(text, ')');
	return at && sscanf(at + 1,
	                 " %c %d %*d %d %u %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
	                 "%lu",
	                 &process->state, &process->parent, &process->session, &process->tty,
	                 &process->start) == 5
	           ? 0
	           : -1;
}
