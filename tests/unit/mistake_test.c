/* with: client/mistake.c */
/* A mistake shown: the line, the word underlined, and nothing a terminal would obey. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/mistake.h"

#define LONG "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "

static const struct {
	const char *line;
	unsigned column;
	const char *shown; /* below "FILE:2:COLUMN: what\n" */
} rows[] = {
    {"user = bob", 1, "    2 | user = bob\n      | ^~~~\n"},
    {"user=bob", 1, "    2 | user=bob\n      | ^~~~\n"},
    {"users = al* bob", 9, "    2 | users = al* bob\n      |         ^~~\n"},
    {"users = \"a b\"x bob", 9, "    2 | users = \"a b\"x bob\n      |         ^~~~~~\n"},
    {"users = bob", 12, "    2 | users = bob\n      |            ^\n"},
    {"users = bob", 99, "    2 | users = bob\n      |            ^\n"},
    {"[allow a", 1, "    2 | [allow a\n      | ^~~~~~~~\n"},
    {"[alow a] x", 2, "    2 | [alow a] x\n      |  ^~~~\n"},
    {"[allow a] x", 1, "    2 | [allow a] x\n      | ^~~~~~~~~\n"},
    {"\tx\x1b[31m\xc3\xa9\x7f", 3, "    2 |  x?[31m???\n      |   ^~~~~~~~\n"},
    {"", 1, "    2 | \n      | ^\n"},
    {LONG LONG "bad", 133,
        "    2 | ...89 0123456789 0123456789 0123456789 bad\n      | "
        "                                       ^~~\n"},
    {LONG LONG, 1, "    2 | " LONG "012345...\n      | ^~~~~~~~~~\n"},
};

static void
shown(void **state)
{
	char name[] = "/tmp/mistake-test.XXXXXX", head[128], *text;
	size_t i, length;
	FILE *file, *out;
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		file = fopen(name, "w");
		fprintf(file, "# one\n%s\n# three\n", rows[i].line);
		fclose(file);
		out = open_memstream(&text, &length);
		mistake_show(out, &(struct policy_mistake){name, 2, rows[i].column, "what"});
		fclose(out);
		snprintf(head, sizeof(head), "%s:2:%u: what\n", name, rows[i].column);
		if (strncmp(text, head, strlen(head)) != 0 ||
		    strcmp(text + strlen(head), rows[i].shown) != 0)
			fail_msg("row %zu:\n%s", i, text);
		free(text);
	}
	unlink(name);
}

static void
no_line_to_show(void **state)
{
	static const struct policy_mistake mistakes[] = {{"/nonexistent\x1b", 2, 1, "a"},
	    {"/dev/null", 1, 1, "b"}, {"/etc/passwd", 1, 0, "c"}, {"/etc/passwd", 0, 7, "d"}};
	static const char *const expected[] = {"/nonexistent?:2:1: a\n", "/dev/null:1:1: b\n",
	    "/etc/passwd:1: c\n", "/etc/passwd: d\n"};
	char *text;
	size_t i, length;
	FILE *out;

	(void)state;
	for (i = 0; i < 4; i++) {
		out = open_memstream(&text, &length);
		mistake_show(out, &mistakes[i]);
		fclose(out);
		assert_string_equal(text, expected[i]);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shown),
	    cmocka_unit_test(no_line_to_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
