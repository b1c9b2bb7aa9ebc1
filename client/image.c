/*
 * boxdo image: the image store and the catalogue, for root. A program of its own (boxdo-image).
 *
 * Privilege: root's, who typed it; never set-user-ID. Trusts: the policy, the store. What is in an image, and whoever
 * made it, is distrusted where it is read: image_add.c, image_config.c.
 * On error: one line on stderr; 1 it failed, 125 wrong usage. The catalogue changes under the lock of change.h, in one
 * step, checked as part of the whole policy, and on record before it does.
 */
#include "client/image.h"
#include "client/catalogue.h"
#include "client/plain.h"
#include "client/replace.h"
#include "client/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char image_usage[] =
    "usage: boxdo image add [--from] [--warm] FILE [NAME]\n"
    "                                              copy an image into the store and the catalogue\n"
    "       boxdo image list                       the catalogue\n"
    "       boxdo image show NAME                  all that is known of one\n"
    "       boxdo image verify [NAME...]           read them anew and compare; remember what is in "
    "order\n"
    "       boxdo image verify --changed-device    at boot: keep what is remembered under the new "
    "numbers\n"
    "       boxdo image warm NAME... | --all       keep it mounted between launches; --all: those "
    "with warm = yes\n"
    "       boxdo image cool NAME... | --all       let it go again\n"
    "       boxdo image remove NAME                out of the catalogue, and out of the store\n"
    "--from: FILE is a user's: no symbolic link is followed. --warm: from now and each boot on. "
    "Root alone.\n";

int
image_fail(const char *format, ...)
{
	char line[2048];
	va_list arguments;

	va_start(arguments, format);
	plain_say(line, sizeof line, format, arguments);
	va_end(arguments);
	return -1;
}

void
image_put_word(const char *word)
{
	for (; *word; word++)
		putchar(plain_char(*word));
}

int
image_catalogue(struct image_catalogue *catalogue)
{
	struct policy_error error = {0};
	bool is_public;

	policy_free(catalogue->policy);
	change_free(&catalogue->change);
	catalogue->policy = NULL;
	if (set_vetted(&catalogue->change.old, CHANGE_DIR, &is_public, &error) == 0)
		catalogue->policy = set_policy(&catalogue->change.old, &error);
	if (!catalogue->policy)
		return image_fail("the policy is not usable as it is: %s", error.text);
	catalogue->change.volatile_journal = policy_settings(catalogue->policy)->volatile_journal;
	return 0;
}

const struct policy_image *
image_entry(const struct image_catalogue *catalogue, const char *name)
{
	const struct policy_image *image = catalogue_find(catalogue->policy, name);

	if (!image)
		image_fail("no image %s in the catalogue; 'boxdo image list' shows what is", name);
	return image;
}

int
image_open(const struct policy_image *image, struct image_facts *facts)
{
	int fd = open(image->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return image_fail(
		    "image %s: %s cannot be opened: %s", image->name, image->path, strerror(errno));
	if (image_look(fd, image->path, facts) == 0)
		return fd;
	close(fd);
	return -1;
}

int
image_change(struct image_catalogue *catalogue, const struct policy_image *image, const char *what,
    const char *file, const char *text)
{
	struct change *change = &catalogue->change;
	char line[256], how[256], why[POLICY_TEXT_MAX + 256];
	struct policy_error error = {0};
	struct policy *after;

	snprintf(line, sizeof line, "image %s %s", image->name, what);
	snprintf(how, sizeof how, "boxdo image %s %s",
	    strcmp(what, "added") == 0 ? "add" : "remove", image->name);
	change->how = how;
	change->what = line;
	change->image = image->name;
	change->image_path = image->path;
	change->image_sha256 = image->sha256;
	if (change_set(change, file, text, text ? strlen(text) : 0) != 0)
		return image_fail("out of memory");
	after = set_policy(&change->new, &error);
	if (!after)
		return image_fail("the policy would not be usable any more: %s", error.text);
	policy_free(after);
	if (change_record(change, NULL, error.text, sizeof error.text) != 0)
		return image_fail("%s", error.text);
	if (replace_file(file, text, text ? strlen(text) : 0) == 0)
		return 0;
	snprintf(why, sizeof why, "%s cannot be written: %s", file, strerror(errno));
	if (change_record(change, why, error.text, sizeof error.text) != 0)
		image_fail("%s", error.text);
	return image_fail("%s", why);
}

static bool
in_store(const char *path)
{
	return strncmp(path, IMAGE_STORE "/", sizeof IMAGE_STORE) == 0;
}

/* --- remove ----------------------------------------------------------------------------------------- */

/* Does another entry mean the same file? */
static bool
shared(const struct policy *policy, const struct policy_image *image)
{
	size_t count;
	const struct policy_image *images = policy_images(policy, &count);

	for (size_t i = 0; i < count; i++)
		if (&images[i] != image && strcmp(images[i].path, image->path) == 0)
			return true;
	return false;
}

static int
take_out(struct image_catalogue *catalogue, const struct policy_image *image)
{
	const struct set_file *file = set_find(&catalogue->change.old, image->file);
	char *removed = NULL,
	     *text = file ? catalogue_without(file->data, image->line, &removed) : NULL;
	/* A file without a line is no policy: it goes with its last entry. */
	int status = text ? image_change(catalogue, image, "removed", image->file,
	                        text[0] || file->main ? text : NULL)
	                  : image_fail("%s:%u cannot be taken out", image->file, image->line);

	free(text);
	free(removed);
	return status;
}

/* Does a container run from it? What is kept warm is let go first: the device goes with its last mount. */
static bool
runs(const struct policy_image *image, const struct image_facts *facts, char **argv,
    struct image_catalogue *catalogue)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	struct warm warm;
	int tries = 100;

	warm_look(image->name, &facts->st, &warm);
	if (warm.state == WARM_NO || image_warm_cool(2, argv, catalogue) != 0)
		return image_in_use(&facts->st);
	while (image_in_use(&facts->st) && --tries > 0)
		nanosleep(&pause, NULL);
	return tries == 0;
}

/* argv: of the command, which warm and cool understand as well. */
static int
remove_one(struct image_catalogue *catalogue, const struct policy_image *image, char **argv)
{
	struct image_facts facts = {0};
	int fd = open(image->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool ours = in_store(image->path) && !shared(catalogue->policy, image);

	/* It may be gone, or damaged: it can be taken out of the catalogue all the same. */
	if (fd >= 0 && image_look(fd, image->path, &facts) == 0 && facts.type &&
	    runs(image, &facts, argv, catalogue))
		return image_fail(
		    "image %s is in use: a container runs from %s; stop it first (boxdo ps)%s",
		    image->name, image->path, image->warm ? "; it is not kept warm now" : "");
	if (take_out(catalogue, image) != 0)
		return -1;
	if (ours && fd >= 0) {
		image_known_forget(&facts);
		if (unlink(image->path) != 0)
			return image_fail("%s cannot be removed: %s", image->path, strerror(errno));
	}
	printf("%s: out of the catalogue%s%s\n", image->name,
	    ours ? ", and its file removed" : "; its file stays: ", ours ? "" : image->path);
	return 0;
}

static int
image_remove(int argc, char **argv, struct image_catalogue *catalogue)
{
	const struct policy_image *image;
	char error[POLICY_TEXT_MAX];
	int lock, status;

	if (argc != 2)
		return IMAGE_USAGE;
	lock = change_lock(CHANGE_POLICY_LOCK, &catalogue->change.admin, true, error, sizeof error);
	if (lock < 0) {
		image_fail("%s", error);
		return 1;
	}
	image = image_catalogue(catalogue) == 0 ? image_entry(catalogue, argv[1]) : NULL;
	status = image && remove_one(catalogue, image, argv) == 0 ? 0 : 1;
	close(lock);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv, struct image_catalogue *catalogue);
	} commands[] = {{"add", image_add}, {"list", image_list}, {"show", image_show},
	    {"verify", image_verify}, {"warm", image_warm}, {"cool", image_warm_cool},
	    {"remove", image_remove}};
	struct image_catalogue catalogue = {.policy = NULL};
	char error[POLICY_TEXT_MAX];
	int status = IMAGE_USAGE;

	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		fputs(image_usage, argc < 2 ? stderr : stdout);
		return argc < 2 ? IMAGE_USAGE : 0;
	}
	if (getuid() != 0 || geteuid() != 0) {
		image_fail("boxdo image is for root: the store and the catalogue are root's; for "
		           "an image of your own see 'boxdo import --help'");
		return 1;
	}
	if (change_admin(&catalogue.change.admin, error, sizeof error) != 0) {
		image_fail("%s", error);
		return 1;
	}
	signal(SIGPIPE, SIG_DFL);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			status = commands[i].run(argc - 1, argv + 1, &catalogue);
	if (status == IMAGE_USAGE)
		fputs(image_usage, stderr);
	policy_free(catalogue.policy);
	change_free(&catalogue.change);
	return status;
}
