/*
 * Names of images as registries have them, and the catalogue entry that one of them means.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Distrusts: the text, which is what was typed. It is only ever compared, never a path.
 * On error: there is none; what is no reference means no entry.
 */
#include "policy/reference.h"

#include "policy/match.h"
#include "policy/rule.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool
reference_is_plain(const char *typed)
{
	const char *at;

	for (at = typed; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && strchr("._-/:@*?[]", *at) == NULL)
			return false;
	return typed[0] != '\0' && typed[0] != '/' && typed[0] != ':' && typed[0] != '@' &&
	       strstr(typed, "//") == NULL && strlen(typed) < REFERENCE_MAX;
}

/* docker's rule: what stands before the first '/' is a host if it could not be a path. */
static bool
reference_has_host(const char *typed, size_t first)
{
	return typed[first] == '/' &&
	       (memchr(typed, '.', first) != NULL || memchr(typed, ':', first) != NULL ||
	           (first == strlen("localhost") && memcmp(typed, "localhost", first) == 0));
}

bool
reference_write_out(const char *typed, char reference[REFERENCE_MAX])
{
	size_t first = strcspn(typed, "/");
	const char *last = strrchr(typed, '/'), *host = "", *path = "", *tag = "";
	int length;

	if (!reference_is_plain(typed))
		return false;
	if (!reference_has_host(typed, first)) {
		host = "docker.io/";
		path = typed[first] == '/' ? "" : "library/";
	}
	if (strpbrk(last != NULL ? last : typed, ":@") == NULL)
		tag = ":latest";
	length = snprintf(reference, REFERENCE_MAX, "%s%s%s%s", host, path, typed, tag);
	return length < REFERENCE_MAX;
}

const struct policy_image *
policy_image_named(const struct policy *policy, const char *typed)
{
	char reference[REFERENCE_MAX];
	const char *const *ref;
	size_t i;

	for (i = 0; i < policy->image_count; i++)
		if (strcmp(policy->images[i].name, typed) == 0)
			return &policy->images[i];
	if (!reference_write_out(typed, reference))
		return NULL;
	for (i = 0; i < policy->image_count; i++)
		for (ref = policy->images[i].refs; ref != NULL && *ref != NULL; ref++)
			if (match_path(*ref, reference))
				return &policy->images[i];
	return NULL;
}
