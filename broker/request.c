/*
 * What the caller asks for: the argument vector, read into struct request.
 *
 * Stage 3. Privilege on entry and exit: root, without need; it makes no system call but for memory.
 * Trusts nothing: these are the only hostile bytes the helper reads, and the client that usually
 * writes them may have been left out. On error: one printable line, -1, and the launch is refused.
 *
 * MUST hold, each with a case in tests/unit/request_test.c:
 *   1. argv[0], argv[1] and every other element may be missing: argc is compared before each use.
 *   2. Nothing before the "--" is accepted but KEY=VALUE with KEY from the table of request.h, in the
 *      order of the table, no more often than it says; "--" itself is not optional.
 *   3. A length is compared with its limit before the bytes are looked at or copied.
 *   4. Numbers are digits alone: no sign, no space, no suffix, no overflow, no second zero in front.
 *   5. A path inside the container is absolute, holds no "." and no "..", and once normalised is not
 *      "/" and not /proc, /sys, /dev or below: what stands there is ours (CVE-2019-16884).
 *   6. No two mounts have the same destination: the later would hide what the policy said of the other.
 *   7. No byte of the vector gets into an error unescaped: the line goes to a terminal and a record.
 *   8. Nothing is joined, unescaped or split twice (CVE-2021-3156).
 *   9. Beside join, which is an id in full, stands nothing that would give a container anything.
 */
#include "broker/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PRINTED_MAX 60 /* bytes of a value that an error repeats */
#define DIGITS_MAX 20  /* of UINT64_MAX */

/* One parse: what is being filled, and where the complaint goes. */
struct reader {
	struct request *request;
	char *error;
	size_t error_size;
	bool beside; /* a key that cannot stand beside join */
};

__attribute__((format(printf, 2, 3))) static int
request_error(struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->error, reader->error_size, format, arguments);
	va_end(arguments);
	return -1;
}

struct printed {
	char text[PRINTED_MAX * 4 + sizeof("...")];
};

/* Everything but printable ASCII as #ooo: UTF-8 has control characters too (U+0080 to U+009F). */
static struct printed
request_print(const char *value, size_t length)
{
	struct printed printed;
	size_t at = 0;

	for (size_t i = 0; i < length && i < PRINTED_MAX; i++) {
		unsigned char byte = (unsigned char)value[i];

		if (byte >= 0x20 && byte < 0x7f && byte != '#')
			printed.text[at++] = (char)byte;
		else
			at += (size_t)snprintf(printed.text + at, 5, "#%03o", byte);
	}
	memcpy(printed.text + at, length > PRINTED_MAX ? "..." : "", length > PRINTED_MAX ? 4 : 1);
	return printed;
}

/* For an error about a whole value: "WHAT 'VALUE' WHY". */
static int
request_bad(struct reader *reader, const char *what, const char *value, const char *why)
{
	struct printed printed = request_print(value, strlen(value));

	return request_error(reader, "%s '%s' %s", what, printed.text, why);
}

/* --- values ------------------------------------------------------------------------------------- */

/* Bytes of text that are all in allowed, from the first. No locale: isalnum() would ask one. */
static bool
request_only(const char *text, const char *allowed)
{
	return *text != '\0' && text[strspn(text, allowed)] == '\0';
}

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool
request_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e) /* a negative char is one from 0x80 on */
			return false;
	return true;
}

static int
request_number(const char *text, size_t length, uint64_t *number)
{
	uint64_t sum = 0;

	if (length == 0 || length > DIGITS_MAX || (length > 1 && text[0] == '0'))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		if (__builtin_mul_overflow(sum, UINT64_C(10), &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(text[i] - '0'), &sum))
			return -1;
	}
	*number = sum;
	return 0;
}

/*
 * path, of length bytes, without double and trailing slashes; NULL: not absolute, too long, has "."
 * or "..", or no memory. The caller of this gives the block to the request.
 */
static char *
request_normalise(const char *path, size_t length)
{
	char *clean;
	size_t at = 0;

	if (length == 0 || length > REQUEST_PATH_MAX || path[0] != '/')
		return NULL;
	clean = malloc(length + 1);
	for (size_t i = 0; clean != NULL && i < length;) {
		const char *slash = memchr(path + i, '/', length - i);
		size_t part = slash != NULL ? (size_t)(slash - (path + i)) : length - i;

		if ((part == 1 && path[i] == '.') ||
		    (part == 2 && memcmp(path + i, "..", 2) == 0)) {
			free(clean);
			return NULL;
		}
		/* Never longer than path: each part is copied behind the one slash it had before it. */
		if (part > 0) {
			clean[at++] = '/';
			memcpy(clean + at, path + i, part);
			at += part;
		}
		i += part + 1;
	}
	if (clean == NULL)
		return NULL;
	if (at == 0)
		clean[at++] = '/';
	clean[at] = '\0';
	return clean;
}

static bool
request_below(const char *path, const char *top)
{
	size_t length = strlen(top);

	return strncmp(path, top, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Is there a mount on this destination already? At most 80 of them, so a linear search will do. */
static bool
request_taken(const struct request *request, const char *destination)
{
	for (size_t i = 0; i < request->bind_count; i++)
		if (strcmp(request->binds[i].destination, destination) == 0)
			return true;
	for (size_t i = 0; i < request->tmpfs_count; i++)
		if (strcmp(request->tmpfs[i].destination, destination) == 0)
			return true;
	return false;
}

/* Where a bind or tmpfs goes. NULL with the error filled. */
static const char *
request_destination(struct reader *reader, const char *text, size_t length)
{
	static const char *const ours[] = {"/proc", "/sys", "/dev"};
	struct printed printed = request_print(text, length);
	char *path = request_normalise(text, length);
	const char *why = NULL;

	if (path == NULL)
		why = "must be an absolute path without . and ..";
	else if (strcmp(path, "/") == 0)
		why = "is the container's root, which is the image";
	for (size_t i = 0; why == NULL && i < sizeof(ours) / sizeof(ours[0]); i++)
		if (request_below(path, ours[i]))
			why = "is below /proc, /sys or /dev, which the container gets by itself";
	if (why == NULL && request_taken(reader->request, path))
		why = "is the destination of two mounts";
	if (why == NULL)
		return path;
	request_error(reader, "destination '%s' %s", printed.text, why);
	free(path);
	return NULL;
}

/* --- one function a key; the length and the count were compared before ---------------------- */

static int
request_image(struct reader *reader, const char *value)
{
	if (*value == '\0')
		return request_error(reader, "the name of the image is empty");
	reader->request->image = value;
	return 0;
}

static int
request_user(struct reader *reader, const char *value)
{
	if (*value == '\0' || !request_printable(value))
		return request_bad(reader, "user", value, "is no name or number of an account");
	reader->request->user = value;
	return 0;
}

static int
request_name(struct reader *reader, const char *value)
{
	if (!request_only(value, LETTERS DIGITS "_.-"))
		return request_bad(
		    reader, "name", value, "may only hold letters, digits, '_', '.' and '-'");
	reader->request->name = value;
	return 0;
}

/* Cuts ":ro" or ":rw" off. The last colon decides: neither path may hold one. */
static enum request_mode
request_mode(const char *value, size_t *length)
{
	enum request_mode mode = REQUEST_AS_GRANTED;

	if (*length >= 3 && memcmp(value + *length - 3, ":ro", 3) == 0)
		mode = REQUEST_READ_ONLY;
	else if (*length >= 3 && memcmp(value + *length - 3, ":rw", 3) == 0)
		mode = REQUEST_READ_WRITE;
	if (mode != REQUEST_AS_GRANTED)
		*length -= 3;
	return mode;
}

static int
request_bind(struct reader *reader, const char *value)
{
	struct request_bind *bind = &reader->request->binds[reader->request->bind_count];
	size_t length = strlen(value);
	const char *colon = memchr(value, ':', length);
	size_t source = colon != NULL ? (size_t)(colon - value) : 0;

	if (source == 0 || source > REQUEST_PATH_MAX)
		return request_bad(reader, "bind", value, "is not SOURCE:DESTINATION");
	bind->mode = request_mode(value, &length);
	if (length <= source || memchr(colon + 1, ':', length - source - 1) != NULL)
		return request_bad(reader, "bind", value, "is not SOURCE:DESTINATION[:ro|:rw]");
	bind->destination = request_destination(reader, colon + 1, length - source - 1);
	if (bind->destination == NULL)
		return -1;
	bind->source = strndup(value, source);
	if (bind->source == NULL)
		return request_error(reader, "no memory for the request");
	reader->request->bind_count++;
	return 0;
}

static int
request_tmpfs(struct reader *reader, const char *value)
{
	static const char option[] = ":size=";
	struct request_tmpfs *tmpfs = &reader->request->tmpfs[reader->request->tmpfs_count];
	const char *colon = strchr(value, ':');
	size_t length = colon != NULL ? (size_t)(colon - value) : strlen(value);

	tmpfs->size = 0;
	if (colon != NULL) {
		const char *digits = colon + sizeof(option) - 1;

		if (strncmp(colon, option, sizeof(option) - 1) != 0 ||
		    request_number(digits, strlen(digits), &tmpfs->size) != 0 || tmpfs->size == 0)
			return request_bad(
			    reader, "tmpfs", value, "is not DESTINATION[:size=BYTES]");
	}
	tmpfs->destination = request_destination(reader, value, length);
	if (tmpfs->destination == NULL)
		return -1;
	reader->request->tmpfs_count++;
	return 0;
}

/* VENDOR/CLASS=NAME, with the letters CDI allows, beginning with a letter or digit each. */
static bool
request_cdi(const char *value)
{
	const char *slash = strchr(value, '/'), *equals = strchr(value, '=');

	if (slash == NULL || equals == NULL || slash == value || equals < slash + 2 ||
	    equals[1] == '\0' || strlen(value) > REQUEST_NAME_MAX)
		return false;
	return strspn(value, LETTERS DIGITS "_.-") == (size_t)(slash - value) &&
	       strspn(slash + 1, LETTERS DIGITS "_.-") == (size_t)(equals - slash) - 1 &&
	       request_only(equals + 1, LETTERS DIGITS "_.:-") && strchr("_.-", value[0]) == NULL &&
	       strchr("_.-", slash[1]) == NULL && strchr("_.:-", equals[1]) == NULL;
}

static int
request_device(struct reader *reader, const char *value)
{
	char *path = request_normalise(value, strlen(value));

	if (path == NULL && request_cdi(value))
		path = strdup(value);
	/* It appears under the same name inside, and only in /dev does the container allow devices. */
	if (path == NULL ||
	    (path[0] == '/' && (!request_below(path, "/dev") || strcmp(path, "/dev") == 0))) {
		free(path);
		return request_bad(reader, "device", value,
		    "must be a path below /dev without . and .., or VENDOR/CLASS=NAME");
	}
	reader->request->devices[reader->request->device_count++] = path;
	return 0;
}

static int
request_workdir(struct reader *reader, const char *value)
{
	if (*value != '/')
		return request_bad(reader, "working directory", value, "must be an absolute path");
	reader->request->workdir = value;
	return 0;
}

static int
request_env(struct reader *reader, const char *value)
{
	/* Not even named: a value is nobody's business. */
	if (strchr(value, '='))
		return request_error(reader, "key 'env' takes a name and no value");
	if (!request_only(value, LETTERS DIGITS "_") || (*value >= '0' && *value <= '9'))
		return request_bad(reader, "variable", value,
		    "may only hold letters, digits and '_', and begins with no digit");
	reader->request->envs[reader->request->env_count++] = value;
	return 0;
}

static int
request_network(struct reader *reader, const char *value)
{
	if (strcmp(value, "host") != 0 && strcmp(value, "none") != 0)
		return request_bad(reader, "network", value, "is neither 'host' nor 'none'");
	reader->request->network = value;
	return 0;
}

static int
request_ipc(struct reader *reader, const char *value)
{
	if (strcmp(value, "private") != 0 && strcmp(value, "host") != 0)
		return request_bad(reader, "ipc", value, "is neither 'private' nor 'host'");
	reader->request->ipc = value;
	return 0;
}

static int
request_entrypoint(struct reader *reader, const char *value)
{
	reader->request->entrypoint = value;
	return 0;
}

/* Told on by the client that it refused the command line, so that the refusal is on record. */
static int
request_refused(struct reader *reader, const char *value)
{
	reader->request->refused = value;
	return 0;
}

static int
request_hostname(struct reader *reader, const char *value)
{
	if (!request_only(value, LETTERS DIGITS "-.") || *value == '-' || *value == '.')
		return request_bad(reader, "hostname", value,
		    "may only hold letters, digits, '-' and '.', and begins with a letter or "
		    "digit");
	reader->request->hostname = value;
	return 0;
}

static int
request_shm_size(struct reader *reader, const char *value)
{
	if (request_number(value, strlen(value), &reader->request->shm_size) != 0 ||
	    reader->request->shm_size == 0)
		return request_bad(reader, "shm-size", value, "is no number of bytes");
	return 0;
}

static int
request_scratch(struct reader *reader, const char *value)
{
	struct request *request = reader->request;

	request->scratch = REQUEST_WITH_SCRATCH;
	if (strcmp(value, "granted") == 0)
		request->scratch = REQUEST_SCRATCH_IF_GRANTED;
	else if (strcmp(value, "yes") != 0 &&
	         (request_number(value, strlen(value), &request->scratch_size) != 0 ||
	             request->scratch_size == 0))
		return request_bad(
		    reader, "scratch", value, "is neither 'yes', 'granted' nor a number of bytes");
	return 0;
}

/* docker's names. */
static const struct {
	const char *name;
	int resource;
} request_limits[] = {
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

/* The resource called by the first length bytes of text; -1: none, or it was limited before. */
static int
request_resource(const struct request *request, const char *text, size_t length)
{
	int resource = -1;

	for (size_t i = 0; i < sizeof(request_limits) / sizeof(request_limits[0]); i++)
		if (strlen(request_limits[i].name) == length &&
		    memcmp(request_limits[i].name, text, length) == 0)
			resource = request_limits[i].resource;
	for (size_t i = 0; i < request->ulimit_count; i++)
		if (request->ulimits[i].resource == resource)
			return -1;
	return resource;
}

static int
request_limit(const char *text, size_t length, uint64_t *limit)
{
	if (length == strlen("unlimited") && memcmp(text, "unlimited", length) == 0) {
		*limit = RLIM_INFINITY;
		return 0;
	}
	return request_number(text, length, limit);
}

static int
request_ulimit(struct reader *reader, const char *value)
{
	struct request_ulimit *ulimit = &reader->request->ulimits[reader->request->ulimit_count];
	const char *equals = strchr(value, '=');
	const char *colon = equals != NULL ? strchr(equals, ':') : NULL;

	if (colon == NULL ||
	    request_limit(equals + 1, (size_t)(colon - equals) - 1, &ulimit->soft) != 0 ||
	    request_limit(colon + 1, strlen(colon + 1), &ulimit->hard) != 0)
		return request_bad(reader, "ulimit", value, "is not NAME=SOFT:HARD");
	if (ulimit->soft > ulimit->hard)
		return request_bad(reader, "ulimit", value, "has a soft limit above the hard one");
	ulimit->resource = request_resource(reader->request, value, (size_t)(equals - value));
	if (ulimit->resource < 0)
		return request_bad(reader, "ulimit", value, "names no limit, or one named before");
	reader->request->ulimit_count++;
	return 0;
}

static int
request_home(struct reader *reader, const char *value)
{
	if (strcmp(value, "no") != 0)
		return request_bad(reader, "home", value, "is not 'no'");
	reader->request->no_home = true;
	return 0;
}

static int
request_cwd(struct reader *reader, const char *value)
{
	if (strcmp(value, "no") != 0)
		return request_bad(reader, "cwd", value, "is not 'no'");
	reader->request->no_cwd = true;
	return 0;
}

/* The place of value among words, from 1; 0 with the error filled. */
static int
request_among(struct reader *reader, const char *key, const char *value, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(value, words[i]) == 0)
			return i + 1;
	request_bad(reader, key, value, "is none of the words for it");
	return 0;
}

static int
request_prompt(struct reader *reader, const char *value)
{
	static const char *const words[] = {"never", "stdin", "askpass", NULL};

	reader->request->prompt =
	    (enum request_prompt)request_among(reader, "prompt", value, words);
	return reader->request->prompt != REQUEST_TERMINAL ? 0 : -1;
}

static int
request_action(struct reader *reader, const char *value)
{
	static const char *const words[] = {"ps", "forget", "log", NULL};

	reader->request->action =
	    (enum request_action)request_among(reader, "action", value, words);
	return reader->request->action != REQUEST_LAUNCH ? 0 : -1;
}

/* As records and `boxdo ps` show it. */
static int
request_join(struct reader *reader, const char *value)
{
	if (strlen(value) != 32 || !request_only(value, DIGITS "abcdef"))
		return request_bad(reader, "join", value, "is no id of a container");
	reader->request->join = value;
	return 0;
}

/* --- the vector --------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	size_t longest, times;
} request_keys[REQUEST_KEY_COUNT] = {
#define X(id, name, longest, times) {name, longest, times},
    REQUEST_KEYS(X)
#undef X
};

static int (*const request_take[REQUEST_KEY_COUNT])(struct reader *reader, const char *value) = {
    [REQUEST_IMAGE] = request_image,
    [REQUEST_USER] = request_user,
    [REQUEST_NAME] = request_name,
    [REQUEST_BIND] = request_bind,
    [REQUEST_TMPFS] = request_tmpfs,
    [REQUEST_DEVICE] = request_device,
    [REQUEST_WORKDIR] = request_workdir,
    [REQUEST_ENV] = request_env,
    [REQUEST_NETWORK] = request_network,
    [REQUEST_IPC] = request_ipc,
    [REQUEST_ENTRYPOINT] = request_entrypoint,
    [REQUEST_HOSTNAME] = request_hostname,
    [REQUEST_SHM_SIZE] = request_shm_size,
    [REQUEST_SCRATCH] = request_scratch,
    [REQUEST_ULIMIT] = request_ulimit,
    [REQUEST_HOME] = request_home,
    [REQUEST_CWD] = request_cwd,
    [REQUEST_PROMPT] = request_prompt,
    [REQUEST_JOIN] = request_join,
    [REQUEST_ACTION] = request_action,
    [REQUEST_REFUSED] = request_refused,
};

/* The index of the key that argument names, with its value; -1 with the error filled. */
static int
request_find(struct reader *reader, const char *argument, const char **value)
{
	const char *equals = strchr(argument, '=');
	size_t length = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
	struct printed printed = request_print(argument, length);

	for (int i = 0; equals != NULL && i < REQUEST_KEY_COUNT; i++)
		if (strlen(request_keys[i].name) == length &&
		    memcmp(request_keys[i].name, argument, length) == 0) {
			*value = equals + 1;
			return i;
		}
	return request_error(reader, "the request holds '%s', which is no key", printed.text);
}

/* Reads the keys from argv[2] on. Returns the index of "--", or -1. */
static int
request_read_keys(struct reader *reader, int argc, char **argv)
{
	size_t seen = 0; /* how often the current key came */
	int last = -1;

	for (int i = 2; i < argc && argv[i] != NULL; i++) {
		const char *value = NULL;
		int key;

		if (strcmp(argv[i], "--") == 0)
			return i;
		key = request_find(reader, argv[i], &value);
		if (key < 0)
			return -1;
		if (key < last)
			return request_error(
			    reader, "the request has '%s' out of order", request_keys[key].name);
		seen = key == last ? seen + 1 : 1;
		last = key;
		reader->beside |= !request_joins((enum request_key)key);
		if (seen > request_keys[key].times)
			return request_error(reader, "more than %zu times '%s' in one request",
			    request_keys[key].times, request_keys[key].name);
		if (strnlen(value, request_keys[key].longest + 1) > request_keys[key].longest)
			return request_error(reader, "'%s' is longer than %zu bytes",
			    request_keys[key].name, request_keys[key].longest);
		if (request_take[key](reader, value) != 0)
			return -1;
	}
	return request_error(reader, "the request has no '--' before the command");
}

int
request_parse(struct request *request, int argc, char **argv, char *error, size_t error_size)
{
	struct reader reader = {request, error, error_size, false};
	int end;

	if (argc < 2 || argv[0] == NULL || argv[1] == NULL)
		return request_error(
		    &reader, "this program is started by 'boxdo run', not by hand");
	if (strcmp(argv[1], REQUEST_VERSION) != 0)
		return request_error(&reader,
		    "boxdo and boxdo-launch are not of the same version; install both anew");
	end = request_read_keys(&reader, argc, argv);
	if (end < 0)
		return -1;
	if (request->image == NULL)
		return request_error(&reader, "the request names no image");
	request->command = argv + end + 1;
	while (request->command[request->command_count] != NULL)
		request->command_count++;
	if (request->join != NULL && (reader.beside || strcmp(request->image, "-") != 0))
		return request_error(&reader,
		    "a command that joins a container has what that has: only user, workdir, env "
		    "and prompt go with 'join'");
	if (request->join != NULL && request->command_count == 0)
		return request_error(&reader, "the request joins a container and names no command");
	return 0;
}
