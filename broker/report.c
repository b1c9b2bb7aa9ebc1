/*
 * report.c: stage 7, what is in which record
 *
 * Privilege: all ids 0 (journald's trusted _UID is the real one). Trusts: the facts gathered.
 * Distrusts: nothing here is parsed; bytes of users are quoted by audit/record.c.
 * Fields are API: boxdo-audit(7).
 */
#include "broker/report.h"

#include "broker/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define REPORT_FIELD_BYTES 128 /* what journald adds to one more field, and the field's name */
#define REPORT_REASON_MAX (POLICY_TEXT_MAX + 64)
#define REPORT_MESSAGE_MAX 1024 /* bytes of the command in MESSAGE; COMMAND has all of it */

static const char *const ended_names[] = {
#define X(id, name) name,
    REPORT_ENDED(X)
#undef X
};

static const char *const stage_names[] = {
#define X(id, name) name,
    LAUNCH_STAGES(X)
#undef X
};

static void
add_id(struct audit_record *record, const char *name, uint32_t id)
{
	if (id != CALLER_UNSET)
		audit_record_number(record, name, id);
}

static void
add_text(struct audit_record *record, const char *name, const char *value)
{
	if (value && value[0])
		audit_record_text(record, name, value);
}

static void
add_caller(struct audit_record *record, const struct launch *launch)
{
	const struct caller *caller = &launch->caller;

	add_text(record, "USER", caller->user.name);
	audit_record_number(record, "UID", launch->origin->uid);
	audit_record_number(record, "GID", launch->origin->gid);
	add_id(record, "LOGINUID", caller->login_uid);
	add_id(record, "SESSION", caller->session);
	add_text(record, "RUNAS", runas_name(launch));
	add_text(record, "HOST", caller->host);
	add_text(record, "TTY", caller->tty);
	add_text(record, "CWD", caller->cwd);
	add_text(record, "JOB", caller->job);
	add_text(record, "STEP", caller->step);
	add_text(record, "CGROUP", caller->cgroup);
}

static const char *const *
redact(const struct launch *launch)
{
	return launch->policy ? policy_settings(launch->policy)->redact : policy_default_redact;
}

/* A reason may quote what was typed. */
static const char *
clean(const struct launch *launch, const char *reason, char text[REPORT_REASON_MAX])
{
	snprintf(text, REPORT_REASON_MAX, "%s", reason);
	audit_redact(text, redact(launch));
	return text;
}

/* The vector as asked: the command once it is known, else everything that was typed. */
static const char *const *
command(const struct launch *launch)
{
	static const char *const none[] = {NULL};

	if (launch->command)
		return (const char *const *)launch->command;
	if (launch->request_known)
		return (const char *const *)launch->request.command;
	return launch->origin->argc > 1 ? (const char *const *)launch->origin->argv + 1 : none;
}

/* As they will stand in COMMAND, or more: quoted. */
static uint64_t
quoted_bytes(const char *const *words, uint64_t max)
{
	uint64_t bytes = 0;

	for (; *words && bytes < max; words++) {
		bytes += 3;
		for (const char *at = *words; *at && bytes < max; at++)
			bytes += *at == '\'' ? 4 : 1;
	}
	return bytes < max ? bytes : max;
}

uint64_t
report_bytes(const struct launch *launch, uint64_t command_max)
{
	const struct request *request = &launch->request;
	const struct policy_decision *decision = &launch->decision;
	uint64_t bytes = quoted_bytes(command(launch), command_max),
	         message = strlen(launch->caller.cwd);

	message += bytes < REPORT_MESSAGE_MAX ? bytes : REPORT_MESSAGE_MAX;
	bytes += strlen(launch->caller.cwd) + strlen(launch->caller.cgroup);
	if (launch->request_known) {
		message += strlen(request->image);
		bytes += strlen(request->image);
		for (size_t i = 0; i < request->bind_count; i++)
			bytes += strlen(request->binds[i].source) +
			         strlen(request->binds[i].destination) + REPORT_FIELD_BYTES;
		for (size_t i = 0; i < request->device_count; i++)
			bytes += strlen(request->devices[i]) + REPORT_FIELD_BYTES;
	}
	for (size_t i = 0; launch->cdi && i < launch->cdi->node_count; i++)
		bytes += strlen(launch->cdi->nodes[i].path) + REPORT_FIELD_BYTES;
	for (size_t i = 0; launch->cdi && i < launch->cdi->mount_count; i++)
		bytes += strlen(launch->cdi->mounts[i].source) +
		         strlen(launch->cdi->mounts[i].destination) + REPORT_FIELD_BYTES;
	for (size_t i = 0; i < decision->mount_count; i++)
		bytes += strlen(decision->mounts[i].path) +
		         strlen(decision->mounts[i].destination) + REPORT_FIELD_BYTES;
	/* What is not printable takes four bytes in MESSAGE. */
	return bytes + 4 * message;
}

static void
add_asked(struct audit_record *record, const struct launch *launch, size_t max)
{
	audit_record_command(record, command(launch), max, redact(launch));
	if (!launch->request_known)
		return;
	add_text(record, "IMAGE", launch->request.image);
	add_text(record, "NAME", launch->request.name);
	if (launch->image_known) {
		add_text(record, "IMAGE_PATH", launch->image.path);
		add_text(record, "IMAGE_SHA256", launch->image.sha256);
		add_text(record, "IMAGE_VERITY", launch->image.verity);
		/* One of the caller's own may be anything by tomorrow: which file it was, and whose. */
		if (launch->question.user_image) {
			add_text(record, "IMAGE_INODE", launch->image.inode);
			audit_record_number(record, "IMAGE_OWNER", launch->image.owner);
		}
	}
}

static void
add_decision(struct audit_record *record, const struct launch *launch)
{
	if (launch->policy)
		add_text(record, "POLICY_SHA256", policy_sha256(launch->policy));
	if (launch->decided)
		add_text(record, "RULE", launch->decision.rule);
}

static void
add_bind(struct audit_record *record, const char *source, const char *destination, const char *mode)
{
	char *text;

	if (asprintf(&text, "%s:%s:%s", source, destination, mode) < 0) {
		record->failed = true;
		return;
	}
	audit_record_text(record, "BINDS", text);
	free(text);
}

/* What it got, or (refused) what was asked for. */
static void
add_binds(struct audit_record *record, const struct launch *launch, bool granted)
{
	static const char *const modes[] = {"as-granted", "ro", "rw"};

	if (granted)
		for (size_t i = 0; i < launch->decision.mount_count; i++)
			add_bind(record, launch->decision.mounts[i].path,
			    launch->decision.mounts[i].destination,
			    launch->decision.mounts[i].writable ? "rw" : "ro");
	else
		for (size_t i = 0; i < launch->request.bind_count; i++)
			add_bind(record, launch->request.binds[i].source,
			    launch->request.binds[i].destination,
			    modes[launch->request.binds[i].mode]);
	for (size_t i = 0; i < launch->request.device_count; i++)
		audit_record_text(record, "DEVICES", launch->request.devices[i]);
	for (size_t i = 0; granted && launch->cdi && i < launch->cdi->node_count; i++)
		audit_record_text(record, "DEVICES", launch->cdi->nodes[i].path);
	for (size_t i = 0; granted && launch->cdi && i < launch->cdi->mount_count; i++)
		add_bind(record, launch->cdi->mounts[i].source, launch->cdi->mounts[i].destination,
		    launch->cdi->mounts[i].writable ? "rw" : "ro");
}

/* Like sudo's line, so that a reader of auth.log is at home; the command as it stands in COMMAND, redacted. */
static void
add_message(struct audit_record *record, const struct launch *launch, const char *what)
{
	const struct caller *caller = &launch->caller;
	bool other = strcmp(runas_name(launch), caller->user.name) != 0;
	int length = 0;
	const char *text = audit_record_command_text(record, &length);

	audit_record_message(record,
	    "%s : %s%sHOST=%s ; TTY=%s ; PWD=%s ; %s%s%sIMAGE=%s ; COMMAND=%.*s",
	    caller->user.name[0] ? caller->user.name : "(unknown)", what ? what : "",
	    what ? " ; " : "", caller->host, caller->tty[0] ? caller->tty : "none", caller->cwd,
	    other ? "USER=" : "", other ? runas_name(launch) : "", other ? " ; " : "",
	    launch->request_known ? launch->request.image : "",
	    length < REPORT_MESSAGE_MAX ? length : REPORT_MESSAGE_MAX, text ? text : "");
}

static void
start(struct audit_record *record, const struct launch *launch, enum audit_event event)
{
	uint64_t seq = launch->spare;

	if (seq == 0 && launch->state)
		seq = audit_state_seq(launch->state);
	audit_record_start(record, event, launch->id, seq);
	add_caller(record, launch);
	if (launch->request_known)
		add_text(record, "JOINS", launch->request.join);
}

void
report_launch(struct audit_record *record, const struct launch *launch)
{
	static const char *const modes[] = {"confirmed", "synced", "unconfirmed"};

	start(record, launch, AUDIT_LAUNCH);
	add_asked(record, launch, AUDIT_COMMAND_MAX);
	add_decision(record, launch);
	add_binds(record, launch, true);
	add_text(record, "NETWORK", launch->decision.network);
	if (launch->decision.scratch)
		audit_record_number(record, "SCRATCH", launch->decision.scratch);
	if (launch->decision.password)
		add_text(record, "AUTH", launch->ticket ? "ticket" : "password");
	audit_record_number(record, "INIT_PID", (uint64_t)launch->init);
	add_text(record, "AUDIT_MODE", modes[policy_settings(launch->policy)->audit]);
	add_message(record, launch, launch->join ? "in a container that runs" : NULL);
}

void
report_refuse(struct audit_record *record, const struct launch *launch, enum launch_stage stage,
    const char *reason, uint64_t suppressed)
{
	bool forgotten = launch->request.action == REQUEST_FORGET;
	char text[REPORT_REASON_MAX];

	reason = clean(launch, reason, text);
	start(record, launch, forgotten ? AUDIT_AUTH : AUDIT_REFUSE);
	if (forgotten)
		add_text(record, "RESULT", "revoked");
	add_asked(record, launch, AUDIT_REFUSED_COMMAND_MAX);
	add_decision(record, launch);
	if (launch->request_known) {
		add_binds(record, launch, false);
		add_text(record, "NETWORK", launch->request.network);
	}
	add_text(record, "STAGE", stage_names[stage]);
	add_text(record, "REASON", reason);
	if (suppressed)
		audit_record_number(record, "SUPPRESSED", suppressed);
	add_message(record, launch, reason);
}

void
report_auth(
    struct audit_record *record, const struct launch *launch, bool succeeded, const char *reason)
{
	char text[REPORT_REASON_MAX];

	reason = clean(launch, reason, text);
	start(record, launch, AUDIT_AUTH);
	add_asked(record, launch, AUDIT_REFUSED_COMMAND_MAX);
	add_decision(record, launch);
	add_text(record, "RESULT", succeeded ? "success" : "failure");
	add_text(record, "REASON", reason);
	add_message(record, launch, succeeded ? "authenticated" : reason);
}

void
report_policy(struct audit_record *record, const struct launch *launch, const char *old_sha256,
    const char *text, size_t length)
{
	start(record, launch, AUDIT_POLICY);
	add_text(record, "POLICY_SHA256", policy_sha256(launch->policy));
	add_text(record, "POLICY_OLD_SHA256", old_sha256);
	audit_record_bytes(record, "POLICY_TEXT", text, length);
	audit_record_message(record,
	    "policy %.16s is in use on %s since a launch by %s (before: %.16s)",
	    policy_sha256(launch->policy), launch->caller.host, launch->caller.user.name,
	    old_sha256[0] ? old_sha256 : "none known");
}

/* Microseconds each stage took, for whoever asks why a launch was slow. */
static void
add_stages(struct audit_record *record, const struct launch *launch)
{
	char text[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < STAGE_SUPERVISE; i++)
		if (launch->times[i])
			length += (size_t)snprintf(text + length, sizeof text - length, "%s%s=%llu",
			    length ? " " : "", stage_names[i],
			    (unsigned long long)(launch->times[i] / 1000));
	add_text(record, "STAGES_USEC", text);
}

static uint64_t
microseconds(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

void
report_end(
    struct audit_record *record, const struct launch *launch, const struct report_ending *ending)
{
	int status = ending->status;
	char text[REPORT_REASON_MAX];
	const char *reason = clean(launch, ending->reason, text);

	start(record, launch, AUDIT_END);
	add_text(record, "IMAGE", launch->request.image);
	add_decision(record, launch);
	if (WIFSIGNALED(status))
		audit_record_number(record, "SIGNAL", (uint64_t)WTERMSIG(status));
	else
		audit_record_number(record, "EXIT", (uint64_t)WEXITSTATUS(status));
	add_text(record, "ENDED", ended_names[ending->ended]);
	add_text(record, "REASON", reason);
	if (launch->stopped_by[0]) {
		add_text(record, "STOPPED_BY", launch->stopped_by);
		add_id(record, "STOPPED_BY_LOGINUID", launch->stopped_login);
	}
	audit_record_number(record, "DURATION_USEC", (wire_now() - ending->started) / 1000);
	audit_record_number(record, "CPU_USEC",
	    microseconds(ending->usage.ru_utime) + microseconds(ending->usage.ru_stime));
	audit_record_number(record, "MAXRSS_KIB", (uint64_t)ending->usage.ru_maxrss);
	add_stages(record, launch);
	audit_record_message(record, "%s : end of %s ; IMAGE=%s ; %s=%d ; %s",
	    launch->caller.user.name, launch->id, launch->request.image,
	    WIFSIGNALED(status) ? "SIGNAL" : "EXIT",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), reason);
}

void
report_not_started(struct audit_record *record, const struct launch *launch,
    enum launch_stage stage, const char *reason)
{
	char why[POLICY_TEXT_MAX + 32];

	snprintf(why, sizeof why, "not started: %s", reason);
	audit_redact(why, redact(launch));
	start(record, launch, AUDIT_END);
	add_text(record, "IMAGE", launch->request.image);
	add_decision(record, launch);
	add_text(record, "STAGE", stage_names[stage]);
	add_text(record, "ENDED", ended_names[ENDED_NOT_STARTED]);
	add_text(record, "REASON", why);
	audit_record_message(record, "%s : end of %s ; IMAGE=%s ; %s", launch->caller.user.name,
	    launch->id, launch->request.image, why);
}

static enum audit_mode
mode(const struct launch *launch)
{
	static const enum audit_mode modes[] = {[POLICY_CONFIRMED] = AUDIT_CONFIRMED,
	    [POLICY_SYNCED] = AUDIT_SYNCED,
	    [POLICY_UNCONFIRMED] = AUDIT_UNCONFIRMED};

	return launch->policy ? modes[policy_settings(launch->policy)->audit] : AUDIT_CONFIRMED;
}

static int
confirm(struct launch *launch, const struct audit_record *record, uint64_t deadline)
{
	int result = audit_journal_confirm(&launch->journal, record, mode(launch), deadline);

	if (result == 0 && launch->policy && policy_settings(launch->policy)->mirror)
		audit_journal_mirror(&launch->journal, record);
	return result;
}

static int
send_and_confirm(struct launch *launch, const struct audit_record *record, bool *sent)
{
	uint64_t deadline = wire_now() + AUDIT_DEADLINE_MS * WIRE_MS;

	/* A number that nobody has seen is used again, or its absence would look like a record removed. */
	launch->spare = record->seq;
	if (record->failed || !launch->journal_open) {
		errno = record->failed ? ENOMEM : ENOENT;
		return -1;
	}
	if (audit_journal_send(&launch->journal, record, deadline) != 0)
		return -1;
	launch->spare = 0;
	*sent = true;
	return confirm(launch, record, deadline);
}

int
report_send(struct launch *launch, const struct audit_record *record)
{
	bool sent;

	return send_and_confirm(launch, record, &sent);
}

int
report_send_launch(struct launch *launch, const struct audit_record *record)
{
	return send_and_confirm(launch, record, &launch->recorded);
}

int
report_confirm(struct launch *launch, const struct audit_record *record)
{
	return confirm(launch, record, wire_now() + AUDIT_DEADLINE_MS * WIRE_MS);
}

bool
report_found(struct launch *launch, const struct audit_record *record)
{
	return audit_journal_confirm(&launch->journal, record, AUDIT_CONFIRMED, wire_now()) == 0;
}

void
report_deliver(struct launch *launch, const struct audit_record *record, unsigned tries)
{
	struct timespec pause = {.tv_sec = 1};

	while (tries-- > 0 && report_send(launch, record) != 0) {
		nanosleep(&pause, NULL);
		/* Each attempt takes five seconds; longer pauses would outlast a shutdown. */
		if (pause.tv_sec < 8)
			pause.tv_sec *= 2;
		/* It came later than the deadline: once is enough. */
		if (report_found(launch, record))
			return;
	}
}
