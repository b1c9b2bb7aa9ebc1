/* What the client's unit tests share: a command line in, the vector that execve would get out. */
#ifndef BOXDO_TESTS_CLIENT_TEST_H
#define BOXDO_TESTS_CLIENT_TEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/boxdo.h"

#define ARGS_MAX 2200

static char said[1024];    /* by boxdo_fail */
static char vector[65536]; /* the words given to execve, each in brackets */
static char given[65536];  /* the variables with our prefix */
static bool executed;
static char noted[1024]; /* by boxdo_note */
static int returned;

/* What the command line goes to, and its first word. */
static int (*entry)(int argc, char **argv);
static const char *entry_name;

/* The client ends by exec and frees nothing before. */
const char *
__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

int
boxdo_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(said, sizeof(said), format, arguments);
	va_end(arguments);
	return BOXDO_EXIT_CLIENT;
}

const char *
boxdo_failed(void)
{
	return said;
}

void
boxdo_note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(noted, sizeof(noted), format, arguments);
	va_end(arguments);
}

static void
append(char *text, size_t size, const char *word)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "[%s]", word);
}

int
__wrap_execve(const char *path, char *const argv[], char *const envp[]);
int
__wrap_execve(const char *path, char *const argv[], char *const envp[])
{
	static struct request request;
	char error[256] = "";
	int argc = 0;

	assert_string_equal(path, BOXDO_LIBEXEC "/boxdo-launch");
	assert_string_equal(argv[0], "boxdo-launch");
	assert_string_equal(argv[1], "1");
	for (; argv[argc] != NULL; argc++)
		if (argc > 1)
			append(vector, sizeof(vector), argv[argc]);
	for (; *envp != NULL; envp++)
		if (strncmp(*envp, REQUEST_ENV_PREFIX, strlen(REQUEST_ENV_PREFIX)) == 0)
			append(given, sizeof(given), *envp + strlen(REQUEST_ENV_PREFIX));
	memset(&request, 0, sizeof(request));
	if (request_parse(&request, argc, (char **)(uintptr_t)argv, error, sizeof(error)) != 0)
		print_error("the helper says: %s\n", error);
	assert_string_equal(error, "");
	/* A refusal goes to the helper too, which only writes it down: what was said, and no word typed. */
	if (request.refused != NULL)
		assert_string_equal(request.refused, said);
	executed = request.refused == NULL;
	errno = ENOENT;
	return -1;
}

/* entry WORDS..., cut at single spaces; %s stands for a word with spaces. */
static inline int
run_words(const char *line, const char *word)
{
	char *argv[ARGS_MAX] = {(char *)(uintptr_t)entry_name}, *copy = strdup(line), *rest = copy;
	int argc = 1;

	said[0] = noted[0] = vector[0] = given[0] = '\0';
	executed = false;
	for (char *at; (at = strsep(&rest, " ")) != NULL;)
		if (*at != '\0')
			argv[argc++] = strcmp(at, "%s") == 0 ? strdup(word) : at;
	returned = entry(argc, argv); /* the exec above never works */
	free(copy);
	return executed ? 0 : -1;
}

static inline void
gives(const char *line, const char *expected)
{
	if (run_words(line, "") != 0)
		print_error("%s: %s\n", line, said);
	assert_true(executed);
	assert_string_equal(vector, expected);
}

/* Refused, with part in what is said. */
static inline void
says(const char *line, const char *part)
{
	assert_int_equal(run_words(line, ""), -1);
	if (strstr(said, part) == NULL)
		print_error("%s: %s\n", line, said);
	assert_non_null(strstr(said, part));
}

#endif
