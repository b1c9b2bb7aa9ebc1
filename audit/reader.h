/*
 * Reads the audit trail: only what boxdo itself wrote, each record once. In the client, as the auditor.
 */
#ifndef BOXDO_READER_H
#define BOXDO_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READER_ERROR_MAX 512
#define READER_VALUES_MAX 64 /* values of one key; directories */

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

/* What can be asked for; reader_match.c has the fields and how each is compared. */
enum reader_key {
	READER_USER,    /* name or number */
	READER_UID,     /* number */
	READER_EVENT,   /* as it is */
	READER_ID,      /* all 32 digits */
	READER_IMAGE,   /* glob: name or path */
	READER_DIGEST,  /* begins with: sha256, or fs-verity's */
	READER_HOST,    /* glob: whole, or up to the first dot */
	READER_RULE,    /* glob: with or without kind and place */
	READER_COMMAND, /* glob: whole, or the first word */
	READER_BIND,    /* path: a bind of it, of what is above it or below it; or glob */
	READER_DEVICE,  /* glob */
	READER_JOB,     /* number of the batch job */
	READER_SESSION, /* audit session */
	READER_BOOT,    /* of the host: 32 digits */
	READER_KEYS
};

/* What to read. Values of one key are alternatives, all keys must match. Nothing in it: everything. */
struct reader_filter {
	const char *values[READER_KEYS][READER_VALUES_MAX + 1]; /* NULL-terminated */
	uint64_t since, until;                                  /* us; UINT64_MAX: no matter */
	bool running;                                           /* launches that run now */
	bool follow; /* there will be more: nothing may be concluded from what is there */
};

/* Where to read: this host's trail, or files from elsewhere. */
struct reader_where {
	const char *directories[READER_VALUES_MAX + 1]; /* NULL-terminated; none: this host's */
	bool merge; /* and every other trail below /var/log/journal, remote hosts' too */
};

enum reader_state { READER_ENDED, READER_RUNNING, READER_NO_END };

struct reader;

/*
 * names: the fields that are wanted, NULL-terminated; NULL: all. filter, where and names must outlive the
 * reader. NULL with one line in error: not there, not readable, or not to be believed (reader_files.h).
 */
struct reader *
reader_open(const struct reader_where *where, const struct reader_filter *filter,
    const char *const *names, char error[READER_ERROR_MAX]);
void
reader_close(struct reader *reader);
/*
 * The first file that is damaged, so that it is not read, or NULL. *size: of that length, a copy of it could be read (it
 * was cut off, and the power going does that: nothing need be missing); or 0.
 */
const char *
reader_damaged(const struct reader *reader, uint64_t *size);

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
/*
 * The first record that has pair ("BOXDO_ID=...") and event (NULL: any), by the journal's own index and whatever
 * the filter says. 1: found, *entry is filled (all fields; entry may be NULL). 0: none.
 */
int
reader_find(struct reader *reader, const char *pair, const char *event, struct reader_entry *entry);

/* --- reader_numbers.c ------------------------------------------------------------------------------ */

/* What one record says of its number. Texts end with NUL and are cut where they are too long. */
struct reader_number {
	uint64_t seq, realtime; /* seq 0: it has none */
	char machine[33], boot[33], host[256];
};

/*
 * Every record of the trail once, in no order: take() is called with each, and ends it by returning less than 0.
 * Several times as fast as reader_next. 0; what take returned; -errno; -EPROTONOSUPPORT: only reader_next can tell
 * (a filter, or a file that is damaged or of a kind not known here), and what was taken counts for nothing.
 */
int
reader_numbers(struct reader *reader,
    int (*take)(void *context, const struct reader_number *number), void *context);

/* --- reader_entry.c -------------------------------------------------------------------------------- */

void
reader_entry_free(struct reader_entry *entry);
/* The first field of that name; NULL: none. */
const struct reader_field *
reader_entry_get(const struct reader_entry *entry, const char *name);
/* Its value; "" when there is none. */
const char *
reader_entry_text(const struct reader_entry *entry, const char *name);
bool
reader_entry_is(const struct reader_entry *entry, const char *event);

/* --- reader_state.c -------------------------------------------------------------------------------- */

/* What became of a launch. READER_ENDED: *end is its end record (reader_entry_free), when end is not NULL. */
enum reader_state
reader_state(struct reader *reader, const struct reader_entry *launch, struct reader_entry *end);
/* Does the process that owes the end of this launch live, on this host and in this boot? */
bool
reader_state_runs(const struct reader_entry *launch);

/* --- reader_time.c --------------------------------------------------------------------------------- */

/*
 * Time as journalctl reads it: "2026-03-01 12:30:00", with parts left out, today, yesterday, now, -1h30min,
 * "2 days ago", @1700000000. Local time. now: microseconds. Returns 0, or -1: not understood.
 */
int
reader_time(const char *text, uint64_t now, uint64_t *time);

#endif
