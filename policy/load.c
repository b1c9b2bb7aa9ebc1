/*
 * The policy as a whole: read, measured, handed out, given back.
 *
 * Stage: 4 policy. Privilege: root in the helper; needs only to read.
 * Trusts: vet.c for where the bytes come from, parse.c for what they say.
 * On error: policy_load returns NULL; there is never half a policy.
 */
#include "policy/load.h"

#include "policy/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD_TICKET (15 * 60)
#define LOAD_RECORD_RATE (16ULL << 10)
#define LOAD_RECORD_BURST (64ULL << 20)

/*
 * A change leaves a file's times as they were when they were younger than the clock they are taken
 * from is coarse (a tick; 2 s on FAT). What was last changed longer ago than this shows the next.
 */
#define LOAD_SETTLED 3 /* seconds */

void
load_hash_head(SHA2_CTX *sha, const struct vet_file *file)
{
	char length[32];

	snprintf(length, sizeof(length), " %lld\n", (long long)file->st->st_size);
	SHA256Update(sha, (const uint8_t *)file->path, strlen(file->path));
	SHA256Update(sha, (const uint8_t *)length, strlen(length));
}

static void
load_add_key(struct load *load, const struct vet_file *file)
{
	const struct stat *st = file->st;
	char key[256];

	snprintf(key, sizeof(key), " %llu %llu %lld %lld.%09ld %lld.%09ld\n",
	    (unsigned long long)st->st_dev, (unsigned long long)st->st_ino, (long long)st->st_size,
	    (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec,
	    st->st_ctim.tv_nsec);
	SHA256Update(&load->key, (const uint8_t *)file->path, strlen(file->path));
	SHA256Update(&load->key, (const uint8_t *)key, strlen(key));
	load->settled = load->settled && st->st_mtim.tv_sec < load->now - LOAD_SETTLED &&
	                st->st_ctim.tv_sec < load->now - LOAD_SETTLED;
}

static ssize_t
load_read(void *context, void *buffer, size_t size)
{
	struct load *load = context;
	ssize_t got = vet_read(load->file, buffer, size);

	if (load->hash && got > 0)
		SHA256Update(&load->sha, buffer, (size_t)got);
	return got;
}

void
load_hash_end(SHA2_CTX *sha, char hex[POLICY_SHA256_SIZE])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	size_t i;

	SHA256Final(digest, sha);
	for (i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static int
load_file(void *context, struct vet_file *file)
{
	struct load *load = context;
	struct place *place = &load->section.place;

	place->line = 0;
	place->file = arena_copy(&load->policy->arena, file->path, strlen(file->path));
	if (place->file == NULL) {
		place->file = "policy";
		return place_error(place, 0, "out of memory");
	}
	load->file = file;
	load_add_key(load, file);
	if (load->hash)
		load_hash_head(&load->sha, file);
	return parse_file(&load->section, file->main, load_read, load);
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
	for (i = 1; i < policy->image_count; i++)
		/* Within one file parse.c has said it. */
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0 &&
		    strcmp(sorted[i - 1]->file, sorted[i]->file) != 0) {
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

int
load_index(struct policy *policy)
{
	return load_number_paths(policy) == 0 && load_env_room(policy) == 0 ? 0 : -1;
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
	SHA256Init(&load->key);
	load->settled = true;
	load->now = time(NULL);
	if (policy->dir == NULL ||
	    arena_list_add(&policy->arena, &policy->image_owners, NULL) != 0 ||
	    arena_list_add(&policy->arena, &policy->redact, NULL) != 0)
		return place_error(&load->section.place, 0, "out of memory");
	return 0;
}

/* Options, variables typed in front of a command, URLs with a password, HTTP headers. */
const char *const policy_default_redact[] = {"*token=*", "*TOKEN=*", "*password=*", "*PASSWORD=*",
    "*passwd=*", "*PASSWD=*", "*passphrase=*", "*_PASS=*", "*secret=*", "*SECRET=*", "*api-key=*",
    "*api_key=*", "*API_KEY=*", "*access-key=*", "*ACCESS_KEY=*", "*private-key=*", "*://*:*@*",
    "*Authorization:*", "env=*=*", NULL};

static int
load_finish(struct load *load)
{
	struct policy *policy = load->policy;

	if (load_check_images(load) != 0 || load->section.place.error->count != 0)
		return -1;
	if (load_index(policy) != 0)
		return place_error(&load->section.place, 0, "out of memory");
	policy->settings.image_owners = policy->image_owners.items;
	policy->settings.redact =
	    policy->redact.items[0] != NULL ? policy->redact.items : policy_default_redact;
	load_hash_end(&load->key, policy->digest.key);
	load_hash_end(&load->sha, policy->digest.sha256);
	if (!load->settled)
		policy->digest.key[0] = '\0';
	return 0;
}

static void
load_say_how_many(struct policy_error *error)
{
	size_t length = strlen(error->text), most = sizeof(error->text) - 64;

	if (error->count < 2)
		return;
	length = length < most ? length : most;
	snprintf(error->text + length, sizeof(error->text) - length,
	    " (and %u more: boxdo policy check)", error->count - 1);
}

int
load_begin(struct load *load, const char *dir, const struct policy_who *who,
    const struct policy_lookup *lookup, struct policy_error *error)
{
	*load = (struct load){.cache = {.who = who, .lookup = lookup},
	    .section = {.cache = &load->cache, .place = {dir, 0, error}}};
	error->text[0] = '\0';
	error->count = 0;
	load->policy = calloc(1, sizeof(*load->policy));
	if (load->policy == NULL)
		return place_error(&load->section.place, 0, "out of memory");
	load->policy->who = who;
	return load_start(load, dir);
}

struct policy *
load_end(struct load *load, bool ok)
{
	struct policy_error *error = load->section.place.error;

	if (load->policy != NULL)
		ok = load_finish(load) == 0 && ok;
	users_forget(&load->cache);
	free(load->section.parse);
	if (ok && error->count == 0)
		return load->policy;
	load_say_how_many(error);
	policy_free(load->policy);
	return NULL;
}

/* Reads everything once; with hash the digest is that of the bytes which were parsed. */
static struct policy *
load_once(const char *dir, const struct policy_who *who, const struct policy_lookup *lookup,
    struct policy_error *error, bool hash)
{
	struct load load;
	bool ok = load_begin(&load, dir, who, lookup, error) == 0;

	load.hash = hash;
	/* Believed for now: policy_load throws away what was read by a digest that is not these files'. */
	load.section.known = !hash;
	ok = load.policy != NULL &&
	     vet_files(dir, load_file, &load, &load.policy->is_public, error) == 0 && ok;
	return load_end(&load, ok);
}

/*
 * A digest that was kept is the one of the bytes just parsed when the files are the same and have
 * long been; and as it was kept by a launch, all of them was in order. Else they are read once more,
 * in full, and hashed: what decides is what has the digest.
 */
struct policy *
policy_load(const char *dir, const struct policy_who *who, const struct policy_lookup *lookup,
    struct policy_error *error)
{
	const struct policy_digest *known = lookup->known;
	bool hash = known == NULL || known->key[0] == '\0';
	struct policy *policy = load_once(dir, who, lookup, error, hash);

	if (policy == NULL || hash)
		return policy;
	if (strcmp(known->key, policy->digest.key) == 0) {
		policy->digest = *known;
		return policy;
	}
	policy_free(policy);
	return load_once(dir, who, lookup, error, true);
}

void
policy_free(struct policy *policy)
{
	if (policy == NULL)
		return;
	arena_free(&policy->arena);
	free(policy);
}

bool
policy_denies_binds(const struct policy *policy)
{
	const struct rule *rule;

	for (rule = policy->rules[RULE_DENY]; rule != NULL; rule = rule->next)
		if (rule->has_binds)
			return true;
	return false;
}

bool
policy_denies_cdi(const struct policy *policy)
{
	const struct rule *rule;

	for (rule = policy->rules[RULE_DENY]; rule != NULL; rule = rule->next)
		if (rule->denies_cdi)
			return true;
	return false;
}

const struct policy_settings *
policy_settings(const struct policy *policy)
{
	return &policy->settings;
}

const char *
policy_sha256(const struct policy *policy)
{
	return policy->digest.sha256;
}

const struct policy_digest *
policy_digest(const struct policy *policy)
{
	return &policy->digest;
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
load_append(void *context, struct vet_file *file)
{
	struct load_text *text = context;

	char buffer[8192];
	ssize_t got;

	load_hash_head(&text->sha, file);
	fprintf(text->stream, "# %s\n", file->path);
	while ((got = vet_read(file, buffer, sizeof(buffer))) > 0) {
		SHA256Update(&text->sha, (const uint8_t *)buffer, (size_t)got);
		fwrite(buffer, 1, (size_t)got, text->stream);
	}
	return got < 0 || ferror(text->stream);
}

char *
policy_text(const struct policy *policy, size_t *length)
{
	struct policy_error error = {.count = 0};
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
	if (ok && strcmp(hex, policy->digest.sha256) == 0)
		return data;
	free(data);
	return NULL;
}
