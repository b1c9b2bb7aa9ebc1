/* with: policy/[a-z]*.c */
/* Users, hosts and time: which rules are kept. And patterns, compared one by one. */
#include "tests/unit/policy_test.h"

#include "policy/env.h"
#include "policy/hours.h"
#include "policy/match.h"
#include "policy/reference.h"

/* Does an allow (or a deny) with these lines count for alice on gpu1, Friday 08:00 UTC? 1, 0, -1. */
static int
counts(const char *kind, const char *lines)
{
	static const char *const nothing[] = {NULL};
	struct policy_question q = {.image_path = "/x", .command = nothing};
	struct policy_decision *d = malloc(sizeof(*d));
	struct policy *policy;
	char text[1024];
	int result;

	snprintf(text, sizeof(text), "%s[%s a]\nimages = *\n%s\n",
	    strcmp(kind, "deny") == 0 ? "[allow all]\nusers = *\nimages = *\n" : "", kind, lines);
	policy = test_load(text);
	if (policy == NULL) {
		free(d);
		return -1;
	}
	policy_decide(policy, &q, d);
	result =
	    strcmp(kind, "deny") == 0 ? d->verdict == POLICY_REFUSE : d->verdict == POLICY_ALLOW;
	policy_free(policy);
	free(d);
	return result;
}

static const struct {
	const char *users;
	int allow, deny;
} users[] = {
    {"*", 1, 1},
    {"alice", 1, 1},
    {"Alice", 0, 0},
    {"alic", 0, 0},
    {"bob", 0, 0},
    {"bob alice", 1, 1},
    {"* !alice", 0, 0},
    {"!alice *", 0, 0},
    {"alice !alice", 0, 0},
    {"!mallory", 0, -1},
    {"* !mallory", 1, 1},
    {"#1001", 1, 1},
    {"bob #1001", 1, 1},
    {"#1002", 0, 0},
    {"#0", 0, 0},
    {"* !#1001", 0, 0},
    {"%staff", 1, 1},
    {"* !%staff", 0, 0},
    {"%nosuch", 0, 0},
    {"* !%nosuch", 1, 1},
    {"%none", 0, 0},
    {"%\"domain users\"", 1, 1},
    {"\"%domain users\"", 1, 1},
    {"%interns", 0, 1},    /* NSS alone says so: enough to forbid, not to permit */
    {"* !%interns", 1, 1}, /* and not enough to be let off */
    {"+lab", 1, -1},       /* a netgroup keeps nobody out: its outage looks like "no" */
    {"+other", 0, -1},
    {"* !+lab", -1, -1},
    {"%alice", 1, 1},     /* the primary group */
    {"%lab +lab", 1, -1}, /* one name, two kinds */
    {"%broken", -1, -1},
    {"+broken", -1, -1},
    {"* !%broken", -1, -1},
    {"alice %broken", 1, 1}, /* nobody needs to be asked */
    {"%broken !alice", 0, 0},
    {"bob %staff %broken", 1, 1},
    {"bob !%broken", 0, 0},
};

static void
users_table(void **state)
{
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		snprintf(line, sizeof(line), "users = %s", users[i].users);
		if (counts("allow", line) != users[i].allow ||
		    counts("deny", line) != users[i].deny)
			fail_msg("users = %s: %d %d (%s)", users[i].users, counts("allow", line),
			    counts("deny", line), test_error.text);
	}
}

static void
directory_down(void **state)
{
	(void)state;
	assert_int_equal(counts("allow", "users = %broken"), -1);
	assert_non_null(
	    strstr(test_error.text, "directory unavailable: cannot look up group broken ("));
	assert_non_null(strstr(test_error.text, "policy.conf:1); launch refused"));
	/* A rule that is not reached asks nobody. */
	assert_int_equal(counts("allow", "users = %broken\nhosts = elsewhere"), 0);
	assert_int_equal(counts("allow", "users = %broken\nnot_after = 2001-01-01"), 0);
}

static void
each_name_once(void **state)
{
	struct policy *policy = test_load("[allow a]\nusers = %none +other %nosuch\nimages = *\n"
	                                  "[allow b]\nusers = %none +other %nosuch\nimages = *\n"
	                                  "[deny c]\nusers = %none %nosuch\n"
	                                  "[deny d]\nusers = %none %nosuch\n");

	(void)state;
	assert_non_null(policy);
	assert_int_equal(test_look_ups, 3);
	assert_int_equal(test_members, 1);
	policy_free(policy);
}

static void
hosts(void **state)
{
	static const struct {
		const char *hosts;
		int yes;
	} rows[] = {
	    {"gpu1", 1},
	    {"gpu1.example.org", 1},
	    {"gpu*", 1},
	    {"GPU1", 1},
	    {"gpu[1-4]", 1},
	    {"gpu[!1]", 0},
	    {"gpu", 0},
	    {"gpu10", 0},
	    {"*", 1},
	    {"*.example.org", 1},
	    {"example", 0},
	    {"login1 gpu1", 1},
	    {"gpu2 gpu3", 0},
	    {"gpu?", 1},
	    {"gpu1.example", 0},
	    {"pu1", 0},
	};
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "users = *\nhosts = %s", rows[i].hosts);
		if (counts("allow", line) != rows[i].yes || counts("deny", line) != rows[i].yes)
			fail_msg("hosts = %s", rows[i].hosts);
	}
}

/* Days in UTC of the week of Friday 2027-01-15; "DAY HH:MM" against hours. */
static void
hours_table(void **state)
{
	static const struct {
		const char *hours;
		int day, hour, minute, yes; /* day: 0 is Sunday */
	} rows[] = {
	    {"Mon-Fri 08:00-20:00", 5, 8, 0, 1},
	    {"Mon-Fri 08:00-20:00", 5, 19, 59, 1},
	    {"Mon-Fri 08:00-20:00", 5, 20, 0, 0},
	    {"Mon-Fri 08:00-20:00", 5, 7, 59, 0},
	    {"Mon-Fri 08:00-20:00", 6, 12, 0, 0},
	    {"Mon-Fri 08:00-20:00", 0, 12, 0, 0},
	    {"Mon-Fri 08:00-20:00 Sat 10:00-12:00", 6, 11, 0, 1},
	    {"Mon-Fri 08:00-20:00 Sat 10:00-12:00", 6, 12, 0, 0},
	    {"Mon-Fri 08:00-20:00 Sat 10:00-12:00", 5, 20, 30, 0},
	    {"Mon-Fri 14:00-15:00 Sat 10:00-12:00", 5, 11, 0, 0},
	    {"Mon Wed 10:00-11:00", 3, 10, 0, 1},
	    {"Mon Wed 10:00-11:00", 1, 10, 0, 1},
	    {"Mon Wed 10:00-11:00", 2, 10, 0, 0},
	    {"Sat Sun", 0, 0, 0, 1},
	    {"Sat Sun", 6, 23, 59, 1},
	    {"Sat Sun", 1, 0, 0, 0},
	    {"Fri-Mon", 0, 5, 0, 1},
	    {"Fri-Mon", 2, 5, 0, 0},
	    {"08:00-12:00 13:00-17:00", 4, 12, 30, 0},
	    {"08:00-12:00 13:00-17:00", 4, 13, 0, 1},
	    /* over midnight: the small hours are the day's on which they began */
	    {"Mon 20:00-02:00", 1, 20, 0, 1},
	    {"Mon 20:00-02:00", 2, 1, 59, 1},
	    {"Mon 20:00-02:00", 2, 2, 0, 0},
	    {"Mon 20:00-02:00", 1, 1, 0, 0},
	    {"Mon 20:00-02:00", 2, 20, 0, 0},
	    {"Sat 20:00-02:00", 0, 1, 0, 1},
	    {"Sun 20:00-02:00", 0, 1, 0, 0},
	    {"22:00-06:00", 3, 23, 0, 1},
	    {"22:00-06:00", 3, 12, 0, 0},
	    {"Mon 20:00-24:00", 1, 23, 59, 1},
	    {"Mon 20:00-24:00", 2, 0, 0, 0},
	    {"Mon 00:00-24:00", 1, 0, 0, 1},
	    {"Mon 20:00-00:00", 1, 23, 59, 1},
	    {"Mon 20:00-00:00", 2, 0, 0, 0},
	};
	time_t friday = test_who.now - 8 * 3600;
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_who.now =
		    friday + (rows[i].day - 5) * 86400 + rows[i].hour * 3600 + rows[i].minute * 60;
		snprintf(
		    line, sizeof(line), "users = *\ntimezone = UTC\nhours = %s", rows[i].hours);
		if (counts("allow", line) != rows[i].yes || counts("deny", line) != rows[i].yes)
			fail_msg("hours = %s on day %d at %d:%02d", rows[i].hours, rows[i].day,
			    rows[i].hour, rows[i].minute);
	}
	test_who.now = friday + 8 * 3600;
}

static void
dates(void **state)
{
	static const struct {
		const char *before, *after;
		int yes;
	} rows[] = {
	    {"2027-01-14", "2027-01-16", 1},
	    {"2027-01-14", "2027-01-14", 0},
	    {"2027-01-16", "2027-01-17", 0},
	    {"2027-01-15", "2027-01-15", 1},
	    {"2027-01-15 08:00", "2027-01-15 08:00", 1},
	    {"2027-01-15 08:01", "2027-01-16", 0},
	    {"2027-01-01", "2027-01-15 07:59", 0},
	    {"2026-12-31", "2027-02-01", 1},
	    {NULL, "2027-01-14", 0},
	    {NULL, "2027-01-15", 1},
	    {"2027-01-16", NULL, 0},
	    {"2027-01-15", NULL, 1},
	};
	char line[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "users = *\ntimezone = UTC\n%s%s%s%s%s",
		    rows[i].before != NULL ? "not_before = " : "",
		    rows[i].before != NULL ? rows[i].before : "",
		    rows[i].before != NULL ? "\n" : "", rows[i].after != NULL ? "not_after = " : "",
		    rows[i].after != NULL ? rows[i].after : "");
		if (counts("allow", line) != rows[i].yes || counts("deny", line) != rows[i].yes)
			fail_msg("%s", line);
	}
}

static void
zones(void **state)
{
	int system_zone;

	(void)state;
	/* 08:00 UTC is 09:00 in Berlin, 03:00 in New York, and Saturday at Kiritimati from 10:00 UTC. */
	assert_int_equal(
	    counts("allow", "users = *\ntimezone = Europe/Berlin\nhours = 09:00-09:01"), 1);
	assert_int_equal(
	    counts("allow", "users = *\ntimezone = America/New_York\nhours = 03:00-03:01"), 1);
	assert_int_equal(
	    counts("allow", "users = *\ntimezone = Etc/GMT+5\nhours = 03:00-03:01"), 1);
	/* Two rules, two zones. */
	assert_int_equal(counts("allow", "users = *\ntimezone = UTC\nhours = 09:00-09:01\n"
	                                 "[allow b]\nusers = *\nimages = *\n"
	                                 "timezone = Europe/Berlin\nhours = 09:00-09:01"),
	    1);
	/* Whatever TZ says, it is the caller's. */
	unsetenv("TZ");
	system_zone = counts("allow", "users = *\nhours = 08:00-08:01");
	setenv("TZ", "XXX-12", 1);
	assert_int_equal(counts("allow", "users = *\nhours = 08:00-08:01"), system_zone);
	setenv("TZ", "XXX-12", 1);
	assert_int_equal(counts("allow", "users = *\nhours = 20:00-20:01"), 0);
	setenv("TZ", ":/proc/self/environ", 1);
	assert_int_equal(counts("allow", "users = *\ntimezone = UTC\nhours = 08:00-08:01"), 1);
	setenv("TZDIR", "/tmp", 1);
	assert_int_equal(counts("allow", "users = *\ntimezone = UTC\nhours = 08:00-08:01"), 1);
	unsetenv("TZDIR");
	assert_null(getenv("TZ"));
}

static void
paths(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool yes;
	} rows[] = {
	    {"/a/*", "/a/b", true},
	    {"/a/*", "/a/b/c", false},
	    {"/a/*", "/a/", false},
	    {"/a/*/c", "/a/b/c", true},
	    {"/a/*/c", "/a/b/b/c", false},
	    {"/a/", "/a/b", true},
	    {"/a/", "/a/b/c/d", true},
	    {"/a/", "/a", false},
	    {"/a/", "/ab/c", false},
	    {"/a", "/a/b", false},
	    {"/a/*/", "/a/b/c", true},
	    {"/a/*/", "/a/b", false},
	    {"*", "/any/thing", true},
	    {"/*", "/a/b", false},
	    {"/", "/a", true},
	    {"/a/?", "/a/b", true},
	    {"/a?b", "/a/b", false},
	    {"/a[!x]b", "/a/b", false},
	    {"/a[/]b", "/a/b", false},
	    {"/a/*", "/a/..", false},
	    {"/a/", "/a/../b", false},
	    {"/a/*.sif", "/a/x.sif", true},
	    {"/a/*.sif", "/a/x.sifx", false},
	    {"/a*b*c", "/aXbXbYc", true},
	    {"/a*b*c", "/aXbX/c", false},
	    {"/a/*", "/a/.hidden", true},
	    {"/srv/images/lab/*.sif", "/srv/images/lab2/x.sif", false},
	    {"/a//b", "/a/b", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (match_path(rows[i].pattern, rows[i].path) != rows[i].yes)
			fail_msg("%s %s", rows[i].pattern, rows[i].path);
}

static void
texts_and_below(void **state)
{
	char many[4096], stars[64];

	(void)state;
	assert_true(match_text("a*c", "abc"));
	assert_true(match_text("--data=*", "--data=/x/y"));
	assert_false(match_text("a*c", "abcd"));
	assert_true(match_text("[a-c]x", "bx"));
	assert_true(match_text("[]]", "]"));
	assert_true(match_text("[!a-c]", "d"));
	assert_false(match_text("[!a-c]", "b"));
	assert_false(match_text("", "a"));
	assert_true(match_text("*", ""));
	assert_false(match_text("?", ""));
	assert_true(match_text("[a-]", "-"));
	/* Upper case is another letter, but for hosts. */
	assert_false(match_text("abc", "aBc") || match_path("/abc", "/aBc"));
	assert_false(match_path_touches("/dev/x*", "/Dev/x1"));
	assert_non_null(match_problem("a[b"));
	assert_null(match_problem("a[b]"));
	/* No time bomb: quadratic, not exponential. */
	memset(many, 'a', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	snprintf(stars, sizeof(stars), "*a*a*a*a*a*a*a*a*a*a*a*a*a*b");
	assert_false(match_text(stars, many));
	assert_non_null(match_below("/scratch", "/scratch"));
	assert_non_null(match_below("/scratch", "/scratch/x"));
	assert_null(match_below("/scratch", "/scratch2"));
	assert_null(match_below("/scratch/x", "/scratch"));
	assert_non_null(match_below("/", "/x"));
	assert_string_equal(match_below("/a", "/a/b/c"), "b/c");
	/* "." says nothing, a name that begins with it does. */
	assert_string_equal(match_below("/a/./b/.", "/a/b"), "");
	assert_string_equal(match_below("/a/b", "/a/./b/./c"), "c");
	assert_null(match_below("/a/.x", "/a/x"));
	assert_null(match_below("/a/x", "/a/.x"));
	assert_string_equal(match_below("/a/.x", "/a/.x/y"), "y");
	assert_true(match_touches("/a/b", "/a") && match_touches("/a", "/a/b"));
	assert_false(match_touches("/a/b", "/a/bc"));
	assert_true(match_path_touches("/dev/nvidia*", "/dev"));
	assert_true(match_path_touches("/dev/nvidia*", "/") && match_path_touches("*", "/x"));
	assert_true(match_path_touches("/dev/nvidia*", "/dev/nvidia0"));
	assert_true(match_path_touches("/dev/dri/", "/dev/dri/card0"));
	assert_true(match_path_touches("/dev/*/x", "/dev/y"));
	assert_false(match_path_touches("/dev/nvidia*", "/dev/shm"));
	assert_false(match_is_plain("a") || match_is_plain("/a/") || match_is_plain("/a//b") ||
	             match_is_plain("/a/./b") || match_is_plain("/..") || match_is_plain("//"));
	assert_true(match_is_plain("/") && match_is_plain("/a/...") && match_is_plain("/a/..b"));
}

static void
commands(void **state)
{
	static const struct {
		const char *words[5];
		bool more;
		const char *command[6];
		bool yes;
	} rows[] = {
	    {{"/opt/run", "--epochs", "*"}, true, {"/opt/run", "--epochs", "5"}, true},
	    {{"/opt/run", "--epochs", "*"}, true, {"/opt/run", "--epochs", "5", "x", "y"}, true},
	    {{"/opt/run", "--epochs", "*"}, true, {"/opt/run", "--epochs"}, false},
	    {{"/opt/run", "--epochs", "*"}, false, {"/opt/run", "--epochs", "5", "x"}, false},
	    {{"/opt/run"}, false, {"/opt/run"}, true},
	    {{"/opt/run"}, false, {"/opt/run", "x"}, false},
	    {{"/opt/run"}, false, {"/opt/run "}, false},
	    {{"a", "b*"}, false, {"a", "b", "c"}, false}, /* never across arguments */
	    {{"a", "b c"}, false, {"a", "b", "c"}, false},
	    {{"/opt/*"}, false, {"/opt/../bin/sh"}, false},
	    {{"/opt/*"}, false, {"/opt/x/sh"}, false},
	    {{"/opt/"}, false, {"/opt/x/sh"}, true},
	    {{"/opt/"}, false, {"/opt/../bin/sh"}, false},
	    {{"x", "/data/*"}, false, {"x", "/data/../etc"}, false},
	    {{"x"}, true, {NULL}, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *words[6] = {NULL}, *command[7] = {NULL};
		struct match_vector vector = {words, rows[i].more};

		memcpy(words, rows[i].words, sizeof(rows[i].words));
		memcpy(command, rows[i].command, sizeof(rows[i].command));
		if (match_command(&vector, command) != rows[i].yes)
			fail_msg("row %zu", i);
	}
}

static void
unsafe_names(void **state)
{
	static const char *const unsafe[] = {"LD_PRELOAD", "LD_*", "*", "P*", "PYTHONPATH",
	    "PYTHON", "PATH", "PAT?", "L[D]_X", "BASH_ENV", "ENV", "E*", "BASH_FUNC_x%%", "?",
	    "_JAVA_OPTIONS"};
	static const char *const safe[] = {"PATHS", "LANG", "SLURM_*", "OMP_NUM_THREADS", "ENVX",
	    "PY", "CUDA_VISIBLE_DEVICES", "HOME", "XPATH"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		if (!env_is_unsafe(unsafe[i]))
			fail_msg("%s", unsafe[i]);
	for (i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
		if (env_is_unsafe(safe[i]))
			fail_msg("%s", safe[i]);
}

static void
references_written_out(void **state)
{
	static const struct {
		const char *typed, *reference; /* NULL: is none */
	} rows[] = {
	    {"ubuntu", "docker.io/library/ubuntu:latest"},
	    {"ubuntu:22.04", "docker.io/library/ubuntu:22.04"},
	    {"pytorch/pytorch", "docker.io/pytorch/pytorch:latest"},
	    {"pytorch/pytorch:2.4*", "docker.io/pytorch/pytorch:2.4*"},
	    {"nvcr.io/nvidia/pytorch:24.05-py3", "nvcr.io/nvidia/pytorch:24.05-py3"},
	    {"localhost/x", "localhost/x:latest"},
	    {"localhost:5000/x", "localhost:5000/x:latest"},
	    {"x@sha256:12", "docker.io/library/x@sha256:12"},
	    {"a.b/c:5/d", "a.b/c:5/d:latest"},
	    {"localhosts/x", "docker.io/localhosts/x:latest"},
	    {"", NULL},
	    {"/x", NULL},
	    {":x", NULL},
	    {"a//b", NULL},
	    {"a b", NULL},
	    {"a\x1b", NULL},
	};
	char reference[REFERENCE_MAX], longest[REFERENCE_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is = reference_write_out(rows[i].typed, reference);

		if (is != (rows[i].reference != NULL) ||
		    (is && strcmp(reference, rows[i].reference) != 0))
			fail_msg("%s: %s", rows[i].typed, is ? reference : "none");
	}
	memset(longest, 'a', sizeof(longest));
	for (i = 1; i <= REFERENCE_MAX; i++) {
		longest[i] = '\0';
		assert_int_equal(reference_write_out(longest, reference),
		    i + strlen("docker.io/library/:latest") < REFERENCE_MAX);
		longest[i] = 'a';
	}
}

static void
references_and_names(void **state)
{
	struct policy *policy = test_load(
	    "[image torch]\npath = /a\nref = pytorch/pytorch:2.*\n  nvcr.io/*/torch:*\n"
	    "[image old]\npath = /b\nref = pytorch/pytorch:*\n"
	    "[image ubuntu]\npath = /c\n[image u22]\npath = /d\nref = ubuntu ubuntu:22*\n");
	static const char *const rows[][2] = {{"torch", "torch"}, {"pytorch/pytorch:2.4", "torch"},
	    {"docker.io/pytorch/pytorch:2.4", "torch"}, {"pytorch/pytorch", "old"},
	    {"nvcr.io/nvidia/torch:1", "torch"}, {"nvcr.io/a/b/torch:1", NULL},
	    {"ubuntu", "ubuntu"}, {"ubuntu:22.04", "u22"}, {"docker.io/library/ubuntu", "u22"},
	    {"*", NULL}, {"pytorch/*", NULL}, {"evil.io/pytorch/pytorch:2.4", NULL}, {"", NULL}};
	size_t i;

	(void)state;
	assert_non_null(policy);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct policy_image *image = policy_image_named(policy, rows[i][0]);

		if ((image != NULL) != (rows[i][1] != NULL) ||
		    (image != NULL && strcmp(image->name, rows[i][1]) != 0))
			fail_msg("%s: %s", rows[i][0], image != NULL ? image->name : "none");
	}
	policy_free(policy);
}

/* When what is said to end has ended: a second after its last minute's last. */
static void
ends(void **state)
{
	static const struct {
		const char *date, *hour, *zone;
		time_t end;
	} rows[] = {
	    {"2027-03-31", NULL, "Etc/UTC", 1806537600},
	    {"2027-03-31", "18:00", "Etc/UTC", 1806516060},
	    {"2027-03-31", NULL, "Europe/Berlin", 1806537600 - 2 * 3600},
	    {"2026-12-31", NULL, "Etc/UTC", 1798761600},
	    {"2026-01-31", "23:59", "Etc/UTC", 1769904000},
	    {"2028-02-29", NULL, "Etc/UTC", 1835481600},
	    /* The night the clock goes forward: 02:30 is not there. */
	    {"2027-03-28", "02:29", "Europe/Berlin", 1806195600},
	    {"2027-03-28", "02:59", "Europe/Berlin", 1806195600},
	    {"2027-03-28", "01:59", "Europe/Berlin", 1806195600},
	    {"2027-03-28", "03:00", "Europe/Berlin", 1806195660},
	    /* The night it goes back: 02:30 is there twice, 01:59 and 03:00 once. */
	    {"2027-10-31", "01:59", "Europe/Berlin", 1824940800},
	    {"2027-10-31", "02:29", "Europe/Berlin", 1824946200},
	    {"2027-10-31", "03:00", "Europe/Berlin", 1824948060},
	    {"2027-10-31", NULL, "Europe/Berlin", 1825023600},
	    /* By half an hour; a day that is not there at all. */
	    {"2027-04-04", "01:45", "Australia/Lord_Howe", 1806765360},
	    {"2011-12-30", NULL, "Pacific/Apia", 1325239200},
	};
	char date[16], hour[16];
	struct tm local;
	long moment;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct word words[2] = {{.text = date}, {.text = hour}};

		snprintf(date, sizeof(date), "%s", rows[i].date);
		snprintf(hour, sizeof(hour), "%s", rows[i].hour != NULL ? rows[i].hour : "");
		assert_null(hours_read_moment(&moment, words, rows[i].hour != NULL ? 2 : 1, true));
		if (hours_end(moment, rows[i].zone) != rows[i].end)
			print_error("row %zu: %ld\n", i, (long)hours_end(moment, rows[i].zone));
		assert_int_equal(hours_end(moment, rows[i].zone), rows[i].end);
		/* A second before it still counts, at it no more. */
		assert_int_equal(hours_local(rows[i].end - 1, rows[i].zone, &local), 0);
		assert_true(hours_moment_of(&local) <= moment);
		assert_int_equal(hours_local(rows[i].end, rows[i].zone, &local), 0);
		assert_true(hours_moment_of(&local) > moment);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(users_table),
	    cmocka_unit_test(directory_down),
	    cmocka_unit_test(each_name_once),
	    cmocka_unit_test(hosts),
	    cmocka_unit_test(hours_table),
	    cmocka_unit_test(dates),
	    cmocka_unit_test(zones),
	    cmocka_unit_test(paths),
	    cmocka_unit_test(texts_and_below),
	    cmocka_unit_test(commands),
	    cmocka_unit_test(unsafe_names),
	    cmocka_unit_test(ends),
	    cmocka_unit_test(references_written_out),
	    cmocka_unit_test(references_and_names),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
