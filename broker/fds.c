/*
 * fds.c: closing all descriptors but a few, and what the kernel says of one
 *
 * Each child of the launch keeps the one or two sockets it needs and nothing else: what is not there
 * cannot be stolen, leaked or kept open. Errors: exit 125.
 */
#include "broker/fds.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* [from, to] may be empty. */
static void
close_between(int from, int to)
{
	if (from <= to && close_range((unsigned)from, (unsigned)to, 0) != 0)
		_exit(125);
}

void
fds_close_but(const int *kept, size_t count)
{
	for (int from = 3, next; from != INT_MAX; from = next + (next != INT_MAX)) {
		next = INT_MAX;
		for (size_t i = 0; i < count; i++)
			if (kept[i] >= from && kept[i] < next)
				next = kept[i];
		close_between(from, next - 1);
	}
}

void
fds_close_others(int first, int second)
{
	const int kept[] = {first, second};

	fds_close_but(kept, 2);
}

void
fds_keep_only(int first, int second)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(125);
	fds_close_others(first, second);
}

/*
 * The kernel's own name for what was opened, without touching the file system it is on. A name that
 * ends in " (deleted)" or is not absolute names nothing that a rule could mean.
 */
char *
fds_name(int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof path - 1);
	if (length <= 0 || length >= (ssize_t)sizeof path - 1 || path[0] != '/')
		return NULL;
	path[length] = '\0';
	if (length > 10 && strcmp(path + length - 10, " (deleted)") == 0)
		return NULL;
	return strdup(path);
}

ssize_t
fds_text(int at, const char *name, char *text, size_t size)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	return length;
}

long
fds_mount(int fd)
{
	char name[40], text[512], *at;

	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	fds_text(AT_FDCWD, name, text, sizeof text);
	at = strstr(text, "mnt_id:");
	return at ? strtol(at + 7, NULL, 10) : -1;
}
