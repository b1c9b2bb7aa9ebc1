/*
 * The process as the caller made it: what stage 1 puts aside, and stage 12 gives back to the command.
 * Written by sanitize.c alone, before the first fork.
 */
#ifndef BOXDO_ORIGIN_H
#define BOXDO_ORIGIN_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Whom a process of the launch becomes: the caller, or the account a rule with run_as names. */
struct identity {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t group_count;
	bool other; /* not the caller */
};

struct origin {
	pid_t pid; /* HANDLE's: the PID the caller knows */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* the kernel's supplementary groups */
	size_t group_count;
	mode_t umask;
	struct rlimit limits[RLIM_NLIMITS]; /* of those that stage 1 changed */
	bool limit_changed[RLIM_NLIMITS];
	int nice;      /* -20..19 */
	int scheduler; /* SCHED_* */
	struct sched_param parameter;
	unsigned long timer_slack; /* ns */
	bool two;                  /* processors (processors.h) */
	sigset_t ignored, blocked;
	int argc;
	char **argv; /* copies; the originals are wiped */
	char **environment;
	char *title; /* where argv[0] stood */
	size_t title_size;
};

/*
 * Stage 1. Fills *origin; on return all ids are 0, descriptors 3 and up are closed, signals are
 * blocked and default, the process is not dumpable. Does not return when that cannot be had:
 * prints one line and exits with 125 (nothing happened yet that could be recorded).
 */
void
sanitize(struct origin *origin, int argc, char **argv, char **environment);

/* Shows text as the process's name in ps (15 bytes of it as the kernel's comm). */
void
sanitize_title(const struct origin *origin, const char *text);

#endif
