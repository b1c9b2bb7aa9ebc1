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
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define INIT_GROUP_MS                                                                              \
	15 /* how long a signal sent to the group may come after the one sent to the PID */
#define INIT_MEMORY_MS 200 /* and how long before */
#define INIT_TWIN_MS 50    /* sent to both, the PID and the group: HANDLE passes it on twice */

struct init {
	int control, signals;
	pid_t command;
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

/* Reaps whatever ended. When it is the command, everything else in here ends with INIT. */
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
		wire_send(init->control, CHILD_ENDED, status, NULL, -1);
		_exit(0);
	}
}

static void
control(struct init *init)
{
	struct wire_message message;
	int got = wire_receive(init->control, 0, &message, wire_now());

	if (got == 0 || (got < 0 && errno != ETIMEDOUT))
		_exit(125); /* SUPERVISOR is gone */
	if (got == 1 && message.kind == CHILD_SIGNAL)
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
	init.command = command_start(plan, &status, error, sizeof error);
	if (init.command < 0) {
		wire_send(socket, CHILD_NOT_EXECUTED, status, error, -1);
		_exit(0);
	}
	let_go();
	wire_send(socket, CHILD_STARTED, 0, NULL, -1);
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
