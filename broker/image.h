/*
 * The image: from a path to a mount, by one descriptor. What was checked is what runs.
 */
#ifndef BOXDO_IMAGE_H
#define BOXDO_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "broker/known.h"
#include "broker/sif.h"

#define IMAGE_OWNERS_MAX 16

enum image_kind { IMAGE_DIRECTORY, IMAGE_SQUASHFS, IMAGE_EROFS, IMAGE_SIF };

struct image {
	char *path; /* as the kernel names it; owned */
	int fd;     /* O_PATH while it is looked for, readable once vetted */
	struct stat st;
	enum image_kind kind;
	struct sif_partition partition; /* IMAGE_SIF: what is mounted; else zero: all of it */
	struct known known;             /* what root remembers of this very file; else empty */
	const char *sha256;             /* as remembered, or "unknown": never hashed at launch */
	char verity[KNOWN_VERITY_MAX];  /* "sha256:HEX" as fs-verity measures it; "" */
	char inode
	    [64]; /* "MAJOR:MINOR:INODE", and whose: of an image of the caller's own, for the record */
	uid_t owner;
	bool served; /* on a file system that is some process: root looks at nothing of it */
};

/*
 * Catalogue: opens path as root. Returns 0, or -1 with one line in error (then nothing is open).
 */
int
image_find(struct image *image, const char *path, char *error, size_t size);
/*
 * By path: takes over what OPENER opened for the caller. path is copied. Sets served, and what is served is only good
 * as an image of the caller's own.
 */
int
image_adopt(struct image *image, int fd, const char *path, char *error, size_t size);

/*
 * What is remembered of an image that was found, into known and sha256; before the policy is asked, so that
 * it is asked about the command that will run. image_vet looks again. Of a file that is not in the catalogue numbers
 * and times tell nothing: whoever brings a file system (a stick, an image of one) chooses them.
 */
void
image_remember(struct image *image, bool catalogued);

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
