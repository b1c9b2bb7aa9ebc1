/*
 * watch.c: stage 13, SUPERVISOR while the command runs
 *
 * Privilege: ids 0, CAP_KILL, an empty root, a filter of a dozen calls. Trusts: pidfds and its clock.
 * Distrusts: HANDLE, which can say a signal number or nothing (then the container is stopped), and INIT,
 * which can say how the command fares; neither can make anything happen but to its own container.
 * Errors: none that end the watch; the end record is sent until it is found.
 */
#include "broker/watch.h"

#include "broker/child.h"
#include "broker/filter.h"
#include "broker/handle.h"
#include "broker/report.h"
#include "broker/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCH_LATE_MAX 1000 /* messages after INIT's end: more than a socket's buffer holds */
#define WATCH_SEND_MS 50    /* longer than that the caller does not wait for journald's queue */

struct watch {
	struct launch *launch;
	uint64_t started;
	uint64_t deadline; /* max_runtime; UINT64_MAX: none */
	bool handle_gone;
	bool ended;                 /* INIT said how the command ended */
	int status;                 /* wait status of the command */
	const char *reason;         /* why it ended */
	char text[POLICY_TEXT_MAX]; /* why it could not be executed */
};

static void
stop(struct watch *watch, const char *reason)
{
	if (!watch->reason)
		watch->reason = reason;
	pidfd_send_signal(watch->launch->init_pidfd, SIGKILL, NULL, 0);
}

static void
hear_handle(struct watch *watch)
{
	struct launch *launch = watch->launch;
	struct wire_message message;
	int got = wire_receive(launch->handle, launch->origin->pid, &message, wire_now());

	if (got < 0 && (errno == ETIMEDOUT || errno == EPERM))
		return;
	if (got != 1) {
		watch->handle_gone = true;
		stop(watch, "caller gone");
		return;
	}
	if (message.value > 0 && message.value < NSIG && message.value != SIGKILL &&
	    message.value != SIGSTOP)
		wire_send(launch->control, CHILD_SIGNAL, message.value, NULL, -1);
}

static void
hear_init(struct watch *watch)
{
	struct launch *launch = watch->launch;
	struct wire_message message;

	switch (wire_receive(launch->control, launch->init, &message, wire_now())) {
	case 1:
		break;
	case 0: /* INIT closed it: it is about to end, and its pidfd will say so */
		close(launch->control);
		launch->control = -1;
		return;
	default:
		return;
	}
	switch (message.kind) {
	case CHILD_STARTED:
		wire_send(launch->handle, HANDLE_STARTED, 0, NULL, -1);
		return;
	case CHILD_STOPPED:
		wire_send(launch->handle, HANDLE_STOPPED, message.value, NULL, -1);
		return;
	case CHILD_NOT_EXECUTED:
		watch->ended = true;
		watch->status = (message.value & 0xff) << 8;
		snprintf(watch->text, sizeof watch->text, "not executed: %s", message.text);
		watch->reason = watch->text;
		launch_tell(launch, "%s", message.text);
		return;
	case CHILD_ENDED:
		watch->ended = true;
		watch->status = message.value;
		if (!watch->reason)
			watch->reason = "command ended";
		return;
	default:
		return;
	}
}

static int
wait_milliseconds(const struct watch *watch)
{
	uint64_t now = wire_now();

	if (watch->deadline == UINT64_MAX)
		return -1;
	if (now >= watch->deadline)
		return 0;
	return (watch->deadline - now) / WIRE_MS > 3600000
	           ? 3600000
	           : (int)((watch->deadline - now) / WIRE_MS) + 1;
}

/* Until INIT has ended, and with it the last process of the container. */
static void
wait_for_end(struct watch *watch)
{
	struct launch *launch = watch->launch;
	struct pollfd ready[3];
	unsigned late = 0;

	for (;;) {
		ready[0] = (struct pollfd){.fd = launch->init_pidfd, .events = POLLIN};
		ready[1] = (struct pollfd){.fd = launch->control, .events = POLLIN};
		ready[2] = (struct pollfd){
		    .fd = watch->handle_gone ? -1 : launch->handle, .events = POLLIN};
		poll(ready, 3, wait_milliseconds(watch));
		/* First all it had to say, then its end; who stole its socket may talk on for ever. */
		if (ready[0].revents && (!ready[1].revents || ++late > WATCH_LATE_MAX))
			return;
		if (ready[1].revents)
			hear_init(watch);
		if (ready[2].revents)
			hear_handle(watch);
		if (wire_now() >= watch->deadline) {
			watch->deadline = UINT64_MAX;
			launch_tell(
			    launch, "stopped: max_runtime of %s is over", launch->decision.rule);
			stop(watch, "max_runtime");
		}
	}
}

/*
 * The status goes to the caller as soon as the end record is sent; that it is found and on disk is
 * SUPERVISOR's business alone, for as long as it takes.
 */
static void __attribute__((noreturn)) record_end(struct watch *watch, const struct rusage *usage)
{
	struct launch *launch = watch->launch;
	struct audit_record record;
	bool stored;

	report_end(&record, launch, watch->status, watch->reason, usage, watch->started);
	stored = audit_journal_send(
	             &launch->journal, &record, wire_now() + WATCH_SEND_MS * WIRE_MS) == 0;
	wire_send(launch->handle, HANDLE_ENDED, watch->status, NULL, -1);
	close(launch->handle);
	stored = stored && report_confirm(launch, &record) == 0;
	if (!stored) {
		audit_state_owed(launch->state, 1);
		report_deliver(launch, &record);
		audit_state_owed(launch->state, -1);
	}
	_exit(0);
}

void
watch_run(struct launch *launch)
{
	struct watch watch = {
	    .launch = launch, .started = wire_now(), .deadline = UINT64_MAX, .status = SIGKILL};
	struct rusage usage = {.ru_maxrss = 0};

	if (launch->decision.max_runtime)
		watch.deadline = watch.started + launch->decision.max_runtime * 1000000000ULL;
	if (filter_supervisor_load() != 0)
		launch_fail(launch, STAGE_SUPERVISE,
		    "the supervisor's system call filter cannot be loaded");
	/* INIT would wait for ever, and so would everybody for INIT. */
	if (wire_send(launch->control, CHILD_GO, 0, NULL, -1) != 0)
		stop(&watch, NULL);
	wait_for_end(&watch);
	wait4(launch->init, NULL, 0, &usage);
	if (!watch.reason)
		watch.reason = watch.ended ? "command ended" : "killed from outside, or for memory";
	record_end(&watch, &usage);
}
