/*
 * AUTH: a process that runs PAM. Started first, it loads its modules while the policy is read, and is
 * asked only after the policy said yes. Real uid the caller's: pam_rootok must not say yes.
 */
#ifndef BOXDO_AUTH_H
#define BOXDO_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/ask.h"
#include "broker/origin.h"

#define AUTH_SERVICE "boxdo"    /* /etc/pam.d/boxdo */
#define AUTH_ACCOUNT_MS 15000   /* account management: a directory server may be far away */
#define AUTH_PASSWORD_MS 330000 /* with prompts: HANDLE gives up sooner, and knows why */

/* Questions: text is USER\nTTY. The answer's kind is a verdict. */
enum { AUTH_ACCOUNT = 0x41555401, AUTH_PASSWORD };

/* Verdicts: many bits apart, compared for equality only. */
#define AUTH_YES 0x69c35a3cU
#define AUTH_NO 0x963ca5c3U

struct auth {
	pid_t pid;
	int pidfd; /* it is HANDLE's child, so that the number may be another's when it has ended */
	int socket; /* -1: not running, or could not be started */
};

/* Starts it as a child of this process, as ask_start does; prompt is the socket to HANDLE, given away. That it failed
   SUPERVISOR records. */
void
auth_start(struct auth *auth, struct ask *ask, const struct origin *origin, int prompt);
/*
 * Asks for account management, and authentication before it where password is set; the answer comes
 * with auth_verdict. Returns 0 or -1.
 */
int
auth_question(struct auth *auth, const char *user, const char *tty, const char *as, bool password);
/* Has it answered, or ended? */
bool
auth_answered(const struct auth *auth);
/*
 * Waits for the answer. watch: SUPERVISOR's socket to HANDLE; when something arrives there, the question
 * is given up. Returns AUTH_YES or AUTH_NO; anything else is a bug. reason: one line, on AUTH_NO.
 */
uint32_t
auth_verdict(struct auth *auth, bool password, int watch, char *reason, size_t size);
void
auth_stop(struct auth *auth);

#endif
