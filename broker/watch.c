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
#include "broker/fuse.h"
#include "broker/handle.h"
#include "broker/join.h"
#include "broker/memory.h"
#include "broker/report.h"
#include "broker/stack.h"
#include "broker/wire.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WATCH_LATE_MAX 1000 /* messages after INIT's end: more than a socket's buffer holds */
#define WATCH_KILL_MS                                                                              \
	500 /* INIT's time to end everything and count its time, before it is killed */
#define WATCH_LEFT_MS 10000 /* and when the command has ended: much memory takes its time */
#define WATCH_CONTAINER_MS 500
#define WATCH_WORD_MS 10 /* the command is executed in less than one */
#define WATCH_BY_ADMIN "stopped by an admin"
#define WATCH_KILLED (UINT64_MAX - 1)
#define WATCH_AFTER_NS 200000 /* more than whoever waited for the end needs to wake up */
#define WATCH_SEND_MS 50      /* for room in journald's queue; after that the end is owed */

struct watch {
	struct launch *launch;
	struct report_ending ending;
	uint64_t deadline;       /* of max_runtime or not_after; UINT64_MAX: none */
	enum report_ended limit; /* which of the two */
	uint64_t kill_at;  /* INIT was told to end everything, and is killed then; UINT64_MAX: no */
	uint64_t grace;    /* when who was asked to end is killed; UINT64_MAX: nobody asked */
	const char *asked; /* who asked, as a reason */
	int wake;          /* root's `boxdo stop` has written into our entry */
	bool handle_gone;
	bool silent; /* INIT has said its last word */
	struct memory memory;
	char text[POLICY_TEXT_MAX]; /* why it could not be executed */
};

/* The first thing that is known counts. */
static void
ended(struct watch *watch, enum report_ended how, const char *reason)
{
	if (watch->ending.reason)
		return;
	watch->ending.ended = how;
	watch->ending.reason = reason;
}

static void
kill_init(struct watch *watch)
{
	watch->kill_at = UINT64_MAX;
	fuse_abort(watch->launch->fuse_abort);
	pidfd_send_signal(watch->launch->init_pidfd, SIGKILL, NULL, 0);
}

/* INIT is asked first: then the time of all its processes is known. A stopped or frozen one does not hear it. */
static void
stop(struct watch *watch, enum report_ended how, const char *reason)
{
	ended(watch, how, reason);
	if (wire_send(watch->launch->control, CHILD_SIGNAL, SIGKILL, NULL, -1) != 0)
		kill_init(watch);
	else if (watch->kill_at == UINT64_MAX)
		watch->kill_at = wire_now() + WATCH_KILL_MS * WIRE_MS;
}

/*
 * TERM first, KILL when the time of grace is over. Who asks twice does not get more of it. That it was
 * asked for is the reason on record only where nothing else is: or a user could hide max_runtime behind it.
 */
static void
ask_to_end(struct watch *watch, const char *reason, unsigned grace)
{
	uint64_t end = wire_now() + (uint64_t)grace * 1000 * WIRE_MS;

	watch->asked = reason;
	if (watch->grace == UINT64_MAX)
		launch_tell(watch->launch, "%s", reason);
	if (end < watch->grace)
		watch->grace = end;
	wire_send(watch->launch->control, CHILD_SIGNAL, SIGTERM, NULL, -1);
}

/* Who is to stop, and in whose name, stands in our entry, a file that root alone can open. */
static bool
stopped_by_root(struct launch *launch)
{
	struct running_entry *entry = launch->running;

	if (atomic_load(&entry->stop) != atomic_load(&entry->owner))
		return false;
	snprintf(launch->stopped_by, sizeof launch->stopped_by, "%.*s",
	    (int)sizeof entry->stop_by - 1, entry->stop_by);
	launch->stopped_login = entry->stop_login;
	return true;
}

/* A signal only wakes us, and only root can send one to a process with these ids. */
static void
hear_root(struct watch *watch)
{
	struct signalfd_siginfo info;

	if (read(watch->wake, &info, sizeof info) > 0 && stopped_by_root(watch->launch))
		ask_to_end(watch, WATCH_BY_ADMIN, watch->launch->running->stop_grace);
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
		stop(watch, ENDED_CALLER_GONE, "caller gone");
		return;
	}
	if (message.kind == HANDLE_STOP)
		ask_to_end(
		    watch, "stopped by its owner", (uint32_t)message.value & RUNNING_STOP_SECONDS);
	else if (message.value > 0 && message.value < NSIG && message.value != SIGKILL &&
	         message.value != SIGSTOP)
		wire_send(launch->control, CHILD_SIGNAL, message.value, NULL, -1);
}

/* INIT's word, which is the caller's; numbers alone are taken from it. */
static void
tell_discarded(struct launch *launch, uint32_t kib, unsigned long files)
{
	launch_tell(launch,
	    "discarded with the writable root: %u %s, in %lu new or changed files and directories",
	    kib < 1024 ? kib : kib / 1024, kib < 1024 ? "KiB" : "MiB", files);
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
		fuse_abort(launch->fuse_abort);
		close(launch->control);
		launch->control = -1;
		return;
	default:
		return;
	}
	switch (message.kind) {
	case CHILD_STARTED:
		wire_send(launch->handle, HANDLE_STARTED, 0, NULL, -1);
		stack_give_back();
		return;
	case CHILD_STOPPED:
		wire_send(launch->handle, HANDLE_STOPPED, message.value, NULL, -1);
		return;
	case CHILD_NOT_EXECUTED:
		watch->ending.status = (message.value & 0xff) << 8;
		snprintf(watch->text, sizeof watch->text, "not executed: %s", message.text);
		ended(watch, ENDED_NOT_EXECUTED, watch->text);
		launch_tell(launch, "%s", message.text);
		return;
	case CHILD_ENDED:
		fuse_abort(launch->fuse_abort);
		watch->ending.status = message.value;
		watch->silent = launch->plan.root_size == 0;
		/* INIT waits for what it killed; who came in by `boxdo exec` meanwhile is not among it. */
		if (watch->kill_at == UINT64_MAX)
			watch->kill_at = wire_now() + WATCH_LEFT_MS * WIRE_MS;
		if (watch->asked)
			ended(watch, ENDED_STOPPED, watch->asked);
		ended(watch, WIFSIGNALED(message.value) ? ENDED_SIGNAL : ENDED_COMMAND,
		    "command ended");
		return;
	case CHILD_DISCARDED:
		tell_discarded(launch, (uint32_t)message.value, strtoul(message.text, NULL, 10));
		return;
	default:
		return;
	}
}

static int
wait_milliseconds(const struct watch *watch)
{
	uint64_t now = wire_now(),
	         next = watch->kill_at < watch->deadline ? watch->kill_at : watch->deadline;

	if (watch->grace < next)
		next = watch->grace;
	if (next == UINT64_MAX)
		return -1;
	if (now >= next)
		return 0;
	return (next - now) / WIRE_MS > 3600000 ? 3600000 : (int)((next - now) / WIRE_MS) + 1;
}

/* Until INIT has ended, and with it the last process of the container. */
static void
wait_for_end(struct watch *watch)
{
	struct launch *launch = watch->launch;
	struct pollfd ready[4];
	unsigned late = 0;

	for (;;) {
		ready[0] = (struct pollfd){.fd = launch->init_pidfd, .events = POLLIN};
		ready[1] =
		    (struct pollfd){.fd = watch->silent ? -1 : launch->control, .events = POLLIN};
		ready[2] = (struct pollfd){
		    .fd = watch->handle_gone ? -1 : launch->handle, .events = POLLIN};
		ready[3] = (struct pollfd){.fd = watch->wake, .events = POLLIN};
		poll(ready, 4, wait_milliseconds(watch));
		/* First all it had to say, then its end; who stole its socket may talk on for ever. */
		if (ready[0].revents && (!ready[1].revents || ++late > WATCH_LATE_MAX))
			return;
		if (ready[1].revents)
			hear_init(watch);
		if (ready[2].revents)
			hear_handle(watch);
		if (ready[3].revents)
			hear_root(watch);
		if (wire_now() >= watch->grace) {
			watch->grace = WATCH_KILLED;
			stop(watch, ENDED_STOPPED, watch->asked);
		}
		if (wire_now() >= watch->deadline) {
			const char *limit =
			    watch->limit == ENDED_NOT_AFTER ? "not_after" : "max_runtime";

			watch->deadline = UINT64_MAX;
			launch_tell(
			    launch, "stopped: %s of %s is over", limit, launch->decision.rule);
			stop(watch, watch->limit, limit);
		}
		if (wire_now() >= watch->kill_at)
			kill_init(watch);
	}
}

/*
 * A command that joined a container was killed: with that? Process 1 ends when all others are reaped, so a moment
 * after ours.
 */
static bool
container_ended(const struct watch *watch)
{
	const struct report_ending *ending = &watch->ending;
	struct pollfd init = {.events = POLLIN};

	if (!watch->launch->join || !WIFSIGNALED(ending->status) ||
	    WTERMSIG(ending->status) != SIGKILL ||
	    (ending->ended != ENDED_SIGNAL && ending->ended != ENDED_KILLED))
		return false;
	init.fd = watch->launch->join->init;
	return poll(&init, 1, WATCH_CONTAINER_MS) > 0;
}

/* INIT is reaped: what is not known yet follows from how it went, and from what the kernel counted. */
static void
conclude(struct watch *watch, int init)
{
	struct report_ending *ending = &watch->ending;

	/* It may be that we were frozen when root came, and the container was killed meanwhile. */
	if (stopped_by_root(watch->launch)) {
		ending->reason = NULL;
		ended(watch, ENDED_STOPPED, WATCH_BY_ADMIN);
	}
	if (!ending->reason && WIFEXITED(init))
		ended(watch, ENDED_FAILED, "boxdo failed: the container's first process gave up");
	ended(watch, ENDED_KILLED, "killed from outside, or for memory");
	if (container_ended(watch)) {
		ending->ended = ENDED_CONTAINER;
		ending->reason = "the container ended";
	}
	if (WIFSIGNALED(ending->status) && WTERMSIG(ending->status) == SIGKILL &&
	    (ending->ended == ENDED_SIGNAL || ending->ended == ENDED_KILLED ||
	        ending->ended == ENDED_CALLER_GONE) &&
	    memory_killed(&watch->memory)) {
		ending->ended = ENDED_MEMORY;
		ending->reason = "killed for memory: its limit, its job's or the machine's";
	}
}

/*
 * The status goes to the caller at once: INIT is reaped, so nothing of the container is left but its mounts, and that
 * the end is recorded is SUPERVISOR's business alone, for as long as it takes.
 */
static void __attribute__((noreturn)) record_end(struct watch *watch)
{
	struct launch *launch = watch->launch;
	struct audit_record record;
	bool stored;

	/* Before the caller hears of it: a script's next launch finds the place free. */
	running_release(launch->running);
	wire_send(launch->handle, HANDLE_ENDED, watch->ending.status, NULL, -1);
	close(launch->handle);
	/* Who waited for it goes first, with a processor of its own. */
	nanosleep(&(struct timespec){.tv_nsec = WATCH_AFTER_NS}, NULL);
	report_end(&record, launch, &watch->ending);
	stored = audit_journal_send(
	             &launch->journal, &record, wire_now() + WATCH_SEND_MS * WIRE_MS) == 0;
	close(launch->mounts);
	stored = stored && report_confirm(launch, &record) == 0;
	if (!stored) {
		audit_state_owed(launch->state, 1);
		report_deliver(launch, &record, UINT_MAX);
		audit_state_owed(launch->state, -1);
	}
	_exit(0);
}

/* Until INIT has something to say, which is not heard yet, or is gone; not for long. */
static void
wait_for_word(const struct launch *launch)
{
	struct pollfd ready[] = {{.fd = launch->init_pidfd, .events = POLLIN},
	    {.fd = launch->control, .events = POLLIN}};

	poll(ready, 2, WATCH_WORD_MS);
}

/* A permission that ends takes what runs by it along, as the limit does. */
static void
set_deadline(struct watch *watch)
{
	const struct policy_decision *decision = &watch->launch->decision;
	time_t now = time(NULL), left = decision->not_after > now ? decision->not_after - now : 0;

	watch->limit = ENDED_MAX_RUNTIME;
	if (decision->max_runtime)
		watch->deadline = watch->ending.started + decision->max_runtime * 1000000000ULL;
	/* Later than in a hundred years is never. */
	if (!decision->not_after || left > 100L * 366 * 86400 ||
	    watch->ending.started + (uint64_t)left * 1000000000ULL >= watch->deadline)
		return;
	watch->deadline = watch->ending.started + (uint64_t)left * 1000000000ULL;
	watch->limit = ENDED_NOT_AFTER;
}

void
watch_run(struct launch *launch, const struct memory *memory)
{
	struct watch watch = {.launch = launch,
	    .memory = *memory,
	    .deadline = UINT64_MAX,
	    .kill_at = UINT64_MAX,
	    .grace = UINT64_MAX,
	    .ending = {.started = wire_now(), .status = SIGKILL}};
	sigset_t wake;
	int init = 0;

	set_deadline(&watch);
	sigemptyset(&wake);
	sigaddset(&wake, SIGUSR1);
	watch.wake = signalfd(-1, &wake, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch.wake < 0)
		launch_fail(launch, STAGE_SUPERVISE, "no signals: %s", strerror(errno));
	/* INIT would wait for ever, and so would everybody for INIT. */
	if (wire_send(launch->control, CHILD_GO, 0, NULL, -1) != 0)
		kill_init(&watch);
	/* The processor is the command's: to end, those who asked need one, too, and so does what follows. */
	wait_for_word(launch);
	auth_stop(&launch->auth);
	opener_stop(&launch->opener);
	/* Nothing that anybody says is heard before. */
	if (filter_supervisor_load() != 0) {
		ended(
		    &watch, ENDED_FAILED, "boxdo failed: the supervisor has no system call filter");
		launch_tell(launch, "%s", watch.ending.reason);
		kill_init(&watch);
	}
	wait_for_end(&watch);
	wait4(launch->init, &init, __WALL, &watch.ending.usage);
	conclude(&watch, init);
	record_end(&watch);
}
