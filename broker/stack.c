/* stack.c: see stack.h. Privilege: any. Errors: none; what is not mapped is not given back. */
#include "broker/stack.h"

#include <stdint.h>
#include <sys/mman.h>

#define STACK_PAGE 4096UL
#define STACK_DEPTH (64 * STACK_PAGE) /* deeper than any call of ours */

void
stack_give_back(void)
{
	char *end = __builtin_frame_address(0);

	/* A page is left for this call. */
	end -= (uintptr_t)end % STACK_PAGE + STACK_PAGE;
	madvise(end - STACK_DEPTH, STACK_DEPTH, MADV_DONTNEED);
}
