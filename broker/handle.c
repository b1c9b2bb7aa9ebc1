/*
 * handle.c: HANDLE, the container as its caller sees it
 *
 * Stage 13. Privilege: root on entry (it is the process the caller started); drops everything at
 * once and for good, before it reads a byte.
 * Trusts: SUPERVISOR's messages (sender checked by the kernel). Distrusts: signals. A signal the
 * kernel made (^C) reached the whole process group already; only what another process sent to this
 * PID is passed on, and nothing that the caller ignored.
 * Errors: exit 125.
 */
#include "broker/handle.h"

#include "broker/askpass.h"
#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/opener.h"
#include "broker/running.h"
#include "broker/stack.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define HANDLE_LINE_MAX 512       /* bytes of a password line, with NUL */
#define HANDLE_PROMPT_SECONDS 300 /* sudo's passwd_timeout; for all tries */

struct handle {
	const struct origin *origin;
	int supervisor, prompt, opener, signals;
	pid_t supervisor_pid, auth;
	const char *how; /* where a password comes from: "" the terminal; never, stdin, askpass */
	int input;       /* standard input, while it may be read from; -1 */
	uint64_t until;  /* when the time for passwords is over; 0: none was asked for yet */
	bool started;
};

/* Ends as the command ended: by the same signal, so that a shell, make or Slurm sees what it would have seen. */
static void
handle_end(int status)
{
	sigset_t one;
	int number;

	if (!WIFSIGNALED(status))
		_exit(WEXITSTATUS(status));
	number = WTERMSIG(status);
	signal(number, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, number);
	kill(getpid(), number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	_exit(128 + number);
}

static void
handle_supervisor(struct handle *handle)
{
	struct wire_message message;

	switch (wire_receive(handle->supervisor, handle->supervisor_pid, &message, wire_now())) {
	case 1:
		break;
	case 0:
		dprintf(STDERR_FILENO,
		    "boxdo: the launch ended without a word; an admin finds more in "
		    "the audit journal\n");
		_exit(125);
	default:
		if (errno == ETIMEDOUT)
			return;
		_exit(125);
	}
	switch (message.kind) {
	case HANDLE_TEXT:
		dprintf(STDERR_FILENO, "boxdo: %s\n", message.text);
		return;
	case HANDLE_STARTED:
		handle->started = true;
		stack_give_back();
		return;
	case HANDLE_STOPPED:
		kill(getpid(), SIGSTOP);
		return;
	case HANDLE_ENDED:
		handle_end(message.value);
		return;
	case HANDLE_REFUSED:
		/* Given up for a signal: a shell's loop ends as it does when ^C ends the command. */
		handle_end(message.value > 128 ? message.value - 128 : message.value << 8);
		return;
	default:
		_exit(125);
	}
}

static bool
handle_gives_up(uint32_t number)
{
	return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

static void
handle_signal(struct handle *handle)
{
	struct signalfd_siginfo info;
	bool sent;

	if (read(handle->signals, &info, sizeof info) != sizeof info)
		return;
	/* One stands for all that come while nobody takes it: AUTH's end may be behind what another sent. */
	waitpid(handle->auth, NULL, WNOHANG);
	if (info.ssi_signo == SIGCHLD && info.ssi_code > 0)
		return;
	if (info.ssi_signo == SIGTERM && info.ssi_code == SI_QUEUE && handle->started &&
	    ((uint32_t)info.ssi_int & ~RUNNING_STOP_SECONDS) == RUNNING_STOP_MAGIC) {
		wire_send(handle->supervisor, HANDLE_STOP,
		    (int32_t)((uint32_t)info.ssi_int & RUNNING_STOP_SECONDS), NULL, -1);
		return;
	}
	if (sigismember(&handle->origin->ignored, (int)info.ssi_signo))
		return;
	/*
	 * Until the command runs nobody else gets ^C: then it means "give the launch up". That the
	 * terminal is gone the kernel tells the session's leader alone.
	 */
	sent = info.ssi_code <= 0 || (!handle->started && handle_gives_up(info.ssi_signo)) ||
	       (info.ssi_signo == SIGHUP && getsid(0) == getpid());
	if (sent)
		wire_send(handle->supervisor, 0, (int32_t)info.ssi_signo, NULL, -1);
}

/* Milliseconds that are left for passwords. */
static int
handle_left(const struct handle *handle)
{
	uint64_t now = wire_now();

	return now < handle->until ? (int)((handle->until - now) / WIRE_MS) + 1 : 0;
}

static bool
handle_is_stop(int number)
{
	return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* Then the terminal is the shell's, and how it is set too: the kernel would let us, as SIGTTOU is blocked. */
static bool
handle_in_background(int tty)
{
	pid_t group = tcgetpgrp(tty);

	return group > 0 && group != getpgrp();
}

static void
handle_set(int tty, const struct termios *settings)
{
	if (!handle_in_background(tty))
		tcsetattr(tty, TCSAFLUSH, settings);
}

/*
 * Reads one line; returns its length, or -1 when a signal or the time ended it. Byte by byte: what stands
 * behind it on standard input is the command's. quiet: the terminal's settings; NULL: it is none.
 */
static ssize_t
handle_read_line(struct handle *handle, int tty, const struct termios *quiet, const char *prompt,
    char line[HANDLE_LINE_MAX])
{
	struct pollfd ready[] = {
	    {.fd = tty, .events = POLLIN}, {.fd = handle->signals, .events = POLLIN}};
	struct signalfd_siginfo info;
	struct termios loud = quiet ? *quiet : (struct termios){.c_lflag = 0};
	ssize_t length = 0, got;
	bool away = false;

	loud.c_lflag |= ECHO;
	while (poll(ready, 2, handle_left(handle)) > 0) {
		if (ready[1].revents) {
			if (read(handle->signals, &info, sizeof info) != sizeof info)
				continue;
			if (handle_gives_up(info.ssi_signo)) {
				wire_send(handle->supervisor, 0, (int32_t)info.ssi_signo, NULL, -1);
				return -1;
			}
			if (handle_is_stop((int)info.ssi_signo) && quiet) {
				handle_set(tty, &loud);
				away = true;
				kill(getpid(), SIGSTOP);
			} else if (away && handle_in_background(tty)) {
				/* bg, or a signal: it does not make the terminal ours. */
				if (poll(&ready[1], 1, 0) == 0)
					kill(getpid(), SIGSTOP);
			} else if (away) {
				away = false;
				handle_set(tty, quiet);
				dprintf(tty, "%s", prompt);
			}
			continue;
		}
		got = read(tty, line + length, 1);
		if (got < 0 && errno == EAGAIN)
			continue;
		if (got <= 0)
			return got == 0 && length > 0 ? length : -1;
		if (line[length] == '\n')
			return length;
		if (++length == HANDLE_LINE_MAX)
			break;
	}
	tcflush(tty, TCIFLUSH);
	return -1;
}

/* Where the answer is read from; -1: nowhere. */
static int
handle_source(const struct handle *handle, const char *prompt)
{
	if (strcmp(handle->how, "stdin") == 0)
		return handle->input < 0 ? -1 : fcntl(handle->input, F_DUPFD_CLOEXEC, 3);
	if (strcmp(handle->how, "askpass") == 0)
		return askpass_run(handle->origin, prompt);
	return handle->how[0] ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC);
}

static void
handle_ask(struct handle *handle, const struct wire_message *question)
{
	int in = handle_source(handle, question->text);
	int out = handle->how[0] ? STDERR_FILENO : in;
	char line[HANDLE_LINE_MAX] = "";
	struct termios before, quiet;
	bool terminal = in >= 0 && tcgetattr(in, &before) == 0;
	ssize_t length;

	if (handle->until == 0)
		handle->until = wire_now() + HANDLE_PROMPT_SECONDS * 1000 * WIRE_MS;
	if (in < 0 || (!terminal && !handle->how[0])) {
		wire_send(handle->prompt, PROMPT_NO_TERMINAL, 0, NULL, -1);
		if (in >= 0)
			close(in);
		return;
	}
	if (terminal) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)(question->kind == PROMPT_HIDDEN ? ECHO | ECHONL : 0);
		handle_set(in, &quiet);
	}
	if (strcmp(handle->how, "askpass") != 0)
		dprintf(out, "%s", question->text);
	length = handle_read_line(handle, in, terminal ? &quiet : NULL, question->text, line);
	if (terminal)
		handle_set(in, &before);
	if (question->kind == PROMPT_HIDDEN && strcmp(handle->how, "askpass") != 0)
		dprintf(out, "\n");
	if (length >= 0) {
		line[length] = '\0';
		wire_send(handle->prompt, question->kind, 0, line, -1);
	} else {
		wire_send(handle->prompt, PROMPT_NO_TERMINAL, 1, NULL, -1);
	}
	explicit_bzero(line, sizeof line);
	close(in);
}

/* The question is over: the input is the command's alone. */
static void
handle_no_more_questions(struct handle *handle)
{
	close(handle->prompt);
	handle->prompt = -1;
	if (handle->input >= 0)
		dup2(STDIN_FILENO, handle->input); /* which is /dev/null */
	handle->input = -1;
}

static void
handle_prompt(struct handle *handle)
{
	struct wire_message question;
	int got = wire_receive(handle->prompt, 0, &question, wire_now());

	if (got == 0 || (got < 0 && errno != ETIMEDOUT))
		handle_no_more_questions(handle);
	if (got != 1)
		return;
	if (question.kind == PROMPT_INFO)
		dprintf(STDERR_FILENO, "boxdo: %s\n", question.text);
	else
		handle_ask(handle, &question);
}

/* Nobody's directory is kept busy when nothing is opened in it any more. */
static void
handle_opener(struct handle *handle)
{
	if (opener_answer(handle->opener, handle->supervisor_pid, handle->origin->uid))
		return;
	close(handle->opener);
	handle->opener = -1;
	if (chdir("/") != 0)
		_exit(125);
}

/* The caller's own wish, read by a process that is the caller's: SUPERVISOR refuses what is malformed. */
static const char *
handle_how(const struct origin *origin)
{
	static const char key[] = "prompt=";

	for (int i = 2; i < origin->argc && strcmp(origin->argv[i], "--") != 0; i++)
		if (strncmp(origin->argv[i], key, sizeof key - 1) == 0)
			return origin->argv[i] + sizeof key - 1;
	return "";
}

/* Only stderr and the sockets stay: whoever reads the command's output must see its end (B8). */
static void
handle_keep(const struct handle *handle)
{
	const int kept[] = {handle->supervisor, handle->prompt, handle->opener};

	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || (handle->input != STDOUT_FILENO && dup2(null, 1) < 0))
		_exit(125);
	fds_close_but(kept, sizeof kept / sizeof kept[0]);
}

void
handle_run(const struct origin *origin, int supervisor, pid_t supervisor_pid, int prompt,
    int opener, pid_t auth)
{
	struct handle handle = {.origin = origin,
	    .supervisor = supervisor,
	    .prompt = prompt,
	    .opener = opener,
	    .supervisor_pid = supervisor_pid,
	    .auth = auth,
	    .how = handle_how(origin),
	    .input = -1};
	struct pollfd ready[4];
	sigset_t all;

	/* A copy, for the password; it lives until the last question was asked. */
	if (strcmp(handle.how, "stdin") == 0 && dup2(STDIN_FILENO, STDOUT_FILENO) >= 0)
		handle.input = STDOUT_FILENO;
	handle_keep(&handle);
	drop_to(origin->uid, origin->gid, origin->groups, origin->group_count);
	sanitize_title(origin, "boxdo");
	sigfillset(&all);
	handle.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (handle.signals < 0)
		_exit(125);
	for (;;) {
		ready[0] = (struct pollfd){.fd = handle.signals, .events = POLLIN};
		ready[1] = (struct pollfd){.fd = supervisor, .events = POLLIN};
		ready[2] = (struct pollfd){.fd = handle.prompt, .events = POLLIN};
		ready[3] = (struct pollfd){.fd = handle.opener, .events = POLLIN};
		/* Whoever took our descriptors' limit (prlimit) has no use for us; SUPERVISOR sees that we are gone. */
		if (poll(ready, 4, -1) < 0 && errno != EINTR)
			_exit(125);
		if (ready[0].revents)
			handle_signal(&handle);
		if (ready[2].revents && handle.prompt >= 0)
			handle_prompt(&handle);
		if (ready[3].revents)
			handle_opener(&handle);
		if (ready[1].revents)
			handle_supervisor(&handle);
	}
}
