/* with: broker/wire.c */
/*
 * Messages from who should not send them, and of a kind that nobody of ours sends: none leaves a
 * descriptor behind, none is taken for the end of the other side.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/wire.h"

static int ends[2];

static int
setup(void **state)
{
	(void)state;
	return wire_pair(ends);
}

static int
teardown(void **state)
{
	(void)state;
	close(ends[0]);
	return ends[1] < 0 ? 0 : close(ends[1]);
}

static int
open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* length bytes with count descriptors, as no function of wire.c would send them. */
static void
send_raw(size_t length, size_t count)
{
	struct wire_message message = {.kind = 1};
	struct iovec iov = {&message, length};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(16 * sizeof(int))];
	} control = {0};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	if (count) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		for (size_t i = 0; i < count; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &ends[0], sizeof(int));
	}
	assert_int_equal(sendmsg(ends[1], &header, MSG_NOSIGNAL), length);
}

static void
a_message_arrives_with_its_sender(void **state)
{
	struct wire_message message;

	(void)state;
	assert_int_equal(wire_send(ends[1], 7, -3, "text", ends[0]), 0);
	assert_int_equal(wire_receive(ends[0], getpid(), &message, wire_now()), 1);
	assert_int_equal(message.kind, 7);
	assert_int_equal(message.value, -3);
	assert_string_equal(message.text, "text");
	assert_true(message.fd > 2);
	close(message.fd);
}

static void
no_number_of_descriptors_is_lost(void **state)
{
	struct wire_message message;
	int before = open_fds();

	(void)state;
	for (size_t count = 1; count <= 16; count++) {
		send_raw(20, count);
		if (wire_receive(ends[0], 0, &message, wire_now()) == 1 && message.fd >= 0)
			close(message.fd);
		assert_int_equal(open_fds(), before);
		/* From somebody else: refused, and closed as well. */
		send_raw(20, count);
		assert_int_equal(wire_receive(ends[0], getpid() + 1, &message, wire_now()), -1);
		assert_int_equal(errno, EPERM);
		assert_int_equal(open_fds(), before);
	}
}

static void
an_empty_message_is_not_the_end(void **state)
{
	struct wire_message message;
	int before = open_fds();

	(void)state;
	for (size_t count = 0; count <= 2; count++) {
		send_raw(0, count);
		assert_int_equal(wire_receive(ends[0], getpid() + 1, &message, wire_now()), -1);
		assert_int_equal(errno, EPERM);
		assert_int_equal(open_fds(), before);
	}
	close(ends[1]);
	ends[1] = -1;
	assert_int_equal(wire_receive(ends[0], getpid(), &message, wire_now()), 0);
}

static void
nothing_there_is_a_timeout(void **state)
{
	struct wire_message message;

	(void)state;
	assert_int_equal(wire_receive(ends[0], 0, &message, wire_now() + WIRE_MS), -1);
	assert_int_equal(errno, ETIMEDOUT);
}

/* Every length around the header's, and the longest there is: the text ends inside of the message. */
static void
short_and_long_messages(void **state)
{
	struct wire_message message;
	const size_t head = offsetof(struct wire_message, text);

	(void)state;
	for (size_t length = 1; length <= head; length++) {
		send_raw(length, 0);
		assert_int_equal(wire_receive(ends[0], 0, &message, wire_now()), -1);
		assert_int_equal(errno, EPERM);
	}
	send_raw(head + WIRE_TEXT_MAX, 0);
	assert_int_equal(wire_receive(ends[0], 0, &message, wire_now()), 1);
	assert_int_equal(message.text[WIRE_TEXT_MAX - 1], 0);
	send_raw(head + WIRE_TEXT_MAX + 1, 0);
	assert_int_equal(wire_receive(ends[0], 0, &message, wire_now()), -1);
	assert_int_equal(errno, EPERM);
}

/* A signal passed on in the moment the command ended: what the other side said before it closed counts. */
static void
last_words_of_who_does_not_listen(void **state)
{
	struct wire_message message;

	(void)state;
	assert_int_equal(wire_send(ends[0], 1, 18, NULL, -1), 0);
	assert_int_equal(wire_send(ends[1], 2, 9, NULL, -1), 0);
	close(ends[1]);
	ends[1] = -1;
	assert_int_equal(wire_receive(ends[0], getpid(), &message, wire_now()), 1);
	assert_int_equal(message.kind, 2);
	assert_int_equal(message.value, 9);
	assert_int_equal(wire_receive(ends[0], getpid(), &message, wire_now()), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_message_arrives_with_its_sender, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_number_of_descriptors_is_lost, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_empty_message_is_not_the_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(nothing_there_is_a_timeout, setup, teardown),
	    cmocka_unit_test_setup_teardown(short_and_long_messages, setup, teardown),
	    cmocka_unit_test_setup_teardown(last_words_of_who_does_not_listen, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
