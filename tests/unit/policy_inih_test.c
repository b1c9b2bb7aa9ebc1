/* with: policy/[a-u]*.c policy/words.c */
/* Files mutated at random: what our reader takes inih, left alone, reads the same; whoever asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fuzz/policy_check.h"

static const char *const pieces[] = {"binds = ~:rw .:rw /data:/x\n", "  /more:rw\n",
    "network = host none\n", "hours = Mon-Fri 08:00-20:00\n", "command = /bin/x ...\n",
    "command = \"a b\" c\n", "  d e\n", "env = OMP_*\n", "password = yes\n", "  # a comment\n",
    "# a comment\n", "\n", "hosts = gpu[1-4]\n", "images\t=\t\"tiny\"  \n", "users= #1000 bob\n",
    "\t%gx +nx\n"};

/* Bytes that mean something to somebody. */
static const char odd[] = "[]=:;#\"\\ \t\n\r'!%+*~.,0a\x80\x01";

static uint64_t test_state = 88172645463325252U;

static size_t
test_random(size_t below)
{
	test_state ^= test_state << 13;
	test_state ^= test_state >> 7;
	test_state ^= test_state << 17;
	return (size_t)(test_state % below);
}

/* Rules as people write them, then a few slips of the hand. */
static size_t
test_make(char *text, size_t slips)
{
	static const char *const users[] = {
	    "alice", "bob", "*", "bob\n  carol\n\t%gx", "%gy !+nx", "#7"};
	size_t length = (size_t)sprintf(text, "%s", "[settings]\nredact = --key=*\n  --token=*\n"),
	       rules = 1 + test_random(3), i, j, at;

	for (i = 0; i < rules; i++) {
		length += (size_t)sprintf(text + length, "[allow r%zu]\nusers = %s\nimages = *\n",
		    i, users[test_random(sizeof(users) / sizeof(users[0]))]);
		for (j = 0; j < 12; j++)
			if (test_random(4) == 0)
				length += (size_t)sprintf(text + length, "%s", pieces[j]);
	}
	for (i = 0; i < slips; i++) {
		at = test_random(length + 1);
		switch (test_random(4)) {
		case 0: /* a byte more */
			memmove(text + at + 1, text + at, length - at);
			text[at] = odd[test_random(sizeof(odd) - 1)];
			length++;
			break;
		case 1: /* another byte */
			if (at < length)
				text[at] = odd[test_random(sizeof(odd) - 1)];
			break;
		case 2: /* a byte less */
			if (at < length) {
				memmove(text + at, text + at + 1, length - at - 1);
				length--;
			}
			break;
		default: /* a long line */
			memmove(text + at + 180, text + at, length - at);
			memset(text + at, ' ', 180);
			length += 180;
		}
	}
	return length;
}

static void
mutated_files(void **state)
{
	char *text = malloc(16384);
	size_t length, taken = 0, i;

	(void)state;
	for (i = 0; i < 6000; i++) {
		length = test_make(text, test_random(3));
		taken += check_bytes(text, length);
	}
	free(text);
	/* Else it has shown nothing. */
	assert_true(taken > 500);
	print_message("%zu of %zu are policies\n", taken, i);
}

/* Each piece after each: the joints between lines. */
static void
pairs_of_lines(void **state)
{
	size_t count = sizeof(pieces) / sizeof(pieces[0]), i, j, taken = 0;
	char text[1024];

	(void)state;
	for (i = 0; i < count; i++)
		for (j = 0; j < count; j++) {
			snprintf(text, sizeof(text), "[deny z]\nrun_as = bob\n%s%s", pieces[i],
			    pieces[j]);
			taken += check_bytes(text, strlen(text));
		}
	assert_true(taken > 50);
}

/* Every byte at every place of a vector and behind the last. */
static void
control_characters(void **state)
{
	char text[41];
	size_t at, length;
	int c;

	(void)state;
	for (c = 0; c < 256; c++)
		for (length = 1; length <= sizeof(text); length += 8)
			for (at = 0; at < length; at++) {
				memset(text, 'x', sizeof(text));
				text[at] = (char)c;
				assert_int_equal(prepass_is_clean(text, length),
				    (c >= ' ' && c != 0x7f) || c == '\t' || c == '\n');
			}
	assert_true(prepass_is_clean(text, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mutated_files),
	    cmocka_unit_test(pairs_of_lines),
	    cmocka_unit_test(control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
