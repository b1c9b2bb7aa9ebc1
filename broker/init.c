/*
 * init.c: stage 13 inside the container, process 1
 *
 * Privilege: the caller's, no capability, filtered. Trusts: SUPERVISOR. Distrusts: signals: INIT is in
 * the caller's process group, so ^C and `kill -- -PGID` reach INIT and the command alike; a signal
 * that SUPERVISOR passes on and INIT was itself just sent has reached the command already
 * (`timeout` signals both the PID it knows and the group).
 * On error: exit; the container ends and SUPERVISOR records how.
 */
#include "broker/init.h"

#include "broker/child.h"
#include "broker/command.h"
#include "broker/stack.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define INIT_GROUP_MS                                                                              \
	15 /* how long a signal sent to the group may come after the one sent to the PID */
#define INIT_MEMORY_MS 200 /* and how long before */
#define INIT_TWIN_MS 50    /* sent to both, the PID and the group: HANDLE passes it on twice */

struct init {
	int control, signals;
	pid_t command;
	bool writable;       /* the root, */
	struct statvfs root; /* as it was before the command */
	uint64_t seen
	    [NSIG]; /* when INIT itself was last sent this signal by a process outside; 0: never */
	bool told[NSIG]; /* and one that was passed on has been taken for it */
};

/* Takes what arrived for INIT itself. Signals from inside the container mean nothing to it. */
static void
take_signals(struct init *init)
{
	struct signalfd_siginfo info;

	while (read(init->signals, &info, sizeof info) == sizeof info)
		/* What the kernel sends to the group (^C) is not passed on by HANDLE. */
		if (info.ssi_signo < NSIG && info.ssi_pid == 0 && info.ssi_code <= 0) {
			init->seen[info.ssi_signo] = wire_now();
			init->told[info.ssi_signo] = false;
		}
}

/* Did the command get this one with the rest of the group? */
static bool
reached(struct init *init, int number, uint64_t now)
{
	uint64_t memory = (init->told[number] ? INIT_TWIN_MS : INIT_MEMORY_MS) * WIRE_MS;

	if (!init->seen[number] || init->seen[number] + memory < now)
		return false;
	init->told[number] = true;
	return true;
}

static void
pass_on(struct init *init, int number)
{
	struct pollfd ready = {.fd = init->signals, .events = POLLIN};
	uint64_t start = wire_now(), now = start;

	if (number <= 0 || number >= NSIG || init->command <= 0)
		return;
	/* A command with a process group of its own was not reached by what was sent to ours. */
	while (getpgid(init->command) == getpgrp()) {
		take_signals(init);
		if (reached(init, number, start))
			return;
		now = wire_now();
		if (now >= start + INIT_GROUP_MS * WIRE_MS)
			break;
		poll(&ready, 1, (int)((start + INIT_GROUP_MS * WIRE_MS - now) / WIRE_MS) + 1);
	}
	kill(init->command, number);
}

/*
 * Everything in this container. Who joined one ends its own command alone: what that leaves behind is the
 * container's, as with docker.
 */
static void
kill_all(const struct init *init)
{
	if (getpid() == 1)
		kill(-1, SIGKILL);
	else if (init->command > 0)
		kill(init->command, SIGKILL);
}

/* For a line to the user alone: nobody relies on it. */
static void
tell_discarded(const struct init *init)
{
	struct statvfs now;
	fsblkcnt_t blocks;
	fsfilcnt_t files;
	char text[32];

	if (!init->writable || statvfs("/", &now) != 0)
		return;
	blocks = init->root.f_bfree > now.f_bfree ? init->root.f_bfree - now.f_bfree : 0;
	files = init->root.f_ffree > now.f_ffree ? init->root.f_ffree - now.f_ffree : 0;
	snprintf(text, sizeof text, "%llu", (unsigned long long)files);
	if (blocks || files)
		wire_send(init->control, CHILD_DISCARDED, (int32_t)(blocks * now.f_frsize / 1024),
		    text, -1);
}

/*
 * The command is over, and with it everything in here. Not left to the kernel: what that ends with its
 * process 1 is reaped unseen, and the time it used would be in no record.
 */
static void __attribute__((noreturn)) end_all(struct init *init, int status)
{
	wire_send(init->control, CHILD_ENDED, status, NULL, -1);
	init->command = -1; /* it was reaped: the number may be another's */
	/* Nearly always nobody is left; and to look for them costs what the host has processes. */
	if (waitpid(-1, NULL, __WALL | WNOHANG) >= 0)
		kill_all(init);
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
	tell_discarded(init);
	_exit(0);
}

/* Reaps whatever ended. */
static void
reap(struct init *init)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != init->command)
			continue;
		if (WIFSTOPPED(status)) {
			wire_send(init->control, CHILD_STOPPED, WSTOPSIG(status), NULL, -1);
			continue;
		}
		end_all(init, status);
	}
	/* Nobody would wake us again for what could not be asked after. */
	if (pid < 0 && errno != ECHILD)
		_exit(125);
}

static void
control(struct init *init)
{
	struct wire_message message;
	int got = wire_receive(init->control, 0, &message, wire_now());

	if (got == 0 || (got < 0 && errno != ETIMEDOUT))
		_exit(125); /* SUPERVISOR is gone */
	if (got != 1 || message.kind != CHILD_SIGNAL)
		return;
	if (message.value == SIGKILL) /* to the last process: SUPERVISOR stops the container */
		kill_all(init);
	else
		pass_on(init, message.value);
}

/* The command's descriptors 0-2 are its own: whoever reads its output must see it end. */
static void
let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i <= 2 && null >= 0; i++)
		dup2(null, i);
}

void
init_run(const struct plan *plan, int socket)
{
	struct init init = {.control = socket};
	struct pollfd ready[2];
	char error[512];
	sigset_t all;
	int status;

	sigfillset(&all);
	init.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (init.signals < 0)
		_exit(125);
	init.writable = plan->root_size && statvfs("/", &init.root) == 0;
	init.command = command_start(plan, socket, &status, error, sizeof error);
	if (init.command < 0) {
		wire_send(socket, CHILD_NOT_EXECUTED, status, error, -1);
		_exit(0);
	}
	let_go();
	wire_send(socket, CHILD_STARTED, 0, NULL, -1);
	stack_give_back();
	for (;;) {
		ready[0] = (struct pollfd){.fd = init.signals, .events = POLLIN};
		ready[1] = (struct pollfd){.fd = socket, .events = POLLIN};
		poll(ready, 2, -1);
		take_signals(&init);
		if (ready[1].revents)
			control(&init);
		/* Last: whatever took a SIGCHLD from the signalfd above, nobody else will wake us for it. */
		reap(&init);
	}
}
