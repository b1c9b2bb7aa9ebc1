/*
 * boxdo log --mine: asks the helper for the caller's own records, which the journal shows to auditors alone.
 *
 * Runs as the caller. The options that choose among one's own records are written out, since the helper takes
 * whole words only; it takes a few and refuses the rest. On error: one line, exit code 125.
 */
#include "client/boxdo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
boxdo_mine_asked(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--mine") == 0)
			return true;
	return false;
}

/* -n 5, -n5 and --lines 5 are --lines=5. The word, or NULL: out of memory. */
static char *
boxdo_mine_word(char **argv, int *at)
{
	static const struct {
		const char *name;
		char letter;
		bool value;
	} options[] = {{"lines", 'n', true}, {"since", 'S', true}, {"until", 'U', true},
	    {"reverse", 'r', false}, {"full", 'l', false}};
	const char *word = argv[*at];
	char *text = NULL;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		bool shortly = word[0] == '-' && word[1] == options[i].letter;
		bool whole = strncmp(word, "--", 2) == 0 && strcmp(word + 2, options[i].name) == 0;
		const char *value = shortly && word[2] != '\0' ? word + 2 : NULL;

		if (!shortly && !whole)
			continue;
		if (options[i].value && value == NULL && argv[*at + 1] != NULL)
			value = argv[++*at];
		if (asprintf(&text, "--%s%s%s", options[i].name, options[i].value ? "=" : "",
		        options[i].value && value != NULL ? value : "") < 0)
			return NULL;
		return text;
	}
	return strdup(word);
}

int
boxdo_mine(int argc, char **argv)
{
	static const char helper[] = BOXDO_LIBEXEC "/boxdo-launch";
	char *start[] = {(char[]){"boxdo-launch"}, (char[]){REQUEST_VERSION}, (char[]){"image=-"},
	    (char[]){"action=log"}, (char[]){"--"}};
	char **vector = calloc((size_t)argc + 6, sizeof(*vector));
	size_t count = sizeof(start) / sizeof(start[0]);

	if (vector == NULL)
		return boxdo_fail("out of memory");
	memcpy(vector, start, sizeof(start));
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--mine") != 0 &&
		    (vector[count++] = boxdo_mine_word(argv, &i)) == NULL)
			return boxdo_fail("out of memory");
	execv(helper, vector);
	return boxdo_fail("cannot start %s: %s", helper, strerror(errno));
}
