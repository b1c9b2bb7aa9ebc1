/* The records of a launch: which facts are in which record. */
#ifndef BOXDO_REPORT_H
#define BOXDO_REPORT_H

#include <sys/resource.h>

#include "broker/launch.h"

/*
 * What a record of this launch takes, but for the fields that are short: for the budget, before anything
 * is sent. At least as much as it will, whatever was asked for: otherwise a budget is none.
 */
uint64_t
report_bytes(const struct launch *launch, uint64_t command_max);
/* Each starts *record and fills it; the caller sends and frees it. */
void
report_launch(struct audit_record *record, const struct launch *launch);
void
report_refuse(struct audit_record *record, const struct launch *launch, enum launch_stage stage,
    const char *reason, uint64_t suppressed);
void
report_auth(
    struct audit_record *record, const struct launch *launch, bool succeeded, const char *reason);
void
report_policy(struct audit_record *record, const struct launch *launch, const char *old_sha256,
    const char *text, size_t length);

/* Why it ended, for machines: BOXDO_ENDED. */
#define REPORT_ENDED(X)                                                                            \
	X(COMMAND, "command")           /* the command exited by itself */                         \
	X(SIGNAL, "signal")             /* a signal ended the command */                           \
	X(NOT_EXECUTED, "not-executed") /* it is not in the image, or cannot be executed */        \
	X(CALLER_GONE, "caller-gone")   /* the process that stands for it was killed */            \
	X(MAX_RUNTIME, "max_runtime")                                                              \
	X(NOT_AFTER, "not_after")                                                                  \
	X(MEMORY, "memory-limit")                                                                  \
	X(STOPPED, "stopped")           /* boxdo stop */                                           \
	X(KILLED, "killed")             /* its process 1, from outside */                          \
	X(CONTAINER, "container-ended") /* that a command had joined */                            \
	X(NOT_STARTED, "not-started")   /* given up between record and command */                  \
	X(FAILED, "boxdo-failed")

enum report_ended {
#define X(id, name) ENDED_##id,
	REPORT_ENDED(X)
#undef X
};

struct report_ending {
	int status;         /* wait status of the command */
	const char *reason; /* NULL: not known yet; ended counts only with it */
	enum report_ended ended;
	uint64_t started; /* wire_now() */
	struct rusage usage;
};

void
report_end(
    struct audit_record *record, const struct launch *launch, const struct report_ending *ending);
/* The launch was recorded and then given up. */
void
report_not_started(struct audit_record *record, const struct launch *launch,
    enum launch_stage stage, const char *reason);

/*
 * Sends a record and waits until it is where audit = says. Returns 0 or -1 (errno).
 */
int
report_send(struct launch *launch, const struct audit_record *record);
/* The same for the launch record: launch->recorded from the moment it is sent. */
int
report_send_launch(struct launch *launch, const struct audit_record *record);
/* Waits for a record that was sent already. */
int
report_confirm(struct launch *launch, const struct audit_record *record);
/* The same as report_send, again and again with back-off, until it is found, or so often. For records that are owed. */
void
report_deliver(struct launch *launch, const struct audit_record *record, unsigned tries);
/* Looks, once, for a record that was sent. */
bool
report_found(struct launch *launch, const struct audit_record *record);

#endif
