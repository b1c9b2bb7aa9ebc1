/*
 * Policy files from wherever an admin keeps them: /etc/boxdo, a checkout, one draft.
 *
 * Runs as the caller, perhaps an admin's root. Trusts: nothing that it reads; the strict reader
 * follows. Distrusts: names in a directory that may be somebody else's: a symbolic link is never
 * followed, or root would read (and quote in an error) what it points to.
 * On error: told, BOXDO_EXIT_CLIENT.
 */
#include "client/tool.h"

#include "client/mistake.h"
#include "policy/vet.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whose the thing is, and who may write to it: told when that will not do. */
static int
tool_files_vet(const struct stat *st, struct tool_owner owner, const char *path)
{
	if (owner.any)
		return 0;
	if (st->st_uid != 0 && st->st_uid != owner.uid)
		return boxdo_fail(
		    "%s belongs to uid %u: what becomes the policy must be root's or yours", path,
		    st->st_uid);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return boxdo_fail(
		    "%s can be written by group or others: chmod go-w first, it becomes the policy",
		    path);
	return 0;
}

/* The bytes behind fd, which is closed. */
static int
tool_files_take(struct set *set, int fd, const char *path, const char *as, bool is_main,
    struct tool_owner owner)
{
	struct stat st;
	char *data = NULL;
	ssize_t got = 0;
	size_t have = 0;
	int error;

	if (fd < 0)
		return boxdo_fail("%s: %s", path,
		    errno == ELOOP ? "is a symbolic link, and those are not followed"
		                   : strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		error = boxdo_fail("%s: not a regular file", path);
	else if (st.st_size > VET_TOTAL_MAX)
		error = boxdo_fail("%s: too large for a policy", path);
	else if ((error = tool_files_vet(&st, owner, path)) == 0) {
		data = malloc((size_t)st.st_size + 1);
		while (data != NULL && have <= (size_t)st.st_size &&
		       (got = read(fd, data + have, (size_t)st.st_size + 1 - have)) > 0)
			have += (size_t)got;
		if (data == NULL || got < 0 || have != (size_t)st.st_size)
			error = boxdo_fail("%s: cannot be read whole", path);
		else if (have == 0)
			error =
			    boxdo_fail("%s: is empty (a policy without rules has a comment)", path);
		else if (set_add(set, as, data, have, is_main) != 0)
			error = boxdo_fail("out of memory");
	}
	free(data);
	close(fd);
	return error;
}

#define TOOL_FILES_OPEN (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static bool
tool_files_is_drop_in(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".conf") == 0;
}

/* policy.d below the directory dir. It may be missing. */
static int
tool_files_drop_ins(
    struct set *set, int dir, const char *path, const char *as, struct tool_owner owner)
{
	int fd = openat(dir, "policy.d", TOOL_FILES_OPEN | O_DIRECTORY), error = 0;
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	char from[PATH_MAX + NAME_MAX + 16], to[PATH_MAX + NAME_MAX + 16];
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (stream == NULL)
		return boxdo_fail("%s/policy.d: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0)
		error = tool_files_vet(&st, owner, path);
	while (error == 0 && (entry = readdir(stream)) != NULL) {
		if (!tool_files_is_drop_in(entry->d_name))
			continue;
		snprintf(from, sizeof(from), "%s/policy.d/%s", path, entry->d_name);
		snprintf(to, sizeof(to), "%s/policy.d/%s", as, entry->d_name);
		error = set->count > VET_FILES_MAX
		            ? boxdo_fail("%s/policy.d holds too many files", path)
		            : tool_files_take(set, openat(fd, entry->d_name, TOOL_FILES_OPEN), from,
		                  to, false, owner);
	}
	closedir(stream);
	return error;
}

int
tool_files_read(struct set *set, const char *path, const char *as, struct tool_owner owner)
{
	const char *slash = strrchr(path, '/');
	char from[PATH_MAX + 16], to[PATH_MAX + 16];
	struct stat st;
	int dir, error;

	if (lstat(path, &st) != 0)
		return boxdo_fail("%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return tool_files_take(set, open(path, TOOL_FILES_OPEN), path,
		    as != NULL ? as : path,
		    strcmp(slash != NULL ? slash + 1 : path, "policy.conf") == 0, owner);
	dir = open(path, TOOL_FILES_OPEN | O_DIRECTORY);
	if (dir < 0 || fstat(dir, &st) != 0) {
		error = boxdo_fail("%s: %s", path, strerror(errno));
	} else if ((error = tool_files_vet(&st, owner, path)) == 0) {
		as = as != NULL ? as : path;
		snprintf(from, sizeof(from), "%s/policy.conf", path);
		snprintf(to, sizeof(to), "%s/policy.conf", as);
		error = tool_files_take(
		    set, openat(dir, "policy.conf", TOOL_FILES_OPEN), from, to, true, owner);
		if (error == 0)
			error = tool_files_drop_ins(set, dir, path, as, owner);
	}
	if (dir >= 0)
		close(dir);
	return error;
}

int
tool_files_installed(struct set *set, bool *is_public)
{
	struct policy_error error = {.count = 0};

	*is_public = false;
	if (set_vetted(set, TOOL_POLICY_DIR, is_public, &error) == 0) {
		/* As a launch answers: who is not to read the policy learns nothing from it. */
		if (*is_public || geteuid() == 0)
			return 0;
		set_free(set);
		return boxdo_fail("not permitted: the policy of this host is for root to read");
	}
	set_free(set);
	if (geteuid() != 0 && (access(TOOL_POLICY_DIR "/policy.conf", R_OK) != 0 ||
	                          strstr(error.text, strerror(EACCES)) != NULL))
		return boxdo_fail("not permitted: the policy of this host is for root to read");
	return boxdo_fail("%s", error.text);
}

/* --- mistakes, with their lines ---------------------------------------------------------------- */

static void
tool_files_mistake(void *context, const struct policy_mistake *mistake)
{
	const struct set_file *file = set_find(context, mistake->file);

	mistake_show_in(
	    stderr, mistake, file != NULL ? file->data : "", file != NULL ? file->size : 0);
}

struct policy *
tool_files_policy(const struct set *set, unsigned *errors)
{
	struct policy_error error = {.each = tool_files_mistake, .context = (void *)(uintptr_t)set};
	struct policy *policy;

	fflush(stdout);
	policy = set_policy(set, &error);
	*errors = error.count;
	return policy;
}

/* --- what stands in a section ------------------------------------------------------------------ */

struct tool_line {
	const char *start;
	size_t length, key; /* key: bytes of it; 0: no key begins here */
};

static struct tool_line
tool_files_line(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	struct tool_line line = {at, (size_t)((newline != NULL ? newline : end) - at), 0};
	size_t key = strcspn(at, " \t=\n");

	if (key < line.length && memchr(at, '=', line.length) != NULL &&
	    strchr("[# \t", at[0]) == NULL)
		line.key = key;
	return line;
}

/* Appends the words of a line, one blank between them. */
static void
tool_files_words(char *value, size_t size, const char *at, size_t length)
{
	size_t have = strlen(value);

	for (size_t i = 0; i < length && have + 2 < size; i++) {
		bool blank = at[i] == ' ' || at[i] == '\t';

		if (blank && (have == 0 || value[have - 1] == ' '))
			continue;
		value[have++] = blank ? ' ' : at[i];
		value[have] = '\0';
	}
	while (have > 0 && value[have - 1] == ' ')
		value[--have] = '\0';
}

void
tool_files_keys(const struct set *set, const char *file, unsigned line,
    void (*each)(void *context, const char *key, const char *value, unsigned at), void *context)
{
	/* Rules are asked for in their order: the next one is sought from the last one on. */
	static struct {
		const struct set_file *source;
		const char *at;
		unsigned number;
	} last;
	const struct set_file *source = set_find(set, file);
	const char *at = source != NULL ? source->data : "",
	           *end = at + (source != NULL ? source->size : 0);
	char key[64] = "", value[4096] = "";
	unsigned number = 1, began = 0;

	if (source != NULL && last.source == source && last.number <= line) {
		at = last.at;
		number = last.number;
	}
	for (; at < end; number++) {
		struct tool_line now = tool_files_line(at, end);
		const char *equals = memchr(now.start, '=', now.length);
		bool more = now.length > 0 && (at[0] == ' ' || at[0] == '\t');

		if (number == line) {
			last.source = source;
			last.at = now.start;
			last.number = number;
		}
		at = now.start + now.length + 1;
		if (number <= line || (now.length > 0 && now.start[0] == '#'))
			continue;
		if (began != 0 && !more) {
			each(context, key, value, began);
			began = 0;
		}
		if (now.length > 0 && now.start[0] == '[')
			return;
		if (now.key > 0 && now.key < sizeof(key)) {
			snprintf(key, sizeof(key), "%.*s", (int)now.key, now.start);
			value[0] = '\0';
			began = number;
			tool_files_words(value, sizeof(value), equals + 1,
			    now.length - (size_t)(equals + 1 - now.start));
		} else if (more && began != 0 && strlen(value) + 2 < sizeof(value)) {
			value[strlen(value) + 1] = '\0';
			value[strlen(value)] = ' ';
			tool_files_words(value, sizeof(value), now.start, now.length);
		}
	}
	if (began != 0)
		each(context, key, value, began);
}
