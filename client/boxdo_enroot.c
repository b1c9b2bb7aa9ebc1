/*
 * enroot: start with enroot's own options.
 *
 * Runs as the caller. As with enroot the environment goes in and the home directory does not, unless it is
 * mounted. Options are those of enroot 3, from its own manual.
 */
#include "client/boxdo.h"

#include <stdio.h>
#include <string.h>

/* SRC:DST[:TYPE[:OPTIONS]], an fstab line with colons; DST may begin without a slash. */
static int
enroot_mount(struct boxdo_run *run, const char *value)
{
	const char *fields[4] = {value, "", "", ""}, *mode = "";
	char text[2 * REQUEST_PATH_MAX + 16];
	size_t count = 1;
	int length[4];

	for (const char *at = value; count < 4 && (at = strchr(at, ':')) != NULL;)
		fields[count++] = ++at;
	for (size_t i = 0; i < 4; i++)
		length[i] = (int)strcspn(fields[i], ":");
	if (length[0] == 0 || length[1] == 0)
		return boxdo_fail("-m %s: type SOURCE:DESTINATION[:TYPE[:OPTIONS]]", value);
	if (length[2] > 0 && strncmp(fields[2], "none", (size_t)length[2]) != 0)
		return boxdo_fail(
		    "-m %s: only directories and files of this host can be mounted", value);
	for (const char *option = fields[3]; *option != '\0';
	     option += strcspn(option, ",") + (option[strcspn(option, ",")] == ',')) {
		size_t end = strcspn(option, ",");

		if (end == 2 && strncmp(option, "ro", 2) == 0)
			mode = ":ro";
		else if (end == 2 && strncmp(option, "rw", 2) == 0)
			mode = ":rw";
	}
	if (snprintf(text, sizeof(text), "%s%.*s:%s%.*s%s",
	        *value == '/' || *value == '.' ? "" : "./", length[0], fields[0],
	        *fields[1] == '/' ? "" : "/", length[1], fields[1], mode) >= (int)sizeof(text))
		return boxdo_fail("-m %.40s...: is too long", value);
	return boxdo_volume(run, text);
}

static const struct boxdo_option enroot_options[] = {
    {"env", "NAME[=VALUE]", boxdo_env, NULL, "a variable; without a value: as it is set here", 'e'},
    {"mount", "SRC:DST[:TYPE[:OPTIONS]]", enroot_mount, NULL, "a directory or file of this host",
        'm'},
    {"rw", NULL, boxdo_take_scratch, NULL,
        "the root is writable; what is written lies in memory and is discarded", 'w'},
    {"conf", "FILE", NULL, NULL, "no scripts are run outside; type the options it stands for", 'c'},
    {"rc", "FILE", NULL, NULL, "type the command behind the image", 0},
    {"root", NULL, NULL, NULL, "inside you are who you are outside, with no more rights", 'r'},
};
static const struct boxdo_table enroot_table = BOXDO_TABLE(enroot_options);
static const struct boxdo_table enroot_no_options = {NULL, 0};

static const struct boxdo_grammar enroot_grammar = {
    "boxdo enroot start", "IMAGE [COMMAND [ARG...]]", {&enroot_table}, NULL};

static int
enroot_start(const struct boxdo_front *front, int argc, char **argv)
{
	struct boxdo_run run = {.word_count = 0};
	int at = 1, error = boxdo_run_parse(&enroot_grammar, &run, argc, argv, &at);

	(void)front;
	if (error == 0)
		error = boxdo_take_contain(&run, NULL);
	if (error == 0 && (at >= argc || argv[at][0] == '\0'))
		error = boxdo_fail(
		    "no image is named: boxdo enroot start [OPTIONS] IMAGE [COMMAND [ARG...]]");
	if (error == 0)
		error = boxdo_front_image(&run, argv[at++]);
	return boxdo_run_start(&run, error, argc - at, argv + at);
}

static int
enroot_version(const struct boxdo_front *front, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return boxdo_say_line(front->version);
}

#define IMPORT "boxdo import"
#define CREATE "an image is started by its name; nothing is created before"

static const struct boxdo_command enroot_commands[] = {
    {"start", enroot_start, "a command in a container"},
    {"version", enroot_version, "which version this stands in for"},
    {"batch", NULL, "type 'boxdo enroot start' with the options of the batch file"},
    {"bundle", NULL, "images are files already"},
    {"create", NULL, CREATE},
    {"exec", NULL, "type 'boxdo exec ID COMMAND'"},
    {"export", NULL, CREATE},
    {"import", NULL, IMPORT},
    {"list", NULL, "boxdo images, and boxdo ps for what runs"},
    {"load", NULL, IMPORT},
    {"remove", NULL, "nothing of a container stays when its command ends"},
    {NULL, NULL, NULL},
};

const struct boxdo_front boxdo_enroot = {"enroot",
    {"enroot", "SUBCOMMAND ...", {&enroot_no_options}, NULL}, &enroot_grammar, enroot_commands,
    "3.5.0"};
