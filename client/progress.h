/* How far a long copy is: a bar with rate and time left on a terminal, a line now and then elsewhere. */
#ifndef BOXDO_PROGRESS_H
#define BOXDO_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "copying pytorch" */
	uint64_t total, done;
	uint64_t started, shown; /* CLOCK_MONOTONIC, ns */
	bool terminal;
};

void
progress_start(struct progress *progress, const char *what, uint64_t total);
void
progress_add(struct progress *progress, uint64_t bytes);
/* Takes the bar away, or says how long it took. */
void
progress_end(struct progress *progress);
/* 1.4 GB */
const char *
progress_size(uint64_t bytes, char text[16]);

#endif
