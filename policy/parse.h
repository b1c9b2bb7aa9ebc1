/* One file of the policy, read by inih. */
#ifndef BOXDO_POLICY_PARSE_H
#define BOXDO_POLICY_PARSE_H

#include "policy/section.h"

#include <sys/types.h>

/* As read(2): bytes, 0 at the end, or -1 and the error told. */
typedef ssize_t
parse_reader(void *context, void *buffer, size_t size);

/*
 * Reads a file to its end into section->policy, rule by rule. section->place.file must outlive the
 * policy. is_main: it is policy.conf. 0, or -1 and every error told.
 */
int
parse_file(struct section *section, bool is_main, parse_reader *read, void *context);

#endif
