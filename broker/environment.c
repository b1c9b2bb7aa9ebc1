/*
 * environment.c: the command's environment
 *
 * Privilege: all ids 0, but nothing here acts on a value: strings are chosen by name and handed on to
 * the command after the drop. Where the command runs as the caller the environment protects nobody; what
 * is left out would only break it (paths of the host's loader and shells mean nothing in an image).
 */
#include "broker/environment.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Globs. PATH is the image's. TMPDIR and the like name places of the host that are not in here. */
static const char *const never[] = {"LD_*", "PATH", "GLIBC_TUNABLES", "GCONV_PATH", "GETCONF_DIR",
    "LOCPATH", "NLSPATH", "MALLOC_*", "HOSTALIASES", "RES_OPTIONS", "BASH_ENV", "ENV",
    "BASH_FUNC_*", "PYTHONHOME", "PYTHONPATH", "PERL5LIB", "TMPDIR", "TMP", "TEMP",
    "XDG_RUNTIME_DIR", "PWD", "OLDPWD", "SHLVL", "_", "HOME", "USER", "LOGNAME", "SHELL",
    "container", "BOXDO_*", "SUDO_*"};

#define ENVIRONMENT_MAX 8000

struct builder {
	char **list;
	size_t count;
	bool failed;
};

static bool
matches(const char *const *globs, size_t count, const char *name)
{
	for (size_t i = 0; i < count && globs[i]; i++)
		if (fnmatch(globs[i], name, 0) == 0)
			return true;
	return false;
}

static bool
has(const struct builder *builder, const char *entry, size_t name_length)
{
	for (size_t i = 0; i < builder->count; i++)
		if (strncmp(builder->list[i], entry, name_length + 1) == 0)
			return true;
	return false;
}

static void
add(struct builder *builder, const char *name, const char *value)
{
	char *entry;

	if (asprintf(&entry, "%s=%s", name, value) < 0) {
		builder->failed = true;
		return;
	}
	if (has(builder, entry, strlen(name)))
		free(entry);
	else
		builder->list[builder->count++] = entry;
}

static void
add_ambient(struct builder *builder, const char *entry, const char *const *allowed)
{
	const char *equals = strchr(entry, '=');
	char name[256];

	/* A name longer than that is nobody's variable; one of shell syntax (BASH_FUNC_x%%) is code. */
	if (!equals || equals == entry || (size_t)(equals - entry) >= sizeof name)
		return;
	memcpy(name, entry, (size_t)(equals - entry));
	name[equals - entry] = '\0';
	if (matches(never, sizeof never / sizeof never[0], name) ||
	    (allowed && !matches(allowed, SIZE_MAX, name)))
		return;
	add(builder, name, equals + 1);
}

/* -e NAME=VALUE came as BOXDO_ENV_NAME, so that no loader took it away. */
static void
add_asked(struct builder *builder, const struct origin *origin, const char *name)
{
	size_t prefix = strlen(REQUEST_ENV_PREFIX), length = strlen(name);

	for (char **e = origin->environment; *e; e++)
		if (strncmp(*e, REQUEST_ENV_PREFIX, prefix) == 0 &&
		    strncmp(*e + prefix, name, length) == 0 && (*e)[prefix + length] == '=') {
			add(builder, name, *e + prefix + length + 1);
			return;
		}
}

char **
environment_build(const struct origin *origin, const struct request *request,
    const char *const *allowed, const struct caller *caller, const char *id)
{
	struct builder builder = {0};
	size_t room = request->env_count + 16;

	for (char **e = origin->environment; *e; e++)
		room++;
	/* Names are compared one with another: an absurd number of them would take for ever. */
	if (room > ENVIRONMENT_MAX)
		return NULL;
	builder.list = calloc(room, sizeof *builder.list);
	if (!builder.list)
		return NULL;
	/* First come, first kept: what was asked for, then facts, then what was there. */
	for (size_t i = 0; i < request->env_count; i++)
		add_asked(&builder, origin, request->envs[i]);
	add(&builder, "PATH", ENVIRONMENT_PATH);
	add(&builder, "HOME", caller->user.home);
	add(&builder, "USER", caller->user.name);
	add(&builder, "LOGNAME", caller->user.name);
	add(&builder, "container", "boxdo");
	add(&builder, "BOXDO_ID", id);
	add(&builder, "BOXDO_IMAGE", request->image);
	for (char **e = origin->environment; *e; e++)
		add_ambient(&builder, *e, allowed);
	return builder.failed ? NULL : builder.list;
}
