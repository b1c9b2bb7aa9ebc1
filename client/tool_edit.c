/*
 * boxdo policy edit: one file, edited as oneself, put in force whole or not at all.
 *
 * Runs as root, called by an admin. The editor runs as the admin's own account, on a copy in a
 * directory of that account: it never has root's rights nor root's file, whatever EDITOR says, loads
 * or starts. Its words are a vector, the file an absolute path and the last of them; "--" in EDITOR is
 * refused, for with it words become files that somebody chose (CVE-2023-22809).
 * What comes back is bytes over a pipe, read by a child that is the admin: root opens no name in a
 * directory that is not its own.
 * Then: checked, its effect shown, recorded (confirmed), renamed into place. On error: nothing changes.
 */
#include "client/change.h"
#include "client/replace.h"
#include "client/tool.h"

#include "policy/vet.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOOL_EDIT_WORDS_MAX 32

struct tool_edit {
	struct change change;
	char name[NAME_MAX + 1]; /* "policy.conf" or "40-phys.conf" */
	char path[PATH_MAX];     /* /etc/boxdo/policy.d/40-phys.conf */
	char copy[PATH_MAX];     /* the admin's */
	char directory[64];
	char *editor[TOOL_EDIT_WORDS_MAX + 2];
};

/* --- becoming the admin ------------------------------------------------------------------------ */

/* In a child: all ids the admin's, for good. Does not return when that fails. */
static void
tool_edit_become(const struct change_admin *admin)
{
	if (admin->uid != 0 &&
	    (initgroups(admin->name, admin->gid) != 0 ||
	        setresgid(admin->gid, admin->gid, admin->gid) != 0 ||
	        setresuid(admin->uid, admin->uid, admin->uid) != 0 || setuid(0) == 0))
		_exit(126);
	if (close_range(3, ~0U, 0) != 0)
		_exit(126);
	setenv("HOME", admin->home, 1);
	setenv("USER", admin->name, 1);
	setenv("LOGNAME", admin->name, 1);
	setenv("SHELL", admin->shell, 1);
	unsetenv("MAIL");
}

static int
tool_edit_wait(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Writes data as the admin: standard input of a child is the pipe. */
static int
tool_edit_give(struct tool_edit *edit, const char *data, size_t size)
{
	int ends[2], status, fd;
	pid_t child;
	char buffer[4096];
	ssize_t got;

	if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0)
		return boxdo_fail("no process: %s", strerror(errno));
	if (child == 0) {
		dup2(ends[0], STDIN_FILENO);
		tool_edit_become(&edit->change.admin);
		fd = open(edit->copy, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
		while (fd >= 0 && (got = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
			if (write(fd, buffer, (size_t)got) != got)
				_exit(1);
		_exit(fd >= 0 && close(fd) == 0 ? 0 : 1);
	}
	close(ends[0]);
	while (size > 0 && (got = write(ends[1], data, size)) > 0) {
		data += got;
		size -= (size_t)got;
	}
	close(ends[1]);
	status = tool_edit_wait(child);
	return size == 0 && status == 0
	           ? 0
	           : boxdo_fail("%s cannot be written as %s", edit->copy, edit->change.admin.name);
}

/* What the editor left, as bytes: read by the admin, so it can be nothing the admin may not read. */
static int
tool_edit_take(struct tool_edit *edit, char **data, size_t *size)
{
	int ends[2], fd;
	struct stat st;
	pid_t child;
	char buffer[4096];
	ssize_t got;

	*data = malloc(VET_TOTAL_MAX + 1);
	*size = 0;
	if (*data == NULL || pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0)
		return boxdo_fail("no process: %s", strerror(errno));
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		tool_edit_become(&edit->change.admin);
		fd = open(edit->copy, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
			_exit(1);
		while ((got = read(fd, buffer, sizeof(buffer))) > 0)
			if (write(STDOUT_FILENO, buffer, (size_t)got) != got)
				_exit(1);
		_exit(got == 0 ? 0 : 1);
	}
	close(ends[1]);
	while (*size <= VET_TOTAL_MAX &&
	       (got = read(ends[0], *data + *size, VET_TOTAL_MAX + 1 - *size)) > 0)
		*size += (size_t)got;
	close(ends[0]);
	if (tool_edit_wait(child) == 0 && *size <= VET_TOTAL_MAX)
		return 0;
	return boxdo_fail(
	    "%s cannot be read back: gone, too large, or no regular file", edit->copy);
}

/* --- the editor -------------------------------------------------------------------------------- */

/* Words at blanks, '...' and "..." hold them together. */
static int
tool_edit_words(struct tool_edit *edit, const char *value)
{
	char *text = strdup(value), *to = text, quote = '\0';
	size_t count = 0;
	bool in_word = false;

	if (text == NULL)
		return boxdo_fail("out of memory");
	for (const char *at = value;; at++) {
		bool end = *at == '\0' || (quote == '\0' && strchr(" \t\n", *at) != NULL);

		if (in_word && end) {
			*to++ = '\0';
			in_word = false;
		}
		if (*at == '\0')
			break;
		if (end)
			continue;
		if (!in_word) {
			if (count == TOOL_EDIT_WORDS_MAX)
				return boxdo_fail("the editor's command line has too many words");
			edit->editor[count++] = to;
			in_word = true;
		}
		if (quote != '\0' ? *at == quote : *at == '"' || *at == '\'')
			quote = quote != '\0' ? '\0' : *at;
		else
			*to++ = *at;
	}
	if (count == 0 || quote != '\0')
		return boxdo_fail("'%s' is no editor", value);
	for (size_t i = 0; i < count; i++)
		if (strcmp(edit->editor[i], "--") == 0)
			return boxdo_fail(
			    "'%s': an editor with '--' in it would open other files", value);
	edit->editor[count] = edit->copy;
	return 0;
}

static int
tool_edit_editor(struct tool_edit *edit)
{
	static const char *const names[] = {"SUDO_EDITOR", "VISUAL", "EDITOR"};

	for (size_t i = 0; i < 3; i++)
		if (getenv(names[i]) != NULL && getenv(names[i])[0] != '\0')
			return tool_edit_words(edit, getenv(names[i]));
	return tool_edit_words(
	    edit, access("/usr/bin/editor", X_OK) == 0 ? "/usr/bin/editor" : "vi");
}

static int
tool_edit_run(struct tool_edit *edit)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return boxdo_fail("no process: %s", strerror(errno));
	if (child == 0) {
		tool_edit_become(&edit->change.admin);
		signal(SIGPIPE, SIG_DFL);
		execvp(edit->editor[0], edit->editor);
		boxdo_fail("%s: %s", edit->editor[0], strerror(errno));
		_exit(127);
	}
	/* ^C is the editor's. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	status = tool_edit_wait(child);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return boxdo_fail("the editor failed (%s %d): nothing is changed",
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* --- the copy ---------------------------------------------------------------------------------- */

/* A directory that is the admin's alone, made by a child that is the admin. */
static int
tool_edit_directory(struct tool_edit *edit)
{
	int ends[2];
	pid_t child;
	ssize_t got;

	if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0)
		return boxdo_fail("no process: %s", strerror(errno));
	if (child == 0) {
		char name[] = "/tmp/boxdo-policy.XXXXXX";

		dup2(ends[1], STDOUT_FILENO);
		tool_edit_become(&edit->change.admin);
		umask(077);
		_exit(
		    mkdtemp(name) != NULL && write(STDOUT_FILENO, name, sizeof(name)) > 0 ? 0 : 1);
	}
	close(ends[1]);
	got = read(ends[0], edit->directory, sizeof(edit->directory) - 1);
	close(ends[0]);
	if (tool_edit_wait(child) != 0 || got <= 0)
		return boxdo_fail("%s cannot make a directory in /tmp", edit->change.admin.name);
	snprintf(edit->copy, sizeof(edit->copy), "%s/%s", edit->directory, edit->name);
	return 0;
}

static void
tool_edit_clean(struct tool_edit *edit)
{
	pid_t child = edit->directory[0] != '\0' ? fork() : -1;

	if (child == 0) {
		tool_edit_become(&edit->change.admin);
		unlink(edit->copy);
		_exit(rmdir(edit->directory) == 0 ? 0 : 1);
	}
	/* What else an editor left there stays: it is the admin's. */
	if (child > 0 && tool_edit_wait(child) != 0)
		boxdo_fail("%s is left, with what the editor put there", edit->directory);
}

/* --- into force -------------------------------------------------------------------------------- */

/* The policy in force, read once more: it must be the one that was there when the editor began. */
static bool
tool_edit_changed(const struct tool_edit *edit)
{
	struct set now = {NULL, 0};
	struct policy_error error = {.count = 0};
	char was[POLICY_SHA256_SIZE], is[POLICY_SHA256_SIZE];
	bool is_public;

	set_vetted(&now, TOOL_POLICY_DIR, &is_public, &error);
	set_digest(&now, is);
	set_digest(&edit->change.old, was);
	set_free(&now);
	return strcmp(was, is) != 0;
}

static int
tool_edit_put(struct tool_edit *edit, const char *data, size_t size)
{
	char how[NAME_MAX + 64], why[256], error[POLICY_TEXT_MAX];

	if (tool_edit_changed(edit))
		return boxdo_fail("the policy was changed by somebody else meanwhile: begin again");
	snprintf(how, sizeof(how), "boxdo policy edit %s", edit->name);
	edit->change.how = how;
	if (change_record(&edit->change, NULL, error, sizeof(error)) != 0)
		return boxdo_fail("%s", error);
	if (replace_file(edit->path, data, size) == 0) {
		tool_say("%s is in force from the next launch on\n", edit->path);
		return 0;
	}
	snprintf(why, sizeof(why), "%s: %s", edit->path, strerror(errno));
	if (change_record(&edit->change, why, error, sizeof(error)) != 0)
		boxdo_fail("%s", error);
	return boxdo_fail("%s; nothing is changed", why);
}

/* --- the conversation -------------------------------------------------------------------------- */

/* One letter of letters; the last where there is no answer. */
static char
tool_edit_ask(const char *question, const char *letters)
{
	char line[64];

	for (;;) {
		tool_say("%s ", question);
		fflush(stdout);
		if (fgets(line, sizeof(line), stdin) == NULL)
			return letters[strlen(letters) - 1];
		if (line[0] != '\0' && strchr(letters, line[0]) != NULL)
			return line[0];
	}
}

/* Checked, shown, asked. 'e' edit again, 'd' discard, 'i' install. */
static char
tool_edit_judge(struct tool_edit *edit)
{
	struct tool_check check = {.offline = false};
	struct policy_error error = {.count = 0};
	struct policy *before, *after;
	unsigned errors;

	tool_check_set(&edit->change.new, &check);
	if (check.errors > 0)
		return tool_edit_ask(
		    "Every launch would be refused. Edit again (e) or discard (d)?", "ed");
	before = set_policy(&edit->change.old, &error);
	after = tool_files_policy(&edit->change.new, &errors);
	if (after != NULL) {
		tool_effect(before, after);
		edit->change.volatile_journal =
		    policy_settings(before != NULL ? before : after)->volatile_journal;
	}
	policy_free(before);
	policy_free(after);
	return tool_edit_ask("Install (i), edit again (e) or discard (d)?", "ied");
}

static int
tool_edit_loop(struct tool_edit *edit)
{
	const struct set_file *file = set_find(&edit->change.old, edit->path);
	char *data = NULL;
	size_t size = 0;
	char answer = 'e';
	int error =
	    tool_edit_give(edit, file != NULL ? file->data : "# \n", file != NULL ? file->size : 3);

	while (error == 0 && answer == 'e') {
		free(data);
		data = NULL;
		error = tool_edit_run(edit);
		if (error == 0)
			error = tool_edit_take(edit, &data, &size);
		if (error == 0 && file != NULL && size == file->size &&
		    memcmp(data, file->data, size) == 0) {
			tool_say("nothing is changed\n");
			answer = 'd';
			continue;
		}
		if (error == 0)
			error =
			    size == 0
			        ? boxdo_fail("an empty file is never a policy: nothing is changed")
			    : change_set(&edit->change, edit->path, data, size) != 0
			        ? boxdo_fail("out of memory")
			        : 0;
		if (error == 0)
			answer = tool_edit_judge(edit);
		if (error == 0 && answer == 'i')
			error = tool_edit_put(edit, data, size);
		else if (error == 0 && answer == 'd')
			tool_say("discarded; nothing is changed\n");
	}
	free(data);
	return error;
}

static int
tool_edit_name(struct tool_edit *edit, const char *file)
{
	size_t length = strlen(file);

	if (strcmp(file, TOOL_POLICY_DIR "/policy.conf") == 0)
		file = "policy.conf";
	if (strncmp(file, TOOL_POLICY_DIR "/policy.d/", strlen(TOOL_POLICY_DIR "/policy.d/")) == 0)
		file += strlen(TOOL_POLICY_DIR "/policy.d/");
	length = strlen(file);
	if (length == 0 || length > 200 || strchr(file, '/') != NULL || file[0] == '.' ||
	    file[0] == '-')
		return boxdo_fail("'%s': policy.conf, or the name of a file in policy.d", file);
	for (const char *at = file; *at != '\0'; at++)
		if (*at <= ' ' || *at > '~')
			return boxdo_fail("a policy file's name is plain ASCII without blanks");
	snprintf(edit->name, sizeof(edit->name), "%s%s", file,
	    length > 5 && strcmp(file + length - 5, ".conf") == 0 ? "" : ".conf");
	snprintf(edit->path, sizeof(edit->path), "%s%s%s", TOOL_POLICY_DIR,
	    strcmp(edit->name, "policy.conf") == 0 ? "/" : "/policy.d/", edit->name);
	return 0;
}

int
tool_edit(int argc, char **argv)
{
	struct tool_edit *edit = calloc(1, sizeof(*edit));
	struct policy_error error = {.count = 0};
	bool is_public;
	int status = BOXDO_EXIT_CLIENT, lock = -1;

	if (edit == NULL || argc > 2) {
		free(edit);
		return boxdo_fail("boxdo policy edit [FILE]");
	}
	signal(SIGPIPE, SIG_IGN);
	if (change_admin(&edit->change.admin, error.text, sizeof(error.text)) != 0) {
		boxdo_fail("%s", error.text);
	} else if (tool_edit_name(edit, argc == 2 ? argv[1] : "policy.conf") == 0 &&
	           tool_edit_editor(edit) == 0) {
		lock = change_lock(
		    CHANGE_POLICY_LOCK, &edit->change.admin, false, error.text, sizeof(error.text));
		/* A policy that is broken is what one edits; whose it is must be right. */
		if (lock < 0 ||
		    set_vetted(&edit->change.old, TOOL_POLICY_DIR, &is_public, &error) != 0)
			boxdo_fail("%s", error.text);
		else if (tool_edit_directory(edit) == 0)
			status = tool_edit_loop(edit);
		tool_edit_clean(edit);
		if (lock >= 0)
			close(lock);
	}
	change_free(&edit->change);
	free(edit);
	return status;
}
