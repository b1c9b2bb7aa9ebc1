/* A rule in memory, and the policy that holds the rules kept. */
#ifndef BOXDO_POLICY_RULE_H
#define BOXDO_POLICY_RULE_H

#include "policy/arena.h"
#include "policy/hours.h"
#include "policy/match.h"
#include "policy/policy.h"
#include "policy/users.h"

enum rule_kind { RULE_DENY, RULE_ALLOW, RULE_GRANT, RULE_KINDS };

/* SRC[:DST][:rw] */
struct rule_bind {
	const char *source;      /* absolute and plain, or "~", or "." */
	const char *destination; /* NULL: not named */
	bool writable;
	bool always;
	size_t path; /* absolute: index into policy_paths() */
};

struct rule {
	struct rule *next; /* of its kind, in reading order */
	enum rule_kind kind;
	const char *name, *file;
	unsigned line;
	bool has_users, has_binds, has_devices, has_network, has_env, has_command;
	bool denies_cdi; /* a deny that names a device by a CDI name */
	struct users users;
	struct arena_list hosts, images, devices, env;
	struct rule_bind *binds; /* those of always too */
	size_t bind_count, bind_room;
	struct match_vector *commands;
	size_t command_count, command_room;
	const char *network; /* the default: the first named; NULL: none named */
	bool network_host, network_none;
	uint64_t max_runtime;                             /* seconds; 0: no limit */
	unsigned max_running, max_launches[POLICY_UNITS]; /* 0: no limit */
	bool password, share_ipc, no_grants, user_images;
	uint64_t scratch; /* bytes the writable root may hold; 0: none is granted */
	uint64_t memory;  /* bytes */
	unsigned cpus;    /* thousandths */
	unsigned pids;
	const char *limit; /* the last key of these three that was set; NULL: none */
	struct hours hours;
	long not_before, not_after; /* moments, see hours.h */
	const char *timezone, *run_as;
};

struct policy {
	struct arena arena;
	const struct policy_who *who;
	const char *dir;
	struct policy_settings settings;
	struct arena_list image_owners, redact;
	struct policy_image *images;
	size_t image_count, image_room;
	struct rule *rules[RULE_KINDS];
	const char **paths;
	size_t path_count;
	const char **env; /* room for decision->env, overwritten by every decision */
	bool is_public;
	bool everybodys; /* every rule is kept, whomever it is about: set.h */
	struct policy_digest digest;
};

#endif
