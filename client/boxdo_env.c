/*
 * Variables for the container: -e and --env-file, by docker's rules.
 *
 * Runs as the caller. Values never stand on a command line, where everybody on the machine could read
 * them: they travel in the environment, as BOXDO_ENV_NAME=VALUE (see broker/request.h). On error: one
 * line that names the file and line, exit code 125.
 */
#include "client/boxdo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

#define NAME_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* The variable of that name, or a new one; NULL: too many, or out of memory. */
static struct boxdo_variable *
boxdo_env_find(struct boxdo_run *run, const char *name, size_t length)
{
	struct boxdo_variable *variable;

	for (size_t i = 0; i < run->variable_count; i++) {
		variable = &run->variables[i];
		if (strncmp(variable->name + strlen("env="), name, length) == 0 &&
		    variable->name[strlen("env=") + length] == '\0')
			return variable;
	}
	if (run->variable_count == REQUEST_ENVS_MAX)
		return NULL;
	variable = &run->variables[run->variable_count];
	*variable = (struct boxdo_variable){.from_file = true};
	if (asprintf(&variable->name, "env=%.*s", (int)length, name) < 0)
		return NULL;
	run->variable_count++;
	return variable;
}

/* value NULL: as it is set here, and unset inside where it is not (-e NAME, docker's rule). */
static int
boxdo_env_set(
    struct boxdo_run *run, const char *name, size_t length, const char *value, bool from_file)
{
	struct boxdo_variable *variable = boxdo_env_find(run, name, length);

	if (variable == NULL)
		return boxdo_fail(
		    "more than %d variables with -e and --env-file", REQUEST_ENVS_MAX);
	if (from_file && !variable->from_file)
		return 0;
	variable->from_file = from_file;
	free(variable->entry);
	variable->entry = NULL;
	if (value == NULL)
		value = getenv(variable->name + strlen("env="));
	if (value == NULL)
		return 0;
	if (asprintf(&variable->entry, REQUEST_ENV_PREFIX "%.*s=%s", (int)length, name, value) >= 0)
		return 0;
	variable->entry = NULL;
	return boxdo_fail("out of memory");
}

/* NAME or NAME=VALUE; where: what an error says it was about. */
static int
boxdo_env_take(struct boxdo_run *run, const char *text, const char *where, bool from_file)
{
	size_t length = strcspn(text, "=");

	if (length == 0 || length > REQUEST_NAME_MAX || strspn(text, NAME_BYTES) < length ||
	    (*text >= '0' && *text <= '9'))
		return boxdo_fail(
		    "%s: '%.*s' is no name of a variable: letters, digits and '_', no digit first",
		    where, (int)(length < 80 ? length : 80), text);
	return boxdo_env_set(
	    run, text, length, text[length] == '=' ? text + length + 1 : NULL, from_file);
}

int
boxdo_env(struct boxdo_run *run, const char *value)
{
	return boxdo_env_take(run, value, "-e", false);
}

/* One line: white space in front is skipped, '#' begins a comment only there, the value is verbatim. */
static int
boxdo_env_line(struct boxdo_run *run, char *line, const char *path, unsigned number)
{
	char where[128];

	line += number == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	line += strspn(line, " \t\v\f\r");
	if (*line == '\0' || *line == '#')
		return 0;
	snprintf(where, sizeof(where), "%.100s:%u", path, number);
	return boxdo_env_take(run, line, where, true);
}

int
boxdo_env_file(struct boxdo_run *run, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int error = 0;

	if (file == NULL)
		return boxdo_fail("--env-file %s: %s", path, strerror(errno));
	for (unsigned number = 1; error == 0 && (length = getline(&line, &size, file)) > 0;
	     number++) {
		if (line[length - 1] == '\n')
			line[--length] = '\0';
		if (length > 0 && line[length - 1] == '\r')
			line[--length] = '\0';
		if (strlen(line) != (size_t)length)
			error =
			    boxdo_fail("--env-file %s:%u: the line holds a NUL byte", path, number);
		else
			error = boxdo_env_line(run, line, path, number);
	}
	if (error == 0 && ferror(file))
		error = boxdo_fail("--env-file %s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	return error;
}

int
boxdo_env_prefixed(struct boxdo_run *run, const char *prefix)
{
	size_t length = strlen(prefix);
	int error = 0;

	for (char **variable = environ; error == 0 && *variable != NULL; variable++) {
		const char *name = *variable + length, *equals;

		if (strncmp(*variable, prefix, length) != 0)
			continue;
		equals = strchr(name, '=');
		/* Who set a name that no shell can write did not mean us. */
		if (equals != NULL && equals > name && (*name < '0' || *name > '9') &&
		    strspn(name, NAME_BYTES) == (size_t)(equals - name))
			error = boxdo_env_take(run, name, prefix, true);
	}
	return error;
}
