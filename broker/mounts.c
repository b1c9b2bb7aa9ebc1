/*
 * mounts.c: stage 9, the container's root, mount by mount
 *
 * Privilege: root; mounts_build only inside INIT's own mount namespace, made private first.
 * Trusts: the plan (complete, checked, constant), descriptors in it. Distrusts: names inside the image
 * and inside what users own. Nothing of a user's is ever looked at but with the user's ids.
 * Errors: one line, -1; INIT reports it and ends, and the namespace takes everything with it.
 *
 * What MUST hold:
 *  - every mount of the host's or a user's things is nosuid, and nodev but for granted device nodes;
 *  - /proc, /sys and /dev are real directories of the image (or made), never symbolic links
 *    (CVE-2019-19921), and nothing is mounted on or below them but by us;
 *  - masks are made from nodes of our own, never from the image's /dev/null (CVE-2025-31133);
 *  - a destination is resolved in the read-only image, before anything of a user's is attached;
 *    below something of a user's it must exist and no component may be a symbolic link (CVE-2021-30465);
 *  - nothing is created outside of our own tmpfs (CVE-2024-45310);
 *  - the host's root is gone before any privilege is.
 */
#include "broker/mounts.h"

#include "broker/destination.h"
#include "broker/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BASE "/run/boxdo" /* root's, on every host; covered by our tmpfs in INIT's namespace only */

/* Where a mount of the plan goes, worked out before the root is put together. */
struct place {
	bool exists;   /* in the image, with the wanted type */
	char *path;    /* as struct destination has it; ours */
	size_t parent; /* index of the plan's mount it lies in; NONE: the image */
	bool laid;     /* a file of ours that is part of the skeleton: no mount */
};
#define NONE SIZE_MAX

struct build {
	const struct plan *plan;
	int scratch; /* our tmpfs: everything we make is in here */
	int skeleton; /* what lies over the image: mount points, and what is written to a writable root */
	int root;  /* the new root's mount */
	int *open; /* attached mounts, for what lies in them; -1 */
	struct place *places;
	struct place fixed[5];
	bool missing; /* the image lacks a mount point: root becomes an overlay */
	char *error;
	size_t size;
};

static int
fail(struct build *build, const char *what, const char *path)
{
	snprintf(build->error, build->size, "%s %s: %s", what, path, strerror(errno));
	return -1;
}

int
mounts_clone(int fd, bool writable, bool device)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID |
	                                            (device ? 0 : MOUNT_ATTR_NODEV) |
	                                            (writable ? 0 : MOUNT_ATTR_RDONLY),
	    .propagation = MS_SLAVE};
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
	int tree = open_tree(fd, "", flags | (device ? 0 : AT_RECURSIVE));

	if (device)
		attributes.attr_clr = MOUNT_ATTR_NODEV;
	if (tree >= 0 && mount_setattr(tree, "", AT_EMPTY_PATH | (device ? 0 : AT_RECURSIVE),
	                     &attributes, sizeof attributes) != 0) {
		close(tree);
		return -1;
	}
	return tree;
}

/* A new file system; options: key, value, ..., NULL. Returns a detached mount or -1. */
static int
make_fs(const char *type, unsigned attributes, const char *const *options)
{
	int context = fsopen(type, FSOPEN_CLOEXEC), tree = -1;
	bool good = context >= 0;

	for (; good && options && *options; options += 2)
		good = fsconfig(context, FSCONFIG_SET_STRING, options[0], options[1], 0) == 0;
	if (good && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		tree = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	if (context >= 0)
		close(context);
	return tree;
}

/*
 * size in bytes, 0: the kernel's default; mode as octal text. An empty file takes memory beside the size, a
 * KiB or so: no more of them than there may be pages.
 */
static int
make_tmpfs(uint64_t size, const char *mode)
{
	char bytes[32], files[32];
	const char *const options[] = {
	    "mode", mode, size ? "size" : NULL, bytes, "nr_inodes", files, NULL};

	snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)size);
	snprintf(files, sizeof files, "%llu", (unsigned long long)(size / 4096 + 1024));
	return make_fs("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, options);
}

/* Within directory and through no symbolic link, whatever the server of a user's own image says by now. */
static int
open_plain(int directory, const char *name)
{
	struct open_how how = {
	    .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};

	return (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
}

/* A copy of the mount at directory/name, detached. */
static int
clone_plain(int directory, const char *name)
{
	int place = open_plain(directory, name), tree;

	if (place < 0)
		return -1;
	tree = open_tree(place, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	close(place);
	return tree;
}

/* Attaches a detached mount at directory/name (name "": on the descriptor itself); no symbolic link counts. */
static int
attach(int tree, int directory, const char *name)
{
	int place = name[0] ? open_plain(directory, name) : directory;
	int status = place < 0 ? -1
	                       : move_mount(tree, "", place, "",
	                             MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);

	if (name[0] && place >= 0)
		close(place);
	return status;
}

/*
 * Attaches a detached mount at name in a file system of our own making (/proc, /sys, /dev), on whose mount directory is:
 * its names are the kernel's or ours, and none of those that are used is a symbolic link.
 */
static int
attach_within(int tree, int directory, const char *name)
{
	return tree < 0 ? -1 : move_mount(tree, "", directory, name, MOVE_MOUNT_F_EMPTY_PATH);
}

/* A clone of directory/name with attributes of its own: detached, or -1. directory: as above, or our tmpfs. */
static int
clone_within(int directory, const char *name, unsigned set, unsigned clear)
{
	struct mount_attr attributes = {.attr_set = set, .attr_clr = clear};
	int tree =
	    open_tree(directory, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

	if (tree >= 0 && (set || clear) &&
	    mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
		close(tree);
		return -1;
	}
	return tree;
}

static int
make_nodes(int dev)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} nodes[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8},
	    {"urandom", 1, 9}, {"tty", 5, 0}};
	static const struct {
		const char *name, *target;
	} links[] = {{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
	    {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"}};
	static const char *const directories[] = {"pts", "shm", "mqueue"};

	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
		if (mknodat(dev, nodes[i].name, S_IFCHR | 0666,
		        makedev(nodes[i].major, nodes[i].minor)) != 0)
			return -1;
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (symlinkat(links[i].target, dev, links[i].name) != 0)
			return -1;
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		if (mkdirat(dev, directories[i], 0755) != 0)
			return -1;
	return 0;
}

/*
 * mkdir -p, but for the last part of name; a file there unless directory. Level by level and through no symbolic
 * link: what the server of a user's own image called a directory a moment ago may be a link to the host's /etc now.
 */
static int
make_path(int at, const char *name, bool directory)
{
	char copy[PATH_MAX], *rest = copy, *part;
	int below = at, next, status;

	snprintf(copy, sizeof copy, "%s", name);
	while ((part = strsep(&rest, "/")) && rest) {
		next = mkdirat(below, part, 0755) != 0 && errno != EEXIST
		           ? -1
		           : openat(below, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below != at)
			close(below);
		if (next < 0)
			return -1;
		below = next;
	}
	status = directory ? mkdirat(below, part, 0755) : mknodat(below, part, S_IFREG | 0644, 0);
	status = status != 0 && errno != EEXIST ? -1 : 0;
	if (below != at)
		close(below);
	return status;
}

/*
 * A small file of root's; it may be there, empty. Beside the server of a user's own image nothing is waited for: what
 * stands there instead, if it can put anything there, is no file, or held by a lease.
 */
static int
write_file(int directory, const char *name, const char *text)
{
	int fd = openat(directory, name,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
	size_t length = strlen(text);
	struct stat st;
	int status = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	                     fchown(fd, 0, 0) == 0 && write(fd, text, length) == (ssize_t)length
	                 ? 0
	                 : -1;

	if (fd >= 0)
		close(fd);
	return status;
}

/* The directory over the image. Under a writable root in a tmpfs of its own, which holds what is written and no more. */
static int
make_skeleton(struct build *build)
{
	uint64_t size = build->plan->root_size;
	int tree = size ? make_tmpfs(size, "0755") : -1;

	if (size && (tree < 0 || attach(tree, build->scratch, "skeleton") != 0 ||
	                mkdirat(tree, "upper", 0755) != 0 || mkdirat(tree, "work", 0755) != 0))
		return fail(build, "no tmpfs for", "/");
	build->skeleton = openat(build->scratch, size ? "skeleton/upper" : "skeleton",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return build->skeleton < 0 ? fail(build, "cannot make", "skeleton") : 0;
}

/* One tmpfs superblock for all that is made: /dev, /tmp, /dev/shm, account files, skeleton. */
static int
make_scratch(struct build *build)
{
	static const struct {
		const char *name;
		mode_t mode;
	} directories[] = {{"image", 0755}, {"root", 0755}, {"skeleton", 0755}, {"dev", 0755},
	    {"tmp", 01777}, {"vartmp", 01777}, {"shm", 01777}, {"files", 0755}, {"empty", 0555}};
	int tree, dev;

	umask(0);
	tree = make_tmpfs(build->plan->scratch_size, "0755");
	if (tree < 0 || move_mount(tree, "", AT_FDCWD, BASE, MOVE_MOUNT_F_EMPTY_PATH) != 0)
		return fail(build, "no tmpfs at", BASE);
	build->scratch = tree;
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		if (mkdirat(tree, directories[i].name, directories[i].mode) != 0)
			return fail(build, "cannot make", directories[i].name);
	dev = openat(tree, "dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dev < 0 || make_nodes(dev) != 0)
		return fail(build, "cannot make", "/dev");
	close(dev);
	for (size_t i = 0; i < build->plan->device_count; i++)
		if (make_path(tree, build->plan->devices[i].path + 1, false) != 0)
			return fail(build, "cannot make", build->plan->devices[i].path);
	return 0;
}

/* What the container always gets: ours. Directories of the image, or made; never through a symbolic link. */
static const char *const fixed[] = {"/proc", "/sys", "/dev", "/tmp", "/var/tmp"};
#define FIXED_COUNT (sizeof fixed / sizeof fixed[0])
#define FIXED_FORBIDDEN 3 /* the first so many: nothing else is mounted on or below them */

static int
place_missing(struct build *build, const char *path, bool directory, const char *link)
{
	int image = build->plan->image;
	int status = link ? destination_link(image, build->skeleton, path, link)
	                  : destination_make(image, build->skeleton, path, directory);

	build->missing = true;
	return status == 0 ? 0 : fail(build, "cannot make a mount point for", path);
}

/* Not where there is room for the longest: each would be two pages' faults. */
static int
resolve(struct build *build, const char *name, bool directory, bool nofollow, struct place *place)
{
	struct destination at;

	if (destination_resolve(build->plan->image, BASE "/image", name, directory, nofollow, &at,
	        build->error, build->size) != 0)
		return -1;
	place->exists = at.exists;
	place->path = strdup(at.path);
	return place->path ? 0 : fail(build, "no memory for", name);
}

static int
place_fixed(struct build *build)
{
	for (size_t i = 0; i < FIXED_COUNT; i++) {
		struct place *at = &build->fixed[i];

		if (resolve(build, fixed[i], true, i < FIXED_FORBIDDEN, at) != 0)
			return -1;
		if (i < FIXED_FORBIDDEN && !at->exists) {
			struct stat st;

			/* "Missing" may mean a symbolic link, which is refused, not replaced. */
			if (fstatat(build->plan->image, fixed[i] + 1, &st, AT_SYMLINK_NOFOLLOW) ==
			    0) {
				snprintf(build->error, build->size,
				    "%s is no directory in the image", fixed[i]);
				return -1;
			}
		}
		if (!at->exists && place_missing(build, at->path, true, NULL) != 0)
			return -1;
	}
	return 0;
}

/* The mount of the plan, before this one, that lies innermost around a name as typed. */
static size_t
parent_typed(const struct build *build, size_t index, const char *destination)
{
	const struct plan_mount *mounts = build->plan->mounts;
	size_t parent = NONE;

	for (size_t i = 0; i < index; i++)
		if (mounts[i].directory && strcmp(mounts[i].destination, destination) != 0 &&
		    destination_below(destination, mounts[i].destination) &&
		    (parent == NONE ||
		        strlen(mounts[i].destination) >= strlen(mounts[parent].destination)))
			parent = i;
	return parent;
}

/* The same for a resolved name: the image's own symbolic links may lead into another mount. */
static size_t
parent_resolved(const struct build *build, size_t index, const char *path)
{
	const struct place *places = build->places;
	size_t parent = NONE;

	for (size_t i = 0; i < index; i++)
		if (build->plan->mounts[i].directory && strcmp(places[i].path, path) != 0 &&
		    destination_below(path, places[i].path) &&
		    (parent == NONE || strlen(places[i].path) >= strlen(places[parent].path)))
			parent = i;
	return parent;
}

/* In our own /tmp or /var/tmp, where what is missing is made when its turn comes. */
static bool
in_tmp(const struct build *build, const char *path)
{
	return destination_below(path, build->fixed[3].path) ||
	       destination_below(path, build->fixed[4].path);
}

static int
place_name(struct build *build, size_t i)
{
	const struct plan_mount *mount = &build->plan->mounts[i];
	struct place *place = &build->places[i];
	size_t parent = parent_typed(build, i, mount->destination);
	const char *head, *rest;

	if (parent == NONE)
		return resolve(build, mount->destination, mount->directory, mount->nofollow, place);
	/* What the image has below another mount's destination is hidden by it, and means nothing. */
	head = build->places[parent].path;
	rest = mount->destination + strlen(build->plan->mounts[parent].destination);
	if (strlen(head) + strlen(rest) >= PATH_MAX) {
		snprintf(build->error, build->size, "%s is too long", mount->destination);
		return -1;
	}
	return asprintf(&place->path, "%s%s", head, rest) < 0
	           ? fail(build, "no memory for", mount->destination)
	           : 0;
}

static int
place_one(struct build *build, size_t i)
{
	const struct plan_mount *mount = &build->plan->mounts[i];
	struct place *place = &build->places[i];

	if (place_name(build, i) != 0)
		return -1;
	for (size_t f = 0; f < FIXED_FORBIDDEN; f++)
		if (destination_below(place->path, fixed[f])) {
			snprintf(build->error, build->size,
			    "%s means %s in the image, and nothing is mounted there",
			    mount->destination, place->path);
			return -1;
		}
	/* Where a rule limits the command, what runs is the image's: /bin, /etc, all of it (A9). */
	if (build->plan->strict && place->exists && (mount->users || mount->kind == PLAN_TMPFS)) {
		snprintf(build->error, build->size,
		    "%s is in the image, and where the rule limits the command nothing may cover "
		    "it",
		    mount->destination);
		return -1;
	}
	place->parent = parent_resolved(build, i, place->path);
	/* Nor may an empty directory hide a part of the data it works on. */
	if (build->plan->strict && mount->kind == PLAN_TMPFS && place->parent != NONE) {
		snprintf(build->error, build->size,
		    "%s is in what is bound, and where the rule limits the command nothing may "
		    "cover it",
		    mount->destination);
		return -1;
	}
	if (mount->kind == PLAN_LINK)
		return place->parent != NONE || in_tmp(build, place->path)
		           ? 0
		           : place_missing(build, place->path, false, mount->text);
	if (place->parent != NONE || place->exists || in_tmp(build, place->path))
		return 0;
	return place_missing(build, place->path, mount->directory, NULL);
}

/* Large directories are bound from the image over the overlay: it triples the cost of every look-up. */
static int
attach_large(struct build *build)
{
	static const char *const large[] = {"usr", "opt", "lib", "lib64", "bin", "sbin"};

	for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
		struct stat st, made;
		int tree, status;

		if (fstatat(build->skeleton, large[i], &made, AT_SYMLINK_NOFOLLOW) == 0 ||
		    fstatat(build->plan->image, large[i], &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		tree = clone_plain(build->plan->image, large[i]);
		status = tree < 0 ? -1 : attach(tree, build->root, large[i]);
		if (tree >= 0)
			close(tree);
		if (status != 0)
			return fail(build, "cannot mount the image's", large[i]);
	}
	return 0;
}

/*
 * Where the skeleton has the directory already, files of ours are in it instead of each being a mount, which costs more than a
 * file. Not where what the skeleton holds is the user's to write.
 */
static int
lay_files(struct build *build)
{
	char directory[PATH_MAX + 1], *name;
	int parent, status;

	for (size_t i = 0; i < build->plan->mount_count; i++) {
		const struct plan_mount *mount = &build->plan->mounts[i];
		struct place *place = &build->places[i];

		if (mount->kind != PLAN_FILE || place->parent != NONE || in_tmp(build, place->path))
			continue;
		snprintf(directory, sizeof directory, ".%s", place->path);
		name = strrchr(directory, '/');
		*name = '\0';
		parent = open_plain(build->skeleton, directory);
		if (parent < 0)
			continue;
		status = write_file(parent, name + 1, mount->text);
		close(parent);
		if (status != 0)
			return fail(build, "cannot write", mount->destination);
		place->laid = true;
	}
	return 0;
}

/*
 * Nothing missing: the image is the root. Else a read-only overlay, skeleton above image, no upper. A writable root
 * has the skeleton for its upper layer, in which the kernel's own marks are all that counts: no name that an image
 * brings along in an attribute is followed. / is the user's, whosever the rest of the image is.
 */
static int
make_root(struct build *build)
{
	static const char *const plain[] = {"lowerdir", BASE "/skeleton:" BASE "/image", NULL};
	static const char *const writable[] = {"lowerdir", BASE "/image", "upperdir",
	    BASE "/skeleton/upper", "workdir", BASE "/skeleton/work", "redirect_dir", "nofollow",
	    "metacopy", "off", "index", "off", NULL};
	const struct plan *plan = build->plan;
	unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	struct stat st;

	if (!build->missing && !plan->root_size) {
		build->root = plan->image;
		return 0;
	}
	if (!plan->root_size && lay_files(build) != 0)
		return -1;
	if (fstat(plan->image, &st) != 0 ||
	    fchown(build->skeleton, plan->root_size ? plan->as.uid : st.st_uid,
	        plan->root_size ? plan->as.gid : st.st_gid) != 0 ||
	    /* A root directory made 0700 by mistake (mktemp -d) would shut everybody out. */
	    fchmod(build->skeleton, (st.st_mode & 07777) | 0555) != 0)
		return fail(build, "cannot make", "/");
	build->root = plan->root_size ? make_fs("overlay", attributes, writable)
	                              : make_fs("overlay", attributes | MOUNT_ATTR_RDONLY, plain);
	if (build->root < 0 || attach(build->root, build->scratch, "root") != 0)
		return fail(build, "no overlay for", "/");
	return plan->root_size ? 0 : attach_large(build);
}

static int
attach_new(struct build *build, int tree, const char *path)
{
	int status = tree < 0 ? -1 : attach(tree, build->root, path);

	if (tree >= 0)
		close(tree);
	return status == 0 ? 0 : fail(build, "cannot mount", path);
}

/* The same within /proc, /sys or /dev, whose mount is at directory; shown: its name. */
static int
attach_below(struct build *build, int tree, int directory, const char *shown, const char *name)
{
	char path[64];
	int status = attach_within(tree, directory, name);

	if (tree >= 0)
		close(tree);
	snprintf(path, sizeof path, "%s/%s", shown, name);
	return status == 0 ? 0 : fail(build, "cannot mount", path);
}

/* What covers a file or directory that is not to be seen: empty, and only a device node needs to be one. */
static int
clone_mask(struct build *build, bool directory)
{
	return clone_within(build->scratch, directory ? "empty" : "dev/null", MOUNT_ATTR_RDONLY,
	    directory ? 0 : MOUNT_ATTR_NODEV);
}

/* The usual masks: what shows or steers the whole machine. The image's own files are never the source. */
static int
mask_proc(struct build *build, int proc)
{
	static const char *const read_only[] = {"bus", "fs", "irq", "sys", "sysrq-trigger"};
	static const char *const hidden[] = {"acpi", "asound", "interrupts", "kcore", "keys",
	    "latency_stats", "sched_debug", "scsi", "timer_list", "timer_stats"};
	struct stat st;
	int tree;

	for (size_t i = 0; i < sizeof read_only / sizeof read_only[0]; i++) {
		tree = clone_within(proc, read_only[i], MOUNT_ATTR_RDONLY, 0);
		if (tree < 0 && errno == ENOENT)
			continue;
		if (attach_below(build, tree, proc, "/proc", read_only[i]) != 0)
			return -1;
	}
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		/* Any other answer than "not there" leaves nothing unmasked. */
		if (fstatat(proc, hidden[i], &st, AT_SYMLINK_NOFOLLOW) != 0) {
			if (errno != ENOENT)
				return fail(build, "cannot mask in /proc:", hidden[i]);
			continue;
		}
		if (attach_below(build, clone_mask(build, S_ISDIR(st.st_mode)), proc, "/proc",
		        hidden[i]) != 0)
			return -1;
	}
	return 0;
}

static int
attach_proc(struct build *build)
{
	int proc = make_fs("proc", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL);

	if (proc < 0 || attach(proc, build->root, "proc") != 0)
		return fail(build, "cannot mount", "/proc");
	if (mask_proc(build, proc) != 0)
		return -1;
	close(proc);
	return 0;
}

static int
attach_sys(struct build *build)
{
	int sys = make_fs("sysfs",
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, NULL);
	struct stat st;

	if (sys < 0 || attach(sys, build->root, "sys") != 0)
		return fail(build, "cannot mount", "/sys");
	if (build->plan->cgroup >= 0 && attach_within(build->plan->cgroup, sys, "fs/cgroup") != 0)
		return fail(build, "cannot mount", "/sys/fs/cgroup");
	if (fstatat(sys, "firmware", &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return fail(build, "cannot mask", "/sys/firmware");
	} else if (attach_below(build, clone_mask(build, true), sys, "/sys", "firmware") != 0) {
		return -1;
	}
	close(sys);
	return 0;
}

/* The host's (--ipc=host), one of the size asked for, or a part of our tmpfs. */
static int
take_shm(struct build *build)
{
	const struct plan *plan = build->plan;

	if (plan->shm >= 0)
		return plan->shm;
	return plan->shm_size ? make_tmpfs(plan->shm_size, "1777")
	                      : clone_within(build->scratch, "shm", 0, 0);
}

static int
attach_devices(struct build *build)
{
	const struct plan *plan = build->plan;
	const unsigned quiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	static const char *const ptmx[] = {"ptmxmode", "0666", NULL};
	/* Its nodes are ours, so nodev is off here; nothing can be made in it. */
	int dev = clone_within(build->scratch, "dev", quiet | MOUNT_ATTR_RDONLY, MOUNT_ATTR_NODEV);

	if (dev < 0 || attach(dev, build->root, "dev") != 0)
		return fail(build, "cannot mount", "/dev");
	/* Every devpts is an instance of its own. */
	if (attach_below(build, make_fs("devpts", quiet, ptmx), dev, "/dev", "pts") != 0 ||
	    attach_below(build, make_fs("mqueue", quiet | MOUNT_ATTR_NODEV, NULL), dev, "/dev",
	        "mqueue") != 0 ||
	    attach_below(build, take_shm(build), dev, "/dev", "shm") != 0)
		return -1;
	close(dev);
	for (size_t i = 0; i < plan->device_count; i++)
		if (attach(plan->devices[i].tree, build->root, plan->devices[i].path + 1) != 0)
			return fail(build, "cannot mount", plan->devices[i].path);
	return 0;
}

static int
attach_fixed(struct build *build)
{
	if (attach_proc(build) != 0 || attach_sys(build) != 0 || attach_devices(build) != 0)
		return -1;
	return attach_new(build, clone_within(build->scratch, "tmp", 0, 0),
	           build->fixed[3].path + 1) != 0 ||
	               attach_new(build, clone_within(build->scratch, "vartmp", 0, 0),
	                   build->fixed[4].path + 1) != 0
	           ? -1
	           : 0;
}

/* A place below something of a user's: it must be there, and the user must reach it. */
static int
open_as_user(struct build *build, int inside, const char *rest)
{
	const struct identity *as = &build->plan->as;
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	int fd, error;

	drop_fsids(as->uid, as->gid);
	fd = (int)syscall(SYS_openat2, inside, rest, &how, sizeof how);
	error = errno;
	drop_fsids(0, 0);
	errno = error;
	return fd;
}

static int
open_place(struct build *build, size_t i)
{
	const struct place *place = &build->places[i];
	const struct plan_mount *mount = &build->plan->mounts[i];
	struct open_how how = {
	    .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
	const char *path = place->path + 1;

	if (place->parent != NONE && build->plan->mounts[place->parent].users)
		return open_as_user(build, build->open[place->parent],
		    place->path + strlen(build->places[place->parent].path) + 1);
	/* Inside a tmpfs of ours, which nobody has written to yet, it is made. */
	if (place->parent != NONE &&
	    make_path(build->open[place->parent],
	        place->path + strlen(build->places[place->parent].path) + 1, mount->directory) != 0)
		return -1;
	if (place->parent == NONE && in_tmp(build, place->path) &&
	    strcmp(place->path, build->fixed[3].path) != 0 &&
	    strcmp(place->path, build->fixed[4].path) != 0 &&
	    make_path(build->root, path, mount->directory) != 0)
		return -1;
	return (int)syscall(SYS_openat2, build->root, path[0] ? path : ".", &how, sizeof how);
}

static int
take_tree(struct build *build, size_t i)
{
	const struct plan_mount *mount = &build->plan->mounts[i];
	char name[32];

	if (mount->kind == PLAN_TREE)
		return mount->tree;
	if (mount->kind == PLAN_TMPFS)
		return make_tmpfs(mount->size, "1777");
	snprintf(name, sizeof name, "files/%zu", i);
	if (write_file(build->scratch, name, mount->text) != 0)
		return -1;
	return clone_within(build->scratch, name, MOUNT_ATTR_RDONLY, 0);
}

static int
attach_plan(struct build *build)
{
	for (size_t i = 0; i < build->plan->mount_count; i++) {
		const struct plan_mount *mount = &build->plan->mounts[i];
		int place, status;

		if (mount->kind == PLAN_LINK || build->places[i].laid)
			continue;
		place = open_place(build, i);
		if (place < 0) {
			snprintf(build->error, build->size, "%s cannot be mounted: the place is %s",
			    mount->destination,
			    errno == ENOENT ? "not there, and nothing is made inside of what is "
			                      "bound; make it first"
			                    : strerror(errno));
			return -1;
		}
		build->open[i] = take_tree(build, i);
		status = build->open[i] < 0 ? -1 : attach(build->open[i], place, "");
		close(place);
		if (status != 0)
			return fail(build, "cannot mount", mount->destination);
	}
	return 0;
}

/*
 * The host's root is stacked below the new one and taken off: no path leads out of here. A namespace that never had it
 * (pin.h: an empty read-only tmpfs and /proc) is covered instead, as every system covers the root it booted from: to
 * take a mount off waits for all processors (RCU), which takes as long as a tenth of the rest.
 */
static int
leave_root(struct build *build)
{
	if (fchdir(build->root) != 0)
		return -1;
	if (build->plan->bare)
		return move_mount(build->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0 ||
		               chroot(".") != 0
		           ? -1
		           : 0;
	return syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 ? -1 : 0;
}

static int
pivot(struct build *build)
{
	char cwd[PATH_MAX];

	if (leave_root(build) != 0 || chdir("/") != 0)
		return fail(build, "cannot enter", "the image");
	if (!getcwd(cwd, sizeof cwd) || strcmp(cwd, "/") != 0)
		return fail(build, "cannot enter", "the image");
	return 0;
}

int
mounts_build(const struct plan *plan, char *error, size_t size)
{
	/* Room for as many mounts as there are: on the heap, and no page more. */
	struct build *build = calloc(1, sizeof *build);

	if (!build) {
		snprintf(error, size, "out of memory");
		return -1;
	}
	build->plan = plan;
	build->scratch = build->skeleton = build->root = -1;
	build->error = error;
	build->size = size;
	build->open = calloc(plan->mount_count + 1, sizeof *build->open);
	build->places = calloc(plan->mount_count + 1, sizeof *build->places);
	if (!build->open || !build->places)
		return fail(build, "no memory for", "/");
	for (size_t i = 0; i < plan->mount_count; i++)
		build->open[i] = -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return fail(build, "cannot make private", "/");
	if (make_scratch(build) != 0 || make_skeleton(build) != 0)
		return -1;
	if (attach(plan->image, build->scratch, "image") != 0)
		return fail(build, "cannot attach", "the image");
	if (place_fixed(build) != 0)
		return -1;
	for (size_t i = 0; i < plan->mount_count; i++)
		if (place_one(build, i) != 0)
			return -1;
	if (make_root(build) != 0 || attach_fixed(build) != 0 || attach_plan(build) != 0 ||
	    pivot(build) != 0)
		return -1;
	/* INIT stays as long as the container does. */
	for (size_t i = 0; i < FIXED_COUNT; i++)
		free(build->fixed[i].path);
	for (size_t i = 0; i < plan->mount_count; i++)
		free(build->places[i].path);
	free(build->places);
	free(build->open);
	free(build);
	return 0;
}
