/*
 * A set of policy files in memory, and views of it.
 *
 * Runs in: the tools (`boxdo policy`, `explain`, `list`), never in the helper. Privilege: needs none.
 * Trusts: the same reader and the same comparisons as a launch (load.c, section.c): nothing about the
 * meaning of a policy is written down a second time here.
 * On error: NULL or -1, with all errors told.
 */
#include "policy/set.h"

#include "policy/load.h"
#include "policy/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* policy.conf first, then by bytes. */
static bool
set_before(const struct set_file *a, const struct set_file *b)
{
	return a->main != b->main ? a->main : strcmp(a->path, b->path) < 0;
}

int
set_add(struct set *set, const char *path, const char *data, size_t size, bool is_main)
{
	struct set_file file = {strdup(path), malloc(size + 1), size, is_main}, *files;
	size_t at = set->count;

	files = reallocarray(set->files, set->count + 1, sizeof(*files));
	if (files != NULL)
		set->files = files;
	if (files == NULL || file.path == NULL || file.data == NULL) {
		free(file.path);
		free(file.data);
		return -1;
	}
	memcpy(file.data, data, size);
	file.data[size] = '\0';
	for (; at > 0 && set_before(&file, &files[at - 1]); at--)
		files[at] = files[at - 1];
	files[at] = file;
	set->count++;
	return 0;
}

struct set_file *
set_find(const struct set *set, const char *path)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->files[i].path, path) == 0)
			return &set->files[i];
	return NULL;
}

void
set_free(struct set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->files[i].path);
		free(set->files[i].data);
	}
	free(set->files);
	*set = (struct set){NULL, 0};
}

struct set_vet {
	struct set *set;
	struct policy_error *error;
};

static int
set_take(void *context, struct vet_file *file)
{
	struct set_vet *vet = context;
	struct place place = {file->path, 0, vet->error};
	size_t size = (size_t)file->st->st_size, have = 0;
	char *data = malloc(size + 1);
	ssize_t got = 0;
	int result = -1;

	/* One byte more than fstat said: a file that has grown shows. */
	while (data != NULL && have <= size &&
	       (got = vet_read(file, data + have, size + 1 - have)) > 0)
		have += (size_t)got;
	if (data == NULL ||
	    (got >= 0 && set_add(vet->set, file->path, data, have, file->main) != 0))
		place_error(&place, 0, "out of memory");
	else
		result = got < 0 ? -1 : 0;
	free(data);
	return result;
}

int
set_vetted(struct set *set, const char *dir, bool *is_public, struct policy_error *error)
{
	struct set_vet vet = {set, error};

	return vet_files(dir, set_take, &vet, is_public, error);
}

void
set_digest(const struct set *set, char hex[POLICY_SHA256_SIZE])
{
	SHA2_CTX sha;

	SHA256Init(&sha);
	for (size_t i = 0; i < set->count; i++) {
		const struct stat st = {.st_size = (off_t)set->files[i].size};
		const struct vet_file file = {.path = set->files[i].path, .st = &st};

		load_hash_head(&sha, &file);
		SHA256Update(&sha, (const uint8_t *)set->files[i].data, set->files[i].size);
	}
	load_hash_end(&sha, hex);
}

char *
set_text(const struct set *set, size_t *length)
{
	char *data = NULL;
	FILE *stream = open_memstream(&data, length);

	if (stream == NULL)
		return NULL;
	for (size_t i = 0; i < set->count; i++) {
		fprintf(stream, "# %s\n", set->files[i].path);
		fwrite(set->files[i].data, 1, set->files[i].size, stream);
	}
	if (fclose(stream) == 0)
		return data;
	free(data);
	return NULL;
}

struct set_reader {
	const struct set_file *file;
	size_t done;
};

static ssize_t
set_read(void *context, void *buffer, size_t size)
{
	struct set_reader *reader = context;
	size_t left = reader->file->size - reader->done;

	size = size < left ? size : left;
	memcpy(buffer, reader->file->data + reader->done, size);
	reader->done += size;
	return (ssize_t)size;
}

struct policy *
set_policy(const struct set *set, struct policy_error *error)
{
	static const struct policy_lookup nobody = {.known = NULL};
	struct load load;
	bool ok = load_begin(&load, "", NULL, &nobody, error) == 0;

	if (load.policy != NULL)
		load.policy->everybodys = true;
	for (size_t i = 0; ok && i < set->count; i++) {
		struct set_reader reader = {&set->files[i], 0};

		/* Rules point to their file's name: the set lives as long as they do. */
		load.section.place.file = set->files[i].path;
		load.section.place.line = 0;
		parse_file(&load.section, set->files[i].main, set_read, &reader);
	}
	return load_end(&load, ok);
}

/* A copy of its own: paths are numbered anew in every view. */
static struct rule *
set_copy(struct policy *view, const struct rule *rule)
{
	struct rule *copy = arena_alloc(&view->arena, sizeof(*copy));
	struct rule_bind *binds =
	    arena_alloc(&view->arena, (rule->bind_count + 1) * sizeof(*binds));

	if (copy == NULL || binds == NULL)
		return NULL;
	*copy = *rule;
	copy->next = NULL;
	copy->binds = binds;
	if (rule->bind_count > 0)
		memcpy(binds, rule->binds, rule->bind_count * sizeof(*binds));
	return copy;
}

/* Hangs up what is about who. 0 or -1 with the error. */
static int
set_keep(struct section *section, const struct policy *everybodys, enum rule_kind kind)
{
	static const enum section_kind kinds[] = {
	    [RULE_DENY] = SECTION_DENY, [RULE_ALLOW] = SECTION_ALLOW, [RULE_GRANT] = SECTION_GRANT};
	struct rule **last = &section->policy->rules[kind];

	for (const struct rule *rule = everybodys->rules[kind]; rule != NULL; rule = rule->next) {
		int about;

		section->kind = kinds[kind];
		section->rule = *rule;
		section->line = rule->line;
		section->place.file = rule->file;
		section->place.line = rule->line;
		about = section_is_about_caller(section);
		if (about < 0)
			return -1;
		if (about == 0)
			continue;
		*last = set_copy(section->policy, rule);
		if (*last == NULL)
			return place_error(&section->place, 0, "out of memory");
		last = &(*last)->next;
	}
	return 0;
}

struct policy *
set_view(const struct policy *everybodys, const struct policy_who *who,
    const struct policy_lookup *lookup, struct policy_error *error)
{
	struct policy *view = calloc(1, sizeof(*view));
	struct users_cache cache = {.who = who, .lookup = lookup};
	struct section section = {.policy = view, .cache = &cache, .place = {"", 0, error}};
	bool ok = view != NULL;

	error->text[0] = '\0';
	error->count = 0;
	if (!ok) {
		place_error(&section.place, 0, "out of memory");
		return NULL;
	}
	*view = *everybodys;
	view->arena = (struct arena){NULL};
	view->who = who;
	view->everybodys = false;
	view->paths = NULL;
	view->path_count = 0;
	memset(view->rules, 0, sizeof(view->rules));
	for (int kind = 0; ok && kind < RULE_KINDS; kind++)
		ok = set_keep(&section, everybodys, (enum rule_kind)kind) == 0;
	if (ok && load_index(view) != 0)
		ok = place_error(&section.place, 0, "out of memory") == 0;
	users_forget(&cache);
	if (ok)
		return view;
	policy_free(view);
	return NULL;
}
