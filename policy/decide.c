/*
 * The decision. This file is the meaning of the policy:
 *
 *	A deny that matches refuses, wherever it stands. Else the first allow, in reading order,
 *	that matches and with the matching grants covers everything the request asks for, decides;
 *	duties and limits of the allows it passed over stay in force, the strictest of each. Else
 *	refused.
 *
 * Stage: 4 policy. Privilege: needs none; reads only what it is given.
 * Trusts: policy_load for having kept only rules about this caller, host and time; the broker for
 * paths as they were opened. Distrusts: everything typed.
 * On error: refused. The verdict is REFUSE from the first line to the last but one.
 */
#include "policy/decide.h"

#include "policy/images.h"
#include "policy/place.h"

#include <stdio.h>
#include <string.h>

const char *
decide_run_as(const struct policy *policy, const struct policy_question *q)
{
	return q->run_as != NULL && strcmp(q->run_as, policy->who->name) != 0 ? q->run_as : NULL;
}

bool
decide_command(const struct rule *rule, const struct policy_question *q)
{
	static const char *const nothing[] = {NULL};
	size_t i;

	for (i = 0; i < rule->command_count; i++)
		if (match_command(&rule->commands[i], q->command != NULL ? q->command : nothing))
			return true;
	return !rule->has_command;
}

static void
decide_name_rule(struct policy_decision *d, const char *kind, const struct rule *rule)
{
	snprintf(
	    d->rule, sizeof(d->rule), "%s %s (%s:%u)", kind, rule->name, rule->file, rule->line);
	place_clean(d->rule);
}

/* --- denies ----------------------------------------------------------------------------------- */

/* The same place in the same file system, or one below the other: whatever they are called. */
static bool
decide_meet(const struct policy_spots *a, const struct policy_spots *b)
{
	size_t i, j;

	for (i = 0; a != NULL && b != NULL && i < a->count; i++)
		for (j = 0; j < b->count; j++)
			if (a->spots[i].device == b->spots[j].device &&
			    match_touches(a->spots[i].path, b->spots[j].path))
				return true;
	return false;
}

static const struct policy_spots *
decide_spots(const struct policy_question *q, const struct policy_mount *mount)
{
	switch (mount->from) {
	case POLICY_FROM_REQUEST:
		return &q->binds[mount->index].spots;
	case POLICY_FROM_HOME:
		return &q->home.spots;
	case POLICY_FROM_CWD:
		return &q->cwd.spots;
	case POLICY_FROM_PATHS:
		break;
	}
	return q->path_spots != NULL ? &q->path_spots[mount->index] : NULL;
}

static bool
decide_meets(
    const struct policy_question *q, const struct policy_decision *d, const struct rule_bind *bind)
{
	const struct policy_spots *spots = bind->source[0] == '~'   ? &q->home.spots
	                                   : bind->source[0] == '.' ? &q->cwd.spots
	                                   : q->path_spots != NULL  ? &q->path_spots[bind->path]
	                                                            : NULL;
	size_t i;

	for (i = 0; i < d->mount_count; i++)
		if (decide_meet(spots, decide_spots(q, &d->mounts[i])))
			return true;
	return q->image == NULL && decide_meet(spots, &q->image_spots);
}

static bool
decide_touches(const struct policy_question *q, const struct policy_decision *d, const char *path)
{
	size_t i;

	for (i = 0; i < q->brought_count; i++)
		if (match_touches(path, q->brought[i]))
			return true;

	for (i = 0; i < d->mount_count; i++)
		if (match_touches(path, d->mounts[i].path))
			return true;
	for (i = 0; i < q->device_count; i++)
		if (match_touches(path, q->devices[i]))
			return true;
	/* An image brings its own content along; the catalogue's is root's choice. */
	return q->image == NULL && q->image_path != NULL && match_touches(path, q->image_path);
}

bool
decide_deny_binds(
    const struct rule *rule, const struct policy_question *q, const struct policy_decision *d)
{
	size_t i;

	for (i = 0; i < rule->bind_count; i++) {
		const struct rule_bind *bind = &rule->binds[i];
		const char *opened, *written;

		if (bind->source[0] == '/') {
			opened = q->paths != NULL ? q->paths[bind->path] : NULL;
			written = bind->source;
		} else {
			opened = bind->source[0] == '~' ? q->home.path : q->cwd.path;
			written = bind->source[0] == '~' ? q->home.typed : q->cwd.typed;
		}
		if (decide_meets(q, d, bind))
			return true;
		if ((opened != NULL && decide_touches(q, d, opened)) ||
		    (written != NULL && written[0] == '/' && decide_touches(q, d, written)))
			return true;
	}
	return false;
}

/* Devices asked for, those CDI names bring along, and those a bind of /dev or of something in it does. */
static bool
decide_deny_node(
    const char *pattern, const struct policy_question *q, const struct policy_decision *d)
{
	size_t i;

	for (i = 0; i < q->device_count; i++)
		if (match_path_touches(pattern, q->devices[i]))
			return true;
	for (i = 0; i < q->brought_count; i++)
		if (match_touches("/dev", q->brought[i]) &&
		    match_path_touches(pattern, q->brought[i]))
			return true;
	for (i = 0; i < d->mount_count; i++)
		if (match_touches("/dev", d->mounts[i].path) &&
		    match_path_touches(pattern, d->mounts[i].path))
			return true;
	return false;
}

/* "*" means any device, whichever way it is named. */
bool
decide_deny_devices(
    const struct rule *rule, const struct policy_question *q, const struct policy_decision *d)
{
	size_t i, j;

	for (i = 0; i < rule->devices.count; i++) {
		const char *pattern = rule->devices.items[i];
		bool node = pattern[0] == '/' || strcmp(pattern, "*") == 0;

		if (node && decide_deny_node(pattern, q, d))
			return true;
		for (j = 0; pattern[0] != '/' && j < q->cdi_count; j++)
			if (match_text(pattern, q->cdi[j]))
				return true;
		/* A device is its nodes, by whichever name they come. */
		for (j = 0; !node && j < q->cdi_name_count; j++)
			if (match_text(pattern, q->cdi_names[j].name) &&
			    decide_deny_node(q->cdi_names[j].node, q, d))
				return true;
	}
	return false;
}

bool
decide_deny_network(const struct rule *rule, const char *network)
{
	if (network == NULL)
		return false;
	return strcmp(network, "host") == 0 ? rule->network_host : rule->network_none;
}

/* network: what the container would get; NULL: not known, for no allow decides. */
static bool
decide_deny_matches(const struct policy *policy, const struct rule *rule,
    const struct policy_question *q, const struct policy_decision *d, const char *network)
{
	const char *run_as = decide_run_as(policy, q);

	return images_match(policy, rule, q) && decide_command(rule, q) &&
	       (rule->run_as == NULL || (run_as != NULL && strcmp(rule->run_as, run_as) == 0)) &&
	       (!rule->has_network || decide_deny_network(rule, network)) &&
	       (!rule->has_devices || decide_deny_devices(rule, q, d)) &&
	       (!rule->has_binds || decide_deny_binds(rule, q, d));
}

static const struct rule *
decide_deny(const struct policy *policy, const struct policy_question *q,
    const struct policy_decision *d, const char *network)
{
	const struct rule *rule;

	for (rule = policy->rules[RULE_DENY]; rule != NULL; rule = rule->next)
		if (decide_deny_matches(policy, rule, q, d, network))
			return rule;
	return NULL;
}

/* --- allows ----------------------------------------------------------------------------------- */

/* Is the allow about this image, command and account? What it grants is another matter. */
static bool
decide_allow_matches(struct decide *decide, const struct rule *rule)
{
	const struct policy *policy = decide->offer.policy;
	const struct policy_question *q = decide->offer.question;
	const char *run_as = decide_run_as(policy, q);

	if (!images_match(policy, rule, q))
		return false;
	if (decide_command(rule, q) &&
	    (run_as == NULL ? rule->run_as == NULL
	                    : rule->run_as != NULL && strcmp(rule->run_as, run_as) == 0))
		return true;
	if (decide->other == NULL)
		decide->other = rule;
	return false;
}

/* Of two limits the lower; 0 is none. */
static void
decide_lower(unsigned *limit, unsigned other)
{
	if (other != 0 && (*limit == 0 || other < *limit))
		*limit = other;
}

/*
 * A rule's duties hold for whoever it matches, so that asking for more never gets an easier rule.
 */
static void
decide_take_duties(const struct rule *rule, struct policy_decision *d)
{
	d->password = d->password || rule->password;
	if (d->limit == NULL && rule->limit != NULL) {
		d->limit = rule->limit;
		decide_name_rule(d, "allow", rule);
		memcpy(d->limited, d->rule, sizeof(d->limited));
		d->rule[0] = '\0';
	}
	if (rule->max_runtime != 0 && (d->max_runtime == 0 || rule->max_runtime < d->max_runtime))
		d->max_runtime = rule->max_runtime;
	decide_lower(&d->max_running, rule->max_running);
	for (int unit = 0; unit < POLICY_UNITS; unit++)
		decide_lower(&d->max_launches[unit], rule->max_launches[unit]);
}

static void
decide_pass_over(struct decide *decide, const struct rule *rule, size_t missing)
{
	if (decide->nearest == NULL || missing < decide->nearest_missing) {
		decide->nearest = rule;
		decide->nearest_missing = missing;
	}
	if (decide->narrowed == NULL && rule->has_env)
		decide->narrowed = rule;
	if (rule->scratch != 0 && (decide->scratch == 0 || rule->scratch < decide->scratch))
		decide->scratch = rule->scratch;
}

static void
decide_allow(struct decide *decide, struct policy_decision *d)
{
	const struct rule *rule;
	size_t missing;

	for (rule = decide->offer.policy->rules[RULE_ALLOW]; rule != NULL; rule = rule->next) {
		if (!decide_allow_matches(decide, rule))
			continue;
		decide->offer.allow = rule;
		missing = offer_missing(&decide->offer);
		decide_take_duties(rule, d);
		if (missing == 0)
			return;
		decide_pass_over(decide, rule, missing);
	}
	decide->offer.allow = NULL;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void
decide_refuse_denied(struct policy_decision *d, const struct rule *deny)
{
	bool things = deny->has_binds || deny->has_devices || deny->has_network;

	decide_name_rule(d, "deny", deny);
	snprintf(d->reason, sizeof(d->reason), "denied by the rule %s%s", d->rule,
	    things ? ", for what the container would get (its binds, home, working directory, "
	             "devices, "
	             "network)"
	           : "");
}

static void
decide_refuse_image(const struct decide *decide, struct policy_decision *d)
{
	const struct policy_question *q = decide->offer.question;
	const char *image = q->image != NULL ? q->image->name : q->image_path;
	char runnable[POLICY_TEXT_MAX / 2];

	policy_runnable(decide->offer.policy, runnable, sizeof(runnable));
	if (q->user_image)
		snprintf(d->reason, sizeof(d->reason),
		    "%.400s is an image of your own, and no rule permits those to you (user_images "
		    "= "
		    "yes): ask an admin for that, or to take it over (boxdo image add --from "
		    "%.200s)",
		    image, image);
	else
		snprintf(d->reason, sizeof(d->reason),
		    "image %.400s is not permitted to you here and now; %s%s",
		    image != NULL ? image : "",
		    runnable[0] != '\0' ? "you may run: " : "there is none that is: ask an admin",
		    runnable);
}

/* No allow decides: say what came nearest. */
static void
decide_refuse(struct decide *decide, struct policy_decision *d)
{
	const struct rule *other = decide->other;
	const char *run_as = decide_run_as(decide->offer.policy, decide->offer.question);

	if (decide->nearest != NULL) {
		decide->offer.allow = decide->nearest;
		offer_explain(&decide->offer, d->reason, sizeof(d->reason));
		return;
	}
	if (other == NULL)
		decide_refuse_image(decide, d);
	else if (run_as != NULL)
		snprintf(
		    d->reason, sizeof(d->reason), "no rule lets you run this image as %s", run_as);
	else if (other->run_as != NULL)
		snprintf(d->reason, sizeof(d->reason),
		    "allow %s (%s:%u) permits this image as %s only", other->name, other->file,
		    other->line, other->run_as);
	else
		snprintf(d->reason, sizeof(d->reason),
		    "allow %s (%s:%u) permits other commands of this image", other->name,
		    other->file, other->line);
	place_clean(d->reason);
}

/* What the rule grants, but no more than one that was passed over. */
static void
decide_scratch(const struct decide *decide, struct policy_decision *d)
{
	const struct policy_question *q = decide->offer.question;

	if (q->scratch == POLICY_NO_SCRATCH)
		return;
	d->scratch = offer_scratch(&decide->offer);
	if (decide->scratch != 0 && decide->scratch < d->scratch)
		d->scratch = decide->scratch;
	if (q->scratch_size > d->scratch)
		snprintf(d->reason, sizeof(d->reason),
		    "a writable root of %llu bytes is not permitted: a rule that was passed over "
		    "limits it to %llu (scratch)",
		    (unsigned long long)q->scratch_size, (unsigned long long)d->scratch);
	else if (q->scratch_size != 0)
		d->scratch = q->scratch_size;
}

static void
decide_grant(const struct decide *decide, struct policy_decision *d)
{
	const struct rule *narrowed = decide->narrowed;

	decide_name_rule(d, "allow", decide->offer.allow);
	d->network = offer_network(&decide->offer);
	d->env = offer_env(&decide->offer);
	d->run_as = decide->offer.allow->run_as;
	d->user_image = decide->offer.question->user_image && decide->offer.allow->user_images;
	d->strict = decide->offer.allow->has_command || decide->offer.allow->run_as != NULL;
	/* The narrowing of a rule passed over stays in force like its other limits. */
	if (d->env == NULL && narrowed != NULL)
		d->env = narrowed->env.items;
	if (decide->offer.allow->not_after != 0)
		d->not_after =
		    hours_end(decide->offer.allow->not_after, decide->offer.allow->timezone);
	decide_scratch(decide, d);
	if (d->not_after < 0)
		snprintf(d->reason, sizeof(d->reason), "cannot tell when %s ends", d->rule);
	else if (d->scratch >= decide->offer.question->scratch_size)
		d->verdict = POLICY_ALLOW;
}

bool
decide_offer(struct decide *decide, struct policy_decision *d, const char **network)
{
	const struct policy_question *q = decide->offer.question;

	memset(d, 0, sizeof(*d));
	d->verdict = POLICY_REFUSE;
	d->network = "none";
	*network = q->network;
	decide_allow(decide, d);
	if (decide->offer.allow == NULL)
		return offer_mounts_asked(q, d) == 0;
	*network = offer_network(&decide->offer);
	return offer_mounts(&decide->offer, d) == 0;
}

void
policy_decide(
    const struct policy *policy, const struct policy_question *q, struct policy_decision *d)
{
	struct decide decide = {.offer = {policy, q, NULL}};
	const struct rule *deny;
	const char *network;
	bool offered = decide_offer(&decide, d, &network);

	deny = decide_deny(policy, q, d, network);
	if (deny != NULL)
		decide_refuse_denied(d, deny);
	else if (decide.offer.allow == NULL)
		decide_refuse(&decide, d);
	else if (d->limit != NULL)
		snprintf(d->reason, sizeof(d->reason),
		    "%s sets %s, which is not enforced yet, so what it limits does not run: ask an "
		    "admin",
		    d->limited, d->limit);
	else if (offered)
		decide_grant(&decide, d);
	if (d->verdict != POLICY_ALLOW)
		d->mount_count = 0;
}
