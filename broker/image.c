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
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define SQUASHFS_MAGIC_LE 0x73717368U /* "hsqs" at 0 */
#define EROFS_MAGIC 0xe0f5e1e2U       /* at 1024 */
#define EROFS_MAGIC_OFFSET 1024

int
image_find(struct image *image, const char *path, char *error, size_t size)
{
	*image = (struct image){.sha256 = "unknown", .fd = open(path, O_PATH | O_CLOEXEC)};
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

/* A file system served by a process may hang whoever touches it, and lie about owners. Unknown: yes. */
static bool
served_by_a_process(int fd)
{
	long wanted = fds_mount(fd);
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
	struct statx st;

	*image = (struct image){.sha256 = "unknown", .fd = fd, .path = strdup(path)};
	if (!image->path) {
		snprintf(error, size, "out of memory");
		return -1;
	}
	image->served = served_by_a_process(fd);
	/* What the kernel holds, without asking the file system. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO | STATX_UID, &st) == 0) {
		snprintf(image->inode, sizeof image->inode, "%u:%u:%llu", st.stx_dev_major,
		    st.stx_dev_minor, (unsigned long long)st.stx_ino);
		image->owner = st.stx_uid;
	}
	return 0;
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
find_partition(struct image *image, char *error, size_t size)
{
	const char *why;

	image->kind = IMAGE_SIF;
	if (sif_find(image->fd, (uint64_t)image->st.st_size, &image->partition, &why) == 0)
		return 0;
	snprintf(error, size, "%s %s", image->path, why);
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
		if (sif_is(image->fd))
			return find_partition(image, error, size);
	}
	snprintf(error, size, "%s is neither a directory nor a SquashFS, EROFS or SIF image",
	    image->path);
	return -1;
}

/* Constant time whatever the size: what was hashed once is compared, and only while the file is as it was then. */
static int
vet_digest(const struct image *image, const char *pinned, char *error, size_t size)
{
	struct known before;
	const char *was;

	if (strcmp(image->sha256, pinned) == 0)
		return 0;
	if (image->known.data || image->kind == IMAGE_DIRECTORY) {
		snprintf(error, size, "%s is not what the catalogue pins: sha256 %s, pinned is %s",
		    image->path,
		    image->kind == IMAGE_DIRECTORY ? "of a directory is unknown" : image->sha256,
		    pinned);
		return -1;
	}
	was = known_read(&before, &image->st, image->verity) == -1
	          ? known_first(&before, KNOWN_SHA256)
	          : NULL;
	snprintf(error, size,
	    "%s is pinned to sha256 %s, %s%s: an admin looks at it, then `boxdo image verify`",
	    image->path, pinned,
	    was ? "but it was written to or touched since its digest was taken, which was "
	        : "but no digest of this very file was ever taken",
	    was ? was : "");
	known_free(&before);
	return -1;
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

void
image_remember(struct image *image, bool catalogued)
{
	char unused[64];
	int got;

	image->sha256 = "unknown";
	if (image->served || fstat(image->fd, &image->st) != 0 || !S_ISREG(image->st.st_mode))
		return;
	got = catalogued ? known_read(&image->known, &image->st, "") : 0;
	/* After a boot with other device numbers fs-verity still tells; only where all the way there is root's. */
	if (got != 1 && vet_parents(image->path, NULL, 0, unused, sizeof unused) == 0 &&
	    reopen(image) == 0) {
		known_free(&image->known);
		known_measure(image->fd, image->verity);
		got = known_read(&image->known, catalogued ? &image->st : NULL, image->verity);
	}
	if (got != 1)
		known_free(&image->known);
	else if (known_first(&image->known, KNOWN_SHA256))
		image->sha256 = known_first(&image->known, KNOWN_SHA256);
}

int
image_vet(struct image *image, const uid_t *owners, size_t owner_count, const char *pinned,
    char *error, size_t size)
{
	char before[KNOWN_STAMP_MAX], now[KNOWN_STAMP_MAX];

	known_stamp(&image->st, before);
	if (image->served) {
		snprintf(error, size,
		    "%s lies on a file system served by a process (FUSE), which could change it "
		    "while it runs: ask an admin to take it over into the image store",
		    image->path);
		return -1;
	}
	if (vet_parents(image->path, owners, owner_count, error, size) != 0)
		return -1;
	if (reopen(image) != 0) {
		snprintf(error, size, "%s cannot be opened: %s", image->path, strerror(errno));
		return -1;
	}
	known_stamp(&image->st, now);
	if (strcmp(before, now) != 0) {
		snprintf(error, size, "%s changes right now: try again", image->path);
		return -1;
	}
	if (vet_one(&image->st, image->path, owners, owner_count, error, size) != 0 ||
	    find_kind(image, error, size) != 0)
		return -1;
	if (image->kind != IMAGE_DIRECTORY && vet_writers(image->fd, image->path, error, size) != 0)
		return -1;
	/* For the record; image_remember asked only where device and inode were not enough. */
	if (image->kind != IMAGE_DIRECTORY && !image->verity[0])
		known_measure(image->fd, image->verity);
	return pinned ? vet_digest(image, pinned, error, size) : 0;
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
		return loop_mount(image->fd, &image->st, image->partition.offset,
		    image->partition.size, image->kind == IMAGE_EROFS ? "erofs" : "squashfs", error,
		    size);
	tree = mount_directory(image);
	if (tree < 0)
		snprintf(error, size, "%s cannot be mounted: %s", image->path, strerror(errno));
	return tree;
}
