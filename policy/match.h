/* Patterns, paths and command vectors compared. Pure functions of their arguments. */
#ifndef BOXDO_POLICY_MATCH_H
#define BOXDO_POLICY_MATCH_H

#include <stdbool.h>
#include <stddef.h>

/* NULL, or what is wrong with the pattern (a bracket that does not end). */
const char *
match_problem(const char *pattern);
/* The whole text. '*' is any run of bytes, '?' any one, [a-z] and [!a-z] one of a set. */
bool
match_text(const char *pattern, const char *text);
/* The same, upper and lower case alike: host names. */
bool
match_host(const char *pattern, const char *host);
/*
 * The same, but nothing crosses '/'; a '/' at the end means everything below; "*" alone is
 * anything.
 */
bool
match_path(const char *pattern, const char *path);
/* Could the pattern match path itself, something below it, or something it is below of? */
bool
match_path_touches(const char *pattern, const char *path);

/* Absolute, no "..", no "." and no empty component; "/" is. */
bool
match_is_plain(const char *path);
/* What is left of path behind parent ("" when they are the same), or NULL when it is not below. */
const char *
match_below(const char *parent, const char *path);
/* One is the other, or below it. */
bool
match_touches(const char *a, const char *b);

/* A command vector. "more": any further arguments. */
struct match_vector {
	const char **words; /* NULL-terminated */
	bool more;
};
bool
match_command(const struct match_vector *vector, const char *const *command);

#endif
