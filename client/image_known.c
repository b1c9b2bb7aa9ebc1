/*
 * image_known.c: what is remembered of an image, written where the helper finds it by one open
 *
 * Runs as root. A new file takes the old one's place in one step. Errors: said, -1.
 */
#include "client/image.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
image_known_write(const char *path, const char *data, size_t length)
{
	char new[KNOWN_PATH_MAX + 8];
	int fd;

	snprintf(new, sizeof new, "%s.new", path);
	unlink(new);
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && write(fd, data, length) == (ssize_t)length && fsync(fd) == 0 &&
	    close(fd) == 0 && rename(new, path) == 0)
		return 0;
	image_fail("cannot write %s: %s", path, strerror(errno));
	unlink(new);
	return -1;
}

int
image_known_note(const char *path, const struct image_facts *facts, const char *hex,
    const char *words, size_t length)
{
	char stamp[KNOWN_STAMP_MAX], file[KNOWN_PATH_MAX], *data;
	struct known check;
	int head, status = -1;

	mkdir(KNOWN_DIR, 0700);
	known_stamp(&facts->st, stamp);
	/* The path is for people, who must not be able to make a word of their own of it. */
	head = asprintf(&data, "stamp=%s%csha256=%s%cverity=%s%cpath=%s%c", stamp, 0, hex, 0,
	    facts->verity, 0, path, 0);
	if (head < 0)
		return image_fail("out of memory");
	data = realloc(data, (size_t)head + length);
	if (!data)
		return image_fail("out of memory");
	memcpy(data + head, words, length);
	known_path(&facts->st, file);
	/* In the writer's own hand: what the helper could not read is not written. */
	if (image_known_write(file, data, (size_t)head + length) == 0)
		status = 0;
	snprintf(file, sizeof file, KNOWN_DIR "/%s", facts->verity);
	if (status == 0 && facts->verity[0])
		status = image_known_write(file, data, (size_t)head + length);
	if (known_parse(&check, data, (size_t)head + length) != 0)
		status = image_fail("%s: what it says about how it is started is too long", path);
	known_free(&check);
	return status;
}

/*
 * A file system need not have the device number after a boot that it had before (NVMe, device mapper, btrfs), and one
 * number may be another file system's then. What a record is about is told by what no user sets: path and times,
 * inode and size; the path's directories are root's alone, or no launch takes the image.
 */
bool
image_moved(const char *path, const struct image_facts *facts, struct known *known, char *old)
{
	char stamp[KNOWN_STAMP_MAX], pattern[KNOWN_PATH_MAX];
	bool found = false;
	glob_t files;

	known_stamp(&facts->st, stamp);
	snprintf(
	    pattern, sizeof pattern, KNOWN_DIR "/*.*.%llx", (unsigned long long)facts->st.st_ino);
	if (glob(pattern, GLOB_NOSORT, NULL, &files) != 0)
		return false;
	for (size_t i = 0; i < files.gl_pathc && !found; i++) {
		const char *at, *was;

		if (known_load(known, files.gl_pathv[i]) != 0)
			continue;
		at = known_first(known, KNOWN_PATH);
		was = known_first(known, KNOWN_STAMP);
		found = at && was && strcmp(at, path) == 0 && strcmp(was, stamp) == 0;
		if (found)
			snprintf(old, KNOWN_PATH_MAX, "%s", files.gl_pathv[i]);
		else
			known_free(known);
	}
	globfree(&files);
	return found;
}

int
image_carry(const struct image_facts *facts, const struct known *known)
{
	char path[KNOWN_PATH_MAX];

	known_path(&facts->st, path);
	return image_known_write(path, known->data, known->length);
}

void
image_known_forget(const struct image_facts *facts)
{
	char file[KNOWN_PATH_MAX];

	known_path(&facts->st, file);
	unlink(file);
	snprintf(file, sizeof file, KNOWN_DIR "/%s", facts->verity);
	if (facts->verity[0])
		unlink(file);
}
