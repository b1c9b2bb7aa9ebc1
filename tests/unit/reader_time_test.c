/* with: audit/reader_time.c */
/* Times as journalctl reads them. */
#include "audit/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define SECOND 1000000ULL
#define NOW (1772366400 * SECOND + 123456) /* 2026-03-01 12:00:00 UTC */
#define MIDNIGHT (1772323200 * SECOND)

static void
test_understood(void **state)
{
	static const struct {
		const char *text;
		uint64_t time;
	} cases[] = {
	    {"now", NOW},
	    {"today", MIDNIGHT},
	    {"yesterday", MIDNIGHT - 86400 * SECOND},
	    {"tomorrow", MIDNIGHT + 86400 * SECOND},
	    {"2026-03-01", MIDNIGHT},
	    {"2026-03-01 12:00:00", 1772366400 * SECOND},
	    {"2026-03-01T12:00:00", 1772366400 * SECOND},
	    {"2026-03-01 12:00", 1772366400 * SECOND},
	    {"12:00", 1772366400 * SECOND},
	    {"00:00:05", MIDNIGHT + 5 * SECOND},
	    {"@1700000000", 1700000000 * SECOND},
	    {"-1h", NOW - 3600 * SECOND},
	    {"-90", NOW - 90 * SECOND},
	    {"-1h30min", NOW - 5400 * SECOND},
	    {"-1h 30 min", NOW - 5400 * SECOND},
	    {"+2d", NOW + 2 * 86400 * SECOND},
	    {"2 days ago", NOW - 2 * 86400 * SECOND},
	    {"3weeks ago", NOW - 21 * 86400 * SECOND},
	    {"1M ago", NOW - 2629800 * SECOND},
	    {"1m ago", NOW - 60 * SECOND},
	    {"-10000000000", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t time = 1;

		if (reader_time(cases[i].text, NOW, &time) != 0 || time != cases[i].time)
			fail_msg("%s: %llu, not %llu", cases[i].text, (unsigned long long)time,
			    (unsigned long long)cases[i].time);
	}
}

static void
test_refused(void **state)
{
	static const char *const texts[] = {"", " ", "soon", "-", "+", "@", "@1h", "@-1", "1h",
	    "1h later", "-1x", "-1h ago", "2026-02-31", "2026-13-01", "2026-03-01 25:00",
	    "2026-03-01 12:00:00 x", "ago", "-99999999999999999999", "-99999999999999y"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		uint64_t time;

		if (reader_time(texts[i], NOW, &time) == 0)
			fail_msg("'%s' was understood", texts[i]);
	}
}

/* The night the clocks change: midnight and noon are local. */
static void
test_summer_time(void **state)
{
	uint64_t a, b;

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_int_equal(reader_time("2026-03-29 00:00", NOW, &a), 0);
	assert_int_equal(reader_time("2026-03-29 12:00", NOW, &b), 0);
	assert_true(b - a == 11 * 3600 * SECOND);
	setenv("TZ", "UTC0", 1);
	tzset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_understood),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_summer_time),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
