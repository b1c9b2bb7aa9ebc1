/*
 * boxdo explain: what would be decided, and why, without starting anything.
 *
 * Runs as the caller; root for somebody else becomes that account once the policy was read. The
 * vector is the one the helper would get: `boxdo explain` and its fronts hand theirs over instead.
 * Exit status: 0 it would be allowed, 1 refused, 125 no answer.
 */
#include "client/tool.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* --- rules ------------------------------------------------------------------------------------- */

struct tool_explain {
	const struct set *set;
	const char *key;
	char value[160];
};

static void
tool_explain_value(void *context, const char *key, const char *value, unsigned at)
{
	struct tool_explain *explain = context;
	size_t room = sizeof(explain->value), have = strlen(explain->value);

	(void)at;
	/* command may stand there several times */
	if (strcmp(key, explain->key) == 0)
		snprintf(explain->value + have, room - have, "%s%s", have > 0 ? " | " : "", value);
	if (strlen(explain->value) == room - 1)
		memcpy(explain->value + room - 4, "...", 4);
}

static void
tool_explain_key(
    struct tool_explain *explain, const struct explain_rule *rule, const struct explain_key *key)
{
	explain->key = key->key;
	explain->value[0] = '\0';
	tool_files_keys(explain->set, rule->file, rule->line, tool_explain_value, explain);
	tool_say("    %s %-8s %s%s%s\n", key->matches ? "yes" : "no ", key->key,
	    explain->value[0] != '\0' ? explain->value : "(not named)",
	    key->why[0] != '\0' ? ": " : "", key->why);
}

static const char *
tool_explain_verdict(const struct explain_rule *rule)
{
	if (!rule->matches)
		return "does not match";
	if (strcmp(rule->kind, "deny") == 0)
		return rule->decides ? "matches, and decides: refused" : "matches, too";
	if (strcmp(rule->kind, "grant") == 0)
		return "matches: it adds to whichever allow decides";
	if (rule->decides)
		return "matches, grants all that is asked for, and decides";
	return rule->missing != 0 ? "matches, but does not grant all that is asked for"
	                          : "matches, but stands behind the one that decides";
}

static void
tool_explain_rule(void *context, const struct explain_rule *rule)
{
	struct tool_explain *explain = context;

	tool_say("%s %s (%s:%u) %s\n", rule->kind, rule->name, rule->file, rule->line,
	    tool_explain_verdict(rule));
	for (size_t i = 0; i < rule->key_count; i++)
		tool_explain_key(explain, rule, &rule->keys[i]);
	if (rule->missing > 1)
		tool_say("    no  %s (and %zu more)\n", rule->lacks, rule->missing - 1);
	else if (rule->missing == 1)
		tool_say("    no  %s\n", rule->lacks);
}

/* --- who, what, and the answer ----------------------------------------------------------------- */

static void
tool_explain_who(const struct tool_who *who)
{
	char when[64] = "";
	struct tm tm;

	if (localtime_r(&who->who.now, &tm) != NULL)
		strftime(when, sizeof(when), "%a %Y-%m-%d %H:%M", &tm);
	tool_say("who      %s (uid %u%s) on %s, %s; groups", who->name, who->who.uid,
	    who->known ? "" : ", unknown here", who->host, when);
	for (size_t i = 0; i <= who->who.group_count; i++) {
		gid_t gid = i == 0 ? who->who.gid : who->who.groups[i - 1];
		struct group *group = getgrgid(gid);

		if (i > 0 && gid == who->who.gid)
			continue;
		if (who->group_name_count > 0 && i > 0)
			tool_say(" %s", who->group_names[i - 1]);
		else if (group != NULL)
			tool_say(" %s", group->gr_name);
		else if (who->known)
			tool_say(" #%u", gid);
	}
	tool_say("\n");
}

static void
tool_explain_asked(const struct tool_ask *ask)
{
	const struct policy_question *q = &ask->question;

	if (q->image != NULL)
		tool_say("image    %s (%s), %s:%u\n", q->image->name, q->image->path,
		    q->image->file, q->image->line);
	else
		tool_say("image    %s, not in the catalogue%s\n", q->image_path,
		    !q->user_image        ? ""
		    : ask->image_uid != 0 ? ", a file of the caller's own"
		                          : ", taken for the caller's own: it lies in their home");
	tool_say("command ");
	for (size_t i = 0; q->command[i] != NULL; i++)
		tool_say(" %s", q->command[i]);
	tool_say("\n");
	for (size_t i = 0; i < ask->note_count; i++)
		tool_say("note     %s\n", ask->notes[i]);
	tool_say("\n");
}

static void
tool_explain_warn(void *context, const char *line)
{
	(void)context;
	tool_say("warning  %s\n", line);
}

static void
tool_explain_granted(
    const struct policy *view, const struct tool_ask *ask, const struct policy_decision *d)
{
	static const char *const units[POLICY_UNITS] = {"min", "hour", "day"};

	for (size_t i = 0; i < d->mount_count; i++)
		tool_say("    mount    %s at %s, %s\n", d->mounts[i].path, d->mounts[i].destination,
		    d->mounts[i].writable ? "writable" : "read-only");
	if (d->mount_count == 0)
		tool_say("    mount    nothing of this host\n");
	for (size_t i = 0; i < ask->question.device_count; i++)
		tool_say("    device   %s\n", ask->question.devices[i]);
	for (size_t i = 0; i < ask->question.cdi_count; i++)
		tool_say("    device   %s\n", ask->question.cdi[i]);
	for (size_t i = 0; i < ask->question.brought_count; i++)
		tool_say("    with it  %s\n", ask->question.brought[i]);
	tool_say("    network  %s\n", d->network);
	if (ask->question.ipc_host)
		tool_say("    share    ipc\n");
	if (d->scratch != 0)
		tool_say("    scratch  %llu bytes of writable root, in memory\n",
		    (unsigned long long)d->scratch);
	if (ask->question.run_as != NULL)
		tool_say("    run as   %s\n", ask->question.run_as);
	tool_say("    env      ");
	for (size_t i = 0; d->env != NULL && d->env[i] != NULL; i++)
		tool_say("%s%s", i > 0 ? " " : "only ", d->env[i]);
	tool_say("%s\n", d->env == NULL      ? "the caller's, but for PATH, LD_* and the like"
	                 : d->env[0] == NULL ? "nothing of the caller's"
	                                     : "");
	tool_say("    password %s%s\n", d->password ? "asked for" : "not asked for",
	    d->password && policy_settings(view)->ticket != 0 ? ", unless a ticket stands" : "");
	if (d->max_runtime != 0)
		tool_say("    limit    max_runtime %llus\n", (unsigned long long)d->max_runtime);
	if (d->max_running != 0)
		tool_say("    limit    max_running %u\n", d->max_running);
	for (int unit = 0; unit < POLICY_UNITS; unit++)
		if (d->max_launches[unit] != 0)
			tool_say("    limit    max_launches %u/%s\n", d->max_launches[unit],
			    units[unit]);
	if (d->user_image)
		tool_say("    note     the image is served by squashfuse, as the caller\n");
	if (d->strict)
		tool_say("    note     the rule limits the command: nothing covers what the image "
		         "has\n");
}

void
tool_explain_print(const struct set *set, const struct policy *everybodys,
    const struct policy *view, const struct tool_who *who, const struct tool_ask *ask,
    const struct policy_decision *decision)
{
	struct tool_explain explain = {.set = set};

	tool_explain_who(who);
	tool_explain_asked(ask);
	explain_rules(everybodys, view, &who->lookup, &ask->question, tool_explain_rule, &explain);
	if (decision->verdict != POLICY_ALLOW) {
		tool_say("\nrefused: %s\n", decision->reason);
		return;
	}
	tool_say("\nallowed by %s\n", decision->rule);
	tool_explain_granted(view, ask, decision);
	explain_laxer(view, &ask->question, decision, tool_explain_warn, NULL);
}

/* --- the subcommand ---------------------------------------------------------------------------- */

/* Everything after the policy was read: as the one who is asked about. */
static int
tool_explain_answer(const struct set *set, const struct policy *everybodys,
    const struct policy *view, const struct tool_who *who, const struct tool_known *known, int argc,
    char **argv)
{
	struct tool_ask *ask = calloc(1, sizeof(*ask));
	struct policy_decision *decision = calloc(1, sizeof(*decision));
	char error[POLICY_TEXT_MAX] = "";
	int status = BOXDO_EXIT_CLIENT;

	if (ask == NULL || decision == NULL) {
		boxdo_fail("out of memory");
	} else if (tool_ask(ask, view, who, known, argc, argv, error, sizeof(error)) != 0) {
		tool_explain_who(who);
		tool_say("\nrefused before any rule is asked: %s\n", error);
		status = 1;
	} else {
		tool_ask_decide(ask, view, decision);
		tool_explain_print(set, everybodys, view, who, ask, decision);
		status = decision->verdict == POLICY_ALLOW ? 0 : 1;
	}
	if (ask != NULL)
		tool_ask_free(ask);
	free(ask);
	free(decision);
	return status;
}

/* The vector's user=, which says as whom paths are opened. */
static int
tool_explain_run_as(struct tool_who *who, char **vector)
{
	for (; *vector != NULL && strcmp(*vector, "--") != 0; vector++)
		if (strncmp(*vector, "user=", 5) == 0)
			return tool_who_run_as(who, *vector + 5);
	return 0;
}

int
tool_explain(int argc, char **argv)
{
	struct tool_asked asked = {.user = NULL};
	struct tool_who who;
	struct tool_known known = {.looked = false};
	struct set set = {NULL, 0};
	struct policy_error error = {.count = 0};
	struct policy *everybodys = NULL, *view = NULL;
	const char *tty;
	bool is_public;
	unsigned errors = 0;
	int at = 1, status = BOXDO_EXIT_CLIENT, taken = 0;

	/* --tty: tickets alone know terminals, and no rule does. */
	while (at < argc && strcmp(argv[at], "boxdo-launch") != 0 &&
	       ((taken = tool_who_option(&asked, argv, &at)) == 1 ||
	           (taken == 0 && (taken = tool_option(argv, &at, "tty", &tty)) == 1)))
		;
	if (at >= argc || strcmp(argv[at], "boxdo-launch") != 0)
		return taken < 0
		           ? BOXDO_EXIT_CLIENT
		           : boxdo_fail("type: boxdo explain [--user NAME ...] IMAGE [COMMAND...]");
	if (tool_who_find(&who, &asked) != 0 || tool_files_installed(&set, &is_public) != 0)
		goto out;
	everybodys = tool_files_policy(&set, &errors);
	if (everybodys == NULL) {
		boxdo_fail("the policy is not usable, so nothing is started");
		goto out;
	}
	view = set_view(everybodys, &who.who, &who.lookup, &error);
	if (view == NULL)
		boxdo_fail("%s", error.text);
	else if (tool_explain_run_as(&who, argv + at) == 0) {
		tool_known(&known, view, &who, argv + at);
		if (tool_who_become(&who) == 0)
			status = tool_explain_answer(
			    &set, everybodys, view, &who, &known, argc - at, argv + at);
	}
	if (view != NULL && who.self && who.who.uid == 0)
		tool_say(
		    "note     you are root here, and rules name users: --user NAME asks for one\n");
out:
	policy_free(view);
	policy_free(everybodys);
	set_free(&set);
	tool_known_free(&known);
	tool_who_free(&who);
	return status;
}
