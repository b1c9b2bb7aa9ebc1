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

#include "broker/fds.h"
#include "broker/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP_TEXT_MAX 16384 /* bytes of /proc/self/cgroup */
#define CGROUP_BORN_MS 1      /* and then we look whether it died */

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
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && (mkdirat(parent, name, 0755) == 0 || errno == EEXIST)) {
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* umask is 077, and others may look: `systemd-cgls` and the caller's own tools. */
		if (fd >= 0)
			fchmod(fd, 0755);
	}
	close(parent);
	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != 0 || (st.st_mode & 022))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The caller's v2 path into unified, and into path; when it is the root, a v1 path says more about the job. */
static int
caller_path(char path[PATH_MAX], char unified[PATH_MAX])
{
	struct lines lines;
	char *line, *name;

	path[0] = unified[0] = '\0';
	lines_open(&lines, "/proc/self/cgroup");
	while ((line = lines_next(&lines))) {
		name = strchr(line, ':');
		name = name ? strchr(name + 1, ':') : NULL;
		if (!name || strlen(name + 1) >= PATH_MAX)
			continue;
		if (strncmp(line, "0::", 3) == 0)
			snprintf(unified, PATH_MAX, "%s", name + 1);
		else if (strlen(name + 1) > strlen(path))
			snprintf(path, PATH_MAX, "%s", name + 1);
	}
	lines_close(&lines);
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

/* Reads process/cgroup: the v2 path goes to unified, the other lines stay in text. */
static int
read_lines(int process, char text[CGROUP_TEXT_MAX], char unified[PATH_MAX])
{
	char *line, *end;

	fds_text(process, "cgroup", text, CGROUP_TEXT_MAX);
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	end = line ? strchr(line + 1, '\n') : NULL;
	if (!end)
		return -1;
	line += line > text;
	snprintf(unified, PATH_MAX, "%.*s", (int)(end - line - 3), line + 3);
	memmove(line, end + 1, strlen(end));
	return 0;
}

int
cgroup_of(int process)
{
	char own[CGROUP_TEXT_MAX], theirs[CGROUP_TEXT_MAX], unified[PATH_MAX];
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC), mount, cgroup;
	bool same = self >= 0 && read_lines(self, own, unified) == 0 &&
	            read_lines(process, theirs, unified) == 0 && strcmp(own, theirs) == 0 &&
	            unified[0] == '/' && !strstr(unified, "/..");

	if (self >= 0)
		close(self);
	mount = same ? cgroup_mount() : -1;
	if (mount < 0)
		return -1;
	cgroup = openat(
	    mount, unified[1] ? unified + 1 : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(mount);
	return cgroup;
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
	char name[32], text[4096], *pending;

	snprintf(name, sizeof name, "/proc/%d/status", pid);
	fds_text(AT_FDCWD, name, text, sizeof text);
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

/* Born in cgroup, if it lives. */
static pid_t
begin(int cgroup, unsigned long long flags, int exit_signal)
{
	struct clone_args args = {.flags = flags, .exit_signal = (uint64_t)exit_signal};

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static pid_t
begin_again(pid_t dead, int cgroup, unsigned long long flags, int exit_signal)
{
	pid_t pid;

	waitpid(dead, NULL, __WALL);
	pid = begin(-1, flags, exit_signal);
	if (pid == 0)
		move_to(cgroup);
	return pid;
}

pid_t
cgroup_fork(int cgroup, unsigned long long flags, int exit_signal)
{
	pid_t pid = begin(cgroup, flags, exit_signal);

	return pid <= 0 || cgroup < 0 || !stillborn(pid)
	           ? pid
	           : begin_again(pid, cgroup, flags, exit_signal);
}

pid_t
cgroup_fork_heard(int cgroup, int ours, int theirs)
{
	pid_t pid = begin(cgroup, 0, SIGCHLD);
	struct pollfd ready = {.fd = ours, .events = POLLIN};
	siginfo_t end = {.si_pid = 0};
	char word;

	if (pid == 0 && write(theirs, "", 1) != 1)
		_exit(125);
	if (pid <= 0)
		return pid;
	/* We hold the other end as well, so its end is no end of file. */
	while (poll(&ready, 1, CGROUP_BORN_MS) <= 0 && end.si_pid == 0)
		waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT | WNOHANG);
	if (recv(ours, &word, 1, MSG_DONTWAIT) == 1 || cgroup < 0 || end.si_pid != pid ||
	    end.si_code != CLD_KILLED || end.si_status != SIGKILL)
		return pid; /* it lives, or whoever talks to it will see */
	return begin_again(pid, cgroup, 0, SIGCHLD);
}
