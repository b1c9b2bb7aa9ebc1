/*
 * Reads the audit trail: only what boxdo itself wrote, each record once. In the client, as the auditor.
 */
#ifndef BOXDO_READER_H
#define BOXDO_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READER_ERROR_MAX 512

/* A field; ours without BOXDO_ ("COMMAND"), journald's and MESSAGE as they are ("_PID"). Any bytes. */
struct reader_field {
	char *name;        /* owned, and value stands behind it */
	const char *value; /* a NUL stands behind it */
	size_t length;
};

struct reader_entry {
	struct reader_field *fields; /* in no particular order; names may repeat */
	size_t count;
	uint64_t realtime; /* when journald took it; microseconds since 1970 */
};

/* What to read. NULL, 0: no matter. The lists are NULL-terminated: any of them. */
struct reader_filter {
	const char *const *users; /* names or numbers */
	const char *const *events;
	const char *const *ids;
	const char *image,
	    *rule; /* globs; image matches name or path, rule the name with or without its kind */
	uint64_t since, until; /* microseconds; until UINT64_MAX: no matter */
	bool running;          /* launches that run now */
};

enum reader_state { READER_ENDED, READER_RUNNING, READER_NO_END };

struct reader;

/* Opens the journal of this host, or the files in directory. NULL with one line in error. */
struct reader *
reader_open(
    const char *directory, const struct reader_filter *filter, char error[READER_ERROR_MAX]);
void
reader_close(struct reader *reader);

/*
 * To before the first record of the filter (count 0), or to before the last count of them; backward: to
 * behind the last, whatever count says. Returns 0, or a negative errno.
 */
int
reader_start(struct reader *reader, uint64_t count, bool backward);
/* The next record (or the one before). 1: *entry is filled, for reader_entry_free. 0: no more. Or -errno. */
int
reader_next(struct reader *reader, bool backward, struct reader_entry *entry);
/* Waits until there may be more. 0, or -errno. */
int
reader_wait(struct reader *reader);
void
reader_entry_free(struct reader_entry *entry);

/* The first field of that name; NULL: none. */
const struct reader_field *
reader_get(const struct reader_entry *entry, const char *name);
/* Its value; "" when there is none. */
const char *
reader_text(const struct reader_entry *entry, const char *name);

/* What became of a launch. READER_ENDED: *end is its end record (reader_entry_free), when end is not NULL. */
enum reader_state
reader_launch_state(
    struct reader *reader, const struct reader_entry *launch, struct reader_entry *end);

/*
 * Time as journalctl reads it: "2026-03-01 12:30:00", with parts left out, today, yesterday, now, -1h30min,
 * "2 days ago", @1700000000. Local time. now: microseconds. Returns 0, or -1: not understood.
 */
int
reader_time(const char *text, uint64_t now, uint64_t *time);

#endif
