/*
 * image_config.c: how an image wants to be started, read out of it
 *
 * The image is mounted (read-only, nosuid, nodev, attached nowhere) as a launch would mount it; a child with nobody's
 * ids and no capability, which holds that mount and one end of a pipe, reads two places in it (and JSON, which is why it is nobody):
 *	/.boxdo/launch				words as in known.h, left there by `boxdo import`
 *	/.singularity.d		of Apptainer: actions/exec, which sets the image's environment up, runscript, startscript and
 *				labels.json
 * Trusts: nothing the child says but that it is short. Distrusts: every name in the image: no symbolic link is
 * followed, nothing but a regular file is read. Errors: said, -1; an image with neither has no words.
 */
#include "client/image.h"

#include "broker/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <json-c/json.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMAGE_NOBODY 65534
#define IMAGE_CONFIG_MS 30000 /* an image on a slow network file system */
#define IMAGE_LABELS_MAX 65536
#define IMAGE_CONFIG_MAX (KNOWN_BYTES_MAX - 8192) /* what stands before it must fit, too */

static int
image_open_inside(int tree, const char *name)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, tree, name, &how, sizeof how);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
image_has(int tree, const char *name)
{
	int fd = image_open_inside(tree, name);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* One label of Apptainer's a word; what is no text is left out, and so is what would be too much. */
static void
image_labels(int tree, FILE *out)
{
	char *data = malloc(IMAGE_LABELS_MAX + 1);
	int fd = image_open_inside(tree, ".singularity.d/labels.json"), count = 0;
	ssize_t got = fd >= 0 && data ? read(fd, data, IMAGE_LABELS_MAX) : -1;
	struct json_object *labels = NULL;

	if (got > 0) {
		data[got] = '\0';
		labels = json_tokener_parse(data);
	}
	if (json_object_is_type(labels, json_type_object)) {
		json_object_object_foreach(labels, name, value)
		{
			if (json_object_is_type(value, json_type_string) &&
			    ++count <= KNOWN_WORDS_MAX)
				fprintf(
				    out, "label=%s=%s%c", name, json_object_get_string(value), 0);
		}
	}
	json_object_put(labels);
	free(data);
	if (fd >= 0)
		close(fd);
}

static void
image_apptainer(int tree, FILE *out)
{
	static const char start[] = KNOWN_APPTAINER;

	fwrite(start, 1, sizeof start, out);
	if (image_has(tree, ".singularity.d/startscript"))
		fwrite("startscript=/.singularity.d/startscript", 1,
		    sizeof "startscript=/.singularity.d/startscript", out);
	image_labels(tree, out);
}

static void __attribute__((noreturn)) image_config_child(int tree, int pipe)
{
	const struct rlimit none = {0, 0};
	char *data = malloc(IMAGE_CONFIG_MAX + 1);
	FILE *out = fdopen(pipe, "w");
	ssize_t got = 0;
	int fd;

	if (!data || !out || setgroups(0, NULL) != 0 ||
	    setresgid(IMAGE_NOBODY, IMAGE_NOBODY, IMAGE_NOBODY) != 0 ||
	    setresuid(IMAGE_NOBODY, IMAGE_NOBODY, IMAGE_NOBODY) != 0 || setuid(0) == 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    setrlimit(RLIMIT_FSIZE, &none) != 0)
		_exit(1);
	fd = image_open_inside(tree, ".boxdo/launch");
	if (fd >= 0)
		got = read(fd, data, IMAGE_CONFIG_MAX + 1);
	else if (image_has(tree, ".singularity.d/actions/exec") &&
	         image_has(tree, ".singularity.d/runscript"))
		image_apptainer(tree, out);
	if (got < 0 || got > IMAGE_CONFIG_MAX ||
	    (got > 0 && fwrite(data, 1, (size_t)got, out) != (size_t)got) || fclose(out) != 0)
		_exit(1);
	_exit(0);
}

/* All the child says, within a deadline. -1: too much, or not in time. */
static ssize_t
image_config_read(int in, char *data)
{
	struct pollfd ready = {.fd = in, .events = POLLIN};
	ssize_t length = 0, got = 1;

	while (got > 0 && length <= IMAGE_CONFIG_MAX) {
		if (poll(&ready, 1, IMAGE_CONFIG_MS) != 1)
			return -1;
		got = read(in, data + length, (size_t)(IMAGE_CONFIG_MAX + 1 - length));
		length += got > 0 ? got : 0;
	}
	return got == 0 ? length : -1;
}

static bool
image_config_ok(const char *words, size_t length)
{
	struct known known;
	char *copy = length ? malloc(length) : NULL;
	bool ok;

	if (length == 0)
		return true;
	if (!copy)
		return false;
	memcpy(copy, words, length);
	ok = known_parse(&known, copy, length) == 0 && known_of_image(&known);
	known_free(&known);
	return ok;
}

int
image_config(
    int fd, const struct image_facts *facts, const char *name, char **words, size_t *length)
{
	char error[256], *data = malloc(IMAGE_CONFIG_MAX + 1);
	int tree, ends[2], status = 1;
	ssize_t got;
	pid_t pid;

	tree = loop_mount(fd, &facts->st, facts->partition.offset, facts->partition.size,
	    facts->type, error, sizeof error);
	if (tree < 0) {
		free(data);
		return image_fail("%s: %s", name, error);
	}
	if (!data || pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		return image_fail("%s: %s", name, strerror(errno));
	if (pid == 0) {
		tree = fcntl(tree, F_DUPFD, 10);
		ends[1] = fcntl(ends[1], F_DUPFD, 10);
		if (dup2(tree, 3) != 3 || dup2(ends[1], 4) != 4 || close_range(5, ~0U, 0) != 0)
			_exit(1);
		image_config_child(3, 4);
	}
	close(ends[1]);
	got = image_config_read(ends[0], data);
	if (got < 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ends[0]);
	close(tree);
	if (got >= 0 && status == 0 && image_config_ok(data, (size_t)got)) {
		*words = data;
		*length = (size_t)got;
		return 0;
	}
	free(data);
	return image_fail(
	    "%s: what it says about how it is started (/.boxdo/launch) is not as `boxdo "
	    "import` writes it",
	    name);
}
