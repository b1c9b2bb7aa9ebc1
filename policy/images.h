/* Is this the image the rule means? */
#ifndef BOXDO_POLICY_IMAGES_H
#define BOXDO_POLICY_IMAGES_H

#include "policy/rule.h"

/*
 * True when the rule names no images. In a deny an image also counts under every other name the
 * catalogue has for its file.
 */
bool
images_match(
    const struct policy *policy, const struct rule *rule, const struct policy_question *question);

#endif
