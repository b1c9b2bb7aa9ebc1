/*
 * warm.c: is an image kept mounted, and is it still the file that it was?
 *
 * Reads. In boxdo-image and boxdo-policy; for root, others see nothing. Trusts: WARM_DIR, which is root's.
 */
#include "client/warm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define WARM_LOOP_MAJOR 7

void
warm_print(const struct stat *st, char print[WARM_PRINT_MAX])
{
	char stamp[KNOWN_STAMP_MAX];

	known_stamp(st, stamp);
	snprintf(print, WARM_PRINT_MAX, "%x.%x.%llx %s", major(st->st_dev), minor(st->st_dev),
	    (unsigned long long)st->st_ino, stamp);
}

void
warm_name(const char *image, char path[WARM_PATH_MAX])
{
	snprintf(path, WARM_PATH_MAX, WARM_DIR "/name.%s", image);
}

/* "MOUNT PRINT": the second half, or NULL. */
static const char *
warm_read(FILE *file, char line[WARM_PATH_MAX + WARM_PRINT_MAX], struct warm *warm)
{
	char *blank;

	if (!fgets(line, WARM_PATH_MAX + WARM_PRINT_MAX, file))
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	blank = strchr(line, ' ');
	if (!blank || strncmp(line, "mount.", 6) != 0 || memchr(line, '/', (size_t)(blank - line)))
		return NULL;
	*blank = '\0';
	snprintf(warm->mount, sizeof warm->mount, WARM_DIR "/%s", line);
	return blank + 1;
}

void
warm_look(const char *image, const struct stat *st, struct warm *warm)
{
	char path[WARM_PATH_MAX], line[WARM_PATH_MAX + WARM_PRINT_MAX], now[WARM_PRINT_MAX] = "";
	struct stat written, mounted;
	const char *then;
	FILE *file;

	*warm = (struct warm){.state = WARM_NO};
	if (strchr(image, '/'))
		return;
	warm_name(image, path);
	file = fopen(path, "re");
	if (!file) {
		warm->state = errno == EACCES ? WARM_HIDDEN : WARM_NO;
		return;
	}
	then = warm_read(file, line, warm);
	/* Somebody may have unmounted it by hand. */
	if (then && fstat(fileno(file), &written) == 0 && stat(warm->mount, &mounted) == 0 &&
	    major(mounted.st_dev) == WARM_LOOP_MAJOR) {
		if (st)
			warm_print(st, now);
		warm->state = strcmp(then, now) == 0 ? WARM_YES : WARM_OLD;
		warm->since = written.st_mtim.tv_sec;
		warm->loop = minor(mounted.st_dev);
	}
	fclose(file);
}
