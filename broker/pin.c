/*
 * pin.c: into the small mount namespace and back, so that INIT is cloned from it
 *
 * Part of stage 8, SUPERVISOR. Privilege: all ids 0, before and after. Trusts: what lies in PIN_DIR once that is
 * root's alone. Where there is none (a session with mounts of its own does not see it, the unit never ran),
 * INIT is cloned from the caller's namespace: slower where that is large, and the same for the container.
 */
#include "broker/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h> /* ST_RDONLY */
#include <sys/vfs.h>
#include <unistd.h>

/* The namespace's file, if nobody but root could have put it there. */
static int
pin_open(void)
{
	int dir = open(PIN_DIR, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd = -1;
	struct stat st;

	if (dir >= 0 && fstat(dir, &st) == 0 && st.st_uid == 0 && !(st.st_mode & 077))
		fd = openat(dir, "ns", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (dir >= 0)
		close(dir);
	if (fd >= 0 && ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNS) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/*
 * boxdo-pin's own: its root stays below the container's, so it must be no host's (a diskless one's is a tmpfs, too). And INIT
 * looks at its own descriptors in /proc, so that this must be the one of our process numbers.
 */
static int
pin_is_right(void)
{
	struct statfs root;
	char self[16] = "";

	return statfs("/", &root) == 0 && root.f_type == TMPFS_MAGIC &&
	       root.f_files == PIN_INODES && (root.f_flags & ST_RDONLY) &&
	       readlink("/proc/self", self, sizeof self - 1) > 0 && atoi(self) == getpid();
}

int
pin_enter(struct pin *pin)
{
	int fd = pin_open();

	*pin = (struct pin){-1, -1};
	if (fd < 0)
		return -1;
	pin->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	pin->namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (pin->root >= 0 && pin->namespace >= 0 && setns(fd, CLONE_NEWNS) == 0) {
		close(fd);
		if (pin_is_right())
			return 0;
		return pin_leave(pin) == 0 ? -1 : 1;
	}
	close(fd);
	if (pin->root >= 0)
		close(pin->root);
	if (pin->namespace >= 0)
		close(pin->namespace);
	return -1;
}

int
pin_leave(struct pin *pin)
{
	int error = errno, failed = setns(pin->namespace, CLONE_NEWNS) != 0 ||
	                            fchdir(pin->root) != 0 || chroot(".") != 0;

	close(pin->namespace);
	close(pin->root);
	errno = failed ? errno : error;
	return -failed;
}
