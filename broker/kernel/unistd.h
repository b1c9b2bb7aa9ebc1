/*
 * What musl's header of this name lacks.
 */
#ifndef BOXDO_KERNEL_UNISTD_H
#define BOXDO_KERNEL_UNISTD_H

#include_next <unistd.h>

int
close_range(unsigned first, unsigned last, int flags);

#endif
