/*
 * boxdo report: counting. One pass over the records; names are any bytes.
 */
#include "client/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const report_count_names[] = {"EVENT", "RECORD", "USER", "UID", "HOST", "IMAGE",
    "REASON", "EXIT", "SIGNAL", "DURATION_USEC", "CPU_USEC", NULL};

static uint64_t
count_hash(const char *name)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211ULL;
	return hash;
}

static struct report_item *
count_slot(const struct report_items *items, const char *name)
{
	size_t at = count_hash(name) % items->size;

	while (items->slots[at].name != NULL && strcmp(items->slots[at].name, name) != 0)
		at = (at + 1) % items->size;
	return &items->slots[at];
}

static int
count_grow(struct report_items *items)
{
	struct report_items larger = {
	    .size = items->size == 0 ? 64 : 2 * items->size, .used = items->used};

	larger.slots = calloc(larger.size, sizeof *larger.slots);
	if (larger.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < items->size; i++)
		if (items->slots[i].name != NULL)
			*count_slot(&larger, items->slots[i].name) = items->slots[i];
	free(items->slots);
	*items = larger;
	return 0;
}

/* The item of that name; NULL: out of memory. */
static struct report_item *
count_item(struct report_items *items, const char *name)
{
	struct report_item *item;

	if (2 * (items->used + 1) > items->size && count_grow(items) < 0)
		return NULL;
	item = count_slot(items, name);
	if (item->name == NULL) {
		item->name = strdup(name);
		if (item->name == NULL)
			return NULL;
		items->used++;
	}
	return item;
}

static int
count_time(struct report *report, uint64_t at, enum report_kind kind)
{
	if (report->time_count == report->time_capacity) {
		size_t capacity = report->time_capacity == 0 ? 1024 : 2 * report->time_capacity;
		uint64_t(*more)[2] = reallocarray(report->times, capacity, sizeof *more);

		if (more == NULL)
			return -ENOMEM;
		report->times = more;
		report->time_capacity = capacity;
	}
	report->times[report->time_count][0] = at;
	report->times[report->time_count++][1] = kind;
	return 0;
}

static void
count_hour(struct report *report, uint64_t realtime)
{
	time_t seconds = (time_t)(realtime / 1000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	report->hours[(tm.tm_wday + 6) % 7][tm.tm_hour]++;
}

/* Started and ended by a signal, or not with 0; and what was on record and never started. */
static bool
count_failed(const struct reader_entry *end)
{
	return strcmp(reader_entry_text(end, "EXIT"), "0") != 0;
}

static void
count_into(struct report_item *item, const struct reader_entry *entry)
{
	if (reader_entry_is(entry, "launch")) {
		item->launches++;
	} else if (reader_entry_is(entry, "refuse")) {
		item->refusals++;
	} else {
		item->failures += count_failed(entry);
		item->usec += strtoull(reader_entry_text(entry, "DURATION_USEC"), NULL, 10);
		item->cpu += strtoull(reader_entry_text(entry, "CPU_USEC"), NULL, 10);
	}
}

static const char *
count_name(const struct reader_entry *entry, const char *field, const char *instead)
{
	const char *name = reader_entry_text(entry, field);

	return *name == '\0' ? reader_entry_text(entry, instead) : name;
}

static int
count_entry(struct report *report, const struct reader_entry *entry)
{
	struct report_item *items[] = {count_item(&report->users, count_name(entry, "USER", "UID")),
	    count_item(&report->images, reader_entry_text(entry, "IMAGE")),
	    count_item(&report->hosts, reader_entry_text(entry, "HOST")), &report->all};
	bool refused = reader_entry_is(entry, "refuse"), end = reader_entry_is(entry, "end");
	struct report_item *reason;

	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		if (items[i] == NULL)
			return -ENOMEM;
		count_into(items[i], entry);
	}
	if (report->since == 0 || entry->realtime < report->since)
		report->since = entry->realtime;
	if (report->until == 0 || entry->realtime > report->until)
		report->until = entry->realtime;
	if (refused) {
		reason = count_item(&report->reasons, reader_entry_text(entry, "REASON"));
		if (reason == NULL)
			return -ENOMEM;
		reason->refusals++;
	}
	if (end && !count_failed(entry))
		return 0;
	if (!refused && !end)
		count_hour(report, entry->realtime);
	return count_time(report, entry->realtime,
	    refused ? REPORT_REFUSAL
	    : end   ? REPORT_FAILURE
	            : REPORT_LAUNCH);
}

/* The full minute, hour or day before. */
static uint64_t
count_begin(uint64_t realtime, uint64_t minutes)
{
	time_t seconds = (time_t)(realtime / 1000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	tm.tm_sec = 0;
	tm.tm_min = minutes >= 60 ? 0 : tm.tm_min - tm.tm_min % (int)minutes;
	tm.tm_hour = minutes >= 1440 ? 0 : tm.tm_hour;
	tm.tm_isdst = -1;
	seconds = mktime(&tm);
	return seconds < 0 ? realtime : (uint64_t)seconds * 1000000;
}

/* Columns of a length people know, as many as fit. */
static void
count_columns(struct report *report)
{
	static const uint64_t minutes[] = {1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880,
	    10080, 20160, 43200, 86400, 129600, 525600, 5256000};
	uint64_t span = report->until > report->since ? report->until - report->since : 1;
	size_t i = 0;

	while (i + 1 < sizeof minutes / sizeof *minutes &&
	       span / (minutes[i] * 60000000) >= report->column_max - 1)
		i++;
	report->step = minutes[i] * 60000000;
	report->since = count_begin(report->since, minutes[i]);
	span = report->until - report->since;
	report->column_count = (size_t)(span / report->step) + 1;
	if (report->column_count > report->column_max)
		report->column_count = report->column_max;
	for (size_t at = 0; at < report->time_count; at++) {
		uint64_t time = report->times[at][0],
		         column = time < report->since ? 0 : (time - report->since) / report->step;

		if (column < report->column_count)
			report->columns[column][report->times[at][1]]++;
	}
}

int
report_count(struct report *report, struct reader *reader)
{
	struct reader_entry entry;
	int result = reader_start(reader, 0, false);

	while (result >= 0 && (result = reader_next(reader, false, &entry)) > 0) {
		result = count_entry(report, &entry);
		reader_entry_free(&entry);
	}
	if (result >= 0)
		count_columns(report);
	return result;
}

static void
count_free_items(struct report_items *items)
{
	for (size_t i = 0; i < items->size; i++)
		free(items->slots[i].name);
	free(items->slots);
}

void
report_count_free(struct report *report)
{
	count_free_items(&report->users);
	count_free_items(&report->images);
	count_free_items(&report->hosts);
	count_free_items(&report->reasons);
	free(report->times);
}

size_t
report_count_top(const struct report_items *items, uint64_t (*weight)(const struct report_item *),
    const struct report_item **top, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < items->size; i++) {
		const struct report_item *item = &items->slots[i];
		size_t at = count;

		if (item->name == NULL || weight(item) == 0)
			continue;
		while (at > 0 && weight(top[at - 1]) < weight(item))
			at--;
		if (at == max)
			continue;
		count += count < max;
		memmove(&top[at + 1], &top[at], (count - at - 1) * sizeof *top);
		top[at] = item;
	}
	return count;
}

uint64_t
report_count_launches(const struct report_item *item)
{
	return item->launches;
}

uint64_t
report_count_refusals(const struct report_item *item)
{
	return item->refusals;
}

uint64_t
report_count_failures(const struct report_item *item)
{
	return item->failures;
}

uint64_t
report_count_usec(const struct report_item *item)
{
	return item->usec;
}
