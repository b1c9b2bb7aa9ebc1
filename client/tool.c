/*
 * boxdo-policy: the tools of an admin and what a user may ask about the policy. One program; what it is
 * called says what it does (boxdo-policy, boxdo-explain, boxdo-list, boxdo-images).
 *
 * Runs as the caller: an ordinary user, or an admin's root. Trusts: what it is linked with, the objects
 * that decide a launch. Distrusts: every text that it shows.
 * On error: one line on standard error, exit status 125 (`policy check` and `test`: see boxdo(1)).
 */
#include "client/tool.h"
#include "client/plain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char tool_usage[] =
    "usage: boxdo policy check [--offline] [--json] [--only=grant] [FILE|DIRECTORY]\n"
    "       boxdo policy test FILE [DIRECTORY]\n"
    "       boxdo policy edit [FILE]\n"
    "       boxdo policy install DIRECTORY\n"
    "       boxdo policy digest [DIRECTORY]\n";

/* The line said last, for boxdo_failed. */
static char tool_line[1024];

static void
tool_tell(const char *format, va_list list)
{
	char line[sizeof(tool_line)];

	fflush(stdout);
	plain_say(line, sizeof(line), format, list);
	memcpy(tool_line, line, sizeof(line));
}

int
boxdo_fail(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tool_tell(format, list);
	va_end(list);
	return BOXDO_EXIT_CLIENT;
}

void
boxdo_note(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tool_tell(format, list);
	va_end(list);
}

const char *
boxdo_failed(void)
{
	return tool_line;
}

void
tool_put(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		putc(*text == '\n' ? '\n' : plain_char(*text), out);
}

void
tool_say(const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	tool_put(stdout, text != NULL ? text : "(out of memory)\n");
	free(text);
}

void
tool_json(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c > '~')
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

int
tool_option(char **argv, int *at, const char *name, const char **value)
{
	const char *word = argv[*at];
	size_t length = strlen(name);

	if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, length) != 0)
		return 0;
	if (word[2 + length] == '=') {
		*value = word + 2 + length + 1;
		++*at;
		return 1;
	}
	if (word[2 + length] != '\0')
		return 0;
	if (argv[*at + 1] == NULL) {
		boxdo_fail("--%s needs a value", name);
		return -1;
	}
	*value = argv[*at + 1];
	*at += 2;
	return 1;
}

int
tool_time(const char *text, time_t *when)
{
	static const char *const forms[] = {
	    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%H:%M"};
	time_t now = time(NULL);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {0};
		const char *end;

		localtime_r(&now, &tm);
		tm.tm_sec = 0;
		if (i == 3)
			tm.tm_hour = tm.tm_min = 0;
		end = strptime(text, forms[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		tm.tm_isdst = -1;
		*when = mktime(&tm);
		return *when == (time_t)-1 ? -1 : 0;
	}
	return -1;
}

static int
tool_digest(int argc, char **argv)
{
	struct set set = {NULL, 0};
	char hex[POLICY_SHA256_SIZE];
	bool is_public;
	int error;

	if (argc > 2)
		return boxdo_fail("boxdo policy digest [DIRECTORY]");
	error = argc == 2
	            ? tool_files_read(&set, argv[1], TOOL_POLICY_DIR, (struct tool_owner){0, true})
	            : tool_files_installed(&set, &is_public);
	if (error == 0) {
		set_digest(&set, hex);
		tool_say("%s\n", hex);
	}
	set_free(&set);
	return error;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} tool_policy[] = {
    {"check", tool_check},
    {"test", tool_test},
    {"edit", tool_edit},
    {"install", tool_install},
    {"digest", tool_digest},
};

int
main(int argc, char **argv)
{
	const char *self = argc > 0 ? argv[0] : "", *slash = strrchr(self, '/');
	int status = BOXDO_EXIT_CLIENT;

	self = slash != NULL ? slash + 1 : self;
	if (strcmp(self, "boxdo-explain") == 0)
		status = tool_explain(argc, argv);
	else if (strcmp(self, "boxdo-list") == 0)
		status = tool_list(argc, argv);
	else if (strcmp(self, "boxdo-images") == 0)
		status = tool_images(argc, argv);
	else if (strcmp(self, "boxdo-inspect") == 0)
		status = tool_inspect(argc, argv);
	else {
		for (size_t i = 0; argc > 1 && i < sizeof(tool_policy) / sizeof(tool_policy[0]);
		     i++)
			if (strcmp(argv[1], tool_policy[i].name) == 0)
				return tool_policy[i].run(argc - 1, argv + 1);
		fputs(tool_usage, argc > 1 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
		return argc > 1 && strcmp(argv[1], "--help") == 0 ? 0 : BOXDO_EXIT_CLIENT;
	}
	if (fflush(stdout) != 0)
		return boxdo_fail("standard output: %s", strerror(errno));
	return status;
}
