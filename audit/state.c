/*
 * What all launches of this boot share: sequence numbers, ends still owed, and each user's budget of
 * records. Files in /run/boxdo, mapped; no lock is ever taken, so that a helper stopped in the middle
 * holds nobody up.
 *
 * Stage:     before 7 (record); any way out after stage 1.
 * Privilege: uid 0; changes none.
 * Trusts:    what root alone can write. Each file is vetted on its descriptor.
 * Distrusts: limits the caller set. A file is given all its blocks before it is mapped: a hole that cannot
 *            be filled later (RLIMIT_FSIZE, a full /run) would be a SIGBUS.
 * On error:  NULL or -1 with errno; the launch is refused.
 */
#include "audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STATE_DIR "/run/boxdo"
#define STATE_MAGIC 0x626f78646f737431      /* "boxdost1" */
#define STATE_RATE_MAGIC 0x626f78646f727431 /* "boxdort1" */
#define STATE_SLOTS 956                     /* ends owed at once that are counted */
#define STATE_NANOSECONDS 1000000000ULL
#define STATE_REPORT (60 * STATE_NANOSECONDS) /* between two reports of one user's excess */

/* One page. A slot holds the pid of a SUPERVISOR that owes an end, or 0. */
struct audit_state {
	_Atomic uint64_t magic, seq;
	_Atomic int32_t owed[STATE_SLOTS];
	_Atomic uint64_t rate, burst; /* of the policy that was read last; 0: none was */
};

_Static_assert(sizeof(struct audit_state) <= 4096, "one page");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "no hidden locks");

/*
 * A user's bucket. `due` is when all that was taken so far will have been earned (CLOCK_BOOTTIME, ns): the
 * bucket is full when it lies in the past, empty when it lies `burst` ahead. One number, one
 * compare-and-swap: there is no state between.
 */
struct state_bucket {
	_Atomic uint64_t magic, due, suppressed, reported;
};

/* --- files ----------------------------------------------------------------------------------------- */

static void
state_shut(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

/* root's, of the kind it should be, and nobody else may write; our umask may have taken bits away. */
static int
state_vet(int fd, mode_t kind, mode_t mode, struct stat *status)
{
	if (fstat(fd, status) == -1)
		return -1;
	if ((status->st_mode & S_IFMT) != kind || status->st_uid != 0 ||
	    (status->st_mode & (S_IWGRP | S_IWOTH)) || (kind == S_IFREG && status->st_nlink != 1)) {
		errno = EPERM;
		return -1;
	}
	if ((status->st_mode & 07777) != mode)
		return fchmod(fd, mode);
	return 0;
}

/* Opens the directory name below `at`, making it when missing. */
static int
state_directory(int at, const char *name, mode_t mode)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat status;
	int fd = openat(at, name, flags);

	if (fd == -1 && errno == ENOENT && (mkdirat(at, name, mode) == 0 || errno == EEXIST))
		fd = openat(at, name, flags);
	if (fd != -1 && state_vet(fd, S_IFDIR, mode, &status) == -1) {
		state_shut(fd);
		return -1;
	}
	return fd;
}

/* Gives a new file its size and blocks. Two at once do the same thing twice. */
static int
state_size(int fd, size_t size, const struct stat *status)
{
	if (status->st_size == (off_t)size)
		return 0;
	if (status->st_size != 0) {
		errno = EBADMSG;
		return -1;
	}
	return fallocate(fd, 0, 0, (off_t)size);
}

/* Maps what fd is, and closes it. magic is the first member, written by whoever comes first. */
static void *
state_map_fd(int fd, size_t size, uint64_t magic)
{
	uint64_t fresh = 0;
	struct stat status;
	void *page;

	page = state_vet(fd, S_IFREG, 0600, &status) == -1 || state_size(fd, size, &status) == -1
	           ? MAP_FAILED
	           : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	state_shut(fd);
	if (page == MAP_FAILED)
		return NULL;
	if (atomic_compare_exchange_strong((_Atomic uint64_t *)page, &fresh, magic) ||
	    fresh == magic)
		return page;
	munmap(page, size);
	errno = EBADMSG;
	return NULL;
}

/* Maps the file name, made when missing. */
static void *
state_map(int dir, const char *name, size_t size, uint64_t magic)
{
	int fd = openat(
	    dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);

	return fd == -1 ? NULL : state_map_fd(fd, size, magic);
}

/* What is there already is one call away; the directories above it were root's when it was made. */
static int
state_existing(const char *directory, const char *name)
{
	const struct open_how how = {
	    .flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_NO_SYMLINKS};
	char path[PATH_MAX];

	snprintf(path, sizeof path, STATE_DIR "/%s/%s", directory, name);
	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

void *
audit_state_file(const char *directory, const char *name, size_t size, uint64_t magic)
{
	int fd = state_existing(directory, name), below, dir;
	void *page = NULL;

	if (fd != -1)
		return state_map_fd(fd, size, magic);
	if (errno != ENOENT || (dir = state_directory(AT_FDCWD, STATE_DIR, 0755)) == -1)
		return NULL;
	below = state_directory(dir, directory, 0700);
	state_shut(dir);
	if (below == -1)
		return NULL;
	page = state_map(below, name, size, magic);
	state_shut(below);
	return page;
}

/* --- sequence numbers and ends owed ---------------------------------------------------------------- */

struct audit_state *
audit_state_open(void)
{
	int dir = state_directory(AT_FDCWD, STATE_DIR, 0755);
	struct audit_state *state;

	if (dir == -1)
		return NULL;
	state = state_map(dir, "state", sizeof *state, STATE_MAGIC);
	state_shut(dir);
	return state;
}

uint64_t
audit_state_seq(struct audit_state *state)
{
	return atomic_fetch_add(&state->seq, 1) + 1;
}

/* Changes the first slot that holds `from` to `to`. */
static void
state_slot(struct audit_state *state, int32_t from, int32_t to)
{
	for (size_t i = 0; i < STATE_SLOTS; i++) {
		int32_t holds = from;

		if (atomic_compare_exchange_strong(&state->owed[i], &holds, to))
			return;
	}
}

/*
 * A SUPERVISOR that root killed never pays. Its slot is given back here, when a launch asks (change 0);
 * not by those that wait to pay, whose filter has no kill().
 */
static unsigned
state_owing(struct audit_state *state, bool sweep)
{
	unsigned count = 0;

	for (size_t i = 0; i < STATE_SLOTS; i++) {
		int32_t pid = atomic_load(&state->owed[i]);

		if (pid == 0)
			continue;
		if (sweep && kill(pid, 0) == -1 && errno == ESRCH)
			atomic_compare_exchange_strong(&state->owed[i], &pid, 0);
		else
			count++;
	}
	return count;
}

unsigned
audit_state_owed(struct audit_state *state, int change)
{
	int32_t self = (int32_t)getpid();

	if (change > 0)
		state_slot(state, 0, self);
	else if (change < 0)
		state_slot(state, self, 0);
	return state_owing(state, change == 0);
}

void
audit_state_budget(struct audit_state *state, uint64_t *rate, uint64_t *burst)
{
	if (*rate != 0) {
		atomic_store(&state->burst, *burst);
		atomic_store(&state->rate, *rate);
	} else if (atomic_load(&state->rate) != 0) {
		*burst = atomic_load(&state->burst);
		*rate = atomic_load(&state->rate);
	}
}

/* --- the budget -------------------------------------------------------------------------------------- */

static uint64_t
state_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * STATE_NANOSECONDS + (uint64_t)now.tv_nsec;
}

/* How long it takes to earn bytes, in ns; at most half of what a uint64_t holds, so that sums fit. */
static uint64_t
state_earned(uint64_t bytes, uint64_t rate)
{
	unsigned __int128 time = (unsigned __int128)bytes * STATE_NANOSECONDS / rate;

	return time > UINT64_MAX / 4 ? UINT64_MAX / 4 : (uint64_t)time;
}

/* Takes what costs `cost`, or nothing: true when it was there. */
static bool
state_take(struct state_bucket *bucket, uint64_t now, uint64_t cost, uint64_t burst)
{
	uint64_t due = atomic_load(&bucket->due), start;

	do {
		/* Never more than one whole burst ahead: a rate changed meanwhile must not lock a user out. */
		start = due < now ? now : due > now + burst ? now + burst : due;
		if (start + cost > now + burst)
			return false;
	} while (!atomic_compare_exchange_weak(&bucket->due, &due, start + cost));
	return true;
}

/* One caller a minute gets the number of refusals that were not recorded. */
static enum audit_budget
state_over(struct state_bucket *bucket, uint64_t now, uint64_t *suppressed)
{
	uint64_t last = atomic_load(&bucket->reported);

	/*
	 * A report may lie a little ahead: others run at the same time. One that lies further ahead is from
	 * before a reboot (a /run that is not cleared).
	 */
	if ((last == 0 || last + STATE_REPORT <= now || last > now + STATE_REPORT) &&
	    atomic_compare_exchange_strong(&bucket->reported, &last, now)) {
		*suppressed = atomic_exchange(&bucket->suppressed, 0);
		return AUDIT_BUDGET_OVER_REPORT;
	}
	atomic_fetch_add(&bucket->suppressed, 1);
	return AUDIT_BUDGET_OVER;
}

int
audit_budget_take(uid_t uid, uint64_t bytes, uint64_t rate, uint64_t burst, uint64_t *suppressed)
{
	struct state_bucket *bucket;
	uint64_t now = state_now();
	int result = AUDIT_BUDGET_OK;
	char name[16];

	*suppressed = 0;
	if (rate == 0) {
		errno = EINVAL;
		return -1;
	}
	snprintf(name, sizeof name, "%u", uid);
	bucket = audit_state_file("rate", name, sizeof *bucket, STATE_RATE_MAGIC);
	if (bucket == NULL)
		return -1;
	if (!state_take(bucket, now, state_earned(bytes, rate), state_earned(burst, rate)))
		result = (int)state_over(bucket, now, suppressed);
	munmap(bucket, sizeof *bucket);
	return result;
}
