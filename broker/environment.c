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

/* Takes entry over; NULL: there was no memory for it. */
static void
add_entry(struct builder *builder, char *entry)
{
	if (!entry)
		builder->failed = true;
	else if (has(builder, entry, strcspn(entry, "=")))
		free(entry);
	else
		builder->list[builder->count++] = entry;
}

static void
add(struct builder *builder, const char *name, const char *value)
{
	char *entry;

	add_entry(builder, asprintf(&entry, "%s=%s", name, value) < 0 ? NULL : entry);
}

/* The name in NAME=VALUE, and its value; NULL: longer than anybody's variable, or none. */
static const char *
split(const char *entry, char name[256])
{
	const char *equals = strchr(entry, '=');

	if (!equals || equals == entry || equals - entry >= 256)
		return NULL;
	memcpy(name, entry, (size_t)(equals - entry));
	name[equals - entry] = '\0';
	return equals + 1;
}

/* Of the image: made for it, so what loaders and interpreters read is welcome, if the rule narrows or not. */
static void
add_own(struct builder *builder, const char *entry)
{
	char name[256];
	const char *value = split(entry, name);

	if (value)
		add(builder, name, value);
}

/* One of shell syntax (BASH_FUNC_x%%) is code. */
static void
add_ambient(struct builder *builder, const char *entry, const char *const *allowed)
{
	char name[256];
	const char *value = split(entry, name);

	if (value && !matches(never, sizeof never / sizeof never[0], name) &&
	    (!allowed || matches(allowed, SIZE_MAX, name)))
		add(builder, name, value);
}

/* -e NAME=VALUE came as BOXDO_ENV_NAME, so that no loader took it away. NULL: it did not come. */
static const char *
asked(const struct origin *origin, const char *name)
{
	size_t prefix = strlen(REQUEST_ENV_PREFIX), length = strlen(name);

	for (char **e = origin->environment; *e; e++)
		if (strncmp(*e, REQUEST_ENV_PREFIX, prefix) == 0 &&
		    strncmp(*e + prefix, name, length) == 0 && (*e)[prefix + length] == '=')
			return *e + prefix + length + 1;
	return NULL;
}

static void
add_asked(struct builder *builder, const struct origin *origin, const char *name)
{
	const char *value = asked(origin, name);

	if (value)
		add(builder, name, value);
}

/* Behind what -e says: where the two have a library of one name, the user's is meant. */
static void
add_libraries(struct builder *builder, const struct origin *origin, const struct request *request,
    const char *directory)
{
	static const char name[] = "LD_LIBRARY_PATH";
	const char *value = NULL;
	char *entry;

	for (size_t i = 0; i < request->env_count; i++)
		if (strcmp(request->envs[i], name) == 0)
			value = asked(origin, name);
	add_entry(builder, asprintf(&entry, "%s=%s%s%s", name, value ? value : "",
	                       value && *value ? ":" : "", directory) < 0
	                       ? NULL
	                       : entry);
}

char **
environment_build(const struct origin *origin, const struct request *request,
    const char *const *own, const char *const *allowed, const struct directory_user *user,
    const char *id, const struct cdi *cdi, size_t *firm)
{
	struct builder builder = {0};
	size_t room = request->env_count + 16 + (cdi ? cdi->env_count : 0);

	for (char **e = origin->environment; *e; e++)
		room++;
	for (const char *const *e = own; e && *e; e++)
		room++;
	/* Names are compared one with another: an absurd number of them would take for ever. */
	if (room > ENVIRONMENT_MAX)
		return NULL;
	builder.list = calloc(room, sizeof *builder.list);
	if (!builder.list)
		return NULL;
	/* First come, first kept: what devices need, what was asked for, facts, the image's own, what was there. */
	if (cdi && cdi->libraries)
		add_libraries(&builder, origin, request, cdi->libraries);
	for (size_t i = 0; cdi && i < cdi->env_count; i++)
		add_entry(&builder, strdup(cdi->envs[i]));
	for (size_t i = 0; i < request->env_count; i++)
		add_asked(&builder, origin, request->envs[i]);
	add(&builder, "HOME", user->home);
	add(&builder, "USER", user->name);
	add(&builder, "LOGNAME", user->name);
	add(&builder, "container", "boxdo");
	add(&builder, "BOXDO_ID", id);
	add(&builder, "BOXDO_IMAGE", request->image);
	*firm = builder.count;
	for (const char *const *e = own; e && *e; e++)
		add_own(&builder, *e);
	add(&builder, "PATH", ENVIRONMENT_PATH);
	for (char **e = origin->environment; *e; e++)
		add_ambient(&builder, *e, allowed);
	return builder.failed ? NULL : builder.list;
}

char **
environment_with(char *const *built, size_t firm, const char *const *own)
{
	struct builder builder = {0};
	size_t room = 1;

	for (char *const *e = built; *e; e++)
		room++;
	for (const char *const *e = own; *e; e++)
		room++;
	builder.list = calloc(room, sizeof *builder.list);
	if (!builder.list)
		return NULL;
	for (; firm > 0 && *built; firm--)
		builder.list[builder.count++] = *built++;
	for (; *own; own++)
		add_own(&builder, *own);
	for (; *built; built++)
		add_entry(&builder, strdup(*built));
	return builder.failed ? NULL : builder.list;
}
