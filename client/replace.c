/*
 * replace.c: a file of the policy put in place
 *
 * Runs as root, started by root. Trusts: /etc/boxdo, which is root's. Errors: -1 with errno; what is half written has
 * a name that begins with a dot, which no launch reads, and the next change removes it.
 */
#include "client/replace.h"

#include "client/change.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
replace_like(const char *path, struct stat *st)
{
	if (lstat(path, st) != 0 && lstat(CHANGE_DIR "/policy.conf", st) != 0)
		*st = (struct stat){.st_mode = 0600};
	if (!S_ISREG(st->st_mode) || st->st_uid != 0 || (st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		*st = (struct stat){.st_mode = 0600};
}

int
replace_put(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, data, length);

		if (put < 0 && errno != EINTR)
			return -1;
		data += put > 0 ? put : 0;
		length -= put > 0 ? (size_t)put : 0;
	}
	return 0;
}

static int
replace_fill(int fd, const struct stat *like, const char *data, size_t length)
{
	return replace_put(fd, data, length) == 0 && fchown(fd, like->st_uid, like->st_gid) == 0 &&
	               fchmod(fd, like->st_mode & 07777) == 0 && fsync(fd) == 0
	           ? 0
	           : -1;
}

int
replace_create(const char *path, const char *like, const void *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;
	int status, error;

	if (fd < 0)
		return -1;
	replace_like(like, &st);
	status = replace_fill(fd, &st, data, length);
	error = errno;
	if (close(fd) != 0)
		return -1;
	errno = error;
	return status;
}

int
replace_sync(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int status = fd >= 0 ? fsync(fd) : -1, error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return status;
}

int
replace_file(const char *path, const void *data, size_t length)
{
	const char *name = strrchr(path, '/') + 1;
	char directory[PATH_MAX], new[PATH_MAX];
	int error;

	snprintf(directory, sizeof(directory), "%.*s", (int)(name - 1 - path), path);
	snprintf(new, sizeof(new), "%s/.%s.new", directory, name);
	if (data == NULL)
		return unlink(path) == 0 ? replace_sync(directory) : -1;
	if (mkdir(directory, 0755) != 0 && errno != EEXIST)
		return -1;
	unlink(new);
	if (replace_create(new, path, data, length) == 0 && rename(new, path) == 0)
		return replace_sync(directory);
	error = errno;
	unlink(new);
	errno = error;
	return -1;
}
