/*
 * boxdo report on a terminal: bars, in eighths of a column where it shows UTF-8.
 */
#include "client/log.h"
#include "client/report.h"

#include <inttypes.h>
#include <string.h>

#define BARS_TOP_MAX 100
#define BARS_NAME 26   /* columns of a name */
#define BARS_REASON 70 /* and of a reason */
#define BARS_WIDTH 32  /* and of the longest bar */

static void
bars_title(const struct log_screen *screen, const char *title)
{
	printf(
	    "\n%s%s%s\n", screen->colour ? LOG_BOLD : "", title, screen->colour ? LOG_PLAIN : "");
}

static void
bars_bar(const struct log_screen *screen, uint64_t value, uint64_t most, const char *colour)
{
	static const char *const eighths[] = {"", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d",
	    "\xe2\x96\x8c", "\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89"};
	double part = most == 0 ? 0 : (double)value / (double)most;
	unsigned length = (unsigned)(part * BARS_WIDTH * 8 + 0.5), whole = length / 8;

	if (value > 0 && length == 0)
		length = 1;
	fputs(screen->colour ? colour : "", stdout);
	for (unsigned i = 0; i < whole; i++)
		fputs(screen->utf8 ? "\xe2\x96\x88" : "#", stdout);
	fputs(screen->utf8 ? eighths[length % 8] : whole == 0 && length > 0 ? "#" : "", stdout);
	fputs(screen->colour ? LOG_PLAIN : "", stdout);
}

static void
bars_hours(uint64_t usec, char *text, size_t size)
{
	snprintf(text, size, usec < 360000000000 ? "%.2f h" : "%.0f h", (double)usec / 3.6e9);
}

/* Name, value, bar. text: the value as it is read, or NULL: the number itself. */
static void
bars_row(const struct log_screen *screen, const char *name, size_t width, const char *text,
    uint64_t value, uint64_t most, const char *colour)
{
	struct log_screen cut = *screen;

	cut.width = width;
	log_text_cell(&cut, name, width, NULL);
	printf("%10s ", text);
	bars_bar(screen, value, most, colour);
	putchar('\n');
}

static void
bars_top(const struct log_screen *screen, const char *title, const struct report_items *items,
    uint64_t (*weight)(const struct report_item *), size_t max, size_t width, const char *colour)
{
	const struct report_item *top[BARS_TOP_MAX + 1];
	size_t count =
	    report_count_top(items, weight, top, max < BARS_TOP_MAX ? max : BARS_TOP_MAX);

	if (count == 0)
		return;
	bars_title(screen, title);
	for (size_t i = 0; i < count; i++) {
		uint64_t value = weight(top[i]);
		char text[32];

		if (weight == report_count_usec)
			bars_hours(value, text, sizeof text);
		else
			snprintf(text, sizeof text, "%" PRIu64, value);
		bars_row(screen, top[i]->name, width, text, value, weight(top[0]), colour);
	}
}

static void
bars_over_time(const struct report *report, const struct log_screen *screen)
{
	uint64_t most = 0;

	bars_title(screen, "Launches over time");
	for (size_t i = 0; i < report->column_count; i++)
		if (report->columns[i][REPORT_LAUNCH] > most)
			most = report->columns[i][REPORT_LAUNCH];
	for (size_t i = 0; i < report->column_count; i++) {
		char time[32], text[32];

		log_text_time(report->since + i * report->step, time, sizeof time);
		snprintf(text, sizeof text, "%" PRIu64, report->columns[i][REPORT_LAUNCH]);
		bars_row(screen, time, BARS_NAME, text, report->columns[i][REPORT_LAUNCH], most,
		    LOG_GREEN);
	}
}

void
report_bars(const struct report *report, const struct log_screen *screen, size_t top)
{
	char since[32], until[32], hours[32];

	log_text_time(report->since, since, sizeof since);
	log_text_time(report->until, until, sizeof until);
	bars_hours(report->all.usec, hours, sizeof hours);
	printf("%s to %s\n%" PRIu64 " launches, %" PRIu64 " failed, %" PRIu64 " refused; %s used\n",
	    since, until, report->all.launches, report->all.failures, report->all.refusals, hours);
	if (report->time_count > 0)
		bars_over_time(report, screen);
	bars_top(screen, "Hours used, by user", &report->users, report_count_usec, top, BARS_NAME,
	    LOG_GREEN);
	bars_top(screen, "Launches, by user", &report->users, report_count_launches, top, BARS_NAME,
	    LOG_GREEN);
	bars_top(screen, "Launches, by image", &report->images, report_count_launches, top,
	    BARS_NAME, LOG_GREEN);
	bars_top(screen, "Launches, by host", &report->hosts, report_count_launches, top, BARS_NAME,
	    LOG_GREEN);
	bars_top(screen, "Failures, by image", &report->images, report_count_failures, top,
	    BARS_NAME, LOG_YELLOW);
	bars_top(screen, "Failures, by user", &report->users, report_count_failures, top, BARS_NAME,
	    LOG_YELLOW);
	bars_top(screen, "Refusals, by user", &report->users, report_count_refusals, top, BARS_NAME,
	    LOG_RED);
	bars_top(screen, "Refusals, by reason", &report->reasons, report_count_refusals, top,
	    BARS_REASON, LOG_RED);
}
