/*
 * Which containers are of an image: by the file that was opened, whatever name it was asked for by.
 *
 * Runs as whoever typed it. Trusts the policy as a launch reads it; where it cannot be read (an admin in an
 * emergency may just have broken it) a name means what was typed, and a line says so. What users typed is
 * only ever compared.
 * Errors: one line, 125: an image that is nowhere and that nothing runs of stops nothing.
 */
#include "client/stop_image.h"

#include "client/nobody.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
set_path(struct stop_image *image, const char *path)
{
	char real[PATH_MAX];

	/* A file that is gone may still run. */
	snprintf(image->path, sizeof image->path, "%s", realpath(path, real) ? real : path);
}

/*
 * By its name, by a reference, or by its path: what the catalogue says of it. 1; 0: nothing; -1: it cannot be read
 * (told).
 */
static int
ask_catalogue(struct stop_image *image)
{
	static struct policy_error error;
	struct policy *policy = nobody_policy(&error);
	const struct policy_image *images, *entry;
	size_t count;

	if (!policy) {
		fprintf(stderr, "boxdo: %s\nboxdo: so only what was asked for as %s is meant%s\n",
		    error.text, image->typed,
		    image->typed[0] == '/' ? ", and the file itself" : "");
		return -1;
	}
	entry = image->typed[0] != '/' ? policy_image_named(policy, image->typed) : NULL;
	if (entry)
		set_path(image, entry->path);
	images = policy_images(policy, &count);
	for (size_t i = 0; image->path[0] && i < count; i++)
		if (images[i].sha256 && strcmp(images[i].path, image->path) == 0)
			snprintf(image->sha256, sizeof image->sha256, "%s", images[i].sha256);
	if (entry && entry->sha256)
		snprintf(image->sha256, sizeof image->sha256, "%s", entry->sha256);
	policy_free(policy);
	return entry != NULL;
}

/* Texts in an entry may be cut; as much as there is must be the same. */
static bool
same(const char *entry, size_t size, const char *text)
{
	return text[0] != '\0' && strncmp(entry, text, size - 1) == 0;
}

bool
stop_image_is(const struct stop_image *image, const struct running_entry *entry)
{
	return same(entry->image, sizeof entry->image, image->typed) ||
	       same(entry->image_path, sizeof entry->image_path, image->path) ||
	       same(entry->image_sha256, sizeof entry->image_sha256, image->sha256);
}

int
stop_image_find(struct stop_image *image, const char *typed, const struct running_list *list)
{
	int catalogue;
	bool known;

	*image = (struct stop_image){.typed = typed};
	if (strncmp(typed, "sha256:", 7) == 0) {
		for (size_t i = 0; i < sizeof image->sha256 - 1 && typed[7 + i]; i++)
			image->sha256[i] = (char)tolower((unsigned char)typed[7 + i]);
		return strlen(typed) == 7 + 64 ? 0 : running_fail("sha256: has 64 hex digits");
	}
	if (typed[0] == '/')
		set_path(image, typed);
	catalogue = ask_catalogue(image);
	known = catalogue > 0 || (typed[0] == '/' && access(typed, F_OK) == 0);
	for (size_t i = 0; i < list->count; i++)
		known = known || stop_image_is(image, &list->items[i].entry);
	return known ? 0
	             : running_fail(
	                   "there is no image %s, and nothing runs that was asked for so", typed);
}
