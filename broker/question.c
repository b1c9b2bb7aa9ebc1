/*
 * question.c: stages 4 and 5, from what was typed to what the policy is asked
 *
 * Privilege: all ids 0, but paths that users name are opened by OPENER, and known here by descriptor
 * and by the kernel's name for it. Distrusts: the request. Trusts: the policy's paths.
 * Errors: launch_fail.
 */
#include "broker/question.h"

#include <errno.h>
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

void
question_load_policy(struct launch *launch)
{
	const struct policy_lookup lookup = {
	    &launch->directory, ask_group, ask_member, ask_netgroup};
	const struct caller *caller = &launch->caller;
	/* The policy keeps pointers into it: it lives as long as the launch. */
	struct policy_who *who = malloc(sizeof *who);
	struct policy_error error = {""};

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
	launch->policy = policy_load(QUESTION_POLICY_DIR, who, &lookup, &error);
	if (!launch->policy)
		launch_fail(launch, STAGE_POLICY,
		    "the policy is not usable, so nothing is started: %s", error.text);
}

/* `-u` naming oneself changes nothing; any other account is the policy's to grant. */
static const char *
run_as(struct launch *launch)
{
	const struct caller *caller = &launch->caller;
	const char *user = launch->request.user;
	char self[64];
	size_t length;

	if (!user)
		return NULL;
	length = strcspn(user, ":");
	snprintf(self, sizeof self, "%u", caller->user.uid);
	if ((strlen(self) == length && strncmp(user, self, length) == 0) ||
	    (strlen(caller->user.name) == length && strncmp(user, caller->user.name, length) == 0))
		return NULL;
	if (strncmp(user, "root", length) == 0 || strncmp(user, "0", length) == 0)
		launch_fail(launch, STAGE_REQUEST,
		    "--user %s: nobody is root in a boxdo container; you are already "
		    "yourself inside (leave --user out)",
		    user);
	return user;
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

	paths[OPENED_CWD] = ".";
	paths[OPENED_IMAGE] = request->image[0] == '/' ? request->image : "";
	for (size_t i = 0; i < request->bind_count; i++)
		paths[count++] = request->binds[i].source;
	for (size_t i = 0; i < request->device_count; i++)
		paths[count++] = request->devices[i];
	launch->opened_home = launch->opened_count = count;
	opener_open(&launch->opener, paths, count, OPENED_IMAGE, launch->opened);
}

/* Home, and what the rules name: all as the caller. */
static void
open_named(struct launch *launch)
{
	const char *paths[POLICY_BINDS_MAX + 1];
	const char *home = launch->caller.user.home;
	size_t count;
	const char *const *named = policy_paths(launch->policy, &count);

	if (count > POLICY_BINDS_MAX)
		launch_fail(launch, STAGE_POLICY,
		    "the rules that match you name %zu paths, and at most %d can be told apart: "
		    "ask an admin",
		    count, POLICY_BINDS_MAX);
	paths[0] = home[0] == '/' ? home : "";
	for (size_t i = 0; i < count; i++)
		paths[1 + i] = named[i];
	opener_open(
	    &launch->opener, paths, count + 1, OPENER_NONE, &launch->opened[launch->opened_home]);
	must_answer(launch, &launch->opened[launch->opened_home], count + 1);
	launch->opened_count = launch->opened_home + count + 1;
	opener_stop(&launch->opener);
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
		launch->binds[i] = (struct policy_bind){
		    asked->source, opened->path, asked->destination, modes[asked->mode]};
	}
	launch->question.binds = launch->binds;
	launch->question.bind_count = launch->request.bind_count;
}

/* A device is a node below /dev, wherever the typed name led; /dev is root's, so it may be looked at. */
static void
take_devices(struct launch *launch)
{
	const char **devices = calloc(REQUEST_DEVICES_MAX, sizeof *devices);
	const struct opened *first = &launch->opened[OPENED_FIRST + launch->request.bind_count];
	struct stat st;

	if (!devices)
		launch_fail(launch, STAGE_REQUEST, "out of memory");
	for (size_t i = 0; i < launch->request.device_count; i++) {
		const struct opened *opened = &first[i];

		if (opened->fd < 0 || !opened->path || strncmp(opened->path, "/dev/", 5) != 0 ||
		    strncmp(opened->path, "/dev/shm/", 9) == 0 || fstat(opened->fd, &st) != 0 ||
		    !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
			launch_fail(launch, STAGE_REQUEST, "%s is no device here",
			    launch->request.devices[i]);
		devices[i] = opened->path;
	}
	launch->question.devices = devices;
	launch->question.device_count = launch->request.device_count;
}

static void
take_places(struct launch *launch)
{
	const struct opened *cwd = &launch->opened[OPENED_CWD],
	                    *home = &launch->opened[launch->opened_home];
	const struct request *request = &launch->request;
	const char **paths;
	size_t count;

	launch->question.cwd = (struct policy_place){.typed = launch->caller.cwd,
	    .path = cwd->directory && launch->caller.cwd[0] ? cwd->path : NULL,
	    .wanted = !request->no_cwd && launch->caller.cwd[0],
	    .owned = cwd->owned};
	launch->question.home = (struct policy_place){.typed = launch->caller.user.home,
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
	if (fstat(launch->image.fd, &st) != 0)
		no_such_image(launch);
	launch->question.image = entry_of(launch, &st);
	/* Outside of the catalogue root must not read for the caller: a backup of root's is an image, too. */
	if (!launch->question.image && !may_read)
		no_such_image(launch);
}

static void
find_by_name(struct launch *launch)
{
	size_t count;
	const struct policy_image *images = policy_images(launch->policy, &count);
	char error[POLICY_TEXT_MAX];

	for (size_t i = 0; i < count && !launch->question.image; i++)
		if (strcmp(images[i].name, launch->request.image) == 0)
			launch->question.image = &images[i];
	if (!launch->question.image)
		no_such_image(launch);
	if (image_find(&launch->image, launch->question.image->path, error, sizeof error) != 0)
		launch_fail(launch, STAGE_IMAGE, "%s", error);
}

/* docker's rule: --entrypoint stands before the arguments; without either the image's shell starts. */
static void
take_command(struct launch *launch)
{
	const struct request *request = &launch->request;
	size_t count = 0;

	launch->command = calloc(request->command_count + 3, sizeof *launch->command);
	if (!launch->command)
		launch_fail(launch, STAGE_REQUEST, "out of memory");
	if (request->entrypoint && request->entrypoint[0]) {
		launch->command[count] = strdup(request->entrypoint);
		if (!launch->command[count++])
			launch_fail(launch, STAGE_REQUEST, "out of memory");
	}
	for (size_t i = 0; i < request->command_count; i++)
		launch->command[count++] = request->command[i];
	if (count == 0 && !(launch->command[0] = strdup("/bin/sh")))
		launch_fail(launch, STAGE_REQUEST, "out of memory");
}

void
question_prepare(struct launch *launch)
{
	struct policy_question *question = &launch->question;
	const struct request *request = &launch->request;

	question->run_as = run_as(launch);
	must_answer(launch, launch->opened, launch->opened_home);
	open_named(launch);
	take_command(launch);
	if (request->image[0] == '/')
		find_by_path(launch);
	else
		find_by_name(launch);
	launch->image_known = true;
	question->image_path = launch->image.path;
	take_binds(launch);
	take_devices(launch);
	take_places(launch);
	question->network = request->network;
	question->ipc_host = request->ipc && strcmp(request->ipc, "host") == 0;
	question->command = (const char *const *)launch->command;
	question->envs = request->envs;
	question->env_count = request->env_count;
}
