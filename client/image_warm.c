/*
 * image_warm.c: `boxdo image warm` and `cool`: images kept mounted while no container runs, so that the next launch
 * finds loop device, superblock and what is decompressed already
 *
 * Runs as root. Vets and mounts by the helper's own code, as a launch would, so that the kernel's parser sees no
 * image that a launch would refuse, and so that a launch finds the loop device. The mount is read-only, nosuid,
 * nodev, noexec, in a directory only root may enter, and means nothing to a launch, which makes its own.
 * No process stays: the mount holds the loop device, which goes with its last mount (autoclear).
 * Trusts: the policy. Errors: said, -1; what is kept already stays, unless it is of no use any more.
 */
#include "client/catalogue.h"
#include "client/image.h"
#include "client/warm.h"

#include "broker/image.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* WARM_DIR, root's alone, and the lock in it; close() ends that. */
static int
image_warm_lock(void)
{
	struct stat st;
	int lock = -1;

	mkdir("/run/boxdo", 0755);
	mkdir(WARM_DIR, 0700);
	if (lstat(WARM_DIR, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	    !(st.st_mode & 077))
		lock = open(WARM_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock >= 0 && flock(lock, LOCK_EX) == 0)
		return lock;
	return image_fail(WARM_DIR " cannot be used: %s",
	    lock >= 0 ? strerror(errno) : "it is not a directory of root's alone");
}

static int
image_warm_unmount(const char *mount)
{
	/* EINVAL: nothing is mounted there. */
	if (umount2(mount, UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT)
		return image_fail("%s cannot be unmounted: %s", mount, strerror(errno));
	rmdir(mount);
	return 0;
}

/* Left over by one that was killed: mounts that no name means. */
static void
image_warm_sweep(void)
{
	char line[WARM_PATH_MAX + WARM_PRINT_MAX];
	glob_t mounts, names;

	if (glob(WARM_DIR "/mount.??????", GLOB_NOSORT, NULL, &mounts) != 0)
		return;
	if (glob(WARM_DIR "/name.*", GLOB_NOSORT, NULL, &names) != 0)
		names = (glob_t){0};
	for (size_t i = 0; i < mounts.gl_pathc; i++) {
		const char *mount = mounts.gl_pathv[i] + sizeof WARM_DIR;
		bool meant = false;

		for (size_t j = 0; j < names.gl_pathc && !meant; j++) {
			FILE *file = fopen(names.gl_pathv[j], "re");

			meant = file && fgets(line, sizeof line, file) &&
			        strncmp(line, mount, strlen(mount)) == 0;
			if (file)
				fclose(file);
		}
		if (!meant)
			image_warm_unmount(mounts.gl_pathv[i]);
	}
	globfree(&mounts);
	globfree(&names);
}

/* Without its name it is left over, whatever happens to us. */
static int
image_warm_drop(const char *name, const struct warm *warm)
{
	char path[WARM_PATH_MAX];

	warm_name(name, path);
	unlink(path);
	return warm->mount[0] ? image_warm_unmount(warm->mount) : 0;
}

/* The same words as at a launch; *image is open for whoever mounts it. */
static int
image_warm_vet(
    const struct policy *policy, const struct policy_image *entry, struct image *image, char *error)
{
	uid_t owners[IMAGE_OWNERS_MAX];
	const struct passwd *account;
	size_t count = 0;

	for (const char *const *name = policy_settings(policy)->image_owners;
	     name && *name && count < IMAGE_OWNERS_MAX; name++)
		if ((account = getpwnam(*name)))
			owners[count++] = account->pw_uid;
	if (image_find(image, entry->path, error, POLICY_TEXT_MAX) != 0)
		return -1;
	if (fstat(image->fd, &image->st) == 0 && S_ISDIR(image->st.st_mode))
		return 0;
	image_remember(image, true);
	return image_vet(image, owners, count, entry->sha256, error, POLICY_TEXT_MAX);
}

/* The file that says so comes last. */
static int
image_warm_note(const char *name, const char *mount, const struct stat *st)
{
	char path[WARM_PATH_MAX], print[WARM_PRINT_MAX];
	FILE *file;
	bool ok;

	warm_print(st, print);
	warm_name(name, path);
	unlink(path);
	file = fopen(path, "wxe");
	ok = file && fprintf(file, "%s %s\n", mount + sizeof WARM_DIR, print) > 0;
	if (file)
		ok = fclose(file) == 0 && ok;
	return ok ? 0 : image_fail("%s cannot be written: %s", path, strerror(errno));
}

static int
image_warm_mount(const char *name, const struct image *image)
{
	struct mount_attr more = {.attr_set = MOUNT_ATTR_NOEXEC};
	char mount[] = WARM_DIR "/mount.XXXXXX", error[POLICY_TEXT_MAX];
	int tree = image_mount(image, error, sizeof error);

	if (tree < 0)
		return image_fail("image %s: %s", name, error);
	if (!mkdtemp(mount) || mount_setattr(tree, "", AT_EMPTY_PATH, &more, sizeof more) != 0 ||
	    move_mount(tree, "", AT_FDCWD, mount, MOVE_MOUNT_F_EMPTY_PATH) != 0) {
		close(tree);
		rmdir(mount);
		return image_fail("image %s cannot be mounted: %s", name, strerror(errno));
	}
	close(tree);
	if (image_warm_note(name, mount, &image->st) == 0)
		return 0;
	image_warm_unmount(mount);
	return -1;
}

static int
image_warm_hold(const struct policy *policy, const struct policy_image *entry)
{
	char error[POLICY_TEXT_MAX];
	struct image image;
	struct warm before;
	int status;

	if (strchr(entry->name, '/'))
		return image_fail("image %s: a name with a slash cannot be kept warm", entry->name);
	if (image_warm_vet(policy, entry, &image, error) != 0) {
		/* What no launch may use takes no room. */
		warm_look(entry->name, NULL, &before);
		image_warm_drop(entry->name, &before);
		return image_fail("image %s is not kept warm: %s", entry->name, error);
	}
	warm_look(entry->name, &image.st, &before);
	if (image.kind == IMAGE_DIRECTORY) {
		printf("%s: a directory, which always is\n", entry->name);
		status = image_warm_drop(entry->name, &before);
	} else if (before.state == WARM_YES) {
		printf("%s: warm already, /dev/loop%u\n", entry->name, before.loop);
		status = 0;
	} else {
		status = image_warm_drop(entry->name, &before);
		if (status == 0)
			status = image_warm_mount(entry->name, &image);
		if (status == 0) {
			warm_look(entry->name, &image.st, &before);
			printf("%s: warm, /dev/loop%u\n", entry->name, before.loop);
		}
	}
	close(image.fd);
	known_free(&image.known);
	free(image.path);
	return status;
}

static int
image_warm_end(const char *name)
{
	struct warm warm;

	warm_look(name, NULL, &warm);
	return image_warm_drop(name, &warm);
}

/* What the catalogue wants warm; what was asked for by name stays, renewed; what it does not know any more goes. */
static int
image_warm_all(const struct policy *policy)
{
	size_t count = 0;
	const struct policy_image *entries = policy_images(policy, &count);
	struct warm warm;
	glob_t names;
	int status = 0;

	for (size_t i = 0; i < count; i++) {
		warm_look(entries[i].name, NULL, &warm);
		if ((entries[i].warm || warm.state != WARM_NO) &&
		    image_warm_hold(policy, &entries[i]) != 0)
			status = -1;
	}
	if (glob(WARM_DIR "/name.*", GLOB_NOSORT, NULL, &names) != 0)
		return status;
	for (size_t i = 0; i < names.gl_pathc; i++) {
		const char *name = names.gl_pathv[i] + sizeof WARM_DIR + strlen("name.");

		if (!catalogue_find(policy, name) && image_warm_end(name) != 0)
			status = -1;
	}
	globfree(&names);
	return status;
}

int
image_warm(int argc, char **argv, struct image_catalogue *catalogue)
{
	const struct policy_image *entry;
	bool all = argc == 2 && strcmp(argv[1], "--all") == 0;
	int status = 1, lock;

	if (argc < 2)
		return IMAGE_USAGE;
	umask(077);
	lock = image_warm_lock();
	if (lock < 0)
		return 1;
	if (image_catalogue(catalogue) == 0) {
		image_warm_sweep();
		status = all && image_warm_all(catalogue->policy) != 0;
		for (int i = 1; !all && i < argc; i++) {
			entry = image_entry(catalogue, argv[i]);
			if (!entry || image_warm_hold(catalogue->policy, entry) != 0)
				status = 1;
		}
	}
	close(lock);
	return status;
}

static int
image_warm_cool_all(void)
{
	glob_t names;
	int status = 0;

	if (glob(WARM_DIR "/name.*", GLOB_NOSORT, NULL, &names) != 0)
		return 0;
	for (size_t i = 0; i < names.gl_pathc; i++)
		if (image_warm_end(names.gl_pathv[i] + sizeof WARM_DIR + strlen("name.")) != 0)
			status = 1;
	globfree(&names);
	return status;
}

/* Needs no policy: what is kept can be let go whatever the policy says, or if it cannot be read. */
int
image_warm_cool(int argc, char **argv, struct image_catalogue *catalogue)
{
	bool all = argc == 2 && strcmp(argv[1], "--all") == 0;
	int status, lock;
	struct warm warm;

	(void)catalogue;
	if (argc < 2)
		return IMAGE_USAGE;
	lock = image_warm_lock();
	if (lock < 0)
		return 1;
	image_warm_sweep();
	status = all ? image_warm_cool_all() : 0;
	for (int i = 1; !all && i < argc; i++) {
		warm_look(argv[i], NULL, &warm);
		if (warm.state == WARM_NO)
			printf("%s: is not kept warm\n", argv[i]);
		if (!strchr(argv[i], '/') && image_warm_drop(argv[i], &warm) != 0)
			status = 1;
	}
	close(lock);
	return status;
}
