/* Stage 12: the command, with everything stage 1 put aside given back. */
#ifndef BOXDO_COMMAND_H
#define BOXDO_COMMAND_H

#include <stddef.h>
#include <sys/types.h>

#include "broker/plan.h"

/*
 * Starts the plan's command, or what an image of the caller's own makes of it, when SUPERVISOR says "go" on control.
 * Returns its PID once it was executed; else -1, with docker's exit code in *status
 * (127 not found, 126 cannot be run, 125 something else) and one line in error.
 */
pid_t
command_start(const struct plan *plan, int control, int *status, char *error, size_t size);

#endif
