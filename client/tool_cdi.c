/*
 * Devices by CDI names: asked of boxdo-cdi, as a launch does.
 *
 * Runs as the one who asks about it, so that a file only root can read says nothing here. Trusts: nothing
 * that hangs on it; the helper checks every line anew.
 * On error: NULL, and the line a launch would be refused with.
 */
#include "client/tool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOOL_CDI_TEXT_MAX (1 << 20)

/*
 * Where root asks about somebody, this process is theirs once the program begins, and can be traced by them.
 * So it has nothing of the one who asks: no terminal, whose input could be pushed (TIOCSTI), no descriptor.
 */
static void
tool_cdi_alone(int out)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 || close_range(3, ~0U, 0) != 0)
		_exit(127);
}

/* All it says. NULL: it could not be started, or says too much. */
static char *
tool_cdi_listen(const char *const *devices, size_t count)
{
	const char **argv = calloc(count + 2, sizeof(*argv));
	char *text = malloc(TOOL_CDI_TEXT_MAX + 1);
	size_t length = 0;
	ssize_t got = -1;
	int ends[2];
	pid_t child = -1;

	if (argv != NULL && text != NULL && pipe2(ends, O_CLOEXEC) == 0) {
		argv[0] = "boxdo-cdi";
		for (size_t i = 0; i < count; i++)
			argv[1 + i] = devices[i];
		child = fork();
		if (child == 0) {
			tool_cdi_alone(ends[1]);
			execv(BOXDO_LIBEXEC "/boxdo-cdi", (char **)(uintptr_t)argv);
			_exit(127);
		}
		close(ends[1]);
		while (child > 0 && length < TOOL_CDI_TEXT_MAX &&
		       (got = read(ends[0], text + length, TOOL_CDI_TEXT_MAX - length)) > 0)
			length += (size_t)got;
		close(ends[0]);
		if (child > 0)
			waitpid(child, NULL, 0);
	}
	free(argv);
	if (got == 0) {
		text[length] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

/* "is NAME NODE", "node PATH SOURCE", "mount SOURCE DESTINATION MODE", separated by tabs. */
static void
tool_cdi_line(struct tool_cdi *cdi, char *line)
{
	char *kind = strsep(&line, "\t"), *first = strsep(&line, "\t"),
	     *second = strsep(&line, "\t");
	const char *path = strcmp(kind, "node") == 0    ? second
	                   : strcmp(kind, "mount") == 0 ? first
	                                                : NULL;

	if (strcmp(kind, "is") == 0 && second != NULL && cdi->name_count < 1024)
		cdi->names[cdi->name_count++] = (struct policy_cdi){first, second};
	if (path != NULL && cdi->brought_count < 256)
		cdi->brought[cdi->brought_count++] = path;
}

struct tool_cdi *
tool_cdi(const char *const *devices, size_t count, char *error, size_t size)
{
	struct tool_cdi *cdi = calloc(1, sizeof(*cdi));
	char *text, *line;
	bool done = false;

	if (cdi == NULL)
		return NULL;
	snprintf(error, size, "what the CDI specifications of this host say cannot be used");
	cdi->text = text = tool_cdi_listen(devices, count);
	while (text != NULL && (line = strsep(&text, "\n")) != NULL) {
		done = done || strcmp(line, "done") == 0;
		if (strncmp(line, "error\t", 6) == 0)
			snprintf(error, size, "%s", line + 6);
		else
			tool_cdi_line(cdi, line);
	}
	if (done)
		return cdi;
	free(cdi->text);
	free(cdi);
	return NULL;
}
