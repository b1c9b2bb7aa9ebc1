/*
 * A journald of the namespace "boxdo", run in a mount namespace of the test's own, with the configuration
 * we ship and its socket held as systemd would hold it. Needs root. The journal lies on a disk (below
 * /var/tmp); everything is gone at the end.
 */
#ifndef AUDIT_WORLD_H
#define AUDIT_WORLD_H

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SOCKET "/run/systemd/journal.boxdo/socket"
#define ASIDE "/run/systemd/journal.boxdo/aside"

static struct {
	char disk[64], files[128];
	int socket;
	pid_t journald;
} world;

static uint64_t
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static inline uint64_t
in_ms(unsigned ms)
{
	return now() + ms * 1000000ULL;
}

static inline void
sleep_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

static int
run(const char *command)
{
	return system(command);
}

static void
journald_start(void)
{
	world.journald = fork();
	assert_true(world.journald >= 0);
	if (world.journald == 0) {
		char text[32];
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		dup2(world.socket, 3);
		fcntl(3, F_SETFD, 0);
		close_range(4, ~0U, 0);
		snprintf(text, sizeof text, "%d", getpid());
		setenv("LISTEN_PID", text, 1);
		setenv("LISTEN_FDS", "1", 1);
		setenv("LOGS_DIRECTORY", world.files, 1);
		setenv("RUNTIME_DIRECTORY", "/run/systemd/journal.boxdo", 1);
		execl("/usr/lib/systemd/systemd-journald", "systemd-journald", "boxdo", NULL);
		_exit(127);
	}
}

static void
journald_end(int sig)
{
	kill(world.journald, sig);
	waitpid(world.journald, NULL, 0);
}

static void
socket_make(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};

	world.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(world.socket, (struct sockaddr *)&address, sizeof address), 0);
	setsockopt(world.socket, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int));
	assert_int_equal(chmod(SOCKET, 0600), 0);
}

/* 0, or -1: no new mount namespace can be had here. */
static int
world_make(void)
{
	char id[40] = "";
	FILE *file = fopen("/etc/machine-id", "r");

	if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return -1;
	snprintf(world.disk, sizeof world.disk, "/var/tmp/boxdo-journal-test-XXXXXX");
	assert_non_null(mkdtemp(world.disk));
	assert_int_equal(mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"), 0);
	if (file == NULL || fscanf(file, "%39s", id) != 1)
		fail_msg("no /etc/machine-id");
	fclose(file);
	assert_int_equal(
	    run("mkdir -p /var/log/journal /run/systemd/journal.boxdo /run/empty"
	        " /run/systemd/journald@boxdo.conf.d"
	        " && cp etc/journald@boxdo.conf /run/systemd/journald@boxdo.conf.d/50-boxdo.conf"),
	    0);
	chmod(world.disk, 0755);
	assert_int_equal(mount(world.disk, "/var/log/journal", NULL, MS_BIND, NULL), 0);
	snprintf(world.files, sizeof world.files, "/var/log/journal/%s.boxdo", id);
	assert_int_equal(mkdir(world.files, 0755), 0);
	socket_make();
	journald_start();
	return 0;
}

static int
world_unmake(void **state)
{
	char command[128];

	(void)state;
	journald_end(SIGKILL);
	umount2("/var/log/journal", MNT_DETACH);
	snprintf(command, sizeof command, "rm -rf --one-file-system %s", world.disk);
	return run(command);
}

#endif
