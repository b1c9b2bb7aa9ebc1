/*
 * Reads the audit trail with libsystemd: opens it, walks it, finds single records in it.
 *
 * Stage:     none; part of `boxdo log`, a program of its own.
 * Privilege: the auditor's, none gained.
 * Trusts:    what reader_files.c lets through, as far as reader_entry.c believes it.
 * Distrusts: everything else in a record.
 * On error:  negative errno, or NULL with a line for the user.
 */
#include "audit/reader_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READER_NAMESPACE "boxdo"

/* Copies of the descriptors that were checked: libsystemd closes what it is given. */
static int
reader_open_files(sd_journal **journal, const struct reader_files *files)
{
	int *fds = calloc(files->count, sizeof *fds), result = 0;
	size_t count = 0;

	if (fds == NULL)
		return -ENOMEM;
	while (count < files->count && result == 0) {
		fds[count] = fcntl(files->files[count].fd, F_DUPFD_CLOEXEC, 3);
		if (fds[count] == -1)
			result = -errno;
		else
			count++;
	}
	if (result == 0)
		result = sd_journal_open_files_fd(journal, fds, (unsigned)count, 0);
	if (result < 0)
		while (count > 0)
			close(fds[--count]);
	free(fds);
	return result;
}

/*
 * This host's trail, and a directory that is followed, libsystemd watches for new files. Else what is there now is
 * opened, by the descriptors that were checked.
 */
static int
reader_open_journal(
    sd_journal **journal, const struct reader *reader, const struct reader_where *where)
{
	int result;

	if (!reader->foreign)
		result =
		    sd_journal_open_namespace(journal, READER_NAMESPACE, SD_JOURNAL_LOCAL_ONLY);
	else if (reader->filter->follow)
		result = sd_journal_open_directory(journal, where->directories[0], 0);
	else
		result = reader_open_files(journal, &reader->files);
	/* Without this, libsystemd hands out the first 64 KiB of a long field. */
	return result < 0 ? result : sd_journal_set_data_threshold(*journal, 0);
}

/* Launches of this boot alone can run now. */
static int
reader_match_boot(struct reader *reader)
{
	char pair[64], text[33];
	sd_id128_t boot;
	int result = sd_id128_get_boot(&boot);

	if (result < 0)
		return result;
	snprintf(pair, sizeof pair, "_BOOT_ID=%s", sd_id128_to_string(boot, text));
	result = sd_journal_add_conjunction(reader->journal);
	return result < 0 ? result : sd_journal_add_match(reader->journal, pair, strlen(pair));
}

static void
reader_say_none(const struct reader_files *files, char error[READER_ERROR_MAX])
{
	char cure[64] = "";

	if (files->damaged_size != 0)
		snprintf(cure, sizeof cure, "; `truncate -s %" PRIu64 "` makes a copy readable",
		    files->damaged_size);
	snprintf(error, READER_ERROR_MAX, "no record can be read there%s%s%s",
	    files->damaged != NULL ? ", and this is damaged: " : "",
	    files->damaged != NULL ? files->damaged : "", cure);
}

struct reader *
reader_open(const struct reader_where *where, const struct reader_filter *filter,
    const char *const *names, char error[READER_ERROR_MAX])
{
	struct reader *reader = calloc(1, sizeof *reader);
	int result;

	if (reader == NULL) {
		snprintf(error, READER_ERROR_MAX, "out of memory");
		return NULL;
	}
	reader->filter = filter;
	reader->names = names;
	reader->foreign = where->merge || where->directories[0] != NULL;
	if (reader_files_open(&reader->files, where, error) == -1) {
		reader_close(reader);
		return NULL;
	}
	reader_files_sort_out(&reader->files);
	if (reader->foreign && reader->files.count == 0) {
		reader_say_none(&reader->files, error);
		reader_close(reader);
		return NULL;
	}
	reader->ends = reader_ends_new(&reader->files);
	result = reader_open_journal(&reader->journal, reader, where);
	if (result >= 0)
		result = reader_open_journal(&reader->other, reader, where);
	if (result >= 0)
		result = reader_match_add(reader);
	if (result >= 0 && filter->running)
		result = reader_match_boot(reader);
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
	sd_journal_close(reader->other);
	reader_ends_free(reader->ends);
	reader_files_close(&reader->files);
	reader_seen_clear(&reader->seen);
	free(reader);
}

const char *
reader_damaged(const struct reader *reader, uint64_t *size)
{
	*size = reader->files.damaged_size;
	return reader->files.damaged;
}

int
reader_find(struct reader *reader, const char *pair, const char *event, struct reader_entry *entry)
{
	static const char *const names[] = {"EVENT", NULL};
	struct reader_entry own = {0}, *found = entry == NULL ? &own : entry;
	char match[64];
	int result;

	*found = own;
	sd_journal_flush_matches(reader->other);
	result = sd_journal_add_match(reader->other, pair, strlen(pair));
	if (result >= 0 && event != NULL) {
		snprintf(match, sizeof match, "BOXDO_EVENT=%s", event);
		result = sd_journal_add_match(reader->other, match, strlen(match));
	}
	if (result >= 0 && !reader->foreign)
		sd_journal_process(reader->other); /* new files */
	if (result >= 0)
		result = sd_journal_seek_head(reader->other);
	while (result >= 0 && (result = sd_journal_next(reader->other)) > 0) {
		result =
		    reader_entry_fill(reader, reader->other, entry == NULL ? names : NULL, found);
		if (result > 0 && (event == NULL || reader_entry_is(found, event)))
			break;
		reader_entry_free(found);
	}
	if (entry == NULL)
		reader_entry_free(&own);
	return result > 0;
}

static bool
reader_passes(struct reader *reader, const struct reader_entry *entry)
{
	const struct reader_filter *filter = reader->filter;

	/* Seeking goes to the nearest entry, which may lie outside. */
	if (entry->realtime < filter->since || entry->realtime > filter->until ||
	    !reader_match_passes(reader, entry))
		return false;
	return !filter->running ||
	       (reader_state_runs(entry) && reader_state(reader, entry, NULL) == READER_RUNNING);
}

static bool
reader_is_beyond(const struct reader *reader, bool backward, const struct reader_entry *entry)
{
	return backward ? entry->realtime < reader->filter->since
	                : entry->realtime > reader->filter->until;
}

int
reader_next(struct reader *reader, bool backward, struct reader_entry *entry)
{
	int result = 0;

	*entry = (struct reader_entry){0};
	while (!reader->nothing && (result = backward ? sd_journal_previous(reader->journal)
	                                              : sd_journal_next(reader->journal)) > 0) {
		result = reader_entry_fill(reader, reader->journal, reader->names, entry);
		if (result >= 0 && reader_is_beyond(reader, backward, entry)) {
			reader_entry_free(entry);
			return 0;
		}
		if (result > 0 && reader_passes(reader, entry)) {
			result = reader_seen_add(&reader->seen, reader_entry_text(entry, "RECORD"));
			if (result > 0)
				return 1;
		}
		reader_entry_free(entry);
		/* Damaged ones are passed over. */
		if (result < 0 && result != -EBADMSG)
			return result;
	}
	return result;
}

static int
reader_seek(struct reader *reader, bool tail)
{
	reader_seen_clear(&reader->seen);
	if (tail)
		return reader->filter->until == UINT64_MAX
		           ? sd_journal_seek_tail(reader->journal)
		           : sd_journal_seek_realtime_usec(
		                 reader->journal, reader->filter->until + 1);
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
	reader_seen_clear(&reader->seen);
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
