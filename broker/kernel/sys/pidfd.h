/*
 * A header musl does not have: descriptors of processes.
 */
#ifndef BOXDO_KERNEL_PIDFD_H
#define BOXDO_KERNEL_PIDFD_H

#include <signal.h>
#include <sys/types.h>

int
pidfd_open(pid_t pid, unsigned flags);
int
pidfd_send_signal(int pidfd, int number, siginfo_t *info, unsigned flags);

#endif
