/*
 * spots.c: part of stage 4, paths by what they are instead of what they are called
 *
 * Privilege: all ids 0, for nothing: it reads /proc/self/mountinfo and /proc/self/fdinfo. No file system is
 * asked, since a user's may hang. Trusts: the kernel. Distrusts: names in the table, which users choose for
 * what they mount with fusermount.
 * On error: NULL or -1, which refuses the launch: a deny must not look past what cannot be told.
 */
#include "broker/spots.h"

#include "broker/fds.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPOTS_MAX 65536 /* mounts; the kernel's own limit is 100,000 a namespace */

struct spots_mount {
	long id;
	uint64_t device;
	const char *root, *point; /* a path inside the file system; where that is mounted */
};

struct spots {
	struct spots_mount *mounts;
	size_t count, room;
};

/* \040 and its like, in place. */
static void
unescape(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to++ =
			    (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	*to = '\0';
}

/* "36 35 98:0 /root /point rw,noatime ..." */
static int
add_line(struct spots *spots, char *line)
{
	struct spots_mount *mount;
	unsigned major, minor;
	char *field[5], *rest = line;

	for (size_t i = 0; i < 5; i++)
		if (!(field[i] = strsep(&rest, " ")))
			return -1;
	if (!rest || sscanf(field[2], "%u:%u", &major, &minor) != 2)
		return -1;
	if (field[3][0] != '/')
		return 0; /* a namespace's file */
	if (spots->count == spots->room) {
		size_t room = spots->room ? 2 * spots->room : 64;
		struct spots_mount *more =
		    room > SPOTS_MAX ? NULL : reallocarray(spots->mounts, room, sizeof *more);

		if (!more)
			return -1;
		spots->mounts = more;
		spots->room = room;
	}
	mount = &spots->mounts[spots->count++];
	unescape(field[3]);
	unescape(field[4]);
	*mount = (struct spots_mount){.id = strtol(field[0], NULL, 10),
	    .device = (uint64_t)major << 32 | minor,
	    .root = strdup(field[3]),
	    .point = strdup(field[4])};
	return mount->root && mount->point ? 0 : -1;
}

struct spots *
spots_read(void)
{
	struct spots *spots = calloc(1, sizeof *spots);
	FILE *table = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;
	bool ok = spots && table;

	while (ok && getline(&line, &room, table) > 0)
		ok = add_line(spots, line) == 0;
	ok = ok && !ferror(table) && spots->count > 0;
	free(line);
	if (table)
		fclose(table);
	return ok ? spots : NULL;
}

/* What is left of path behind parent, with its slash; "" when they are the same; NULL: not below. */
static const char *
below(const char *parent, const char *path)
{
	size_t length = strlen(parent);

	if (strcmp(parent, "/") == 0)
		return strcmp(path, "/") == 0 ? "" : path;
	return strncmp(path, parent, length) == 0 && (path[length] == '\0' || path[length] == '/')
	           ? path + length
	           : NULL;
}

static int
add(struct policy_spots *found, uint64_t device, const char *root, const char *rest)
{
	struct policy_spot *more =
	    reallocarray(found->spots, found->count + 1, sizeof *found->spots);
	char *path;

	if (!more)
		return -1;
	found->spots = more;
	if (asprintf(&path, "%s%s", strcmp(root, "/") == 0 && *rest ? "" : root, rest) < 0)
		return -1;
	more[found->count++] = (struct policy_spot){device, path};
	return 0;
}

int
spots_find(const struct spots *spots, int fd, const char *path, struct policy_spots *found)
{
	long id = fd < 0 ? 0 : fds_mount(fd);
	bool placed = false;

	for (size_t i = 0; i < spots->count; i++) {
		const struct spots_mount *mount = &spots->mounts[i];
		const char *rest = below(mount->point, path), *inner = below(path, mount->point);

		/*
		 * By name alone every mount above it counts: what a user mounts on the last of them (fusermount)
		 * covers what is there, and that can still be had under another name.
		 */
		if (rest && (fd < 0 || mount->id == id)) {
			if (add(found, mount->device, mount->root, rest) != 0)
				return -1;
			placed = true;
		} else if (inner && *inner && add(found, mount->device, mount->root, "") != 0) {
			return -1;
		}
	}
	return placed ? 0 : -1;
}
