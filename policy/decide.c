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
#include "policy/images.h"
#include "policy/offer.h"
#include "policy/place.h"

#include <stdio.h>
#include <string.h>

/* What was learnt on the way to the rule that decides. */
struct decide {
	struct offer offer;         /* allow: the rule that decides, or NULL */
	const struct rule *nearest; /* matched, but did not cover; the fewest things missing */
	size_t nearest_missing;
	const struct rule *other;    /* about the image, but not about this command or account */
	const struct rule *narrowed; /* the first passed over that narrows the environment */
};

static const char *
decide_run_as(const struct policy *policy, const struct policy_question *q)
{
	return q->run_as != NULL && strcmp(q->run_as, policy->who->name) != 0 ? q->run_as : NULL;
}

static bool
decide_command(const struct rule *rule, const struct policy_question *q)
{
	static const char *const nothing[] = {NULL};
	size_t i;

	for (i = 0; i < rule->command_count; i++)
		if (match_command(&rule->commands[i], q->command != NULL ? q->command : nothing))
			return true;
	return !rule->has_command;
}

/* --- denies ----------------------------------------------------------------------------------- */

static bool
decide_touches(const struct policy_question *q, const struct policy_decision *d, const char *path)
{
	size_t i;

	for (i = 0; i < d->mount_count; i++)
		if (match_touches(path, d->mounts[i].path))
			return true;
	for (i = 0; i < q->device_count; i++)
		if (match_touches(path, q->devices[i]))
			return true;
	/* An image brings its own content along; the catalogue's is root's choice. */
	return q->image == NULL && q->image_path != NULL && match_touches(path, q->image_path);
}

/* Both as opened and as written: a deny must not depend on what the caller can open. */
static bool
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
		if ((opened != NULL && decide_touches(q, d, opened)) ||
		    (written != NULL && written[0] == '/' && decide_touches(q, d, written)))
			return true;
	}
	return false;
}

/* Devices asked for, and those a bind of /dev or of something in it brings along. */
static bool
decide_deny_devices(
    const struct rule *rule, const struct policy_question *q, const struct policy_decision *d)
{
	size_t i, j;

	for (i = 0; i < rule->devices.count; i++) {
		const char *pattern = rule->devices.items[i];

		for (j = 0; j < q->device_count; j++)
			if (match_path_touches(pattern, q->devices[j]))
				return true;
		for (j = 0; j < d->mount_count; j++)
			if (match_touches("/dev", d->mounts[j].path) &&
			    match_path_touches(pattern, d->mounts[j].path))
				return true;
	}
	return false;
}

static bool
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

/*
 * A rule's duties hold for whoever it matches, so that asking for more never gets an easier rule.
 */
static void
decide_take_duties(const struct rule *rule, struct policy_decision *d)
{
	d->password = d->password || rule->password;
	if (rule->max_runtime != 0 && (d->max_runtime == 0 || rule->max_runtime < d->max_runtime))
		d->max_runtime = rule->max_runtime;
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
decide_name_rule(struct policy_decision *d, const char *kind, const struct rule *rule)
{
	snprintf(
	    d->rule, sizeof(d->rule), "%s %s (%s:%u)", kind, rule->name, rule->file, rule->line);
	place_clean(d->rule);
}

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
	snprintf(d->reason, sizeof(d->reason),
	    "image %.400s is not permitted to you here and now; %s%s", image != NULL ? image : "",
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

static void
decide_grant(const struct decide *decide, struct policy_decision *d)
{
	const struct rule *narrowed = decide->narrowed;

	decide_name_rule(d, "allow", decide->offer.allow);
	d->network = offer_network(&decide->offer);
	d->env = offer_env(&decide->offer);
	d->strict = decide->offer.allow->has_command || decide->offer.allow->run_as != NULL;
	/* The narrowing of a rule passed over stays in force like its other limits. */
	if (d->env == NULL && narrowed != NULL)
		d->env = narrowed->env.items;
	d->verdict = POLICY_ALLOW;
}

void
policy_decide(
    const struct policy *policy, const struct policy_question *q, struct policy_decision *d)
{
	struct decide decide = {.offer = {policy, q, NULL}};
	const struct rule *deny;
	const char *network = q->network;
	bool offered;

	memset(d, 0, sizeof(*d));
	d->verdict = POLICY_REFUSE;
	d->network = "none";
	decide_allow(&decide, d);
	if (decide.offer.allow != NULL) {
		offered = offer_mounts(&decide.offer, d) == 0;
		network = offer_network(&decide.offer);
	} else {
		offered = offer_mounts_asked(q, d) == 0;
	}
	deny = decide_deny(policy, q, d, network);
	if (deny != NULL)
		decide_refuse_denied(d, deny);
	else if (decide.offer.allow == NULL)
		decide_refuse(&decide, d);
	else if (decide_run_as(policy, q) != NULL)
		snprintf(d->reason, sizeof(d->reason), "run_as is not supported yet");
	else if (offered)
		decide_grant(&decide, d);
	if (d->verdict != POLICY_ALLOW)
		d->mount_count = 0;
}
