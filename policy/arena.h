/*
 * Memory that is given back all at once, or back to a mark: a rule that turns out not to be about
 * the caller costs nothing once it was checked.
 */
#ifndef BOXDO_POLICY_ARENA_H
#define BOXDO_POLICY_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *top;
};

struct arena_mark {
	struct arena_chunk *chunk;
	size_t used;
};

/* A growing list of strings; items always ends with a NULL once it has been started. */
struct arena_list {
	const char **items;
	size_t count, room;
};

/* Zeroed, aligned for anything. NULL: no memory. */
void *
arena_alloc(struct arena *arena, size_t size);
/* length bytes of text and a NUL. NULL: no memory. */
char *
arena_copy(struct arena *arena, const char *text, size_t length);
/* Appends; with a NULL item it only makes sure that items is a (perhaps empty) list. 0 or -1. */
int
arena_list_add(struct arena *arena, struct arena_list *list, const char *item);
/* One more element of size bytes behind count of them: the array, moved when needed, or NULL. */
void *
arena_grow(struct arena *arena, void *array, size_t count, size_t *room, size_t size);

struct arena_mark
arena_mark(const struct arena *arena);
void
arena_release(struct arena *arena, struct arena_mark mark);
void
arena_free(struct arena *arena);

#endif
