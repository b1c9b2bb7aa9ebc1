/*
 * Rules that cannot be reached, that undo each other, or that hand out more than they seem to.
 *
 * Runs in: the tools, never in the helper. Privilege: needs none.
 * Trusts: nothing that matters: a finding is advice. What cannot be known for certain (whether two
 * patterns can match one name) is answered so that a rule is called unreachable only when it is.
 * On error: there is none.
 */
#include "policy/review.h"

#include "policy/place.h"
#include "policy/rule.h"

#include <stdio.h>
#include <string.h>

static const char *const review_kinds[] = {
    [RULE_DENY] = "deny", [RULE_ALLOW] = "allow", [RULE_GRANT] = "grant"};

static void __attribute__((format(printf, 7, 8)))
review_say(const struct review *review, const struct rule *rule, const char *id, const char *key,
    const char *word, const char *why, const char *format, ...)
{
	char text[POLICY_TEXT_MAX], head[160];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	snprintf(head, sizeof(head), "[%s %s] ", review_kinds[rule->kind], rule->name);
	memmove(text + strlen(head), text,
	    strlen(text) + 1 < sizeof(text) - strlen(head) ? strlen(text) + 1
	                                                   : sizeof(text) - strlen(head));
	memcpy(text, head, strlen(head));
	text[sizeof(text) - 1] = '\0';
	place_clean(text);
	review->each(review->context,
	    &(struct review_finding){id, rule->file, rule->line, key, word, text, why});
}

/* --- does one contain the other? Yes only when it is certain ---------------------------------- */

/* Everything that b matches a matches. '?' and '[' of a are not thought about. */
static bool
review_pattern_contains(const char *a, const char *b, bool path)
{
	if (strcmp(a, b) == 0 || strcmp(a, "*") == 0)
		return true;
	if (strpbrk(a, "?[") != NULL || strcmp(b, "*") == 0)
		return false;
	if (!path)
		return match_text(a, b);
	/* "Everything below": only another of those holds it. */
	if (b[strlen(b) - 1] == '/')
		return a[strlen(a) - 1] == '/' && strpbrk(a, "*") == NULL &&
		       strncmp(a, b, strlen(a)) == 0;
	return match_path(a, b);
}

static bool
review_list_contains(const struct arena_list *a, const struct arena_list *b, bool path)
{
	for (size_t i = 0; i < b->count; i++) {
		bool found = false;

		for (size_t j = 0; j < a->count && !found; j++)
			found = review_pattern_contains(a->items[j], b->items[i], path);
		if (!found)
			return false;
	}
	return true;
}

/* A list that is not there is everything. */
static bool
review_names_contain(const struct arena_list *a, const struct arena_list *b, bool path)
{
	return a->count == 0 || (b->count != 0 && review_list_contains(a, b, path));
}

static bool
review_same_entry(const struct users_entry *a, const struct users_entry *b)
{
	return a->type == b->type &&
	       (a->type == USERS_UID ? a->uid == b->uid : strcmp(a->name, b->name) == 0);
}

/* Is there such an entry in the list? */
static bool
review_has_entry(const struct users *users, const struct users_entry *entry, bool negated)
{
	for (size_t i = 0; i < users->count; i++)
		if (users->entries[i].negated == negated &&
		    ((!negated && users->entries[i].type == USERS_ANY) ||
		        review_same_entry(&users->entries[i], entry)))
			return true;
	return false;
}

static bool
review_users_contain(const struct rule *a, const struct rule *b)
{
	if (!a->has_users)
		return true;
	for (size_t i = 0; i < a->users.count; i++)
		if (a->users.entries[i].negated &&
		    !review_has_entry(&b->users, &a->users.entries[i], true))
			return false;
	for (size_t i = 0; i < b->users.count; i++)
		if (!b->users.entries[i].negated &&
		    !review_has_entry(&a->users, &b->users.entries[i], false))
			return false;
	return b->has_users;
}

static bool
review_times_contain(const struct rule *a, const struct rule *b)
{
	const char *a_zone = a->timezone != NULL ? a->timezone : "",
	           *b_zone = b->timezone != NULL ? b->timezone : "";

	if (a->hours.count == 0 && a->not_before == 0 && a->not_after == 0)
		return true;
	return strcmp(a_zone, b_zone) == 0 &&
	       (a->hours.count == 0 || (a->hours.count == b->hours.count &&
	                                   memcmp(a->hours.spans, b->hours.spans,
	                                       a->hours.count * sizeof(*a->hours.spans)) == 0)) &&
	       (a->not_before == 0 || (b->not_before != 0 && a->not_before <= b->not_before)) &&
	       (a->not_after == 0 || (b->not_after != 0 && a->not_after >= b->not_after));
}

static bool
review_same_vector(const struct match_vector *a, const struct match_vector *b)
{
	size_t i;

	for (i = 0; a->words[i] != NULL && b->words[i] != NULL; i++)
		if (strcmp(a->words[i], b->words[i]) != 0)
			return false;
	return a->words[i] == b->words[i] && a->more == b->more;
}

static bool
review_commands_contain(const struct rule *a, const struct rule *b)
{
	if (!a->has_command)
		return true;
	for (size_t i = 0; i < b->command_count; i++) {
		bool found = false;

		for (size_t j = 0; j < a->command_count && !found; j++)
			found = review_same_vector(&a->commands[j], &b->commands[i]);
		if (!found)
			return false;
	}
	return b->has_command;
}

static bool
review_same_account(const struct rule *a, const struct rule *b)
{
	return a->run_as == NULL || b->run_as == NULL ? a->run_as == b->run_as
	                                              : strcmp(a->run_as, b->run_as) == 0;
}

/* Whatever matches b matches a, account and command included; what they grant is another matter. */
static bool
review_match_contains(const struct rule *a, const struct rule *b)
{
	return review_users_contain(a, b) && review_names_contain(&a->hosts, &b->hosts, false) &&
	       review_names_contain(&a->images, &b->images, true) && review_times_contain(a, b) &&
	       review_commands_contain(a, b);
}

static bool
review_grants_bind(const struct rule *a, const struct rule_bind *bind)
{
	for (size_t i = 0; i < a->bind_count; i++) {
		const struct rule_bind *mine = &a->binds[i];

		if ((mine->destination == NULL ||
		        (bind->destination != NULL &&
		            strcmp(mine->destination, bind->destination) == 0)) &&
		    (mine->writable || !bind->writable) &&
		    (bind->source[0] == '/' ? match_below(mine->source, bind->source) != NULL
		                            : strcmp(mine->source, bind->source) == 0))
			return true;
	}
	return false;
}

/* Whatever b could be asked for a grants too, and in the same way. */
static bool
review_grants_contain(const struct rule *a, const struct rule *b)
{
	if ((a->has_command && !b->has_command) || (a->has_env && !b->has_env) ||
	    (a->no_grants && !b->no_grants))
		return false;
	for (size_t i = 0; i < b->bind_count; i++)
		if (!review_grants_bind(a, &b->binds[i]))
			return false;
	return review_list_contains(&a->devices, &b->devices, true) &&
	       review_list_contains(&a->env, &b->env, false) && (a->share_ipc || !b->share_ipc) &&
	       a->scratch >= b->scratch && (a->network_host || !b->network_host) &&
	       (a->network_none || !a->has_network || (!b->network_none && b->has_network));
}

/* --- can two rules meet in one request? ------------------------------------------------------- */

static bool
review_patterns_meet(const struct arena_list *a, const struct arena_list *b, bool path)
{
	if (a->count == 0 || b->count == 0)
		return true;
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (review_pattern_contains(a->items[i], b->items[j], path) ||
			    review_pattern_contains(b->items[j], a->items[i], path))
				return true;
	return false;
}

static bool
review_entries_meet(
    const struct review *review, const struct users_entry *a, const struct users_entry *b)
{
	if (a->type == USERS_ANY || b->type == USERS_ANY || review_same_entry(a, b))
		return true;
	return review->member != NULL &&
	       ((a->type == USERS_NAME && b->type == USERS_GROUP &&
	            review->member(review->context, a->name, b->name)) ||
	           (b->type == USERS_NAME && a->type == USERS_GROUP &&
	               review->member(review->context, b->name, a->name)));
}

static bool
review_users_meet(const struct review *review, const struct rule *a, const struct rule *b)
{
	for (size_t i = 0; i < a->users.count; i++)
		for (size_t j = 0; j < b->users.count; j++) {
			const struct users_entry *x = &a->users.entries[i],
			                         *y = &b->users.entries[j];

			if (x->negated || y->negated || review_has_entry(&a->users, y, true) ||
			    review_has_entry(&b->users, x, true))
				continue;
			if (review_entries_meet(review, x, y))
				return true;
		}
	return false;
}

/* --- one finding a function ------------------------------------------------------------------- */

static bool
review_is_whole_deny(const struct rule *deny)
{
	return !deny->has_command && !deny->has_binds && !deny->has_devices && !deny->has_network &&
	       deny->run_as == NULL;
}

static void
review_shadowed(const struct policy *policy, const struct review *review, const struct rule *rule)
{
	static const char why[] =
	    "no request can reach it: whoever relies on it (or on its absence) is wrong";
	const struct rule *other;

	for (other = policy->rules[RULE_DENY]; other != NULL; other = other->next)
		if (review_is_whole_deny(other) && review_match_contains(other, rule)) {
			review_say(review, rule, "shadowed", NULL, NULL, why,
			    "never decides: deny %s (%s:%u) refuses all of it", other->name,
			    other->file, other->line);
			return;
		}
	for (other = policy->rules[RULE_ALLOW]; other != rule && other != NULL; other = other->next)
		if (review_same_account(other, rule) && review_match_contains(other, rule) &&
		    review_grants_contain(other, rule)) {
			review_say(review, rule, "shadowed", NULL, NULL, why,
			    "never decides: allow %s (%s:%u) stands before it, matches whenever it "
			    "does and grants no less",
			    other->name, other->file, other->line);
			return;
		}
}

/* The first duty in which a is stricter, as words; NULL: none. */
static const char *
review_stricter(const struct rule *a, const struct rule *b)
{
	if (a->password && !b->password)
		return "asks for a password";
	if (a->max_runtime != 0 && (b->max_runtime == 0 || a->max_runtime < b->max_runtime))
		return "has a shorter max_runtime";
	if (a->max_running != 0 && (b->max_running == 0 || a->max_running < b->max_running))
		return "has a smaller max_running";
	for (size_t i = 0; i < POLICY_UNITS; i++)
		if (a->max_launches[i] != 0 &&
		    (b->max_launches[i] == 0 || a->max_launches[i] < b->max_launches[i]))
			return "has a smaller max_launches";
	return NULL;
}

/* A later, stricter allow that meets this one: what both cover has the laxer duties. */
static void
review_laxer(const struct policy *policy, const struct review *review, const struct rule *rule)
{
	const struct rule *later;

	(void)policy;
	for (later = rule->next; later != NULL; later = later->next) {
		const char *how = review_stricter(later, rule);

		if (how == NULL || !review_same_account(rule, later) ||
		    !review_users_meet(review, rule, later) ||
		    !review_patterns_meet(&rule->images, &later->images, true) ||
		    !review_patterns_meet(&rule->hosts, &later->hosts, false))
			continue;
		review_say(review, rule, "laxer-first", NULL, NULL,
		    "what both rules cover is decided by this one, without the other's duties; put "
		    "the "
		    "stricter one first",
		    "overlaps allow %s (%s:%u), which stands later and %s", later->name,
		    later->file, later->line, how);
	}
}

static void
review_nobody(const struct review *review, const struct rule *rule)
{
	static const char why[] = "the rule can never match";
	struct tm now;

	if (rule->has_users && !users_has_positive(&rule->users))
		review_say(review, rule, "nobody", "users", NULL, why,
		    "users with '!' alone match nobody: begin the list with '*'");
	for (size_t i = 0; i < rule->users.count; i++)
		if (rule->users.entries[i].negated && rule->users.entries[i].type == USERS_ANY)
			review_say(review, rule, "nobody", "users", "!*", why,
			    "'!*' leaves everybody out");
	if (rule->not_after != 0 && hours_local(review->now, rule->timezone, &now) == 0 &&
	    rule->not_after < hours_moment_of(&now))
		review_say(review, rule, "expired", "not_after", NULL,
		    rule->kind == RULE_DENY
		        ? "what it forbade is not forbidden any more"
		        : "it permits nothing any more: remove it or move the date",
		    "not_after is over");
}

/* What is worth as much as root, or somebody else. */
static const struct {
	const char *path, *why;
} review_precious[] = {
    {"/etc", "the system's configuration, with its keys and passwords' hashes"},
    {"/dev", "every device of the host, disks included"},
    {"/proc", "the host's processes and settings"},
    {"/sys", "the host's devices and settings"},
    {"/root", "root's home"},
    {"/boot", "the kernel that starts next"},
    {"/home", "everybody's home"},
    {"/run", "the sockets of the host's services"},
    {"/var", "the host's logs, mail, jobs and services"},
    {"/usr", "the host's programs"},
    {"/var/run", "the sockets of the host's services"},
    {"/var/lib", "the state of the host's services"},
    {"/var/spool/cron", "programs that run as other users"},
    {"/var/lib/docker", "docker's containers and images"},
    {"/run/systemd", "the sockets of systemd"},
    {"/run/dbus", "the system bus"},
    {"/run/boxdo", "boxdo's own state"},
    {"/var/log", "the host's logs"},
};

static const char *
review_socket(const char *path)
{
	static const char *const names[] = {
	    "docker.sock", "containerd.sock", "podman.sock", "crio.sock", "libvirt-sock"};
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; slash != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(slash + 1, names[i]) == 0)
			return "whoever may write to this socket is root on the host";
	return NULL;
}

/* /home/NAME for anybody else than NAME. */
static const char *
review_home(const struct rule *rule, const char *path)
{
	const char *name = strncmp(path, "/home/", 6) == 0 ? path + 6 : "";
	size_t length = strcspn(name, "/");

	if (length == 0)
		return NULL;
	for (size_t i = 0; i < rule->users.count; i++) {
		const struct users_entry *entry = &rule->users.entries[i];

		if (!entry->negated &&
		    (entry->type != USERS_NAME || strlen(entry->name) != length ||
		        strncmp(entry->name, name, length) != 0))
			return "another user's home: keys, mail and what runs when they log in";
	}
	return NULL;
}

static const char *
review_worth(const struct rule *rule, const char *path)
{
	const char *why = review_socket(path);

	if (why == NULL)
		why = review_home(rule, path);
	if (strcmp(path, "/") == 0)
		why = "everything, the sockets of root's services included";
	for (size_t i = 0; why == NULL && i < sizeof(review_precious) / sizeof(review_precious[0]);
	     i++)
		if (strcmp(path, review_precious[i].path) == 0)
			why = review_precious[i].why;
	return why;
}

static void
review_binds(const struct review *review, const struct rule *rule)
{
	for (size_t i = 0; i < rule->bind_count; i++) {
		const struct rule_bind *bind = &rule->binds[i];
		const char *key = bind->always ? "always" : "binds", *why;

		if (bind->source[0] == '.' && bind->writable && rule->run_as != NULL)
			review_say(review, rule, "cwd-run-as", key, ".",
			    "the caller chooses the directory, and the command writes there with "
			    "another "
			    "account's rights: that is that account's files in the caller's hands",
			    "'.:rw' in a rule with run_as = %s", rule->run_as);
		why = bind->source[0] == '/' ? review_worth(rule, bind->source) : NULL;
		if (why != NULL)
			review_say(review, rule, "root-equivalent", key, bind->source, why,
			    "hands out %s%s", bind->source, bind->writable ? ", writable" : "");
	}
}

static void
review_deny(const struct review *review, const struct rule *rule)
{
	if (rule->has_command && !rule->has_binds && !rule->has_devices && !rule->has_network &&
	    rule->run_as == NULL)
		review_say(review, rule, "deny-command", "command", NULL,
		    "a command has many names: a copy, a shell or an interpreter runs it all the "
		    "same; "
		    "forbid the image or the data, or allow the commands that may run",
		    "forbids commands alone");
}

void
review_rules(const struct policy *everybodys, const struct review *review)
{
	for (int kind = 0; kind < RULE_KINDS; kind++)
		for (const struct rule *rule = everybodys->rules[kind]; rule != NULL;
		     rule = rule->next) {
			review_nobody(review, rule);
			if (kind == RULE_DENY)
				review_deny(review, rule);
			else
				review_binds(review, rule);
			if (kind != RULE_ALLOW)
				continue;
			review_shadowed(everybodys, review, rule);
			review_laxer(everybodys, review, rule);
		}
}
