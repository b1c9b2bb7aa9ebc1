/* What the policy's unit tests share: a policy directory of their own, a caller, a fake directory. */
#ifndef BOXDO_TESTS_POLICY_TEST_H
#define BOXDO_TESTS_POLICY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/policy.h"

#define ALICE 1001
#define STAFF 2001 /* alice's group, in the kernel and in NSS */
#define INTERNS                                                                                    \
	2002 /* NSS alone says she is in it: she dropped it with newgrp, or logged in before */
#define SPACES 2003 /* "domain users": the kernel's */

static char test_dir[PATH_MAX];
static struct policy_error test_error;
static int test_look_ups, test_members;

static const gid_t test_groups[] = {STAFF, SPACES};
static struct policy_who test_who = {
    .uid = ALICE,
    .gid = ALICE,
    .groups = test_groups,
    .group_count = 2,
    .name = "alice",
    .home = "/home/alice",
    .host = "gpu1.example.org",
    .now = 1800000000, /* Fri 2027-01-15 08:00 UTC */
};

static int
test_group(void *context, const char *name, gid_t *gid)
{
	static const struct {
		const char *name;
		gid_t gid;
	} known[] = {{"staff", STAFF}, {"interns", INTERNS}, {"domain users", SPACES}, {"none", 9},
	    {"alice", ALICE}};
	size_t i;

	(void)context;
	test_look_ups++;
	if (strcmp(name, "broken") == 0)
		return -1;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0) {
			*gid = known[i].gid;
			return 1;
		}
	return 0;
}

static int
test_member(void *context, gid_t gid)
{
	(void)context;
	test_members++;
	return gid == STAFF || gid == INTERNS;
}

static int
test_netgroup(void *context, const char *name)
{
	(void)context;
	test_look_ups++;
	return strcmp(name, "broken") == 0 ? -1 : strcmp(name, "lab") == 0;
}

static const struct policy_lookup test_lookup = {
    .group = test_group, .member = test_member, .netgroup = test_netgroup};

/* A file of the policy, root's and 0644, with these bytes. */
static inline void
test_write_bytes(const char *name, const void *data, size_t size)
{
	char path[PATH_MAX + 64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", test_dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
	assert_int_equal(chmod(path, 0644), 0);
}

static inline void
test_write(const char *name, const char *text)
{
	test_write_bytes(name, text, strlen(text));
}

static inline struct policy *
test_load_dir(void)
{
	test_look_ups = test_members = 0;
	return policy_load(test_dir, &test_who, &test_lookup, &test_error);
}

/* The policy that text is, or NULL. */
static inline struct policy *
test_load(const char *text)
{
	test_write("policy.conf", text);
	return test_load_dir();
}

static inline void
test_remove(const char *name)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", test_dir, name);
	if (unlink(path) != 0 && errno == EISDIR)
		rmdir(path);
}

/* In a mount namespace of our own: wherever the checkout lies, all directories above are root's alone. */
static inline int
test_setup(void **state)
{
	(void)state;
	umask(022);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "/mnt", "tmpfs", 0, "mode=0755") != 0)
		return -1;
	snprintf(test_dir, sizeof(test_dir), "/mnt/policy-test.XXXXXX");
	return mkdtemp(test_dir) != NULL && chmod(test_dir, 0755) == 0 ? 0 : -1;
}

static inline int
test_teardown(void **state)
{
	char path[PATH_MAX + 64];

	(void)state;
	test_remove("policy.conf");
	snprintf(path, sizeof(path), "%s/policy.d", test_dir);
	rmdir(path);
	return rmdir(test_dir);
}

#endif
