/*
 * What became of a launch: ended, running, or neither.
 *
 * Stage:     none; part of `boxdo log`. Privilege: the auditor's.
 * Trusts:    _PID, _BOOT_ID, _MACHINE_ID, which journald sets. Distrusts: a process id alone; it comes again.
 */
#include "audit/reader_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define READER_CLOCK_SLACK 2000000 /* us: start and record are told by different clocks */

static bool
state_same_host(const struct reader_entry *launch)
{
	sd_id128_t machine, boot, of_machine, of_boot;

	return sd_id128_get_machine(&machine) >= 0 && sd_id128_get_boot(&boot) >= 0 &&
	       sd_id128_from_string(reader_entry_text(launch, "_MACHINE_ID"), &of_machine) >= 0 &&
	       sd_id128_from_string(reader_entry_text(launch, "_BOOT_ID"), &of_boot) >= 0 &&
	       sd_id128_equal(machine, of_machine) && sd_id128_equal(boot, of_boot);
}

/* When the process started, in microseconds since 1970; UINT64_MAX: it cannot be told. */
static uint64_t
state_process_start(const char *stat)
{
	const char *at = strrchr(stat, ')'); /* the name before may hold anything */
	struct timespec boot, real;
	unsigned long long ticks;

	if (at == NULL ||
	    sscanf(at + 1, " %*c%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%llu",
	        &ticks) != 1)
		return UINT64_MAX;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	return (uint64_t)(real.tv_sec - boot.tv_sec) * 1000000 +
	       ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* Is the sender of the launch record, which owes the end, still there? Not just its number again. */
bool
reader_state_runs(const struct reader_entry *launch)
{
	char path[64], stat[1024] = "";
	long pid = strtol(reader_entry_text(launch, "_PID"), NULL, 10);
	FILE *file;
	size_t got;

	if (pid <= 0 || !state_same_host(launch) || (kill((pid_t)pid, 0) == -1 && errno == ESRCH))
		return false;
	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return true; /* hidepid=: kill() has seen it */
	got = fread(stat, 1, sizeof stat - 1, file);
	fclose(file);
	stat[got] = '\0';
	return state_process_start(stat) <= launch->realtime + READER_CLOCK_SLACK;
}

enum reader_state
reader_state(struct reader *reader, const struct reader_entry *launch, struct reader_entry *end)
{
	char id[64];
	bool running;

	if (end != NULL)
		*end = (struct reader_entry){0};
	snprintf(id, sizeof id, "BOXDO_ID=%s", reader_entry_text(launch, "ID"));
	/* Asked before: else a launch that ends between the two questions has no end and does not run. */
	running = reader_state_runs(launch);
	/* The files of when the reader began; then, where there may be new ones, those of now. */
	if (reader_ends_find(reader, launch->realtime, id, end) ||
	    ((!reader->foreign || reader->filter->follow) &&
	        reader_find(reader, id, "end", end) > 0))
		return READER_ENDED;
	return running ? READER_RUNNING : READER_NO_END;
}
