/* One section of the policy while it is read. */
#ifndef BOXDO_POLICY_SECTION_H
#define BOXDO_POLICY_SECTION_H

#include "policy/place.h"
#include "policy/rule.h"
#include "policy/words.h"

/* Bits, so that a key can say where it belongs. */
enum section_kind {
	SECTION_NONE = 0,
	SECTION_SETTINGS = 1,
	SECTION_IMAGE = 2,
	SECTION_DENY = 4,
	SECTION_ALLOW = 8,
	SECTION_GRANT = 16
};

struct parse;

struct section {
	struct policy *policy;
	struct users_cache *cache;
	struct parse *parse; /* parse.c's, from one file to the next; owned by whoever loads */
	struct rule **last[RULE_KINDS]; /* where the next kept rule of a kind is hung up */
	struct place place;             /* of the line being read */
	bool in_main;                   /* this is policy.conf */
	bool had_settings;
	bool known;     /* the files are those that were once read in full and found in order */
	bool name_only; /* its users are one name, and nothing was stored of it */
	bool others;    /* its users are complete and surely others */
	bool judged;    /* that was asked */
	bool bad;       /* something in this section is wrong */
	bool torn;      /* and what it lacks may stand in what is wrong */
	bool bad_key;   /* the line that indented lines go on with is */
	enum section_kind kind;
	unsigned line; /* of the header */
	const char *name;
	unsigned long long seen; /* keys, one bit each */
	struct arena_mark mark;
	struct rule rule;
	struct policy_image image;
	struct arena_list refs; /* of the image */
	struct tm local;        /* the local time last needed, and where: "" the system's zone */
	char zone[HOURS_ZONE_MAX + 1];
	bool have_local;
};

/* header: "deny interns", not NUL-terminated. 0 or -1 with the error. */
int
section_begin(struct section *section, const char *header, size_t length);
/*
 * The line of users was seen, and the list does not go on: true when it is one name of somebody
 * else's. Then it is read, and the rule about others.
 */
bool
section_is_others_name(struct section *section, const char *value, size_t length);
/*
 * Is the rule surely about others (who are told without a look-up, and hosts and time aside)? Asked
 * before each key; more: an indented line that goes on with the last one.
 */
bool
section_is_others(struct section *section, bool more);
/* The same, as far as it was asked; in files that are known, what such a rule says need not be read. */
bool
section_is_passed_over(const struct section *section);
/* One line of a key; more: an indented line that goes on with it. 0 or -1 with the error. */
int
section_key(
    struct section *section, const char *key, const char *value, unsigned column, bool more);
/* The section is complete: checks it; keeps what is about the caller. 0 or -1 with the error. */
int
section_end(struct section *section);

/* Of section->rule, beside section->policy->who. hosts: the kernel's name, or its part before the first dot. */
bool
section_is_here(const struct section *section);
/* Its hours and dates. 1, 0, or -1 with the error. */
int
section_is_now(struct section *section);
/* Both, and its users. 1, 0, or -1 with the error. */
int
section_is_about_caller(struct section *section);

#endif
