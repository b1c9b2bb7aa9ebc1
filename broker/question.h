/* Stage 4 and 5: from the request to the question the policy decides. */
#ifndef BOXDO_QUESTION_H
#define BOXDO_QUESTION_H

#include "broker/launch.h"

/* Opens what the caller named, as the caller. Before the policy is read: OPENER works while NSS does. */
void
question_open_request(struct launch *launch);
/* And what the policy names besides. Both are answered in question_prepare. */
void
question_open_named(struct launch *launch);
#define QUESTION_KNOWN_POLICY "/run/boxdo/policy"
/* The digest last put on record and its key; "" where there is none. */
void
question_known_policy(struct policy_digest *known);
/* Reads the policy; fails the launch on any error in it. */
void
question_load_policy(struct launch *launch);
/* Opens what the caller and the rules name, finds the image, fills launch->question. */
void
question_prepare(struct launch *launch);

#endif
