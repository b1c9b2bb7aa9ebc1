/*
 * image_add.c: `boxdo image add`: a file copied into the store, digested, put into the catalogue
 *
 * Runs as root. Distrusts: the file it is given, and whoever owns it: opened once, copied from that descriptor, and only
 * the copy is looked at: what an old writer still does to the original no longer matters.
 * Errors: said, 1. Interrupted: the half copy has a name that nothing reads, and the next `image add` removes it.
 *
 * What MUST hold:
 *  - a file in the store was written by us alone, belongs to root, and nobody else may write or read it;
 *  - what is remembered of it is of these very bytes: taken while they were copied;
 *  - the catalogue changes last, in one step, checked, and on record before it does.
 */
#include "client/catalogue.h"
#include "client/image.h"
#include "client/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

struct add {
	const char *file;
	char *name;
	bool from, warm;
	int source, copy;
	char temporary[sizeof IMAGE_STORE + 80], path[sizeof IMAGE_STORE + 128];
	char sha256[IMAGE_HEX];
	struct image_facts facts;
	char *words; /* how it is started */
	size_t length;
};

/* pytorch-2.4.sqfs is pytorch-2.4 */
static char *
name_of(const char *file)
{
	static char copy[PATH_MAX];
	char *name, *dot;

	snprintf(copy, sizeof copy, "%s", file);
	name = basename(copy);
	dot = strrchr(name, '.');
	if (dot && dot != name)
		*dot = '\0';
	return name;
}

static int
open_source(struct add *add)
{
	struct statvfs room;
	struct stat st;
	char need[16], have[16];
	/* A user's directories may be links to what only root can read: none on the way is followed either. */
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	    .resolve = add->from ? RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS : 0};

	add->source = (int)syscall(SYS_openat2, AT_FDCWD, add->file, &how, sizeof how);
	if (add->source < 0 || fstat(add->source, &st) != 0)
		return image_fail("%s cannot be opened: %s", add->file,
		    errno == ELOOP
		        ? "it is, or leads through, a symbolic link, which --from does not follow"
		        : strerror(errno));
	if (!S_ISREG(st.st_mode))
		return image_fail(
		    "%s is no file; `boxdo import %s NAME` makes an image of a directory",
		    add->file, add->file);
	if (add->from)
		image_fail("taking %s over from uid %u", add->file, st.st_uid);
	if (statvfs(IMAGE_STORE, &room) == 0 &&
	    (uint64_t)room.f_bavail * room.f_frsize < (uint64_t)st.st_size)
		return image_fail("the image has %s, and " IMAGE_STORE " has room for %s",
		    progress_size((uint64_t)st.st_size, need),
		    progress_size((uint64_t)room.f_bavail * room.f_frsize, have));
	return 0;
}

/* Left over by one that was interrupted: nobody writes to it, for we hold the lock. */
static void
sweep_store(void)
{
	glob_t old;

	if (glob(IMAGE_STORE "/.add.??????", GLOB_NOSORT, NULL, &old) != 0)
		return;
	for (size_t i = 0; i < old.gl_pathc; i++)
		unlink(old.gl_pathv[i]);
	globfree(&old);
}

static int
copy_in(struct add *add)
{
	char what[128];
	int out, status;

	snprintf(add->temporary, sizeof add->temporary, IMAGE_STORE "/.add.XXXXXX");
	out = mkostemp(add->temporary, O_CLOEXEC);
	if (out < 0)
		return image_fail("cannot write to " IMAGE_STORE ": %s", strerror(errno));
	snprintf(what, sizeof what, "copying %s", add->name);
	status = image_digest(add->source, out, what, add->sha256);
	if (status == 0 && (fchmod(out, 0600) != 0 || fsync(out) != 0))
		status = image_fail("cannot write %s: %s", add->temporary, strerror(errno));
	close(out);
	add->copy = status == 0 ? open(add->temporary, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	return add->copy < 0 ? -1 : 0;
}

/* The copy is looked at, then gets its name: a rename changes its ctime, so what is remembered comes last. */
static int
settle(struct add *add)
{
	int dir;

	image_protect(add->copy);
	if (image_look(add->copy, add->file, &add->facts) != 0 ||
	    image_config(add->copy, &add->facts, add->file, &add->words, &add->length) != 0)
		return -1;
	snprintf(add->path, sizeof add->path, IMAGE_STORE "/%s-%.12s.%s", add->name, add->sha256,
	    add->facts.ending);
	if (rename(add->temporary, add->path) != 0)
		return image_fail("cannot write %s: %s", add->path, strerror(errno));
	add->temporary[0] = '\0';
	dir = open(IMAGE_STORE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) != 0 || fstat(add->copy, &add->facts.st) != 0)
		return image_fail("cannot sync " IMAGE_STORE ": %s", strerror(errno));
	close(dir);
	return image_known_note(add->path, &add->facts, add->sha256, add->words, add->length);
}

static int
name_is_free(const struct image_catalogue *catalogue, const char *name)
{
	const struct policy_image *there = catalogue_find(catalogue->policy, name);

	return there ? image_fail("image %s is in the catalogue already (%s:%u); 'boxdo image "
	                          "remove %s' first, or give another name",
	                   name, there->file, there->line, name)
	             : 0;
}

/* Only now: a policy can be changed while gigabytes are copied (a deny may be urgent), and is read anew. */
static int
enter(const struct add *add, struct image_catalogue *catalogue)
{
	const struct policy_image image = {
	    .name = add->name, .path = add->path, .sha256 = add->sha256};
	const struct set_file *file;
	char error[POLICY_TEXT_MAX], *text;
	int status, lock = change_lock(
	                CHANGE_POLICY_LOCK, &catalogue->change.admin, true, error, sizeof error);

	if (lock < 0)
		return image_fail("%s", error);
	status = image_catalogue(catalogue);
	if (status == 0)
		status = name_is_free(catalogue, add->name);
	if (status == 0) {
		file = set_find(&catalogue->change.old, CATALOGUE_FILE);
		text = catalogue_with(
		    file ? file->data : NULL, add->name, add->path, add->sha256, add->warm);
		status = text ? image_change(catalogue, &image, "added", CATALOGUE_FILE, text)
		              : image_fail("out of memory");
		free(text);
	}
	close(lock);
	return status;
}

/* What `boxdo import` has said already to who imported it, to who admits it. */
static void
tell_added(const struct add *add)
{
	struct known known;
	char *words = malloc(add->length + 1), size[16];
	const char *user = NULL;

	if (words && add->length) {
		memcpy(words, add->words, add->length);
		if (known_parse(&known, words, add->length) == 0)
			user = known_first(&known, KNOWN_USER);
	}
	printf("%s: %s, %s, sha256 %s, fs-verity %s\n", add->name, add->facts.kind,
	    progress_size((uint64_t)add->facts.st.st_size, size), add->sha256,
	    add->facts.verity[0] ? "on" : "not on this file system");
	if (user) {
		printf("the image wants to run as ");
		image_put_word(user);
		printf(", which means nothing here: whoever starts it stays who they are\n");
	}
	printf("no rule permits it by this alone: name it in images = of an [allow], "
	       "boxdo-policy(5)\n");
}

/* One copies at a time: what is half copied and nobody's is swept up. */
static int
add_all(struct add *add, struct image_catalogue *catalogue)
{
	char error[POLICY_TEXT_MAX];
	int lock, status = -1;

	if (image_catalogue(catalogue) != 0 || name_is_free(catalogue, add->name) != 0)
		return -1;
	lock = change_lock(CHANGE_STORE_LOCK, &catalogue->change.admin, true, error, sizeof error);
	if (lock < 0)
		return image_fail("%s", error);
	mkdir("/var/lib/boxdo", 0755);
	mkdir(IMAGE_STORE, 0755);
	sweep_store();
	if (open_source(add) == 0 && copy_in(add) == 0 && settle(add) == 0)
		status = enter(add, catalogue);
	if (status != 0 && add->temporary[0])
		unlink(add->temporary);
	else if (status != 0 && add->path[0]) {
		image_known_forget(&add->facts);
		unlink(add->path);
	}
	close(lock);
	return status;
}

int
image_add(int argc, char **argv, struct image_catalogue *catalogue)
{
	struct add add = {.source = -1, .copy = -1};

	for (; argc > 1; argc--, argv++) {
		if (strcmp(argv[1], "--from") == 0)
			add.from = true;
		else if (strcmp(argv[1], "--warm") == 0)
			add.warm = true;
		else
			break;
	}
	if (argc < 2 || argc > 3 || argv[1][0] == '-')
		return IMAGE_USAGE;
	add.file = argv[1];
	add.name = argc == 3 ? argv[2] : name_of(argv[1]);
	if (!catalogue_name_ok(add.name)) {
		image_fail(
		    "'%s' is no name for an image: letters, digits and . _ + -, at most 64; say "
		    "another behind the file",
		    add.name);
		return 1;
	}
	umask(022);
	if (add_all(&add, catalogue) != 0)
		return 1;
	tell_added(&add);
	argv[1] = add.name;
	return add.warm ? image_warm(2, argv, catalogue) : 0;
}
