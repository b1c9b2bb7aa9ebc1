/*
 * Spots: where something lies whatever it is called, as device and path inside the file system, and every
 * other file system that is mounted below it (a recursive bind brings those along). For denies: a directory
 * that is mounted in two places is one.
 */
#ifndef BOXDO_SPOTS_H
#define BOXDO_SPOTS_H

#include <stddef.h>

#include "policy/policy.h"

struct spots;

/* The table of mounts now. NULL: it cannot be read. */
struct spots *
spots_read(void);
/*
 * Adds the spots of what fd is open on, path being the kernel's name for it; or, with fd -1, of what has
 * that name, without touching it. Returns 0, or -1: it lies in no mount of ours, or no memory.
 */
int
spots_find(const struct spots *spots, int fd, const char *path, struct policy_spots *found);

#endif
