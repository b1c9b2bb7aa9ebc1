/*
 * boxdo policy install DIRECTORY: a whole new set, checked as a whole, swapped in by one rename.
 *
 * Runs as root, called by an admin or a configuration tool. Trusts: bytes read once, into memory; what
 * was checked is what is written. The new directory is made beside /etc/boxdo and exchanged with it
 * (RENAME_EXCHANGE): a launch has either directory open, so it never reads half of each. The old set
 * stays in /etc/boxdo.old until the next install, and for those launches that read it right now.
 * On error: nothing changes.
 */
#include "client/change.h"
#include "client/replace.h"
#include "client/tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOOL_INSTALL_OLD "/etc/boxdo.old"

struct tool_install {
	struct change change;
	char stage[64]; /* /etc/boxdo.new.XXXXXX, made here */
};

/* --- writing the new directory ------------------------------------------------------------------ */

/* As path in force, or 0755 root. */
static int
tool_install_directory(const char *path, const char *like)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -1;
	if (lstat(like, &st) != 0)
		st = (struct stat){.st_mode = 0755};
	return chown(path, st.st_uid, st.st_gid) == 0 && chmod(path, st.st_mode & 07777) == 0 ? 0
	                                                                                      : -1;
}

static int
tool_install_stage(struct tool_install *install)
{
	char path[PATH_MAX];

	snprintf(install->stage, sizeof(install->stage), "/etc/boxdo.new.XXXXXX");
	if (mkdtemp(install->stage) == NULL) {
		install->stage[0] = '\0';
		return boxdo_fail("/etc: no directory can be made: %s", strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/policy.d", install->stage);
	if (tool_install_directory(path, TOOL_POLICY_DIR "/policy.d") != 0)
		return boxdo_fail("%s: %s", path, strerror(errno));
	for (size_t i = 0; i < install->change.new.count; i++) {
		const struct set_file *file = &install->change.new.files[i];

		snprintf(path, sizeof(path), "%s%s", install->stage,
		    file->path + strlen(TOOL_POLICY_DIR));
		if (replace_create(path, file->path, file->data, file->size) != 0)
			return boxdo_fail("%s: %s", path, strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/policy.d", install->stage);
	if (replace_sync(path) != 0 ||
	    tool_install_directory(install->stage, TOOL_POLICY_DIR) != 0 ||
	    replace_sync(install->stage) != 0)
		return boxdo_fail("%s: %s", install->stage, strerror(errno));
	return 0;
}

/* What was written, read back as a launch reads it: whose it is, and byte for byte what was checked. */
static int
tool_install_verify(const struct tool_install *install)
{
	struct set written = {NULL, 0};
	struct policy_error error = {.count = 0};
	bool is_public, same;

	if (set_vetted(&written, install->stage, &is_public, &error) != 0) {
		set_free(&written);
		return boxdo_fail("%s", error.text);
	}
	same = written.count == install->change.new.count;
	for (size_t i = 0; same && i < written.count; i++)
		same = written.files[i].size ==
		       install->change.new.files[i].size &&memcmp(written.files[i].data,
		           install->change.new.files[i].data, written.files[i].size) == 0;
	set_free(&written);
	return same ? 0 : boxdo_fail("%s is not what was written", install->stage);
}

/* --- removing an old one ------------------------------------------------------------------------ */

/*
 * Files that were a policy. A launch that reads it right now must not take what is left for all of it:
 * the directory is made one that vet.c refuses before the first file goes.
 */
static void
tool_install_remove(const char *path)
{
	static const char *const parts[] = {"policy.d", "."};
	int top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd;
	DIR *stream;
	struct dirent *entry;

	if (top < 0)
		return;
	fchmod(top, 0700);
	for (size_t i = 0; i < 2; i++) {
		fd = openat(top, parts[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || (stream = fdopendir(fd)) == NULL)
			continue;
		fchmod(fd, 0720);
		while ((entry = readdir(stream)) != NULL)
			unlinkat(fd, entry->d_name, 0);
		closedir(stream);
	}
	unlinkat(top, "policy.d", AT_REMOVEDIR);
	close(top);
	rmdir(path);
}

/* What in /etc/boxdo is not the policy moves over to where it was. */
static void
tool_install_keep(const char *old)
{
	int from = open(old, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int to = open(TOOL_POLICY_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = from >= 0 ? fdopendir(dup(from)) : NULL;
	struct dirent *entry;

	while (stream != NULL && to >= 0 && (entry = readdir(stream)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, "policy.conf") == 0 ||
		    strcmp(entry->d_name, "policy.d") == 0)
			continue;
		if (renameat2(from, entry->d_name, to, entry->d_name, RENAME_NOREPLACE) != 0)
			boxdo_fail("%s/%s stays there: %s", old, entry->d_name, strerror(errno));
	}
	if (stream != NULL)
		closedir(stream);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
}

/* --- the change --------------------------------------------------------------------------------- */

static int
tool_install_swap(struct tool_install *install)
{
	char why[256], error[POLICY_TEXT_MAX];

	if (renameat2(AT_FDCWD, install->stage, AT_FDCWD, TOOL_POLICY_DIR, RENAME_EXCHANGE) == 0) {
		replace_sync("/etc");
		tool_install_keep(install->stage);
		tool_install_remove(TOOL_INSTALL_OLD);
		if (rename(install->stage, TOOL_INSTALL_OLD) != 0)
			boxdo_fail(
			    "the old policy stays in %s: %s", install->stage, strerror(errno));
		install->stage[0] = '\0';
		return 0;
	}
	snprintf(why, sizeof(why), "%s cannot be exchanged with %s: %s", TOOL_POLICY_DIR,
	    install->stage, strerror(errno));
	if (change_record(&install->change, why, error, sizeof(error)) != 0)
		boxdo_fail("%s", error);
	return boxdo_fail("%s; nothing is changed", why);
}

/* Errors stop it, findings do not: they are for check, before. */
static int
tool_install_check(struct tool_install *install)
{
	struct tool_check check = {.quiet = true};
	struct policy_error error = {.count = 0};
	struct policy *before, *after;
	unsigned errors;

	after = tool_files_policy(&install->change.new, &errors);
	if (after == NULL)
		return boxdo_fail("%u error%s: nothing is changed", errors, errors == 1 ? "" : "s");
	before = set_policy(&install->change.old, &error);
	install->change.volatile_journal =
	    policy_settings(before != NULL ? before : after)->volatile_journal;
	tool_check_set(&install->change.new, &check);
	if (check.findings > 0)
		tool_say("%u finding%s: boxdo policy check shows them\n", check.findings,
		    check.findings == 1 ? "" : "s");
	tool_effect(before, after);
	policy_free(before);
	policy_free(after);
	return 0;
}

static int
tool_install_do(struct tool_install *install, const char *directory)
{
	char before[POLICY_SHA256_SIZE], after[POLICY_SHA256_SIZE], how[PATH_MAX + 64];
	struct policy_error error = {.count = 0};
	bool is_public;
	int status = tool_files_read(&install->change.new, directory, TOOL_POLICY_DIR,
	    (struct tool_owner){install->change.admin.uid, false});

	if (status != 0)
		return status;
	/* A policy in force that is broken is what one replaces. */
	set_vetted(&install->change.old, TOOL_POLICY_DIR, &is_public, &error);
	set_digest(&install->change.old, before);
	set_digest(&install->change.new, after);
	if (strcmp(before, after) == 0 && error.count == 0) {
		tool_say("policy %.16s is in force already\n", after);
		return 0;
	}
	snprintf(how, sizeof(how), "boxdo policy install %s", directory);
	install->change.how = how;
	if ((status = tool_install_check(install)) == 0 &&
	    (status = tool_install_stage(install)) == 0 &&
	    (status = tool_install_verify(install)) == 0)
		status = change_record(&install->change, NULL, error.text, sizeof(error.text)) == 0
		             ? tool_install_swap(install)
		             : boxdo_fail("%s", error.text);
	if (status == 0)
		tool_say(
		    "policy %.16s is in force from the next launch on; the one before is in %s\n",
		    after, TOOL_INSTALL_OLD);
	return status;
}

int
tool_install(int argc, char **argv)
{
	struct tool_install *install = calloc(1, sizeof(*install));
	char error[POLICY_TEXT_MAX];
	int status = BOXDO_EXIT_CLIENT, lock;
	struct stat st;

	if (install == NULL || argc != 2 || argv[1][0] == '-' || stat(argv[1], &st) != 0 ||
	    !S_ISDIR(st.st_mode)) {
		free(install);
		return boxdo_fail("boxdo policy install DIRECTORY, laid out as " TOOL_POLICY_DIR);
	}
	if (change_admin(&install->change.admin, error, sizeof(error)) != 0 ||
	    (lock = change_lock(
	         CHANGE_POLICY_LOCK, &install->change.admin, false, error, sizeof(error))) < 0) {
		boxdo_fail("%s", error);
	} else {
		status = tool_install_do(install, argv[1]);
		if (install->stage[0] != '\0')
			tool_install_remove(install->stage);
		close(lock);
	}
	change_free(&install->change);
	free(install);
	return status;
}
