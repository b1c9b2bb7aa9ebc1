/* with: broker/running.c broker/process.c broker/fds.c audit/state.c */
/* The table of running containers: who gets a place, who keeps it, whose word counts. Needs root. */
#include "broker/launch.h"
#include "broker/process.h"
#include "broker/running.h"

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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/run_dir.h"

#define ALICE 2001
#define BOB 2002

static uint64_t
self(void)
{
	struct process process;

	assert_int_equal(process_read(0, &process), 0);
	return running_owner(getpid(), process.start);
}

/* A process that takes a place, says on out whether it got one, and keeps it until in is closed. */
static pid_t
taker(uid_t uid, unsigned limit, int in, int out)
{
	pid_t pid = fork();
	char got;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* All of them at the same moment. */
	if (read(in, &got, 1) != 1)
		_exit(1);
	got = running_take(uid, self(), limit, false) ? 'y' : errno == EDQUOT ? 'n' : 'e';
	if (write(out, &got, 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

struct takers {
	pid_t pids[64];
	size_t count;
	unsigned yes, no, error;
};

static struct takers
take_at_once(uid_t uid, size_t count, unsigned limit)
{
	struct takers takers = {.count = count};
	int go[2], said[2];
	char answer;

	assert_int_equal(pipe2(go, O_CLOEXEC) | pipe2(said, O_CLOEXEC), 0);
	for (size_t i = 0; i < count; i++)
		takers.pids[i] = taker(uid, limit, go[0], said[1]);
	usleep(20000);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(write(go[1], "g", 1), 1);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(read(said[0], &answer, 1), 1);
		takers.yes += answer == 'y';
		takers.no += answer == 'n';
		takers.error += answer == 'e';
	}
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(said[i]);
	}
	return takers;
}

static void
end(struct takers *takers)
{
	for (size_t i = 0; i < takers->count; i++) {
		kill(takers->pids[i], SIGKILL);
		waitpid(takers->pids[i], NULL, 0);
	}
}

static void
test_fifty_at_once(void **state)
{
	struct takers takers;

	(void)state;
	for (int round = 0; round < 10; round++) {
		/* Those of the last round were killed and gave nothing back. */
		takers = take_at_once(ALICE, 50, 20);
		assert_int_equal(takers.yes, 20);
		assert_int_equal(takers.no, 30);
		end(&takers);
	}
}

static void
test_each_user_has_a_table(void **state)
{
	struct running_entry *entry;
	struct takers takers;

	(void)state;
	takers = take_at_once(ALICE, 4, 3);
	entry = running_take(BOB, self(), 1, false);
	assert_non_null(entry);
	assert_null(running_take(BOB, self(), 1, false));
	assert_int_equal(errno, EDQUOT);
	running_release(entry);
	assert_non_null(running_take(BOB, self(), 1, false));
	end(&takers);
}

/* What began without a limit, or under a higher one, counts; also where it sits beyond the lower one. */
static void
test_lower_limit(void **state)
{
	struct running_entry *entries[40];

	(void)state;
	for (size_t i = 0; i < 40; i++)
		assert_non_null(entries[i] = running_take(ALICE, self(), 0, false));
	for (size_t i = 0; i < 10; i++)
		running_release(entries[i]);
	assert_null(running_take(ALICE, self(), 5, false));
	assert_int_equal(errno, EDQUOT);
	assert_null(running_take(ALICE, self(), 30, false));
	assert_non_null(entries[0] = running_take(ALICE, self(), 31, false));
	assert_null(running_take(ALICE, self(), 31, false));
	for (size_t i = 10; i < 40; i++)
		running_release(entries[i]);
	assert_non_null(running_take(ALICE, self(), 2, false));
	assert_null(running_take(ALICE, self(), 2, false));
}

/* Commands that joined a container take no container's place, nor the other way round; both are one's own. */
static void
test_joined(void **state)
{
	struct running_entry *entries;
	size_t count;

	(void)state;
	assert_non_null(running_take(ALICE, self(), 1, false));
	assert_non_null(running_take(ALICE, self(), 2, true));
	assert_non_null(running_take(ALICE, self(), 2, true));
	assert_null(running_take(ALICE, self(), 2, true));
	assert_int_equal(errno, EDQUOT);
	assert_null(running_take(ALICE, self(), 1, false));
	assert_non_null(running_take(ALICE, self(), 2, false));
	/* None has its facts yet. */
	assert_int_equal(running_own(ALICE, &entries, &count), 0);
	assert_int_equal(count, 0);
	free(entries);
}

static void
test_thousands(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_non_null(running_take(ALICE, self(), 0, false));
	assert_null(running_take(ALICE, self(), 1000, false));
	assert_int_equal(errno, EDQUOT);
	assert_non_null(running_take(ALICE, self(), 1001, false));
}

static void
fill(struct running_entry *entry, const char *id)
{
	static struct origin origin = {.pid = 4711, .uid = ALICE};
	static struct launch launch;

	launch.origin = &origin;
	launch.running = entry;
	launch.init = getpid();
	launch.caller.user.name[0] = 'a';
	launch.request.image = "tiny";
	snprintf(launch.id, sizeof launch.id, "%s", id);
	running_fill(&launch, "sleep 60, and what stands behind is cut", 8);
}

static void
test_found(void **state)
{
	struct running_entry *entry = running_take(ALICE, self(), 0, false), found;

	(void)state;
	/* Not before its facts are there. */
	assert_int_equal(running_find(ALICE, "", &found), 0);
	fill(entry, "0123");
	assert_int_equal(running_find(ALICE, "0123", &found), 1);
	assert_string_equal(found.command, "sleep 60");
	assert_string_equal(found.image, "tiny");
	assert_int_equal(found.init, getpid());
	assert_int_equal((uint32_t)found.init_start, (uint32_t)self());
	assert_int_equal(running_find(ALICE, "0124", &found), 0);
	assert_int_equal(running_find(BOB, "0123", &found), 0);
	running_release(entry);
	assert_int_equal(running_find(ALICE, "0123", &found), 0);
}

/* The same number, another process; a process that has ended; no process. */
static void
test_stale(void **state)
{
	struct running_entry *entry, found;
	struct process process;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	entry = running_take(ALICE, running_owner(getpid(), (uint32_t)self() + 1), 1, false);
	fill(entry, "01");
	assert_int_equal(running_find(ALICE, "01", &found), 0);
	entry = running_take(ALICE, running_owner(0x3fffffff, 1), 1, false);
	assert_non_null(entry);
	fill(entry, "02");
	assert_int_equal(running_find(ALICE, "02", &found), 0);
	do
		assert_int_equal(process_read(child, &process), 0);
	while (process.state != 'Z');
	assert_non_null(entry = running_take(ALICE, running_owner(child, process.start), 1, false));
	fill(entry, "03");
	assert_int_equal(running_find(ALICE, "03", &found), 0);
	assert_non_null(running_take(ALICE, self(), 1, false));
	waitpid(child, NULL, 0);
}

/* Files that are not what they should be: no place, and an errno that says so. */
static void
test_odd_files(void **state)
{
	(void)state;
	assert_non_null(running_take(ALICE, self(), 0, false));
	assert_int_equal(chown("/run/boxdo/running/2001.0", ALICE, 0), 0);
	assert_null(running_take(ALICE, self(), 0, false));
	assert_int_equal(errno, EPERM);
	assert_int_equal(unlink("/run/boxdo/running/2001.0"), 0);
	assert_int_equal(symlink("2002.0", "/run/boxdo/running/2001.0"), 0);
	assert_null(running_take(ALICE, self(), 0, false));
	assert_int_equal(errno, ELOOP);
	assert_int_equal(unlink("/run/boxdo/running/2001.0"), 0);
	assert_int_equal(mkfifo("/run/boxdo/running/2001.0", 0600), 0);
	assert_null(running_take(ALICE, self(), 0, false));
	assert_int_equal(errno, EPERM);
	assert_int_equal(rename("/run/boxdo/running", "/run/boxdo/elsewhere"), 0);
	assert_int_equal(symlink("elsewhere", "/run/boxdo/running"), 0);
	assert_null(running_take(BOB, self(), 0, false));
	assert_int_equal(errno, ELOOP);
}

/* Who cannot look sweeps nothing: a user's limit of descriptors would make room beyond max_running. */
static void
test_cannot_look(void **state)
{
	struct rlimit limit, few;
	struct process process;
	struct running_entry *entry;
	uint64_t owner = self();

	(void)state;
	assert_non_null(entry = running_take(ALICE, owner, 1, false));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = (struct rlimit){3, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(process_read(getppid(), &process), -1);
	assert_int_equal(errno, EMFILE);
	assert_null(running_take(ALICE, owner, 1, false));
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(atomic_load(&entry->owner), owner);
}

/* A name is its owner's to choose: the numbers behind it are not. */
static void
test_names(void **state)
{
	static const char *const names[] = {
	    "a 34 b", "x)\n1 2", ") S 1 1 1 34816 )", "", "((", ")))))"};
	struct process before, now;

	(void)state;
	assert_int_equal(process_read(0, &before), 0);
	assert_int_equal(before.parent, getppid());
	assert_int_equal(before.session, getsid(0));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		prctl(PR_SET_NAME, names[i]);
		assert_int_equal(process_read(getpid(), &now), 0);
		assert_int_equal(now.start, before.start);
		assert_int_equal(now.parent, before.parent);
		assert_int_equal(now.session, before.session);
		assert_int_equal(now.tty, before.tty);
	}
	assert_int_equal(process_read(0x3fffffff, &now), -1);
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_fifty_at_once, fresh_run, drop_run),
	    cmocka_unit_test_setup_teardown(test_each_user_has_a_table, fresh_run, drop_run),
	    cmocka_unit_test_setup_teardown(test_lower_limit, fresh_run, drop_run),
	    cmocka_unit_test_setup_teardown(test_joined, fresh_run, drop_run),
	    cmocka_unit_test_setup_teardown(test_thousands, fresh_run, drop_run),
	    cmocka_unit_test_setup_teardown(test_found, fresh_run, drop_run),
	    cmocka_unit_test_setup_teardown(test_stale, fresh_run, drop_run),
	    cmocka_unit_test_setup_teardown(test_odd_files, fresh_run, drop_run),
	    cmocka_unit_test_setup_teardown(test_cannot_look, fresh_run, drop_run),
	    cmocka_unit_test(test_names),
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
