/* with: policy/[a-z]*.c */
/* The manual's worked examples are policies, and mean what is said of them: one row a question. */
#include "tests/unit/policy_test.h"

#include <time.h>

struct row {
	const char *example; /* how its title begins */
	const char *user, *groups, *host,
	    *when; /* groups: names, each the gid of its place in gids */
	const char *image, *command;
	const char *bind; /* "SOURCE>DESTINATION" or with ":rw" behind */
	const char *device, *network, *run_as, *env;
	const char *expected; /* "allow NAME", or what the refusal says */
	const char
	    *duties; /* NULL, or "password", "86400", "host", ">/at=PATH:rw" ... all must be */
};

#define NOON "2026-12-02 12:00" /* a Wednesday, UTC */

static const struct row rows[] = {
    {"A lab", "alice", "vision", "gpu7", NOON, "pytorch", "python3 train.py", "/data>/data",
        "/dev/nvidia0", "host", NULL, NULL, "allow lab", "86400 host /scratch:rw /home/alice:rw"},
    {"A lab", "alice", "vision", "login1", NOON, "pytorch", "sh", NULL, NULL, NULL, NULL, NULL,
        "not permitted", NULL},
    {"A lab", "guest", "vision", "gpu7", NOON, "pytorch", "sh", NULL, NULL, NULL, NULL, NULL,
        "not permitted", NULL},
    {"A lab", "alice", "vision", "gpu7", NOON, "/srv/images/lab/x.sif", "sh", NULL, NULL, NULL,
        NULL, NULL, "allow lab", NULL},
    {"A lab", "alice", "vision", "gpu7", NOON, "/srv/images/lab/x/y.sif", "sh", NULL, NULL, NULL,
        NULL, NULL, "not permitted", NULL},
    {"A lab", "alice", "vision", "gpu7", NOON, "pytorch", "sh", "/data>/data:rw", NULL, NULL, NULL,
        NULL, "granted read-only", NULL},
    {"A lab", "alice", "vision", "gpu7", NOON, "pytorch", "sh", NULL, "/dev/sda", NULL, NULL, NULL,
        "device /dev/sda is not granted", NULL},

    {"A teaching", "bob", "ml1 2026", "pool-07", "2026-12-04 20:00", "jupyter",
        "jupyter lab --port=8888", NULL, NULL, NULL, NULL, NULL, "allow ml1",
        "password host strict"},
    {"A teaching", "bob", "ml1 2026", "pool-07", "2026-12-05 00:59", "jupyter", "jupyter lab", NULL,
        NULL, NULL, NULL, NULL, "allow ml1", NULL}, /* Saturday 01:59 in Berlin: Friday's night */
    {"A teaching", "bob", "ml1 2026", "pool-07", "2026-12-05 01:00", "jupyter", "jupyter lab", NULL,
        NULL, NULL, NULL, NULL, "not permitted", NULL},
    {"A teaching", "bob", "ml1 2026", "pool-07", NOON, "jupyter", "jupyter lab", NULL, NULL, NULL,
        NULL, NULL, "not permitted", NULL},
    {"A teaching", "bob", "ml1 2026", "pool-07", "2026-12-04 20:00", "jupyter", "bash", NULL, NULL,
        NULL, NULL, NULL, "permits other commands", NULL},
    {"A teaching", "bob", "ml1 2026", "pool-07", "2027-04-01 20:00", "jupyter", "jupyter lab", NULL,
        NULL, NULL, NULL, NULL, "not permitted", NULL},
    {"A teaching", "dora", "ml1 teachers", "srv", NOON, "jupyter", "bash", NULL, NULL, "none", NULL,
        NULL, "allow teachers", "none"},

    {"Embargoed", "carol", "", "gpu1", "2026-11-30 23:59", "anon-tools", "sh",
        "/embargo/x>/embargo/x", NULL, NULL, NULL, NULL, "allow embargo", "none"},
    {"Embargoed", "carol", "", "gpu1", "2026-12-01 00:00", "anon-tools", "sh",
        "/embargo/x>/embargo/x", NULL, NULL, NULL, NULL, "not permitted", NULL},
    {"Embargoed", "alice", "staff", "gpu1", NOON, "anon-tools", "sh", "/embargo>/e", NULL, NULL,
        NULL, NULL, "denied by the rule deny leak", NULL},
    {"Embargoed", "alice", "staff", "gpu1", NOON, "anon-tools", "sh", "/embargo/x/y>/e", NULL,
        "host", NULL, NULL, "denied by the rule deny leak", NULL},
    {"Embargoed", "alice", "staff", "gpu1", NOON, "anon-tools", "sh", "/embargo/x>/e", NULL, "none",
        NULL, NULL, "allow staff", NULL},
    {"Embargoed", "alice", "staff", "gpu1", NOON, "anon-tools", "sh", "/embargo/z>/e", NULL, "host",
        NULL, NULL, "allow staff", NULL},

    {"A service", "olga", "ops", "gpu1", NOON, "trainer", "/opt/trainer/run --epochs 3 --lr 1",
        "/srv/models>/srv/models:rw", NULL, NULL, "svc-train", "OMP_NUM_THREADS", "allow nightly",
        "password strict 43200"},
    {"A service", "olga", "ops", "gpu1", NOON, "trainer", "/opt/trainer/run --epochs 3", NULL, NULL,
        NULL, NULL, NULL, "as svc-train only", NULL},
    {"A service", "olga", "ops", "gpu1", NOON, "trainer", "/bin/sh", NULL, NULL, NULL, "svc-train",
        NULL, "no rule lets you run this image as svc-train", NULL},
    {"A service", "olga", "ops", "gpu1", NOON, "trainer", "/opt/trainer/status", "/srv/models>/opt",
        NULL, NULL, "svc-train", NULL, "may not appear at /opt", NULL},
    {"A service", "olga", "ops", "gpu1", NOON, "trainer", "/opt/trainer/status", NULL, NULL, NULL,
        "svc-train", "LD_PRELOAD", "variable LD_PRELOAD is not granted", NULL},
    {"A service", "olga", "", "gpu1", NOON, "trainer", "/opt/trainer/status", NULL, NULL, NULL,
        "svc-train", NULL, "not permitted", NULL},

    {"Two projects", "alice", "staff phys", "h", NOON, "pytorch", "sh", "/project/phys/a>/a:rw",
        NULL, NULL, NULL, NULL, "allow base", NULL},
    {"Two projects", "alice", "staff phys bio", "h", NOON, "r-base", "R",
        "/project/bio>/project/bio:rw", NULL, NULL, NULL, NULL, "allow base", NULL},
    {"Two projects", "alice", "staff phys bio", "h", NOON, "pytorch", "sh",
        "/project/bio>/project/bio", NULL, NULL, NULL, NULL, "is not granted", NULL},
    {"Two projects", "alice", "phys bio", "h", NOON, "r-base", "R", NULL, NULL, NULL, NULL, NULL,
        "not permitted", NULL},

    {"A Slurm", "alice", "hpc", "login3", NOON, "/srv/images/a/b.sqfs", "sh", NULL, NULL, NULL,
        NULL, NULL, "allow login", "1800 host"},
    {"A Slurm", "alice", "hpc", "login3", NOON, "/srv/images/a/b.sqfs", "sh", NULL, "/dev/nvidia0",
        NULL, NULL, NULL, "device /dev/nvidia0 is not granted", NULL},
    {"A Slurm", "alice", "hpc", "login9", NOON, "/srv/images/a.sqfs", "sh", NULL, NULL, NULL, NULL,
        NULL, "not permitted", NULL},
    {"A Slurm", "alice", "hpc", "gpu12", NOON, "/project/x/images/i.sqfs", "python3 t.py",
        "/project/x>/project/x:rw", "/dev/infiniband/uverbs0", NULL, NULL, NULL, "allow partition",
        "host /scratch:rw /etc/slurm"},

    {"A guest", "guest", "", "ws12", NOON, "viewer", "view", "/data/exhibition/1>/x", NULL, NULL,
        NULL, NULL, "allow guest", "password none"},
    {"A guest", "guest", "", "ws12", "2026-11-30 23:59", "viewer", "view", NULL, NULL, NULL, NULL,
        NULL, "not permitted", NULL},
    {"A guest", "guest", "", "ws12", "2026-12-18 18:00", "viewer", "view", NULL, NULL, NULL, NULL,
        NULL, "allow guest", NULL},
    {"A guest", "guest", "", "ws12", "2026-12-18 18:01", "viewer", "view", NULL, NULL, NULL, NULL,
        NULL, "not permitted", NULL},
    {"A guest", "guest", "", "ws12", NOON, "viewer", "view", NULL, NULL, "host", NULL, NULL,
        "network host is not granted", NULL},

    {"A shared", "ivan", "+lab-members", "ws1", NOON, "/any/image", "sh", NULL, "/dev/video0", NULL,
        NULL, NULL, "allow workstation", NULL},
    {"A shared", "ivan", "+lab-members ?interns", "ws1", NOON, "/any/image", "sh", NULL,
        "/dev/dri/card0", NULL, NULL, NULL, "allow workstation", NULL},
    {"A shared", "ivan", "+lab-members ?interns", "ws1", NOON, "/any/image", "sh", NULL,
        "/dev/video0", NULL, NULL, NULL, "deny interns-camera", NULL},
    {"A shared", "ivan", "+lab-members ?interns", "ws1", "2026-12-03 07:59", "/any/image", "sh",
        NULL, NULL, NULL, NULL, NULL, "deny interns-at-night", NULL},
    {"A shared", "ivan", "+lab-members interns", "ws1", "2026-12-05 12:00", "/any/image", "sh",
        NULL, NULL, NULL, NULL, NULL, "deny interns-at-night", NULL},

    {"A pipeline", "sam", "sequencing", "h", NOON, "qc", "/opt/qc/run /in/r1 /out",
        "/instruments/current>/in", NULL, NULL, NULL, "QC_LEVEL", "allow qc", "strict none 7200"},
    {"A pipeline", "sam", "sequencing", "h", NOON, "qc", "/opt/qc/run /in/../etc /out", NULL, NULL,
        NULL, NULL, NULL, "permits other commands", NULL},
    {"A pipeline", "sam", "sequencing", "h", NOON, "qc", "/opt/qc/run /in/a/b /out", NULL, NULL,
        NULL, NULL, NULL, "permits other commands", NULL},
    {"A pipeline", "sam", "sequencing", "h", NOON, "qc", "/opt/qc/run /in/a /out",
        "/home/sam/d>/out/d:rw", NULL, NULL, NULL, NULL, "allow qc", NULL},
    {"A pipeline", "sam", "sequencing", "h", NOON, "qc", "/opt/qc/run /in/a /out",
        "/home/sam>/opt/qc", NULL, NULL, NULL, NULL, "may not appear at /opt/qc", NULL},

    {"An emergency", "alice", "", "h", NOON, "/srv/images/other.sqfs", "sh", NULL, "/dev/nvidia1",
        NULL, NULL, NULL, "allow all", NULL},
    {"An emergency", "mallory", "", "h", NOON, "/srv/images/other.sqfs", "sh", NULL, NULL, NULL,
        NULL, NULL, "deny mallory", NULL},
    {"An emergency", "alice", "", "h", NOON, "tool", "sh", NULL, NULL, NULL, NULL, NULL,
        "deny recalled", NULL},
    {"An emergency", "alice", "", "h", NOON, "/srv/images/other.sqfs", "sh", NULL, "/dev/nvidia3",
        NULL, NULL, NULL, "deny broken", NULL},
    {"An emergency", "alice", "", "h", NOON, "/srv/images/other.sqfs", "sh", "/dev>/host/dev", NULL,
        NULL, NULL, NULL, "deny broken", NULL},
};

/* --- the caller -------------------------------------------------------------------------------- */

static const char *row_groups;

/* Is the group among the row's, with this mark before it? Names may have blanks: the row has one, or a list. */
static int
row_has(char mark, const char *name)
{
	size_t length = strlen(name);
	const char *at;

	for (at = row_groups; (at = strstr(at, name)) != NULL; at += length)
		if ((at[length] == '\0' || at[length] == ' ') &&
		    (mark == '\0' ? at == row_groups || at[-1] == ' '
		                  : at > row_groups && at[-1] == mark))
			return 1;
	return 0;
}

/* A gid from the name: 3000 those the process holds, 4000 what NSS alone says, 5000 others'. */
static int
row_group(void *context, const char *name, gid_t *gid)
{
	(void)context;
	*gid = row_has('\0', name) ? 3000 : row_has('?', name) ? 4000 : 5000;
	return 1;
}

static int
row_member(void *context, gid_t gid)
{
	(void)context;
	return gid == 3000 || gid == 4000;
}

static int
row_netgroup(void *context, const char *name)
{
	(void)context;
	return row_has('+', name);
}

/* --- the examples ------------------------------------------------------------------------------ */

/* The text of the example whose title begins so. False: there is none. */
static bool
find_example(const char *title, char *text, size_t size)
{
	FILE *file = fopen("man/boxdo-policy.5", "r");
	bool mine = false, inside = false, found = false;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, ".Ss ", 4) == 0) {
			const char *at = line + 4 + (strncmp(line + 4, "\\&", 2) == 0 ? 2 : 0);

			mine = strncmp(at, title, strlen(title)) == 0;
		} else if (strncmp(line, ".Bd -literal", 12) == 0) {
			inside = mine;
			if (mine)
				text[0] = '\0';
		} else if (strncmp(line, ".Ed", 3) == 0) {
			found = found || inside;
			inside = false;
		} else if (inside) {
			strncat(text, line, size - strlen(text) - 1);
		}
	}
	fclose(file);
	return found;
}

static time_t
moment(const char *when)
{
	struct tm tm = {.tm_isdst = 0};

	assert_non_null(strptime(when, "%Y-%m-%d %H:%M", &tm));
	return timegm(&tm);
}

/* --- the question ------------------------------------------------------------------------------ */

static void
split(char *text, const char **words, size_t most)
{
	size_t count = 0;

	for (char *at = strtok(text, " "); at != NULL && count + 1 < most; at = strtok(NULL, " "))
		words[count++] = at;
	words[count] = NULL;
}

static bool
has_duty(const struct policy_decision *d, const char *duty)
{
	char mount[256];
	size_t i;

	if (strcmp(duty, "password") == 0)
		return d->password;
	if (strcmp(duty, "strict") == 0)
		return d->strict;
	if (strcmp(duty, "host") == 0 || strcmp(duty, "none") == 0)
		return strcmp(d->network, duty) == 0;
	if (duty[0] != '/')
		return d->max_runtime == (uint64_t)atol(duty);
	for (i = 0; i < d->mount_count; i++) {
		snprintf(mount, sizeof(mount), "%s%s", d->mounts[i].destination,
		    d->mounts[i].writable ? ":rw" : "");
		if (strcmp(mount, duty) == 0)
			return true;
	}
	return false;
}

/* What came out, or NULL when it is what the row says. */
static const char *
ask(const struct row *row, const struct policy *policy, const char *home, struct policy_decision *d)
{
	char command[256], bind[256], duties[256], cwd[128];
	const char *words[16], *devices[] = {row->device}, *envs[] = {row->env};
	struct policy_bind asked = {
	    .typed = bind, .path = bind, .destination = bind, .mode = POLICY_AS_GRANTED};
	struct policy_question q = {
	    .command = words, .network = row->network, .run_as = row->run_as};
	const struct policy_image *images;
	size_t count, i;

	images = policy_images(policy, &count);
	for (i = 0; i < count; i++)
		if (strcmp(images[i].name, row->image) == 0)
			q.image = &images[i];
	if (q.image == NULL)
		q.image_path = row->image;
	snprintf(command, sizeof(command), "%s", row->command);
	split(command, words, 16);
	snprintf(cwd, sizeof(cwd), "%s/work", home);
	q.home = (struct policy_place){.typed = home, .path = home, .wanted = true, .owned = true};
	q.cwd = (struct policy_place){.typed = cwd, .path = cwd, .wanted = true, .owned = true};
	q.paths = policy_paths(policy, &count);
	if (row->bind != NULL) {
		char *arrow;

		snprintf(bind, sizeof(bind), "%s", row->bind);
		arrow = strchr(bind, '>');
		*arrow = '\0';
		asked.destination = arrow + 1;
		if (strlen(arrow + 1) > 3 &&
		    strcmp(arrow + 1 + strlen(arrow + 1) - 3, ":rw") == 0) {
			asked.mode = POLICY_READ_WRITE;
			arrow[1 + strlen(arrow + 1) - 3] = '\0';
		}
		q.binds = &asked;
		q.bind_count = 1;
	}
	q.devices = devices;
	q.device_count = row->device != NULL;
	q.envs = envs;
	q.env_count = row->env != NULL;
	policy_decide(policy, &q, d);
	if (strncmp(row->expected, "allow ", 6) == 0) {
		if (d->verdict != POLICY_ALLOW ||
		    strncmp(d->rule, row->expected, strlen(row->expected)) != 0)
			return d->verdict == POLICY_ALLOW ? d->rule : d->reason;
	} else if (d->verdict != POLICY_REFUSE || strstr(d->reason, row->expected) == NULL) {
		return d->verdict == POLICY_ALLOW ? d->rule : d->reason;
	}
	snprintf(duties, sizeof(duties), "%s", row->duties != NULL ? row->duties : "");
	for (char *at = strtok(duties, " "); at != NULL; at = strtok(NULL, " "))
		if (!has_duty(d, at))
			return "a duty is missing";
	return NULL;
}

static void
examples(void **state)
{
	static const gid_t groups[] = {3000};
	static const struct policy_lookup lookup = {
	    .group = row_group, .member = row_member, .netgroup = row_netgroup};
	struct policy_decision *d = malloc(sizeof(*d));
	char text[8192], home[64];
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct policy_who who = {.uid = 3001,
		    .gid = 3001,
		    .groups = groups,
		    .group_count = 1,
		    .name = row->user,
		    .home = home,
		    .host = row->host,
		    .now = moment(row->when)};
		struct policy *policy;
		const char *got;

		snprintf(home, sizeof(home), "/home/%s", row->user);
		row_groups = row->groups;
		assert_true(find_example(row->example, text, sizeof(text)));
		test_write("policy.conf", text);
		policy = policy_load(test_dir, &who, &lookup, &test_error);
		if (policy == NULL)
			fail_msg("%s: %s", row->example, test_error.text);
		got = ask(row, policy, home, d);
		if (got != NULL) {
			print_error("%s, %s, %s, %s %s: expected '%s' %s, got '%s'\n", row->example,
			    row->user, row->when, row->image, row->command, row->expected,
			    row->duties != NULL ? row->duties : "", got);
			wrong++;
		}
		policy_free(policy);
	}
	free(d);
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(examples),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
