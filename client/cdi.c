/*
 * boxdo-cdi: what the host's CDI specifications say of the devices named, line by line for boxdo-launch
 *
 *	boxdo-cdi [VENDOR/CLASS=NAME...]
 *
 * The Container Device Interface: JSON and YAML files of root's in /etc/cdi and /run/cdi. Started by the helper as
 * an account that owns nothing, because neither is parsed as root; runs no hook, ever: what the known ones
 * would do is said in words instead, and a device with an unknown one cannot be had.
 * Trusts: files that only root can write, in directories that only root can write. On error: a line
 * "error TEXT", exit 1. Output, fields apart by tabs:
 *
 *	is NAME HOSTPATH		every device of every specification, and a node that is its own
 *	node PATH HOSTPATH		from here on: what the devices asked for bring along
 *	mount HOSTPATH PATH ro|rw
 *	env NAME=VALUE
 *	link PATH TARGET
 *	libraries DIRECTORY		where the links to the injected libraries are
 *	done
 */
#include "client/cdi.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CDI_FILE_MAX (8 << 20)
#define CDI_FILES_MAX 128

struct cdi_file {
	char *path;
	struct json_object *spec;
	const char *kind;
	bool priority; /* of /run/cdi, which counts before /etc/cdi */
	bool applied;  /* its edits for every device were */
};

static struct {
	struct cdi_file files[CDI_FILES_MAX];
	size_t count;
	bool yml; /* there is one, which nobody reads: the interface knows .json and .yaml */
} cdi;

void
cdi_fail(const char *format, ...)
{
	va_list arguments;

	printf("error\t");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(fflush(stdout) == 0 ? 1 : 2);
}

/* --- reading: what only root can have written ------------------------------------------------------ */

static void
cdi_check(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		cdi_fail("%s: %s", path, strerror(errno));
	if (st.st_uid != 0)
		cdi_fail("%s must belong to root", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		cdi_fail("%s must not be writable by group or others", path);
}

static char *
cdi_read(int directory, const char *name, const char *path, size_t *size)
{
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char *text;
	ssize_t got;

	if (fd < 0)
		cdi_fail("%s: %s", path, strerror(errno));
	cdi_check(fd, path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > CDI_FILE_MAX)
		cdi_fail("%s is no regular file, or too large", path);
	text = calloc(1, (size_t)st.st_size + 1);
	for (*size = 0; text && *size < (size_t)st.st_size; *size += (size_t)got) {
		got = read(fd, text + *size, (size_t)st.st_size - *size);
		if (got <= 0)
			cdi_fail("%s changes while it is read", path);
	}
	close(fd);
	if (!text)
		cdi_fail("out of memory");
	return text;
}

/* --- a file ----------------------------------------------------------------------------------------- */

static const char *const cdi_edit_keys[] = {
    "env", "deviceNodes", "mounts", "hooks", "additionalGids", "intelRdt", "netDevices", NULL};

static void
cdi_validate(struct cdi_file *file)
{
	static const char *const top[] = {
	    "cdiVersion", "kind", "annotations", "devices", "containerEdits", NULL};
	static const char *const device_keys[] = {"name", "annotations", "containerEdits", NULL};
	struct json_object *devices, *edits;
	const char *version;

	cdi_value_known(file->path, file->spec, "the specification", top);
	version = cdi_value_text(file->path, file->spec, "cdiVersion");
	file->kind = cdi_value_text(file->path, file->spec, "kind");
	if (!version || (strncmp(version, "0.", 2) != 0 && strncmp(version, "1.", 2) != 0))
		cdi_fail("%s: no cdiVersion that is known here (0.x, 1.x)", file->path);
	if (!file->kind || !strchr(file->kind, '/') || strchr(file->kind, '='))
		cdi_fail("%s: kind must be VENDOR/CLASS", file->path);
	if (json_object_object_get_ex(file->spec, "containerEdits", &edits))
		cdi_value_known(file->path, edits, "containerEdits", cdi_edit_keys);
	devices = cdi_value_list(file->path, file->spec, "devices");
	if (cdi_value_length(devices) == 0)
		cdi_fail("%s: it has no devices", file->path);
	for (size_t i = 0; i < cdi_value_length(devices); i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);

		cdi_value_known(file->path, device, "a device", device_keys);
		if (!cdi_value_text(file->path, device, "name"))
			cdi_fail("%s: a device has no name", file->path);
		if (json_object_object_get_ex(device, "containerEdits", &edits))
			cdi_value_known(file->path, edits, "containerEdits", cdi_edit_keys);
	}
}

static struct json_object *
cdi_json(const char *path, const char *text, size_t size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *spec;

	if (!tokener)
		cdi_fail("out of memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	spec = json_tokener_parse_ex(tokener, text, (int)size + 1);
	if (!spec || json_tokener_get_error(tokener) != json_tokener_success)
		cdi_fail("%s is no JSON: %s, at byte %zu", path,
		    json_tokener_error_desc(json_tokener_get_error(tokener)),
		    json_tokener_get_parse_end(tokener));
	json_tokener_free(tokener);
	return spec;
}

static bool
cdi_ends(const char *name, const char *end)
{
	size_t length = strlen(name), tail = strlen(end);

	return name[0] != '.' && length > tail && strcmp(name + length - tail, end) == 0;
}

static void
cdi_load(int directory, const char *place, const char *name, bool priority)
{
	struct cdi_file *file = &cdi.files[cdi.count];
	size_t size;
	char *text;

	if (cdi.count == CDI_FILES_MAX || asprintf(&file->path, "%s/%s", place, name) < 0)
		cdi_fail("%s: more than %d specifications, or no memory", place, CDI_FILES_MAX);
	text = cdi_read(directory, name, file->path, &size);
	file->spec = cdi_ends(name, ".json") ? cdi_json(file->path, text, size)
	                                     : cdi_yaml(file->path, text, size);
	free(text);
	file->priority = priority;
	cdi_validate(file);
	cdi.count++;
}

static int
cdi_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* place: /etc/cdi or /run/cdi; every step down belongs to root. */
static void
cdi_load_all(const char *parent, bool priority)
{
	char place[32];
	struct dirent **names;
	int above = open(parent, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), directory, count;

	snprintf(place, sizeof place, "%s/cdi", parent);
	if (above < 0)
		cdi_fail("%s: %s", parent, strerror(errno));
	cdi_check(above, parent);
	directory = openat(above, "cdi", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(above);
	if (directory < 0 && errno == ENOENT)
		return;
	if (directory < 0)
		cdi_fail("%s: %s", place, strerror(errno));
	cdi_check(directory, place);
	count = scandirat(directory, ".", &names, NULL, cdi_by_name);
	if (count < 0)
		cdi_fail("%s: %s", place, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (cdi_ends(names[i]->d_name, ".json") || cdi_ends(names[i]->d_name, ".yaml"))
			cdi_load(directory, place, names[i]->d_name, priority);
		cdi.yml |= cdi_ends(names[i]->d_name, ".yml");
	}
	close(directory);
}

static struct json_object *
cdi_find(const struct cdi_file *file, const char *name)
{
	size_t kind = strlen(file->kind);
	struct json_object *devices = cdi_value_list(file->path, file->spec, "devices");

	if (strncmp(file->kind, name, kind) != 0 || name[kind] != '=')
		return NULL;
	for (size_t i = 0; i < cdi_value_length(devices); i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);

		if (strcmp(cdi_value_text(file->path, device, "name"), name + kind + 1) == 0)
			return device;
	}
	return NULL;
}

static void
cdi_device(const char *name)
{
	struct json_object *found = NULL, *edits;
	struct cdi_file *in = NULL;

	for (size_t i = 0; i < cdi.count; i++) {
		struct json_object *device = cdi_find(&cdi.files[i], name);

		if (!device || (found && in->priority && !cdi.files[i].priority))
			continue;
		if (found && in->priority == cdi.files[i].priority)
			cdi_fail("device %s is in %s and in %s", name, in->path, cdi.files[i].path);
		found = device;
		in = &cdi.files[i];
	}
	if (!found)
		cdi_fail("device %s is in no CDI specification of this host (/etc/cdi, /run/cdi)%s",
		    name, cdi.yml ? "; files named .yml are not read, only .json and .yaml" : "");
	if (!in->applied && json_object_object_get_ex(in->spec, "containerEdits", &edits))
		cdi_effect(in->path, edits);
	in->applied = true;
	if (json_object_object_get_ex(found, "containerEdits", &edits))
		cdi_effect(in->path, edits);
}

/* Which node is whose, so that a deny of a name is a deny of its nodes, by whichever name they come. */
static void
cdi_say_names(const struct cdi_file *file)
{
	struct json_object *devices = cdi_value_list(file->path, file->spec, "devices"), *edits;
	char name[4096];

	for (size_t i = 0; i < cdi_value_length(devices); i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);

		snprintf(name, sizeof name, "%s=%s", file->kind,
		    cdi_value_text(file->path, device, "name"));
		if (json_object_object_get_ex(device, "containerEdits", &edits))
			cdi_effect_nodes(file->path, edits, name);
	}
}

int
main(int argc, char **argv)
{
	prctl(PR_SET_DUMPABLE, 0);
	cdi_load_all("/etc", false);
	cdi_load_all("/run", true);
	for (size_t i = 0; i < cdi.count; i++)
		cdi_say_names(&cdi.files[i]);
	for (int i = 1; i < argc; i++)
		cdi_device(argv[i]);
	printf("done\n");
	return fflush(stdout) == 0 ? 0 : 2;
}
