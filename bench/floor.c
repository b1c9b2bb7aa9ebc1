/*
 * floor.c: the least any launcher of a container can do
 *
 *	floor UID ROOT COMMAND [ARGUMENT...]      (root)
 *
 * A process in new mount, PID, IPC and UTS namespaces; ROOT, read-only, as its root: a directory, or a SquashFS
 * file, which gets a loop device and a superblock of its own; with fresh
 * /proc, /tmp and /dev; ids dropped, no_new_privs, execve; the status handed on. It asks no policy, keeps
 * no record, supervises nothing and checks nothing: not a program to use, a line to measure against.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the headers of musl lack. */
#define FLOOR_STRING 1         /* FSCONFIG_SET_STRING */
#define FLOOR_FLAG 0           /* FSCONFIG_SET_FLAG */
#define FLOOR_CREATE 6         /* FSCONFIG_CMD_CREATE */
#define FLOOR_CLONE 1          /* OPEN_TREE_CLONE */
#define FLOOR_EMPTY 4          /* MOVE_MOUNT_F_EMPTY_PATH */
#define FLOOR_ATTRIBUTES 0x07U /* MOUNT_ATTR_RDONLY | NOSUID | NODEV */
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static void
die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static int
clone_tree(const char *path)
{
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, FLOOR_CLONE | O_CLOEXEC);

	if (tree < 0)
		die(path);
	return tree;
}

/* Whatever other device has the file behind it. */
static int
mount_file(const char *path)
{
	struct loop_config config = {.fd = (unsigned)open(path, O_RDONLY | O_CLOEXEC),
	    .info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop = -1, context, tree = -1;
	char device[32];

	for (int tries = 0; control >= 0 && loop < 0 && tries < 100; tries++) {
		snprintf(device, sizeof device, "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
		loop = open(device, O_RDONLY | O_CLOEXEC);
		if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) != 0) {
			close(loop);
			loop = -1;
		}
	}
	context = (int)syscall(SYS_fsopen, "squashfs", 1);
	if (loop >= 0 && context >= 0 &&
	    syscall(SYS_fsconfig, context, FLOOR_STRING, "source", device, 0) == 0 &&
	    syscall(SYS_fsconfig, context, FLOOR_FLAG, "ro", NULL, 0) == 0 &&
	    syscall(SYS_fsconfig, context, FLOOR_CREATE, NULL, NULL, 0) == 0)
		tree = (int)syscall(SYS_fsmount, context, 1, FLOOR_ATTRIBUTES);
	if (tree < 0)
		die(path);
	close(loop);
	close(context);
	close(control);
	close((int)config.fd);
	return tree;
}

static void
attach(int tree, const char *path)
{
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path, FLOOR_EMPTY) != 0)
		die(path);
}

static void
make_dev(void)
{
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
	char from[32], to[32];
	int fd;

	if (mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755") != 0)
		die("dev");
	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
		snprintf(from, sizeof from, "/dev/%s", nodes[i]);
		snprintf(to, sizeof to, "dev/%s", nodes[i]);
		fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
		if (fd < 0)
			die(to);
		close(fd);
		fd = clone_tree(from);
		attach(fd, to);
		close(fd);
	}
}

static void
become_container(const char *root, uid_t uid, char **command)
{
	static char path[] = "PATH=/usr/bin:/bin", *const environment[] = {path, NULL};
	const struct {
		uint64_t set, clear, propagation, userns;
	} attributes = {.set = FLOOR_ATTRIBUTES};
	struct stat st;
	int tree;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		die("/");
	if (stat(root, &st) != 0)
		die(root);
	tree = S_ISREG(st.st_mode) ? mount_file(root) : clone_tree(root);
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) !=
	    0)
		die("mount_setattr");
	attach(tree, S_ISREG(st.st_mode) ? "/tmp" : root);
	if (fchdir(tree) != 0 ||
	    mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 ||
	    mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0)
		die(root);
	make_dev();
	close(tree);
	if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 ||
	    chdir("/") != 0)
		die("pivot_root");
	if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 ||
	    setresuid(uid, uid, uid) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		die("drop");
	execve(command[0], command, environment);
	die(command[0]);
}

int
main(int argc, char **argv)
{
	/* clone3's first version: flags, pidfd, child_tid, parent_tid, exit_signal, stack, its size, tls */
	const uint64_t how[8] = {
	    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS, [4] = SIGCHLD};
	int status;
	pid_t pid;

	if (argc < 4) {
		fprintf(stderr, "usage: floor UID ROOT COMMAND [ARGUMENT...]\n");
		return 2;
	}
	pid = (pid_t)syscall(SYS_clone3, how, sizeof how);
	if (pid < 0)
		die("clone3");
	if (pid == 0)
		become_container(argv[2], (uid_t)atoi(argv[1]), argv + 3);
	if (waitpid(pid, &status, 0) < 0)
		die("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
