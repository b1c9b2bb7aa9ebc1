/*
 * progress.c: how far a long copy is
 *
 * Writes to stderr alone, so that what a command prints can be piped. Nothing under two seconds says anything
 * where there is no terminal.
 */
#include "client/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_SECOND 1000000000ULL
#define PROGRESS_BAR 24
#define PROGRESS_TERMINAL_NS (PROGRESS_SECOND / 5)
#define PROGRESS_LINE_NS (10 * PROGRESS_SECOND)
#define PROGRESS_QUIET_NS (2 * PROGRESS_SECOND)

static uint64_t
progress_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * PROGRESS_SECOND + (uint64_t)now.tv_nsec;
}

const char *
progress_size(uint64_t bytes, char text[16])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 999.5 && unit < 4; unit++)
		value /= 1000;
	snprintf(text, 16, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

void
progress_start(struct progress *progress, const char *what, uint64_t total)
{
	*progress =
	    (struct progress){.what = what, .total = total, .terminal = isatty(STDERR_FILENO)};
	progress->started = progress->shown = progress_now();
}

static void
progress_show(const struct progress *progress, uint64_t now)
{
	double seconds = (double)(now - progress->started) / PROGRESS_SECOND;
	double part = progress->total ? (double)progress->done / (double)progress->total : 0;
	uint64_t rate = seconds > 0 ? (uint64_t)((double)progress->done / seconds) : 0;
	uint64_t left = rate && progress->total > progress->done
	                    ? (progress->total - progress->done) / rate
	                    : 0;
	char total[16], speed[16], bar[PROGRESS_BAR + 1];

	if (part > 1)
		part = 1;
	memset(bar, '.', PROGRESS_BAR);
	memset(bar, '#', (size_t)(part * PROGRESS_BAR));
	bar[PROGRESS_BAR] = '\0';
	fprintf(stderr, progress->terminal ? "\r%s [%s] " : "%s%.0s: ", progress->what, bar);
	fprintf(stderr, "%3.0f%% of %s, %s/s, %llu:%02llu left%s", 100 * part,
	    progress_size(progress->total, total), progress_size(rate, speed),
	    (unsigned long long)left / 60, (unsigned long long)left % 60,
	    progress->terminal ? "\033[K" : "\n");
}

void
progress_add(struct progress *progress, uint64_t bytes)
{
	uint64_t now = progress_now();

	progress->done += bytes;
	if (now - progress->shown < (progress->terminal ? PROGRESS_TERMINAL_NS : PROGRESS_LINE_NS))
		return;
	progress->shown = now;
	progress_show(progress, now);
}

void
progress_end(struct progress *progress)
{
	uint64_t now = progress_now();
	char done[16];

	if (progress->terminal)
		fprintf(stderr, "\r\033[K");
	else if (now - progress->started > PROGRESS_QUIET_NS)
		fprintf(stderr, "%s: %s in %llu s\n", progress->what,
		    progress_size(progress->done, done),
		    (unsigned long long)((now - progress->started) / PROGRESS_SECOND));
}
