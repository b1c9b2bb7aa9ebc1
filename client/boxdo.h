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
	bool clean;        /* of the caller's environment nothing goes in but what was asked for, */
	bool keep_term;    /* TERM, */
	bool keep_proxies; /* and http_proxy and its like */
	bool read_only;    /* --read-only: whatever else asks for a writable root */
	bool net;          /* apptainer's --net, which needs a --network */
	const char *shell; /* apptainer shell --shell; NULL: not said */
	const char *cidfile; /* where the container's name is written; NULL: nowhere */
	char *cid_path;      /* where its status is kept then, */
	int cid;             /* that file, open, */
	bool remove;         /* which --rm removes in the end */
	size_t word_count;
	size_t variable_count;
	/* From here on nothing is read that was not written: 20 KiB, of which a launch needs few. */
	struct boxdo_word words[BOXDO_WORDS_MAX];
	struct boxdo_variable variables[REQUEST_ENVS_MAX];
};

/* text is the help of an option that is honoured, or why it is refused and what to do instead. */
struct boxdo_option {
	const char *name, *argument;                           /* argument NULL: a flag */
	int (*take)(struct boxdo_run *run, const char *value); /* NULL: not honoured */
	const char *accepted; /* "*", or words: values that may stay, without effect; NULL: none */
	                      /* of an honoured flag: what its value is, which may be left out */
	const char *text;
	char letter; /* 0: none */
};

#define BOXDO_TABLES_MAX 3

struct boxdo_table {
	const struct boxdo_option *options;
	size_t count;
};

#define BOXDO_TABLE(options)                                                                       \
	{                                                                                          \
		options, sizeof(options) / sizeof((options)[0])                                    \
	}

/* The options of one subcommand, of ours or of a peer's. */
struct boxdo_grammar {
	const char *name;     /* as typed: "boxdo run", "docker run" */
	const char *operands; /* what follows the options */
	const struct boxdo_table
	    *tables[BOXDO_TABLES_MAX]; /* the first that has an option counts */
	const char *const
	    *lacks; /* options of the tables it does not have; NULL-terminated, or NULL */
};

/* docker run's options, and ours beside them. */
extern const struct boxdo_table boxdo_run_options;
extern const struct boxdo_grammar boxdo_run_grammar;
/* Those of boxdo_run_options that docker does not know. */
extern const char *const boxdo_run_own[];

/* boxdo.c: "boxdo: ..." on stderr, control characters as '?'; returns BOXDO_EXIT_CLIENT. */
int
boxdo_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What boxdo_fail said last, without "boxdo: " and newline; "" when it was never called. */
const char *
boxdo_failed(void);
/* boxdo.c: becomes BOXDO_LIBEXEC/boxdo-NAME, NAME being argv[0]. Returns when that cannot be. */
int
boxdo_other(char **argv);
/* boxdo_mine.c: boxdo log with --mine among its options; argv[0] is "log". */
bool
boxdo_mine_asked(int argc, char **argv);
int
boxdo_mine(int argc, char **argv);
/* boxdo_run.c: boxdo run; argv[0] is "run". Returns only when it failed or printed the help. */
int
boxdo_run(int argc, char **argv);
/*
 * Takes the options at argv[*at] and behind it; *at is then the first operand's. A --help among them
 * prints it and exits.
 */
int
boxdo_run_parse(
    const struct boxdo_grammar *grammar, struct boxdo_run *run, int argc, char **argv, int *at);
/* An image by name, or by a path, which is made absolute. */
int
boxdo_run_image(struct boxdo_run *run, const char *image);
/* A peer whose roots are writable: so is this one, if the rule that decides grants it, unless more was said. */
int
boxdo_run_writable(struct boxdo_run *run);
bool
boxdo_run_has(const struct boxdo_run *run, enum request_key key);
/* boxdo_run_start with a shell of the image, bash if it has one. */
int
boxdo_run_shell(struct boxdo_run *run, int argc, char **argv);
/* boxdo shell; argv[0] is "shell". */
int
boxdo_shell(int argc, char **argv);
/* VERSION, keys in the order of the table, "--", the command. NULL: out of memory. */
const char **
boxdo_run_vector(const struct boxdo_run *run, int argc, char **argv);
/* Becomes the helper. With error, what boxdo_fail said is only put on record. Returns when that fails. */
int
boxdo_run_start(struct boxdo_run *run, int error, int argc, char **argv);
/* Adds "KEY=" + value of length bytes; a key that may come once replaces what it said before. */
int
boxdo_run_add(struct boxdo_run *run, enum request_key key, const char *value, size_t length);
/* boxdo_exec.c: boxdo exec, and that of a front (NULL: none); argv[0] is "exec". */
struct boxdo_front;
int
boxdo_exec(const struct boxdo_front *front, int argc, char **argv);
/* How many of the caller's containers word means, by id or name; entry: the last of them. -1: nobody knows. */
struct running_entry;
int
boxdo_running_find(const char *word, struct running_entry *entry);
/* boxdo_cid.c: for run->cidfile: the files, and a name if there is none. 0 or BOXDO_EXIT_CLIENT. */
int
boxdo_cid_begin(struct boxdo_run *run);
/* Returns 0 in a child, which becomes the helper; here only when there can be none. */
int
boxdo_cid_fork(const struct boxdo_run *run);
/* What is kept of a container of that name, locked while it runs; -1: nothing. */
int
boxdo_cid_open(const char *name);
/* It is not kept any longer, if it is of one that has ended. */
void
boxdo_cid_forget(const char *name);
/* boxdo_wait.c: boxdo wait, and that of a front (NULL: none); argv[0] is "wait". */
int
boxdo_wait(const struct boxdo_front *front, int argc, char **argv);
/* boxdo_explain.c: boxdo explain OPTIONS [run|FRONT ...]; argv[0] is "explain". */
int
boxdo_explain(int argc, char **argv);
/* boxdo_run.c: from now on what would become the helper becomes boxdo-explain, with these words before the vector. */
void
boxdo_run_explain(char **words, int count);
/* boxdo_options.c: the table. By name of length bytes, by letter: NULL when there is none. */
const struct boxdo_option *
boxdo_option_named(const struct boxdo_grammar *grammar, const char *name, size_t length);
const struct boxdo_option *
boxdo_option_lettered(const struct boxdo_grammar *grammar, char letter);
const char *
boxdo_option_nearest(const struct boxdo_grammar *grammar, const char *name, size_t length);
int
boxdo_options_help(const struct boxdo_grammar *grammar);
/* A limit that a peer would set: accepted, and a note says whose limits hold. */
int
boxdo_take_limit(struct boxdo_run *run, const char *value);
/* What several tables honour. */
int
boxdo_take_hostname(struct boxdo_run *run, const char *value);
int
boxdo_take_workdir(struct boxdo_run *run, const char *value);
/* A writable root: one that is granted, of the size given or, without one, as granted. */
int
boxdo_take_scratch(struct boxdo_run *run, const char *value);
int
boxdo_take_user(struct boxdo_run *run, const char *value);
int
boxdo_take_never(struct boxdo_run *run, const char *value);
int
boxdo_take_stdin(struct boxdo_run *run, const char *value);
int
boxdo_take_askpass(struct boxdo_run *run, const char *value);
int
boxdo_take_no_home(struct boxdo_run *run, const char *value);
int
boxdo_take_contain(struct boxdo_run *run, const char *value);

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
boxdo_scratch_size(struct boxdo_run *run, const char *value);
int
boxdo_device(struct boxdo_run *run, const char *value);
int
boxdo_gpus(struct boxdo_run *run, const char *value);
int
boxdo_ulimit(struct boxdo_run *run, const char *value);
int
boxdo_env(struct boxdo_run *run, const char *value);
int
boxdo_env_file(struct boxdo_run *run, const char *path);
/* Every variable whose name begins with prefix, without it; -e wins. */
int
boxdo_env_prefixed(struct boxdo_run *run, const char *prefix);

/* boxdo_front.c: the command lines of others: docker, podman, nerdctl, apptainer, singularity, enroot. */
struct boxdo_command {
	const char *name; /* "run", or "container run" */
	/* argv[0] is the last word of name; NULL: not had, text says what to do instead. */
	int (*run)(const struct boxdo_front *front, int argc, char **argv);
	const char *text;
};

struct boxdo_front {
	const char *name;
	struct boxdo_grammar globals; /* options before the subcommand */
	const struct boxdo_grammar *run;
	const struct boxdo_command *commands; /* ended by a name NULL */
	const char *version;                  /* the line that --version prints */
};

extern const struct boxdo_front boxdo_docker, boxdo_podman, boxdo_nerdctl, boxdo_apptainer,
    boxdo_singularity, boxdo_enroot;

/* By the name typed or linked to; NULL: none of them. */
const struct boxdo_front *
boxdo_front_named(const char *name);
/* argv[0] is the front's name. */
int
boxdo_front(const struct boxdo_front *front, int argc, char **argv);
/* One line on standard output. 0 or BOXDO_EXIT_CLIENT. */
int
boxdo_say_line(const char *line);
/* One line on standard error that is no error. */
void
boxdo_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* boxdo_docker.c: options of docker's, podman's and nerdctl's run, and before the subcommand. */
extern const struct boxdo_grammar boxdo_docker_grammar, boxdo_podman_grammar, boxdo_nerdctl_grammar;
extern const struct boxdo_table boxdo_docker_globals, boxdo_podman_globals, boxdo_nerdctl_globals;
/* boxdo_apptainer.c: options of apptainer's exec, run and shell, and before the subcommand. */
extern const struct boxdo_grammar boxdo_apptainer_grammar;
extern const struct boxdo_table boxdo_apptainer_globals;
/* Options, variables and image; *at is then the command's. */
int
boxdo_apptainer_read(struct boxdo_run *run, int argc, char **argv, int *at);
/* An image as apptainer and enroot name them: a file that is there, docker://REFERENCE, or a name. */
int
boxdo_front_image(struct boxdo_run *run, const char *image);

#endif
