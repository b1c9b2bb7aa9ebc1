/*
 * process.c: who a process is
 *
 * Any stage. Privilege: none needed. Trusts: the kernel's /proc (its magic was checked in stage 2).
 * Distrusts: the process's own name, which stands in the middle of the line and is its owner's to
 * choose: spaces, newlines and ')' in it shift nothing (CVE-2017-1000367, CVE-2017-1000368).
 * Errors: -1.
 */
#include "broker/process.h"

#include "broker/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int
process_read(pid_t pid, struct process *process)
{
	char name[32], text[1024], *at;

	snprintf(name, sizeof name, pid ? "/proc/%d/stat" : "/proc/self/stat", pid);
	if (fds_text(AT_FDCWD, name, text, sizeof text) < 0)
		return -1;
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
