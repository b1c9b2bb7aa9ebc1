/* with: */
/*
 * The seccomp filters as the kernel sees them: each case loads one in a child and makes one call there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "filters.h"

#define FILTER(program)                                                                            \
	{                                                                                          \
		sizeof(program) / sizeof(program[0]), (struct sock_filter *)(uintptr_t)program     \
	}

static const struct sock_fprog payload = FILTER(filter_payload);
static const struct sock_fprog supervisor = FILTER(filter_supervisor);

static void
load(const struct sock_fprog *program)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program) != 0)
		_exit(100);
}

/* _exit(), which under ASan calls sigaltstack() first; that SUPERVISOR would die of. */
static void
leave(int status)
{
	syscall(SYS_exit_group, status);
}

/* errno of the call under the filter, 0 when it did not fail, or minus the signal it died of. */
static int
errno_of(const struct sock_fprog *program, long number, long a, long b, long c)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		load(program);
		errno = 0;
		leave(syscall(number, a, b, c, 0, 0) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
terminal_injection_is_refused(void **state)
{
	(void)state;
	assert_int_equal(errno_of(&payload, SYS_ioctl, 0, TIOCSTI, 0), EPERM);
	assert_int_equal(errno_of(&payload, SYS_ioctl, 0, TIOCSTI | 1L << 32, 0), EPERM);
	assert_int_equal(errno_of(&payload, SYS_ioctl, 0, TIOCSTI | 0x7fffffffL << 32, 0), EPERM);
	assert_int_equal(errno_of(&payload, SYS_ioctl, 0, TIOCLINUX, 0), EPERM);
	assert_int_equal(errno_of(&payload, SYS_ioctl, 0, TIOCLINUX | INT64_MIN, 0), EPERM);
	/* other commands reach the kernel */
	assert_int_equal(errno_of(&payload, SYS_ioctl, -1, TIOCGWINSZ, 0), EBADF);
	assert_int_equal(errno_of(&payload, SYS_ioctl, -1, TIOCSTI + 1, 0), EBADF);
}

static void
unknown_calls_do_not_exist(void **state)
{
	(void)state;
	assert_int_equal(errno_of(&payload, 1000, 0, 0, 0), ENOSYS);
	assert_int_equal(errno_of(&payload, 500, 0, 0, 0), ENOSYS);
	assert_int_equal(errno_of(&payload, -1, 0, 0, 0), ENOSYS);
	assert_int_equal(errno_of(&payload, SYS_clone3, 0, 0, 0), ENOSYS);
}

static void
privileged_calls_are_refused(void **state)
{
	static const long calls[] = {SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root,
	    SYS_chroot, SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount,
	    SYS_fspick, SYS_mount_setattr, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
	    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_keyctl, SYS_add_key,
	    SYS_request_key, SYS_pidfd_getfd, SYS_process_madvise, SYS_kcmp, SYS_open_by_handle_at,
	    SYS_reboot, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
	    SYS_swapon, SYS_acct, SYS_syslog, SYS_iopl, SYS_ioperm, SYS_sethostname,
	    SYS_modify_ldt};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(errno_of(&payload, calls[i], -1, -1, -1), EPERM);
}

static void
only_common_socket_families(void **state)
{
	(void)state;
	for (long family = 0; family < 64; family++) {
		bool common = family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
		              family == AF_NETLINK;

		/* A type that does not exist: what passes the filter gets another error than EPERM. */
		assert_int_equal(errno_of(&payload, SYS_socket, family, 15, 0) == EPERM, !common);
		assert_int_equal(
		    errno_of(&payload, SYS_socketpair, family, 15, 0) == EPERM, !common);
		assert_int_equal(
		    errno_of(&payload, SYS_socket, family | 1L << 32, 15, 0) == EPERM, !common);
	}
	assert_int_equal(errno_of(&payload, SYS_socket, AF_UNIX, SOCK_STREAM, 0), 0);
}

static void
few_personalities(void **state)
{
	static const unsigned allowed[] = {0, 8, 0x20000, 0x20008, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		assert_int_equal(errno_of(&payload, SYS_personality, allowed[i], 0, 0), 0);
	assert_int_equal(errno_of(&payload, SYS_personality, 0xdead, 0, 0), EPERM);
	assert_int_equal(
	    errno_of(&payload, SYS_personality, 0x0040000, 0, 0), EPERM); /* no randomisation */
	assert_int_equal(
	    errno_of(&payload, SYS_personality, 0x0100000, 0, 0), EPERM); /* page zero */
	assert_int_equal(errno_of(&payload, SYS_personality, 0x0040000 | 1L << 32, 0, 0), EPERM);
}

static void
no_namespace_by_clone(void **state)
{
	static const long flags[] = {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
	    CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, 0x80};

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		assert_int_equal(errno_of(&payload, SYS_clone, flags[i], 0, 0), EPERM);
		assert_int_equal(
		    errno_of(&payload, SYS_clone, flags[i] | CLONE_VM | SIGCHLD | 1L << 40, 0, 0),
		    EPERM);
	}
}

/* The same call by the numbers of x32 and through the 32-bit entry. */
static void
foreign_abis_do_not_exist(void **state)
{
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(errno_of(&payload, 0x40000000 + SYS_getpid, 0, 0, 0), ENOSYS);
	assert_int_equal(errno_of(&payload, 0x40000000 + SYS_mount, 0, 0, 0), ENOSYS);
	assert_int_equal(errno_of(&payload, 0x40000000 + 512, 0, 0, 0), ENOSYS);
	assert_int_equal(errno_of(&supervisor, 0x40000000 + SYS_getpid, 0, 0, 0), -SIGSYS);
	child = fork();
	if (child == 0) {
		long result = 20; /* getpid of i386 */

		load(&payload);
		__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
		_exit(result == -ENOSYS ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	/* A kernel without 32-bit programs answers with SIGSEGV: refused as well. */
	assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
}

/* What INIT and every shell does; through the C library, threads and all. */
static void
programs_run(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		char command[] = "true | cat && (sleep 0 & wait) && test -d / && exec /bin/true";
		char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, command, NULL};

		load(&payload);
		if (fork() == 0)
			_exit(execv("/bin/sh", argv));
		_exit(wait(&status) > 0 && status == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
supervisor_may_wait_and_signal(void **state)
{
	int status, pipes[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		pid_t inner = fork();
		int pidfd;
		struct pollfd ready;

		if (inner == 0)
			_exit(pause());
		pidfd = (int)syscall(SYS_pidfd_open, inner, 0);
		ready = (struct pollfd){.fd = pidfd, .events = POLLIN};
		load(&supervisor);
		if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) != 0 ||
		    poll(&ready, 1, 60000) != 1)
			leave(1);
		if (wait4(inner, &status, 0, NULL) != inner || WTERMSIG(status) != SIGKILL)
			leave(2);
		if (socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 ||
		    write(pipes[1], "x", 1) != 1)
			leave(3);
		leave(openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0 ? 4 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void
supervisor_dies_of_anything_else(void **state)
{
	static const long calls[] = {SYS_execve, SYS_execveat, SYS_clone, SYS_clone3, SYS_fork,
	    SYS_vfork, SYS_kill, SYS_tgkill, SYS_ptrace, SYS_mount, SYS_setuid, SYS_setresuid,
	    SYS_ioctl, SYS_bpf, SYS_unlink, SYS_unlinkat, SYS_chmod, SYS_prctl, SYS_seccomp,
	    SYS_open, SYS_chdir, SYS_chroot, 1000};

	(void)state;
	assert_int_equal(errno_of(&supervisor, SYS_getpid, 0, 0, 0), 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(errno_of(&supervisor, calls[i], 0, 0, 0), -SIGSYS);
	assert_int_equal(errno_of(&supervisor, SYS_socket, AF_INET, SOCK_STREAM, 0), -SIGSYS);
	assert_int_equal(errno_of(&supervisor, SYS_socket, AF_NETLINK, SOCK_RAW, 0), -SIGSYS);
	assert_int_equal(errno_of(&supervisor, SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC), -SIGSYS);
	assert_int_equal(
	    errno_of(&supervisor, SYS_mprotect, 0, 4096, PROT_EXEC | 1L << 32), -SIGSYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(terminal_injection_is_refused),
	    cmocka_unit_test(unknown_calls_do_not_exist),
	    cmocka_unit_test(privileged_calls_are_refused),
	    cmocka_unit_test(only_common_socket_families),
	    cmocka_unit_test(few_personalities),
	    cmocka_unit_test(no_namespace_by_clone),
	    cmocka_unit_test(foreign_abis_do_not_exist),
	    cmocka_unit_test(programs_run),
	    cmocka_unit_test(supervisor_may_wait_and_signal),
	    cmocka_unit_test(supervisor_dies_of_anything_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
