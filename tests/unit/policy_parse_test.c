/* with: policy/[a-z]*.c */
/* Every way a file can be malformed, one line each: the error names line and column. */
#include "policy/rule.h"
#include "tests/unit/policy_test.h"

#define A "[allow a]\nusers = *\nimages = *\n" /* 3 lines */
#define LONG50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define LONG200 LONG50 LONG50 LONG50 LONG50
#define HEX "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

static const struct {
	const char *text, *error;
} bad[] = {
    /* bytes */
    {"\xef\xbb\xbf[settings]\n", ":1:1: starts with a byte order mark"},
    {"# x\r\n", ":1:4: carriage return"},
    {A "binds = /data\r\n", ":4:14: carriage return"},
    {"# bell \a\n", ":1:8: control character"},
    {"# \x1b[31m\n", ":1:3: control character"},
    {"# \x7f\n", ":1:3: control character"},
    {"# \v\n", ":1:3: control character"},
    {A "binds = /data\xc2\xa0/y\n", ":4:14: not plain ASCII"},
    {A "p\xc3\xa4th = x\n", ":4:2: '=' expected"},
    {"#" LONG200 "\n", ":1:199: line of 201 bytes"},
    {A "binds = /" LONG200 "\n", ":4:199: line of"},
    {A "hosts = x", ":4: the last line does not end"},
    {"# no newline", ":1: the last line does not end"},
    /* lines */
    {"text\n", ":1:5: '=' expected"},
    {"users = *\n", ":1:1: text before the first [section]"},
    {"  [allow a]\n", ":1:3: indented, but there is no list"},
    {" users = *\n", ":1:2: indented, but there is no list"},
    {"; comment\n", ":1:1: a comment begins with '#'"},
    {"[allow a]\n  users = *\n", ":2:3: indented, but there is no list"},
    {A "users: bob\n", ":4:6: '=' expected"},
    {A "network : host = x\n", ":4:9: '=' expected"},
    {A "Network = host\n", ":4:1: neither"},
    {A "network\n", ":4:8: '=' expected"},
    {A "= host\n", ":4:1: neither"},
    {A "network =\n", ":4:10: 'network' says nothing"},
    {A "network =    \n", "says nothing"},
    {A "net work = host\n", ":4:5: '=' expected"},
    {A "network = host ; comment\n", ":4:16: ';' would begin a comment"},
    {A "network = ;host\n", ":4:11: ';' would begin"},
    {A "env = \"A ;B\"\n", ":4:10: ';' would begin"},
    {A "network = host # comment\n", ":4:16: '#' after a value"},
    {A "network = #host\n", ":4:11: '#' after a value"},
    {"[deny d]\nusers = bob\n  #1000\n", ":3:3: a line that begins with '#'"},
    {A "hosts = a\\*\n", ":4:10: '\\' escapes nothing"},
    {A "hosts = \"a\n", ":4:9: this quote does not end"},
    {A "hosts = a\n  network = host\n", ":5:3: a key begins at the start"},
    {A "hosts = a\n  [deny x]\n", ":5:3: a [section] begins at the start"},
    {A "hosts = a\n\n  b\n", ":6:3: indented, but there is no list"},
    {A "password = no\n  yes\n", ":5:1: 'password' is no list"},
    {A "network = host\n\t;none\n", ":5:2: a comment begins with '#'"},
    /* sections */
    {"[allow a\n", ":1:9: ']' is missing"},
    {"[]\n", ":1:2: unknown section ''"},
    {"[allow]\n", ":1:2: [allow NAME]"},
    {"[allow ]\n", ":1:2: [allow NAME]"},
    {"[allow  a]\n", ":1:2: [allow NAME]"},
    {"[allow a b]\n", ":1:2: [allow NAME]"},
    {"[ allow a]\n", ":1:2: unknown section"},
    {"[Allow a]\n", ":1:2: unknown section"},
    {"[alow a]\n", ":1:2: unknown section 'alow'"},
    {"[allow a] x\n", ":1:10: text after ']'"},
    {"[allow a]]\n", ":1:10: text after ']'"},
    {"[allow a;b]\n", ":1:9: this does not belong"},
    {"[allow [a]\n", ":1:8: this does not belong"},
    {"[allow " LONG50 "]\n", ":1:51: section name longer than 49"},
    {"[settings x]\n", ":1:2: [settings] takes no name"},
    {"[settings]\naudit = synced\n[settings]\nticket = 0\n", ":3:1: [settings] once"},
    {A A, ":4:1: [allow a] stands on line 1"},
    {"[image x]\npath = /x\n[image x]\npath = /y\n", ":3:1: [image x] stands "},
    {"[allow a]\n", ":1:1: [allow a] says nothing"},
    {"[deny a]\n", ":1:1: [deny a] says nothing"},
    {"[allow a]\nimages = *\n", "names no users"},
    {"[allow a]\nusers = *\n", "names no images"},
    {"[grant a]\nbinds = /x\n", "names no users"},
    {"[deny a]\nusers = !bob\n", "match nobody"},
    {"[image x]\n", ":1:1: [image x] has no path"},
    {"[image /x]\npath = /x\n", "does not begin like that"},
    {"[image sha256:1]\npath = /x\n", "does not begin like that"},
    /* keys */
    {A "user = bob\n", ":4:1: unknown key 'user'"},
    {A "users = bob\n", ":4:1: 'users' a second time"},
    {A "memory = 1T\n", "not a size"},
    {A "memory = 0\n", "not a size"},
    {A "cpus = 0\n", "more than 0"},
    {A "cpus = 0.0000\n", "not a number of processors"},
    {A "cpus = .5\n", "not a number of processors"},
    {A "cpus = 4.\n", "not a number of processors"},
    {A "cpus = 4 5\n", "takes one value"},
    {A "cpus = -1\n", "not a number of processors"},
    {A "cpus = 999999\n", "not a number of processors"},
    {A "pids = 0\n", "not a number of processes"},
    {A "pids = 1K\n", "not a number of processes"},
    {A "pids = 99999999999\n", "not a number of processes"},
    {"[grant g]\nusers = *\nmemory = 1G\n", "'memory' has no place in [grant]"},
    {"[deny d]\ngrants = no\n", "'grants' has no place in [deny]"},
    {A "grants = never\n", "yes or no"},
    {A "run_as = root\n", "nobody is root in a container"},
    {A "run_as = svc\nenv = *\n", "a rule with command or run_as cannot let in env '*'"},
    {A "scratch = 2T\n", "not a size"},
    {A "scratch = 0\n", "not a size"},
    {A "scratch = 1G 2G\n", "takes one value"},
    {A "scratch = 1G\nscratch = 1G\n", "'scratch' a second time"},
    {"[deny d]\nscratch = 1G\n", "'scratch' has no place in [deny]"},
    {"[settings]\nscratch = 1G\n", "'scratch' has no place in [settings]"},
    {A "user_images = yes\ncommand = id\n", "cannot limit command"},
    {A "user_images = yes\nrun_as = bob\n", "cannot limit command"},
    {"[allow a]\nusers = *\nuser_images = no\n", "names no images"},
    {A "audit = synced\n", ":4:1: 'audit' has no place in [allow]"},
    {"[settings]\nusers = *\n", ":2:1: 'users' has no place in [settings]"},
    {"[deny d]\nalways = /x\n", "'always' has no place in [deny]"},
    {"[deny d]\nenv = X\n", "'env' has no place"},
    {"[deny d]\npassword = yes\n", "'password' has no place"},
    {"[deny d]\nmax_runtime = 1h\n", "'max_runtime' has no place"},
    {"[deny d]\nshare = ipc\n", "'share' has no place"},
    {"[grant g]\nusers = *\nnetwork = host\n", "'network' has no place"},
    {"[grant g]\nusers = *\ncommand = x\n", "'command' has no place"},
    {"[grant g]\nusers = *\nhours = Mon\n", "'hours' has no place"},
    /* values */
    {"[settings]\naudit = Confirmed\n", ":2:9: 'Confirmed': confirmed, synced"},
    {"[settings]\naudit = synced unconfirmed\n", ":2:16: 'audit' takes one value"},
    {"[settings]\nticket = 15\n", "not a duration"},
    {"[settings]\nticket = 15x\n", "not a duration"},
    {"[settings]\nticket = -1m\n", "not a duration"},
    {"[settings]\nticket = 99999999999m\n", "not a duration"},
    {"[settings]\nrecord_rate = 16k\n", "not a size"},
    {"[settings]\nrecord_rate = 0\n", "not a size"},
    {"[settings]\nrecord_burst = 1MM\n", "not a size"},
    {"[settings]\ncgroup = user\n", "caller or root"},
    {"[settings]\nvolatile = true\n", "yes or no"},
    {"[settings]\nmirror = yes\n", "main or no"},
    {"[settings]\nimage_owners = images,root\n", "no place in a name"},
    {"[settings]\nredact = [a\n", "'[' without ']'"},
    {"[image x]\npath = x\n", "must be an absolute path"},
    {"[image x]\npath = /\n", "must be an absolute path"},
    {"[image x]\npath = /a/../b\n", "must be an absolute path"},
    {"[image x]\npath = /a//b\n", "must be an absolute path"},
    {"[image x]\npath = /a /b\n", ":2:11: 'path' takes one value"},
    {"[image x]\npath = /a\nsha256 = 1234\n", "not a SHA-256"},
    {"[image x]\npath = /a\nref = a//b\n", "not a reference"},
    {"[image x]\npath = /a\nwarm = perhaps\n", "yes or no"},
    {"[image x]\npath = /a\nref = a[b\n", "not a reference"},
    {"[image x]\npath = /a\nsha256 = " HEX "0\n", "not a SHA-256"},
    {"[deny d]\nusers = alice, bob\n", ":2:9: 'alice,': patterns"},
    {"[deny d]\nusers = al*\n", "patterns"},
    {"[deny d]\nusers = \"alice bob\"\n", "no blank in it"},
    {"[deny d]\nusers = !!bob\n", "patterns"},
    {"[deny d]\nusers = ! bob\n", "a name is missing"},
    {"[deny d]\nusers = %\n", "a name is missing"},
    {"[deny d]\nusers = +\n", "a name is missing"},
    {"[deny d]\nusers = \"\"\n", "a name is missing"},
    {"[deny d]\nusers = %#5\n", "does not begin"},
    {"[deny d]\nusers = !#4294967295\n", "no such uid"},
    {"[deny d]\nusers = #4294967295\n", "no such uid"},
    {"[deny d]\nusers = #4294967296\n", "no such uid"},
    {"[deny d]\nusers = #18446744073709551616\n", "not a uid"},
    {"[deny d]\nusers = !#-1\n", "not a uid"},
    {"[deny d]\nusers = #-1\n", "'#' after a value"},
    {"[deny d]\nusers = #007\n", "not a uid"},
    {"[deny d]\nusers = \"# 1\"\n", "not a uid"},
    {A "hosts = !gpu1\n", "'!' is for users only"},
    {A "hosts = a !gpu1\n", "'!' is for users only"},
    {A "hosts = gpu1,\n", "not a host name"},
    {A "hosts = gpu[1\n", "'[' without ']'"},
    {"[deny d]\nimages = !x\n", "not an image name"},
    {"[deny d]\nimages = x,\n", "not an image name"},
    {"[deny d]\nimages = /x,\n", "separated by blanks"},
    {"[deny d]\nimages = /a/../b\n", "must have no"},
    {"[deny d]\nimages = sha256:12*\n", "not a SHA-256"},
    {A "binds = data\n", "an absolute path, ~ or ."},
    {A "binds = ~/x\n", "an absolute path, ~ or ."},
    {A "binds = ..\n", "an absolute path, ~ or ."},
    {A "binds = /a/../b\n", "must have no"},
    {A "binds = /a/*\n", "no patterns"},
    {A "binds = /a:ro\n", "SRC[:DST][:rw]"},
    {A "binds = /a:b\n", "SRC[:DST][:rw]"},
    {A "binds = /a:/b:/c\n", "SRC[:DST][:rw]"},
    {A "binds = /a:rw:/b\n", "SRC[:DST][:rw]"},
    {A "binds = /a:\n", "SRC[:DST][:rw]"},
    {A "binds = /a:/\n", "SRC[:DST][:rw]"},
    {A "binds = :rw\n", "an absolute path"},
    {A "binds = /a,\n", "separated by blanks"},
    {A "always = ~\n", "always takes absolute paths"},
    {"[deny d]\nbinds = /a:rw\n", "a deny takes paths alone"},
    {A "devices = nvidia0\n", "a path below /dev"},
    {A "devices = /etc/x\n", "must be below /dev"},
    {A "network = bridge\n", "host or none"},
    {A "password = maybe\n", "yes or no"},
    {A "max_runtime = 0\n", "must be more than 0"},
    {A "max_running = 0\n", "a number from 1 to 4096"},
    {A "max_running = 4097\n", "a number from 1 to 4096"},
    {A "max_running = 20k\n", "a number from 1 to 4096"},
    {A "max_running = -1\n", "a number from 1 to 4096"},
    {A "max_running = 1 2\n", "takes one value"},
    {"[deny d]\nmax_running = 1\n", "'max_running' has no place"},
    {"[deny d]\nmax_launches = 1/min\n", "'max_launches' has no place"},
    {A "max_launches = 60\n", "N/min, N/hour or N/day"},
    {A "max_launches = 60/\n", "N/min, N/hour or N/day"},
    {A "max_launches = 60/s\n", "N/min, N/hour or N/day"},
    {A "max_launches = 60/min/min\n", "N/min, N/hour or N/day"},
    {A "max_launches = /min\n", "a number from 1 to 4095"},
    {A "max_launches = 0/day\n", "a number from 1 to 4095"},
    {A "max_launches = 4096/day\n", "a number from 1 to 4095"},
    {A "max_launches = 60/min 61/min\n", "this unit has a limit already"},
    {A "max_runtime = 1h 30m\n", "takes one value"},
    {A "hours = Mo 08:00-20:00\n", "not a day"},
    {A "hours = Mon-Fri 8:00-20:00\n", "not a day"},
    {A "hours = Mon-Fri 08:00-20:60\n", "not a day"},
    {A "hours = 08:00-08:00\n", "begins when it ends"},
    {A "hours = 08.00-20:00\n", "not a day"},
    {A "hours = 08:00+20:00\n", "not a day"},
    {A "hours = 08:00-20:000\n", "not a day"},
    {A "hours = 08:00-20.00\n", "not a day"},
    {A "not_after = 2027-03-311\n", "not a date"},
    {A "not_after = 2027.03-31\n", "not a date"},
    {A "not_after = 2027-03.31\n", "not a date"},
    {A "hours = 24:00-08:00\n", "not a day"},
    {A "hours = Mon,Tue\n", "not a day"},
    {A "hours = Mon-\n", "not a day"},
    {A "hours = Mon-Fri-Sat\n", "not a day"},
    {A "not_after = 2027-02-29\n", "not a date"},
    {A "not_after = 2027-13-01\n", "not a date"},
    {A "not_after = 31.3.2027\n", "not a date"},
    {A "not_after = 2027-03-31 25:00\n", "not a time"},
    {A "not_after = 2027-03-31 18:00 CET\n", "takes one value"},
    {A "not_before = 2027-03-31\nnot_after = 2027-03-30\n", "not_after lies before"},
    {A "timezone = Mars/Olympus\n", "no such time zone"},
    {A "timezone = ../../../etc/localtime\n", "no such time zone"},
    {A "timezone = /etc/localtime\n", "no such time zone"},
    {A "timezone = /Europe/Berlin\n", "no such time zone"},
    {A "timezone = leapseconds\n", "no such time zone"},
    {A "timezone = Europe\n", "no such time zone"},
    {A "run_as = *\n", "patterns"},
    {A "command = ...\n", "begins with a program"},
    {A "command = /bin/x [\n", "'[' without ']'"},
    {A "command = /bin/x\nenv = *\n", "cannot let in env '*'"},
    {A "command = /bin/x\nenv = OMP_* PYTHON?\n", "cannot let in env 'PYTHON?'"},
    {A "command = /bin/x\nenv = PATH\n", "cannot let in env 'PATH'"},
    {A "env = A=1\n", "names of variables"},
    {A "share = pid\n", "ipc is all"},
};

/* "FILE:LINE:COLUMN " behind what was told before. */
static void
note_place(void *context, const struct policy_mistake *mistake)
{
	const char *name = strrchr(mistake->file, '/');
	char *told = context, *at = told + strlen(told);

	at += sprintf(at, "%s", name != NULL ? name + 1 : mistake->file);
	if (mistake->line != 0)
		at += sprintf(at, ":%u", mistake->line);
	if (mistake->column != 0)
		at += sprintf(at, ":%u", mistake->column);
	sprintf(at, " ");
	assert_true(mistake->text[0] != '\0' && strchr(mistake->text, '\n') == NULL);
}

static void
malformed(void **state)
{
	struct policy *policy;
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		policy = test_load(bad[i].text);
		/* One slip is one error: the next line is read as it stands. */
		if (policy == NULL && strstr(test_error.text, bad[i].error) != NULL &&
		    test_error.count == 1)
			continue;
		print_error("row %zu: expected '%s', got '%s' for:\n%s", i, bad[i].error,
		    policy != NULL ? "a policy" : test_error.text, bad[i].text);
		policy_free(policy);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* All that is wrong, in one run: each is told with its place, and the first line says how many. */
static void
all_errors(void **state)
{
	static const char main_file[] = "# policy\n"            /* 1 */
	                                "[settings]\n"          /* 2 */
	                                "audit = maybe\n"       /* 3 */
	                                "ticket = 15\n"         /* 4 */
	                                "[allow a\n"            /* 5 */
	                                "users = bob\n"         /* 6: whose? not the settings' */
	                                "[alow b]\n"            /* 7 */
	                                "users = bob\n"         /* 8: kind unknown */
	                                "nonsense = x\n"        /* 9 */
	                                "[deny c]\n"            /* 10 */
	                                "users = al* bob b?b\n" /* 11: two words */
	                                "  c,d\n"               /* 12 */
	                                "  e;f ;g\n"            /* 13 */
	                                "  h\\i\n"              /* 14 */
	                                "hosts: x\n"            /* 15 */
	                                "  goes on with that\n" /* 16 */
	                                "user = x\n"            /* 17 */
	                                "  y\n"                 /* 18 */
	                                "[allow d]\n"           /* 19: neither users nor images */
	                                "network = none wifi\n" /* 20 */
	                                "[image x]\n"           /* 21 */
	                                "path = relative\n"     /* 22 */
	                                "[image x]\n"           /* 23 */
	                                "path = /x\n"           /* 24 */
	                                "[allow e]\n"           /* 25: right */
	                                "users = %broken\n"     /* 26: not looked up any more */
	                                "images = *\n";         /* 27 */
	static const char drop_in[] = "text\n[allow a]\nusers = *\nimages = *\nhosts = gpu1";
	static const char expected[] =
	    "policy.conf:3:9 policy.conf:4:10 policy.conf:5:9 policy.conf:7:2 policy.conf:9:1 "
	    "policy.conf:11:9 policy.conf:11:17 policy.conf:12:3 policy.conf:13:7 "
	    "policy.conf:14:4 policy.conf:15:6 policy.conf:17:1 policy.conf:20:16 "
	    "policy.conf:19:1 policy.conf:19:1 policy.conf:22:8 policy.conf:23:1 "
	    "a.conf:1:5 a.conf:5 b.conf ";
	char told[1024] = "", path[PATH_MAX + 64];

	(void)state;
	snprintf(path, sizeof(path), "%s/policy.d", test_dir);
	assert_int_equal(mkdir(path, 0755), 0);
	test_write("policy.d/a.conf", drop_in);
	test_write("policy.d/b.conf", "");
	test_error.each = note_place;
	test_error.context = told;
	assert_null(test_load(main_file));
	test_error.each = NULL;
	assert_string_equal(told, expected);
	assert_int_equal(test_error.count, 20);
	assert_int_equal(test_look_ups, 0);
	assert_non_null(strstr(test_error.text, "policy.conf:3:9: 'maybe': confirmed, synced or "));
	assert_non_null(strstr(test_error.text, " (and 19 more: boxdo policy check)"));
	test_remove("policy.d/a.conf");
	test_remove("policy.d/b.conf");
	rmdir(path);
	assert_null(test_load(A "network = x\n"));
	assert_null(strstr(test_error.text, "more"));
}

/* An error counts wherever it stands: behind the rule that decides, and in a rule about others. */
static void
malformed_behind(void **state)
{
	(void)state;
	assert_null(test_load(A "[allow b]\nusers = bob\nimages = *\nnetwork = x\n"));
	assert_null(
	    test_load(A "[allow b]\nusers = bob\nhosts = nowhere\nimages = *\nbinds = x\n"));
	assert_null(
	    test_load(A "[allow b]\nusers = bob\nimages = *\nnot_after = 2001-01-01\nx = 1\n"));
	assert_null(test_load(A "[allow b]\nusers = bob\n"));
	assert_null(test_load(A "[allow b]\nusers = bob\nimages = *\nimages = x\n"));
	assert_null(test_load(A "[allow b]\nusers = bob\nimages = a,b\n"));
	assert_null(test_load(A "[allow b]\nusers = bob\n  !+lab\nimages = *\n"));
	assert_null(
	    test_load(A "[allow b]\nusers = bob\nimages = *\ncommand = /bin/x\nenv = LD_*\n"));
	assert_null(test_load(A "[allow b]\nusers = bob\nimages = *\nnot_before = "
	                        "2027-01-02\nnot_after = 2027-01-01\n"));
	assert_null(test_load(A "[deny b]\nusers = bob\nbinds = /x:rw\n"));
}

static void
nul_bytes(void **state)
{
	static const char in_value[] = A "network = host\0none\n", in_comment[] = A "# a\0b\n";

	(void)state;
	test_write_bytes("policy.conf", in_value, sizeof(in_value) - 1);
	assert_null(test_load_dir());
	assert_non_null(strstr(test_error.text, ":4:15: control character (byte 0)"));
	test_write_bytes("policy.conf", in_comment, sizeof(in_comment) - 1);
	assert_null(test_load_dir());
}

/* Whose a rule is, is known when its list of users is complete, whatever else stands before it. */
static void
users_go_on(void **state)
{
	static const char *const mine[] = {
	    "[deny d]\nusers = bob\n  alice\n",
	    "[deny d]\nusers = bob\n  # more\n  carol\n  alice\nimages = *\n",
	    "[deny d]\nimages = *\nusers = bob carol #1001\nhosts = gpu1\n",
	    "[deny d]\nusers = bob %none %interns\nimages = *\n",
	    "[deny d]\nusers = %none\n[deny e]\nusers = %none %nosuch %staff\nimages = *\n",
	    "[deny d]\nusers = %interns\nimages = x\n[deny e]\nusers = bob %interns\nimages = *\n",
	};
	static const char *const nothing[] = {NULL};
	struct policy_question q = {.image_path = "/x", .command = nothing};
	struct policy_decision *d = malloc(sizeof(*d));
	struct policy *policy;
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mine) / sizeof(mine[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", A, mine[i]);
		policy = test_load(text);
		if (policy == NULL)
			fail_msg("row %zu: %s", i, test_error.text);
		policy_decide(policy, &q, d);
		assert_int_equal(d->verdict, POLICY_REFUSE);
		assert_non_null(strstr(d->reason, "denied by"));
		policy_free(policy);
	}
	free(d);
}

/* Lines at every place in the buffer the file is read through, and one that never ends. */
static void
long_files(void **state)
{
	enum { SIZE = 200000 };
	char *text = malloc(SIZE + 1024);
	struct policy *policy;
	size_t at, pad;

	(void)state;
	for (pad = 0; pad < 70; pad++) {
		at = 0;
		memset(text, '#', pad);
		text[pad] = '\n';
		for (at = pad + 1; at < SIZE;)
			at += (size_t)sprintf(text + at,
			    "# %zu\n[deny d%zu]\nusers = bob\n  carol\nbinds = /a /b\n", at, at);
		sprintf(text + at, "[allow mine]\nusers = alice\nimages = *\n");
		policy = test_load(text);
		if (policy == NULL || policy->rules[RULE_ALLOW] == NULL ||
		    policy->rules[RULE_DENY] != NULL)
			fail_msg("%zu: %s", pad, test_error.text);
		policy_free(policy);
	}
	memset(text, 'x', SIZE);
	sprintf(text + SIZE, "\n[allow a]\nnonsense\n");
	assert_null(test_load(text));
	assert_non_null(strstr(test_error.text, ":1:199: line of "));
	assert_int_equal(test_error.count, 2);
	memset(text, 'x', SIZE);
	text[SIZE] = '\0';
	assert_null(test_load(text));
	assert_non_null(strstr(test_error.text, ":1:199: line of "));
	free(text);
}

static const char *const good[] = {
    "# nothing\n",
    "\n",
    A "  # an indented comment\n",
    A "binds = /a\n  # between\n  /b\n\t/c:rw\n",
    A "network=host\n",
    A "network\t=\thost  \n",
    "[allow a] \nusers = *\nimages = *\n",
    A "hosts = gpu[1-4] gpu[!5] login? *\n",
    A "devices = nvidia.com/gpu=* /dev/nvidia* /dev/dri/ *\n",
    "[deny d]\ndevices = nvidia.com/gpu=all /dev/x\nrun_as = root\n",
    A "memory = 8G\ncpus = 0.125\npids = 500\ngrants = no\n",
    A "cpus = 16\ngrants = yes\n",
    A "binds = \"/data/\xc3\x9c"
      "bung 1\":/x:rw ~ . ~:rw .:rw /a/ /\n",
    A "command = a\n  b c\ncommand = d ...\ncommand = \"...\"\n",
    A "command = /bin/x\nenv = OMP_* SLURM_*\n",
    A "hours = Mon-Fri 08:00-20:00 Sat 10:00-12:00\n  Sun\n",
    A "not_before = 2027-01-01 08:00\nnot_after = 2028-02-29\ntimezone = Europe/Berlin\n",
    "[allow a]\nusers = alice %\"domain users\" \"%domain users\" #0 !#4294967294 +lab !mallory "
    "\"DOM\\alice\"\nimages = pytorch nvcr.io/x:1-py3 /srv/*.sif /srv/x/ sha256:" HEX "\n",
    "[settings]\naudit = synced\nticket = 0\nimage_owners = root images\nredact = --token=* "
    "--password=*\ncgroup = caller\nvolatile = yes\nrecord_rate = 1K\nrecord_burst = 2M\n",
    "[allow "
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeee"
    "]\nusers = *\nimages = *\n",
    "[allow a]\nusers = *\nimages = *\n[deny a]\nusers = bob\n[grant a]\nusers = *\nbinds = /x\n",
};

static void
well_formed(void **state)
{
	struct policy *policy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		policy = test_load(good[i]);
		if (policy == NULL)
			fail_msg("row %zu: %s", i, test_error.text);
		policy_free(policy);
	}
}

static void
longest_line(void **state)
{
	char text[512], line[256];
	struct policy *policy;
	size_t length;

	(void)state;
	for (length = 190; length < 205; length++) {
		memset(line, 'x', sizeof(line));
		memcpy(line, "binds = /", 9);
		line[length] = '\0';
		snprintf(text, sizeof(text), "%s%s\n", A, line);
		policy = test_load(text);
		if ((policy != NULL) != (length <= 198))
			fail_msg(
			    "%zu bytes: %s", length, policy != NULL ? "taken" : test_error.text);
		policy_free(policy);
	}
}

static void
settings(void **state)
{
	struct policy *policy = test_load("# none\n");
	const struct policy_settings *s = policy_settings(policy);
	size_t count;

	(void)state;
	assert_int_equal(s->audit, POLICY_CONFIRMED);
	assert_int_equal(s->ticket, 900);
	assert_false(s->cgroup_caller || s->volatile_journal);
	assert_int_equal(s->record_rate, 16 << 10);
	assert_int_equal(s->record_burst, 64 << 20);
	assert_null(s->image_owners[0]);
	assert_ptr_equal(s->redact, policy_default_redact);
	policy_images(policy, &count);
	assert_int_equal(count, 0);
	policy_paths(policy, &count);
	assert_int_equal(count, 0);
	policy_free(policy);
	policy =
	    test_load("[settings]\naudit = unconfirmed\nticket = 2h\nimage_owners = root images\n"
	              "redact = --token=*\n  --key=*\ncgroup = caller\nvolatile = yes\n"
	              "record_rate = 1G\nrecord_burst = 3\n");
	s = policy_settings(policy);
	assert_int_equal(s->audit, POLICY_UNCONFIRMED);
	assert_int_equal(s->ticket, 7200);
	assert_true(s->cgroup_caller && s->volatile_journal);
	assert_int_equal(s->record_rate, 1 << 30);
	assert_int_equal(s->record_burst, 3);
	assert_string_equal(s->image_owners[0], "images");
	assert_null(s->image_owners[1]);
	assert_string_equal(s->redact[1], "--key=*");
	assert_null(s->redact[2]);
	policy_free(policy);
}

/* Other people's rules are read and forgotten: memory is the same without them. */
static void
others_forgotten(void **state)
{
	static const char mine[] =
	    "[allow mine]\nusers = alice\nimages = *\nbinds = /mine /mine/ /mine:rw\n";
	char *text = malloc(4000000), *at = text;
	struct policy *policy, *alone = test_load(mine);
	struct arena_mark with, without;
	size_t count;
	int i;

	(void)state;
	assert_non_null(alone);
	for (i = 0; i < 20000; i++)
		at +=
		    sprintf(at, "[allow r%d]\nusers = user%d\nimages = *\nbinds = /p%d\n", i, i, i);
	sprintf(at, "%s", mine);
	policy = test_load(text);
	free(text);
	assert_non_null(policy);
	assert_string_equal(policy_paths(policy, &count)[0], "/mine");
	assert_int_equal(count, 1);
	with = arena_mark(&policy->arena);
	without = arena_mark(&alone->arena);
	assert_int_equal(with.used, without.used);
	policy_free(policy);
	policy_free(alone);
}

/* What is shipped permits nothing, and is no error. */
static void
shipped(void **state)
{
	static const char *const nothing[] = {NULL};
	struct policy_question q = {.image_path = "/x", .command = nothing};
	struct policy_decision *d = malloc(sizeof(*d));
	char text[65536];
	struct policy *policy;
	FILE *file = fopen("etc/policy.conf", "r");

	(void)state;
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	policy = test_load(text);
	if (policy == NULL)
		fail_msg("%s", test_error.text);
	policy_decide(policy, &q, d);
	assert_int_equal(d->verdict, POLICY_REFUSE);
	policy_free(policy);
	free(d);
}

/* The examples of the manual are policies. */
static void
manual_examples(void **state)
{
	char line[512], text[8192];
	FILE *file = fopen("man/boxdo-policy.5", "r");
	struct policy *policy;
	int examples = 0;
	bool inside = false;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, ".Bd -literal", 12) == 0) {
			inside = true;
			text[0] = '\0';
		} else if (strncmp(line, ".Ed", 3) == 0) {
			inside = false;
			policy = test_load(text);
			if (policy == NULL)
				fail_msg("%s in\n%s", test_error.text, text);
			policy_free(policy);
			examples++;
		} else if (inside) {
			strncat(text, line, sizeof(text) - strlen(text) - 1);
		}
	}
	fclose(file);
	assert_int_equal(examples, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(malformed),
	    cmocka_unit_test(all_errors),
	    cmocka_unit_test(malformed_behind),
	    cmocka_unit_test(users_go_on),
	    cmocka_unit_test(long_files),
	    cmocka_unit_test(nul_bytes),
	    cmocka_unit_test(well_formed),
	    cmocka_unit_test(longest_line),
	    cmocka_unit_test(settings),
	    cmocka_unit_test(others_forgotten),
	    cmocka_unit_test(shipped),
	    cmocka_unit_test(manual_examples),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
