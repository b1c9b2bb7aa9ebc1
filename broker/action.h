/* What is asked for instead of a launch: a look at one's own containers, tickets forgotten. */
#ifndef BOXDO_ACTION_H
#define BOXDO_ACTION_H

#include "broker/launch.h"

void
action_run(struct launch *launch) __attribute__((noreturn));

#endif
