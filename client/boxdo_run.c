/*
 * boxdo run: docker's command line in, the helper's argument vector out.
 *
 * Runs as the caller. Grammar as docker's: flags may be joined (-it), values follow or are joined
 * (-v/a:/b, --volume=/a:/b, --volume /a:/b), options end at the image. What is not honoured is
 * refused by name rather than dropped: somebody who types --cap-drop or --memory relies on it.
 * Whatever is let through here the helper checks again. On error: one line, exit code 125.
 */
#include "client/boxdo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static const struct {
	const char *name;
	size_t longest, times;
} boxdo_keys[REQUEST_KEY_COUNT] = {
#define X(id, name, longest, times) {name, longest, times},
    REQUEST_KEYS(X)
#undef X
};

/* The word that a new one of this key takes the place of, or the first free one; NULL: too many. */
static struct boxdo_word *
boxdo_run_word(struct boxdo_run *run, enum request_key key)
{
	size_t count = 0;

	for (size_t i = 0; i < run->word_count; i++) {
		if (run->words[i].key == key && boxdo_keys[key].times == 1)
			return &run->words[i];
		count += run->words[i].key == key;
	}
	return count < boxdo_keys[key].times ? &run->words[run->word_count] : NULL;
}

int
boxdo_run_add(struct boxdo_run *run, enum request_key key, const char *value, size_t length)
{
	const char *name = boxdo_keys[key].name;
	struct boxdo_word *word = boxdo_run_word(run, key);

	if (length > boxdo_keys[key].longest)
		return boxdo_fail(
		    "%s '%.40s...' is longer than %zu bytes", name, value, boxdo_keys[key].longest);
	if (word == NULL)
		return boxdo_fail(
		    "a container can have %zu of %s, not more", boxdo_keys[key].times, name);
	if (asprintf(&word->text, "%s=%.*s", name, (int)length, value) < 0)
		return boxdo_fail("out of memory");
	word->key = key;
	if (word == &run->words[run->word_count])
		run->word_count++;
	return 0;
}

bool
boxdo_run_has(const struct boxdo_run *run, enum request_key key)
{
	for (size_t i = 0; i < run->word_count; i++)
		if (run->words[i].key == key)
			return true;
	return false;
}

int
boxdo_run_writable(struct boxdo_run *run)
{
	return boxdo_run_has(run, REQUEST_SCRATCH)
	           ? 0
	           : boxdo_run_add(run, REQUEST_SCRATCH, "granted", strlen("granted"));
}

/* --- one option ----------------------------------------------------------------------------------- */

/* Is value one of the words? */
static bool
boxdo_run_listed(const char *words, const char *value)
{
	size_t length = strlen(value);

	for (const char *at = strstr(words, value); length > 0 && at != NULL;
	     at = strstr(at + 1, value))
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

#define BOXDO_TRUE "1 t T true TRUE True"
#define BOXDO_FALSE "0 f F false FALSE False"

/* value: as typed; for a flag NULL or what followed its '='. */
static int
boxdo_run_option(struct boxdo_run *run, const struct boxdo_option *option, const char *value)
{
	if (option->argument == NULL && value != NULL) {
		if (boxdo_run_listed(BOXDO_FALSE, value))
			return 0; /* --privileged=false asks for nothing */
		if (boxdo_run_listed(BOXDO_TRUE, value))
			value = NULL;
		else if (option->take == NULL || option->accepted == NULL)
			return boxdo_fail("--%s is on or off; '%s' is neither true nor false",
			    option->name, value);
	}
	if (option->take != NULL)
		return option->take(run, value);
	if (option->accepted != NULL && strcmp(option->accepted, "*") == 0)
		return 0;
	if (option->accepted != NULL && value != NULL && boxdo_run_listed(option->accepted, value))
		return 0;
	if (value != NULL)
		return boxdo_fail("--%s=%s is refused: %s", option->name, value, option->text);
	return boxdo_fail("--%s is refused: %s", option->name, option->text);
}

static int
boxdo_run_needs(const struct boxdo_option *option)
{
	return boxdo_fail("--%s needs a value: %s", option->name, option->argument);
}

/* --NAME, --NAME=VALUE or --NAME VALUE at argv[*at]. */
static int
boxdo_run_long(const struct boxdo_grammar *grammar, struct boxdo_run *run, char **argv, int *at)
{
	const char *name = argv[*at] + 2;
	size_t length = strcspn(name, "=");
	const struct boxdo_option *option = boxdo_option_named(grammar, name, length);
	const char *value = name[length] == '=' ? name + length + 1 : NULL;

	if (option == NULL) {
		const char *nearest = boxdo_option_nearest(grammar, name, length);

		return boxdo_fail("unknown option --%.*s%s%s; '%s --help' lists all", (int)length,
		    name, nearest != NULL ? ", did you mean --" : "",
		    nearest != NULL ? nearest : "", grammar->name);
	}
	if (option->argument != NULL && value == NULL) {
		value = argv[*at + 1];
		if (value == NULL)
			return boxdo_run_needs(option);
		++*at;
	}
	return boxdo_run_option(run, option, value);
}

/* -it, -v VALUE, -vVALUE, -v=VALUE or a mixture such as -itv VALUE at argv[*at]. */
static int
boxdo_run_short(const struct boxdo_grammar *grammar, struct boxdo_run *run, char **argv, int *at)
{
	for (const char *letter = argv[*at] + 1; *letter != '\0'; letter++) {
		const struct boxdo_option *option = boxdo_option_lettered(grammar, *letter);
		const char *value = letter[1] == '='    ? letter + 2
		                    : letter[1] != '\0' ? letter + 1
		                                        : NULL;
		int error;

		if (option == NULL)
			return boxdo_fail("unknown option -%c in '%s'; '%s --help' lists all",
			    *letter, argv[*at], grammar->name);
		if (option->argument == NULL) {
			bool last = letter[1] == '=';

			error = boxdo_run_option(run, option, last ? value : NULL);
			if (error != 0 || last)
				return error;
			continue;
		}
		if (value == NULL) {
			value = argv[*at + 1];
			if (value == NULL)
				return boxdo_run_needs(option);
			++*at;
		}
		return boxdo_run_option(run, option, value);
	}
	return 0;
}

/* --- the vector ----------------------------------------------------------------------------------- */

/* A name of the catalogue goes as it is; ./x.sif must not depend on where the helper stands. */
int
boxdo_run_image(struct boxdo_run *run, const char *image)
{
	char here[REQUEST_PATH_MAX + 1], *path;

	if (strncmp(image, "./", 2) != 0 && strncmp(image, "../", 3) != 0)
		return boxdo_run_add(run, REQUEST_IMAGE, image, strlen(image));
	if (getcwd(here, sizeof(here)) == NULL)
		return boxdo_fail(
		    "image %s: the working directory cannot be named: %s", image, strerror(errno));
	if (asprintf(&path, "%s/%s", here, image + (image[1] == '/' ? 2 : 0)) < 0)
		return boxdo_fail("out of memory");
	return boxdo_run_add(run, REQUEST_IMAGE, path, strlen(path));
}

const char **
boxdo_run_vector(const struct boxdo_run *run, int argc, char **argv)
{
	const char **vector =
	    calloc(run->word_count + run->variable_count + (size_t)argc + 4, sizeof(*vector));
	size_t at = 0;

	if (vector == NULL)
		return NULL;
	vector[at++] = "boxdo-launch";
	vector[at++] = REQUEST_VERSION;
	for (int key = 0; key < REQUEST_KEY_COUNT; key++) {
		for (size_t i = 0; i < run->word_count; i++)
			if ((int)run->words[i].key == key &&
			    (key != REQUEST_SCRATCH || !run->read_only))
				vector[at++] = run->words[i].text;
		for (size_t i = 0; key == REQUEST_ENV && i < run->variable_count; i++)
			if (run->variables[i].entry != NULL)
				vector[at++] = run->variables[i].name;
	}
	vector[at++] = "--";
	for (int i = 0; i < argc; i++)
		vector[at++] = argv[i];
	return vector;
}

/* Does a variable of the caller's own go in where only what was asked for does? */
static bool
boxdo_run_keeps(const struct boxdo_run *run, const char *variable)
{
	static const char *const proxies[] = {"http_proxy=", "https_proxy=", "ftp_proxy=",
	    "no_proxy=", "HTTP_PROXY=", "HTTPS_PROXY=", "FTP_PROXY=", "NO_PROXY=", NULL};

	if (!run->clean || strncmp(variable, "BOXDO_ASKPASS=", 14) == 0)
		return true;
	if (run->keep_term && strncmp(variable, "TERM=", 5) == 0)
		return true;
	for (const char *const *proxy = proxies; run->keep_proxies && *proxy != NULL; proxy++)
		if (strncmp(variable, *proxy, strlen(*proxy)) == 0)
			return true;
	return false;
}

/* The caller's environment, without what only looks as if -e had put it there, and what -e put there. */
static const char **
boxdo_run_environment(const struct boxdo_run *run)
{
	const char **environment;
	size_t count = 0, at = 0;

	while (environ[count] != NULL)
		count++;
	environment = calloc(count + run->variable_count + 1, sizeof(*environment));
	if (environment == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], REQUEST_ENV_PREFIX, strlen(REQUEST_ENV_PREFIX)) != 0 &&
		    boxdo_run_keeps(run, environ[i]))
			environment[at++] = environ[i];
	for (size_t i = 0; i < run->variable_count; i++)
		if (run->variables[i].entry != NULL)
			environment[at++] = run->variables[i].entry;
	return environment;
}

static int
boxdo_run_exec(const char **vector, const char **environment)
{
	static const char helper[] = BOXDO_LIBEXEC "/boxdo-launch";

	if (vector == NULL || environment == NULL)
		return boxdo_fail("out of memory");
	/* The casts: execve() takes char *const[] for history's sake, and changes nothing. */
	execve(helper, (char *const *)(uintptr_t)vector, (char *const *)(uintptr_t)environment);
	if (errno == E2BIG)
		return boxdo_fail(
		    "command, options and environment are longer than the system allows (see"
		    " 'getconf ARG_MAX'); hand long lists over in a file");
	return boxdo_fail(
	    "cannot start %s: %s; boxdo is not installed properly, tell your administrator", helper,
	    strerror(errno));
}

static char **boxdo_run_words; /* of boxdo explain; NULL: a launch */
static int boxdo_run_count;

void
boxdo_run_explain(char **words, int count)
{
	boxdo_run_words = words;
	boxdo_run_count = count;
}

static int
boxdo_run_exec_explain(const char **vector)
{
	static const char program[] = BOXDO_LIBEXEC "/boxdo-explain";
	size_t length = 0;
	const char **all;

	while (vector != NULL && vector[length] != NULL)
		length++;
	all = calloc((size_t)boxdo_run_count + length + 2, sizeof(*all));
	if (all == NULL || vector == NULL)
		return boxdo_fail("out of memory");
	all[0] = "boxdo-explain";
	memcpy(all + 1, boxdo_run_words, (size_t)boxdo_run_count * sizeof(*all));
	memcpy(all + 1 + boxdo_run_count, vector, length * sizeof(*all));
	execv(program, (char *const *)(uintptr_t)all);
	return boxdo_fail("cannot start %s: %s", program, strerror(errno));
}

/*
 * A command line that is refused here is on record too: the helper writes it down and starts nothing. The
 * words typed stay out of it (a value of -e may be a secret); the reason names the option.
 */
static int
boxdo_run_refused(int error)
{
	static const char helper[] = BOXDO_LIBEXEC "/boxdo-launch";
	static const char *const no_environment[] = {NULL};
	const char *vector[] = {"boxdo-launch", REQUEST_VERSION, "image=-", NULL, "--", NULL};
	char *refused;

	if (asprintf(&refused, "refused=%s", boxdo_failed()) < 0)
		return error;
	vector[3] = refused;
	execve(helper, (char *const *)(uintptr_t)vector, (char *const *)(uintptr_t)no_environment);
	return error;
}

int
boxdo_run_parse(
    const struct boxdo_grammar *grammar, struct boxdo_run *run, int argc, char **argv, int *at)
{
	int error = 0;

	for (; error == 0 && *at < argc && argv[*at][0] == '-' && argv[*at][1] != '\0'; ++*at) {
		if (strcmp(argv[*at], "--help") == 0)
			exit(boxdo_options_help(grammar));
		if (strcmp(argv[*at], "--") == 0) {
			++*at;
			break;
		}
		if (argv[*at][1] == '-')
			error = boxdo_run_long(grammar, run, argv, at);
		else
			error = boxdo_run_short(grammar, run, argv, at);
	}
	return error;
}

int
boxdo_run_start(struct boxdo_run *run, int error, int argc, char **argv)
{
	if (boxdo_run_words != NULL && boxdo_run_has(run, REQUEST_JOIN))
		return boxdo_fail("what a container has its supervisor alone knows; exec asks the "
		                  "policy what its run would ask with the new command: boxdo "
		                  "explain run OPTIONS --entrypoint '' IMAGE COMMAND");
	if (boxdo_run_words != NULL)
		return error != 0 ? error
		                  : boxdo_run_exec_explain(boxdo_run_vector(run, argc, argv));
	if (error == 0 && run->cidfile != NULL)
		error = boxdo_cid_begin(run);
	if (error != 0)
		return boxdo_run_refused(error);
	if (run->cidfile != NULL && (error = boxdo_cid_fork(run)) != 0)
		return error;
	return boxdo_run_exec(boxdo_run_vector(run, argc, argv), boxdo_run_environment(run));
}

int
boxdo_run(int argc, char **argv)
{
	struct boxdo_run run;
	int at = 1, error;

	memset(&run, 0, offsetof(struct boxdo_run, words));
	error = boxdo_run_parse(&boxdo_run_grammar, &run, argc, argv, &at);
	if (error == 0 && (at >= argc || argv[at][0] == '\0'))
		error =
		    boxdo_fail("no image is named: boxdo run [OPTIONS] IMAGE [COMMAND [ARG...]]");
	if (error == 0)
		error = boxdo_run_image(&run, argv[at++]);
	return boxdo_run_start(&run, error, argc - at, argv + at);
}

/* The record shows the line: which shell an image has is seen inside only. */
int
boxdo_run_shell(struct boxdo_run *run, int argc, char **argv)
{
	static char option[] = "-c",
	            script[] =
	                "command -v bash >/dev/null 2>&1 && exec bash \"$@\"; exec sh \"$@\"",
	            name[] = "sh";
	char **words = calloc((size_t)argc + 4, sizeof(*words));
	int error = boxdo_run_add(run, REQUEST_ENTRYPOINT, "/bin/sh", strlen("/bin/sh"));

	if (words == NULL)
		return boxdo_fail("out of memory");
	words[0] = option;
	words[1] = script;
	words[2] = name;
	memcpy(words + 3, argv, (size_t)argc * sizeof(*words));
	return boxdo_run_start(run, error, argc + 3, words);
}

int
boxdo_shell(int argc, char **argv)
{
	struct boxdo_run run = {.word_count = 0};
	struct boxdo_grammar grammar = boxdo_run_grammar;
	int at = 1, error;

	grammar.name = "boxdo shell";
	grammar.operands = "IMAGE";
	error = boxdo_run_parse(&grammar, &run, argc, argv, &at);
	if (error == 0 && (at >= argc || argv[at][0] == '\0'))
		error = boxdo_fail("no image is named: boxdo shell [OPTIONS] IMAGE");
	if (error == 0)
		error = boxdo_run_image(&run, argv[at++]);
	return error == 0 ? boxdo_run_shell(&run, argc - at, argv + at)
	                  : boxdo_run_start(&run, error, 0, NULL);
}
