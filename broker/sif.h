/*
 * SIF, the images of Singularity and Apptainer: where the root file system lies in the file.
 */
#ifndef BOXDO_SIF_H
#define BOXDO_SIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIF_DESCRIPTORS_MAX 1024 /* images have 48 */

struct sif_partition {
	uint64_t offset,
	    size; /* bytes from the start of the file; within it; offset a multiple of 4096 */
};

/* Does the file behind fd call itself SIF? */
bool
sif_is(int fd);
/*
 * The one primary system partition: SquashFS, for this machine. file_size as fstat says. Returns 0,
 * or -1 with why it is not to be used (a constant text, to stand behind the file's name).
 */
int
sif_find(int fd, uint64_t file_size, struct sif_partition *partition, const char **why);

#endif
