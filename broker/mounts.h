/* What the container sees: cloned by SUPERVISOR, put together by INIT. */
#ifndef BOXDO_MOUNTS_H
#define BOXDO_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/plan.h"

/*
 * SUPERVISOR: a detached, recursive clone of what fd (O_PATH) names: nosuid, nodev (but for a device
 * node), read-only unless writable; later mounts of the host (autofs) arrive in it, none go back.
 * Never looks below fd. Returns a descriptor the caller owns, or -1 (errno).
 */
int
mounts_clone(int fd, bool writable, bool device);

/*
 * INIT: builds the root from the plan and pivots into it. Returns 0, or -1 with one line in error.
 * Every descriptor of the plan is closed on return.
 */
int
mounts_build(const struct plan *plan, char *error, size_t size);

#endif
