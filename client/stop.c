/*
 * boxdo stop: ends containers: TERM, a time of grace, then KILL. Their end records say who did it.
 *
 * Runs as whoever typed it. Root writes who stops it into the container's entry, which root alone can
 * open, and wakes its SUPERVISOR, which looks there; nobody else can send it a signal. An ordinary user
 * asks HANDLE, a process of their own, as any signal to it would; it can do no more than its owner may.
 * Errors: one line each; status 125 when something that was meant still runs, 1 when there is no such id.
 */
#include "broker/process.h"
#include "client/running.h"
#include "client/stop_image.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STOP_GRACE 10       /* docker's */
#define STOP_GRACE_MAX 3600 /* RUNNING_STOP_SECONDS holds more */
#define STOP_LATE_MS 5000   /* after the grace, for the end to be recorded */
#define STOP_ROUNDS 20      /* of 100 ms, for launches that are on their way */
#define STOP_IDS_MAX 256
#define STOP_CGROUP "/sys/fs/cgroup/system.slice/boxdo.service/supervisors/cgroup.procs"

static const char stop_usage[] =
    "usage: boxdo stop [-t SECONDS] ID...\n"
    "       boxdo stop [-t SECONDS] --user USER | --image IMAGE | --all\n"
    "Ends containers: TERM, and KILL after SECONDS (10). Root may end everybody's, others their "
    "own.\n"
    "ID may be cut to its first digits, at least four, or be the name that --name gave. boxdo ps "
    "shows what runs.\n"
    "IMAGE is a name of the catalogue, a path or sha256:HEX: whatever the users typed for it.\n";

struct stop {
	unsigned grace;
	const char *user, *image;
	struct stop_image means; /* image, found */
	bool all;
	char **ids;
	size_t id_count;
	uid_t uid;      /* of user */
	uint32_t login; /* of who stops */
	char by[64];
};

/* Who is it? The kernel's login uid survives su and sudo; SUDO_USER is a variable anybody can set. */
static void
stop_who(struct stop *stop)
{
	char text[32] = "";
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	struct passwd *account;

	if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	stop->login = text[0] ? (uint32_t)strtoul(text, NULL, 10) : UINT32_MAX;
	account = getpwuid(stop->login != UINT32_MAX ? stop->login : getuid());
	snprintf(stop->by, sizeof stop->by, "%s", account ? account->pw_name : "root");
}

static bool
stop_is_named(const struct running_entry *entry, const char *word)
{
	return entry->name[0] && strcmp(entry->name, word) == 0;
}

static bool
stop_has_id(const struct running_entry *entry, const char *word)
{
	return strlen(word) >= 4 && strncmp(entry->id, word, strlen(word)) == 0;
}

static bool
stop_meant(const struct stop *stop, const struct running_entry *entry)
{
	bool meant = stop->all || (stop->user && entry->uid == stop->uid) ||
	             (stop->image && stop_image_is(&stop->means, entry));

	for (size_t i = 0; i < stop->id_count; i++)
		if (strcmp(entry->id, stop->ids[i]) == 0)
			meant = true;
	return meant;
}

/* --- one container -------------------------------------------------------------------------------- */

/* Into the entry, if it is still that container's. */
static int
stop_write(const struct stop *stop, const struct running_one *one)
{
	char path[128];
	struct running_table *table;
	struct running_entry *entry;
	struct stat status;
	int fd, written = -1;

	snprintf(path, sizeof path, RUNNING_PATH "/%s", one->table);
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	/* Two admins at once: one after the other. Nobody but root can open the file to hold the lock. */
	if (fd < 0 || fstat(fd, &status) != 0 || flock(fd, LOCK_EX) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	table = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (table != MAP_FAILED) {
		entry = &table->entries[one->index];
		if (atomic_load(&entry->owner) == one->entry.owner) {
			snprintf(entry->stop_by, sizeof entry->stop_by, "%s", stop->by);
			entry->stop_login = stop->login;
			entry->stop_grace = stop->grace;
			atomic_store(&entry->stop, one->entry.owner);
			written = 0;
		}
		munmap(table, (size_t)status.st_size);
	}
	close(fd);
	return written;
}

/* A process that is what the entry says: the descriptor first, then the look. */
static int
stop_open(pid_t pid, uint64_t owner)
{
	int fd = pidfd_open(pid, 0);

	if (fd >= 0 && !running_lives(owner)) {
		close(fd);
		errno = ESRCH;
		return -1;
	}
	return fd;
}

static bool
stop_ended(int fd, int milliseconds)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	return poll(&ready, 1, milliseconds) > 0;
}

/* A SUPERVISOR that does not answer (cgroup = caller, and frozen): the container itself can still be killed. */
static void
stop_init(const struct running_entry *entry)
{
	struct process init;
	int fd = pidfd_open(entry->init, 0);

	if (fd >= 0 && process_read(entry->init, &init) == 0 && init.start == entry->init_start)
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
	if (fd >= 0)
		close(fd);
}

static int
stop_as_root(const struct stop *stop, const struct running_one *one)
{
	int fd = stop_open(running_supervisor(one->entry.owner), one->entry.owner);

	if (fd < 0)
		return -1;
	if (stop_write(stop, one) == 0)
		pidfd_send_signal(fd, SIGUSR1, NULL, 0);
	return fd;
}

static int
stop_as_owner(const struct stop *stop, const struct running_one *one)
{
	siginfo_t info = {
	    .si_signo = SIGTERM, .si_code = SI_QUEUE, .si_pid = getpid(), .si_uid = getuid()};
	struct process supervisor;
	int fd = pidfd_open(one->entry.handle, 0);

	/* Where /proc hides it the helper's word must do: it looked an instant ago. */
	if (fd >= 0 && process_read(running_supervisor(one->entry.owner), &supervisor) == 0 &&
	    supervisor.parent != one->entry.handle) {
		close(fd);
		return -1;
	}
	info.si_int = (int)(RUNNING_STOP_MAGIC | stop->grace);
	if (fd >= 0)
		pidfd_send_signal(fd, SIGTERM, &info, 0);
	return fd;
}

/* All are told, then all are waited for: the grace is not added up. */
static int
stop_those(const struct stop *stop, const struct running_list *list)
{
	bool root = geteuid() == 0;
	int *fds = calloc(list->count + 1, sizeof *fds), failed = 0;
	struct timespec now, end;

	if (!fds)
		return running_fail("out of memory");
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += stop->grace;
	for (size_t i = 0; i < list->count; i++)
		fds[i] = !stop_meant(stop, &list->items[i].entry) ? -1
		         : root ? stop_as_root(stop, &list->items[i])
		                : stop_as_owner(stop, &list->items[i]);
	for (size_t i = 0; i < list->count; i++) {
		const struct running_entry *entry = &list->items[i].entry;
		long left;

		if (fds[i] < 0)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = end.tv_sec > now.tv_sec ? (end.tv_sec - now.tv_sec) * 1000 : 0;
		if (!stop_ended(fds[i], (int)left + STOP_LATE_MS)) {
			if (root)
				stop_init(entry);
			else
				pidfd_send_signal(fds[i], SIGKILL, NULL, 0);
			if (!stop_ended(fds[i], STOP_LATE_MS) && running_lives(entry->owner))
				failed = running_fail("%.12s is told to end, and has not recorded "
				                      "its end yet: see boxdo log",
				    entry->id);
		}
		close(fds[i]);
		if (!failed)
			printf("%.12s\n", entry->id);
	}
	free(fds);
	return failed;
}

/* --- launches on their way -------------------------------------------------------------------------- */

/* The real uid of a process; who owns /proc/PID does not say it of one that is not dumpable. */
static uid_t
stop_uid_of(pid_t pid)
{
	unsigned uid = (unsigned)-1;
	char line[256];
	FILE *status;

	snprintf(line, sizeof line, "/proc/%d/status", pid);
	status = fopen(line, "re");
	while (status && fgets(line, sizeof line, status))
		if (sscanf(line, "Uid: %u", &uid) == 1)
			break;
	if (status)
		fclose(status);
	return uid;
}

/*
 * Is it the process its caller knows, or one that took over the child of one that is gone (init, or a
 * user's own service manager, which nobody wants to end)?
 */
static bool
stop_is_handle(pid_t pid)
{
	static const char helper[] = "/boxdo-launch";
	char link[64], path[256];
	ssize_t length;

	snprintf(link, sizeof link, "/proc/%d/exe", pid);
	length = readlink(link, path, sizeof path);
	return length >= (ssize_t)sizeof helper - 1 && length < (ssize_t)sizeof path &&
	       memcmp(path + length - (sizeof helper - 1), helper, sizeof helper - 1) == 0;
}

/* Kills the caller's process of a launch: the launch is given up, on record. */
static void
stop_launch(pid_t supervisor, pid_t handle)
{
	struct process process;
	int fd = pidfd_open(handle, 0);

	if (fd >= 0 && process_read(supervisor, &process) == 0 && process.parent == handle &&
	    stop_is_handle(handle))
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
	if (fd >= 0)
		close(fd);
}

/* Launches that are no containers yet: SUPERVISORs without an entry whose caller still waits. */
static unsigned
stop_on_their_way(const struct stop *stop, const struct running_list *list, bool end_them)
{
	FILE *processes = fopen(STOP_CGROUP, "re");
	unsigned count = 0;
	int pid;

	while (processes && fscanf(processes, "%d", &pid) == 1) {
		struct process supervisor;
		bool known = false;

		for (size_t i = 0; i < list->count; i++)
			known = known || running_supervisor(list->items[i].entry.owner) == pid;
		if (known || process_read(pid, &supervisor) != 0)
			continue;
		if (!stop_is_handle(supervisor.parent) ||
		    (stop->user && stop_uid_of(supervisor.parent) != stop->uid))
			continue;
		count++;
		if (end_them)
			stop_launch(pid, supervisor.parent);
	}
	if (processes)
		fclose(processes);
	return count;
}

/*
 * What was decided before a deny was written may become a container after we looked. So we look again when
 * nothing of the kind is on its way any more; what then still is waits for somebody (a password), and is
 * given up, unless the image alone is meant, which nobody knows yet. (The helper decides anew when the
 * policy changed while it waited for a password.)
 */
static int
stop_late_ones(const struct stop *stop)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	struct running_list list;
	unsigned left = 0;
	int error = 0;

	for (int round = 0; error == 0 && round < STOP_ROUNDS; round++) {
		error = running_read(&list);
		left = error == 0 ? stop_on_their_way(stop, &list, false) : 0;
		if (error == 0 && (left == 0 || round == STOP_ROUNDS - 1)) {
			error = stop_those(stop, &list);
			if (error == 0 && left > 0 && !stop->image)
				stop_on_their_way(stop, &list, true);
			running_free(&list);
			return error;
		}
		running_free(&list);
		nanosleep(&pause, NULL);
	}
	return error;
}

/* --- the command line -------------------------------------------------------------------------------- */

static int
stop_user(struct stop *stop, const char *name)
{
	struct passwd *account = getpwnam(name);
	char *end;

	stop->user = name;
	stop->uid = account ? account->pw_uid : (uid_t)strtoul(name, &end, 10);
	if (!account && (*name < '0' || *name > '9' || *end != '\0'))
		return running_fail("there is no user %s", name);
	if (geteuid() != 0 && stop->uid != getuid())
		return running_fail("only root may stop the containers of others");
	return 0;
}

static int
stop_seconds(struct stop *stop, const char *text)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || seconds > STOP_GRACE_MAX)
		return running_fail("-t takes seconds, 0 to %d", STOP_GRACE_MAX);
	stop->grace = (unsigned)seconds;
	return 0;
}

static int
stop_ids(struct stop *stop, char **ids, int count)
{
	if (count > STOP_IDS_MAX)
		return running_fail("more than %d containers at once", STOP_IDS_MAX);
	stop->ids = ids;
	stop->id_count = (size_t)count;
	if ((count > 0) + (stop->user != NULL) + (stop->image != NULL) + stop->all != 1) {
		fputs(stop_usage, stderr);
		return 125;
	}
	return 0;
}

static int
stop_options(int argc, char **argv, struct stop *stop)
{
	static const struct option longs[] = {{"time", required_argument, NULL, 't'},
	    {"user", required_argument, NULL, 'u'}, {"image", required_argument, NULL, 'i'},
	    {"all", no_argument, NULL, 'a'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int option, error = 0;

	while (error == 0 && (option = getopt_long(argc, argv, "t:h", longs, NULL)) != -1)
		switch (option) {
		case 't':
			error = stop_seconds(stop, optarg);
			break;
		case 'u':
			error = stop_user(stop, optarg);
			break;
		case 'i':
			stop->image = optarg;
			break;
		case 'a':
			stop->all = true;
			break;
		case 'h':
			fputs(stop_usage, stdout);
			exit(0);
		default:
			fputs(stop_usage, stderr);
			error = 125;
		}
	return error ? error : stop_ids(stop, argv + optind, argc - optind);
}

/* How many a word means; the last of them in *found. */
static size_t
stop_find(const struct running_list *list, const char *word,
    bool (*is)(const struct running_entry *, const char *), struct running_one **found)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		if (is(&list->items[i].entry, word)) {
			*found = &list->items[i];
			count++;
		}
	return count;
}

/*
 * Each word becomes the id it means. An id that names nothing, or two, stops nothing. A name counts only
 * where no id begins so: users choose names, and one called like another container's id must not shield it.
 */
static int
stop_check_ids(const struct stop *stop, const struct running_list *list)
{
	for (size_t i = 0; i < stop->id_count; i++) {
		struct running_one *one = NULL;
		size_t found = stop_find(list, stop->ids[i], stop_has_id, &one);

		if (found == 0)
			found = stop_find(list, stop->ids[i], stop_is_named, &one);
		if (found != 1)
			return running_fail(
			    found ? "%s means more than one container; boxdo ps shows their ids"
			    : geteuid() == 0 ? "no container %s runs"
			                     : "no container %s of yours runs",
			    stop->ids[i]);
		stop->ids[i] = one->entry.id;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct stop stop = {.grace = STOP_GRACE};
	struct running_list list;
	int error = stop_options(argc, argv, &stop);

	if (error != 0)
		return error;
	stop_who(&stop);
	error = running_read(&list);
	if (error == 0 && stop.image)
		error = stop_image_find(&stop.means, stop.image, &list);
	if (error == 0 && stop_check_ids(&stop, &list) != 0)
		error = 1;
	else if (error == 0)
		error = stop_those(&stop, &list);
	running_free(&list);
	if (error == 0 && geteuid() == 0 && !stop.id_count)
		error = stop_late_ones(&stop);
	return error;
}
