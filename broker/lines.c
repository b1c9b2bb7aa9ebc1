/*
 * lines.c: a file, line by line
 *
 * Any stage. Privilege: its caller's. Trusts: who may write the file. stdio would do, but for a mapping, its page
 * fault and six system calls a file, which each launch pays three times.
 * Errors: a file that cannot be opened has no lines, one that cannot be read on ends there.
 */
#include "broker/lines.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void
lines_open(struct lines *lines, const char *path)
{
	lines->fd = open(path, O_RDONLY | O_CLOEXEC);
	lines->at = lines->have = 0;
	lines->cut = false;
}

char *
lines_next(struct lines *lines)
{
	char *line, *end;
	bool rest;
	ssize_t got;

	do {
		rest = lines->cut;
		got = 1;
		while (!(end = memchr(lines->data + lines->at, '\n', lines->have - lines->at)) &&
		       got > 0) {
			lines->have -= lines->at;
			memmove(lines->data, lines->data + lines->at, lines->have);
			lines->at = 0;
			got = read(lines->fd, lines->data + lines->have, LINES_MAX - lines->have);
			lines->have += got > 0 ? (size_t)got : 0;
		}
		/* What came before an error may be half a line, with half a number in it. */
		if (lines->at == lines->have || got < 0)
			return NULL;
		line = lines->data + lines->at;
		lines->cut = !end && lines->have == LINES_MAX;
		lines->at = end ? (size_t)(end - lines->data) + 1 : lines->have;
		*(end ? end : lines->data + lines->have) = '\0';
	} while (rest);
	return line;
}

void
lines_close(struct lines *lines)
{
	if (lines->fd >= 0)
		close(lines->fd);
}
