/*
 * Files of the policy put in place by root's tools: written beside the old one under a name that nothing reads, synced,
 * renamed. Under the lock of change.h, and after the whole set was checked. 0, or -1 with errno, and then the old file is untouched.
 */
#ifndef BOXDO_REPLACE_H
#define BOXDO_REPLACE_H

#include <stddef.h>

/*
 * A new file, synced: owner and mode as the file `like` in force, else as policy.conf, and root's alone where
 * others could write to that.
 */
int
replace_create(const char *path, const char *like, const void *data, size_t length);
/* path, there or not yet, becomes data; data NULL: is removed. */
int
replace_file(const char *path, const void *data, size_t length);
int
replace_sync(const char *directory);
/* All of data into fd. */
int
replace_put(int fd, const char *data, size_t length);

#endif
