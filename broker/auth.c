/*
 * auth.c: stage 6, SUPERVISOR's side of AUTH, the process that runs PAM (ask/auth.c)
 *
 * Privilege: all ids 0. Trusts: PAM's verdict, given in a message whose sender the kernel vouches for.
 * Distrusts: PAM's promptness and tidiness: leaks, handlers and descriptors of modules end with AUTH.
 * On error, death, time-out, confusion: AUTH_NO.
 *
 * No PAM session: the caller already has one.
 */
#include "broker/auth.h"

#include "broker/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <unistd.h>

void
auth_start(struct auth *auth, struct ask *ask, const struct origin *origin, int prompt)
{
	ask_start(ask, "pam", origin, prompt);
	auth->pid = ask->pid;
	auth->socket = ask->socket;
	auth->pidfd = auth->pid < 0 ? -1 : pidfd_open(auth->pid, 0);
	close(prompt);
	if (auth->pidfd >= 0 || auth->socket < 0)
		return;
	close(auth->socket);
	auth->socket = -1;
}

/* Waits for the verdict, the deadline, or a word from HANDLE (^C at the prompt, or its end). */
static int
wait_for_verdict(struct auth *auth, int watch, uint64_t deadline)
{
	struct pollfd ready[] = {
	    {.fd = auth->socket, .events = POLLIN}, {.fd = watch, .events = POLLIN}};
	uint64_t now = wire_now();

	while (now < deadline) {
		if (poll(ready, 2, (int)((deadline - now) / WIRE_MS) + 1) > 0) {
			if (ready[0].revents)
				return 0;
			errno = EINTR;
			return -1;
		}
		now = wire_now();
	}
	errno = ETIMEDOUT;
	return -1;
}

int
auth_question(struct auth *auth, const char *user, const char *tty, const char *as, bool password)
{
	char text[1024];

	snprintf(text, sizeof text, "%s\n%s\n%s", user, tty, as);
	return auth->socket < 0
	           ? -1
	           : wire_send(auth->socket, password ? AUTH_PASSWORD : AUTH_ACCOUNT, 0, text, -1);
}

bool
auth_answered(const struct auth *auth)
{
	struct pollfd answer = {.fd = auth->socket, .events = POLLIN};

	return poll(&answer, 1, 0) > 0;
}

uint32_t
auth_verdict(struct auth *auth, bool password, int watch, char *reason, size_t size)
{
	uint64_t deadline = wire_now() + (password ? AUTH_PASSWORD_MS : AUTH_ACCOUNT_MS) * WIRE_MS;
	static const char no_answer[] = "PAM does not answer (a directory server or /dev/log that "
	                                "hangs?); try again later";
	struct wire_message verdict;
	int got;

	snprintf(reason, size,
	    "account management (PAM service " AUTH_SERVICE ") did not work: see "
	    "`journalctl -t boxdo-launch`, and /etc/pam.d/" AUTH_SERVICE);
	if (auth->socket < 0)
		return AUTH_NO;
	if (wait_for_verdict(auth, watch, deadline) != 0) {
		snprintf(reason, size, "%s", errno == EINTR ? "given up" : no_answer);
		return AUTH_NO;
	}
	got = wire_receive(auth->socket, auth->pid, &verdict, deadline);
	if (got == 0 && password)
		snprintf(reason, size, "%s", no_answer);
	if (got != 1 || verdict.fd >= 0)
		return AUTH_NO;
	if (verdict.kind == AUTH_YES)
		return AUTH_YES;
	if (verdict.kind == AUTH_NO && verdict.text[0])
		snprintf(reason, size, "%s", verdict.text);
	return AUTH_NO;
}

/* A hung module may not die at once: never wait for it. */
void
auth_stop(struct auth *auth)
{
	if (auth->socket < 0)
		return;
	close(auth->socket);
	auth->socket = -1;
	pidfd_send_signal(auth->pidfd, SIGKILL, NULL, 0);
	close(auth->pidfd);
}
