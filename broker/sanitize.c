/*
 * sanitize.c: stage 1, a process that owes its caller nothing
 *
 * Privilege: setuid root on entry (real uid the caller's), all ids 0 on exit.
 * Trusts: the kernel. Distrusts: everything a process inherits across execve: argc, descriptors,
 * environment, umask, limits, signal dispositions and mask, timers, priority.
 * Errors: one line on stderr and exit 125; nothing ran, nothing is left, nothing can be recorded yet.
 */
#include "broker/origin.h"
#include "broker/processors.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define SANITIZE_CPU_SECONDS 60 /* what a launch takes is milliseconds */

static void
give_up(const char *text)
{
	dprintf(STDERR_FILENO, "boxdo: %s\n", text);
	_exit(125);
}

/*
 * fds 0-2 must be open, or the next file opened becomes somebody's stdout (glibc does it for
 * AT_SECURE programs; we do not depend on it). A directory or O_PATH descriptor there would be a
 * handle on the host's files inside the container.
 */
static void
sanitize_descriptors(void)
{
	struct stat st;
	int flags, fd;

	for (int i = 0; i <= 2; i++) {
		flags = fcntl(i, F_GETFL);
		if (flags < 0) {
			fd = open("/dev/null", i == 0 ? O_RDONLY : O_WRONLY);
			if (fd != i)
				_exit(125);
			continue;
		}
		if ((flags & O_PATH) || fstat(i, &st) != 0 || S_ISDIR(st.st_mode))
			give_up(
			    "stdin, stdout and stderr must not be directories: redirect them to a "
			    "file, a pipe or a terminal");
	}
	if (close_range(3, ~0U, 0) != 0)
		give_up("cannot close inherited descriptors");
}

/* What the caller ignores stays ignored for the command (nohup); for us everything is default and blocked. */
static void
sanitize_signals(struct origin *origin)
{
	struct sigaction action;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &origin->blocked);
	sigemptyset(&origin->ignored);
	for (int i = 1; i < NSIG; i++) {
		if (sigaction(i, NULL, &action) != 0)
			continue;
		if (action.sa_handler == SIG_IGN)
			sigaddset(&origin->ignored, i);
		if (action.sa_handler != SIG_DFL && i != SIGKILL && i != SIGSTOP) {
			action = (struct sigaction){.sa_handler = SIG_DFL};
			sigaction(i, &action, NULL);
		}
	}
	/* A file size limit must be an error we can report, not a death (B48). */
	signal(SIGXFSZ, SIG_IGN);
}

static void
sanitize_limits(struct origin *origin)
{
	static const struct {
		int resource;
		rlim_t soft;
	} wanted[] = {{RLIMIT_AS, RLIM_INFINITY}, {RLIMIT_CORE, 0}, {RLIMIT_CPU, RLIM_INFINITY},
	    {RLIMIT_DATA, RLIM_INFINITY}, {RLIMIT_FSIZE, RLIM_INFINITY}, {RLIMIT_NOFILE, 4096},
	    {RLIMIT_STACK, 8 << 20}};
	static const struct itimerval off;
	struct rlimit limit;

	/*
	 * Up to the hard limit always works; past it only with CAP_SYS_RESOURCE, which root may lack. A
	 * hard limit is never lowered: the command gets the caller's own back, after privilege is gone. Of processor time
	 * there must be enough, or the kernel kills who owes the record of the end, or who asks PAM.
	 */
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		struct rlimit *before = &origin->limits[wanted[i].resource];

		if (getrlimit(wanted[i].resource, before) != 0)
			give_up("cannot read a resource limit");
		origin->limit_changed[wanted[i].resource] = true;
		limit.rlim_cur = wanted[i].soft;
		limit.rlim_max =
		    wanted[i].soft > before->rlim_max ? wanted[i].soft : before->rlim_max;
		if (setrlimit(wanted[i].resource, &limit) == 0)
			continue;
		if (wanted[i].resource == RLIMIT_CPU && before->rlim_max < SANITIZE_CPU_SECONDS)
			give_up("your limit of processor time (ulimit -t) is under a minute, and "
			        "root may not lift it here (no CAP_SYS_RESOURCE)");
		limit.rlim_cur = limit.rlim_max = before->rlim_max;
		setrlimit(wanted[i].resource, &limit);
	}
	/* Interval timers survive execve (ITIMER_REAL would kill us half way). */
	setitimer(ITIMER_REAL, &off, NULL);
	setitimer(ITIMER_VIRTUAL, &off, NULL);
	setitimer(ITIMER_PROF, &off, NULL);
}

static void
sanitize_priority(struct origin *origin)
{
	static const struct sched_param none;

	/* Survives execve, and one of years would let no deadline pass and no pause end. */
	origin->timer_slack = (unsigned)prctl(PR_GET_TIMERSLACK);
	prctl(
	    PR_SET_TIMERSLACK, 1000UL); /* ns: pauses while a record is awaited are not stretched */
	errno = 0;
	origin->nice = getpriority(PRIO_PROCESS, 0);
	origin->scheduler = sched_getscheduler(0);
	sched_getparam(0, &origin->parameter);
	if (origin->scheduler != SCHED_OTHER)
		sched_setscheduler(0, SCHED_OTHER, &none);
	if (origin->nice > 0)
		setpriority(PRIO_PROCESS, 0, 0);
}

static char **
copy_strings(char **strings, int count)
{
	char **copy = calloc((size_t)count + 1, sizeof *copy);

	if (!copy)
		give_up("out of memory");
	for (int i = 0; i < count; i++)
		if (!(copy[i] = strdup(strings[i])))
			give_up("out of memory");
	return copy;
}

/*
 * argv and environment are copied and the originals wiped: journald reads /proc/PID/cmdline into its
 * own _CMDLINE field, where a redacted token would stand in full (seen with journald 252).
 */
static void
sanitize_strings(struct origin *origin, int argc, char **argv, char **environment)
{
	int count = 0;

	while (environment[count])
		count++;
	origin->argc = argc;
	origin->argv = copy_strings(argv, argc);
	origin->environment = copy_strings(environment, count);
	origin->title = argv[0];
	origin->title_size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
	for (int i = 0; i < argc; i++)
		explicit_bzero(argv[i], strlen(argv[i]));
	for (int i = 0; i < count; i++)
		explicit_bzero(environment[i], strlen(environment[i]));
	clearenv();
}

/*
 * journald's trusted _UID is the real uid, and a caller may signal any process whose real or saved
 * uid is theirs: so all ids become 0 at once, before anything is opened (A3, B51).
 */
static void
sanitize_ids(struct origin *origin)
{
	int count = getgroups(0, NULL);

	origin->uid = getuid();
	origin->gid = getgid();
	if (geteuid() != 0)
		give_up(
		    "not running as root, so nothing can be started: the set-user-id bit is not in "
		    "effect here (inside another container, under no_new_privs, a user namespace, "
		    "a "
		    "debugger or a nosuid mount); run it outside of that");
	if (count < 0 || !(origin->groups = calloc((size_t)count + 1, sizeof(gid_t))) ||
	    (count = getgroups(count, origin->groups)) < 0)
		give_up("cannot read your groups");
	origin->group_count = (size_t)count;
	if (setgroups(0, NULL) != 0 || setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
		give_up("cannot become root");
}

void
sanitize_title(const struct origin *origin, const char *text)
{
	size_t length = strnlen(text, origin->title_size);

	memset(origin->title, 0, origin->title_size);
	memcpy(origin->title, text, length);
	prctl(PR_SET_NAME, text);
}

void
sanitize(struct origin *origin, int argc, char **argv, char **environment)
{
	*origin = (struct origin){.pid = getpid()};
	prctl(PR_SET_DUMPABLE, 0);
	if (argc < 1 || !argv[0])
		_exit(125);
	sanitize_descriptors();
	sanitize_signals(origin);
	origin->umask = umask(077);
	sanitize_limits(origin);
	sanitize_priority(origin);
	sanitize_ids(origin);
	/* The change of ids set the flag anew, to fs.suid_dumpable. */
	prctl(PR_SET_DUMPABLE, 0);
	sanitize_strings(origin, argc, argv, environment);
	origin->two = processors_two();
}
