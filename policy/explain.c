/*
 * What matched and what did not, rule by rule and key by key.
 *
 * Runs in: the tools, never in the helper. Privilege: needs none.
 * Trusts: section.c, images.c, decide.c, offer.c for every comparison; here they are only called one
 * by one and put into words. So an explanation cannot say something else than a launch would do.
 * Distrusts: every text; what is told is printable.
 * On error: a comparison that cannot be made (a directory that is down) is told as such.
 */
#include "policy/explain.h"

#include "policy/decide.h"
#include "policy/images.h"
#include "policy/place.h"
#include "policy/section.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct explain {
	const struct policy *view;
	const struct policy_question *question;
	struct policy_decision offered; /* before denies */
	const char *network;            /* NULL: not known */
	const struct rule *allow, *deny;
	struct users_cache cache;
};

static const char *const explain_kinds[] = {
    [RULE_DENY] = "deny", [RULE_ALLOW] = "allow", [RULE_GRANT] = "grant"};

/* A key that the rule names. The text is printf's. */
static void __attribute__((format(printf, 4, 5)))
explain_add(struct explain_rule *out, const char *key, bool matches, const char *format, ...)
{
	struct explain_key *to = &out->keys[out->key_count];
	va_list list;

	if (out->key_count == EXPLAIN_KEYS_MAX)
		return;
	out->key_count++;
	to->key = key;
	to->matches = matches;
	va_start(list, format);
	vsnprintf(to->why, sizeof(to->why), format, list);
	va_end(list);
	place_clean(to->why);
	out->matches = out->matches && matches;
}

/* --- users, hosts, time ----------------------------------------------------------------------- */

/* The entry of the list that means (or, negated, leaves out) the caller; NULL: none. */
static const struct users_entry *
explain_entry(struct explain *explain, const struct rule *rule, bool negated)
{
	for (size_t i = 0; i < rule->users.count; i++) {
		struct users_entry entry = rule->users.entries[i];
		struct users one = {&entry, 1, 1};

		if (entry.negated != negated)
			continue;
		/* A "!%group" of a deny needs the kernel's word: so it is asked for like an allow's. */
		entry.negated = false;
		if (users_match(&one, &explain->cache, rule->kind == RULE_DENY && !negated) == 1)
			return &rule->users.entries[i];
	}
	return NULL;
}

static void
explain_users(struct explain *explain, const struct rule *rule, struct explain_rule *out)
{
	static const char *const prefix[] = {[USERS_ANY] = "",
	    [USERS_NAME] = "",
	    [USERS_UID] = "#",
	    [USERS_GROUP] = "%",
	    [USERS_NETGROUP] = "+"};
	const char *who = explain->view->who->name;
	int yes = users_match(&rule->users, &explain->cache, rule->kind == RULE_DENY);
	const struct users_entry *entry = explain_entry(explain, rule, yes != 1);

	if (yes < 0)
		explain_add(out, "users", false, "%s %s cannot be looked up",
		    explain->cache.failed_type, explain->cache.failed);
	else if (entry == NULL)
		explain_add(out, "users", yes == 1, "none of them is %s", who);
	else
		explain_add(out, "users", yes == 1, "%s%s%s %s %s", yes == 1 ? "" : "!",
		    prefix[entry->type], entry->name, yes == 1 ? "means" : "leaves out", who);
}

static void
explain_time(struct section *section, struct explain_rule *out)
{
	const struct rule *rule = &section->rule;
	char text[64] = "";
	int yes;

	if (rule->hours.count == 0 && rule->not_before == 0 && rule->not_after == 0)
		return;
	yes = section_is_now(section);
	if (yes >= 0)
		strftime(text, sizeof(text), "%a %Y-%m-%d %H:%M", &section->local);
	explain_add(out,
	    rule->hours.count != 0 ? "hours"
	    : rule->not_after != 0 ? "not_after"
	                           : "not_before",
	    yes == 1, "it is %s%s%s", yes >= 0 ? text : "not known what time",
	    rule->timezone != NULL ? " in " : "", rule->timezone != NULL ? rule->timezone : "");
}

/* Is the rule about the caller, here and now? The three keys that the reader compares. */
static void
explain_about(struct explain *explain, const struct rule *rule, struct explain_rule *out)
{
	struct policy here = {.who = explain->view->who};
	struct policy_error error = {.count = 0};
	struct section *section = calloc(1, sizeof(*section));

	if (section == NULL) {
		explain_add(out, "users", false, "out of memory");
		return;
	}
	section->policy = &here;
	section->cache = &explain->cache;
	section->place = (struct place){rule->file, rule->line, &error};
	section->rule = *rule;
	if (rule->has_users)
		explain_users(explain, rule, out);
	if (rule->hosts.count != 0)
		explain_add(
		    out, "hosts", section_is_here(section), "the host is %s", here.who->host);
	explain_time(section, out);
	free(section);
}

/* --- image, command, account ------------------------------------------------------------------ */

static void
explain_images(const struct explain *explain, const struct rule *rule, struct explain_rule *out)
{
	const struct policy_question *q = explain->question;
	bool yes = images_match(explain->view, rule, q);
	bool own = rule->kind == RULE_ALLOW && q->user_image;

	if (rule->user_images && (own || rule->images.count == 0))
		explain_add(out, "user_images", yes, "%.160s is %s of the caller's own",
		    q->image_path != NULL ? q->image_path : q->image->path, yes ? "one" : "none");
	else if (rule->images.count != 0)
		explain_add(out, "images", yes, "asked for is %.160s%s%.160s%s%s",
		    q->image != NULL ? q->image->name : "",
		    q->image != NULL && q->image_path != NULL ? " (" : "",
		    q->image_path != NULL ? q->image_path : "",
		    q->image != NULL && q->image_path != NULL ? ")" : "",
		    own ? ", one of the caller's own, which user_images alone permits" : "");
}

static void
explain_command(const struct explain *explain, const struct rule *rule, struct explain_rule *out)
{
	const char *const *word = explain->question->command;
	char text[200] = "";

	for (; word != NULL && *word != NULL; word++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
		    text[0] != '\0' ? " " : "", *word);
	if (rule->has_command)
		explain_add(out, "command", decide_command(rule, explain->question), "typed is %s",
		    text[0] != '\0' ? text : "no command");
}

static void
explain_run_as(const struct explain *explain, const struct rule *rule, struct explain_rule *out)
{
	const char *run_as = decide_run_as(explain->view, explain->question);
	bool same = rule->run_as != NULL && run_as != NULL && strcmp(rule->run_as, run_as) == 0;

	if (rule->kind == RULE_GRANT || (rule->run_as == NULL && run_as == NULL))
		return;
	/* An allow that names nobody is about the caller's own account; a deny is about all. */
	if (rule->run_as != NULL || rule->kind == RULE_ALLOW)
		explain_add(out, "run_as", same, "it is to run as %s%s",
		    run_as != NULL ? run_as : explain->view->who->name,
		    run_as != NULL ? "" : ", the one who asks");
}

/* --- what a deny is held against -------------------------------------------------------------- */

/* The mount that the deny's binds are about, as words; "" when it is a device or the image. */
static const char *
explain_mount(const struct explain *explain, const struct rule *rule)
{
	struct policy_question q = *explain->question;
	struct policy_decision *one = calloc(1, sizeof(*one));
	const char *path = "";

	q.device_count = 0;
	q.image_path = NULL;
	for (size_t i = 0; one != NULL && i < explain->offered.mount_count && path[0] == '\0';
	     i++) {
		one->mount_count = 1;
		one->mounts[0] = explain->offered.mounts[i];
		if (decide_deny_binds(rule, &q, one))
			path = one->mounts[0].path;
	}
	free(one);
	return path;
}

static void
explain_things(const struct explain *explain, const struct rule *rule, struct explain_rule *out)
{
	const struct policy_question *q = explain->question;
	const struct policy_decision *d = &explain->offered;
	const char *mount;
	bool yes;

	if (rule->has_network)
		explain_add(out, "network", decide_deny_network(rule, explain->network),
		    "it would be %s",
		    explain->network != NULL ? explain->network : "the default of an allow");
	if (rule->has_devices) {
		yes = decide_deny_devices(rule, q, d);
		explain_add(out, "devices", yes, "%s of what it would get", yes ? "some" : "none");
	}
	if (rule->has_binds) {
		yes = decide_deny_binds(rule, q, d);
		mount = yes ? explain_mount(explain, rule) : "";
		explain_add(out, "binds", yes, "%s%s",
		    mount[0] != '\0' ? "it would get "
		    : yes            ? "something it would get"
		                     : "nothing it would get",
		    mount[0] != '\0' ? mount : " lies there");
	}
}

/* --- a rule ----------------------------------------------------------------------------------- */

/* The same rule as the view has it; NULL: it is not about the caller. */
static const struct rule *
explain_in_view(const struct explain *explain, const struct rule *rule)
{
	const struct rule *mine = explain->view->rules[rule->kind];

	while (mine != NULL && (mine->file != rule->file || mine->line != rule->line))
		mine = mine->next;
	return mine;
}

static void
explain_rule(struct explain *explain, const struct rule *rule, struct explain_rule *out)
{
	const struct rule *mine = explain_in_view(explain, rule);
	struct offer offer = {explain->view, explain->question, mine};

	*out = (struct explain_rule){.kind = explain_kinds[rule->kind],
	    .name = rule->name,
	    .file = rule->file,
	    .line = rule->line,
	    .matches = true};
	explain_about(explain, rule, out);
	explain_images(explain, rule, out);
	explain_command(explain, rule, out);
	explain_run_as(explain, rule, out);
	if (rule->kind == RULE_DENY && mine != NULL)
		explain_things(explain, mine, out);
	/* What the reader has not kept does not count, whatever is found here. */
	out->matches = out->matches && mine != NULL;
	if (rule->kind == RULE_ALLOW && out->matches) {
		out->missing = offer_missing(&offer);
		if (out->missing != 0)
			offer_explain(&offer, out->lacks, sizeof(out->lacks));
	}
	if (rule->kind == RULE_DENY && out->matches && explain->deny == NULL) {
		explain->deny = rule;
		out->decides = true;
	}
	out->decides = out->decides || (rule->kind == RULE_ALLOW && explain->deny == NULL &&
	                                   mine != NULL && mine == explain->allow);
}

void
explain_rules(const struct policy *everybodys, const struct policy *view,
    const struct policy_lookup *lookup, const struct policy_question *question,
    void (*each)(void *context, const struct explain_rule *rule), void *context)
{
	struct explain *explain = calloc(1, sizeof(*explain));
	struct explain_rule *out = calloc(1, sizeof(*out));
	struct decide decide = {.offer = {view, question, NULL}};

	if (explain != NULL && out != NULL) {
		explain->view = view;
		explain->question = question;
		explain->cache = (struct users_cache){.who = view->who, .lookup = lookup};
		decide_offer(&decide, &explain->offered, &explain->network);
		explain->allow = decide.offer.allow;
		for (int kind = 0; kind < RULE_KINDS; kind++)
			for (const struct rule *rule = everybodys->rules[kind]; rule != NULL;
			     rule = rule->next) {
				explain_rule(explain, rule, out);
				each(context, out);
			}
		users_forget(&explain->cache);
	}
	free(explain);
	free(out);
}

/* --- duties that were missed ------------------------------------------------------------------ */

/* Does the rule mean the image asked for, or another catalogue name of its file? NULL: no. */
static const char *
explain_same_image(
    const struct policy *view, const struct rule *rule, const struct policy_question *q)
{
	struct policy_question other = *q;

	if (images_match(view, rule, q))
		return "";
	for (size_t i = 0; i < view->image_count; i++) {
		other.image = &view->images[i];
		if (((q->image_path != NULL && strcmp(other.image->path, q->image_path) == 0) ||
		        (q->image != NULL && strcmp(other.image->path, q->image->path) == 0)) &&
		    images_match(view, rule, &other))
			return other.image->name;
	}
	return NULL;
}

void
explain_laxer(const struct policy *view, const struct policy_question *q,
    const struct policy_decision *d, void (*each)(void *context, const char *line), void *context)
{
	const char *run_as = decide_run_as(view, q);
	char line[POLICY_TEXT_MAX];

	for (const struct rule *rule = view->rules[RULE_ALLOW]; rule != NULL; rule = rule->next) {
		bool password = rule->password && !d->password;
		bool sooner = rule->max_runtime != 0 &&
		              (d->max_runtime == 0 || rule->max_runtime < d->max_runtime);
		bool fewer = rule->max_running != 0 &&
		             (d->max_running == 0 || rule->max_running < d->max_running);
		bool command = decide_command(rule, q);
		bool account = run_as == NULL
		                   ? rule->run_as == NULL
		                   : rule->run_as != NULL && strcmp(rule->run_as, run_as) == 0;
		const char *alias = explain_same_image(view, rule, q);

		for (size_t i = 0; i < POLICY_UNITS; i++)
			fewer = fewer || (rule->max_launches[i] != 0 &&
			                     (d->max_launches[i] == 0 ||
			                         rule->max_launches[i] < d->max_launches[i]));
		if (!(password || sooner || fewer) || alias == NULL ||
		    (alias[0] == '\0' && command && account))
			continue;
		snprintf(line, sizeof(line),
		    "allow %s (%s:%u) %s for this image%s%s, but %s: so this request has fewer "
		    "duties",
		    rule->name, rule->file, rule->line,
		    password ? "asks for a password"
		    : sooner ? "sets a shorter max_runtime"
		             : "lets fewer be started",
		    alias[0] != '\0' ? " under the name " : "", alias,
		    alias[0] != '\0'       ? "that name was not typed"
		    : !command             ? "is about other commands"
		    : rule->run_as != NULL ? "is about another account"
		                           : "is about the caller's own account");
		place_clean(line);
		each(context, line);
	}
}
