/* with: broker/known.c -Wl,--wrap=open -Wl,--wrap=fstat -Wl,--wrap=ioctl */
/*
 * What root remembers of an image: what is no such record, whose it must be, when it counts; docker's rule for commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/fsverity.h>
#include <unistd.h>

#include "broker/known.h"

static char directory[] = "/tmp/boxdo-known.XXXXXX";
static uid_t owner;
static mode_t mode;

int
__real_open(const char *path, int flags, ...);
int
__wrap_open(const char *path, int flags, ...);
int
__wrap_open(const char *path, int flags, ...)
{
	char there[512];

	if (strncmp(path, KNOWN_DIR, strlen(KNOWN_DIR)) != 0)
		return __real_open(path, flags, 0600);
	snprintf(there, sizeof there, "%s%s", directory, path + strlen(KNOWN_DIR));
	return __real_open(there, flags, 0600);
}

int
__real_fstat(int fd, struct stat *st);
int
__wrap_fstat(int fd, struct stat *st);
int
__wrap_fstat(int fd, struct stat *st)
{
	int status = __real_fstat(fd, st);

	st->st_uid = owner;
	st->st_mode = (st->st_mode & S_IFMT) | mode;
	return status;
}

static struct fsverity_digest measured; /* digest_size 0: not had there */
static uint8_t measured_byte;

int
__wrap_ioctl(int fd, unsigned long request, struct fsverity_digest *digest);
int
__wrap_ioctl(int fd, unsigned long request, struct fsverity_digest *digest)
{
	assert_int_equal(fd, 77);
	assert_int_equal(request, FS_IOC_MEASURE_VERITY);
	assert_true(digest->digest_size == 64);
	if (measured.digest_size == 0)
		return -1;
	digest->digest_algorithm = measured.digest_algorithm;
	digest->digest_size = measured.digest_size;
	memset(digest->digest, measured_byte, measured.digest_size);
	return 0;
}

static int
parse(struct known *known, const char *words, size_t length)
{
	char *data = malloc(length + 1);

	memcpy(data, words, length);
	return known_parse(known, data, length);
}

#define PARSE(known, words) parse(known, words, sizeof(words) - 1)

static void
test_words(void **state)
{
	static const char all[] =
	    "stamp=1 2 3\0sha256=ab\0verity=\0path=/x\0entrypoint=/bin/e\0entrypoint=\0cmd=a=b\0"
	    "env=A=1\0env=B\0workdir=/w\0user=u\0source=s\0";
	struct known known;

	(void)state;
	assert_int_equal(PARSE(&known, all), 0);
	assert_int_equal(known.length, sizeof all - 1);
	assert_string_equal(known_first(&known, KNOWN_STAMP), "1 2 3");
	assert_string_equal(known_first(&known, KNOWN_VERITY), "");
	assert_int_equal(known.counts[KNOWN_ENTRYPOINT], 2);
	assert_string_equal(known.words[KNOWN_ENTRYPOINT][1], "");
	assert_null(known.words[KNOWN_ENTRYPOINT][2]);
	assert_string_equal(known_first(&known, KNOWN_CMD), "a=b");
	assert_string_equal(known_first(&known, KNOWN_SOURCE), "s");
	known_free(&known);
	assert_int_equal(PARSE(&known, "cmd=x\0"), 0);
	assert_null(known_first(&known, KNOWN_SHA256));
	known_free(&known);
}

static void
test_not_words(void **state)
{
	static const struct {
		const char *words;
		size_t length;
	} bad[] = {{"", 0}, {"cmd=x", 5},     /* not ended */
	    {"cmd=x\0\0", 7},                 /* an empty one */
	    {"nonsense=1\0", 11},             /* no such key */
	    {"cmd\0", 4},                     /* no value */
	    {"CMD=x\0", 6},                   /* as written */
	    {"cmd=x\0entrypoint=y\0", 19},    /* out of order */
	    {"sha256=a\0sha256=b\0", 18},     /* once only */
	    {"workdir=/a\0workdir=/b\0", 22}, /* once only */
	    {"entrypoint=e\0stamp=1\0", 21},  /* out of order */
	    {"path=/x\0verity=y\0", 17}};     /* out of order */
	struct known known;
	char *many = NULL;
	size_t size;
	FILE *out = open_memstream(&many, &size);

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(parse(&known, bad[i].words, bad[i].length), -1);
		known_free(&known);
	}
	for (int i = 0; i <= KNOWN_WORDS_MAX; i++)
		fwrite("cmd=", 1, 5, out);
	fclose(out);
	assert_int_equal(parse(&known, many, size - 5), 0);
	known_free(&known);
	assert_int_equal(parse(&known, many, size), -1);
	known_free(&known);
	free(many);
	many = calloc(1, KNOWN_BYTES_MAX + 1);
	memset(many, 'x', KNOWN_BYTES_MAX);
	memcpy(many, "cmd=", 4);
	assert_int_equal(parse(&known, many, KNOWN_BYTES_MAX + 1), -1);
	known_free(&known);
	many[KNOWN_BYTES_MAX - 1] = '\0';
	assert_int_equal(parse(&known, many, KNOWN_BYTES_MAX), 0);
	known_free(&known);
	free(many);
}

static bool
of_image(const char *words, size_t length)
{
	struct known known;
	bool ok;

	assert_int_equal(parse(&known, words, length), 0);
	ok = known_of_image(&known);
	known_free(&known);
	return ok;
}

static void
test_of_image(void **state)
{
	static const char *const good[] = {"workdir=/", "workdir=/etc", "workdir=/a/.b", "cmd=x"};
	static const char *const bad[] = {"workdir=", "workdir=etc", "workdir=/proc/self/fd/7",
	    "workdir=/proc", "workdir=/sys/fs", "workdir=/dev/fd/3", "workdir=/x/../proc",
	    "workdir=/..", "stamp=1", "sha256=1", "verity=1", "path=/x"};
	static char deep[8 + 4002];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(of_image(good[i], strlen(good[i]) + 1));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(of_image(bad[i], strlen(bad[i]) + 1));
	memset(deep, 'x', sizeof deep);
	memcpy(deep, "workdir=/", 9);
	deep[8 + 4000] = '\0';
	assert_true(of_image(deep, 8 + 4000 + 1));
	deep[8 + 4000] = 'x';
	deep[8 + 4001] = '\0';
	assert_false(of_image(deep, 8 + 4001 + 1));
}

static void
command_is(struct known *known, const char *entrypoint, const char *typed, const char *wanted)
{
	const char *words[] = {typed, NULL};
	struct request request = {.entrypoint = entrypoint,
	    .command = (char **)(uintptr_t)(words + (typed == NULL)),
	    .command_count = typed != NULL};
	char **command = known_command(known, &request), text[256] = "";

	assert_non_null(command);
	for (char **word = command; *word; word++) {
		strncat(text, *word, sizeof text - strlen(text) - 1);
		strncat(text, "|", sizeof text - strlen(text) - 1);
	}
	assert_string_equal(text, wanted);
	free(command);
}

static void
test_command(void **state)
{
	struct known known = {0};

	(void)state;
	command_is(&known, NULL, NULL, "/bin/sh|");
	command_is(&known, NULL, "ls", "ls|");
	command_is(&known, "e", NULL, "e|");
	command_is(&known, "e", "ls", "e|ls|");
	command_is(&known, "", NULL, "/bin/sh|");
	command_is(&known, "", "ls", "ls|");
	assert_int_equal(PARSE(&known, "entrypoint=E\0entrypoint=F\0cmd=C\0cmd=D\0"), 0);
	command_is(&known, NULL, NULL, "E|F|C|D|");
	command_is(&known, NULL, "ls", "E|F|ls|");
	command_is(&known, "e", NULL, "e|");
	command_is(&known, "", NULL, "/bin/sh|");
	command_is(&known, "", "ls", "ls|");
	known_free(&known);
	assert_int_equal(PARSE(&known, "cmd=C\0"), 0);
	command_is(&known, NULL, NULL, "C|");
	command_is(&known, NULL, "ls", "ls|");
	known_free(&known);
}

static void
put(const char *name, const char *words, size_t length)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(words, 1, length, file), length);
	fclose(file);
}

static const struct stat image = {.st_dev = 0x811, /* 8:17 */
    .st_ino = 0xabc,
    .st_size = 4096,
    .st_mtim = {100, 5},
    .st_ctim = {200, 0}};

static int
read_known(const struct stat *st, const char *verity, const char *sha256)
{
	struct known known;
	int got = known_read(&known, st, verity);

	if (got != 0 && sha256)
		assert_string_equal(known_first(&known, KNOWN_SHA256), sha256);
	known_free(&known);
	return got;
}

static void
test_read(void **state)
{
	static const char words[] = "stamp=4096 100.000000005 200.000000000\0sha256=aa\0";
	struct stat other;

	(void)state;
	assert_int_equal(read_known(&image, "", NULL), 0);
	put("8.11.abc", words, sizeof words - 1);
	assert_int_equal(read_known(&image, "", "aa"), 1);
	/* Whatever is not as it was: known, and changed. */
	for (int i = 0; i < 5; i++) {
		other = image;
		other.st_size += i == 0;
		other.st_mtim.tv_sec += i == 1;
		other.st_mtim.tv_nsec += i == 2;
		other.st_ctim.tv_sec += i == 3;
		other.st_ctim.tv_nsec += i == 4;
		assert_int_equal(read_known(&other, "", "aa"), -1);
	}
	/* Another file, another device. */
	other = image;
	other.st_ino++;
	assert_int_equal(read_known(&other, "", NULL), 0);
	other = image;
	other.st_dev = 0x812;
	assert_int_equal(read_known(&other, "", NULL), 0);
	/* Not root's alone. */
	owner = 1000;
	assert_int_equal(read_known(&image, "", NULL), 0);
	owner = 0;
	mode = 0640;
	assert_int_equal(read_known(&image, "", NULL), 0);
	mode = 0602;
	assert_int_equal(read_known(&image, "", NULL), 0);
	mode = 0600;
	put("8.11.abc", words, sizeof words - 2);
	assert_int_equal(read_known(&image, "", NULL), 0);
	put("8.11.abc", "", 0);
	assert_int_equal(read_known(&image, "", NULL), 0);
	/* One that says nothing of size and times is no proof. */
	put("8.11.abc", "sha256=aa\0", 10);
	assert_int_equal(read_known(&image, "", "aa"), -1);
}

static void
test_verity(void **state)
{
	static const char words[] = "stamp=1 1 1\0sha256=bb\0verity=sha256:77\0",
	                  wrong[] = "stamp=1 1 1\0sha256=bb\0verity=sha256:78\0",
	                  plain[] = "stamp=4096 100.000000005 200.000000000\0sha256=aa\0";

	(void)state;
	put("8.11.abc", plain, sizeof plain - 1);
	put("sha256:77", words, sizeof words - 1);
	/* Wherever it lies, and whatever its times: these bytes. */
	assert_int_equal(read_known(&image, "sha256:77", "bb"), 1);
	assert_int_equal(read_known(NULL, "sha256:77", "bb"), 1);
	assert_int_equal(read_known(NULL, "sha256:79", NULL), 0);
	assert_int_equal(read_known(NULL, "", NULL), 0);
	/* A record under another's name is none; then device and inode count. */
	put("sha256:77", wrong, sizeof wrong - 1);
	assert_int_equal(read_known(&image, "sha256:77", "aa"), 1);
	assert_int_equal(read_known(&image, "sha256:79", "aa"), 1);
}

static void
test_measure(void **state)
{
	char verity[KNOWN_VERITY_MAX] = "before", wanted[KNOWN_VERITY_MAX] = "sha256:";

	(void)state;
	known_measure(77, verity);
	assert_string_equal(verity, "");
	measured = (struct fsverity_digest){FS_VERITY_HASH_ALG_SHA256, 32};
	measured_byte = 0xa0;
	for (int i = 0; i < 32; i++)
		strcat(wanted, "a0");
	known_measure(77, verity);
	assert_string_equal(verity, wanted);
	measured = (struct fsverity_digest){FS_VERITY_HASH_ALG_SHA512, 64};
	known_measure(77, verity);
	assert_int_equal(strlen(verity), 7 + 128);
	assert_int_equal(strncmp(verity, "sha512:a0a0", 11), 0);
}

static int
setup(void **state)
{
	(void)state;
	mode = 0600;
	return mkdtemp(directory) ? 0 : -1;
}

static int
teardown(void **state)
{
	static const char *const names[] = {"8.11.abc", "sha256:77"};
	char path[512];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, names[i]);
		unlink(path);
	}
	return rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_not_words),
	    cmocka_unit_test(test_of_image),
	    cmocka_unit_test(test_command),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_verity),
	    cmocka_unit_test(test_measure),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
