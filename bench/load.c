/*
 * load.c: policy_load alone, as a caller nobody knows
 *
 *	load DIRECTORY RUNS      prints milliseconds and the largest resident set in KiB, twice: of the first read
 *	                         after a change, and of the later ones (the least of RUNS)
 *
 * The digest is kept between the runs, as the broker keeps it between launches.
 */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int
nobody(void *context, const char *name, gid_t *gid)
{
	(void)context, (void)name, (void)gid;
	return 0;
}

static int
no_member(void *context, gid_t gid)
{
	(void)context, (void)gid;
	return 0;
}

static int
no_netgroup(void *context, const char *name)
{
	(void)context, (void)name;
	return 0;
}

static double
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* One read, its digest, and what it took; a process of its own each, so that each has its own resident set. */
struct result {
	struct policy_digest digest;
	double took;
	long resident;
};

static void
load_once(const char *dir, const struct policy_digest *known, struct result *result)
{
	const struct policy_who who = {.uid = 2001,
	    .gid = 2001,
	    .name = "alice",
	    .home = "",
	    .host = "gpu1",
	    .now = time(NULL)};
	const struct policy_lookup lookup = {
	    .group = nobody, .member = no_member, .netgroup = no_netgroup, .known = known};
	struct policy_error error = {.count = 0};
	struct rusage usage;
	double start = milliseconds();
	struct policy *policy = policy_load(dir, &who, &lookup, &error);

	result->took = milliseconds() - start;
	if (policy == NULL) {
		fprintf(stderr, "load: %s\n", error.text);
		_exit(1);
	}
	result->digest = *policy_digest(policy);
	getrusage(RUSAGE_SELF, &usage);
	result->resident = usage.ru_maxrss;
}

static struct result
load_in_child(const char *dir, const struct policy_digest *known)
{
	struct result result;
	int ends[2], status;
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		exit(1);
	if (pid == 0) {
		load_once(dir, known, &result);
		_exit(write(ends[1], &result, sizeof(result)) != sizeof(result));
	}
	close(ends[1]);
	if (read(ends[0], &result, sizeof(result)) != sizeof(result) ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		exit(1);
	close(ends[0]);
	return result;
}

int
main(int argc, char **argv)
{
	struct result first, least, again;
	int i;

	if (argc != 3)
		return 2;
	first = load_in_child(argv[1], NULL);
	least = load_in_child(argv[1], &first.digest);
	for (i = 1; i < atoi(argv[2]); i++) {
		again = load_in_child(argv[1], &first.digest);
		least = again.took < least.took ? again : least;
	}
	printf("%.3f %ld %.3f %ld\n", first.took, first.resident, least.took, least.resident);
	return 0;
}
