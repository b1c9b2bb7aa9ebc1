/* Descriptors: closing all but a few. */
#ifndef BOXDO_FDS_H
#define BOXDO_FDS_H

#include <stddef.h>
#include <sys/types.h>

/* Points 0-2 at /dev/null and closes everything else but the given ones (-1: none). Exits on failure. */
void
fds_keep_only(int first, int second);
/* The same, but leaves 0-2 as they are. */
void
fds_close_others(int first, int second);
/* And of more than two. */
void
fds_close_but(const int *kept, size_t count);

/* The kernel's absolute name for what fd refers to; NULL when it has none. The caller frees it. */
char *
fds_name(int fd);

/* A small file of the kernel's or root's, no link, cut at size, a NUL behind it: its length, or -1 and "". */
ssize_t
fds_text(int at, const char *name, char *text, size_t size);

/* The mount it is on, as the kernel numbers it in mountinfo, without asking the file system. -1: not known. */
long
fds_mount(int fd);

#endif
