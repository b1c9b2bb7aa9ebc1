/* SUPERVISOR: decides, records, waits. Root, and no process of the caller's can reach it. */
#ifndef BOXDO_SUPERVISOR_H
#define BOXDO_SUPERVISOR_H

#include "broker/auth.h"
#include "broker/cgroup.h"
#include "broker/origin.h"

/* handle, open: sockets; HANDLE holds the other ends (opener.h). auth: started, and not asked yet. Does not return. */
void
supervisor_run(const struct origin *origin, const struct cgroups *cgroups, int handle, int open,
    const struct auth *auth) __attribute__((noreturn));

#endif
