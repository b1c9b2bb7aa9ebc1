/*
 * The users key: names, uids, groups, netgroups, '*', and '!' before any of them.
 *
 * Stage: 4 policy. Privilege: needs none; NSS is asked by the broker's callbacks, in another
 * process.
 * Trusts: the kernel's ids. Distrusts: the directory, which may be down: "cannot say" is not "no".
 * On error: -1, and the launch is refused.
 */
#include "policy/users.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct users_known {
	struct users_known *next;
	enum users_type type;
	int found; /* 1, 0 or -1, as the look-up said */
	gid_t gid;
	bool member_asked;
	int member;
	char name[];
};

const char *
users_name_problem(const char *name)
{
	if (*name == '\0')
		return "a name is missing";
	if (strchr("#%+~-", *name) != NULL)
		return "a name does not begin like that";
	/* A pattern that was taken for a name would match nobody: in a deny that fails open. */
	if (strpbrk(name, "*?[]!,:/\"") != NULL)
		return "patterns, ',' ':' '/' and '!' have no place in a name (blanks separate "
		       "names)";
	return NULL;
}

static const char *
users_read_uid(struct users_entry *entry, const char *digits)
{
	uint64_t uid = 0;
	const char *at;

	for (at = digits; isdigit((unsigned char)*at) && at - digits < 11; at++)
		uid = 10 * uid + (uint64_t)(*at - '0');
	if (at == digits || *at != '\0' || (digits[0] == '0' && digits[1] != '\0'))
		return "not a uid (#1000)";
	/* (uid_t)-1 means "no change" to the kernel, and in sudo it once meant root. */
	if (uid >= UINT32_MAX)
		return "no such uid can exist";
	entry->uid = (uid_t)uid;
	return NULL;
}

const char *
users_read(struct users *users, struct arena *arena, const struct word *word)
{
	struct users_entry entry = {.type = USERS_NAME, .name = word->text};
	struct users_entry *entries;
	const char *problem;

	if (*entry.name == '!') {
		entry.negated = true;
		entry.name++;
	}
	if (strcmp(entry.name, "*") == 0)
		entry.type = USERS_ANY;
	else if (*entry.name == '#')
		entry.type = USERS_UID;
	else if (*entry.name == '%')
		entry.type = USERS_GROUP;
	else if (*entry.name == '+')
		entry.type = USERS_NETGROUP;
	if (entry.type >= USERS_UID)
		entry.name++;
	problem = entry.type == USERS_ANY   ? NULL
	          : entry.type == USERS_UID ? users_read_uid(&entry, entry.name)
	                                    : users_name_problem(entry.name);
	/* "alice bob" in quotes would be one name, and nobody's. */
	if (problem == NULL && entry.type == USERS_NAME && strchr(entry.name, ' ') != NULL)
		problem = "an account's name has no blank in it (quotes make it one name)";
	if (problem != NULL)
		return problem;
	entries = arena_grow(arena, users->entries, users->count, &users->room, sizeof(entry));
	if (entries == NULL)
		return "out of memory";
	users->entries = entries;
	entries[users->count++] = entry;
	return NULL;
}

bool
users_is_other_name(const struct policy_who *who, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		char c = text[i];

		if (!(c >= 'a' && c <= 'z') &&
		    (i == 0 || (!(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-')))
			return false;
	}
	return length > 0 && (strlen(who->name) != length || memcmp(who->name, text, length) != 0);
}

bool
users_has_positive(const struct users *users)
{
	size_t i;

	for (i = 0; i < users->count; i++)
		if (!users->entries[i].negated)
			return true;
	return false;
}

bool
users_trusts_netgroup(const struct users *users, bool in_deny)
{
	size_t i;

	for (i = 0; i < users->count; i++)
		if (users->entries[i].type == USERS_NETGROUP &&
		    (in_deny || users->entries[i].negated))
			return true;
	return false;
}

static size_t
users_bucket(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return (hash ^ hash >> 16) & (USERS_BUCKETS - 1);
}

/* The name as it was looked up; NULL: it was not. */
static struct users_known *
users_find(const struct users_cache *cache, const struct users_entry *entry)
{
	struct users_known *known = cache->buckets[users_bucket(entry->name)];

	while (
	    known != NULL && (known->type != entry->type || strcmp(known->name, entry->name) != 0))
		known = known->next;
	return known;
}

static int
users_fail(struct users_cache *cache, const struct users_entry *entry)
{
	cache->failed = entry->name;
	cache->failed_type = entry->type == USERS_GROUP ? "group" : "netgroup";
	return -1;
}

/* The name as it was, or is now, looked up; NULL: no memory. */
static struct users_known *
users_look_up(struct users_cache *cache, const struct users_entry *entry)
{
	struct users_known **bucket = &cache->buckets[users_bucket(entry->name)], *known;
	const struct policy_lookup *lookup = cache->lookup;
	size_t size = strlen(entry->name) + 1;

	if ((known = users_find(cache, entry)) != NULL)
		return known;
	if ((known = calloc(1, sizeof(*known) + size)) == NULL)
		return NULL;
	memcpy(known->name, entry->name, size);
	known->type = entry->type;
	known->found = entry->type == USERS_GROUP
	                   ? lookup->group(lookup->context, known->name, &known->gid)
	                   : lookup->netgroup(lookup->context, known->name);
	known->next = *bucket;
	*bucket = known;
	return known;
}

static bool
users_has_gid(const struct policy_who *who, gid_t gid)
{
	size_t i;

	for (i = 0; i < who->group_count; i++)
		if (who->groups[i] == gid)
			return true;
	return who->gid == gid;
}

static int
users_match_looked_up(struct users_cache *cache, const struct users_entry *entry, bool ask_member)
{
	struct users_known *known = users_look_up(cache, entry);

	if (known == NULL || (known->found != 0 && known->found != 1))
		return users_fail(cache, entry);
	if (known->found == 0 || entry->type == USERS_NETGROUP)
		return known->found;
	if (users_has_gid(cache->who, known->gid))
		return 1;
	if (!ask_member)
		return 0;
	if (!known->member_asked) {
		known->member = cache->lookup->member(cache->lookup->context, known->gid);
		known->member_asked = true;
	}
	return known->member == 0 || known->member == 1 ? known->member : users_fail(cache, entry);
}

static int
users_match_entry(struct users_cache *cache, const struct users_entry *entry, bool in_deny)
{
	switch (entry->type) {
	case USERS_ANY:
		return 1;
	case USERS_NAME:
		return strcmp(entry->name, cache->who->name) == 0;
	case USERS_UID:
		return entry->uid == cache->who->uid;
	case USERS_GROUP:
	case USERS_NETGROUP:
		break;
	}
	/*
	 * "!%group" in a deny lets people off: there the kernel's word is needed, NSS will not do.
	 */
	return users_match_looked_up(cache, entry, in_deny && !entry->negated);
}

bool
users_is_others(const struct users *users, const struct users_cache *cache, bool in_deny)
{
	const struct users_known *known;
	size_t i;

	for (i = 0; i < users->count; i++) {
		const struct users_entry *entry = &users->entries[i];

		if (entry->negated)
			continue;
		if (entry->type == USERS_ANY ||
		    (entry->type == USERS_NAME && strcmp(entry->name, cache->who->name) == 0) ||
		    (entry->type == USERS_UID && entry->uid == cache->who->uid))
			return false;
		if (entry->type < USERS_GROUP)
			continue;
		/* A group of the directory's alone counts in a deny: that would be a look-up more. */
		known = users_find(cache, entry);
		if (known == NULL ||
		    (known->found != 0 &&
		        (known->found != 1 || in_deny || entry->type != USERS_GROUP ||
		            users_has_gid(cache->who, known->gid))))
			return false;
	}
	return true;
}

/* Does any entry match that is (or is not) negated and does (or does not) need a look-up? */
static int
users_match_some(const struct users *users, struct users_cache *cache, bool in_deny, bool negated,
    bool looked_up)
{
	size_t i;
	int found;

	for (i = 0; i < users->count; i++) {
		const struct users_entry *entry = &users->entries[i];

		if (entry->negated != negated || (entry->type >= USERS_GROUP) != looked_up)
			continue;
		found = users_match_entry(cache, entry, in_deny);
		if (found != 0)
			return found;
	}
	return 0;
}

/* What costs nothing first, so that a directory is asked only where its answer counts. */
int
users_match(const struct users *users, struct users_cache *cache, bool in_deny)
{
	int yes, no;

	if (users_match_some(users, cache, in_deny, true, false) != 0)
		return 0;
	if (!users_has_positive(users))
		return 0;
	yes = users_match_some(users, cache, in_deny, false, false);
	if (yes == 0)
		yes = users_match_some(users, cache, in_deny, false, true);
	if (yes != 1)
		return yes;
	no = users_match_some(users, cache, in_deny, true, true);
	return no < 0 ? -1 : no == 0;
}

void
users_forget(struct users_cache *cache)
{
	size_t i;

	for (i = 0; i < sizeof(cache->buckets) / sizeof(cache->buckets[0]); i++)
		while (cache->buckets[i] != NULL) {
			struct users_known *next = cache->buckets[i]->next;

			free(cache->buckets[i]);
			cache->buckets[i] = next;
		}
}
