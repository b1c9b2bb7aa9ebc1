/*
 * What loads modules of others (PAM, NSS) is a program of its own, boxdo-ask: boxdo-launch has no dynamic
 * loader. It is started by boxdo-launch alone (AUTH by what becomes HANDLE, DIRECTORY by
 * SUPERVISOR) and knows no command line of a user's.
 */
#ifndef BOXDO_ASK_H
#define BOXDO_ASK_H

#include <stdbool.h>
#include <sys/types.h>

#include "broker/origin.h"

#define ASK_PROGRAM "/usr/libexec/boxdo/boxdo-ask"

#define ASK_STACK 4096 /* bytes, for a few system calls: each page more is one more to touch */

/* What the child needs between clone and execve: it stands in our memory until ask_executed. */
struct ask {
	pid_t pid;  /* -1: could not be started */
	int socket; /* to it; owned by the caller; -1: could not be started */
	int end[2]; /* the child's sockets */
	bool two;
	int executing; /* not zero while our memory is the child's, too */
	char uid[16], gid[16], first[16], second[16];
	const char *argv[7];
	_Alignas(16) char stack[ASK_STACK];
};

/*
 * Starts it; what: "pam" or "names"; theirs is a socket it gets besides, or -1. The child shares our memory until it has
 * executed: who has started it goes on meanwhile, but ask must stay, and ask_executed must come before privilege is given up.
 */
void
ask_start(struct ask *ask, const char *what, const struct origin *origin, int theirs);
/* Waits until the child executed the program, or ended. */
void
ask_executed(struct ask *ask);

#endif
