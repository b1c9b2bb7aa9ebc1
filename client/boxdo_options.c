/*
 * The options of boxdo run: the one table of what is honoured, accepted without effect, or refused.
 *
 * Runs as the caller. Every option of docker run stands here, so that a pasted command line either
 * means what it says or ends with a reason and what to do instead; `boxdo run --help` prints the
 * table, and boxdo(1) lists the same. Order: by kind, then by name.
 */
#include "client/boxdo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
boxdo_take_name(struct boxdo_run *run, const char *value)
{
	return boxdo_run_add(run, REQUEST_NAME, value, strlen(value));
}

int
boxdo_take_hostname(struct boxdo_run *run, const char *value)
{
	return boxdo_run_add(run, REQUEST_HOSTNAME, value, strlen(value));
}

/* An empty value takes back what docker's image said; here it is the same as not typing it. */
static int
boxdo_take_entrypoint(struct boxdo_run *run, const char *value)
{
	return boxdo_run_add(run, REQUEST_ENTRYPOINT, value, strlen(value));
}

int
boxdo_take_user(struct boxdo_run *run, const char *value)
{
	return *value == '\0' ? 0 : boxdo_run_add(run, REQUEST_USER, value, strlen(value));
}

int
boxdo_take_workdir(struct boxdo_run *run, const char *value)
{
	if (*value != '/')
		return boxdo_fail(
		    "-w %s: the working directory must be an absolute path inside", value);
	return boxdo_run_add(run, REQUEST_WORKDIR, value, strlen(value));
}

static int
boxdo_take_network(struct boxdo_run *run, const char *value)
{
	if (strcmp(value, "host") != 0 && strcmp(value, "none") != 0)
		return boxdo_fail(
		    "--network=%s is refused: there are no docker networks here; type host (this"
		    " host's own) or none",
		    value);
	return boxdo_run_add(run, REQUEST_NETWORK, value, strlen(value));
}

static int
boxdo_take_ipc(struct boxdo_run *run, const char *value)
{
	if (strcmp(value, "host") != 0 && strcmp(value, "private") != 0)
		return boxdo_fail(
		    "--ipc=%s is refused: type private, or host where your rule grants it", value);
	return boxdo_run_add(run, REQUEST_IPC, value, strlen(value));
}

int
boxdo_take_scratch(struct boxdo_run *run, const char *value)
{
	return value != NULL ? boxdo_scratch_size(run, value)
	                     : boxdo_run_add(run, REQUEST_SCRATCH, "yes", 3);
}

static int
boxdo_take_storage(struct boxdo_run *run, const char *value)
{
	return strncmp(value, "size=", 5) == 0
	           ? boxdo_scratch_size(run, value + 5)
	           : boxdo_fail("--storage-opt %s is refused: type size=SIZE, of a writable root "
	                        "that your rule grants",
	                 value);
}

static int
boxdo_take_cidfile(struct boxdo_run *run, const char *value)
{
	run->cidfile = *value != '\0' ? value : NULL;
	return 0;
}

static int
boxdo_take_rm(struct boxdo_run *run, const char *value)
{
	(void)value;
	run->remove = true;
	return 0;
}

static int
boxdo_take_read_only(struct boxdo_run *run, const char *value)
{
	(void)value;
	run->read_only = true;
	return 0;
}

int
boxdo_take_no_home(struct boxdo_run *run, const char *value)
{
	(void)value;
	return boxdo_run_add(run, REQUEST_HOME, "no", 2);
}

int
boxdo_take_contain(struct boxdo_run *run, const char *value)
{
	int error = boxdo_take_no_home(run, value);

	return error != 0 ? error : boxdo_run_add(run, REQUEST_CWD, "no", 2);
}

int
boxdo_take_limit(struct boxdo_run *run, const char *value)
{
	static bool said;

	(void)run;
	(void)value;
	if (!said)
		boxdo_note(
		    "note: limits of memory, processors and processes are those of your session or "
		    "batch job; those on the command line have no effect");
	said = true;
	return 0;
}

int
boxdo_take_never(struct boxdo_run *run, const char *value)
{
	(void)value;
	return boxdo_run_add(run, REQUEST_PROMPT, "never", 5);
}

int
boxdo_take_stdin(struct boxdo_run *run, const char *value)
{
	(void)value;
	return boxdo_run_add(run, REQUEST_PROMPT, "stdin", 5);
}

int
boxdo_take_askpass(struct boxdo_run *run, const char *value)
{
	const char *program = getenv("BOXDO_ASKPASS");

	(void)value;
	if (program == NULL || *program != '/')
		return boxdo_fail("-A: BOXDO_ASKPASS must name the program that asks, by its "
		                  "absolute path");
	return boxdo_run_add(run, REQUEST_PROMPT, "askpass", 7);
}

/* Reasons that several options share. */
#define RIGHTS "a container never has more rights than you"
#define NETWORK "the container uses this host's network (--network=host) or none"
#define PORTS "not needed, with --network=host the container's ports are this host's"
#define LIMITS                                                                                     \
	"limits are those of your session or batch job; ask there, as in systemd-run --user -p "   \
	"or srun"
#define NO_NAMES "containers do not know each other by name; give them a common directory with -v"
#define RECORD "the record holds the whole command line; --name labels it"
#define HEALTH "nobody restarts or watches containers here; run the check in the command"
#define FOREGROUND "a container lives as long as the command you started; "

static const struct boxdo_option boxdo_options[] = {
    /* Honoured. */
    {"askpass", NULL, boxdo_take_askpass, NULL, "a password comes from the program BOXDO_ASKPASS",
        'A'},
    {"cidfile", "FILE", boxdo_take_cidfile, NULL,
        "the container's name is written there, and its status kept for boxdo wait", 0},
    {"contain", NULL, boxdo_take_contain, NULL, "neither home nor working directory inside", 0},
    {"device", "PATH|CDI-NAME", boxdo_device, NULL,
        "a device, under the same path inside; or vendor.com/class=name", 0},
    {"entrypoint", "COMMAND", boxdo_take_entrypoint, NULL, "goes before COMMAND", 0},
    {"env", "NAME[=VALUE]", boxdo_env, NULL, "a variable; without a value: as it is set here", 'e'},
    {"env-file", "FILE", boxdo_env_file, NULL, "variables, one a line", 0},
    {"gpus", "all|device=NAME,...", boxdo_gpus, NULL, "NVIDIA's, by CDI: nvidia.com/gpu=NAME", 0},
    {"hostname", "NAME", boxdo_take_hostname, NULL, "the container's host name", 'h'},
    {"ipc", "host|private", boxdo_take_ipc, NULL, "shared memory with this host, or its own", 0},
    {"mount", "type=...", boxdo_mount, NULL,
        "type=bind,source=PATH,target=PATH[,readonly] or type=tmpfs,target=PATH[,tmpfs-size=SIZE]",
        0},
    {"name", "NAME", boxdo_take_name, NULL, "a label in the record", 0},
    {"net", "host|none", boxdo_take_network, NULL, "the same as --network", 0},
    {"network", "host|none", boxdo_take_network, NULL, "this host's network, or none", 0},
    {"no-home", NULL, boxdo_take_no_home, NULL, "the home directory is not inside", 0},
    {"non-interactive", NULL, boxdo_take_never, NULL,
        "no password is asked for: refused if one is needed", 'n'},
    {"read-only", NULL, boxdo_take_read_only, NULL, "the root is read-only", 0},
    {"rm", NULL, boxdo_take_rm, NULL, "nothing ever stays; nor does a status, with --cidfile", 0},
    {"scratch", NULL, boxdo_take_scratch, "SIZE",
        "the root is writable; what is written lies in memory and is discarded", 0},
    {"shm-size", "SIZE", boxdo_shm_size, NULL, "size of /dev/shm", 0},
    {"stdin", NULL, boxdo_take_stdin, NULL,
        "a password is read from standard input, one line; the rest is COMMAND's", 'S'},
    {"storage-opt", "size=SIZE", boxdo_take_storage, NULL,
        "a writable root of that size, or refused", 0},
    {"tmpfs", "PATH[:size=SIZE]", boxdo_tmpfs, NULL, "an empty directory in memory", 0},
    {"ulimit", "NAME=SOFT[:HARD]", boxdo_ulimit, NULL, "a resource limit; -1 is unlimited", 0},
    {"user", "NAME|UID[:GID]", boxdo_take_user, NULL, "yourself, or an account your rule names",
        'u'},
    {"volume", "SRC[:DST][:ro|rw]", boxdo_volume, NULL, "a directory or file of this host", 'v'},
    {"workdir", "PATH", boxdo_take_workdir, NULL, "the working directory inside", 'w'},

    /* Accepted without effect: it is so anyway, or the value may only be the one that is. */
    {"attach", "STREAM", NULL, "*", "the streams are always yours", 'a'},
    {"cap-drop", "CAPABILITY", NULL, "*", "there are none to drop", 0},
    {"detach-keys", "KEYS", NULL, "*", "nothing is ever detached", 0},
    {"disable-content-trust", NULL, NULL, "*", "images come from the catalogue", 0},
    {"expose", "PORT", NULL, "*", "ports need no declaration", 0},
    {"init", NULL, NULL, "*", "there always is one", 0},
    {"interactive", NULL, NULL, "*", "standard input is always yours", 'i'},
    {"no-healthcheck", NULL, NULL, "*", "there never is one", 0},
    {"quiet", NULL, NULL, "*", "nothing is pulled", 'q'},
    {"sig-proxy", NULL, NULL, "*", "signals are always passed on", 0},
    {"tty", NULL, NULL, "*", "the terminal is always yours", 't'},

    /* Refused, but for the values named. */
    {"add-host", "HOST:IP", NULL, NULL,
        "the container has this host's /etc/hosts; bind another file"
        " over it with -v where your rule grants that",
        0},
    {"annotation", "KEY=VALUE", NULL, NULL, RECORD, 0},
    {"blkio-weight", "WEIGHT", NULL, "0", LIMITS, 0},
    {"blkio-weight-device", "DEVICE:WEIGHT", NULL, NULL, LIMITS, 0},
    {"cap-add", "CAPABILITY", NULL, NULL, RIGHTS, 0},
    {"cgroup-parent", "CGROUP", NULL, NULL, "a container stays in your own cgroup, with its limits",
        0},
    {"cgroupns", "MODE", NULL, NULL, "a container stays in your own cgroup; leave it out", 0},
    {"cpu-count", "NUMBER", NULL, NULL, LIMITS, 0},
    {"cpu-percent", "NUMBER", NULL, NULL, LIMITS, 0},
    {"cpu-period", "NUMBER", NULL, NULL, LIMITS, 0},
    {"cpu-quota", "NUMBER", NULL, NULL, LIMITS, 0},
    {"cpu-rt-period", "NUMBER", NULL, NULL, LIMITS, 0},
    {"cpu-rt-runtime", "NUMBER", NULL, NULL, LIMITS, 0},
    {"cpu-shares", "NUMBER", NULL, NULL, LIMITS, 'c'},
    {"cpus", "NUMBER", NULL, NULL, LIMITS, 0},
    {"cpuset-cpus", "LIST", NULL, NULL, "type 'taskset -c LIST boxdo run ...'", 0},
    {"cpuset-mems", "LIST", NULL, NULL, "type 'numactl -m LIST boxdo run ...'", 0},
    {"detach", NULL, NULL, NULL, FOREGROUND "run it in the background with & or as a batch job",
        'd'},
    {"device-cgroup-rule", "RULE", NULL, NULL, "name the devices with --device", 0},
    {"device-read-bps", "LIMIT", NULL, NULL, LIMITS, 0},
    {"device-read-iops", "LIMIT", NULL, NULL, LIMITS, 0},
    {"device-write-bps", "LIMIT", NULL, NULL, LIMITS, 0},
    {"device-write-iops", "LIMIT", NULL, NULL, LIMITS, 0},
    {"dns", "ADDRESS", NULL, NULL, "the container resolves names as this host does; leave it out",
        0},
    {"dns-opt", "OPTION", NULL, NULL,
        "the container resolves names as this host does; leave it out", 0},
    {"dns-option", "OPTION", NULL, NULL,
        "the container resolves names as this host does; leave it out", 0},
    {"dns-search", "DOMAIN", NULL, NULL,
        "the container resolves names as this host does; leave it out", 0},
    {"domainname", "NAME", NULL, NULL, "type the whole name with --hostname", 0},
    {"group-add", "GROUP", NULL, "keep-groups", "inside you have exactly your groups", 0},
    {"health-cmd", "COMMAND", NULL, NULL, HEALTH, 0},
    {"health-interval", "TIME", NULL, NULL, HEALTH, 0},
    {"health-retries", "NUMBER", NULL, NULL, HEALTH, 0},
    {"health-start-interval", "TIME", NULL, NULL, HEALTH, 0},
    {"health-start-period", "TIME", NULL, NULL, HEALTH, 0},
    {"health-timeout", "TIME", NULL, NULL, HEALTH, 0},
    {"io-maxbandwidth", "SIZE", NULL, NULL, LIMITS, 0},
    {"io-maxiops", "NUMBER", NULL, NULL, LIMITS, 0},
    {"ip", "ADDRESS", NULL, NULL, NETWORK, 0},
    {"ip6", "ADDRESS", NULL, NULL, NETWORK, 0},
    {"isolation", "TECHNOLOGY", NULL, "default", "there is one kind of isolation", 0},
    {"kernel-memory", "SIZE", NULL, NULL, LIMITS, 0},
    {"label", "LABEL", NULL, NULL, RECORD, 'l'},
    {"label-file", "FILE", NULL, NULL, RECORD, 0},
    {"link", "CONTAINER", NULL, NULL, NO_NAMES, 0},
    {"link-local-ip", "ADDRESS", NULL, NULL, NETWORK, 0},
    {"log-driver", "DRIVER", NULL, NULL, "output goes where yours goes; redirect it with > or |",
        0},
    {"log-opt", "OPTION", NULL, NULL, "output goes where yours goes; redirect it with > or |", 0},
    {"mac-address", "ADDRESS", NULL, NULL, NETWORK, 0},
    {"memory", "SIZE", NULL, NULL, LIMITS, 'm'},
    {"memory-reservation", "SIZE", NULL, NULL, LIMITS, 0},
    {"memory-swap", "SIZE", NULL, "-1", LIMITS, 0},
    {"memory-swappiness", "NUMBER", NULL, "-1", LIMITS, 0},
    {"net-alias", "NAME", NULL, NULL, NO_NAMES, 0},
    {"network-alias", "NAME", NULL, NULL, NO_NAMES, 0},
    {"oom-kill-disable", NULL, NULL, NULL, LIMITS, 0},
    {"oom-score-adj", "NUMBER", NULL, "0", "type 'choom -n NUMBER -- boxdo run ...'", 0},
    {"pid", "MODE", NULL, "private", "a container always has its own process ids", 0},
    {"pids-limit", "NUMBER", NULL, "-1 0", LIMITS, 0},
    {"platform", "PLATFORM", NULL, "linux linux/amd64 linux/x86_64", "only linux/amd64 runs here",
        0},
    {"privileged", NULL, NULL, NULL, RIGHTS, 0},
    {"publish", "PORT", NULL, NULL, PORTS, 'p'},
    {"publish-all", NULL, NULL, NULL, PORTS, 'P'},
    {"pull", "WHEN", NULL, "never", "nothing is ever pulled; images come from the catalogue", 0},
    {"restart", "POLICY", NULL, "no",
        "nobody restarts containers here; use a batch job or a systemd --user"
        " unit",
        0},
    {"runtime", "NAME", NULL, NULL, "there is one runtime; for GPUs name the devices with --device",
        0},
    {"security-opt", "OPTION", NULL,
        "no-new-privileges no-new-privileges:true no-new-privileges=true label=disable "
        "label:disable",
        "the seccomp filter and no_new_privs stay for everyone; leave it out", 0},
    {"stop-signal", "SIGNAL", NULL, "SIGTERM TERM 15",
        "the signal you send is the one that arrives; send"
        " another with kill",
        0},
    {"stop-timeout", "SECONDS", NULL, NULL,
        "nobody stops your container but you; type"
        " 'timeout -k SECONDS ... boxdo run ...'",
        0},
    {"sysctl", "KEY=VALUE", NULL, NULL, RIGHTS "; an administrator sets kernel parameters", 0},
    {"use-api-socket", NULL, NULL, NULL, "there is no daemon to talk to", 0},
    {"userns", "MODE", NULL, "host keep-id", "inside you are who you are outside; leave it out", 0},
    {"uts", "MODE", NULL, "private", "a container has its own host name; set it with --hostname",
        0},
    {"volume-driver", "DRIVER", NULL, NULL,
        "there are no docker volumes here; name a directory with -v", 0},
    {"volumes-from", "CONTAINER", NULL, NULL, "name the same directories again with -v", 0},
};

const struct boxdo_table boxdo_run_options = BOXDO_TABLE(boxdo_options);
const struct boxdo_grammar boxdo_run_grammar = {
    "boxdo run", "IMAGE [COMMAND [ARG...]]", {&boxdo_run_options}, NULL};
const char *const boxdo_run_own[] = {"contain", "no-home", "scratch", NULL};

/* --- looking options up ------------------------------------------------------------------------------ */

static bool
boxdo_option_lacking(const struct boxdo_grammar *grammar, const char *name)
{
	for (const char *const *lacks = grammar->lacks; lacks != NULL && *lacks != NULL; lacks++)
		if (strcmp(*lacks, name) == 0)
			return true;
	return false;
}

/* The i-th option of a grammar, counted through its tables; NULL: no more. An option that stands twice is hidden. */
static const struct boxdo_option *
boxdo_option_at(const struct boxdo_grammar *grammar, size_t i)
{
	for (size_t at = 0; at < BOXDO_TABLES_MAX && grammar->tables[at] != NULL; at++) {
		if (i < grammar->tables[at]->count)
			return &grammar->tables[at]->options[i];
		i -= grammar->tables[at]->count;
	}
	return NULL;
}

const struct boxdo_option *
boxdo_option_named(const struct boxdo_grammar *grammar, const char *name, size_t length)
{
	const struct boxdo_option *option;

	for (size_t i = 0; (option = boxdo_option_at(grammar, i)) != NULL; i++)
		if (strlen(option->name) == length && memcmp(option->name, name, length) == 0 &&
		    !boxdo_option_lacking(grammar, option->name))
			return option;
	return NULL;
}

const struct boxdo_option *
boxdo_option_lettered(const struct boxdo_grammar *grammar, char letter)
{
	const struct boxdo_option *option;

	for (size_t i = 0; (option = boxdo_option_at(grammar, i)) != NULL; i++)
		if (option->letter == letter && !boxdo_option_lacking(grammar, option->name))
			return option;
	return NULL;
}

/* How many letters must be changed, put in or left out to make b of a; both shorter than 32. */
static size_t
boxdo_distance(const char *a, size_t length, const char *b)
{
	size_t row[33], width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; i <= length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			size_t changed = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = row[j] + 1 < changed ? row[j] + 1 : changed;
			row[j] = row[j - 1] + 1 < row[j] ? row[j - 1] + 1 : row[j];
		}
	}
	return row[width];
}

const char *
boxdo_option_nearest(const struct boxdo_grammar *grammar, const char *name, size_t length)
{
	const struct boxdo_option *option;
	const char *nearest = NULL;
	size_t best = 3; /* further away it is a guess that only puzzles */

	for (size_t i = 0;
	     length > 2 && length < 32 && (option = boxdo_option_at(grammar, i)) != NULL; i++) {
		size_t distance = boxdo_distance(name, length, option->name);

		if (distance < best && !boxdo_option_lacking(grammar, option->name)) {
			best = distance;
			nearest = option->name;
		}
	}
	return nearest;
}

/* --- the help ---------------------------------------------------------------------------------------- */

enum kind { HONOURED, WITHOUT_EFFECT, NOTED, REFUSED };

static enum kind
boxdo_option_kind(const struct boxdo_option *option)
{
	if (option->take == boxdo_take_limit)
		return NOTED;
	if (option->take != NULL)
		return HONOURED;
	return option->accepted != NULL && strcmp(option->accepted, "*") == 0 ? WITHOUT_EFFECT
	                                                                      : REFUSED;
}

static void
boxdo_option_print(const struct boxdo_option *option)
{
	char left[64], letter[8] = "";

	if (option->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	snprintf(left, sizeof(left), "%4s--%s%s%s%s", letter, option->name,
	    option->argument != NULL ? " " : "", option->argument != NULL ? option->argument : "",
	    option->take != NULL && option->argument == NULL && option->accepted != NULL ? "[=SIZE]"
	                                                                                 : "");
	printf("  %-32s  %s", left, option->text);
	if (boxdo_option_kind(option) == REFUSED && option->accepted != NULL)
		printf(" (without effect: %s)", option->accepted);
	putchar('\n');
}

int
boxdo_options_help(const struct boxdo_grammar *grammar)
{
	static const char *const headings[] = {"Honoured, as far as your rule grants it:",
	    "Accepted without effect:", "Accepted with a note:", "Refused, and why:"};
	const struct boxdo_option *option;

	printf("usage: %s [OPTIONS] %s\n", grammar->name, grammar->operands);
	for (int kind = HONOURED; kind <= REFUSED; kind++) {
		bool any = false;

		for (size_t i = 0; (option = boxdo_option_at(grammar, i)) != NULL; i++) {
			if ((int)boxdo_option_kind(option) != kind ||
			    option !=
			        boxdo_option_named(grammar, option->name, strlen(option->name)))
				continue;
			if (!any)
				printf("\n%s\n", headings[kind]);
			any = true;
			boxdo_option_print(option);
		}
	}
	return fflush(stdout) == 0 ? 0 : BOXDO_EXIT_CLIENT;
}
