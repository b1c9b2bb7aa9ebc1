/* Mount points inside the image: resolving them, and making the missing ones in a skeleton. */
#ifndef BOXDO_DESTINATION_H
#define BOXDO_DESTINATION_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct destination {
	bool exists;         /* in the image, with the wanted type */
	char path[PATH_MAX]; /* resolved inside the image: absolute, no symbolic link in it */
};

/*
 * Resolves name (absolute, normalised) inside the image root (an O_PATH directory descriptor whose
 * own name is base). nofollow: a final symbolic link counts as missing. Returns 0, or -1 with error.
 */
int
destination_resolve(int image, const char *base, const char *name, bool directory, bool nofollow,
    struct destination *destination, char *error, size_t size);

/*
 * Makes path below skeleton; parents that the image has get their mode and owner from there.
 * Returns 0 or -1 (errno).
 */
int
destination_make(int image, int skeleton, const char *path, bool directory);

/* The same for a symbolic link to target; what the image has there is hidden, what was made before stays. */
int
destination_link(int image, int skeleton, const char *path, const char *target);

/* Is path equal to or below of? Component-wise. */
bool
destination_below(const char *path, const char *of);

#endif
