/*
 * Reads the audit trail with libsystemd, and decides what counts as boxdo's.
 *
 * Stage:     none; part of `boxdo log`, a program of its own.
 * Privilege: the auditor's, none gained.
 * Trusts:    fields journald sets itself (their names begin with _; no sender can).
 * Distrusts: everything else in a record. It is ours only if root's process sent it by the native
 *            protocol, with one of our five MESSAGE_IDs: syslog lines, and the stdout of services, can
 *            hold any text, but neither another _TRANSPORT nor _UID=0 from a user's process.
 * On error:  negative errno, or NULL with a line for the user.
 */
#include "audit/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#define READER_NAMESPACE "boxdo"
#define READER_CLOCK_SLACK 2000000 /* us: start and record are told by different clocks */

/* As record.c has them; never the other way round, the reader links nothing that writes. */
static const char *const reader_message_ids[] = {
    "cb6401be1ff74e94b01396704cfbb9bf", /* launch */
    "0159e7bab49e4b418ea3081115403feb", /* refuse */
    "d19f07aa1db04826bc4a54e94a61870a", /* end */
    "c4c6ddc6cd11485fbdcd78c1ea69239f", /* auth */
    "b8bb48c3c6364706ab7be90744ba73fe", /* policy */
};

/* Ids of the records seen, to show each once: a set with open addressing, at most half full. */
struct reader_seen {
	uint64_t (*slots)[2];
	size_t size, used;
};

struct reader {
	sd_journal *journal, *ends; /* ends: a second look, for the end of one launch */
	const struct reader_filter *filter;
	struct reader_seen seen;
};

/* --- may we read at all? --------------------------------------------------------------------------- */

enum reader_access { READER_NOTHING, READER_DENIED, READER_READABLE };

/* libsystemd skips in silence what it may not open; an empty answer would look like an empty trail. */
static enum reader_access
reader_probe(const char *path)
{
	enum reader_access result = READER_NOTHING;
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (dir == NULL)
		return errno == EACCES ? READER_DENIED : READER_NOTHING;
	while ((entry = readdir(dir)) != NULL) {
		int fd;

		if (strstr(entry->d_name, ".journal") == NULL)
			continue;
		fd =
		    openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd != -1) {
			close(fd);
			result = READER_READABLE;
			break;
		}
		if (errno == EACCES || errno == EPERM)
			result = READER_DENIED;
	}
	closedir(dir);
	return result;
}

static enum reader_access
reader_probe_host(void)
{
	static const char *const bases[] = {"/var/log/journal", "/run/log/journal"};
	enum reader_access best = READER_NOTHING;
	char path[128], id[33];
	sd_id128_t machine;

	if (sd_id128_get_machine(&machine) < 0)
		return READER_NOTHING;
	for (size_t i = 0; i < 2; i++) {
		enum reader_access found;

		snprintf(path, sizeof path, "%s/%s." READER_NAMESPACE, bases[i],
		    sd_id128_to_string(machine, id));
		found = reader_probe(path);
		if (found > best)
			best = found;
	}
	return best;
}

/* --- opening ----------------------------------------------------------------------------------------- */

static int
reader_match(sd_journal *journal, const char *name, const char *value)
{
	char text[512];
	int length = snprintf(text, sizeof text, "%s=%s", name, value);

	return length >= (int)sizeof text ? -ENAMETOOLONG
	                                  : sd_journal_add_match(journal, text, (size_t)length);
}

/* Matches of one field are alternatives, different fields must all match. */
static int
reader_match_ours(sd_journal *journal)
{
	int result = reader_match(journal, "_UID", "0");

	if (result >= 0)
		result = reader_match(journal, "_TRANSPORT", "journal");
	for (size_t i = 0;
	     i < sizeof reader_message_ids / sizeof *reader_message_ids && result >= 0; i++)
		result = reader_match(journal, "MESSAGE_ID", reader_message_ids[i]);
	return result;
}

/* Names and numbers of users may come together: then both fields count, each for its own. */
static int
reader_match_users(sd_journal *journal, const char *const *users)
{
	int result = users == NULL ? 0 : sd_journal_add_conjunction(journal);

	for (int numbers = 0; users != NULL && numbers < 2; numbers++) {
		for (const char *const *user = users; *user != NULL && result >= 0; user++)
			if ((strspn(*user, "0123456789") == strlen(*user)) == numbers)
				result = reader_match(
				    journal, numbers ? "BOXDO_UID" : "BOXDO_USER", *user);
		if (!numbers && result >= 0)
			result = sd_journal_add_disjunction(journal);
	}
	return result;
}

static int
reader_match_all(sd_journal *journal, const struct reader_filter *filter)
{
	int result = reader_match_ours(journal);

	for (const char *const *event = filter->events; event && *event && result >= 0; event++)
		result = reader_match(journal, "BOXDO_EVENT", *event);
	for (const char *const *id = filter->ids; id && *id && result >= 0; id++)
		result = reader_match(journal, "BOXDO_ID", *id);
	return result < 0 ? result : reader_match_users(journal, filter->users);
}

static int
reader_open_journal(sd_journal **journal, const char *directory)
{
	int result = directory != NULL ? sd_journal_open_directory(journal, directory, 0)
	                               : sd_journal_open_namespace(
	                                     journal, READER_NAMESPACE, SD_JOURNAL_LOCAL_ONLY);

	/* Without this, libsystemd hands out the first 64 KiB of a long field. */
	return result < 0 ? result : sd_journal_set_data_threshold(*journal, 0);
}

struct reader *
reader_open(const char *directory, const struct reader_filter *filter, char error[READER_ERROR_MAX])
{
	enum reader_access access =
	    directory != NULL ? reader_probe(directory) : reader_probe_host();
	struct reader *reader;
	int result;

	if (access == READER_DENIED) {
		snprintf(error, READER_ERROR_MAX,
		    "you may not read the audit journal; members of group"
		    " systemd-journal (or boxdo-audit) may");
		return NULL;
	}
	if (access == READER_NOTHING) {
		snprintf(error, READER_ERROR_MAX, "there is no audit journal %s%s",
		    directory ? "in "
		              : "on this host;"
		                " is systemd-journald@" READER_NAMESPACE ".socket running?",
		    directory ? directory : "");
		return NULL;
	}
	reader = calloc(1, sizeof *reader);
	if (reader == NULL) {
		snprintf(error, READER_ERROR_MAX, "out of memory");
		return NULL;
	}
	reader->filter = filter;
	result = reader_open_journal(&reader->journal, directory);
	if (result >= 0)
		result = reader_open_journal(&reader->ends, directory);
	if (result >= 0)
		result = reader_match_all(reader->journal, filter);
	if (result >= 0)
		return reader;
	snprintf(
	    error, READER_ERROR_MAX, "the audit journal cannot be opened: %s", strerror(-result));
	reader_close(reader);
	return NULL;
}

void
reader_close(struct reader *reader)
{
	if (reader == NULL)
		return;
	sd_journal_close(reader->journal);
	sd_journal_close(reader->ends);
	free(reader->seen.slots);
	free(reader);
}

/* --- entries ----------------------------------------------------------------------------------------- */

void
reader_entry_free(struct reader_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++)
		free(entry->fields[i].name);
	free(entry->fields);
	*entry = (struct reader_entry){0};
}

const struct reader_field *
reader_get(const struct reader_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->count; i++)
		if (strcmp(entry->fields[i].name, name) == 0)
			return &entry->fields[i];
	return NULL;
}

const char *
reader_text(const struct reader_entry *entry, const char *name)
{
	const struct reader_field *field = reader_get(entry, name);

	return field == NULL ? "" : field->value;
}

/* Copies NAME=VALUE as two strings, name and value, in one block that the name owns. */
static int
reader_add(struct reader_entry *entry, const char *data, size_t length)
{
	const char *equals = memchr(data, '=', length);
	struct reader_field *fields, *field;

	if (equals == NULL)
		return 0;
	if (strncmp(data, "BOXDO_", 6) == 0) {
		data += 6;
		length -= 6;
	}
	fields = reallocarray(entry->fields, entry->count + 1, sizeof *fields);
	if (fields == NULL)
		return -ENOMEM;
	entry->fields = fields;
	field = &fields[entry->count];
	field->name = malloc(length + 1);
	if (field->name == NULL)
		return -ENOMEM;
	entry->count++;
	memcpy(field->name, data, length);
	field->name[length] = '\0';
	field->name[equals - data] = '\0';
	field->value = field->name + (equals - data) + 1;
	field->length = length - (size_t)(equals - data) - 1;
	return 0;
}

/* What is shown of a record: our own fields, and of journald's those that say who and where. */
static bool
reader_wanted(const char *data)
{
	static const char *const names[] = {
	    "BOXDO_", "MESSAGE=", "_PID=", "_BOOT_ID=", "_MACHINE_ID=", "_UID="};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(data, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static int
reader_fill(sd_journal *journal, struct reader_entry *entry)
{
	const void *data;
	size_t length;
	int result = sd_journal_get_realtime_usec(journal, &entry->realtime);

	sd_journal_restart_data(journal);
	while (result >= 0 &&
	       (result = sd_journal_enumerate_available_data(journal, &data, &length)) > 0)
		if (reader_wanted(data))
			result = reader_add(entry, data, length);
	return result;
}

/* --- each record once -------------------------------------------------------------------------------- */

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

/* 1: new; 0: seen before; -errno. A record without a proper id is always new. */
static int
seen_add(struct reader_seen *seen, const char *record)
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

static void
seen_clear(struct reader_seen *seen)
{
	free(seen->slots);
	*seen = (struct reader_seen){0};
}

/* --- what became of a launch --------------------------------------------------------------------------- */

static bool
reader_same_host(const struct reader_entry *launch)
{
	sd_id128_t machine, boot, of_machine, of_boot;

	return sd_id128_get_machine(&machine) >= 0 && sd_id128_get_boot(&boot) >= 0 &&
	       sd_id128_from_string(reader_text(launch, "_MACHINE_ID"), &of_machine) >= 0 &&
	       sd_id128_from_string(reader_text(launch, "_BOOT_ID"), &of_boot) >= 0 &&
	       sd_id128_equal(machine, of_machine) && sd_id128_equal(boot, of_boot);
}

/* When the process started, in microseconds since 1970; UINT64_MAX: it cannot be told. */
static uint64_t
reader_process_start(const char *stat)
{
	const char *at = strrchr(stat, ')'); /* the name before may hold anything */
	struct timespec boot, real;
	unsigned long long ticks;

	if (at == NULL ||
	    sscanf(at + 1, " %*c%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%llu",
	        &ticks) != 1)
		return UINT64_MAX;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	return (uint64_t)(real.tv_sec - boot.tv_sec) * 1000000 +
	       ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* Is the sender of the launch record, which owes the end, still there? Not just its number again. */
static bool
reader_is_running(const struct reader_entry *launch)
{
	char path[64], stat[1024] = "";
	long pid = strtol(reader_text(launch, "_PID"), NULL, 10);
	FILE *file;
	size_t got;

	if (pid <= 0 || !reader_same_host(launch) || (kill((pid_t)pid, 0) == -1 && errno == ESRCH))
		return false;
	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return true; /* hidepid=: kill() has seen it */
	got = fread(stat, 1, sizeof stat - 1, file);
	fclose(file);
	stat[got] = '\0';
	return reader_process_start(stat) <= launch->realtime + READER_CLOCK_SLACK;
}

/* The end record by the journal's own index, not by reading on: 1 found, 0 none. */
static int
reader_find_end(struct reader *reader, const char *id, struct reader_entry *end)
{
	int result;

	sd_journal_flush_matches(reader->ends);
	if (reader_match_ours(reader->ends) < 0 ||
	    reader_match(reader->ends, "BOXDO_EVENT", "end") < 0 ||
	    reader_match(reader->ends, "BOXDO_ID", id) < 0)
		return 0;
	sd_journal_process(reader->ends); /* new files, when following */
	result = sd_journal_seek_head(reader->ends);
	if (result >= 0)
		result = sd_journal_next(reader->ends);
	if (result > 0 && end != NULL && reader_fill(reader->ends, end) < 0)
		reader_entry_free(end);
	return result > 0;
}

enum reader_state
reader_launch_state(
    struct reader *reader, const struct reader_entry *launch, struct reader_entry *end)
{
	bool running;

	if (end != NULL)
		*end = (struct reader_entry){0};
	/* Asked before: else a launch that ends between the two questions has no end and does not run. */
	running = reader_is_running(launch);
	if (reader_find_end(reader, reader_text(launch, "ID"), end))
		return READER_ENDED;
	return running ? READER_RUNNING : READER_NO_END;
}

/* --- walking ------------------------------------------------------------------------------------------- */

static bool
reader_glob(const char *glob, const char *text)
{
	return fnmatch(glob, text, 0) == 0;
}

/* RULE is "allow ml (FILE:LINE)"; asked for as "ml", "allow ml" or all of it. */
static bool
reader_rule_matches(const char *glob, const char *rule)
{
	const char *place = strstr(rule, " (");
	char name[512];
	const char *space;

	snprintf(name, sizeof name, "%.*s", place == NULL ? (int)strlen(rule) : (int)(place - rule),
	    rule);
	space = strchr(name, ' ');
	return reader_glob(glob, rule) || reader_glob(glob, name) ||
	       (space != NULL && reader_glob(glob, space + 1));
}

static bool
reader_passes(struct reader *reader, const struct reader_entry *entry)
{
	const struct reader_filter *filter = reader->filter;

	if (reader_get(entry, "EVENT") == NULL)
		return false;
	if (filter->image != NULL && !reader_glob(filter->image, reader_text(entry, "IMAGE")) &&
	    !reader_glob(filter->image, reader_text(entry, "IMAGE_PATH")))
		return false;
	if (filter->rule != NULL && !reader_rule_matches(filter->rule, reader_text(entry, "RULE")))
		return false;
	return !filter->running || (strcmp(reader_text(entry, "EVENT"), "launch") == 0 &&
	                               reader_launch_state(reader, entry, NULL) == READER_RUNNING);
}

int
reader_next(struct reader *reader, bool backward, struct reader_entry *entry)
{
	const struct reader_filter *filter = reader->filter;
	int result;

	*entry = (struct reader_entry){0};
	while ((result = backward ? sd_journal_previous(reader->journal)
	                          : sd_journal_next(reader->journal)) > 0) {
		result = reader_fill(reader->journal, entry);
		if (result >= 0 && (backward ? entry->realtime < filter->since
		                             : entry->realtime > filter->until)) {
			reader_entry_free(entry);
			return 0;
		}
		/* Seeking goes to the nearest entry, which may lie outside. Damaged ones (-EBADMSG) are passed over. */
		if (result >= 0 && entry->realtime >= filter->since &&
		    entry->realtime <= filter->until && reader_passes(reader, entry)) {
			result = seen_add(&reader->seen, reader_text(entry, "RECORD"));
			if (result > 0)
				return 1;
		}
		reader_entry_free(entry);
		if (result < 0 && result != -EBADMSG)
			return result;
	}
	return result;
}

static int
reader_seek(struct reader *reader, bool tail)
{
	seen_clear(&reader->seen);
	if (tail)
		return reader->filter->until == UINT64_MAX
		           ? sd_journal_seek_tail(reader->journal)
		           : sd_journal_seek_realtime_usec(reader->journal, reader->filter->until);
	return reader->filter->since == 0
	           ? sd_journal_seek_head(reader->journal)
	           : sd_journal_seek_realtime_usec(reader->journal, reader->filter->since);
}

int
reader_start(struct reader *reader, uint64_t count, bool backward)
{
	int result = reader_seek(reader, backward || count > 0);
	struct reader_entry entry;
	uint64_t at = 0;

	if (backward || count == 0)
		return result;
	/* Back over that many; there is one more step back to do, so that the next is the first of them. */
	while (result >= 0 && count > 0 && (result = reader_next(reader, true, &entry)) > 0) {
		at = entry.realtime;
		reader_entry_free(&entry);
		count--;
	}
	if (result < 0)
		return result;
	seen_clear(&reader->seen);
	if (count > 0 || at == 0)
		return reader_seek(reader, false);
	result = sd_journal_previous(reader->journal);
	return result == 0 ? sd_journal_seek_head(reader->journal) : result;
}

int
reader_wait(struct reader *reader)
{
	int result = sd_journal_wait(reader->journal, (uint64_t)-1);

	return result < 0 ? result : 0;
}

/* --- time ---------------------------------------------------------------------------------------------- */

static const struct reader_unit {
	const char *names; /* each between blanks */
	uint64_t usec;
} reader_units[] = {
    {" us usec ", 1},
    {" ms msec ", 1000},
    {" s sec second seconds ", 1000000},
    {" m min minute minutes ", 60000000},
    {" h hr hour hours ", 3600000000},
    {" d day days ", 86400000000},
    {" w week weeks ", 604800000000},
    {" M month months ", 2629800000000},
    {" y year years ", 31557600000000},
};

/* Length of the unit at text, its size in *usec; 0: none. */
static size_t
time_unit(const char *text, uint64_t *usec)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzM");
	char word[16];

	if (length == 0 || length > sizeof word - 3)
		return 0;
	snprintf(word, sizeof word, " %.*s ", (int)length, text);
	for (size_t i = 0; i < sizeof reader_units / sizeof *reader_units; i++) {
		if (strstr(reader_units[i].names, word) != NULL) {
			*usec = reader_units[i].usec;
			return length;
		}
	}
	return 0;
}

/* "1h 30min", "90" (seconds); up to the end of text or " ago". Returns what follows; NULL: no span. */
static const char *
time_span(const char *text, uint64_t *span)
{
	bool any = false;

	for (*span = 0;; any = true) {
		uint64_t unit = 1000000, number;
		char *end;

		text += strspn(text, " ");
		if (*text < '0' || *text > '9')
			return any ? text : NULL;
		errno = 0;
		number = strtoull(text, &end, 10);
		text = end + strspn(end, " ");
		/* The word "ago" is no unit. */
		if (strcmp(text, "ago") != 0)
			text += time_unit(text, &unit);
		if (errno != 0 || number > UINT64_MAX / 4 / unit ||
		    (*span += number * unit) > UINT64_MAX / 4)
			return NULL;
	}
}

/* -SPAN, +SPAN, "SPAN ago", @SECONDS. */
static int
time_relative(const char *text, uint64_t now, uint64_t *time)
{
	bool before = *text == '-', after = *text == '+', absolute = *text == '@';
	const char *rest;
	uint64_t span;

	if (absolute && strspn(text + 1, "0123456789") != strlen(text + 1))
		return -1;
	rest = time_span(text + (before || after || absolute), &span);
	if (rest == NULL || (!before && !after && !absolute && strcmp(rest, "ago") != 0))
		return -1;
	if ((before || after || absolute) && *rest != '\0')
		return -1;
	if (absolute)
		*time = span;
	else if (after)
		*time = now + span;
	else
		*time = span > now ? 0 : now - span;
	return 0;
}

static int
time_of(struct tm *tm, uint64_t *time)
{
	time_t seconds;

	/* Summer time: whichever holds at that time. */
	tm->tm_isdst = -1;
	seconds = mktime(tm);
	if (seconds < 0)
		return -1;
	*time = (uint64_t)seconds * 1000000;
	return 0;
}

/* today, yesterday, tomorrow: midnight. now. */
static int
time_word(const char *text, uint64_t now, uint64_t *time)
{
	static const char *const words[] = {"yesterday", "today", "tomorrow"};
	time_t seconds = (time_t)(now / 1000000);
	struct tm tm;

	if (strcmp(text, "now") == 0) {
		*time = now;
		return 0;
	}
	localtime_r(&seconds, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	for (int i = 0; i < 3; i++) {
		if (strcmp(text, words[i]) == 0) {
			tm.tm_mday += i - 1;
			return time_of(&tm, time);
		}
	}
	return -1;
}

/* A calendar date that mktime would silently turn into another one (February 31) is none. */
static int
time_calendar(const char *text, uint64_t now, uint64_t *time)
{
	static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
	    "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"};
	time_t seconds = (time_t)(now / 1000000);

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct tm tm, asked;
		const char *end;

		localtime_r(&seconds, &tm);
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		end = strptime(text, formats[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		asked = tm;
		if (time_of(&tm, time) == -1)
			return -1;
		return tm.tm_mday == asked.tm_mday && tm.tm_mon == asked.tm_mon ? 0 : -1;
	}
	return -1;
}

int
reader_time(const char *text, uint64_t now, uint64_t *time)
{
	if (time_word(text, now, time) == 0 || time_calendar(text, now, time) == 0)
		return 0;
	return time_relative(text, now, time);
}
