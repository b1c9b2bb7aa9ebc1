/*
 * boxdo log: what its files share. One concept a file; log.c is the table of contents.
 */
#ifndef BOXDO_LOG_H
#define BOXDO_LOG_H

#include "audit/reader.h"

#include <stdio.h>
#include <sys/types.h>

#define LOG_FAILED 1  /* the trail cannot be read */
#define LOG_FOUND 2   /* --gaps, --open, --verify: there is something to look at */
#define LOG_USAGE 125 /* wrong usage, as everywhere in boxdo */
#define LOG_COLUMNS_MAX 64

enum log_what { LOG_RECORDS, LOG_PAGE, LOG_GAPS, LOG_OPEN, LOG_VERIFY, LOG_RETENTION };
enum log_form { LOG_TABLE, LOG_JSON, LOG_CSV };

struct log_options {
	struct reader_filter filter;
	struct reader_where where;
	enum log_what what;
	enum log_form form;
	const char *id;                           /* of the page: an id, or its beginning */
	const char *verify_key;                   /* file */
	const char *columns[LOG_COLUMNS_MAX + 1]; /* --fields; none: the usual ones */
	char *column_text;                        /* owned: what columns point into */
	uint64_t count;
	bool reverse, follow, no_pager, full;
};

/* Where text goes. */
struct log_screen {
	size_t width; /* columns; 0: never cut */
	bool colour, utf8;
	pid_t pager;
};

/* --- log_options.c ------------------------------------------------------------------------------------ */

/* 0; -1: wrong, and said so; 1: help was asked for, and given. */
int
log_options_read(struct log_options *options, int argc, char **argv);
/* One value more for a key of the filter, checked. 0, or -1 and said so. */
int
log_options_value(struct reader_filter *filter, enum reader_key key, const char *value);
/* 0, or -1 and said so. */
int
log_options_time(uint64_t *time, const char *value);

/* --- log_text.c: text of records, made harmless --------------------------------------------------------- */

/* A line on standard error, behind "boxdo: ". */
void
log_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * Prints at most `columns` columns of text (0: all of it), nothing that a terminal would obey, and an
 * ellipsis where it is cut. Returns the columns printed.
 */
size_t
log_text(const struct log_screen *screen, const char *text, size_t length, size_t columns);
/* One cell, `width` columns, then a blank; cut where the table must fit. colour may be NULL. */
void
log_text_cell(const struct log_screen *screen, const char *text, size_t width, const char *colour);
/* "2026-03-01 12:30:00", local time. */
void
log_text_time(uint64_t realtime, char *text, size_t size);
/* "1 h 23 min", "15.7 ms"; "1.2 GiB". */
void
log_text_duration(uint64_t usec, char *text, size_t size);
void
log_text_bytes(uint64_t bytes, char *text, size_t size);

#define LOG_RED "\x1b[31m"
#define LOG_GREEN "\x1b[32m"
#define LOG_YELLOW "\x1b[33m"
#define LOG_BOLD "\x1b[1m"
#define LOG_PLAIN "\x1b[0m"

/* --- log_screen.c: terminal and pager -------------------------------------------------------------------- */

void
log_screen_start(struct log_screen *screen, bool no_pager, bool full);
/* 0, or -1: what we wrote did not arrive (a full disk; not: a pager left early). */
int
log_screen_end(const struct log_screen *screen);

/* --- log_status.c: how it ended, in a word or two ---------------------------------------------------------- */

void
log_status(struct reader *reader, const struct reader_entry *entry, char *status, size_t size);
/* Of an end record: "exit 0", "signal 9", "not started". */
void
log_status_end(const struct reader_entry *end, char *status, size_t size);
/* NULL: none. */
const char *
log_status_colour(const char *status);
/* "allow ml" of "allow ml (/etc/boxdo/policy.conf:14)". */
void
log_status_rule(const struct reader_entry *entry, char *rule, size_t size);

/* --- the forms ---------------------------------------------------------------------------------------------- */

/* The fields each needs from the reader; NULL: all. The result points to static memory. */
const char *const *
log_table_names(const struct log_options *options);
void
log_table_head(const struct log_screen *screen, const struct log_options *options);
void
log_table_row(struct reader *reader, const struct log_screen *screen,
    const struct log_options *options, const struct reader_entry *entry);
void
log_json_row(
    struct reader *reader, const struct log_options *options, const struct reader_entry *entry);
void
log_csv_head(const struct log_options *options);
void
log_csv_row(
    struct reader *reader, const struct log_options *options, const struct reader_entry *entry);

/* --- questions of their own: status of the program ------------------------------------------------------------ */

int
log_page(struct reader *reader, const struct log_screen *screen, const char *id);
/* log_rule.c: the text of the rule ("allow ml (FILE:14)") that decided about entry, for a page. */
void
log_rule(struct reader *reader, const struct log_screen *screen, const struct reader_entry *entry,
    const char *rule);
/* An id's beginning to all of it, in id (33 bytes). 0, or -1 and said so. */
int
log_page_id(const struct reader_where *where, const char *prefix, char *id);
int
log_gaps(struct reader *reader, const struct log_screen *screen);
int
log_open(struct reader *reader, const struct log_screen *screen);
int
log_verify(const struct log_options *options);
int
log_retention(const struct log_options *options);

#endif
