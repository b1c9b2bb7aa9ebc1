/*
 * Memory for the policy, given back in one piece.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: its callers' marks to be used last in, first out.
 * On error: NULL or -1 (no memory); nothing is half done.
 */
#include "policy/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK_SIZE 16384
#define ARENA_ALIGN _Alignof(max_align_t)

struct arena_chunk {
	struct arena_chunk *below;
	size_t used, size;
	max_align_t bytes[];
};

static struct arena_chunk *
arena_chunk_new(struct arena *arena, size_t at_least)
{
	size_t size = at_least > ARENA_CHUNK_SIZE ? at_least : ARENA_CHUNK_SIZE;
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);

	if (chunk == NULL)
		return NULL;
	chunk->below = arena->top;
	chunk->used = 0;
	chunk->size = size;
	arena->top = chunk;
	return chunk;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->top;
	char *memory;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (chunk == NULL || chunk->size - chunk->used < size)
		chunk = arena_chunk_new(arena, size);
	if (chunk == NULL)
		return NULL;
	memory = (char *)chunk->bytes + chunk->used;
	chunk->used += size;
	return memset(memory, 0, size);
}

char *
arena_copy(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (copy != NULL)
		memcpy(copy, text, length);
	return copy;
}

void *
arena_grow(struct arena *arena, void *array, size_t count, size_t *room, size_t size)
{
	void *larger;

	if (count < *room)
		return array;
	larger = arena_alloc(arena, (*room ? 2 * *room : 4) * size);
	if (larger == NULL)
		return NULL;
	if (array != NULL)
		memcpy(larger, array, count * size);
	*room = *room ? 2 * *room : 4;
	return larger;
}

int
arena_list_add(struct arena *arena, struct arena_list *list, const char *item)
{
	/* One element more than counted, so that the NULL at the end has its place. */
	const char **items =
	    arena_grow(arena, list->items, list->count + 1, &list->room, sizeof(*items));

	if (items == NULL)
		return -1;
	list->items = items;
	if (item != NULL)
		items[list->count++] = item;
	items[list->count] = NULL;
	return 0;
}

struct arena_mark
arena_mark(const struct arena *arena)
{
	return (struct arena_mark){arena->top, arena->top != NULL ? arena->top->used : 0};
}

void
arena_release(struct arena *arena, struct arena_mark mark)
{
	while (arena->top != mark.chunk) {
		struct arena_chunk *below = arena->top->below;

		free(arena->top);
		arena->top = below;
	}
	if (arena->top != NULL)
		arena->top->used = mark.used;
}

void
arena_free(struct arena *arena)
{
	arena_release(arena, (struct arena_mark){NULL, 0});
}
