/*
 * own.c: stage 12, how an image of the caller's own wants to be started
 *
 * Privilege: none but the caller's on entry and exit: INIT after the drop, inside the container, in front of execve.
 * What an admin took into the store root knows (known.h), and the policy was asked about it. Of a user's own image
 * nobody with privilege reads a byte; so the record has what was typed, and a rule about such images limits no
 * command. Trusts: nothing. Distrusts: the image and its server, which may answer anything and keep INIT waiting, as
 * the execve that follows could. Errors: false.
 */
#include "broker/own.h"

#include "broker/environment.h"
#include "broker/known.h"
#include "broker/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A regular file, or there is none: whoever made the image may have put a fifo there. *failed: it is not known
 * whether there is (the server does not answer any more, say); then nothing starts as if there were none.
 */
static int
own_open(const char *path, bool *failed)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EACCES)
		*failed = true;
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
own_is_apptainer(bool *failed)
{
	int exec = own_open("/.singularity.d/actions/exec", failed),
	    script = own_open("/.singularity.d/runscript", failed);

	if (exec >= 0)
		close(exec);
	if (script >= 0)
		close(script);
	return exec >= 0 && script >= 0;
}

/* 1, 0: it says nothing, -1: nothing that can be understood. */
static int
own_read(struct known *known)
{
	static const char apptainer[] = KNOWN_APPTAINER;
	char *data = malloc(KNOWN_BYTES_MAX + 1);
	bool failed = !data;
	int fd = own_open("/.boxdo/launch", &failed);
	ssize_t length = 0;

	if (fd >= 0 && data) {
		length = read(fd, data, KNOWN_BYTES_MAX + 1);
	} else if (data && own_is_apptainer(&failed)) {
		length = sizeof apptainer;
		memcpy(data, apptainer, sizeof apptainer);
	}
	if (fd >= 0)
		close(fd);
	if (length > 0 && known_parse(known, data, (size_t)length) == 0 && known_of_image(known))
		return 1;
	return !failed && length == 0 ? 0 : -1;
}

bool
own_start(const struct plan *plan, struct plan_start *start)
{
	struct known known = {0};
	int got = own_read(&known);

	if (got <= 0)
		return got == 0;
	start->command = known_command(&known, plan->request);
	start->environment =
	    environment_with(start->environment, start->firm, known.words[KNOWN_ENV]);
	if (start->images_directory && known_first(&known, KNOWN_WORKDIR))
		start->directory = known_first(&known, KNOWN_WORKDIR);
	return start->command && start->environment;
}
