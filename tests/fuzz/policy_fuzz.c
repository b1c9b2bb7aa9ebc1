/*
 * libFuzzer: bytes as policy.conf, held to what tests/fuzz/policy_check.h says.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/policy_fuzz.c policy/[a-u]*.c policy/words.c -l:libinih.a -l:libmd.a
 */
#include "tests/fuzz/policy_check.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that reading behind it is seen. */
	char *copy = malloc(size + 1);

	check_require(copy != NULL);
	memcpy(copy, data, size);
	check_bytes(copy, size);
	free(copy);
	return 0;
}
