/* INIT after the drop: starts the command, reaps, passes signals on, reports the end. */
#ifndef BOXDO_INIT_H
#define BOXDO_INIT_H

#include "broker/plan.h"

void
init_run(const struct plan *plan, int control) __attribute__((noreturn));

#endif
