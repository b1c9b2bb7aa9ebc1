/* The catalogue's entries as text: where `boxdo image` puts them, and how one is taken out again. */
#ifndef BOXDO_CATALOGUE_H
#define BOXDO_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

#define CATALOGUE_FILE "/etc/boxdo/policy.d/images.conf"

const struct policy_image *
catalogue_find(const struct policy *policy, const char *name);
/* text and the entry behind it (text may be NULL: no file yet); the caller frees it. NULL: no memory. */
char *
catalogue_with(const char *text, const char *name, const char *path, const char *sha256, bool warm);
/* text without the section whose header stands in that line; removed (owned) gets what went. */
char *
catalogue_without(const char *text, unsigned line, char **removed);
/* May an image be called this? One word without a slash, as a user would type it. */
bool
catalogue_name_ok(const char *name);

#endif
