/* What must hold whatever the bytes are: else the fuzzer has found something. */
#ifndef BOXDO_FUZZ_REQUIRE_H
#define BOXDO_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
fuzz_require(bool holds)
{
	if (!holds)
		abort();
}

#endif
