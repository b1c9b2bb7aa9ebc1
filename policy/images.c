/*
 * The images key.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: the broker for having found the catalogue entry of an image asked for by path, and for
 * image_path being what was opened. An image without an entry has no name; its digest is the one root
 * remembers, if any.
 * On error: there is none; what is not known does not match.
 */
#include "policy/images.h"

#include <stdio.h>
#include <string.h>

/* Name or digest of a catalogue entry. */
static bool
images_match_entry(const char *pattern, const struct policy_image *image)
{
	if (image == NULL)
		return false;
	if (strncmp(pattern, "sha256:", 7) == 0)
		return image->sha256 != NULL && strcmp(pattern + 7, image->sha256) == 0;
	return match_path(pattern, image->name);
}

static bool
images_match_path(const char *pattern, const struct policy_question *q, bool in_deny)
{
	if (q->image_path != NULL && match_path(pattern, q->image_path))
		return true;
	/* The path as the catalogue has it: where nothing was opened, and to forbid. */
	return q->image != NULL && (q->image_path == NULL || in_deny) &&
	       match_path(pattern, q->image->path);
}

/* Is this entry another name of what was asked for? */
static bool
images_same_file(const struct policy_image *image, const struct policy_question *q)
{
	return (q->image != NULL && strcmp(image->path, q->image->path) == 0) ||
	       (q->image_path != NULL && strcmp(image->path, q->image_path) == 0);
}

static bool
images_match_alias(
    const struct policy *policy, const char *pattern, const struct policy_question *q)
{
	size_t i;

	for (i = 0; i < policy->image_count; i++)
		if (images_same_file(&policy->images[i], q) &&
		    images_match_entry(pattern, &policy->images[i]))
			return true;
	return false;
}

static bool
images_match_one(const struct policy *policy, const struct rule *rule, const char *pattern,
    const struct policy_question *q)
{
	bool in_deny = rule->kind == RULE_DENY;

	if (strcmp(pattern, "*") == 0)
		return true;
	if (pattern[0] == '/')
		return images_match_path(pattern, q, in_deny);
	/* Pinned or not: what the file itself is known to be. */
	if (q->image_sha256 != NULL && strncmp(pattern, "sha256:", 7) == 0 &&
	    strcmp(pattern + 7, q->image_sha256) == 0)
		return true;
	return images_match_entry(pattern, q->image) ||
	       (in_deny && images_match_alias(policy, pattern, q));
}

bool
images_match(const struct policy *policy, const struct rule *rule, const struct policy_question *q)
{
	size_t i;

	/* What the caller owns user_images alone permits, beside what images names, if it names any. */
	if (rule->kind == RULE_ALLOW &&
	    (q->user_image || (rule->user_images && rule->images.count == 0)))
		return q->user_image && rule->user_images;
	for (i = 0; i < rule->images.count; i++)
		if (images_match_one(policy, rule, rule->images.items[i], q))
			return true;
	return rule->images.count == 0;
}

/* Does some rule of this kind mean the entry by its images key alone? */
static bool
images_has_rule(const struct policy *policy, enum rule_kind kind, const struct policy_image *image)
{
	const struct policy_question q = {.image = image};
	const struct rule *rule;

	for (rule = policy->rules[kind]; rule != NULL; rule = rule->next)
		if (images_match(policy, rule, &q))
			return true;
	return false;
}

/* Appends ", name" while it leaves room for ", ...". False: it was cut. */
static bool
images_append(char *text, size_t size, const char *name)
{
	size_t length = strlen(text);
	const char *comma = length != 0 ? ", " : "";

	if (length + strlen(comma) + strlen(name) + sizeof(", ...") <= size) {
		snprintf(text + length, size - length, "%s%s", comma, name);
		return true;
	}
	snprintf(text + length, size - length, "%s...", comma);
	return false;
}

void
policy_runnable(const struct policy *policy, char *text, size_t size)
{
	size_t i;

	if (size == 0)
		return;
	text[0] = '\0';
	for (i = 0; i < policy->image_count; i++)
		if (images_has_rule(policy, RULE_ALLOW, &policy->images[i]) &&
		    !images_append(text, size, policy->images[i].name))
			return;
}
