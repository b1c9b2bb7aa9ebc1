/* Stage 12: how an image of the caller's own wants to be started. */
#ifndef BOXDO_OWN_H
#define BOXDO_OWN_H

#include <stdbool.h>

#include "broker/plan.h"

/*
 * Reads it out of the root this process is in, and sets start as docker's rules have it: entrypoint, cmd, env, workdir.
 * An image that says nothing leaves start as it is. False: what it says is not as `boxdo import` writes it.
 */
bool
own_start(const struct plan *plan, struct plan_start *start);

#endif
