/*
 * What an allow and its grants give: cover a request, and make the list of mounts.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: the broker for paths being what was opened, as the caller. Distrusts: what was typed; it
 * only ever says where something appears.
 * On error: a reason, and no mounts.
 *
 * MUST hold: nothing is mounted whose opened path is not a granted path or below one; writable only
 * where some such grant says rw; home and the working directory never on the caller's word alone
 * ("~" is theirs by ownership, "." never a system directory).
 */
#include "policy/offer.h"
#include "policy/env.h"
#include "policy/images.h"
#include "policy/place.h"

#include <stdio.h>
#include <string.h>

/* --- the rules in force ----------------------------------------------------------------------- */

/* The allow first (previous NULL), then each grant that is about the image. */
static const struct rule *
offer_next(const struct offer *offer, const struct rule *previous)
{
	const struct rule *rule;

	if (previous == NULL)
		return offer->allow;
	if (offer->allow->no_grants)
		return NULL;
	rule = previous == offer->allow ? offer->policy->rules[RULE_GRANT] : previous->next;
	while (rule != NULL && !images_match(offer->policy, rule, offer->question))
		rule = rule->next;
	return rule;
}

/* The rule fixes the command: then where things appear and what they inherit is part of it. */
static bool
offer_is_strict(const struct offer *offer)
{
	return offer->allow->has_command || offer->allow->run_as != NULL;
}

/* --- paths ------------------------------------------------------------------------------------ */

/*
 * Directories that "." never means: there it would cover the image's own, or the system's secrets.
 */
static bool
offer_is_system(const char *path)
{
	static const char *const directories[] = {
	    "/etc", "/usr", "/bin", "/sbin", "/dev", "/proc", "/sys", "/run", "/boot", "/root"};
	size_t i;

	if (strcmp(path, "/") == 0 || strncmp(path, "/lib", 4) == 0)
		return true;
	for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (match_below(directories[i], path) != NULL)
			return true;
	return false;
}

const char *
offer_source(const struct policy_question *q, const struct rule_bind *bind)
{
	if (bind->source[0] == '/')
		return q->paths != NULL ? q->paths[bind->path] : NULL;
	if (bind->source[0] == '~')
		return q->home.owned && q->home.path != NULL && strcmp(q->home.path, "/") != 0
		           ? q->home.path
		           : NULL;
	return q->cwd.path != NULL && !offer_is_system(q->cwd.path) ? q->cwd.path : NULL;
}

static bool
offer_same(const char *a, const char *b)
{
	const char *rest = a != NULL && b != NULL ? match_below(a, b) : NULL;

	return rest != NULL && *rest == '\0';
}

/* Where the source appears on the host, as root wrote it or as the kernel and NSS say. */
static const char *
offer_written(const struct policy_question *q, const struct rule_bind *bind)
{
	return bind->source[0] == '/'   ? bind->source
	       : bind->source[0] == '~' ? q->home.typed
	                                : q->cwd.typed;
}

/*
 * May path, below the entry's source, appear at destination? Anywhere, unless the entry names a
 * place or the rule limits the command: then at the named place or the path's own. What the caller
 * typed as the source does not count as its own path: a symbolic link of theirs would choose it.
 */
static bool
offer_may_appear(const struct offer *offer, const struct rule_bind *bind, const char *path,
    const char *destination)
{
	const struct policy_question *q = offer->question;
	const char *rest = match_below(offer_source(q, bind), path),
	           *written = offer_written(q, bind);

	if (bind->destination == NULL && !offer_is_strict(offer))
		return true;
	if (bind->destination != NULL &&
	    offer_same(rest, match_below(bind->destination, destination)))
		return true;
	return offer_same(path, destination) ||
	       (written != NULL && offer_same(rest, match_below(written, destination)));
}

enum offer_cover { OFFER_NOT, OFFER_ELSEWHERE, OFFER_READ, OFFER_WRITE };

/* The most that any rule in force grants for path at destination. Grants add up. */
static enum offer_cover
offer_cover(const struct offer *offer, const char *path, const char *destination)
{
	const struct rule *rule;
	enum offer_cover best = OFFER_NOT, now;
	size_t i;

	for (rule = offer_next(offer, NULL); rule != NULL; rule = offer_next(offer, rule)) {
		for (i = 0; i < rule->bind_count; i++) {
			const struct rule_bind *bind = &rule->binds[i];
			const char *source = offer_source(offer->question, bind);

			if (source == NULL || match_below(source, path) == NULL)
				continue;
			now = !offer_may_appear(offer, bind, path, destination) ? OFFER_ELSEWHERE
			      : bind->writable                                  ? OFFER_WRITE
			                                                        : OFFER_READ;
			best = now > best ? now : best;
		}
	}
	return best;
}

static bool
offer_has_bind(const struct offer *offer, const struct policy_bind *bind)
{
	enum offer_cover cover = offer_cover(offer, bind->path, bind->destination);

	return cover == OFFER_WRITE || (cover == OFFER_READ && bind->mode != POLICY_READ_WRITE);
}

/* --- everything else that is asked for -------------------------------------------------------- */

static bool
offer_has_device(const struct offer *offer, const char *path)
{
	const struct rule *rule;
	size_t i;

	for (rule = offer_next(offer, NULL); rule != NULL; rule = offer_next(offer, rule))
		for (i = 0; i < rule->devices.count; i++)
			if (match_path(rule->devices.items[i], path))
				return true;
	return false;
}

/* By its name: what a specification brings along besides the node is root's to say, so its path is not enough. */
static bool
offer_has_cdi(const struct offer *offer, const char *name)
{
	const struct rule *rule;
	size_t i;

	for (rule = offer_next(offer, NULL); rule != NULL; rule = offer_next(offer, rule))
		for (i = 0; i < rule->devices.count; i++)
			if (rule->devices.items[i][0] != '/' &&
			    match_text(rule->devices.items[i], name))
				return true;
	return false;
}

static bool
offer_narrows_env(const struct offer *offer)
{
	return offer->allow->has_env || offer_is_strict(offer);
}

static bool
offer_has_env(const struct offer *offer, const char *name)
{
	const struct rule *rule;
	size_t i;

	if (!offer_narrows_env(offer))
		return true;
	if (offer_is_strict(offer) && env_is_unsafe(name))
		return false;
	for (rule = offer_next(offer, NULL); rule != NULL; rule = offer_next(offer, rule))
		for (i = 0; i < rule->env.count; i++)
			if (match_text(rule->env.items[i], name))
				return true;
	return false;
}

static bool
offer_has_ipc(const struct offer *offer)
{
	const struct rule *rule;

	for (rule = offer_next(offer, NULL); rule != NULL; rule = offer_next(offer, rule))
		if (rule->share_ipc)
			return true;
	return false;
}

uint64_t
offer_scratch(const struct offer *offer)
{
	const struct rule *rule;
	uint64_t most = 0;

	for (rule = offer_next(offer, NULL); rule != NULL; rule = offer_next(offer, rule))
		most = rule->scratch > most ? rule->scratch : most;
	return most;
}

static bool
offer_has_scratch(const struct offer *offer)
{
	uint64_t granted;

	if (offer->question->scratch != POLICY_SCRATCH)
		return true;
	granted = offer_scratch(offer);
	return granted != 0 && granted >= offer->question->scratch_size;
}

/* A rule that says nothing about the network grants none. */
static bool
offer_has_network(const struct offer *offer)
{
	const char *network = offer->question->network;

	if (network == NULL)
		return true;
	if (strcmp(network, "host") == 0)
		return offer->allow->network_host;
	return strcmp(network, "none") == 0 &&
	       (offer->allow->network_none || !offer->allow->has_network);
}

size_t
offer_missing(const struct offer *offer)
{
	const struct policy_question *q = offer->question;
	size_t missing = 0, i;

	for (i = 0; i < q->bind_count; i++)
		missing += !offer_has_bind(offer, &q->binds[i]);
	for (i = 0; i < q->device_count; i++)
		missing += !offer_has_device(offer, q->devices[i]);
	for (i = 0; i < q->cdi_count; i++)
		missing += !offer_has_cdi(offer, q->cdi[i]);
	for (i = 0; i < q->env_count; i++)
		missing += !offer_has_env(offer, q->envs[i]);
	missing += q->ipc_host && !offer_has_ipc(offer);
	missing += !offer_has_scratch(offer);
	missing += !offer_has_network(offer);
	return missing;
}

const char *
offer_network(const struct offer *offer)
{
	const char *network = offer->question->network;

	if (network == NULL)
		network = offer->allow->network;
	return network != NULL && strcmp(network, "host") == 0 ? "host" : "none";
}

const char *const *
offer_env(const struct offer *offer)
{
	const char **list = offer->policy->env;
	const struct rule *rule;
	size_t count = 0, i;

	if (!offer_narrows_env(offer))
		return NULL;
	for (rule = offer_next(offer, NULL); rule != NULL; rule = offer_next(offer, rule))
		for (i = 0; i < rule->env.count; i++)
			if (!offer_is_strict(offer) || !env_is_unsafe(rule->env.items[i]))
				list[count++] = rule->env.items[i];
	list[count] = NULL;
	return list;
}

/* --- reasons ---------------------------------------------------------------------------------- */

static void
offer_say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void
offer_say(char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list list;

	va_start(list, format);
	vsnprintf(text + length, size - length, format, list);
	va_end(list);
}

static void
offer_say_rule(const struct offer *offer, char *text, size_t size)
{
	offer_say(text, size, "allow %s (%s:%u)", offer->allow->name, offer->allow->file,
	    offer->allow->line);
}

/* "/data, ~:rw, .:rw", the matching grants' too. */
static void
offer_say_binds(const struct offer *offer, char *text, size_t size)
{
	const struct rule *rule;
	const char *comma = "";
	size_t i;

	for (rule = offer_next(offer, NULL); rule != NULL; rule = offer_next(offer, rule))
		for (i = 0; i < rule->bind_count; i++) {
			const struct rule_bind *bind = &rule->binds[i];

			offer_say(text, size, "%s%s%s%s%s", comma, bind->source,
			    bind->destination != NULL ? ":" : "",
			    bind->destination != NULL ? bind->destination : "",
			    bind->writable ? ":rw" : "");
			comma = ", ";
		}
	if (*comma == '\0')
		offer_say(text, size, "no binds");
}

static void
offer_explain_bind(
    const struct offer *offer, const struct policy_bind *bind, char *text, size_t size)
{
	enum offer_cover cover = offer_cover(offer, bind->path, bind->destination);

	if (cover == OFFER_READ) {
		offer_say(text, size, "bind %s is granted read-only, not rw, by ", bind->typed);
		offer_say_rule(offer, text, size);
	} else if (cover == OFFER_ELSEWHERE) {
		offer_say(text, size, "bind %s may not appear at %s: at its own path %s, says ",
		    bind->typed, bind->destination, bind->path);
		offer_say_rule(offer, text, size);
	} else {
		offer_say(text, size, "bind %s%s%s is not granted; ", bind->typed,
		    strcmp(bind->typed, bind->path) != 0 ? ", which is " : "",
		    strcmp(bind->typed, bind->path) != 0 ? bind->path : "");
		offer_say_rule(offer, text, size);
		offer_say(text, size, " comes nearest and grants ");
		offer_say_binds(offer, text, size);
	}
}

static void
offer_explain_network(const struct offer *offer, char *text, size_t size)
{
	offer_say(text, size, "network %s is not granted by ", offer->question->network);
	offer_say_rule(offer, text, size);
	offer_say(text, size, ", only %s", offer->allow->network_host ? "host" : "none");
}

static void
offer_explain_name(
    const struct offer *offer, const char *what, const char *name, char *text, size_t size)
{
	offer_say(text, size, "%s %s is not granted by ", what, name);
	offer_say_rule(offer, text, size);
}

static void
offer_explain_scratch(const struct offer *offer, char *text, size_t size)
{
	uint64_t granted = offer_scratch(offer);

	if (granted == 0)
		offer_say(text, size, "a writable root (scratch) is not granted by ");
	else
		offer_say(text, size,
		    "a writable root of %llu bytes is not granted, only one of %llu (scratch), by ",
		    (unsigned long long)offer->question->scratch_size, (unsigned long long)granted);
	offer_say_rule(offer, text, size);
}

void
offer_explain(const struct offer *offer, char *text, size_t size)
{
	const struct policy_question *q = offer->question;
	size_t i;

	text[0] = '\0';
	for (i = 0; i < q->bind_count && text[0] == '\0'; i++)
		if (!offer_has_bind(offer, &q->binds[i]))
			offer_explain_bind(offer, &q->binds[i], text, size);
	for (i = 0; i < q->device_count && text[0] == '\0'; i++)
		if (!offer_has_device(offer, q->devices[i]))
			offer_explain_name(offer, "device", q->devices[i], text, size);
	for (i = 0; i < q->cdi_count && text[0] == '\0'; i++)
		if (!offer_has_cdi(offer, q->cdi[i]))
			offer_explain_name(offer, "device", q->cdi[i], text, size);
	for (i = 0; i < q->env_count && text[0] == '\0'; i++)
		if (!offer_has_env(offer, q->envs[i]))
			offer_explain_name(offer, "variable", q->envs[i], text, size);
	if (text[0] == '\0' && q->ipc_host && !offer_has_ipc(offer))
		offer_explain_name(offer, "sharing", "the host's IPC", text, size);
	if (text[0] == '\0' && !offer_has_scratch(offer))
		offer_explain_scratch(offer, text, size);
	if (text[0] == '\0' && !offer_has_network(offer))
		offer_explain_network(offer, text, size);
	place_clean(text);
}

/* --- mounts ----------------------------------------------------------------------------------- */

static int
offer_refuse(struct policy_decision *d, const char *format, const char *what, const char *why)
{
	snprintf(d->reason, sizeof(d->reason), format, what, why);
	place_clean(d->reason);
	return -1;
}

static struct policy_mount *
offer_find(struct policy_decision *d, const char *destination)
{
	size_t i;

	for (i = 0; i < d->mount_count; i++)
		if (offer_same(d->mounts[i].destination, destination))
			return &d->mounts[i];
	return NULL;
}

static int
offer_add(struct policy_decision *d, struct policy_mount mount)
{
	if (d->mount_count == POLICY_BINDS_MAX)
		return offer_refuse(d, "more binds than one container may get%s%s", "", "");
	d->mounts[d->mount_count++] = mount;
	return 0;
}

/* Absolute and plain, not the root itself; a '/' at the end is let pass, as mount(8) does. */
static bool
offer_is_destination(const char *path)
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
offer_add_request(
    struct policy_decision *d, const struct policy_question *q, size_t i, bool writable)
{
	const struct policy_bind *bind = &q->binds[i];

	/* Compared as text from here on: a destination with ".." would not be what it seems. */
	if (!offer_is_destination(bind->destination))
		return offer_refuse(d,
		    "bind %s: its destination %s must be an absolute path, not /, without '..', "
		    "'.' or '//'",
		    bind->typed, bind->destination);
	if (offer_find(d, bind->destination) != NULL)
		return offer_refuse(d, "bind %s: something else is to appear at %s already",
		    bind->typed, bind->destination);
	return offer_add(d,
	    (struct policy_mount){POLICY_FROM_REQUEST, i, bind->path, bind->destination, writable});
}

static int
offer_add_requests(const struct offer *offer, struct policy_decision *d)
{
	const struct policy_question *q = offer->question;
	size_t i;

	for (i = 0; i < q->bind_count; i++) {
		bool writable =
		    offer_cover(offer, q->binds[i].path, q->binds[i].destination) == OFFER_WRITE;

		if (offer_add_request(d, q, i, writable && q->binds[i].mode != POLICY_READ_ONLY) !=
		    0)
			return -1;
	}
	return 0;
}

static int
offer_add_always(const struct offer *offer, const struct rule_bind *bind, struct policy_decision *d)
{
	const char *path = offer_source(offer->question, bind);
	const char *destination = bind->destination != NULL ? bind->destination : bind->source;
	struct policy_mount *there = offer_find(d, destination);

	if (path == NULL)
		return offer_refuse(d,
		    "%s, which is always mounted (allow %s), is not there or not open to you",
		    bind->source, offer->allow->name);
	if (there == NULL)
		return offer_add(d, (struct policy_mount){POLICY_FROM_PATHS, bind->path, path,
		                        destination, bind->writable});
	/* Two rules, one directory: they add up. Two directories: the first rule's stays. */
	if (there->from == POLICY_FROM_PATHS && there->index == bind->path)
		there->writable = there->writable || bind->writable;
	return 0;
}

static int
offer_add_all_always(const struct offer *offer, struct policy_decision *d)
{
	const struct rule *rule;
	size_t i;

	for (rule = offer_next(offer, NULL); rule != NULL; rule = offer_next(offer, rule))
		for (i = 0; i < rule->bind_count; i++)
			if (rule->binds[i].always &&
			    offer_add_always(offer, &rule->binds[i], d) != 0)
				return -1;
	return 0;
}

/* The deepest mount that destination would be seen through; NULL: none. */
static const struct policy_mount *
offer_through(const struct policy_decision *d, const char *destination)
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
offer_add_place(const struct offer *offer, const struct policy_place *place, enum policy_from from,
    struct policy_decision *d)
{
	const struct policy_mount *through;
	enum offer_cover cover;

	if (!place->wanted || place->path == NULL || place->typed == NULL ||
	    !offer_is_destination(place->typed) || strcmp(place->path, "/") == 0)
		return 0;
	if (from == POLICY_FROM_CWD &&
	    (offer_is_system(place->path) || offer_is_system(place->typed)))
		return 0;
	cover = offer_cover(offer, place->path, place->typed);
	if (cover != OFFER_READ && cover != OFFER_WRITE)
		return 0;
	through = offer_through(d, place->typed);
	if (through != NULL) {
		/* What was asked for by name is not covered up by what was not. */
		if (through->from == POLICY_FROM_REQUEST ||
		    offer_same(through->destination, place->typed))
			return 0;
		if (offer_same(match_below(through->destination, place->typed),
		        match_below(through->path, place->path)) &&
		    (through->writable || cover == OFFER_READ))
			return 0;
	}
	return offer_add(
	    d, (struct policy_mount){from, 0, place->path, place->typed, cover == OFFER_WRITE});
}

/* A parent before its children, so that none is covered up. Few: insertion sort, stable. */
static void
offer_sort(struct policy_decision *d)
{
	size_t i, j;

	for (i = 1; i < d->mount_count; i++) {
		struct policy_mount mount = d->mounts[i];

		for (j = i; j > 0 && strcmp(d->mounts[j - 1].destination, mount.destination) > 0;
		     j--)
			d->mounts[j] = d->mounts[j - 1];
		d->mounts[j] = mount;
	}
}

int
offer_mounts(const struct offer *offer, struct policy_decision *d)
{
	const struct policy_question *q = offer->question;

	d->mount_count = 0;
	if (offer_add_requests(offer, d) != 0 || offer_add_all_always(offer, d) != 0 ||
	    offer_add_place(offer, &q->home, POLICY_FROM_HOME, d) != 0 ||
	    offer_add_place(offer, &q->cwd, POLICY_FROM_CWD, d) != 0)
		return -1;
	offer_sort(d);
	return 0;
}

int
offer_mounts_asked(const struct policy_question *q, struct policy_decision *d)
{
	size_t i;

	d->mount_count = 0;
	for (i = 0; i < q->bind_count; i++)
		if (offer_add(d,
		        (struct policy_mount){POLICY_FROM_REQUEST, i, q->binds[i].path,
		            q->binds[i].destination, q->binds[i].mode == POLICY_READ_WRITE}) != 0)
			return -1;
	return 0;
}
