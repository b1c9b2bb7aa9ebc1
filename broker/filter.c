/*
 * filter.c: stage 11, the system call filters
 *
 * Privilege: none needed (no_new_privs is set). The programs were made at build time (filter/filtergen.c),
 * so that the helper links no filter compiler. Errors: -1.
 */
#include "broker/filter.h"

#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filters.h"

static int
load(const struct sock_filter *filter, size_t length)
{
	/* struct sock_fprog, but the kernel only reads the filter: ours is constant. */
	const struct {
		unsigned short length;
		const struct sock_filter *filter;
	} program = {(unsigned short)length, filter};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

int
filter_payload_load(void)
{
	return load(filter_payload, sizeof filter_payload / sizeof filter_payload[0]);
}

int
filter_supervisor_load(void)
{
	return load(filter_supervisor, sizeof filter_supervisor / sizeof filter_supervisor[0]);
}
