/* `boxdo stop --image`: what an admin who types a name, a path or a digest means. */
#ifndef BOXDO_CLIENT_STOP_IMAGE_H
#define BOXDO_CLIENT_STOP_IMAGE_H

#include "client/running.h"

#include <limits.h>

struct stop_image {
	const char *typed;
	char path[PATH_MAX]; /* of its file; "" where none is known */
	char sha256[65];     /* hex; "" */
};

/*
 * typed: a name of the catalogue or a reference, a path, or sha256:HEX. 0; or 125 after a line on stderr, when there
 * is no such image and nothing in the list was asked for so.
 */
int
stop_image_find(struct stop_image *image, const char *typed, const struct running_list *list);
bool
stop_image_is(const struct stop_image *image, const struct running_entry *entry);

#endif
