/*
 * sif.c: part of stage 5, the root file system inside a SIF image
 *
 * Privilege: all ids 0. Distrusts: every byte of the file, though root owns it: what is in an image somebody
 * else has built. So: read into buffers of fixed size at fixed places, nothing allocated by a number
 * out of the file, each number held against the file's size before it is used. Errors: a text, -1.
 *
 * What MUST hold:
 *  - what is handed to the kernel lies wholly within the file, and over no header;
 *  - one partition, or none: never a choice between two that a verifier might make otherwise;
 *  - SquashFS alone: the kernel's ext3 was never made for images of strangers.
 */
#include "broker/sif.h"

#include <endian.h>
#include <string.h>
#include <unistd.h>

#define SIF_HEADER 128
#define SIF_DESCRIPTOR 585
#define SIF_PARTITION 0x4004
#define SIF_SQUASHFS 1
#define SIF_ENCRYPTED 5
#define SIF_PRIMARY 2
#define SIF_ALIGN 4096

#if defined __x86_64__
#define SIF_ARCH "02"
#elif defined __aarch64__
#define SIF_ARCH "04"
#else
#error "which number has this machine in sif/arch.go?"
#endif

/* The superblock of SquashFS: magic at 0, what it occupies at 40. */
#define SQUASHFS_BYTES 96
#define SQUASHFS_USED 40

static uint32_t
get32(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return le32toh(value);
}

static uint64_t
get64(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
	return le64toh(value);
}

static bool
get(int fd, unsigned char *to, size_t size, uint64_t offset)
{
	return pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

/* Signed numbers in the file: a negative one is larger than any file. */
static bool
inside(uint64_t offset, uint64_t size, uint64_t file_size)
{
	return offset <= file_size && size <= file_size - offset;
}

bool
sif_is(int fd)
{
	unsigned char magic[10];

	return get(fd, magic, sizeof magic, 32) && memcmp(magic, "SIF_MAGIC", sizeof magic) == 0;
}

static int
check_partition(const unsigned char *extra, const char **why)
{
	*why = get32(extra) == SIF_ENCRYPTED
	           ? "is encrypted, which is not supported"
	           : "holds no SquashFS (an ext3 image, say): build it anew";
	if (get32(extra) != SIF_SQUASHFS)
		return -1;
	*why = "was built for another kind of machine";
	return memcmp(extra + 8, SIF_ARCH, 3) == 0 ? 0 : -1;
}

static int
check_squashfs(int fd, const struct sif_partition *partition, const char **why)
{
	unsigned char super[SQUASHFS_BYTES];

	*why = "holds no SquashFS where it says so";
	if (partition->size < sizeof super || !get(fd, super, sizeof super, partition->offset) ||
	    memcmp(super, "hsqs", 4) != 0)
		return -1;
	*why = "holds a SquashFS that is cut short";
	return get64(super + SQUASHFS_USED) <= partition->size ? 0 : -1;
}

/* Exactly one descriptor that is in use says "primary system partition". */
static int
find_primary(int fd, uint64_t table, uint64_t total, unsigned char *found, const char **why)
{
	unsigned char descriptor[SIF_DESCRIPTOR];
	bool one = false;

	for (uint64_t i = 0; i < total; i++) {
		*why = "cannot be read";
		if (!get(fd, descriptor, sizeof descriptor, table + i * SIF_DESCRIPTOR))
			return -1;
		if (descriptor[4] != 1 || get32(descriptor) != SIF_PARTITION ||
		    get32(descriptor + 201 + 4) != SIF_PRIMARY)
			continue;
		*why = "holds two root file systems";
		if (one)
			return -1;
		memcpy(found, descriptor, sizeof descriptor);
		one = true;
	}
	*why = "holds no root file system";
	return one ? 0 : -1;
}

int
sif_find(int fd, uint64_t file_size, struct sif_partition *partition, const char **why)
{
	unsigned char header[SIF_HEADER], found[SIF_DESCRIPTOR];
	uint64_t total, table, table_size;

	*why = "is a SIF image of another version, or damaged";
	if (!get(fd, header, sizeof header, 0) || memcmp(header + 32,
	                                              "SIF_MAGIC\0"
	                                              "01",
	                                              13) != 0)
		return -1;
	total = get64(header + 88);
	table = get64(header + 96);
	table_size = get64(header + 104);
	*why = "has a damaged table of contents";
	if (total > SIF_DESCRIPTORS_MAX || table_size != total * SIF_DESCRIPTOR ||
	    table < SIF_HEADER || !inside(table, table_size, file_size))
		return -1;
	if (find_primary(fd, table, total, found, why) != 0 ||
	    check_partition(found + 201, why) != 0)
		return -1;
	partition->offset = get64(found + 17);
	partition->size = get64(found + 25);
	*why = "says that its root file system lies where it cannot";
	if (!inside(partition->offset, partition->size, file_size) ||
	    partition->offset < SIF_HEADER || partition->offset % SIF_ALIGN != 0 ||
	    (partition->offset < table + table_size && table < partition->offset + partition->size))
		return -1;
	return check_squashfs(fd, partition, why);
}
