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

#include "broker/drop.h"
#include "broker/fds.h"
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
#define HANDLE_PROMPT_SECONDS 300 /* sudo's passwd_timeout */

struct handle {
	const struct origin *origin;
	int supervisor, prompt, signals;
	pid_t supervisor_pid;
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
	if (info.ssi_signo == SIGCHLD && info.ssi_code > 0)
		return;
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

static bool
handle_is_stop(int number)
{
	return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* Reads one line from the terminal; returns its length, or -1 when a signal or the time ended it. */
static ssize_t
handle_read_line(struct handle *handle, int tty, const struct termios *quiet, const char *prompt,
    char line[HANDLE_LINE_MAX])
{
	struct pollfd ready[] = {
	    {.fd = tty, .events = POLLIN}, {.fd = handle->signals, .events = POLLIN}};
	struct signalfd_siginfo info;
	struct termios loud = *quiet;
	ssize_t length;

	loud.c_lflag |= ECHO;
	while (poll(ready, 2, HANDLE_PROMPT_SECONDS * 1000) > 0) {
		if (ready[1].revents) {
			if (read(handle->signals, &info, sizeof info) != sizeof info)
				continue;
			if (handle_is_stop((int)info.ssi_signo)) {
				tcsetattr(tty, TCSAFLUSH, &loud);
				kill(getpid(), SIGSTOP);
				tcsetattr(tty, TCSAFLUSH, quiet);
				dprintf(tty, "%s", prompt);
			} else if (handle_gives_up(info.ssi_signo)) {
				wire_send(handle->supervisor, 0, (int32_t)info.ssi_signo, NULL, -1);
				return -1;
			}
			continue;
		}
		/* The terminal is in canonical mode: one read, one line (4096 at most, the rest is lost). */
		length = read(tty, line, HANDLE_LINE_MAX);
		if (length <= 0)
			return -1;
		if (line[length - 1] == '\n')
			return length - 1;
		if (length == HANDLE_LINE_MAX)
			tcflush(tty, TCIFLUSH);
		return length == HANDLE_LINE_MAX ? -1 : length;
	}
	return -1;
}

static void
handle_ask(struct handle *handle, const struct wire_message *question)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	char line[HANDLE_LINE_MAX] = "";
	struct termios before, quiet;
	ssize_t length;

	if (tty < 0 || tcgetattr(tty, &before) != 0) {
		wire_send(handle->prompt, PROMPT_NO_TERMINAL, 0, NULL, -1);
		if (tty >= 0)
			close(tty);
		return;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(question->kind == PROMPT_HIDDEN ? ECHO | ECHONL : 0);
	tcsetattr(tty, TCSAFLUSH, &quiet);
	dprintf(tty, "%s", question->text);
	length = handle_read_line(handle, tty, &quiet, question->text, line);
	tcsetattr(tty, TCSAFLUSH, &before);
	if (question->kind == PROMPT_HIDDEN)
		dprintf(tty, "\n");
	if (length >= 0) {
		line[length] = '\0';
		wire_send(handle->prompt, question->kind, 0, line, -1);
	} else {
		wire_send(handle->prompt, PROMPT_NO_TERMINAL, 1, NULL, -1);
	}
	explicit_bzero(line, sizeof line);
	close(tty);
}

static void
handle_prompt(struct handle *handle)
{
	struct wire_message question;
	int got = wire_receive(handle->prompt, 0, &question, wire_now());

	if (got == 0 || (got < 0 && errno != ETIMEDOUT)) {
		close(handle->prompt);
		handle->prompt = -1;
	}
	if (got != 1)
		return;
	if (question.kind == PROMPT_INFO)
		dprintf(STDERR_FILENO, "boxdo: %s\n", question.text);
	else
		handle_ask(handle, &question);
}

/* Only stderr and the two sockets stay: whoever reads the command's output must see its end (B8). */
static void
handle_keep(int first, int second)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(125);
	fds_close_others(first, second);
}

void
handle_run(const struct origin *origin, int supervisor, pid_t supervisor_pid, int prompt)
{
	struct handle handle = {.origin = origin,
	    .supervisor = supervisor,
	    .prompt = prompt,
	    .supervisor_pid = supervisor_pid};
	struct pollfd ready[3];
	sigset_t all;

	handle_keep(supervisor, prompt);
	if (chdir("/") != 0)
		_exit(125);
	drop_bounding();
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
		if (poll(ready, 3, -1) < 0)
			continue;
		if (ready[0].revents)
			handle_signal(&handle);
		if (ready[2].revents && handle.prompt >= 0)
			handle_prompt(&handle);
		if (ready[1].revents)
			handle_supervisor(&handle);
	}
}
