/*
 * The containers now running: one table a user below /run/boxdo/running, files of root's alone, mapped.
 * An entry stands from before the launch record is sent until the end record is. It is believed only
 * while its SUPERVISOR lives: the process of that number that began at that time.
 */
#ifndef BOXDO_RUNNING_H
#define BOXDO_RUNNING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "audit/audit.h"

/*
 * /run/boxdo/running/UID.N: each table has twice as many entries as the one before. UID.jN: commands that
 * joined a container, which take no container's place.
 */
#define RUNNING_DIRECTORY "running"
#define RUNNING_MAGIC 0x626f78646f726e31 /* "boxdorn1" */
#define RUNNING_FIRST 16u
#define RUNNING_TABLES 9u
#define RUNNING_MAX (RUNNING_FIRST * ((1u << RUNNING_TABLES) - 1)) /* containers of one user */

/*
 * owner says which SUPERVISOR has the entry (0: free); the facts are its own once filled says the same.
 * stop is written by root's `boxdo stop`, which then wakes that SUPERVISOR: an entry's user can neither
 * write here nor send it a signal.
 */
struct running_entry {
	_Atomic uint64_t owner, filled; /* running_owner() */
	uint64_t since;                 /* CLOCK_REALTIME, microseconds */
	uint64_t init_start;            /* of init, in clock ticks since boot */
	int32_t init, handle; /* pids: process 1 of the container; the process its caller knows */
	uint32_t uid;
	uint32_t stop_login, stop_grace; /* login uid of who stops it; seconds from TERM to KILL */
	_Atomic int32_t
	    facts; /* SUPERVISOR's descriptor of what may be joined (join.c); 0: none yet */
	_Atomic uint64_t stop; /* the owner that is to stop; 0: none */
	char stop_by[64];      /* name of who stops it */
	char id[AUDIT_ID_SIZE];
	char user[64], run_as[64], image[160], rule[160]; /* what is longer is cut */
	char name[64];                                    /* --name; "" where there is none */
	char command[296];                                /* quoted and redacted, as on record */
	char image_path[192], image_sha256[65];           /* as opened; as remembered */
	char joins[AUDIT_ID_SIZE]; /* the container the command was started in; "": its own */
};

struct running_table {
	_Atomic uint64_t magic;
	char room[1016];
	struct running_entry entries[];
};

/* An upgrade would find tables of another size, and nothing would start until a reboot. */
_Static_assert(sizeof(struct running_entry) == 1264, "then name another RUNNING_DIRECTORY");

static inline uint64_t
running_owner(pid_t supervisor, uint64_t start)
{
	return (uint64_t)(uint32_t)supervisor << 32 | (uint32_t)start;
}

static inline pid_t
running_supervisor(uint64_t owner)
{
	return (pid_t)(owner >> 32);
}

/*
 * How an ordinary user's `boxdo stop` tells HANDLE, a process of their own: SIGTERM queued with this value
 * and, in the lower half, the seconds of grace.
 */
#define RUNNING_STOP_MAGIC 0x53540000u
#define RUNNING_STOP_SECONDS 0xffffu

struct launch;

/*
 * A free entry of uid's for the process that owner names; fewer than limit of uid's containers run
 * (0: no limit), also when many ask at once; joins: of the commands that joined one. NULL: EDQUOT when that
 * many run, else what /run has against it.
 */
struct running_entry *
running_take(uid_t uid, uint64_t owner, unsigned limit, bool joins);
/* Writes down what runs; INIT exists. command: as on record. */
void
running_fill(const struct launch *launch, const char *command, int length);
void
running_release(struct running_entry *entry);
/* All of uid's that run, copied; the caller frees *entries. Returns 0 or -1. */
int
running_own(uid_t uid, struct running_entry **entries, size_t *count);
/* Copies uid's running container id (its SUPERVISOR lives), or the command that joined one. Returns 1; 0: none. */
int
running_find(uid_t uid, const char *id, struct running_entry *entry);

#endif
