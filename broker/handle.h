/*
 * HANDLE: the process the caller knows by its PID. It has no privilege, prints what SUPERVISOR says,
 * asks for the password, passes signals on and ends with the command's status.
 */
#ifndef BOXDO_HANDLE_H
#define BOXDO_HANDLE_H

#include "broker/origin.h"

/* SUPERVISOR to HANDLE. */
enum handle_kind {
	HANDLE_TEXT = 1, /* text: one line for the user; printed behind "boxdo: " */
	HANDLE_STARTED, /* the command runs: from now on the terminal's signals reach it by themselves */
	HANDLE_STOPPED, /* value: the signal that stopped the command; HANDLE stops too */
	HANDLE_ENDED,   /* value: wait status of the command */
	HANDLE_REFUSED  /* value: exit code; nothing ran */
};

/*
 * HANDLE to SUPERVISOR: kind 0, value: a signal number; or: end the container, value: the seconds between TERM
 * and KILL. Nothing else is ever said here, and its owner may do both anyway; what it opens goes by
 * a socket of its own (opener.h).
 */
enum { HANDLE_STOP = 0x48530001 };

/* AUTH to HANDLE and back, on a socket of their own. */
enum prompt_kind {
	PROMPT_HIDDEN = 1, /* ask: text is the prompt; answer: text is the line typed */
	PROMPT_SHOWN,
	PROMPT_INFO,       /* print text, no answer */
	PROMPT_NO_TERMINAL /* answer: there is none */
};

/*
 * Runs until the end; does not return. supervisor, prompt and opener (see there) are sockets, supervisor_pid and auth
 * our children; what else is open is closed.
 */
void
handle_run(const struct origin *origin, int supervisor, pid_t supervisor_pid, int prompt,
    int opener, pid_t auth) __attribute__((noreturn));

#endif
