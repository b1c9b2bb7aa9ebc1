/*
 * question.c: stages 4 and 5, from what was typed to what the policy is asked
 *
 * Privilege: all ids 0, but paths that users name are opened by OPENER, and known here by descriptor
 * and by the kernel's name for it. Distrusts: the request. Trusts: the policy's paths.
 * Errors: launch_fail.
 */
#include "broker/question.h"

#include "broker/fds.h"
#include "broker/join.h"
#include "broker/spots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QUESTION_POLICY_DIR "/etc/boxdo"

static int
ask_group(void *context, const char *name, gid_t *gid)
{
	return directory_gid(context, name, gid);
}

static int
ask_member(void *context, gid_t gid)
{
	return directory_member(context, gid);
}

static int
ask_netgroup(void *context, const char *netgroup)
{
	return directory_netgroup(context, netgroup);
}

/* One line, "SHA256 KEY", that supervisor.c writes: what is no such line is nothing. */
void
question_known_policy(struct policy_digest *known)
{
	char line[2 * POLICY_SHA256_SIZE + 1];

	memset(known, 0, sizeof *known);
	if (fds_text(AT_FDCWD, QUESTION_KNOWN_POLICY, line, sizeof line) != sizeof line - 1 ||
	    line[POLICY_SHA256_SIZE - 1] != ' ')
		return;
	memcpy(known->sha256, line, POLICY_SHA256_SIZE - 1);
	if (line[POLICY_SHA256_SIZE] != '-')
		memcpy(known->key, line + POLICY_SHA256_SIZE, POLICY_SHA256_SIZE - 1);
}

void
question_load_policy(struct launch *launch)
{
	struct policy_digest known;
	const struct policy_lookup lookup = {.context = &launch->directory,
	    .group = ask_group,
	    .member = ask_member,
	    .netgroup = ask_netgroup,
	    .known = &known};
	const struct caller *caller = &launch->caller;
	/* The policy keeps pointers into it: it lives as long as the launch. */
	struct policy_who *who = malloc(sizeof *who);
	struct policy_error error = {.count = 0};

	if (!who)
		launch_fail(launch, STAGE_POLICY, "out of memory");
	*who = (struct policy_who){.uid = caller->user.uid,
	    .gid = caller->user.gid,
	    .groups = caller->groups,
	    .group_count = caller->group_count,
	    .name = caller->user.name,
	    .home = caller->user.home,
	    .host = caller->host,
	    .now = time(NULL)};
	question_known_policy(&known);
	launch->policy = policy_load(QUESTION_POLICY_DIR, who, &lookup, &error);
	if (!launch->policy)
		launch_fail(launch, STAGE_POLICY,
		    "the policy is not usable, so nothing is started: %s", error.text);
}

/*
 * A path that is not there, or out of the caller's reach, grants and denies nothing. Any other failure
 * is no answer (a file system that hangs; OPENER, which is the caller's to kill and to starve), and
 * with a path of a deny unknown the policy would look past it.
 */
static void
must_answer(struct launch *launch, const struct opened *opened, size_t count)
{
	for (size_t i = 0; i < count; i++)
		switch (opened[i].fd < 0 ? opened[i].error : 0) {
		case 0:
		case ENOENT:
		case EACCES:
		case ENOTDIR:
		case ELOOP:
		case ENAMETOOLONG:
		case ENOTCONN: /* a FUSE mount whose process has ended: that is the answer */
			break;
		default:
			launch_fail(launch, STAGE_REQUEST, "%s cannot be looked at: %s",
			    strcmp(opened[i].asked, ".") == 0 ? "the working directory"
			                                      : opened[i].asked,
			    opened[i].error == ETIMEDOUT ? "its file system does not answer"
			                                 : strerror(opened[i].error));
		}
}

void
question_open_request(struct launch *launch)
{
	const char *paths[LAUNCH_OPENED_MAX];
	const struct request *request = &launch->request;
	size_t count = OPENED_FIRST;

	paths[OPENED_CWD] = launch->join ? launch->join->cwd : ".";
	paths[OPENED_IMAGE] = request->image[0] == '/' ? request->image : "";
	for (size_t i = 0; i < request->bind_count; i++)
		paths[count++] = request->binds[i].source;
	for (size_t i = 0; i < request->device_count; i++)
		paths[count++] = request->devices[i][0] == '/' ? request->devices[i] : "";
	launch->opened_home = launch->opened_count = count;
	opener_ask(&launch->opener, paths, count, OPENED_IMAGE, launch->opened);
}

/* Devices by CDI names, and what a deny of such a name means. */
static void
ask_cdi(struct launch *launch)
{
	const struct request *request = &launch->request;
	const char **names = calloc(REQUEST_DEVICES_MAX, sizeof *names);
	char error[POLICY_TEXT_MAX];
	size_t count = 0;

	if (!names)
		launch_fail(launch, STAGE_REQUEST, "out of memory");
	for (size_t i = 0; i < request->device_count; i++)
		if (request->devices[i][0] != '/')
			names[count++] = request->devices[i];
	launch->question.cdi = names;
	launch->question.cdi_count = count;
	if (count == 0 && !policy_denies_cdi(launch->policy))
		return;
	launch->cdi = cdi_ask(names, count, error, sizeof error);
	if (!launch->cdi)
		launch_fail(launch, STAGE_REQUEST, "%s", error);
	launch->question.cdi_names = launch->cdi->names;
	launch->question.cdi_name_count = launch->cdi->name_count;
}

/* Home, and what the rules name: all as whom the command runs as. */
void
question_open_named(struct launch *launch)
{
	const char *paths[POLICY_BINDS_MAX + CDI_NODES_MAX + CDI_MOUNTS_MAX + 1];
	const struct cdi *cdi;
	const char *home = launch->as.user.home;
	size_t count;
	const char *const *named = policy_paths(launch->policy, &count);

	if (count > POLICY_BINDS_MAX)
		launch_fail(launch, STAGE_POLICY,
		    "the rules that match you name %zu paths, and at most %d can be told apart: "
		    "ask an admin",
		    count, POLICY_BINDS_MAX);
	ask_cdi(launch);
	cdi = launch->cdi;
	paths[0] = home[0] == '/' ? home : "";
	for (size_t i = 0; i < count; i++)
		paths[1 + i] = named[i];
	count++;
	launch->opened_cdi = launch->opened_home + count;
	for (size_t i = 0; cdi && i < cdi->node_count; i++)
		paths[count++] = cdi->nodes[i].source;
	for (size_t i = 0; cdi && i < cdi->mount_count; i++)
		paths[count++] = cdi->mounts[i].source;
	opener_ask(
	    &launch->opener, paths, count, OPENER_NONE, &launch->opened[launch->opened_home]);
	launch->opened_count = launch->opened_home + count;
}

static void
take_binds(struct launch *launch)
{
	static const enum policy_mode modes[] = {[REQUEST_AS_GRANTED] = POLICY_AS_GRANTED,
	    [REQUEST_READ_ONLY] = POLICY_READ_ONLY,
	    [REQUEST_READ_WRITE] = POLICY_READ_WRITE};

	for (size_t i = 0; i < launch->request.bind_count; i++) {
		const struct request_bind *asked = &launch->request.binds[i];
		const struct opened *opened = &launch->opened[OPENED_FIRST + i];

		if (opened->fd < 0 || !opened->path)
			launch_fail(launch, STAGE_REQUEST, "%s cannot be bound: %s", asked->source,
			    strerror(opened->error ? opened->error : ENOENT));
		launch->binds[i] = (struct policy_bind){.typed = asked->source,
		    .path = opened->path,
		    .destination = asked->destination,
		    .mode = modes[asked->mode]};
	}
	launch->question.binds = launch->binds;
	launch->question.bind_count = launch->request.bind_count;
}

/* A device is a node below /dev, wherever the typed name led; /dev is root's, so it may be looked at. */
static bool
is_device(const struct opened *opened)
{
	struct stat st;

	return opened->fd >= 0 && opened->path && strncmp(opened->path, "/dev/", 5) == 0 &&
	       strncmp(opened->path, "/dev/shm/", 9) != 0 && fstat(opened->fd, &st) == 0 &&
	       (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode));
}

static void
take_devices(struct launch *launch)
{
	const char **devices = calloc(REQUEST_DEVICES_MAX, sizeof *devices);
	const struct opened *first = &launch->opened[OPENED_FIRST + launch->request.bind_count];
	size_t count = 0;

	if (!devices)
		launch_fail(launch, STAGE_REQUEST, "out of memory");
	for (size_t i = 0; i < launch->request.device_count; i++) {
		const struct opened *opened = &first[i];

		if (launch->request.devices[i][0] != '/')
			continue;
		if (!is_device(opened))
			launch_fail(launch, STAGE_REQUEST, "%s is no device here",
			    launch->request.devices[i]);
		devices[count++] = opened->path;
	}
	launch->question.devices = devices;
	launch->question.device_count = count;
}

/* Everything a specification names must be there for whom it is opened, and a node must be one. */
static void
take_brought(struct launch *launch)
{
	size_t nodes = launch->cdi ? launch->cdi->node_count : 0,
	       count = launch->cdi ? nodes + launch->cdi->mount_count : 0;
	const struct opened *opened = &launch->opened[launch->opened_cdi];
	const char **brought = calloc(count + 1, sizeof *brought);

	if (!brought)
		launch_fail(launch, STAGE_REQUEST, "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (opened[i].fd < 0 || !opened[i].path || (i < nodes && !is_device(&opened[i])))
			launch_fail(launch, STAGE_REQUEST,
			    "%s, which a CDI specification of this host names, is %s",
			    opened[i].asked,
			    opened[i].fd < 0 ? strerror(opened[i].error) : "no device");
		brought[i] = opened[i].path;
	}
	launch->question.brought = brought;
	launch->question.brought_count = count;
}

/* Denies compare what things are, so the table of mounts is read when there is one about binds. */
static void
find_spots(struct launch *launch)
{
	struct policy_question *question = &launch->question;
	const struct opened *policy = &launch->opened[launch->opened_home + 1];
	struct policy_spots *spots;
	const struct spots *table;
	size_t count;
	const char *const *named = policy_paths(launch->policy, &count);
	int bad = 0;

	if (!policy_denies_binds(launch->policy))
		return;
	table = spots_read();
	spots = calloc(count + 1, sizeof *spots);
	if (!table || !spots)
		launch_fail(launch, STAGE_POLICY, "the table of mounts cannot be read: try again");
	for (size_t i = 0; i < question->bind_count; i++)
		bad |= spots_find(table, launch->opened[OPENED_FIRST + i].fd, launch->binds[i].path,
		    &launch->binds[i].spots);
	if (question->home.path)
		bad |= spots_find(table, launch->opened[launch->opened_home].fd,
		    question->home.path, &question->home.spots);
	if (question->cwd.path)
		bad |= spots_find(
		    table, launch->opened[OPENED_CWD].fd, question->cwd.path, &question->cwd.spots);
	if (!question->image)
		bad |=
		    spots_find(table, launch->image.fd, launch->image.path, &question->image_spots);
	/* Of a deny also as written: it must not depend on what the caller can open. */
	for (size_t i = 0; i < count; i++) {
		if (policy[i].fd >= 0 && policy[i].path)
			bad |= spots_find(table, policy[i].fd, policy[i].path, &spots[i]);
		bad |= spots_find(table, -1, named[i], &spots[i]);
	}
	if (bad)
		launch_fail(launch, STAGE_POLICY,
		    "something that is bound lies in no mount of this system's: a rule that denies "
		    "binds could not tell what it is");
	question->path_spots = spots;
}

static void
take_places(struct launch *launch)
{
	const struct opened *cwd = &launch->opened[OPENED_CWD],
	                    *home = &launch->opened[launch->opened_home];
	const struct request *request = &launch->request;
	const char **paths, *typed = launch->join ? launch->join->cwd : launch->caller.cwd;
	size_t count;

	launch->question.cwd = (struct policy_place){.typed = typed,
	    .path = cwd->directory && typed[0] ? cwd->path : NULL,
	    .wanted = !request->no_cwd && typed[0],
	    .owned = cwd->owned};
	launch->question.home = (struct policy_place){.typed = launch->as.user.home,
	    .path = home->directory ? home->path : NULL,
	    .wanted = !request->no_home,
	    .owned = home->owned};
	policy_paths(launch->policy, &count);
	paths = calloc(count + 1, sizeof *paths);
	if (!paths)
		launch_fail(launch, STAGE_POLICY, "out of memory");
	for (size_t i = 0; i < count; i++)
		paths[i] = launch->opened[launch->opened_home + 1 + i].path;
	launch->question.paths = paths;
}

static void
no_such_image(struct launch *launch)
{
	char names[POLICY_TEXT_MAX / 2];

	policy_runnable(launch->policy, names, sizeof names);
	/* Who may not read the policy does not learn which names are in it either. */
	if (!policy_public(launch->policy))
		launch->told = "not permitted";
	if (names[0])
		launch_fail(launch, STAGE_IMAGE, "no image %s that you may run; you may run: %s",
		    launch->request.image, names);
	launch_fail(launch, STAGE_IMAGE, "no image %s that you may run; %s", launch->request.image,
	    launch->origin->uid == 0 ? "you are root here, and rules name users: drop the sudo"
	                             : "ask an admin");
}

/* An image asked for by path is its catalogue entry: the same file, however it is spelled. */
static const struct policy_image *
entry_of(struct launch *launch, const struct stat *st)
{
	size_t count;
	const struct policy_image *images = policy_images(launch->policy, &count);
	struct stat entry;

	for (size_t i = 0; i < count; i++)
		if (stat(images[i].path, &entry) == 0 && entry.st_dev == st->st_dev &&
		    entry.st_ino == st->st_ino)
			return &images[i];
	return NULL;
}

static void
find_by_path(struct launch *launch)
{
	struct opened *opened = &launch->opened[OPENED_IMAGE];
	char error[POLICY_TEXT_MAX];
	struct stat st;
	bool may_read = opener_may_read(opened);

	/* One text for missing, unreachable and forbidden: no oracle. */
	if (opened->fd < 0 || !opened->path)
		no_such_image(launch);
	if (image_adopt(&launch->image, opened->fd, opened->path, error, sizeof error) != 0)
		launch_fail(launch, STAGE_IMAGE, "%s", error);
	opened->fd = -1;
	/* Whose it is is OPENER's word: whoever may read a file may as well have a copy, of their own. */
	launch->question.user_image =
	    launch->origin->uid != 0 && opened->owned && !opened->directory && may_read;
	if (!launch->image.inode[0])
		launch->image.owner = launch->origin->uid;
	if (launch->image.served && launch->question.user_image)
		return;
	if (launch->image.served || fstat(launch->image.fd, &st) != 0)
		no_such_image(launch);
	launch->question.image = entry_of(launch, &st);
	/* Outside of the catalogue root must not read for the caller: a backup of root's is an image, too. */
	if (!launch->question.image && !may_read)
		no_such_image(launch);
	if (launch->question.image)
		launch->question.user_image = false;
}

static void
find_by_name(struct launch *launch)
{
	char error[POLICY_TEXT_MAX];

	launch->question.image = policy_image_named(launch->policy, launch->request.image);
	if (!launch->question.image)
		no_such_image(launch);
	if (image_find(&launch->image, launch->question.image->path, error, sizeof error) != 0)
		launch_fail(launch, STAGE_IMAGE, "%s", error);
}

static void
take_command(struct launch *launch)
{
	free(launch->command);
	launch->command = known_command(&launch->image.known, &launch->request);
	if (!launch->command)
		launch_fail(launch, STAGE_REQUEST, "out of memory");
}

void
question_prepare(struct launch *launch)
{
	struct policy_question *question = &launch->question;
	const struct request *request = &launch->request;

	question->run_as = launch->as.is.other ? launch->as.user.name : NULL;
	opener_wait(&launch->opener);
	must_answer(launch, launch->opened, launch->opened_count);
	take_command(launch);
	if (request->image[0] == '/')
		find_by_path(launch);
	else
		find_by_name(launch);
	launch->image_known = true;
	image_remember(&launch->image, launch->question.image != NULL);
	take_command(launch);
	question->image_path = launch->image.path;
	question->image_sha256 = launch->image.sha256;
	take_binds(launch);
	take_devices(launch);
	take_brought(launch);
	take_places(launch);
	find_spots(launch);
	question->network = request->network;
	question->ipc_host = request->ipc && strcmp(request->ipc, "host") == 0;
	question->scratch = (enum policy_scratch)request->scratch;
	question->scratch_size = request->scratch_size;
	question->command = (const char *const *)launch->command;
	question->envs = request->envs;
	question->env_count = request->env_count;
}
