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

struct section {
	struct policy *policy;
	struct users_cache *cache;
	struct rule **last[RULE_KINDS]; /* where the next kept rule of a kind is hung up */
	struct place place;             /* of the line being read */
	bool in_main;                   /* this is policy.conf */
	bool had_settings;
	enum section_kind kind;
	unsigned line; /* of the header */
	const char *name;
	unsigned long long seen; /* keys, one bit each */
	struct arena_mark mark;
	struct rule rule;
	struct policy_image image;
	struct tm local; /* the local time last needed, and where: "" the system's zone */
	char zone[HOURS_ZONE_MAX + 1];
	bool have_local;
};

/* header: "deny interns", not NUL-terminated. 0 or -1 with the error. */
int
section_begin(struct section *section, const char *header, size_t length);
/* One line of a key; more: an indented line that goes on with it. 0 or -1 with the error. */
int
section_key(
    struct section *section, const char *key, const char *value, unsigned column, bool more);
/* The section is complete: checks it; keeps what is about the caller. 0 or -1 with the error. */
int
section_end(struct section *section);

#endif
