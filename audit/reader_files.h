/*
 * The files of the audit trail: which there are, whether they may be read, and whether they are to be believed.
 */
#ifndef BOXDO_READER_FILES_H
#define BOXDO_READER_FILES_H

#include "audit/reader.h"

#include <sys/stat.h>

struct reader_file {
	char *path; /* owned */
	int fd;     /* open for reading */
	struct stat stat;
};

struct reader_files {
	struct reader_file *files; /* owned */
	size_t count;
	bool denied;           /* some may not be read */
	char *damaged;         /* owned: the first of those that cannot be read, or NULL */
	uint64_t damaged_size; /* 0, or: at that length it could be */
};

/* What a file's header says. */
struct reader_header {
	uint64_t entries, oldest, newest; /* records of all kinds; us since 1970 */
	uint64_t used;                    /* bytes; the file itself is made larger in advance */
	uint64_t table; /* of these: its hash table, as large as it is from the beginning */
	uint64_t whole; /* bytes the file should have */
	uint64_t array; /* where the list of its records begins; 0: none yet */
	uint32_t flags; /* what a program must understand to read it */
	bool sealed,
	    online; /* sealed: forward secure sealing; online: being written, or was when the power went */
};

/*
 * Opens all of them. 0; or -1 with one line in error: none there, none readable, or (files from elsewhere)
 * one that others than root, the journal's own accounts and whoever reads could have written.
 */
int
reader_files_open(
    struct reader_files *files, const struct reader_where *where, char error[READER_ERROR_MAX]);
void
reader_files_close(struct reader_files *files);
/*
 * Leaves out what libsystemd would not read: files without any record (journald was killed as it made one), and those
 * that are not as they should be, of which the first is remembered.
 */
void
reader_files_sort_out(struct reader_files *files);
/* 0, or -1: no journal file. */
int
reader_files_header(const struct reader_file *file, struct reader_header *header);
/*
 * Ids of launches and refusals that begin with prefix (hex digits), each once, at most max; in *ids, which
 * the caller frees. Returns how many there are, or -errno. Reads the index of every file, no record.
 */
int
reader_files_ids(
    const struct reader_files *files, const char *prefix, size_t max, char (**ids)[33]);

#endif
