/* The command's environment, by allow-list and from facts. */
#ifndef BOXDO_ENVIRONMENT_H
#define BOXDO_ENVIRONMENT_H

#include "broker/caller.h"
#include "broker/cdi.h"
#include "broker/origin.h"
#include "broker/request.h"

#define ENVIRONMENT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * The caller's environment but for what would steer loaders and shells by host paths; narrowed to the
 * globs of allowed (NULL: not narrowed); over it own, the image's Env as NAME=VALUE (or NULL); over that
 * HOME, USER, LOGNAME, BOXDO_ID, BOXDO_IMAGE, container; over all what -e asked for. Each name once. PATH is
 * the image's or ours. *firm: how many stand above own, the first ones. NULL: no memory. The caller owns it
 * (and never frees it).
 */
char **
environment_build(const struct origin *origin, const struct request *request,
    const char *const *own, const char *const *allowed, const struct directory_user *user,
    const char *id, const struct cdi *cdi, size_t *firm);
/* The same, built without own, with it. NULL: no memory. */
char **
environment_with(char *const *built, size_t firm, const char *const *own);

#endif
