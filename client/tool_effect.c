/*
 * What a change of the policy changes: which user x image pairs become allowed or refused.
 *
 * Runs as an admin's root, or anybody. Looks at every account either policy names, at the members of
 * the groups it names, and at one who is none of them; on this host, now. What a pair is worth is told
 * in the rules' own terms, so a change of duties shows as well.
 */
#include "client/tool.h"

#include "policy/images.h"

#include <grp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TOOL_EFFECT_USERS_MAX 2000
#define TOOL_EFFECT_LINES_MAX 200

struct tool_effect_users {
	const char *names[TOOL_EFFECT_USERS_MAX];
	size_t count;
	bool more;
};

static void
tool_effect_add(struct tool_effect_users *users, const char *name)
{
	char *copy;

	for (size_t i = 0; i < users->count; i++)
		if (strcmp(users->names[i], name) == 0)
			return;
	users->more = users->more || users->count == TOOL_EFFECT_USERS_MAX;
	/* Members of a group stand in NSS's own buffer. */
	copy = users->more ? NULL : strdup(name);
	if (copy != NULL)
		users->names[users->count++] = copy;
}

static void
tool_effect_named(struct tool_effect_users *users, const struct policy *policy)
{
	for (int kind = 0; kind < RULE_KINDS; kind++)
		for (const struct rule *rule = policy->rules[kind]; rule != NULL; rule = rule->next)
			for (size_t i = 0; i < rule->users.count; i++) {
				const struct users_entry *entry = &rule->users.entries[i];
				struct group *group =
				    entry->type == USERS_GROUP ? getgrnam(entry->name) : NULL;

				if (entry->type == USERS_NAME)
					tool_effect_add(users, entry->name);
				for (char **member = group != NULL ? group->gr_mem : NULL;
				     member != NULL && *member != NULL; member++)
					tool_effect_add(users, *member);
			}
}

/* Names of images of either policy. */
static size_t
tool_effect_images(const struct policy *before, const struct policy *after, const char ***names)
{
	const struct policy *both[] = {before, after};
	size_t room = 1 + (before != NULL ? before->image_count : 0) + after->image_count,
	       count = 0;

	*names = calloc(room, sizeof(**names));
	for (size_t p = 0; *names != NULL && p < 2; p++)
		for (size_t i = 0; both[p] != NULL && i < both[p]->image_count; i++) {
			bool known = false;

			for (size_t j = 0; j < count && !known; j++)
				known = strcmp((*names)[j], both[p]->images[i].name) == 0;
			if (!known)
				(*names)[count++] = both[p]->images[i].name;
		}
	return count;
}

static void __attribute__((format(printf, 3, 4)))
tool_effect_put(char *text, size_t size, const char *format, ...)
{
	size_t have = strlen(text);
	va_list list;

	va_start(list, format);
	vsnprintf(text + have, size - have, format, list);
	va_end(list);
}

/* What an allow, or a grant, gives for an image, in few words. */
static void
tool_effect_rule(const struct rule *rule, char *text, size_t size)
{
	static const char *const units[POLICY_UNITS] = {"min", "hour", "day"};

	if (rule->kind == RULE_ALLOW)
		tool_effect_put(text, size, "%s%s%s%s%s", text[0] != '\0' ? "; or " : "",
		    rule->has_command ? "some commands" : "any command",
		    rule->run_as != NULL ? " as " : "", rule->run_as != NULL ? rule->run_as : "",
		    rule->password ? ", password" : "");
	if (rule->max_runtime != 0)
		tool_effect_put(
		    text, size, ", at most %llus", (unsigned long long)rule->max_runtime);
	if (rule->max_running != 0)
		tool_effect_put(text, size, ", at most %u at once", rule->max_running);
	for (int unit = 0; unit < POLICY_UNITS; unit++)
		if (rule->max_launches[unit] != 0)
			tool_effect_put(text, size, ", at most %u launches a %s",
			    rule->max_launches[unit], units[unit]);
	for (size_t i = 0; i < rule->bind_count; i++)
		tool_effect_put(text, size, " %s%s", rule->binds[i].source,
		    rule->binds[i].writable ? ":rw" : "");
	for (size_t i = 0; i < rule->devices.count; i++)
		tool_effect_put(text, size, " %s", rule->devices.items[i]);
	if (rule->scratch != 0)
		tool_effect_put(text, size, " scratch %llu", (unsigned long long)rule->scratch);
	if (rule->network_host || rule->network_none)
		tool_effect_put(text, size, " network%s%s", rule->network_host ? " host" : "",
		    rule->network_none ? " none" : "");
}

/* "" is refused. */
static void
tool_effect_pair(const struct policy *view, const char *name, char *text, size_t size)
{
	struct policy_question q = {.image = policy_image_named(view, name)};
	const struct rule *rule;

	text[0] = '\0';
	if (q.image == NULL || strcmp(q.image->name, name) != 0)
		return;
	q.image_path = q.image->path;
	for (rule = view->rules[RULE_DENY]; rule != NULL; rule = rule->next)
		if (images_match(view, rule, &q) && !rule->has_command && !rule->has_binds &&
		    !rule->has_devices && !rule->has_network && rule->run_as == NULL)
			return;
	for (rule = view->rules[RULE_ALLOW]; rule != NULL; rule = rule->next)
		if (images_match(view, rule, &q))
			tool_effect_rule(rule, text, size);
	if (text[0] == '\0')
		return;
	for (rule = view->rules[RULE_GRANT]; rule != NULL; rule = rule->next)
		if (images_match(view, rule, &q))
			tool_effect_rule(rule, text, size);
	for (rule = view->rules[RULE_DENY]; rule != NULL; rule = rule->next)
		if (images_match(view, rule, &q))
			tool_effect_put(text, size, "; but deny %s", rule->name);
}

static unsigned
tool_effect_user(const struct policy *before, const struct policy *after, const char *user,
    const char *const *images, size_t count)
{
	struct tool_asked asked = {.user = user, .anyone = true};
	struct tool_who who;
	struct policy_error error = {.count = 0};
	struct policy *old = NULL, *new = NULL;
	char was[1024] = "", is[1024] = "";
	unsigned lines = 0;

	if (tool_who_find(&who, &asked) == 0) {
		new = set_view(after, &who.who, &who.lookup, &error);
		old = before != NULL ? set_view(before, &who.who, &who.lookup, &error) : NULL;
	}
	for (size_t i = 0; new != NULL &&i < count; i++) {
		if (old != NULL)
			tool_effect_pair(old, images[i], was, sizeof(was));
		tool_effect_pair(new, images[i], is, sizeof(is));
		if (strcmp(was, is) == 0)
			continue;
		lines++;
		if (is[0] == '\0')
			tool_say("  - %s may no longer run %s\n", user, images[i]);
		else if (was[0] == '\0')
			tool_say("  + %s may run %s: %s\n", user, images[i], is);
		else
			tool_say("  ~ %s, %s: %s (before: %s)\n", user, images[i], is, was);
	}
	policy_free(old);
	policy_free(new);
	tool_who_free(&who);
	return lines;
}

void
tool_effect(const struct policy *before, const struct policy *after)
{
	struct tool_effect_users *users = calloc(1, sizeof(*users));
	const char **images = NULL;
	size_t count = tool_effect_images(before, after, &images);
	unsigned lines = 0;
	size_t i;

	if (users == NULL || images == NULL) {
		free(users);
		free(images);
		return;
	}
	if (before != NULL)
		tool_effect_named(users, before);
	tool_effect_named(users, after);
	tool_effect_add(users, "(anybody else)");
	tool_say("On this host and now, the change means:\n");
	for (i = 0; i < users->count && lines < TOOL_EFFECT_LINES_MAX; i++)
		lines += tool_effect_user(before, after, users->names[i], images, count);
	if (lines == 0)
		tool_say("  nothing: every user keeps what they may run\n");
	if (i < users->count || users->more)
		tool_say("  ... and more\n");
	for (i = 0; i < users->count; i++)
		free((char *)(uintptr_t)users->names[i]);
	free(users);
	free(images);
}
