/*
 * The audit trail: records built, sent to the journal namespace "boxdo" and found again.
 * Only the helper's SUPERVISOR writes (real uid 0); the reader is in the client.
 */
#ifndef BOXDO_AUDIT_H
#define BOXDO_AUDIT_H

#include "audit/events.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AUDIT_ID_SIZE 33                      /* 32 hex digits and NUL */
#define AUDIT_COMMAND_MAX (256 * 1024)        /* bytes of BOXDO_COMMAND in a launch record */
#define AUDIT_REFUSED_COMMAND_MAX (16 * 1024) /* and in a refusal */
#define AUDIT_FIELD_MAX (16 * 1024)           /* of any other field */
#define AUDIT_POLICY_MAX (1024 * 1024) /* of a field in a policy record: root's own text, whole */
#define AUDIT_DEADLINE_MS 5000         /* for one record to be sent, found and synced */

/*
 * Every record carries BOXDO_EVENT, BOXDO_ID (one a launch), BOXDO_RECORD (one a record, kept when
 * it is sent again), BOXDO_SEQ, BOXDO_TIME (CLOCK_REALTIME, microseconds), SYSLOG_IDENTIFIER=boxdo.
 */

/* 32 random hex digits. */
void
audit_new_id(char id[AUDIT_ID_SIZE]);

/* --- record.c: one record, in journald's native protocol --------------------------------------- */

struct audit_record {
	char *data; /* owned; audit_record_free */
	size_t length, capacity;
	size_t field_max;               /* AUDIT_FIELD_MAX; AUDIT_POLICY_MAX in a policy record */
	size_t command, command_length; /* where the text of COMMAND stands in data */
	bool failed;                    /* out of memory: the record must not be sent */
	char record[AUDIT_ID_SIZE];
	uint64_t seq;
};

/* Starts a record: event, id, record id, sequence number, time, identifier, priority, MESSAGE_ID. */
void
audit_record_start(struct audit_record *record, enum audit_event event,
    const char id[AUDIT_ID_SIZE], uint64_t seq);
/* NAME is given without BOXDO_; any bytes; longer than AUDIT_FIELD_MAX is cut, see audit-cut below. NULL value: no field. */
void
audit_record_text(struct audit_record *record, const char *name, const char *value);
void
audit_record_bytes(struct audit_record *record, const char *name, const void *value, size_t length);
void
audit_record_number(struct audit_record *record, const char *name, uint64_t value);
/* BINDS and the like: one field per value, same name (journald keeps several). */
/*
 * COMMAND: argv quoted so that a POSIX shell gives the same vector back. An argument that matches a
 * redact glob keeps what stands before the first '*' match (of a glob that begins with '*': what stands
 * before, and the text behind that '*'), then "xxxx"; so is what follows "--token" for "--token=*". Then
 * REDACTED=n is added.
 * When it is longer than max bytes: cut there, and COMMAND_LENGTH and COMMAND_SHA256 (of the whole
 * quoted text after redaction) are added. redact: NULL-terminated globs, or NULL.
 */
void
audit_record_command(
    struct audit_record *record, const char *const *argv, size_t max, const char *const *redact);
/* The same for a text that may hold an argument (REASON): from what a glob hides on, all of it. */
void
audit_redact(char *text, const char *const *redact);
/*
 * The text of COMMAND as recorded (quoted, redacted, cut), for MESSAGE: "COMMAND=%.*s". Never put argv
 * itself there: it is not redacted. Valid until the next audit_record_ call has returned.
 */
const char *
audit_record_command_text(const struct audit_record *record, int *length);
/* MESSAGE, sudo's manner; control bytes and invalid UTF-8 as #ooo. Call last. */
void
audit_record_message(struct audit_record *record, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void
audit_record_free(struct audit_record *record);

/* --- journal.c: sending and finding -------------------------------------------------------------- */

enum audit_mode { AUDIT_CONFIRMED, AUDIT_SYNCED, AUDIT_UNCONFIRMED };

/*
 * Directory descriptors only: it survives restarts of journald, rotation and an empty root; and, since
 * those above are held, that either directory is removed and made anew.
 */
struct audit_journal {
	int socket_dir;  /* O_PATH of /run/systemd; the socket is journal.boxdo/socket there */
	int above;       /* O_PATH of /var/log/journal */
	int journal_dir; /* of /var/log/journal/NAME, as it was when the record was sent */
	int file;        /* system.journal, likewise; -1 */
	char name[64];   /* MACHINE-ID.boxdo */
	/* NULL, or what the next confirmation calls, once, if it comes to where it waits for the disk; then NULL. */
	void (*meanwhile)(void *context);
	void *context;
};

/*
 * Opens the directories. volatile_ok: a journal on tmpfs (or below /run/log) will do. Returns 0, or
 * -1 with one line in error (what is missing and what the admin does about it).
 */
int
audit_journal_open(struct audit_journal *journal, bool volatile_ok, char *error, size_t error_size);
void
audit_journal_close(struct audit_journal *journal);
/*
 * Sends over a new socket; waits while journald's queue is full, until deadline (CLOCK_BOOTTIME, ns).
 * Remembers system.journal first. Must work with an empty root: it uses the descriptors alone, by
 * fchdir to socket_dir and connect from there. Returns 0 or -1 (errno).
 */
int
audit_journal_send(
    struct audit_journal *journal, const struct audit_record *record, uint64_t deadline);
/* A copy into the main journal, for collectors that read no other: best effort, never waits. */
#define AUDIT_MIRROR_ID "c2c70a0971ee465cb86433162dca8a99"
void
audit_journal_mirror(const struct audit_journal *journal, const struct audit_record *record);
/*
 * CONFIRMED: finds the record by BOXDO_RECORD in the journal's file (or a newer or just rotated one)
 * and fdatasyncs that file. SYNCED: fdatasync alone. UNCONFIRMED: nothing. Returns 0 or -1 (errno;
 * ETIMEDOUT: not there by the deadline).
 */
int
audit_journal_confirm(struct audit_journal *journal, const struct audit_record *record,
    enum audit_mode mode, uint64_t deadline);

/* --- state.c: what all launches of this boot share: /run/boxdo, root-only ------------------------- */

struct audit_state; /* a mapped page; lock-free, so that a stopped helper holds nobody up */

/* Makes /run/boxdo (0755 root) and its files (0600) when missing. NULL with errno on failure. */
struct audit_state *
audit_state_open(void);
/* The next sequence number of this boot; never 0. */
uint64_t
audit_state_seq(struct audit_state *state);
/* Launches whose end record is still owed after their caller was sent away; see AUDIT_OWED_MAX. */
#define AUDIT_OWED_MAX 64
unsigned
audit_state_owed(struct audit_state *state, int change);

/*
 * Maps the file NAME of size bytes in a directory of ours below /run/boxdo (0700, the file 0600), both made
 * when missing. The first eight bytes are magic; the rest is zero in a new file. NULL with errno.
 */
void *
audit_state_file(const char *directory, const char *name, size_t size, uint64_t magic);

/*
 * *rate is not 0: remembers what the policy says. 0: the policy is not known yet; both become what was remembered,
 * if there is anything.
 */
void
audit_state_budget(struct audit_state *state, uint64_t *rate, uint64_t *burst);

enum audit_budget { AUDIT_BUDGET_OK, AUDIT_BUDGET_OVER, AUDIT_BUDGET_OVER_REPORT };

/*
 * A token bucket for uid: takes bytes when they are there. OVER_REPORT at most once a minute and uid:
 * the caller writes one refuse record with *suppressed, the number of refusals not recorded since.
 * Returns -1 (errno) when the bucket cannot be read: refuse.
 */
int
audit_budget_take(uid_t uid, uint64_t bytes, uint64_t rate, uint64_t burst, uint64_t *suppressed);

#endif
