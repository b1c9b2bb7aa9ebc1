/* with: audit/record.c audit/journal.c */
/* timeout: 900 */
/* Sending and finding, against a real journald: see audit_world.h. */
#include "audit/audit.h"
#include "tests/unit/audit_world.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <systemd/sd-journal.h>

/* What a machine with other work may take beyond a deadline; without one it would be for ever. */
#define SLACK 30000000000ULL
#define ROTATED "/run/systemd/journal.boxdo/rotated" /* journald's word that it was */

/* --- one record -------------------------------------------------------------------------------------- */

static struct audit_record
a_record(const char *name, const char *value)
{
	char id[AUDIT_ID_SIZE];
	struct audit_record record;

	audit_new_id(id);
	audit_record_start(&record, AUDIT_LAUNCH, id, 1);
	audit_record_text(&record, name, value);
	audit_record_message(&record, "test");
	assert_false(record.failed);
	return record;
}

static struct audit_journal
a_journal(void)
{
	struct audit_journal journal;
	char error[512] = "";

	if (audit_journal_open(&journal, false, error, sizeof error) == -1)
		fail_msg("%s", error);
	return journal;
}

static void
expect_sent(struct audit_journal *journal, const struct audit_record *record)
{
	if (audit_journal_send(journal, record, in_ms(60000)) == -1)
		fail_msg("send: %s", strerror(errno));
}

static void
expect_found(struct audit_journal *journal, const struct audit_record *record)
{
	if (audit_journal_confirm(journal, record, AUDIT_CONFIRMED, in_ms(60000)) == -1)
		fail_msg("confirm: %s", strerror(errno));
}

static void
expect_absent(struct audit_journal *journal, const struct audit_record *record, unsigned ms)
{
	uint64_t start = now();

	errno = 0;
	assert_int_equal(audit_journal_confirm(journal, record, AUDIT_CONFIRMED, in_ms(ms)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_true(now() - start < ms * 1000000ULL + SLACK);
}

/* --- what readers make of it ----------------------------------------------------------------------------- */

/* Entries that libsystemd finds with these matches (all must hold; NULL: any), or -1 where it finds the file wrong. */
static int
reader_count(sd_journal *journal, const void *match, size_t length)
{
	int count = 0, result = 0;

	sd_journal_flush_matches(journal);
	if (match != NULL)
		result = sd_journal_add_match(journal, match, length);
	if (result >= 0)
		result = sd_journal_seek_head(journal);
	while (result >= 0 && (result = sd_journal_next(journal)) > 0)
		count++;
	return result < 0 ? -1 : count;
}

/*
 * The record as libsystemd reads it from the files below directory: by its id, with `fields` fields at least (what we
 * sent and what journald added), and by each of these alone.
 */
static bool
reader_returns(const char *directory, const struct audit_record *record, int fields)
{
	struct {
		char *data;
		size_t length;
	} seen[128];
	char pair[64];
	sd_journal *journal = NULL;
	const void *data;
	size_t length;
	int count = 0;
	bool good = sd_journal_open_directory(&journal, directory, 0) >= 0;

	snprintf(pair, sizeof pair, "BOXDO_RECORD=%s", record->record);
	good = good && reader_count(journal, pair, 0) == 1;
	good = good && sd_journal_seek_head(journal) >= 0 && sd_journal_next(journal) > 0;
	while (good && count < 128 && sd_journal_enumerate_data(journal, &data, &length) > 0) {
		seen[count].data = malloc(length);
		memcpy(seen[count].data, data, length);
		seen[count++].length = length;
	}
	good = good && count >= fields;
	for (int i = 0; i < count; i++) {
		good = good && reader_count(journal, seen[i].data, seen[i].length) >= 1;
		free(seen[i].data);
	}
	sd_journal_close(journal);
	return good;
}

/* --- tests --------------------------------------------------------------------------------------------- */

static void
test_found(void **state)
{
	struct audit_journal journal = a_journal();

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct audit_record record = a_record("CWD", "/home/alice");

		expect_sent(&journal, &record);
		expect_found(&journal, &record);
		audit_record_free(&record);
	}
	audit_journal_close(&journal);
}

/* What journalctl, which knows nothing of us, makes of a record with hostile values. */
static void
test_journalctl_reads_it(void **state)
{
	struct audit_journal journal = a_journal();
	struct audit_record record = a_record("CWD", "a\nBOXDO_EVENT=end\nb\x1b[2J\xff");
	char command[256];

	(void)state;
	expect_sent(&journal, &record);
	expect_found(&journal, &record);
	snprintf(command, sizeof command,
	    "journalctl --namespace=boxdo -o json BOXDO_RECORD=%s _UID=0"
	    " _TRANSPORT=journal BOXDO_EVENT=launch | jq -se 'length == 1 and (.[0].BOXDO_CWD | "
	    "implode |"
	    " startswith(\"a\\nBOXDO_EVENT=end\\nb\\u001b[2J\"))' >/dev/null",
	    record.record);
	assert_int_equal(run(command), 0);
	audit_record_free(&record);
	audit_journal_close(&journal);
}

static void
test_large(void **state)
{
	struct audit_journal journal = a_journal();
	char *text = malloc(300001), command[256];
	const char *const argv[] = {text, NULL};
	struct audit_record record;

	(void)state;
	memset(text, 'x', 300000);
	text[300000] = '\0';
	audit_record_start(&record, AUDIT_LAUNCH, "0123456789abcdef0123456789abcdef", 1);
	audit_record_command(&record, argv, 300000, NULL);
	assert_true(record.length > 300000);
	expect_sent(&journal, &record);
	expect_found(&journal, &record);
	snprintf(command, sizeof command,
	    "journalctl --namespace=boxdo --all -o json BOXDO_RECORD=%s"
	    " | jq -se '.[0].BOXDO_COMMAND | length == 300000' >/dev/null",
	    record.record);
	assert_int_equal(run(command), 0);
	audit_record_free(&record);
	audit_journal_close(&journal);
	free(text);
}

static void
test_others_are_not_found(void **state)
{
	struct audit_journal journal = a_journal();
	struct audit_record absent = a_record("CWD", "/"), record, near;
	char text[64];

	(void)state;
	/* The bytes that are looked for, but as the value of another field. */
	snprintf(text, sizeof text, "BOXDO_RECORD=%s", absent.record);
	record = a_record("CWD", text);
	expect_sent(&journal, &record);
	expect_found(&journal, &record);
	expect_absent(&journal, &absent, 100);
	/* All but the last digit. */
	near = record;
	near.record[31] = near.record[31] == '0' ? '1' : '0';
	expect_absent(&journal, &near, 100);
	audit_record_free(&record);
	audit_record_free(&absent);
	audit_journal_close(&journal);
}

static void
test_rotation(void **state)
{
	struct audit_journal journal = a_journal();

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct audit_record record = a_record("CWD", "/");

		expect_sent(&journal, &record);
		kill(world.journald, SIGUSR2);
		expect_found(&journal, &record);
		/* Not by the remembered descriptor alone: by name, among the rotated files. */
		kill(world.journald, SIGUSR2);
		sleep_ms(20);
		close(journal.file);
		journal.file = -1;
		expect_found(&journal, &record);
		audit_record_free(&record);
	}
	audit_journal_close(&journal);
}

static void
test_killed_and_back(void **state)
{
	struct audit_journal journal = a_journal();
	struct audit_record before = a_record("CWD", "/"), between = a_record("CWD", "/");

	(void)state;
	expect_sent(&journal, &before);
	expect_found(&journal, &before);
	journald_end(SIGKILL);
	expect_sent(&journal, &between);
	expect_absent(&journal, &between, 50);
	journald_start();
	expect_found(&journal, &between);
	expect_found(&journal, &before);
	close(journal.file);
	journal.file = -1;
	expect_found(&journal, &before);
	audit_record_free(&before);
	audit_record_free(&between);
	audit_journal_close(&journal);
}

static void
test_stopped(void **state)
{
	struct audit_journal journal = a_journal();
	struct audit_record record = a_record("CWD", "/");
	uint64_t start;
	int sent = 0;

	(void)state;
	kill(world.journald, SIGSTOP);
	expect_sent(&journal, &record);
	expect_absent(&journal, &record, 200);
	/* Its queue fills up; then a send waits, and gives up. */
	do
		start = now();
	while (audit_journal_send(&journal, &record, in_ms(300)) == 0 && ++sent < 10000);
	assert_int_equal(errno, ETIMEDOUT);
	kill(world.journald, SIGCONT); /* the tests behind this one want it */
	assert_true(now() - start >= 290000000 && now() - start < 300000000 + SLACK);
	kill(world.journald, SIGCONT);
	expect_found(&journal, &record);
	audit_record_free(&record);
	audit_journal_close(&journal);
}

static void
test_no_socket(void **state)
{
	struct audit_journal journal = a_journal();
	struct audit_record record = a_record("CWD", "/");
	uint64_t start = now();
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	int dead;
	pid_t child;

	(void)state;
	rename(SOCKET, ASIDE);
	assert_int_equal(audit_journal_send(&journal, &record, in_ms(200)), -1);
	assert_int_equal(errno, ENOENT);
	assert_true(now() - start < 200000000 + SLACK);
	/* Nobody behind it. */
	dead = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
	close(dead);
	start = now();
	assert_int_equal(audit_journal_send(&journal, &record, in_ms(200)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_true(now() - start < 200000000 + SLACK);
	/* It comes back while we try. */
	child = fork();
	if (child == 0) {
		sleep_ms(150);
		rename(ASIDE, SOCKET);
		_exit(0);
	}
	expect_sent(&journal, &record);
	expect_found(&journal, &record);
	waitpid(child, NULL, 0);
	audit_record_free(&record);
	audit_journal_close(&journal);
}

/* In a child, with nothing but the descriptors: an empty root and no capability at all. */
static void
test_empty_root(void **state)
{
	struct audit_journal journal = a_journal();
	struct audit_record record = a_record("CWD", "/");
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
		struct __user_cap_data_struct none[2] = {{0}};

		if (chroot("/run/empty") == -1 || chdir("/") == -1 ||
		    syscall(SYS_capset, &header, none) == -1)
			_exit(1);
		if (audit_journal_send(&journal, &record, in_ms(60000)) == -1)
			_exit(2);
		_exit(audit_journal_confirm(&journal, &record, AUDIT_CONFIRMED, in_ms(60000)) == 0
		          ? 0
		          : 3);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	audit_record_free(&record);
	audit_journal_close(&journal);
}

static void
test_parallel(void **state)
{
	(void)state;
	for (int worker = 0; worker < 8; worker++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < 25; i++) {
			struct audit_journal journal = a_journal();
			struct audit_record record = a_record("CWD", "/");

			if (audit_journal_send(&journal, &record, in_ms(200000)) == -1 ||
			    audit_journal_confirm(
			        &journal, &record, AUDIT_CONFIRMED, in_ms(200000)) == -1)
				_exit(1);
			audit_record_free(&record);
			audit_journal_close(&journal);
		}
		_exit(0);
	}
	for (int worker = 0; worker < 8; worker++) {
		int status = -1;
		pid_t pid;

		do
			pid = waitpid(-1, &status, 0);
		while (pid == world.journald);
		assert_int_equal(status, 0);
	}
}

static void
expect_refused(const char *part)
{
	struct audit_journal journal;
	char error[512] = "";

	assert_int_equal(audit_journal_open(&journal, false, error, sizeof error), -1);
	assert_int_equal(journal.journal_dir, -1);
	assert_int_equal(journal.socket_dir, -1);
	if (strstr(error, part) == NULL)
		fail_msg("'%s' does not say '%s'", error, part);
}

static void
test_unsafe_places(void **state)
{
	struct audit_journal journal;
	char error[512], aside[160];

	(void)state;
	chmod(SOCKET, 0666);
	expect_refused("root's alone");
	chmod(SOCKET, 0600);
	chmod(world.files, 0777);
	expect_refused("writable by nobody else");
	chmod(world.files, 0755);
	assert_int_equal(chown(world.files, 1000, 0), 0);
	expect_refused("writable by nobody else");
	assert_int_equal(chown(world.files, 0, 0), 0);
	snprintf(aside, sizeof aside, "%s.aside", world.files);
	rename(world.files, aside);
	expect_refused("No such file");
	/* In memory: only where that is said to do. */
	mkdir(world.files, 0755);
	assert_int_equal(mount("tmpfs", world.files, "tmpfs", 0, "mode=0755"), 0);
	expect_refused("not on a disk");
	assert_int_equal(audit_journal_open(&journal, true, error, sizeof error), 0);
	audit_journal_close(&journal);
	umount2(world.files, MNT_DETACH);
	rmdir(world.files);
	rename(aside, world.files);
}

static void
test_modes(void **state)
{
	struct audit_journal journal = a_journal();
	struct audit_record record = a_record("CWD", "/");

	(void)state;
	assert_int_equal(audit_journal_confirm(&journal, &record, AUDIT_UNCONFIRMED, 0), 0);
	assert_int_equal(audit_journal_confirm(&journal, &record, AUDIT_SYNCED, 0), 0);
	assert_int_equal(audit_journal_confirm(&journal, &record, AUDIT_CONFIRMED, 0), -1);
	audit_record_free(&record);
	assert_int_equal(audit_journal_send(&journal, &record, in_ms(100)), -1);
	assert_int_equal(errno, ENOMEM);
	audit_journal_close(&journal);
}

static void
do_meanwhile(void *context)
{
	++*(int *)context;
}

/* Once, after the disk was told to write and not before, whatever the mode. */
static void
test_meanwhile(void **state)
{
	static const enum audit_mode modes[] = {AUDIT_CONFIRMED, AUDIT_SYNCED};
	struct audit_journal journal = a_journal();
	struct audit_record record = a_record("CWD", "/meanwhile");
	int calls = 0, ends[2];

	(void)state;
	journal.context = &calls;
	journal.meanwhile = do_meanwhile;
	assert_int_equal(audit_journal_confirm(&journal, &record, AUDIT_UNCONFIRMED, 0), 0);
	assert_null(journal.meanwhile);
	journal.meanwhile = do_meanwhile;
	assert_int_equal(audit_journal_confirm(&journal, &record, AUDIT_CONFIRMED, 0), -1);
	assert_null(journal.meanwhile);
	assert_int_equal(calls, 0);
	expect_sent(&journal, &record);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		calls = 0;
		journal.meanwhile = do_meanwhile;
		assert_int_equal(
		    audit_journal_confirm(&journal, &record, modes[i], in_ms(60000)), 0);
		assert_int_equal(calls, 1);
		assert_null(journal.meanwhile);
		assert_int_equal(
		    audit_journal_confirm(&journal, &record, modes[i], in_ms(60000)), 0);
		assert_int_equal(calls, 1);
	}
	/* What cannot be synced (a pipe, here) is an error, and no less is done. */
	assert_int_equal(pipe(ends), 0);
	close(journal.file);
	journal.file = ends[0];
	calls = 0;
	journal.meanwhile = do_meanwhile;
	assert_int_equal(audit_journal_confirm(&journal, &record, AUDIT_SYNCED, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(calls, 1);
	close(ends[1]);
	audit_record_free(&record);
	audit_journal_close(&journal);
}

/* --- damaged files --------------------------------------------------------------------------------------- */

struct damaged {
	struct audit_journal journal;
	struct audit_record record;
	int fd;
	char *bytes; /* as it was */
	size_t size;
	size_t places[4]; /* header, bucket, data object, entry object */
};

/* A copy of the journal with one record, in memory: what is tried must not wait for a disk. */
static void
damaged_make(struct damaged *copy)
{
	struct audit_journal journal = a_journal();
	char path[256];
	const char *needle;
	struct stat status;

	*copy = (struct damaged){.record = a_record("CWD", "/")};
	expect_sent(&journal, &copy->record);
	expect_found(&journal, &copy->record);
	audit_journal_close(&journal);
	snprintf(path, sizeof path,
	    "rm -rf /run/copy && mkdir /run/copy && cp %s/system.journal /run/copy", world.files);
	assert_int_equal(run(path), 0);
	copy->journal = (struct audit_journal){.socket_dir = -1,
	    .above = -1,
	    .journal_dir = open("/run/copy", O_RDONLY | O_DIRECTORY),
	    .file = -1};
	copy->fd = open("/run/copy/system.journal", O_RDWR);
	assert_int_equal(fstat(copy->fd, &status), 0);
	copy->size = (size_t)status.st_size;
	copy->bytes = malloc(copy->size);
	assert_int_equal(pread(copy->fd, copy->bytes, copy->size, 0), copy->size);
	snprintf(path, sizeof path, "BOXDO_RECORD=%s", copy->record.record);
	needle = memmem(copy->bytes, copy->size, path, strlen(path));
	assert_non_null(needle);
	copy->places[2] = (size_t)(needle - copy->bytes) - (copy->bytes[12] & 16 ? 72 : 64);
	memcpy(&copy->places[3], copy->bytes + copy->places[2] + 40, 8);
	{
		uint64_t hash, table, size;

		memcpy(&hash, copy->bytes + copy->places[2] + 16, 8);
		memcpy(&table, copy->bytes + 104, 8);
		memcpy(&size, copy->bytes + 112, 8);
		copy->places[1] = table + hash % (size / 16) * 16;
	}
}

static int
damaged_look(struct damaged *copy)
{
	int result;

	errno = 0;
	result = audit_journal_confirm(&copy->journal, &copy->record, AUDIT_CONFIRMED, 0);
	if (result == -1 && errno != ETIMEDOUT && errno != EPROTONOSUPPORT)
		fail_msg("errno %s", strerror(errno));
	return result;
}

static void
damaged_write(struct damaged *copy, size_t at, const void *bytes, size_t length)
{
	assert_int_equal(pwrite(copy->fd, bytes, length, (off_t)at), length);
}

static void
damaged_free(struct damaged *copy)
{
	close(copy->fd);
	audit_journal_close(&copy->journal);
	audit_record_free(&copy->record);
	free(copy->bytes);
}

/* Bytes that count, one by one and by chance: never a crash, never an unknown answer. */
static void
test_damaged_bytes(void **state)
{
	static const size_t lengths[] = {272, 16, 120, 80};
	struct damaged copy;
	int found = 0, absent = 0;

	(void)state;
	damaged_make(&copy);
	assert_int_equal(damaged_look(&copy), 0);
	srandom(2);
	for (int i = 0; i < 20000; i++) {
		int place = i % 4, changes = 1 + (int)(random() % 3);
		size_t start = copy.places[place];
		char bytes[272];

		memcpy(bytes, copy.bytes + start, lengths[place]);
		while (changes-- > 0)
			bytes[(size_t)random() % lengths[place]] = (char)(random() % 3   ? random()
			                                                  : random() % 2 ? 0
			                                                                 : 0xff);
		damaged_write(&copy, start, bytes, lengths[place]);
		*(damaged_look(&copy) == 0 ? &found : &absent) += 1;
		damaged_write(&copy, start, copy.bytes + start, lengths[place]);
	}
	assert_true(found > 0 && absent > 0);
	assert_int_equal(damaged_look(&copy), 0);
	damaged_free(&copy);
}

static void
test_damaged_length(void **state)
{
	struct damaged copy;

	(void)state;
	damaged_make(&copy);
	for (int i = 0; i < 2000; i++) {
		size_t size = i < 300   ? (size_t)i
		              : i < 600 ? copy.places[2] + (size_t)i - 400
		              : i < 900 ? copy.places[3] + (size_t)i - 700
		                        : (size_t)random() % copy.size;

		assert_int_equal(ftruncate(copy.fd, (off_t)size), 0);
		damaged_look(&copy);
		damaged_write(&copy, size < 4096 ? 0 : size - 4096,
		    copy.bytes + (size < 4096 ? 0 : size - 4096),
		    size < 4096 ? copy.size : copy.size - size + 4096);
	}
	assert_int_equal(damaged_look(&copy), 0);
	damaged_free(&copy);
}

static void
expect_changed(struct damaged *copy, size_t at, uint64_t value, size_t length, int error)
{
	uint64_t little = htole64(value);

	damaged_write(copy, at, &little, length);
	assert_int_equal(damaged_look(copy), -1);
	assert_int_equal(errno, error);
	damaged_write(copy, at, copy->bytes + at, length);
	assert_int_equal(damaged_look(copy), 0);
}

/* Each single reason not to believe that the record is there. */
static void
test_damaged_meaning(void **state)
{
	struct damaged copy;
	size_t data, entry;

	(void)state;
	damaged_make(&copy);
	data = copy.places[2];
	entry = copy.places[3];
	expect_changed(
	    &copy, 12, (uint8_t)copy.bytes[12] | 32, 1, EPROTONOSUPPORT); /* a flag of the future */
	expect_changed(
	    &copy, 12, (uint8_t)copy.bytes[12] & ~4U, 1, EPROTONOSUPPORT); /* hash without key */
	expect_changed(&copy, 0, 0, 1, ETIMEDOUT);                         /* signature */
	expect_changed(&copy, 24, 0, 8, ETIMEDOUT);                        /* another file's key */
	expect_changed(&copy, 88, UINT64_MAX, 8, ETIMEDOUT); /* longer than the file is: head, */
	expect_changed(&copy, 96, copy.size, 8, ETIMEDOUT);  /* arena, */
	expect_changed(&copy, 136, copy.size + 1, 8, ETIMEDOUT); /* last object */
	expect_changed(&copy, 16, 3, 1, ETIMEDOUT);              /* a state there is not */
	expect_changed(&copy, 88, 232, 8, ETIMEDOUT);            /* a header too short */
	expect_changed(&copy, 120, 4, 8, ETIMEDOUT); /* what stands at no multiple of 8: fields, */
	expect_changed(&copy, 136, 4, 8, ETIMEDOUT); /* last object, */
	expect_changed(&copy, 176, 4, 8, ETIMEDOUT); /* list of entries */
	expect_changed(&copy, 160, 0, 8, ETIMEDOUT); /* a header from before the entry */
	expect_changed(&copy, 104, copy.size, 8, ETIMEDOUT); /* table behind the end */
	expect_changed(&copy, 112, 0, 8, ETIMEDOUT);         /* no bucket */
	expect_changed(&copy, 112, UINT64_MAX, 8, ETIMEDOUT);
	expect_changed(&copy, copy.places[1], 0, 8, ETIMEDOUT); /* empty bucket */
	expect_changed(&copy, copy.places[1], UINT64_MAX - 7, 8, ETIMEDOUT);
	expect_changed(&copy, data, 2, 1, ETIMEDOUT);         /* not DATA */
	expect_changed(&copy, data + 1, 4, 1, ETIMEDOUT);     /* compressed */
	expect_changed(&copy, data + 8, 1000, 8, ETIMEDOUT);  /* longer than our field */
	expect_changed(&copy, data + 16, 0, 8, ETIMEDOUT);    /* hash */
	expect_changed(&copy, data + 40, 0, 8, ETIMEDOUT);    /* no entry */
	expect_changed(&copy, data + 40, data, 8, ETIMEDOUT); /* entry that is none */
	expect_changed(
	    &copy, data + 24, 4, 8, ETIMEDOUT); /* what stands at no multiple of 8: next, */
	expect_changed(&copy, data + 32, 4, 8, ETIMEDOUT);           /* next of the same name, */
	expect_changed(&copy, data + 48, 4, 8, ETIMEDOUT);           /* other entries */
	expect_changed(&copy, data + 56, 0, 8, ETIMEDOUT);           /* not yet in any entry */
	expect_changed(&copy, entry, 1, 1, ETIMEDOUT);               /* not ENTRY */
	expect_changed(&copy, entry + 8, 64, 8, ETIMEDOUT);          /* without fields */
	expect_changed(&copy, entry + 8, 65, 8, ETIMEDOUT);          /* with a part of one */
	expect_changed(&copy, entry + 16, 0, 8, ETIMEDOUT);          /* without a number, */
	expect_changed(&copy, entry + 24, 0, 8, ETIMEDOUT);          /* a time, */
	expect_changed(&copy, entry + 24, 1ULL << 55, 8, ETIMEDOUT); /* one that can be, */
	expect_changed(
	    &copy, entry + 32, 1ULL << 55, 8, ETIMEDOUT); /* a time since boot that can be */
	expect_changed(
	    &copy, entry + 8, copy.size, 8, ETIMEDOUT); /* entry that goes on behind the end */
	damaged_free(&copy);
}

/*
 * Whatever damage leaves a record confirmed leaves it to readers as well: libsystemd, which checks what it meets on its
 * way and passes over files and entries that it finds wrong. But for two numbers that journald never leaves wrong.
 */
static void
test_damaged_for_readers(void **state)
{
	static const size_t places[] = {0, 2, 3}, lengths[] = {184, 64, 64};
	struct damaged copy;
	int found = 0;

	(void)state;
	damaged_make(&copy);
	assert_true(reader_returns("/run/copy", &copy.record, 20));
	srandom(3);
	for (int i = 0; i < 6000; i++) {
		size_t start = copy.places[places[i % 3]], at = (size_t)random() % lengths[i % 3];
		char byte = (char)(random() % 2 ? random() : random() % 2 ? 0 : 0xff);

		/* Where the field's other entries stand (there are none); where the last field of an entry is. */
		if ((places[i % 3] == 2 && at >= 48 && at < 56) || (places[i % 3] == 3 && at == 8))
			continue;
		damaged_write(&copy, start + at, &byte, 1);
		if (damaged_look(&copy) == 0) {
			found++;
			if (!reader_returns("/run/copy", &copy.record, 20))
				fail_msg("place %zu, byte %zu: %02x, not %02x", places[i % 3], at,
				    (unsigned char)byte, (unsigned char)copy.bytes[start + at]);
		}
		damaged_write(&copy, start + at, copy.bytes + start + at, 1);
	}
	assert_true(found > 100 && found < 6000);
	damaged_free(&copy);
}

/*
 * journald writes fields and entry, notes the entry in the list of all, then in one field after the other as they stand
 * in the file: where it stands first, then that it stands in one. So it can be killed between any two of these. Fields
 * that are new with the entry are undone here from the last one on: what is confirmed is whole for readers.
 */
static void
test_killed_while_noting(void **state)
{
	const uint64_t none = 0;
	struct damaged copy;
	uint64_t size, count;
	size_t item, entry;
	int undone = 0;

	(void)state;
	/* In a new file most fields are new. */
	unlink(ROTATED);
	kill(world.journald, SIGUSR2);
	for (uint64_t end = now() + SLACK; access(ROTATED, F_OK) == -1 && now() < end;)
		sleep_ms(1);
	damaged_make(&copy);
	entry = copy.places[3];
	item = copy.bytes[12] & 16 ? 4 : 16;
	memcpy(&size, copy.bytes + entry + 8, 8);
	for (size_t at = size - item; at >= 64; at -= item) {
		uint64_t field = 0;

		memcpy(&field, copy.bytes + entry + at, item == 4 ? 4 : 8);
		memcpy(&count, copy.bytes + field + 56, 8);
		if (count != 1)
			continue;
		undone++;
		damaged_write(&copy, field + 56, &none, 8);
		if (damaged_look(&copy) == 0 && !reader_returns("/run/copy", &copy.record, 20))
			fail_msg("confirmed, though the field at %zu cannot be read", at);
		damaged_write(&copy, field + 40, &none, 8);
		if (damaged_look(&copy) == 0 && !reader_returns("/run/copy", &copy.record, 20))
			fail_msg("confirmed, though the field at %zu does not lead to it", at);
	}
	assert_true(undone > 10);
	assert_int_equal(damaged_look(&copy), -1);
	damaged_free(&copy);
}

/* A chain that bites its own tail ends the look-up. */
static void
test_damaged_circle(void **state)
{
	struct damaged copy;
	uint64_t zero = 0, self;

	(void)state;
	damaged_make(&copy);
	self = htole64(copy.places[2]);
	damaged_write(&copy, copy.places[2] + 56, &zero, 8);
	damaged_write(&copy, copy.places[2] + 24, &self, 8);
	assert_int_equal(damaged_look(&copy), -1);
	assert_int_equal(errno, ETIMEDOUT);
	damaged_free(&copy);
}

/* A vacuumed file holds nothing any more, though its descriptor still reads. */
static void
test_damaged_unlinked(void **state)
{
	struct damaged copy;

	(void)state;
	damaged_make(&copy);
	copy.journal.file = open("/run/copy/system.journal", O_RDONLY);
	assert_int_equal(damaged_look(&copy), 0);
	unlink("/run/copy/system.journal");
	assert_int_equal(damaged_look(&copy), -1);
	damaged_free(&copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_journalctl_reads_it),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_others_are_not_found),
	    cmocka_unit_test(test_rotation),
	    cmocka_unit_test(test_killed_and_back),
	    cmocka_unit_test(test_stopped),
	    cmocka_unit_test(test_no_socket),
	    cmocka_unit_test(test_empty_root),
	    cmocka_unit_test(test_parallel),
	    cmocka_unit_test(test_unsafe_places),
	    cmocka_unit_test(test_modes),
	    cmocka_unit_test(test_meanwhile),
	    cmocka_unit_test(test_damaged_bytes),
	    cmocka_unit_test(test_damaged_length),
	    cmocka_unit_test(test_damaged_meaning),
	    cmocka_unit_test(test_damaged_for_readers),
	    cmocka_unit_test(test_killed_while_noting),
	    cmocka_unit_test(test_damaged_circle),
	    cmocka_unit_test(test_damaged_unlinked),
	};

	alarm(880);
	if (world_make() == -1) {
		printf("skipped: needs a mount namespace of its own (run as root)\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, world_unmake);
}
