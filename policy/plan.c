/*
 * What an allow and its grants give: cover a request, and make the list of mounts.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: the broker for paths being what was opened, as the caller. Distrusts: what was typed; it only
 * ever says where something appears.
 * On error: a reason, and no mounts.
 *
 * MUST hold: nothing is mounted whose opened path is not a granted path or below one; writable only
 * where some such grant says rw; home and the working directory never on the caller's word alone
 * ("~" is theirs by ownership, "." never a system directory).
 */
#include "policy/plan.h"
#include "policy/env.h"
#include "policy/images.h"
#include "policy/place.h"

#include <stdio.h>
#include <string.h>

/* --- the rules in force ------------------------------------------------------------------------ */

/* The allow first (previous NULL), then each grant that is about the image. */
static const struct rule *
plan_next(const struct plan *plan, const struct rule *previous)
{
	const struct rule *rule;

	if (previous == NULL)
		return plan->allow;
	rule = previous == plan->allow ? plan->policy->rules[RULE_GRANT] : previous->next;
	while (rule != NULL && !images_match(plan->policy, rule, plan->question))
		rule = rule->next;
	return rule;
}

/* The rule fixes the command: then where things appear and what they inherit is part of it. */
static bool
plan_is_strict(const struct plan *plan)
{
	return plan->allow->has_command || plan->allow->run_as != NULL;
}

/* --- paths ------------------------------------------------------------------------------------- */

/* Directories that "." never means: there it would cover the image's own, or the system's secrets. */
static bool
plan_is_system(const char *path)
{
	static const char *const directories[] = {"/etc", "/usr", "/bin", "/sbin", "/dev", "/proc", "/sys",
	    "/run", "/boot", "/root"};
	size_t i;

	if (strcmp(path, "/") == 0 || strncmp(path, "/lib", 4) == 0)
		return true;
	for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (match_below(directories[i], path) != NULL)
			return true;
	return false;
}

const char *
plan_source(const struct policy_question *q, const struct rule_bind *bind)
{
	if (bind->source[0] == '/')
		return q->paths != NULL ? q->paths[bind->path] : NULL;
	if (bind->source[0] == '~')
		return q->home.owned && q->home.path != NULL && strcmp(q->home.path, "/") != 0
		    ? q->home.path
		    : NULL;
	return q->cwd.path != NULL && !plan_is_system(q->cwd.path) ? q->cwd.path : NULL;
}

static bool
plan_same(const char *a, const char *b)
{
	const char *rest = a != NULL && b != NULL ? match_below(a, b) : NULL;

	return rest != NULL && *rest == '\0';
}

/* Where the source appears on the host, as root wrote it or as the kernel and NSS say. */
static const char *
plan_written(const struct policy_question *q, const struct rule_bind *bind)
{
	return bind->source[0] == '/' ? bind->source
	    : bind->source[0] == '~'  ? q->home.typed
	                              : q->cwd.typed;
}

/*
 * May path, below the entry's source, appear at destination? Anywhere, unless the entry names a place or
 * the rule limits the command: then at the named place or the path's own. What the caller typed as
 * the source does not count as its own path: a symbolic link of theirs would choose it.
 */
static bool
plan_may_appear(const struct plan *plan, const struct rule_bind *bind, const char *path,
    const char *destination)
{
	const struct policy_question *q = plan->question;
	const char *rest = match_below(plan_source(q, bind), path), *written = plan_written(q, bind);

	if (bind->destination == NULL && !plan_is_strict(plan))
		return true;
	if (bind->destination != NULL && plan_same(rest, match_below(bind->destination, destination)))
		return true;
	return plan_same(path, destination) ||
	    (written != NULL && plan_same(rest, match_below(written, destination)));
}

enum plan_cover { PLAN_NOT, PLAN_ELSEWHERE, PLAN_READ, PLAN_WRITE };

/* The most that any rule in force grants for path at destination. Grants add up. */
static enum plan_cover
plan_cover(const struct plan *plan, const char *path, const char *destination)
{
	const struct rule *rule;
	enum plan_cover best = PLAN_NOT, now;
	size_t i;

	for (rule = plan_next(plan, NULL); rule != NULL; rule = plan_next(plan, rule)) {
		for (i = 0; i < rule->bind_count; i++) {
			const struct rule_bind *bind = &rule->binds[i];
			const char *source = plan_source(plan->question, bind);

			if (source == NULL || match_below(source, path) == NULL)
				continue;
			now = !plan_may_appear(plan, bind, path, destination) ? PLAN_ELSEWHERE
			    : bind->writable                                  ? PLAN_WRITE
			                                                      : PLAN_READ;
			best = now > best ? now : best;
		}
	}
	return best;
}

static bool
plan_has_bind(const struct plan *plan, const struct policy_bind *bind)
{
	enum plan_cover cover = plan_cover(plan, bind->path, bind->destination);

	return cover == PLAN_WRITE || (cover == PLAN_READ && bind->mode != POLICY_READ_WRITE);
}

/* --- everything else that is asked for ----------------------------------------------------------- */

static bool
plan_has_device(const struct plan *plan, const char *path)
{
	const struct rule *rule;
	size_t i;

	for (rule = plan_next(plan, NULL); rule != NULL; rule = plan_next(plan, rule))
		for (i = 0; i < rule->devices.count; i++)
			if (match_path(rule->devices.items[i], path))
				return true;
	return false;
}

static bool
plan_narrows_env(const struct plan *plan)
{
	return plan->allow->has_env || plan_is_strict(plan);
}

static bool
plan_has_env(const struct plan *plan, const char *name)
{
	const struct rule *rule;
	size_t i;

	if (!plan_narrows_env(plan))
		return true;
	if (plan_is_strict(plan) && env_is_unsafe(name))
		return false;
	for (rule = plan_next(plan, NULL); rule != NULL; rule = plan_next(plan, rule))
		for (i = 0; i < rule->env.count; i++)
			if (match_text(rule->env.items[i], name))
				return true;
	return false;
}

static bool
plan_has_ipc(const struct plan *plan)
{
	const struct rule *rule;

	for (rule = plan_next(plan, NULL); rule != NULL; rule = plan_next(plan, rule))
		if (rule->share_ipc)
			return true;
	return false;
}

/* A rule that says nothing about the network grants none. */
static bool
plan_has_network(const struct plan *plan)
{
	const char *network = plan->question->network;

	if (network == NULL)
		return true;
	if (strcmp(network, "host") == 0)
		return plan->allow->network_host;
	return strcmp(network, "none") == 0 &&
	    (plan->allow->network_none || !plan->allow->has_network);
}

size_t
plan_missing(const struct plan *plan)
{
	const struct policy_question *q = plan->question;
	size_t missing = 0, i;

	for (i = 0; i < q->bind_count; i++)
		missing += !plan_has_bind(plan, &q->binds[i]);
	for (i = 0; i < q->device_count; i++)
		missing += !plan_has_device(plan, q->devices[i]);
	for (i = 0; i < q->env_count; i++)
		missing += !plan_has_env(plan, q->envs[i]);
	missing += q->ipc_host && !plan_has_ipc(plan);
	missing += !plan_has_network(plan);
	return missing;
}

const char *
plan_network(const struct plan *plan)
{
	const char *network = plan->question->network;

	if (network == NULL)
		network = plan->allow->network;
	return network != NULL && strcmp(network, "host") == 0 ? "host" : "none";
}

const char *const *
plan_env(const struct plan *plan)
{
	const char **list = plan->policy->env;
	const struct rule *rule;
	size_t count = 0, i;

	if (!plan_narrows_env(plan))
		return NULL;
	for (rule = plan_next(plan, NULL); rule != NULL; rule = plan_next(plan, rule))
		for (i = 0; i < rule->env.count; i++)
			if (!plan_is_strict(plan) || !env_is_unsafe(rule->env.items[i]))
				list[count++] = rule->env.items[i];
	list[count] = NULL;
	return list;
}

/* --- reasons ----------------------------------------------------------------------------------- */

static void
plan_say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void
plan_say(char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list list;

	va_start(list, format);
	vsnprintf(text + length, size - length, format, list);
	va_end(list);
}

static void
plan_say_rule(const struct plan *plan, char *text, size_t size)
{
	plan_say(text, size, "allow %s (%s:%u)", plan->allow->name, plan->allow->file,
	    plan->allow->line);
}

/* "/data, ~:rw, .:rw", the matching grants' too. */
static void
plan_say_binds(const struct plan *plan, char *text, size_t size)
{
	const struct rule *rule;
	const char *comma = "";
	size_t i;

	for (rule = plan_next(plan, NULL); rule != NULL; rule = plan_next(plan, rule))
		for (i = 0; i < rule->bind_count; i++) {
			const struct rule_bind *bind = &rule->binds[i];

			plan_say(text, size, "%s%s%s%s%s", comma, bind->source,
			    bind->destination != NULL ? ":" : "",
			    bind->destination != NULL ? bind->destination : "", bind->writable ? ":rw" : "");
			comma = ", ";
		}
	if (*comma == '\0')
		plan_say(text, size, "no binds");
}

static void
plan_explain_bind(const struct plan *plan, const struct policy_bind *bind, char *text, size_t size)
{
	enum plan_cover cover = plan_cover(plan, bind->path, bind->destination);

	if (cover == PLAN_READ) {
		plan_say(text, size, "bind %s is granted read-only, not rw, by ", bind->typed);
		plan_say_rule(plan, text, size);
	} else if (cover == PLAN_ELSEWHERE) {
		plan_say(text, size, "bind %s may not appear at %s: at its own path %s, says ", bind->typed,
		    bind->destination, bind->path);
		plan_say_rule(plan, text, size);
	} else {
		plan_say(text, size, "bind %s%s%s is not granted; ", bind->typed,
		    strcmp(bind->typed, bind->path) != 0 ? ", which is " : "",
		    strcmp(bind->typed, bind->path) != 0 ? bind->path : "");
		plan_say_rule(plan, text, size);
		plan_say(text, size, " comes nearest and grants ");
		plan_say_binds(plan, text, size);
	}
}

static void
plan_explain_network(const struct plan *plan, char *text, size_t size)
{
	plan_say(text, size, "network %s is not granted by ", plan->question->network);
	plan_say_rule(plan, text, size);
	plan_say(text, size, ", only %s", plan->allow->network_host ? "host" : "none");
}

static void
plan_explain_name(const struct plan *plan, const char *what, const char *name, char *text, size_t size)
{
	plan_say(text, size, "%s %s is not granted by ", what, name);
	plan_say_rule(plan, text, size);
}

void
plan_explain(const struct plan *plan, char *text, size_t size)
{
	const struct policy_question *q = plan->question;
	size_t i;

	text[0] = '\0';
	for (i = 0; i < q->bind_count && text[0] == '\0'; i++)
		if (!plan_has_bind(plan, &q->binds[i]))
			plan_explain_bind(plan, &q->binds[i], text, size);
	for (i = 0; i < q->device_count && text[0] == '\0'; i++)
		if (!plan_has_device(plan, q->devices[i]))
			plan_explain_name(plan, "device", q->devices[i], text, size);
	for (i = 0; i < q->env_count && text[0] == '\0'; i++)
		if (!plan_has_env(plan, q->envs[i]))
			plan_explain_name(plan, "variable", q->envs[i], text, size);
	if (text[0] == '\0' && q->ipc_host && !plan_has_ipc(plan))
		plan_explain_name(plan, "sharing", "the host's IPC", text, size);
	if (text[0] == '\0' && !plan_has_network(plan))
		plan_explain_network(plan, text, size);
	place_clean(text);
}

/* --- mounts ------------------------------------------------------------------------------------ */

static int
plan_refuse(struct policy_decision *d, const char *format, const char *what, const char *why)
{
	snprintf(d->reason, sizeof(d->reason), format, what, why);
	place_clean(d->reason);
	return -1;
}

static struct policy_mount *
plan_find(struct policy_decision *d, const char *destination)
{
	size_t i;

	for (i = 0; i < d->mount_count; i++)
		if (plan_same(d->mounts[i].destination, destination))
			return &d->mounts[i];
	return NULL;
}

static int
plan_add(struct policy_decision *d, struct policy_mount mount)
{
	if (d->mount_count == POLICY_BINDS_MAX)
		return plan_refuse(d, "more binds than one container may get%s%s", "", "");
	d->mounts[d->mount_count++] = mount;
	return 0;
}

/* Absolute and plain, not the root itself; a '/' at the end is let pass, as mount(8) does. */
static bool
plan_is_destination(const char *path)
{
	char plain[4096];
	size_t length = strlen(path);

	while (length > 0 && path[length - 1] == '/')
		length--;
	if (length == 0 || length >= sizeof(plain))
		return false;
	memcpy(plain, path, length);
	plain[length] = '\0';
	return match_is_plain(plain);
}

static int
plan_add_request(struct policy_decision *d, const struct policy_question *q, size_t i, bool writable)
{
	const struct policy_bind *bind = &q->binds[i];

	/* Compared as text from here on: a destination with ".." would not be what it seems. */
	if (!plan_is_destination(bind->destination))
		return plan_refuse(d,
		    "bind %s: its destination %s must be an absolute path, not /, without '..', '.' or '//'",
		    bind->typed, bind->destination);
	if (plan_find(d, bind->destination) != NULL)
		return plan_refuse(d, "bind %s: something else is to appear at %s already", bind->typed,
		    bind->destination);
	return plan_add(d, (struct policy_mount){POLICY_FROM_REQUEST, i, bind->path, bind->destination,
	    writable});
}

static int
plan_add_requests(const struct plan *plan, struct policy_decision *d)
{
	const struct policy_question *q = plan->question;
	size_t i;

	for (i = 0; i < q->bind_count; i++) {
		bool writable = plan_cover(plan, q->binds[i].path, q->binds[i].destination) == PLAN_WRITE;

		if (plan_add_request(d, q, i, writable && q->binds[i].mode != POLICY_READ_ONLY) != 0)
			return -1;
	}
	return 0;
}

static int
plan_add_always(const struct plan *plan, const struct rule_bind *bind, struct policy_decision *d)
{
	const char *path = plan_source(plan->question, bind);
	const char *destination = bind->destination != NULL ? bind->destination : bind->source;
	struct policy_mount *there = plan_find(d, destination);

	if (path == NULL)
		return plan_refuse(d, "%s, which is always mounted (allow %s), is not there or not open to you",
		    bind->source, plan->allow->name);
	if (there == NULL)
		return plan_add(d, (struct policy_mount){POLICY_FROM_PATHS, bind->path, path, destination,
		    bind->writable});
	/* Two rules, one directory: they add up. Two directories: the first rule's stays. */
	if (there->from == POLICY_FROM_PATHS && there->index == bind->path)
		there->writable = there->writable || bind->writable;
	return 0;
}

static int
plan_add_all_always(const struct plan *plan, struct policy_decision *d)
{
	const struct rule *rule;
	size_t i;

	for (rule = plan_next(plan, NULL); rule != NULL; rule = plan_next(plan, rule))
		for (i = 0; i < rule->bind_count; i++)
			if (rule->binds[i].always && plan_add_always(plan, &rule->binds[i], d) != 0)
				return -1;
	return 0;
}

/* The deepest mount that destination would be seen through; NULL: none. */
static const struct policy_mount *
plan_through(const struct policy_decision *d, const char *destination)
{
	const struct policy_mount *deepest = NULL;
	size_t i;

	for (i = 0; i < d->mount_count; i++)
		if (match_below(d->mounts[i].destination, destination) != NULL &&
		    (deepest == NULL ||
		        match_below(deepest->destination, d->mounts[i].destination) != NULL))
			deepest = &d->mounts[i];
	return deepest;
}

/* Home and the working directory: where they are typed, when granted; when not, silently not. */
static int
plan_add_place(const struct plan *plan, const struct policy_place *place, enum policy_from from,
    struct policy_decision *d)
{
	const struct policy_mount *through;
	enum plan_cover cover;

	if (!place->wanted || place->path == NULL || place->typed == NULL ||
	    !plan_is_destination(place->typed) || strcmp(place->path, "/") == 0)
		return 0;
	if (from == POLICY_FROM_CWD && (plan_is_system(place->path) || plan_is_system(place->typed)))
		return 0;
	cover = plan_cover(plan, place->path, place->typed);
	if (cover != PLAN_READ && cover != PLAN_WRITE)
		return 0;
	through = plan_through(d, place->typed);
	if (through != NULL) {
		/* What was asked for by name is not covered up by what was not. */
		if (through->from == POLICY_FROM_REQUEST ||
		    plan_same(through->destination, place->typed))
			return 0;
		if (plan_same(match_below(through->destination, place->typed),
		        match_below(through->path, place->path)) &&
		    (through->writable || cover == PLAN_READ))
			return 0;
	}
	return plan_add(d, (struct policy_mount){from, 0, place->path, place->typed, cover == PLAN_WRITE});
}

/* A parent before its children, so that none is covered up. Few: insertion sort, stable. */
static void
plan_sort(struct policy_decision *d)
{
	size_t i, j;

	for (i = 1; i < d->mount_count; i++) {
		struct policy_mount mount = d->mounts[i];

		for (j = i; j > 0 && strcmp(d->mounts[j - 1].destination, mount.destination) > 0; j--)
			d->mounts[j] = d->mounts[j - 1];
		d->mounts[j] = mount;
	}
}

int
plan_mounts(const struct plan *plan, struct policy_decision *d)
{
	const struct policy_question *q = plan->question;

	d->mount_count = 0;
	if (plan_add_requests(plan, d) != 0 || plan_add_all_always(plan, d) != 0 ||
	    plan_add_place(plan, &q->home, POLICY_FROM_HOME, d) != 0 ||
	    plan_add_place(plan, &q->cwd, POLICY_FROM_CWD, d) != 0)
		return -1;
	plan_sort(d);
	return 0;
}

int
plan_mounts_asked(const struct policy_question *q, struct policy_decision *d)
{
	size_t i;

	d->mount_count = 0;
	for (i = 0; i < q->bind_count; i++)
		if (plan_add(d, (struct policy_mount){POLICY_FROM_REQUEST, i, q->binds[i].path,
		            q->binds[i].destination, q->binds[i].mode == POLICY_READ_WRITE}) != 0)
			return -1;
	return 0;
}
