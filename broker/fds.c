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
fds_close_others(int first, int second)
{
	int low = first < second ? first : second, high = first < second ? second : first;

	if (low < 0)
		low = high;
	close_between(3, low - 1);
	close_between(low < 3 ? 3 : low + 1, high - 1);
	close_range(high < 3 ? 3U : (unsigned)high + 1, ~0U, 0);
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
