/* with: audit/state.c */
/* /run/boxdo: counters shared by many processes, budgets, and files that are not what they should be. */
#include "audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Each test has a /run of its own, in this program's mount namespace. */
static int
fresh_run(void **state)
{
	(void)state;
	umask(077);
	return mount("tmpfs", "/run", "tmpfs", 0, "mode=0755,size=1m");
}

static int
drop_run(void **state)
{
	(void)state;
	return umount2("/run", MNT_DETACH);
}

static mode_t
mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

static void
children_end_well(int count)
{
	while (count-- > 0) {
		int status = -1;

		wait(&status);
		assert_int_equal(status, 0);
	}
}

static void
test_made(void **state)
{
	struct audit_state *shared = audit_state_open(), *again = audit_state_open();
	uint64_t suppressed;

	(void)state;
	assert_non_null(shared);
	assert_int_equal(audit_state_seq(shared), 1);
	assert_int_equal(audit_state_seq(again), 2);
	assert_int_equal(audit_budget_take(1000, 1, 1, 1, &suppressed), AUDIT_BUDGET_OK);
	assert_int_equal(mode_of("/run/boxdo"), 0755);
	assert_int_equal(mode_of("/run/boxdo/state"), 0600);
	assert_int_equal(mode_of("/run/boxdo/rate"), 0700);
	assert_int_equal(mode_of("/run/boxdo/rate/1000"), 0600);
}

/* Eight processes, each number once. The last is their sum. */
static void
test_seq_parallel(void **state)
{
	(void)state;
	for (int worker = 0; worker < 8; worker++) {
		if (fork() == 0) {
			struct audit_state *shared = audit_state_open();
			uint64_t last = 0;

			for (int i = 0; i < 10000; i++) {
				uint64_t seq = shared == NULL ? 0 : audit_state_seq(shared);

				if (seq <= last)
					_exit(1);
				last = seq;
			}
			_exit(0);
		}
	}
	children_end_well(8);
	assert_int_equal(audit_state_seq(audit_state_open()), 80001);
}

static void
test_owed(void **state)
{
	struct audit_state *shared = audit_state_open();
	pid_t child;

	(void)state;
	assert_int_equal(audit_state_owed(shared, 0), 0);
	assert_int_equal(audit_state_owed(shared, -1), 0);
	assert_int_equal(audit_state_owed(shared, 1), 1);
	/* One that died owing is counted until a launch asks. */
	child = fork();
	if (child == 0) {
		audit_state_owed(shared, 1);
		_exit(0);
	}
	children_end_well(1);
	assert_int_equal(audit_state_owed(shared, 1), 3);
	assert_int_equal(audit_state_owed(shared, 0), 2);
	assert_int_equal(audit_state_owed(shared, -1), 1);
	assert_int_equal(audit_state_owed(shared, -1), 0);
	/* More than are counted. */
	for (int i = 0; i < 2000; i++)
		audit_state_owed(shared, 1);
	assert_true(audit_state_owed(shared, 0) >= AUDIT_OWED_MAX);
}

static void
test_budget_remembered(void **state)
{
	struct audit_state *shared = audit_state_open();
	uint64_t rate = 0, burst = 7;

	(void)state;
	audit_state_budget(shared, &rate, &burst);
	assert_int_equal(rate, 0);
	assert_int_equal(burst, 7);
	rate = 1000;
	audit_state_budget(shared, &rate, &(uint64_t){UINT64_MAX});
	assert_int_equal(rate, 1000);
	rate = 0;
	audit_state_budget(audit_state_open(), &rate, &burst);
	assert_int_equal(rate, 1000);
	assert_true(burst == UINT64_MAX);
}

static void
test_budget(void **state)
{
	uint64_t suppressed = 99;

	(void)state;
	/* 1000 saved up, 1 a second. */
	assert_int_equal(audit_budget_take(1000, 600, 1, 1000, &suppressed), AUDIT_BUDGET_OK);
	assert_int_equal(suppressed, 0);
	assert_int_equal(
	    audit_budget_take(1000, 600, 1, 1000, &suppressed), AUDIT_BUDGET_OVER_REPORT);
	assert_int_equal(suppressed, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(
		    audit_budget_take(1000, 600, 1, 1000, &suppressed), AUDIT_BUDGET_OVER);
	/* What is still there can be taken; another user has a bucket of their own. */
	assert_int_equal(audit_budget_take(1000, 390, 1, 1000, &suppressed), AUDIT_BUDGET_OK);
	assert_int_equal(audit_budget_take(1001, 600, 1, 1000, &suppressed), AUDIT_BUDGET_OK);
	/* More than the bucket holds: never. */
	assert_int_equal(
	    audit_budget_take(1002, 1001, 1, 1000, &suppressed), AUDIT_BUDGET_OVER_REPORT);
	/* The bucket fills: 100,000 a second. */
	assert_int_equal(audit_budget_take(1003, 1000, 100000, 1000, &suppressed), AUDIT_BUDGET_OK);
	usleep(12000);
	assert_int_equal(audit_budget_take(1003, 1000, 100000, 1000, &suppressed), AUDIT_BUDGET_OK);
}

static void
test_budget_extremes(void **state)
{
	uint64_t suppressed;

	(void)state;
	errno = 0;
	assert_int_equal(audit_budget_take(1000, 1, 0, 1000, &suppressed), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(
	    audit_budget_take(1000, UINT64_MAX, 1, 1000, &suppressed), AUDIT_BUDGET_OVER_REPORT);
	assert_int_equal(
	    audit_budget_take(1001, 1, UINT64_MAX, UINT64_MAX, &suppressed), AUDIT_BUDGET_OK);
	assert_int_equal(
	    audit_budget_take(1002, 1000, 1, UINT64_MAX, &suppressed), AUDIT_BUDGET_OK);
	assert_int_equal(audit_budget_take((uid_t)-2, 1, 1, 1, &suppressed), AUDIT_BUDGET_OK);
}

/* A reboot with a /run that stays: times that lie ahead must not lock anyone out. */
static void
test_budget_old_times(void **state)
{
	uint64_t suppressed, ahead[4];
	int fd;

	(void)state;
	assert_int_equal(audit_budget_take(1000, 1, 1, 1, &suppressed), AUDIT_BUDGET_OK);
	fd = open("/run/boxdo/rate/1000", O_RDWR);
	assert_int_equal(pread(fd, ahead, sizeof ahead, 0), sizeof ahead);
	ahead[1] = ahead[3] = UINT64_MAX / 2;
	ahead[2] = 5;
	assert_int_equal(pwrite(fd, ahead, sizeof ahead, 0), sizeof ahead);
	close(fd);
	assert_int_equal(
	    audit_budget_take(1000, 1000, 1000000, 1000, &suppressed), AUDIT_BUDGET_OVER_REPORT);
	assert_int_equal(suppressed, 5);
}

/* 8 processes empty one bucket of 1000: exactly 1000 get something, one reports. */
static void
test_budget_parallel(void **state)
{
	int pipes[2], taken = 0, reports = 0;
	char answer;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	for (int worker = 0; worker < 8; worker++) {
		if (fork() == 0) {
			for (int i = 0; i < 200; i++) {
				uint64_t suppressed;
				int got = audit_budget_take(1000, 1000, 1, 1000000, &suppressed);

				answer = (char)('0' + got);
				if (got == -1 || write(pipes[1], &answer, 1) != 1)
					_exit(1);
			}
			_exit(0);
		}
	}
	close(pipes[1]);
	while (read(pipes[0], &answer, 1) == 1) {
		taken += answer == '0' + AUDIT_BUDGET_OK;
		reports += answer == '0' + AUDIT_BUDGET_OVER_REPORT;
	}
	children_end_well(8);
	close(pipes[0]);
	assert_int_equal(taken, 1000);
	assert_int_equal(reports, 1);
}

static void
expect_refused(int error)
{
	errno = 0;
	assert_null(audit_state_open());
	assert_int_equal(errno, error);
}

static void
put(const char *text, mode_t mode)
{
	int fd = open("/run/boxdo/state", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static void
test_bad_files(void **state)
{
	(void)state;
	assert_int_equal(mkdir("/run/boxdo", 0755), 0);
	put("short", 0600);
	expect_refused(EBADMSG);
	put("", 0666);
	expect_refused(EPERM);
	put("", 0600);
	assert_int_equal(truncate("/run/boxdo/state", 8 + 8 + 4 * 960), 0);
	assert_non_null(audit_state_open());
	assert_int_equal(chown("/run/boxdo/state", 1000, 0), 0);
	expect_refused(EPERM);
	assert_int_equal(chown("/run/boxdo/state", 0, 0), 0);
	assert_int_equal(link("/run/boxdo/state", "/run/boxdo/other"), 0);
	expect_refused(EPERM);
	unlink("/run/boxdo/state");
	assert_int_equal(symlink("other", "/run/boxdo/state"), 0);
	expect_refused(ELOOP);
	unlink("/run/boxdo/state");
	assert_int_equal(mkfifo("/run/boxdo/state", 0600), 0);
	expect_refused(EPERM);
	unlink("/run/boxdo/state");
	assert_int_equal(mkdir("/run/boxdo/state", 0755), 0);
	expect_refused(EISDIR);
	rmdir("/run/boxdo/state");
	assert_int_equal(chmod("/run/boxdo", 0777), 0);
	expect_refused(EPERM);
	assert_int_equal(rename("/run/boxdo", "/run/elsewhere"), 0);
	assert_int_equal(symlink("elsewhere", "/run/boxdo"), 0);
	expect_refused(ENOTDIR);
}

/* A limit of the caller's, and a full /run: an errno now, no SIGBUS later; and all is well afterwards. */
static void
test_no_room(void **state)
{
	struct rlimit none = {0, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
	int fd;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	expect_refused(EFBIG);
	setrlimit(RLIMIT_FSIZE, &all);
	fd = open("/run/filler", O_WRONLY | O_CREAT, 0600);
	while (write(fd, "........", 8) == 8)
		;
	expect_refused(ENOSPC);
	close(fd);
	unlink("/run/filler");
	assert_non_null(audit_state_open());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_run, drop_run)
	    TEST(test_made),
	    TEST(test_seq_parallel),
	    TEST(test_owed),
	    TEST(test_budget),
	    TEST(test_budget_remembered),
	    TEST(test_budget_extremes),
	    TEST(test_budget_old_times),
	    TEST(test_budget_parallel),
	    TEST(test_bad_files),
	    TEST(test_no_room),
	};

	alarm(280);
	if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1) {
		printf("skipped: needs a mount namespace of its own (run as root)\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
