/*
 * The command of a container that wants out. Static: it runs in any image. Says what worked.
 *
 *	attack_inside calls            system calls that must fail
 *	attack_inside write FILE...    opens for writing
 *	attack_inside read FILE...     opens for reading (a device node, say)
 *	attack_inside push TEXT        TEXT and a newline into the terminal's input, in every way there is
 *	attack_inside fds              lists the open descriptors, and what they are
 *	attack_inside ids              all ids and groups
 */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int worked;

/* got: what the call returned; wanted: the errno it must fail with, 0: any. */
static void
must_fail(const char *what, long got, int wanted)
{
	int error = errno;

	if (got >= 0) {
		printf("worked: %s\n", what);
		worked++;
	} else if (wanted && error != wanted) {
		printf("wrong: %s: %s\n", what, strerror(error));
		worked++;
	}
	errno = 0;
}

#define TRY(error, number, ...)                                                                    \
	must_fail(#number " " #__VA_ARGS__, syscall(number, __VA_ARGS__), error)

static void
calls(void)
{
	char clone3[88] = {0}, stack[16384];
	int status;
	long pid;

	TRY(EPERM, SYS_unshare, CLONE_NEWUSER);
	TRY(EPERM, SYS_unshare, CLONE_NEWNS);
	TRY(EPERM, SYS_unshare, CLONE_NEWUSER | CLONE_NEWNET);
	pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	must_fail("clone(CLONE_NEWUSER)", pid, EPERM);
	if (pid > 0)
		waitpid((pid_t)pid, &status, 0);
	pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	must_fail("clone(CLONE_NEWPID)", pid, EPERM);
	*(unsigned long *)clone3 = CLONE_NEWUSER;
	TRY(ENOSYS, SYS_clone3, clone3, sizeof clone3);
	TRY(EPERM, SYS_setns, 0, 0);
	TRY(EPERM, SYS_mount, "none", "/tmp", "tmpfs", 0, 0);
	TRY(EPERM, SYS_mount, "none", "/", 0, MS_REMOUNT | MS_BIND, 0);
	TRY(EPERM, SYS_umount2, "/proc", MNT_DETACH);
	TRY(EPERM, SYS_pivot_root, ".", ".");
	TRY(EPERM, SYS_chroot, "/tmp");
	TRY(EPERM, SYS_open_tree, AT_FDCWD, "/", 1);
	TRY(EPERM, SYS_move_mount, 0, "", 0, "", 0);
	TRY(EPERM, SYS_fsopen, "tmpfs", 0);
	TRY(EPERM, SYS_mount_setattr, AT_FDCWD, "/", 0, stack, 32);
	TRY(EPERM, SYS_open_by_handle_at, 0, stack, 0);
	TRY(EPERM, SYS_bpf, 0, 0, 0);
	TRY(EPERM, SYS_perf_event_open, stack, 0, -1, -1, 0);
	TRY(EPERM, SYS_io_uring_setup, 1, stack);
	TRY(EPERM, SYS_userfaultfd, 0);
	TRY(EPERM, SYS_add_key, "user", "x", "y", 1, -3);
	TRY(EPERM, SYS_keyctl, 0, -3, 0);
	TRY(EPERM, SYS_request_key, "user", "x", 0, 0);
	TRY(EPERM, SYS_pidfd_getfd, 0, 0, 0);
	TRY(EPERM, SYS_socket, 38, SOCK_SEQPACKET, 0); /* AF_ALG */
	TRY(EPERM, SYS_socket, 40, SOCK_STREAM, 0);    /* AF_VSOCK */
	TRY(EPERM, SYS_socket, 17, SOCK_RAW, 0);       /* AF_PACKET */
	TRY(0, SYS_socket, AF_INET, SOCK_RAW, 1);
	TRY(EPERM, SYS_personality, 0x0040000); /* ADDR_NO_RANDOMIZE */
	TRY(EPERM, SYS_reboot, 0, 0, 0, 0);
	TRY(EPERM, SYS_syslog, 3, stack, 10);
	TRY(EPERM, SYS_settimeofday, 0, 0);
	TRY(EPERM, SYS_sethostname, "x", 1);
	TRY(0, SYS_setuid, 0);
	TRY(0, SYS_setgid, 0);
	TRY(0, SYS_setgroups, 0, 0);
	TRY(0, SYS_setresuid, -1, 0, -1);
	TRY(EPERM, SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0);
	TRY(0, SYS_prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
	TRY(0, SYS_mknod, "/tmp/node", S_IFCHR | 0666, 0x103);
	TRY(0, SYS_mknod, "/tmp/disk", S_IFBLK | 0666, 0x700);
	TRY(0, SYS_ptrace, PTRACE_SEIZE, 1, 0, 0);
	/* What the list does not know is an old kernel's ENOSYS (CVE-2021-41133). */
	for (long number = 470; number < 1024; number++)
		must_fail("a call from the future", syscall(number, 0, 0, 0, 0, 0, 0), ENOSYS);
	must_fail("an x32 call", syscall(0x40000000 + 39), ENOSYS);
}

static void
open_all(char **names, int flags)
{
	for (; *names; names++) {
		int fd = open(*names, flags | O_NONBLOCK | O_NOCTTY);

		must_fail(*names, fd, 0);
		if (fd >= 0)
			close(fd);
	}
}

static void
push(const char *text)
{
	/* 0x541c is TIOCLINUX; 2 in its first byte: select, 3: paste. */
	char linux_paste[] = {3, 0};
	static const unsigned long masks[] = {0, 1UL << 32, 1UL << 63, 0xffffffffUL << 32};

	for (int fd = 0; fd <= 2; fd++)
		for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
			for (const char *c = text; *c; c++)
				must_fail("TIOCSTI", syscall(SYS_ioctl, fd, 0x5412UL | masks[i], c),
				    EPERM);
			must_fail(
			    "TIOCSTI", syscall(SYS_ioctl, fd, 0x5412UL | masks[i], "\n"), EPERM);
			must_fail("TIOCLINUX",
			    syscall(SYS_ioctl, fd, 0x541cUL | masks[i], linux_paste), EPERM);
		}
}

static void
list_fds(void)
{
	char path[32], link[256];

	for (int fd = 0; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, link, sizeof link - 1);
		link[length > 0 ? length : 0] = '\0';
		printf("%d %s\n", fd, link);
	}
}

static void
list_ids(void)
{
	uid_t r, e, s;
	gid_t gr, ge, gs, groups[256];
	int count = getgroups(256, groups);

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	printf("uid %u %u %u gid %u %u %u groups", r, e, s, gr, ge, gs);
	for (int i = 0; i < count; i++)
		printf(" %u", groups[i]);
	printf("\n");
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "calls") == 0)
		calls();
	else if (strcmp(what, "write") == 0)
		open_all(argv + 2, O_WRONLY);
	else if (strcmp(what, "read") == 0)
		open_all(argv + 2, O_RDONLY);
	else if (strcmp(what, "push") == 0 && argc > 2)
		push(argv[2]);
	else if (strcmp(what, "fds") == 0)
		list_fds();
	else if (strcmp(what, "ids") == 0)
		list_ids();
	else
		return 99;
	return worked ? 1 : 0;
}
