/*
 * boxdo log --gaps: is a record missing? BOXDO_SEQ counts the records of one boot of one host, so a number that
 * is not there is a request that could not be recorded (and was refused), or a record that was taken away.
 */
#include "client/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GAPS_UNDERWAY 15000000 /* us: a number is taken before its record is sent */

struct gaps_number {
	uint64_t seq, realtime;
};

/* One boot of one host. */
struct gaps_boot {
	char machine[33], boot[33], host[256];
	uint64_t oldest; /* of its records */
	struct gaps_number *numbers;
	size_t count, capacity, unnumbered;
};

struct gaps {
	struct gaps_boot *boots;
	size_t count, last; /* last: the boot of the record before */
	uint64_t missing, now;
};

static struct gaps_boot *
gaps_boot(struct gaps *gaps, const struct reader_number *number)
{
	struct gaps_boot *more;

	for (size_t i = 0; i < gaps->count; i++) {
		size_t at = (gaps->last + i) % gaps->count;

		if (strcmp(gaps->boots[at].boot, number->boot) == 0 &&
		    strcmp(gaps->boots[at].machine, number->machine) == 0) {
			gaps->last = at;
			return &gaps->boots[at];
		}
	}
	more = reallocarray(gaps->boots, gaps->count + 1, sizeof *more);
	if (more == NULL)
		return NULL;
	gaps->boots = more;
	gaps->last = gaps->count++;
	more += gaps->last;
	*more = (struct gaps_boot){.oldest = UINT64_MAX};
	memcpy(more->machine, number->machine, sizeof more->machine);
	memcpy(more->boot, number->boot, sizeof more->boot);
	memcpy(more->host, number->host, sizeof more->host);
	return more;
}

static int
gaps_take(void *context, const struct reader_number *number)
{
	struct gaps_boot *boot = gaps_boot(context, number);

	if (boot == NULL)
		return -ENOMEM;
	if (number->realtime < boot->oldest)
		boot->oldest = number->realtime;
	if (number->seq == 0) {
		boot->unnumbered++;
		return 0;
	}
	if (boot->count == boot->capacity) {
		size_t capacity = boot->capacity == 0 ? 256 : 2 * boot->capacity;
		struct gaps_number *more = reallocarray(boot->numbers, capacity, sizeof *more);

		if (more == NULL)
			return -ENOMEM;
		boot->numbers = more;
		boot->capacity = capacity;
	}
	boot->numbers[boot->count++] =
	    (struct gaps_number){.seq = number->seq, .realtime = number->realtime};
	return 0;
}

static int
gaps_take_entry(struct gaps *gaps, const struct reader_entry *entry)
{
	struct reader_number number = {.realtime = entry->realtime,
	    .seq = strtoull(reader_entry_text(entry, "SEQ"), NULL, 10)};

	snprintf(
	    number.machine, sizeof number.machine, "%s", reader_entry_text(entry, "_MACHINE_ID"));
	snprintf(number.boot, sizeof number.boot, "%s", reader_entry_text(entry, "_BOOT_ID"));
	snprintf(number.host, sizeof number.host, "%s", reader_entry_text(entry, "HOST"));
	return gaps_take(gaps, &number);
}

static void
gaps_free(struct gaps *gaps)
{
	for (size_t i = 0; i < gaps->count; i++)
		free(gaps->boots[i].numbers);
	free(gaps->boots);
	*gaps = (struct gaps){.now = gaps->now};
}

/* Record by record, where the short way cannot tell. */
static int
gaps_read(struct gaps *gaps, struct reader *reader)
{
	struct reader_entry entry;
	int result = reader_start(reader, 0, false);

	gaps_free(gaps);
	while (result >= 0 && (result = reader_next(reader, false, &entry)) > 0) {
		result = gaps_take_entry(gaps, &entry);
		reader_entry_free(&entry);
	}
	return result;
}

static int
gaps_compare(const void *left, const void *right)
{
	const struct gaps_number *a = left, *b = right;

	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static int
gaps_compare_boots(const void *left, const void *right)
{
	const struct gaps_boot *a = left, *b = right;

	return a->oldest < b->oldest ? -1 : a->oldest > b->oldest;
}

/* The first boot of a host that is kept may have lost its beginning to retention; no other may. */
static bool
gaps_is_oldest(const struct gaps *gaps, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(gaps->boots[i].machine, gaps->boots[at].machine) == 0)
			return false;
	return true;
}

static void
gaps_hole(struct gaps *gaps, uint64_t from, uint64_t to, const struct gaps_number *before,
    const struct gaps_number *after)
{
	char left[32] = "the beginning", right[32];
	bool underway = after->realtime + GAPS_UNDERWAY > gaps->now;

	if (before != NULL)
		log_text_time(before->realtime, left, sizeof left);
	log_text_time(after->realtime, right, sizeof right);
	printf("  missing: %" PRIu64, from);
	if (to > from)
		printf(" to %" PRIu64, to);
	printf(
	    ", between %s and %s%s\n", left, right, underway ? " (perhaps still under way)" : "");
	if (!underway)
		gaps->missing += to - from + 1;
}

static void
gaps_show_boot(struct gaps *gaps, size_t at, const struct log_screen *screen)
{
	struct gaps_boot *boot = &gaps->boots[at];
	uint64_t twice = 0, missing = gaps->missing;
	const struct gaps_number *numbers = boot->numbers;

	qsort(boot->numbers, boot->count, sizeof *boot->numbers, gaps_compare);
	log_text(screen, boot->host, strlen(boot->host), 0);
	printf(", boot %.8s: %zu records", boot->boot, boot->count + boot->unnumbered);
	if (boot->count > 0)
		printf(", numbers %" PRIu64 " to %" PRIu64, numbers[0].seq,
		    numbers[boot->count - 1].seq);
	putchar('\n');
	if (boot->count > 0 && numbers[0].seq > 1) {
		if (gaps_is_oldest(gaps, at))
			puts("  begins there: older ones are not kept any more, or were not asked "
			     "for");
		else
			gaps_hole(gaps, 1, numbers[0].seq - 1, NULL, &numbers[0]);
	}
	for (size_t i = 1; i < boot->count; i++) {
		if (numbers[i].seq == numbers[i - 1].seq)
			twice++;
		else if (numbers[i].seq > numbers[i - 1].seq + 1)
			gaps_hole(gaps, numbers[i - 1].seq + 1, numbers[i].seq - 1, &numbers[i - 1],
			    &numbers[i]);
	}
	if (twice > 0)
		printf("  %" PRIu64
		       " numbers stand on two records: /run/boxdo was made anew in between\n",
		    twice);
	if (boot->unnumbered > 0)
		printf("  %zu records have no number: /run/boxdo could not be used\n",
		    boot->unnumbered);
	if (gaps->missing == missing && boot->count > 0)
		puts("  none is missing between them");
}

int
log_gaps(struct reader *reader, const struct log_screen *screen)
{
	struct gaps gaps = {.now = (uint64_t)time(NULL) * 1000000};
	uint64_t missing;
	int result = reader_numbers(reader, gaps_take, &gaps);

	if (result == -EPROTONOSUPPORT)
		result = gaps_read(&gaps, reader);
	if (result >= 0 && gaps.count > 0)
		qsort(gaps.boots, gaps.count, sizeof *gaps.boots, gaps_compare_boots);
	for (size_t i = 0; i < gaps.count && result >= 0; i++)
		gaps_show_boot(&gaps, i, screen);
	missing = gaps.missing;
	gaps_free(&gaps);
	if (result < 0)
		return result;
	if (missing > 0)
		printf("%" PRIu64
		       " missing: requests that could not be recorded, and so were refused;"
		       " or records that were removed\n",
		    missing);
	return missing > 0 ? LOG_FOUND : 0;
}
