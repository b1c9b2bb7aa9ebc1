/* How often a user may start containers: max_launches of the rules, exact for any window of time. */
#ifndef BOXDO_LIMIT_H
#define BOXDO_LIMIT_H

#include <stdint.h>
#include <sys/types.h>

#include "policy/policy.h"

/*
 * One more launch of uid's now (wire_now()): limits[unit] at most in any minute, hour, day (0: no limit).
 * Returns 0, and the launch counts; or -1: EDQUOT, with the limit that has been reached in *unit and in *wait
 * the seconds until the next launch is permitted by it; or what /run has against it.
 */
int
limit_launch(uid_t uid, const unsigned limits[POLICY_UNITS], uint64_t now, enum policy_unit *unit,
    uint64_t *wait);

#endif
