/*
 * supervisor.c: SUPERVISOR's table of contents
 *
 * Stages 2 to 9 and 13. Privilege: all ids 0, in the root-owned cgroup; once the command runs, CAP_KILL
 * alone, an empty root and a filter. Trusts: the kernel, root's files. Distrusts: the request, and
 * every process of the launch that carries the caller's ids.
 * Errors: launch_fail, which records and ends.
 *
 * What MUST hold:
 *  - the command starts only after its launch record was confirmed;
 *  - whoever wrote a launch record writes its end;
 *  - INIT's plan is complete before INIT exists; nothing that INIT or HANDLE says changes it.
 */
#include "broker/supervisor.h"

#include "broker/action.h"
#include "broker/child.h"
#include "broker/drop.h"
#include "broker/handle.h"
#include "broker/join.h"
#include "broker/launch.h"
#include "broker/limit.h"
#include "broker/pin.h"
#include "broker/planner.h"
#include "broker/processors.h"
#include "broker/question.h"
#include "broker/report.h"
#include "broker/ticket.h"
#include "broker/watch.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PIDFD_GET_MNT_NAMESPACE
#define PIDFD_GET_MNT_NAMESPACE _IO(0xff, 3) /* linux/pidfd.h of Linux 6.11 */
#endif

#define SUPERVISOR_INIT_MS 20000 /* for INIT to mount and drop: a network file system may be slow */

/* Bytes of records a launch causes besides its command: launch and end, measured with every field. */
#define SUPERVISOR_RECORD_BYTES 6144

/* What asks, started before any lock is taken or privileged descriptor is opened. */
static void
start_children(struct launch *launch, int open)
{
	const struct origin *origin = launch->origin;
	const struct identity caller = {
	    origin->uid, origin->gid, origin->groups, origin->group_count, false};

	opener_handle(&launch->opener, open, origin->pid, &caller);
	directory_prepare(&launch->directory, launch->origin);
	if (directory_user_question(
	        &launch->directory, launch->origin->uid, &launch->caller.user) != 0)
		launch_fail(launch, STAGE_SANITIZE, "no process: %s", strerror(errno));
}

/* ^C, or HANDLE's end, before the command runs: the launch is given up. */
static void
check_given_up(struct launch *launch, enum launch_stage stage)
{
	struct wire_message message;
	int got = wire_receive(launch->handle, launch->origin->pid, &message, wire_now());
	char reason[64];

	if (got < 0 && errno == ETIMEDOUT)
		return;
	if (got != 1)
		launch_fail_status(launch, stage, 125, "given up: the caller is gone");
	if (message.value <= 0 || message.value >= NSIG)
		return;
	snprintf(reason, sizeof reason, "given up: signal %d (%s)", message.value,
	    strsignal(message.value));
	if (message.value == SIGINT || message.value == SIGTERM || message.value == SIGHUP ||
	    message.value == SIGQUIT)
		launch_fail_status(launch, stage, 128 + message.value, reason);
}

static void
learn_caller(struct launch *launch)
{
	if (caller_read(&launch->caller, launch->origin, launch->cgroups->path) != 0)
		launch_fail(launch, STAGE_CALLER, "/proc is not the kernel's");
	switch (caller_name(&launch->caller, &launch->directory)) {
	case 1:
		runas_caller(launch);
		return;
	case 0:
		launch_fail(launch, STAGE_CALLER, "no account has uid %u, so no rule can name you",
		    launch->origin->uid);
	default:
		launch_fail(launch, STAGE_CALLER,
		    "the directory of accounts does not answer: try again later");
	}
}

/*
 * The request is read, and what it names is opened, while NSS looks the caller up; but a refusal waits
 * for the name, which belongs in its record.
 */
static void
read_request(struct launch *launch)
{
	char error[POLICY_TEXT_MAX] = "";

	launch->request_known = request_parse(&launch->request, launch->origin->argc,
	                            launch->origin->argv, error, sizeof error) == 0;
	/* Who opens it is known only when -u has been looked up. */
	if (launch->request_known && !launch->request.refused && !launch->request.user &&
	    !launch->request.join && launch->request.action == REQUEST_LAUNCH)
		question_open_request(launch);
	launch_stage_done(launch, STAGE_REQUEST);
	learn_caller(launch);
	launch_stage_done(launch, STAGE_CALLER);
	if (!launch->request_known)
		launch_fail(launch, STAGE_REQUEST, "%s", error);
	/* The client said so to the user already. Who goes around the client gets no more for it. */
	if (launch->request.refused)
		launch_fail(launch, STAGE_REQUEST, "%s", launch->request.refused);
	if (launch->request.action != REQUEST_LAUNCH)
		action_run(launch);
	if (launch->request.join)
		join_find(launch);
	if (launch->request.user)
		runas_find(launch);
	if (launch->join)
		join_account(launch);
	if (launch->request.user || launch->join)
		question_open_request(launch);
}

/* Who may not read the policy learns nothing of it; `sudo boxdo run` is a habit that needs breaking. */
static void __attribute__((noreturn)) refuse(struct launch *launch)
{
	if (!policy_public(launch->policy))
		launch->told = "not permitted";
	if (launch->decision.verdict != POLICY_REFUSE)
		launch_fail(launch, STAGE_POLICY, "the policy gave no verdict: a bug");
	launch_fail(launch, STAGE_POLICY, "%s%s", launch->decision.reason,
	    launch->origin->uid == 0 ? " (you are root here, and rules name users: drop the sudo)"
	                             : "");
}

static void
decide(struct launch *launch)
{
	const struct policy_settings *settings = policy_settings(launch->policy);
	uid_t owners[IMAGE_OWNERS_MAX];
	size_t count = 0;
	char error[POLICY_TEXT_MAX];

	policy_decide(launch->policy, &launch->question, &launch->decision);
	launch->decided = true;
	if (launch->decision.verdict != POLICY_ALLOW)
		refuse(launch);
	if (!runas_is(&launch->as, launch->decision.run_as))
		launch_fail(
		    launch, STAGE_POLICY, "the policy decided about another account: a bug");
	if (launch->cgroups->safe < 0 && !settings->cgroup_caller)
		launch_fail(launch, STAGE_CALLER,
		    "%s, so nothing here is safe from being frozen or killed by users; an "
		    "admin may set cgroup = caller in [settings]",
		    launch->cgroups->reason);
	if (launch->join)
		join_check(launch);
	/* Root never looks into it, so there is nothing to vet. */
	if (launch->decision.user_image)
		return;
	for (const char *const *name = settings->image_owners;
	     name && *name && count < IMAGE_OWNERS_MAX; name++)
		if (strcmp(*name, "root") != 0 &&
		    directory_uid(&launch->directory, *name, &owners[count]) == 1)
			count++;
	if (image_vet(&launch->image, owners, count,
	        launch->question.image ? launch->question.image->sha256 : NULL, error,
	        sizeof error) != 0)
		launch_fail(launch, STAGE_IMAGE, "%s", error);
}

/* While OPENER works. What is wrong with the journal prepare_record finds again, in its turn. */
static void
open_journal(struct launch *launch)
{
	char error[POLICY_TEXT_MAX];

	launch->journal_open =
	    audit_journal_open(&launch->journal, policy_settings(launch->policy)->volatile_journal,
	        error, sizeof error) == 0;
}

/* audit_budget and the journal: nothing is set up for a launch that cannot be recorded. */
static void
prepare_record(struct launch *launch)
{
	const struct policy_settings *settings = policy_settings(launch->policy);
	uint64_t bytes = SUPERVISOR_RECORD_BYTES + report_bytes(launch, AUDIT_COMMAND_MAX),
	         rate = settings->record_rate, burst = settings->record_burst, suppressed = 0;
	char error[POLICY_TEXT_MAX];

	if (launch->decision.password)
		bytes += SUPERVISOR_RECORD_BYTES + report_bytes(launch, AUDIT_REFUSED_COMMAND_MAX);
	launch->state = audit_state_open();
	if (!launch->state)
		launch_fail(launch, STAGE_RECORD, "/run/boxdo cannot be used: %s", strerror(errno));
	audit_state_budget(launch->state, &rate, &burst);
	if (audit_budget_take(launch->origin->uid, bytes, rate, burst, &suppressed) !=
	    AUDIT_BUDGET_OK)
		launch_fail(launch, STAGE_RECORD,
		    "too many records from you in a short time (record_rate in the policy); "
		    "wait a minute");
	if (audit_state_owed(launch->state, 0) >= AUDIT_OWED_MAX)
		launch_fail(launch, STAGE_RECORD,
		    "the audit journal stores nothing: %u end records wait for it; an admin "
		    "looks at systemd-journald@boxdo",
		    AUDIT_OWED_MAX);
	if (!launch->journal_open && audit_journal_open(&launch->journal,
	                                 settings->volatile_journal, error, sizeof error) != 0)
		launch_fail(launch, STAGE_RECORD, "%s", error);
	launch->journal_open = true;
}

/* The digest that is on record now, and of which files it is. */
static void
keep_policy(struct launch *launch)
{
	const struct policy_digest *digest = policy_digest(launch->policy);
	/* launches at the same time do not meet */
	char new[sizeof QUESTION_KNOWN_POLICY + 1 + AUDIT_ID_SIZE];
	char line[2 * POLICY_SHA256_SIZE + 1];
	int fd;

	snprintf(line, sizeof line, "%s %-64s\n", digest->sha256,
	    digest->key[0] != '\0' ? digest->key : "-");
	snprintf(new, sizeof new, "%s.%s", QUESTION_KNOWN_POLICY, launch->id);
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, sizeof line - 1) != sizeof line - 1 ||
	    rename(new, QUESTION_KNOWN_POLICY) != 0) {
		int error = errno;

		unlink(new);
		launch_fail(launch, STAGE_RECORD, "%s cannot be written: %s", new, strerror(error));
	}
	close(fd);
}

/* The first launch under a policy never seen since boot leaves its text on record. */
static void
record_policy(struct launch *launch)
{
	struct policy_digest old;
	struct audit_record record;
	size_t length = 0;
	char *text;

	question_known_policy(&old);
	if (strcmp(old.sha256, policy_sha256(launch->policy)) == 0) {
		const char *key = policy_digest(launch->policy)->key;

		/* The same text in files that were touched: the next launch need not hash it. */
		if (key[0] != '\0' && strcmp(old.key, key) != 0)
			keep_policy(launch);
		return;
	}
	text = policy_text(launch->policy, &length);
	if (!text)
		launch_fail(launch, STAGE_POLICY, "the policy changes right now: try again");
	report_policy(&record, launch, old.sha256, text, length);
	if (report_send(launch, &record) != 0)
		launch_fail(launch, STAGE_RECORD, "the policy in use could not be recorded: %s",
		    strerror(errno));
	audit_record_free(&record);
	free(text);
	keep_policy(launch);
}

static void
authenticate(struct launch *launch, bool password)
{
	char reason[512], failure[640];
	struct audit_record record;
	uint32_t verdict =
	    auth_verdict(&launch->auth, password, launch->handle, reason, sizeof reason);

	if (password) {
		auth_stop(&launch->auth);
		report_auth(
		    &record, launch, verdict == AUTH_YES, verdict == AUTH_YES ? "" : reason);
		if (report_send(launch, &record) != 0)
			launch_fail(launch, STAGE_RECORD,
			    "the authentication could not be recorded: %s", strerror(errno));
		audit_record_free(&record);
	}
	check_given_up(launch, STAGE_AUTH);
	snprintf(failure, sizeof failure, "not authenticated: %s", reason);
	if (verdict != AUTH_YES)
		launch_fail_status(launch, STAGE_AUTH, 125, failure);
}

/* Who may not read the policy learns that it is too much, and no number. */
static void __attribute__((noreturn, format(printf, 2, 3)))
over_limit(struct launch *launch, const char *format, ...)
{
	char reason[POLICY_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	if (!policy_public(launch->policy))
		launch->told = "not permitted now: you started too many containers, try later";
	launch_fail_status(launch, STAGE_POLICY, 125, reason);
}

/* From here on this launch is one of the user's running containers, and counts. */
static void
take_place(struct launch *launch)
{
	static const char *const units[POLICY_UNITS] = {"minute", "hour", "day"};
	const unsigned *limits = launch->decision.max_launches;
	unsigned most = launch->decision.max_running;
	enum policy_unit unit;
	uint64_t wait = 0;

	if (launch->join)
		most = most > RUNNING_MAX / JOIN_EACH ? RUNNING_MAX : most * JOIN_EACH;
	launch->running = running_take(launch->origin->uid,
	    running_owner(getpid(), launch->caller.process.start), most, launch->join != NULL);
	if (!launch->running && errno == EDQUOT)
		over_limit(launch,
		    "%u %s of yours run on this host, and more are not permitted "
		    "(max_running); try again when one has ended, `boxdo ps` shows them",
		    most ? most : RUNNING_MAX,
		    launch->join ? "commands in containers" : "containers");
	if (!launch->running)
		launch_fail(launch, STAGE_RECORD,
		    "/run/boxdo/" RUNNING_DIRECTORY " cannot be used: %s", strerror(errno));
	if (limit_launch(launch->origin->uid, limits, wire_now(), &unit, &wait) == 0)
		return;
	if (errno != EDQUOT)
		launch_fail(launch, STAGE_RECORD, "/run/boxdo/launches cannot be used: %s",
		    strerror(errno));
	over_limit(launch,
	    "%u launches per %s are permitted (max_launches), and you have used them up; "
	    "try again in %llu s",
	    limits[unit], units[unit], (unsigned long long)wait);
}

/* Must a password be typed? Not where a ticket says that it was, and not where nobody may be asked. */
static bool
must_ask(struct launch *launch)
{
	launch->ticket = launch->decision.password &&
	                 ticket_valid(launch, policy_settings(launch->policy)->ticket);
	if (!launch->decision.password || launch->ticket)
		return false;
	if (launch->request.prompt == REQUEST_NEVER)
		launch_fail(launch, STAGE_AUTH,
		    "a password is needed, and -n says not to ask: run something once without it");
	return true;
}

/*
 * The password was right, and perhaps long in coming: a deny written meanwhile counts. Only now is there a
 * ticket.
 */
static void
asked(struct launch *launch)
{
	size_t length;
	char *text = policy_text(launch->policy, &length);

	if (!text)
		launch_fail(launch, STAGE_POLICY,
		    "the policy changed while the password was awaited: try again");
	free(text);
	if (policy_settings(launch->policy)->ticket)
		ticket_write(launch);
}

static unsigned long long
namespaces(const struct launch *launch)
{
	return CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS |
	       (launch->question.ipc_host ? 0 : CLONE_NEWIPC) |
	       (launch->plan.network_none ? CLONE_NEWNET : 0);
}

/* INIT, in namespaces of its own and back in the caller's cgroup; or what stands for it in another's container. */
static void
start_init(struct launch *launch)
{
	const int foreign[] = {launch->handle, launch->journal.socket_dir, launch->journal.above,
	    launch->journal.journal_dir, launch->plan.fuse < 0 ? launch->image.fd : -1,
	    launch->fuse_abort, launch->cgroups->safe, launch->cgroups->caller, launch->auth.socket,
	    launch->opener.socket, launch->directory.socket};
	struct pin pin;
	bool behind = launch->origin->two && !auth_answered(&launch->auth);
	int ends[2], pinned;

	if (launch->join && join_processes(launch->join) != 0)
		launch_fail(launch, STAGE_NS, "container %s has ended", launch->request.join);
	if (wire_pair(ends) != 0)
		launch_fail(launch, STAGE_NS, "no socket: %s", strerror(errno));
	launch->control = ends[0];
	/* A user's image needs the host's squashfuse first. */
	pinned = launch->plan.fuse < 0 && !launch->join ? pin_enter(&pin) : -1;
	launch->plan.bare = pinned == 0;
	if (behind)
		processors_here();
	/* Its end is told by a pidfd alone: only __WALL waits for it (reap_children). */
	launch->init =
	    pinned > 0 ? -1 : cgroup_fork(launch->cgroup, launch->join ? 0 : namespaces(launch), 0);
	if (launch->init == 0) {
		if (behind)
			processors_any(0);
		close(ends[0]);
		child_run(&launch->plan, ends[1], foreign, sizeof foreign / sizeof foreign[0]);
	}
	/* First of all: who fails from here on ends INIT by it. */
	launch->init_pidfd = launch->init > 0 ? pidfd_open(launch->init, 0) : -1;
	close(ends[1]);
	if (pinned > 0 || (pinned == 0 && pin_leave(&pin) != 0))
		launch_fail(
		    launch, STAGE_NS, "no way back to the host's mounts: %s", strerror(errno));
	if (launch->init < 0) {
		launch->init = 0;
		launch_fail(launch, STAGE_NS,
		    "no process for the container: %s (the job's pids limit?)", strerror(errno));
	}
	if (behind) {
		processors_other();
		processors_any(0);
	}
	if (launch->init_pidfd < 0)
		launch_fail(launch, STAGE_NS, "no handle on the container: %s", strerror(errno));
	/*
	 * Held, so that taking its mounts down is not what the caller waits for, but what SUPERVISOR does after the
	 * caller was told the status. Linux before 6.11 gives none: then it is as it was.
	 */
	if (!launch->join)
		launch->mounts = ioctl(launch->init_pidfd, PIDFD_GET_MNT_NAMESPACE, 0);
	planner_close(launch);
}

/*
 * The end record should survive the memory it reports, and a caller who said "me first" (1000) before
 * starting us. After INIT was cloned, or the command could say the same of itself; best effort, it needs
 * CAP_SYS_RESOURCE, and without that the usual score is the best there is.
 */
static void
outlive_memory(void)
{
	int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (score >= 0 && write(score, "-1000", 5) < 0 && write(score, "0", 1) < 0)
		errno = 0;
	if (score >= 0)
		close(score);
}

/* Nothing of the caller's stays open here: who waits for the end of a pipe must not wait for us (B8). */
static void
let_go(struct launch *launch)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || setsid() < 0)
		launch_fail(launch, STAGE_SUPERVISE,
		    "the supervisor cannot let go of its caller: %s", strerror(errno));
	close(null);
}

/* If PAM says no, the number that the record has got is the refusal's. */
static void
write_record(struct launch *launch)
{
	report_launch(&launch->record, launch);
	launch->spare = launch->record.seq;
	if (launch->record.failed)
		launch_fail(launch, STAGE_RECORD, "out of memory for the record");
}

/* What must be so before the command runs, and what nobody waits for: done once, while we wait for somebody else. */
struct rest {
	struct launch *launch;
	struct memory memory;
	bool done;
};

static void
make_ready(void *context)
{
	struct rest *rest = context;
	struct launch *launch = rest->launch;
	const char *command;
	int length = 0;

	if (rest->done)
		return;
	rest->done = true;
	directory_stop(&launch->directory);
	memory_watch(&rest->memory, launch->cgroup);
	let_go(launch);
	if (!launch->join)
		join_write(launch);
	command = audit_record_command_text(&launch->record, &length);
	running_fill(launch, command, length);
}

static void
record_launch(struct launch *launch, struct rest *rest)
{
	int sent;

	launch->journal.meanwhile = rest->done ? NULL : make_ready;
	launch->journal.context = rest;
	/* Once it is sent an end is owed, whatever the answer: it may lie in journald's queue. */
	sent = report_send_launch(launch, &launch->record);
	launch->journal.meanwhile = NULL;
	if (sent != 0)
		launch_fail(launch, STAGE_RECORD,
		    "this launch could not be recorded (%s), so it does not happen; an admin "
		    "looks at systemd-journald@boxdo",
		    strerror(errno));
	make_ready(rest);
}

static void
wait_for_init(struct launch *launch)
{
	struct wire_message message;
	int got = wire_receive(
	    launch->control, launch->init, &message, wire_now() + SUPERVISOR_INIT_MS * WIRE_MS);

	if (got == 1 && message.kind == CHILD_READY)
		return;
	if (got == 1 && message.kind == CHILD_FAILED)
		launch_fail(launch, STAGE_MOUNTS, "%s", message.text);
	launch_fail(launch, STAGE_MOUNTS, "the container could not be set up (%s)",
	    got < 0 && errno == ETIMEDOUT ? "something it mounts does not answer"
	                                  : "its first process is gone");
}

/*
 * The children that asked were killed when they were done. Those that are dead are reaped, the others (without
 * a processor, or hung in a dead file system) will be by the kernel: it keeps none whose signal is ignored.
 */
static void
reap_children(void)
{
	signal(SIGCHLD, SIG_IGN);
	while (waitpid(-1, NULL, WNOHANG) > 0) /* but INIT, whom only __WALL finds */
		;
}

static void
give_up_privilege(struct launch *launch)
{
	int empty;

	mkdir("/run/boxdo/empty", 0555);
	empty = open("/run/boxdo/empty", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (empty < 0)
		launch_fail(launch, STAGE_SUPERVISE, "/run/boxdo/empty: %s", strerror(errno));
	if (launch->cgroups->safe >= 0)
		close(launch->cgroups->safe);
	if (launch->cgroups->caller >= 0)
		close(launch->cgroups->caller);
	if (launch->join)
		close(launch->cgroup);
	if (fchdir(launch->journal.socket_dir) != 0)
		launch_fail(launch, STAGE_SUPERVISE, "the journal's directory is gone");
	if (drop_to_kill(empty) != 0)
		launch_fail(launch, STAGE_SUPERVISE, "the supervisor cannot give its privilege up");
	close(empty);
}

void
supervisor_run(const struct origin *origin, const struct cgroups *cgroups, int handle, int open,
    const struct auth *auth)
{
	struct launch *launch = calloc(1, sizeof *launch);
	struct rest rest = {.launch = launch};
	bool password;

	if (!launch)
		_exit(125);
	/* Member by member: an assignment of the whole would write to each of its pages. */
	launch->origin = origin;
	launch->cgroups = cgroups;
	launch->handle = handle;
	launch->auth = *auth;
	launch->lap = wire_now();
	launch->cgroup = cgroups->caller;
	launch->fuse_abort = launch->mounts = launch->plan.fuse = -1;
	launch->directory.socket = launch->opener.socket = -1;
	audit_new_id(launch->id);
	start_children(launch, open);
	sanitize_title(origin, "boxdo-super");
	launch_stage_done(launch, STAGE_SANITIZE);
	read_request(launch);
	question_load_policy(launch);
	question_open_named(launch);
	open_journal(launch);
	question_prepare(launch);
	decide(launch);
	launch_stage_done(launch, STAGE_POLICY);
	password = must_ask(launch);
	/* The policy said yes: PAM works on its answer while everything else is made ready. */
	if (auth_question(&launch->auth, launch->caller.user.name, launch->caller.tty,
	        launch->as.is.other ? launch->as.user.name : "", password) != 0)
		launch_fail(launch, STAGE_AUTH, "PAM cannot be asked: %s",
		    launch->auth.socket < 0 ? "no process for it (the job's pids limit?)"
		                            : strerror(errno));
	prepare_record(launch);
	record_policy(launch);
	check_given_up(launch, STAGE_POLICY);
	if (password) {
		opener_stop(&launch->opener);
		authenticate(launch, true);
		asked(launch);
	}
	take_place(launch);
	planner_make(launch);
	launch_stage_done(launch, STAGE_IMAGE);
	start_init(launch);
	launch_stage_done(launch, STAGE_NS);
	outlive_memory(); /* before an end can be owed */
	write_record(launch);
	/* While PAM is awaited, or else the disk. */
	if (!password && !auth_answered(&launch->auth))
		make_ready(&rest);
	if (!password)
		authenticate(launch, false);
	launch_stage_done(launch, STAGE_AUTH);
	record_launch(launch, &rest);
	launch_stage_done(launch, STAGE_RECORD);
	reap_children();
	give_up_privilege(launch);
	wait_for_init(launch);
	launch_stage_done(launch, STAGE_MOUNTS);
	check_given_up(launch, STAGE_MOUNTS);
	join_offer(launch);
	watch_run(launch, &rest.memory);
}
