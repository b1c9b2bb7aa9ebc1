/*
 * What policy/hours.c says of time zones, so that the same objects with two libcs can be
 * compared: tests/flow/064-zones.bats.
 *
 *   hours FIRST LAST COUNT <ZONES
 *
 * For each zone ("-": the system's) COUNT random moments, and those about every change of the clocks between FIRST and
 * LAST: local time, and when that minute is over there.
 */
#include "policy/hours.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP 172800 /* two days: nobody changes the clocks twice in them */

/* SplitMix64: the same numbers in every build. */
static uint64_t
next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void
show(const char *zone, time_t now)
{
	struct tm local;
	long moment;

	if (hours_local(now, zone, &local) != 0) {
		printf("%s %lld: none\n", zone ? zone : "-", (long long)now);
		return;
	}
	moment = hours_moment_of(&local);
	printf("%s %lld: %ld %d %lld\n", zone ? zone : "-", (long long)now, moment, local.tm_wday,
	    (long long)hours_end(moment, zone));
}

static time_t
offset(const char *zone, time_t now)
{
	struct tm local;

	return hours_local(now, zone, &local) == 0 ? timegm(&local) - now : 0;
}

/* The clocks differ between a and b by something else than the time between. */
static void
change(const char *zone, time_t a, time_t b)
{
	static const int about[] = {-7200, -3661, -3660, -3600, -1860, -1800, -61, -60, -1, 0, 1,
	    59, 60, 1799, 1800, 1860, 3599, 3600, 3660, 7199, 7200};
	time_t before = offset(zone, a);

	while (b - a > 1) {
		time_t middle = a + (b - a) / 2;

		if (offset(zone, middle) == before)
			a = middle;
		else
			b = middle;
	}
	for (size_t i = 0; i < sizeof about / sizeof *about; i++)
		show(zone, b + about[i]);
}

int
main(int argc, char **argv)
{
	char line[256];

	if (argc != 4)
		return 1;
	while (fgets(line, sizeof line, stdin)) {
		time_t first = atoll(argv[1]), last = atoll(argv[2]);
		const char *zone = strcmp(strtok(line, "\n"), "-") == 0 ? NULL : line;
		uint64_t seed = (uint64_t)first;

		for (long i = 0; i < atol(argv[3]); i++)
			show(zone, first + (time_t)(next(&seed) % (uint64_t)(last - first)));
		for (time_t now = first; now + STEP < last; now += STEP)
			if (offset(zone, now) != offset(zone, now + STEP))
				change(zone, now, now + STEP);
	}
	return 0;
}
