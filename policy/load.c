/*
 * The policy as a whole: read, measured, handed out, given back.
 *
 * Stage: 4 policy. Privilege: root in the helper; needs only to read.
 * Trusts: vet.c for where the bytes come from, parse.c for what they say.
 * On error: policy_load returns NULL with one line; there is never half a policy.
 */
#include "policy/parse.h"
#include "policy/policy.h"
#include "policy/rule.h"
#include "policy/vet.h"

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD_TICKET (15 * 60)
#define LOAD_RECORD_RATE (16ULL << 10)
#define LOAD_RECORD_BURST (64ULL << 20)

struct load {
	struct policy *policy;
	struct section section;
	SHA2_CTX sha;
};

/* "PATH LENGTH\n" and the bytes: so that sha256sum can tell the same. */
static void
load_hash(SHA2_CTX *sha, const struct vet_file *file)
{
	char length[32];

	snprintf(length, sizeof(length), " %zu\n", file->size);
	SHA256Update(sha, (const uint8_t *)file->path, strlen(file->path));
	SHA256Update(sha, (const uint8_t *)length, strlen(length));
	SHA256Update(sha, (const uint8_t *)file->data, file->size);
}

static void
load_hash_end(SHA2_CTX *sha, char hex[POLICY_SHA256_SIZE])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	size_t i;

	SHA256Final(digest, sha);
	for (i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static int
load_file(void *context, const struct vet_file *file)
{
	struct load *load = context;
	struct place *place = &load->section.place;

	place->line = 0;
	place->file = arena_copy(&load->policy->arena, file->path, strlen(file->path));
	if (place->file == NULL) {
		place->file = "policy";
		return place_error(place, 0, "out of memory");
	}
	load_hash(&load->sha, file);
	return parse_file(&load->section, file);
}

static int
load_by_image(const void *a, const void *b)
{
	const struct policy_image *x = *(const struct policy_image *const *)a;
	const struct policy_image *y = *(const struct policy_image *const *)b;
	int order = strcmp(x->name, y->name);

	/* The catalogue is one array in reading order. */
	return order != 0 ? order : x < y ? -1 : 1;
}

/* Two images of one name: sorting finds them without a table that outlives the launch. */
static int
load_check_images(struct load *load)
{
	const struct policy *policy = load->policy;
	const struct policy_image **sorted = calloc(policy->image_count + 1, sizeof(*sorted));
	struct place *place = &load->section.place;
	size_t i;
	int result = 0;

	if (sorted == NULL)
		return place_error(place, 0, "out of memory");
	for (i = 0; i < policy->image_count; i++)
		sorted[i] = &policy->images[i];
	qsort(sorted, policy->image_count, sizeof(*sorted), load_by_image);
	for (i = 1; i < policy->image_count && result == 0; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0) {
			place->file = sorted[i]->file;
			place->line = sorted[i]->line;
			result = place_error(place, 1, "[image %s] stands at %s:%u already",
			    sorted[i]->name, sorted[i - 1]->file, sorted[i - 1]->line);
		}
	free(sorted);
	return result;
}

static size_t
load_each_path(struct policy *policy, struct rule_bind **binds)
{
	const struct rule *rule;
	size_t count = 0, i;
	int kind;

	for (kind = 0; kind < RULE_KINDS; kind++)
		for (rule = policy->rules[kind]; rule != NULL; rule = rule->next)
			for (i = 0; i < rule->bind_count; i++)
				if (rule->binds[i].source[0] == '/') {
					if (binds != NULL)
						binds[count] = &rule->binds[i];
					count++;
				}
	return count;
}

static int
load_by_source(const void *a, const void *b)
{
	return strcmp(
	    (*(struct rule_bind *const *)a)->source, (*(struct rule_bind *const *)b)->source);
}

/* Numbers the paths the kept rules name, each once. */
static int
load_number_paths(struct policy *policy)
{
	size_t total = load_each_path(policy, NULL), i;
	struct rule_bind **binds = calloc(total + 1, sizeof(struct rule_bind *));

	policy->paths = arena_alloc(&policy->arena, (total + 1) * sizeof(*policy->paths));
	if (binds == NULL || policy->paths == NULL) {
		free(binds);
		return -1;
	}
	load_each_path(policy, binds);
	qsort(binds, total, sizeof(struct rule_bind *), load_by_source);
	for (i = 0; i < total; i++) {
		if (i == 0 || strcmp(binds[i - 1]->source, binds[i]->source) != 0)
			policy->paths[policy->path_count++] = binds[i]->source;
		binds[i]->path = policy->path_count - 1;
	}
	free(binds);
	return 0;
}

/* Room for the longest list of names a decision can be about. */
static int
load_env_room(struct policy *policy)
{
	const struct rule *rule;
	size_t count = 1;
	int kind;

	for (kind = 0; kind < RULE_KINDS; kind++)
		for (rule = policy->rules[kind]; rule != NULL; rule = rule->next)
			count += rule->env.count;
	policy->env = arena_alloc(&policy->arena, count * sizeof(*policy->env));
	return policy->env != NULL ? 0 : -1;
}

static int
load_start(struct load *load, const char *dir)
{
	struct policy *policy = load->policy;
	int kind;

	for (kind = 0; kind < RULE_KINDS; kind++)
		load->section.last[kind] = &policy->rules[kind];
	load->section.policy = policy;
	policy->settings.ticket = LOAD_TICKET;
	policy->settings.record_rate = LOAD_RECORD_RATE;
	policy->settings.record_burst = LOAD_RECORD_BURST;
	policy->dir = arena_copy(&policy->arena, dir, strlen(dir));
	SHA256Init(&load->sha);
	if (policy->dir == NULL ||
	    arena_list_add(&policy->arena, &policy->image_owners, NULL) != 0 ||
	    arena_list_add(&policy->arena, &policy->redact, NULL) != 0)
		return place_error(&load->section.place, 0, "out of memory");
	return 0;
}

const char *const policy_default_redact[] = {
    "--token=*", "--password=*", "--passwd=*", "--secret=*", "--api-key=*", NULL};

static int
load_finish(struct load *load)
{
	struct policy *policy = load->policy;

	if (load_check_images(load) != 0)
		return -1;
	if (load_number_paths(policy) != 0 || load_env_room(policy) != 0)
		return place_error(&load->section.place, 0, "out of memory");
	policy->settings.image_owners = policy->image_owners.items;
	policy->settings.redact =
	    policy->redact.items[0] != NULL ? policy->redact.items : policy_default_redact;
	load_hash_end(&load->sha, policy->sha256);
	return 0;
}

struct policy *
policy_load(const char *dir, const struct policy_who *who, const struct policy_lookup *lookup,
    struct policy_error *error)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	struct users_cache cache = {.who = who, .lookup = lookup};
	struct load load = {
	    .policy = policy, .section = {.cache = &cache, .place = {dir, 0, error}}};
	bool ok;

	error->text[0] = '\0';
	if (policy == NULL) {
		place_error(&load.section.place, 0, "out of memory");
		return NULL;
	}
	policy->who = who;
	ok = load_start(&load, dir) == 0 &&
	     vet_files(dir, load_file, &load, &policy->is_public, error) == 0 &&
	     load_finish(&load) == 0;
	users_forget(&cache);
	if (ok)
		return policy;
	policy_free(policy);
	return NULL;
}

void
policy_free(struct policy *policy)
{
	if (policy == NULL)
		return;
	arena_free(&policy->arena);
	free(policy);
}

const struct policy_settings *
policy_settings(const struct policy *policy)
{
	return &policy->settings;
}

const char *
policy_sha256(const struct policy *policy)
{
	return policy->sha256;
}

bool
policy_public(const struct policy *policy)
{
	return policy->is_public;
}

const struct policy_image *
policy_images(const struct policy *policy, size_t *count)
{
	*count = policy->image_count;
	return policy->images;
}

const char *const *
policy_paths(const struct policy *policy, size_t *count)
{
	*count = policy->path_count;
	return policy->paths;
}

/* --- the text --------------------------------------------------------------------------------- */

struct load_text {
	FILE *stream;
	SHA2_CTX sha;
};

static int
load_append(void *context, const struct vet_file *file)
{
	struct load_text *text = context;

	load_hash(&text->sha, file);
	fprintf(text->stream, "# %s\n", file->path);
	fwrite(file->data, 1, file->size, text->stream);
	return ferror(text->stream);
}

char *
policy_text(const struct policy *policy, size_t *length)
{
	struct policy_error error = {""};
	struct load_text text;
	char *data = NULL, hex[POLICY_SHA256_SIZE];
	bool is_public, ok;

	if ((text.stream = open_memstream(&data, length)) == NULL)
		return NULL;
	SHA256Init(&text.sha);
	ok = vet_files(policy->dir, load_append, &text, &is_public, &error) == 0;
	ok = fclose(text.stream) == 0 && ok;
	load_hash_end(&text.sha, hex);
	/* It must be the text that decided, not the one an editor has saved since. */
	if (ok && strcmp(hex, policy->sha256) == 0)
		return data;
	free(data);
	return NULL;
}
