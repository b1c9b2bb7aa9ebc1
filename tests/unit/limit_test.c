/* with: broker/limit.c audit/state.c */
/* max_launches: how many, in which window, whoever asks at the same moment. Needs root. */
#include "broker/limit.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/run_dir.h"

#define SECOND 1000000000ULL
#define ALICE 2001
#define BOB 2002

static int
launch(unsigned minute, unsigned hour, unsigned day, uint64_t now, uint64_t *wait)
{
	const unsigned limits[POLICY_UNITS] = {minute, hour, day};
	enum policy_unit unit = POLICY_UNITS;

	*wait = 0;
	if (limit_launch(ALICE, limits, now, &unit, wait) == 0)
		return -1;
	assert_int_equal(errno, EDQUOT);
	return (int)unit;
}

/* No minute sees more than three, wherever it begins; and the third's end lets the next one in. */
static void
test_window(void **state)
{
	uint64_t wait, at[64], start = 1000 * SECOND;
	size_t count = 0;

	(void)state;
	for (uint64_t now = start; now < start + 600 * SECOND; now += 7 * SECOND)
		if (launch(3, 0, 0, now, &wait) < 0) {
			at[count++] = now;
			assert_true(count <= 3 || now - at[count - 4] >= 60 * SECOND);
		} else {
			/* What it says holds: not a second earlier, not a second later. */
			assert_true(wait >= 1 && wait <= 60);
			assert_true(at[count - 3] + 60 * SECOND <= now + wait * SECOND);
			assert_true(at[count - 3] + 60 * SECOND > now + (wait - 1) * SECOND);
		}
	assert_true(count >= 27);
}

static void
test_units(void **state)
{
	uint64_t wait, now = 1000 * SECOND;

	(void)state;
	assert_int_equal(launch(2, 3, 4, now, &wait), -1);
	assert_int_equal(launch(2, 3, 4, now + 1, &wait), -1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(launch(2, 3, 4, now + 2, &wait), POLICY_MINUTE);
	assert_int_equal(wait, 60);
	now += 60 * SECOND;
	assert_int_equal(launch(2, 3, 4, now, &wait), -1);
	/* Trying in vain uses nothing up. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(launch(2, 3, 4, now + 1, &wait), POLICY_HOUR);
	assert_int_equal(wait, 3540);
	now += 3540 * SECOND;
	assert_int_equal(launch(2, 3, 4, now, &wait), -1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(launch(2, 3, 4, now + 120 * SECOND, &wait), POLICY_DAY);
	assert_int_equal(launch(2, 3, 4, 1000 * SECOND + 86400 * SECOND, &wait), -1);
}

/* What the higher limit let in counts for the lower. */
static void
test_two_limits(void **state)
{
	uint64_t wait, now = 1000 * SECOND;

	(void)state;
	for (int i = 0; i < 30; i++)
		assert_int_equal(launch(30, 0, 0, now + (uint64_t)i * SECOND, &wait), -1);
	/* The first ten slots are old again, twenty launches are not. */
	now += 70 * SECOND;
	assert_int_equal(launch(10, 0, 0, now, &wait), POLICY_MINUTE);
	assert_int_equal(wait, 10);
	assert_int_equal(launch(10, 0, 0, now + 9 * SECOND, &wait), POLICY_MINUTE);
	assert_int_equal(launch(10, 0, 0, now + 10 * SECOND, &wait), -1);
}

/* A /run that outlived a reboot: the clock began anew, and nobody is locked out. */
static void
test_clock_began_anew(void **state)
{
	uint64_t wait;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(launch(2, 0, 0, 900000 * SECOND, &wait), -1);
	assert_int_equal(launch(2, 0, 0, 900000 * SECOND, &wait), POLICY_MINUTE);
	assert_int_equal(launch(2, 0, 0, 100 * SECOND, &wait), -1);
}

static void
test_fifty_at_once(void **state)
{
	int ends[2], status;
	unsigned let_in;
	uint64_t wait;
	char go[50];

	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		assert_int_equal(pipe(ends), 0);
		for (int i = 0; i < 50; i++)
			if (fork() == 0) {
				if (read(ends[0], go, 1) != 1)
					_exit(2);
				_exit(launch(20, 0, 0, (1000 + 100 * round) * SECOND, &wait) < 0);
			}
		usleep(20000);
		assert_int_equal(write(ends[1], go, sizeof go), sizeof go);
		let_in = 0;
		for (int i = 0; i < 50; i++) {
			wait4(-1, &status, 0, NULL);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
			let_in += WEXITSTATUS(status) == 1;
		}
		assert_int_equal(let_in, 20);
		close(ends[0]);
		close(ends[1]);
	}
}

static void
test_files(void **state)
{
	const unsigned one[POLICY_UNITS] = {1, 0, 0}, none[POLICY_UNITS] = {0, 0, 0};
	enum policy_unit unit;
	uint64_t wait;

	(void)state;
	assert_int_equal(limit_launch(ALICE, none, SECOND, &unit, &wait), 0);
	assert_int_equal(access("/run/boxdo/launches", F_OK), -1);
	assert_int_equal(limit_launch(ALICE, one, SECOND, &unit, &wait), 0);
	assert_int_equal(limit_launch(ALICE, one, SECOND, &unit, &wait), -1);
	assert_int_equal(errno, EDQUOT);
	assert_int_equal(limit_launch(BOB, one, SECOND, &unit, &wait), 0);
	assert_int_equal(chown("/run/boxdo/launches/2002.0", BOB, 0), 0);
	assert_int_equal(limit_launch(BOB, one, 100 * SECOND, &unit, &wait), -1);
	assert_int_equal(errno, EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_run, drop_run)
	    TEST(test_window),
	    TEST(test_units),
	    TEST(test_two_limits),
	    TEST(test_clock_began_anew),
	    TEST(test_fifty_at_once),
	    TEST(test_files),
	};

	if (geteuid() != 0) {
		print_message("1..0 # skip needs root\n");
		return 0;
	}
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
