/*
 * kernel.c: system calls musl has no function for, and a few it has too much of
 *
 * boxdo-launch is static: no dynamic loader, no NSS, no PAM and no constructor of a library in a
 * set-user-ID process, and a tenth of the time until main. musl 1.2.3 knows nothing of the mount calls of
 * Linux 5.2 and later; these are they, under the names glibc gives them. No other code is here.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KERNEL_SIGNALS 64

int
open_tree(int directory, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, directory, path, flags);
}

int
move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

int
mount_setattr(
    int directory, const char *path, unsigned flags, struct mount_attr *attributes, size_t size)
{
	return (int)syscall(SYS_mount_setattr, directory, path, flags, attributes, size);
}

int
fsopen(const char *type, unsigned flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

int
fsconfig(int context, unsigned command, const char *key, const void *value, int extra)
{
	return (int)syscall(SYS_fsconfig, context, command, key, value, extra);
}

int
fsmount(int context, unsigned flags, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, context, flags, attributes);
}

int
pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

int
pidfd_send_signal(int pidfd, int number, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, number, info, flags);
}

/* musl's do nothing: POSIX means whole processes, Linux threads. */
int
sched_getscheduler(pid_t pid)
{
	return (int)syscall(SYS_sched_getscheduler, pid);
}

int
sched_getparam(pid_t pid, struct sched_param *parameter)
{
	return (int)syscall(SYS_sched_getparam, pid, parameter);
}

int
sched_setscheduler(pid_t pid, int policy, const struct sched_param *parameter)
{
	return (int)syscall(SYS_sched_setscheduler, pid, policy, parameter);
}

int
statx(int directory, const char *path, int flags, unsigned mask, struct statx *st)
{
	return (int)syscall(SYS_statx, directory, path, flags, mask, st);
}

int
close_range(unsigned first, unsigned last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

/* musl's sets close-on-exec a second time, for kernels older than 2.6.23. */
int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list arguments;

	va_start(arguments, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

/*
 * Ids belong to a thread, and musl walks over all of them to change those of a process: five calls more
 * each time. This program has one thread. These take the place of the library's.
 */
int
setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return (int)syscall(SYS_setresuid, real, effective, saved);
}

int
setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return (int)syscall(SYS_setresgid, real, effective, saved);
}

int
setuid(uid_t uid)
{
	return (int)syscall(SYS_setuid, uid);
}

int
seteuid(uid_t uid)
{
	return (int)syscall(SYS_setresuid, (uid_t)-1, uid, (uid_t)-1);
}

int
setgid(gid_t gid)
{
	return (int)syscall(SYS_setgid, gid);
}

int
setgroups(size_t count, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, count, groups);
}

/*
 * musl keeps three signals to itself (32 to 34) and will not hear of them; the caller may well send them: glibc's
 * SIGRTMIN is 34. No function handles a signal in this program, they are default, ignored or read from a descriptor.
 */
int
sigfillset(sigset_t *set)
{
	memset(set, 0xff, sizeof *set);
	return 0;
}

int
sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	if (old)
		sigemptyset(old);
	return (int)syscall(SYS_rt_sigprocmask, how, set, old, KERNEL_SIGNALS / 8);
}

int
sigaddset(sigset_t *set, int number)
{
	if (number < 1 || number > KERNEL_SIGNALS) {
		errno = EINVAL;
		return -1;
	}
	set->__bits[0] |= 1UL << (number - 1);
	return 0;
}

struct kernel_action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

int
sigaction(int number, const struct sigaction *new, struct sigaction *old)
{
	struct kernel_action set = {new ? new->sa_handler : SIG_DFL, 0, NULL, 0}, was;

	if (syscall(SYS_rt_sigaction, number, new ? &set : NULL, &was, KERNEL_SIGNALS / 8) != 0)
		return -1;
	if (old)
		*old = (struct sigaction){.sa_handler = was.handler};
	return 0;
}

void (*signal(int number, void (*handler)(int)))(int)
{
	struct sigaction new = {.sa_handler = handler}, old;

	return sigaction(number, &new, &old) == 0 ? old.sa_handler : SIG_ERR;
}

int
signalfd(int fd, const sigset_t *set, int flags)
{
	return (int)syscall(SYS_signalfd4, fd, set, KERNEL_SIGNALS / 8, flags);
}

/* libmd's archive is made with glibc's FORTIFY; of its functions we use none that reads, the linker all. */
ssize_t
__read_chk(int fd, void *buffer, size_t length, size_t room);
ssize_t
__read_chk(int fd, void *buffer, size_t length, size_t room)
{
	if (length > room)
		abort();
	return read(fd, buffer, length);
}
