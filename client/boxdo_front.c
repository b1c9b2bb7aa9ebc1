/*
 * The command lines of others: `boxdo docker run ...`, and the same under the name docker.
 *
 * Runs as the caller. A front reads a peer's own grammar (its options before the subcommand, its
 * subcommands, their options) and turns it into the vector `boxdo run` would make, or says by name what
 * is not had here and what to do instead. Nothing of it is believed by anybody: the helper checks the
 * vector anew. On error: one line, exit code 125.
 */
#include "client/boxdo.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct boxdo_front *
boxdo_front_named(const char *name)
{
	static const struct boxdo_front *const fronts[] = {&boxdo_docker, &boxdo_podman,
	    &boxdo_nerdctl, &boxdo_apptainer, &boxdo_singularity, &boxdo_enroot};

	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++)
		if (strcmp(fronts[i]->name, name) == 0)
			return fronts[i];
	return NULL;
}

/* The subcommand that the words at argv begin with, and how many they are. */
static const struct boxdo_command *
boxdo_front_command(const struct boxdo_front *front, int argc, char **argv, int *words)
{
	for (const struct boxdo_command *command = front->commands; command->name != NULL;
	     command++) {
		size_t first = strcspn(command->name, " ");
		const char *second = command->name[first] == ' ' ? command->name + first + 1 : NULL;

		if (strlen(argv[0]) != first || strncmp(argv[0], command->name, first) != 0 ||
		    (second != NULL && (argc < 2 || strcmp(argv[1], second) != 0)))
			continue;
		*words = second != NULL ? 2 : 1;
		return command;
	}
	return NULL;
}

static void
boxdo_front_list(const struct boxdo_front *front, bool had)
{
	for (const struct boxdo_command *command = front->commands; command->name != NULL;
	     command++)
		if ((command->run != NULL) == had)
			printf("  %-20s  %s\n", command->name, command->text);
}

static int
boxdo_front_help(const struct boxdo_front *front)
{
	printf("usage: boxdo %s SUBCOMMAND ...\n\nHad here:\n", front->name);
	boxdo_front_list(front, true);
	puts("\nNot had, and what to do instead:");
	boxdo_front_list(front, false);
	return fflush(stdout) == 0 ? 0 : BOXDO_EXIT_CLIENT;
}

/* --version and --help; and -v and -h, but where they are something else. */
static bool
boxdo_front_asks(const struct boxdo_front *front, const char *word, const char *name, char letter)
{
	return (strncmp(word, "--", 2) == 0 && strcmp(word + 2, name) == 0) ||
	       (word[0] == '-' && word[1] == letter && word[2] == '\0' &&
	           boxdo_option_lettered(&front->globals, letter) == NULL);
}

int
boxdo_front(const struct boxdo_front *front, int argc, char **argv)
{
	struct boxdo_run nothing = {.word_count = 0};
	const struct boxdo_command *command;
	int at = 1, words = 1, error;

	if (argc < 2 || boxdo_front_asks(front, argv[1], "help", 'h') ||
	    strcmp(argv[1], "help") == 0)
		return boxdo_front_help(front);
	if (boxdo_front_asks(front, argv[1], "version", 'v'))
		return puts(front->version) < 0 || fflush(stdout) != 0 ? BOXDO_EXIT_CLIENT : 0;
	error = boxdo_run_parse(&front->globals, &nothing, argc, argv, &at);
	if (error != 0)
		return error;
	if (at >= argc)
		return boxdo_front_help(front);
	command = boxdo_front_command(front, argc - at, argv + at, &words);
	if (command == NULL)
		return boxdo_fail("%s %s is not known here; 'boxdo %s help' lists what is",
		    front->name, argv[at], front->name);
	if (command->run == NULL)
		return boxdo_fail(
		    "%s %s is not had here: %s", front->name, command->name, command->text);
	at += words - 1;
	return command->run(front, argc - at, argv + at);
}

/* --- images ------------------------------------------------------------------------------------------ */

int
boxdo_front_image(struct boxdo_run *run, const char *image)
{
	static const char docker[] = "docker://";
	const char *scheme = strstr(image, "://");
	char here[REQUEST_PATH_MAX + 1];

	if (strncmp(image, docker, strlen(docker)) == 0)
		return boxdo_run_image(run, image + strlen(docker));
	if (scheme != NULL)
		return boxdo_fail("%s: only docker://REFERENCE means an image of the catalogue; "
		                  "others come in by "
		                  "'boxdo import'",
		    image);
	/* Apptainer and enroot look for a file first. */
	if (image[0] != '/' && access(image, F_OK) == 0 &&
	    snprintf(here, sizeof(here), "./%s", image) < (int)sizeof(here))
		return boxdo_run_image(run, here);
	return boxdo_run_image(run, image);
}
