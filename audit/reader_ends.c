/*
 * The end of a launch, found quickly: an end is hardly ever in another file than its launch, and never in an older
 * one. Asked of all files at once, libsystemd maps parts of each of them anew for every launch of a long table.
 *
 * Stage:     none; part of `boxdo log`. Privilege: the auditor's.
 * Distrusts: as reader_entry.c. On error: as if there were none.
 */
#include "audit/reader_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ends_file {
	const struct reader_file *file;
	uint64_t oldest, newest;
	sd_journal *journal; /* opened when first asked */
	bool failed;
};

struct reader_ends {
	struct ends_file *files; /* oldest first */
	size_t count;
};

static int
ends_compare(const void *left, const void *right)
{
	const struct ends_file *a = left, *b = right;

	return a->oldest < b->oldest ? -1 : a->oldest > b->oldest;
}

struct reader_ends *
reader_ends_new(const struct reader_files *files)
{
	struct reader_ends *ends = calloc(1, sizeof *ends);

	if (ends == NULL)
		return NULL;
	ends->files = calloc(files->count, sizeof *ends->files);
	for (size_t i = 0; i < files->count && ends->files != NULL; i++) {
		struct reader_header header;

		if (reader_files_header(&files->files[i], &header) == -1)
			continue;
		ends->files[ends->count++] = (struct ends_file){.file = &files->files[i],
		    .oldest = header.oldest,
		    .newest = header.online ? UINT64_MAX : header.newest};
	}
	if (ends->count > 0)
		qsort(ends->files, ends->count, sizeof *ends->files, ends_compare);
	return ends;
}

void
reader_ends_free(struct reader_ends *ends)
{
	if (ends == NULL)
		return;
	for (size_t i = 0; i < ends->count; i++)
		sd_journal_close(ends->files[i].journal);
	free(ends->files);
	free(ends);
}

static void
ends_open(struct ends_file *file)
{
	int own =
	    fcntl(file->file->fd, F_DUPFD_CLOEXEC, 3); /* libsystemd closes what it is given */
	int result = own == -1 ? -errno : sd_journal_open_files_fd(&file->journal, &own, 1, 0);

	if (result < 0 && own != -1)
		close(own);
	if (result >= 0)
		result = sd_journal_set_data_threshold(file->journal, 0);
	file->failed = result < 0;
}

static bool
ends_find_in(
    const struct reader *reader, struct ends_file *file, const char *pair, struct reader_entry *end)
{
	static const char *const names[] = {"EVENT", NULL};
	int result;

	if (file->journal == NULL && !file->failed)
		ends_open(file);
	if (file->failed)
		return false;
	sd_journal_flush_matches(file->journal);
	result = sd_journal_add_match(file->journal, pair, strlen(pair));
	if (result >= 0)
		result = sd_journal_seek_head(file->journal);
	while (result >= 0 && (result = sd_journal_next(file->journal)) > 0) {
		struct reader_entry entry = {0};

		result =
		    reader_entry_fill(reader, file->journal, end == NULL ? names : NULL, &entry);
		if (result > 0 && reader_entry_is(&entry, "end")) {
			if (end != NULL)
				*end = entry;
			else
				reader_entry_free(&entry);
			return true;
		}
		reader_entry_free(&entry);
	}
	return false;
}

bool
reader_ends_find(
    const struct reader *reader, uint64_t since, const char *pair, struct reader_entry *end)
{
	struct reader_ends *ends = reader->ends;

	for (size_t i = 0; ends != NULL && i < ends->count; i++)
		if (ends->files[i].newest >= since &&
		    ends_find_in(reader, &ends->files[i], pair, end))
			return true;
	return false;
}
