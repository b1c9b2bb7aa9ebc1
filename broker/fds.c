/*
 * fds.c: closing all descriptors but a few
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

long
fds_mount(int fd)
{
	char name[40], text[512], *at;
	int info;
	ssize_t length;

	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	info = open(name, O_RDONLY | O_CLOEXEC);
	length = info < 0 ? -1 : read(info, text, sizeof text - 1);
	if (info >= 0)
		close(info);
	if (length <= 0)
		return -1;
	text[length] = '\0';
	at = strstr(text, "mnt_id:");
	return at ? strtol(at + 7, NULL, 10) : -1;
}
