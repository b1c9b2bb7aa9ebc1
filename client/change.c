/*
 * change.c: a change of the policy by one of root's tools: who, the lock, the record
 *
 * Runs as root, called by an admin (sudo, doas, su, a root shell). Trusts: /run/boxdo, which is root's; the login uid,
 * which the kernel keeps and sudo does not change. SUDO_UID is sudo's word, and root's to forge, so both are on record.
 * The record is root's as a launch's: real uid 0, sent, found again, synced (audit/journal.c).
 * Errors: one line, -1; the caller then changes nothing.
 */
#include "client/change.h"
#include "client/plain.h"

#include "audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static int __attribute__((format(printf, 3, 4)))
change_fail(char *error, size_t size, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(error, size, format, list);
	va_end(list);
	return -1;
}

/* --- who ---------------------------------------------------------------------------------------- */

static uint32_t
change_number(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned number = UINT32_MAX;

	if (file != NULL && fscanf(file, "%u", &number) != 1)
		number = UINT32_MAX;
	if (file != NULL)
		fclose(file);
	return number;
}

int
change_admin(struct change_admin *admin, char *error, size_t size)
{
	const char *sudo = getenv("SUDO_UID");
	struct passwd *account;
	uid_t uid = 0;
	char *end;

	if (getuid() != 0 || geteuid() != 0)
		return change_fail(error, size, "the policy is root's: sudo boxdo policy ...");
	admin->login_uid = change_number("/proc/self/loginuid");
	if (sudo != NULL && sudo[0] >= '0' && sudo[0] <= '9') {
		uid = (uid_t)strtoul(sudo, &end, 10);
		if (*end != '\0')
			return change_fail(error, size, "SUDO_UID is no uid");
	} else if (admin->login_uid != UINT32_MAX) {
		uid = admin->login_uid;
	}
	account = getpwuid(uid);
	if (account == NULL)
		return change_fail(error, size, "uid %u, who calls this, has no account here", uid);
	admin->uid = account->pw_uid;
	admin->gid = account->pw_gid;
	snprintf(admin->name, sizeof(admin->name), "%s", account->pw_name);
	admin->home = strdup(account->pw_dir);
	admin->shell = strdup(account->pw_shell);
	return admin->home != NULL && admin->shell != NULL
	           ? 0
	           : change_fail(error, size, "out of memory");
}

/* --- one at a time ------------------------------------------------------------------------------ */

/* Who holds it wrote that into it. */
static void
change_holder(int fd, char text[128])
{
	ssize_t got = pread(fd, text, 127, 0);

	text[got > 0 ? got : 0] = '\0';
	plain_line(text);
}

int
change_lock(const char *path, const struct change_admin *admin, bool wait, char *error, size_t size)
{
	char text[128];
	int fd;

	mkdir("/run/boxdo", 0755);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return change_fail(error, size, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		const char *what =
		    strcmp(path, CHANGE_POLICY_LOCK) == 0 ? "the policy is" : "the images are";

		change_holder(fd, text);
		if (wait)
			fprintf(stderr, "boxdo: waiting: %s being changed by %s\n", what, text);
		if (!wait || flock(fd, LOCK_EX) != 0) {
			close(fd);
			return change_fail(error, size, "%s being changed already%s%s", what,
			    text[0] != '\0' ? " by " : "", text);
		}
	}
	snprintf(text, sizeof(text), "%s, process %d", admin->name, (int)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
		errno = 0;
	return fd;
}

/* --- before and after --------------------------------------------------------------------------- */

int
change_set(struct change *change, const char *path, const char *data, size_t length)
{
	int status = 0;

	set_free(&change->new);
	for (size_t i = 0; status == 0 && i < change->old.count; i++) {
		const struct set_file *file = &change->old.files[i];

		if (strcmp(file->path, path) != 0)
			status =
			    set_add(&change->new, file->path, file->data, file->size, file->main);
	}
	if (status == 0 && data != NULL)
		status = set_add(
		    &change->new, path, data, length, strcmp(path, CHANGE_DIR "/policy.conf") == 0);
	return status;
}

void
change_free(struct change *change)
{
	set_free(&change->old);
	set_free(&change->new);
}

/* --- the record --------------------------------------------------------------------------------- */

static void
change_add_who(struct audit_record *record, const struct change *change)
{
	const char *tty = ttyname(STDERR_FILENO);
	uint32_t session = change_number("/proc/self/sessionid");
	struct utsname names;
	char *cwd = getcwd(NULL, 0);

	audit_record_text(record, "USER", change->admin.name);
	audit_record_number(record, "UID", change->admin.uid);
	audit_record_number(record, "GID", change->admin.gid);
	if (change->admin.login_uid != UINT32_MAX)
		audit_record_number(record, "LOGINUID", change->admin.login_uid);
	if (session != UINT32_MAX)
		audit_record_number(record, "SESSION", session);
	audit_record_text(record, "RUNAS", "root");
	if (uname(&names) == 0)
		audit_record_text(record, "HOST", names.nodename);
	if (tty != NULL)
		audit_record_text(record, "TTY", strncmp(tty, "/dev/", 5) == 0 ? tty + 5 : tty);
	audit_record_text(record, "CWD", cwd);
	audit_record_text(record, "COMMAND", change->how);
	free(cwd);
}

static void
change_fill(struct audit_record *record, const struct change *change, const char *failed)
{
	char before[POLICY_SHA256_SIZE], after[POLICY_SHA256_SIZE];
	size_t length = 0;
	char *text = set_text(&change->new, &length);

	set_digest(&change->old, before);
	set_digest(&change->new, after);
	change_add_who(record, change);
	audit_record_text(record, "IMAGE", change->image);
	audit_record_text(record, "IMAGE_PATH", change->image_path);
	audit_record_text(record, "IMAGE_SHA256", change->image_sha256);
	audit_record_text(record, "POLICY_SHA256", failed != NULL ? before : after);
	audit_record_text(record, "POLICY_OLD_SHA256", failed != NULL ? after : before);
	audit_record_text(record, "REASON", failed != NULL ? failed : change->what);
	if (failed == NULL && text != NULL)
		audit_record_bytes(record, "POLICY_TEXT", text, length);
	else if (failed == NULL)
		record->failed = true;
	free(text);
	audit_record_message(record,
	    failed != NULL ? "%s : policy %.16s is not put in force : %s"
	                   : "%s : puts policy %.16s in force, by %s",
	    change->admin.name, after, failed != NULL ? failed : change->how);
}

static int
change_send(const struct audit_record *record, bool volatile_journal, char *error, size_t size)
{
	struct audit_journal journal;
	struct timespec now;
	char why[POLICY_TEXT_MAX] = "";
	uint64_t deadline;
	int status;

	if (record->failed)
		return change_fail(error, size, "out of memory for the record");
	if (audit_journal_open(&journal, volatile_journal, why, sizeof(why)) != 0)
		return change_fail(error, size, "%s", why);
	clock_gettime(CLOCK_BOOTTIME, &now);
	deadline = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec +
	           (uint64_t)AUDIT_DEADLINE_MS * 1000000U;
	status = audit_journal_send(&journal, record, deadline);
	if (status == 0)
		status = audit_journal_confirm(&journal, record, AUDIT_CONFIRMED, deadline);
	if (status != 0)
		change_fail(error, size, "%s", strerror(errno));
	audit_journal_close(&journal);
	return status;
}

int
change_record(const struct change *change, const char *failed, char *error, size_t size)
{
	struct audit_state *state = audit_state_open();
	struct audit_record record;
	char id[AUDIT_ID_SIZE], why[POLICY_TEXT_MAX];
	int status;

	if (state == NULL)
		return change_fail(error, size, "/run/boxdo cannot be used: %s", strerror(errno));
	audit_new_id(id);
	audit_record_start(&record, AUDIT_POLICY, id, audit_state_seq(state));
	change_fill(&record, change, failed);
	status = change_send(&record, change->volatile_journal, why, sizeof(why));
	audit_record_free(&record);
	return status == 0 ? 0
	                   : change_fail(error, size,
	                         "this change could not be recorded (%s), so it is not made; look "
	                         "at systemd-journald@boxdo",
	                         why);
}
