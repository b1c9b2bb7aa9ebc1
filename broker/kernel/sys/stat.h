/*
 * What musl's header of this name lacks: statx, of Linux 4.11. The kernel's own header of it would define over again
 * what musl's does.
 */
#ifndef BOXDO_KERNEL_STAT_H
#define BOXDO_KERNEL_STAT_H

#include_next <sys/stat.h>

#include <stdint.h>

#define STATX_TYPE 0x1U
#define STATX_UID 0x8U
#define STATX_INO 0x100U
#define AT_STATX_DONT_SYNC 0x4000

/* The kernel's, which writes 256 bytes. */
struct statx {
	uint32_t stx_mask, stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink, stx_uid, stx_gid;
	uint16_t stx_mode, padding;
	uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	uint64_t times[8];
	uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	uint64_t spare[14];
};
_Static_assert(sizeof(struct statx) == 256, "as the kernel has it");

int
statx(int directory, const char *path, int flags, unsigned mask, struct statx *st);

#endif
