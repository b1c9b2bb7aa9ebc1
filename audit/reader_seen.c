/*
 * Ids seen: a record that had to be sent twice is shown once.
 *
 * Stage:     none; part of `boxdo log`. Privilege: the auditor's.
 * Distrusts: the ids; what is no id is never "seen before", so that nothing can hide behind another.
 * On error:  negative errno.
 */
#include "audit/reader_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
seen_grow(struct reader_seen *seen)
{
	struct reader_seen larger = {
	    .size = seen->size == 0 ? 1024 : 2 * seen->size, .used = seen->used};

	larger.slots = calloc(larger.size, sizeof *larger.slots);
	if (larger.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < seen->size; i++) {
		size_t at = seen->slots[i][0] % larger.size;

		if (seen->slots[i][0] == 0 && seen->slots[i][1] == 0)
			continue;
		while (larger.slots[at][0] != 0 || larger.slots[at][1] != 0)
			at = (at + 1) % larger.size;
		memcpy(larger.slots[at], seen->slots[i], sizeof *larger.slots);
	}
	free(seen->slots);
	*seen = larger;
	return 0;
}

int
reader_seen_add(struct reader_seen *seen, const char *record)
{
	uint64_t id[2];
	char half[17] = "", *end;
	size_t at;

	if (strlen(record) != 32 || strspn(record, "0123456789abcdef") != 32)
		return 1;
	memcpy(half, record, 16);
	id[0] = strtoull(half, &end, 16);
	id[1] = strtoull(record + 16, &end, 16);
	if (2 * (seen->used + 1) > seen->size && seen_grow(seen) < 0)
		return -ENOMEM;
	for (at = id[0] % seen->size; seen->slots[at][0] != 0 || seen->slots[at][1] != 0;
	     at = (at + 1) % seen->size)
		if (memcmp(seen->slots[at], id, sizeof id) == 0)
			return 0;
	memcpy(seen->slots[at], id, sizeof id);
	seen->used++;
	return 1;
}

void
reader_seen_clear(struct reader_seen *seen)
{
	free(seen->slots);
	*seen = (struct reader_seen){0};
}
