/* Times of the week and dates, in a time zone. */
#ifndef BOXDO_POLICY_HOURS_H
#define BOXDO_POLICY_HOURS_H

#include "policy/arena.h"
#include "policy/words.h"

#include <stdbool.h>
#include <time.h>

#define HOURS_ZONE_MAX 64 /* bytes of a time zone's name */

struct hours_span {
	unsigned days;     /* bit 0: Sunday */
	unsigned from, to; /* minutes; from > to: until `to` of the day after */
};

struct hours {
	struct hours_span *spans;
	size_t count, room;
};

/*
 * A moment is a local date and time as one number that compares: minutes, every month of 31 days.
 * 0: none.
 */

/* NULL, or what is wrong; *bad is the word it is about. Appends to hours. */
const char *
hours_read(
    struct hours *hours, struct arena *arena, const struct word *words, size_t count, size_t *bad);
/*
 * "2027-03-31" or "2027-03-31 18:00". end: a date alone means its last minute. NULL or what is
 * wrong.
 */
const char *
hours_read_moment(long *moment, const struct word *words, size_t count, bool end);
/* Is there such a time zone? */
bool
hours_zone_exists(const char *zone);
/* Local time in zone, or in the system's when NULL. 0 or -1. Leaves the environment without TZ. */
int
hours_local(time_t now, const char *zone, struct tm *local);
/* When the last second of the moment is over, in zone. -1: that cannot be told. */
time_t
hours_end(long moment, const char *zone);
bool
hours_match(const struct hours *hours, const struct tm *local);
long
hours_moment_of(const struct tm *local);

#endif
