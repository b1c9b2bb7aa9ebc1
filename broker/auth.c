/*
 * auth.c: stage 6, AUTH, the child that runs PAM
 *
 * Privilege: the child has the caller's real uid and root's effective one (pam_unix reads shadow).
 * Trusts: PAM's verdict, given in a message whose sender the kernel vouches for. Distrusts: PAM's
 * promptness and tidiness: leaks, handlers and descriptors of modules end with the child.
 * On error, death, time-out, confusion: AUTH_NO.
 *
 * No PAM session: the caller already has one.
 */
#include "broker/auth.h"

#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/wire.h"

#include <errno.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/handle.h"

enum { AUTH_ACCOUNT = 0x41555401, AUTH_PASSWORD }; /* question: text is USER\nTTY */
#define AUTH_TRIES 3

struct auth_child {
	int socket, prompt;
	bool no_terminal; /* a question could not be asked */
	bool given_up;    /* or was not answered */
};

/*
 * Modules get so long between prompts, a person answers those at leisure: pam_unix tells syslog of a
 * wrong password and waits while /dev/log is full. SIGALRM then ends the child, which is a no.
 */
static void
hurry(bool modules)
{
	alarm(modules ? AUTH_ACCOUNT_MS / 1000 : 0);
}

static char *
ask_handle(struct auth_child *child, int style, const char *text)
{
	struct wire_message answer = {.kind = 0};
	char *copy = NULL;
	uint32_t kind = style == PAM_PROMPT_ECHO_OFF ? PROMPT_HIDDEN : PROMPT_SHOWN;

	hurry(false);
	if (wire_send(child->prompt, kind, 0, text, -1) != 0 ||
	    wire_receive(child->prompt, 0, &answer, wire_now() + AUTH_PASSWORD_MS * WIRE_MS) != 1 ||
	    answer.kind != kind) {
		child->no_terminal = true;
		child->given_up = answer.kind == PROMPT_NO_TERMINAL && answer.value == 1;
		hurry(true);
		return NULL;
	}
	hurry(true);
	copy = strdup(answer.text);
	explicit_bzero(answer.text, sizeof answer.text);
	return copy;
}

static int
conversation(
    int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
	struct auth_child *child = data;
	struct pam_response *answers;

	if (count <= 0 || count > PAM_MAX_NUM_MSG ||
	    !(answers = calloc((size_t)count, sizeof *answers)))
		return PAM_CONV_ERR;
	for (int i = 0; i < count; i++) {
		int style = messages[i]->msg_style;

		if (style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON) {
			if (!(answers[i].resp = ask_handle(child, style, messages[i]->msg)))
				goto fail;
		} else {
			wire_send(child->prompt, PROMPT_INFO, 0, messages[i]->msg, -1);
		}
	}
	*responses = answers;
	return PAM_SUCCESS;
fail:
	for (int i = 0; i < count; i++)
		if (answers[i].resp) {
			explicit_bzero(answers[i].resp, strlen(answers[i].resp));
			free(answers[i].resp);
		}
	free(answers);
	return PAM_CONV_ERR;
}

static int
authenticate(struct auth_child *child, pam_handle_t *pam)
{
	int code = PAM_AUTH_ERR;

	for (int i = 0; i < AUTH_TRIES && !child->no_terminal; i++) {
		code = pam_authenticate(pam, PAM_DISALLOW_NULL_AUTHTOK);
		if (code != PAM_AUTH_ERR && code != PAM_USER_UNKNOWN)
			break;
		if (i < AUTH_TRIES - 1 && !child->no_terminal)
			wire_send(child->prompt, PROMPT_INFO, 0,
			    "that password was wrong, try again", -1);
	}
	return code;
}

static const char *
auth_reason(const struct auth_child *child, pam_handle_t *pam, bool authenticated, int code)
{
	if (child->given_up)
		return "no password was given";
	if (child->no_terminal)
		return "this rule asks for a password, and there is no terminal";
	if (!authenticated)
		return "wrong password";
	return pam_strerror(pam, code);
}

static void
auth_child(struct auth_child *child, const struct origin *origin)
{
	struct pam_conv conv = {conversation, child};
	struct wire_message question;
	char *user, *tty = question.text;
	pam_handle_t *pam = NULL;
	sigset_t alarm_alone;
	bool authenticated;
	int code;

	fds_keep_only(child->socket, child->prompt);
	drop_real(origin->uid, origin->gid);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Loads every module of the service; the user's name comes later. */
	code = pam_start(AUTH_SERVICE, NULL, &conv, &pam);
	if (wire_receive(child->socket, 0, &question, UINT64_MAX) != 1 || code != PAM_SUCCESS)
		_exit(1);
	user = strsep(&tty, "\n");
	if (!tty || pam_set_item(pam, PAM_USER, user) != PAM_SUCCESS ||
	    pam_set_item(pam, PAM_RUSER, user) != PAM_SUCCESS ||
	    pam_set_item(pam, PAM_TTY, tty) != PAM_SUCCESS)
		_exit(1);
	sigemptyset(&alarm_alone);
	sigaddset(&alarm_alone, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_alone, NULL);
	hurry(true);
	authenticated = question.kind == AUTH_ACCOUNT;
	if (question.kind == AUTH_PASSWORD) {
		code = authenticate(child, pam);
		authenticated = code == PAM_SUCCESS;
	}
	if (authenticated)
		code = pam_acct_mgmt(pam, PAM_DISALLOW_NULL_AUTHTOK);
	if (authenticated && code == PAM_SUCCESS)
		wire_send(child->socket, AUTH_YES, 0, NULL, -1);
	else
		wire_send(
		    child->socket, AUTH_NO, code, auth_reason(child, pam, authenticated, code), -1);
	_exit(0);
}

int
auth_start(struct auth *auth, const struct origin *origin, int prompt)
{
	struct auth_child child = {.prompt = prompt};
	int ends[2];

	auth->socket = -1;
	if (wire_pair(ends) != 0)
		return -1;
	child.socket = ends[1];
	auth->pid = fork();
	if (auth->pid == 0)
		auth_child(&child, origin);
	close(ends[1]);
	close(prompt);
	if (auth->pid < 0) {
		close(ends[0]);
		return -1;
	}
	auth->socket = ends[0];
	return 0;
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
auth_question(struct auth *auth, const char *user, const char *tty, bool password)
{
	char text[512];

	snprintf(text, sizeof text, "%s\n%s", user, tty);
	return auth->socket < 0
	           ? -1
	           : wire_send(auth->socket, password ? AUTH_PASSWORD : AUTH_ACCOUNT, 0, text, -1);
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
	kill(auth->pid, SIGKILL);
	waitpid(auth->pid, NULL, WNOHANG);
}
