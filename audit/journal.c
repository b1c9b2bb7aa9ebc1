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
 * clock_gettime clock_nanosleep. Not behind the filter: sync_file_range, which a confirmation with `meanwhile` asks for.
 */
#include "audit/audit.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL_NAMESPACE "boxdo"
#define JOURNAL_SYSTEMD "/run/systemd"
#define JOURNAL_SOCKET "journal." JOURNAL_NAMESPACE "/socket" /* below that */
#define JOURNAL_MAIN "journal/socket"                         /* the main journal's */
#define JOURNAL_SOCKETS JOURNAL_SYSTEMD "/journal." JOURNAL_NAMESPACE
#define JOURNAL_ROTATED_MAX 8     /* rotated files looked at, newest first */
#define JOURNAL_CHAIN_MAX 10000   /* objects in one bucket; journald rotates at 100 */
#define JOURNAL_POLL_FIRST 40000  /* ns; a record usually stands there after one or two of these */
#define JOURNAL_POLL_LAST 4000000 /* ns */

static const struct audit_journal journal_none = {-1, -1, -1, -1, "", NULL, NULL};

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
	*pause += *pause / 8;
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
	if (got != 32 || strspn(id, "0123456789abcdefABCDEF") != 32) {
		snprintf(error, size,
		    "/etc/machine-id holds no machine id; systemd-machine-id-setup makes one");
		return -1;
	}
	snprintf(name, 64, "%s." JOURNAL_NAMESPACE, id);
	return 0;
}

/* Opens `base`/NAME. -1 with error: not there, not safe, or in memory although a disk is wanted. */
static int
journal_files(
    struct audit_journal *journal, const char *base, bool volatile_ok, char *error, size_t size)
{
	char path[128];
	struct statfs kind;

	journal_shut(journal->above);
	journal->above = journal_directory(AT_FDCWD, base, base, O_PATH, error, size);
	if (journal->above == -1)
		return -1;
	snprintf(path, sizeof path, "%s/%s", base, journal->name);
	journal->journal_dir =
	    journal_directory(journal->above, journal->name, path, O_RDONLY, error, size);
	if (journal->journal_dir == -1 || volatile_ok)
		return journal->journal_dir;
	if (fstatfs(journal->journal_dir, &kind) == -1 || kind.f_type == TMPFS_MAGIC ||
	    kind.f_type == RAMFS_MAGIC) {
		snprintf(error, size,
		    "%s is not on a disk: records would not survive a crash"
		    " (mount one there, or set volatile = yes)",
		    path);
		return -1;
	}
	return 0;
}

/* A socket anyone may write to lets anyone fill the journal. No socket: journald is being restarted. */
static int
journal_vet_socket(int dir, char *error, size_t size)
{
	struct stat status = {0};

	if (fstatat(dir, JOURNAL_SOCKET, &status, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
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
	int sockets = -1;

	*journal = journal_none;
	if (journal_name(journal->name, error, error_size) == -1)
		return -1;
	journal->socket_dir = journal_directory(
	    AT_FDCWD, JOURNAL_SYSTEMD, JOURNAL_SYSTEMD, O_PATH, error, error_size);
	if (journal->socket_dir != -1)
		sockets = journal_directory(
		    AT_FDCWD, JOURNAL_SOCKETS, JOURNAL_SOCKETS, O_PATH, error, error_size);
	journal_shut(sockets);
	if (sockets == -1 || journal_vet_socket(journal->socket_dir, error, error_size) == -1)
		goto bad;
	/* The disk first: only where there is nothing, and only if allowed, the journal in memory. */
	if (journal_files(journal, "/var/log/journal", volatile_ok, error, error_size) != -1)
		return 0;
	if (volatile_ok &&
	    journal_files(journal, "/run/log/journal", true, error, error_size) != -1)
		return 0;
bad:
	audit_journal_close(journal);
	return -1;
}

void
audit_journal_close(struct audit_journal *journal)
{
	journal_shut(journal->socket_dir);
	journal_shut(journal->above);
	journal_shut(journal->journal_dir);
	journal_shut(journal->file);
	*journal = journal_none;
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

/* The parts in a sealed memory file; journald maps it, and would refuse one that could still change. */
static int
journal_memfd(const struct iovec *parts, size_t count)
{
	int fd = memfd_create("boxdo-record", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	/* In memory, and no signal here but a deadly one: it is written whole, or not at all. */
	for (size_t i = 0; i < count; i++)
		if (write(fd, parts[i].iov_base, parts[i].iov_len) != (ssize_t)parts[i].iov_len)
			goto bad;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
		return fd;
bad:
	journal_shut(fd);
	return -1;
}

/* One record over a connected socket; what is larger than a datagram may be goes as a memory file. */
static int
journal_put(int socket_fd, struct iovec *parts, size_t count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct msghdr whole = {.msg_iov = parts, .msg_iovlen = count};
	struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof control};
	ssize_t sent = sendmsg(socket_fd, &whole, MSG_NOSIGNAL);
	int fd;

	if (sent != -1 || (errno != EMSGSIZE && errno != ENOBUFS))
		return sent == -1 ? -1 : 0;
	fd = journal_memfd(parts, count);
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
	static const struct sockaddr_un address = {
	    .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	struct iovec whole = {record->data, record->length};
	int fd = journal_socket(deadline), result;

	if (fd == -1)
		return -1;
	result = connect(fd, (const struct sockaddr *)&address, sizeof address);
	if (result == 0)
		result = journal_put(fd, &whole, 1);
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

/* The directory that has the name now: whoever tidied up may have made it anew. Without one, the old is kept. */
static void
journal_renew(struct audit_journal *journal)
{
	int fd =
	    openat(journal->above, journal->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return;
	journal_shut(journal->journal_dir);
	journal->journal_dir = fd;
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
	journal_renew(journal);
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

/*
 * The copy: marked, and with a MESSAGE_ID of its own in place of the first line, so that nobody takes it for
 * the record. Full, hung or gone is the main journal's own business: nothing waits for it.
 */
void
audit_journal_mirror(const struct audit_journal *journal, const struct audit_record *record)
{
	static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_MAIN};
	char mark[] = "MESSAGE_ID=" AUDIT_MIRROR_ID "\nBOXDO_MIRROR=1\n";
	char *rest = record->data ? memchr(record->data, '\n', record->length) : NULL;
	struct iovec parts[] = {{mark, sizeof mark - 1}, {rest + 1, 0}};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	parts[1].iov_len = rest ? record->length - (size_t)(rest + 1 - record->data) : 0;
	if (fd != -1 && rest && fchdir(journal->socket_dir) == 0 &&
	    connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		journal_put(fd, parts, 2);
	journal_shut(fd);
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
	uint64_t field_hash_table_offset, field_hash_table_size, tail_object_offset;
	uint64_t n_objects, n_entries, tail_entry_seqnum, head_entry_seqnum, entry_array_offset;
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

struct journal_entry {
	struct journal_object object;
	uint64_t seqnum, realtime, monotonic;
	uint8_t boot_id[16];
	uint64_t xor_hash;
};

_Static_assert(sizeof(struct journal_header) == 184, "as in the file");
_Static_assert(sizeof(struct journal_data) == 64, "as in the file");
_Static_assert(sizeof(struct journal_entry) == 64, "as in the file");

#define JOURNAL_HEADER_MIN 240        /* of systemd 189 and later */
#define JOURNAL_STATE_MAX 2           /* offline, online, archived */
#define JOURNAL_TIME_MAX (1ULL << 55) /* us; readers believe no later one */
#define JOURNAL_NEEDLE (sizeof "BOXDO_RECORD=" - 1 + AUDIT_ID_SIZE - 1)

/* What is looked for, and in what. */
struct journal_search {
	int fd;
	uint64_t size; /* of the file, as this look-up began */
	struct journal_header header;
	bool compact;
	size_t payload; /* where a data object's bytes begin */
	uint64_t hash;
	char needle[JOURNAL_NEEDLE + 1];
};

#define SIPHASH_ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

static void
siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = SIPHASH_ROTATE(v[1], 13) ^ v[0];
	v[3] = SIPHASH_ROTATE(v[3], 16) ^ v[2];
	v[0] = SIPHASH_ROTATE(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = SIPHASH_ROTATE(v[1], 17) ^ v[2];
	v[3] = SIPHASH_ROTATE(v[3], 21) ^ v[0];
	v[2] = SIPHASH_ROTATE(v[2], 32);
}

/* SipHash-2-4 (Aumasson and Bernstein), the key as 16 bytes. */
static uint64_t
siphash(const void *data, size_t length, const uint8_t key[16])
{
	uint64_t k[2],
	    v[4] = {0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573};

	memcpy(k, key, sizeof k);
	for (int i = 0; i < 4; i++)
		v[i] ^= le64toh(k[i % 2]);
	for (size_t at = 0;; at += 8) {
		bool last = length - at < 8;
		uint64_t word = 0;

		memcpy(&word, (const uint8_t *)data + at, last ? length - at : 8);
		word = le64toh(word) | (last ? (uint64_t)length << 56 : 0);
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

/* What readers ask of a data object before they use it, or go on to the next one of its chain. */
static bool
journal_read_data(const struct journal_search *search, uint64_t offset, struct journal_data *data)
{
	return offset % 8 == 0 && journal_read(search, offset, data, sizeof *data) &&
	       data->object.type == OBJECT_DATA && le64toh(data->object.size) > search->payload &&
	       le64toh(data->object.size) <= search->size - offset &&
	       (data->entry_offset == 0) == (data->n_entries == 0) &&
	       !(le64toh(data->next_hash_offset | data->next_field_offset | data->entry_offset |
	                 data->entry_array_offset) &
	           7);
}

/*
 * An entry that readers take for one, and that journald was done with. It notes the entry in the list of all entries,
 * then in each field, in the order in which the fields stand in the file; ours is new and among the last. Killed between
 * two of them it leaves fields that lead nowhere, or cannot be read; so the last must lead here.
 */
static bool
journal_is_entry(const struct journal_search *search, uint64_t offset)
{
	struct journal_entry entry;
	struct journal_data last;
	uint64_t size, field = 0;
	size_t item = search->compact ? sizeof(uint32_t) : 2 * sizeof field;

	if (offset % 8 != 0 || !journal_read(search, offset, &entry, sizeof entry))
		return false;
	size = le64toh(entry.object.size);
	if (entry.object.type != OBJECT_ENTRY || size <= sizeof entry ||
	    (size - sizeof entry) % item != 0 || size > search->size - offset ||
	    entry.seqnum == 0 || entry.realtime == 0 ||
	    le64toh(entry.seqnum) > le64toh(search->header.tail_entry_seqnum) ||
	    le64toh(entry.realtime | entry.monotonic) >= JOURNAL_TIME_MAX)
		return false;
	return journal_read(search, offset + size - item, &field, item == 4 ? 4 : sizeof field) &&
	       journal_read_data(search, le64toh(field), &last) && last.n_entries != 0;
}

/* Follows one chain of the table. Objects are only ever added behind, so that offsets must grow. */
static bool
journal_chain(const struct journal_search *search, uint64_t offset)
{
	struct journal_data data;
	char payload[JOURNAL_NEEDLE];
	uint64_t before = 0;

	for (unsigned step = 0; step < JOURNAL_CHAIN_MAX; step++) {
		if (offset <= before || !journal_read_data(search, offset, &data))
			return false;
		/* Our record's id: journald puts it into the file first, and notes its entry when that is complete. */
		if (data.object.flags == 0 && le64toh(data.hash) == search->hash &&
		    le64toh(data.object.size) == search->payload + sizeof payload &&
		    journal_read(search, offset + search->payload, payload, sizeof payload) &&
		    memcmp(payload, search->needle, sizeof payload) == 0)
			return data.n_entries != 0 &&
			       journal_is_entry(search, le64toh(data.entry_offset));
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
journal_header(struct journal_search *search)
{
	struct journal_header *header = &search->header;
	struct stat status;
	uint64_t start, arena, tail;
	uint32_t flags;

	/* A file without a name was vacuumed: the record would be in nobody's sight. */
	if (fstat(search->fd, &status) == -1 || !S_ISREG(status.st_mode) || status.st_nlink == 0)
		return 0;
	search->size = (uint64_t)status.st_size;
	if (!journal_read(search, 0, header, sizeof *header) ||
	    memcmp(header->signature, "LPKSHHRH", 8) != 0 || header->state > JOURNAL_STATE_MAX)
		return 0;
	/* Readers pass over one that says it is longer than it is, or has an object where none can be. */
	start = le64toh(header->header_size);
	arena = le64toh(header->arena_size);
	tail = le64toh(header->tail_object_offset);
	if (start < JOURNAL_HEADER_MIN || start > search->size || arena > search->size - start ||
	    tail > start + arena ||
	    (le64toh(header->data_hash_table_offset | header->field_hash_table_offset |
	             header->tail_object_offset | header->entry_array_offset) &
	        7))
		return 0;
	flags = le32toh(header->incompatible);
	search->compact = flags & FILE_COMPACT;
	search->payload = search->compact ? 72 : 64;
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
	uint64_t table, buckets, first;
	int usable = journal_header(&search);

	if (usable != 1)
		return usable;
	snprintf(search.needle, sizeof search.needle, "BOXDO_RECORD=%.32s", record);
	search.hash = siphash(search.needle, JOURNAL_NEEDLE, search.header.file_id);
	table = le64toh(search.header.data_hash_table_offset);
	buckets = le64toh(search.header.data_hash_table_size) / 16;
	if (buckets == 0 || table > search.size || buckets > (search.size - table) / 16)
		return 0;
	if (!journal_read(&search, table + search.hash % buckets * 16, &first, sizeof first))
		return 0;
	return journal_chain(&search, le64toh(first));
}

/* --- all files ----------------------------------------------------------------------------------- */

struct journal_rotated {
	char name[NAME_MAX + 1];
	int64_t changed; /* ns since 1970 */
};

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
	int64_t changed;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(status.st_mode))
		return;
	changed = status.st_ctim.tv_sec * 1000000000 + status.st_ctim.tv_nsec;
	while (at > 0 && changed > newest[at - 1].changed)
		at--;
	if (at == JOURNAL_ROTATED_MAX)
		return;
	if (*count < JOURNAL_ROTATED_MAX)
		++*count;
	memmove(newest + at + 1, newest + at, (*count - at - 1) * sizeof *newest);
	memcpy(newest[at].name, name, strlen(name) + 1); /* not longer: journal_rotated_name */
	newest[at].changed = changed;
}

/* The newest rotated files. getdents64 rather than readdir: no memory is allocated while we are filtered. */
static size_t
journal_list(int journal_dir, struct journal_rotated newest[JOURNAL_ROTATED_MAX])
{
	_Alignas(struct dirent64) char buffer[8192];
	size_t count = 0;
	ssize_t got;
	int dir = openat(journal_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (dir != -1 && (got = getdents64(dir, (void *)buffer, sizeof buffer)) > 0) {
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

/*
 * The disk needs no processor, and whoever sent the record has something else to do: so it is told to begin, and waited for
 * afterwards. fdatasync decides: what the disk was told before is a hint.
 */
static int
journal_fdatasync(struct audit_journal *journal, int fd)
{
	void (*meanwhile)(void *) = journal->meanwhile;

	journal->meanwhile = NULL;
	if (meanwhile) {
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		meanwhile(journal->context);
	}
	return fdatasync(fd);
}

/* A file that is new since the record was sent: its name must be on the disk as well. */
static int
journal_sync(struct audit_journal *journal, int fd)
{
	int dir, result;

	if (journal_fdatasync(journal, fd) == -1)
		return -1;
	if (fd == journal->file)
		return 0;
	dir = openat(journal->journal_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = dir == -1 ? -1 : fsync(dir);
	journal_shut(dir);
	return result;
}

static int
journal_synced(struct audit_journal *journal)
{
	int fd, result;

	if (journal->file != -1)
		return journal_fdatasync(journal, journal->file);
	fd = journal_open_file(journal->journal_dir, "system.journal");
	result = fd == -1 ? -1 : journal_fdatasync(journal, fd);
	journal_shut(fd);
	return result;
}

static int
journal_confirm(struct audit_journal *journal, const struct audit_record *record,
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

int
audit_journal_confirm(struct audit_journal *journal, const struct audit_record *record,
    enum audit_mode mode, uint64_t deadline)
{
	int result = journal_confirm(journal, record, mode, deadline);

	journal->meanwhile = NULL;
	return result;
}
