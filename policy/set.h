/*
 * The policy's files in memory, from wherever they were read, and what everybody's rules are in them:
 * for the tools of an admin. Not in the helper, which keeps the rules about its caller alone.
 */
#ifndef BOXDO_POLICY_SET_H
#define BOXDO_POLICY_SET_H

#include "policy/policy.h"

struct set_file {
	char *path; /* as errors, rules and the digest name it */
	char *data;
	size_t size;
	bool main; /* policy.conf */
};

struct set {
	struct set_file *files; /* in reading order */
	size_t count;
};

/* A copy of path and data, in its place in the order: policy.conf first, then by bytes. 0 or -1: no memory. */
int
set_add(struct set *set, const char *path, const char *data, size_t size, bool main);
/* The file of that path, or NULL. */
struct set_file *
set_find(const struct set *set, const char *path);
void
set_free(struct set *set);
/* Every file of dir, as the helper would read it. *is_public as policy_public. 0 or -1 with the error. */
int
set_vetted(struct set *set, const char *dir, bool *is_public, struct policy_error *error);
/* What policy_sha256 will say of these files. */
void
set_digest(const struct set *set, char hex[POLICY_SHA256_SIZE]);
/* All files as text, as policy_text. The caller frees it; NULL: no memory. */
char *
set_text(const struct set *set, size_t *length);
/* Everybody's rules, for set_view and the tools; the set must outlive them. NULL with the error. */
struct policy *
set_policy(const struct set *set, struct policy_error *error);
/*
 * What policy_load gives for who, made of everybody's, which must outlive it. NULL with the error (a
 * look-up that fails).
 */
struct policy *
set_view(const struct policy *everybodys, const struct policy_who *who,
    const struct policy_lookup *lookup, struct policy_error *error);

#endif
