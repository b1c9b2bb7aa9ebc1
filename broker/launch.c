/*
 * launch.c: the one way out when something does not work
 *
 * Privilege: SUPERVISOR's. Nothing is repaired: what was started is stopped, the record is written,
 * the user is told, in that order; and only after the record may the user act on it.
 */
#include "broker/launch.h"

#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/filter.h"
#include "broker/fuse.h"
#include "broker/handle.h"
#include "broker/report.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where no policy was read since boot. */
#define FAIL_RECORD_RATE (16 * 1024)
#define FAIL_RECORD_BURST (64 * 1024 * 1024)
/* What a refusal takes besides the command: measured with every field at a usual length. */
#define FAIL_RECORD_BYTES 4096
#define FAIL_TRIES 40 /* of a refusal that cannot be recorded: about ten minutes */

void
launch_stage_done(struct launch *launch, enum launch_stage stage)
{
	uint64_t now = wire_now();

	launch->times[stage] = now - launch->lap;
	launch->lap = now;
}

/* Bytes of users go to a terminal: nothing that could steer it does. */
static void
clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text == 0x7f)
			*text = '?';
		/* U+0080 to U+009F steer as ESC does: U+009B begins a sequence by itself. */
		else if (text[0] == '\xc2' && (text[1] & 0xe0) == 0x80)
			text[0] = text[1] = '?';
}

void
launch_tell(struct launch *launch, const char *format, ...)
{
	char line[POLICY_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	clean(line);
	wire_send(launch->handle, HANDLE_TEXT, 0, line, -1);
}

/* INIT goes with everything in it; the children that ask are not waited for, they may hang. */
static void
stop_all(struct launch *launch)
{
	auth_stop(&launch->auth);
	opener_stop(&launch->opener);
	directory_stop(&launch->directory);
	if (launch->init > 0) {
		struct pollfd ended = {.fd = launch->init_pidfd, .events = POLLIN};

		fuse_abort(launch->fuse_abort);
		pidfd_send_signal(launch->init_pidfd, SIGKILL, NULL, 0);
		/* It ends at once, unless it sits in a file system that is gone; nobody waits for that. */
		poll(&ended, 1, 2000);
		waitpid(launch->init, NULL, WNOHANG | __WALL);
	}
}

/*
 * Within the caller's budget a refusal is recorded; beyond it one record a minute says how many were not.
 * False: it was to be recorded and could not be; *record has it.
 */
static bool
record_refusal(
    struct launch *launch, struct audit_record *record, enum launch_stage stage, const char *reason)
{
	const struct policy_settings *settings =
	    launch->policy ? policy_settings(launch->policy) : NULL;
	uint64_t bytes = FAIL_RECORD_BYTES + report_bytes(launch, AUDIT_REFUSED_COMMAND_MAX),
	         rate = settings ? settings->record_rate : 0,
	         burst = settings ? settings->record_burst : 0, suppressed = 0;
	char error[256];
	int budget = AUDIT_BUDGET_OK;

	if (!launch->state)
		launch->state = audit_state_open();
	/* Or who is refused before the policy is read had a budget that the admin did not set. */
	if (launch->state)
		audit_state_budget(launch->state, &rate, &burst);
	/* What has a number is paid for: left out, it would look like a record removed. The reason is a field, and in MESSAGE. */
	if (!launch->spare)
		budget = audit_budget_take(launch->origin->uid, bytes + 5 * strlen(reason),
		    rate ? rate : FAIL_RECORD_RATE, rate ? burst : FAIL_RECORD_BURST, &suppressed);
	if (budget == AUDIT_BUDGET_OVER)
		return true;
	if (!launch->journal_open)
		launch->journal_open =
		    audit_journal_open(&launch->journal, settings && settings->volatile_journal,
		        error, sizeof error) == 0;
	report_refuse(record, launch, stage, reason, suppressed);
	if (report_send(launch, record) == 0)
		return true;
	launch_tell(launch, "this refusal could not be recorded yet: %s", strerror(errno));
	return false;
}

/*
 * Nobody waits for this process any more: nothing of the caller's stays open, no file system stays busy, no child
 * a zombie; and all it may do is send records.
 */
static void
linger(struct launch *launch)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), empty;

	mkdir("/run/boxdo/empty", 0555);
	empty = open("/run/boxdo/empty", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	for (int i = 0; i <= 2; i++)
		dup2(null, i);
	fds_close_but((const int[]){launch->journal.socket_dir, launch->journal.above,
	                  launch->journal.journal_dir, launch->journal.file, empty},
	    5);
	setsid();
	signal(SIGCHLD, SIG_IGN);
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
	audit_state_owed(launch->state, 1);
	/* What is owed is owed without it, too. Where none is to be seen, its root is that already. */
	if ((empty < 0 || (drop_to_kill(empty) == 0 && close(empty) == 0)) &&
	    filter_supervisor_load() != 0)
		errno = 0;
}

/*
 * The launch record may be in the journal, in its queue, or lost by a journald whose disk was full: it is
 * owed as the end is, however long it takes. The user is not kept waiting for it; and when too many ends
 * are owed, launches are refused.
 */
static void
record_not_started(struct launch *launch, enum launch_stage stage, const char *reason)
{
	struct audit_record record;

	report_not_started(&record, launch, stage, reason);
	linger(launch);
	report_deliver(launch, &record, UINT_MAX);
	/* It was sent before that one, on the same queue: if it is not there now, it never will be. */
	if (policy_settings(launch->policy)->audit == POLICY_CONFIRMED &&
	    !report_found(launch, &launch->record))
		report_deliver(launch, &launch->record, UINT_MAX);
	audit_state_owed(launch->state, -1);
	_exit(0);
}

/*
 * A refusal that could not be recorded is owed for some minutes, by a few at a time: half as many as it
 * takes to have launches refused, so that nobody's refusals keep others from launching.
 */
static void
record_late(struct launch *launch, const struct audit_record *record)
{
	if (record->failed || !launch->journal_open || !launch->state ||
	    audit_state_owed(launch->state, 0) >= AUDIT_OWED_MAX / 2)
		return;
	linger(launch);
	report_deliver(launch, record, FAIL_TRIES);
	audit_state_owed(launch->state, -1);
}

void
launch_fail_status(struct launch *launch, enum launch_stage stage, int status, const char *reason)
{
	struct audit_record record = {.data = NULL};
	bool owed;

	stop_all(launch);
	if (launch->running)
		running_release(launch->running);
	owed = !launch->recorded && !record_refusal(launch, &record, stage, reason);
	if (!launch->request.refused)
		launch_tell(launch, "%s", launch->told ? launch->told : reason);
	wire_send(launch->handle, HANDLE_REFUSED, status, NULL, -1);
	if (launch->recorded)
		record_not_started(launch, stage, reason);
	if (owed)
		record_late(launch, &record);
	_exit(0);
}

void
launch_fail(struct launch *launch, enum launch_stage stage, const char *format, ...)
{
	char reason[POLICY_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	launch_fail_status(launch, stage, 125, reason);
}
