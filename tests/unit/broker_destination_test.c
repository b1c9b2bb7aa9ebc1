/* with: broker/destination.c */
/*
 * Mount points inside an image: how names resolve, what is made in the skeleton and how it looks.
 */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/destination.h"

static char base[PATH_MAX];
static int image, skeleton;

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/* An image with the links a hostile one would have. */
static int
set_up(void **state)
{
	char top[] = "/tmp/boxdo-destination.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(base, sizeof base, "%s/image", top);
	assert_int_equal(chdir(top), 0);
	assert_int_equal(mkdir("image", 0755) | mkdir("skeleton", 0755), 0);
	image = open("image", O_PATH | O_DIRECTORY);
	skeleton = open("skeleton", O_RDONLY | O_DIRECTORY);
	assert_int_equal(chdir("image"), 0);
	assert_int_equal(mkdir("usr", 0755) | mkdir("usr/share", 0751) | mkdir("etc", 0755), 0);
	assert_int_equal(chmod("usr/share", 0751), 0);
	assert_int_equal(symlink("usr/share", "share") | symlink("/usr/share", "absolute"), 0);
	assert_int_equal(symlink("../../../../../usr", "up") | symlink("loop", "loop"), 0);
	assert_int_equal(symlink("nowhere", "dangling") | symlink("/proc/self/root", "host"), 0);
	close(open("etc/file", O_CREAT | O_WRONLY, 0644));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(image);
	close(skeleton);
	assert_int_equal(chdir("/"), 0);
	*strrchr(base, '/') = '\0';
	return nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* "exists PATH", "missing PATH", or "refused". */
static const char *
resolved(const char *name, bool directory, bool nofollow)
{
	static char text[PATH_MAX + 16];
	struct destination at;
	char error[512] = "";

	if (destination_resolve(image, base, name, directory, nofollow, &at, error, sizeof error) !=
	    0) {
		assert_true(error[0]);
		return "refused";
	}
	snprintf(text, sizeof text, "%s %s", at.exists ? "exists" : "missing", at.path);
	return text;
}

static void
test_below(void **state)
{
	(void)state;
	assert_true(destination_below("/a/b", "/a"));
	assert_true(destination_below("/a", "/a"));
	assert_true(destination_below("/a", "/"));
	assert_false(destination_below("/ab", "/a"));
	assert_false(destination_below("/a", "/a/b"));
}

static void
test_resolves(void **state)
{
	(void)state;
	assert_string_equal(resolved("/", true, false), "exists /");
	assert_string_equal(resolved("/usr/share", true, false), "exists /usr/share");
	assert_string_equal(resolved("/share", true, false), "exists /usr/share");
	assert_string_equal(resolved("/absolute", true, false), "exists /usr/share");
	assert_string_equal(resolved("/up/share", true, false), "exists /usr/share");
	assert_string_equal(resolved("/etc/file", false, false), "exists /etc/file");
}

static void
test_missing(void **state)
{
	(void)state;
	assert_string_equal(resolved("/data", true, false), "missing /data");
	assert_string_equal(resolved("/a/b/c", true, false), "missing /a/b/c");
	assert_string_equal(resolved("/share/new/er", true, false), "missing /usr/share/new/er");
	assert_string_equal(resolved("/up/new", false, false), "missing /usr/new");
	assert_string_equal(resolved("/dangling", true, false), "missing /dangling");
	assert_string_equal(resolved("/host/etc", true, false), "missing /host/etc");
}

static void
test_links_not_followed(void **state)
{
	(void)state;
	assert_string_equal(resolved("/share", false, true), "missing /share");
	assert_string_equal(resolved("/up", true, true), "missing /up");
	assert_string_equal(resolved("/etc/file", false, true), "exists /etc/file");
}

static void
test_refused(void **state)
{
	char too_long[PATH_MAX + 8];

	(void)state;
	assert_string_equal(resolved("/etc", false, false), "refused");
	assert_string_equal(resolved("/etc/file", true, false), "refused");
	assert_string_equal(resolved("/etc/file/below", true, false), "refused");
	assert_string_equal(resolved("/loop", true, false), "refused");
	assert_string_equal(resolved("/loop/below", true, false), "refused");
	memset(too_long, 'x', sizeof too_long);
	too_long[0] = '/';
	too_long[sizeof too_long - 1] = '\0';
	assert_string_equal(resolved(too_long, true, false), "refused");
}

static void
test_made_as_the_image_has_it(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(destination_make(image, skeleton, "/usr/share/new/deep", true), 0);
	assert_int_equal(fstatat(skeleton, "usr/share", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0751);
	assert_int_equal(fstatat(skeleton, "usr/share/new/deep", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(destination_make(image, skeleton, "/etc/new", false), 0);
	assert_int_equal(fstatat(skeleton, "etc/new", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	/* Twice is once, and nothing was made in the image. */
	assert_int_equal(destination_make(image, skeleton, "/usr/share/new/deep", true), 0);
	assert_int_equal(destination_make(image, skeleton, "/etc/new", false), 0);
	assert_int_not_equal(fstatat(image, "usr/share/new", &st, 0), 0);
	assert_int_not_equal(fstatat(image, "etc/new", &st, 0), 0);
}

static void
test_makes_nothing_through_a_link(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(symlinkat("/tmp", skeleton, "out"), 0);
	assert_int_not_equal(destination_make(image, skeleton, "/out/boxdo-new", true), 0);
	assert_int_not_equal(stat("/tmp/boxdo-new", &st), 0);
}

/* A directory of the image that cannot be opened (the caller's own `ulimit -n`) is not one that it lacks. */
static void
test_few_descriptors(void **state)
{
	struct rlimit before, few;
	struct stat st;
	char name[16];
	int lowest = dup(image), top;

	(void)state;
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int more = 1; more < 8; more++) {
		snprintf(name, sizeof name, "%d", more);
		assert_int_equal(mkdirat(skeleton, name, 0755), 0);
		top = openat(skeleton, name, O_RDONLY | O_DIRECTORY);
		few = before;
		few.rlim_cur = (rlim_t)(lowest + 1 + more);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		if (destination_make(image, top, "/usr/share/new", true) == 0) {
			assert_int_equal(fstatat(top, "usr/share", &st, 0), 0);
			assert_int_equal(st.st_mode & 07777, 0751);
		}
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		close(top);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_below, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_resolves, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_missing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_links_not_followed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_made_as_the_image_has_it, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_makes_nothing_through_a_link, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_few_descriptors, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
