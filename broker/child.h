/*
 * INIT: process 1 of the container. Root while it mounts, nobody but the caller from then on.
 */
#ifndef BOXDO_CHILD_H
#define BOXDO_CHILD_H

#include <stddef.h>

#include "broker/plan.h"

/* SUPERVISOR to INIT. */
enum {
	CHILD_GO = 0x474f0001, /* the launch is on record: start the command */
	CHILD_SIGNAL           /* value: pass this signal on */
};

/* INIT to SUPERVISOR (sender checked by the kernel). */
enum {
	CHILD_READY = 0x494e0001, /* mounted, dropped, filtered; waiting for CHILD_GO */
	CHILD_FAILED,             /* text: why not */
	CHILD_STARTED,            /* the command was executed */
	CHILD_NOT_EXECUTED,       /* value: 126 or 127; text: why */
	CHILD_STOPPED,            /* value: the signal that stopped the command */
	CHILD_ENDED,              /* value: its wait status */
	CHILD_DISCARDED           /* value: KiB written to the root, text: in how many files */
};

/*
 * The whole life of INIT. control: its socket to SUPERVISOR; foreign: descriptors of SUPERVISOR's that
 * INIT must not hold. Does not return.
 */
void
child_run(const struct plan *plan, int control, const int *foreign, size_t foreign_count)
    __attribute__((noreturn));

#endif
