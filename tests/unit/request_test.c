/* with: broker/request.c */
/*
 * The helper's parser against what no client would send, and what a client does send. The groups are
 * numbered like the list of MUSTs above broker/request.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "broker/request.h"

#define WORDS_MAX 1300

static struct request request;
static char error[512];

static void
forget(void)
{
	/* What broker/request.c says it copies. */
	for (size_t i = 0; i < REQUEST_BINDS_MAX; i++) {
		free((void *)(uintptr_t)request.binds[i].source);
		free((void *)(uintptr_t)request.binds[i].destination);
	}
	for (size_t i = 0; i < REQUEST_TMPFS_MAX; i++)
		free((void *)(uintptr_t)request.tmpfs[i].destination);
	for (size_t i = 0; i < REQUEST_DEVICES_MAX; i++)
		free((void *)(uintptr_t)request.devices[i]);
	memset(&request, 0, sizeof(request));
}

static int
parse(int argc, char **argv)
{
	int result;

	forget();
	error[0] = '\0';
	result = request_parse(&request, argc, argv, error, sizeof(error));
	/* 7: one printable line, whatever was in the vector */
	for (const char *at = error; *at != '\0'; at++)
		assert_true(*at >= 0x20 && *at < 0x7f);
	assert_int_equal(result == 0, error[0] == '\0');
	return result;
}

/* "boxdo-launch 1 image=i", the words up to NULL, "-- true". */
static int
parse_words(const char *first, ...)
{
	const char *argv[WORDS_MAX] = {"boxdo-launch", "1"};
	int argc = 2;
	va_list words;

	va_start(words, first);
	if (strncmp(first, "image=", 6) != 0)
		argv[argc++] = "image=i";
	for (const char *word = first; word != NULL; word = va_arg(words, const char *))
		argv[argc++] = word;
	va_end(words);
	argv[argc++] = "--";
	argv[argc++] = "true";
	return parse(argc, (char **)(uintptr_t)argv);
}

#define ACCEPTED(...) assert_int_equal(parse_words(__VA_ARGS__, NULL), 0)
#define REFUSED(...) assert_int_equal(parse_words(__VA_ARGS__, NULL), -1)

/* word + n times filler, in memory that ASan watches. */
static char *
filled(const char *word, size_t n, char filler)
{
	char *text = malloc(strlen(word) + n + 1);

	assert_non_null(text);
	strcpy(text, word);
	memset(text + strlen(word), filler, n);
	text[strlen(word) + n] = '\0';
	return text;
}

static void
a_whole_request(void **state)
{
	(void)state;
	ACCEPTED("image=pytorch", "user=alice", "name=run-1", "bind=/home/alice/work:/work:rw",
	    "bind=.:/b:ro", "bind=/d:/d", "tmpfs=/t:size=1048576", "tmpfs=/u",
	    "device=/dev/nvidia0", "workdir=/work", "env=A_1", "env=_b", "network=host",
	    "ipc=private", "entrypoint=sh", "hostname=n1", "shm-size=17179869184", "scratch=yes",
	    "ulimit=nofile=1024:2048", "ulimit=memlock=unlimited:unlimited", "home=no", "cwd=no");
	assert_string_equal(request.image, "pytorch");
	assert_string_equal(request.user, "alice");
	assert_string_equal(request.name, "run-1");
	assert_int_equal(request.bind_count, 3);
	assert_string_equal(request.binds[0].source, "/home/alice/work");
	assert_string_equal(request.binds[0].destination, "/work");
	assert_int_equal(request.binds[0].mode, REQUEST_READ_WRITE);
	assert_string_equal(request.binds[1].source, ".");
	assert_int_equal(request.binds[1].mode, REQUEST_READ_ONLY);
	assert_int_equal(request.binds[2].mode, REQUEST_AS_GRANTED);
	assert_int_equal(request.tmpfs_count, 2);
	assert_int_equal(request.tmpfs[0].size, 1048576);
	assert_int_equal(request.tmpfs[1].size, 0);
	assert_string_equal(request.devices[0], "/dev/nvidia0");
	assert_string_equal(request.workdir, "/work");
	assert_int_equal(request.env_count, 2);
	assert_string_equal(request.envs[1], "_b");
	assert_string_equal(request.network, "host");
	assert_string_equal(request.ipc, "private");
	assert_string_equal(request.entrypoint, "sh");
	assert_string_equal(request.hostname, "n1");
	assert_true(request.shm_size == 17179869184);
	assert_int_equal(request.scratch, REQUEST_WITH_SCRATCH);
	assert_true(request.scratch_size == 0);
	assert_int_equal(request.ulimits[0].resource, RLIMIT_NOFILE);
	assert_true(request.ulimits[0].soft == 1024 && request.ulimits[0].hard == 2048);
	assert_true(request.ulimits[1].hard == RLIM_INFINITY);
	assert_true(request.no_home && request.no_cwd);
	assert_int_equal(request.command_count, 1);
	assert_string_equal(request.command[0], "true");
	assert_null(request.command[1]);
}

static void
must_1_short_vectors(void **state)
{
	char *const words[] = {
	    (char[]){"boxdo-launch"}, (char[]){"1"}, (char[]){"image=i"}, (char[]){"--"}, NULL};

	(void)state;
	for (int argc = 0; argc < 4; argc++) {
		char **argv = calloc((size_t)argc + 1, sizeof(*argv));

		memcpy(argv, words, (size_t)argc * sizeof(*argv));
		assert_int_equal(parse(argc, argv), -1);
		/* The whole vector, but for the count: the NULL ends it. */
		assert_int_equal(parse(4, argv), -1);
		free(argv);
	}
	assert_int_equal(parse(4, (char **)(uintptr_t)words), 0);
	assert_int_equal(request.command_count, 0);
	assert_null(request.command[0]);
}

static void
must_2_order_and_keys(void **state)
{
	static const char *const no_version[] = {"boxdo-launch", "2", "image=i", "--", NULL};
	static const char *const no_end[] = {"boxdo-launch", "1", "image=i", "sh", "--", NULL};

	(void)state;
	assert_int_equal(parse(4, (char **)(uintptr_t)no_version), -1);
	assert_int_equal(parse(5, (char **)(uintptr_t)no_end), -1);
	REFUSED("image=i", "image=j");
	REFUSED("image=");
	REFUSED("user=a", "image=i");
	REFUSED("cwd=no", "home=no");
	REFUSED("bind=/a:/a", "user=a");
	REFUSED("bind=/a:/a", "tmpfs=/t", "bind=/b:/b");
	REFUSED("home=no", "home=no");
	REFUSED("volume=/a:/a");
	REFUSED("Bind=/a:/a");
	REFUSED("bin=/a:/a");
	REFUSED("bindx=/a:/a");
	REFUSED("=");
	REFUSED("");
	REFUSED("bind");
	REFUSED("-i");
	REFUSED("---");
	REFUSED(" --");
	REFUSED("bi\nnd=/a:/a");
	ACCEPTED("--"); /* the rest is the command */
	assert_int_equal(request.command_count, 2);
}

/* n words of a kind, all different, then "--". */
static int
parse_many(const char *format, unsigned n)
{
	char *argv[WORDS_MAX] = {(char[]){"boxdo-launch"}, (char[]){"1"}, (char[]){"image=i"}};
	static char end[] = "--";
	int result;

	for (unsigned i = 0; i < n; i++) {
		argv[3 + i] = malloc(64);
		assert_non_null(argv[3 + i]);
		snprintf(argv[3 + i], 64, format, i);
	}
	argv[3 + n] = end;
	result = parse((int)n + 4, argv);
	for (unsigned i = 0; i < n; i++)
		free(argv[3 + i]);
	return result;
}

static void
must_3_limits(void **state)
{
	static const struct {
		const char *word;
		size_t longest;
	} values[] = {{"image=", REQUEST_PATH_MAX}, {"user=", REQUEST_NAME_MAX}, {"name=", 128},
	    {"workdir=/", REQUEST_PATH_MAX - 1}, {"env=", REQUEST_NAME_MAX},
	    {"entrypoint=", REQUEST_PATH_MAX}, {"hostname=", 63},
	    {"bind=/a:/", REQUEST_PATH_MAX - 1}, {"tmpfs=/", REQUEST_PATH_MAX - 1},
	    {"device=/dev/", REQUEST_PATH_MAX - 5}};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char *longest = filled(values[i].word, values[i].longest, 'a');
		char *longer = filled(values[i].word, values[i].longest + 1, 'a');
		char *huge = filled(values[i].word, 200000, 'a');

		ACCEPTED(longest);
		REFUSED(longer);
		REFUSED(huge);
		free(longest);
		free(longer);
		free(huge);
	}
	assert_int_equal(parse_many("bind=/a:/b%u", REQUEST_BINDS_MAX), 0);
	assert_int_equal(parse_many("bind=/a:/b%u", REQUEST_BINDS_MAX + 1), -1);
	assert_int_equal(parse_many("tmpfs=/t%u", REQUEST_TMPFS_MAX), 0);
	assert_int_equal(parse_many("tmpfs=/t%u", REQUEST_TMPFS_MAX + 1), -1);
	assert_int_equal(parse_many("device=/dev/d%u", REQUEST_DEVICES_MAX), 0);
	assert_int_equal(parse_many("device=/dev/d%u", REQUEST_DEVICES_MAX + 1), -1);
	assert_int_equal(parse_many("env=E%u", REQUEST_ENVS_MAX), 0);
	assert_int_equal(parse_many("env=E%u", REQUEST_ENVS_MAX + 1), -1);
}

static void
must_4_numbers(void **state)
{
	static const char *const bad[] = {"", "0", "-1", "+1", " 1", "1 ", "0x10", "01", "1k",
	    "1e3", "1.0", "18446744073709551616", "99999999999999999999", "100000000000000000000",
	    "\xd9\xa1"};

	(void)state;
	ACCEPTED("shm-size=18446744073709551615");
	assert_true(request.shm_size == UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char word[64];

		snprintf(word, sizeof(word), "shm-size=%s", bad[i]);
		REFUSED(word);
		snprintf(word, sizeof(word), "scratch=%s", bad[i]);
		REFUSED(word);
		snprintf(word, sizeof(word), "tmpfs=/t:size=%s", bad[i]);
		REFUSED(word);
		if (strcmp(bad[i], "0") != 0) {
			snprintf(word, sizeof(word), "ulimit=core=0:%s", bad[i]);
			REFUSED(word);
			snprintf(word, sizeof(word), "ulimit=core=%s:unlimited", bad[i]);
			REFUSED(word);
		}
	}
	ACCEPTED("scratch=granted");
	assert_int_equal(request.scratch, REQUEST_SCRATCH_IF_GRANTED);
	ACCEPTED("scratch=4096");
	assert_int_equal(request.scratch, REQUEST_WITH_SCRATCH);
	assert_true(request.scratch_size == 4096);
	ACCEPTED("home=no");
	assert_int_equal(request.scratch, REQUEST_NO_SCRATCH);
	REFUSED("scratch=no");
	REFUSED("scratch=yes", "scratch=4096");
	ACCEPTED("ulimit=core=0:0");
	REFUSED("ulimit=core=2:1");
	REFUSED("ulimit=core=unlimited:1");
	REFUSED("ulimit=core=1");
	REFUSED("ulimit=core");
	REFUSED("ulimit==1:1");
	REFUSED("ulimit=as=1:1");
	REFUSED("ulimit=cor=1:1");
	REFUSED("ulimit=core:1=1");
	REFUSED("ulimit=core=1:1:1");
	REFUSED("ulimit=core=1:1", "ulimit=core=2:2");
	ACCEPTED("ulimit=core=1:1", "ulimit=cpu=1:1");
}

static void
must_5_destinations(void **state)
{
	static const char *const bad[] = {"", "relative", "./x", "../x", "/", "//", "///", "/.",
	    "/..", "/a/..", "/a/../b", "/a/./b", "/a/.", "/proc", "/proc/", "//proc", "/proc//",
	    "/proc/1/fd", "/sys", "/sys/kernel", "/dev", "/dev/", "/dev/shm", "//dev//shm/",
	    "/dev/null", "/dev/pts/0"};
	static const struct {
		const char *typed, *clean;
	} good[] = {{"/a", "/a"}, {"//a", "/a"}, {"/a/", "/a"}, {"/a//b///", "/a/b"},
	    {"/...", "/..."}, {"/..a/.b", "/..a/.b"}, {"/processes", "/processes"},
	    {"/system", "/system"}, {"/devel", "/devel"}, {"/a/proc", "/a/proc"},
	    {"/\xff\n\x1b[2J", "/\xff\n\x1b[2J"}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char word[128];

		for (int mode = 0; mode < 3; mode++) {
			snprintf(word, sizeof(word), "bind=/x:%s%s", bad[i],
			    mode == 0   ? ""
			    : mode == 1 ? ":ro"
			                : ":rw");
			REFUSED(word);
		}
		snprintf(word, sizeof(word), "tmpfs=%s", bad[i]);
		REFUSED(word);
		snprintf(word, sizeof(word), "tmpfs=%s:size=4096", bad[i]);
		REFUSED(word);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char word[128];

		snprintf(word, sizeof(word), "bind=/x:%s", good[i].typed);
		ACCEPTED(word);
		assert_string_equal(request.binds[0].destination, good[i].clean);
		snprintf(word, sizeof(word), "tmpfs=%s", good[i].typed);
		ACCEPTED(word);
		assert_string_equal(request.tmpfs[0].destination, good[i].clean);
	}
}

static void
must_6_one_mount_a_destination(void **state)
{
	(void)state;
	REFUSED("bind=/a:/x", "bind=/b:/x");
	REFUSED("bind=/a:/x", "bind=/b:/x/");
	REFUSED("bind=/a:/x:ro", "bind=/b://x:rw");
	REFUSED("bind=/a:/x", "tmpfs=/x");
	REFUSED("tmpfs=/x", "tmpfs=/x/");
	ACCEPTED("bind=/a:/x", "bind=/a:/x/y", "tmpfs=/xy");
}

static void
must_7_errors_are_printable(void **state)
{
	char *many = filled("bind=", 5000, '\x1b');

	(void)state;
	REFUSED("\x1b]0;owned\a=x");
	REFUSED("name=\x1b[31m");
	REFUSED("bind=/x:\r\nboxdo: allowed");
	REFUSED("network=\xc2\x9b"
	        "2J");
	REFUSED(many);
	REFUSED("name=#033");
	assert_non_null(strstr(error, "#043033")); /* the sign of an escape is escaped itself */
	free(many);
}

static void
must_9_join(void **state)
{
	const char id[] = "join=0123456789abcdef0123456789abcdef";
	char *none[] = {(char[]){"boxdo-launch"}, (char[]){"1"}, (char[]){"image=-"},
	    (char *)(uintptr_t)id, (char[]){"--"}, NULL};

	(void)state;
	ACCEPTED("image=-", id);
	assert_string_equal(request.join, id + 5);
	ACCEPTED("image=-", "user=svc", "workdir=/w", "env=A", "env=B", "prompt=never", id);
	assert_int_equal(parse(5, none), -1);
	REFUSED("image=tiny", id);
	REFUSED("image=-", "name=a", id);
	REFUSED("image=-", "bind=/a:/b", id);
	REFUSED("image=-", "tmpfs=/t", id);
	REFUSED("image=-", "device=/dev/null", id);
	REFUSED("image=-", "network=none", id);
	REFUSED("image=-", "ipc=private", id);
	REFUSED("image=-", "entrypoint=", id);
	REFUSED("image=-", "hostname=a", id);
	REFUSED("image=-", "shm-size=1", id);
	REFUSED("image=-", "ulimit=core=0:0", id);
	REFUSED("image=-", "home=no", id);
	REFUSED("image=-", "cwd=no", id);
	REFUSED("image=-", id, "action=ps");
	REFUSED("image=-", id, "refused=x");
	REFUSED("image=-", id, id);
	REFUSED("image=-", "join=");
	REFUSED("image=-", "join=0123456789abcdef0123456789abcde");
	REFUSED("image=-", "join=0123456789abcdef0123456789abcdef0");
	REFUSED("image=-", "join=0123456789ABCDEF0123456789abcdef");
	REFUSED("image=-", "join=../../../../../../../../../proc/1");
}

static void
binds(void **state)
{
	(void)state;
	REFUSED("bind=");
	REFUSED("bind=:");
	REFUSED("bind=/a");
	REFUSED("bind=/a:");
	REFUSED("bind=:/a");
	REFUSED("bind=:ro");
	REFUSED("bind=/a:ro");
	REFUSED("bind=/a:rw");
	REFUSED("bind=/a::ro");
	REFUSED("bind=/a:/b:");
	REFUSED("bind=/a:/b:rx");
	REFUSED("bind=/a:/b:ro:rw");
	REFUSED("bind=/a:/b:RO");
	REFUSED("bind=/a:/b:/c");
	ACCEPTED("bind=../a b\n:/b");
	assert_string_equal(request.binds[0].source, "../a b\n");
}

static void
other_values(void **state)
{
	(void)state;
	REFUSED("user=");
	REFUSED("user=a\nb");
	REFUSED("user=\x7f");
	ACCEPTED("user=1000:1000");
	REFUSED("name=");
	REFUSED("name=a b");
	REFUSED("name=a/b");
	REFUSED("device=");
	REFUSED("device=/etc/passwd");
	REFUSED("device=/dev");
	REFUSED("device=/dev/../etc/passwd");
	REFUSED("device=/dev/./null");
	ACCEPTED("device=nvidia.com/gpu=all");
	assert_string_equal(request.devices[0], "nvidia.com/gpu=all");
	ACCEPTED("device=nvidia.com/gpu=MIG-1:0:2");
	REFUSED("device=nvidia.com/gpu=");
	REFUSED("device=nvidia.com=gpu/0");
	REFUSED("device=nvidia.com/=0");
	REFUSED("device=/gpu=0");
	REFUSED("device=nvidia.com/gpu=*");
	REFUSED("device=nvidia.com/gpu=0/../1");
	REFUSED("device=-a/gpu=0");
	REFUSED("device=a/gpu=0\n");
	ACCEPTED("device=/dev//dri/card0");
	assert_string_equal(request.devices[0], "/dev/dri/card0");
	REFUSED("workdir=");
	REFUSED("workdir=work");
	REFUSED("env=");
	REFUSED("env=1A");
	REFUSED("env=A=B");
	REFUSED("env=A-B");
	REFUSED("env=BASH_FUNC_x%%");
	REFUSED("network=");
	REFUSED("network=bridge");
	REFUSED("network=hostx");
	REFUSED("ipc=container:x");
	REFUSED("hostname=");
	REFUSED("hostname=a_b");
	REFUSED("hostname=-a");
	REFUSED("hostname=.");
	ACCEPTED("hostname=a.b-1");
	REFUSED("home=");
	REFUSED("home=yes");
	REFUSED("cwd=on");
}

/* A long error fits the smallest buffer. */
static void
small_error_buffers(void **state)
{
	char word[] = "name=/////////////////////////////////////////////////";
	char *argv[] = {
	    (char[]){"x"}, (char[]){"1"}, (char[]){"image=i"}, word, (char[]){"--"}, NULL};

	(void)state;
	for (size_t size = 1; size < 64; size++) {
		char *small = malloc(size);

		assert_non_null(small);
		forget();
		assert_int_equal(request_parse(&request, 5, argv, small, size), -1);
		assert_true(strlen(small) < size);
		free(small);
	}
	assert_string_equal(word, "name=/////////////////////////////////////////////////");
}

static int
clean_up(void **state)
{
	(void)state;
	forget();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(a_whole_request, clean_up),
	    cmocka_unit_test_teardown(must_1_short_vectors, clean_up),
	    cmocka_unit_test_teardown(must_2_order_and_keys, clean_up),
	    cmocka_unit_test_teardown(must_3_limits, clean_up),
	    cmocka_unit_test_teardown(must_4_numbers, clean_up),
	    cmocka_unit_test_teardown(must_5_destinations, clean_up),
	    cmocka_unit_test_teardown(must_6_one_mount_a_destination, clean_up),
	    cmocka_unit_test_teardown(must_7_errors_are_printable, clean_up),
	    cmocka_unit_test_teardown(must_9_join, clean_up),
	    cmocka_unit_test_teardown(binds, clean_up),
	    cmocka_unit_test_teardown(other_values, clean_up),
	    cmocka_unit_test_teardown(small_error_buffers, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
