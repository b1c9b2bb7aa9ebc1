/* One file of the policy, read by inih. */
#ifndef BOXDO_POLICY_PARSE_H
#define BOXDO_POLICY_PARSE_H

#include "policy/section.h"
#include "policy/vet.h"

/*
 * Reads file into section->policy, rule by rule. section->place.file must outlive the policy.
 * 0, or -1 with the first error.
 */
int
parse_file(struct section *section, const struct vet_file *file);

#endif
