/*
 * What root remembers of an image that is a file: its sha256, and what an OCI image says about how it
 * wants to be started. boxdo-image writes it (`image add`, `image verify`), the helper reads it at each
 * launch by one open: it never hashes, and never reads a configuration out of an image.
 *
 * One file below KNOWN_DIR, which only root may enter, named MAJOR.MINOR.INODE in hex; and where the image has
 * fs-verity the same again, named after what the kernel measures, which holds whatever number the
 * device has after the next boot (else `image verify --changed-device` carries it over). In it words, each ended by
 * NUL: KNOWN_KEYS in this order.
 * It counts while size, mtime and ctime (which no user can set) are still those of the file.
 */
#ifndef BOXDO_KNOWN_H
#define BOXDO_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "broker/request.h"

#define KNOWN_DIR "/var/lib/boxdo/known"
#define KNOWN_BYTES_MAX (256 * 1024)
#define KNOWN_WORDS_MAX 1024 /* of entrypoint, cmd and env each */
#define KNOWN_STAMP_MAX 128  /* "SIZE MTIME CTIME", seconds.nanoseconds */
#define KNOWN_VERITY_MAX 160 /* "sha256:HEX" */
#define KNOWN_PATH_MAX (sizeof KNOWN_DIR + KNOWN_VERITY_MAX)

/* What an image of Apptainer's says by what is in it: its environment is set up, then its runscript started. */
#define KNOWN_APPTAINER "entrypoint=/.singularity.d/actions/exec\0cmd=/.singularity.d/runscript"

/* clang-format off */
/*	  identifier  in the file     how often */
#define KNOWN_KEYS(X)                              \
	X(STAMP,      "stamp=",       1)               \
	X(SHA256,     "sha256=",      1)               \
	X(VERITY,     "verity=",      1)               \
	X(PATH,       "path=",        1)               \
	X(ENTRYPOINT, "entrypoint=",  KNOWN_WORDS_MAX) \
	X(CMD,        "cmd=",         KNOWN_WORDS_MAX) \
	X(ENV,        "env=",         KNOWN_WORDS_MAX) \
	X(WORKDIR,    "workdir=",     1)               \
	X(USER,       "user=",        1)               \
	X(SOURCE,     "source=",      1)               \
	X(START,      "startscript=", 1)               \
	X(LABEL,      "label=",       KNOWN_WORDS_MAX)
/* clang-format on */

enum known_key {
#define X(id, name, times) KNOWN_##id,
	KNOWN_KEYS(X)
#undef X
	    KNOWN_KEY_COUNT
};

struct known {
	char *data; /* owned: known_free; all words point into it */
	size_t length;
	const char **words
	    [KNOWN_KEY_COUNT]; /* values, NULL-terminated; owned; an empty list is "[0] == NULL" */
	size_t counts[KNOWN_KEY_COUNT];
};

/* Words of data (length bytes, taken over and owned from now on) into lists. 0, or -1: not as above. */
int
known_parse(struct known *known, char *data, size_t length);
void
known_free(struct known *known);
/* What fs-verity measures of an open file, the contents themselves: "sha256:HEX"; "" where it has none. */
void
known_measure(int fd, char verity[KNOWN_VERITY_MAX]);
/* What root alone could have written into that file. 0, or -1: there is no such thing. */
int
known_load(struct known *known, const char *path);
/* The first value of a key, NULL when there is none. */
const char *
known_first(const struct known *known, enum known_key key);

/* Are these only words that an image may say of itself (WorkingDir=/proc/self/fd/N was CVE-2024-21626)? */
bool
known_of_image(const struct known *known);
/*
 * docker's rule. --entrypoint stands before the arguments, and with it the image's own entrypoint and default
 * arguments mean nothing. Else the image's entrypoint, and behind it what was typed, or its default arguments where
 * nothing was. Without any of it the image's shell starts. The list is the caller's; NULL: no memory.
 */
char **
known_command(const struct known *known, const struct request *request);

void
known_stamp(const struct stat *st, char stamp[KNOWN_STAMP_MAX]);
/* Where it is kept: by device and inode. */
void
known_path(const struct stat *st, char path[KNOWN_PATH_MAX]);

/*
 * What is remembered of the file st is about (NULL: by verity alone); verity: as measured, "" where it has none.
 * Returns 1: it is this file, unchanged; 0: nothing is known; -1: something is, but the file is not as it was (*known
 * says what was).
 */
int
known_read(struct known *known, const struct stat *st, const char *verity);

#endif
