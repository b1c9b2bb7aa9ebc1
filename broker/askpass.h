/* boxdo run -A: the password comes from a program of the caller's. */
#ifndef BOXDO_ASKPASS_H
#define BOXDO_ASKPASS_H

#include "broker/origin.h"

/*
 * Starts the program that BOXDO_ASKPASS names, with the prompt as its argument, and returns a descriptor to
 * read its answer from. -1: there is none. For HANDLE, which has no privilege: it is checked again.
 */
int
askpass_run(const struct origin *origin, const char *prompt);

#endif
