/* with: audit/record.c audit/journal.c */
/*
 * `boxdo log` and the reader below it, against a real journal: what counts as ours, each record once,
 * what became of launches, and that nothing in a record reaches the terminal as a command to it.
 */
#include "audit/audit.h"
#include "audit/reader.h"
#include "tests/unit/audit_world.h"

#include <string.h>
#include <sys/syscall.h>

#define LOG "build/boxdo-log"

static struct audit_journal journal;

static void
send_record(const struct audit_record *record)
{
	assert_int_equal(audit_journal_send(&journal, record, in_ms(5000)), 0);
	assert_int_equal(audit_journal_confirm(&journal, record, AUDIT_CONFIRMED, in_ms(5000)), 0);
	if (chdir(getenv("TOP")) == -1)
		fail_msg("chdir");
}

static void
begin(struct audit_record *record, enum audit_event event, const char *id, const char *user,
    const char *image)
{
	audit_record_start(record, event, id, 1);
	audit_record_text(record, "USER", user);
	audit_record_number(record, "UID", strcmp(user, "alice") == 0 ? 1001 : 1002);
	audit_record_text(record, "IMAGE", image);
	audit_record_text(record, "HOST", "gpu1");
}

static void
launch(const char *id, const char *user, const char *image, const char *argument)
{
	const char *const argv[] = {"python3", argument, NULL};
	struct audit_record record;

	begin(&record, AUDIT_LAUNCH, id, user, image);
	audit_record_text(&record, "RULE", "allow ml (/etc/boxdo/policy.conf:14)");
	audit_record_text(&record, "BINDS", "/data:/data:ro");
	audit_record_command(&record, argv, 1000, NULL);
	audit_record_message(&record, "launch");
	send_record(&record);
	audit_record_free(&record);
}

static void
end(const char *id, uint64_t status)
{
	struct audit_record record;

	begin(&record, AUDIT_END, id, "alice", "pytorch");
	audit_record_number(&record, "EXIT", status);
	send_record(&record);
	/* Sent again, as after a timeout: one record all the same. */
	send_record(&record);
	audit_record_free(&record);
}

static void
refuse(const char *id, const char *user, const char *reason)
{
	struct audit_record record;

	begin(&record, AUDIT_REFUSE, id, user, "secret");
	audit_record_text(&record, "REASON", reason);
	send_record(&record);
	audit_record_free(&record);
}

/* What an ordinary user could send, were the socket open to all: the fields of a launch, to the letter. */
static void
forge(const char *id)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct audit_record record;

		begin(&record, AUDIT_LAUNCH, id, "forger", "forged");
		audit_record_text(&record, "RULE", "allow ml");
		if (chmod(SOCKET, 0666) == -1 || setresgid(1000, 1000, 1000) == -1 ||
		    setresuid(1000, 1000, 1000) == -1)
			_exit(1);
		_exit(audit_journal_send(&journal, &record, in_ms(5000)) == 0 ? 0 : 2);
	}
	waitpid(child, &status, 0);
	chmod(SOCKET, 0600);
	assert_int_equal(status, 0);
}

#define ID(digit) digit digit digit digit digit digit digit digit
static const char id_ended[] = ID("1111"), id_running[] = ID("2222"), id_lost[] = ID("3333"),
                  id_refused[] = ID("4444"), id_hostile[] = ID("5555"), id_forged[] = ID("6666");

static int
setup(void **state)
{
	pid_t lost;

	(void)state;
	if (audit_journal_open(&journal, false, (char[512]){0}, 512) == -1)
		return -1;
	launch(id_ended, "alice", "pytorch", "train.py");
	end(id_ended, 3);
	launch(id_running, "alice", "/srv/images/lab/x.sif", "serve.py");
	/* Its sender is gone without an end: as after a crash of the machine. */
	lost = fork();
	if (lost == 0) {
		launch(id_lost, "bob", "pytorch", "lost.py");
		_exit(0);
	}
	waitpid(lost, NULL, 0);
	refuse(id_refused, "mallory", "no rule allows this image");
	launch(id_hostile, "bob", "pytorch\x1b]0;x\a",
	    "a\nb\x1b[2J\x9b"
	    "31m\xe2\x80\xae\xff'");
	forge(id_forged);
	return 0;
}

/* Output of `boxdo-log ARGUMENTS | FILTER`. */
static const char *
shell(const char *command)
{
	static char output[65536];
	FILE *pipe = popen(command, "r");
	size_t got;

	assert_non_null(pipe);
	got = fread(output, 1, sizeof output - 1, pipe);
	output[got] = '\0';
	pclose(pipe);
	return output;
}

static void
expect(const char *arguments, const char *output)
{
	char command[1024];
	const char *got;

	snprintf(command, sizeof command, LOG " %s 2>&1", arguments);
	got = shell(command);
	if (strcmp(got, output) != 0)
		fail_msg("%s:\n%s\nexpected:\n%s", arguments, got, output);
}

static void
test_table(void **state)
{
	(void)state;
	expect("--id 11111111111111111111111111111111 | sed 's/^.\\{19\\}/TTTTTTTTTTTTTTTTTTT/'",
	    "TTTTTTTTTTTTTTTTTTT EVENT  USER       HOST       IMAGE            RULE           "
	    "STATUS      ID       COMMAND\n"
	    "TTTTTTTTTTTTTTTTTTT launch alice      gpu1       pytorch          allow ml       exit "
	    "3      11111111 python3 train.py\n"
	    "TTTTTTTTTTTTTTTTTTT end    alice      gpu1       pytorch          -              exit "
	    "3      11111111 -\n");
	expect("--refused | tail -1 | cut -c21-",
	    "refuse mallory    gpu1       secret           -              refused     "
	    "44444444 # no rule allows this image\n");
}

/* Every record once, in order, and none that is not ours. */
#define EVENTS " --json | jq -r '\"\\(.event) \\(.user)\"' | tr '\\n' ','"
static void
test_all(void **state)
{
	(void)state;
	expect(EVENTS, "launch alice,end alice,launch alice,launch bob,refuse mallory,launch bob,");
	expect("-r" EVENTS,
	    "launch bob,refuse mallory,launch bob,launch alice,end alice,launch alice,");
	expect("-n 2" EVENTS, "refuse mallory,launch bob,");
	expect("-n 5" EVENTS, "end alice,launch alice,launch bob,refuse mallory,launch bob,");
	expect("-n 6" EVENTS,
	    "launch alice,end alice,launch alice,launch bob,refuse mallory,launch bob,");
	expect("-n 100" EVENTS,
	    "launch alice,end alice,launch alice,launch bob,refuse mallory,launch bob,");
	expect("-r -n 3" EVENTS, "launch bob,refuse mallory,launch bob,");
}

static void
test_forged_is_there_but_not_ours(void **state)
{
	(void)state;
	assert_string_equal(
	    shell("journalctl --namespace=boxdo -o json BOXDO_USER=forger | jq -r ._UID"),
	    "1000\n");
	expect("--user forger" EVENTS, "");
	expect("--id 66666666666666666666666666666666" EVENTS, "");
}

static void
test_filters(void **state)
{
	(void)state;
	expect("--user alice" EVENTS, "launch alice,end alice,launch alice,");
	expect("--user 1001" EVENTS, "launch alice,end alice,launch alice,");
	expect("--user alice --user mallory" EVENTS,
	    "launch alice,end alice,launch alice,refuse mallory,");
	expect("--user 1001 --user mallory --event refuse" EVENTS, "refuse mallory,");
	expect("--event end --event refuse" EVENTS, "end alice,refuse mallory,");
	expect("--refused" EVENTS, "refuse mallory,");
	expect("--image '/srv/*.sif'" EVENTS, "launch alice,");
	expect("--image pytorch --event launch" EVENTS, "launch alice,launch bob,");
	expect("--rule ml --user bob" EVENTS, "launch bob,launch bob,");
	expect("--rule 'allow m*' --user bob" EVENTS, "launch bob,launch bob,");
	expect("--rule other" EVENTS, "");
	expect("--since -1h --until +1h --refused" EVENTS, "refuse mallory,");
	expect("--since +1h" EVENTS, "");
	expect("--until -1h" EVENTS, "");
	expect("--until yesterday -r" EVENTS, "");
	expect("--until yesterday -n 3" EVENTS, "");
	expect("--since +1h -n 3" EVENTS, "");
}

static void
test_state(void **state)
{
	(void)state;
	expect(
	    "--event launch --json | jq -r .state | tr '\\n' ,", "ended,running,no end,running,");
	expect("--running --json | jq -r .id | cut -c1-4 | tr '\\n' ,", "2222,5555,");
	expect("--event launch | grep -o 'exit 3\\|running\\|no end'",
	    "exit 3\nrunning\nno end\nrunning\n");
}

static void
test_json(void **state)
{
	(void)state;
	expect("--json --id 11111111111111111111111111111111 --event launch | jq -c '[.command, "
	       ".rule, .uid, .binds, .seq,"
	       " (._PID | type), (._BOOT_ID | length), (.__REALTIME_TIMESTAMP | tonumber > 1e15), "
	       "has(\"_UID\")]'",
	    "[\"python3 train.py\",\"allow ml "
	    "(/etc/boxdo/policy.conf:14)\",1001,[\"/data:/data:ro\"],1,\"string\",32,"
	    "true,false]\n");
	/* Bytes that are no UTF-8: all of them, in base64. */
	expect("--json --id 55555555555555555555555555555555 | jq -r .command.bytes | base64 -d | "
	       "od -An -tx1 | tr -d ' \\n'",
	    "707974686f6e3320"
	    "27610a621b5b324a9b33316de2"
	    "80aeff"
	    "275c27"
	    "2727");
	expect("--json --id 55555555555555555555555555555555 | jq -c .image",
	    "\"pytorch\\u001b]0;x\\u0007\"\n");
}

/* In no form does a byte come out that a terminal would obey. */
static void
test_no_control_bytes(void **state)
{
	(void)state;
	assert_string_equal(shell(LOG " | LC_ALL=C tr -d '\\n\\040-\\176'"), "");
	assert_string_equal(shell(LOG " --json | LC_ALL=C tr -d '\\n\\040-\\176'"), "");
	expect("--id 55555555555555555555555555555555 | tail -1 | cut -c106-",
	    "python3 'a#012b#033[2J#23331m#342#200#256#377'\\'''\n");
}

/* On a terminal lines are cut to its width; colours, but nothing else, come as escapes. */
static void
test_terminal(void **state)
{
	const char *got = shell(
	    "LC_ALL=C.UTF-8 TERM=xterm script -qec 'stty cols 100; " LOG " --no-pager' /dev/null"
	    " | sed 's/\\x1b\\[[0-9]*m//g' | tr -d '\\r'");

	(void)state;
	for (const char *line = got; *line != '\0'; line = strchr(line, '\n') + 1) {
		size_t columns = 0;

		for (const char *at = line; *at != '\n'; at++) {
			assert_true(*at != '\x1b' && *at != '\a');
			columns += ((unsigned char)*at & 0xc0) != 0x80;
		}
		assert_true(columns <= 112); /* eight columns of the command at least */
	}
	assert_non_null(strstr(got, "\xe2\x80\xa6"));
}

#define FOLLOWED "jq -r .id /run/followed 2>/dev/null | cut -c1-4 | tr '\\n' ,"
static void
test_follow(void **state)
{
	const char *const shown[] = {"5555,", "5555,7777,"};
	pid_t child = fork();

	(void)state;
	if (child == 0)
		execl("/bin/sh", "sh", "-c", "exec " LOG " -f -n 1 --json >/run/followed", NULL);
	for (int i = 0; i < 2; i++) {
		if (i == 1)
			refuse(ID("7777"), "mallory", "again");
		for (int tries = 0; tries < 6000 && strcmp(shell(FOLLOWED), shown[i]) != 0; tries++)
			sleep_ms(10);
		assert_string_equal(shell(FOLLOWED), shown[i]);
	}
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
}

static void
test_directory(void **state)
{
	(void)state;
	assert_int_equal(
	    run("rm -rf /run/elsewhere; cp -r /var/log/journal/*.boxdo /run/elsewhere"), 0);
	expect("--directory /run/elsewhere --refused -n 1 --json | jq -r .user", "mallory\n");
	expect("--directory /run/empty", "boxdo: there is no audit journal in /run/empty\n");
	assert_int_equal(WEXITSTATUS(run(LOG " --directory /run/nowhere 2>/dev/null")), 1);
}

static void
test_wrong_usage(void **state)
{
	static const char *const wrong[] = {
	    "--event nothing", "-n 0", "-n x", "--since soon", "word", "-f -r", "--unknown"};
	char command[256];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(command, sizeof command,
		    LOG " %s 2>/run/error; test $? = 125 && grep -q '^boxdo: ' /run/error",
		    wrong[i]);
		if (run(command) != 0)
			fail_msg("%s", wrong[i]);
	}
	assert_int_equal(run(LOG " --help | grep -q since"), 0);
	assert_int_equal(run(LOG " >/dev/full 2>/run/error; test $? = 1"), 0);
}

static void
test_may_not_read(void **state)
{
	char command[512];

	(void)state;
	snprintf(command, sizeof command,
	    "chmod 0750 %s; setpriv --reuid 65534 --regid 65534 --clear-groups %s/" LOG
	    " 2>&1; echo $?; chmod 0755 %s",
	    world.files, "/run/top", world.files);
	assert_string_equal(shell(command),
	    "boxdo: you may not read the audit journal; members of group systemd-journal"
	    " (or boxdo-audit) may\n1\n");
	/* The directory can be listed, the files not opened. */
	snprintf(command, sizeof command,
	    "setpriv --reuid 65534 --regid 65534 --clear-groups /run/top/" LOG " 2>&1");
	assert_string_equal(shell(command),
	    "boxdo: you may not read the audit journal; members of group systemd-journal"
	    " (or boxdo-audit) may\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_all),
	    cmocka_unit_test(test_forged_is_there_but_not_ours),
	    cmocka_unit_test(test_filters),
	    cmocka_unit_test(test_state),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_no_control_bytes),
	    cmocka_unit_test(test_terminal),
	    cmocka_unit_test(test_directory),
	    cmocka_unit_test(test_follow),
	    cmocka_unit_test(test_wrong_usage),
	    cmocka_unit_test(test_may_not_read),
	};
	char top[4096];

	alarm(280);
	setenv("TOP", getcwd(top, sizeof top), 1);
	if (run("make -s " LOG) != 0)
		return 1;
	if (world_make() == -1) {
		printf("skipped: needs a mount namespace of its own (run as root)\n");
		return 0;
	}
	/* A copy where others than root can get at it. */
	if (run("mkdir -p /run/top/build && cp " LOG " /run/top/build/") != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, world_unmake);
}
