/*
 * boxdo report: what its files share.
 */
#ifndef BOXDO_REPORT_H
#define BOXDO_REPORT_H

#include "audit/reader.h"

#include <stdio.h>

struct log_screen;

/* One user, image, host or reason. */
struct report_item {
	char *name; /* owned; any bytes */
	uint64_t launches, refusals, failures;
	uint64_t usec, cpu; /* what the launches that ended took */
};

/* A set of them, by name: open addressing, at most half full. */
struct report_items {
	struct report_item *slots;
	size_t size, used;
};

enum report_kind { REPORT_LAUNCH, REPORT_REFUSAL, REPORT_FAILURE, REPORT_KINDS };

#define REPORT_COLUMNS 60 /* of the chart over time, at most */

struct report {
	struct report_items users, images, hosts, reasons;
	struct report_item all;
	uint64_t (*times)[2]; /* of every launch, refusal and failure: when, which kind */
	size_t time_count, time_capacity;
	uint64_t hours[7][24]; /* launches by weekday (0: Monday) and hour, local time */
	uint64_t since, until; /* us; what was asked for, else of the first and last record */
	/* Over time: */
	uint64_t step;                   /* us a column */
	size_t column_max, column_count; /* max: as wanted, at most REPORT_COLUMNS */
	uint64_t columns[REPORT_COLUMNS][REPORT_KINDS];
};

/* --- report_count.c ----------------------------------------------------------------------------------- */

/* The fields it needs; NULL-terminated. */
extern const char *const report_count_names[];
/* Reads all records. 0 or -errno. */
int
report_count(struct report *report, struct reader *reader);
void
report_count_free(struct report *report);
/* The first `max` by weight (which must not be 0), most first, in top; how many. Pointers into items. */
size_t
report_count_top(const struct report_items *items, uint64_t (*weight)(const struct report_item *),
    const struct report_item **top, size_t max);
uint64_t
report_count_launches(const struct report_item *item);
uint64_t
report_count_refusals(const struct report_item *item);
uint64_t
report_count_failures(const struct report_item *item);
uint64_t
report_count_usec(const struct report_item *item);

/* --- report_bars.c, report_html.c --------------------------------------------------------------------- */

void
report_bars(const struct report *report, const struct log_screen *screen, size_t top);
/* One file, whole: no script, nothing from elsewhere. */
void
report_html(const struct report *report, FILE *file, size_t top);

#endif
