/*
 * The client that starts containers: static, never privileged, and believed by nobody. Each function
 * that can fail prints its own line and returns 0 or BOXDO_EXIT_CLIENT; the caller passes that on.
 */
#ifndef BOXDO_CLIENT_H
#define BOXDO_CLIENT_H

#include "broker/request.h"

#ifndef BOXDO_LIBEXEC /* the tests put a stand-in for the helper elsewhere */
#define BOXDO_LIBEXEC "/usr/libexec/boxdo"
#endif
#define BOXDO_VERSION "0.1"
#define BOXDO_EXIT_CLIENT 125 /* as docker's: boxdo itself failed, the command was not started */
#define BOXDO_WORDS_MAX                                                                            \
	(REQUEST_BINDS_MAX + REQUEST_TMPFS_MAX + REQUEST_DEVICES_MAX + REQUEST_ULIMITS_MAX +       \
	    REQUEST_KEY_COUNT)

/* KEY=VALUE, in the order it was typed. */
struct boxdo_word {
	enum request_key key;
	char *text;
};

/* A variable for the container. entry: BOXDO_ENV_NAME=VALUE, or NULL: asked for, but not set here. */
struct boxdo_variable {
	char *name;
	char *entry;
	bool from_file; /* -e wins over --env-file wherever it stands */
};

struct boxdo_run {
	struct boxdo_word words[BOXDO_WORDS_MAX];
	size_t word_count;
	struct boxdo_variable variables[REQUEST_ENVS_MAX];
	size_t variable_count;
};

/* text is the help of an option that is honoured, or why it is refused and what to do instead. */
struct boxdo_option {
	const char *name, *argument;                           /* argument NULL: a flag */
	int (*take)(struct boxdo_run *run, const char *value); /* NULL: not honoured */
	const char *accepted; /* "*", or words: values that may stay, without effect; NULL: none */
	const char *text;
	char letter; /* 0: none */
};

/* boxdo.c: "boxdo: ..." on stderr, control characters as '?'; returns BOXDO_EXIT_CLIENT. */
int
boxdo_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What boxdo_fail said last, without "boxdo: " and newline; "" when it was never called. */
const char *
boxdo_failed(void);
/* boxdo_run.c: boxdo run; argv[0] is "run". Returns only when it failed or printed the help. */
int
boxdo_run(int argc, char **argv);
/* Adds "KEY=" + value of length bytes; a key that may come once replaces what it said before. */
int
boxdo_run_add(struct boxdo_run *run, enum request_key key, const char *value, size_t length);
/* boxdo_options.c: the table. By name of length bytes, by letter: NULL when there is none. */
const struct boxdo_option *
boxdo_option_named(const char *name, size_t length);
const struct boxdo_option *
boxdo_option_lettered(char letter);
const char *
boxdo_option_nearest(const char *name, size_t length);
int
boxdo_options_help(void);

/* boxdo_values.c and boxdo_env.c: one function for each option whose value is more than copied. */
int
boxdo_volume(struct boxdo_run *run, const char *value);
int
boxdo_mount(struct boxdo_run *run, const char *value);
int
boxdo_tmpfs(struct boxdo_run *run, const char *value);
int
boxdo_shm_size(struct boxdo_run *run, const char *value);
int
boxdo_device(struct boxdo_run *run, const char *value);
int
boxdo_ulimit(struct boxdo_run *run, const char *value);
int
boxdo_env(struct boxdo_run *run, const char *value);
int
boxdo_env_file(struct boxdo_run *run, const char *path);

#endif
