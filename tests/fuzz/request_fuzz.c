/*
 * libFuzzer: bytes, cut into words at NUL, as the argument vector of the helper.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -o build/request_fuzz tests/fuzz/request_fuzz.c broker/request.c
 *	build/request_fuzz -max_total_time=60
 *
 * Checked besides memory: the error is one printable line, and what was accepted keeps the MUSTs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "broker/request.h"
#include "tests/fuzz/require.h"

#define WORDS_MAX 4096

static void
fuzz_destination(const char *path)
{
	size_t length = strlen(path);

	fuzz_require(
	    path[0] == '/' && length > 1 && length <= REQUEST_PATH_MAX && path[length - 1] != '/');
	fuzz_require(strstr(path, "//") == NULL && strstr(path, "/../") == NULL &&
	             strstr(path, "/./") == NULL);
	fuzz_require(strncmp(path, "/proc/", 6) != 0 && strncmp(path, "/sys/", 5) != 0 &&
	             strncmp(path, "/dev/", 5) != 0);
}

static void
fuzz_accepted(const struct request *request)
{
	fuzz_require(request->image != NULL && request->command != NULL);
	fuzz_require(request->command[request->command_count] == NULL);
	fuzz_require(
	    request->bind_count <= REQUEST_BINDS_MAX && request->env_count <= REQUEST_ENVS_MAX);
	for (size_t i = 0; i < request->bind_count; i++) {
		fuzz_require(request->binds[i].source[0] != '\0' &&
		             strchr(request->binds[i].source, ':') == NULL);
		fuzz_destination(request->binds[i].destination);
	}
	for (size_t i = 0; i < request->tmpfs_count; i++)
		fuzz_destination(request->tmpfs[i].destination);
	for (size_t i = 0; i < request->device_count; i++)
		fuzz_require(strncmp(request->devices[i], "/dev/", 5) == 0);
}

static void
fuzz_forget(struct request *request)
{
	for (size_t i = 0; i < REQUEST_BINDS_MAX; i++) {
		free((void *)(uintptr_t)request->binds[i].source);
		free((void *)(uintptr_t)request->binds[i].destination);
	}
	for (size_t i = 0; i < REQUEST_TMPFS_MAX; i++)
		free((void *)(uintptr_t)request->tmpfs[i].destination);
	for (size_t i = 0; i < REQUEST_DEVICES_MAX; i++)
		free((void *)(uintptr_t)request->devices[i]);
	free(request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request *request = calloc(1, sizeof(*request));
	char *argv[WORDS_MAX + 3], *bytes = malloc(size + 1);
	static char program[] = "boxdo-launch", version[] = REQUEST_VERSION;
	char error[256] = "";
	int argc = 0;

	if (request == NULL || bytes == NULL)
		abort();
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	argv[argc++] = program;
	argv[argc++] = version;
	for (size_t at = 0; at < size && argc < WORDS_MAX; at += strlen(bytes + at) + 1)
		argv[argc++] = bytes + at;
	argv[argc] = NULL;
	if (request_parse(request, argc, argv, error, sizeof(error)) == 0)
		fuzz_accepted(request);
	else
		fuzz_require(error[0] != '\0');
	for (const char *at = error; *at != '\0'; at++)
		fuzz_require(*at >= 0x20 && *at < 0x7f);
	fuzz_forget(request);
	free(bytes);
	return 0;
}
