/*
 * A file of root's or the kernel's, line by line: as large as it may be, read in blocks, without any memory but
 * this (on the stack). Not for lines that users can make longer than LINES_MAX (mountinfo: their names of mount
 * points): what stands where such a line was cut may be half a word. Of others, too, who needs the end asks cut.
 */
#ifndef BOXDO_LINES_H
#define BOXDO_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define LINES_MAX 8191 /* bytes of one line that are kept */

struct lines {
	int fd;
	size_t at, have;
	bool cut; /* the line last returned is longer; the rest of it is passed over */
	char data[LINES_MAX + 1];
};

void
lines_open(struct lines *lines, const char *path);
/* The next line, without its newline, until the one after it is asked for. NULL: there is none, or it cannot be read. */
char *
lines_next(struct lines *lines);
void
lines_close(struct lines *lines);

#endif
