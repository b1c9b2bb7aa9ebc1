/* A /run of this test's own, for what keeps tables there: set-up and tear-down of a unit test that is root. */
#ifndef BOXDO_RUN_DIR_H
#define BOXDO_RUN_DIR_H

#include <sys/mount.h>
#include <sys/stat.h>

static int
fresh_run(void **state)
{
	(void)state;
	umask(077);
	return mount("tmpfs", "/run", "tmpfs", 0, "mode=0755,size=16m");
}

static int
drop_run(void **state)
{
	(void)state;
	return umount2("/run", MNT_DETACH);
}

#endif
