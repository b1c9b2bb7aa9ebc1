/*
 * timer.c: how long commands take, side by side
 *
 *	timer ROUNDS DIRECTORY SPECS      (root)
 *
 * SPECS has one command a line: NAME|USER|EVERY|POLICY|COMMAND. Each round runs all of them, every other
 * round from the end to the beginning; EVERY 5: in every fifth round. COMMAND is split on blanks, '...'
 * keeps together, %N is a number of its own each time; "@fdatasync DIRECTORY" times one fdatasync of a
 * file with one dirty page there; "@after MS COMMAND" waits so long first, untimed. POLICY, when given, is a file that becomes /etc/boxdo/policy.conf
 * first (and, when it was another one, the command runs once more, untimed). DIRECTORY is where commands
 * start, in a clean environment, with /dev/null on 0-2.
 *
 * Time: CLOCK_MONOTONIC, from the last instruction before execve to wait4's return. "gone": until
 * the last process that was started has ended, too (this process is their reaper); the next command starts
 * only then. Output: NAME, runs, failed runs, then median, 95th percentile, minimum and median until gone,
 * in microseconds, then the medians of page faults and of processor time (microseconds), all processes
 * counted that ended until then, separated by tabs.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SPECS_MAX 64
#define WORDS_MAX 64
#define GROUPS_MAX 32
#define ROUNDS_MAX 10000
#define GONE_MS 5000 /* longer than that nobody waits for a straggler */
#define POLICY_FILE "/etc/boxdo/policy.conf"

struct spec {
	char *name, *policy;
	const char *command;
	unsigned every;
	struct timespec before;
	uid_t uid;
	gid_t gid, groups[GROUPS_MAX];
	size_t group_count;
	char *environment[8];
	uint64_t took[ROUNDS_MAX], gone[ROUNDS_MAX], faults[ROUNDS_MAX], cpu[ROUNDS_MAX];
	size_t count, failed;
};

static uint64_t
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void
die(const char *what)
{
	fprintf(stderr, "timer: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Without NSS: the program is static. */
static void
find_user(struct spec *spec, const char *name)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user = NULL;
	const struct group *group;

	while (file && (user = fgetpwent(file)) && strcmp(user->pw_name, name) != 0)
		continue;
	if (!user)
		die(name);
	spec->uid = user->pw_uid;
	spec->gid = user->pw_gid;
	spec->environment[0] = strdup("PATH=/usr/local/bin:/usr/bin:/bin");
	if (asprintf(&spec->environment[1], "HOME=%s", user->pw_dir) < 0 ||
	    asprintf(&spec->environment[2], "USER=%s", name) < 0 ||
	    asprintf(&spec->environment[3], "LOGNAME=%s", name) < 0)
		die("memory");
	fclose(file);
	file = fopen("/etc/group", "re");
	while (file && (group = fgetgrent(file)) && spec->group_count < GROUPS_MAX)
		for (char **member = group->gr_mem; *member; member++)
			if (strcmp(*member, name) == 0)
				spec->groups[spec->group_count++] = group->gr_gid;
	if (file)
		fclose(file);
}

static size_t
read_specs(struct spec *specs, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, *rest, *user;
	size_t size = 0, count = 0;

	if (!file)
		die(path);
	while (getline(&line, &size, file) > 0 && count < SPECS_MAX) {
		struct spec *spec = &specs[count];

		line[strcspn(line, "\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		rest = strdup(line);
		spec->name = strsep(&rest, "|");
		user = strsep(&rest, "|");
		spec->every = rest ? (unsigned)atoi(strsep(&rest, "|")) : 0;
		spec->policy = rest ? strsep(&rest, "|") : NULL;
		spec->command = rest;
		if (rest && strncmp(rest, "@after ", 7) == 0) {
			spec->before.tv_nsec = strtol(rest + 7, &rest, 10) * 1000000;
			spec->command = rest;
		}
		errno = EINVAL;
		if (!rest || spec->every == 0)
			die(line);
		find_user(spec, user);
		count++;
	}
	fclose(file);
	free(line);
	return count;
}

/* Words point into a buffer that the next call overwrites. */
static char **
split(const char *command, unsigned serial)
{
	static char buffer[8192], *words[WORDS_MAX + 1];
	size_t count = 0;
	char *to = buffer;

	while (*command && count < WORDS_MAX) {
		command += strspn(command, " ");
		if (!*command)
			break;
		words[count++] = to;
		for (char quote = 0; *command && (quote || *command != ' '); command++) {
			if (to > buffer + sizeof buffer - 16)
				die("a command is too long");
			if (*command == '\'')
				quote = !quote;
			else if (strncmp(command, "%N", 2) == 0)
				to += sprintf(to, "%u", serial), command++;
			else
				*to++ = *command;
		}
		*to++ = '\0';
	}
	words[count] = NULL;
	return words;
}

/* Starts it; *begin is written by the child, whose memory is ours until it has executed. */
static pid_t
start(const struct spec *spec, char **words, volatile uint64_t *begin)
{
	sigset_t none;
	pid_t pid = vfork();

	if (pid < 0)
		die("vfork");
	if (pid > 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (setgroups(spec->group_count, spec->groups) != 0 ||
	    setresgid(spec->gid, spec->gid, spec->gid) != 0 ||
	    setresuid(spec->uid, spec->uid, spec->uid) != 0)
		_exit(126);
	*begin = now();
	execvpe(words[0], words, spec->environment);
	_exit(127);
}

/* Returns whether it ended well. */
static int
run(const struct spec *spec, uint64_t *took, uint64_t *gone)
{
	static unsigned serial;
	volatile uint64_t begin = 0;
	char **words = split(spec->command, ++serial);
	struct timespec pause = {.tv_nsec = 50000};
	int status;
	pid_t pid = start(spec, words, &begin), other;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait");
	*took = now() - begin;
	while ((other = waitpid(-1, NULL, WNOHANG)) >= 0 && now() - begin < GONE_MS * 1000000ULL)
		if (other == 0)
			nanosleep(&pause, NULL);
	*gone = now() - begin;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int
sync_once(const char *directory, uint64_t *took)
{
	static char page[4096];
	char path[4096];
	uint64_t begin;
	int fd, good;

	snprintf(path, sizeof path, "%s/boxdo-bench", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	page[0]++;
	if (fd < 0 || write(fd, page, sizeof page) != sizeof page)
		die(path);
	begin = now();
	good = fdatasync(fd) == 0;
	*took = now() - begin;
	close(fd);
	return good;
}

/* A policy that comes by rename is never read by halves. Returns whether it is another one. */
static int
change_policy(const struct spec *spec)
{
	static const char *current;
	char buffer[65536];
	ssize_t length;
	int in, out;

	if (!spec->policy[0] || (current && strcmp(current, spec->policy) == 0))
		return 0;
	in = open(spec->policy, O_RDONLY | O_CLOEXEC);
	out = open(POLICY_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	length = in < 0 ? -1 : read(in, buffer, sizeof buffer);
	if (length <= 0 || out < 0 || write(out, buffer, (size_t)length) != length ||
	    rename(POLICY_FILE ".new", POLICY_FILE) != 0)
		die(spec->policy);
	close(in);
	close(out);
	current = spec->policy;
	return 1;
}

static uint64_t
microseconds(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static void
measure(struct spec *spec, int keep)
{
	uint64_t took = 0, gone = 0;
	struct rusage before, after;
	int good;

	if (change_policy(spec))
		run(spec, &took, &gone);
	if (spec->before.tv_nsec)
		nanosleep(&spec->before, NULL);
	getrusage(RUSAGE_CHILDREN, &before);
	if (strncmp(spec->command, "@fdatasync ", 11) == 0) {
		good = sync_once(spec->command + 11, &took);
		gone = took;
	} else {
		good = run(spec, &took, &gone);
	}
	if (!keep)
		return;
	getrusage(RUSAGE_CHILDREN, &after);
	spec->faults[spec->count] = (uint64_t)(after.ru_minflt - before.ru_minflt);
	spec->cpu[spec->count] = microseconds(after.ru_utime) + microseconds(after.ru_stime) -
	                         microseconds(before.ru_utime) - microseconds(before.ru_stime);
	spec->took[spec->count] = took;
	spec->gone[spec->count++] = gone;
	spec->failed += !good;
}

static int
compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static void
show(struct spec *spec)
{
	size_t last = spec->count - 1;

	if (spec->count == 0)
		return;
	qsort(spec->took, spec->count, sizeof spec->took[0], compare);
	qsort(spec->gone, spec->count, sizeof spec->gone[0], compare);
	qsort(spec->faults, spec->count, sizeof spec->faults[0], compare);
	qsort(spec->cpu, spec->count, sizeof spec->cpu[0], compare);
	printf("%s\t%zu\t%zu\t%.1f\t%.1f\t%.1f\t%.1f\t%llu\t%llu\n", spec->name, spec->count,
	    spec->failed, (double)spec->took[last / 2] / 1e3,
	    (double)spec->took[last * 95 / 100] / 1e3, (double)spec->took[0] / 1e3,
	    (double)spec->gone[last / 2] / 1e3, (unsigned long long)spec->faults[last / 2],
	    (unsigned long long)spec->cpu[last / 2]);
}

int
main(int argc, char **argv)
{
	struct spec *specs = calloc(SPECS_MAX, sizeof *specs);
	int null = open("/dev/null", O_RDWR), out = dup(1);
	unsigned rounds = argc == 4 ? (unsigned)atoi(argv[1]) : 0;
	size_t count;

	if (rounds == 0 || rounds > ROUNDS_MAX || !specs) {
		fprintf(stderr, "usage: timer ROUNDS DIRECTORY SPECS\n");
		return 2;
	}
	count = read_specs(specs, argv[3]);
	if (chdir(argv[2]) != 0)
		die(argv[2]);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || null < 0 || out < 0)
		die("set-up");
	fcntl(out, F_SETFD, FD_CLOEXEC);
	for (int fd = 0; fd <= 1; fd++)
		dup2(null, fd);
	if (!getenv("BENCH_STDERR"))
		dup2(null, 2);
	close(null);
	for (size_t i = 0; i < count; i++)
		measure(&specs[i], 0);
	for (unsigned round = 0; round < rounds; round++)
		for (size_t i = 0; i < count; i++) {
			struct spec *spec = &specs[round % 2 ? count - 1 - i : i];

			if (round % spec->every == 0)
				measure(spec, 1);
		}
	dup2(out, 1);
	for (size_t i = 0; i < count; i++)
		show(&specs[i]);
	return 0;
}
