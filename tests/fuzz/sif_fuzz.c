/*
 * libFuzzer: bytes as a SIF image.
 *
 *	clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. -o build/sif_fuzz tests/fuzz/sif_fuzz.c broker/sif.c
 *	build/sif_fuzz -max_total_time=60
 *
 * Most bytes never reach past the header, so the first byte says whether the header is put right first. Checked
 * besides memory: what is accepted lies in the file, aligned, behind the header, is SquashFS, and is not longer
 * than it says; what is refused has a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/sif.h"
#include "tests/fuzz/require.h"

#define TABLE 128
#define STRIDE 585

/* A header that is right, a table of up to eight descriptors behind it, the partition's magic where one says. */
static void
fuzz_repair(uint8_t *image, size_t size, uint8_t how)
{
	uint64_t total = how & 7, table = TABLE, table_size = total * STRIDE, offset;

	if (size < 8192)
		return;
	memcpy(image + 32,
	    "SIF_MAGIC\0"
	    "01",
	    13);
	memcpy(image + 88, &total, 8);
	memcpy(image + 96, &table, 8);
	memcpy(image + 104, &table_size, 8);
	for (uint64_t i = 0; i < total && (how & 8); i++) {
		uint8_t *at = image + TABLE + i * STRIDE;

		memcpy(at, "\x04\x40\0\0\x01", 5);
		memcpy(at + 201, "\1\0\0\0", 4);
		at[205] = i == 0 ? 2 : at[205];
		memcpy(at + 209, "02", 3);
		memcpy(&offset, at + 17, 8);
		offset = offset % 4 * 4096;
		memcpy(at + 17, &offset, how & 16 ? 8 : 0);
		if (offset + 96 <= size && offset >= 4096)
			memcpy(image + offset, "hsqs", 4);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *image = malloc(size ? size : 1), magic[4];
	int fd = memfd_create("sif", MFD_CLOEXEC);
	struct sif_partition partition = {0, 0};
	const char *why = NULL;

	if (fd < 0 || !image)
		abort();
	memcpy(image, data, size);
	if (size && data[0])
		fuzz_repair(image, size, data[0]);
	fuzz_require(write(fd, image, size) == (ssize_t)size);
	(void)sif_is(fd);
	if (sif_find(fd, size, &partition, &why) == 0) {
		fuzz_require(partition.offset % 4096 == 0 && partition.offset >= 128);
		fuzz_require(partition.offset <= size && partition.size <= size - partition.offset);
		fuzz_require(pread(fd, magic, 4, (off_t)partition.offset) == 4 &&
		             memcmp(magic, "hsqs", 4) == 0);
	} else {
		fuzz_require(why != NULL && why[0] != '\0');
	}
	close(fd);
	free(image);
	return 0;
}
