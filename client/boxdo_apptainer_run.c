/*
 * apptainer and singularity: their subcommands, had here or not.
 *
 * Runs as the caller. What is not had is refused by name, with what to do instead.
 */
#include "client/boxdo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIGHTS "inside you are who you are outside, with no more rights"
#define PULL "nothing is pulled; 'boxdo import' does that"
#define LAYERS "there are no overlays of your own; bind a directory with -B"

/* exec starts the command itself: what the image would put in front of it stays out. */
static int
apptainer_exec(const struct boxdo_front *front, int argc, char **argv)
{
	struct boxdo_run run = {.word_count = 0};
	int at = 1, error = boxdo_apptainer_read(&run, argc, argv, &at);

	if (error == 0 && at >= argc)
		error = boxdo_fail(
		    "no command is named: boxdo %s exec [OPTIONS] IMAGE COMMAND [ARG...]",
		    front->name);
	if (error == 0)
		error = boxdo_run_add(&run, REQUEST_ENTRYPOINT, argv[at], strlen(argv[at]));
	at += at < argc;
	return boxdo_run_start(&run, error, argc - at, argv + at);
}

static int
apptainer_run(const struct boxdo_front *front, int argc, char **argv)
{
	struct boxdo_run run = {.word_count = 0};
	int at = 1, error = boxdo_apptainer_read(&run, argc, argv, &at);

	(void)front;
	return boxdo_run_start(&run, error, argc - at, argv + at);
}

static int
apptainer_shell(const struct boxdo_front *front, int argc, char **argv)
{
	struct boxdo_run run = {.word_count = 0};
	int at = 1, error = boxdo_apptainer_read(&run, argc, argv, &at);

	(void)front;
	if (error == 0 && run.shell == NULL)
		return boxdo_run_shell(&run, argc - at, argv + at);
	if (error == 0)
		error = boxdo_run_add(&run, REQUEST_ENTRYPOINT, run.shell, strlen(run.shell));
	return boxdo_run_start(&run, error, argc - at, argv + at);
}

/*
 * pull [--name FILE] [--dir DIRECTORY] [FILE] URI: boxdo import URI FILE. Pipelines look for exactly that file afterwards,
 * so it is a path: to a bare name import would add the ending.
 */
static int
apptainer_pull(const struct boxdo_front *front, int argc, char **argv)
{
	static const char *const with_value[] = {
	    "--arch", "--arch-variant", "--library", "--tmpdir", "--docker-host", NULL};
	char *words[5] = {(char[]){"import"}, NULL, NULL, NULL, NULL}, path[REQUEST_PATH_MAX];
	const char *file = NULL, *directory = NULL, *source = NULL;
	bool force = false;

	for (int i = 1; i < argc; i++) {
		const char *value = argv[i + 1];

		if (strncmp(argv[i], "--name=", 7) == 0) {
			file = argv[i] + 7;
		} else if (strncmp(argv[i], "--dir=", 6) == 0) {
			directory = argv[i] + 6;
		} else if (strcmp(argv[i], "--name") == 0 && value != NULL) {
			file = argv[++i];
		} else if (strcmp(argv[i], "--dir") == 0 && value != NULL) {
			directory = argv[++i];
		} else if (strcmp(argv[i], "--force") == 0 || strcmp(argv[i], "-F") == 0) {
			force = true;
		} else if (argv[i][0] == '-') {
			for (const char *const *option = with_value; *option != NULL; option++)
				i += strcmp(argv[i], *option) == 0 && value != NULL;
		} else {
			file = source != NULL ? source : file;
			source = argv[i];
		}
	}
	if (source == NULL)
		return boxdo_fail(
		    "nothing is named: boxdo %s pull [FILE] docker://REFERENCE", front->name);
	if (file != NULL && snprintf(path, sizeof(path), "%s%s%s",
	                        directory != NULL           ? directory
	                        : strchr(file, '/') == NULL ? "."
	                                                    : "",
	                        directory != NULL || strchr(file, '/') == NULL ? "/" : "",
	                        file) >= (int)sizeof(path))
		return boxdo_fail("--name %.40s...: is too long", file);
	if (force)
		words[1] = strdup("--force");
	words[1 + force] = strdup(source);
	words[2 + force] = file != NULL ? path : NULL;
	return boxdo_other(words);
}

static int
apptainer_version(const struct boxdo_front *front, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	/* `apptainer version` says the number alone. */
	return boxdo_say_line(strrchr(front->version, ' ') + 1);
}

#define BUILD                                                                                      \
	"build with 'podman build', then 'podman save' and 'boxdo import docker-archive:FILE "     \
	"NAME'"
#define INSTANCE                                                                                   \
	"a container lives as long as the command you started: exec IMAGE "                        \
	"/.singularity.d/actions/start & runs the image's startscript"

static const struct boxdo_command apptainer_commands[] = {
    {"exec", apptainer_exec, "a command in a container"},
    {"run", apptainer_run, "what the image runs by itself"},
    {"shell", apptainer_shell, "a shell in a container"},
    {"pull", apptainer_pull, "boxdo import"},
    {"version", apptainer_version, "which version this stands in for"},
    {"build", NULL, BUILD},
    {"cache", NULL, "boxdo import keeps layers in ~/.cache/boxdo"},
    {"capability", NULL, RIGHTS},
    {"checkpoint", NULL, "nothing is checkpointed here"},
    {"delete", NULL, PULL},
    {"inspect", NULL, "its labels: exec IMAGE cat /.singularity.d/labels.json"},
    {"instance", NULL, INSTANCE},
    {"key", NULL, "images are trusted by who owns them and by their digest, see boxdo-policy(5)"},
    {"oci", NULL, "boxdo run takes OCI images that were imported"},
    {"overlay", NULL, LAYERS},
    {"plugin", NULL, "there are no plugins"},
    {"push", NULL, "skopeo copy"},
    {"registry", NULL, "skopeo login"},
    {"remote", NULL, PULL},
    {"run-help", NULL, "exec IMAGE cat /.singularity.d/runscript.help"},
    {"search", NULL, "boxdo images lists what you may run"},
    {"sif", NULL, "boxdo image show NAME says what is known of an image"},
    {"sign", NULL, "images are trusted by who owns them and by their digest, see boxdo-policy(5)"},
    {"test", NULL, "exec the image's own /.singularity.d/test"},
    {"verify", NULL, "boxdo image verify NAME"},
    {NULL, NULL, NULL},
};

const struct boxdo_front boxdo_apptainer = {"apptainer",
    {"apptainer", "SUBCOMMAND ...", {&boxdo_apptainer_globals}, NULL}, &boxdo_apptainer_grammar,
    apptainer_commands, "apptainer version 1.4.0"};
const struct boxdo_front boxdo_singularity = {"singularity",
    {"singularity", "SUBCOMMAND ...", {&boxdo_apptainer_globals}, NULL}, &boxdo_apptainer_grammar,
    apptainer_commands, "singularity-ce version 4.0.0"};
