/*
 * image_verify.c: `boxdo image verify`: images read anew, compared with what is pinned or remembered, and remembered
 *
 * With --changed-device, which a unit calls at boot, nothing is read: what was remembered under the device number of
 * the last boot is kept under that of this one.
 * Runs as root. Trusts: what the kernel says of a file while a lease keeps writers out. Errors: said, 1; what does not
 * agree with its pin is not remembered.
 */
#include "client/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Does what was read agree with what is pinned, or else with what is remembered? */
static int
compare(const struct policy_image *image, const struct image_facts *facts, const char *hex)
{
	struct known before;
	int got = known_read(&before, &facts->st, facts->verity);
	const char *was = got != 0 ? known_first(&before, KNOWN_SHA256) : NULL;
	int status = 0;

	if (image->sha256 && strcmp(image->sha256, hex) != 0)
		status = image_fail("image %s: FAILED: %s has sha256 %s, pinned is %s", image->name,
		    image->path, hex, image->sha256);
	else if (!image->sha256 && was && strcmp(was, hex) != 0)
		status = image_fail(
		    "image %s: CHANGED: %s has sha256 %s, it was %s; what is there now is "
		    "remembered from here on",
		    image->name, image->path, hex, was);
	else
		printf("%s: ok, sha256 %s%s\n", image->name, hex,
		    got == 1   ? ""
		    : got == 0 ? ", which is now remembered"
		               : "; its times had changed, not its bytes");
	known_free(&before);
	return status;
}

static int
verify_one(const struct policy_image *image)
{
	struct image_facts facts;
	struct stat after;
	char hex[IMAGE_HEX], what[320], *words = NULL;
	size_t length = 0;
	int fd = image_open(image, &facts), status = -1;

	if (fd < 0)
		return -1;
	if (!facts.type) {
		printf("%s: a directory, which has no digest\n", image->name);
		close(fd);
		return 0;
	}
	snprintf(what, sizeof what, "reading %s", image->name);
	if (facts.st.st_uid != 0 || (facts.st.st_mode & 022))
		image_fail("image %s: FAILED: %s can be changed by others than root", image->name,
		    image->path);
	else if (!image_quiet(fd))
		image_fail(
		    "image %s: FAILED: somebody has %s open for writing", image->name, image->path);
	else if (image_digest(fd, -1, what, hex) == 0) {
		char before[KNOWN_STAMP_MAX] = "", now[KNOWN_STAMP_MAX] = "";

		known_stamp(&facts.st, before);
		if (fstat(fd, &after) == 0)
			known_stamp(&after, now);
		if (!image_quiet(fd) || strcmp(before, now) != 0)
			image_fail("image %s: FAILED: %s was written to meanwhile", image->name,
			    image->path);
		else if (image_config(fd, &facts, image->path, &words, &length) == 0) {
			status = compare(image, &facts, hex);
			if ((status == 0 || !image->sha256) &&
			    image_known_note(image->path, &facts, hex, words, length) != 0)
				status = -1;
		}
	}
	free(words);
	close(fd);
	return status;
}

/* --- at boot ---------------------------------------------------------------------------------------- */

struct moved {
	struct image_facts facts;
	struct known known;
	char old[KNOWN_PATH_MAX], new[KNOWN_PATH_MAX];
};

/* Nothing to do, or to be done by carry_all; -1 (said): it is to be read anew. */
static int
find_moved(const struct policy_image *image, struct moved *moved)
{
	struct known now;
	int fd = image_open(image, &moved->facts), got;

	if (fd < 0)
		return -1;
	close(fd);
	if (!moved->facts.type)
		return 0;
	got = known_read(&now, &moved->facts.st, moved->facts.verity);
	known_free(&now);
	if (got == 1)
		return 0;
	known_path(&moved->facts.st, moved->new);
	if (image_moved(image->path, &moved->facts, &moved->known, moved->old))
		return 0;
	return image->sha256
	           ? image_fail("image %s: pinned, and no digest of this very file was ever "
	                        "taken: boxdo image verify %s",
	                 image->name, image->name)
	           : 0;
}

/* Two may have changed numbers with one another: all are read before the first is written. */
static int
carry_all(const struct policy_image *images, struct moved *moved, size_t count)
{
	int status = 0;

	for (size_t i = 0; i < count; i++)
		if (moved[i].known.data && image_carry(&moved[i].facts, &moved[i].known) != 0)
			status = 1;
	for (size_t i = 0; i < count; i++) {
		bool again = !moved[i].known.data || status != 0;

		for (size_t j = 0; j < count && !again; j++)
			again = strcmp(moved[j].new, moved[i].old) == 0;
		if (!again)
			unlink(moved[i].old);
		if (moved[i].known.data)
			printf("%s: its device has another number; sha256 %s is remembered of it "
			       "as before\n",
			    images[i].name, known_first(&moved[i].known, KNOWN_SHA256));
		known_free(&moved[i].known);
	}
	return status;
}

static int
verify_changed_device(const struct policy_image *images, size_t count)
{
	struct moved *moved = calloc(count + 1, sizeof *moved);
	int status = 0;

	if (!moved)
		return image_fail("out of memory");
	for (size_t i = 0; i < count; i++)
		if (find_moved(&images[i], &moved[i]) != 0)
			status = 1;
	if (carry_all(images, moved, count) != 0)
		status = 1;
	free(moved);
	return status;
}

int
image_verify(int argc, char **argv, struct image_catalogue *catalogue)
{
	size_t count = 0;
	const struct policy_image *images, *one;
	int status = 0;

	if (image_catalogue(catalogue) != 0)
		return 1;
	images = policy_images(catalogue->policy, &count);
	mkdir("/var/lib/boxdo", 0755);
	if (argc == 2 && strcmp(argv[1], "--changed-device") == 0)
		return verify_changed_device(images, count) == 0 ? 0 : 1;
	for (size_t i = 0; argc == 1 && i < count; i++)
		if (verify_one(&images[i]) != 0)
			status = 1;
	for (int i = 1; i < argc; i++) {
		one = image_entry(catalogue, argv[i]);
		if (!one || verify_one(one) != 0)
			status = 1;
	}
	return status;
}
