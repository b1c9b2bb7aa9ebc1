/*
 * Opens the policy so that only root can have written it.
 *
 * Stage: 4 policy. Privilege: root in the helper, an ordinary user in `boxdo explain`; never needs
 * more than reading.
 * Trusts: root. Distrusts: every directory on the way, until it was seen to be root's and writable
 * by nobody else. sudo and doas look at the file alone; who may rename its parent may replace it.
 * On error: -1 with the path and what is wrong with it, and the next file; nothing stays open.
 *
 * MUST hold: no name is resolved but by openat with O_NOFOLLOW below a directory that was checked;
 * what was checked by fstat is what is read; a file that changes meanwhile is an error.
 */
#include "policy/vet.h"
#include "policy/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct vet {
	int (*each)(void *context, struct vet_file *file);
	void *context;
	bool is_public;
	size_t total;
	struct policy_error *error;
};

static int
vet_error(const struct vet *vet, const char *path, const char *what)
{
	struct place place = {path, 0, vet->error};

	return place_error(&place, 0, "%s", what);
}

static int
vet_errno(const struct vet *vet, const char *path, const char *what)
{
	struct place place = {path, 0, vet->error};

	return place_error(&place, 0, "%s: %s", what, strerror(errno));
}

/* The group's bits are also the mask of an ACL, so this sees those too. */
static int
vet_check(const struct vet *vet, const struct stat *st, const char *path)
{
	if (st->st_uid != 0)
		return vet_error(vet, path, "must belong to root (chown root)");
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return vet_error(vet, path, "must not be writable by group or others (chmod go-w)");
	return 0;
}

/* One directory down. Sticky and writable, as /tmp, will not do either. */
static int
vet_directory(struct vet *vet, int parent, const char *name, const char *path, int flags)
{
	int fd = openat(parent, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return vet_error(vet, path, "must be a directory, not a symbolic link or a file");
	if (fd < 0)
		return vet_errno(vet, path, "cannot open");
	if (fstat(fd, &st) != 0) {
		vet_errno(vet, path, "cannot stat");
		close(fd);
		return -1;
	}
	if (vet_check(vet, &st, path) != 0) {
		close(fd);
		return -1;
	}
	vet->is_public = vet->is_public && (st.st_mode & S_IXOTH) != 0 &&
	                 (flags == O_PATH || (st.st_mode & S_IROTH) != 0);
	return fd;
}

/* Opens dir from / down. */
static int
vet_walk(struct vet *vet, const char *dir)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	const char *end, *start;
	int fd, next;

	if (dir[0] != '/' || strlen(dir) >= sizeof(path))
		return vet_error(vet, dir, "must be an absolute path");
	fd = vet_directory(vet, AT_FDCWD, "/", "/", O_PATH);
	for (start = dir; fd >= 0 && *(start += strspn(start, "/")) != '\0'; start = end) {
		end = start + strcspn(start, "/");
		if ((size_t)(end - start) >= sizeof(name)) {
			close(fd);
			return vet_error(vet, dir, "name too long");
		}
		snprintf(name, sizeof(name), "%.*s", (int)(end - start), start);
		snprintf(path, sizeof(path), "%.*s", (int)(end - dir), dir);
		next = strcmp(name, "..") == 0 ? vet_error(vet, path, "must not have .. in it")
		                               : vet_directory(vet, fd, name, path, O_PATH);
		close(fd);
		fd = next;
	}
	return fd;
}

ssize_t
vet_read(struct vet_file *file, void *buffer, size_t size)
{
	struct place place = {file->path, 0, file->error};
	ssize_t got;

	do
		got = read(file->fd, buffer, size);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return place_error(&place, 0, "cannot read: %s", strerror(errno));
	file->done += (size_t)got;
	/* Whoever goes on writing would keep us reading. */
	if (file->done > (size_t)file->st->st_size)
		return place_error(&place, 0, "changed while it was read; try again");
	return got;
}

static bool
vet_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec && a->st_mode == b->st_mode &&
	       a->st_uid == b->st_uid;
}

static int
vet_content(struct vet *vet, struct vet_file *file)
{
	struct stat after;

	if (vet->each(vet->context, file) != 0)
		return -1;
	if (file->done != (size_t)file->st->st_size || fstat(file->fd, &after) != 0 ||
	    !vet_same(file->st, &after))
		return vet_error(vet, file->path, "changed while it was read; try again");
	return 0;
}

static int
vet_check_file(struct vet *vet, const struct stat *st, const char *path)
{
	if (!S_ISREG(st->st_mode))
		return vet_error(vet, path, "must be a regular file");
	if (vet_check(vet, st, path) != 0)
		return -1;
	/* What an editor or a full disk leaves behind; never what an admin means. */
	if (st->st_size == 0)
		return vet_error(
		    vet, path, "is empty: cut short? (a policy without rules has a comment)");
	if (st->st_size < 0 || (size_t)st->st_size > VET_TOTAL_MAX - vet->total)
		return vet_error(vet, path, "is too large");
	vet->total += (size_t)st->st_size;
	vet->is_public = vet->is_public && (st->st_mode & S_IROTH) != 0;
	return 0;
}

static int
vet_file(struct vet *vet, int dir, const char *name, const char *path, bool is_main)
{
	/* O_NONBLOCK: a FIFO in its place must not make root wait. */
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int result = -1;

	if (fd < 0 && errno == ELOOP)
		return vet_error(vet, path, "must not be a symbolic link");
	if (fd < 0)
		return vet_errno(vet, path, "cannot open");
	if (fstat(fd, &st) != 0)
		vet_errno(vet, path, "cannot stat");
	else if (vet_check_file(vet, &st, path) == 0)
		result =
		    vet_content(vet, &(struct vet_file){path, is_main, &st, 0, fd, vet->error});
	close(fd);
	return result;
}

static bool
vet_is_drop_in(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".conf") == 0;
}

static int
vet_by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct vet_names {
	char **list;
	size_t count;
};

static int
vet_add_name(struct vet *vet, const char *path, struct vet_names *names, const char *name)
{
	char **larger;

	if (names->count == VET_FILES_MAX)
		return vet_error(vet, path, "holds too many files");
	larger = reallocarray(names->list, names->count + 1, sizeof(*larger));
	if (larger != NULL)
		names->list = larger;
	if (larger == NULL || (larger[names->count] = strdup(name)) == NULL)
		return vet_error(vet, path, "out of memory");
	names->count++;
	return 0;
}

/*
 * The names of policy.d that count, sorted by bytes; the caller's to free, also after an error. Past
 * readdir, which wants memory and a descriptor of its own, by the kernel's number: the C libraries
 * this is linked with have different names for the call.
 */
static int
vet_names(struct vet *vet, int fd, const char *path, struct vet_names *names)
{
	_Alignas(struct dirent64) char buffer[2048];
	const struct dirent64 *entry;
	long got, at;

	while ((got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0)
		for (at = 0; at < got; at += entry->d_reclen) {
			entry = (const void *)(buffer + at);
			if (vet_is_drop_in(entry->d_name) &&
			    vet_add_name(vet, path, names, entry->d_name) != 0)
				return -1;
		}
	if (got < 0)
		return vet_errno(vet, path, "cannot read");
	if (names->count > 0)
		qsort(names->list, names->count, sizeof(*names->list), vet_by_name);
	return 0;
}

static int
vet_drop_ins(struct vet *vet, int dir, const char *path)
{
	char file[PATH_MAX + NAME_MAX + 2];
	struct vet_names names = {0};
	int result, fd;
	bool listed;
	size_t i;

	fd = vet_directory(vet, dir, "policy.d", path, O_RDONLY);
	if (fd < 0)
		return -1;
	listed = vet_names(vet, fd, path, &names) == 0;
	result = listed ? 0 : -1;
	for (i = 0; i < names.count; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, names.list[i]);
		if (listed && vet_file(vet, fd, names.list[i], file, false) != 0)
			result = -1;
		free(names.list[i]);
	}
	free(names.list);
	close(fd);
	return result;
}

int
vet_files(const char *dir, int (*each)(void *context, struct vet_file *file), void *context,
    bool *is_public, struct policy_error *error)
{
	struct vet vet = {each, context, true, 0, error};
	char path[PATH_MAX];
	struct stat st;
	int fd = vet_walk(&vet, dir), result;

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/policy.conf", dir);
	result = vet_file(&vet, fd, "policy.conf", path, true);
	snprintf(path, sizeof(path), "%s/policy.d", dir);
	/*
	 * Only a directory that is not there is no directory; whatever else goes wrong is an error.
	 */
	if ((fstatat(fd, "policy.d", &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT) &&
	    vet_drop_ins(&vet, fd, path) != 0)
		result = -1;
	close(fd);
	*is_public = vet.is_public;
	return result;
}
