/*
 * auth.c: stage 6, AUTH
 *
 * Privilege: real uid the caller's (pam_rootok must see who asks), root's effective one (pam_unix reads
 * shadow). Trusts: PAM. Distrusts: its promptness: a deadline of its own, and SUPERVISOR's.
 * On error: no answer, or AUTH_NO.
 */
#include "broker/ask/auth.h"

#include "broker/auth.h"
#include "broker/handle.h"
#include "broker/wire.h"

#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define AUTH_TRIES 3
/* A directory with a link to /etc/pam.d/boxdo, and an "other" that says nothing: without one libpam complains in syslog. */
#define AUTH_CONFDIR "/usr/share/boxdo/pam.d"

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

/*
 * The account the command runs as must be good, too: `chage -E` on a service account switches it off for
 * everybody. sudo does not ask this. Nobody logs in as it, so an old password is no obstacle.
 */
static int
target_account(pam_handle_t *pam, const char *name)
{
	int code = pam_set_item(pam, PAM_USER, name);

	if (code == PAM_SUCCESS)
		code = pam_acct_mgmt(pam, 0);
	return code == PAM_NEW_AUTHTOK_REQD ? PAM_SUCCESS : code;
}

/*
 * Does the service say all that is asked for in its own file? Then libpam needs to see no other: it would read the
 * service "other" as well, always, and load the modules of that, which doubles what a launch waits for (0.65 ms
 * instead of 0.3). A file that includes others, or leaves a question to "other", is read as any program's is.
 */
static bool
stands_alone(void)
{
	FILE *file = fopen("/etc/pam.d/" AUTH_SERVICE, "re");
	char line[1024];
	bool alone = file != NULL, account = false, auth = false;

	while (alone && fgets(line, sizeof line, file)) {
		const char *word = line + strspn(line, " \t-");

		account = account || strncasecmp(word, "account", 7) == 0;
		auth = auth || strncasecmp(word, "auth", 4) == 0;
		alone = strchr(line, '\n') && (*word == '#' || !(strcasestr(word, "include") ||
		                                                   strcasestr(word, "substack")));
	}
	if (file)
		fclose(file);
	return alone && account && auth && access(AUTH_CONFDIR "/" AUTH_SERVICE, R_OK) == 0 &&
	       access(AUTH_CONFDIR "/other", R_OK) == 0;
}

void
auth_answer(int socket, int prompt)
{
	struct auth_child state = {.socket = socket, .prompt = prompt}, *child = &state;
	struct pam_conv conv = {conversation, child};
	struct wire_message question;
	char *user, *tty, *as = question.text;
	pam_handle_t *pam = NULL;
	sigset_t alarm_alone;
	bool authenticated;
	int code;

	/* Loads every module of the service; the user's name comes later. */
	code = stands_alone() ? pam_start_confdir(AUTH_SERVICE, NULL, &conv, AUTH_CONFDIR, &pam)
	                      : pam_start(AUTH_SERVICE, NULL, &conv, &pam);
	if (wire_receive(child->socket, 0, &question, UINT64_MAX) != 1 || code != PAM_SUCCESS)
		_exit(1);
	user = strsep(&as, "\n");
	tty = strsep(&as, "\n");
	if (!as || pam_set_item(pam, PAM_USER, user) != PAM_SUCCESS ||
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
	if (authenticated && code == PAM_SUCCESS && as[0])
		code = target_account(pam, as);
	if (authenticated && code == PAM_SUCCESS)
		wire_send(child->socket, AUTH_YES, 0, NULL, -1);
	else
		wire_send(
		    child->socket, AUTH_NO, code, auth_reason(child, pam, authenticated, code), -1);
	/* Until we are told, or killed: to end takes the processor from whoever waits for the answer. */
	wire_receive(child->socket, 0, &question, UINT64_MAX);
	_exit(0);
}
