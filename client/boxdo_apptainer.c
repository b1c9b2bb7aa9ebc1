/*
 * apptainer and singularity: the options of exec, run and shell, Apptainer's own; boxdo_apptainer_run.c has the
 * subcommands.
 *
 * Runs as the caller. What Apptainer mounts by itself (home, working directory) and lets in (the
 * environment) is what boxdo run does. Options are those of Apptainer 1.4 and SingularityCE 4, from their own
 * sources; they may also come as variables, APPTAINER_BIND and its like, and variables for the container as
 * APPTAINERENV_NAME.
 */
#include "client/boxdo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- options ----------------------------------------------------------------------------------------- */

/* take for every part of a list with commas. */
static int
apptainer_each(
    struct boxdo_run *run, const char *list, int (*take)(struct boxdo_run *, const char *))
{
	char *copy = strdup(list), *rest = copy, *part;
	int error = copy == NULL ? boxdo_fail("out of memory") : 0;

	while (error == 0 && (part = strsep(&rest, ",")) != NULL)
		if (*part != '\0')
			error = take(run, part);
	free(copy);
	return error;
}

/* A source may be a bare name here, of something in the working directory. */
static int
apptainer_bind_one(struct boxdo_run *run, const char *spec)
{
	char here[2 * REQUEST_PATH_MAX + 16];

	if (*spec == '/' || *spec == '.' || *spec == '~')
		return boxdo_volume(run, spec);
	if (snprintf(here, sizeof(here), "./%s", spec) >= (int)sizeof(here))
		return boxdo_fail("-B %.40s...: is too long", spec);
	return boxdo_volume(run, here);
}

static int
apptainer_bind(struct boxdo_run *run, const char *value)
{
	return apptainer_each(run, value, apptainer_bind_one);
}

/* SRC[:DST]: SRC is the home directory inside, under its own name or DST. */
static int
apptainer_home(struct boxdo_run *run, const char *value)
{
	const char *colon = strchr(value, ':'), *inside = colon != NULL ? colon + 1 : value;
	char variable[REQUEST_PATH_MAX + sizeof("HOME=")];
	int error = boxdo_take_no_home(run, NULL);

	if (*inside != '/' || strchr(inside, ':') != NULL)
		return boxdo_fail("--home %s: type SOURCE[:DESTINATION], absolute paths", value);
	if (snprintf(variable, sizeof(variable), "HOME=%s", inside) >= (int)sizeof(variable))
		return boxdo_fail("--home %.40s...: is too long", value);
	if (error == 0)
		error = apptainer_bind_one(run, value);
	return error != 0 ? error : boxdo_env(run, variable);
}

static int
apptainer_env(struct boxdo_run *run, const char *value)
{
	const char *equals = strchr(value, '=');

	if (equals == NULL)
		return boxdo_fail("--env %s: type NAME=VALUE[,NAME=VALUE...]", value);
	/* One variable may have commas in its value; several are parted by them. */
	return strchr(equals + 1, '=') == NULL ? boxdo_env(run, value)
	                                       : apptainer_each(run, value, boxdo_env);
}

static int
apptainer_cleanenv(struct boxdo_run *run, const char *value)
{
	(void)value;
	run->clean = run->keep_term = true;
	return 0;
}

static int
apptainer_containall(struct boxdo_run *run, const char *value)
{
	apptainer_cleanenv(run, value);
	return boxdo_take_contain(run, value);
}

static int
apptainer_compat(struct boxdo_run *run, const char *value)
{
	int error = apptainer_containall(run, value);

	return error != 0 ? error : boxdo_run_writable(run);
}

static int
apptainer_device(struct boxdo_run *run, const char *name)
{
	return boxdo_run_add(run, REQUEST_DEVICE, name, strlen(name));
}

static int
apptainer_nv(struct boxdo_run *run, const char *value)
{
	(void)value;
	return apptainer_device(run, "nvidia.com/gpu=all");
}

static int
apptainer_rocm(struct boxdo_run *run, const char *value)
{
	(void)value;
	return apptainer_device(run, "amd.com/gpu=all");
}

static int
apptainer_net(struct boxdo_run *run, const char *value)
{
	(void)value;
	run->net = true;
	return 0;
}

static int
apptainer_network(struct boxdo_run *run, const char *value)
{
	if (strcmp(value, "none") != 0)
		return boxdo_fail("--network %s is refused: there is this host's network (leave "
		                  "--net out), or none",
		    value);
	return boxdo_run_add(run, REQUEST_NETWORK, value, strlen(value));
}

static int
apptainer_scratch(struct boxdo_run *run, const char *value)
{
	return apptainer_each(run, value, boxdo_tmpfs);
}

static int
apptainer_no_mount_one(struct boxdo_run *run, const char *value)
{
	if (strcmp(value, "home") == 0)
		return boxdo_take_no_home(run, NULL);
	if (strcmp(value, "cwd") == 0)
		return boxdo_run_add(run, REQUEST_CWD, "no", 2);
	return strcmp(value, "tmp") == 0 || strcmp(value, "hostfs") == 0
	           ? 0
	           : boxdo_fail("--no-mount %s is refused: that is always there", value);
}

static int
apptainer_no_mount(struct boxdo_run *run, const char *value)
{
	return apptainer_each(run, value, apptainer_no_mount_one);
}

static int
apptainer_shell_path(struct boxdo_run *run, const char *value)
{
	run->shell = strdup(value);
	return run->shell != NULL ? 0 : boxdo_fail("out of memory");
}

#define SO "it is so anyway"
#define RIGHTS "inside you are who you are outside, with no more rights"
#define PULL "nothing is pulled; 'boxdo import' does that"
#define LAYERS "there are no overlays of your own; bind a directory with -B"
#define NO_VM "containers run on this host's kernel"

static const struct boxdo_option apptainer_options[] = {
    {"bind", "SRC[:DST[:ro|rw]],...", apptainer_bind, NULL, "directories or files of this host",
        'B'},
    {"cleanenv", NULL, apptainer_cleanenv, NULL, "of your environment only what is asked for", 'e'},
    {"compat", NULL, apptainer_compat, NULL,
        "as --containall, and --writable-tmpfs where your rule grants it", 0},
    {"contain", NULL, boxdo_take_contain, NULL, "neither home nor working directory inside", 'c'},
    {"containall", NULL, apptainer_containall, NULL, "as --contain and --cleanenv", 'C'},
    {"cwd", "PATH", boxdo_take_workdir, NULL, "the working directory inside", 0},
    {"env", "NAME=VALUE,...", apptainer_env, NULL, "variables", 0},
    {"env-file", "FILE", boxdo_env_file, NULL, "variables, one a line", 0},
    {"home", "SRC[:DST]", apptainer_home, NULL, "another directory as the home directory", 'H'},
    {"hostname", "NAME", boxdo_take_hostname, NULL, "the container's host name", 0},
    {"mount", "type=bind,...", boxdo_mount, NULL, "type=bind,source=PATH,destination=PATH[,ro]", 0},
    {"net", NULL, apptainer_net, NULL, "with --network none", 'n'},
    {"network", "none", apptainer_network, NULL, "no network", 0},
    {"no-home", NULL, boxdo_take_no_home, NULL, "the home directory is not inside", 0},
    {"no-mount", "home,cwd", apptainer_no_mount, NULL, "leaves home or working directory out", 0},
    {"nv", NULL, apptainer_nv, NULL, "the device nvidia.com/gpu=all", 0},
    {"nvccli", NULL, apptainer_nv, NULL, "the same", 0},
    {"pwd", "PATH", boxdo_take_workdir, NULL, "as --cwd", 0},
    {"rocm", NULL, apptainer_rocm, NULL, "the device amd.com/gpu=all", 0},
    {"scratch", "PATH,...", apptainer_scratch, NULL, "empty directories in memory", 'S'},
    {"shell", "PATH", apptainer_shell_path, NULL, "the program that shell starts", 's'},
    {"writable-tmpfs", NULL, boxdo_take_scratch, NULL,
        "the root is writable; what is written lies in memory and is discarded", 0},

    {"disable-cache", NULL, NULL, "*", PULL, 0},
    {"docker-host", "ADDRESS", NULL, "*", PULL, 0},
    {"docker-login", NULL, NULL, "*", PULL, 0},
    {"drop-caps", "LIST", NULL, "*", "there are no capabilities to drop", 0},
    {"ignore-fakeroot-command", NULL, NULL, "*", SO, 0},
    {"ignore-subuid", NULL, NULL, "*", SO, 0},
    {"ignore-userns", NULL, NULL, "*", SO, 0},
    {"ipc", NULL, NULL, "*", SO, 'i'},
    {"no-eval", NULL, NULL, "*", SO, 0},
    {"no-https", NULL, NULL, "*", PULL, 0},
    {"no-nv", NULL, NULL, "*", SO, 0},
    {"no-privs", NULL, NULL, "*", SO, 0},
    {"no-rocm", NULL, NULL, "*", SO, 0},
    {"nohttps", NULL, NULL, "*", PULL, 0},
    {"pid", NULL, NULL, "*", SO, 'p'},
    {"sharens", NULL, NULL, NULL,
        "each container has its own processes; for MPI type 'boxdo run --ipc=host'", 0},
    {"tmpdir", "DIR", NULL, "*", PULL, 0},
    {"underlay", NULL, NULL, "*", SO, 0},
    {"unsquash", NULL, NULL, "*", SO, 0},
    {"userns", NULL, NULL, "*", "inside you are who you are outside", 'u'},
    {"uts", NULL, NULL, "*", SO, 0},

    {"blkio-weight", "WEIGHT", boxdo_take_limit, NULL, "", 0},
    {"blkio-weight-device", "WEIGHT", boxdo_take_limit, NULL, "", 0},
    {"cpu-shares", "NUMBER", boxdo_take_limit, NULL, "", 0},
    {"cpus", "NUMBER", boxdo_take_limit, NULL, "", 0},
    {"cpuset-cpus", "LIST", boxdo_take_limit, NULL, "", 0},
    {"cpuset-mems", "LIST", boxdo_take_limit, NULL, "", 0},
    {"memory", "SIZE", boxdo_take_limit, NULL, "", 0},
    {"memory-reservation", "SIZE", boxdo_take_limit, NULL, "", 0},
    {"memory-swap", "SIZE", boxdo_take_limit, NULL, "", 0},
    {"pids-limit", "NUMBER", boxdo_take_limit, NULL, "", 0},

    {"add-caps", "LIST", NULL, NULL, RIGHTS, 0},
    {"allow-setuid", NULL, NULL, NULL, RIGHTS, 0},
    {"app", "NAME", NULL, NULL, "start the program of that app by its path", 0},
    {"apply-cgroups", "FILE", NULL, NULL, "limits are those of your session or batch job", 0},
    {"dmtcp-launch", "NAME", NULL, NULL, "nothing is checkpointed here", 0},
    {"dmtcp-restart", "NAME", NULL, NULL, "nothing is checkpointed here", 0},
    {"dns", "LIST", NULL, NULL, "the container resolves names as this host does", 0},
    {"docker-password", "PASSWORD", NULL, NULL,
        PULL ", and passwords do not belong on command lines", 0},
    {"docker-username", "NAME", NULL, NULL, PULL, 0},
    {"fakeroot", NULL, NULL, NULL, RIGHTS, 'f'},
    {"fusemount", "SPEC", NULL, NULL, "mount it outside and bind it with -B", 0},
    {"keep-privs", NULL, NULL, NULL, RIGHTS, 0},
    {"network-args", "ARGS", NULL, NULL, "there is this host's network, or none", 0},
    {"no-init", NULL, NULL, NULL, "there always is an init", 0},
    {"no-umask", NULL, NULL, NULL, "the command has yours: type 'umask 022' before", 0},
    {"oom-kill-disable", NULL, NULL, NULL, "limits are those of your session or batch job", 0},
    {"overlay", "PATH", NULL, NULL, LAYERS, 'o'},
    {"passphrase", NULL, NULL, NULL, "encrypted images cannot be mounted here", 0},
    {"pem-path", "FILE", NULL, NULL, "encrypted images cannot be mounted here", 0},
    {"security", "FEATURE", NULL, NULL,
        "the seccomp filter and no_new_privs are there for everyone", 0},
    {"syos", NULL, NULL, NULL, NO_VM, 0},
    {"vm", NULL, NULL, NULL, NO_VM, 0},
    {"vm-cpu", "NUMBER", NULL, NULL, NO_VM, 0},
    {"vm-err", NULL, NULL, NULL, NO_VM, 0},
    {"vm-ip", "ADDRESS", NULL, NULL, NO_VM, 0},
    {"vm-ram", "SIZE", NULL, NULL, NO_VM, 0},
    {"workdir", "PATH", NULL, NULL,
        "/tmp and /var/tmp are in memory; bind a directory over them with -B", 'W'},
    {"writable", NULL, NULL, NULL, "images are read-only", 'w'},
};
static const struct boxdo_table apptainer_table = BOXDO_TABLE(apptainer_options);

static const struct boxdo_option apptainer_globals[] = {
    {"debug", NULL, NULL, "*", "", 'd'},
    {"nocolor", NULL, NULL, "*", "", 0},
    {"quiet", NULL, NULL, "*", "", 'q'},
    {"silent", NULL, NULL, "*", "", 's'},
    {"verbose", NULL, NULL, "*", "", 'v'},
    {"config", "FILE", NULL, NULL, "what may be done is in boxdo-policy(5)", 'c'},
};
const struct boxdo_table boxdo_apptainer_globals = BOXDO_TABLE(apptainer_globals);

const struct boxdo_grammar boxdo_apptainer_grammar = {
    "boxdo apptainer exec|run|shell", "IMAGE [COMMAND [ARG...]]", {&apptainer_table}, NULL};

/* Options that come as variables, behind APPTAINER_ or SINGULARITY_. */
static int
apptainer_variables(struct boxdo_run *run, const char *prefix)
{
	static const char *const names[][2] = {{"BIND", "bind"}, {"BINDPATH", "bind"},
	    {"CLEANENV", "cleanenv"}, {"COMPAT", "compat"}, {"CONTAIN", "contain"},
	    {"CONTAINALL", "containall"}, {"CWD", "cwd"}, {"ENV_FILE", "env-file"},
	    {"HOME", "home"}, {"HOSTNAME", "hostname"}, {"MOUNT", "mount"}, {"NET", "net"},
	    {"NETWORK", "network"}, {"NO_HOME", "no-home"}, {"NO_MOUNT", "no-mount"}, {"NV", "nv"},
	    {"PWD", "pwd"}, {"ROCM", "rocm"}, {"SCRATCH", "scratch"}, {"SHELL", "shell"},
	    {"WRITABLE_TMPFS", "writable-tmpfs"}};
	char name[64];
	int error = 0;

	for (size_t i = 0; error == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		const struct boxdo_option *option =
		    boxdo_option_named(&boxdo_apptainer_grammar, names[i][1], strlen(names[i][1]));
		const char *value;

		snprintf(name, sizeof(name), "%s_%s", prefix, names[i][0]);
		value = getenv(name);
		if (value == NULL || *value == '\0' || option == NULL)
			continue;
		/* A flag counts unless it says that it does not. */
		if (option->argument != NULL ||
		    (strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0 &&
		        strcasecmp(value, "no") != 0))
			error = option->take(run, option->argument != NULL ? value : NULL);
	}
	return error;
}

/* Options, variables and image; *at is then the command's. */
int
boxdo_apptainer_read(struct boxdo_run *run, int argc, char **argv, int *at)
{
	static const char *const prefixes[] = {"SINGULARITY", "APPTAINER"};
	char variables[32];
	int error = 0;

	for (int i = 0; error == 0 && i < 2; i++) {
		error = apptainer_variables(run, prefixes[i]);
		snprintf(variables, sizeof(variables), "%sENV_", prefixes[i]);
		if (error == 0)
			error = boxdo_env_prefixed(run, variables);
	}
	if (error == 0)
		error = boxdo_run_parse(&boxdo_apptainer_grammar, run, argc, argv, at);
	if (error != 0)
		return error;
	if (run->net && !boxdo_run_has(run, REQUEST_NETWORK))
		return boxdo_fail(
		    "--net is refused: there are no bridges here; type --net --network none, or "
		    "leave it out for this host's network");
	if (*at >= argc || argv[*at][0] == '\0')
		return boxdo_fail(
		    "no image is named: boxdo apptainer %s [OPTIONS] IMAGE ...", argv[0]);
	return boxdo_front_image(run, argv[(*at)++]);
}
