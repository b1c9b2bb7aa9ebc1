/*
 * What loads modules of others (PAM, NSS) is a program of its own, boxdo-ask: boxdo-launch has no dynamic
 * loader. It is started by boxdo-launch alone (AUTH by what becomes HANDLE, DIRECTORY by
 * SUPERVISOR) and knows no command line of a user's.
 */
#ifndef BOXDO_ASK_H
#define BOXDO_ASK_H

#include <sys/types.h>

#include "broker/origin.h"

#define ASK_PROGRAM "/usr/libexec/boxdo/boxdo-ask"

/*
 * Starts it; what: "pam" or "names". *ours becomes the socket to it (-1 on failure), theirs is one it gets besides, or -1.
 * Returns its PID, or -1.
 */
pid_t
ask_start(const char *what, const struct origin *origin, int *ours, int theirs);

#endif
