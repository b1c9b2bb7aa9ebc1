/* with: policy/[a-z]*.c */
/* Who may have written the policy: owners, modes, links, parents, and files that are cut short. */
#include "tests/unit/policy_test.h"

#define GOOD "[allow a]\nusers = *\nimages = *\n"

static void
expect_refused(const char *what)
{
	struct policy *policy = test_load_dir();

	if (policy != NULL || strstr(test_error.text, what) == NULL)
		fail_msg(
		    "expected '%s', got '%s'", what, policy != NULL ? "a policy" : test_error.text);
}

static void
expect_loaded(void)
{
	struct policy *policy = test_load_dir();

	if (policy == NULL)
		fail_msg("refused: %s", test_error.text);
	policy_free(policy);
}

static void
path_of(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", test_dir, name);
}

static void
modes_and_owners(void **state)
{
	static const struct {
		mode_t mode;
		uid_t uid;
		const char *error;
	} rows[] = {
	    {0644, 0, NULL},
	    {0600, 0, NULL},
	    {0444, 0, NULL},
	    {0664, 0, "chmod go-w"},
	    {0646, 0, "chmod go-w"},
	    {0666, 0, "chmod go-w"},
	    {0644, ALICE, "chown root"},
	    {0620, 0, "chmod go-w"},
	    {0602, 0, "chmod go-w"},
	    {0600, 65534, "chown root"},
	};
	char file[PATH_MAX + 64], dropin[PATH_MAX + 64], dir[PATH_MAX + 64];
	size_t i, j;

	(void)state;
	test_write("policy.conf", GOOD);
	path_of(file, sizeof(file), "policy.conf");
	path_of(dir, sizeof(dir), "policy.d");
	assert_int_equal(mkdir(dir, 0755), 0);
	test_write("policy.d/10-x.conf", GOOD);
	path_of(dropin, sizeof(dropin), "policy.d/10-x.conf");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* The file, the drop-in, their directories (searchable for root whatever the mode). */
		const char *const paths[] = {file, dropin, dir, test_dir};

		for (j = 0; j < 4; j++) {
			mode_t normal = j < 2 ? 0644 : 0755;

			assert_int_equal(chown(paths[j], rows[i].uid, (gid_t)-1), 0);
			assert_int_equal(chmod(paths[j], rows[i].mode), 0);
			if (rows[i].error == NULL)
				expect_loaded();
			else
				expect_refused(rows[i].error);
			assert_int_equal(chown(paths[j], 0, (gid_t)-1), 0);
			assert_int_equal(chmod(paths[j], normal), 0);
		}
	}
	expect_loaded();
	test_remove("policy.d/10-x.conf");
	rmdir(dir);
}

static void
no_sticky_parent(void **state)
{
	struct policy *policy;
	char dir[] = "/tmp/policy-test.XXXXXX", file[64];
	FILE *stream;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(file, sizeof(file), "%s/policy.conf", dir);
	stream = fopen(file, "w");
	assert_non_null(stream);
	fputs(GOOD, stream);
	fclose(stream);
	policy = policy_load(dir, &test_who, &test_lookup, &test_error);
	unlink(file);
	rmdir(dir);
	assert_null(policy);
	assert_non_null(strstr(test_error.text, "/tmp: must not be writable"));
}

static void
odd_directories(void **state)
{
	static const char *const names[] = {"", "relative", "etc/boxdo", "/nonexistent/boxdo"};
	char path[PATH_MAX + 64];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_null(policy_load(names[i], &test_who, &test_lookup, &test_error));
	test_write("policy.conf", GOOD);
	snprintf(path, sizeof(path), "%s/../%s", test_dir, strrchr(test_dir, '/') + 1);
	assert_null(policy_load(path, &test_who, &test_lookup, &test_error));
	snprintf(path, sizeof(path), "%s.link", test_dir);
	assert_int_equal(symlink(test_dir, path), 0);
	assert_null(policy_load(path, &test_who, &test_lookup, &test_error));
	unlink(path);
}

static void
odd_files(void **state)
{
	char path[PATH_MAX + 64], other[PATH_MAX + 64];

	(void)state;
	path_of(path, sizeof(path), "policy.conf");
	path_of(other, sizeof(other), "other");
	unlink(path);
	expect_refused("No such file");
	test_write("policy.conf", "");
	expect_refused("is empty");
	test_write("other", GOOD);
	unlink(path);
	assert_int_equal(symlink("other", path), 0);
	expect_refused("must not be a symbolic link");
	unlink(path);
	unlink(other);
	assert_int_equal(mkfifo(path, 0644), 0);
	expect_refused("must be a regular file");
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	expect_refused("must be a regular file");
	rmdir(path);
	test_write("policy.conf", GOOD);
	assert_int_equal(truncate(path, 33 * 1024 * 1024), 0);
	expect_refused("too large");
	test_write("policy.conf", GOOD);
	expect_loaded();
}

static void
drop_ins(void **state)
{
	char dir[PATH_MAX + 64], path[PATH_MAX + 64];
	struct policy *policy;
	const struct policy_image *images;
	size_t count;

	(void)state;
	test_write("policy.conf", GOOD);
	path_of(dir, sizeof(dir), "policy.d");
	test_write("policy.d", "a file");
	expect_refused("must be a directory");
	unlink(dir);
	assert_int_equal(symlink("/etc", dir), 0);
	expect_refused("must be a directory");
	unlink(dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	expect_loaded();
	/* Byte order; names beginning with a dot, and those that do not end in .conf, do not count. */
	test_write("policy.d/b.conf", "[image b]\npath = /b\n");
	test_write("policy.d/B.conf", "[image B]\npath = /B\n");
	test_write("policy.d/10-a.conf", "[image ten]\npath = /ten\n");
	test_write("policy.d/.hidden.conf", "garbage\n");
	test_write("policy.d/note.conf~", "garbage\n");
	test_write("policy.d/conf", "garbage\n");
	policy = test_load_dir();
	assert_non_null(policy);
	images = policy_images(policy, &count);
	assert_int_equal(count, 3);
	assert_string_equal(images[0].name, "ten");
	assert_string_equal(images[1].name, "B");
	assert_string_equal(images[2].name, "b");
	policy_free(policy);
	test_write("policy.d/z.conf", "");
	expect_refused("z.conf: is empty");
	test_write("policy.d/z.conf", "[settings]\naudit = unconfirmed\n");
	expect_refused("z.conf:1:1: [settings] belongs in policy.conf");
	test_remove("policy.d/z.conf");
	path_of(path, sizeof(path), "policy.d/dir.conf");
	mkdir(path, 0755);
	expect_refused("must be a regular file");
	rmdir(path);
	/* A name that would play with the terminal. */
	test_write("policy.d/\x1b[31m.conf", "garbage\n");
	expect_refused("?[31m.conf");
	test_remove("policy.d/\x1b[31m.conf");
	test_remove("policy.d/b.conf");
	test_remove("policy.d/B.conf");
	test_remove("policy.d/10-a.conf");
	test_remove("policy.d/.hidden.conf");
	test_remove("policy.d/note.conf~");
	test_remove("policy.d/conf");
	rmdir(dir);
}

/* More names than a directory gives back in order by chance. */
static void
byte_order(void **state)
{
	char dir[PATH_MAX + 64], name[64], text[64];
	const struct policy_image *images;
	struct policy *policy;
	size_t count, i;

	(void)state;
	test_write("policy.conf", GOOD);
	path_of(dir, sizeof(dir), "policy.d");
	assert_int_equal(mkdir(dir, 0755), 0);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "policy.d/%02zu.conf", i * 17 % 40);
		snprintf(text, sizeof(text), "[image i%02zu]\npath = /i\n", i * 17 % 40);
		test_write(name, text);
	}
	policy = test_load_dir();
	assert_non_null(policy);
	images = policy_images(policy, &count);
	assert_int_equal(count, 40);
	for (i = 1; i < count; i++)
		assert_true(strcmp(images[i - 1].name, images[i].name) < 0);
	policy_free(policy);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "policy.d/%02zu.conf", i);
		test_remove(name);
	}
	rmdir(dir);
}

static void
digest_text_and_public(void **state)
{
	struct policy *policy;
	char path[PATH_MAX + 64], first[POLICY_SHA256_SIZE], command[3 * PATH_MAX], tool[80] = "";
	char *text;
	size_t length;
	FILE *pipe;

	(void)state;
	path_of(path, sizeof(path), "policy.conf");
	policy = test_load(GOOD);
	assert_non_null(policy);
	assert_true(policy_public(policy));
	snprintf(first, sizeof(first), "%s", policy_sha256(policy));
	snprintf(command, sizeof(command), "{ echo '%s %zu'; cat '%s'; } | sha256sum", path,
	    strlen(GOOD), path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(tool, sizeof(tool), pipe));
	pclose(pipe);
	assert_memory_equal(tool, first, 64);
	text = policy_text(policy, &length);
	assert_non_null(text);
	assert_non_null(strstr(text, path));
	assert_non_null(strstr(text, GOOD));
	assert_int_equal(strlen(text), length);
	free(text);
	/* Another text than the one that decided is no text. */
	test_write("policy.conf", GOOD "# changed\n");
	assert_null(policy_text(policy, &length));
	policy_free(policy);
	chmod(path, 0600);
	policy = test_load_dir();
	assert_non_null(policy);
	assert_false(policy_public(policy));
	assert_string_not_equal(first, policy_sha256(policy));
	policy_free(policy);
	chmod(path, 0644);
	chmod(test_dir, 0700);
	policy = test_load_dir();
	assert_non_null(policy);
	assert_false(policy_public(policy));
	policy_free(policy);
	chmod(test_dir, 0755);
}

/* What was written a moment ago may by now be no longer: a machine that stood still in between is asked again. */
static bool
was_fresh(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && time(NULL) <= st.st_ctim.tv_sec + 2;
}

/*
 * A digest that was kept counts for the same files, unchanged for a while, and for nothing else: a
 * kept one that is wrong shows when it is believed.
 */
static void
kept_digest(void **state)
{
	static const char wrong[] =
	    "1111111111111111111111111111111111111111111111111111111111111111";
	struct policy_digest fresh, settled, kept;
	struct policy_lookup lookup = test_lookup;
	struct policy *policy;
	struct timespec times[2];
	char path[PATH_MAX + 64];
	struct stat st;
	int fd;

	(void)state;
	path_of(path, sizeof(path), "policy.conf");
	do {
		policy = test_load(GOOD);
		assert_non_null(policy);
		fresh = *policy_digest(policy);
		policy_free(policy);
	} while (!was_fresh(path));
	assert_string_equal(fresh.key, "");
	sleep(5);
	policy = test_load_dir();
	settled = kept = *policy_digest(policy);
	policy_free(policy);
	assert_int_equal(strlen(settled.key), 64);
	assert_string_equal(settled.sha256, fresh.sha256);
	memcpy(kept.sha256, wrong, sizeof(wrong));
	lookup.known = &kept;
	policy = policy_load(test_dir, &test_who, &lookup, &test_error);
	assert_string_equal(policy_sha256(policy), wrong);
	assert_string_equal(policy_digest(policy)->key, settled.key);
	policy_free(policy);
	/* A key that is none, or another's. */
	kept.key[0] = '\0';
	policy = policy_load(test_dir, &test_who, &lookup, &test_error);
	assert_string_equal(policy_sha256(policy), settled.sha256);
	policy_free(policy);
	memcpy(kept.key, wrong, sizeof(wrong));
	policy = policy_load(test_dir, &test_who, &lookup, &test_error);
	assert_string_equal(policy_sha256(policy), settled.sha256);
	policy_free(policy);
	/* Other bytes, the same size, the time put back: the change time tells. */
	kept.key[0] = settled.key[0];
	kept = settled;
	memcpy(kept.sha256, wrong, sizeof(wrong));
	assert_int_equal(stat(path, &st), 0);
	times[0] = times[1] = st.st_mtim;
	do {
		fd = open(path, O_WRONLY);
		assert_int_equal(pwrite(fd, "[allow b]", 9, 0), 9);
		close(fd);
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
		policy = policy_load(test_dir, &test_who, &lookup, &test_error);
		assert_string_not_equal(policy_sha256(policy), wrong);
		assert_string_not_equal(policy_sha256(policy), settled.sha256);
		fresh = *policy_digest(policy);
		policy_free(policy);
	} while (!was_fresh(path));
	assert_string_equal(fresh.key, "");
	/* A broken policy is broken whatever was kept. */
	test_write("policy.conf", "[allow\n");
	assert_null(policy_load(test_dir, &test_who, &lookup, &test_error));
	assert_int_equal(test_error.count, 1);
}

/*
 * In files that are known the rules of others are passed over. What they say counts again with any
 * change, also one that leaves size and time as they were.
 */
static void
known_files(void **state)
{
	static const struct {
		const char *was, *is;
	} changes[] = {{"hours", "ohurs"}, {"[allow y]", "[allow x]"}, {"20:00", "20:61"},
	    {"[deny z]", "[den yz]"}, {"users = carol", "users = *,!al"}};
	static const char text[] = "[allow x]\nusers = bob\nimages = a\nhours = 08:00-20:00\n"
	                           "[allow y]\nimages = b\nusers = %interns\n  carol\n# more\n"
	                           "binds = /data\n"
	                           "[allow me]\nusers = alice\nimages = *\nbinds = /mine\n"
	                           "[deny z]\nusers = carol\n";
	struct policy_lookup lookup = test_lookup;
	struct policy_digest kept;
	struct policy *policy;
	char path[PATH_MAX + 64], other[sizeof(text)], *at;
	struct timespec times[2];
	struct stat st;
	size_t i, count;
	int fd;

	(void)state;
	test_write("policy.conf", text);
	sleep(5);
	policy = test_load_dir();
	kept = *policy_digest(policy);
	policy_free(policy);
	lookup.known = &kept;
	policy = policy_load(test_dir, &test_who, &lookup, &test_error);
	assert_non_null(policy);
	assert_string_equal(policy_paths(policy, &count)[0], "/mine");
	assert_int_equal(count, 1);
	policy_free(policy);
	path_of(path, sizeof(path), "policy.conf");
	assert_int_equal(stat(path, &st), 0);
	times[0] = times[1] = st.st_mtim;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		memcpy(other, text, sizeof(text));
		at = strstr(other, changes[i].was);
		memcpy(at, changes[i].is, strlen(changes[i].is));
		fd = open(path, O_WRONLY);
		assert_int_equal(pwrite(fd, other, strlen(text), 0), strlen(text));
		close(fd);
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
		assert_null(policy_load(test_dir, &test_who, &lookup, &test_error));
		assert_int_equal(test_error.count, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(modes_and_owners),
	    cmocka_unit_test(no_sticky_parent),
	    cmocka_unit_test(odd_directories),
	    cmocka_unit_test(odd_files),
	    cmocka_unit_test(drop_ins),
	    cmocka_unit_test(byte_order),
	    cmocka_unit_test(digest_text_and_public),
	    cmocka_unit_test(kept_digest),
	    cmocka_unit_test(known_files),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
