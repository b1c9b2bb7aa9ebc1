/*
 * boxdo policy test: an admin's expectations, one a line, held against a policy.
 *
 *	time = 2026-11-27 22:00
 *	groups alice = ml phys
 *	allow alice@gpu1 run pytorch -v /data:/data:ro python3 train.py
 *	refuse mallory@* run *
 *
 * Runs as the caller; nothing of the system is looked at but accounts and groups that no line names,
 * so that the answer is the same in CI. '*' stands for every host, user or image that the policy names
 * and one that it does not; for images, where some rule has user_images, also a file in the user's home
 * (~/own-image), which is taken for theirs. Options may stand behind the image here, too.
 * Exit status: 0 all hold, 1 some do not, 2 something is wrong with FILE or the policy.
 */
#include "client/tool.h"

#include "policy/rule.h"
#include "policy/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define TOOL_TEST_NAMES_MAX 512
#define TOOL_TEST_SETTINGS_MAX 256

struct tool_test_names {
	const char *names[TOOL_TEST_NAMES_MAX];
	size_t count;
};

/* "groups alice = ml phys": what a line said about an account. */
struct tool_test_setting {
	const char *key, *user;
	const struct word *words;
	size_t count;
};

struct tool_test {
	const char *path;
	unsigned line;
	struct arena arena;
	struct set set;
	struct policy *everybodys;
	struct tool_test_names users, hosts, images;
	struct tool_test_setting settings[TOOL_TEST_SETTINGS_MAX];
	size_t setting_count;
	unsigned held, failed, wrong;
};

static void
tool_test_wrong(struct tool_test *test, const char *what)
{
	boxdo_fail("%s:%u: %s", test->path, test->line, what);
	test->wrong++;
}

/* --- what '*' stands for ----------------------------------------------------------------------- */

static void
tool_test_add(struct tool_test_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->names[i], name) == 0)
			return;
	if (names->count < TOOL_TEST_NAMES_MAX)
		names->names[names->count++] = name;
}

/* A name that the pattern matches: '*' and '?' as x. Brackets are left out. */
static void
tool_test_example(struct tool_test *test, struct tool_test_names *names, const char *pattern)
{
	char *name = arena_copy(&test->arena, pattern, strlen(pattern) + 1);
	size_t length;

	if (name == NULL || strchr(name, '[') != NULL)
		return;
	for (char *at = name; *at != '\0'; at++)
		if (*at == '*' || *at == '?')
			*at = 'x';
	length = strlen(name);
	if (length > 1 && name[length - 1] == '/')
		name[length] = 'x'; /* arena_copy made room for it */
	tool_test_add(names, name);
}

static void
tool_test_universe(struct tool_test *test)
{
	struct utsname *names = arena_alloc(&test->arena, sizeof(*names));
	const struct policy *policy = test->everybodys;

	for (size_t i = 0; i < policy->image_count; i++)
		tool_test_add(&test->images, policy->images[i].name);
	for (int kind = 0; kind < RULE_KINDS; kind++)
		for (const struct rule *rule = policy->rules[kind]; rule != NULL;
		     rule = rule->next) {
			for (size_t i = 0; i < rule->users.count; i++)
				if (rule->users.entries[i].type == USERS_NAME)
					tool_test_add(&test->users, rule->users.entries[i].name);
			for (size_t i = 0; i < rule->hosts.count; i++)
				tool_test_example(test, &test->hosts, rule->hosts.items[i]);
			for (size_t i = 0; i < rule->images.count; i++)
				if (rule->images.items[i][0] == '/')
					tool_test_example(
					    test, &test->images, rule->images.items[i]);
			if (rule->user_images)
				tool_test_add(&test->images, "~/own-image");
		}
	if (names != NULL && uname(names) == 0)
		tool_test_add(&test->hosts, names->nodename);
	tool_test_add(&test->users, "somebody-else");
	tool_test_add(&test->hosts, "some-other-host");
	tool_test_add(&test->images, "/some/other/image");
}

/* --- one question ------------------------------------------------------------------------------ */

struct tool_test_case {
	bool allow;
	int password; /* 1: with, 0: without, -1: not said */
	const char *user, *host, *image, *run_as;
	const char **vector; /* boxdo-launch's */
	int length, at;      /* of it; where image= stands */
};

static const struct tool_test_setting *
tool_test_setting(const struct tool_test *test, const char *key, const char *user)
{
	const struct tool_test_setting *found = NULL;

	/* The last one counts, and of those the one for everybody least. */
	for (size_t i = 0; i < test->setting_count; i++) {
		const struct tool_test_setting *setting = &test->settings[i];

		if (strcmp(setting->key, key) == 0 &&
		    (strcmp(setting->user, user) == 0 ||
		        (setting->user[0] == '\0' && (found == NULL || found->user[0] == '\0'))))
			found = setting;
	}
	return found;
}

static void
tool_test_asked(struct tool_test *test, const struct tool_test_case *one, struct tool_asked *asked)
{
	const struct tool_test_setting *time = tool_test_setting(test, "time", one->user),
	                               *home = tool_test_setting(test, "home", one->user),
	                               *cwd = tool_test_setting(test, "cwd", one->user),
	                               *groups = tool_test_setting(test, "groups", one->user);
	char *text;

	*asked = (struct tool_asked){.user = one->user, .host = one->host, .anyone = true};
	if (time != NULL && time->count == 2) {
		text = arena_alloc(&test->arena, 64);
		if (text != NULL)
			snprintf(text, 64, "%.30s %.30s", time->words[0].text, time->words[1].text);
		asked->time = text;
	} else if (time != NULL) {
		asked->time = time->words[0].text;
	}
	text = arena_alloc(&test->arena, strlen(one->user) + 8);
	if (text != NULL)
		snprintf(text, strlen(one->user) + 8, "/home/%s", one->user);
	asked->home = home != NULL ? home->words[0].text : text;
	asked->cwd = cwd != NULL ? cwd->words[0].text : asked->home;
	for (size_t i = 0; groups != NULL && i < groups->count && i < 64; i++)
		asked->groups[asked->group_count++] = groups->words[i].text;
}

static void
tool_test_show(struct tool_test *test, const struct tool_test_case *one, const char *what,
    const struct policy *view, const struct tool_who *who, const struct tool_ask *ask,
    const struct policy_decision *decision)
{
	tool_say("%s:%u: %s %s@%s, image %s: %s\n", test->path, test->line,
	    one->allow ? "allow" : "refuse", one->user, one->host, one->image, what);
	if (decision != NULL)
		tool_explain_print(&test->set, test->everybodys, view, who, ask, decision);
	tool_say("\n");
}

/* Does it hold? 1, 0 (shown), or -1: something is wrong (told). */
static int
tool_test_decide(struct tool_test *test, const struct tool_test_case *one, struct policy *view,
    const struct tool_who *who)
{
	struct tool_ask *ask = calloc(1, sizeof(*ask));
	struct policy_decision *d = calloc(1, sizeof(*d));
	char error[POLICY_TEXT_MAX] = "";
	int holds = -1;
	bool allowed;

	if (ask == NULL || d == NULL) {
		tool_test_wrong(test, "out of memory");
	} else if (tool_ask(ask, view, who, NULL, one->length, (char **)(uintptr_t)one->vector,
	               error, sizeof(error)) != 0) {
		holds = !one->allow;
		if (!holds)
			tool_test_show(test, one, error, view, who, ask, NULL);
	} else {
		tool_ask_decide(ask, view, d);
		allowed = d->verdict == POLICY_ALLOW;
		holds = allowed == one->allow &&
		        (!allowed || one->password < 0 || d->password == (one->password == 1));
		if (!holds)
			tool_test_show(test, one,
			    allowed != one->allow ? allowed ? "is allowed" : "is refused"
			    : d->password         ? "asks for a password"
			                          : "asks for no password",
			    view, who, ask, d);
	}
	if (ask != NULL)
		tool_ask_free(ask);
	free(ask);
	free(d);
	return holds;
}

static int
tool_test_one(struct tool_test *test, const struct tool_test_case *one)
{
	struct tool_asked asked;
	struct tool_who who;
	struct policy_error error = {.count = 0};
	struct policy *view = NULL;
	int holds = -1;

	tool_test_asked(test, one, &asked);
	if (tool_who_find(&who, &asked) != 0 ||
	    (one->run_as != NULL && tool_who_run_as(&who, one->run_as) != 0))
		test->wrong++;
	else if ((view = set_view(test->everybodys, &who.who, &who.lookup, &error)) == NULL)
		tool_test_wrong(test, error.text);
	else
		holds = tool_test_decide(test, one, view, &who);
	policy_free(view);
	tool_who_free(&who);
	return holds;
}

static const struct tool_test_names *
tool_test_names(struct tool_test_names *all, struct tool_test_names *one, const char *pattern)
{
	if (strpbrk(pattern, "*?[") == NULL) {
		tool_test_add(one, pattern);
		return one;
	}
	for (size_t i = 0; i < all->count; i++)
		if (match_text(pattern, all->names[i]))
			tool_test_add(one, all->names[i]);
	return one;
}

/* "image=NAME", with the user's home for a '~'. NULL: no memory. */
static const char *
tool_test_image(struct tool_test *test, const struct tool_test_case *one)
{
	const char *image = one->image, *home = "";
	struct tool_asked asked;
	char *text;

	if (strncmp(image, "~/", 2) == 0) {
		tool_test_asked(test, one, &asked);
		home = asked.home;
		image++;
	}
	if (home == NULL ||
	    (text = arena_alloc(&test->arena, strlen(home) + strlen(image) + 7)) == NULL)
		return NULL;
	snprintf(text, strlen(home) + strlen(image) + 7, "image=%s%s", home, image);
	return text;
}

/* Every combination; the first that does not hold is shown. */
static void
tool_test_all(struct tool_test *test, struct tool_test_case *one)
{
	struct tool_test_names users = {.count = 0}, hosts = {.count = 0}, images = {.count = 0};
	const struct tool_test_names *u = tool_test_names(&test->users, &users, one->user);
	const struct tool_test_names *h = tool_test_names(&test->hosts, &hosts, one->host);
	const struct tool_test_names *m = tool_test_names(&test->images, &images, one->image);
	size_t total = u->count * h->count * m->count;
	int holds = 1;

	if (total == 0) {
		tool_test_wrong(test, "stands for nothing that the policy names");
		return;
	}
	for (size_t i = 0; holds == 1 && i < total; i++) {
		one->user = u->names[i / m->count / h->count];
		one->host = h->names[i / m->count % h->count];
		one->image = m->names[i % m->count];
		one->vector[one->at] = tool_test_image(test, one);
		if (one->vector[one->at] == NULL)
			return;
		holds = tool_test_one(test, one);
	}
	if (holds == 1)
		test->held++;
	else if (holds == 0)
		test->failed++;
}

/* --- a line ------------------------------------------------------------------------------------ */

/* "pytorch -v /data:/data:ro python3 train.py": into one->vector. 0 or -1 (told). */
static int
tool_test_vector(
    struct tool_test *test, struct tool_test_case *one, struct word *words, size_t count)
{
	struct boxdo_run *run = calloc(1, sizeof(*run));
	char **argv = arena_alloc(&test->arena, (count + 2) * sizeof(*argv));
	int argc = (int)count + 1, at = 1, image;
	bool command = false;

	if (run == NULL || argv == NULL) {
		free(run);
		return -1;
	}
	argv[0] = (char *)(uintptr_t) "run";
	for (size_t i = 0; i < count; i++)
		argv[i + 1] = words[i].text;
	if (boxdo_run_parse(&boxdo_run_grammar, run, argc, argv, &at) != 0 || at >= argc)
		return -1;
	image = at++;
	one->image = argv[image];
	/* Nobody's command begins with '-'; behind --entrypoint they are its arguments. */
	if (!boxdo_run_has(run, REQUEST_ENTRYPOINT) &&
	    boxdo_run_parse(&boxdo_run_grammar, run, argc, argv, &at) != 0)
		return -1;
	if (boxdo_run_add(run, REQUEST_IMAGE, "-", 1) != 0)
		return -1;
	one->vector = boxdo_run_vector(run, argc - at, argv + at);
	for (one->length = 0; one->vector != NULL && one->vector[one->length] != NULL;
	     one->length++)
		if (strncmp(one->vector[one->length], "image=", 6) == 0 && one->at == 0)
			one->at = one->length;
		else if (strncmp(one->vector[one->length], "user=", 5) == 0 && !command)
			one->run_as = one->vector[one->length] + 5;
		else
			command = command || strcmp(one->vector[one->length], "--") == 0;
	free(run);
	return one->vector != NULL ? 0 : -1;
}

/* [with|without password] */
static size_t
tool_test_password(struct tool_test_case *one, const struct word *words, size_t count)
{
	one->password = -1;
	if (count < 2 || strcmp(words[1].text, "password") != 0 ||
	    (strcmp(words[0].text, "with") != 0 && strcmp(words[0].text, "without") != 0))
		return 0;
	one->password = strcmp(words[0].text, "with") == 0;
	return 2;
}

static void
tool_test_expect(struct tool_test *test, struct word *words, size_t count)
{
	struct tool_test_case one = {.allow = strcmp(words[0].text, "allow") == 0};
	char *at = count > 1 ? strchr(words[1].text, '@') : NULL;
	size_t run = 2 + (count > 2 ? tool_test_password(&one, words + 2, count - 2) : 0);

	if (at == NULL || count < run + 2 || strcmp(words[run].text, "run") != 0) {
		tool_test_wrong(test, "allow|refuse USER@HOST [with|without password] run "
		                      "[OPTIONS] IMAGE [COMMAND...]");
		return;
	}
	*at = '\0';
	one.user = words[1].text;
	one.host = at + 1;
	if (tool_test_vector(test, &one, words + run + 1, count - run - 1) != 0)
		tool_test_wrong(test, "is no command line of boxdo run");
	else
		tool_test_all(test, &one);
}

/* KEY [USER] = WORD... */
static void
tool_test_set(struct tool_test *test, const struct word *words, size_t count)
{
	bool user = count > 1 && strcmp(words[1].text, "=") != 0;
	size_t from = user ? 3 : 2;

	if (count <= from || strcmp(words[from - 1].text, "=") != 0 ||
	    test->setting_count == TOOL_TEST_SETTINGS_MAX) {
		tool_test_wrong(test, "time|groups|home|cwd [USER] = ...");
		return;
	}
	test->settings[test->setting_count++] = (struct tool_test_setting){
	    words[0].text, user ? words[1].text : "", words + from, count - from};
}

static void
tool_test_line(struct tool_test *test, const char *line)
{
	static const char *const keys[] = {"time", "groups", "home", "cwd"};
	struct word *words = arena_alloc(&test->arena, WORDS_MAX * sizeof(*words));
	long count = words != NULL ? words_split(&test->arena, line, 1, words) : -1;
	size_t i;

	if (count < 0)
		tool_test_wrong(test, "has too many words");
	if (count <= 0 || words[0].text[0] == '#')
		return;
	if (strcmp(words[0].text, "allow") == 0 || strcmp(words[0].text, "refuse") == 0) {
		tool_test_expect(test, words, (size_t)count);
		return;
	}
	for (i = 0; i < 4; i++)
		if (strcmp(words[0].text, keys[i]) == 0) {
			tool_test_set(test, words, (size_t)count);
			return;
		}
	tool_test_wrong(test, "begins with none of allow, refuse, time, groups, home, cwd");
}

static int
tool_test_file(struct tool_test *test)
{
	FILE *file = fopen(test->path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	if (file == NULL) {
		boxdo_fail("%s: %s", test->path, strerror(errno));
		return 2;
	}
	while ((length = getline(&line, &size, file)) > 0) {
		test->line++;
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		tool_test_line(test, line);
	}
	free(line);
	fclose(file);
	tool_say("%u expectation%s: %u hold, %u %s not\n", test->held + test->failed,
	    test->held + test->failed == 1 ? "" : "s", test->held, test->failed,
	    test->failed == 1 ? "does" : "do");
	return test->wrong > 0 ? 2 : test->failed > 0 ? 1 : 0;
}

int
tool_test(int argc, char **argv)
{
	struct tool_test *test = calloc(1, sizeof(*test));
	bool is_public;
	unsigned errors;
	int status = 2;

	if (test == NULL || argc < 2 || argc > 3) {
		boxdo_fail("boxdo policy test FILE [DIRECTORY]");
		free(test);
		return 2;
	}
	test->path = argv[1];
	if ((argc == 3 ? tool_files_read(&test->set, argv[2], NULL, (struct tool_owner){0, true})
	               : tool_files_installed(&test->set, &is_public)) == 0 &&
	    (test->everybodys = tool_files_policy(&test->set, &errors)) != NULL) {
		tool_test_universe(test);
		status = tool_test_file(test);
	}
	policy_free(test->everybodys);
	set_free(&test->set);
	arena_free(&test->arena);
	free(test);
	return status;
}
