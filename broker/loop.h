/*
 * Loop devices: one a file, shared by all its containers, so that there is one superblock and one copy
 * of the decompressed pages in memory.
 */
#ifndef BOXDO_LOOP_H
#define BOXDO_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define LOOP_DEADLINE_MS 5000 /* for the lock: the one who holds it waits for nothing of a user's */

/*
 * A detached mount (read-only, nosuid, nodev) of the file system of type in file, whose status is st: of
 * limit bytes from offset on (0: all). A limit is rounded up to whole sectors of 512.
 * Returns a descriptor the caller owns, or -1 with one line in error. The loop device goes by itself
 * with its last mount.
 */
int
loop_mount(int file, const struct stat *st, uint64_t offset, uint64_t limit, const char *type,
    char *error, size_t size);

#endif
