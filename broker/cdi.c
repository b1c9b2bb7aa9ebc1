/*
 * cdi.c: part of stage 4, what devices asked for by CDI names bring along
 *
 * Privilege: all ids 0 here; the specifications are read and parsed by boxdo-cdi, a process without any, whose
 * account is not the caller's: who could trace it would say what is mounted (CVE-2026-41163).
 * Trusts: that the specifications are root's, which boxdo-cdi checks. Distrusts: the form of every line it
 * says. What the lines name is opened by OPENER like everything else. No hook is ever run.
 * On error: one line, NULL.
 */
#include "broker/cdi.h"

#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CDI_NOBODY 65534 /* the kernel's overflow id: owns nothing */

static void __attribute__((noreturn)) child(int output, const char *const *devices, size_t count)
{
	static char *const no_environment[] = {NULL};
	char **arguments = calloc(count + 2, sizeof *arguments);

	fds_keep_only(output, -1);
	if (!arguments || dup2(output, STDOUT_FILENO) < 0)
		_exit(125);
	close(output);
	arguments[0] = strdup("boxdo-cdi");
	for (size_t i = 0; i < count; i++)
		arguments[1 + i] = strdup(devices[i]);
	drop_to(CDI_NOBODY, CDI_NOBODY, NULL, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execve(CDI_PROGRAM, arguments, no_environment);
	_exit(127);
}

/* All it says, until its end or the deadline. NULL: not in time, or too much. */
static char *
listen_to(int input)
{
	uint64_t deadline = wire_now() + CDI_DEADLINE_MS * WIRE_MS, now;
	char *text = malloc(CDI_TEXT_MAX + 1);
	size_t length = 0;

	while (text && length < CDI_TEXT_MAX && (now = wire_now()) < deadline) {
		struct pollfd ready = {.fd = input, .events = POLLIN};
		ssize_t got;

		if (poll(&ready, 1, (int)((deadline - now) / WIRE_MS) + 1) <= 0)
			continue;
		got = read(input, text + length, CDI_TEXT_MAX - length);
		if (got < 0)
			break;
		if (got == 0) {
			text[length] = '\0';
			return text;
		}
		length += (size_t)got;
	}
	free(text);
	return NULL;
}

/* Absolute, no "..", no ".", no "//", not the root. */
static bool
is_plain(const char *path)
{
	if (path[0] != '/' || !path[1] || strlen(path) >= PATH_MAX)
		return false;
	for (const char *at = path; at; at = strchr(at + 1, '/')) {
		size_t length = strcspn(at + 1, "/");

		if (length == 0 || (at[1] == '.' && (length == 1 || (length == 2 && at[2] == '.'))))
			return false;
	}
	return true;
}

static bool
below(const char *path, const char *top)
{
	size_t length = strlen(top);

	return strncmp(path, top, length) == 0 && path[length] == '/';
}

static bool
take_node(struct cdi *cdi, char **field)
{
	static const char *const ours[] = {"/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd"};

	if (!is_plain(field[1]) || !is_plain(field[2]) || !below(field[1], "/dev"))
		return false;
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (below(field[1], ours[i]) || strcmp(field[1], ours[i]) == 0)
			return false;
	/* Two devices may share a node. */
	for (size_t i = 0; i < cdi->node_count; i++)
		if (strcmp(cdi->nodes[i].path, field[1]) == 0)
			return strcmp(cdi->nodes[i].source, field[2]) == 0;
	if (cdi->node_count == CDI_NODES_MAX)
		return false;
	cdi->nodes[cdi->node_count].path = field[1];
	cdi->nodes[cdi->node_count++].source = field[2];
	return true;
}

static bool
take_mount(struct cdi *cdi, char **field)
{
	bool writable = strcmp(field[3], "rw") == 0;

	if (!is_plain(field[1]) || !is_plain(field[2]) || below(field[2], "/dev") ||
	    below(field[2], "/proc") || below(field[2], "/sys") ||
	    (!writable && strcmp(field[3], "ro") != 0))
		return false;
	for (size_t i = 0; i < cdi->mount_count; i++)
		if (strcmp(cdi->mounts[i].destination, field[2]) == 0)
			return strcmp(cdi->mounts[i].source, field[1]) == 0;
	if (cdi->mount_count == CDI_MOUNTS_MAX)
		return false;
	cdi->mounts[cdi->mount_count].source = field[1];
	cdi->mounts[cdi->mount_count].destination = field[2];
	cdi->mounts[cdi->mount_count++].writable = writable;
	return true;
}

static bool
take_link(struct cdi *cdi, char **field)
{
	if (!is_plain(field[1]) || !field[2][0] || below(field[1], "/dev") ||
	    below(field[1], "/proc") || below(field[1], "/sys"))
		return false;
	for (size_t i = 0; i < cdi->link_count; i++)
		if (strcmp(cdi->links[i].path, field[1]) == 0)
			return true; /* the first counts, as with ln */
	if (cdi->link_count == CDI_LINKS_MAX)
		return false;
	cdi->links[cdi->link_count].path = field[1];
	cdi->links[cdi->link_count++].target = field[2];
	return true;
}

static bool
take_env(struct cdi *cdi, char **field)
{
	if (strcspn(field[1], "=") == 0 || !strchr(field[1], '=') || cdi->env_count == CDI_ENVS_MAX)
		return false;
	cdi->envs[cdi->env_count++] = field[1];
	return true;
}

static bool
take_name(struct cdi *cdi, char **field)
{
	if (!field[1][0] || !is_plain(field[2]) || cdi->name_count == CDI_NAMES_MAX)
		return false;
	cdi->names[cdi->name_count++] = (struct policy_cdi){field[1], field[2]};
	return true;
}

static bool
take_libraries(struct cdi *cdi, char **field)
{
	cdi->libraries = field[1];
	return is_plain(field[1]);
}

/* Rows: what a line may begin with, how many fields follow, who takes them. */
static bool
take_line(struct cdi *cdi, char *line)
{
	static const struct {
		const char *kind;
		size_t fields;
		bool (*take)(struct cdi *cdi, char **field);
	} rows[] = {{"is", 2, take_name}, {"node", 2, take_node}, {"mount", 3, take_mount},
	    {"env", 1, take_env}, {"link", 2, take_link}, {"libraries", 1, take_libraries}};
	char *field[5] = {NULL}, *rest = line;
	size_t count = 0;

	for (const char *at = line; *at; at++)
		if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
			return false;
	while (rest && count < 5)
		field[count++] = strsep(&rest, "\t");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!rest && strcmp(field[0], rows[i].kind) == 0 && count == rows[i].fields + 1)
			return rows[i].take(cdi, field);
	return false;
}

static struct cdi *
take(char *text, char *error, size_t size)
{
	struct cdi *cdi = calloc(1, sizeof *cdi);
	char *line;

	snprintf(error, size, "what the CDI specifications of this host say cannot be used");
	while (cdi && text && (line = strsep(&text, "\n")) && text) {
		if (strcmp(line, "done") == 0 && !*text)
			return cdi;
		if (strncmp(line, "error\t", 6) == 0) {
			snprintf(error, size, "%s", line + 6);
			break;
		}
		if (!take_line(cdi, line)) {
			snprintf(error, size,
			    "a CDI specification of this host asks for what "
			    "cannot be had: %.200s",
			    line);
			break;
		}
	}
	free(cdi);
	return NULL;
}

struct cdi *
cdi_ask(const char *const *devices, size_t count, char *error, size_t size)
{
	int ends[2];
	pid_t pid;
	char *text;

	snprintf(error, size, "the CDI specifications of this host cannot be read: %s",
	    strerror(EAGAIN));
	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	pid = fork();
	if (pid == 0)
		child(ends[1], devices, count);
	close(ends[1]);
	text = pid < 0 ? NULL : listen_to(ends[0]);
	close(ends[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, text ? 0 : WNOHANG);
	}
	return text ? take(text, error, size) : NULL;
}
