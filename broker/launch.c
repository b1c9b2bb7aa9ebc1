/*
 * fail.c: the one way out when something does not work
 *
 * Privilege: SUPERVISOR's. Nothing is repaired: what was started is stopped, the record is written,
 * the user is told, in that order; and only after the record may the user act on it.
 */
#include "broker/launch.h"

#include "broker/handle.h"
#include "broker/report.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Before the policy is read nobody knows a better rate. */
#define FAIL_RECORD_RATE (16 * 1024)
#define FAIL_RECORD_BURST (64 * 1024 * 1024)
/* What a refusal takes besides the command: measured with every field at a usual length. */
#define FAIL_RECORD_BYTES 4096

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

		pidfd_send_signal(launch->init_pidfd, SIGKILL, NULL, 0);
		/* It ends at once, unless it sits in a file system that is gone; nobody waits for that. */
		poll(&ended, 1, 2000);
		waitpid(launch->init, NULL, WNOHANG);
	}
}

/* Within the caller's budget a refusal is recorded; beyond it one record a minute says how many were not. */
static void
record_refusal(struct launch *launch, enum launch_stage stage, const char *reason)
{
	const struct policy_settings *settings =
	    launch->policy ? policy_settings(launch->policy) : NULL;
	struct audit_record record;
	uint64_t bytes = FAIL_RECORD_BYTES + report_bytes(launch, AUDIT_REFUSED_COMMAND_MAX),
	         suppressed = 0;
	char error[256];
	int budget;

	if (!launch->state)
		launch->state = audit_state_open();
	/* The reason is a field, and in MESSAGE. */
	budget = audit_budget_take(launch->origin->uid, bytes + 5 * strlen(reason),
	    settings ? settings->record_rate : FAIL_RECORD_RATE,
	    settings ? settings->record_burst : FAIL_RECORD_BURST, &suppressed);
	if (budget == AUDIT_BUDGET_OVER)
		return;
	if (!launch->journal_open)
		launch->journal_open =
		    audit_journal_open(&launch->journal, settings && settings->volatile_journal,
		        error, sizeof error) == 0;
	report_refuse(&record, launch, stage, reason, suppressed);
	if (report_send(launch, &record) != 0)
		launch_tell(launch, "this refusal could not be recorded: %s", strerror(errno));
	audit_record_free(&record);
}

/*
 * The launch record may be in the journal, or still in its queue: the end is owed, however long it
 * takes. The user is not kept waiting for it; and when too many ends are owed, launches are refused.
 */
static void
record_not_started(struct launch *launch, enum launch_stage stage, int status, const char *reason)
{
	struct audit_record record;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	launch_tell(launch, "%s", reason);
	wire_send(launch->handle, HANDLE_REFUSED, status, NULL, -1);
	close(launch->handle);
	for (int i = 0; i <= 2; i++)
		dup2(null, i);
	setsid();
	report_not_started(&record, launch, stage, reason);
	audit_state_owed(launch->state, 1);
	report_deliver(launch, &record);
	audit_state_owed(launch->state, -1);
	_exit(0);
}

void
launch_fail_status(struct launch *launch, enum launch_stage stage, int status, const char *reason)
{
	stop_all(launch);
	if (launch->recorded)
		record_not_started(launch, stage, status, reason);
	record_refusal(launch, stage, reason);
	if (!launch->request.refused)
		launch_tell(launch, "%s", launch->told ? launch->told : reason);
	wire_send(launch->handle, HANDLE_REFUSED, status, NULL, -1);
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
