/* From the decision to the plan INIT carries out. */
#ifndef BOXDO_PLANNER_H
#define BOXDO_PLANNER_H

#include "broker/launch.h"

/* Fills launch->plan: clones every tree, makes every text. Fails the launch when something cannot be had. */
void
planner_make(struct launch *launch);
/* Closes SUPERVISOR's copies, once INIT has its own. */
void
planner_close(struct launch *launch);

#endif
