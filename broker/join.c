/*
 * join.c: a command in a container that runs (`boxdo exec`)
 *
 * Stages 3, 4 and 8. Privilege: all ids 0. Trusts: the kernel; what the container's SUPERVISOR, a living
 * process of root's, wrote into a file without a name that it holds. Distrusts: the request, process numbers,
 * and INIT, which carries the caller's ids: it is only ever asked what the kernel says of it.
 * Errors: launch_fail; who cannot be joined, and who is not there, is told in the same words.
 *
 * What MUST hold:
 *  1. only a container of the caller's own, by the real uid: a table of root's names it, and neither an
 *     argument nor a variable nor a descriptor names a process or a namespace (CVE-2022-31214, CVE-2018-19295);
 *  2. a number is a process only once that process is held: first its directory in /proc and a pidfd, then the
 *     look that it began when it should have, and that INIT is that SUPERVISOR's child in the namespaces
 *     SUPERVISOR saw it in;
 *  3. the policy is asked as for a launch, now, for all the container has; what it would not grant now is refused;
 *     by the same names for the same things: from the namespaces the container was started from;
 *  4. who enters holds nothing of the host's but its socket and the pidfd, is not dumpable, looks at no path
 *     inside, and gives its privilege up as INIT did, in the same lines (CVE-2016-9962, CVE-2019-5736,
 *     CVE-2024-21626);
 *  5. it is in the container's cgroup from birth, and in no other v1 groups than the container.
 */
#include "broker/join.h"

#include "broker/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOIN_MAGIC "boxdo-join-1"
#define JOIN_FACTS_MAX (4u << 20) /* bytes: a command line is at most half of it */

/* Of who starts a container: what its binds, its "host" network and memory are named by. */
static const char *const shared[] = {"/proc/self/ns/mnt", "/proc/self/ns/net", "/proc/self/ns/ipc"};

/* --- what a container's SUPERVISOR writes down --------------------------------------------------------- */

/* The very file: by its number, which no other file gets while a container has it open. */
static void
join_image(const struct launch *launch, char text[96])
{
	const struct image *image = &launch->image;

	if (launch->decision.user_image)
		snprintf(text, 96, "user %s", image->inode);
	else
		snprintf(text, 96, "%llu %llu", (unsigned long long)image->st.st_dev,
		    (unsigned long long)image->st.st_ino);
}

/* The number of the namespace at path, below directory; 0: unknown. */
static unsigned long long
number_of(int directory, const char *path)
{
	char text[48];
	ssize_t length = readlinkat(directory, path, text, sizeof text - 1);
	const char *at;

	text[length > 0 ? length : 0] = '\0';
	at = strchr(text, '[');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

static void
put(FILE *out, const char *word)
{
	fwrite(word, 1, strlen(word) + 1, out);
}

static void
put_number(FILE *out, unsigned long long number)
{
	fprintf(out, "%llu%c", number, '\0');
}

/* In the order in which join_find reads it. */
static void
put_facts(FILE *out, const struct launch *launch)
{
	const struct policy_decision *decision = &launch->decision;
	const struct policy_question *question = &launch->question;
	const struct origin *origin = launch->origin;
	char image[96], path[48];
	int end = 2; /* the program's name may be anything */

	join_image(launch, image);
	put(out, JOIN_MAGIC);
	for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
		put_number(out, number_of(AT_FDCWD, shared[i]));
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", launch->init);
	put_number(out, number_of(AT_FDCWD, path));
	snprintf(path, sizeof path, "/proc/%d/ns/pid", launch->init);
	put_number(out, number_of(AT_FDCWD, path));
	put_number(out, launch->as.is.uid);
	put_number(out, launch->plan.strict);
	put_number(out, decision->scratch);
	put(out, launch->caller.cwd);
	put(out, decision->network);
	put(out, image);
	put_number(out, decision->mount_count);
	for (size_t i = 0; i < decision->mount_count; i++) {
		put_number(out, decision->mounts[i].writable);
		put(out, decision->mounts[i].path);
		put(out, decision->mounts[i].destination);
	}
	put_number(out, question->device_count + question->brought_count);
	for (size_t i = 0; i < question->device_count; i++)
		put(out, question->devices[i]);
	for (size_t i = 0; i < question->brought_count; i++)
		put(out, question->brought[i]);
	/* request_parse has read it: there is one. */
	while (strcmp(origin->argv[end], "--") != 0)
		end++;
	put_number(out, (unsigned)end + 1);
	for (int i = 0; i <= end; i++)
		put(out, origin->argv[i]);
}

void
join_write(struct launch *launch)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int facts = -1;

	if (out) {
		put_facts(out, launch);
		if (fclose(out) == 0 && size <= JOIN_FACTS_MAX)
			facts = memfd_create("boxdo-join", MFD_CLOEXEC);
	}
	if (facts >= 0 && write(facts, text, size) == (ssize_t)size)
		launch->facts = facts;
	else if (facts >= 0)
		close(facts);
	free(text);
}

void
join_offer(struct launch *launch)
{
	if (launch->facts > 0)
		atomic_store(&launch->running->facts, launch->facts);
}

/* --- what a command that joins reads ---------------------------------------------------------------------- */

static void __attribute__((noreturn)) gone(struct launch *launch)
{
	launch_fail(launch, STAGE_REQUEST, "no container %s of yours runs; see boxdo ps",
	    launch->request.join);
}

/* Its directory in /proc, which stays that of the process that has the number now. */
static int
open_process(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d", pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/*
 * All SUPERVISOR wrote down, with a NUL behind it; NULL: it is not there (any more). The process is held first;
 * then we look whose number it is.
 */
static char *
read_facts(const struct running_entry *entry, size_t *size)
{
	pid_t supervisor = running_supervisor(entry->owner);
	int process = open_process(supervisor), fd = -1;
	struct process is;
	struct stat st;
	char name[32], *text = NULL;

	snprintf(name, sizeof name, "fd/%d", atomic_load(&entry->facts));
	if (process >= 0 && process_read(supervisor, &is) == 0 && is.state != 'Z' &&
	    running_owner(supervisor, is.start) == entry->owner)
		fd = openat(process, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= JOIN_FACTS_MAX)
		text = calloc(1, (size_t)st.st_size + 1);
	if (text && pread(fd, text, (size_t)st.st_size, 0) != st.st_size) {
		free(text);
		text = NULL;
	}
	*size = text ? (size_t)st.st_size : 0;
	if (fd >= 0)
		close(fd);
	if (process >= 0)
		close(process);
	return text;
}

/* Words behind one another; past the end there are empty ones. */
struct words {
	char *at, *end;
};

static char *
take(struct words *words)
{
	char *word = words->at;

	if (word < words->end)
		words->at += strlen(word) + 1;
	return word < words->end ? word : words->end;
}

static unsigned long long
take_number(struct words *words)
{
	return strtoull(take(words), NULL, 10);
}

/* Process 1, held by its directory in /proc (returned) and a pidfd, and then looked at. */
static int
open_init(struct join *join, unsigned long long mounts, unsigned long long processes)
{
	const struct running_entry *entry = &join->entry;
	int process = open_process(entry->init);
	struct process is;

	join->init = pidfd_open(entry->init, 0);
	if (process >= 0 && join->init >= 0 && process_read(entry->init, &is) == 0 &&
	    is.state != 'Z' && is.start == entry->init_start &&
	    is.parent == running_supervisor(entry->owner) && mounts != 0 && processes != 0 &&
	    number_of(process, "ns/mnt") == mounts && number_of(process, "ns/pid") == processes)
		return process;
	if (process >= 0)
		close(process);
	return -1;
}

/* One that was named from the directory the container was started in. */
static void
take_source(struct launch *launch, struct request_bind *bind)
{
	const char *cwd = launch->join->cwd;
	char *path;

	if (bind->source[0] == '/')
		return;
	if (!cwd[0] || asprintf(&path, "%s/%s", cwd, bind->source) < 0 ||
	    strlen(path) > REQUEST_PATH_MAX)
		launch_fail(launch, STAGE_REQUEST,
		    "%s, which the container has, cannot be named from here", bind->source);
	bind->source = path;
}

/* The container's request, with the command, directory and variables of who joins. */
static void
take_request(struct launch *launch, struct words *words)
{
	const struct request typed = launch->request;
	struct request *request = &launch->request;
	unsigned long long count = take_number(words);
	char error[POLICY_TEXT_MAX], **argv = calloc(count < 65536 ? count + 1 : 1, sizeof *argv);

	for (unsigned long long i = 0; argv && i < count && count < 65536; i++)
		argv[i] = take(words);
	memset(request, 0, sizeof *request);
	if (!argv || request_parse(request, (int)count, argv, error, sizeof error) != 0)
		launch_fail(launch, STAGE_REQUEST, "no request of a container: a bug");
	for (size_t i = 0; i < request->bind_count; i++)
		take_source(launch, &request->binds[i]);
	request->join = typed.join;
	request->name = NULL; /* is one container's alone */
	request->prompt = typed.prompt;
	request->command = typed.command;
	request->command_count = typed.command_count;
	request->entrypoint = ""; /* the command is what was typed */
	request->env_count = typed.env_count;
	memcpy(request->envs, typed.envs, sizeof request->envs);
	if (typed.workdir)
		request->workdir = typed.workdir;
	if (typed.user)
		request->user = typed.user;
}

static void
take_facts(struct launch *launch, struct words *words)
{
	struct join *join = launch->join;

	join->uid = (uid_t)take_number(words);
	join->strict = take_number(words) != 0;
	join->scratch = take_number(words);
	join->cwd = take(words);
	join->network = take(words);
	join->image = take(words);
	join->mount_count = take_number(words);
	if (join->mount_count > POLICY_BINDS_MAX)
		gone(launch);
	for (size_t i = 0; i < join->mount_count; i++) {
		join->mounts[i].writable = take_number(words) != 0;
		join->mounts[i].path = take(words);
		join->mounts[i].destination = take(words);
	}
	join->device_count = take_number(words);
	if (join->device_count > JOIN_DEVICES_MAX)
		gone(launch);
	for (size_t i = 0; i < join->device_count; i++)
		join->devices[i] = take(words);
}

void
join_find(struct launch *launch)
{
	struct join *join = calloc(1, sizeof *join);
	unsigned long long mounts, processes;
	struct words words;
	bool same = true;
	size_t size;
	int process;

	if (!join)
		launch_fail(launch, STAGE_REQUEST, "out of memory");
	launch->join = join;
	if (running_find(launch->origin->uid, launch->request.join, &join->entry) != 1)
		gone(launch);
	if (join->entry.joins[0])
		launch_fail(launch, STAGE_REQUEST, "%s is a command in container %s: join that",
		    join->entry.id, join->entry.joins);
	if (atomic_load(&join->entry.facts) <= 0)
		launch_fail(launch, STAGE_REQUEST, "container %s cannot be joined yet: try again",
		    join->entry.id);
	/* It lives as long as the launch: what follows points into it. */
	words.at = read_facts(&join->entry, &size);
	words.end = words.at + size;
	if (!words.at || strcmp(take(&words), JOIN_MAGIC) != 0)
		gone(launch);
	for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
		same &= take_number(&words) == number_of(AT_FDCWD, shared[i]);
	mounts = take_number(&words);
	processes = take_number(&words);
	process = open_init(join, mounts, processes);
	if (process < 0)
		gone(launch);
	launch->cgroup = cgroup_of(process);
	close(process);
	if (!same)
		launch_fail(launch, STAGE_REQUEST,
		    "container %s has other mounts, or another network, than you: join it from the "
		    "session or job that started it",
		    join->entry.id);
	if (launch->cgroup < 0)
		launch_fail(launch, STAGE_REQUEST,
		    "container %s is in control groups that are not yours here: join it from the "
		    "session or job that started it",
		    join->entry.id);
	take_facts(launch, &words);
	take_request(launch, &words);
	/* The one the rule grants now may be another. */
	launch->request.network = join->network;
}

void
join_account(struct launch *launch)
{
	if (launch->as.is.uid != launch->join->uid)
		launch_fail(launch, STAGE_CALLER,
		    "container %s runs as uid %u, and so does what joins it, not as %s",
		    launch->request.join, launch->join->uid, launch->as.user.name);
}

/* --- the answer -------------------------------------------------------------------------------------------- */

static void __attribute__((noreturn, format(printf, 2, 3)))
refuse(struct launch *launch, const char *format, ...)
{
	char reason[POLICY_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	if (!policy_public(launch->policy))
		launch->told = "not permitted";
	launch_fail(launch, STAGE_POLICY,
	    "%s would not give container %s what it has: %s; start another with boxdo run",
	    launch->decision.rule, launch->request.join, reason);
}

/* The mount of the decision that is had; NULL: the rule does not grant it now. */
static const struct policy_mount *
granted(const struct policy_decision *decision, const struct policy_mount *had)
{
	for (size_t i = 0; i < decision->mount_count; i++) {
		const struct policy_mount *mount = &decision->mounts[i];

		if (strcmp(mount->path, had->path) == 0 &&
		    strcmp(mount->destination, had->destination) == 0 &&
		    mount->writable >= had->writable)
			return mount;
	}
	return NULL;
}

/* A device, or what one brought along, of a container: also now? Denies ask for no other. */
static bool
brings(const struct policy_question *question, const char *had)
{
	for (size_t i = 0; i < question->device_count; i++)
		if (strcmp(question->devices[i], had) == 0)
			return true;
	for (size_t i = 0; i < question->brought_count; i++)
		if (strcmp(question->brought[i], had) == 0)
			return true;
	return false;
}

void
join_check(struct launch *launch)
{
	struct policy_decision *decision = &launch->decision;
	struct join *join = launch->join;
	char image[96];

	join_image(launch, image);
	if (strcmp(image, join->image) != 0)
		refuse(launch, "%s is another image now", launch->request.image);
	if (strcmp(decision->network, join->network) != 0)
		refuse(launch, "network=%s", join->network);
	if (decision->scratch < join->scratch)
		refuse(launch, "a writable root of %llu bytes", (unsigned long long)join->scratch);
	/* A permitted command is the image's: not what the caller put in its place. */
	if (decision->strict && (!join->strict || join->scratch))
		refuse(launch, "the rule limits the command, and there it need not be the image's");
	for (size_t i = 0; i < join->mount_count; i++) {
		struct policy_mount *had = &join->mounts[i];
		const struct policy_mount *mount = granted(decision, had);

		if (!mount)
			refuse(launch, "%s%s", had->path, had->writable ? ":rw" : "");
		had->from = mount->from;
		had->index = mount->index;
	}
	for (size_t i = 0; i < join->device_count; i++)
		if (!brings(&launch->question, join->devices[i]))
			refuse(launch, "%s", join->devices[i]);
	/* On record is what the container has. */
	memcpy(decision->mounts, join->mounts, sizeof decision->mounts);
	decision->mount_count = join->mount_count;
	decision->scratch = join->scratch;
}

/* --- going in ------------------------------------------------------------------------------------------------ */

int
join_processes(const struct join *join)
{
	return setns(join->init, CLONE_NEWPID);
}

int
join_enter(int init)
{
	return setns(init, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET);
}
