/* One process, as /proc/PID/stat shows it. */
#ifndef BOXDO_PROCESS_H
#define BOXDO_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct process {
	char state; /* 'R', 'S', ...; 'Z': it has ended */
	pid_t parent,
	    session;    /* session: its leader's pid; 0: none that this PID namespace knows */
	unsigned tty;   /* device number of the controlling terminal; 0: none */
	uint64_t start; /* clock ticks since boot: with the pid it names one process of this boot */
};

/* pid 0: this process. Returns 0, or -1 with errno: ENOENT, ESRCH: there is no such process; else nobody knows. */
int
process_read(pid_t pid, struct process *process);

#endif
