/*
 * wire.c: messages between the processes of one launch
 *
 * Privilege: none of its own; used by all processes. Trusts the kernel's word about the sender,
 * and nothing in the message: the receiver checks kind and value.
 * Errors: returned; the caller decides.
 */
#include "broker/wire.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t
wire_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

int
wire_pair(int ends[2])
{
	int on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (setsockopt(ends[i], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
			return -1;
	return 0;
}

int
wire_send(int socket, uint32_t kind, int32_t value, const char *text, int fd)
{
	struct wire_message message = {.kind = kind, .value = value};
	size_t length = text ? strnlen(text, WIRE_TEXT_MAX - 1) : 0;
	struct iovec iov = {&message, offsetof(struct wire_message, text) + length + 1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	if (length)
		memcpy(message.text, text, length);
	if (fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof control;
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	}
	return sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

/* One descriptor a message: it may carry as many as there is room for, and those before the last are closed. */
static void
wire_take_fds(const struct cmsghdr *control, struct wire_message *message)
{
	size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd;

	for (size_t i = 0; i < count; i++) {
		memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
		if (message->fd >= 0)
			close(message->fd);
		message->fd = fd;
	}
}

/* Takes descriptor and sender out of the control data; every descriptor gets an owner or is closed. */
static pid_t
wire_control(struct msghdr *header, struct wire_message *message)
{
	pid_t sender = -1;
	struct ucred who;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&who, CMSG_DATA(c), sizeof who);
			sender = who.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			wire_take_fds(c, message);
		}
	}
	return sender;
}

int
wire_receive(int socket, pid_t sender, struct wire_message *message, uint64_t deadline)
{
	struct iovec iov = {message, offsetof(struct wire_message, fd)};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct msghdr header = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof control};
	struct pollfd ready = {.fd = socket, .events = POLLIN};
	uint64_t now;
	ssize_t length;
	pid_t from;

	for (;;) {
		/* Who waits for ever need not poll, which a process that may have no descriptor cannot. */
		length = recvmsg(socket, &header,
		    MSG_CMSG_CLOEXEC | (deadline == UINT64_MAX ? 0 : MSG_DONTWAIT));
		if (length >= 0)
			break;
		/*
		 * The other side closed with something of ours unread: that comes once, and before what it said itself, which
		 * may be how the command ended.
		 */
		if (errno == ECONNRESET)
			continue;
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		now = wire_now();
		if (now >= deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		poll(&ready, 1, (int)((deadline - now + WIRE_MS - 1) / WIRE_MS));
	}
	message->fd = -1;
	from = wire_control(&header, message);
	/* End of file has no sender; an empty message has one, and means nothing. */
	if (length == 0 && from < 0)
		return 0;
	if ((size_t)length <= offsetof(struct wire_message, text) ||
	    (header.msg_flags & MSG_TRUNC) || (sender != 0 && from != sender)) {
		if (message->fd >= 0)
			close(message->fd);
		errno = EPERM;
		return -1;
	}
	message->text[(size_t)length - offsetof(struct wire_message, text) - 1] = '\0';
	return 1;
}
