/*
 * Test helper: what PID 1 is to a socket-activated service, for a world without systemd.
 *
 *	socket-hold [-m MODE] [-p PIDFILE] dgram:PATH|stream:PATH ... -- PROGRAM ARG...
 *
 * Binds the sockets with MODE (0666 when not given) before PROGRAM ever runs, keeps them open, hands
 * them over as LISTEN_FDS and starts PROGRAM again whenever it dies. What clients send meanwhile
 * waits in the queue with the sender's credentials, as on a host with systemd. PIDFILE holds the
 * PID of the program now running, and is absent while none is.
 *
 *	SIGUSR1   stay down when the program dies next (kill -9 it and the service is gone,
 *	          its sockets are not)
 *	SIGUSR2   up again: starts the program when it is down
 *	SIGTERM   ends the program, then itself, and unlinks the sockets
 *
 * Runs as root inside a test stage alone. Trusts its arguments. On error: one line and exit 1.
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_MAX 8
#define LISTEN_START 3           /* sd_listen_fds(3): the first descriptor handed over */
#define RESTART_MS 20            /* between a death and the next start */
#define RECEIVE_BUFFER (8 << 20) /* as systemd-journald.socket has it */

struct hold {
	const char *paths[SOCKETS_MAX];
	int fds[SOCKETS_MAX];
	int count;
	mode_t mode;
	const char *pidfile;
	char **program;
	pid_t child; /* 0: none */
	bool stay_down;
};

static int
bind_socket(const char *path, int type, mode_t mode)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int one = 1, size = RECEIVE_BUFFER;
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		error(1, errno, "%s", path);
	strcpy(address.sun_path, path);
	unlink(path);
	/* The umask, not a later chmod: nobody may find the socket open for even a moment. */
	umask(0777 & ~mode);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		error(1, errno, "bind %s", path);
	umask(022);
	/* Set here already, so that what waits in the queue carries credentials. */
	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0)
		error(1, errno, "listen %s", path);
	return fd;
}

static void
add_socket(struct hold *hold, const char *text)
{
	int type = strncmp(text, "stream:", 7) == 0 ? SOCK_STREAM : SOCK_DGRAM;

	if (hold->count == SOCKETS_MAX || (type == SOCK_DGRAM && strncmp(text, "dgram:", 6) != 0))
		error(1, 0, "not a socket, or one too many: %s", text);
	hold->paths[hold->count] = strchr(text, ':') + 1;
	hold->fds[hold->count] = bind_socket(hold->paths[hold->count], type, hold->mode);
	hold->count++;
}

static void
write_pidfile(const struct hold *hold)
{
	char new[256];
	FILE *file;

	if (!hold->pidfile)
		return;
	if (hold->child == 0) {
		unlink(hold->pidfile);
		return;
	}
	/* Whole or not there: whoever waits for it reads it at once. */
	snprintf(new, sizeof(new), "%s.new", hold->pidfile);
	file = fopen(new, "we");
	if (!file || fprintf(file, "%d\n", hold->child) < 0 || fclose(file) != 0 ||
	    rename(new, hold->pidfile) != 0)
		error(1, errno, "%s", hold->pidfile);
}

static void
run_program(const struct hold *hold)
{
	char text[16];
	sigset_t none;
	int high[SOCKETS_MAX];

	/* First out of the way of the numbers they are to have, then there (dup2 clears close-on-exec). */
	for (int i = 0; i < hold->count; i++)
		high[i] = fcntl(hold->fds[i], F_DUPFD_CLOEXEC, LISTEN_START + 2 * SOCKETS_MAX);
	for (int i = 0; i < hold->count; i++)
		dup2(high[i], LISTEN_START + i);
	snprintf(text, sizeof(text), "%d", hold->count);
	setenv("LISTEN_FDS", text, 1);
	snprintf(text, sizeof(text), "%d", getpid());
	setenv("LISTEN_PID", text, 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(hold->program[0], hold->program);
	error(127, errno, "%s", hold->program[0]);
}

static void
start(struct hold *hold)
{
	hold->child = fork();
	if (hold->child < 0)
		error(1, errno, "fork");
	if (hold->child == 0)
		run_program(hold);
	write_pidfile(hold);
}

static void
reap(struct hold *hold)
{
	const struct timespec pause = {.tv_nsec = RESTART_MS * 1000000L};

	if (hold->child == 0 || waitpid(hold->child, NULL, WNOHANG) != hold->child)
		return;
	hold->child = 0;
	write_pidfile(hold);
	if (hold->stay_down)
		return;
	nanosleep(&pause, NULL);
	start(hold);
}

static void
finish(struct hold *hold)
{
	if (hold->child) {
		kill(hold->child, SIGTERM);
		kill(hold->child, SIGCONT); /* a test may have stopped it */
		waitpid(hold->child, NULL, 0);
		hold->child = 0;
	}
	write_pidfile(hold);
	for (int i = 0; i < hold->count; i++)
		unlink(hold->paths[i]);
	exit(0);
}

static void
serve(struct hold *hold, int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(hold);
			break;
		case SIGUSR1:
			hold->stay_down = true;
			break;
		case SIGUSR2:
			hold->stay_down = false;
			if (hold->child == 0)
				start(hold);
			break;
		default:
			finish(hold);
		}
	}
}

int
main(int argc, char **argv)
{
	static const int wanted[] = {SIGCHLD, SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
	struct hold hold = {.mode = 0666};
	sigset_t set;
	int option;

	while ((option = getopt(argc, argv, "+m:p:")) != -1) {
		if (option == 'm')
			hold.mode = (mode_t)strtoul(optarg, NULL, 8);
		else if (option == 'p')
			hold.pidfile = optarg;
		else
			return 1;
	}
	/* getopt stops at the first socket; the program stands behind a "--". */
	for (; optind < argc && strcmp(argv[optind], "--") != 0; optind++)
		add_socket(&hold, argv[optind]);
	if (hold.count == 0 || optind + 1 >= argc)
		error(1, 0,
		    "usage: socket-hold [-m MODE] [-p PIDFILE] TYPE:PATH... -- PROGRAM ARG...");
	hold.program = argv + optind + 1;

	setsid(); /* ^C in a stage is not for the journal */
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	start(&hold);
	serve(&hold, signalfd(-1, &set, SFD_CLOEXEC));
	return 1;
}
