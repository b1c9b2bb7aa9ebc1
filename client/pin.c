/*
 * boxdo-pin: makes the small mount namespace that containers' are cloned from (broker/pin.h), at boot, for boxdo.service
 *
 * Runs as root, from the unit; never set-user-ID, takes nothing from anybody. In the namespace: an empty read-only
 * tmpfs with /proc and a place for the container's root. What keeps it is its file, bound in PIN_DIR.
 * On error: one line, 1; then there is none, and launches clone the host's.
 */
#include "broker/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int
pin_fail(const char *what)
{
	fprintf(stderr, "boxdo: %s: %s; containers' mounts are cloned from the host's\n", what,
	    strerror(errno));
	return 1;
}

/* In the child, in its new namespace. Nothing of the host is in it afterwards. */
static int
pin_build(void)
{
	const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("boxdo", PIN_DIR, "tmpfs", quiet, PIN_OPTIONS) != 0 || chdir(PIN_DIR) != 0)
		return -1;
	umask(022);
	if (mkdir("proc", 0555) != 0 || mkdir("run", 0755) != 0 || mkdir("run/boxdo", 0755) != 0 ||
	    mount("proc", "proc", "proc", quiet, NULL) != 0 ||
	    mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | quiet, NULL) != 0 ||
	    /*
	     * It stays below each container's root. While nothing in it is covered, the kernel lets a user namespace
	     * in there mount a /proc without our masks (mount_too_revealing).
	     */
	    mount("run/boxdo", "proc/fs", NULL, MS_BIND, NULL) != 0 ||
	    syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0)
		return -1;
	return chdir("/");
}

/* Lives until its namespace is bound: says so on ready, and ends when we close end. cpu: -1, or where. */
static void __attribute__((noreturn)) pin_child(int cpu, int ready, int end)
{
	cpu_set_t where;
	char word;

	CPU_ZERO(&where);
	if (cpu >= 0)
		CPU_SET(cpu, &where);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((cpu < 0 || sched_setaffinity(0, sizeof where, &where) == 0) &&
	    unshare(CLONE_NEWNS) == 0 && pin_build() == 0 && write(ready, "y", 1) == 1 &&
	    read(end, &word, 1) >= 0)
		_exit(0);
	_exit(errno ? errno : 1);
}

/* 0, or what went wrong. */
static int
pin_bind(int cpu)
{
	int up[2], down[2], status, error = 0;
	char name[64], word = 'n';
	pid_t pid;

	if (pipe2(up, O_CLOEXEC) != 0 || pipe2(down, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		return errno;
	if (pid == 0) {
		close(up[0]);
		close(down[1]);
		pin_child(cpu, up[1], down[0]);
	}
	close(up[1]);
	close(down[0]);
	snprintf(name, sizeof name, "/proc/%d/ns/mnt", pid);
	if (read(up[0], &word, 1) == 1 && mount(name, PIN_FILE, NULL, MS_BIND, NULL) != 0)
		error = errno;
	close(up[0]);
	close(down[1]);
	waitpid(pid, &status, 0);
	return word == 'y' ? error : WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct stat st;
	int file, error;

	(void)argv;
	if (argc != 1)
		return pin_fail("usage: boxdo-pin");
	umask(077);
	mkdir("/run/boxdo", 0755);
	mkdir(PIN_DIR, 0700);
	if (lstat(PIN_DIR, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & 077))
		return pin_fail(PIN_DIR " is not root's alone");
	/* A new one takes the place of an old one; meanwhile there is none. */
	while (umount2(PIN_FILE, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		continue;
	while (umount2(PIN_DIR, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		continue;
	/*
	 * Unbindable, which is private, too: who binds /run takes no namespace along, which would have to be younger than
	 * the one it is mounted in, or nothing is ("Symbolic link loop").
	 */
	file = open(PIN_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0 || mount(PIN_DIR, PIN_DIR, NULL, MS_BIND, NULL) != 0 ||
	    mount(NULL, PIN_DIR, NULL, MS_UNBINDABLE, NULL) != 0)
		return pin_fail(PIN_DIR);
	/*
	 * Only a younger namespace may be bound (so that there are no rings). Linux 6.18 tells the age by numbers that each
	 * processor hands out in blocks: where ours is not the first namespace, a younger one's may be the lower one.
	 */
	error = pin_bind(-1);
	for (int cpu = 0; error == EINVAL && cpu < cpus && cpu < CPU_SETSIZE; cpu++)
		error = pin_bind(cpu);
	errno = error;
	return error == 0 ? 0 : pin_fail(PIN_FILE);
}
