/*
 * limit.c: how often a user may start containers
 *
 * Stage 8. Privilege: uid 0. Trusts: files that root alone can open; the kernel's clock since boot, which
 * nobody sets. Errors: returned; the launch is refused.
 *
 * A limit of N a minute is N slots, each of which may be taken once a minute: so no minute, wherever it
 * begins, sees more than N launches, however many ask at once (a slot changes hands by one
 * compare-and-swap). No lock. Where two rules have different limits, what was taken under the higher one
 * counts for the lower; two that meet there may both be refused, never both be let in.
 */
#include "broker/limit.h"

#include "audit/audit.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LIMIT_MAGIC 0x626f78646f6c6d31 /* "boxdolm1" */
#define LIMIT_SECOND 1000000000ULL

/* /run/boxdo/launches/UID.UNIT: when each slot was taken; 0: never. */
struct limit_table {
	_Atomic uint64_t magic;
	_Atomic uint64_t taken[POLICY_LAUNCHES_MAX];
};

/* A launch of the future was one before a reboot (a /run that is not cleared). */
static bool
within(uint64_t taken, uint64_t window, uint64_t now)
{
	return taken != 0 && taken + window > now && taken < now + window;
}

static int
by_time(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Seconds until fewer than limit of those that count are left; 0: so few it is already. */
static uint64_t
wait_seconds(const struct limit_table *table, unsigned limit, uint64_t window, uint64_t now)
{
	uint64_t times[POLICY_LAUNCHES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < POLICY_LAUNCHES_MAX; i++) {
		uint64_t taken = atomic_load(&table->taken[i]);

		if (within(taken, window, now))
			times[count++] = taken;
	}
	if (count < limit)
		return 0;
	qsort(times, count, sizeof times[0], by_time);
	return (times[count - limit] + window - now + LIMIT_SECOND - 1) / LIMIT_SECOND;
}

/* One of the first limit slots that may be taken again. Its former time goes to *before. */
static _Atomic uint64_t *
take(struct limit_table *table, unsigned limit, uint64_t window, uint64_t now, uint64_t *before)
{
	for (size_t i = 0; i < limit && i < POLICY_LAUNCHES_MAX; i++) {
		*before = atomic_load(&table->taken[i]);
		if (!within(*before, window, now) &&
		    atomic_compare_exchange_strong(&table->taken[i], before, now))
			return &table->taken[i];
	}
	return NULL;
}

static const uint64_t windows[POLICY_UNITS] = {
    60 * LIMIT_SECOND, 3600 * LIMIT_SECOND, 86400 * LIMIT_SECOND};

/* Takes a slot; or returns the seconds to wait for one. */
static uint64_t
take_one(struct limit_table *table, unsigned limit, uint64_t window, uint64_t now)
{
	uint64_t before = 0, wait;
	_Atomic uint64_t *slot = take(table, limit, window, now, &before);

	if (!slot) {
		wait = wait_seconds(table, limit, window, now);
		return wait ? wait : 1; /* one became free while we looked */
	}
	/* Ours is one of those it counts. */
	wait = wait_seconds(table, limit + 1, window, now);
	if (wait)
		atomic_store(slot, before);
	return wait;
}

/*
 * All limits are asked before a slot of any is taken: who tries in vain again and again, because the day is
 * used up, shall find the next hour's launches still there.
 */
static bool
permitted(struct limit_table *const tables[POLICY_UNITS], const unsigned limits[POLICY_UNITS],
    uint64_t now, enum policy_unit *unit, uint64_t *wait)
{
	for (int i = 0; i < 2 * POLICY_UNITS; i++) {
		*unit = (enum policy_unit)(i % POLICY_UNITS);
		if (!tables[*unit])
			continue;
		*wait = i < POLICY_UNITS
		            ? wait_seconds(tables[*unit], limits[*unit], windows[*unit], now)
		            : take_one(tables[*unit], limits[*unit], windows[*unit], now);
		if (*wait)
			return false;
	}
	return true;
}

int
limit_launch(uid_t uid, const unsigned limits[POLICY_UNITS], uint64_t now, enum policy_unit *unit,
    uint64_t *wait)
{
	struct limit_table *tables[POLICY_UNITS] = {NULL};
	int error = 0;
	char name[24];

	for (int i = 0; !error && i < POLICY_UNITS; i++) {
		snprintf(name, sizeof name, "%u.%d", uid, i);
		if (limits[i] && !(tables[i] = audit_state_file(
		                       "launches", name, sizeof *tables[i], LIMIT_MAGIC)))
			error = errno;
	}
	if (!error && !permitted(tables, limits, now, unit, wait))
		error = EDQUOT;
	for (int i = 0; i < POLICY_UNITS; i++)
		if (tables[i])
			munmap(tables[i], sizeof *tables[i]);
	errno = error;
	return error ? -1 : 0;
}
