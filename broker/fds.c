/*
 * fds.c: closing all descriptors but a few
 *
 * Each child of the launch keeps the one or two sockets it needs and nothing else: what is not there
 * cannot be stolen, leaked or kept open. Errors: exit 125.
 */
#include "broker/fds.h"

#include <fcntl.h>
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
