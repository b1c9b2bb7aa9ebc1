/*
 * --cidfile: what docker's scripts ask of a container after it has ended, kept by the one who started it.
 *
 * docker keeps containers that have ended, and `docker wait` still says how. Here nothing stays but the record, which is
 * root's. So with --cidfile boxdo waits for the container it starts, as docker's client does, and writes its status into
 * a file of the user's own, which is locked until then; boxdo wait reads it. The container is known by its name: the one
 * that --name gave, or one made up, since its id does not exist before it does.
 * Runs as the caller. What stands in the files is the caller's own word about a container of theirs, and nobody relies on
 * it but they. On error: one line, exit code 125, and nothing is started.
 */
#include "client/boxdo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CID_BYTES 20    /* of a name made up; twice as many digits, which no id has */
#define CID_NAME_MAX 63 /* what the table of what runs has of a name */
#define CID_PLACES 3

static const char *
cid_name(const struct boxdo_run *run)
{
	for (size_t i = 0; i < run->word_count; i++)
		if (run->words[i].key == REQUEST_NAME)
			return strchr(run->words[i].text, '=') + 1;
	return NULL;
}

static bool
cid_is_name(const char *name)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return *name != '\0' && *name != '.' && strlen(name) <= CID_NAME_MAX &&
	       name[strspn(name, plain)] == '\0';
}

static int
cid_make_name(struct boxdo_run *run)
{
	unsigned char bytes[CID_BYTES];
	char digits[2 * CID_BYTES + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return boxdo_fail("--cidfile: no random number: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
	return boxdo_run_add(run, REQUEST_NAME, digits, strlen(digits));
}

/* --- the directory of the user's own ------------------------------------------------------------------- */

/* A directory that nobody else can write to; -1: there is none. */
static int
cid_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 ||
	    (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH))))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* The i-th place for such files; who starts and who waits may be in different sessions. make: where it can be. */
static int
cid_place(int i, bool make, char *path, size_t size)
{
	const char *session = getenv("XDG_RUNTIME_DIR");
	int fd = 0;

	if (i == 0)
		snprintf(path, size, "%s/boxdo", session != NULL ? session : "");
	else
		snprintf(path, size, i == 1 ? "/run/user/%u/boxdo" : "/tmp/boxdo-%u", geteuid());
	if (i < 2 && path[0] == '/') {
		*strrchr(path, '/') = '\0';
		fd = cid_directory(path);
		if (fd >= 0)
			close(fd);
		strcat(path, "/boxdo");
	}
	if (path[0] != '/' || fd < 0)
		return -1;
	if (make)
		mkdir(path, S_IRWXU);
	return cid_directory(path);
}

int
boxdo_cid_open(const char *name)
{
	char path[REQUEST_PATH_MAX];

	for (int i = 0; i < CID_PLACES && cid_is_name(name); i++) {
		int place = cid_place(i, false, path, sizeof(path)), fd;

		if (place < 0)
			continue;
		fd = openat(place, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		close(place);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

void
boxdo_cid_forget(const char *name)
{
	char path[REQUEST_PATH_MAX];

	for (int i = 0; i < CID_PLACES && cid_is_name(name); i++) {
		int place = cid_place(i, false, path, sizeof(path)),
		    fd = place < 0 ? -1 : openat(place, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		/* It is not of one that runs. */
		if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0)
			unlinkat(place, name, 0);
		if (fd >= 0)
			close(fd);
		if (place >= 0)
			close(place);
	}
}

/* --- before the container begins ------------------------------------------------------------------------- */

/* run->cid: the file of that name, empty and locked as long as we wait. A name of before may be used again. */
static int
cid_keep(struct boxdo_run *run, const char *name)
{
	char path[REQUEST_PATH_MAX];
	int place = -1, fd;

	for (int i = 0; place < 0 && i < CID_PLACES; i++)
		place = cid_place(i, true, path, sizeof(path));
	if (place < 0)
		return boxdo_fail("--cidfile: how the container ends cannot be kept in %s: %s",
		    path, strerror(errno));
	boxdo_cid_forget(name);
	fd = openat(place, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	close(place);
	if (fd < 0 && errno == EEXIST)
		return boxdo_fail(
		    "--cidfile: a container %s of yours runs; give this one another --name", name);
	/* 0 to 2 may be closed, and are the container's. */
	run->cid = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (run->cid < 0 || flock(run->cid, LOCK_EX) != 0 ||
	    asprintf(&run->cid_path, "%s/%s", path, name) < 0)
		return boxdo_fail("--cidfile: how the container ends cannot be kept in %s/%s: %s",
		    path, name, strerror(errno));
	close(fd);
	return 0;
}

int
boxdo_cid_begin(struct boxdo_run *run)
{
	const char *name = cid_name(run);
	int error, file;

	if (name != NULL && !cid_is_name(name))
		return boxdo_fail(
		    "--cidfile with --name %s: type a name of letters, digits, '_', '-' "
		    "and '.', at most %d",
		    name, CID_NAME_MAX);
	error = name == NULL ? cid_make_name(run) : 0;
	if (error != 0)
		return error;
	name = cid_name(run);
	file = open(run->cidfile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (file < 0 && errno == EEXIST)
		return boxdo_fail(
		    "--cidfile %s: the file is there; make sure that its container runs "
		    "no more, and delete it",
		    run->cidfile);
	if (file < 0)
		return boxdo_fail("--cidfile %s: %s", run->cidfile, strerror(errno));
	error = cid_keep(run, name);
	if (error == 0 && write(file, name, strlen(name)) != (ssize_t)strlen(name))
		error = boxdo_fail("--cidfile %s: %s", run->cidfile, strerror(errno));
	close(file);
	if (error != 0)
		unlink(run->cidfile);
	return error;
}

/* --- while it runs --------------------------------------------------------------------------------------- */

/* Has the child ended? When it has stopped, so do we: a shell looks at us alone. */
static bool
cid_has_ended(pid_t child, int *status)
{
	pid_t found;

	while ((found = waitpid(child, status, WNOHANG | WUNTRACED)) > 0) {
		if (!WIFSTOPPED(*status))
			return true;
		kill(getpid(), SIGSTOP);
	}
	return found < 0 && errno == ECHILD;
}

/* What the kernel sends (^C) reaches the child too: it is in our process group. */
static int
cid_wait(pid_t child, const sigset_t *all)
{
	siginfo_t info;
	int status = BOXDO_EXIT_CLIENT << 8;

	for (;;) {
		if (sigwaitinfo(all, &info) < 0)
			continue;
		if (info.si_signo == SIGCHLD) {
			if (cid_has_ended(child, &status))
				return status;
		} else if (info.si_code <= 0 || (info.si_signo == SIGHUP && getsid(0) == getpid()))
			kill(child, info.si_signo);
	}
}

/* As the child ended: a shell shows 128+n by itself. */
static void __attribute__((noreturn)) cid_end(int status)
{
	static const struct rlimit no_core = {0, 0};
	sigset_t none;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	setrlimit(RLIMIT_CORE, &no_core);
	signal(WTERMSIG(status), SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	raise(WTERMSIG(status));
	_exit(128 + WTERMSIG(status));
}

/* Whoever writes to us, or reads from us, must see that the command does not. */
static void
cid_let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
}

int
boxdo_cid_fork(const struct boxdo_run *run)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	struct sigaction before;
	sigset_t all, mask;
	pid_t child;
	int status;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	sigaction(SIGCHLD, &usual, &before);
	child = fork();
	if (child < 0)
		return boxdo_fail("--cidfile: no process: %s", strerror(errno));
	if (child == 0) {
		sigaction(SIGCHLD, &before, NULL);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		return 0;
	}
	cid_let_go();
	status = cid_wait(child, &all);
	dprintf(run->cid, "%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	/* Who waits already has it open. */
	if (run->remove)
		unlink(run->cid_path);
	cid_end(status);
}
