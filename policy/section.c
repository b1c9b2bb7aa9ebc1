/*
 * One section at a time: begun, filled key by key, checked, and kept or forgotten.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: parse.c for the order of the calls. A rule whose users, hosts or time do not match the
 * caller is checked like any other and then costs nothing: memory does not grow with other people's
 * rules.
 * On error: -1 with the place; the policy then counts for nothing, no name is looked up for it any
 * more, and what follows is only checked.
 */
#include "policy/section.h"
#include "policy/env.h"
#include "policy/keys.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum section_kind kind;
} section_kinds[] = {
    {"settings", SECTION_SETTINGS},
    {"image", SECTION_IMAGE},
    {"deny", SECTION_DENY},
    {"allow", SECTION_ALLOW},
    {"grant", SECTION_GRANT},
};

static const char *
section_kind_name(enum section_kind kind)
{
	size_t i;

	for (i = 0; section_kinds[i].kind != kind; i++)
		;
	return section_kinds[i].name;
}

/* Splits "deny interns"; exactly one space. */
static int
section_read_header(struct section *s, char *header)
{
	char *space = strchr(header, ' ');
	size_t i;

	s->name = "";
	if (space != NULL) {
		*space = '\0';
		s->name = space + 1;
	}
	for (i = 0; i < sizeof(section_kinds) / sizeof(section_kinds[0]); i++)
		if (header[0] == section_kinds[i].name[0] &&
		    strcmp(header, section_kinds[i].name) == 0)
			s->kind = section_kinds[i].kind;
	if (s->kind == SECTION_NONE)
		return place_error(&s->place, 2,
		    "unknown section '%s': settings, image NAME, deny NAME, allow NAME or grant "
		    "NAME",
		    header);
	if (s->kind == SECTION_SETTINGS)
		return space == NULL ? 0 : place_error(&s->place, 2, "[settings] takes no name");
	if (s->name[0] == '\0' || strchr(s->name, ' ') != NULL)
		return place_error(
		    &s->place, 2, "[%s NAME]: one name, one space before it", header);
	return 0;
}

static int
section_check_header(struct section *s)
{
	if (s->kind == SECTION_SETTINGS) {
		if (!s->in_main)
			return place_error(&s->place, 1, "[settings] belongs in policy.conf only");
		if (s->had_settings)
			return place_error(&s->place, 1, "[settings] once is enough");
		s->had_settings = true;
	}
	/* A path, a digest or a pattern in a rule must never be taken for a name. */
	if (s->kind == SECTION_IMAGE &&
	    (strchr("/.-", s->name[0]) != NULL || strncmp(s->name, "sha256:", 7) == 0))
		return place_error(&s->place, 8, "an image's name does not begin like that");
	return 0;
}

int
section_begin(struct section *s, const char *header, size_t length)
{
	char *copy;

	s->mark = arena_mark(&s->policy->arena);
	s->kind = SECTION_NONE;
	s->line = s->place.line;
	s->seen = 0;
	s->bad = s->torn = s->bad_key = s->others = s->judged = s->name_only = false;
	s->name = "";
	memset(&s->rule, 0, sizeof(s->rule));
	memset(&s->image, 0, sizeof(s->image));
	memset(&s->refs, 0, sizeof(s->refs));
	copy = arena_copy(&s->policy->arena, header, length);
	if (copy == NULL)
		return place_error(&s->place, 0, "out of memory");
	s->torn = section_read_header(s, copy) != 0 || section_check_header(s) != 0;
	s->bad = s->torn;
	return s->bad ? -1 : 0;
}

static int
section_check_key(struct section *s, const char *name, int index, bool more)
{
	const struct keys_key *key;

	s->torn = s->torn || index < 0;
	if (index < 0)
		return place_error(&s->place, 1, "unknown key '%s'", name);
	key = keys_at(index);
	/* What kind of section it was meant to be is not known. */
	if (s->kind == SECTION_NONE)
		return -1;
	if ((key->where & s->kind) == 0)
		return place_error(
		    &s->place, 1, "'%s' has no place in [%s]", name, section_kind_name(s->kind));
	if (more && key->shape != KEYS_LIST && key->shape != KEYS_MANY)
		return place_error(
		    &s->place, 1, "'%s' is no list: it cannot go on on an indented line", name);
	if (!more && key->shape != KEYS_MANY && (s->seen >> index & 1) != 0)
		return place_error(&s->place, 1, "'%s' a second time in one section", name);
	s->seen |= 1ULL << index;
	return 0;
}

static int
section_read_key(struct section *s, const char *name, const char *value, unsigned column, bool more)
{
	int index = keys_find(name);
	const struct keys_key *key;
	struct word words[WORDS_MAX];
	long count, most;

	s->bad_key = section_check_key(s, name, index, more) != 0;
	if (s->bad_key)
		return -1;
	key = keys_at(index);
	count = words_split(&s->policy->arena, value, column, words);
	if (count < 0)
		return place_error(&s->place, 0, "out of memory");
	most = key->shape == KEYS_ONE ? 1 : key->shape == KEYS_DATE ? 2 : count;
	if (count > most)
		return place_error(&s->place, words[most].column, "'%s' takes one value", name);
	return key->read(s, words, (size_t)count);
}

int
section_key(struct section *s, const char *name, const char *value, unsigned column, bool more)
{
	if ((more && s->bad_key) || section_read_key(s, name, value, column, more) != 0)
		s->bad = true;
	return s->bad ? -1 : 0;
}

/* --- the end of a section -------------------------------------------------------------------- */

bool
section_is_others_name(struct section *s, const char *value, size_t length)
{
	unsigned rules = SECTION_DENY | SECTION_ALLOW | SECTION_GRANT;

	/* Anything else, and whatever is wrong, takes the long way. */
	if ((s->kind & rules) == 0 || s->rule.has_users || s->policy->everybodys ||
	    !users_is_other_name(s->cache->who, value, length))
		return false;
	s->seen |= 1ULL << keys_find("users");
	s->rule.has_users = s->name_only = s->others = s->judged = true;
	return true;
}

bool
section_is_others(struct section *s, bool more)
{
	/* A list may go on on the next line: it is complete when something else comes. */
	if (!s->judged && !more && s->rule.has_users) {
		s->others = !s->policy->everybodys &&
		            users_is_others(&s->rule.users, s->cache, s->kind == SECTION_DENY);
		s->judged = true;
	}
	return s->others;
}

bool
section_is_passed_over(const struct section *s)
{
	return s->known && s->others;
}

static bool
section_has(const struct section *s, const char *key)
{
	return (s->seen >> keys_find(key) & 1) != 0;
}

static int
section_end_image(struct section *s)
{
	struct policy *policy = s->policy;
	struct policy_image *images;

	if (!s->torn && !section_has(s, "path"))
		return place_error(&s->place, 1, "[image %s] has no path", s->name);
	images = arena_grow(&policy->arena, policy->images, policy->image_count,
	    &policy->image_room, sizeof(*images));
	if (images == NULL)
		return place_error(&s->place, 0, "out of memory");
	s->image.name = s->name;
	s->image.refs = s->refs.items;
	s->image.file = s->place.file;
	s->image.line = s->line;
	policy->images = images;
	images[policy->image_count++] = s->image;
	return 0;
}

/* What would quietly mean something else than its author thought. */
static int
section_check_rule(struct section *s)
{
	const struct rule *rule = &s->rule;
	int result = 0;

	if (s->torn)
		return -1;
	if (s->seen == 0 && !s->bad)
		return place_error(
		    &s->place, 1, "[%s %s] says nothing", section_kind_name(s->kind), s->name);
	if (s->kind != SECTION_DENY && !rule->has_users)
		result =
		    place_error(&s->place, 1, "[%s %s] names no users ('users = *' for everyone)",
		        section_kind_name(s->kind), s->name);
	if (s->kind == SECTION_ALLOW && rule->images.count == 0 && !section_has(s, "images") &&
	    !section_has(s, "user_images"))
		result = place_error(
		    &s->place, 1, "[allow %s] names no images ('images = *' for any)", s->name);
	/* What follows is about values, and they must be known. */
	if (s->bad || result != 0)
		return -1;
	if (s->kind == SECTION_DENY && rule->has_users && !s->name_only &&
	    !users_has_positive(&rule->users))
		return place_error(&s->place, 1,
		    "[deny %s]: users with '!' alone match nobody: begin the list with '*'",
		    s->name);
	if (users_trusts_netgroup(&rule->users, s->kind == SECTION_DENY))
		return place_error(&s->place, 1,
		    "[%s %s]: a netgroup cannot keep anybody out: when the directory is down it "
		    "has no "
		    "members; name a group",
		    section_kind_name(s->kind), s->name);
	if (rule->user_images && (section_has(s, "command") || section_has(s, "run_as")))
		return place_error(&s->place, 1,
		    "[allow %s]: a rule with user_images cannot limit command or name run_as: in "
		    "an image "
		    "of their own users have any program under any name",
		    s->name);
	if (s->kind == SECTION_ALLOW && !section_has(s, "images") && !rule->user_images)
		return place_error(
		    &s->place, 1, "[allow %s] names no images ('images = *' for any)", s->name);
	if ((rule->has_command || rule->run_as != NULL) &&
	    env_first_unsafe(rule->env.items) != NULL)
		return place_error(&s->place, 1,
		    "[%s %s]: a rule with command or run_as cannot let in env '%s': it would "
		    "change what the command does",
		    section_kind_name(s->kind), s->name, env_first_unsafe(rule->env.items));
	if (rule->not_before != 0 && rule->not_after != 0 && rule->not_after < rule->not_before)
		return place_error(&s->place, 1, "[%s %s]: not_after lies before not_before",
		    section_kind_name(s->kind), s->name);
	return 0;
}

bool
section_is_here(const struct section *s)
{
	const char *host = s->policy->who->host;
	size_t length = strcspn(host, "."), i;
	char first[256];

	if (length >= sizeof(first))
		length = sizeof(first) - 1;
	memcpy(first, host, length);
	first[length] = '\0';
	for (i = 0; i < s->rule.hosts.count; i++)
		if (match_host(s->rule.hosts.items[i], host) ||
		    match_host(s->rule.hosts.items[i], first))
			return true;
	return s->rule.hosts.count == 0;
}

/* Local time where the rule means it. Rules that follow each other mostly mean the same zone. */
static int
section_local(struct section *s)
{
	const char *zone = s->rule.timezone;

	if (s->have_local && strcmp(s->zone, zone != NULL ? zone : "") == 0)
		return 0;
	s->have_local = hours_local(s->policy->who->now, zone, &s->local) == 0;
	if (!s->have_local)
		return place_error(&s->place, 0, "cannot tell the local time");
	snprintf(s->zone, sizeof(s->zone), "%s", zone != NULL ? zone : "");
	return 0;
}

int
section_is_now(struct section *s)
{
	const struct rule *rule = &s->rule;
	long now;

	if (rule->hours.count == 0 && rule->not_before == 0 && rule->not_after == 0)
		return 1;
	if (section_local(s) != 0)
		return -1;
	now = hours_moment_of(&s->local);
	return (rule->hours.count == 0 || hours_match(&rule->hours, &s->local)) &&
	       (rule->not_before == 0 || now >= rule->not_before) &&
	       (rule->not_after == 0 || now <= rule->not_after);
}

int
section_is_about_caller(struct section *s)
{
	int yes = !s->others && section_is_here(s) ? section_is_now(s) : 0;

	if (yes != 1 || !s->rule.has_users)
		return yes;
	/* Whoever waits for an error must not wait for a directory first. */
	if (s->place.error->count != 0)
		return 0;
	yes = users_match(&s->rule.users, s->cache, s->kind == SECTION_DENY);
	if (yes >= 0)
		return yes;
	/* A sentence of its own: nothing is wrong with the file. */
	struct place nowhere = {"directory unavailable", 0, s->place.error};

	return place_error(&nowhere, 0, "cannot look up %s %s (%s:%u); launch refused",
	    s->cache->failed_type, s->cache->failed, s->place.file, s->line);
}

static int
section_keep(struct section *s)
{
	enum rule_kind kind = s->kind == SECTION_DENY    ? RULE_DENY
	                      : s->kind == SECTION_ALLOW ? RULE_ALLOW
	                                                 : RULE_GRANT;
	struct rule *rule = arena_alloc(&s->policy->arena, sizeof(*rule));

	if (rule == NULL)
		return place_error(&s->place, 0, "out of memory");
	*rule = s->rule;
	rule->kind = kind;
	rule->name = s->name;
	rule->file = s->place.file;
	rule->line = s->line;
	*s->last[kind] = rule;
	s->last[kind] = &rule->next;
	return 0;
}

int
section_end(struct section *s)
{
	unsigned line = s->place.line;
	int result = 0, about;

	/* What is wrong with a section as a whole stands at its head. */
	s->place.line = s->line;
	if (s->kind == SECTION_IMAGE) {
		result = section_end_image(s);
	} else if (s->kind != SECTION_SETTINGS && s->kind != SECTION_NONE) {
		result = section_is_passed_over(s) ? 0 : section_check_rule(s);
		about = result != 0 ? -1 : s->policy->everybodys ? 1 : section_is_about_caller(s);
		if (about == 1)
			result = section_keep(s);
		else if (about == 0)
			arena_release(&s->policy->arena, s->mark);
		else
			result = -1;
	}
	s->kind = SECTION_NONE;
	s->place.line = line;
	return result;
}
