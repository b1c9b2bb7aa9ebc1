/*
 * boxdo wait: how containers ended, once they have; docker wait, podman wait and nerdctl wait are the same.
 *
 * Runs as the caller. A container that was started with --cidfile has a file of the caller's own, locked until its status
 * stands in it (boxdo_cid.c). Of any other it is only known whether it runs: its end is waited for, and nothing is said
 * that nobody kept. On error: one line, exit code 125.
 */
#include "broker/running.h"
#include "client/boxdo.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAIT_AGAIN_MS 100

/* The file's status, when it is there; waits until nobody will write it any more. */
static bool
wait_status(int fd, char *text, size_t size)
{
	ssize_t length = flock(fd, LOCK_SH) == 0 ? read(fd, text, size - 1) : -1;

	/* "143\n"; of one who was killed before it could be written nothing is there. */
	if (length < 2 || text[length - 1] != '\n')
		return false;
	text[length - 1] = '\0';
	return true;
}

/* Is this the file of an earlier container, which had the name of the one that runs? It ended before that began. */
static bool
wait_is_older(int fd, const struct running_entry *entry)
{
	struct stat st;

	return flock(fd, LOCK_SH | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
	       (uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000 <
	           entry->since;
}

/* Until that container runs no more. */
static void
wait_for_end(const struct running_entry *entry)
{
	const struct timespec pause = {0, WAIT_AGAIN_MS * 1000000L};
	struct running_entry now = *entry;

	do {
		/* HANDLE is the caller's; what it is a number of is asked anew each time. */
		struct pollfd handle = {
		    .fd = (int)syscall(SYS_pidfd_open, now.handle, 0), .events = POLLIN};

		if (handle.fd >= 0) {
			poll(&handle, 1, -1);
			close(handle.fd);
		}
		nanosleep(&pause, NULL);
	} while (boxdo_running_find(entry->id, &now) == 1);
}

static int
wait_for(const char *word)
{
	struct running_entry entry;
	int fd = boxdo_cid_open(word), count = boxdo_running_find(word, &entry);
	char status[8];

	if (count < 0 && fd < 0)
		return boxdo_fail("what runs cannot be asked for");
	if (count > 1)
		return boxdo_fail(
		    "%s means %d containers; give more of the id, see boxdo ps", word, count);
	if (fd >= 0 && count == 1 && wait_is_older(fd, &entry)) {
		close(fd);
		fd = -1;
	} else if (fd < 0 && count == 1 && entry.name[0] != '\0')
		fd = boxdo_cid_open(entry.name);
	if (fd >= 0 && wait_status(fd, status, sizeof(status)))
		return boxdo_say_line(status);
	if (count == 1)
		wait_for_end(&entry);
	else if (fd < 0)
		return boxdo_fail(
		    "no container %s of yours runs, and nothing is kept of one", word);
	return boxdo_fail("%s has ended, and its status is not kept: --cidfile does that, and "
	                  "who started it has it",
	    word);
}

int
boxdo_wait(const struct boxdo_front *front, int argc, char **argv)
{
	int error = 0;

	(void)front;
	if (argc < 2)
		return boxdo_fail("no container is named: %s NAME|ID...", argv[0]);
	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '-')
			return boxdo_fail(
			    "%s %s is not known here: %s NAME|ID...", argv[0], argv[i], argv[0]);
	for (int i = 1; i < argc; i++) {
		int one = wait_for(argv[i]);

		error = one != 0 ? one : error;
	}
	return error;
}
