/*
 * calls.c: what one system call costs here
 *
 *	calls COUNT      prints nanoseconds a call, the least of many rounds of COUNT (short ones, which nobody
 *	                 else gets in between): getppid, and read of one byte
 *
 * Static, so that it runs in any image: once as a plain process, once in a container under its filter.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 500

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void
one_getppid(int fd)
{
	(void)fd;
	syscall(SYS_getppid);
}

static void
one_read(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		exit(1);
}

static double
least(void (*call)(int fd), int fd, int count)
{
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double begin = now(), each;

		for (int i = 0; i < count; i++)
			call(fd);
		each = (now() - begin) / count;
		best = round == 0 || each < best ? each : best;
	}
	return best;
}

int
main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0, fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (count <= 0 || fd < 0)
		return 2;
	printf("%.1f %.1f\n", least(one_getppid, -1, count), least(one_read, fd, count));
	return 0;
}
