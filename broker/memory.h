/* Did the kernel kill for memory? Its own count, before the command and after. */
#ifndef BOXDO_MEMORY_H
#define BOXDO_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct memory {
	int file; /* where the kernel counts: memory.events or /proc/vmstat; -1: nowhere */
	uint64_t before;
};

/* cgroup: directory of the container's, or -1. Opens what memory_killed reads when there is no root any more. */
void
memory_watch(struct memory *memory, int cgroup);
/* Since then a process of this cgroup (where the kernel counts by cgroup; else: of this machine) was killed for memory. */
bool
memory_killed(const struct memory *memory);

#endif
