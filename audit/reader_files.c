/*
 * The files of the audit trail.
 *
 * Stage:     none; part of `boxdo log`. Privilege: the auditor's.
 * Trusts:    the directory of this host's trail: only root can have filled it.
 * Distrusts: files from elsewhere. Whoever can write a file can make any record in it, _UID=0 included, so MUST
 *            hold of each: it belongs to root, to the account of systemd-journal-remote, or to whoever reads it
 *            now, and nobody else may write it or its directory. What the file holds is then as true as those are.
 * On error:  -1 with a line for the user.
 */
#include "audit/reader_files.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define FILES_NAMESPACE ".boxdo"
#define FILES_REMOTE "remote" /* where systemd-journal-remote puts what it is sent */

/* While files are gathered. */
struct files_search {
	struct reader_files *files;
	bool foreign; /* must be believed first */
	uid_t remote; /* of systemd-journal-remote; (uid_t)-1: no such account */
	char *error;  /* READER_ERROR_MAX */
	bool said;    /* error holds a line */
};

static const char *const files_bases[] = {"/var/log/journal", "/run/log/journal"};

static bool
files_ends(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* MACHINE-ID or MACHINE-ID.NAMESPACE, as libsystemd reads below a directory. */
static bool
files_is_machine(const char *name)
{
	size_t digits = strspn(name, "0123456789abcdef");

	return digits == 32 && (name[digits] == '\0' || name[digits] == '.');
}

/* One that others could have written is no witness. 0, or -1 with a line in error. */
static int
files_believe(struct files_search *search, const char *path, const struct stat *stat)
{
	bool known = stat->st_uid == 0 || stat->st_uid == geteuid() ||
	             (search->remote != (uid_t)-1 && stat->st_uid == search->remote);
	/* In a sticky directory nobody replaces what is another's. */
	bool closed = (stat->st_mode & 022) == 0 ||
	              (S_ISDIR(stat->st_mode) && (stat->st_mode & S_ISVTX) != 0);

	if (!search->foreign || (known && closed))
		return 0;
	snprintf(search->error, READER_ERROR_MAX,
	    "%s %s: whoever can write it can make any record in it, so it proves nothing."
	    " If you know where it comes from, make a copy that is yours alone",
	    path, known ? "may be written by others" : "belongs to neither root nor you");
	search->said = true;
	return -1;
}

static int
files_add(struct files_search *search, int fd, char *path, const struct stat *stat)
{
	struct reader_files *files = search->files;
	struct reader_file *more =
	    reallocarray(files->files, files->count + 1, sizeof *files->files);

	if (more == NULL)
		return -1;
	files->files = more;
	more[files->count++] = (struct reader_file){.path = path, .fd = fd, .stat = *stat};
	return 0;
}

static int
files_one(struct files_search *search, int dir, const char *dir_path, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat stat;
	char *path;

	if (fd == -1) {
		search->files->denied |= errno == EACCES || errno == EPERM;
		return 0; /* gone meanwhile, or not ours to read */
	}
	if (asprintf(&path, "%s/%s", dir_path, name) < 0) {
		close(fd);
		return -1;
	}
	if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode)) {
		if (files_believe(search, path, &stat) == 0 &&
		    files_add(search, fd, path, &stat) == 0)
			return 0;
		free(path);
		close(fd);
		return -1;
	}
	free(path);
	close(fd);
	return 0;
}

/* Journal files in a directory, and in those below it that are named for a machine. 0 or -1. */
static int
files_directory(struct files_search *search, const char *path, bool below)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	struct stat stat;
	int result = 0;

	if (dir == NULL) {
		search->files->denied |= errno == EACCES;
		return 0;
	}
	if (fstat(dirfd(dir), &stat) == 0)
		result = files_believe(search, path, &stat);
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		char inner[4096];

		if (files_ends(entry->d_name, ".journal") || files_ends(entry->d_name, ".journal~"))
			result = files_one(search, dirfd(dir), path, entry->d_name);
		else if (below && files_is_machine(entry->d_name) &&
		         snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) <
		             (int)sizeof inner)
			result = files_directory(search, inner, false);
	}
	closedir(dir);
	return result;
}

static int
files_host(struct files_search *search)
{
	char path[128], id[33];
	sd_id128_t machine;
	int result = 0;

	if (sd_id128_get_machine(&machine) < 0)
		return 0;
	for (size_t i = 0; i < 2 && result == 0; i++) {
		snprintf(path, sizeof path, "%s/%s" FILES_NAMESPACE, files_bases[i],
		    sd_id128_to_string(machine, id));
		result = files_directory(search, path, false);
	}
	return result;
}

/* All trails below the journals' own directories. */
static int
files_merge(struct files_search *search)
{
	int result = 0;

	for (size_t i = 0; i < 2; i++) {
		DIR *dir = opendir(files_bases[i]);
		const struct dirent *entry;

		while (dir != NULL && result == 0 && (entry = readdir(dir)) != NULL) {
			char path[512];

			if ((files_is_machine(entry->d_name) &&
			        files_ends(entry->d_name, FILES_NAMESPACE)) ||
			    strcmp(entry->d_name, FILES_REMOTE) == 0) {
				snprintf(path, sizeof path, "%s/%s", files_bases[i], entry->d_name);
				result = files_directory(search, path, true);
			}
		}
		if (dir != NULL)
			closedir(dir);
	}
	return result;
}

static void
files_say_none(const struct reader_files *files, const struct reader_where *where, char *error)
{
	const char *first = where->directories[0];

	if (files->denied)
		snprintf(error, READER_ERROR_MAX,
		    "you may not read the audit journal; members of group"
		    " systemd-journal (or boxdo-audit) may");
	else if (first != NULL || where->merge)
		snprintf(error, READER_ERROR_MAX, "there is no audit journal in %s",
		    first != NULL ? first : files_bases[0]);
	else
		snprintf(error, READER_ERROR_MAX,
		    "there is no audit journal on this host;"
		    " is systemd-journald@boxdo.socket running?");
}

int
reader_files_open(
    struct reader_files *files, const struct reader_where *where, char error[READER_ERROR_MAX])
{
	struct files_search search = {.files = files, .remote = (uid_t)-1, .error = error};
	int result = 0;

	*files = (struct reader_files){0};
	if (where->directories[0] == NULL && !where->merge) {
		result = files_host(&search);
	} else {
		const struct passwd *remote = getpwnam("systemd-journal-remote");

		if (remote != NULL)
			search.remote = remote->pw_uid;
		search.foreign = true;
		for (const char *const *path = where->directories; *path != NULL && result == 0;
		     path++)
			result = files_directory(&search, *path, true);
		if (where->merge && result == 0)
			result = files_merge(&search);
	}
	if (result == 0 && files->count > 0)
		return 0;
	if (result == 0)
		files_say_none(files, where, error);
	else if (!search.said)
		snprintf(error, READER_ERROR_MAX, "out of memory");
	reader_files_close(files);
	return -1;
}

void
reader_files_close(struct reader_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		close(files->files[i].fd);
		free(files->files[i].path);
	}
	free(files->files);
	free(files->damaged);
	*files = (struct reader_files){0};
}

/* The first bytes of a journal file (systemd's JOURNAL_FILE_FORMAT), little endian. */
int
reader_files_header(const struct reader_file *file, struct reader_header *header)
{
	struct {
		char signature[8];
		uint32_t compatible, incompatible;
		uint8_t state, reserved[7];
		uint8_t ids[4][16];
		uint64_t sizes[3], hash_table_size, field_table[2], tail_object;
		uint64_t objects, entries, tail_seqnum, head_seqnum, entry_array;
		uint64_t head_realtime, tail_realtime;
	} raw;

	if (pread(file->fd, &raw, sizeof raw, 0) != (ssize_t)sizeof raw ||
	    memcmp(raw.signature, "LPKSHHRH", 8) != 0)
		return -1;
	*header = (struct reader_header){.entries = le64toh(raw.entries),
	    .oldest = le64toh(raw.head_realtime),
	    .newest = le64toh(raw.tail_realtime),
	    .used = le64toh(raw.tail_object),
	    .table = le64toh(raw.hash_table_size),
	    .whole = le64toh(raw.sizes[0]) + le64toh(raw.sizes[1]),
	    .array = le64toh(raw.entry_array),
	    .flags = le32toh(raw.incompatible),
	    .sealed = (le32toh(raw.compatible) & 1) != 0,
	    .online = raw.state == 1};
	return 0;
}

/* --- files that libsystemd passes over -------------------------------------------------------------------- */

static bool
files_readable(struct reader_files *files, const struct reader_file *file)
{
	struct reader_header header;
	bool known = reader_files_header(file, &header) == 0;
	struct stat now;

	/* The header was read first: a file that is growing is longer than it says. */
	if (fstat(file->fd, &now) == -1 || now.st_size == 0 || (known && header.entries == 0))
		return false;
	if (known && header.whole <= (uint64_t)now.st_size && header.used <= header.whole)
		return true;
	if (files->damaged == NULL && (files->damaged = strdup(file->path)) != NULL)
		files->damaged_size = known && header.used <= header.whole ? header.whole : 0;
	return false;
}

void
reader_files_sort_out(struct reader_files *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < files->count; i++) {
		if (files_readable(files, &files->files[i])) {
			files->files[kept++] = files->files[i];
			continue;
		}
		close(files->files[i].fd);
		free(files->files[i].path);
	}
	files->count = kept;
}

/* --- ids ------------------------------------------------------------------------------------------------ */

static bool
files_ids_have(char (*ids)[33], size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(ids[i], id, 32) == 0)
			return true;
	return false;
}

/* Of one file alone: libsystemd would look every value up in every other file to show it once. */
static int
files_ids_of(int fd, const char *prefix, size_t max, char (*ids)[33], size_t *count)
{
	sd_journal *journal = NULL;
	size_t wanted = strlen(prefix), length;
	const void *data;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* libsystemd closes what it is given */
	int result = own == -1 ? -errno : sd_journal_open_files_fd(&journal, &own, 1, 0);

	if (result >= 0)
		result = sd_journal_query_unique(journal, "BOXDO_ID");
	while (result >= 0 && *count < max &&
	       (result = sd_journal_enumerate_available_unique(journal, &data, &length)) > 0) {
		const char *id = (const char *)data + 9;

		if (length != 9 + 32 || memcmp(id, prefix, wanted) != 0 ||
		    files_ids_have(ids, *count, id))
			continue;
		memcpy(ids[*count], id, 32);
		ids[(*count)++][32] = '\0';
	}
	sd_journal_close(journal);
	return result == -ENOENT ? 0 : result;
}

int
reader_files_ids(const struct reader_files *files, const char *prefix, size_t max, char (**ids)[33])
{
	size_t count = 0;
	int result = 0;

	*ids = calloc(max, sizeof **ids);
	if (*ids == NULL)
		return -ENOMEM;
	if (strlen(prefix) > 32)
		return 0;
	for (size_t i = 0; i < files->count && result >= 0; i++)
		result = files_ids_of(files->files[i].fd, prefix, max, *ids, &count);
	return result < 0 ? result : (int)count;
}
