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
    "       boxdo log [OPTIONS]                            who ran what, when, how it ended\n"
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
static char boxdo_line[1024] = "boxdo: ";
#define BOXDO_LINE_START (sizeof("boxdo: ") - 1)

const char *
boxdo_failed(void)
{
	return boxdo_line + BOXDO_LINE_START;
}

int
boxdo_fail(const char *format, ...)
{
	char *line = boxdo_line;
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	vsnprintf(
	    line + BOXDO_LINE_START, sizeof(boxdo_line) - BOXDO_LINE_START - 1, format, arguments);
	va_end(arguments);
	length = strlen(line);
	/* What was typed may come from a file or a web page: no escape sequence reaches the terminal. */
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[length] = '\n';
	boxdo_write(STDERR_FILENO, line, length + 1);
	line[length] = '\0';
	return BOXDO_EXIT_CLIENT;
}

static int
boxdo_say(const char *text)
{
	boxdo_write(STDOUT_FILENO, text, strlen(text));
	return 0;
}

/* A subcommand that is a program of its own. */
static int
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
	if (strcmp(name, "docker") == 0 || strcmp(name, "podman") == 0 ||
	    strcmp(name, "apptainer") == 0)
		return boxdo_fail(
		    "there is no 'boxdo %s' here yet; 'boxdo run' takes the options of docker run",
		    name);
	return boxdo_fail(
	    "there is no subcommand '%s'; to start a container type 'boxdo run IMAGE', for"
	    " the rest see 'boxdo help'",
	    name);
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (argc < 2) {
		boxdo_write(STDERR_FILENO, boxdo_usage, strlen(boxdo_usage));
		return BOXDO_EXIT_CLIENT;
	}
	if (strcmp(name, "run") == 0)
		return boxdo_run(argc - 1, argv + 1);
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return boxdo_say(boxdo_usage);
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0)
		return boxdo_say("boxdo " BOXDO_VERSION "\n");
	if (*name == '-')
		return boxdo_fail(
		    "option '%s' stands before a subcommand; try 'boxdo run %s ...'", name, name);
	return boxdo_other(argv + 1);
}
