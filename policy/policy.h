/*
 * The policy, read and decided. Pure: reads root's files, asks nobody but the callbacks it is given,
 * changes nothing. The same object code decides a launch (in the helper) and answers `boxdo explain`.
 *
 * Order of use:
 *	policy_load      one linear read of every file; keeps settings, catalogue and the rules that
 *	                 match the caller by users, hosts and time; refuses on the first error... of all
 *	policy_images    the catalogue, to turn the image asked for into an entry
 *	policy_paths     the source paths the kept rules name; the broker opens them as the caller
 *	policy_decide    one question, one decision
 */
#ifndef BOXDO_POLICY_H
#define BOXDO_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Verdicts: many bits apart, compared for equality only. */
#define POLICY_ALLOW 0x3c6ac59aU
#define POLICY_REFUSE 0xc3953a65U

#define POLICY_TEXT_MAX 1024  /* bytes of a line for the user, with NUL */
#define POLICY_BINDS_MAX 192  /* binds one container may get */
#define POLICY_SHA256_SIZE 65 /* hex and NUL */

/* Who asks, as the kernel (and for name and home, NSS) says. Not copied: must outlive the policy. */
struct policy_who {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary, as the kernel holds them */
	size_t group_count;
	const char *name; /* login name */
	const char *home; /* home directory as NSS says; may be "" */
	const char *host; /* kernel's node name */
	time_t now;
};

/*
 * Name look-ups. Each returns 1 found / yes, 0 no such name / no, -1 the look-up failed (which
 * refuses the launch). Called at most once per distinct name, and only when a comparison needs it.
 */
struct policy_lookup {
	void *context;
	int (*group)(void *context, const char *name, gid_t *gid);
	/* is gid among the groups NSS (not the kernel) gives the caller? Asked for denies only. */
	int (*member)(void *context, gid_t gid);
	int (*netgroup)(void *context, const char *netgroup);
};

struct policy_error {
	char text
	    [POLICY_TEXT_MAX]; /* "/etc/boxdo/policy.conf:12:3: unknown key 'user'"; printable */
};

/* What is redacted where the policy says nothing, and before it could be read. NULL-terminated globs. */
extern const char *const policy_default_redact[];

enum policy_audit { POLICY_CONFIRMED, POLICY_SYNCED, POLICY_UNCONFIRMED };

struct policy_settings {
	enum policy_audit audit;
	unsigned ticket;       /* seconds; 0: none */
	bool cgroup_caller;    /* cgroup = caller: SUPERVISOR may stay in the caller's cgroup */
	bool volatile_journal; /* volatile = yes: a journal that is not on a disk will do */
	uint64_t record_rate;  /* bytes of records a user may cause, a second (16K) */
	uint64_t record_burst; /* bytes a user may save up (64M) */
	const char *const *image_owners; /* account names besides root; NULL-terminated */
	const char *const *redact;       /* globs; NULL-terminated */
};

struct policy_image {
	const char *name, *path, *sha256; /* sha256: 64 hex digits, or NULL */
	const char *file;                 /* where it stands */
	unsigned line;
};

struct policy;

/*
 * Reads DIR/policy.conf and DIR/policy.d/ *.conf (byte order, no dot names). Every file and every
 * parent must be root's and not writable by others, else error. Returns the policy (owned by the
 * caller: policy_free), or NULL with *error filled. A missing policy.conf is an error.
 */
struct policy *
policy_load(const char *dir, const struct policy_who *who, const struct policy_lookup *lookup,
    struct policy_error *error);
void
policy_free(struct policy *policy);

const struct policy_settings *
policy_settings(const struct policy *policy);
/* Hex SHA-256 over all files: for each, its path and length and bytes. */
const char *
policy_sha256(const struct policy *policy);
/* All files as text, each behind a line "# PATH". The caller frees it. NULL: changed meanwhile, or no memory. */
char *
policy_text(const struct policy *policy, size_t *length);
/* Every file may be read by everyone: then a refusal may name rules, else it says "not permitted". */
bool
policy_public(const struct policy *policy);
/* The whole catalogue, in reading order. */
const struct policy_image *
policy_images(const struct policy *policy, size_t *count);
/* Absolute source paths that kept rules name in binds and always (not ~ and .), each once. */
const char *const *
policy_paths(const struct policy *policy, size_t *count);
/* Image names the caller may run by a kept allow rule (images key only), "a, b, c"; cut with ", ...". */
void
policy_runnable(const struct policy *policy, char *text, size_t size);

enum policy_mode { POLICY_AS_GRANTED, POLICY_READ_ONLY, POLICY_READ_WRITE };

/* A directory or file the caller asked for, after it was opened. */
struct policy_bind {
	const char *typed;       /* as the user wrote it */
	const char *path;        /* absolute, as the kernel names what was opened */
	const char *destination; /* inside */
	enum policy_mode mode;
};

/* home and cwd: path NULL where there is none, or it could not be opened. */
struct policy_place {
	const char *typed; /* as NSS, or getcwd, says it: where it appears inside */
	const char *path;  /* as opened */
	bool wanted;       /* false: --no-home, --contain */
	bool owned;        /* the caller owns it (counts for ~ only) */
};

struct policy_question {
	const struct policy_image
	    *image;             /* catalogue entry asked for by name or by its path; else NULL */
	const char *image_path; /* absolute, as opened; NULL only when image is not NULL */
	const struct policy_bind *binds;
	size_t bind_count;
	struct policy_place home, cwd;
	const char *const
	    *paths; /* beside policy_paths(): as opened; NULL: not there for the caller */
	const char *const *devices; /* opened device paths, e.g. /dev/nvidia0 */
	size_t device_count;
	const char *network; /* NULL: the rule's default; "host", "none" */
	bool ipc_host;
	const char *run_as;         /* NULL: the caller */
	const char *const *command; /* NULL-terminated; entrypoint first */
	const char *const *envs;    /* names asked for with -e */
	size_t env_count;
};

enum policy_from { POLICY_FROM_REQUEST, POLICY_FROM_HOME, POLICY_FROM_CWD, POLICY_FROM_PATHS };

struct policy_mount {
	enum policy_from from;
	size_t index;            /* into question->binds or policy_paths() */
	const char *path;        /* as opened */
	const char *destination; /* inside, as typed */
	bool writable;
};

struct policy_decision {
	uint32_t verdict; /* POLICY_ALLOW or POLICY_REFUSE; anything else is a bug */
	char rule[512];   /* "allow ml (/etc/boxdo/policy.conf:14)"; "" when none decided */
	char reason
	    [POLICY_TEXT_MAX]; /* refusal: what and why and what to do, for a user who may read the policy */
	bool strict;   /* the rule limits the command: nothing may cover what the image has */
	bool password; /* some rule in force asks for it */
	uint64_t max_runtime; /* seconds; 0: none */
	const char *network;  /* "host" or "none" */
	struct policy_mount
	    mounts[POLICY_BINDS_MAX]; /* sorted: a parent's destination before its children's */
	size_t mount_count;
	const char *const
	    *env; /* globs of names the ambient environment is narrowed to; NULL: not narrowed */
};

/* Fills *decision. All strings live as long as policy and question. */
void
policy_decide(const struct policy *policy, const struct policy_question *question,
    struct policy_decision *decision);

#endif
