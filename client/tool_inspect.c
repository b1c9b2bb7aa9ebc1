/*
 * boxdo inspect: containers of one's own that run, and images one may run, as docker inspect shows them.
 *
 * Runs as whoever typed it, with no more than boxdo ps and boxdo images say. The names of the fields are docker's,
 * for what scripts look at; what is not known here is left out rather than made up. Of docker's templates it knows
 * {{.A.B}}, {{json .A.B}} and {{json .}}. On error: told; 1 where there is no such thing, else 125.
 */
#include "client/running.h"
#include "client/tool.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INSPECT_ID_MIN 4 /* digits: as boxdo stop */
#define INSPECT_FIELDS_MAX 32

enum inspect_kind { INSPECT_TEXT, INSPECT_BARE, INSPECT_LIST }; /* "x"; x; ["x"] */

struct inspect_field {
	const char *path; /* "State.Pid"; fields of one object follow one another */
	enum inspect_kind kind;
	char text[512];
};

struct inspect {
	const char *format; /* NULL: all, as JSON */
	const char *type;   /* NULL, "container" or "image" */
	struct inspect_field fields[INSPECT_FIELDS_MAX];
	size_t count;
	size_t shown;
};

static void __attribute__((format(printf, 4, 5)))
inspect_add(struct inspect *all, const char *path, enum inspect_kind kind, const char *format, ...)
{
	struct inspect_field *field = &all->fields[all->count++];
	va_list arguments;

	field->path = path;
	field->kind = kind;
	va_start(arguments, format);
	vsnprintf(field->text, sizeof(field->text), format, arguments);
	va_end(arguments);
}

static void
inspect_container(struct inspect *all, const struct running_entry *entry)
{
	time_t since = (time_t)(entry->since / 1000000);
	char when[64] = "";
	struct tm tm;

	if (gmtime_r(&since, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	all->count = 0;
	inspect_add(all, "Id", INSPECT_TEXT, "%s", entry->id);
	inspect_add(
	    all, "Name", INSPECT_TEXT, "/%s", entry->name[0] != '\0' ? entry->name : entry->id);
	inspect_add(all, "Created", INSPECT_TEXT, "%s", when);
	if (strlen(entry->image_sha256) == 64)
		inspect_add(all, "Image", INSPECT_TEXT, "sha256:%s", entry->image_sha256);
	inspect_add(all, "State.Status", INSPECT_TEXT, "running");
	inspect_add(all, "State.Running", INSPECT_BARE, "true");
	inspect_add(all, "State.Paused", INSPECT_BARE, "false");
	inspect_add(all, "State.Restarting", INSPECT_BARE, "false");
	inspect_add(all, "State.Dead", INSPECT_BARE, "false");
	inspect_add(all, "State.Pid", INSPECT_BARE, "%d", entry->init);
	inspect_add(all, "State.ExitCode", INSPECT_BARE, "0");
	inspect_add(all, "State.StartedAt", INSPECT_TEXT, "%s", when);
	inspect_add(all, "Config.Image", INSPECT_TEXT, "%s", entry->image);
	inspect_add(all, "Config.User", INSPECT_TEXT, "%s", entry->run_as);
	inspect_add(all, "Boxdo.Command", INSPECT_TEXT, "%s", entry->command);
	inspect_add(all, "Boxdo.ImagePath", INSPECT_TEXT, "%s", entry->image_path);
	inspect_add(all, "Boxdo.Rule", INSPECT_TEXT, "%s", entry->rule);
	if (entry->joins[0] != '\0')
		inspect_add(all, "Boxdo.Joins", INSPECT_TEXT, "%s", entry->joins);
}

static void
inspect_image(void *context, const struct policy_image *image, const char *rule)
{
	struct inspect *all = context;
	struct stat st;

	all->count = 0;
	if (image->sha256 != NULL)
		inspect_add(all, "Id", INSPECT_TEXT, "sha256:%s", image->sha256);
	inspect_add(all, "RepoTags", INSPECT_LIST, "%s", image->name);
	inspect_add(all, "Architecture", INSPECT_TEXT, "amd64");
	inspect_add(all, "Os", INSPECT_TEXT, "linux");
	if (stat(image->path, &st) == 0 && S_ISREG(st.st_mode))
		inspect_add(all, "Size", INSPECT_BARE, "%" PRIu64, (uint64_t)st.st_size);
	inspect_add(all, "Boxdo.Path", INSPECT_TEXT, "%s", image->path);
	inspect_add(all, "Boxdo.Rule", INSPECT_TEXT, "%s", rule);
}

/* --- what is shown ------------------------------------------------------------------------------------- */

static void
inspect_value(const struct inspect_field *field)
{
	if (field->kind == INSPECT_BARE) {
		fputs(field->text, stdout);
		return;
	}
	fputs(field->kind == INSPECT_LIST ? "[" : "", stdout);
	tool_json(stdout, field->text);
	fputs(field->kind == INSPECT_LIST ? "]" : "", stdout);
}

static void
inspect_json(const struct inspect *all)
{
	const char *object = "", *comma = "";

	putchar('{');
	for (size_t i = 0; i < all->count; i++) {
		const char *path = all->fields[i].path, *dot = strchr(path, '.');
		size_t length = dot != NULL ? (size_t)(dot - path) + 1 : 0;

		/* The one that is open is another's. */
		if (object[0] != '\0' && (length == 0 || strncmp(object, path, length) != 0)) {
			putchar('}');
			object = "";
		}
		printf("%s", comma);
		if (length > 0 && object[0] == '\0') {
			printf("\"%.*s\":{", (int)length - 1, path);
			object = path;
		}
		printf("\"%s\":", path + length);
		inspect_value(&all->fields[i]);
		comma = ",";
	}
	printf("%s}", object[0] != '\0' ? "}" : "");
}

static const struct inspect_field *
inspect_named(const struct inspect *all, const char *path, size_t length)
{
	for (size_t i = 0; i < all->count; i++)
		if (strlen(all->fields[i].path) == length &&
		    strncmp(all->fields[i].path, path, length) == 0)
			return &all->fields[i];
	return NULL;
}

/* What stands between {{ and }}. */
static int
inspect_action(const struct inspect *all, const char *text, size_t length)
{
	const struct inspect_field *field;
	bool json = length > 5 && strncmp(text, "json ", 5) == 0;
	const char *path = json ? text + 5 : text;
	size_t left = json ? length - 5 : length;

	if (json && left == 1 && *path == '.') {
		inspect_json(all);
		return 0;
	}
	field = left > 1 && *path == '.' ? inspect_named(all, path + 1, left - 1) : NULL;
	if (field == NULL)
		return boxdo_fail(
		    "{{%.*s}} is not known here; boxdo inspect without --format shows "
		    "all there is",
		    (int)length, text);
	if (json)
		inspect_value(field);
	else
		tool_say("%s", field->text);
	return 0;
}

static int
inspect_format(const struct inspect *all)
{
	const char *at = all->format, *begin, *end;
	int error = 0;

	if (strcmp(at, "json") == 0) {
		inspect_json(all);
		at = "";
	}
	for (; error == 0 && (begin = strstr(at, "{{")) != NULL; at = end + 2) {
		end = strstr(begin, "}}");
		if (end == NULL)
			return boxdo_fail("--format %s: a {{ has no }}", all->format);
		printf("%.*s", (int)(begin - at), at);
		begin += 2 + strspn(begin + 2, " ");
		while (end > begin && end[-1] == ' ')
			end--;
		error = inspect_action(all, begin, (size_t)(end - begin));
		end += strspn(end, " ");
	}
	if (error == 0)
		printf("%s\n", at);
	return error;
}

static int
inspect_show(struct inspect *all)
{
	if (all->format != NULL)
		return inspect_format(all);
	fputs(all->shown++ > 0 ? ",\n" : "\n", stdout);
	inspect_json(all);
	return 0;
}

/* --- what is meant ------------------------------------------------------------------------------------- */

static bool
inspect_meant(const struct running_entry *entry, const char *word)
{
	return (entry->name[0] != '\0' && strcmp(entry->name, word) == 0) ||
	       (strlen(word) >= INSPECT_ID_MIN && strncmp(entry->id, word, strlen(word)) == 0);
}

static int
inspect_one(struct inspect *all, const struct running_list *list, const char *word)
{
	all->count = 0;
	for (size_t i = 0; i < list->count && all->count == 0; i++)
		if (inspect_meant(&list->items[i].entry, word))
			inspect_container(all, &list->items[i].entry);
	if (all->count == 0 && (all->type == NULL || strcmp(all->type, "image") == 0) &&
	    tool_list_image(word, inspect_image, all) != 0)
		return BOXDO_EXIT_CLIENT;
	if (all->count > 0)
		return inspect_show(all);
	boxdo_fail("%s: no container of yours that runs, and no image that you may run", word);
	return 1;
}

static int
inspect_options(struct inspect *all, char **argv, int *at)
{
	while (argv[*at] != NULL && argv[*at][0] == '-') {
		int taken;

		if (strcmp(argv[*at], "-f") == 0 && argv[*at + 1] != NULL) {
			all->format = argv[*at + 1];
			*at += 2;
			continue;
		}
		taken = tool_option(argv, at, "format", &all->format);
		if (taken == 0)
			taken = tool_option(argv, at, "type", &all->type);
		if (taken < 0)
			return BOXDO_EXIT_CLIENT;
		if (taken == 0)
			return boxdo_fail("%s means nothing here: --format TEMPLATE, --type "
			                  "container|image",
			    argv[*at]);
	}
	if (all->type != NULL && strcmp(all->type, "container") != 0 &&
	    strcmp(all->type, "image") != 0)
		return boxdo_fail("--type takes container or image");
	return argv[*at] != NULL ? 0 : boxdo_fail("boxdo inspect [OPTIONS] NAME|ID ...");
}

int
tool_inspect(int argc, char **argv)
{
	struct inspect all = {.format = NULL};
	struct running_list list = {.items = NULL};
	int at = 1, error = inspect_options(&all, argv, &at), one;

	(void)argc;
	if (error == 0 && (all.type == NULL || strcmp(all.type, "container") == 0))
		error = running_read(&list);
	if (error != 0)
		return error;
	if (all.format == NULL)
		putchar('[');
	for (; argv[at] != NULL; at++) {
		one = inspect_one(&all, &list, argv[at]);
		error = one > error ? one : error;
	}
	if (all.format == NULL)
		puts(all.shown > 0 ? "\n]" : "]");
	running_free(&list);
	return error;
}
