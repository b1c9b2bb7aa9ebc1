/*
 * destination.c: mount points inside the image
 *
 * Part of stage 9. Privilege: root inside INIT's own mount namespace. Distrusts: the image's names
 * and symbolic links: every look is an openat2 that cannot leave the image (RESOLVE_IN_ROOT), and the
 * image is read-only, so what was resolved stays true.
 * Errors: -1; INIT reports and ends.
 */
#include "broker/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/xattr.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DESTINATION_ACL_MAX 4096 /* bytes: 500 entries; a longer list is refused, not cut */

static int
open_inside(int root, const char *path, bool nofollow, uint64_t resolve)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | (nofollow ? O_NOFOLLOW : 0),
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve};

	return (int)syscall(
	    SYS_openat2, root, path[0] == '/' && path[1] ? path + 1 : ".", &how, sizeof how);
}

bool
destination_below(const char *path, const char *of)
{
	size_t length = strlen(of);

	if (strcmp(of, "/") == 0)
		return true;
	return strncmp(path, of, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* The resolved name of an O_PATH descriptor, relative to base. */
static int
resolved_name(int fd, const char *base, char path[PATH_MAX])
{
	char link[32], name[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, name, sizeof name - 1);
	if (length <= 0 || length >= (ssize_t)sizeof name - 1)
		return -1;
	name[length] = '\0';
	if (!destination_below(name, base))
		return -1;
	snprintf(path, PATH_MAX, "%s", name[strlen(base)] ? name + strlen(base) : "/");
	return 0;
}

/*
 * Opens name, and says in path what it resolves to. Nearly always that is itself, which is known without asking when no
 * symbolic link lies on the way.
 */
static int
open_resolved(int image, const char *base, const char *name, bool nofollow, char path[PATH_MAX])
{
	bool plain = !strstr(name, "//") && !strstr(name, "/.") && name[strlen(name) - 1] != '/';
	int fd = plain ? open_inside(image, name, nofollow, RESOLVE_NO_SYMLINKS) : -1;

	if (fd >= 0)
		snprintf(path, PATH_MAX, "%s", name);
	if (fd >= 0 || (plain && errno != ELOOP))
		return fd;
	fd = open_inside(image, name, nofollow, 0);
	if (fd >= 0 && resolved_name(fd, base, path) != 0) {
		close(fd);
		errno = EXDEV;
		return -1;
	}
	return fd;
}

/* name as a whole is there: it must have the type of what will be mounted on it. */
static int
take_existing(int fd, const char *name, bool directory, bool nofollow,
    struct destination *destination, char *error, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		snprintf(error, size, "%s cannot be looked at in the image", name);
		return -1;
	}
	if (nofollow && S_ISLNK(st.st_mode)) {
		destination->exists = false;
		return 0;
	}
	if (!!S_ISDIR(st.st_mode) != directory) {
		snprintf(error, size, "%s is %s in the image, and cannot be covered with %s", name,
		    directory ? "no directory" : "a directory", directory ? "one" : "a file");
		return -1;
	}
	destination->exists = true;
	return 0;
}

int
destination_resolve(int image, const char *base, const char *name, bool directory, bool nofollow,
    struct destination *destination, char *error, size_t size)
{
	char prefix[PATH_MAX];
	struct stat st;
	char *slash;
	int fd = open_resolved(image, base, name, nofollow, destination->path), status;

	if (fd >= 0) {
		status = take_existing(fd, name, directory, nofollow, destination, error, size);
		close(fd);
		return status;
	}
	destination->exists = false;
	snprintf(prefix, sizeof prefix, "%s", name);
	/* The longest part that is there; what follows it will be made. */
	do {
		if (errno != ENOENT || !(slash = strrchr(prefix, '/'))) {
			snprintf(error, size, "%s cannot be made in the image: %s", name,
			    strerror(errno));
			return -1;
		}
		*slash = '\0';
		/* Nothing but the root: that is a directory, and called as it is. */
		destination->path[0] = '\0';
		if (!prefix[0])
			break;
		fd = open_resolved(image, base, prefix, false, destination->path);
	} while (fd < 0);
	status = fd < 0 || (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) ? 0 : -1;
	if (fd >= 0)
		close(fd);
	if (status != 0) {
		snprintf(error, size, "%s cannot be made in the image: %s is no directory there",
		    name, prefix);
		return -1;
	}
	if (strcmp(destination->path, "/") == 0)
		destination->path[0] = '\0';
	if (strlen(destination->path) + strlen(name + strlen(prefix)) >= PATH_MAX) {
		snprintf(error, size, "%s is too long", name);
		return -1;
	}
	memcpy(destination->path + strlen(destination->path), name + strlen(prefix),
	    strlen(name + strlen(prefix)) + 1);
	return 0;
}

/* *fd becomes next; what it was is closed, but for the first. */
static void
step(int *fd, int first, int next)
{
	if (*fd >= 0 && *fd != first)
		close(*fd);
	*fd = next;
}

/* Of whom else theirs is: the mode of a directory with a list of access is not the whole of it, its group's bits are a mask. */
static int
copy_acl(int theirs, int ours)
{
	char path[32], list[DESTINATION_ACL_MAX];
	ssize_t length;

	snprintf(path, sizeof path, "/proc/self/fd/%d", theirs);
	length = getxattr(path, XATTR_NAME_POSIX_ACL_ACCESS, list, sizeof list);
	if (length < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -1;
	return fsetxattr(ours, XATTR_NAME_POSIX_ACL_ACCESS, list, (size_t)length, 0);
}

/* One level of the skeleton: as the image has it (theirs, opened; -1: it has none), or root's 0755. Its descriptor, or -1. */
static int
make_level(int theirs, int skeleton, const char *name)
{
	struct stat st = {.st_mode = 0755}, made;
	bool new = mkdirat(skeleton, name, 0755) == 0;
	int ours;

	if ((!new &&errno != EEXIST) || (new &&theirs >= 0 && fstat(theirs, &st) != 0))
		return -1;
	ours = openat(skeleton, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (!new || ours < 0)
		return ours;
	/* It may be so already (umask is 0), unless the level above hands its group on. */
	if (fstat(ours, &made) != 0 ||
	    ((((st.st_mode ^ made.st_mode) & 07777) != 0 || st.st_uid != made.st_uid ||
	         st.st_gid != made.st_gid) &&
	        (fchown(ours, st.st_uid, st.st_gid) != 0 ||
	            fchmod(ours, st.st_mode & 07777) != 0)) ||
	    (theirs >= 0 && copy_acl(theirs, ours) != 0)) {
		close(ours);
		return -1;
	}
	return ours;
}

int
destination_make(int image, int skeleton, const char *path, bool directory)
{
	char copy[PATH_MAX], *rest = copy + 1, *name;
	int theirs = image, ours = skeleton, status = 0, next;

	snprintf(copy, sizeof copy, "%s", path);
	while (ours >= 0 && (name = strsep(&rest, "/"))) {
		if (!rest && !directory) {
			status = mknodat(ours, name, S_IFREG | 0644, 0);
			if (status != 0 && errno == EEXIST)
				status = 0;
			break;
		}
		/* What cannot be opened is not what the image lacks: its mode would be lost, and all could look into it. */
		next = theirs < 0
		           ? -1
		           : openat(theirs, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
		if (theirs >= 0 && next < 0 && errno != ENOENT && errno != ENOTDIR) {
			status = -1;
			break;
		}
		step(&theirs, image, next);
		step(&ours, skeleton, make_level(theirs, ours, name));
	}
	if (ours < 0)
		status = -1;
	step(&ours, skeleton, -1);
	step(&theirs, image, -1);
	return status;
}

int
destination_link(int image, int skeleton, const char *path, const char *target)
{
	char parent[PATH_MAX];
	size_t length = (size_t)(strrchr(path, '/') - path);

	snprintf(parent, sizeof parent, "%.*s", (int)length, path);
	if (length && destination_make(image, skeleton, parent, true) != 0)
		return -1;
	return symlinkat(target, skeleton, path + 1) != 0 && errno != EEXIST ? -1 : 0;
}
