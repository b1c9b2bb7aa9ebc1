/*
 * ticket.c: stage 6, a password that was typed is good for a while
 *
 * Privilege: all ids 0. Trusts: the kernel; files that root alone can make. Distrusts: everything that a
 * caller brings along. Errors: no ticket, and the password is asked for.
 *
 * What MUST hold:
 *  1. A ticket is written after PAM said yes to a password typed for this launch, and never else.
 *  2. It counts for one uid, one terminal, one session, one target account and one boot: each is a field,
 *     each is compared, and what is not equal is no ticket (CVE-2025-64517: whose password was it?).
 *  3. Terminal and session are the kernel's word about this process, never that of descriptors 0-2, of
 *     the environment or of a name (CVE-2013-1776, CVE-2017-1000367). No terminal, no ticket.
 *  4. The session is its leader's pid and the moment that leader began: both, because pids and terminals
 *     come again. The leader lives.
 *  5. Time is the clock since boot, which nobody sets, and the boot's id (CVE-2013-1775). A ticket of the
 *     future is none.
 *  6. Numbers alone make the names of files (CVE-2023-42456).
 *  7. Counted is a regular file of root's, 0600, with one link and of the right length, in a directory of
 *     root's alone, found without a symbolic link on the way.
 *  8. Written under a name of this launch (O_EXCL), then renamed: there is no half ticket. No locks.
 */
#include "broker/ticket.h"

#include "broker/fds.h"
#include "broker/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TICKET_DIRECTORY "/run/boxdo/tickets"
#define TICKET_MAGIC 0x626f78646f746b31 /* "boxdotk1" */
#define TICKET_MAX 64                   /* of one user; beyond that they all go */

struct ticket {
	uint64_t magic;
	char boot[40]; /* /proc/sys/kernel/random/boot_id */
	uint32_t uid, target, tty, session;
	uint64_t session_start;
	uint64_t typed; /* wire_now() */
};

/* What a ticket for this launch must say, but for the time. */
static bool
expected(const struct launch *launch, struct ticket *ticket)
{
	const struct process *self = &launch->caller.process;
	struct process leader;

	memset(ticket, 0, sizeof *ticket);
	if (self->tty == 0 || self->session <= 0 || process_read(self->session, &leader) != 0 ||
	    leader.state == 'Z' || leader.session != self->session || leader.tty != self->tty)
		return false;
	ticket->magic = TICKET_MAGIC;
	ticket->uid = launch->origin->uid;
	ticket->target = launch->as.is.uid;
	ticket->tty = self->tty;
	ticket->session = (uint32_t)self->session;
	ticket->session_start = leader.start;
	return fds_text(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ticket->boot,
	           sizeof ticket->boot) >= 36;
}

/* The directory of uid's tickets. make: if there is none. -1: it is not there, or not as it should be. */
static int
directory(uid_t uid, bool make)
{
	const struct open_how how = {
	    .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof path, TICKET_DIRECTORY "/%u", uid);
	if (make) {
		mkdir(TICKET_DIRECTORY, 0700);
		mkdir(path, 0700);
	}
	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != 0 || (st.st_mode & 077))) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

static void
name_of(const struct ticket *ticket, char *name, size_t size)
{
	snprintf(name, size, "%u.%u.%u", ticket->tty, ticket->session, ticket->target);
}

static bool
read_ticket(int in, const char *name, struct ticket *ticket)
{
	int fd = openat(in, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
	            st.st_gid == 0 && (st.st_mode & 07777) == 0600 && st.st_nlink == 1 &&
	            st.st_size == sizeof *ticket &&
	            read(fd, ticket, sizeof *ticket) == sizeof *ticket;

	if (fd >= 0)
		close(fd);
	return good;
}

bool
ticket_valid(const struct launch *launch, unsigned seconds)
{
	struct ticket wanted, found;
	uint64_t now = wire_now();
	char name[64];
	bool good;
	int in;

	if (seconds == 0 || !expected(launch, &wanted))
		return false;
	in = directory(launch->origin->uid, false);
	if (in < 0)
		return false;
	name_of(&wanted, name, sizeof name);
	good = read_ticket(in, name, &found);
	close(in);
	if (!good || found.typed > now || now - found.typed >= seconds * 1000000000ULL)
		return false;
	wanted.typed = found.typed;
	return memcmp(&wanted, &found, sizeof found) == 0;
}

/* Removes the files in a directory of tickets; how many there are, when they are fewer than most. */
static void
sweep(int in, size_t most)
{
	DIR *files = fdopendir(fcntl(in, F_DUPFD_CLOEXEC, 3));
	struct dirent *file;
	size_t count = 0;

	while (files && (file = readdir(files)))
		count += file->d_name[0] != '.';
	if (files && count > most)
		rewinddir(files);
	while (files && (file = readdir(files)))
		if (file->d_name[0] != '.')
			unlinkat(in, file->d_name, 0);
	if (files)
		closedir(files);
}

void
ticket_write(const struct launch *launch)
{
	struct ticket ticket;
	char name[64];
	int in, fd;

	if (!expected(launch, &ticket) || (in = directory(launch->origin->uid, true)) < 0)
		return;
	sweep(in, TICKET_MAX);
	ticket.typed = wire_now();
	name_of(&ticket, name, sizeof name);
	fd = openat(in, launch->id, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && (write(fd, &ticket, sizeof ticket) != sizeof ticket ||
	                   renameat(in, launch->id, in, name) != 0))
		unlinkat(in, launch->id, 0);
	if (fd >= 0)
		close(fd);
	close(in);
}

int
ticket_forget(uid_t uid)
{
	int in = directory(uid, false);

	if (in < 0)
		return errno == ENOENT ? 0 : -1;
	sweep(in, 0);
	close(in);
	return 0;
}
