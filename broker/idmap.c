/*
 * idmap.c: part of the planner, an image whose files are the user's
 *
 * Privilege: all ids 0, in the host's namespaces. Under a writable root the image's files are to be changed by
 * somebody who is not root, so the mount (not the file system) shows root's as theirs. Nothing is gained by it but
 * inside the image: the mount is nosuid, nodev and read-only, and the overlay's upper layer takes what is written.
 * Trusts: the kernel. On error: -1; the planner says so and leaves the image's files root's.
 *
 * The kernel takes the mapping from a user namespace, and that from a process in one. It lives for as long as it takes
 * to open the namespace, does nothing, and nobody but root may trace or signal it.
 */
#include "broker/idmap.h"

#include "broker/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDMAP_IDS UINT32_MAX /* there are: 0 to UINT32_MAX - 1 */

/* Overlays take such a mount as a layer since Linux 5.19; before, the launch would fail when it is too late. */
static bool
overlay_takes_it(void)
{
	struct utsname names;
	unsigned major = 0, minor = 0;

	return uname(&names) == 0 && sscanf(names.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 19));
}

/* One to one, as the kernel wants it: 0 and id change places, every other stays. */
static int
write_map(pid_t pid, const char *name, uint32_t id)
{
	char path[32], map[128];
	int fd, length, status;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	length = snprintf(map, sizeof map, "0 %u 1\n", id);
	if (id > 0)
		length += snprintf(map + length, sizeof map - (size_t)length, "%u 0 1\n", id);
	if (id > 1)
		length += snprintf(map + length, sizeof map - (size_t)length, "1 1 %u\n", id - 1);
	if (id + 1 < IDMAP_IDS)
		length += snprintf(map + length, sizeof map - (size_t)length, "%u %u %u\n", id + 1,
		    id + 1, IDMAP_IDS - id - 1);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	status = fd >= 0 && write(fd, map, (size_t)length) == length ? 0 : -1;
	if (fd >= 0)
		close(fd);
	return status;
}

/* A user namespace with this mapping and nobody in it; -1. */
static int
make_namespace(uid_t uid, gid_t gid)
{
	pid_t parent = getpid(), pid = cgroup_fork(-1, CLONE_NEWUSER, 0);
	char path[32];
	int fd = -1, error;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	if (pid < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
	if (write_map(pid, "uid_map", uid) == 0 && write_map(pid, "gid_map", gid) == 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	error = errno;
	/* Else it ends with us. */
	if (kill(pid, SIGKILL) == 0)
		waitpid(pid, NULL, __WALL);
	errno = error;
	return fd;
}

int
idmap_mount(int tree, uid_t uid, gid_t gid)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP};
	int namespace, status, error;

	errno = EOPNOTSUPP;
	namespace = overlay_takes_it() ? make_namespace(uid, gid) : -1;
	if (namespace < 0)
		return -1;
	attributes.userns_fd = (uint64_t) namespace;
	status = mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
	error = errno;
	close(namespace);
	errno = error;
	return status;
}
