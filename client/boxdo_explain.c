/*
 * boxdo explain: any command line that starts a container, handed to boxdo-explain instead.
 *
 * Runs as the caller. So what is explained is the very vector the helper would get, whichever front it
 * was typed for. Own options come first; "run", "shell", "exec" or a front's name may follow (`boxdo explain docker run
 * ...`), else what follows is boxdo run's. On error: one line, exit code 125.
 */
#include "client/boxdo.h"

#include <stdlib.h>
#include <string.h>

/* Each takes a value. --user is who asks; run's own -u stays what it is. */
static const char *const boxdo_explain_options[] = {
    "user", "uid", "group", "host", "time", "tty", "cwd", "home"};

/* How many words the option at argv takes; 0: it is none of ours. */
static int
boxdo_explain_takes(char **argv)
{
	size_t count = sizeof(boxdo_explain_options) / sizeof(boxdo_explain_options[0]);

	for (size_t i = 0; strncmp(argv[0], "--", 2) == 0 && i < count; i++) {
		size_t length = strlen(boxdo_explain_options[i]);

		if (strncmp(argv[0] + 2, boxdo_explain_options[i], length) != 0)
			continue;
		if (argv[0][2 + length] == '=')
			return 1;
		if (argv[0][2 + length] == '\0')
			return argv[1] != NULL ? 2 : 1;
	}
	return 0;
}

int
boxdo_explain(int argc, char **argv)
{
	static char run[] = "run";
	char **all;
	const struct boxdo_front *front;
	int at = 1, words;

	while (at < argc && (words = boxdo_explain_takes(argv + at)) > 0)
		at += words;
	boxdo_run_explain(argv + 1, at - 1);
	if (at < argc && strcmp(argv[at], "run") == 0)
		return boxdo_run(argc - at, argv + at);
	if (at < argc && strcmp(argv[at], "shell") == 0)
		return boxdo_shell(argc - at, argv + at);
	if (at < argc && strcmp(argv[at], "exec") == 0)
		return boxdo_exec(NULL, argc - at, argv + at);
	front = at < argc ? boxdo_front_named(argv[at]) : NULL;
	if (front != NULL)
		return boxdo_front(front, argc - at, argv + at);
	words = argc - at;
	all = calloc((size_t)words + 2, sizeof(*all));
	if (all == NULL)
		return boxdo_fail("out of memory");
	memcpy(all + 1, argv + at, (size_t)words * sizeof(*all));
	all[0] = run;
	return boxdo_run(words + 1, all);
}
