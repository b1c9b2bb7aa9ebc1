/*
 * opener.c: OPENER, the child that opens what the caller names, and HANDLE's part in it
 *
 * Privilege: child and HANDLE have the caller's six ids and groups, no capability, no privileged descriptor.
 * Trusts: nothing it opens. Distrusted by SUPERVISOR: see opener.h.
 * Errors: per path.
 */
#include "broker/opener.h"

#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	OPENER_PATH = 0x4f504501
}; /* question: text, value 1: for reading; answer: value 0 and a descriptor, or errno */
enum { OPENER_IS_DIRECTORY = 1, OPENER_IS_OWNED = 2 }; /* answer's text[0] - '0' */

/* O_PATH alone does not wake an automounter; to step into the directory does. */
static int
open_awake(const char *path)
{
	char inside[WIRE_TEXT_MAX + 2];
	int fd;

	snprintf(inside, sizeof inside, "%s/.", path);
	fd = open(inside, O_PATH | O_CLOEXEC);
	return fd < 0 && errno == ENOTDIR ? open(path, O_PATH | O_CLOEXEC) : fd;
}

/* What the caller sees there, by what the kernel has in mind where DONT_SYNC is in flags. */
static char
look_at(int fd, uid_t uid, int flags)
{
	struct statx st;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | flags, STATX_TYPE | STATX_UID, &st) != 0)
		return '0';
	return (char)('0' + (S_ISDIR(st.stx_mode) ? OPENER_IS_DIRECTORY : 0) +
	              (st.stx_uid == uid ? OPENER_IS_OWNED : 0));
}

/* Answers have no number: behind one that is not sent there may be no other, or that would be taken for it. */
static bool
open_one(int socket, const char *path, bool readable, uid_t uid)
{
	char flags[2] = "0";
	int fd = readable ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1, error;

	if (fd < 0)
		fd = open_awake(path);
	error = fd < 0 ? errno : 0;
	flags[0] = look_at(fd, uid, 0);
	while (wire_send(socket, OPENER_PATH, error, flags, fd) != 0)
		if (errno != EAGAIN ||
		    poll(&(struct pollfd){.fd = socket, .events = POLLOUT}, 1, -1) < 0)
			return false;
	if (fd >= 0)
		close(fd);
	return true;
}

/* EAGAIN where a file system would have to be asked. */
static int
open_cached(const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_CACHED};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

bool
opener_answer(int socket, pid_t supervisor, uid_t uid)
{
	struct pollfd room = {.fd = socket, .events = POLLOUT};
	struct wire_message message;
	char flags[2] = "0", inside[WIRE_TEXT_MAX + 2];
	bool sent;
	int fd, error;

	switch (wire_receive(socket, supervisor, &message, wire_now())) {
	case 1:
		break;
	case 0:
		return false;
	default:
		return errno == ETIMEDOUT;
	}
	snprintf(inside, sizeof inside, "%s/.", message.text);
	fd = open_cached(inside);
	if (fd < 0 && errno == ENOTDIR)
		fd = open_cached(message.text);
	error = fd < 0 ? errno : 0;
	/* To open it for reading is to ask. */
	if (fd >= 0 && message.value == 1)
		error = EAGAIN;
	flags[0] = look_at(fd, uid, AT_STATX_DONT_SYNC);
	do
		sent = wire_send(socket, OPENER_PATH, error, flags, error ? -1 : fd) == 0;
	while (!sent && errno == EAGAIN && poll(&room, 1, OPENER_HANDLE_MS) > 0);
	if (fd >= 0)
		close(fd);
	return sent;
}

static void
opener_child(int socket, const struct identity *as)
{
	struct wire_message message;

	fds_keep_only(socket, -1);
	drop_to(as->uid, as->gid, as->groups, as->group_count);
	if (as->other)
		drop_keyring();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "boxdo-opener");
	while (wire_receive(socket, 0, &message, UINT64_MAX) == 1 &&
	       open_one(socket, message.text, message.value == 1, as->uid))
		;
	_exit(0);
}

void
opener_handle(struct opener *opener, int socket, pid_t handle, const struct identity *as)
{
	opener->pid = handle;
	opener->socket = socket;
	opener->is_handle = true;
	opener->as = *as;
}

int
opener_start(struct opener *opener, const struct identity *as)
{
	int ends[2];

	opener->socket = -1;
	opener->is_handle = false;
	opener->as = *as;
	if (wire_pair(ends) != 0)
		return -1;
	opener->pid = fork();
	if (opener->pid == 0)
		opener_child(ends[1], as);
	close(ends[1]);
	/* Without one it ends with its socket. */
	opener->pidfd = opener->pid < 0 ? -1 : pidfd_open(opener->pid, 0);
	if (opener->pidfd < 0) {
		close(ends[0]);
		return -1;
	}
	opener->socket = ends[0];
	return 0;
}

/*
 * A child that hangs in a dead file system may not even die: it is killed, and reaped by whoever
 * comes after us. We never wait for it. By its pidfd: the caller may have killed it, and once SUPERVISOR lets the kernel
 * reap its children (reap_children) its number may be anybody's.
 */
void
opener_stop(struct opener *opener)
{
	if (opener->socket < 0)
		return;
	close(opener->socket);
	opener->socket = -1;
	if (opener->is_handle)
		return;
	pidfd_send_signal(opener->pidfd, SIGKILL, NULL, 0);
	close(opener->pidfd);
	waitpid(opener->pid, NULL, WNOHANG);
}

static int
take_answer(struct opener *opener, struct opened *opened, uint64_t deadline)
{
	struct wire_message message;
	int got = wire_receive(opener->socket, opener->pid, &message, deadline);
	int flags;

	if (got != 1 || message.kind != OPENER_PATH) {
		if (got == 1 && message.fd >= 0)
			close(message.fd);
		opened->error = got < 0 && errno == ETIMEDOUT ? ETIMEDOUT : EIO;
		return -1;
	}
	if (message.fd < 0) {
		opened->error = message.value > 0 && message.value < 4096 ? message.value : EIO;
		return 0;
	}
	flags = message.text[0] - '0';
	opened->fd = message.fd;
	opened->error = 0;
	opened->directory = flags & OPENER_IS_DIRECTORY;
	opened->owned = flags & OPENER_IS_OWNED;
	opened->path = fds_name(message.fd);
	return 0;
}

/* Questions go ahead of answers as far as the socket's buffer allows. */
static void
send_questions(struct opener *opener)
{
	const struct opened *next;

	while (opener->socket >= 0 && opener->asked < opener->wanted) {
		next = &opener->first[opener->asked];
		if (next->asked[0] &&
		    wire_send(opener->socket, OPENER_PATH, next->read, next->asked, -1) != 0)
			return;
		opener->asked++;
	}
}

void
opener_ask(struct opener *opener, const char *const *paths, size_t count, size_t readable,
    struct opened *opened)
{
	if (!opener->first)
		opener->first = opened;
	for (size_t i = 0; i < count; i++)
		opened[i] = (struct opened){
		    .fd = -1, .error = ETIMEDOUT, .asked = paths[i], .read = i == readable};
	opener->wanted += count;
	send_questions(opener);
}

/* Anything else OPENER may know better: what HANDLE lacks (a descriptor, memory) its caller can take from it. */
static bool
handle_knows(int error)
{
	return error == 0 || error == ENOENT || error == EACCES || error == ENOTDIR ||
	       error == ELOOP || error == ENAMETOOLONG;
}

/* Until all is answered; whoever does not answer is stopped. */
static void
take_answers(struct opener *opener, uint64_t deadline)
{
	struct opened *next;

	while (opener->socket >= 0 && opener->answered < opener->wanted) {
		send_questions(opener);
		next = &opener->first[opener->answered];
		if (!next->asked[0]) {
			next->error = ENOENT;
			opener->answered++;
			continue;
		}
		if (opener->asked == opener->answered || take_answer(opener, next, deadline) != 0 ||
		    (opener->is_handle && !handle_knows(next->error)))
			opener_stop(opener);
		else
			opener->answered++;
	}
}

void
opener_wait(struct opener *opener)
{
	if (opener->is_handle) {
		take_answers(opener, wire_now() + OPENER_HANDLE_MS * WIRE_MS);
		if (opener->answered == opener->wanted)
			return;
		/* What is left is asked again. */
		opener->asked = opener->answered;
		if (opener_start(opener, &opener->as) != 0)
			return;
	}
	take_answers(opener, wire_now() + OPENER_DEADLINE_MS * WIRE_MS);
}

bool
opener_may_read(const struct opened *opened)
{
	int flags = opened->fd < 0 ? -1 : fcntl(opened->fd, F_GETFL);

	return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) == O_RDONLY;
}
