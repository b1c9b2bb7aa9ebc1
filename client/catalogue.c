/*
 * catalogue.c: entries of the catalogue as text
 *
 * Pure. What comes out is checked before it is put anywhere.
 */
#include "client/catalogue.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CATALOGUE_NAME_MAX 64

const struct policy_image *
catalogue_find(const struct policy *policy, const char *name)
{
	size_t count;
	const struct policy_image *images = policy_images(policy, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(images[i].name, name) == 0)
			return &images[i];
	return NULL;
}

char *
catalogue_with(const char *text, const char *name, const char *path, const char *sha256, bool warm)
{
	static const char head[] = "# Images put into the store by `boxdo image add`.\n";
	size_t length = text ? strlen(text) : 0;
	char *whole;

	if (asprintf(&whole, "%s%s\n[image %s]\npath   = %s\nsha256 = %s\n%s", length ? text : head,
	        length && text[length - 1] != '\n' ? "\n" : "", name, path, sha256,
	        warm ? "warm   = yes\n" : "") < 0)
		return NULL;
	return whole;
}

static const char *
catalogue_line(const char *text, unsigned line)
{
	for (; text && line > 1; line--) {
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return text;
}

/* A comment above the next header is about that one. */
char *
catalogue_without(const char *text, unsigned line, char **removed)
{
	const char *from = catalogue_line(text, line), *to = from, *at = from;
	char *rest = NULL;

	*removed = NULL;
	if (!from || *from != '[')
		return NULL;
	while (at && (at == from || *at != '[') && *at) {
		if (at == from || isalnum((unsigned char)*at) || isspace((unsigned char)*at) ||
		    *at == '_')
			to = catalogue_line(at, 2);
		at = catalogue_line(at, 2);
	}
	if (!at || !*at || !to) /* it was the last one: what stands behind it goes, too */
		to = from + strlen(from);
	*removed = strndup(from, (size_t)(to - from));
	if (*removed && asprintf(&rest, "%.*s%s", (int)(from - text), text, to) < 0)
		rest = NULL;
	return rest;
}

bool
catalogue_name_ok(const char *name)
{
	size_t length =
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-");

	return length > 0 && length <= CATALOGUE_NAME_MAX && name[length] == '\0' &&
	       isalnum((unsigned char)name[0]) && strcmp(name, "-") != 0;
}
