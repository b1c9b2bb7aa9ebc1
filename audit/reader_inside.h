/*
 * What the files of the reader share, and nobody else sees.
 */
#ifndef BOXDO_READER_INSIDE_H
#define BOXDO_READER_INSIDE_H

#include "audit/reader.h"
#include "audit/reader_files.h"

#include <systemd/sd-journal.h>

/* --- reader_seen.c: ids seen, to show each record once ----------------------------------------------- */

/* A set with open addressing, at most half full. */
struct reader_seen {
	uint64_t (*slots)[2];
	size_t size, used;
};

/* 1: new; 0: seen before; -errno. What is no id (32 hex digits) is always new. */
int
reader_seen_add(struct reader_seen *seen, const char *id);
void
reader_seen_clear(struct reader_seen *seen);

/* --- reader_ends.c: the end of a launch ---------------------------------------------------------------- */

struct reader_ends;

/* NULL: out of memory; then nothing is found. files must outlive it. */
struct reader_ends *
reader_ends_new(const struct reader_files *files);
void
reader_ends_free(struct reader_ends *ends);
/* pair: "BOXDO_ID=..."; since: when it was launched. *end is filled, when end is not NULL. */
bool
reader_ends_find(
    const struct reader *reader, uint64_t since, const char *pair, struct reader_entry *end);

/* --- reader.c ---------------------------------------------------------------------------------------- */

struct reader {
	sd_journal *journal, *other; /* other: a second look, to find one record */
	const struct reader_filter *filter;
	const char *const *names;
	struct reader_seen seen;
	struct reader_files files;
	struct reader_ends *ends;
	bool indexed[READER_KEYS]; /* the journal's index sees to this key: no need to compare */
	bool foreign;              /* files from elsewhere */
	bool nothing;              /* no record can match */
};

/* Do these bytes begin with a name that the text "NAME=" gives? For literals. */
#define READER_BEGINS(data, length, text)                                                          \
	((length) >= sizeof(text) - 1 && memcmp(data, text, sizeof(text) - 1) == 0)

/* --- reader_entry.c ---------------------------------------------------------------------------------- */

/* What has been seen of a record's origin; all 0 before its first field. */
struct reader_entry_origin {
	int seen;
	int event, message_id; /* index + 1; 0: none of ours */
};

/* data: NAME=... */
void
reader_entry_origin_see(struct reader_entry_origin *origin, const char *data, size_t length);
/* After its last field. foreign: in a file from elsewhere. */
bool
reader_entry_origin_ours(const struct reader_entry_origin *origin, bool foreign);
/* The entry the journal stands at. 1: ours; 0: not ours; -errno. Fields of the filter come whatever names says. */
int
reader_entry_fill(const struct reader *reader, sd_journal *journal, const char *const *names,
    struct reader_entry *entry);

/* --- reader_match.c ---------------------------------------------------------------------------------- */

/* Asks the journal's index for as much of the filter as it can answer. 0 or -errno. */
int
reader_match_add(struct reader *reader);
/* The rest, record by record. */
bool
reader_match_passes(const struct reader *reader, const struct reader_entry *entry);
/* Is this field one that the filter compares? data: NAME=... */
bool
reader_match_needs(const struct reader *reader, const char *data, size_t length);

#endif
