/*
 * running.c: the containers now running
 *
 * From stage 8 to the end. Privilege: uid 0. Trusts: files that root alone can open, and of what they
 * say only what the kernel confirms: an entry whose SUPERVISOR is not there any more means nothing.
 * Errors: returned.
 *
 * What MUST hold:
 *  - no lock: a helper stopped anywhere in here holds nobody up;
 *  - of all that ask at once for one of a user's first N entries, N get one: an entry changes hands by one
 *    compare-and-swap, and what its SUPERVISOR left behind when it was killed is free;
 *  - nothing in an entry is believed but by who found its owner alive, before and after.
 */
#include "broker/running.h"

#include "broker/launch.h"
#include "broker/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static size_t
table_size(unsigned number)
{
	return sizeof(struct running_table) +
	       ((size_t)RUNNING_FIRST << number) * sizeof(struct running_entry);
}

/* Whose tables, and of what: containers, or commands that joined one. */
struct set {
	uid_t uid;
	bool joins;
};

static struct running_table *
table_open(struct set set, unsigned number)
{
	char name[24];

	snprintf(name, sizeof name, "%u.%s%u", set.uid, set.joins ? "j" : "", number);
	return audit_state_file(RUNNING_DIRECTORY, name, table_size(number), RUNNING_MAGIC);
}

/* Only what is there: looking makes no table. */
static struct running_table *
table_existing(struct set set, unsigned number)
{
	char path[64];

	snprintf(path, sizeof path, "/run/boxdo/" RUNNING_DIRECTORY "/%u.%s%u", set.uid,
	    set.joins ? "j" : "", number);
	return access(path, F_OK) == 0 ? table_open(set, number) : NULL;
}

/*
 * A process that has ended and is not waited for yet runs nothing. Only the kernel's plain word that there
 * is none will do: who cannot look (a limit of the caller's) must not sweep what runs.
 */
static bool
alive(uint64_t owner)
{
	struct process process;

	if (process_read(running_supervisor(owner), &process) != 0)
		return errno != ENOENT && errno != ESRCH;
	return process.state != 'Z' &&
	       running_owner(running_supervisor(owner), process.start) == owner;
}

/* Is somebody in it? One whose SUPERVISOR is gone is swept. */
static bool
in_use(struct running_entry *entry)
{
	uint64_t owner = atomic_load(&entry->owner);

	return owner && (alive(owner) || !atomic_compare_exchange_strong(&entry->owner, &owner, 0));
}

/* One of the first count entries. sweep: ask the kernel about each, which costs three calls. */
static struct running_entry *
claim(struct running_table *table, size_t count, uint64_t owner, bool sweep)
{
	for (size_t i = 0; i < count; i++) {
		struct running_entry *entry = &table->entries[i];
		uint64_t nobody = 0;

		if (sweep)
			in_use(entry);
		if (atomic_compare_exchange_strong(&entry->owner, &nobody, owner))
			return entry;
	}
	return NULL;
}

/* How many run. sweep: ask the kernel about each. */
static size_t
count_all(struct set set, bool sweep)
{
	struct running_table *table;
	size_t count = 0;

	for (unsigned number = 0; number < RUNNING_TABLES; number++) {
		table = table_existing(set, number);
		if (!table)
			break;
		for (size_t i = 0; i < (size_t)RUNNING_FIRST << number; i++)
			count += sweep ? in_use(&table->entries[i])
			               : atomic_load(&table->entries[i].owner) != 0;
		munmap(table, table_size(number));
	}
	return count;
}

/* Those that began without a limit, or under a higher one, may sit beyond the first limit entries. */
static bool
too_many(struct set set, size_t limit)
{
	return count_all(set, false) > limit && count_all(set, true) > limit;
}

/* One of the first limit entries, in whichever table. NULL with errno; EDQUOT: there is none. */
static struct running_entry *
take_one(struct set set, uint64_t owner, size_t limit, bool sweep)
{
	for (unsigned number = 0; number < RUNNING_TABLES && limit > 0; number++) {
		size_t count = (size_t)RUNNING_FIRST << number;
		struct running_table *table = table_open(set, number);
		struct running_entry *entry;

		if (!table)
			return NULL;
		if (count > limit)
			count = limit;
		limit -= count;
		entry = claim(table, count, owner, sweep);
		/* The table stays mapped for as long as we live: giving the entry back is one store. */
		if (entry)
			return entry;
		munmap(table, table_size(number));
	}
	errno = EDQUOT;
	return NULL;
}

struct running_entry *
running_take(uid_t uid, uint64_t owner, unsigned limit, bool joins)
{
	const struct set set = {uid, joins};
	size_t most = limit ? limit : RUNNING_MAX;
	struct running_entry *entry = take_one(set, owner, most, false);

	if (!entry && errno == EDQUOT)
		entry = take_one(set, owner, most, true);
	if (!entry || !limit || !too_many(set, limit))
		return entry;
	running_release(entry);
	errno = EDQUOT;
	return NULL;
}

void
running_fill(const struct launch *launch, const char *command, int length)
{
	struct running_entry *entry = launch->running;
	struct process init = {.start = 0};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	process_read(launch->init, &init);
	entry->since = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	entry->init = launch->init;
	entry->init_start = init.start;
	entry->handle = launch->origin->pid;
	entry->uid = launch->origin->uid;
	atomic_store(&entry->facts, 0);
	snprintf(entry->joins, sizeof entry->joins, "%s",
	    launch->request.join ? launch->request.join : "");
	snprintf(entry->id, sizeof entry->id, "%s", launch->id);
	snprintf(entry->user, sizeof entry->user, "%s", launch->caller.user.name);
	snprintf(entry->run_as, sizeof entry->run_as, "%s", launch->as.user.name);
	snprintf(entry->image, sizeof entry->image, "%s", launch->request.image);
	snprintf(entry->image_path, sizeof entry->image_path, "%s", launch->image.path);
	snprintf(entry->image_sha256, sizeof entry->image_sha256, "%s", launch->image.sha256);
	snprintf(entry->name, sizeof entry->name, "%s",
	    launch->request.name ? launch->request.name : "");
	snprintf(entry->rule, sizeof entry->rule, "%s", launch->decision.rule);
	snprintf(entry->command, sizeof entry->command, "%.*s", length, command ? command : "");
	atomic_store(&entry->filled, atomic_load(&entry->owner));
}

void
running_release(struct running_entry *entry)
{
	atomic_store(&entry->owner, 0);
}

/* Copies an entry that is of one and the same living SUPERVISOR before and after. */
static bool
copy(struct running_entry *entry, struct running_entry *to)
{
	uint64_t owner = atomic_load(&entry->owner);

	if (!owner || !in_use(entry))
		return false;
	memcpy(to, entry, sizeof *to);
	to->id[sizeof to->id - 1] = to->joins[sizeof to->joins - 1] = '\0';
	return to->owner == owner && to->filled == owner && atomic_load(&entry->owner) == owner;
}

/* Behind the *count that are there. */
static int
add_own(struct set set, struct running_entry **entries, size_t *count)
{
	for (unsigned number = 0; number < RUNNING_TABLES; number++) {
		size_t more = (size_t)RUNNING_FIRST << number;
		struct running_table *table = table_existing(set, number);
		struct running_entry *room;

		if (!table)
			break;
		room = realloc(*entries, (*count + more) * sizeof *room);
		if (!room)
			return -1;
		*entries = room;
		for (size_t i = 0; i < more; i++)
			*count += copy(&table->entries[i], &room[*count]);
		munmap(table, table_size(number));
	}
	return 0;
}

int
running_own(uid_t uid, struct running_entry **entries, size_t *count)
{
	*entries = NULL;
	*count = 0;
	if (add_own((struct set){uid, false}, entries, count) != 0)
		return -1;
	return add_own((struct set){uid, true}, entries, count);
}

int
running_find(uid_t uid, const char *id, struct running_entry *found)
{
	struct running_entry *entries;
	size_t count;
	int status = 0;

	if (running_own(uid, &entries, &count) == 0)
		for (size_t i = 0; !status && i < count; i++)
			if (strcmp(entries[i].id, id) == 0) {
				memcpy(found, &entries[i], sizeof *found);
				status = 1;
			}
	free(entries);
	return status;
}
