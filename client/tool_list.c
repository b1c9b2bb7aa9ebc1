/*
 * boxdo list: what may I run, with what, under which duties. boxdo images: the catalogue, as I see it.
 *
 * Runs as the caller; root for anyone. What a rule says is shown in its own words, so that no key can
 * be left out here. On error: told, 125.
 */
#include "client/tool.h"

#include "policy/images.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* A policy and one who asks. */
struct tool_list {
	struct set set;
	struct policy *everybodys, *view;
	struct tool_who who;
	bool public;
};

static int
tool_list_open(struct tool_list *list, const struct tool_asked *asked)
{
	struct policy_error error = {.count = 0};
	unsigned errors;

	if (tool_who_find(&list->who, asked) != 0 ||
	    tool_files_installed(&list->set, &list->public) != 0)
		return BOXDO_EXIT_CLIENT;
	list->everybodys = tool_files_policy(&list->set, &errors);
	if (list->everybodys == NULL)
		return boxdo_fail("the policy is not usable, so nothing is started");
	list->view = set_view(list->everybodys, &list->who.who, &list->who.lookup, &error);
	return list->view != NULL ? 0 : boxdo_fail("%s", error.text);
}

static void
tool_list_close(struct tool_list *list)
{
	policy_free(list->view);
	policy_free(list->everybodys);
	set_free(&list->set);
	tool_who_free(&list->who);
}

/* --user U, -U U and the rest; then nothing more. */
static int
tool_list_options(int argc, char **argv, struct tool_asked *asked)
{
	int at = 1, taken = 1;

	while (at < argc && taken == 1) {
		if (strcmp(argv[at], "-U") == 0 && argv[at + 1] != NULL) {
			asked->user = argv[at + 1];
			at += 2;
			continue;
		}
		taken = tool_who_option(asked, argv, &at);
	}
	if (taken < 0)
		return BOXDO_EXIT_CLIENT;
	return at >= argc ? 0
	                  : boxdo_fail("'%s' means nothing here: -U USER, --host HOST, --time TIME",
	                        argv[at]);
}

/* --- list -------------------------------------------------------------------------------------- */

static void
tool_list_key(void *context, const char *key, const char *value, unsigned at)
{
	(void)context;
	(void)at;
	/* That they match is why the rule is shown; the images come first. */
	if (strcmp(key, "users") != 0 && strcmp(key, "images") != 0)
		tool_say("    %-12s %s\n", key, value);
}

static void
tool_list_images(const struct tool_list *list, const struct rule *rule)
{
	size_t count;
	const struct policy_image *images = policy_images(list->view, &count);
	const char *comma = "";

	tool_say("    %-12s ", "images");
	for (size_t i = 0; i < count; i++) {
		const struct policy_question q = {
		    .image = &images[i], .image_path = images[i].path};

		if (!images_match(list->view, rule, &q))
			continue;
		tool_say("%s%s", comma, images[i].name);
		comma = ", ";
	}
	for (size_t i = 0; i < rule->images.count; i++)
		if (rule->images.items[i][0] == '/' || strcmp(rule->images.items[i], "*") == 0) {
			tool_say("%s%s%s", comma,
			    rule->images.items[i][0] == '/' ? "by path " : "any by path",
			    rule->images.items[i][0] == '/' ? rule->images.items[i] : "");
			comma = ", ";
		}
	tool_say(
	    "%s\n", comma[0] == '\0' ? rule->images.count == 0 ? "any" : "none that is there" : "");
}

static void
tool_list_rule(const struct tool_list *list, const struct rule *rule, const char *kind)
{
	tool_say("%s %s (%s:%u)\n", kind, rule->name, rule->file, rule->line);
	tool_list_images(list, rule);
	tool_files_keys(&list->set, rule->file, rule->line, tool_list_key, NULL);
}

static size_t
tool_list_rules(
    const struct tool_list *list, enum rule_kind kind, const char *name, const char *head)
{
	size_t count = 0;

	for (const struct rule *rule = list->view->rules[kind]; rule != NULL; rule = rule->next) {
		if (count++ == 0)
			tool_say("%s\n", head);
		tool_list_rule(list, rule, name);
	}
	return count;
}

int
tool_list(int argc, char **argv)
{
	struct tool_list list = {.public = false};
	struct tool_asked asked = {.user = NULL};
	int status = tool_list_options(argc, argv, &asked);
	char when[32] = "";
	struct tm tm;

	if (status == 0)
		status = tool_list_open(&list, &asked);
	if (status == 0) {
		if (localtime_r(&list.who.who.now, &tm) != NULL)
			strftime(when, sizeof(when), "%a %Y-%m-%d %H:%M", &tm);
		tool_say("%s on %s, %s:\n", list.who.name, list.who.host, when);
		if (tool_list_rules(&list, RULE_ALLOW, "allow",
		        "\nMay run; the first that grants all that is asked for decides:") == 0)
			tool_say("\nMay run nothing.\n");
		else
			tool_list_rules(&list, RULE_GRANT, "grant", "\nBeside any of those:");
		tool_list_rules(
		    &list, RULE_DENY, "deny", "\nRefused all the same, when all of it matches:");
	}
	tool_list_close(&list);
	return status;
}

/* --- images ------------------------------------------------------------------------------------ */

/* What the file is, by its first bytes; "-" where it cannot be read. */
static const char *
tool_images_kind(const char *path, const struct stat *st)
{
	unsigned char head[1028] = "";
	FILE *file;
	size_t got;

	if (S_ISDIR(st->st_mode))
		return "directory";
	if (!S_ISREG(st->st_mode) || (file = fopen(path, "re")) == NULL)
		return "-";
	got = fread(head, 1, sizeof(head), file);
	fclose(file);
	if (got >= 4 && memcmp(head, "hsqs", 4) == 0)
		return "squashfs";
	if (got == sizeof(head) && memcmp(head + 1024, "\xe2\xe1\xf5\xe0", 4) == 0)
		return "erofs";
	if (got >= 42 && memcmp(head + 32, "SIF_MAGIC", 9) == 0)
		return "sif";
	return "?";
}

static void
tool_images_size(const struct stat *st, char *text, size_t size)
{
	static const char units[] = "BKMGT";
	double bytes = (double)st->st_size;
	size_t unit = 0;

	if (S_ISDIR(st->st_mode)) {
		snprintf(text, size, "-");
		return;
	}
	for (; bytes >= 1024 && units[unit + 1] != '\0'; unit++)
		bytes /= 1024;
	snprintf(text, size, unit == 0 || bytes >= 100 ? "%.0f%c" : "%.1f%c", bytes, units[unit]);
}

/* The first allow that is about the image, unless a deny refuses all of it; NULL: none. */
static const struct rule *
tool_images_rule(const struct policy *view, const struct policy_image *image, bool *denied)
{
	const struct policy_question q = {.image = image, .image_path = image->path};
	const struct rule *rule;

	*denied = false;
	for (rule = view->rules[RULE_DENY]; rule != NULL; rule = rule->next)
		if (images_match(view, rule, &q) && !rule->has_command && !rule->has_binds &&
		    !rule->has_devices && !rule->has_network && rule->run_as == NULL) {
			*denied = true;
			return rule;
		}
	for (rule = view->rules[RULE_ALLOW]; rule != NULL; rule = rule->next)
		if (images_match(view, rule, &q))
			return rule;
	return NULL;
}

int
tool_list_image(const char *name,
    void (*found)(void *context, const struct policy_image *image, const char *rule), void *context)
{
	struct tool_list list = {.public = false};
	const struct tool_asked asked = {.user = NULL};
	int status = tool_list_open(&list, &asked);
	const struct policy_image *images, *image = NULL;
	const struct rule *rule;
	size_t count;
	bool denied;

	if (status == 0) {
		images = policy_images(list.view, &count);
		if (name[0] != '/')
			image = policy_image_named(list.view, name);
		for (size_t i = 0; image == NULL && i < count; i++)
			if (strcmp(images[i].path, name) == 0)
				image = &images[i];
		rule = image != NULL ? tool_images_rule(list.view, image, &denied) : NULL;
		if (rule != NULL && !denied)
			found(context, image, rule->name);
	}
	tool_list_close(&list);
	return status;
}

static void
tool_images_row(const struct tool_list *list, const struct policy_image *image)
{
	bool denied;
	const struct rule *rule = tool_images_rule(list->view, image, &denied);
	const char *kind = "missing";
	char size[32] = "-";
	struct stat st;

	if (stat(image->path, &st) == 0) {
		kind = tool_images_kind(image->path, &st);
		tool_images_size(&st, size, sizeof(size));
	} else if (access(image->path, F_OK) != 0) {
		/* Root's directories are closed to users: that is no sign of a missing image. */
		kind = geteuid() == 0 ? "missing" : "-";
	}
	tool_say("%-20s %-9s %7s %-8.7s %-28s %s%s%s\n", image->name, kind, size,
	    image->sha256 != NULL ? image->sha256 : "-", image->path,
	    rule == NULL ? "not permitted"
	    : denied     ? "deny "
	                 : "allow ",
	    rule != NULL ? rule->name : "",
	    rule != NULL && !denied && rule->has_command      ? " (some commands)"
	    : rule != NULL && !denied && rule->run_as != NULL ? " (as another account)"
	                                                      : "");
}

int
tool_images(int argc, char **argv)
{
	struct tool_list list = {.public = false};
	struct tool_asked asked = {.user = NULL};
	int status = tool_list_options(argc, argv, &asked);
	const struct policy_image *images;
	size_t count;

	if (status == 0)
		status = tool_list_open(&list, &asked);
	if (status == 0 && (status = tool_who_become(&list.who)) == 0) {
		images = policy_images(list.view, &count);
		tool_say("%-20s %-9s %7s %-8s %-28s %s\n", "NAME", "KIND", "SIZE", "SHA256", "PATH",
		    "PERMITTED BY");
		for (size_t i = 0; i < count; i++)
			tool_images_row(&list, &images[i]);
	}
	tool_list_close(&list);
	return status;
}
