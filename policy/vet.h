/* The policy's files, opened by descriptor from / down, each step checked. */
#ifndef BOXDO_POLICY_VET_H
#define BOXDO_POLICY_VET_H

#include "policy/policy.h"

#include <sys/stat.h>

#define VET_TOTAL_MAX (32 * 1024 * 1024) /* bytes of all files */
#define VET_FILES_MAX 4096               /* names in policy.d */

struct vet_file {
	const char *path; /* "/etc/boxdo/policy.d/40-phys.conf" */
	bool main;        /* policy.conf itself */
	const struct stat *st;
	size_t done; /* bytes read so far */
	int fd;
	struct policy_error *error;
};

/* As read(2), once more from where it was: bytes, 0 at the end, or -1 and the error told. */
ssize_t
vet_read(struct vet_file *file, void *buffer, size_t size);
/*
 * Calls each for every file in reading order: policy.conf, then policy.d; goes on with the next when
 * something is wrong with one. A file that was not read to its end, or that changes meanwhile, is one
 * of them. *is_public: users may read all of it. Returns 0, or -1: something was
 * (*error filled) or each returned non-zero.
 */
int
vet_files(const char *dir, int (*each)(void *context, struct vet_file *file), void *context,
    bool *is_public, struct policy_error *error);

#endif
