/*
 * Which images root keeps mounted between launches, by `boxdo image warm`. A launch never looks here: it finds the
 * loop device by its own means and asks it (broker/loop.c).
 *
 * In WARM_DIR, which only root may enter, for each image kept: the file name.NAME, one line, "MOUNT PRINT", written
 * last, its time since when; and the directory MOUNT, mounted on. What no file names was left by one that died.
 */
#ifndef BOXDO_WARM_H
#define BOXDO_WARM_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "broker/known.h"

#define WARM_DIR "/run/boxdo/warm"
#define WARM_PATH_MAX 384
#define WARM_PRINT_MAX (64 + KNOWN_STAMP_MAX)

/* WARM_OLD: the file was replaced, or written to, since. WARM_HIDDEN: only root is told. */
enum warm_state { WARM_NO, WARM_YES, WARM_OLD, WARM_HIDDEN };

struct warm {
	enum warm_state state;
	time_t since;
	unsigned loop;             /* /dev/loopN */
	char mount[WARM_PATH_MAX]; /* "": none */
};

/* Which file, and as it was: device, inode, size and times. */
void
warm_print(const struct stat *st, char print[WARM_PRINT_MAX]);
void
warm_name(const char *image, char path[WARM_PATH_MAX]);
/* How the image called that, whose file is as st says (NULL: it is gone), is kept. */
void
warm_look(const char *image, const struct stat *st, struct warm *warm);

#endif
