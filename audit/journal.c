/*
 * Sends records to the journal namespace "boxdo", and finds them again in the journal's file.
 *
 * Stage:     7 (record), 13 (end); any way out after stage 1.
 * Privilege: real uid 0, or journald attests another _UID; no capability, and none gained. Works with
 *            an empty root directory: after audit_journal_open only the descriptors are used.
 * Trusts:    nobody's word. A journald that is hung, or stored nothing since its disk was full, still
 *            takes records and still answers that it has synchronized. So the file is looked at, and
 *            synced by us.
 * Distrusts: the file as well: every offset and size is checked against the file's own size, chains
 *            are bounded, and nothing is mapped (a file cut short would raise SIGBUS).
 * On error:  -1 with errno, always by the deadline; but for the disk itself, nothing here waits longer.
 *
 * System calls of send and confirm, for SUPERVISOR's filter: fchdir socket setsockopt connect sendto
 * sendmsg memfd_create write fcntl openat newfstatat fstat getdents64 pread64 fdatasync fsync close
 * clock_gettime clock_nanosleep.
 */
#include "audit/audit.h"

#include <ctype.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL_NAMESPACE "boxdo"
#define JOURNAL_SOCKETS "/run/systemd/journal." JOURNAL_NAMESPACE
#define JOURNAL_ROTATED_MAX 8     /* rotated files looked at, newest first */
#define JOURNAL_CHAIN_MAX 10000   /* objects in one bucket; journald rotates at 100 */
#define JOURNAL_POLL_FIRST 40000  /* ns; a record usually stands there after one or two of these */
#define JOURNAL_POLL_LAST 4000000 /* ns */

/* --- time ---------------------------------------------------------------------------------------- */

static uint64_t
journal_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Sleeps, never past the deadline, and lengthens the next sleep. False, ETIMEDOUT: it is over. */
static bool
journal_pause(uint64_t *pause, uint64_t deadline)
{
	uint64_t now = journal_now(), left = deadline > now ? deadline - now : 0;
	uint64_t wait = *pause < left ? *pause : left;
	struct timespec time = {(time_t)(wait / 1000000000), (long)(wait % 1000000000)};

	if (left == 0) {
		errno = ETIMEDOUT;
		return false;
	}
	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
	*pause += *pause / 2;
	if (*pause > JOURNAL_POLL_LAST)
		*pause = JOURNAL_POLL_LAST;
	return true;
}

/* Closes without losing the errno that is to be reported. */
static void
journal_shut(int fd)
{
	int saved = errno;

	if (fd != -1)
		close(fd);
	errno = saved;
}

/* --- opening ------------------------------------------------------------------------------------- */

/* 0, or -1 with a line in error, when others than root could put something else in place. */
static int
journal_vet(int fd, const char *path, char *error, size_t size)
{
	struct stat status;

	if (fstat(fd, &status) == -1) {
		snprintf(error, size, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH))) {
		errno = EPERM;
		snprintf(error, size,
		    "%s must be root's and writable by nobody else (owner %u, mode %04o)", path,
		    status.st_uid, status.st_mode & 07777);
		return -1;
	}
	return 0;
}

/* Opens a directory below `at`; links are followed, as journald does, and what they lead to is vetted. */
static int
journal_directory(int at, const char *name, const char *path, int flags, char *error, size_t size)
{
	int fd = openat(at, name, flags | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1) {
		snprintf(error, size,
		    "%s: %s; is the audit journal running?"
		    " (systemctl status systemd-journald@" JOURNAL_NAMESPACE ".socket)",
		    path, strerror(errno));
		return -1;
	}
	if (journal_vet(fd, path, error, size) == -1) {
		journal_shut(fd);
		return -1;
	}
	return fd;
}

/* "HEX.boxdo", the directory journald keeps this namespace in. */
static int
journal_name(char name[64], char *error, size_t size)
{
	char id[33] = "";
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t got = fd == -1 ? -1 : pread(fd, id, 32, 0);

	journal_shut(fd);
	for (size_t i = 0; got == 32 && i < 32; i++)
		if (!isxdigit((unsigned char)id[i]))
			got = 0;
	if (got != 32) {
		snprintf(error, size,
		    "/etc/machine-id holds no machine id; systemd-machine-id-setup makes one");
		return -1;
	}
	snprintf(name, 64, "%s." JOURNAL_NAMESPACE, id);
	return 0;
}

/* Opens `base`/NAME. -1 with error: not there, not safe, or in memory although a disk is wanted. */
static int
journal_files(const char *base, const char *name, bool volatile_ok, char *error, size_t size)
{
	char path[128];
	struct statfs kind;
	int fd, above = journal_directory(AT_FDCWD, base, base, O_PATH, error, size);

	if (above == -1)
		return -1;
	snprintf(path, sizeof path, "%s/%s", base, name);
	fd = journal_directory(above, name, path, O_RDONLY, error, size);
	journal_shut(above);
	if (fd == -1 || volatile_ok)
		return fd;
	if (fstatfs(fd, &kind) == -1 || kind.f_type == TMPFS_MAGIC || kind.f_type == RAMFS_MAGIC) {
		snprintf(error, size,
		    "%s is not on a disk: records would not survive a crash"
		    " (mount one there, or set volatile = yes)",
		    path);
		journal_shut(fd);
		return -1;
	}
	return fd;
}

/* A socket anyone may write to lets anyone fill the journal. No socket: journald is being restarted. */
static int
journal_vet_socket(int dir, char *error, size_t size)
{
	struct stat status = {0};

	if (fstatat(dir, "socket", &status, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
		return 0;
	if (!S_ISSOCK(status.st_mode) || status.st_uid != 0 ||
	    (status.st_mode & (S_IWGRP | S_IWOTH))) {
		errno = EPERM;
		snprintf(error, size,
		    JOURNAL_SOCKETS
		    "/socket must be root's alone (mode 0600):"
		    " install boxdo's drop-in for systemd-journald@" JOURNAL_NAMESPACE ".socket");
		return -1;
	}
	return 0;
}

int
audit_journal_open(struct audit_journal *journal, bool volatile_ok, char *error, size_t error_size)
{
	char name[64];

	*journal = (struct audit_journal){-1, -1, -1};
	if (journal_name(name, error, error_size) == -1)
		return -1;
	journal->socket_dir = journal_directory(
	    AT_FDCWD, JOURNAL_SOCKETS, JOURNAL_SOCKETS, O_PATH, error, error_size);
	if (journal->socket_dir == -1)
		return -1;
	if (journal_vet_socket(journal->socket_dir, error, error_size) == -1)
		goto bad;
	/* The disk first: only where there is nothing, and only if allowed, the journal in memory. */
	journal->journal_dir =
	    journal_files("/var/log/journal", name, volatile_ok, error, error_size);
	if (journal->journal_dir == -1 && volatile_ok)
		journal->journal_dir =
		    journal_files("/run/log/journal", name, true, error, error_size);
	if (journal->journal_dir != -1)
		return 0;
bad:
	audit_journal_close(journal);
	return -1;
}

void
audit_journal_close(struct audit_journal *journal)
{
	journal_shut(journal->socket_dir);
	journal_shut(journal->journal_dir);
	journal_shut(journal->file);
	*journal = (struct audit_journal){-1, -1, -1};
}

/* --- sending ------------------------------------------------------------------------------------- */

static int
journal_open_file(int dir, const char *name)
{
	/* O_NONBLOCK: should a FIFO stand there, open must not wait for its other end. */
	return openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

/* A socket whose sends end at the deadline: journald's queue is ten records long here, so one waits. */
static int
journal_socket(uint64_t deadline)
{
	uint64_t now = journal_now(), left = deadline > now ? (deadline - now) / 1000 : 0;
	struct timeval limit = {(time_t)(left / 1000000), (suseconds_t)(left % 1000000)};
	int fd;

	/* A limit of zero would mean: for ever. */
	if (left == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == -1) {
		journal_shut(fd);
		return -1;
	}
	return fd;
}

/* The record in a sealed memory file; journald maps it, and would refuse one that could still change. */
static int
journal_memfd(const struct audit_record *record)
{
	int fd = memfd_create("boxdo-record", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	for (size_t at = 0; at < record->length;) {
		ssize_t put = write(fd, record->data + at, record->length - at);

		if (put == -1 && errno == EINTR)
			continue;
		if (put <= 0)
			goto bad;
		at += (size_t)put;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
		return fd;
bad:
	journal_shut(fd);
	return -1;
}

static int
journal_send_memfd(int socket_fd, const struct audit_record *record)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof control};
	int fd = journal_memfd(record);
	ssize_t sent;

	if (fd == -1)
		return -1;
	control.header = (struct cmsghdr){
	    .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	sent = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
	journal_shut(fd);
	return sent == -1 ? -1 : 0;
}

/* One attempt over one new socket: a socket connected to a journald that is gone stays dead. */
static int
journal_attempt(const struct audit_record *record, uint64_t deadline)
{
	static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int fd = journal_socket(deadline), result;

	if (fd == -1)
		return -1;
	result = connect(fd, (const struct sockaddr *)&address, sizeof address);
	if (result == 0 && send(fd, record->data, record->length, MSG_NOSIGNAL) == -1) {
		/* Larger than a datagram may be. */
		result =
		    errno == EMSGSIZE || errno == ENOBUFS ? journal_send_memfd(fd, record) : -1;
	}
	journal_shut(fd);
	return result;
}

/* What passes by itself: journald restarting, its queue full, a signal. */
static bool
journal_passing(int error)
{
	return error == ECONNREFUSED || error == ECONNRESET || error == ENOENT || error == EPIPE ||
	       error == ENOTCONN || error == EAGAIN || error == EINTR;
}

int
audit_journal_send(
    struct audit_journal *journal, const struct audit_record *record, uint64_t deadline)
{
	uint64_t pause = JOURNAL_POLL_FIRST;
	int why = ETIMEDOUT;

	if (record->failed || record->length == 0) {
		errno = ENOMEM;
		return -1;
	}
	/* Before sending: the record goes into this file, or into one made later. */
	journal_shut(journal->file);
	journal->file = journal_open_file(journal->journal_dir, "system.journal");
	if (fchdir(journal->socket_dir) == -1)
		return -1;
	while (journal_attempt(record, deadline) == -1) {
		/* "Connection refused" tells an admin more than "timed out". */
		if (journal_passing(errno))
			why = errno == EAGAIN || errno == EINTR ? ETIMEDOUT : errno;
		else if (errno != ETIMEDOUT)
			return -1;
		if (!journal_pause(&pause, deadline)) {
			errno = why;
			return -1;
		}
	}
	return 0;
}

/* --- one file ------------------------------------------------------------------------------------ */

/* Of systemd's JOURNAL_FILE_FORMAT, what is needed here. All numbers are little-endian. */
enum {
	FILE_COMPRESSED =
	    1 | 2 | 8, /* xz, lz4, zstd: of objects; ours are too short to be compressed */
	FILE_KEYED_HASH = 4,
	FILE_COMPACT = 16,
	OBJECT_DATA = 1,
	OBJECT_ENTRY = 3,
};

struct journal_header {
	char signature[8];
	uint32_t compatible, incompatible;
	uint8_t state, reserved[7];
	uint8_t file_id[16], machine_id[16], tail_entry_boot_id[16], seqnum_id[16];
	uint64_t header_size, arena_size;
	uint64_t data_hash_table_offset, data_hash_table_size;
};

struct journal_object {
	uint8_t type, flags, reserved[6];
	uint64_t size;
};

struct journal_data {
	struct journal_object object;
	uint64_t hash, next_hash_offset, next_field_offset, entry_offset, entry_array_offset,
	    n_entries;
};

_Static_assert(sizeof(struct journal_header) == 120, "as in the file");
_Static_assert(sizeof(struct journal_data) == 64, "as in the file");

#define JOURNAL_ENTRY_MIN 64 /* an entry without any field */
#define JOURNAL_NEEDLE (sizeof "BOXDO_RECORD=" - 1 + AUDIT_ID_SIZE - 1)

/* What is looked for, and in what. */
struct journal_search {
	int fd;
	uint64_t size;  /* of the file, as this look-up began */
	size_t payload; /* where a data object's bytes begin */
	uint64_t hash;
	char needle[JOURNAL_NEEDLE + 1];
};

static uint64_t
siphash_rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void
siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = siphash_rotate(v[1], 13) ^ v[0];
	v[3] = siphash_rotate(v[3], 16) ^ v[2];
	v[0] = siphash_rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = siphash_rotate(v[1], 17) ^ v[2];
	v[3] = siphash_rotate(v[3], 21) ^ v[0];
	v[2] = siphash_rotate(v[2], 32);
}

static uint64_t
siphash_word(const uint8_t *bytes, size_t length)
{
	uint64_t word = 0;

	for (size_t i = 0; i < length; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

/* SipHash-2-4 (Aumasson and Bernstein), the key as 16 bytes. */
static uint64_t
siphash(const void *data, size_t length, const uint8_t key[16])
{
	const uint8_t *bytes = data;
	uint64_t k0 = siphash_word(key, 8), k1 = siphash_word(key + 8, 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
	    k1 ^ 0x7465646279746573};

	for (size_t at = 0;; at += 8) {
		bool last = length - at < 8;
		uint64_t word = siphash_word(bytes + at, last ? length - at : 8);

		if (last)
			word |= (uint64_t)length << 56;
		v[3] ^= word;
		siphash_round(v);
		siphash_round(v);
		v[0] ^= word;
		if (last)
			break;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Reads all of it, from inside the file. */
static bool
journal_read(const struct journal_search *search, uint64_t offset, void *buffer, size_t length)
{
	if (offset > search->size || length > search->size - offset)
		return false;
	return pread(search->fd, buffer, length, (off_t)offset) == (ssize_t)length;
}

static bool
journal_is_entry(const struct journal_search *search, uint64_t offset)
{
	struct journal_object object;

	if (offset == 0 || offset % 8 != 0 || !journal_read(search, offset, &object, sizeof object))
		return false;
	return object.type == OBJECT_ENTRY && le64toh(object.size) >= JOURNAL_ENTRY_MIN &&
	       le64toh(object.size) <= search->size - offset;
}

/* The data object at offset is our record's id, and an entry has it. */
static bool
journal_is_ours(
    const struct journal_search *search, uint64_t offset, const struct journal_data *data)
{
	char payload[JOURNAL_NEEDLE];

	if (data->object.flags != 0 || le64toh(data->hash) != search->hash ||
	    le64toh(data->object.size) != search->payload + JOURNAL_NEEDLE)
		return false;
	if (!journal_read(search, offset + search->payload, payload, sizeof payload) ||
	    memcmp(payload, search->needle, sizeof payload) != 0)
		return false;
	/* journald puts the field into the file first, and counts its entry when that is complete. */
	return le64toh(data->n_entries) >= 1 &&
	       journal_is_entry(search, le64toh(data->entry_offset));
}

/* Follows one chain of the table. Objects are only ever added behind, so that offsets must grow. */
static bool
journal_chain(const struct journal_search *search, uint64_t offset)
{
	struct journal_data data;
	uint64_t before = 0;

	for (unsigned step = 0; step < JOURNAL_CHAIN_MAX; step++) {
		if (offset <= before || offset % 8 != 0 ||
		    !journal_read(search, offset, &data, sizeof data))
			return false;
		if (data.object.type != OBJECT_DATA)
			return false;
		if (journal_is_ours(search, offset, &data))
			return true;
		before = offset;
		offset = le64toh(data.next_hash_offset);
	}
	return false;
}

/*
 * 1: usable. 0: no journal file yet, or no longer one that anyone can open. -1: a kind of file this
 * code cannot read (EPROTONOSUPPORT); waiting will not help.
 */
static int
journal_header(struct journal_search *search, struct journal_header *header)
{
	struct stat status;
	uint32_t flags;

	/* A file without a name was vacuumed: the record would be in nobody's sight. */
	if (fstat(search->fd, &status) == -1 || !S_ISREG(status.st_mode) || status.st_nlink == 0)
		return 0;
	search->size = (uint64_t)status.st_size;
	if (!journal_read(search, 0, header, sizeof *header) ||
	    memcmp(header->signature, "LPKSHHRH", 8) != 0)
		return 0;
	flags = le32toh(header->incompatible);
	if ((flags & FILE_KEYED_HASH) &&
	    !(flags & ~(uint32_t)(FILE_COMPRESSED | FILE_KEYED_HASH | FILE_COMPACT)))
		return 1;
	errno = EPROTONOSUPPORT;
	return -1;
}

/* 1: the record stands in this file; 0: not (yet); -1 with errno: it cannot be told. */
static int
journal_lookup(int fd, const char record[AUDIT_ID_SIZE])
{
	struct journal_search search = {.fd = fd};
	struct journal_header header;
	uint64_t table, buckets, first;
	int usable = journal_header(&search, &header);

	if (usable != 1)
		return usable;
	search.payload = le32toh(header.incompatible) & FILE_COMPACT ? 72 : 64;
	snprintf(search.needle, sizeof search.needle, "BOXDO_RECORD=%.32s", record);
	search.hash = siphash(search.needle, JOURNAL_NEEDLE, header.file_id);
	table = le64toh(header.data_hash_table_offset);
	buckets = le64toh(header.data_hash_table_size) / 16;
	if (buckets == 0 || table > search.size || buckets > (search.size - table) / 16)
		return 0;
	if (!journal_read(&search, table + search.hash % buckets * 16, &first, sizeof first))
		return 0;
	return journal_chain(&search, le64toh(first));
}

/* --- all files ----------------------------------------------------------------------------------- */

struct journal_rotated {
	char name[NAME_MAX + 1];
	struct timespec changed;
};

static bool
journal_newer(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static bool
journal_rotated_name(const char *name)
{
	size_t length = strlen(name);

	if (strncmp(name, "system@", 7) != 0 || length < sizeof "system@.journal~" - 1 ||
	    length > NAME_MAX)
		return false;
	/* With ~: it was not closed in order, and journald put it aside when it came back. */
	return strcmp(name + length - 8, ".journal") == 0 ||
	       strcmp(name + length - 9, ".journal~") == 0;
}

/* Puts one name into the list of the newest, kept in order; `count` is how many it has. */
static void
journal_rotated_add(struct journal_rotated *newest, size_t *count, int dir, const char *name)
{
	struct stat status;
	size_t at = *count;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(status.st_mode))
		return;
	while (at > 0 && journal_newer(&status.st_ctim, &newest[at - 1].changed))
		at--;
	if (at == JOURNAL_ROTATED_MAX)
		return;
	if (*count < JOURNAL_ROTATED_MAX)
		++*count;
	memmove(newest + at + 1, newest + at, (*count - at - 1) * sizeof *newest);
	memcpy(newest[at].name, name, strlen(name) + 1); /* not longer: journal_rotated_name */
	newest[at].changed = status.st_ctim;
}

/* The newest rotated files. getdents64 rather than readdir: no memory is allocated while we are filtered. */
static size_t
journal_list(int journal_dir, struct journal_rotated newest[JOURNAL_ROTATED_MAX])
{
	_Alignas(struct dirent64) char buffer[8192];
	size_t count = 0;
	ssize_t got;
	int dir = openat(journal_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (dir != -1 && (got = getdents64(dir, buffer, sizeof buffer)) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *entry = (const void *)(buffer + at);

			if (journal_rotated_name(entry->d_name))
				journal_rotated_add(newest, &count, dir, entry->d_name);
			at += entry->d_reclen;
		}
	}
	journal_shut(dir);
	return count;
}

/* Looks into the file called name. 1: found, *found is its descriptor. 0, -1 as journal_lookup. */
static int
journal_lookup_name(int dir, const char *name, const char *record, int *found)
{
	int fd = journal_open_file(dir, name), result;

	if (fd == -1)
		return 0;
	result = journal_lookup(fd, record);
	if (result == 1)
		*found = fd;
	else
		journal_shut(fd);
	return result;
}

static bool
journal_is_current(const struct audit_journal *journal)
{
	struct stat remembered, current;

	return journal->file != -1 && fstat(journal->file, &remembered) == 0 &&
	       fstatat(journal->journal_dir, "system.journal", &current, AT_SYMLINK_NOFOLLOW) ==
	           0 &&
	       remembered.st_dev == current.st_dev && remembered.st_ino == current.st_ino;
}

/*
 * One look everywhere the record can be. The order matters: a file that was current a moment ago may
 * be a rotated one when the list is read, but not the other way round.
 */
static int
journal_find(const struct audit_journal *journal, const char *record, int *found)
{
	struct journal_rotated newest[JOURNAL_ROTATED_MAX];
	size_t count;
	int result = journal->file == -1 ? 0 : journal_lookup(journal->file, record);

	if (result == 1)
		*found = journal->file;
	if (result == 1 || journal_is_current(journal))
		return result;
	result = journal_lookup_name(journal->journal_dir, "system.journal", record, found);
	if (result != 0)
		return result;
	count = journal_list(journal->journal_dir, newest);
	for (size_t i = 0; i < count; i++)
		/* An old file of a kind we cannot read says nothing about where new records go. */
		if (journal_lookup_name(journal->journal_dir, newest[i].name, record, found) == 1)
			return 1;
	return 0;
}

/* --- confirming ---------------------------------------------------------------------------------- */

/* A file that is new since the record was sent: its name must be on the disk as well. */
static int
journal_sync(const struct audit_journal *journal, int fd)
{
	int dir, result;

	if (fdatasync(fd) == -1)
		return -1;
	if (fd == journal->file)
		return 0;
	dir = openat(journal->journal_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = dir == -1 ? -1 : fsync(dir);
	journal_shut(dir);
	return result;
}

static int
journal_synced(const struct audit_journal *journal)
{
	int fd, result;

	if (journal->file != -1)
		return fdatasync(journal->file);
	fd = journal_open_file(journal->journal_dir, "system.journal");
	result = fd == -1 ? -1 : fdatasync(fd);
	journal_shut(fd);
	return result;
}

int
audit_journal_confirm(struct audit_journal *journal, const struct audit_record *record,
    enum audit_mode mode, uint64_t deadline)
{
	uint64_t pause = JOURNAL_POLL_FIRST;
	int fd = -1, result;

	if (mode == AUDIT_UNCONFIRMED)
		return 0;
	if (mode == AUDIT_SYNCED)
		return journal_synced(journal);
	while ((result = journal_find(journal, record->record, &fd)) == 0)
		if (!journal_pause(&pause, deadline))
			return -1;
	if (result == -1)
		return -1;
	result = journal_sync(journal, fd);
	if (fd != journal->file)
		journal_shut(fd);
	return result;
}
