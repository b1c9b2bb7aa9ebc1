/*
 * Times as people type them and journalctl reads them.
 *
 * Stage: none; part of `boxdo log`. Privilege: the auditor's. On error: -1.
 */
#include "audit/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct reader_unit {
	const char *names; /* each between blanks */
	uint64_t usec;
} reader_units[] = {
    {" us usec ", 1},
    {" ms msec ", 1000},
    {" s sec second seconds ", 1000000},
    {" m min minute minutes ", 60000000},
    {" h hr hour hours ", 3600000000},
    {" d day days ", 86400000000},
    {" w week weeks ", 604800000000},
    {" M month months ", 2629800000000},
    {" y year years ", 31557600000000},
};

/* Length of the unit at text, its size in *usec; 0: none. */
static size_t
time_unit(const char *text, uint64_t *usec)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzM");
	char word[16];

	if (length == 0 || length > sizeof word - 3)
		return 0;
	snprintf(word, sizeof word, " %.*s ", (int)length, text);
	for (size_t i = 0; i < sizeof reader_units / sizeof *reader_units; i++) {
		if (strstr(reader_units[i].names, word) != NULL) {
			*usec = reader_units[i].usec;
			return length;
		}
	}
	return 0;
}

/* "1h 30min", "90" (seconds); up to the end of text or " ago". Returns what follows; NULL: no span. */
static const char *
time_span(const char *text, uint64_t *span)
{
	bool any = false;

	for (*span = 0;; any = true) {
		uint64_t unit = 1000000, number;
		char *end;

		text += strspn(text, " ");
		if (*text < '0' || *text > '9')
			return any ? text : NULL;
		errno = 0;
		number = strtoull(text, &end, 10);
		text = end + strspn(end, " ");
		/* The word "ago" is no unit. */
		if (strcmp(text, "ago") != 0)
			text += time_unit(text, &unit);
		if (errno != 0 || number > UINT64_MAX / 4 / unit ||
		    (*span += number * unit) > UINT64_MAX / 4)
			return NULL;
	}
}

/* -SPAN, +SPAN, "SPAN ago", @SECONDS. */
static int
time_relative(const char *text, uint64_t now, uint64_t *time)
{
	bool before = *text == '-', after = *text == '+', absolute = *text == '@';
	const char *rest;
	uint64_t span;

	if (absolute && strspn(text + 1, "0123456789") != strlen(text + 1))
		return -1;
	rest = time_span(text + (before || after || absolute), &span);
	if (rest == NULL || (!before && !after && !absolute && strcmp(rest, "ago") != 0))
		return -1;
	if ((before || after || absolute) && *rest != '\0')
		return -1;
	if (absolute)
		*time = span;
	else if (after)
		*time = now + span;
	else
		*time = span > now ? 0 : now - span;
	return 0;
}

static int
time_of(struct tm *tm, uint64_t *time)
{
	time_t seconds;

	/* Summer time: whichever holds at that time. */
	tm->tm_isdst = -1;
	seconds = mktime(tm);
	if (seconds < 0)
		return -1;
	*time = (uint64_t)seconds * 1000000;
	return 0;
}

/* today, yesterday, tomorrow: midnight. now. */
static int
time_word(const char *text, uint64_t now, uint64_t *time)
{
	static const char *const words[] = {"yesterday", "today", "tomorrow"};
	time_t seconds = (time_t)(now / 1000000);
	struct tm tm;

	if (strcmp(text, "now") == 0) {
		*time = now;
		return 0;
	}
	localtime_r(&seconds, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	for (int i = 0; i < 3; i++) {
		if (strcmp(text, words[i]) == 0) {
			tm.tm_mday += i - 1;
			return time_of(&tm, time);
		}
	}
	return -1;
}

/* A calendar date that mktime would silently turn into another one (February 31) is none. */
static int
time_calendar(const char *text, uint64_t now, uint64_t *time)
{
	static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
	    "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"};
	time_t seconds = (time_t)(now / 1000000);

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct tm tm, asked;
		const char *end;

		localtime_r(&seconds, &tm);
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		end = strptime(text, formats[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		asked = tm;
		if (time_of(&tm, time) == -1)
			return -1;
		return tm.tm_mday == asked.tm_mday && tm.tm_mon == asked.tm_mon ? 0 : -1;
	}
	return -1;
}

int
reader_time(const char *text, uint64_t now, uint64_t *time)
{
	if (time_word(text, now, time) == 0 || time_calendar(text, now, time) == 0)
		return 0;
	return time_relative(text, now, time);
}
