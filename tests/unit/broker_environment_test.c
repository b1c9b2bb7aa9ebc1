/* with: broker/environment.c */
/*
 * The command's environment: what never goes in, what was asked for, facts, each name once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/environment.h"

static struct request request;
static const char *const *own; /* the image's Env */
static size_t firm;

/* The value of name, NULL when it is not there; fails when it is there twice. */
static const char *
value(char **environment, const char *name)
{
	const char *found = NULL;
	size_t length = strlen(name);

	assert_non_null(environment);
	for (char **e = environment; *e; e++)
		if (strncmp(*e, name, length) == 0 && (*e)[length] == '=') {
			assert_null(found);
			found = *e + length + 1;
		}
	return found;
}

static char **
build(const char *const *ambient, const char *const *allowed)
{
	static struct directory_user user = {.name = "alice", .home = "/home/alice"};
	struct origin origin = {.environment = (char **)(uintptr_t)ambient};

	request.image = "tiny";
	return environment_build(&origin, &request, own, allowed, &user, "0123", NULL, &firm);
}

static void
drop(char **environment)
{
	for (char **e = environment; *e; e++)
		free(*e);
	free(environment);
}

/* asked > facts > the image's > what was there; the image may set what no caller's environment may. */
static void
test_own(void **state)
{
	static const char *const ambient[] = {"LANG=de", "EDITOR=vi", "BOXDO_ENV_TERM=asked", NULL};
	static const char *const image[] = {"PATH=/opt/bin:/bin", "LANG=C", "HOME=/root",
	    "TERM=dumb", "LD_LIBRARY_PATH=/opt/lib", "BOXDO_ID=forged", "LANG=second", "novalue",
	    "=x", NULL};
	static const char *const none[] = {NULL};
	char **got;

	(void)state;
	own = image;
	request.envs[0] = "TERM";
	request.env_count = 1;
	got = build(ambient, NULL);
	assert_string_equal(value(got, "PATH"), "/opt/bin:/bin");
	assert_string_equal(value(got, "LANG"), "C");
	assert_string_equal(value(got, "EDITOR"), "vi");
	assert_string_equal(value(got, "HOME"), "/home/alice");
	assert_string_equal(value(got, "BOXDO_ID"), "0123");
	assert_string_equal(value(got, "TERM"), "asked");
	assert_string_equal(value(got, "LD_LIBRARY_PATH"), "/opt/lib");
	assert_null(value(got, "novalue"));
	drop(got);
	/* Narrowed: what the caller brings, not what the image has. */
	got = build(ambient, none);
	assert_null(value(got, "EDITOR"));
	assert_string_equal(value(got, "LANG"), "C");
	drop(got);
	own = NULL;
	request.env_count = 0;
}

/* Of an image of the caller's own the Env is known after the drop alone: the same comes out. */
static void
test_own_later(void **state)
{
	static const char *const ambient[] = {"LANG=de", "EDITOR=vi", "BOXDO_ENV_TERM=asked", NULL};
	static const char *const image[] = {"PATH=/opt/bin:/bin", "LANG=C", "HOME=/root",
	    "TERM=dumb", "BOXDO_ID=forged", "LANG=second", "novalue", "OTHER=1", NULL};
	char **before, **got, **want;
	size_t count = 0;

	(void)state;
	request = (struct request){.envs = {"TERM"}, .env_count = 1};
	own = image;
	want = build(ambient, NULL);
	own = NULL;
	before = build(ambient, NULL);
	got = environment_with(before, firm, image);
	for (; want[count]; count++)
		assert_string_equal(got[count], want[count]);
	assert_null(got[count]);
	drop(want);
	/* What stands above is the same strings in both. */
	for (size_t i = 0; i < firm; i++)
		before[i] = strdup(before[i]);
	drop(before);
	drop(got);
	request = (struct request){0};
}

static void
test_never(void **state)
{
	static const char *const names[] = {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_",
	    "GLIBC_TUNABLES", "PYTHONPATH", "BASH_ENV", "ENV", "BASH_FUNC_x%%", "TMPDIR",
	    "SUDO_USER", "BOXDO_FORGED", "BOXDO_ENV_ALSO", "OLDPWD"};
	char *entries[sizeof names / sizeof names[0] + 1] = {NULL}, **got;

	(void)state;
	request = (struct request){0};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_true(asprintf(&entries[i], "%s=x", names[i]) > 0);
	got = build((const char *const *)entries, NULL);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_null(value(got, names[i]));
		free(entries[i]);
	}
	drop(got);
}

static void
test_facts_and_the_rest(void **state)
{
	const char *ambient[] = {"HOME=/wrong", "USER=root", "PATH=/wrong", "FOO=a=b", "FOO=second",
	    "EMPTY=", "=nameless", "no equals sign", "LDX=kept", NULL};
	char **got;

	(void)state;
	request = (struct request){0};
	got = build(ambient, NULL);
	assert_string_equal(value(got, "HOME"), "/home/alice");
	assert_string_equal(value(got, "USER"), "alice");
	assert_string_equal(value(got, "LOGNAME"), "alice");
	assert_string_equal(value(got, "PATH"), ENVIRONMENT_PATH);
	assert_string_equal(value(got, "container"), "boxdo");
	assert_string_equal(value(got, "BOXDO_ID"), "0123");
	assert_string_equal(value(got, "BOXDO_IMAGE"), "tiny");
	assert_string_equal(value(got, "FOO"), "a=b");
	assert_string_equal(value(got, "EMPTY"), "");
	assert_string_equal(value(got, "LDX"), "kept");
	for (char **e = got; *e; e++)
		assert_true(strchr(*e, '=') && **e != '=');
	drop(got);
}

static void
test_asked_for_counts_most(void **state)
{
	const char *ambient[] = {"BOXDO_ENV_PATH=/asked", "BOXDO_ENV_LD_PRELOAD=/asked.so",
	    "BOXDO_ENV_PATHS=wrong", "FOO=ambient", "BOXDO_ENV_FOO=asked", "GONE=ambient", NULL};
	char **got;

	(void)state;
	request = (struct request){.envs = {"PATH", "LD_PRELOAD", "FOO", "UNSET"}, .env_count = 4};
	got = build(ambient, NULL);
	assert_string_equal(value(got, "PATH"), "/asked");
	assert_string_equal(value(got, "LD_PRELOAD"), "/asked.so");
	assert_string_equal(value(got, "FOO"), "asked");
	assert_null(value(got, "UNSET"));
	assert_null(value(got, "PATHS"));
	drop(got);
}

static void
test_narrowed(void **state)
{
	static const char *const allowed[] = {"LANG", "SLURM_*", NULL};
	const char *ambient[] = {
	    "LANG=C", "SLURM_JOB=1", "LANGUAGE=x", "OTHER=x", "LD_PRELOAD=x", NULL};
	char **got;

	(void)state;
	request = (struct request){0};
	got = build(ambient, allowed);
	assert_string_equal(value(got, "LANG"), "C");
	assert_string_equal(value(got, "SLURM_JOB"), "1");
	assert_null(value(got, "LANGUAGE"));
	assert_null(value(got, "OTHER"));
	assert_null(value(got, "LD_PRELOAD"));
	assert_string_equal(value(got, "HOME"), "/home/alice");
	drop(got);
}

static void
test_too_many_are_refused(void **state)
{
	static const char *ambient[9001];

	(void)state;
	request = (struct request){0};
	for (size_t i = 0; i < 9000; i++)
		ambient[i] = "A=b";
	assert_null(build(ambient, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_never),
	    cmocka_unit_test(test_own),
	    cmocka_unit_test(test_own_later),
	    cmocka_unit_test(test_facts_and_the_rest),
	    cmocka_unit_test(test_asked_for_counts_most),
	    cmocka_unit_test(test_narrowed),
	    cmocka_unit_test(test_too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
