/*
 * known.c: what root remembers of an image, see known.h
 *
 * Part of stages 4 and 5, and linked into boxdo-image. Privilege: root, to open a file only root may open.
 * Trusts: whoever wrote below KNOWN_DIR, for what stands where; the values came from an image and are handed on
 * as bytes, as what a user types is. Distrusts: nothing else is read. Errors: nothing is known, so a pinned
 * image is refused.
 */
#include "broker/known.h"

#include <fcntl.h>
#include <linux/fsverity.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct {
	const char *name;
	size_t times;
} known_keys[KNOWN_KEY_COUNT] = {
#define X(id, name, times) {name, times},
    KNOWN_KEYS(X)
#undef X
};

/* Keys come in order, so that a later one is never taken for an earlier's, and the lists stand behind one another. */
int
known_parse(struct known *known, char *data, size_t length)
{
	size_t count = KNOWN_KEY_COUNT, at;
	const char **word;

	*known = (struct known){.data = data, .length = length};
	if (length == 0 || length > KNOWN_BYTES_MAX || data[length - 1] != '\0')
		return -1;
	for (at = 0; at < length; at += strlen(data + at) + 1)
		count++;
	word = calloc(count, sizeof *word);
	if (!word)
		return -1;
	at = 0;
	for (int key = 0; key < KNOWN_KEY_COUNT; key++, word++) {
		size_t name = strlen(known_keys[key].name);

		known->words[key] = word;
		while (at < length && known->counts[key] < known_keys[key].times &&
		       strncmp(data + at, known_keys[key].name, name) == 0) {
			*word++ = data + at + name;
			known->counts[key]++;
			at += strlen(data + at) + 1;
		}
	}
	return at == length ? 0 : -1;
}

void
known_free(struct known *known)
{
	free(known->words[0]);
	free(known->data);
	*known = (struct known){0};
}

const char *
known_first(const struct known *known, enum known_key key)
{
	return known->counts[key] ? known->words[key][0] : NULL;
}

bool
known_of_image(const struct known *known)
{
	const char *workdir = known_first(known, KNOWN_WORKDIR);

	if (known->counts[KNOWN_STAMP] || known->counts[KNOWN_SHA256] ||
	    known->counts[KNOWN_VERITY] || known->counts[KNOWN_PATH])
		return false;
	return !workdir ||
	       (workdir[0] == '/' && strncmp(workdir, "/proc", 5) != 0 &&
	           strncmp(workdir, "/sys", 4) != 0 && strncmp(workdir, "/dev", 4) != 0 &&
	           !strstr(workdir, "/..") && strlen(workdir) <= 4000);
}

/* Nothing writes to it; the cast is for execve, which takes char *const[] for history's sake. */
static void
add_words(char **command, size_t *count, const char *const *words)
{
	for (; words && *words; words++)
		command[(*count)++] = (char *)(uintptr_t)*words;
}

char **
known_command(const struct known *known, const struct request *request)
{
	const char *const typed[] = {request->entrypoint, NULL}, *const shell[] = {"/bin/sh", NULL};
	/* One more each: the entrypoint that was typed, the shell, the end. */
	size_t count = 0, most = request->command_count + known->counts[KNOWN_ENTRYPOINT] +
	                         known->counts[KNOWN_CMD] + 3;
	char **command = calloc(most, sizeof *command);

	if (!command)
		return NULL;
	if (request->entrypoint)
		add_words(command, &count, request->entrypoint[0] ? typed : NULL);
	else
		add_words(command, &count, known->words[KNOWN_ENTRYPOINT]);
	if (request->command_count || request->entrypoint)
		add_words(command, &count, (const char *const *)request->command);
	else
		add_words(command, &count, known->words[KNOWN_CMD]);
	if (count == 0)
		add_words(command, &count, shell);
	return command;
}

void
known_stamp(const struct stat *st, char stamp[KNOWN_STAMP_MAX])
{
	snprintf(stamp, KNOWN_STAMP_MAX, "%lld %lld.%09ld %lld.%09ld", (long long)st->st_size,
	    (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec,
	    st->st_ctim.tv_nsec);
}

void
known_path(const struct stat *st, char path[KNOWN_PATH_MAX])
{
	snprintf(path, KNOWN_PATH_MAX, KNOWN_DIR "/%x.%x.%llx", major(st->st_dev),
	    minor(st->st_dev), (unsigned long long)st->st_ino);
}

void
known_measure(int fd, char verity[KNOWN_VERITY_MAX])
{
	const size_t bytes = 64;
	struct fsverity_digest *digest = calloc(1, sizeof *digest + bytes);
	size_t length;

	verity[0] = '\0';
	if (digest)
		digest->digest_size = bytes;
	if (digest && ioctl(fd, FS_IOC_MEASURE_VERITY, digest) == 0) {
		length = (size_t)snprintf(verity, KNOWN_VERITY_MAX, "%s:",
		    digest->digest_algorithm == FS_VERITY_HASH_ALG_SHA512 ? "sha512" : "sha256");
		for (size_t i = 0; i < digest->digest_size && i < bytes; i++)
			length += (size_t)snprintf(
			    verity + length, KNOWN_VERITY_MAX - length, "%02x", digest->digest[i]);
	}
	free(digest);
}

int
known_load(struct known *known, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char *data = NULL;
	struct stat st;
	ssize_t length = -1;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
	    !(st.st_mode & 077) && st.st_size > 0 && st.st_size <= KNOWN_BYTES_MAX)
		data = malloc((size_t)st.st_size + 1);
	if (data)
		length = read(fd, data, (size_t)st.st_size + 1);
	if (fd >= 0)
		close(fd);
	if (!data || length != st.st_size) {
		free(data);
		return -1;
	}
	if (known_parse(known, data, (size_t)length) == 0)
		return 0;
	known_free(known);
	return -1;
}

static int
same(const struct known *known, enum known_key key, const char *wanted)
{
	const char *value = known_first(known, key);

	return value && strcmp(value, wanted) == 0;
}

int
known_read(struct known *known, const struct stat *st, const char *verity)
{
	char path[KNOWN_PATH_MAX], stamp[KNOWN_STAMP_MAX];

	*known = (struct known){0};
	/* What fs-verity measures is the contents themselves: it holds wherever they lie. */
	snprintf(path, sizeof path, KNOWN_DIR "/%s", verity);
	if (verity[0] && known_load(known, path) == 0) {
		if (same(known, KNOWN_VERITY, verity))
			return 1;
		known_free(known);
	}
	if (!st)
		return 0;
	known_path(st, path);
	if (known_load(known, path) != 0)
		return 0;
	known_stamp(st, stamp);
	return same(known, KNOWN_STAMP, stamp) ? 1 : -1;
}
