/*
 * cdi_effect.c: what a device brings along, said in lines
 *
 * Runs as an account that owns nothing. Nothing is done here, and no hook is run: what the known ones would do is said
 * in words instead, and a device with an unknown one cannot be had. Errors: cdi_fail.
 */
#include "client/cdi.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CDI_LIBRARIES "/run/boxdo-cdi"

static void
cdi_say(const char *kind, const char *a, const char *b, const char *c)
{
	printf("%s\t%s%s%s%s%s\n", kind, a, b ? "\t" : "", b ? b : "", c ? "\t" : "", c ? c : "");
}

void
cdi_effect_nodes(const char *path, struct json_object *edits, const char *name)
{
	static const char *const known[] = {"path", "hostPath", "type", "major", "minor",
	    "fileMode", "permissions", "uid", "gid", NULL};
	struct json_object *list = cdi_value_list(path, edits, "deviceNodes");

	for (size_t i = 0; i < cdi_value_length(list); i++) {
		struct json_object *node = json_object_array_get_idx(list, i);
		const char *inside, *outside;

		cdi_value_known(path, node, "a device node", known);
		inside = cdi_value_path(path, node, "path");
		outside = cdi_value_path(path, node, "hostPath");
		if (!inside)
			cdi_fail("%s: a device node has no path", path);
		/* An empty hostPath cannot be: it would not be absolute. */
		if (name)
			cdi_say("is", name, outside ? outside : inside, NULL);
		else
			cdi_say("node", inside, outside ? outside : inside, NULL);
	}
}

static void
cdi_say_mounts(const char *path, struct json_object *edits)
{
	static const char *const known[] = {"hostPath", "containerPath", "type", "options", NULL};
	struct json_object *list = cdi_value_list(path, edits, "mounts");

	for (size_t i = 0; i < cdi_value_length(list); i++) {
		struct json_object *mount = json_object_array_get_idx(list, i), *options;
		const char *outside, *inside, *type;
		bool writable = true;

		cdi_value_known(path, mount, "a mount", known);
		outside = cdi_value_path(path, mount, "hostPath");
		inside = cdi_value_path(path, mount, "containerPath");
		type = cdi_value_text(path, mount, "type");
		if (!outside || !inside)
			cdi_fail("%s: a mount lacks hostPath or containerPath", path);
		if (type && type[0] && strcmp(type, "bind") != 0 && strcmp(type, "none") != 0)
			cdi_fail("%s: a mount of type %s cannot be had, only bind", path, type);
		options = cdi_value_list(path, mount, "options");
		for (size_t j = 0; j < cdi_value_length(options); j++)
			if (strcmp(cdi_value_item(path, options, j), "ro") == 0)
				writable = false;
		cdi_say("mount", outside, inside, writable ? "rw" : "ro");
	}
}

/*
 * What ldconfig would do inside: a library is found by its soname, which is the name of a symbolic link that
 * ldconfig has made beside the library on this host. Such links, in a directory of their own: the image's
 * libraries keep their order, and nothing in the image is covered.
 */
static void
cdi_say_library(const char *outside, const char *inside)
{
	const char *name = strrchr(outside, '/') + 1;
	char *folder = strndup(outside, (size_t)(name - outside)), link[512], target[512];
	DIR *directory = folder ? opendir(folder) : NULL;
	struct dirent *entry;

	snprintf(link, sizeof link, CDI_LIBRARIES "/%s", strrchr(inside, '/') + 1);
	cdi_say("link", link, inside, NULL);
	while (directory && (entry = readdir(directory))) {
		ssize_t length =
		    entry->d_type != DT_LNK
		        ? -1
		        : readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);

		if (length <= 0)
			continue;
		target[length] = '\0';
		if (strcmp(target, name) != 0 || strpbrk(entry->d_name, "\t\n"))
			continue;
		snprintf(link, sizeof link, CDI_LIBRARIES "/%s", entry->d_name);
		cdi_say("link", link, inside, NULL);
	}
	if (directory)
		closedir(directory);
	free(folder);
}

/* hook update-ldcache --folder F: the libraries that the same edits mount into F. */
static void
cdi_say_folder(const char *path, struct json_object *edits, const char *folder)
{
	struct json_object *list = cdi_value_list(path, edits, "mounts");
	size_t length = strlen(folder);

	while (length > 1 && folder[length - 1] == '/')
		length--;
	for (size_t i = 0; i < cdi_value_length(list); i++) {
		struct json_object *mount = json_object_array_get_idx(list, i);
		const char *outside = cdi_value_path(path, mount, "hostPath"),
		           *inside = cdi_value_path(path, mount, "containerPath");

		if (outside && inside && strncmp(inside, folder, length) == 0 &&
		    inside[length] == '/' && !strchr(inside + length + 1, '/') &&
		    strstr(inside, ".so"))
			cdi_say_library(outside, inside);
	}
	cdi_say("libraries", CDI_LIBRARIES, NULL, NULL);
}

static void
cdi_say_link(const char *path, const char *pair)
{
	const char *colons = strstr(pair, "::");
	char *target;

	if (!colons || colons[2] != '/' || colons == pair)
		cdi_fail(
		    "%s: hook create-symlinks has '%s', which is not TARGET::/LINK", path, pair);
	target = strndup(pair, (size_t)(colons - pair));
	if (!target)
		cdi_fail("out of memory");
	/* /dev/dri/by-path: a second name for what is there. In /dev are nodes, and no links of others. */
	if (strncmp(colons + 2, "/dev/", 5) != 0)
		cdi_say("link", colons + 2, target, NULL);
	free(target);
}

enum cdi_hook { CDI_LINKS, CDI_LDCACHE, CDI_NOTHING };

static enum cdi_hook
cdi_hook_named(const char *path, struct json_object *args)
{
	/*
	 * The first: the mode of our /dev is right. The next two: what they change is read-only or masked here. The
	 * last spares EGL and Vulkan the look at devices that are not there: a file less, no right more.
	 */
	static const char *const nothing[] = {"chmod", "disable-device-node-modification",
	    "enable-cuda-compat", "update-application-profile", NULL};

	for (size_t i = 0; i < cdi_value_length(args) && i < 3; i++) {
		const char *word = cdi_value_item(path, args, i);

		if (strcmp(word, "create-symlinks") == 0)
			return CDI_LINKS;
		if (strcmp(word, "update-ldcache") == 0)
			return CDI_LDCACHE;
		for (size_t j = 0; nothing[j]; j++)
			if (strcmp(word, nothing[j]) == 0)
				return CDI_NOTHING;
	}
	cdi_fail("%s: it has a hook whose effect is not known here, and hooks are never run", path);
}

static void
cdi_say_hook(const char *path, struct json_object *edits, struct json_object *hook)
{
	struct json_object *args = cdi_value_list(path, hook, "args");
	enum cdi_hook which = cdi_hook_named(path, args);
	const char *option = which == CDI_LINKS ? "--link" : "--folder";
	size_t length = strlen(option);

	for (size_t i = 0; which != CDI_NOTHING && i < cdi_value_length(args); i++) {
		const char *word = cdi_value_item(path, args, i), *value;

		if (strncmp(word, option, length) != 0)
			continue;
		if (word[length] == '=')
			value = word + length + 1;
		else if (word[length] == '\0' && i + 1 < cdi_value_length(args))
			value = cdi_value_item(path, args, ++i);
		else
			cdi_fail("%s: the hook's option '%s' is not known here", path, word);
		if (which == CDI_LINKS)
			cdi_say_link(path, value);
		else
			cdi_say_folder(path, edits, value);
	}
}

void
cdi_effect(const char *path, struct json_object *edits)
{
	struct json_object *list, *unused;

	if (json_object_object_get_ex(edits, "intelRdt", &unused) ||
	    json_object_object_get_ex(edits, "netDevices", &unused))
		cdi_fail("%s: intelRdt and netDevices cannot be had", path);
	/*
	 * additionalGids, with which nvidia-ctk opens /dev/dri to whoever is not in its group, are not given: groups
	 * are the account's, here as outside.
	 */
	list = cdi_value_list(path, edits, "env");
	for (size_t i = 0; i < cdi_value_length(list); i++)
		cdi_say("env", cdi_value_item(path, list, i), NULL, NULL);
	cdi_effect_nodes(path, edits, NULL);
	cdi_say_mounts(path, edits);
	list = cdi_value_list(path, edits, "hooks");
	for (size_t i = 0; i < cdi_value_length(list); i++)
		cdi_say_hook(path, edits, json_object_array_get_idx(list, i));
}
