/* The policy as nobody in particular: for what it says to everybody, the catalogue and the settings. */
#ifndef BOXDO_CLIENT_NOBODY_H
#define BOXDO_CLIENT_NOBODY_H

#include "policy/policy.h"

/* The policy of this host, for policy_free; NULL with *error filled. No rule of it may be asked. */
struct policy *
nobody_policy(struct policy_error *error);

#endif
