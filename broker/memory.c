/*
 * memory.c: was it killed for memory
 *
 * Stage 13. Privilege: SUPERVISOR's; opened before it gives up its root, read after.
 * The kernel tells nobody why a process got SIGKILL; but it counts whom it killed for memory, by cgroup
 * where the memory controller is on (memory.events, also for a limit further up and for the whole
 * machine), else in /proc/vmstat. A count that grew and a SIGKILL together are as much as can be known:
 * another process of the same cgroup may have been the victim.
 * Trusts: the kernel's files, vetted by their file system. Errors: then nothing is said about memory.
 */
#include "broker/memory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MEMORY_LEVELS_MAX 64 /* of cgroups, upwards */
#define MEMORY_FILE_MAX 8192 /* bytes: /proc/vmstat has about 4,000 */

/* memory.events of the nearest cgroup that has one: the root and cgroups without the controller do not. */
static int
memory_events(int cgroup)
{
	int dir = cgroup < 0 ? -1 : openat(cgroup, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int file = -1;

	for (int level = 0; dir >= 0 && file < 0 && level < MEMORY_LEVELS_MAX; level++) {
		struct statfs fs;
		int up;

		/* Above its mount point the file system is another one. */
		if (fstatfs(dir, &fs) != 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
			break;
		file = openat(dir, "memory.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		up = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = up;
	}
	if (dir >= 0)
		close(dir);
	return file;
}

/* The number behind "oom_kill "; 0 when the file cannot be read, as when its cgroup is gone. */
static uint64_t
memory_count(int file)
{
	char text[MEMORY_FILE_MAX] = "\n", *found;
	ssize_t length = pread(file, text + 1, sizeof text - 2, 0);

	text[length > 0 ? length + 1 : 0] = '\0';
	found = strstr(text, "\noom_kill ");
	return found ? strtoull(found + strlen("\noom_kill "), NULL, 10) : 0;
}

void
memory_watch(struct memory *memory, int cgroup)
{
	memory->file = memory_events(cgroup);
	if (memory->file < 0)
		memory->file = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	memory->before = memory->file < 0 ? 0 : memory_count(memory->file);
}

bool
memory_killed(const struct memory *memory)
{
	return memory->file >= 0 && memory_count(memory->file) > memory->before;
}
