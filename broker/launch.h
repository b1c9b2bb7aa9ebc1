/*
 * One launch, as SUPERVISOR sees it. Each part is written by one stage and only read after it.
 */
#ifndef BOXDO_LAUNCH_H
#define BOXDO_LAUNCH_H

#include "audit/audit.h"
#include "broker/auth.h"
#include "broker/caller.h"
#include "broker/cdi.h"
#include "broker/cgroup.h"
#include "broker/directory.h"
#include "broker/image.h"
#include "broker/opener.h"
#include "broker/origin.h"
#include "broker/plan.h"
#include "broker/request.h"
#include "broker/runas.h"
#include "broker/running.h"
#include "policy/policy.h"

/* Stages of DESIGN: name as it appears in records and messages. */
#define LAUNCH_STAGES(X)                                                                           \
	X(SANITIZE, "sanitize")                                                                    \
	X(REQUEST, "request")                                                                      \
	X(CALLER, "caller")                                                                        \
	X(POLICY, "policy")                                                                        \
	X(IMAGE, "image")                                                                          \
	X(NS, "ns")                                                                                \
	X(AUTH, "auth")                                                                            \
	X(RECORD, "record")                                                                        \
	X(MOUNTS, "mounts")                                                                        \
	X(COMMAND, "command")                                                                      \
	X(SUPERVISE, "supervise")

enum launch_stage {
#define X(id, name) STAGE_##id,
	LAUNCH_STAGES(X)
#undef X
	    STAGE_COUNT
};

/* Where in launch.opened what stands: these two, binds, devices; then home, then the policy's paths. */
enum { OPENED_CWD, OPENED_IMAGE, OPENED_FIRST };

#define LAUNCH_OPENED_MAX                                                                          \
	(REQUEST_BINDS_MAX + REQUEST_DEVICES_MAX + POLICY_BINDS_MAX + CDI_NODES_MAX +              \
	    CDI_MOUNTS_MAX + 8)

struct launch {
	const struct origin *origin;
	const struct cgroups *cgroups;
	int handle; /* socket to HANDLE */
	char id[AUDIT_ID_SIZE];
	uint64_t times[STAGE_COUNT]; /* nanoseconds each stage took; 0: not reached */
	uint64_t lap;                /* wire_now() when the last one ended */

	struct directory directory;
	struct opener opener;
	struct auth auth;
	struct caller caller;
	struct runas as; /* whom the command runs as; until the request is read: the caller */
	struct request request; /* of a command that joins a container: that container's */
	bool request_known;     /* stage 3 is done */
	struct join *join;      /* the container the command is started in; NULL: one of its own */
	int cgroup;             /* where the command lives; -1: in ours */
	struct policy *policy;  /* NULL until stage 4 */
	struct policy_question question;
	struct policy_bind binds[REQUEST_BINDS_MAX];
	struct opened opened[LAUNCH_OPENED_MAX];
	size_t opened_count;
	size_t opened_home; /* index in opened: home, and behind it policy_paths() */
	size_t opened_cdi;  /* what CDI names bring along: nodes, then mounts */
	struct cdi *cdi;    /* NULL: not asked for */
	struct policy_decision decision;
	bool decided;
	struct image image;
	bool image_known;
	char **command; /* entrypoint and arguments, NULL-terminated */
	struct plan plan;
	int fuse_abort; /* ends the connection to the server of a user's image; -1: none */

	struct audit_state *state; /* NULL until stage 7 was prepared */
	struct audit_journal journal;
	bool journal_open;
	char stopped_by[64]; /* the admin who ended it; "": nobody did */
	uint32_t stopped_login;
	struct running_entry *running; /* NULL: not among the running ones */
	struct audit_record record; /* of the launch: sent again when it was given up unconfirmed */
	bool recorded;              /* it was sent: an end record is owed */
	uint64_t
	    spare;   /* sequence number of a record that could not be sent, for the next; 0: none */
	bool ticket; /* a password is needed, and was typed before */

	const char
	    *told;  /* what the user hears instead of the reason on record; NULL: the reason */
	pid_t init; /* 0: none */
	int init_pidfd, control;
	int facts;  /* what a command that joins must know (join.c); 0: none */
	int mounts; /* INIT's mount namespace, held until the caller was told its end; -1 */
};

/* The stage is over: what passed since the last one ended was its time. */
void
launch_stage_done(struct launch *launch, enum launch_stage stage);

/*
 * Failure is final: stops what was started, records (refuse; or, when the launch is on record already,
 * end: not started), tells the user, exits. reason is one line without "boxdo: ".
 */
void
launch_fail(struct launch *launch, enum launch_stage stage, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
/* The same with an exit code of its own: the command could not be executed (126, 127), a signal gave up (128 + n). */
void
launch_fail_status(struct launch *launch, enum launch_stage stage, int status, const char *reason)
    __attribute__((noreturn));
/* One line for the user, through HANDLE. Control characters become '?'. */
void
launch_tell(struct launch *launch, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
