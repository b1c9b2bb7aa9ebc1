/*
 * boxdo exec: a command in a container that runs; docker exec, podman exec and nerdctl exec are the same.
 *
 * Runs as the caller. Which container is meant by the first digits of an id, or by a name, is found among the
 * caller's own, as the helper hands them out; the helper takes the whole id alone and looks again.
 * On error: one line, exit code 125, and a record.
 */
#include "broker/running.h"
#include "client/boxdo.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXEC_ID_MIN 4 /* digits: as boxdo stop */

static int
exec_take_tty(struct boxdo_run *run, const char *value)
{
	(void)value;
	run->keep_term = true;
	return 0;
}

static const struct boxdo_option exec_options[] = {
    {"askpass", NULL, boxdo_take_askpass, NULL, "a password comes from the program BOXDO_ASKPASS",
        'A'},
    {"env", "NAME[=VALUE]", boxdo_env, NULL, "a variable; without a value: as it is set here", 'e'},
    {"env-file", "FILE", boxdo_env_file, NULL, "variables, one a line", 0},
    {"non-interactive", NULL, boxdo_take_never, NULL,
        "no password is asked for: refused if one is needed", 'n'},
    {"stdin", NULL, boxdo_take_stdin, NULL,
        "a password is read from standard input, one line; the rest is COMMAND's", 'S'},
    {"tty", NULL, exec_take_tty, NULL, "TERM goes in; the terminal is always yours", 't'},
    {"user", "NAME|UID[:GID]", boxdo_take_user, NULL, "whom the container runs as, nobody else",
        'u'},
    {"workdir", "PATH", boxdo_take_workdir, NULL, "the working directory inside", 'w'},

    {"detach-keys", "KEYS", NULL, "*", "nothing is ever detached", 0},
    {"interactive", NULL, NULL, "*", "standard input is always yours", 'i'},
    {"sig-proxy", NULL, NULL, "*", "signals are always passed on", 0},

    {"cidfile", "FILE", NULL, NULL, "name the container by its id or name", 0},
    {"detach", NULL, NULL, NULL, "run it in the background with &", 'd'},
    {"latest", NULL, NULL, NULL, "name the container by its id or name", 'l'},
    {"preserve-fd", "LIST", NULL, NULL, "a command gets standard input, output and error alone", 0},
    {"preserve-fds", "NUMBER", NULL, "0", "a command gets standard input, output and error alone",
        0},
    {"privileged", NULL, NULL, NULL, "a command never has more rights than you", 0},
};
static const struct boxdo_table exec_table = BOXDO_TABLE(exec_options);

static bool
exec_meant(const struct running_entry *entry, const char *word)
{
	size_t length = strlen(word);

	return entry->joins[0] == '\0' &&
	       (strncmp(entry->name, word, sizeof(entry->name)) == 0 ||
	           (length >= EXEC_ID_MIN && strncmp(entry->id, word, length) == 0));
}

/* Becomes the helper, which writes the caller's own entries to out. */
static void __attribute__((noreturn)) exec_ask(int out)
{
	static const char helper[] = BOXDO_LIBEXEC "/boxdo-launch";

	dup2(out, STDOUT_FILENO);
	execl(helper, "boxdo-launch", REQUEST_VERSION, "image=-", "action=ps", "--", (char *)NULL);
	_exit(BOXDO_EXIT_CLIENT);
}

int
boxdo_running_find(const char *word, struct running_entry *found)
{
	struct running_entry entry;
	size_t at = 0;
	int ends[2], status = -1, count = 0;
	ssize_t got;
	pid_t child;

	if (pipe(ends) != 0)
		return -1;
	child = fork();
	if (child == 0) {
		close(ends[0]);
		exec_ask(ends[1]);
	}
	close(ends[1]);
	while ((got = read(ends[0], (char *)&entry + at, sizeof(entry) - at)) > 0) {
		at += (size_t)got;
		if (at < sizeof(entry))
			continue;
		at = 0;
		if (!exec_meant(&entry, word))
			continue;
		memcpy(found, &entry, sizeof(entry));
		count++;
	}
	close(ends[0]);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return -1;
	return count;
}

/* The one container that word means; an id in full is the helper's to find. */
static int
exec_join(struct boxdo_run *run, const char *word)
{
	struct running_entry entry;
	int count;

	if (strlen(word) == AUDIT_ID_SIZE - 1)
		return boxdo_run_add(run, REQUEST_JOIN, word, strlen(word));
	count = boxdo_running_find(word, &entry);
	if (count < 0)
		return boxdo_fail("what runs cannot be asked for");
	if (count == 0)
		return boxdo_fail("no container %s of yours runs; see boxdo ps", word);
	if (count > 1)
		return boxdo_fail(
		    "%s means %d containers; give more of the id, see boxdo ps", word, count);
	return boxdo_run_add(run, REQUEST_JOIN, entry.id, strnlen(entry.id, AUDIT_ID_SIZE));
}

int
boxdo_exec(const struct boxdo_front *front, int argc, char **argv)
{
	const struct boxdo_grammar grammar = {
	    front != NULL ? "exec" : "boxdo exec", "ID COMMAND [ARG...]", {&exec_table}, NULL};
	/* docker's rule where docker is typed: of the environment what -e names. */
	struct boxdo_run run = {.clean = front != NULL};
	int at = 1, error = boxdo_run_parse(&grammar, &run, argc, argv, &at);

	if (error == 0 && argc - at < 2)
		error = boxdo_fail("%s: exec [OPTIONS] ID COMMAND [ARG...]; boxdo ps shows the ids",
		    at < argc ? "no command is named" : "no container is named");
	if (error == 0)
		error = boxdo_run_image(&run, "-");
	if (error == 0)
		error = exec_join(&run, argv[at++]);
	return boxdo_run_start(&run, error, error == 0 ? argc - at : 0, argv + at);
}
