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

#include "broker/child.h"
#include "broker/drop.h"
#include "broker/handle.h"
#include "broker/launch.h"
#include "broker/planner.h"
#include "broker/question.h"
#include "broker/report.h"
#include "broker/watch.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUPERVISOR_INIT_MS 20000 /* for INIT to mount and drop: a network file system may be slow */

/* Bytes of records a launch causes besides its command: launch and end, measured with every field. */
#define SUPERVISOR_RECORD_BYTES 6144

/* The children that ask, forked before any lock is taken or privileged descriptor is opened. */
static void
start_children(struct launch *launch, int prompt)
{
	if (auth_start(&launch->auth, launch->origin, prompt) != 0 ||
	    directory_start(&launch->directory, launch->origin) != 0 ||
	    directory_user_question(&launch->directory, launch->origin->uid) != 0)
		launch_fail(launch, STAGE_SANITIZE, "no process: %s", strerror(errno));
	/* PAM and NSS modules may start programs that need root's capabilities; nothing after them does. */
	drop_bounding();
	if (opener_start(&launch->opener, launch->origin) != 0)
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
	if (launch->request_known && !launch->request.refused)
		question_open_request(launch);
	launch_stage_done(launch, STAGE_REQUEST);
	learn_caller(launch);
	launch_stage_done(launch, STAGE_CALLER);
	if (!launch->request_known)
		launch_fail(launch, STAGE_REQUEST, "%s", error);
	/* The client said so to the user already. Who goes around the client gets no more for it. */
	if (launch->request.refused)
		launch_fail(launch, STAGE_REQUEST, "%s", launch->request.refused);
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
	if (launch->cgroups->safe < 0 && !settings->cgroup_caller)
		launch_fail(launch, STAGE_CALLER,
		    "%s, so nothing here is safe from being frozen or killed by users; an "
		    "admin may set cgroup = caller in [settings]",
		    launch->cgroups->reason);
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

/* audit_budget and the journal: nothing is set up for a launch that cannot be recorded. */
static void
prepare_record(struct launch *launch)
{
	const struct policy_settings *settings = policy_settings(launch->policy);
	uint64_t bytes = SUPERVISOR_RECORD_BYTES + report_bytes(launch, AUDIT_COMMAND_MAX),
	         suppressed = 0;
	char error[POLICY_TEXT_MAX];

	if (launch->decision.password)
		bytes += SUPERVISOR_RECORD_BYTES + report_bytes(launch, AUDIT_REFUSED_COMMAND_MAX);
	launch->state = audit_state_open();
	if (!launch->state)
		launch_fail(launch, STAGE_RECORD, "/run/boxdo cannot be used: %s", strerror(errno));
	if (audit_budget_take(launch->origin->uid, bytes, settings->record_rate,
	        settings->record_burst, &suppressed) != AUDIT_BUDGET_OK)
		launch_fail(launch, STAGE_RECORD,
		    "too many records from you in a short time (record_rate in the policy); "
		    "wait a minute");
	if (audit_state_owed(launch->state, 0) >= AUDIT_OWED_MAX)
		launch_fail(launch, STAGE_RECORD,
		    "the audit journal stores nothing: %u end records wait for it; an admin "
		    "looks at systemd-journald@boxdo",
		    AUDIT_OWED_MAX);
	if (audit_journal_open(&launch->journal, settings->volatile_journal, error, sizeof error) !=
	    0)
		launch_fail(launch, STAGE_RECORD, "%s", error);
	launch->journal_open = true;
}

/* The first launch under a policy never seen since boot leaves its text on record. */
static void
record_policy(struct launch *launch)
{
	static const char path[] = "/run/boxdo/policy";
	char new[sizeof path + 1 + AUDIT_ID_SIZE]; /* launches at the same time do not meet */
	char old[POLICY_SHA256_SIZE] = "", *text;
	struct audit_record record;
	size_t length = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && read(fd, old, sizeof old - 1) < 0)
		old[0] = '\0';
	if (fd >= 0)
		close(fd);
	if (strcmp(old, policy_sha256(launch->policy)) == 0)
		return;
	text = policy_text(launch->policy, &length);
	if (!text)
		launch_fail(launch, STAGE_POLICY, "the policy changes right now: try again");
	report_policy(&record, launch, old, text, length);
	if (report_send(launch, &record) != 0)
		launch_fail(launch, STAGE_RECORD, "the policy in use could not be recorded: %s",
		    strerror(errno));
	audit_record_free(&record);
	free(text);
	snprintf(new, sizeof new, "%s.%s", path, launch->id);
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 ||
	    write(fd, policy_sha256(launch->policy), POLICY_SHA256_SIZE - 1) !=
	        POLICY_SHA256_SIZE - 1 ||
	    rename(new, path) != 0) {
		int error = errno;

		unlink(new);
		launch_fail(launch, STAGE_RECORD, "%s cannot be written: %s", new, strerror(error));
	}
	close(fd);
}

static void
authenticate(struct launch *launch, bool password)
{
	char reason[512], failure[640];
	struct audit_record record;
	uint32_t verdict =
	    auth_verdict(&launch->auth, password, launch->handle, reason, sizeof reason);

	auth_stop(&launch->auth);
	if (password) {
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

/* INIT, in namespaces of its own and back in the caller's cgroup. */
static void
start_init(struct launch *launch)
{
	unsigned long long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS;
	const int foreign[] = {launch->handle, launch->journal.socket_dir,
	    launch->journal.journal_dir, launch->image.fd, launch->cgroups->safe,
	    launch->cgroups->caller};
	int ends[2];

	if (!launch->question.ipc_host)
		flags |= CLONE_NEWIPC;
	if (launch->plan.network_none)
		flags |= CLONE_NEWNET;
	if (wire_pair(ends) != 0)
		launch_fail(launch, STAGE_NS, "no socket: %s", strerror(errno));
	launch->control = ends[0];
	launch->init = cgroup_fork(launch->cgroups->caller, flags);
	if (launch->init == 0) {
		close(ends[0]);
		child_run(&launch->plan, ends[1], foreign, sizeof foreign / sizeof foreign[0]);
	}
	close(ends[1]);
	if (launch->init < 0) {
		launch->init = 0;
		launch_fail(launch, STAGE_NS,
		    "no process for the container: %s (the job's pids limit?)", strerror(errno));
	}
	launch->init_pidfd = pidfd_open(launch->init, 0);
	if (launch->init_pidfd < 0)
		launch_fail(launch, STAGE_NS, "no handle on the container: %s", strerror(errno));
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

static void
record_launch(struct launch *launch)
{
	struct audit_record record;
	int status;

	report_launch(&record, launch);
	if (record.failed)
		launch_fail(launch, STAGE_RECORD, "out of memory for the record");
	/* Once it is sent an end is owed, whatever the answer: it may lie in journald's queue. */
	status = report_send_launch(launch, &record);
	audit_record_free(&record);
	if (status != 0)
		launch_fail(launch, STAGE_RECORD,
		    "this launch could not be recorded (%s), so it does not happen; an admin "
		    "looks at systemd-journald@boxdo",
		    strerror(errno));
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

/* The children that asked were killed when they were done; by now they are dead. Hung ones stay until they are. */
static void
reap_children(const struct launch *launch)
{
	waitpid(launch->auth.pid, NULL, WNOHANG);
	waitpid(launch->opener.pid, NULL, WNOHANG);
	waitpid(launch->directory.pid, NULL, WNOHANG);
}

/* Nothing of the caller's stays open here: who waits for the end of a pipe must not wait for us (B8). */
static void
let_go(struct launch *launch)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), empty;

	mkdir("/run/boxdo/empty", 0555);
	empty = open("/run/boxdo/empty", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (null < 0 || empty < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    setsid() < 0)
		launch_fail(launch, STAGE_SUPERVISE,
		    "the supervisor cannot let go of its caller: %s", strerror(errno));
	close(null);
	if (launch->cgroups->safe >= 0)
		close(launch->cgroups->safe);
	if (launch->cgroups->caller >= 0)
		close(launch->cgroups->caller);
	if (fchdir(launch->journal.socket_dir) != 0)
		launch_fail(launch, STAGE_SUPERVISE, "the journal's directory is gone");
	if (drop_to_kill(empty) != 0)
		launch_fail(launch, STAGE_SUPERVISE, "the supervisor cannot give its privilege up");
	close(empty);
}

void
supervisor_run(const struct origin *origin, const struct cgroups *cgroups, int handle, int prompt)
{
	struct launch *launch = calloc(1, sizeof *launch);

	if (!launch)
		_exit(125);
	*launch = (struct launch){.origin = origin,
	    .cgroups = cgroups,
	    .handle = handle,
	    .lap = wire_now(),
	    .directory.socket = -1,
	    .opener.socket = -1,
	    .auth.socket = -1};
	sanitize_title(origin, "boxdo-super");
	audit_new_id(launch->id);
	start_children(launch, prompt);
	launch_stage_done(launch, STAGE_SANITIZE);
	read_request(launch);
	question_load_policy(launch);
	question_prepare(launch);
	decide(launch);
	launch_stage_done(launch, STAGE_POLICY);
	/* The policy said yes: PAM works on its answer while everything else is made ready. */
	if (auth_question(&launch->auth, launch->caller.user.name, launch->caller.tty,
	        launch->decision.password) != 0)
		launch_fail(launch, STAGE_AUTH, "PAM is gone: %s", strerror(errno));
	prepare_record(launch);
	record_policy(launch);
	check_given_up(launch, STAGE_POLICY);
	if (launch->decision.password)
		authenticate(launch, true);
	planner_make(launch);
	launch_stage_done(launch, STAGE_IMAGE);
	directory_stop(&launch->directory);
	start_init(launch);
	launch_stage_done(launch, STAGE_NS);
	if (!launch->decision.password)
		authenticate(launch, false);
	launch_stage_done(launch, STAGE_AUTH);
	outlive_memory();
	record_launch(launch);
	launch_stage_done(launch, STAGE_RECORD);
	wait_for_init(launch);
	launch_stage_done(launch, STAGE_MOUNTS);
	check_given_up(launch, STAGE_MOUNTS);
	reap_children(launch);
	let_go(launch);
	watch_run(launch);
}
