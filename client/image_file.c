/*
 * image_file.c: a file that is to be an image, looked at, digested, protected
 *
 * Runs as root. Distrusts: every byte: read into buffers of fixed size. Errors: said, -1.
 */
#include "client/image.h"
#include "client/progress.h"
#include "client/replace.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/fsverity.h>
#include <linux/loop.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IMAGE_CHUNK (1024 * 1024)
#define IMAGE_EROFS_AT 1024

static uint64_t
image_get(const unsigned char *at, size_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return le64toh(value);
}

/* Version 4.0, and as long as it says. */
static bool
image_is_squashfs(const unsigned char *super, uint64_t size)
{
	return memcmp(super, "hsqs", 4) == 0 && image_get(super + 28, 2) == 4 &&
	       image_get(super + 30, 2) == 0 && image_get(super + 40, 8) <= size;
}

static bool
image_is_erofs(const unsigned char *super, uint64_t size)
{
	unsigned bits = super[12];

	return image_get(super, 4) == 0xe0f5e1e2U && bits >= 9 && bits <= 16 &&
	       image_get(super + 36, 4) <= size >> bits;
}

int
image_look(int fd, const char *name, struct image_facts *facts)
{
	unsigned char super[128] = {0};
	const char *why;

	*facts = (struct image_facts){0};
	if (fstat(fd, &facts->st) != 0)
		return image_fail("%s cannot be looked at: %s", name, strerror(errno));
	if (S_ISDIR(facts->st.st_mode)) {
		facts->kind = "directory";
		return 0;
	}
	if (!S_ISREG(facts->st.st_mode))
		return image_fail("%s is neither a file nor a directory", name);
	known_measure(fd, facts->verity);
	if (pread(fd, super, sizeof super, 0) == sizeof super &&
	    image_is_squashfs(super, (uint64_t)facts->st.st_size)) {
		facts->kind = "SquashFS", facts->type = "squashfs", facts->ending = "sqfs";
	} else if (pread(fd, super, sizeof super, IMAGE_EROFS_AT) == sizeof super &&
	           image_is_erofs(super, (uint64_t)facts->st.st_size)) {
		facts->kind = "EROFS", facts->type = "erofs", facts->ending = "erofs";
	} else if (sif_is(fd)) {
		if (sif_find(fd, (uint64_t)facts->st.st_size, &facts->partition, &why) != 0)
			return image_fail("%s %s", name, why);
		facts->kind = "SIF", facts->type = "squashfs", facts->ending = "sif";
	} else {
		return image_fail(
		    "%s is no whole SquashFS, EROFS or SIF image; `boxdo import` makes one of"
		    " a directory, an archive or what a registry has",
		    name);
	}
	return 0;
}

static void
image_hex(SHA2_CTX *sha, char *hex)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256Final(digest, sha);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* As long as it was when it was looked at: somebody who goes on writing must not fill the store. */
int
image_digest(int fd, int out, const char *what, char *hex)
{
	char *chunk = malloc(IMAGE_CHUNK);
	struct progress progress;
	SHA2_CTX sha;
	struct stat st;
	ssize_t got = 0;

	if (!chunk || fstat(fd, &st) != 0) {
		free(chunk);
		return image_fail("%s: %s", what, strerror(errno));
	}
	SHA256Init(&sha);
	progress_start(&progress, what, (uint64_t)st.st_size);
	for (off_t at = 0; at < st.st_size; at += got) {
		size_t wanted =
		    st.st_size - at < IMAGE_CHUNK ? (size_t)(st.st_size - at) : IMAGE_CHUNK;

		got = pread(fd, chunk, wanted, at);
		if (got == 0)
			errno = ENODATA; /* it became shorter */
		if (got <= 0 || (out >= 0 && replace_put(out, chunk, (size_t)got) != 0)) {
			int error = errno;

			progress_end(&progress);
			free(chunk);
			return image_fail("%s: %s", what, strerror(error));
		}
		SHA256Update(&sha, (const uint8_t *)chunk, (size_t)got);
		progress_add(&progress, (uint64_t)got);
	}
	progress_end(&progress);
	free(chunk);
	image_hex(&sha, hex);
	return 0;
}

void
image_protect(int fd)
{
	struct fsverity_enable_arg how = {
	    .version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256, .block_size = 4096};

	if (ioctl(fd, FS_IOC_ENABLE_VERITY, &how) == 0 || errno == EEXIST || errno == ENOTTY ||
	    errno == EOPNOTSUPP)
		return;
	fprintf(stderr, "boxdo: fs-verity could not be switched on (%s); the image works without\n",
	    strerror(errno));
}

bool
image_quiet(int fd)
{
	bool quiet = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;

	if (quiet)
		fcntl(fd, F_SETLEASE, F_UNLCK);
	return quiet;
}

bool
image_in_use(const struct stat *st)
{
	glob_t devices;
	bool used = false;

	if (glob("/dev/loop[0-9]*", GLOB_NOSORT, NULL, &devices) != 0)
		return false;
	for (size_t i = 0; i < devices.gl_pathc && !used; i++) {
		struct loop_info64 info;
		int fd = open(devices.gl_pathv[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		used = fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 &&
		       info.lo_device == st->st_dev && info.lo_inode == st->st_ino;
		if (fd >= 0)
			close(fd);
	}
	globfree(&devices);
	return used;
}
