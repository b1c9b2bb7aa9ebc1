/* Environment variables that change what a command does before its first line runs. */
#ifndef BOXDO_POLICY_ENV_H
#define BOXDO_POLICY_ENV_H

#include <stdbool.h>

/* Could this name, or a name that this pattern matches, be one of them? */
bool
env_is_unsafe(const char *pattern);
/* The first such pattern of a NULL-terminated list (or NULL), or NULL. */
const char *
env_first_unsafe(const char *const *patterns);

#endif
