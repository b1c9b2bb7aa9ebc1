/* processors.c: see processors.h. Privilege: any. Trusts: the kernel. Errors: none, all is best effort. */
#include "broker/processors.h"

#include "broker/fds.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>

#define PROCESSORS_ONLINE "/sys/devices/system/cpu/online"

bool
processors_two(void)
{
	cpu_set_t mine;
	char online[16];

	return sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_COUNT(&mine) == 2 &&
	       CPU_ISSET(0, &mine) && CPU_ISSET(1, &mine) &&
	       fds_text(AT_FDCWD, PROCESSORS_ONLINE, online, sizeof online) > 0 &&
	       strcmp(online, "0-1\n") == 0;
}

static void
run_on(pid_t who, int processor)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	sched_setaffinity(who, sizeof one, &one);
}

void
processors_here(void)
{
	run_on(0, sched_getcpu() == 1);
}

void
processors_other(void)
{
	run_on(0, sched_getcpu() != 1);
}

/* All there can be, and not the two there are: the kernel keeps what was asked for, and more may come. */
void
processors_any(pid_t who)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof all);
	sched_setaffinity(who, sizeof all, &all);
}

void
processors_away(pid_t child)
{
	run_on(child, sched_getcpu() != 1);
}
