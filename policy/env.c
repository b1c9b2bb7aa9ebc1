/*
 * Environment variables that change what a command does.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Distrusts: the caller's variables where a rule limits the command: PYTHONSTARTUP or BASH_ENV
 * makes "run the trainer" into "run anything". Where a rule does not, they protect nobody and are
 * let in.
 * On error: there is none; in doubt a pattern is unsafe.
 */
#include "policy/env.h"

#include <stddef.h>
#include <string.h>

/*
 * A name, or all names that begin so. The loader, interpreters, shells, and PATH, which finds them.
 */
static const char *const env_unsafe[] = {"LD_*", "GCONV_PATH", "GLIBC_*", "MALLOC_*", "LOCPATH",
    "NLSPATH", "PYTHON*", "PERL*", "RUBY*", "GEM_*", "LUA_*", "NODE_*", "PHP*", "JAVA_*", "JDK_*",
    "_JAVA_*", "CLASSPATH", "R_*", "TCL*", "BASH_*", "BASHOPTS", "SHELLOPTS", "ENV", "ZDOTDIR",
    "PS4", "IFS", "PATH", "CDPATH", "PAGER", "EDITOR", "VISUAL", "GIT_*"};

static size_t
env_literal(const char *pattern)
{
	return strcspn(pattern, "*?[");
}

/* Can both patterns match one name? Looks at what stands before the first wildcard of each. */
static bool
env_overlap(const char *a, const char *b)
{
	size_t a_length = env_literal(a), b_length = env_literal(b);
	size_t shorter = a_length < b_length ? a_length : b_length;

	if (strncmp(a, b, shorter) != 0)
		return false;
	/* Without a wildcard, what is left of the other must be a wildcard. */
	if (a_length == shorter && a[a_length] == '\0' && b_length != shorter)
		return false;
	if (b_length == shorter && b[b_length] == '\0' && a_length != shorter)
		return false;
	return true;
}

bool
env_is_unsafe(const char *pattern)
{
	size_t i;

	for (i = 0; i < sizeof(env_unsafe) / sizeof(env_unsafe[0]); i++)
		if (env_overlap(pattern, env_unsafe[i]))
			return true;
	return false;
}

const char *
env_first_unsafe(const char *const *patterns)
{
	for (; patterns != NULL && *patterns != NULL; patterns++)
		if (env_is_unsafe(*patterns))
			return *patterns;
	return NULL;
}
