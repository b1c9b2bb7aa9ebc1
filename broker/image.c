/*
 * image.c: stage 5, from a name or path to a vetted, immutable image and a mount of it
 *
 * Privilege: all ids 0. Trusts: the catalogue's path (root's). Distrusts: who could change the file
 * or directory: owner, mode, every directory above, and whoever still has it open for writing.
 * A path the caller named was opened by OPENER; it is looked at here only after its file system
 * turned out not to be a process of somebody's (FUSE).
 * Errors: one line, -1.
 */
#include "broker/image.h"

#include "broker/fds.h"
#include "broker/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fsverity.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#define SQUASHFS_MAGIC_LE 0x73717368U /* "hsqs" at 0 */
#define EROFS_MAGIC 0xe0f5e1e2U       /* at 1024 */
#define EROFS_MAGIC_OFFSET 1024

int
image_find(struct image *image, const char *path, char *error, size_t size)
{
	*image = (struct image){.fd = open(path, O_PATH | O_CLOEXEC)};
	if (image->fd < 0) {
		snprintf(error, size, "the image's file %s is not there (%s): ask an admin", path,
		    strerror(errno));
		return -1;
	}
	image->path = fds_name(image->fd);
	if (image->path)
		return 0;
	snprintf(error, size, "the image's file %s has no name", path);
	close(image->fd);
	return -1;
}

/* The mount the descriptor is on, from the kernel, without asking the file system. */
static long
mount_id(int fd)
{
	char name[40], text[512], *at;
	int info;
	ssize_t length;

	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	info = open(name, O_RDONLY | O_CLOEXEC);
	length = info < 0 ? -1 : read(info, text, sizeof text - 1);
	if (info >= 0)
		close(info);
	if (length <= 0)
		return -1;
	text[length] = '\0';
	at = strstr(text, "mnt_id:");
	return at ? strtol(at + 7, NULL, 10) : -1;
}

/* A file system served by a process may hang whoever touches it, and lie about owners. Unknown: yes. */
static bool
served_by_a_process(int fd)
{
	long wanted = mount_id(fd);
	FILE *mounts = wanted < 0 ? NULL : fopen("/proc/self/mountinfo", "re");
	bool served = true;
	char *line = NULL, *type;
	size_t room = 0;

	while (mounts && getline(&line, &room, mounts) > 0) {
		if (strtol(line, NULL, 10) != wanted)
			continue;
		type = strstr(line, " - ");
		served =
		    !type || strncmp(type + 3, "fuse", 4) == 0 || strncmp(type + 3, "9p", 2) == 0;
		break;
	}
	free(line);
	if (mounts)
		fclose(mounts);
	return served;
}

int
image_adopt(struct image *image, int fd, const char *path, char *error, size_t size)
{
	*image = (struct image){.fd = fd, .path = strdup(path)};
	if (image->path && !served_by_a_process(fd))
		return 0;
	snprintf(error, size,
	    "%s lies on a file system served by a process (FUSE), which could change it "
	    "while it runs: ask an admin to take it over into the image store",
	    path);
	return -1;
}

static bool
owner_ok(uid_t uid, const uid_t *owners, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (uid == owners[i])
			return true;
	return uid == 0;
}

static int
vet_one(const struct stat *st, const char *path, const uid_t *owners, size_t count, char *error,
    size_t size)
{
	if (!owner_ok(st->st_uid, owners, count)) {
		snprintf(error, size,
		    "%s belongs to uid %u, and only images of root or an image_owners "
		    "account are run: ask an admin to take it over",
		    path, st->st_uid);
		return -1;
	}
	/* An ACL that lets somebody write shows in the group bits, which are then its mask. */
	if (st->st_mode & 022) {
		snprintf(error, size,
		    "%s can be written by others than its owner (mode %04o), so what "
		    "runs could be changed: ask an admin to chmod go-w it",
		    path, st->st_mode & 07777);
		return -1;
	}
	return 0;
}

/* From the root down, so that nothing below a directory an ordinary user owns is ever touched. */
static int
vet_parents(const char *path, const uid_t *owners, size_t count, char *error, size_t size)
{
	char parent[PATH_MAX];
	struct stat st;

	for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
		int length = slash == path ? 1 : (int)(slash - path);

		snprintf(parent, sizeof parent, "%.*s", length, path);
		if (lstat(parent, &st) != 0 || !S_ISDIR(st.st_mode)) {
			snprintf(error, size, "%s cannot be looked at", parent);
			return -1;
		}
		if (vet_one(&st, parent, owners, count, error, size) != 0)
			return -1;
	}
	return 0;
}

/*
 * A file handed to the store may still be open for writing by who owned it. The kernel grants a read
 * lease only while nobody has it open for writing; it is given back at once, because from here on the
 * file's mode keeps new writers out.
 */
static int
vet_writers(int fd, const char *path, char *error, size_t size)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		return 0;
	}
	if (errno == EAGAIN)
		snprintf(error, size,
		    "%s is open for writing in some process, so what runs could be "
		    "changed: ask an admin to copy it into the store",
		    path);
	else
		snprintf(error, size,
		    "%s is on a file system that cannot tell whether somebody has it "
		    "open for writing (%s): ask an admin",
		    path, strerror(errno));
	return -1;
}

static int
find_kind(struct image *image, char *error, size_t size)
{
	uint32_t at_0 = 0, at_1024 = 0;

	if (S_ISDIR(image->st.st_mode)) {
		image->kind = IMAGE_DIRECTORY;
		return 0;
	}
	if (S_ISREG(image->st.st_mode)) {
		if (pread(image->fd, &at_0, sizeof at_0, 0) == sizeof at_0 &&
		    at_0 == SQUASHFS_MAGIC_LE) {
			image->kind = IMAGE_SQUASHFS;
			return 0;
		}
		if (pread(image->fd, &at_1024, sizeof at_1024, EROFS_MAGIC_OFFSET) ==
		        sizeof at_1024 &&
		    at_1024 == EROFS_MAGIC) {
			image->kind = IMAGE_EROFS;
			return 0;
		}
	}
	snprintf(
	    error, size, "%s is neither a directory nor a SquashFS or EROFS image", image->path);
	return -1;
}

static void
measure_verity(struct image *image)
{
	const size_t bytes = 64;
	struct fsverity_digest *digest = calloc(1, sizeof *digest + bytes);
	size_t length;

	if (digest)
		digest->digest_size = bytes;
	if (digest && image->kind != IMAGE_DIRECTORY &&
	    ioctl(image->fd, FS_IOC_MEASURE_VERITY, digest) == 0) {
		length = (size_t)snprintf(image->verity, sizeof image->verity, "%s:",
		    digest->digest_algorithm == FS_VERITY_HASH_ALG_SHA512 ? "sha512" : "sha256");
		for (size_t i = 0; i < digest->digest_size && i < bytes; i++)
			length += (size_t)snprintf(image->verity + length,
			    sizeof image->verity - length, "%02x", digest->digest[i]);
	}
	free(digest);
}

/* O_PATH becomes readable by the descriptor itself, never by name again. */
static int
reopen(struct image *image)
{
	char link[32];
	int fd;

	if (fstat(image->fd, &image->st) != 0)
		return -1;
	if (!S_ISREG(image->st.st_mode))
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", image->fd);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -1;
	close(image->fd);
	image->fd = fd;
	return fstat(fd, &image->st);
}

int
image_vet(struct image *image, const uid_t *owners, size_t owner_count, const char *pinned,
    char *error, size_t size)
{
	snprintf(image->sha256, sizeof image->sha256, "unknown");
	if (vet_parents(image->path, owners, owner_count, error, size) != 0)
		return -1;
	if (reopen(image) != 0) {
		snprintf(error, size, "%s cannot be opened: %s", image->path, strerror(errno));
		return -1;
	}
	if (vet_one(&image->st, image->path, owners, owner_count, error, size) != 0 ||
	    find_kind(image, error, size) != 0)
		return -1;
	if (image->kind != IMAGE_DIRECTORY && vet_writers(image->fd, image->path, error, size) != 0)
		return -1;
	measure_verity(image);
	if (pinned) {
		snprintf(error, size,
		    "the catalogue pins %s to a sha256, and its digest is not known yet, so "
		    "it cannot be compared: ask an admin",
		    image->path);
		return -1;
	}
	return 0;
}

static int
mount_directory(const struct image *image)
{
	struct mount_attr attributes = {
	    .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	    .propagation = MS_PRIVATE};
	int tree = open_tree(image->fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree >= 0 &&
	    mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
		close(tree);
		return -1;
	}
	return tree;
}

int
image_mount(const struct image *image, char *error, size_t size)
{
	int tree;

	if (image->kind != IMAGE_DIRECTORY)
		return loop_mount(image->fd, &image->st,
		    image->kind == IMAGE_EROFS ? "erofs" : "squashfs", error, size);
	tree = mount_directory(image);
	if (tree < 0)
		snprintf(error, size, "%s cannot be mounted: %s", image->path, strerror(errno));
	return tree;
}
