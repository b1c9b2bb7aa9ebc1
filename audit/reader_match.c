/*
 * What of the trail is asked for: by the journal's own index where it can tell, else record by record.
 *
 * The index knows equality alone. For globs and paths the values a field has anywhere are few (images, rules,
 * hosts), and the journal lists them: those that match are asked for by name. Where they are many (commands),
 * or more are to come (-f), every record is compared.
 *
 * Stage:     none; part of `boxdo log`. Privilege: the auditor's.
 * Distrusts: values; they are compared, never obeyed. Patterns are the auditor's own.
 * On error:  negative errno.
 */
#include "audit/events.h"
#include "audit/reader_inside.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MATCH_LISTED_MAX 20000 /* values looked at before a list is given up */
#define MATCH_CHOSEN_MAX 512   /* values asked for by name */

static bool
match_same(const char *pattern, const char *value)
{
	return strcmp(pattern, value) == 0;
}

static bool
match_glob(const char *pattern, const char *value)
{
	return fnmatch(pattern, value, 0) == 0;
}

/* The part of value before the first `end`. */
static bool
match_glob_before(const char *pattern, const char *value, const char *end)
{
	char text[512];
	size_t length = strcspn(value, end);

	if (length >= sizeof text)
		return false;
	memcpy(text, value, length);
	text[length] = '\0';
	return match_glob(pattern, text);
}

static bool
match_host(const char *pattern, const char *value)
{
	return match_glob(pattern, value) || match_glob_before(pattern, value, ".");
}

static bool
match_command(const char *pattern, const char *value)
{
	return match_glob(pattern, value) || match_glob_before(pattern, value, " ");
}

static const char *
match_bare_digest(const char *digest)
{
	return strncasecmp(digest, "sha256:", 7) == 0 ? digest + 7 : digest;
}

static bool
match_digest(const char *pattern, const char *value)
{
	pattern = match_bare_digest(pattern);
	return strncasecmp(pattern, match_bare_digest(value), strlen(pattern)) == 0;
}

/* RULE is "allow ml (FILE:LINE)"; asked for as "ml", "allow ml" or all of it. */
static bool
match_rule(const char *pattern, const char *value)
{
	const char *place = strstr(value, " (");
	char name[512];
	const char *space;
	size_t length = place == NULL ? strlen(value) : (size_t)(place - value);

	snprintf(name, sizeof name, "%.*s", (int)length, value);
	space = strchr(name, ' ');
	return match_glob(pattern, value) || match_glob(pattern, name) ||
	       (space != NULL && match_glob(pattern, space + 1));
}

/* Length of SOURCE in SOURCE:DESTINATION:MODE. Most often both are the same, and may hold colons. */
static size_t
match_source_length(const char *bind)
{
	const char *mode = strrchr(bind, ':');
	size_t both = mode == NULL ? strlen(bind) : (size_t)(mode - bind);

	if (both % 2 == 1 && bind[both / 2] == ':' &&
	    memcmp(bind, bind + both / 2 + 1, both / 2) == 0)
		return both / 2;
	return strcspn(bind, ":");
}

/* Is path (of that length) the same as inner, or a directory above it? */
static bool
match_above(const char *path, size_t length, const char *inner, size_t inner_length)
{
	if (length == 1 && *path == '/')
		return true;
	return length <= inner_length && memcmp(path, inner, length) == 0 &&
	       (length == inner_length || inner[length] == '/');
}

static bool
match_bind(const char *pattern, const char *value)
{
	size_t length = strlen(pattern), source = match_source_length(value);
	char text[8192];

	if (strpbrk(pattern, "*?[") != NULL) {
		snprintf(text, sizeof text, "%.*s", (int)source, value);
		return source < sizeof text && match_glob(pattern, text);
	}
	while (length > 1 && pattern[length - 1] == '/')
		length--;
	return match_above(pattern, length, value, source) ||
	       match_above(value, source, pattern, length);
}

static const struct match_key {
	const char *fields[3]; /* any of these; without BOXDO_ */
	bool (*matches)(const char *pattern, const char *value);
	bool listed; /* its values are few enough to be listed */
} match_keys[READER_KEYS] = {
    [READER_USER] = {{"USER", "UID"}, match_same, false},
    [READER_UID] = {{"UID"}, match_same, false},
    [READER_EVENT] = {{"EVENT"}, match_same, false},
    [READER_ID] = {{"ID"}, match_same, false},
    [READER_IMAGE] = {{"IMAGE", "IMAGE_PATH"}, match_glob, true},
    [READER_DIGEST] = {{"IMAGE_SHA256", "IMAGE_VERITY"}, match_digest, true},
    [READER_HOST] = {{"HOST"}, match_host, true},
    [READER_RULE] = {{"RULE"}, match_rule, true},
    [READER_COMMAND] = {{"COMMAND"}, match_command, false},
    [READER_BIND] = {{"BINDS"}, match_bind, true},
    [READER_DEVICE] = {{"DEVICES"}, match_glob, true},
    [READER_JOB] = {{"JOB"}, match_same, false},
    [READER_SESSION] = {{"SESSION"}, match_same, false},
    [READER_BOOT] = {{"_BOOT_ID"}, match_same, false},
};

static bool
match_any(const struct reader_filter *filter, size_t key, const char *value)
{
	for (const char *const *pattern = filter->values[key]; *pattern != NULL; pattern++)
		if (match_keys[key].matches(*pattern, value))
			return true;
	return false;
}

/* --- record by record ---------------------------------------------------------------------------------- */

static bool
match_is_compared(const struct reader *reader, size_t key)
{
	return *reader->filter->values[key] != NULL && !reader->indexed[key];
}

bool
reader_match_needs(const struct reader *reader, const char *data, size_t length)
{
	if (!READER_BEGINS(data, length, "BOXDO_"))
		return false;
	data += 6;
	length -= 6;
	for (size_t key = 0; key < READER_KEYS; key++) {
		if (!match_is_compared(reader, key))
			continue;
		for (const char *const *field = match_keys[key].fields; *field != NULL; field++) {
			size_t name = strlen(*field);

			if (length > name && data[name] == '=' && memcmp(data, *field, name) == 0)
				return true;
		}
	}
	return false;
}

static bool
match_field_of(const struct match_key *key, const char *name)
{
	for (const char *const *field = key->fields; *field != NULL; field++)
		if (strcmp(*field, name) == 0)
			return true;
	return false;
}

static bool
match_entry(const struct reader *reader, const struct reader_entry *entry, size_t key)
{
	for (size_t i = 0; i < entry->count; i++)
		if (match_field_of(&match_keys[key], entry->fields[i].name) &&
		    match_any(reader->filter, key, entry->fields[i].value))
			return true;
	return false;
}

bool
reader_match_passes(const struct reader *reader, const struct reader_entry *entry)
{
	for (size_t key = 0; key < READER_KEYS; key++)
		if (match_is_compared(reader, key) && !match_entry(reader, entry, key))
			return false;
	return true;
}

/* --- by the index ---------------------------------------------------------------------------------------- */

/* Matches of one field are alternatives; between fields a disjunction is needed. */
struct match_list {
	char **pairs; /* NAME=VALUE, owned; those of one field stand together */
	size_t *lengths, count;
};

static void
match_list_free(struct match_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->pairs[i]);
	free(list->pairs);
	free(list->lengths);
	*list = (struct match_list){0};
}

static int
match_list_add(struct match_list *list, const void *data, size_t length)
{
	if (list->pairs == NULL) {
		list->pairs = calloc(MATCH_CHOSEN_MAX, sizeof *list->pairs);
		list->lengths = calloc(MATCH_CHOSEN_MAX, sizeof *list->lengths);
		if (list->pairs == NULL || list->lengths == NULL)
			return -ENOMEM;
	}
	if (list->count == MATCH_CHOSEN_MAX)
		return -E2BIG;
	list->pairs[list->count] = malloc(length + 1);
	if (list->pairs[list->count] == NULL)
		return -ENOMEM;
	memcpy(list->pairs[list->count], data, length);
	list->pairs[list->count][length] = '\0';
	list->lengths[list->count++] = length;
	return 0;
}

static int
match_list_typed(struct match_list *list, const struct reader_filter *filter, size_t key)
{
	int result = 0;

	for (const char *const *field = match_keys[key].fields; *field != NULL; field++) {
		for (const char *const *value = filter->values[key]; *value && result == 0;
		     value++) {
			char *pair;
			int length = asprintf(
			    &pair, "%s%s=%s", **field == '_' ? "" : "BOXDO_", *field, *value);

			if (length < 0)
				return -ENOMEM;
			result = match_list_add(list, pair, (size_t)length);
			free(pair);
		}
	}
	return result;
}

/* Those values of one field that match. -E2BIG: there are too many. */
static int
match_list_field(
    struct match_list *list, struct reader *reader, size_t key, const char *field, size_t *looked)
{
	char name[64];
	const void *data;
	size_t length;
	int result;

	snprintf(name, sizeof name, "BOXDO_%s", field);
	result = sd_journal_query_unique(reader->other, name);
	while (result >= 0 && (result = sd_journal_enumerate_available_unique(
	                           reader->other, &data, &length)) > 0) {
		size_t skip = strlen(name) + 1;
		char *value;

		if (++*looked > MATCH_LISTED_MAX)
			return -E2BIG;
		value = strndup((const char *)data + skip, length - skip);
		if (value == NULL)
			return -ENOMEM;
		if (match_any(reader->filter, key, value))
			result = match_list_add(list, data, length);
		free(value);
	}
	return result;
}

static int
match_add_list(struct reader *reader, const struct match_list *list)
{
	int result = sd_journal_add_conjunction(reader->journal);

	for (size_t i = 0; i < list->count && result >= 0; i++) {
		size_t name = strcspn(list->pairs[i], "=") + 1;

		if (i > 0 && strncmp(list->pairs[i - 1], list->pairs[i], name) != 0)
			result = sd_journal_add_disjunction(reader->journal);
		if (result >= 0)
			result =
			    sd_journal_add_match(reader->journal, list->pairs[i], list->lengths[i]);
	}
	return result;
}

static int
match_add_key(struct reader *reader, size_t key)
{
	struct match_list list = {0};
	bool exact = match_keys[key].matches == match_same;
	size_t looked = 0;
	int result = 0;

	if (exact)
		result = match_list_typed(&list, reader->filter, key);
	else
		for (const char *const *field = match_keys[key].fields;
		     *field != NULL && result >= 0; field++)
			result = match_list_field(&list, reader, key, *field, &looked);
	if (result >= 0) {
		/* A value that is nowhere: no record, and no need to look at any. */
		reader->nothing |= list.count == 0;
		reader->indexed[key] = true;
		result = list.count == 0 ? 0 : match_add_list(reader, &list);
	} else if (result == -E2BIG) {
		result = 0;
	}
	match_list_free(&list);
	return result;
}

/* Main journals among the files hold other things, many more. */
static int
match_add_ours(struct reader *reader)
{
	static const char *const ids[] = {
#define X(id, event, message_id, priority) "MESSAGE_ID=" message_id,
		AUDIT_EVENTS(X)
#undef X
	};
	int result = 0;

	for (size_t i = 0; i < sizeof ids / sizeof *ids && result >= 0; i++)
		result = sd_journal_add_match(reader->journal, ids[i], strlen(ids[i]));
	return result;
}

int
reader_match_add(struct reader *reader)
{
	bool any = false;
	int result = 0;

	for (size_t key = 0; key < READER_KEYS && result >= 0; key++) {
		bool exact = match_keys[key].matches == match_same;

		if (*reader->filter->values[key] == NULL ||
		    (!exact && (!match_keys[key].listed || reader->filter->follow)))
			continue;
		result = match_add_key(reader, key);
		any |= reader->indexed[key];
	}
	return result >= 0 && !any && reader->foreign ? match_add_ours(reader) : result;
}
