/*
 * What the tools of an admin share (boxdo policy, explain, list, images). They are ordinary programs:
 * never set-user-ID, linked with the very objects that decide a launch.
 */
#ifndef BOXDO_CLIENT_TOOL_H
#define BOXDO_CLIENT_TOOL_H

#include "broker/image.h"
#include "client/boxdo.h"
#include "policy/explain.h"
#include "policy/review.h"
#include "policy/set.h"

#include <stdio.h>

#define TOOL_POLICY_DIR "/etc/boxdo"

/* tool.c: printf to standard output; whatever is not plain ASCII becomes '?', but for newlines. */
void
tool_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void
tool_put(FILE *out, const char *text);
/* A string of JSON, quotes included; bytes that are not ASCII as \u00XX. */
void
tool_json(FILE *out, const char *text);
/*
 * Is argv[*at] the option --NAME? Then 1, *value is what follows '=' or the next word, and *at moves
 * on behind it; 0: no; -1: it lacks its value (told).
 */
int
tool_option(char **argv, int *at, const char *name, const char **value);
/* "2026-11-27 22:00", "22:00" or "2026-11-27" in the system's time zone. 0 or -1. */
int
tool_time(const char *text, time_t *time);

/* tool_files.c: files from wherever an admin has them. */
struct tool_owner {
	uid_t uid; /* besides root; 0: root alone. SET_ANY: anybody's will do */
	bool any;
};
/*
 * A policy.conf, a drop-in, or a directory laid out as /etc/boxdo; the files are named below `as`
 * (NULL: below path as typed). No symbolic link is followed. With owner not any, all must belong to
 * root or owner and be writable by nobody else. 0 or BOXDO_EXIT_CLIENT (told).
 */
int
tool_files_read(struct set *set, const char *path, const char *as, struct tool_owner owner);
/* The policy in force, as the helper reads it. 0 or BOXDO_EXIT_CLIENT (told). */
int
tool_files_installed(struct set *set, bool *is_public);
/* Everybody's rules, or NULL (all errors shown, with their lines). */
struct policy *
tool_files_policy(const struct set *set, unsigned *errors);
/* Each key of the section whose header stands at line: value with blanks joined, NUL-terminated. */
void
tool_files_keys(const struct set *set, const char *file, unsigned line,
    void (*each)(void *context, const char *key, const char *value, unsigned at), void *context);

/* tool_who.c: who asks. */
struct tool_who {
	struct policy_who who;
	struct policy_lookup lookup; /* its context is this */
	char *name, *home, *cwd;
	char host[256];
	gid_t *groups;
	const char
	    *group_names[64]; /* given by --group; ids of our own where no such group is here */
	size_t group_name_count;
	char *as, *as_home; /* whom the command runs as; NULL: the one who asks */
	uid_t as_uid;
	gid_t as_gid;
	bool self;  /* the one who runs the program */
	bool known; /* an account of this host */
	bool here;  /* on this host, so that what root knows of it counts */
	bool real;  /* paths are looked at; else they are taken as written */
};
/* What --user and the like said; NULL: nothing. */
struct tool_asked {
	const char *user, *uid, *host, *time, *cwd, *home;
	const char *groups[64];
	size_t group_count;
	bool
	    anyone; /* expectations about anybody: no path is looked at, so that nothing is learnt */
};
/* 1: an option of ours was taken, 0: none, -1: it was wrong (told). */
int
tool_who_option(struct tool_asked *asked, char **argv, int *at);
/* 0 or BOXDO_EXIT_CLIENT (told). */
int
tool_who_find(struct tool_who *who, const struct tool_asked *asked);
/* The command is to run as user ("svc-train", "1200"), if that is another account. 0 or BOXDO_EXIT_CLIENT (told). */
int
tool_who_run_as(struct tool_who *who, const char *user);
/* Gives root up for good, for the account that is asked about: what it cannot see is not looked at. */
int
tool_who_become(const struct tool_who *who);
void
tool_who_free(struct tool_who *who);

struct tool_cdi;
struct tool_ask;

/* tool_known.c: what root remembers of the image that the helper's vector names. */
struct tool_known {
	struct image image;
	bool looked; /* else image says nothing */
};
/* Looks it up, if whoever runs this is root; before tool_who_become. */
void
tool_known(struct tool_known *known, const struct policy *view, const struct tool_who *who,
    char *const *vector);
void
tool_known_free(struct tool_known *known);
/* The entry of the catalogue that this file is; st NULL: it was not looked at. */
const struct policy_image *
tool_known_entry(const struct policy *view, const char *path, const struct stat *st);
/* What could not be looked up and rules decide by, in words; NULL: nothing. */
const char *
tool_known_missed(const struct tool_ask *ask, const struct policy *view);

/* tool_ask.c: what the policy is asked, made of a request as the helper gets it. */
struct tool_ask {
	struct policy_question question;
	struct policy_bind binds[REQUEST_BINDS_MAX];
	const char *devices[REQUEST_DEVICES_MAX], *cdi_asked[REQUEST_DEVICES_MAX];
	const char **paths;
	char **command;
	const struct known
	    *known; /* what root remembers of the image; NULL: nothing was looked up */
	struct request *request;
	char *kept[2 * REQUEST_BINDS_MAX + 2 * POLICY_BINDS_MAX + 64]; /* to be freed */
	size_t kept_count;
	int fds[REQUEST_BINDS_MAX + POLICY_BINDS_MAX +
	        8]; /* to be closed; spots are found by them */
	size_t fd_count;
	uid_t image_uid; /* whose the image is; 0 where nothing was looked at */
	int bind_fds[REQUEST_BINDS_MAX], path_fds[POLICY_BINDS_MAX], home_fd, cwd_fd, image_fd;
	struct policy_spots *spots; /* beside paths */
	struct tool_cdi *cdi;
	char notes[9][256]; /* what was taken as written, or not looked up */
	size_t note_count;
};
/*
 * argv: the helper's vector; known: NULL, or what root looked up of it. Returns 0; or -1 with one line in error, which is the reason a launch
 * would be refused with before the policy is asked.
 */
int
tool_ask(struct tool_ask *ask, const struct policy *view, const struct tool_who *who,
    const struct tool_known *known, int argc, char **argv, char *error, size_t size);
/* The decision, and what a launch refuses after it: an image of somebody who may own none. */
void
tool_ask_decide(
    const struct tool_ask *ask, const struct policy *view, struct policy_decision *decision);
void
tool_ask_free(struct tool_ask *ask);

/* tool_cdi.c: what devices by CDI names bring along, as boxdo-cdi says it to a launch. */
struct tool_cdi {
	char *text;                    /* the rest points into it */
	const char *brought[256];      /* nodes and files of the host */
	struct policy_cdi names[1024]; /* every device of every specification, by node */
	size_t brought_count, name_count;
};
/* NULL with one line in error. */
struct tool_cdi *
tool_cdi(const char *const *devices, size_t count, char *error, size_t size);

/* tool_explain.c, tool_list.c, tool_inspect.c, tool_check.c, tool_test.c, tool_edit.c, tool_install.c: subcommands. */
int
tool_explain(int argc, char **argv);
/* The rules and the answer to one question, as `boxdo explain` prints them. */
void
tool_explain_print(const struct set *set, const struct policy *everybodys,
    const struct policy *view, const struct tool_who *who, const struct tool_ask *ask,
    const struct policy_decision *decision);
int
tool_list(int argc, char **argv);
int
tool_images(int argc, char **argv);
int
tool_inspect(int argc, char **argv);
/*
 * Calls found with the image of the catalogue that name, a reference or a path means, and the rule, if whoever asks
 * may run it. 0 or BOXDO_EXIT_CLIENT (told).
 */
int
tool_list_image(const char *name,
    void (*found)(void *context, const struct policy_image *image, const char *rule),
    void *context);
int
tool_check(int argc, char **argv);
int
tool_test(int argc, char **argv);
int
tool_edit(int argc, char **argv);
int
tool_install(int argc, char **argv);
/* Prints what is wrong or doubtful; *errors, *findings counted. only_grants: --only=grant. */
struct tool_check {
	bool json, offline, only_grants, quiet;
	unsigned errors, findings;
};
void
tool_check_set(const struct set *set, struct tool_check *check);
/* tool_effect.c: prints which user x image pairs differ between two policies. */
void
tool_effect(const struct policy *before, const struct policy *after);
#endif
