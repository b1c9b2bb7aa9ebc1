/*
 * fuse.c: images of the caller's own, stages 5 and 9
 *
 * Privilege: fuse_mount all ids 0, in the host's mount namespace; fuse_serve root in INIT, its child the caller in every
 * respect, without capability, with no_new_privs, the payload's filter and the caller's limits, before it executes.
 * Trusts: the kernel's FUSE to stand any server. Distrusts: the server, which is the caller's to trace and to stop, and
 * which may answer differently each time: nothing is mounted from it but with nosuid and nodev, no look-up in it leads
 * out of the container's root (mounts.c), and nobody waits for it without a deadline.
 *
 * What MUST hold:
 *  - SUPERVISOR never touches a file of the image: it could wait for ever;
 *  - SUPERVISOR can end the connection even when the caller has handed the device on to processes outside: else
 *    a process that waits for an answer could never be killed, and the end never recorded.
 */
#include "broker/fuse.h"

#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/filter.h"
#include "broker/sif.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FUSE_SERVER "/usr/bin/squashfuse_ll"

static int
make_mount(const struct origin *origin, int device)
{
	const struct {
		const char *key;
		unsigned value;
		const char *format;
	} options[] = {{"fd", (unsigned)device, "%u"}, {"rootmode", S_IFDIR, "%o"},
	    {"user_id", origin->uid, "%u"}, {"group_id", origin->gid, "%u"}};
	/* INIT puts the root together as root; and the kernel checks modes, as it does for other images. */
	static const char *const flags[] = {"ro", "allow_other", "default_permissions"};
	int context = fsopen("fuse", FSOPEN_CLOEXEC), tree = -1;
	bool ok = context >= 0 && fsconfig(context, FSCONFIG_SET_STRING, "source", "boxdo", 0) == 0;
	char text[16];

	for (size_t i = 0; ok && i < sizeof options / sizeof options[0]; i++) {
		snprintf(text, sizeof text, options[i].format, options[i].value);
		ok = fsconfig(context, FSCONFIG_SET_STRING, options[i].key, text, 0) == 0;
	}
	for (size_t i = 0; ok && i < sizeof flags / sizeof flags[0]; i++)
		ok = fsconfig(context, FSCONFIG_SET_FLAG, flags[i], NULL, 0) == 0;
	if (ok && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		tree = fsmount(context, FSMOUNT_CLOEXEC,
		    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (context >= 0)
		close(context);
	return tree;
}

/* The connection is called by the device number of its file system, which the kernel knows without asking. */
static int
open_abort(int tree)
{
	struct statx st;
	char path[64];

	if (statx(tree, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) != 0)
		return -1;
	snprintf(path, sizeof path, "/sys/fs/fuse/connections/%u/abort", st.stx_dev_minor);
	return open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
}

int
fuse_mount(const struct origin *origin, int *device, int *abort, char *error, size_t size)
{
	int tree;

	if (access(FUSE_SERVER, X_OK) != 0) {
		snprintf(error, size,
		    "images of your own need " FUSE_SERVER ", which is not there: ask an admin");
		return -1;
	}
	*device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	tree = *device < 0 ? -1 : make_mount(origin, *device);
	*abort = tree < 0 ? -1 : open_abort(tree);
	if (*abort >= 0)
		return tree;
	snprintf(error, size, "images of your own cannot be mounted: %s: %s: ask an admin",
	    *device < 0 ? "/dev/fuse"
	    : tree < 0  ? "FUSE"
	                : "/sys/fs/fuse/connections",
	    strerror(errno));
	if (tree >= 0)
		close(tree);
	if (*device >= 0)
		close(*device);
	return -1;
}

/* Beyond this point the image's bytes are looked at, by the caller. A SIF's partition is found as anywhere. */
static void __attribute__((noreturn))
server_child(const struct origin *origin, int device, int file)
{
	char offset[64] = "ro", image[32], mountpoint[32];
	char *const environment[] = {NULL};
	struct sif_partition partition;
	const char *why;
	struct stat st;

	fds_keep_only(device, file);
	/* ^C is for the command, which may well want to go on reading. */
	setsid();
	drop_to(origin->uid, origin->gid, origin->groups, origin->group_count);
	/* Not before: a user with more processes than RLIMIT_NPROC, who could not execute then, may do without new ones. */
	for (int i = 0; i < (int)RLIM_NLIMITS; i++)
		setrlimit(i, &origin->limits[i]);
	if (filter_payload_load() != 0 || fcntl(device, F_SETFD, 0) != 0 ||
	    fcntl(file, F_SETFD, 0) != 0)
		_exit(125);
	if (sif_is(file)) {
		if (fstat(file, &st) != 0 ||
		    sif_find(file, (uint64_t)st.st_size, &partition, &why) != 0)
			_exit(125);
		snprintf(
		    offset, sizeof offset, "ro,offset=%llu", (unsigned long long)partition.offset);
	}
	snprintf(image, sizeof image, "/proc/self/fd/%d", file);
	snprintf(mountpoint, sizeof mountpoint, "/dev/fd/%d", device);
	execle(FUSE_SERVER, "squashfuse_ll", "-f", "-o", offset, image, mountpoint, (char *)NULL,
	    environment);
	_exit(125);
}

int
fuse_serve(const struct origin *origin, int device, int file)
{
	pid_t pid = fork();

	if (pid == 0)
		server_child(origin, device, file);
	/* With the server's the last descriptor goes: then nobody waits for an answer that cannot come. */
	close(device);
	close(file);
	return pid < 0 ? -1 : 0;
}

void
fuse_abort(int abort)
{
	if (abort >= 0 && write(abort, "1", 1) != 1)
		errno = 0; /* it has ended by itself */
}
