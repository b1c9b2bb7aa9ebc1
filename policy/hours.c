/*
 * Times of the week and dates.
 *
 * Stage: 4 policy. Privilege: needs none; reads the system's time zone files.
 * Trusts: /etc/localtime and /usr/share/zoneinfo. Distrusts: TZ, which is the caller's: it is unset
 * before it could be read, or whoever sets it chooses the time of day.
 * On error: a zone that is not there is an error of the policy, never UTC by silence.
 */
#include "policy/hours.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOURS_ZONES "/usr/share/zoneinfo/"
#define HOURS_DAY (24 * 60)
#define HOURS_ALL_DAYS 0x7fU

/* Exactly n digits at text, or -1. */
static int
hours_digits(const char *text, int n)
{
	int value = 0;

	for (; n > 0; n--, text++) {
		if (!isdigit((unsigned char)*text))
			return -1;
		value = 10 * value + (*text - '0');
	}
	return value;
}

/* "HH:MM", 24:00 included, at text: minutes, or -1. */
static int
hours_minutes(const char *text)
{
	int hour = hours_digits(text, 2), minute;

	if (hour < 0 || text[2] != ':' || (minute = hours_digits(text + 3, 2)) < 0)
		return -1;
	if (minute > 59 || hour > 24 || (hour == 24 && minute != 0))
		return -1;
	return 60 * hour + minute;
}

static int
hours_day(const char *text)
{
	static const char names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	int i;

	for (i = 0; i < 7; i++)
		if (strncmp(text, names[i], 3) == 0)
			return i;
	return -1;
}

/* "Mon" or "Mon-Fri" (over the week's end too): a set of days; 0 when it is neither. */
static unsigned
hours_days(const char *text)
{
	int day = hours_day(text), last;
	unsigned days;

	if (day < 0)
		return 0;
	last = text[3] == '-' ? hours_day(text + 4) : day;
	if (last < 0 || strlen(text) != (text[3] == '-' ? 7U : 3U))
		return 0;
	for (days = 1U << day; day != last; days |= 1U << day)
		day = (day + 1) % 7;
	return days;
}

static const char *
hours_add(struct hours *hours, struct arena *arena, struct hours_span span)
{
	struct hours_span *spans =
	    arena_grow(arena, hours->spans, hours->count, &hours->room, sizeof(span));

	if (spans == NULL)
		return "out of memory";
	hours->spans = spans;
	spans[hours->count++] = span;
	return NULL;
}

/* "08:00-20:00" */
static const char *
hours_read_span(struct hours *hours, struct arena *arena, const char *text, unsigned days)
{
	int from = hours_minutes(text), to = -1;

	if (from >= 0 && text[5] == '-' && strlen(text) == 11)
		to = hours_minutes(text + 6);
	if (from < 0 || to < 0 || from == HOURS_DAY)
		return "not a day (Mon, Mon-Fri) and not a time (08:00-20:00)";
	if (from == to)
		return "begins when it ends (a whole day: 00:00-24:00)";
	return hours_add(hours, arena, (struct hours_span){days, (unsigned)from, (unsigned)to});
}

const char *
hours_read(
    struct hours *hours, struct arena *arena, const struct word *words, size_t count, size_t *bad)
{
	unsigned days = 0, more;
	bool had_time = false;
	const char *problem;
	size_t i;

	for (i = 0; i < count; i++) {
		*bad = i;
		more = hours_days(words[i].text);
		if (more != 0) {
			/* Days behind a time begin anew: "Mon-Fri 08:00-20:00 Sat 10:00-12:00". */
			days = had_time ? more : days | more;
			had_time = false;
			continue;
		}
		problem =
		    hours_read_span(hours, arena, words[i].text, days != 0 ? days : HOURS_ALL_DAYS);
		if (problem != NULL)
			return problem;
		had_time = true;
	}
	/* Days without a time are whole days. */
	return had_time ? NULL : hours_add(hours, arena, (struct hours_span){days, 0, HOURS_DAY});
}

static int
hours_month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static long
hours_moment(int year, int month, int day, int minutes)
{
	return ((year * 12L + month) * 31 + day) * HOURS_DAY + minutes;
}

const char *
hours_read_moment(long *moment, const struct word *words, size_t count, bool end)
{
	const char *text = words[0].text;
	int year, month, day, minutes = end ? HOURS_DAY - 1 : 0;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' ||
	    (year = hours_digits(text, 4)) < 1970 || (month = hours_digits(text + 5, 2)) < 1 ||
	    month > 12 || (day = hours_digits(text + 8, 2)) < 1 ||
	    day > hours_month_days(year, month))
		return "not a date (2027-03-31)";
	if (count == 2 && (strlen(words[1].text) != 5 ||
	                      (minutes = hours_minutes(words[1].text)) < 0 || minutes == HOURS_DAY))
		return "not a time (18:00)";
	if (count > 2)
		return "a date and perhaps a time, nothing else";
	*moment = hours_moment(year, month, day, minutes);
	return NULL;
}

long
hours_moment_of(const struct tm *local)
{
	return hours_moment(local->tm_year + 1900, local->tm_mon + 1, local->tm_mday,
	    local->tm_hour * 60 + local->tm_min);
}

static bool
hours_zone_path(const char *zone, char *path, size_t size)
{
	size_t i;

	if (zone[0] == '/' || zone[0] == '\0' || strlen(zone) > HOURS_ZONE_MAX)
		return false;
	/* No dot: so no "..", and none of the tables beside the zones. */
	for (i = 0; zone[i] != '\0'; i++)
		if (!isalnum((unsigned char)zone[i]) && strchr("_+/-", zone[i]) == NULL)
			return false;
	snprintf(path, size, HOURS_ZONES "%s", zone);
	return true;
}

bool
hours_zone_exists(const char *zone)
{
	char path[sizeof(HOURS_ZONES) + HOURS_ZONE_MAX], magic[4];
	bool yes;
	int fd;

	if (!hours_zone_path(zone, path, sizeof(path)))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	yes = read(fd, magic, sizeof(magic)) == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
	close(fd);
	return yes;
}

/* From here to hours_leave the process is in zone. */
static bool
hours_enter(const char *zone)
{
	char tz[2 + HOURS_ZONE_MAX];
	bool ok = true;

	/* By its name, never its path: in a set-user-ID process musl takes a path for UTC without a word. */
	if (zone != NULL)
		ok = hours_zone_exists(zone) && snprintf(tz, sizeof(tz), ":%s", zone) > 0 &&
		     setenv("TZ", tz, 1) == 0;
	else
		unsetenv("TZ");
	tzset();
	return ok;
}

static void
hours_leave(void)
{
	unsetenv("TZ");
	tzset();
}

int
hours_local(time_t now, const char *zone, struct tm *local)
{
	bool ok = hours_enter(zone) && localtime_r(&now, local) != NULL;

	hours_leave();
	return ok ? 0 : -1;
}

/* Seconds the clocks of zone are ahead of UTC; LONG_MIN: that cannot be told. */
static long
hours_ahead(time_t now, const char *zone)
{
	struct tm local;

	return hours_local(now, zone, &local) == 0 ? (long)(timegm(&local) - now) : LONG_MIN;
}

/*
 * Not by mktime: where the clocks are set forward or back, musl and glibc do not agree (and musl may say an hour
 * early), and the helper decides with one, `boxdo explain` with the other. What the clocks show twice is over the second
 * time, what they never show when they jump over it.
 */
time_t
hours_end(long moment, const char *zone)
{
	long days = moment / HOURS_DAY, day = (days - 1) % 31 + 1, months = (days - day) / 31,
	     month = (months - 1) % 12 + 1;
	struct tm shown = {.tm_year = (int)((months - month) / 12 - 1900),
	    .tm_mon = (int)month - 1,
	    .tm_mday = (int)day,
	    .tm_min = (int)(moment % HOURS_DAY)};
	time_t clock = timegm(&shown), late, early;
	long before = hours_ahead(clock - HOURS_DAY * 60, zone),
	     after = hours_ahead(clock + HOURS_DAY * 60, zone);

	if (before == LONG_MIN || after == LONG_MIN)
		return -1;
	late = clock - after;
	if (hours_ahead(late, zone) == after)
		return late + 60;
	early = clock - before;
	if (hours_ahead(early, zone) == before)
		return early + 60;
	while (early - late > 1) {
		time_t middle = late + (early - late) / 2;

		if (hours_ahead(middle, zone) == before)
			late = middle;
		else
			early = middle;
	}
	return early;
}

bool
hours_match(const struct hours *hours, const struct tm *local)
{
	unsigned minute = (unsigned)(local->tm_hour * 60 + local->tm_min);
	unsigned today = 1U << local->tm_wday, yesterday = 1U << (local->tm_wday + 6) % 7;
	size_t i;

	for (i = 0; i < hours->count; i++) {
		const struct hours_span *span = &hours->spans[i];
		bool wraps = span->from > span->to;

		if ((span->days & today) != 0 && minute >= span->from &&
		    (wraps || minute < span->to))
			return true;
		/* Over midnight: the small hours belong to the day on which they began. */
		if (wraps && (span->days & yesterday) != 0 && minute < span->to)
			return true;
	}
	return false;
}
