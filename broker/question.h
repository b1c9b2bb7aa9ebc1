/* Stage 4 and 5: from the request to the question the policy decides. */
#ifndef BOXDO_QUESTION_H
#define BOXDO_QUESTION_H

#include "broker/launch.h"

/* Opens what the caller named, as the caller. Before the policy is read: OPENER works while NSS does. */
void
question_open_request(struct launch *launch);
/* Reads the policy; fails the launch on any error in it. */
void
question_load_policy(struct launch *launch);
/* Opens what the caller and the rules name, finds the image, fills launch->question. */
void
question_prepare(struct launch *launch);

#endif
