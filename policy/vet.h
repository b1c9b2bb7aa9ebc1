/* The policy's files, opened by descriptor from / down, each step checked. */
#ifndef BOXDO_POLICY_VET_H
#define BOXDO_POLICY_VET_H

#include "policy/policy.h"

#define VET_FILE_MAX (4 * 1024 * 1024)   /* bytes of one file */
#define VET_TOTAL_MAX (32 * 1024 * 1024) /* and of all */
#define VET_FILES_MAX 4096               /* names in policy.d */

struct vet_file {
	const char *path; /* "/etc/boxdo/policy.d/40-phys.conf" */
	const char *data;
	size_t size;
	bool main; /* policy.conf itself */
};

/*
 * Calls each for every file in reading order: policy.conf, then policy.d. Stops when each returns
 * non-zero. *is_public: users may read all of it. Returns 0, or -1 with *error filled (by each,
 * when that said no).
 */
int
vet_files(const char *dir, int (*each)(void *context, const struct vet_file *file), void *context,
    bool *is_public, struct policy_error *error);

#endif
