/*
 * Patterns, paths and command vectors.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Distrusts: every text to be compared (it is the caller's); a pattern is root's and was checked by
 * match_problem when it was read.
 * On error: there is none; what is not understood does not match.
 *
 * fnmatch(3) is not used: it depends on the locale, fails on invalid UTF-8, and takes '\' for an
 * escape.
 */
#include "policy/match.h"

#include <ctype.h>
#include <string.h>

/* How one comparison goes: bytes equal to stop are matched by themselves alone. */
struct match_how {
	char stop;
	bool fold;
};

static unsigned char
match_fold(struct match_how how, char c)
{
	return (unsigned char)(how.fold ? tolower((unsigned char)c) : c);
}

/* The ']' of the bracket that begins at p, or NULL. A ']' right at the start belongs to the set. */
static const char *
match_bracket_end(const char *p)
{
	p += p[1] == '!' ? 2 : 1;
	return *p == '\0' ? NULL : strchr(p + 1, ']');
}

static bool
match_bracket(const char *p, const char *end, char c, struct match_how how)
{
	bool negated = p[1] == '!', found = false;
	unsigned char byte = match_fold(how, c);

	for (p += negated ? 2 : 1; p < end; p++) {
		unsigned char from = match_fold(how, *p), to = from;

		if (p[1] == '-' && p + 2 < end) {
			to = match_fold(how, p[2]);
			p += 2;
		}
		found = found || (from <= byte && byte <= to);
	}
	return found != negated;
}

/* Does the one pattern element at *p match c? Then *p is moved behind it. */
static bool
match_one(const char **p, char c, struct match_how how)
{
	const char *end = **p == '[' ? match_bracket_end(*p) : NULL;
	bool yes;

	if (end != NULL)
		yes = c != how.stop && match_bracket(*p, end, c, how);
	else if (**p == '?')
		yes = c != how.stop;
	else
		yes = match_fold(how, **p) == match_fold(how, c);
	if (yes)
		*p = end != NULL ? end + 1 : *p + 1;
	return yes;
}

/*
 * Matches pattern up to pattern_end against text up to text_end. Only the last '*' is ever tried
 * again, so it is quadratic at worst, whatever the caller's text.
 */
static bool
match_run(const char *p, const char *p_end, const char *t, const char *t_end, struct match_how how)
{
	const char *star = NULL, *tried = NULL;

	while (t < t_end) {
		if (p < p_end && *p == '*') {
			star = ++p;
			tried = t;
		} else if (p < p_end && match_one(&p, *t, how)) {
			t++;
		} else if (star != NULL && (how.stop == '\0' || *tried != how.stop)) {
			p = star;
			t = ++tried;
		} else {
			return false;
		}
	}
	while (p < p_end && *p == '*')
		p++;
	return p == p_end;
}

const char *
match_problem(const char *pattern)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern != '[')
			continue;
		pattern = match_bracket_end(pattern);
		if (pattern == NULL)
			return "'[' without ']'";
	}
	return NULL;
}

bool
match_text(const char *pattern, const char *text)
{
	return match_run(pattern, pattern + strlen(pattern), text, text + strlen(text),
	    (struct match_how){'\0', false});
}

bool
match_host(const char *pattern, const char *host)
{
	return match_run(pattern, pattern + strlen(pattern), host, host + strlen(host),
	    (struct match_how){'\0', true});
}

/* The end of path's first n components ("/a/b": 2), or NULL when it has fewer. */
static const char *
match_components(const char *path, size_t n)
{
	const char *end = path;

	for (; n > 0; n--) {
		if (*end != '/')
			return NULL;
		end += 1 + strcspn(end + 1, "/");
	}
	return end;
}

static size_t
match_count(const char *path, const char *end)
{
	size_t count = 0;

	for (; path < end; path++)
		count += *path == '/';
	return count;
}

bool
match_path(const char *pattern, const char *path)
{
	const char *p_end = pattern + strlen(pattern), *t_end = path + strlen(path);
	struct match_how how = {'/', false};

	if (strcmp(pattern, "*") == 0)
		return true;
	/* ".." would let a pattern's '*' climb; a path the kernel named has none. */
	if (path[0] == '/' && !match_is_plain(path))
		return false;
	if (pattern[0] == '/' && p_end[-1] == '/') {
		p_end--;
		t_end = match_components(path, match_count(pattern, p_end));
		if (t_end == NULL || t_end[0] != '/' || t_end[1] == '\0')
			return false;
	}
	return match_run(pattern, p_end, path, t_end, how);
}

bool
match_path_touches(const char *pattern, const char *path)
{
	const char *p_end = pattern + strlen(pattern), *p_cut, *t_cut;
	size_t mine, theirs, shorter;

	if (strcmp(pattern, "*") == 0 || strcmp(path, "/") == 0)
		return true;
	while (p_end > pattern && p_end[-1] == '/')
		p_end--;
	mine = match_count(pattern, p_end);
	theirs = match_count(path, path + strlen(path));
	shorter = mine < theirs ? mine : theirs;
	p_cut = shorter == mine ? p_end : match_components(pattern, shorter);
	t_cut = match_components(path, shorter);
	return p_cut != NULL && t_cut != NULL &&
	       match_run(pattern, p_cut, path, t_cut, (struct match_how){'/', false});
}

bool
match_is_plain(const char *path)
{
	size_t length;

	if (path[0] != '/')
		return false;
	if (path[1] == '\0')
		return true;
	for (; *path == '/'; path += 1 + length) {
		length = strcspn(path + 1, "/");
		if (length == 0 || (length == 1 && path[1] == '.') ||
		    (length == 2 && path[1] == '.' && path[2] == '.'))
			return false;
	}
	return true;
}

/* The start of path's next component, over slashes and "." (which say nothing). */
static const char *
match_next(const char *path)
{
	for (;; path++) {
		path += strspn(path, "/");
		if (path[0] != '.' || (path[1] != '/' && path[1] != '\0'))
			return path;
	}
}

const char *
match_below(const char *parent, const char *path)
{
	for (;;) {
		size_t length;

		parent = match_next(parent);
		path = match_next(path);
		if (*parent == '\0')
			return path;
		length = strcspn(parent, "/");
		if (strcspn(path, "/") != length || memcmp(parent, path, length) != 0)
			return NULL;
		parent += length;
		path += length;
	}
}

bool
match_touches(const char *a, const char *b)
{
	return match_below(a, b) != NULL || match_below(b, a) != NULL;
}

/* A word that begins with '/' is a path pattern: /opt/x must not let /opt/../bin/sh through. */
static bool
match_argument(const char *pattern, const char *argument)
{
	return pattern[0] == '/' ? match_path(pattern, argument) : match_text(pattern, argument);
}

bool
match_command(const struct match_vector *vector, const char *const *command)
{
	size_t i;

	for (i = 0; vector->words[i] != NULL; i++)
		if (command[i] == NULL || !match_argument(vector->words[i], command[i]))
			return false;
	return command[i] == NULL || vector->more;
}
