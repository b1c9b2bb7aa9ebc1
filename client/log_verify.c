/*
 * boxdo log --verify: are the files whole, and are they as they were sealed? journalctl checks; this says of each
 * file what the answer is worth. A file that is not sealed verifies too: it only was not damaged by accident.
 */
#include "client/log.h"

#include "audit/reader_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define VERIFY_KEY_MAX 256
#define VERIFY_TRIES 3 /* a file that is being written may look damaged for a moment */

/* The first line of the file. 0, or -1 and said so. */
static int
verify_key(const char *path, char key[VERIFY_KEY_MAX])
{
	FILE *file = fopen(path, "re");
	bool got = file != NULL && fgets(key, VERIFY_KEY_MAX, file) != NULL;

	if (file != NULL)
		fclose(file);
	if (!got) {
		log_say(
		    "%s: no verification key: %s", path, errno ? strerror(errno) : "it is empty");
		return -1;
	}
	key[strcspn(key, " \t\r\n")] = '\0';
	return 0;
}

/* Output of journalctl in text, its status returned; -1: it could not be run. */
static int
verify_run(const char *path, const char *key, char *text, size_t size)
{
	char file[4200], with[VERIFY_KEY_MAX + 16];
	int ends[2], status = -1;
	size_t length = 0;
	pid_t pid;

	snprintf(file, sizeof file, "--file=%s", path);
	snprintf(with, sizeof with, "--verify-key=%s", key);
	if (pipe(ends) == -1)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		/* journalctl overwrites the key on its command line as it reads it. */
		execlp("journalctl", "journalctl", "--quiet", "--verify", file, *key ? with : NULL,
		    (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while (pid > 0 && length + 1 < size) {
		ssize_t got = read(ends[0], text + length, size - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	close(ends[0]);
	text[length] = '\0';
	if (pid > 0)
		waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status) : -1;
}

/* The line that says what is wrong, of many that show progress. */
static const char *
verify_reason(char *text)
{
	char *rest = text, *best = NULL;

	for (char *line; (line = strsep(&rest, "\r\n")) != NULL;) {
		line += *line == '\x1b' ? strcspn(line, "m") : 0;
		if (strstr(line, "FAIL") != NULL || (best == NULL && strstr(line, "rror") != NULL))
			best = line;
		else if (best == NULL && strchr(line, ':') != NULL)
			best = line;
	}
	return best == NULL ? "no reason given" : best;
}

/* One file. 0: nothing to find fault with. */
static int
verify_file(const struct reader_file *file, const char *key, const struct log_screen *screen)
{
	struct reader_header header;
	char text[8192] = "";
	const char *verdict, *reason = "";
	int status = 0, result = 0;

	if (reader_files_header(file, &header) == -1) {
		verdict = "NO JOURNAL FILE";
		result = LOG_FOUND;
	} else if (header.sealed && *key == '\0') {
		verdict = "sealed: not checked, that takes its key (--verify-key)";
		result = LOG_FOUND;
	} else {
		for (int i = 0; i < VERIFY_TRIES; i++)
			if ((status = verify_run(file->path, key, text, sizeof text)) == 0)
				break;
		if (status != 0) {
			verdict = status == -1 ? "journalctl cannot be run" : "DAMAGED OR CHANGED";
			reason = verify_reason(text);
			result = LOG_FOUND;
		} else if (!header.sealed) {
			verdict = *key ? "NOT SEALED: whole, but the key says nothing about it"
			               : "whole, not sealed: root can have changed it";
			result = *key ? LOG_FOUND : 0;
		} else {
			verdict = "whole and sealed: as it was written, up to the last seal";
		}
	}
	log_text(screen, file->path, strlen(file->path), 0);
	printf(": %s", verdict);
	if (*reason != '\0') {
		fputs(": ", stdout);
		log_text(screen, reason, strlen(reason), 0);
	}
	putchar('\n');
	return result;
}

int
log_verify(const struct log_options *options)
{
	char error[READER_ERROR_MAX], key[VERIFY_KEY_MAX] = "";
	struct log_screen screen = {0};
	struct reader_files files;
	int result = 0;

	if (options->verify_key != NULL && verify_key(options->verify_key, key) == -1)
		return LOG_FAILED;
	if (reader_files_open(&files, &options->where, error) == -1) {
		log_say("%s", error);
		return LOG_FAILED;
	}
	if (files.denied) {
		log_say("some files of the trail may not be read by you");
		result = LOG_FOUND;
	}
	log_screen_start(&screen, true, true);
	fflush(stdout);
	for (size_t i = 0; i < files.count; i++) {
		result |= verify_file(&files.files[i], key, &screen);
		fflush(stdout);
	}
	reader_files_close(&files);
	return result;
}
