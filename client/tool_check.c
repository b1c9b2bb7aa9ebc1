/*
 * boxdo policy check: everything that is wrong, and everything that is hardly meant.
 *
 * Runs as the caller, in CI as anybody. Trusts: the reader for what is wrong (it is the launch's own),
 * review.c for what is doubtful; here the system is asked: accounts, hosts, devices, images.
 * Distrusts: the policy's text; it goes to a terminal, and a draft is anybody's.
 * Exit status: 0 clean, 1 findings, 2 errors.
 */
#include "client/plain.h"
#include "client/tool.h"

#include "client/mistake.h"
#include "client/warm.h"
#include "policy/rule.h"
#include "policy/users.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <netdb.h>
#include <pwd.h>
#include <sha2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* One line of the answer. */
struct tool_check_item {
	char *file, *id, *text, *why; /* id NULL: an error */
	unsigned line, column;
};

struct tool_check_all {
	const struct set *set;
	struct tool_check *check;
	const struct policy *policy;
	struct tool_check_item *items;
	size_t count;
	bool drop_in_alone; /* no policy.conf beside it: the catalogue is elsewhere */
};

static void
tool_check_add(struct tool_check_all *all, const char *id, const char *file, unsigned line,
    unsigned column, const char *text, const char *why)
{
	struct tool_check_item *items = reallocarray(all->items, all->count + 1, sizeof(*items));

	if (items == NULL)
		return;
	all->items = items;
	items[all->count++] = (struct tool_check_item){strdup(file), id != NULL ? strdup(id) : NULL,
	    strdup(text), why != NULL ? strdup(why) : NULL, line, column};
	*(id != NULL ? &all->check->findings : &all->check->errors) += 1;
}

/* --- where it stands --------------------------------------------------------------------------- */

/* The line and column of a key of the section at *line, or of a word of it; else the section's head. */
static void
tool_check_find(const struct set *set, const char *file, const char *key, const char *word,
    unsigned *line, unsigned *column)
{
	const struct set_file *source = set_find(set, file);
	const char *at = source != NULL ? source->data : "", *end, *found;
	unsigned number = 1;
	size_t length = key != NULL ? strlen(key) : 0;
	bool here = false;

	*column = 1;
	for (; key != NULL && *at != '\0'; number++, at = *end != '\0' ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		if (number <= *line)
			continue;
		if (*at == '[')
			return;
		if (*at != ' ' && *at != '\t' && *at != '#')
			here = strncmp(at, key, length) == 0 && strchr(" \t=", at[length]) != NULL;
		found = word != NULL && here && *at != '#' ? strstr(at, word) : NULL;
		if (!here || (word != NULL && (found == NULL || found >= end)))
			continue;
		*line = number;
		*column = word != NULL ? (unsigned)(found - at) + 1 : 1;
		return;
	}
}

static void
tool_check_finding(void *context, const struct review_finding *finding)
{
	struct tool_check_all *all = context;
	unsigned line = finding->line, column;

	tool_check_find(all->set, finding->file, finding->key, finding->word, &line, &column);
	tool_check_add(all, finding->id, finding->file, line, column, finding->text, finding->why);
}

static void __attribute__((format(printf, 8, 9)))
tool_check_say(struct tool_check_all *all, const char *id, const char *file, unsigned line,
    const char *key, const char *word, const char *why, const char *format, ...)
{
	char text[POLICY_TEXT_MAX];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	plain_line(text);
	tool_check_finding(all, &(struct review_finding){id, file, line, key, word, text, why});
}

static void
tool_check_mistake(void *context, const struct policy_mistake *mistake)
{
	tool_check_add(
	    context, NULL, mistake->file, mistake->line, mistake->column, mistake->text, NULL);
}

/* --- users, hosts, devices --------------------------------------------------------------------- */

static bool
tool_check_member(void *context, const char *user, const char *name)
{
	struct group *group = getgrnam(name);
	struct passwd *account;

	(void)context;
	for (char **member = group != NULL ? group->gr_mem : NULL;
	     member != NULL && *member != NULL; member++)
		if (strcmp(*member, user) == 0)
			return true;
	account = group != NULL ? getpwnam(user) : NULL;
	return account != NULL && account->pw_gid == group->gr_gid;
}

static bool
tool_check_has_netgroup(const char *name)
{
	bool has = setnetgrent(name) == 1;

	endnetgrent();
	return has;
}

static const char *const tool_check_kinds[] = {
    [RULE_DENY] = "deny", [RULE_ALLOW] = "allow", [RULE_GRANT] = "grant"};

static void
tool_check_users(struct tool_check_all *all, const struct rule *rule)
{
	static const char why[] =
	    "a name that is nobody's matches nobody, and later whoever gets it";

	for (size_t i = 0; i < rule->users.count; i++) {
		const struct users_entry *entry = &rule->users.entries[i];
		const char *what = NULL;

		if (entry->type == USERS_NAME && getpwnam(entry->name) == NULL)
			what = "account";
		else if (entry->type == USERS_GROUP && getgrnam(entry->name) == NULL)
			what = "group";
		else if (entry->type == USERS_NETGROUP && !tool_check_has_netgroup(entry->name))
			what = "netgroup";
		else if (entry->type == USERS_UID && getpwuid(entry->uid) == NULL)
			what = "account of uid";
		if (what != NULL)
			tool_check_say(all, "unknown-user", rule->file, rule->line, "users",
			    entry->name, why, "[%s %s] this host knows no %s %s",
			    tool_check_kinds[rule->kind], rule->name, what, entry->name);
	}
	if (rule->run_as != NULL && getpwnam(rule->run_as) == NULL)
		tool_check_say(all, "unknown-user", rule->file, rule->line, "run_as", rule->run_as,
		    "no launch by this rule can start", "[%s %s] this host knows no account %s",
		    tool_check_kinds[rule->kind], rule->name, rule->run_as);
}

static bool
tool_check_host_is_known(const char *host)
{
	struct utsname names;
	struct addrinfo *found = NULL;
	size_t length = strlen(host);

	if (strpbrk(host, "*?[") != NULL)
		return true;
	if (uname(&names) == 0 && strncasecmp(names.nodename, host, length) == 0 &&
	    (names.nodename[length] == '\0' || names.nodename[length] == '.'))
		return true;
	if (getaddrinfo(host, NULL, NULL, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

static void
tool_check_hosts(struct tool_check_all *all, const struct rule *rule)
{
	for (size_t i = 0; i < rule->hosts.count; i++)
		if (!tool_check_host_is_known(rule->hosts.items[i]))
			tool_check_say(all, "unknown-host", rule->file, rule->line, "hosts",
			    rule->hosts.items[i],
			    "hosts are compared by the name the kernel has (hostname): a rule for "
			    "a "
			    "name that is none never matches",
			    "[%s %s] there is no host %s", tool_check_kinds[rule->kind], rule->name,
			    rule->hosts.items[i]);
}

/* A CDI name or pattern: is there such a device here? */
static bool
tool_check_has_cdi(const char *device)
{
	char error[POLICY_TEXT_MAX];
	struct tool_cdi *cdi = tool_cdi(NULL, 0, error, sizeof(error));
	bool found = false;

	for (size_t i = 0; cdi != NULL && i < cdi->name_count; i++)
		found = found || match_text(device, cdi->names[i].name);
	if (cdi != NULL)
		free(cdi->text);
	free(cdi);
	return found;
}

static void
tool_check_devices(struct tool_check_all *all, const struct rule *rule)
{
	for (size_t i = 0; i < rule->devices.count; i++) {
		const char *device = rule->devices.items[i];
		bool found =
		    strcmp(device, "*") == 0 ||
		    (device[0] == '/' ? strpbrk(device, "*?[") != NULL || access(device, F_OK) == 0
		                      : tool_check_has_cdi(device));

		if (!found)
			tool_check_say(all, "unknown-device", rule->file, rule->line, "devices",
			    device, "on this host it grants or forbids nothing",
			    "[%s %s] there is no %s here", tool_check_kinds[rule->kind], rule->name,
			    device);
	}
}

/* --- images ------------------------------------------------------------------------------------ */

/* Root's, or an image_owner's, and writable by nobody else. */
static bool
tool_check_is_safe(const struct policy *policy, const struct stat *st)
{
	const char *const *owner = policy_settings(policy)->image_owners;
	struct passwd *account = NULL;

	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return false;
	if (st->st_uid == 0)
		return true;
	for (; owner != NULL && *owner != NULL; owner++)
		if ((account = getpwnam(*owner)) != NULL && account->pw_uid == st->st_uid)
			return true;
	return false;
}

/* The first part of path, from / down, that somebody else can change; "" none. */
static void
tool_check_unsafe(const struct policy *policy, const char *path, char *unsafe, size_t size)
{
	char real[PATH_MAX], part[PATH_MAX];
	struct stat st;

	unsafe[0] = '\0';
	if (realpath(path, real) == NULL)
		return;
	for (size_t length = 1;; length++) {
		bool end = real[length] == '\0';

		if (!end && real[length] != '/' && length != 1)
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)length, real);
		if (stat(part, &st) == 0 && !tool_check_is_safe(policy, &st)) {
			snprintf(unsafe, size, "%s", part);
			return;
		}
		if (end)
			return;
	}
}

static bool
tool_check_hash(const char *path, char hex[POLICY_SHA256_SIZE])
{
	uint8_t buffer[65536], digest[SHA256_DIGEST_LENGTH];
	FILE *file = fopen(path, "re");
	SHA2_CTX sha;
	size_t got;
	bool ok;

	if (file == NULL)
		return false;
	SHA256Init(&sha);
	while ((got = fread(buffer, 1, sizeof(buffer), file)) > 0)
		SHA256Update(&sha, buffer, got);
	ok = ferror(file) == 0;
	fclose(file);
	SHA256Final(digest, &sha);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return ok;
}

static void
tool_check_image(struct tool_check_all *all, const struct policy_image *image)
{
	char unsafe[PATH_MAX], hex[POLICY_SHA256_SIZE] = "";
	struct warm warm;
	struct stat st;

	if (stat(image->path, &st) != 0) {
		if (errno != EACCES)
			tool_check_say(all, "missing-image", image->file, image->line, "path", NULL,
			    "every launch of it is refused", "[image %s] %s: %s", image->name,
			    image->path, strerror(errno));
		return;
	}
	tool_check_unsafe(all->policy, image->path, unsafe, sizeof(unsafe));
	if (unsafe[0] != '\0')
		tool_check_say(all, "writable-image", image->file, image->line, "path", NULL,
		    "who can change it chooses what everybody else runs, and what root's kernel "
		    "mounts: "
		    "launches are refused",
		    "[image %s] %s can be changed by others than root and image_owners",
		    image->name, unsafe);
	warm_look(image->name, &st, &warm);
	if (warm.state == WARM_OLD)
		tool_check_say(all, "warm-old", image->file, image->line, "path", NULL,
		    "launches mount what is there now, and the old file's room is not free: "
		    "`boxdo image warm --all`",
		    "[image %s] kept warm is the file before it was replaced or changed",
		    image->name);
	if (image->sha256 == NULL)
		return;
	if (!S_ISREG(st.st_mode))
		tool_check_say(all, "digest", image->file, image->line, "sha256", NULL,
		    "a digest is that of a file", "[image %s] is no file: its sha256 says nothing",
		    image->name);
	else if (tool_check_hash(image->path, hex) && strcmp(hex, image->sha256) != 0)
		tool_check_say(all, "digest", image->file, image->line, "sha256", NULL,
		    "the file is not the one this policy was written for",
		    "[image %s] has sha256 %s", image->name, hex);
}

static void
tool_check_rule_images(struct tool_check_all *all, const struct rule *rule)
{
	for (size_t i = 0; i < rule->images.count; i++) {
		const char *word = rule->images.items[i];
		bool found = word[0] == '/' || strpbrk(word, "*?[") != NULL || all->drop_in_alone;

		for (size_t j = 0; !found && j < all->policy->image_count; j++) {
			const struct policy_image *image = &all->policy->images[j];

			found = strncmp(word, "sha256:", 7) == 0
			            ? image->sha256 != NULL && strcmp(word + 7, image->sha256) == 0
			            : strcmp(word, image->name) == 0;
		}
		if (!found)
			tool_check_say(all, "unknown-image", rule->file, rule->line, "images", word,
			    "the rule is not about any image by this name",
			    "[%s %s] the catalogue has no image %s", tool_check_kinds[rule->kind],
			    rule->name, word);
	}
}

/* --- secrets ----------------------------------------------------------------------------------- */

static bool
tool_check_is_secret(const char *path)
{
	static const char *const names[] = {"id_rsa", "id_ed25519", ".netrc", "credentials", ".pem",
	    ".key", ".keytab", "token", "secret", "password", ".kube", ".ssh", ".gnupg"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(path, names[i]) != NULL)
			return true;
	return false;
}

static void
tool_check_secrets(struct tool_check_all *all, const struct rule *rule)
{
	struct stat st;

	for (size_t i = 0; rule->kind != RULE_DENY && i < rule->bind_count; i++) {
		const struct rule_bind *bind = &rule->binds[i];

		if (bind->source[0] == '/' && tool_check_is_secret(bind->source) &&
		    stat(bind->source, &st) == 0 && (st.st_mode & S_IROTH) != 0)
			tool_check_say(all, "secret", rule->file, rule->line,
			    bind->always ? "always" : "binds", bind->source,
			    "everybody on this host can read it, with or without a container: "
			    "chmod o-r",
			    "[%s %s] %s looks like a secret and is readable by all",
			    tool_check_kinds[rule->kind], rule->name, bind->source);
	}
	for (size_t i = 0; i < rule->command_count; i++)
		for (const char **word = rule->commands[i].words; *word != NULL; word++)
			for (const char *const *glob = policy_default_redact; *glob != NULL; glob++)
				if (match_text(*glob, *word) &&
				    strcmp(strchr(*word, '=') + 1, "*") != 0)
					tool_check_say(all, "secret", rule->file, rule->line,
					    "command", *word,
					    "whoever may read the policy reads it; let the command "
					    "read "
					    "a file",
					    "[%s %s] a command with a secret in it",
					    tool_check_kinds[rule->kind], rule->name);
}

/* --- all of it --------------------------------------------------------------------------------- */

static void
tool_check_system(struct tool_check_all *all)
{
	size_t count;
	const struct policy_image *images = policy_images(all->policy, &count);

	for (size_t i = 0; !all->check->offline && i < count; i++)
		tool_check_image(all, &images[i]);
	for (int kind = 0; kind < RULE_KINDS; kind++)
		for (const struct rule *rule = all->policy->rules[kind]; rule != NULL;
		     rule = rule->next) {
			tool_check_rule_images(all, rule);
			tool_check_secrets(all, rule);
			if (all->check->offline)
				continue;
			tool_check_users(all, rule);
			tool_check_hosts(all, rule);
			tool_check_devices(all, rule);
		}
}

/* --only=grant: a file that is somebody else's to write may add, and do nothing else. */
static void
tool_check_only_grants(struct tool_check_all *all)
{
	for (size_t i = 0; i < all->set->count; i++) {
		const struct set_file *file = &all->set->files[i];
		const char *at = file->data;

		for (unsigned line = 1; *at != '\0'; line++) {
			size_t length = strcspn(at, "\n");

			if (at[0] == '[' && strncmp(at, "[grant ", 7) != 0)
				tool_check_add(all, NULL, file->path, line, 1,
				    "only [grant ...] has a place in this file (--only=grant)",
				    NULL);
			at += length + (at[length] == '\n');
		}
	}
}

static int
tool_check_by_place(const void *a, const void *b)
{
	const struct tool_check_item *x = a, *y = b;
	int order = strcmp(x->file, y->file);

	return order != 0           ? order
	       : x->line != y->line ? (x->line < y->line ? -1 : 1)
	                            : (int)x->column - (int)y->column;
}

static void
tool_check_show(const struct tool_check_all *all, const struct tool_check_item *item)
{
	const struct set_file *file = set_find(all->set, item->file);
	FILE *out = item->id == NULL ? stderr : stdout;

	mistake_show_in(out,
	    &(struct policy_mistake){item->file, item->line, item->column, item->text},
	    file != NULL ? file->data : "", file != NULL ? file->size : 0);
	if (item->why != NULL)
		fprintf(out, "        (%s: %s)\n", item->id, item->why);
}

static void
tool_check_show_json(const struct tool_check_item *item, const char *comma)
{
	printf("%s\n  {\"kind\": \"%s\", \"id\": ", comma, item->id == NULL ? "error" : "finding");
	tool_json(stdout, item->id != NULL ? item->id : "syntax");
	printf(", \"file\": ");
	tool_json(stdout, item->file);
	printf(", \"line\": %u, \"column\": %u, \"text\": ", item->line, item->column);
	tool_json(stdout, item->text);
	printf(", \"why\": ");
	tool_json(stdout, item->why != NULL ? item->why : "every launch is refused");
	printf("}");
}

static void
tool_check_print(struct tool_check_all *all)
{
	const char *comma = "";

	qsort(all->items, all->count, sizeof(*all->items), tool_check_by_place);
	if (all->check->json)
		printf("[");
	for (size_t i = 0; i < all->count; i++) {
		if (all->check->json)
			tool_check_show_json(&all->items[i], comma);
		else if (!all->check->quiet || all->items[i].id == NULL)
			tool_check_show(all, &all->items[i]);
		comma = ",";
		free(all->items[i].file);
		free(all->items[i].id);
		free(all->items[i].text);
		free(all->items[i].why);
	}
	if (all->check->json)
		printf("%s]\n", all->count > 0 ? "\n" : "");
	free(all->items);
}

void
tool_check_set(const struct set *set, struct tool_check *check)
{
	struct tool_check_all all = {.set = set, .check = check};
	struct policy_error error = {.each = tool_check_mistake, .context = &all};
	struct policy *policy = set_policy(set, &error);
	struct review review = {
	    check->offline ? NULL : tool_check_member, tool_check_finding, &all, time(NULL)};

	all.policy = policy;
	all.drop_in_alone = set->count == 1 && !set->files[0].main;
	if (check->only_grants)
		tool_check_only_grants(&all);
	if (policy != NULL) {
		review_rules(policy, &review);
		tool_check_system(&all);
	}
	tool_check_print(&all);
	policy_free(policy);
}

int
tool_check(int argc, char **argv)
{
	struct tool_check check = {.json = false};
	struct set set = {NULL, 0};
	const char *path = NULL, *value;
	bool is_public;
	int at = 1, error = 0;

	while (at < argc && error == 0) {
		if (strcmp(argv[at], "--json") == 0)
			check.json = ++at > 0;
		else if (strcmp(argv[at], "--offline") == 0)
			check.offline = ++at > 0;
		else if (tool_option(argv, &at, "only", &value) == 1 && strcmp(value, "grant") == 0)
			check.only_grants = true;
		else if (argv[at] != NULL && argv[at][0] != '-' && path == NULL)
			path = argv[at++];
		else
			error = boxdo_fail("boxdo policy check [--offline] [--json] [--only=grant] "
			                   "[FILE|DIRECTORY]");
	}
	if (error == 0)
		error = path != NULL
		            ? tool_files_read(&set, path, NULL, (struct tool_owner){0, true})
		            : tool_files_installed(&set, &is_public);
	if (error == 0) {
		tool_check_set(&set, &check);
		if (!check.json && check.errors + check.findings == 0)
			tool_say("%zu file%s, nothing to remark\n", set.count,
			    set.count == 1 ? "" : "s");
	}
	set_free(&set);
	return error != 0 || check.errors > 0 ? 2 : check.findings > 0 ? 1 : 0;
}
