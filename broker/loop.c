/*
 * loop.c: loop devices shared between containers
 *
 * Part of stage 5. Privilege: all ids 0, and in the root-owned cgroup: whoever holds the lock here
 * cannot be frozen by a user. Trusts: /run/boxdo (root's). Distrusts: hints about which device it is:
 * a device is ours if LOOP_GET_STATUS64, asked while it is held open (so it cannot be cleared), says the
 * same file, offset, size and read-only; never by the backing file's name, which follows renames.
 * Errors: one line, -1.
 */
#include "broker/loop.h"

#include "broker/fds.h"
#include "broker/known.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define LOOP_DIR "/run/boxdo/loop"
#define LOOP_TRIES 1000 /* another program may take the free number we were told */

/*
 * The hint is a file named after the image: the device's number, and size and times of the file then. When these
 * are others now, what the device's superblock has in memory is not this image any more: it gets a new device.
 */
#define LOOP_HINT_MAX (16 + KNOWN_STAMP_MAX)

static void
hint_name(const struct stat *st, char *name, size_t size)
{
	snprintf(name, size, LOOP_DIR "/%x.%x.%llx", major(st->st_dev), minor(st->st_dev),
	    (unsigned long long)st->st_ino);
}

static int
open_loop(int number, char *device, size_t size)
{
	struct stat st;
	int fd;

	snprintf(device, size, "/dev/loop%d", number);
	fd = open(device, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 &&
	    (fstat(fd, &st) != 0 || !S_ISBLK(st.st_mode) || major(st.st_rdev) != LOOP_MAJOR)) {
		close(fd);
		errno = ENODEV;
		return -1;
	}
	return fd;
}

static int
is_ours(int loop, const struct stat *st, const struct loop_info64 *wanted)
{
	struct loop_info64 info;

	return ioctl(loop, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == st->st_dev &&
	       info.lo_inode == st->st_ino && info.lo_offset == wanted->lo_offset &&
	       info.lo_sizelimit == wanted->lo_sizelimit && (info.lo_flags & LO_FLAGS_READ_ONLY);
}

static int
find_loop(const struct stat *st, const struct loop_info64 *wanted, char *device, size_t size)
{
	char name[64], text[LOOP_HINT_MAX], stamp[KNOWN_STAMP_MAX], *end;
	int loop = -1;
	long number;

	hint_name(st, name, sizeof name);
	fds_text(AT_FDCWD, name, text, sizeof text);
	number = strtol(text, &end, 10);
	known_stamp(st, stamp);
	if (*end == ' ' && strcmp(end + 1, stamp) == 0)
		loop = open_loop((int)number, device, size);
	if (loop >= 0 && !is_ours(loop, st, wanted)) {
		close(loop);
		loop = -1;
	}
	return loop;
}

static void
write_hint(const struct stat *st, int number)
{
	char name[64], text[LOOP_HINT_MAX], stamp[KNOWN_STAMP_MAX];
	int hint, length;

	known_stamp(st, stamp);
	length = snprintf(text, sizeof text, "%d %s", number, stamp);
	hint_name(st, name, sizeof name);
	/* Readers see the old number, the new or none; each is checked. A hint lost costs a device, no more. */
	hint = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (hint < 0)
		return;
	if (write(hint, text, (size_t)length) != length)
		unlink(name);
	close(hint);
}

static int
make_loop(
    int file, const struct stat *st, const struct loop_info64 *wanted, char *device, size_t size)
{
	struct loop_config config = {.fd = (__u32)file, .info = *wanted};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop = -1, number;

	for (int i = 0; control >= 0 && i < LOOP_TRIES; i++) {
		number = ioctl(control, LOOP_CTL_GET_FREE);
		loop = number < 0 ? -1 : open_loop(number, device, size);
		if (loop < 0)
			break;
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
			write_hint(st, number);
			break;
		}
		close(loop);
		loop = -1;
		if (errno != EBUSY)
			break;
	}
	if (control >= 0)
		close(control);
	return loop;
}

/* A flock with a deadline, on a file nobody but root can open. Returns its descriptor or -1. */
static int
take_lock(void)
{
	uint64_t deadline = wire_now() + LOOP_DEADLINE_MS * WIRE_MS;
	struct timespec pause = {.tv_nsec = 500000};
	int lock;

	mkdir(LOOP_DIR, 0700);
	lock = open(LOOP_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0) {
		if (wire_now() < deadline && (errno == EWOULDBLOCK || errno == EINTR)) {
			nanosleep(&pause, NULL);
			continue;
		}
		close(lock);
		return -1;
	}
	return lock;
}

/* The kernel gives the superblock that is there already for this device, or reads it anew. */
static int
mount_loop(const char *device, const char *type)
{
	int context = fsopen(type, FSOPEN_CLOEXEC), tree = -1;

	if (context >= 0 && fsconfig(context, FSCONFIG_SET_STRING, "source", device, 0) == 0 &&
	    fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) == 0 &&
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		tree = fsmount(context, FSMOUNT_CLOEXEC,
		    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (context >= 0)
		close(context);
	return tree;
}

int
loop_mount(int file, const struct stat *st, uint64_t offset, uint64_t limit, const char *type,
    char *error, size_t size)
{
	const struct loop_info64 wanted = {.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
	    .lo_offset = offset,
	    .lo_sizelimit = (limit + 511) / 512 * 512};
	char device[32];
	int loop = find_loop(st, &wanted, device, sizeof device), lock = -1, tree;

	if (loop < 0) {
		lock = take_lock();
		if (lock < 0) {
			snprintf(error, size,
			    "no loop device: " LOOP_DIR "/lock cannot be had (%s)",
			    strerror(errno));
			return -1;
		}
		/* Somebody may have made it while we waited. */
		loop = find_loop(st, &wanted, device, sizeof device);
		if (loop < 0)
			loop = make_loop(file, st, &wanted, device, sizeof device);
	}
	tree = loop < 0 ? -1 : mount_loop(device, type);
	if (tree < 0)
		snprintf(
		    error, size, "the image cannot be mounted as %s (%s)", type, strerror(errno));
	if (loop >= 0)
		close(loop);
	if (lock >= 0)
		close(lock);
	return tree;
}
