/*
 * The policy, read and decided. Pure: reads root's files, asks nobody but the callbacks it is given,
 * changes nothing. The same object code decides a launch (in the helper) and answers `boxdo explain`.
 *
 * Order of use:
 *	policy_load      one linear read of every file; keeps settings, catalogue and the rules that
 *	                 match the caller by users, hosts and time; one error anywhere refuses
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

#define POLICY_TEXT_MAX 1024     /* bytes of a line for the user, with NUL */
#define POLICY_BINDS_MAX 192     /* binds one container may get */
#define POLICY_LAUNCHES_MAX 4095 /* max_launches, in each unit */
#define POLICY_RUNNING_MAX 4096  /* max_running */
#define POLICY_SHA256_SIZE 65    /* hex and NUL */

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
 * The digest of a policy, and the key of the files it was made of: name, device, inode, size, times
 * of each. While the key is the same the digest is, so whoever keeps both (where only root writes)
 * spares the next launch 4 ms a megabyte. Both in hex.
 */
struct policy_digest {
	char sha256[POLICY_SHA256_SIZE];
	char key
	    [POLICY_SHA256_SIZE]; /* "": a file is so new that its times may not tell the next change */
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
	const struct policy_digest *known; /* NULL, or a digest that was kept */
};

/* One thing that is wrong. The strings live as long as the call that tells it. */
struct policy_mistake {
	const char *
	    file; /* as it was named; or what is wrong where no file is, such as a directory service */
	unsigned line;    /* from 1; 0: the file as a whole */
	unsigned column;  /* from 1; 0: the line as a whole. The word that begins there is meant */
	const char *text; /* "unknown key 'user'"; printable */
};

/* Set to {0}, or to {.each = ...}, before a call that fills it. */
struct policy_error {
	/* The first: "/etc/boxdo/policy.conf:12:3: unknown key 'user'", and how many more; printable. */
	char text[POLICY_TEXT_MAX];
	unsigned count; /* how many in all */
	/* NULL, or told every one, file by file (in a file a section's own come when it ends). */
	void (*each)(void *context, const struct policy_mistake *mistake);
	void *context;
};

/* What is redacted where the policy says nothing, and before it could be read. NULL-terminated globs. */
extern const char *const policy_default_redact[];

enum policy_audit { POLICY_CONFIRMED, POLICY_SYNCED, POLICY_UNCONFIRMED };

struct policy_settings {
	enum policy_audit audit;
	unsigned ticket;       /* seconds; 0: none */
	bool cgroup_caller;    /* cgroup = caller: SUPERVISOR may stay in the caller's cgroup */
	bool volatile_journal; /* volatile = yes: a journal that is not on a disk will do */
	bool log_mine;         /* log_mine = yes: users may read their own records */
	bool mirror;           /* mirror = main: a copy of each record into the main journal */
	uint64_t record_rate;  /* bytes of records a user may cause, a second (16K) */
	uint64_t record_burst; /* bytes a user may save up (64M) */
	const char *const *image_owners; /* account names besides root; NULL-terminated */
	const char *const *redact;       /* globs; NULL-terminated */
};

struct policy_image {
	const char *name, *path, *sha256; /* sha256: 64 hex digits, or NULL */
	const char *const *refs; /* patterns of references, written out; NULL-terminated, or NULL */
	const char *file;        /* where it stands */
	unsigned line;
	bool warm; /* for `boxdo image warm --all` */
};

struct policy;

/*
 * Reads DIR/policy.conf and DIR/policy.d/ *.conf (byte order, no dot names). Every file and every
 * parent must be root's and not writable by others, else error. Returns the policy (owned by the
 * caller: policy_free), or NULL with *error filled: everything is read to its end, so that all that
 * is wrong is told. A missing policy.conf is an error.
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
const struct policy_digest *
policy_digest(const struct policy *policy);
/* All files as text, each behind a line "# PATH". The caller frees it. NULL: changed meanwhile, or no memory. */
char *
policy_text(const struct policy *policy, size_t *length);
/* Every file may be read by everyone: then a refusal may name rules, else it says "not permitted". */
bool
policy_public(const struct policy *policy);
/* The whole catalogue, in reading order. */
const struct policy_image *
policy_images(const struct policy *policy, size_t *count);
/*
 * The entry that typed means: by its name, else the first whose ref matches typed as a reference
 * (pytorch/pytorch:2.4 is docker.io/pytorch/pytorch:2.4). NULL: none.
 */
const struct policy_image *
policy_image_named(const struct policy *policy, const char *typed);
/* Absolute source paths that kept rules name in binds and always (not ~ and .), each once. */
const char *const *
policy_paths(const struct policy *policy, size_t *count);
/* Image names the caller may run by a kept allow rule (images key only), "a, b, c"; cut with ", ...". */
void
policy_runnable(const struct policy *policy, char *text, size_t size);

enum policy_unit { POLICY_MINUTE, POLICY_HOUR, POLICY_DAY, POLICY_UNITS };
/* Does a kept deny name what is bound, or a device by a CDI name? Then spots, or cdi_names, are needed. */
bool
policy_denies_binds(const struct policy *policy);
bool
policy_denies_cdi(const struct policy *policy);

/*
 * Where something lies, whatever it is called: a path inside a file system; and what is mounted below it. Two
 * things that have such a place, or one above the other, in common touch each other.
 */
struct policy_spot {
	uint64_t device;
	const char *path;
};
struct policy_spots {
	struct policy_spot *spots;
	size_t count;
};

/* A device of the host's CDI specifications, and a node of its own; one entry for each node. */
struct policy_cdi {
	const char *name, *node;
};

/* A writable root: not asked for; only if the rule that decides grants one; a rule that grants one. */
enum policy_scratch { POLICY_NO_SCRATCH, POLICY_SCRATCH_IF_GRANTED, POLICY_SCRATCH };

enum policy_mode { POLICY_AS_GRANTED, POLICY_READ_ONLY, POLICY_READ_WRITE };

/* A directory or file the caller asked for, after it was opened. */
struct policy_bind {
	const char *typed;       /* as the user wrote it */
	const char *path;        /* absolute, as the kernel names what was opened */
	const char *destination; /* inside */
	enum policy_mode mode;
	struct policy_spots spots; /* none: not known, or not needed */
};

/* home and cwd: path NULL where there is none, or it could not be opened. */
struct policy_place {
	const char *typed; /* as NSS, or getcwd, says it: where it appears inside */
	const char *path;  /* as opened */
	bool wanted;       /* false: --no-home, --contain */
	bool owned;        /* the caller owns it (counts for ~ only) */
	struct policy_spots spots;
};

struct policy_question {
	const struct policy_image
	    *image;             /* catalogue entry asked for by name or by its path; else NULL */
	const char *image_path; /* absolute, as opened; NULL only when image is not NULL */
	const char
	    *image_sha256; /* of the file, as root remembers it; NULL, "unknown": not known */
	bool
	    user_image; /* not in the catalogue, a file of the caller's own, which the caller may read */
	const struct policy_bind *binds;
	size_t bind_count;
	struct policy_place home, cwd;
	const char *const
	    *paths; /* beside policy_paths(): as opened; NULL: not there for the caller */
	const struct policy_spots *path_spots; /* beside policy_paths(), opened or not; or NULL */
	struct policy_spots image_spots;
	const char *const *devices; /* opened device paths, e.g. /dev/nvidia0 */
	size_t device_count;
	const char *const *cdi; /* devices asked for by CDI names */
	size_t cdi_count;
	const char *const *brought; /* what those bring along of this host, as opened */
	size_t brought_count;
	const struct policy_cdi *cdi_names;
	size_t cdi_name_count;
	const char *network; /* NULL: the rule's default; "host", "none" */
	bool ipc_host;
	enum policy_scratch scratch;
	uint64_t scratch_size;      /* bytes; 0: as many as are granted */
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
	bool
	    user_image; /* granted as one of the caller's own: by FUSE, never by the kernel's parser */
	uint64_t max_runtime; /* seconds; 0: none */
	time_t not_after;     /* when the rule that decides ends, and what runs by it; 0: never */
	unsigned max_running; /* containers of the caller on this host; 0: no limit */
	unsigned max_launches[POLICY_UNITS]; /* in any minute, hour, day; 0: no limit */
	const char *network;                 /* "host" or "none" */
	uint64_t scratch; /* bytes the writable root may hold; 0: it is read-only */
	const char
	    *limit; /* a key that some rule in force sets, and nothing enforces yet; NULL: none */
	char limited[512];  /* the rule that sets it */
	const char *run_as; /* the account the rule that decides is about; NULL: the caller */
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
