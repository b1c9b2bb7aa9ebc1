/* with: audit/record.c */
/* Records: what a value can do to them (nothing), what is cut, hidden and shown. */
#include "audit/audit.h"
#include "audit/utf8.h"

#include <endian.h>
#include <setjmp.h>
#include <sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char test_id[AUDIT_ID_SIZE] = "0123456789abcdef0123456789abcdef";

/* The nth value of a field, as journald would read the record; NULL when there is none. */
static const char *
find(const struct audit_record *record, const char *name, size_t nth, size_t *length)
{
	const char *at = record->data, *end = record->data + record->length;

	while (at < end) {
		const char *line = memchr(at, '\n', (size_t)(end - at)), *equals, *value;
		size_t name_length, size;

		assert_non_null(line);
		equals = memchr(at, '=', (size_t)(line - at));
		if (equals != NULL) {
			name_length = (size_t)(equals - at);
			value = equals + 1;
			size = (size_t)(line - value);
		} else {
			uint64_t prefix;

			name_length = (size_t)(line - at);
			memcpy(&prefix, line + 1, sizeof prefix);
			size = le64toh(prefix);
			value = line + 1 + sizeof prefix;
			assert_true(size < (size_t)(end - value));
			assert_int_equal(value[size], '\n');
		}
		if (name_length == strlen(name) && memcmp(at, name, name_length) == 0 &&
		    nth-- == 0) {
			*length = size;
			return value;
		}
		at = value + size + 1;
	}
	assert_ptr_equal(at, end);
	return NULL;
}

static void
expect(const struct audit_record *record, const char *name, const char *value)
{
	size_t length = 0;
	const char *found = find(record, name, 0, &length);

	if (found == NULL)
		fail_msg("no field %s", name);
	assert_int_equal(length, strlen(value));
	assert_memory_equal(found, value, length);
}

static void
expect_none(const struct audit_record *record, const char *name)
{
	size_t length;

	assert_null(find(record, name, 0, &length));
}

static struct audit_record
started(enum audit_event event)
{
	struct audit_record record;

	audit_record_start(&record, event, test_id, 7);
	return record;
}

static void
test_start(void **state)
{
	struct audit_record record = started(AUDIT_REFUSE), other = started(AUDIT_REFUSE);

	(void)state;
	expect(&record, "BOXDO_EVENT", "refuse");
	expect(&record, "BOXDO_ID", test_id);
	expect(&record, "BOXDO_SEQ", "7");
	expect(&record, "PRIORITY", "4");
	expect(&record, "SYSLOG_IDENTIFIER", "boxdo");
	expect(&record, "BOXDO_RECORD", record.record);
	assert_int_equal(strlen(record.record), 32);
	assert_string_not_equal(record.record, other.record);
	audit_record_free(&record);
	audit_record_free(&other);
}

/* Newlines, fields of journald's own, and binary lengths inside a value stay inside it. */
static void
test_injection(void **state)
{
	struct audit_record record = started(AUDIT_LAUNCH);
	static const char evil[] = "a\nBOXDO_EVENT=end\n_UID=0\n\nMESSAGE\n\1\0\0\0\0\0\0\0x";
	size_t length;

	(void)state;
	audit_record_bytes(&record, "CWD", evil, sizeof evil - 1);
	audit_record_text(&record, "TTY", "\n");
	audit_record_text(&record, "IMAGE", "");
	audit_record_text(&record, "NOTHING", NULL);
	audit_record_text(&record, "BINDS", "one");
	audit_record_text(&record, "BINDS", "two\x1b[2J");
	assert_memory_equal(find(&record, "BOXDO_CWD", 0, &length), evil, sizeof evil - 1);
	assert_int_equal(length, sizeof evil - 1);
	expect(&record, "BOXDO_TTY", "\n");
	expect(&record, "BOXDO_IMAGE", "");
	expect_none(&record, "BOXDO_NOTHING");
	expect_none(&record, "_UID");
	assert_null(find(&record, "BOXDO_EVENT", 1, &length));
	assert_memory_equal(find(&record, "BOXDO_BINDS", 1, &length), "two\x1b[2J", 7);
	assert_false(record.failed);
	audit_record_free(&record);
}

static void
test_bad_name(void **state)
{
	static const char *const names[] = {"cwd", "A B", "A=B", "A\nB",
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKL"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct audit_record record = started(AUDIT_LAUNCH);

		audit_record_text(&record, names[i], "x");
		assert_true(record.failed);
		audit_record_free(&record);
	}
}

static void
test_cut(void **state)
{
	struct audit_record record = started(AUDIT_LAUNCH), policy = started(AUDIT_POLICY);
	char *value = malloc(AUDIT_FIELD_MAX + 2), sha256[SHA256_DIGEST_STRING_LENGTH];
	size_t length;

	(void)state;
	memset(value, 'x', AUDIT_FIELD_MAX + 1);
	value[AUDIT_FIELD_MAX + 1] = '\0';
	audit_record_text(&record, "CWD", value);
	assert_non_null(find(&record, "BOXDO_CWD", 0, &length));
	assert_int_equal(length, AUDIT_FIELD_MAX);
	expect(&record, "BOXDO_CWD_LENGTH", "16385");
	expect(
	    &record, "BOXDO_CWD_SHA256", SHA256Data((uint8_t *)value, AUDIT_FIELD_MAX + 1, sha256));
	audit_record_bytes(&record, "TTY", value, AUDIT_FIELD_MAX);
	expect_none(&record, "BOXDO_TTY_LENGTH");
	audit_record_text(&policy, "TEXT", value);
	expect(&policy, "BOXDO_TEXT", value);
	free(value);
	audit_record_free(&record);
	audit_record_free(&policy);
}

static void
command(struct audit_record *record, const char *const *argv, size_t max, const char *const *redact)
{
	audit_record_start(record, AUDIT_LAUNCH, test_id, 1);
	audit_record_command(record, argv, max, redact);
	assert_false(record->failed);
}

static void
test_quoting(void **state)
{
	static const struct {
		const char *argv[4];
		const char *text;
	} cases[] = {
	    {{"python3", "train.py", "--lr=0.1"}, "python3 train.py --lr=0.1"},
	    {{"echo", "", "a b"}, "echo '' 'a b'"},
	    {{"it's", "'", "''"}, "'it'\\''s' ''\\''' ''\\'''\\'''"},
	    {{"A=b", "A=b"}, "'A=b' A=b"},
	    {{"if", "if"}, "'if' if"},
	    {{"~", "*", "$x"}, "'~' '*' '$x'"},
	    {{"a\nb"}, "'a\nb'"},
	    {{NULL}, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct audit_record record;
		int length;

		command(&record, cases[i].argv, 1024, NULL);
		expect(&record, "BOXDO_COMMAND", cases[i].text);
		assert_memory_equal(audit_record_command_text(&record, &length), cases[i].text,
		    strlen(cases[i].text));
		assert_int_equal(length, strlen(cases[i].text));
		audit_record_free(&record);
	}
}

/* Feeds `set -- TEXT` to sh and reads the arguments back, each behind its NUL. */
static size_t
ask_shell(const char *text, size_t length, char *answer, size_t size)
{
	char path[] = "/tmp/boxdo-quote-XXXXXX", line[64];
	int fd = mkstemp(path);
	FILE *script = fdopen(fd, "w"), *shell;
	size_t got;

	assert_non_null(script);
	fputs("set -- ", script);
	fwrite(text, 1, length, script);
	fputs("\nprintf '%s\\0' \"$@\"\n", script);
	fclose(script);
	snprintf(line, sizeof line, "LC_ALL=C sh %s", path);
	shell = popen(line, "r");
	assert_non_null(shell);
	got = fread(answer, 1, size, shell);
	assert_int_equal(pclose(shell), 0);
	unlink(path);
	return got;
}

/* Any bytes but NUL come back from a shell as they were: random ones, with the nasty ones often. */
static void
test_quoting_property(void **state)
{
	static const char nasty[] = "'\"\\$`\n\t *?[]{}()<>|&;#~!^\x01\x1b\x7f\x80\xff";
	static char words[8][400], expected[4000], answer[4000];

	(void)state;
	srandom(1);
	for (int round = 0; round < 300; round++) {
		const char *argv[9] = {NULL};
		size_t count = 1 + (size_t)random() % 8, total = 0, length;
		struct audit_record record;
		const char *text;

		for (size_t i = 0; i < count; i++) {
			size_t size = round == 0 ? 255 : (size_t)random() % 40;

			for (size_t j = 0; j < size; j++)
				words[i][j] = round == 0 ? (char)(j + 1)
				              : random() % 2
				                  ? nasty[(size_t)random() % (sizeof nasty - 1)]
				                  : (char)(1 + random() % 255);
			words[i][size] = '\0';
			argv[i] = words[i];
			memcpy(expected + total, words[i], size + 1);
			total += size + 1;
		}
		command(&record, argv, 65536, NULL);
		text = find(&record, "BOXDO_COMMAND", 0, &length);
		assert_int_equal(ask_shell(text, length, answer, sizeof answer), total);
		assert_memory_equal(answer, expected, total);
		audit_record_free(&record);
	}
}

static void
test_command_cut(void **state)
{
	const char *const argv[] = {"echo", "it's long", NULL};
	char sha256[SHA256_DIGEST_STRING_LENGTH];
	const char whole[] = "echo 'it'\\''s long'";

	(void)state;
	SHA256Data((const uint8_t *)whole, strlen(whole), sha256);
	for (size_t max = 0; max <= strlen(whole); max++) {
		struct audit_record record;
		size_t length;

		command(&record, argv, max, NULL);
		assert_memory_equal(find(&record, "BOXDO_COMMAND", 0, &length), whole, max);
		assert_int_equal(length, max);
		if (max == strlen(whole)) {
			expect_none(&record, "BOXDO_COMMAND_LENGTH");
		} else {
			expect(&record, "BOXDO_COMMAND_LENGTH", "19");
			expect(&record, "BOXDO_COMMAND_SHA256", sha256);
		}
		audit_record_free(&record);
	}
}

static void
test_redaction(void **state)
{
	static const char *const redact[] = {"--token=*", "--pass?ord=*", "-p*:*", "hunter2",
	    "*API_KEY=*", "*://*:*@*", "*-secret=*", NULL};
	static const struct {
		const char *argv[3], *text, *count;
	} cases[] = {
	    {{"a", "--token=s3cret"}, "a --token=xxxx", "1"},
	    {{"a", "--token="}, "a --token=xxxx", "1"},
	    {{"--token=a b'c", "--password=x y"}, "'--token=xxxx' --password=xxxx", "2"},
	    {{"a", "-pme:secret"}, "a -pxxxx", "1"},
	    {{"a", "hunter2"}, "a xxxx", "1"},
	    {{"a", "MY_API_KEY=1"}, "a MY_API_KEY=xxxx", "1"},
	    {{"sh", "API_KEY=1 API_KEY=2"}, "sh API_KEY=xxxx", "1"},
	    {{"a", "https://me:secret@host/x"}, "a https://xxxx", "1"},
	    {{"a", "https://host:80/x"}, "a https://host:80/x", NULL},
	    /* As two arguments; what looks like another option is none. */
	    {{"--token", "s3cret"}, "--token xxxx", "1"},
	    {{"--my-secret", "it's"}, "--my-secret xxxx", "1"},
	    {{"--token", "-v"}, "--token -v", NULL},
	    {{"--my-token", "s3cret"}, "--my-token s3cret", NULL},
	    {{"token", "s3cret"}, "token s3cret", NULL},
	    {{"a", "--tokens"}, "a --tokens", NULL},
	    {{"a", "-pnothing"}, "a -pnothing", NULL},
	    {{"a", "hunter23"}, "a hunter23", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct audit_record record;

		command(&record, cases[i].argv, 1024, redact);
		expect(&record, "BOXDO_COMMAND", cases[i].text);
		if (cases[i].count != NULL)
			expect(&record, "BOXDO_REDACTED", cases[i].count);
		else
			expect_none(&record, "BOXDO_REDACTED");
		audit_record_free(&record);
	}
}

static void
test_redacted_text(void **state)
{
	static const char *const redact[] = {"--token=*", "*PASSWORD=*", "*://*:*@*", "-p*", NULL};
	static const char *const cases[][2] = {
	    {"--token=s3cret: not found in the image", "--token=xxxx"},
	    {"name 'x--token=s3cret' is wrong", "name 'x--token=xxxx"},
	    {"variable 'PGPASSWORD=a' may not", "variable 'PGPASSWORD=xxxx"},
	    {"no image docker://me:it@host", "no image docker://xxxx"},
	    {"PASSWORD=ab", "PASSWORD=xx"},
	    {"PASSWORD=", "PASSWORD="},
	    {"-p is an option of others", "-p is an option of others"},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[64];

		snprintf(text, sizeof text, "%s", cases[i][0]);
		audit_redact(text, redact);
		assert_string_equal(text, cases[i][1]);
	}
}

static void
test_message(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
	    {"alice : IMAGE=a ; COMMAND=b", "alice : IMAGE=a ; COMMAND=b"},
	    {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa7", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa7"},
	    {"a\nb\x1b[2J\x7f", "a#012b#033[2J#177"},
	    {"\x9b"
	     "31m \xff",
	        "#23331m #377"},
	    {"\xc2\x9b"
	     "31m",
	        "#302#23331m"},
	    {"\xe2\x80\xae"
	     "abc",
	        "#342#200#256abc"},
	    {"\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80", "#300#257 #355#240#200 #364#220#200#200"},
	    {"cut \xe2\x82", "cut #342#202"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct audit_record record = started(AUDIT_LAUNCH);

		audit_record_message(&record, "%s", cases[i].text);
		expect(&record, "MESSAGE", cases[i].shown);
		audit_record_free(&record);
	}
}

static void
test_message_long(void **state)
{
	struct audit_record record = started(AUDIT_LAUNCH);
	char *text = malloc(100001);
	size_t length;

	(void)state;
	memset(text, '\n', 100000);
	text[100000] = '\0';
	audit_record_message(&record, "%s", text);
	assert_memory_equal(find(&record, "MESSAGE", 0, &length) + length - 3, "...", 3);
	assert_true(length <= AUDIT_FIELD_MAX + 16);
	expect(&record, "BOXDO_MESSAGE_LENGTH", "100000");
	free(text);
	audit_record_free(&record);
}

/* A freed or failed record takes nothing more. */
static void
test_failed(void **state)
{
	struct audit_record record = started(AUDIT_LAUNCH);
	int length = 1;

	(void)state;
	audit_record_free(&record);
	audit_record_text(&record, "CWD", "/");
	audit_record_message(&record, "x");
	assert_string_equal(audit_record_command_text(&record, &length), "");
	assert_int_equal(length, 0);
	assert_null(record.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_start),
	    cmocka_unit_test(test_injection),
	    cmocka_unit_test(test_bad_name),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_quoting),
	    cmocka_unit_test(test_quoting_property),
	    cmocka_unit_test(test_command_cut),
	    cmocka_unit_test(test_redaction),
	    cmocka_unit_test(test_redacted_text),
	    cmocka_unit_test(test_message),
	    cmocka_unit_test(test_message_long),
	    cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
