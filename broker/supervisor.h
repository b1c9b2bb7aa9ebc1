/* SUPERVISOR: decides, records, waits. Root, and no process of the caller's can reach it. */
#ifndef BOXDO_SUPERVISOR_H
#define BOXDO_SUPERVISOR_H

#include "broker/cgroup.h"
#include "broker/origin.h"

/* handle and prompt: sockets; HANDLE holds the other ends. Does not return. */
void
supervisor_run(const struct origin *origin, const struct cgroups *cgroups, int handle, int prompt)
    __attribute__((noreturn));

#endif
