/*
 * docker, podman and nerdctl: their subcommands, had here or not.
 *
 * Runs as the caller. What is harmless is accepted, what is boxdo's under another name is handed on, and what is not had
 * is refused by name, with what to do instead.
 */
#include "client/boxdo.h"

#include <stdlib.h>
#include <string.h>

#define RIGHTS "inside you are who you are outside, with no more rights; leave it out"
#define PODS "there are no pods and no other containers to depend on"
#define OPERANDS "IMAGE [COMMAND [ARG...]]"

static int
docker_run(const struct boxdo_front *front, int argc, char **argv)
{
	struct boxdo_run run = {.clean = true, .keep_proxies = front == &boxdo_podman};
	int at = 1, error = boxdo_run_parse(front->run, &run, argc, argv, &at);

	if (error == 0)
		error = boxdo_take_contain(&run, NULL);
	if (error == 0)
		error = boxdo_run_writable(&run);
	if (error == 0 && (at >= argc || argv[at][0] == '\0'))
		error = boxdo_fail("no image is named: %s [OPTIONS] " OPERANDS, front->run->name);
	if (error == 0)
		error = boxdo_run_image(&run, argv[at++]);
	return boxdo_run_start(&run, error, argc - at, argv + at);
}

/* Nothing is left of a container but what --cidfile had kept. */
static int
docker_rm(const struct boxdo_front *front, int argc, char **argv)
{
	/* As docker: what a script made of nothing (`cat FILE` of no file) is no success. */
	if (argc < 2)
		return boxdo_fail("%s %s: no container is named", front->name, argv[0]);
	/* docker says which container it was about; scripts read that. */
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-') {
			boxdo_cid_forget(argv[i]);
			boxdo_say_line(argv[i]);
		}
	return 0;
}

static int
docker_pull(const struct boxdo_front *front, int argc, char **argv)
{
	(void)front;
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			boxdo_note(
			    "note: %s is not pulled, images come from the catalogue ('boxdo "
			    "images' lists "
			    "those you may run; 'boxdo import docker://%s' makes one of your own)",
			    argv[i], argv[i]);
	return 0;
}

/* ps, with the options that boxdo ps has too; -a is what it shows anyway: nothing is left of what ended. */
static int
docker_ps(const struct boxdo_front *front, int argc, char **argv)
{
	char *words[8] = {(char[]){"ps"}};
	int count = 1;

	(void)front;
	for (int i = 1; i < argc && count < 6; i++) {
		if (strcmp(argv[i], "-a") == 0 || strcmp(argv[i], "--all") == 0)
			continue;
		if (strcmp(argv[i], "-aq") == 0 || strcmp(argv[i], "-qa") == 0)
			argv[i] = strdup("-q"); /* a literal would end with this block */
		words[count++] = argv[i];
	}
	return boxdo_other(words);
}

static int
docker_images(const struct boxdo_front *front, int argc, char **argv)
{
	char *words[2] = {(char[]){"images"}};

	(void)front;
	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '-')
			return boxdo_fail(
			    "docker images %s: boxdo images has no such option", argv[i]);
	return boxdo_other(words);
}

/* inspect [-f TEMPLATE] [--type TYPE] NAME...: boxdo inspect's own. */
static int
docker_look(int argc, char **argv, const char *type)
{
	static char inspect[] = "inspect", option[] = "--type";
	char **words = calloc((size_t)argc + 3, sizeof(*words));
	int count = 0;

	if (words == NULL)
		return boxdo_fail("out of memory");
	words[count++] = inspect;
	if (type != NULL) {
		words[count++] = option;
		words[count++] = strdup(type);
	}
	/* What it has taken on disk nobody counts here. */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-s") != 0 && strcmp(argv[i], "--size") != 0)
			words[count++] = argv[i];
	return boxdo_other(words);
}

static int
docker_inspect(const struct boxdo_front *front, int argc, char **argv)
{
	(void)front;
	return docker_look(argc, argv, NULL);
}

static int
docker_inspect_container(const struct boxdo_front *front, int argc, char **argv)
{
	(void)front;
	return docker_look(argc, argv, "container");
}

static int
docker_inspect_image(const struct boxdo_front *front, int argc, char **argv)
{
	(void)front;
	return docker_look(argc, argv, "image");
}

/* stop [-t SECONDS] NAME..., kill [-s SIGNAL] NAME...: boxdo stop -t SECONDS NAME... */
static int
docker_end(int argc, char **argv, const char *option, const char *seconds)
{
	char **words = calloc((size_t)argc + 4, sizeof(*words));
	size_t length = strlen(option);
	int count = 3;

	if (words == NULL)
		return boxdo_fail("out of memory");
	words[0] = (char[]){"stop"};
	words[1] = (char[]){"-t"};
	words[2] = strdup(seconds);
	for (int i = 1; i < argc; i++) {
		const char *value = NULL;

		if (strncmp(argv[i], option, length) == 0 && argv[i][length] == '=')
			value = argv[i] + length + 1;
		else if ((strcmp(argv[i], option) == 0 ||
		             (argv[i][0] == '-' && argv[i][1] == option[2] &&
		                 argv[i][2] == '\0')) &&
		         i + 1 < argc)
			value = argv[++i];
		else if (argv[i][0] == '-')
			return boxdo_fail("%s %s is not known here; boxdo stop ends containers",
			    argv[0], argv[i]);
		if (value == NULL)
			words[count++] = argv[i];
		else if (strcmp(option, "--time") == 0)
			words[2] = strdup(value);
		else if (strcmp(value, "KILL") != 0 && strcmp(value, "SIGKILL") != 0 &&
		         strcmp(value, "9") != 0)
			return boxdo_fail("kill -s %s: type 'kill -%s PID', with the container's "
			                  "PID of the caller as "
			                  "'boxdo ps --format json' shows it (handle)",
			    value, value);
	}
	return boxdo_other(words);
}

static int
docker_stop(const struct boxdo_front *front, int argc, char **argv)
{
	(void)front;
	return docker_end(argc, argv, "--time", "10");
}

static int
docker_kill(const struct boxdo_front *front, int argc, char **argv)
{
	(void)front;
	return docker_end(argc, argv, "--signal", "0");
}

static int
docker_version(const struct boxdo_front *front, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return boxdo_say_line(front->version);
}

#define BUILD                                                                                      \
	"build with 'podman build', then 'podman save' and 'boxdo import docker-archive:FILE "     \
	"NAME'"
#define COMPOSE "start each container with boxdo run, as batch steps or systemd --user units"
#define IMPORT "type 'boxdo import'"
#define KEPT "nothing of a container stays when its command ends"
#define NO_NETWORKS "there is this host's network, or none"
#define NO_VOLUMES "name a directory with -v"

#define DOCKER_COMMANDS                                                                            \
	{"run", docker_run, "a command in a container"},                                           \
	    {"container run", docker_run, "the same"}, {"ps", docker_ps, "boxdo ps"},              \
	    {"container ls", docker_ps, "the same"}, {"stop", docker_stop, "boxdo stop"},          \
	    {"container stop", docker_stop, "the same"}, {"kill", docker_kill, "boxdo stop -t 0"}, \
	    {"container kill", docker_kill, "the same"},                                           \
	    {"images", docker_images, "boxdo images"}, {"image ls", docker_images, "the same"},    \
	    {"exec", boxdo_exec, "boxdo exec"}, {"container exec", boxdo_exec, "the same"},        \
	    {"inspect", docker_inspect, "boxdo inspect"},                                          \
	    {"container inspect", docker_inspect_container, "the same"},                           \
	    {"image inspect", docker_inspect_image, "the same"},                                   \
	    {"rm", docker_rm, "nothing stays but a status that --cidfile keeps"},                  \
	    {"container rm", docker_rm, "the same"}, {"wait", boxdo_wait, "boxdo wait"},           \
	    {"container wait", boxdo_wait, "the same"},                                            \
	    {"pull", docker_pull, "nothing is pulled; a note says where images come from"},        \
	    {"image pull", docker_pull, "the same"},                                               \
	    {"version", docker_version, "which version this stands in for"},                       \
	    {"info", docker_version, "the same"}, {"attach", NULL, KEPT}, {"build", NULL, BUILD},  \
	    {"buildx", NULL, BUILD}, {"builder", NULL, BUILD}, {"commit", NULL, BUILD},            \
	    {"compose", NULL, COMPOSE}, {"cp", NULL, "bind a directory with -v"},                  \
	    {"create", NULL, "a container begins with its command: run"}, {"diff", NULL, KEPT},    \
	    {"events", NULL, "the record has them: boxdo log"}, {"export", NULL, KEPT},            \
	    {"history", NULL, "boxdo image show NAME says what is known of an image"},             \
	    {"import", NULL, IMPORT}, {"load", NULL, IMPORT}, {"login", NULL, "skopeo login"},     \
	    {"logout", NULL, "skopeo logout"}, {"logs", NULL, "output went where yours went"},     \
	    {"network", NULL, NO_NETWORKS}, {"pause", NULL, "send it SIGSTOP"},                    \
	    {"port", NULL, NO_NETWORKS}, {"push", NULL, "skopeo copy"}, {"rename", NULL, KEPT},    \
	    {"restart", NULL, KEPT},                                                               \
	    {"rmi", NULL, "images are the administrator's: boxdo image remove"},                   \
	    {"save", NULL, "podman save"}, {"start", NULL, KEPT},                                  \
	    {"stats", NULL, "a container's processes are yours: top, ps"},                         \
	    {"tag", NULL, "names are the catalogue's: ref in boxdo-policy(5)"},                    \
	    {"top", NULL, "a container's processes are yours: top, ps"},                           \
	    {"unpause", NULL, "send it SIGCONT"}, {"update", NULL, KEPT},                          \
	{                                                                                          \
		"volume", NULL, NO_VOLUMES                                                         \
	}

static const struct boxdo_command docker_commands[] = {DOCKER_COMMANDS, {"service", NULL, COMPOSE},
    {"stack", NULL, COMPOSE}, {"swarm", NULL, COMPOSE},
    {"search", NULL, "boxdo images lists what you may run"}, {"system", NULL, KEPT},
    {NULL, NULL, NULL}};
static const struct boxdo_command podman_commands[] = {DOCKER_COMMANDS, {"generate", NULL, COMPOSE},
    {"kube", NULL, COMPOSE}, {"machine", NULL, "containers run on this host"},
    {"play", NULL, COMPOSE}, {"pod", NULL, PODS}, {"quadlet", NULL, COMPOSE},
    {"search", NULL, "boxdo images lists what you may run"},
    {"secret", NULL, "bind a file with -v"}, {"system", NULL, KEPT}, {"unshare", NULL, RIGHTS},
    {NULL, NULL, NULL}};

const struct boxdo_front boxdo_docker = {"docker",
    {"docker", "SUBCOMMAND ...", {&boxdo_docker_globals}, NULL}, &boxdo_docker_grammar,
    docker_commands, "Docker version 28.0.0, build boxdo"};
const struct boxdo_front boxdo_podman = {"podman",
    {"podman", "SUBCOMMAND ...", {&boxdo_podman_globals}, NULL}, &boxdo_podman_grammar,
    podman_commands, "podman version 5.0.0"};
const struct boxdo_front boxdo_nerdctl = {"nerdctl",
    {"nerdctl", "SUBCOMMAND ...", {&boxdo_nerdctl_globals}, NULL}, &boxdo_nerdctl_grammar,
    docker_commands, "nerdctl version 2.0.0"};
