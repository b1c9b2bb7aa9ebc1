/*
 * What musl's header of this name lacks: the descriptor-based mount interface of Linux 5.2 and later.
 */
#ifndef BOXDO_KERNEL_MOUNT_H
#define BOXDO_KERNEL_MOUNT_H

#include_next <sys/mount.h>

#include <fcntl.h>
#include <linux/mount.h>

int
open_tree(int directory, const char *path, unsigned flags);
int
move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags);
int
mount_setattr(
    int directory, const char *path, unsigned flags, struct mount_attr *attributes, size_t size);
int
fsopen(const char *type, unsigned flags);
int
fsconfig(int context, unsigned command, const char *key, const void *value, int extra);
int
fsmount(int context, unsigned flags, unsigned attributes);

#endif
