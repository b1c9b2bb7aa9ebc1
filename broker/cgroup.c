/*
 * cgroup.c: where the processes of a launch live
 *
 * Stage 1, before the first fork. Privilege: all ids 0.
 * Trusts: the kernel's cgroup2 file system (checked by its magic). Distrusts: who owns a directory
 * in it: a delegated subtree is its owner's remote control (freeze, cgroup.kill), whatever the uid of
 * the processes inside.
 * Errors: left in reason; the policy decides what they mean.
 */
#include "broker/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* Below a oneshot unit of ours; systemd keeps no empty cgroup, so each level is made when missing. */
static const char *const safe_levels[] = {"system.slice", "boxdo.service", "supervisors"};

static int
cgroup_mount(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		int fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* Consumes parent. A directory that is not root's alone is no place for SUPERVISOR. */
static int
safe_level(int parent, const char *name)
{
	struct stat st;
	int fd;

	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, 0755) != 0 && errno != EEXIST) {
		close(parent);
		return -1;
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(parent);
	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != 0 || (st.st_mode & 022))) {
		close(fd);
		return -1;
	}
	/* umask is 077, and others may look: `systemd-cgls` and the caller's own tools. */
	if (fd >= 0)
		fchmod(fd, 0755);
	return fd;
}

/* Reads /proc/self/cgroup once: the v2 path into path; when that is the root, a v1 path says more about the job. */
static int
caller_path(char path[PATH_MAX], char unified[PATH_MAX])
{
	char text[16384], *line, *rest = text;
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return -1;
	text[length] = '\0';
	path[0] = unified[0] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		char *name = strchr(line, ':');

		name = name ? strchr(name + 1, ':') : NULL;
		if (!name || strlen(name + 1) >= PATH_MAX)
			continue;
		if (strncmp(line, "0::", 3) == 0)
			snprintf(unified, PATH_MAX, "%s", name + 1);
		else if (strlen(name + 1) > strlen(path))
			snprintf(path, PATH_MAX, "%s", name + 1);
	}
	if (strlen(unified) > 1 || strlen(path) <= 1)
		snprintf(path, PATH_MAX, "%s", unified);
	return unified[0] == '/' ? 0 : -1;
}

void
cgroup_find(struct cgroups *cgroups)
{
	char unified[PATH_MAX];
	int mount = cgroup_mount();

	*cgroups = (struct cgroups){.safe = -1, .caller = -1};
	if (caller_path(cgroups->path, unified) != 0) {
		cgroups->reason = "the kernel names no cgroup v2 of yours";
	} else if (mount < 0) {
		cgroups->reason = "no cgroup v2 file system is mounted at /sys/fs/cgroup";
	} else if (strstr(unified, "/..")) {
		cgroups->reason = "your cgroup lies outside of what this cgroup namespace shows";
	} else {
		cgroups->caller = openat(mount, unified[1] ? unified + 1 : ".",
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		cgroups->safe = mount;
		for (size_t i = 0; i < sizeof safe_levels / sizeof safe_levels[0]; i++)
			cgroups->safe = safe_level(cgroups->safe, safe_levels[i]);
		if (cgroups->caller >= 0 && cgroups->safe >= 0)
			return;
		cgroups->reason = cgroups->safe < 0
		                      ? "the root-owned cgroup boxdo.service cannot be made"
		                      : "your cgroup cannot be opened";
		mount = -1;
	}
	if (mount >= 0)
		close(mount);
	if (cgroups->safe >= 0)
		close(cgroups->safe);
	if (cgroups->caller >= 0)
		close(cgroups->caller);
	cgroups->safe = cgroups->caller = -1;
}

/*
 * Since 6.14, and in stable series since then, the kernel compares the count of cgroup.kill writes of the
 * new cgroup with that of the parent's, and kills the child at birth when they differ: a cgroup that was
 * once emptied by cgroup.kill could be neither left nor entered this way again (seen on 6.18). The signal
 * is pending before clone3 returns.
 */
static bool
stillborn(pid_t pid)
{
	char text[4096], *pending;
	ssize_t length;
	int fd;

	snprintf(text, sizeof text, "/proc/%d/status", pid);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	pending = strstr(text, "\nShdPnd:");
	return pending && (strtoull(pending + strlen("\nShdPnd:"), NULL, 16) >> (SIGKILL - 1) & 1);
}

/* The slow way, on the child's own feet: its first act. */
static void
move_to(int cgroup)
{
	int fd = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(125);
	close(fd);
}

pid_t
cgroup_fork(int cgroup, unsigned long long flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	pid_t pid;

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid <= 0 || cgroup < 0 || !stillborn(pid))
		return pid;
	waitpid(pid, NULL, 0);
	args.flags = flags;
	args.cgroup = 0;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0)
		move_to(cgroup);
	return pid;
}
