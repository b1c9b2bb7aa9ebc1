/* The steps of policy_load, for whoever has the files from somewhere else (set.c). */
#ifndef BOXDO_POLICY_LOAD_H
#define BOXDO_POLICY_LOAD_H

#include "policy/section.h"
#include "policy/vet.h"

#include <sha2.h>

struct load {
	struct policy *policy;
	struct users_cache cache;
	struct section section;
	struct vet_file *file; /* being read */
	SHA2_CTX key;          /* of the files' names, places and times */
	SHA2_CTX sha;
	bool hash;    /* the bytes, too */
	bool settled; /* no file was changed just now */
	time_t now;
};

/* 0, or -1 with the error; load_end must follow either way. */
int
load_begin(struct load *load, const char *dir, const struct policy_who *who,
    const struct policy_lookup *lookup, struct policy_error *error);
/* ok: nothing went wrong before. The policy, or NULL with the error. */
struct policy *
load_end(struct load *load, bool ok);
/* Numbers the paths the rules name, and makes room for decisions. 0, or -1: no memory. */
int
load_index(struct policy *policy);

/* The policy's digest. "PATH LENGTH\n", and the bytes follow: so that sha256sum can tell the same. */
void
load_hash_head(SHA2_CTX *sha, const struct vet_file *file);
void
load_hash_end(SHA2_CTX *sha, char hex[POLICY_SHA256_SIZE]);

#endif
