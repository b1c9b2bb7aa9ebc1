/* The containers that run now, as far as whoever asks may know: root of all, everybody else of their own. */
#ifndef BOXDO_CLIENT_RUNNING_H
#define BOXDO_CLIENT_RUNNING_H

#include <stdio.h>

#include "broker/running.h"

/* One container. Root also knows in which table it stands, and where. */
struct running_one {
	struct running_entry entry;
	char table[32]; /* file below RUNNING_PATH; "" for who is not root */
	size_t index;
};

struct running_list {
	struct running_one *items; /* owned; running_free; oldest first */
	size_t count;
};

#define RUNNING_PATH "/run/boxdo/" RUNNING_DIRECTORY

/* Returns 0, or 125 after a line on stderr. */
int
running_read(struct running_list *list);
void
running_free(struct running_list *list);
/* Does the process that owner names still run? */
bool
running_lives(uint64_t owner);
/* Bytes of users for a terminal: what could steer it becomes #ooo. At most width characters (0: all). */
void
running_show(FILE *out, const char *text, size_t width);
/* "boxdo: ..." on stderr; returns 125. */
int
running_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
