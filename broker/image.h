/*
 * The image: from a path to a mount, by one descriptor. What was checked is what runs.
 */
#ifndef BOXDO_IMAGE_H
#define BOXDO_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#define IMAGE_OWNERS_MAX 16

enum image_kind { IMAGE_DIRECTORY, IMAGE_SQUASHFS, IMAGE_EROFS };

struct image {
	char *path; /* as the kernel names it; owned */
	int fd;     /* O_PATH while it is looked for, readable once vetted */
	struct stat st;
	enum image_kind kind;
	char sha256[65];  /* "unknown": never hashed at launch */
	char verity[160]; /* "sha256:HEX" as fs-verity measures it; "" */
};

/*
 * Catalogue: opens path as root. Returns 0, or -1 with one line in error (then nothing is open).
 */
int
image_find(struct image *image, const char *path, char *error, size_t size);
/* By path: takes over what OPENER opened for the caller. path is copied. */
int
image_adopt(struct image *image, int fd, const char *path, char *error, size_t size);

/*
 * Vets what was found: owned by root or one of owners, nobody else may write it or any directory
 * above it, no writer has it open (a lease shows old ones), a known kind, and the sha256 pinned
 * in the catalogue (or NULL). Returns 0, or -1 with one line in error.
 */
int
image_vet(struct image *image, const uid_t *owners, size_t owner_count, const char *pinned,
    char *error, size_t size);

/*
 * A new detached mount of the vetted image: read-only, nosuid, nodev, private; images that are files
 * share one loop device and one superblock among all containers. Returns a descriptor or -1 with error.
 */
int
image_mount(const struct image *image, char *error, size_t size);

#endif
