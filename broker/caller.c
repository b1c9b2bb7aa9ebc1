/*
 * caller.c: stage 2, who asks
 *
 * Privilege: all ids 0. Trusts: the kernel (system calls, and /proc after its magic was checked),
 * NSS through DIRECTORY. Distrusts: the environment (USER, HOME, PWD mean nothing), descriptors 0-2
 * (a redirected stdin is not the caller's terminal: CVE-2013-1776).
 */
#include "broker/caller.h"

#include "broker/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

static uint32_t
read_id(int proc, const char *name)
{
	char text[32];

	if (fds_text(proc, name, text, sizeof text) <= 0)
		return CALLER_UNSET;
	return (uint32_t)strtoul(text, NULL, 10);
}

static void
name_tty(unsigned number, char *tty, size_t size)
{
	tty[0] = '\0';
	if (number == 0)
		return;
	if (major(number) >= 136 && major(number) <= 143)
		snprintf(tty, size, "pts/%u", (major(number) - 136) * 256 + minor(number));
	else if (major(number) == 4 && minor(number) < 64)
		snprintf(tty, size, "tty%u", minor(number));
	else if (major(number) == 4)
		snprintf(tty, size, "ttyS%u", minor(number) - 64);
	else
		snprintf(tty, size, "%u:%u", major(number), minor(number));
}

/*
 * Slurm: /system.slice/slurmstepd.scope/job_4711/step_0/... (v2), /slurm/uid_1000/job_4711/step_batch/... (v1).
 * Its own name stands in the first two parts, which are root's; further down a user who owns a part of
 * the tree may call a cgroup job_1.
 */
static void
read_job(const char *cgroup, const char *key, char *value, size_t size)
{
	const char *slurm = strstr(cgroup, "slurm"), *at = slurm ? strstr(slurm, key) : NULL;
	size_t length, above = 0;

	value[0] = '\0';
	for (const char *byte = cgroup; slurm && byte < slurm; byte++)
		above += *byte == '/';
	if (!at || above > 2)
		return;
	at += strlen(key);
	length = strspn(at, "0123456789abcdefghijklmnopqrstuvwxyz");
	if (length > 0 && length < size)
		snprintf(value, size, "%.*s", (int)length, at);
}

int
caller_read(struct caller *caller, const struct origin *origin, const char *cgroup)
{
	struct utsname names;
	struct statfs fs;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0 || fstatfs(proc, &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC ||
	    uname(&names) != 0 || process_read(0, &caller->process) != 0)
		return -1;
	caller->user.uid = origin->uid;
	caller->user.gid = origin->gid;
	caller->groups = origin->groups;
	caller->group_count = origin->group_count;
	caller->login_uid = read_id(proc, "self/loginuid");
	caller->session = read_id(proc, "self/sessionid");
	name_tty(caller->process.tty, caller->tty, sizeof caller->tty);
	close(proc);
	if (!getcwd(caller->cwd, sizeof caller->cwd) || caller->cwd[0] != '/')
		caller->cwd[0] = '\0';
	snprintf(caller->host, sizeof caller->host, "%s", names.nodename);
	snprintf(caller->cgroup, sizeof caller->cgroup, "%s", cgroup);
	read_job(cgroup, "/job_", caller->job, sizeof caller->job);
	read_job(cgroup, "/step_", caller->step, sizeof caller->step);
	return 0;
}

int
caller_name(struct caller *caller, struct directory *directory)
{
	uid_t uid = caller->user.uid;
	gid_t gid = caller->user.gid;
	int found = directory_user(directory, uid, &caller->user);

	/* The kernel's group counts, not the one in the file. */
	caller->user.uid = uid;
	caller->user.gid = gid;
	return found;
}
