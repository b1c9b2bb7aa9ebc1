/*
 * boxdo: the program people type. It looks at the first word and becomes what that names.
 *
 * Runs as the caller, never more. Static and without a locale, because `boxdo run` stands in front
 * of every launch: what it costs is one small exec. Subcommands that need libraries are programs of
 * their own below BOXDO_LIBEXEC. Trusts nothing and is trusted by nobody: the helper checks all of
 * it again. On error: one line on stderr, exit code 125.
 */
#include "client/boxdo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char boxdo_usage[] =
    "usage: boxdo run [OPTIONS] IMAGE [COMMAND [ARG...]]   run a command in a container\n"
    "       boxdo shell [OPTIONS] IMAGE                    a shell in it\n"
    "       boxdo exec [OPTIONS] ID COMMAND [ARG...]       a command in a container that runs\n"
    "       boxdo docker|podman|nerdctl run ...            the same by their own command lines\n"
    "       boxdo apptainer|singularity exec|run|shell ...\n"
    "       boxdo enroot start ...\n"
    "       boxdo explain [OPTIONS] IMAGE [COMMAND...]     what of that would be allowed, and why\n"
    "       boxdo list | images                            what you may run\n"
    "       boxdo policy check|test|edit|install|digest    for an admin\n"
    "       boxdo log [OPTIONS]                            who ran what, when, how it ended\n"
    "       boxdo report [OPTIONS]                         who used what, what failed, as bars or "
    "a page\n"
    "       boxdo ps [OPTIONS]                             which containers run now\n"
    "       boxdo inspect [OPTIONS] NAME|ID...             one of them, or an image, as JSON\n"
    "       boxdo wait NAME|ID...                          how one ended, kept by run --cidfile\n"
    "       boxdo stop ID... | --user U | --image I        ends containers\n"
    "       boxdo forget                                   the next password is asked for again\n"
    "       boxdo run --help                               the options of run\n"
    "       boxdo help | version\n"
    "The manual: man boxdo. What you may run is up to the policy, boxdo-policy(5).\n";

static void
boxdo_write(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno != EINTR)
			return;
		if (written > 0) {
			text += written;
			length -= (size_t)written;
		}
	}
}

/* "boxdo: " and what was said last; its newline becomes the end. */
#define BOXDO_LINE_MAX 1024
static char boxdo_line[BOXDO_LINE_MAX] = "boxdo: ";
#define BOXDO_LINE_START (sizeof("boxdo: ") - 1)

/* What was typed may come from a file or a web page: no escape sequence reaches the terminal. */
static void
boxdo_print(char line[BOXDO_LINE_MAX], const char *format, va_list arguments)
{
	size_t length;

	vsnprintf(
	    line + BOXDO_LINE_START, BOXDO_LINE_MAX - BOXDO_LINE_START - 1, format, arguments);
	length = strlen(line);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[length] = '\n';
	boxdo_write(STDERR_FILENO, line, length + 1);
	line[length] = '\0';
}

const char *
boxdo_failed(void)
{
	return boxdo_line + BOXDO_LINE_START;
}

int
boxdo_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	boxdo_print(boxdo_line, format, arguments);
	va_end(arguments);
	return BOXDO_EXIT_CLIENT;
}

void
boxdo_note(const char *format, ...)
{
	char line[BOXDO_LINE_MAX] = "boxdo: ";
	va_list arguments;

	va_start(arguments, format);
	boxdo_print(line, format, arguments);
	va_end(arguments);
}

static int
boxdo_say(const char *text)
{
	boxdo_write(STDOUT_FILENO, text, strlen(text));
	return 0;
}

int
boxdo_say_line(const char *line)
{
	boxdo_say(line);
	return boxdo_say("\n");
}

/* A subcommand that is a program of its own. */
int
boxdo_other(char **argv)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";
	const char *name = argv[0];
	char path[128], program[64];

	/* boxdo-launch takes no options; `boxdo launch` would only confuse. */
	if (strlen(name) <= 32 && name[strspn(name, letters)] == '\0' && *name != '-' &&
	    strcmp(name, "launch") != 0) {
		snprintf(program, sizeof(program), "boxdo-%s", name);
		snprintf(path, sizeof(path), "%s/%s", BOXDO_LIBEXEC, program);
		argv[0] = program;
		execv(path, argv);
		if (errno != ENOENT)
			return boxdo_fail("cannot start %s: %s", path, strerror(errno));
	}
	return boxdo_fail(
	    "there is no subcommand '%s'; to start a container type 'boxdo run IMAGE', for"
	    " the rest see 'boxdo help'",
	    name);
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const char *self = argc > 0 ? argv[0] : "", *slash = strrchr(self, '/');
	const struct boxdo_front *front = boxdo_front_named(slash != NULL ? slash + 1 : self);

	if (front != NULL)
		return boxdo_front(front, argc, argv);
	if (argc < 2) {
		boxdo_write(STDERR_FILENO, boxdo_usage, strlen(boxdo_usage));
		return BOXDO_EXIT_CLIENT;
	}
	if (strcmp(name, "run") == 0)
		return boxdo_run(argc - 1, argv + 1);
	if (strcmp(name, "explain") == 0)
		return boxdo_explain(argc - 1, argv + 1);
	if (strcmp(name, "log") == 0 && boxdo_mine_asked(argc - 1, argv + 1))
		return boxdo_mine(argc - 1, argv + 1);
	if (strcmp(name, "shell") == 0)
		return boxdo_shell(argc - 1, argv + 1);
	if (strcmp(name, "exec") == 0)
		return boxdo_exec(NULL, argc - 1, argv + 1);
	if (strcmp(name, "wait") == 0)
		return boxdo_wait(NULL, argc - 1, argv + 1);
	front = boxdo_front_named(name);
	if (front != NULL)
		return boxdo_front(front, argc - 1, argv + 1);
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return boxdo_say(boxdo_usage);
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0)
		return boxdo_say("boxdo " BOXDO_VERSION "\n");
	if (*name == '-')
		return boxdo_fail(
		    "option '%s' stands before a subcommand; try 'boxdo run %s ...'", name, name);
	return boxdo_other(argv + 1);
}
