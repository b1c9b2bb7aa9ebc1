/* The command's environment, by allow-list and from facts. */
#ifndef BOXDO_ENVIRONMENT_H
#define BOXDO_ENVIRONMENT_H

#include "broker/caller.h"
#include "broker/origin.h"
#include "broker/request.h"

#define ENVIRONMENT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * The caller's environment but for what would steer loaders and shells by host paths; narrowed to the
 * globs of allowed (NULL: not narrowed); then what -e asked for; then PATH, HOME, USER, LOGNAME and
 * BOXDO_ID, BOXDO_IMAGE, container. Each name once, the first one counts. NULL: no memory. The caller owns it
 * (and never frees it).
 */
char **
environment_build(const struct origin *origin, const struct request *request,
    const char *const *allowed, const struct caller *caller, const char *id);

#endif
