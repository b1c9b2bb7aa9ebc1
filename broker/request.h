/*
 * The request: what the caller asks for, as one argument vector.
 *
 *	boxdo-launch 1 image=pytorch bind=/home/alice/work:/work:rw network=host -- python3 train.py
 *
 * One table, shared by the client (which writes the vector) and the helper (which believes none of
 * it): name, longest value in bytes without the NUL, how often it may come. Keys come in the order
 * of the table; a key out of order, unknown, too long or too often is refused by the helper.
 * With join, which names a container that runs, only user, workdir, env and prompt go, and an image "-".
 * A value is never split again, but for bind (SOURCE:DESTINATION[:ro|:rw]; no colon in either path),
 * tmpfs (DESTINATION[:size=BYTES]) and ulimit (NAME=SOFT:HARD; numbers or "unlimited").
 */
#ifndef BOXDO_REQUEST_H
#define BOXDO_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_VERSION "1"
#define REQUEST_BINDS_MAX 64
#define REQUEST_TMPFS_MAX 16
#define REQUEST_DEVICES_MAX 32
#define REQUEST_ENVS_MAX 1024
#define REQUEST_ULIMITS_MAX 16
#define REQUEST_PATH_MAX 4095
#define REQUEST_NAME_MAX 255

/*
 * A variable the user typed with -e or --env-file travels in the environment, never on the command
 * line, under its own name behind this prefix (so that the dynamic loader, which removes LD_* and
 * its like for a setuid program, leaves it alone); the vector only says its name: env=NAME.
 */
#define REQUEST_ENV_PREFIX "BOXDO_ENV_"

/* clang-format off */
/*	  identifier  name          longest                  how often */
#define REQUEST_KEYS(X)                                              \
	X(IMAGE,      "image",      REQUEST_PATH_MAX,        1)        \
	X(USER,       "user",       REQUEST_NAME_MAX,        1)        \
	X(NAME,       "name",       128,                     1)        \
	X(BIND,       "bind",       2 * REQUEST_PATH_MAX + 4, REQUEST_BINDS_MAX) \
	X(TMPFS,      "tmpfs",      REQUEST_PATH_MAX + 32,   REQUEST_TMPFS_MAX) \
	X(DEVICE,     "device",     REQUEST_PATH_MAX,        REQUEST_DEVICES_MAX) \
	X(WORKDIR,    "workdir",    REQUEST_PATH_MAX,        1)        \
	X(ENV,        "env",        REQUEST_NAME_MAX,        REQUEST_ENVS_MAX) \
	X(NETWORK,    "network",    16,                      1)        \
	X(IPC,        "ipc",        16,                      1)        \
	X(ENTRYPOINT, "entrypoint", REQUEST_PATH_MAX,        1)        \
	X(HOSTNAME,   "hostname",   63,                      1)        \
	X(SHM_SIZE,   "shm-size",   20,                      1)        \
	X(SCRATCH,    "scratch",    20,                      1)        \
	X(ULIMIT,     "ulimit",     64,                      REQUEST_ULIMITS_MAX) \
	X(HOME,       "home",       2,                       1)        \
	X(CWD,        "cwd",        2,                       1)        \
	X(PROMPT,     "prompt",     8,                       1)        \
	X(JOIN,       "join",       32,                      1)        \
	X(ACTION,     "action",     8,                       1)        \
	X(REFUSED,    "refused",    1023,                    1)
/* clang-format on */

enum request_key {
#define X(id, name, longest, times) REQUEST_##id,
	REQUEST_KEYS(X)
#undef X
	    REQUEST_KEY_COUNT
};

/* A writable root: none; where the rule grants one (granted); one, or refused (yes, or a size). */
enum request_scratch { REQUEST_NO_SCRATCH, REQUEST_SCRATCH_IF_GRANTED, REQUEST_WITH_SCRATCH };

enum request_mode { REQUEST_AS_GRANTED, REQUEST_READ_ONLY, REQUEST_READ_WRITE };

/* Where a password comes from: the terminal; nowhere (-n); standard input (-S); a program (-A). */
enum request_prompt { REQUEST_TERMINAL, REQUEST_NEVER, REQUEST_STDIN, REQUEST_ASKPASS };
/*
 * What is wanted instead of a launch: the caller's running containers, that their tickets are forgotten, or
 * their own records (the command is then boxdo-log's options).
 */
enum request_action { REQUEST_LAUNCH, REQUEST_PS, REQUEST_FORGET, REQUEST_LOG };

/* Strings point into buffers owned by the request. source may be relative to the caller's cwd. */
struct request_bind {
	const char *source;
	const char *destination; /* absolute, as typed */
	enum request_mode mode;  /* AS_GRANTED: what the rule grants; the others only exactly so */
};

struct request_tmpfs {
	const char *destination;
	uint64_t size; /* bytes; 0: not said */
};

struct request_ulimit {
	int resource;        /* RLIMIT_* */
	uint64_t soft, hard; /* RLIM_INFINITY: unlimited */
};

struct request {
	const char *image; /* catalogue name, or absolute path when it begins with / */
	const char *user;  /* NULL: not said */
	const char *name;  /* NULL: not said; a label for the record */
	struct request_bind binds[REQUEST_BINDS_MAX];
	size_t bind_count;
	struct request_tmpfs tmpfs[REQUEST_TMPFS_MAX];
	size_t tmpfs_count;
	const char *devices[REQUEST_DEVICES_MAX]; /* absolute paths; CDI names: VENDOR/CLASS=NAME */
	size_t device_count;
	const char *workdir;                /* NULL or absolute path inside */
	const char *envs[REQUEST_ENVS_MAX]; /* names only */
	size_t env_count;
	const char *network;    /* NULL, "host" or "none" */
	const char *ipc;        /* NULL, "private" or "host" */
	const char *entrypoint; /* NULL: the image's; a command; "": none */
	enum request_prompt prompt;
	enum request_action action;
	const char *join;     /* NULL, or the id of the container the command is started in */
	const char *refused;  /* NULL, or why the client refused: nothing is started */
	const char *hostname; /* NULL or one DNS label */
	uint64_t shm_size;    /* bytes; 0: as large as the host's */
	enum request_scratch scratch;
	uint64_t scratch_size; /* bytes; 0: as many as are granted */
	struct request_ulimit ulimits[REQUEST_ULIMITS_MAX];
	size_t ulimit_count;
	bool no_home, no_cwd; /* home=no, cwd=no */
	char **command;       /* NULL-terminated; may be empty */
	size_t command_count;
};

/*
 * Reads argv (argv[0] is the program, argv[1] the version) into *request, which must be zeroed.
 * argv is not changed; what must be split is copied. Returns 0, or -1 with one line for the user,
 * free of control characters, in error.
 */
int
request_parse(struct request *request, int argc, char **argv, char *error, size_t error_size);

/* May key stand beside join? */
static inline bool
request_joins(enum request_key key)
{
	return key == REQUEST_IMAGE || key == REQUEST_USER || key == REQUEST_WORKDIR ||
	       key == REQUEST_ENV || key == REQUEST_PROMPT || key == REQUEST_JOIN;
}

#endif
