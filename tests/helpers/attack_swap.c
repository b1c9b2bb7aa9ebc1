/*
 * Exchanges two names of a directory's, as fast as it can, until it is killed or SECONDS are over: the
 * other half of a race between a check and a use.
 *
 *	attack_swap SECONDS A B
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	unsigned long swaps = 0;
	time_t end;

	if (argc != 4)
		errx(99, "wrong usage");
	for (end = time(NULL) + atoi(argv[1]); time(NULL) < end; swaps++)
		if (renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE) != 0)
			err(1, "%s", argv[2]);
	printf("%lu swaps\n", swaps);
	return 0;
}
