/* SUPERVISOR once everything is decided: starts the command, waits, limits, records the end. */
#ifndef BOXDO_WATCH_H
#define BOXDO_WATCH_H

#include "broker/launch.h"
#include "broker/memory.h"

void
watch_run(struct launch *launch, const struct memory *memory) __attribute__((noreturn));

#endif
