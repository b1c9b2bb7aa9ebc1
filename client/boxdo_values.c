/*
 * The options of boxdo run whose values have a grammar of their own: volumes, mounts, sizes, limits.
 *
 * Runs as the caller. Each function reads docker's spelling and adds the words the helper knows.
 * What would be dropped silently is refused, but for what changes nothing (the SELinux labels, the
 * copy-up of volumes). On error: one line with what to type instead, exit code 125.
 */
#include "client/boxdo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGITS_SIZE 24 /* of UINT64_MAX, and NUL */

/* Is part, of length bytes, the same as word? */
static bool
boxdo_is(const char *part, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(part, word, length) == 0;
}

static bool
boxdo_is_any(const char *part, size_t length, const char *const *words)
{
	for (; *words != NULL; words++)
		if (boxdo_is(part, length, *words))
			return true;
	return false;
}

/* 16g, 64m, 512k, 1024, 1GiB -> bytes in digits. */
static int
boxdo_size(const char *option, const char *text, size_t length, char digits[DIGITS_SIZE])
{
	static const char units[] = "bkmgtp";
	unsigned long long bytes = 0;
	const char *unit;
	size_t i = 0;

	for (; i < length && text[i] >= '0' && text[i] <= '9'; i++)
		if (__builtin_mul_overflow(bytes, 10ULL, &bytes) ||
		    __builtin_add_overflow(bytes, (unsigned long long)(text[i] - '0'), &bytes))
			goto bad;
	if (i < length && i > 0 && (unit = strchr(units, text[i] | 0x20)) != NULL) {
		for (long power = unit - units; power > 0; power--)
			if (__builtin_mul_overflow(bytes, 1024ULL, &bytes))
				goto bad;
		i++;
		i += *unit != 'b' && i < length && text[i] == 'i';
		i += *unit != 'b' && i < length && (text[i] | 0x20) == 'b';
	}
	if (i < length || bytes == 0)
		goto bad;
	snprintf(digits, DIGITS_SIZE, "%llu", bytes);
	return 0;
bad:
	return boxdo_fail(
	    "%s: '%.*s' is no size; type bytes or, say, 512m or 16g", option, (int)length, text);
}

int
boxdo_shm_size(struct boxdo_run *run, const char *value)
{
	char digits[DIGITS_SIZE];
	int error = boxdo_size("--shm-size", value, strlen(value), digits);

	return error != 0 ? error : boxdo_run_add(run, REQUEST_SHM_SIZE, digits, strlen(digits));
}

int
boxdo_scratch_size(struct boxdo_run *run, const char *value)
{
	char digits[DIGITS_SIZE];
	int error = boxdo_size("--scratch", value, strlen(value), digits);

	return error != 0 ? error : boxdo_run_add(run, REQUEST_SCRATCH, digits, strlen(digits));
}

/* --- binds ---------------------------------------------------------------------------------------- */

/* What was asked for; pieces of the text that was typed. */
struct bind {
	const char *source, *destination, *mode; /* mode: "", ":ro" or ":rw" */
	size_t source_length, destination_length;
};

static int
boxdo_bind_source(const char *option, const char *source, size_t length)
{
	if (length > 0 && (*source == '/' || *source == '.'))
		return 0;
	if (length > 0 && *source == '~')
		return boxdo_fail("%s %.*s: the shell has not replaced the '~'; type $HOME", option,
		    (int)length, source);
	return boxdo_fail(
	    "%s: '%.*s' is the name of a docker volume, and there are none here; name a"
	    " directory, as in -v ./%.*s:/PATH",
	    option, (int)length, source, (int)length, source);
}

/* ./x alone appears where it is outside: the working directory as the kernel says it, and /x. */
static int
boxdo_bind_here(const struct bind *bind, char *path, size_t size)
{
	const char *end = bind->source + bind->source_length;
	size_t part;

	if (getcwd(path, size - bind->source_length - 2) == NULL)
		return boxdo_fail("-v %.*s: the working directory cannot be named: %s",
		    (int)bind->source_length, bind->source, strerror(errno));
	for (const char *at = bind->source; at < end; at += part + 1) {
		part = strcspn(at, "/:");
		/* Behind a symbolic link ".." is not what it looks like, so nobody guesses. */
		if (boxdo_is(at, part, ".."))
			return boxdo_fail("-v %.*s: say where it is to appear, as in -v %.*s:/PATH",
			    (int)bind->source_length, bind->source, (int)bind->source_length,
			    bind->source);
		if (part > 0 && !boxdo_is(at, part, "."))
			snprintf(path + strlen(path), size - strlen(path), "/%.*s", (int)part, at);
	}
	return 0;
}

static int
boxdo_bind_add(struct boxdo_run *run, const char *option, const struct bind *bind)
{
	char text[3 * REQUEST_PATH_MAX], here[2 * REQUEST_PATH_MAX + 4];
	const char *destination = bind->destination;
	size_t length = bind->destination_length;
	int error = boxdo_bind_source(option, bind->source, bind->source_length);

	if (error != 0)
		return error;
	if (bind->source_length > REQUEST_PATH_MAX || length > REQUEST_PATH_MAX)
		return boxdo_fail("%s: a path is longer than %d bytes", option, REQUEST_PATH_MAX);
	if (destination == NULL && *bind->source == '/') {
		destination = bind->source;
		length = bind->source_length;
	} else if (destination == NULL) {
		error = boxdo_bind_here(bind, here, sizeof(here));
		if (error != 0)
			return error;
		destination = here;
		length = strlen(here);
	}
	if (length == 0 || *destination != '/')
		return boxdo_fail("%s: '%.*s' must be an absolute path inside the container",
		    option, (int)length, destination);
	if (memchr(bind->source, ':', bind->source_length) != NULL ||
	    memchr(destination, ':', length) != NULL)
		return boxdo_fail("%s: a path with a ':' cannot be bound; bind its parent", option);
	error = snprintf(text, sizeof(text), "%.*s:%.*s%s", (int)bind->source_length, bind->source,
	    (int)length, destination, bind->mode);
	return boxdo_run_add(run, REQUEST_BIND, text, (size_t)error);
}

/* ro,rw and what docker and podman allow beside them. */
static int
boxdo_volume_options(struct bind *bind, const char *options)
{
	static const char *const without_effect[] = {"z", "Z", "cached", "delegated", "consistent",
	    "nocopy", "private", "rprivate", "slave", "rslave", "nosuid", "nodev", "bind", "rbind",
	    NULL};

	while (*options != '\0') {
		size_t length = strcspn(options, ",");

		if (boxdo_is(options, length, "ro"))
			bind->mode = ":ro";
		else if (boxdo_is(options, length, "rw"))
			bind->mode = ":rw";
		else if (!boxdo_is_any(options, length, without_effect))
			return boxdo_fail("-v: option '%.*s' is not known here; ro and rw are",
			    (int)length, options);
		options += length;
		options += *options == ',';
	}
	return 0;
}

/* SRC, SRC:DST, SRC:OPTIONS or SRC:DST:OPTIONS. */
int
boxdo_volume(struct boxdo_run *run, const char *value)
{
	struct bind bind = {.source = value, .mode = ""};
	const char *rest;
	int error = 0;

	bind.source_length = strcspn(value, ":");
	rest = value + bind.source_length;
	if (*rest == ':' && rest[1] == '/') {
		bind.destination = rest + 1;
		bind.destination_length = strcspn(rest + 1, ":");
		rest += 1 + bind.destination_length;
	}
	/* A colon with nothing behind it was -v "$SOURCE:$DESTINATION" with one of them unset. */
	if (*rest == ':' && (rest[1] == '\0' || strchr(rest + 1, ':') != NULL))
		return boxdo_fail("-v %s: is not SOURCE[:DESTINATION][:OPTIONS]; a path with a ':' "
		                  "cannot be bound",
		    value);
	if (*rest == ':')
		error = boxdo_volume_options(&bind, rest + 1);
	return error != 0 ? error : boxdo_bind_add(run, "-v", &bind);
}

/* --- tmpfs ---------------------------------------------------------------------------------------- */

static int
boxdo_tmpfs_add(struct boxdo_run *run, const char *destination, size_t length, const char *digits)
{
	char text[REQUEST_PATH_MAX + 64];

	if (length == 0 || *destination != '/' || length > REQUEST_PATH_MAX)
		return boxdo_fail("--tmpfs: '%.*s' must be an absolute path inside the container",
		    (int)(length < 80 ? length : 80), destination);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)length, destination,
	    *digits != '\0' ? ":size=" : "", digits);
	return boxdo_run_add(run, REQUEST_TMPFS, text, strlen(text));
}

int
boxdo_tmpfs(struct boxdo_run *run, const char *value)
{
	/* It is always nosuid and nodev, and the caller's own: who and what mode is no question here. */
	static const char *const without_effect[] = {
	    "rw", "nosuid", "nodev", "noexec", "exec", "noatime", "relatime", NULL};
	size_t destination = strcspn(value, ":");
	const char *options = value + destination + (value[destination] == ':');
	char digits[DIGITS_SIZE] = "";
	int error = 0;

	while (error == 0 && *options != '\0') {
		size_t length = strcspn(options, ",");

		if (strncmp(options, "size=", 5) == 0)
			error = boxdo_size("--tmpfs", options + 5, length - 5, digits);
		else if (!boxdo_is_any(options, length, without_effect) &&
		         strncmp(options, "mode=", 5) != 0 && strncmp(options, "uid=", 4) != 0 &&
		         strncmp(options, "gid=", 4) != 0)
			return boxdo_fail("--tmpfs: option '%.*s' is not known here; size= is",
			    (int)length, options);
		options += length;
		options += *options == ',';
	}
	return error != 0 ? error : boxdo_tmpfs_add(run, value, destination, digits);
}

/* --- mount ---------------------------------------------------------------------------------------- */

struct mount {
	struct bind bind;
	bool tmpfs, typed; /* typed: the type was named */
	char size[DIGITS_SIZE];
};

static int
boxdo_mount_type(struct mount *mount, const char *value, size_t length)
{
	mount->tmpfs = boxdo_is(value, length, "tmpfs");
	mount->typed = mount->tmpfs || boxdo_is(value, length, "bind");
	if (!mount->typed)
		return boxdo_fail("--mount type=%.*s: only type=bind and type=tmpfs can be had",
		    (int)length, value);
	return 0;
}

/* NAME=VALUE or NAME, name_length bytes of it the name. */
static int
boxdo_mount_field(struct mount *mount, const char *field, size_t length)
{
	static const char *const sources[] = {"source", "src", NULL};
	static const char *const destinations[] = {"target", "dst", "destination", NULL};
	static const char *const readonly[] = {
	    "readonly", "ro", "readonly=true", "ro=true", "readonly=1", "ro=1", NULL};
	static const char *const without_effect[] = {"readonly=false", "ro=false", "readonly=0",
	    "ro=0", "bind-propagation=rprivate", "bind-propagation=private",
	    "bind-propagation=rslave", "bind-propagation=slave", "bind-recursive=enabled",
	    "consistency=cached", "consistency=consistent", "consistency=delegated",
	    "consistency=default", NULL};
	size_t name = strcspn(field, "=") < length ? strcspn(field, "=") : length;
	const char *value = field + name + (name < length);
	size_t value_length = (size_t)(field + length - value);

	if (boxdo_is(field, name, "type"))
		return boxdo_mount_type(mount, value, value_length);
	if (boxdo_is(field, name, "tmpfs-size"))
		return boxdo_size("--mount tmpfs-size", value, value_length, mount->size);
	if (boxdo_is_any(field, name, sources)) {
		mount->bind.source = value;
		mount->bind.source_length = value_length;
	} else if (boxdo_is_any(field, name, destinations)) {
		mount->bind.destination = value;
		mount->bind.destination_length = value_length;
	} else if (boxdo_is_any(field, length, readonly)) {
		mount->bind.mode = ":ro";
	} else if (!boxdo_is_any(field, length, without_effect) &&
	           !boxdo_is(field, name, "tmpfs-mode")) {
		return boxdo_fail(
		    "--mount: '%.*s' cannot be had; type, source, target, readonly and tmpfs-size"
		    " can",
		    (int)length, field);
	}
	return 0;
}

int
boxdo_mount(struct boxdo_run *run, const char *value)
{
	struct mount mount = {.bind = {.mode = ""}};
	int error = 0;

	if (strchr(value, '"') != NULL)
		return boxdo_fail(
		    "--mount: quotes are not read; a path with a ',' can be bound with -v");
	while (error == 0 && *value != '\0') {
		size_t length = strcspn(value, ",");

		error = boxdo_mount_field(&mount, value, length);
		value += length;
		value += *value == ',';
	}
	if (error != 0)
		return error;
	if (!mount.typed || mount.bind.destination == NULL ||
	    (!mount.tmpfs && mount.bind.source == NULL))
		return boxdo_fail("--mount needs type=bind,source=PATH,target=PATH or "
		                  "type=tmpfs,target=PATH; there"
		                  " are no docker volumes here");
	if (mount.tmpfs && (mount.bind.source != NULL || *mount.bind.mode != '\0'))
		return boxdo_fail("--mount type=tmpfs has no source and is not read-only");
	if (mount.tmpfs)
		return boxdo_tmpfs_add(
		    run, mount.bind.destination, mount.bind.destination_length, mount.size);
	return boxdo_bind_add(run, "--mount", &mount.bind);
}

/* --- devices and limits --------------------------------------------------------------------------- */

/* PATH[:PATH[:rwm]] or PATH:rwm. What may be done with it, its own permissions and the rule say. */
int
boxdo_device(struct boxdo_run *run, const char *value)
{
	size_t length = strcspn(value, ":");
	const char *rest = value + length;

	/* A CDI name may hold a colon (a GPU's UUID by MIG); what it means inside its specification says. */
	if (*value != '/' && strchr(value, '/') != NULL && strchr(value, '=') != NULL)
		return boxdo_run_add(run, REQUEST_DEVICE, value, strlen(value));
	if (*value != '/')
		return boxdo_fail(
		    "--device %s: name a path below /dev, or a device by CDI (vendor/class=name)",
		    value);
	if (rest[0] == ':' && rest[1] == '/') {
		size_t inside = strcspn(rest + 1, ":");

		if (inside != length || memcmp(value, rest + 1, length) != 0)
			return boxdo_fail(
			    "--device %s: a device has the same path inside as outside", value);
		rest += 1 + inside;
	}
	if (*rest == ':' && rest[1 + strspn(rest + 1, "rwm")] != '\0')
		return boxdo_fail(
		    "--device %s: after the path may come r, w and m, no more", value);
	return boxdo_run_add(run, REQUEST_DEVICE, value, length);
}

/* all, or device=NAME[,NAME...], in docker's quotes or not: the devices CDI calls nvidia.com/gpu=NAME. */
int
boxdo_gpus(struct boxdo_run *run, const char *value)
{
	char text[REQUEST_NAME_MAX + 1];
	size_t length = strlen(value);
	int error = 0;

	if (length > 1 && value[0] == '"' && value[length - 1] == '"') {
		value++;
		length -= 2;
	}
	if (boxdo_is(value, length, "all"))
		return boxdo_run_add(run, REQUEST_DEVICE, "nvidia.com/gpu=all", 18);
	if (length <= 7 || strncmp(value, "device=", 7) != 0)
		return boxdo_fail("--gpus=%s is refused: type all, or device=NAME[,NAME] (a number "
		                  "counts nothing "
		                  "here, since nobody hands GPUs out)",
		    value);
	for (const char *at = value + 7, *end = value + length; error == 0 && at <= end;) {
		size_t part = strcspn(at, ",\"");

		snprintf(text, sizeof(text), "nvidia.com/gpu=%.*s", (int)part, at);
		error = boxdo_run_add(run, REQUEST_DEVICE, text, strlen(text));
		at += part + 1;
	}
	return error;
}

/* A limit as docker writes it: digits, or -1 for unlimited. NULL: neither. */
static const char *
boxdo_ulimit_number(const char *text, char *copy, size_t size)
{
	size_t length = strcspn(text, ":");

	if (boxdo_is(text, length, "-1") || boxdo_is(text, length, "unlimited"))
		return "unlimited";
	while (length > 1 && *text == '0') {
		text++;
		length--;
	}
	if (length == 0 || length >= size || strspn(text, "0123456789") < length)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

/* NAME=SOFT[:HARD]; the last one for a name counts. */
int
boxdo_ulimit(struct boxdo_run *run, const char *value)
{
	size_t name = strcspn(value, "=");
	char first[DIGITS_SIZE], second[DIGITS_SIZE], text[96];
	const char *colon = strchr(value, ':');
	const char *soft =
	    value[name] == '=' ? boxdo_ulimit_number(value + name + 1, first, sizeof(first)) : NULL;
	const char *hard =
	    colon != NULL ? boxdo_ulimit_number(colon + 1, second, sizeof(second)) : soft;

	if (soft == NULL || hard == NULL || name > 16 ||
	    (colon != NULL && strchr(colon + 1, ':') != NULL))
		return boxdo_fail(
		    "--ulimit %s: type NAME=SOFT[:HARD], as in nofile=1024:4096; -1 is unlimited",
		    value);
	snprintf(text, sizeof(text), "%.*s=%s:%s", (int)name, value, soft, hard);
	for (size_t i = 0; i < run->word_count; i++) {
		const char *other = run->words[i].text + strlen("ulimit=");

		if (run->words[i].key == REQUEST_ULIMIT && strncmp(other, text, name + 1) == 0) {
			memmove(&run->words[i], &run->words[i + 1],
			    (run->word_count - i - 1) * sizeof(run->words[0]));
			run->word_count--;
			break;
		}
	}
	return boxdo_run_add(run, REQUEST_ULIMIT, text, strlen(text));
}
