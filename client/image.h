/* boxdo image: the parts of boxdo-image, a program root starts. Errors are printed where they happen: "boxdo: ...". */
#ifndef BOXDO_CLIENT_IMAGE_H
#define BOXDO_CLIENT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "broker/known.h"
#include "broker/sif.h"
#include "client/change.h"

#define IMAGE_STORE "/var/lib/boxdo/images"
#define IMAGE_HEX 65
#define IMAGE_USAGE 125

/* The policy in force, and what is to become of it. */
struct image_catalogue {
	struct change change;
	struct policy *policy; /* everybody's rules and the catalogue, of change.old */
};

/* What a file turned out to be. */
struct image_facts {
	const char *kind; /* "SquashFS", "EROFS", "SIF", "directory"; NULL: none of them */
	const char *type; /* the kernel's name of the file system */
	const char *ending;
	struct sif_partition partition;
	char verity[KNOWN_VERITY_MAX]; /* "" */
	struct stat st;
};

/* "boxdo: ..." on stderr, control characters as '?'; returns -1. */
int
image_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Words out of an image, which may be anybody's: nothing of them is a terminal's to obey. */
void
image_put_word(const char *word);
/* Reads the policy in force, anew each time. 0 or -1 (said): it is not usable. */
int
image_catalogue(struct image_catalogue *catalogue);
/* NULL (said): there is none of that name. */
const struct policy_image *
image_entry(const struct image_catalogue *catalogue, const char *name);
/* The file of an entry. Returns its descriptor, or -1 (said). */
int
image_open(const struct policy_image *image, struct image_facts *facts);

/*
 * Under the lock, with the policy that was read under it: text in the file's place (NULL: without the file), checked
 * as a whole, on record, then put there. what: "added". 0 or -1 (said).
 */
int
image_change(struct image_catalogue *catalogue, const struct policy_image *image, const char *what,
    const char *file, const char *text);

/* image_add.c, image_show.c, image_verify.c, image_warm.c: subcommands. They return the exit status. */
int
image_add(int argc, char **argv, struct image_catalogue *catalogue);
int
image_list(int argc, char **argv, struct image_catalogue *catalogue);
int
image_show(int argc, char **argv, struct image_catalogue *catalogue);
int
image_verify(int argc, char **argv, struct image_catalogue *catalogue);
int
image_warm(int argc, char **argv, struct image_catalogue *catalogue);
int
image_warm_cool(int argc, char **argv, struct image_catalogue *catalogue);

/* image_file.c: superblock, size and digest of an open file. 0 or -1 (said). */
int
image_look(int fd, const char *name, struct image_facts *facts);
/* Reads all of it; progress on stderr. hex: IMAGE_HEX bytes. out: -1, or where a copy goes. */
int
image_digest(int fd, int out, const char *what, char *hex);
/* fs-verity, where the file system has it. fd is readable, nobody has it open for writing. */
void
image_protect(int fd);
/* Nobody has it open for writing? */
bool
image_quiet(int fd);
/* Is some container running from it, or is it kept warm: is it behind a loop device? */
bool
image_in_use(const struct stat *st);

/*
 * image_config.c: how the image wants to be started, read out of it by a child without privilege, as words
 * of known.h (entrypoint= and on), NUL after each. The caller frees *words. 0 or -1 (said).
 */
int
image_config(
    int fd, const struct image_facts *facts, const char *name, char **words, size_t *length);

/* image_known.c: what is remembered, written; forgotten. 0 or -1 (said). */
int
image_known_note(const char *path, const struct image_facts *facts, const char *hex,
    const char *words, size_t length);
/*
 * What is remembered of the file at path under another device number: its inode, size and times are this file's.
 * known, and in old where it is kept (KNOWN_PATH_MAX bytes); false: nothing is.
 */
bool
image_moved(const char *path, const struct image_facts *facts, struct known *known, char *old);
/* Keeps it under the number of now, too. 0 or -1 (said). */
int
image_carry(const struct image_facts *facts, const struct known *known);
void
image_known_forget(const struct image_facts *facts);

#endif
