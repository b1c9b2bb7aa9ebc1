/*
 * Executes a program as no shell can: without argv[0], with descriptors missing or odd, with an
 * environment that has the same name twice.
 *
 *	attack_exec [-0] [-a ARGV0] [-c FD] [-d FD] [-p FD] [-o FD:PATH] [-E] [-e ENTRY] [-n] [-A] -- PROGRAM [ARG...]
 *
 * -0: argc is 0; -c: closes FD; -d: a directory (/etc) at FD; -p: the same by O_PATH; -o: PATH at FD; -E: an
 * empty environment; -e: ENTRY added as it is; -n: no_new_privs; -A: all signals ignored and blocked.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ENTRIES_MAX 20000

static void
open_at(int wanted, const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		err(99, "%s", path);
	if (fd == wanted)
		return;
	if (dup2(fd, wanted) < 0)
		err(99, "dup2");
	close(fd);
}

static void
ignore_all(void)
{
	sigset_t all;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

int
main(int argc, char **argv)
{
	static char *environment[ENTRIES_MAX + 1];
	char *none[] = {NULL}, *name = NULL, *path, *program;
	size_t count = 0;
	int option;

	for (; environ[count] && count < ENTRIES_MAX; count++)
		environment[count] = environ[count];
	while ((option = getopt(argc, argv, "+0a:c:d:p:o:Ee:nA")) != -1) {
		if (option == '0')
			name = (char *)none;
		else if (option == 'a')
			name = optarg;
		else if (option == 'c')
			close(atoi(optarg));
		else if (option == 'd')
			open_at(atoi(optarg), "/etc", O_RDONLY | O_DIRECTORY);
		else if (option == 'p')
			open_at(atoi(optarg), "/etc/passwd", O_PATH);
		else if (option == 'o' && (path = strchr(optarg, ':')))
			open_at(atoi(optarg), path + 1, O_RDONLY);
		else if (option == 'E')
			memset(environment, 0, (count = 0, sizeof environment));
		else if (option == 'e' && count < ENTRIES_MAX)
			environment[count++] = optarg;
		else if (option == 'n')
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		else if (option == 'A')
			ignore_all();
		else
			errx(99, "wrong usage");
	}
	if (optind >= argc)
		errx(99, "no program");
	program = argv[optind];
	if (name == (char *)none)
		execve(program, none, environment);
	if (name && name != (char *)none)
		argv[optind] = name;
	execve(program, argv + optind, environment);
	err(98, "%s", program);
}
