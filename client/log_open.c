/*
 * boxdo log --open: launches without an end. Either the process that owes it lives (running), or it was killed
 * by root, or the machine went down; which of these the boot id tells.
 */
#include "client/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

enum { OPEN_ID = 32 };

/* Ids, one behind the other. */
struct open_ids {
	char (*ids)[OPEN_ID];
	size_t count, capacity;
};

/* The boot each machine was in last. */
struct open_machine {
	char machine[33], boot[33];
};

struct open_all {
	struct open_ids launches, ends;
	struct open_machine *machines;
	size_t machine_count;
};

static int
open_ids_add(struct open_ids *ids, const char *id)
{
	if (strlen(id) != OPEN_ID)
		return 0;
	if (ids->count == ids->capacity) {
		size_t capacity = ids->capacity == 0 ? 256 : 2 * ids->capacity;
		char(*more)[OPEN_ID] = reallocarray(ids->ids, capacity, sizeof *more);

		if (more == NULL)
			return -ENOMEM;
		ids->ids = more;
		ids->capacity = capacity;
	}
	memcpy(ids->ids[ids->count++], id, OPEN_ID);
	return 0;
}

static int
open_compare(const void *left, const void *right)
{
	return memcmp(left, right, OPEN_ID);
}

static int
open_machine_see(struct open_all *all, const struct reader_entry *entry)
{
	const char *machine = reader_entry_text(entry, "_MACHINE_ID"),
	           *boot = reader_entry_text(entry, "_BOOT_ID");
	struct open_machine *more;
	size_t i = 0;

	while (i < all->machine_count && strcmp(all->machines[i].machine, machine) != 0)
		i++;
	if (i == all->machine_count) {
		more = reallocarray(all->machines, i + 1, sizeof *more);
		if (more == NULL)
			return -ENOMEM;
		all->machines = more;
		all->machine_count++;
		snprintf(more[i].machine, sizeof more[i].machine, "%s", machine);
	}
	snprintf(all->machines[i].boot, sizeof all->machines[i].boot, "%s", boot);
	return 0;
}

static int
open_gather(struct open_all *all, struct reader *reader)
{
	struct reader_entry entry;
	int result = reader_start(reader, 0, false);

	while (result >= 0 && (result = reader_next(reader, false, &entry)) > 0) {
		const char *id = reader_entry_text(&entry, "ID");

		result = open_machine_see(all, &entry);
		if (result >= 0 && reader_entry_is(&entry, "launch"))
			result = open_ids_add(&all->launches, id);
		else if (result >= 0 && reader_entry_is(&entry, "end"))
			result = open_ids_add(&all->ends, id);
		reader_entry_free(&entry);
	}
	return result;
}

static bool
open_is_here(const struct reader_entry *launch)
{
	sd_id128_t machine, of;

	return sd_id128_get_machine(&machine) >= 0 &&
	       sd_id128_from_string(reader_entry_text(launch, "_MACHINE_ID"), &of) >= 0 &&
	       sd_id128_equal(machine, of);
}

static bool
open_is_this_boot(const struct reader_entry *launch)
{
	sd_id128_t boot, of;

	return sd_id128_get_boot(&boot) >= 0 &&
	       sd_id128_from_string(reader_entry_text(launch, "_BOOT_ID"), &of) >= 0 &&
	       sd_id128_equal(boot, of);
}

/* What is known of it, and whether that is as it should be. */
static const char *
open_state(const struct open_all *all, const struct reader_entry *launch, enum reader_state state,
    bool *lost)
{
	const char *machine = reader_entry_text(launch, "_MACHINE_ID"),
	           *boot = reader_entry_text(launch, "_BOOT_ID");

	*lost = false;
	if (state == READER_RUNNING)
		return "running";
	*lost = true;
	if (open_is_here(launch))
		return open_is_this_boot(launch) ? "killed by root" : "machine went down";
	for (size_t i = 0; i < all->machine_count; i++)
		if (strcmp(all->machines[i].machine, machine) == 0 &&
		    strcmp(all->machines[i].boot, boot) != 0)
			return "machine went down";
	*lost = false;
	return "not known here";
}

/* 1: lost, 0: not. */
static int
open_show(const struct open_all *all, struct reader *reader, const struct log_screen *screen,
    const char *id, bool first)
{
	char pair[64], time[32], short_id[9];
	const struct reader_field *command;
	struct reader_entry launch;
	enum reader_state state;
	const char *what;
	bool lost;

	snprintf(pair, sizeof pair, "BOXDO_ID=%.32s", id);
	if (reader_find(reader, pair, "launch", &launch) == 0)
		return 0;
	state = reader_state(reader, &launch, NULL);
	if (state == READER_ENDED) { /* just now, or its end does not match the filter */
		reader_entry_free(&launch);
		return -1;
	}
	if (first)
		puts("TIME                STATE             USER       HOST       IMAGE            "
		     "ID       "
		     "COMMAND");
	what = open_state(all, &launch, state, &lost);
	log_text_time(launch.realtime, time, sizeof time);
	snprintf(short_id, sizeof short_id, "%.8s", id);
	log_text_cell(screen, time, 19, NULL);
	log_text_cell(screen, what, 17, lost ? LOG_RED : LOG_GREEN);
	log_text_cell(screen, reader_entry_text(&launch, "USER"), 10, NULL);
	log_text_cell(screen, reader_entry_text(&launch, "HOST"), 10, NULL);
	log_text_cell(screen, reader_entry_text(&launch, "IMAGE"), 16, NULL);
	log_text_cell(screen, short_id, 8, NULL);
	command = reader_entry_get(&launch, "COMMAND");
	if (command != NULL)
		log_text(screen, command->value, command->length,
		    screen->width > 98  ? screen->width - 90
		    : screen->width > 0 ? 8
		                        : 0);
	putchar('\n');
	reader_entry_free(&launch);
	return lost;
}

int
log_open(struct reader *reader, const struct log_screen *screen)
{
	struct open_all all = {0};
	int result = open_gather(&all, reader), found = 0;
	bool first = true;

	if (result >= 0) {
		qsort(all.ends.ids, all.ends.count, sizeof *all.ends.ids, open_compare);
		for (size_t i = 0; i < all.launches.count; i++) {
			int shown;

			if (all.ends.count > 0 &&
			    bsearch(all.launches.ids[i], all.ends.ids, all.ends.count,
			        sizeof *all.ends.ids, open_compare) != NULL)
				continue;
			shown = open_show(&all, reader, screen, all.launches.ids[i], first);
			first &= shown == -1;
			found |= shown > 0;
		}
	}
	free(all.launches.ids);
	free(all.ends.ids);
	free(all.machines);
	return result < 0 ? result : found ? LOG_FOUND : 0;
}
