/* with: broker/accounts.c broker/lines.c -Wl,--wrap=open -Wl,--wrap=read */
/*
 * Root's files of accounts, and files read by lines: lines of any length, the last without its newline, NUL bytes,
 * entries that are none, files that are not there or cannot be read to their end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "broker/accounts.h"
#include "broker/directory.h"
#include "broker/lines.h"

static int file = -1; /* what stands in each of them; -1: they are not there */

int
__wrap_open(const char *path, int flags, ...);
int
__wrap_open(const char *path, int flags, ...)
{
	char name[32];

	(void)path;
	(void)flags;
	if (file < 0) {
		errno = ENOENT;
		return -1;
	}
	snprintf(name, sizeof name, "/proc/self/fd/%d", file);
	return openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
}

static int good_reads = -1; /* until one fails; -1: none does */

ssize_t
__real_read(int fd, void *buffer, size_t size);
ssize_t
__wrap_read(int fd, void *buffer, size_t size);
ssize_t
__wrap_read(int fd, void *buffer, size_t size)
{
	if (good_reads == 0) {
		errno = EIO;
		return -1;
	}
	good_reads -= good_reads > 0;
	return __real_read(fd, buffer, size);
}

static void
contents(const char *text, size_t length)
{
	char name[] = "/tmp/boxdo-accounts.XXXXXX";

	if (file >= 0)
		close(file);
	file = mkstemp(name);
	assert_true(file >= 0);
	unlink(name);
	assert_int_equal(write(file, text, length), (ssize_t)length);
}

#define CONTENTS(text) contents(text, sizeof(text) - 1)

static int
nothing(void **state)
{
	(void)state;
	if (file >= 0)
		close(file);
	file = good_reads = -1;
	return 0;
}

/* Read by lines, and cut by hand, the same comes out: lengths near a block's end above all. */
static void
any_lines(void **state)
{
	static char text[300000];

	(void)state;
	srandom(1);
	for (int round = 0; round < 200; round++) {
		struct lines lines;
		size_t length = 0, at = 0;

		while (length < 100000 && random() % 40 != 0) {
			size_t size =
			    (size_t)(random() % 3 ? random() % 60
			                          : random() % 3 * LINES_MAX + random() % 5);

			memset(text + length, 'a' + (int)(random() % 26), size);
			if (size > 2 && random() % 8 == 0)
				text[length + size / 2] = '\0';
			length += size;
			text[length++] = '\n';
		}
		if (length > 0 && random() % 2)
			length--;
		contents(text, length);
		lines_open(&lines, "");
		while (at < length) {
			const char *end = memchr(text + at, '\n', length - at);
			size_t size = end ? (size_t)(end - text) - at : length - at,
			       kept = size < LINES_MAX ? size : LINES_MAX;
			char *line = lines_next(&lines);

			assert_non_null(line);
			assert_memory_equal(line, text + at, kept);
			assert_int_equal(line[kept], '\0');
			assert_true(lines.cut == (size > LINES_MAX) || size == LINES_MAX);
			at += size + 1;
		}
		assert_null(lines_next(&lines));
		assert_null(lines_next(&lines));
		lines_close(&lines);
	}
}

static void
no_file(void **state)
{
	struct directory_user user;
	struct lines lines;
	bool users = true, groups = true;
	uint32_t id;

	(void)state;
	lines_open(&lines, "");
	assert_null(lines_next(&lines));
	lines_close(&lines);
	accounts_first(&users, &groups);
	assert_false(users || groups);
	assert_int_equal(accounts_user(0, &user), 0);
	assert_int_equal(accounts_uid("root", &id), 0);
	assert_int_equal(accounts_gid("root", &id), 0);
}

/* Half a line is none: what is missing could be half a number, or of a shell. */
static void
read_error(void **state)
{
	static char text[LINES_MAX + 100];
	struct directory_user user;
	gid_t gid = 77;
	int length;

	(void)state;
	/* The first block ends in the middle of the second line. */
	length = snprintf(
	    text, sizeof text, "a:x:1:1:%0*d:/:/bin/sh\nb:x:2:2::/:/bin/bash\n", LINES_MAX - 35, 0);
	contents(text, (size_t)length);
	assert_int_equal(accounts_user(2, &user), 1);
	assert_string_equal(user.shell, "/bin/bash");
	for (good_reads = 0; good_reads <= 1;) {
		int reads = good_reads;

		assert_int_equal(accounts_user(2, &user), 0);
		good_reads = reads;
		assert_int_equal(accounts_user(1, &user), reads);
		good_reads = reads + 1;
	}
	good_reads = 1;
	length = snprintf(text, sizeof text, "a:x:1:%0*d\nb:x:22:b,c,d\n", LINES_MAX - 17, 0);
	contents(text, (size_t)length);
	assert_int_equal(accounts_gid("b", &gid), 0);
	good_reads = -1;
	assert_int_equal(accounts_gid("b", &gid), 1);
	assert_int_equal(gid, 22);
}

static void
test_users(void **state)
{
	struct directory_user user;
	uid_t uid = 77;

	(void)state;
	CONTENTS("# a comment: "
	         "x:5:5:\n\n:x:5:5::/:/bin/sh\n+:x:5:5::/:/bin/sh\n-five:x:5:5::/:/bin/"
	         "sh\nfive:x:5:5::/\n"
	         "five:x:5\nfive\nfive:x::5::/:/bin/sh\nfive:x:5:::/:/bin/sh\nfive:x:+5:5::/:/bin/"
	         "sh\nfive:x: 5:5::/:/bin/sh\n"
	         "five:x:5x:5::/:/bin/sh\nfive:x:4294967301:5::/:/bin/sh\nfi\0ve:x:5:5::/:/bin/"
	         "sh\nfive:x:5:5\0::/:/bin/sh\n"
	         "right:x:5:6:Gecos, of "
	         "\"x\":/home/r:/bin/a:b\nsecond:x:5:7::/:/bin/sh\nlast:x:9:10::/home/l:/bin/last");
	assert_int_equal(accounts_user(5, &user), 1);
	assert_string_equal(user.name, "right");
	assert_string_equal(user.home, "/home/r");
	assert_string_equal(user.shell, "/bin/a:b");
	assert_int_equal(user.uid, 5);
	assert_int_equal(user.gid, 6);
	assert_int_equal(accounts_user(9, &user), 1);
	assert_string_equal(user.shell, "/bin/last");
	assert_int_equal(accounts_user(0, &user), 0);
	assert_int_equal(accounts_uid("five", &uid), 0);
	assert_int_equal(accounts_uid("+", &uid), 0);
	assert_int_equal(uid, 77);
	assert_int_equal(accounts_uid("second", &uid), 1);
	assert_int_equal(uid, 5);
	/* As NSS reads it: a name that is commented out names nobody, and of a line it would trim it is asked itself. */
	CONTENTS("#old:x:5:5::/:/bin/sh\nnew:x:5:5::/:/bin/sh\n\tblank:x:6:6::/:/bin/sh\nb:x:6:6::/"
	         ":/bin/sh\n");
	assert_int_equal(accounts_user(5, &user), 1);
	assert_string_equal(user.name, "new");
	assert_int_equal(accounts_user(6, &user), 0);
	assert_int_equal(accounts_uid("b", &uid), 0);
}

/* What does not fit is no answer, and neither is what stands behind a line that nobody can have looked at. */
static void
long_users(void **state)
{
	static char text[20000];
	struct directory_user user;
	uid_t uid;

	(void)state;
	for (size_t size = 8000; size < 8400; size++) {
		int length = snprintf(text, sizeof text,
		    "a:x:1:1::/:/bin/sh\nb:x:2:2:%0*d:/:/bin/sh\nc:x:3:3::/:/bin/sh\n", (int)size,
		    0);
		bool whole = 8 + size + strlen(":/:/bin/sh") < LINES_MAX;

		contents(text, (size_t)length);
		assert_int_equal(accounts_user(1, &user), 1);
		assert_int_equal(accounts_user(2, &user), whole);
		assert_int_equal(accounts_uid("c", &uid), whole);
	}
	snprintf(text, sizeof text,
	    "a:x:1:1::/%0*d:/bin/sh\nb:x:2:2::/:/bin/%0*d\n%0*d:x:3:3::/:/bin/sh\n", 4095, 0, 255,
	    0, 256, 0);
	contents(text, strlen(text));
	for (uid = 1; uid <= 3; uid++)
		assert_int_equal(accounts_user(uid, &user), 0);
	assert_int_equal(accounts_uid("a", &uid), 1);
}

static void
test_groups(void **state)
{
	static char text[400000];
	char names[4][ACCOUNTS_NAME_MAX] = {"", "", "", ""};
	const gid_t gids[4] = {5, 6, 7, 0};
	gid_t gid = 77;
	size_t length;

	(void)state;
	/* Members beyond any line that is kept. */
	length = (size_t)snprintf(
	    text, sizeof text, "+:x:5:\nnone:x:5\n:x:5:\nmany:x:5:%0*d\n", 300000, 0);
	length += (size_t)snprintf(text + length, sizeof text - length,
	    "again:x:5:\n%0*d:x:6:\nseven:x:7:a,b\nsix:x:6:\nlast:x:8:", 256, 0);
	contents(text, length);
	accounts_groups(gids, 4, names);
	assert_string_equal(names[0], "many");
	assert_string_equal(names[1], "six");
	assert_string_equal(names[2], "seven");
	assert_string_equal(names[3], "");
	assert_int_equal(accounts_gid("none", &gid), 0);
	assert_int_equal(gid, 77);
	assert_int_equal(accounts_gid("again", &gid), 1);
	assert_int_equal(gid, 5);
	assert_int_equal(accounts_gid("last", &gid), 1);
	assert_int_equal(gid, 8);
}

static void
test_sources(void **state)
{
	static const struct {
		const char *text;
		bool users, groups;
	} rows[] = {
	    {"passwd: files sss\ngroup: files\n", true, true},
	    {" passwd:\tfiles # [x]\n", true, false},
	    {"passwd: files", true, false},
	    {"passwd: sss files\ngroup: files\n", false, true},
	    {"passwd: files [SUCCESS=continue] sss\ngroup:files\n", false, true},
	    {"passwd: sss\npasswd: files\n#group: files\n", false, false},
	    {"passwd: filesystem\npasswd files\n", false, false},
	};
	static char text[LINES_MAX + 100] = "group: files\npasswd: files ";
	bool users, groups;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		contents(rows[i].text, strlen(rows[i].text));
		accounts_first(&users, &groups);
		assert_int_equal(users, rows[i].users);
		assert_int_equal(groups, rows[i].groups);
	}
	/* An action may stand where it was cut. */
	memset(text + strlen(text), ' ', sizeof text - strlen(text) - 2);
	strcpy(text + sizeof text - 5, "[x]\n");
	contents(text, strlen(text));
	accounts_first(&users, &groups);
	assert_false(users);
	assert_true(groups);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(any_lines, nothing),
	    cmocka_unit_test_setup(no_file, nothing),
	    cmocka_unit_test_setup(read_error, nothing),
	    cmocka_unit_test_setup(test_users, nothing),
	    cmocka_unit_test_setup(long_users, nothing),
	    cmocka_unit_test_setup(test_groups, nothing),
	    cmocka_unit_test_setup(test_sources, nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
