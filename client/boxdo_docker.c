/*
 * docker, podman and nerdctl: the options of run that podman and nerdctl have beside docker's, and those before the
 * subcommand; boxdo_docker_run.c has the subcommands.
 *
 * Runs as the caller. docker's rule about what goes in holds here: neither home nor working directory, and
 * of the environment what -e names. Limits are accepted with a note, since pipelines put them on every
 * command line. The options are those of docker 28, podman 5 and nerdctl 2, from their own manuals.
 */
#include "client/boxdo.h"

#include <stdlib.h>
#include <string.h>

/* --- options ----------------------------------------------------------------------------------------- */

static int
docker_take_tty(struct boxdo_run *run, const char *value)
{
	(void)value;
	run->keep_term = true;
	return 0;
}

static int
docker_take_all(struct boxdo_run *run, const char *value)
{
	(void)value;
	run->clean = false;
	return 0;
}

static int
docker_take_zone(struct boxdo_run *run, const char *value)
{
	char variable[REQUEST_NAME_MAX];

	if (strcmp(value, "local") == 0)
		return 0;
	if (strlen(value) + sizeof("TZ=") > sizeof(variable))
		return boxdo_fail("--tz %.40s...: is no time zone", value);
	strcpy(variable, "TZ=");
	strcat(variable, value);
	return boxdo_env(run, variable);
}

#define STORE "images come from the catalogue; nothing is pulled or kept"
#define RIGHTS "inside you are who you are outside, with no more rights; leave it out"
#define FILES                                                                                      \
	"the container has this host's; bind another over it with -v where your rule grants that"
#define FOREGROUND "a container lives as long as the command you started; its process id is $!"
#define PODS "there are no pods and no other containers to depend on"

static const struct boxdo_option docker_limits[] = {
    {"blkio-weight", "WEIGHT", boxdo_take_limit, NULL, "", 0},
    {"cpu-period", "NUMBER", boxdo_take_limit, NULL, "", 0},
    {"cpu-quota", "NUMBER", boxdo_take_limit, NULL, "", 0},
    {"cpu-shares", "NUMBER", boxdo_take_limit, NULL, "", 'c'},
    {"cpus", "NUMBER", boxdo_take_limit, NULL, "", 0},
    {"cpuset-cpus", "LIST", boxdo_take_limit, NULL, "", 0},
    {"cpuset-mems", "LIST", boxdo_take_limit, NULL, "", 0},
    {"memory", "SIZE", boxdo_take_limit, NULL, "", 'm'},
    {"memory-reservation", "SIZE", boxdo_take_limit, NULL, "", 0},
    {"memory-swap", "SIZE", boxdo_take_limit, NULL, "", 0},
    {"pids-limit", "NUMBER", boxdo_take_limit, NULL, "", 0},
    {"tty", NULL, docker_take_tty, NULL, "TERM goes in; the terminal is always yours", 't'},
};
static const struct boxdo_table docker_limits_table = BOXDO_TABLE(docker_limits);

static const struct boxdo_option podman_options[] = {
    {"env-host", NULL, docker_take_all, NULL, "your environment goes in", 0},
    {"tz", "ZONE", docker_take_zone, NULL, "the variable TZ; local: as it is", 0},

    {"arch", "ARCH", NULL, "amd64 x86_64", "only amd64 runs here", 0},
    {"authfile", "FILE", NULL, "*", STORE, 0},
    {"cert-dir", "DIR", NULL, "*", STORE, 0},
    {"creds", "CREDENTIALS", NULL, "*", STORE, 0},
    {"http-proxy", NULL, NULL, "*", "http_proxy and its like go in", 0},
    {"init-path", "PATH", NULL, "*", "there always is an init", 0},
    {"os", "OS", NULL, "linux", "only linux runs here", 0},
    {"passwd", NULL, NULL, "*", "/etc/passwd inside always has you", 0},
    {"read-only-tmpfs", NULL, NULL, "*", "/tmp, /var/tmp and /dev/shm are always writable", 0},
    {"replace", NULL, NULL, "*", "no container of that name stays", 0},
    {"retry", "NUMBER", NULL, "*", STORE, 0},
    {"retry-delay", "TIME", NULL, "*", STORE, 0},
    {"rootfs", NULL, NULL, "*", "an image may be named by its path", 0},
    {"tls-verify", NULL, NULL, "*", STORE, 0},
    {"variant", "VARIANT", NULL, "*", STORE, 0},

    {"cgroup-conf", "KEY=VALUE", NULL, NULL,
        "a container stays in your own cgroup, with its limits", 0},
    {"cgroups", "HOW", NULL, "enabled disabled", "a container stays in your own cgroup", 0},
    {"chrootdirs", "DIRS", NULL, NULL, FILES, 0},
    {"conmon-pidfile", "FILE", NULL, NULL, FOREGROUND, 0},
    {"decryption-key", "KEY", NULL, NULL, STORE, 0},
    {"env-merge", "ENV", NULL, NULL, "set the whole value with -e", 0},
    {"gidmap", "MAP", NULL, NULL, RIGHTS, 0},
    {"group-entry", "ENTRY", NULL, NULL, FILES, 0},
    {"health-log-destination", "DIR", NULL, NULL, "nobody watches containers here", 0},
    {"health-max-log-count", "NUMBER", NULL, NULL, "nobody watches containers here", 0},
    {"health-max-log-size", "SIZE", NULL, NULL, "nobody watches containers here", 0},
    {"health-on-failure", "ACTION", NULL, "none", "nobody watches containers here", 0},
    {"health-startup-cmd", "COMMAND", NULL, NULL, "nobody watches containers here", 0},
    {"health-startup-interval", "TIME", NULL, NULL, "nobody watches containers here", 0},
    {"health-startup-retries", "NUMBER", NULL, NULL, "nobody watches containers here", 0},
    {"health-startup-success", "NUMBER", NULL, NULL, "nobody watches containers here", 0},
    {"health-startup-timeout", "TIME", NULL, NULL, "nobody watches containers here", 0},
    {"hosts-file", "FILE", NULL, NULL, FILES, 0},
    {"hostuser", "NAME", NULL, NULL, FILES, 0},
    {"image-volume", "HOW", NULL, "bind ignore tmpfs",
        "an image's volumes are part of it, read-only", 0},
    {"init-ctr", "WHEN", NULL, NULL, PODS, 0},
    {"no-hostname", NULL, NULL, NULL, FILES, 0},
    {"no-hosts", NULL, NULL, NULL, FILES, 0},
    {"passwd-entry", "ENTRY", NULL, NULL, FILES, 0},
    {"personality", "PERSONA", NULL, NULL, "type 'setarch ... boxdo podman run ...'", 0},
    {"pidfile", "FILE", NULL, NULL, FOREGROUND, 0},
    {"pod", "NAME", NULL, NULL, PODS, 0},
    {"pod-id-file", "FILE", NULL, NULL, PODS, 0},
    {"preserve-fd", "LIST", NULL, NULL, "a container gets standard input, output and error alone",
        0},
    {"preserve-fds", "NUMBER", NULL, "0", "a container gets standard input, output and error alone",
        0},
    {"rdt-class", "NAME", NULL, NULL, "a container stays in your own class", 0},
    {"requires", "NAME", NULL, NULL, PODS, 0},
    {"rmi", NULL, NULL, NULL, STORE, 0},
    {"sdnotify", "HOW", NULL, "ignore", "there is no service manager to tell", 0},
    {"seccomp-policy", "POLICY", NULL, "default", "the filter is there for everyone", 0},
    {"secret", "SECRET", NULL, NULL, "bind the file, or pass it as -e NAME from your environment",
        0},
    {"shm-size-systemd", "SIZE", NULL, NULL, "use --tmpfs /run:size=SIZE", 0},
    {"subgidname", "NAME", NULL, NULL, RIGHTS, 0},
    {"subuidname", "NAME", NULL, NULL, RIGHTS, 0},
    {"systemd", "MODE", NULL, "false true", "no systemd can run inside, since nobody is root there",
        0},
    {"timeout", "SECONDS", NULL, "0", "type 'timeout SECONDS boxdo podman run ...'", 0},
    {"uidmap", "MAP", NULL, NULL, RIGHTS, 0},
    {"umask", "MODE", NULL, NULL, "the command has yours: type 'umask MODE' before", 0},
    {"unsetenv", "NAME", NULL, NULL,
        "a variable cannot be taken from an image; set it empty with -e NAME=", 0},
    {"unsetenv-all", NULL, NULL, NULL,
        "variables cannot be taken from an image; set them empty with -e NAME=", 0},
};
static const struct boxdo_table podman_table = BOXDO_TABLE(podman_options);

static const struct boxdo_option nerdctl_options[] = {
    {"init-binary", "NAME", NULL, "*", "there always is an init", 0},
    {"ipfs-address", "ADDRESS", NULL, "*", STORE, 0},
    {"cosign-certificate-identity", "IDENTITY", NULL, NULL, STORE, 0},
    {"cosign-certificate-identity-regexp", "REGEXP", NULL, NULL, STORE, 0},
    {"cosign-certificate-oidc-issuer", "ISSUER", NULL, NULL, STORE, 0},
    {"cosign-certificate-oidc-issuer-regexp", "REGEXP", NULL, NULL, STORE, 0},
    {"cosign-key", "KEY", NULL, NULL, STORE, 0},
    {"cgroup-conf", "KEY=VALUE", NULL, NULL,
        "a container stays in your own cgroup, with its limits", 0},
    {"pidfile", "FILE", NULL, NULL, FOREGROUND, 0},
    {"rdt-class", "NAME", NULL, NULL, "a container stays in your own class", 0},
    {"rootfs", NULL, NULL, "*", "an image may be named by its path", 0},
    {"systemd", "MODE", NULL, "false true", "no systemd can run inside, since nobody is root there",
        0},
    {"umask", "MODE", NULL, NULL, "the command has yours: type 'umask MODE' before", 0},
    {"verify", "PROVIDER", NULL, "none", STORE, 0},
};
static const struct boxdo_table nerdctl_table = BOXDO_TABLE(nerdctl_options);

#define OPERANDS "IMAGE [COMMAND [ARG...]]"
const struct boxdo_grammar boxdo_docker_grammar = {
    "boxdo docker run", OPERANDS, {&docker_limits_table, &boxdo_run_options}, boxdo_run_own};
const struct boxdo_grammar boxdo_podman_grammar = {"boxdo podman run", OPERANDS,
    {&docker_limits_table, &podman_table, &boxdo_run_options}, boxdo_run_own};
const struct boxdo_grammar boxdo_nerdctl_grammar = {"boxdo nerdctl run", OPERANDS,
    {&docker_limits_table, &nerdctl_table, &boxdo_run_options}, boxdo_run_own};

/* --- before the subcommand --------------------------------------------------------------------------- */

#define NO_DAEMON "there is no daemon to talk to, here or elsewhere"

static const struct boxdo_option docker_globals[] = {
    {"config", "DIR", NULL, "*", "there is nothing to configure", 0},
    {"debug", NULL, NULL, "*", "", 'D'},
    {"log-level", "LEVEL", NULL, "*", "", 'l'},
    {"context", "NAME", NULL, "default", NO_DAEMON, 'c'},
    {"host", "ADDRESS", NULL, NULL, NO_DAEMON, 'H'},
    {"tls", NULL, NULL, NULL, NO_DAEMON, 0},
    {"tlscacert", "FILE", NULL, NULL, NO_DAEMON, 0},
    {"tlscert", "FILE", NULL, NULL, NO_DAEMON, 0},
    {"tlskey", "FILE", NULL, NULL, NO_DAEMON, 0},
    {"tlsverify", NULL, NULL, NULL, NO_DAEMON, 0},
};
const struct boxdo_table boxdo_docker_globals = BOXDO_TABLE(docker_globals);

static const struct boxdo_option podman_globals[] = {
    {"cdi-spec-dir", "DIR", NULL, NULL, "devices are described by root's files in /etc/cdi", 0},
    {"cgroup-manager", "NAME", NULL, "*", "", 0},
    {"config", "DIR", NULL, "*", "", 0},
    {"conmon", "PATH", NULL, "*", "", 0},
    {"connection", "NAME", NULL, NULL, NO_DAEMON, 'c'},
    {"events-backend", "NAME", NULL, "*", "", 0},
    {"hooks-dir", "DIR", NULL, NULL, "no hooks are run", 0},
    {"identity", "FILE", NULL, NULL, NO_DAEMON, 0},
    {"imagestore", "DIR", NULL, "*", STORE, 0},
    {"log-level", "LEVEL", NULL, "*", "", 0},
    {"module", "FILE", NULL, NULL, "there is nothing to configure", 0},
    {"network-cmd-path", "PATH", NULL, "*", "", 0},
    {"network-config-dir", "DIR", NULL, "*", "", 0},
    {"noout", NULL, NULL, NULL, "redirect the output with >", 0},
    {"out", "FILE", NULL, NULL, "redirect the output with >", 0},
    {"remote", NULL, NULL, NULL, NO_DAEMON, 'r'},
    {"root", "DIR", NULL, "*", STORE, 0},
    {"runroot", "DIR", NULL, "*", STORE, 0},
    {"runtime", "PATH", NULL, "*", "there is one runtime", 0},
    {"runtime-flag", "FLAG", NULL, NULL, "there is one runtime", 0},
    {"ssh", "MODE", NULL, "*", "", 0},
    {"storage-driver", "NAME", NULL, "*", STORE, 0},
    {"storage-opt", "OPTION", NULL, "*", STORE, 0},
    {"syslog", NULL, NULL, "*", "", 0},
    {"tmpdir", "DIR", NULL, "*", "", 0},
    {"transient-store", NULL, NULL, "*", STORE, 0},
    {"url", "URL", NULL, NULL, NO_DAEMON, 0},
    {"volumepath", "DIR", NULL, "*", STORE, 0},
};
const struct boxdo_table boxdo_podman_globals = BOXDO_TABLE(podman_globals);

static const struct boxdo_option nerdctl_globals[] = {
    {"address", "ADDRESS", NULL, NULL, NO_DAEMON, 'a'},
    {"cgroup-manager", "NAME", NULL, "*", "", 0},
    {"cni-netconfpath", "DIR", NULL, "*", "", 0},
    {"cni-path", "DIR", NULL, "*", "", 0},
    {"data-root", "DIR", NULL, "*", STORE, 0},
    {"debug", NULL, NULL, "*", "", 0},
    {"debug-full", NULL, NULL, "*", "", 0},
    {"experimental", NULL, NULL, "*", "", 0},
    {"host", "ADDRESS", NULL, NULL, NO_DAEMON, 'H'},
    {"host-gateway-ip", "ADDRESS", NULL, NULL, "the container uses this host's network or none", 0},
    {"hosts-dir", "DIR", NULL, "*", STORE, 0},
    {"insecure-registry", NULL, NULL, "*", STORE, 0},
    {"namespace", "NAME", NULL, "*", "there is one catalogue", 'n'},
    {"snapshotter", "NAME", NULL, "*", STORE, 0},
    {"storage-driver", "NAME", NULL, "*", STORE, 0},
};
const struct boxdo_table boxdo_nerdctl_globals = BOXDO_TABLE(nerdctl_globals);
