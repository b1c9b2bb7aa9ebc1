/* with: policy/[a-z]*.c */
/* Everybody's rules seen as one caller are what a launch reads; an explanation agrees with the decision. */
#include "tests/unit/policy_test.h"

#include "policy/explain.h"
#include "policy/review.h"
#include "policy/set.h"

#define CATALOGUE                                                                                  \
	"[image pytorch]\npath = /srv/images/pytorch.sqfs\n"                                       \
	"[image alias]\npath = /srv/images/pytorch.sqfs\n"                                         \
	"[image plain]\npath = /srv/images/plain.sqfs\n"

/* Rules that tests are made of: any of them may be there. */
static const char *const rules[] = {
    "[deny r0]\nusers = %interns\nimages = plain\n",
    "[deny r1]\nbinds = /data/x\nnetwork = host\n",
    "[deny r2]\nusers = bob\n",
    "[deny r3]\nhosts = login*\nimages = *\n",
    "[allow r4]\nusers = alice\nimages = pytorch\nbinds = /data\nnetwork = host none\n",
    "[allow r5]\nusers = %staff !bob\nimages = *\nbinds = /data:rw\npassword = yes\n",
    "[allow r6]\nusers = *\nimages = plain\ncommand = /bin/true ...\nmax_runtime = 1h\n",
    "[allow r7]\nusers = *\nimages = *\nhours = Fri 07:00-09:00\nnetwork = none\n",
    "[grant r8]\nusers = %\"domain users\"\nbinds = /proj:rw\n",
    "[grant r9]\nusers = +lab\nimages = plain\nbinds = /data:rw\n",
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

static const char *const questions[] = {"/data", "/data/x", "/proj", NULL};

static void
make_policy(unsigned mask, char *text, size_t size)
{
	snprintf(text, size, "%s", CATALOGUE);
	for (size_t i = 0; i < RULES; i++)
		if (mask >> i & 1)
			snprintf(text + strlen(text), size - strlen(text), "%s", rules[i]);
}

struct seen {
	char decided[512];
	unsigned deciding;
};

static void
see(void *context, const struct explain_rule *rule)
{
	struct seen *seen = context;

	if (!rule->decides)
		return;
	seen->deciding++;
	snprintf(seen->decided, sizeof(seen->decided), "%s %s (%s:%u)", rule->kind, rule->name,
	    rule->file, rule->line);
	assert_true(rule->matches);
	for (size_t i = 0; i < rule->key_count; i++)
		assert_true(rule->keys[i].matches);
}

static struct policy_decision loaded_decision, view_decision;

static void
compare(const struct policy *everybodys, const struct policy *loaded, const struct policy *view,
    const char *image, const char *bind, const char *network)
{
	static const char *const command[] = {"/bin/true", NULL};
	const struct policy_bind binds[] = {
	    {.typed = bind, .path = bind, .destination = bind, .mode = POLICY_AS_GRANTED}};
	struct policy_question q = {.network = network, .command = command};
	struct seen seen = {.deciding = 0};
	size_t count;

	q.binds = binds;
	q.bind_count = bind != NULL;
	q.paths = policy_paths(loaded, &count);
	q.image = policy_image_named(loaded, image);
	policy_decide(loaded, &q, &loaded_decision);
	q.paths = policy_paths(view, &count);
	q.image = policy_image_named(view, image);
	policy_decide(view, &q, &view_decision);
	assert_int_equal(loaded_decision.verdict, view_decision.verdict);
	assert_string_equal(loaded_decision.rule, view_decision.rule);
	assert_string_equal(loaded_decision.reason, view_decision.reason);
	assert_int_equal(loaded_decision.mount_count, view_decision.mount_count);
	assert_int_equal(loaded_decision.password, view_decision.password);
	assert_true(loaded_decision.max_runtime == view_decision.max_runtime);
	explain_rules(everybodys, view, &test_lookup, &q, see, &seen);
	assert_int_equal(seen.deciding, view_decision.rule[0] != '\0');
	assert_string_equal(seen.decided, view_decision.rule);
}

/* Every subset of the rules, every question: one answer, whoever is asked. */
static void
test_same_answer(void **state)
{
	static const char *const images[] = {"pytorch", "alias", "plain"};
	static const char *const networks[] = {NULL, "host", "none"};
	char text[4096];

	(void)state;
	for (unsigned mask = 0; mask < 1U << RULES; mask += 7) {
		struct set set = {NULL, 0};
		struct policy *everybodys, *loaded, *view;
		bool is_public;

		make_policy(mask, text, sizeof(text));
		loaded = test_load(text);
		assert_non_null(loaded);
		assert_int_equal(set_vetted(&set, test_dir, &is_public, &test_error), 0);
		everybodys = set_policy(&set, &test_error);
		assert_non_null(everybodys);
		view = set_view(everybodys, &test_who, &test_lookup, &test_error);
		assert_non_null(view);
		for (size_t i = 0; i < 36; i++)
			compare(everybodys, loaded, view, images[i % 3], questions[i / 3 % 4],
			    networks[i / 12]);
		policy_free(view);
		policy_free(everybodys);
		policy_free(loaded);
		set_free(&set);
	}
}

static void
test_digest(void **state)
{
	struct set set = {NULL, 0};
	struct policy *loaded = test_load(CATALOGUE);
	char hex[POLICY_SHA256_SIZE];
	bool is_public;

	(void)state;
	assert_int_equal(set_vetted(&set, test_dir, &is_public, &test_error), 0);
	set_digest(&set, hex);
	assert_string_equal(hex, policy_sha256(loaded));
	policy_free(loaded);
	set_free(&set);
}

/* --- laxer ------------------------------------------------------------------------------------ */

static unsigned lines;
static char last[POLICY_TEXT_MAX];

static void
take_line(void *context, const char *line)
{
	(void)context;
	lines++;
	snprintf(last, sizeof(last), "%s", line);
}

static void
laxer(const char *text, const char *image, const char *program)
{
	const char *command[] = {program, NULL};
	struct policy_question q = {.command = command};
	struct policy *policy = test_load(text);

	assert_non_null(policy);
	lines = 0;
	q.image = policy_image_named(policy, image);
	policy_decide(policy, &q, &view_decision);
	explain_laxer(policy, &q, &view_decision, take_line, NULL);
	policy_free(policy);
}

static void
test_laxer(void **state)
{
	static const char by_command[] = CATALOGUE
	    "[allow strict]\nusers = *\nimages = *\ncommand = /bin/sh ...\npassword = yes\n"
	    "[allow lax]\nusers = *\nimages = *\n";
	static const char by_name[] =
	    CATALOGUE "[allow strict]\nusers = *\nimages = pytorch\nmax_runtime = 1h\n"
	              "[allow lax]\nusers = *\nimages = alias\n";

	(void)state;
	laxer(by_command, "pytorch", "/bin/true");
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last, "allow strict"));
	assert_non_null(strstr(last, "is about other commands"));
	laxer(by_command, "pytorch", "/bin/sh");
	assert_int_equal(lines, 0);
	laxer(by_name, "alias", "/bin/true");
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last, "under the name pytorch"));
	laxer(by_name, "pytorch", "/bin/true");
	assert_int_equal(lines, 0);
}

/* --- review ------------------------------------------------------------------------------------ */

static const struct {
	const char *rules, *ids; /* "ID:LINE ..." */
} reviews[] = {
    {"[allow a]\nusers = alice\nimages = plain\n", ""},
    /* shadowed */
    {"[deny d]\nusers = *\n[allow a]\nusers = alice\nimages = plain\n", "shadowed:3 "},
    {"[deny d]\nusers = *\nbinds = /x\n[allow a]\nusers = alice\nimages = plain\n", ""},
    {"[deny d]\nusers = *\nhosts = gpu*\n[allow a]\nusers = a\nhosts = gpu1\nimages = plain\n",
        "shadowed:4 "},
    {"[deny d]\nusers = *\nhosts = gpu1\n[allow a]\nusers = a\nhosts = gpu*\nimages = plain\n", ""},
    {"[deny d]\nusers = *\nhosts = gpu?\n[allow a]\nusers = a\nhosts = gpu*\nimages = plain\n", ""},
    {"[deny d]\nusers = * !a\n[allow a]\nusers = a\nimages = plain\n", ""},
    {"[allow a]\nusers = *\nimages = *\nbinds = /data:rw\n[allow b]\nusers = alice\nimages = "
     "plain\n"
     "binds = /data/x\n",
        "shadowed:5 "},
    {"[allow a]\nusers = *\nimages = *\nbinds = /data\n[allow b]\nusers = alice\nimages = plain\n"
     "binds = /data:rw\n",
        ""},
    {"[allow a]\nusers = *\nimages = *\nhours = Mon 08:00-09:00\n[allow b]\nusers = alice\nimages "
     "= "
     "*\n",
        ""},
    {"[allow a]\nusers = *\nimages = /srv/\n[allow b]\nusers = x\nimages = /srv/y/\n",
        "shadowed:4 "},
    {"[allow a]\nusers = *\nimages = /srv/*\n[allow b]\nusers = x\nimages = /srv/y/\n", ""},
    {"[allow a]\nusers = *\nimages = *\ncommand = x\n[allow b]\nusers = x\nimages = *\n", ""},
    {"[allow a]\nusers = *\nimages = /srv/y\n[allow b]\nusers = x\nimages = /srv/y/\n", ""},
    {"[allow a]\nusers = *\nimages = *\ngrants = no\n[allow b]\nusers = x\nimages = *\n", ""},
    /* a laxer rule first */
    {"[allow a]\nusers = *\nimages = p*\nbinds = /x\n[allow b]\nusers = alice\n"
     "images = pytorch\nbinds = /y\nmax_running = 2\n",
        "laxer-first:1 "},
    {"[allow a]\nusers = %staff\nimages = *\nbinds = /x\n[allow b]\nusers = alice\nimages = plain\n"
     "binds = /y\npassword = yes\n",
        "laxer-first:1 "},
    {"[allow a]\nusers = %other\nimages = *\nbinds = /x\n[allow b]\nusers = alice\nimages = plain\n"
     "binds = /y\npassword = yes\n",
        ""},
    {"[allow b]\nusers = alice\nimages = plain\nbinds = /y\npassword = yes\n"
     "[allow a]\nusers = %staff\nimages = *\nbinds = /x\n",
        ""},
    {"[allow a]\nusers = *\nimages = plain\nbinds = /x\n[allow b]\nusers = alice\nimages = "
     "pytorch\n"
     "max_runtime = 1h\n",
        ""},
    {"[allow a]\nusers = *\nimages = p*\nbinds = /x\nmax_runtime = 2h\n[allow b]\nusers = alice\n"
     "images = pytorch\nbinds = /y\nmax_runtime = 1h\n",
        "laxer-first:1 "},
    /* nobody, expired */
    {"[allow a]\nusers = !alice\nimages = *\n", "nobody:1 "},
    {"[allow a]\nusers = alice\nimages = *\nnot_after = 2020-01-01\n", "expired:1 "},
    /* worth root */
    {"[allow a]\nusers = alice\nimages = *\nbinds = /\n", "root-equivalent:1 "},
    {"[allow a]\nusers = alice\nimages = *\nbinds = /etc /dev\n",
        "root-equivalent:1 root-equivalent:1 "},
    {"[grant a]\nusers = alice\nalways = /var/run/docker.sock:rw\n", "root-equivalent:1 "},
    {"[allow a]\nusers = alice\nimages = *\nbinds = /home/bob/x\n", "root-equivalent:1 "},
    {"[allow a]\nusers = bob\nimages = *\nbinds = /home/bob/x /etcetera /data ~:rw .:rw\n", ""},
    {"[deny a]\nusers = alice\nbinds = /etc\n", ""},
    /* the caller's directory, another's account */
    {"[allow a]\nusers = alice\nimages = *\nrun_as = svc\nbinds = .:rw\n", "cwd-run-as:1 "},
    {"[allow a]\nusers = alice\nimages = *\nrun_as = svc\nbinds = .\n", ""},
    /* names of commands */
    {"[deny a]\nusers = *\ncommand = /bin/sh ...\n", "deny-command:1 "},
    {"[deny a]\nusers = *\ncommand = /bin/sh ...\nbinds = /x\n", ""},
};

static char found[1024];

static void
take_finding(void *context, const struct review_finding *finding)
{
	(void)context;
	assert_non_null(finding->why);
	snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s:%u ", finding->id,
	    finding->line);
}

static bool
in_staff(void *context, const char *user, const char *group)
{
	(void)context;
	return strcmp(user, "alice") == 0 && strcmp(group, "staff") == 0;
}

static void
test_review(void **state)
{
	const struct review review = {in_staff, take_finding, NULL, 1800000000};

	(void)state;
	for (size_t i = 0; i < sizeof(reviews) / sizeof(reviews[0]); i++) {
		struct set set = {NULL, 0};
		struct policy *policy;

		assert_int_equal(
		    set_add(&set, "p", reviews[i].rules, strlen(reviews[i].rules), true), 0);
		policy = set_policy(&set, &test_error);
		if (policy == NULL)
			fail_msg("row %zu: %s", i, test_error.text);
		found[0] = '\0';
		review_rules(policy, &review);
		if (strcmp(found, reviews[i].ids) != 0)
			fail_msg("row %zu:\n%sgot '%s', not '%s'", i, reviews[i].rules, found,
			    reviews[i].ids);
		policy_free(policy);
		set_free(&set);
	}
}

/* policy.conf first, then by bytes, however they came. */
static void
test_order(void **state)
{
	static const char *const names[] = {"d/20.conf", "z/policy.conf", "d/10.conf", "d/2.conf"};
	static const char *const sorted[] = {"z/policy.conf", "d/10.conf", "d/2.conf", "d/20.conf"};
	struct set set = {NULL, 0};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(set_add(&set, names[i], "#\n", 2, i == 1), 0);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(set.files[i].path, sorted[i]);
	set_free(&set);
}

/* A look-up that fails is no "no", here as at a launch. */
static void
test_broken(void **state)
{
	static const char text[] = "[allow a]\nusers = %broken\nimages = *\n";
	struct set set = {NULL, 0};
	struct policy *policy;

	(void)state;
	assert_int_equal(set_add(&set, "p", text, strlen(text), true), 0);
	policy = set_policy(&set, &test_error);
	assert_non_null(policy);
	assert_null(set_view(policy, &test_who, &test_lookup, &test_error));
	assert_non_null(strstr(test_error.text, "cannot look up group broken"));
	policy_free(policy);
	set_free(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_answer),
	    cmocka_unit_test(test_digest),
	    cmocka_unit_test(test_laxer),
	    cmocka_unit_test(test_review),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
