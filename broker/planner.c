/*
 * planner.c: between stages 6 and 8, everything INIT will do, made complete before INIT exists
 *
 * Privilege: all ids 0, in the host's mount namespace. What users named comes as descriptors OPENER
 * opened and is only cloned; the host's own files (resolv.conf ...) are root's. Errors: launch_fail.
 */
#include "broker/planner.h"

#include "broker/destination.h"
#include "broker/environment.h"
#include "broker/fuse.h"
#include "broker/idmap.h"
#include "broker/join.h"
#include "broker/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

static struct plan_mount *
next_mount(struct launch *launch)
{
	if (launch->plan.mount_count >= PLAN_MOUNTS_MAX)
		launch_fail(launch, STAGE_MOUNTS, "more than %d mounts", PLAN_MOUNTS_MAX);
	return &launch->plan.mounts[launch->plan.mount_count++];
}

static void
add_file(struct launch *launch, const char *destination, char *text)
{
	if (!text)
		launch_fail(launch, STAGE_MOUNTS, "out of memory");
	*next_mount(launch) = (struct plan_mount){
	    .kind = PLAN_FILE, .destination = destination, .nofollow = true, .text = text};
}

static void
add_host_file(struct launch *launch, const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC), tree;

	if (fd < 0)
		return; /* the host has none; then the container has the image's */
	tree = mounts_clone(fd, false, false);
	close(fd);
	if (tree < 0)
		launch_fail(launch, STAGE_MOUNTS, "%s cannot be bound: %s", path, strerror(errno));
	*next_mount(launch) = (struct plan_mount){
	    .kind = PLAN_TREE, .destination = path, .tree = tree, .nofollow = true};
}

static char *
passwd_text(const struct launch *launch)
{
	const struct directory_user *user = &launch->as.user;
	char *text;

	if (asprintf(&text,
	        "%snobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n%s:x:%u:%u::%s:%s\n",
	        user->uid == 0 ? "" : "root:x:0:0:root:/root:/bin/sh\n", user->name, user->uid,
	        user->gid, user->home, user->shell[0] ? user->shell : "/bin/sh") < 0)
		return NULL;
	return text;
}

struct group_file {
	char *text; /* NULL: out of memory */
	size_t length;
	const char *user;
};

/* A group the directory does not know is called by its number. */
static void
add_group(void *context, gid_t gid, const char *name)
{
	struct group_file *file = context;
	char number[24], *text;
	size_t room;

	snprintf(number, sizeof number, "group%u", gid);
	if (!name[0])
		name = number;
	room = strlen(name) + strlen(file->user) + sizeof number;
	text = file->text ? realloc(file->text, file->length + room) : NULL;
	if (text)
		file->length += (size_t)snprintf(
		    text + file->length, room, "%s:x:%u:%s\n", name, gid, file->user);
	else
		free(file->text);
	file->text = text;
}

/* Every group the command is in has a name inside. */
static char *
group_text(struct launch *launch)
{
	const struct runas *as = &launch->as;
	gid_t *gids = calloc(as->is.group_count + 1, sizeof *gids);
	static const char always[] = "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n";
	size_t count = 0;
	struct group_file file = {strdup(always), sizeof always - 1, as->user.name};

	if (!gids)
		return NULL;
	for (size_t i = 0; i <= as->is.group_count; i++) {
		gid_t gid = i ? as->is.groups[i - 1] : as->is.gid;

		if ((i == 0 || gid != as->is.gid) && gid != 0 && gid != 5 && gid != 65534)
			gids[count++] = gid;
	}
	if (directory_groups(&launch->directory, gids, count, add_group, &file) != 0)
		launch_fail(launch, STAGE_CALLER,
		    "the directory of groups does not answer: try again later");
	free(gids);
	return file.text;
}

static void
add_files(struct launch *launch)
{
	add_file(launch, "/etc/passwd", passwd_text(launch));
	add_file(launch, "/etc/group", group_text(launch));
	add_host_file(launch, "/etc/resolv.conf");
	add_host_file(launch, "/etc/hosts");
	add_host_file(launch, "/etc/localtime");
}

static const struct opened *
opened_for(const struct launch *launch, const struct policy_mount *mount)
{
	switch (mount->from) {
	case POLICY_FROM_REQUEST:
		return &launch->opened[OPENED_FIRST + mount->index];
	case POLICY_FROM_HOME:
		return &launch->opened[launch->opened_home];
	case POLICY_FROM_CWD:
		return &launch->opened[OPENED_CWD];
	default:
		return &launch->opened[launch->opened_home + 1 + mount->index];
	}
}

static void
add_granted(struct launch *launch)
{
	for (size_t i = 0; i < launch->decision.mount_count; i++) {
		const struct policy_mount *mount = &launch->decision.mounts[i];
		const struct opened *opened = opened_for(launch, mount);
		int tree = opened->fd < 0 ? -1 : mounts_clone(opened->fd, mount->writable, false);

		if (tree < 0)
			launch_fail(launch, STAGE_MOUNTS, "%s cannot be bound: %s", mount->path,
			    strerror(errno));
		*next_mount(launch) = (struct plan_mount){.kind = PLAN_TREE,
		    .destination = mount->destination,
		    .tree = tree,
		    .directory = opened->directory,
		    .users = true};
	}
	for (size_t i = 0; i < launch->request.tmpfs_count; i++)
		*next_mount(launch) = (struct plan_mount){.kind = PLAN_TMPFS,
		    .directory = true,
		    .destination = launch->request.tmpfs[i].destination,
		    .size = launch->request.tmpfs[i].size};
}

/* A parent's destination comes before what lies in it. */
static int
by_destination(const void *left, const void *right)
{
	const struct plan_mount *a = left, *b = right;
	size_t la = strlen(a->destination), lb = strlen(b->destination);

	return la != lb ? (la < lb ? -1 : 1) : strcmp(a->destination, b->destination);
}

/* One that comes by its path and by a CDI name is there once. */
static void
add_device(struct launch *launch, const struct opened *opened, const char *path)
{
	struct plan *plan = &launch->plan;
	int tree;

	for (size_t i = 0; i < plan->device_count; i++)
		if (strcmp(plan->devices[i].path, path) == 0)
			return;
	tree = mounts_clone(opened->fd, true, true);
	if (tree < 0)
		launch_fail(
		    launch, STAGE_MOUNTS, "%s cannot be bound: %s", opened->path, strerror(errno));
	plan->devices[plan->device_count].tree = tree;
	plan->devices[plan->device_count++].path = path;
}

/* What a device's specification mounts and links: root's choice, so it may cover what the image has. */
static void
add_brought(struct launch *launch)
{
	const struct cdi *cdi = launch->cdi;
	const struct opened *opened =
	    cdi ? &launch->opened[launch->opened_cdi + cdi->node_count] : NULL;

	for (size_t i = 0; cdi && i < cdi->mount_count; i++) {
		int tree = mounts_clone(opened[i].fd, cdi->mounts[i].writable, false);

		if (tree < 0)
			launch_fail(launch, STAGE_MOUNTS, "%s cannot be bound: %s", opened[i].path,
			    strerror(errno));
		*next_mount(launch) = (struct plan_mount){.kind = PLAN_TREE,
		    .destination = cdi->mounts[i].destination,
		    .tree = tree,
		    .directory = opened[i].directory,
		    .nofollow = !opened[i].directory};
	}
	for (size_t i = 0; cdi && i < cdi->link_count; i++)
		*next_mount(launch) = (struct plan_mount){.kind = PLAN_LINK,
		    .destination = cdi->links[i].path,
		    .nofollow = true,
		    .text = cdi->links[i].target};
}

static void
add_devices(struct launch *launch)
{
	const struct opened *opened = &launch->opened[OPENED_FIRST + launch->request.bind_count];
	const struct cdi *cdi = launch->cdi;

	for (size_t i = 0; i < launch->request.device_count; i++)
		if (launch->request.devices[i][0] == '/')
			add_device(launch, &opened[i], opened[i].path);
	opened = &launch->opened[launch->opened_cdi];
	for (size_t i = 0; cdi && i < cdi->node_count; i++)
		add_device(launch, &opened[i], cdi->nodes[i].path);
}

/* As large as the host's /dev/shm: MPI ranks meet there. */
static void
add_memory(struct launch *launch)
{
	struct statvfs shm;
	int fd;

	launch->plan.scratch_size =
	    statvfs("/dev/shm", &shm) == 0 ? (uint64_t)shm.f_blocks * shm.f_frsize : 0;
	launch->plan.shm_size = launch->request.shm_size;
	launch->plan.shm = -1;
	if (!launch->question.ipc_host)
		return;
	fd = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
	launch->plan.shm = fd < 0 ? -1 : mounts_clone(fd, true, false);
	if (launch->plan.shm < 0)
		launch_fail(launch, STAGE_MOUNTS, "/dev/shm cannot be bound: %s", strerror(errno));
	close(fd);
}

/* Runtimes read their memory limit there (Java, Go); read-only, and only where it is one v2 tree. */
static void
add_cgroup(struct launch *launch)
{
	int fd = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	launch->plan.cgroup = -1;
	if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		launch->plan.cgroup = mounts_clone(fd, false, false);
	if (fd >= 0)
		close(fd);
}

/*
 * Where the command starts: -w, else the caller's directory where the container has it, else the image's
 * WorkingDir, else home, else /. Entered after the drop and with nothing open (CVE-2024-21626).
 */
static void
choose_directory(struct launch *launch)
{
	const struct policy_place *cwd = &launch->question.cwd;
	bool home = false;

	launch->plan.start.directory = launch->request.workdir;
	for (size_t i = 0; i < launch->decision.mount_count && !launch->plan.start.directory; i++) {
		const struct policy_mount *mount = &launch->decision.mounts[i];
		size_t length = strlen(mount->destination);

		home |= mount->from == POLICY_FROM_HOME;
		/* The same directory under the same name: what lies around it was mounted in place. */
		if (cwd->path && destination_below(cwd->typed, mount->destination) &&
		    destination_below(cwd->path, mount->path) &&
		    strcmp(cwd->typed + length, cwd->path + strlen(mount->path)) == 0)
			launch->plan.start.directory = cwd->typed;
	}
	if (launch->plan.start.directory)
		return;
	launch->plan.start.images_directory = true;
	launch->plan.start.directory = known_first(&launch->image.known, KNOWN_WORKDIR);
	if (!launch->plan.start.directory)
		launch->plan.start.directory = home ? launch->as.user.home : "/";
	if (launch->join || launch->request.no_cwd ||
	    (home && strcmp(cwd->typed, launch->as.user.home) == 0))
		return;
	launch_tell(launch,
	    "%s is not in the container (%s does not grant it), so the command starts in %s%s",
	    cwd->typed[0] ? cwd->typed : "the working directory", launch->decision.rule,
	    launch->plan.start.directory,
	    launch->decision.user_image ? ", or where the image says" : "");
}

/*
 * Under a writable root what is root's in the image is the user's: NULL, or why it is not. A directory that the caller
 * named may be any of this host's, and what root alone can read in it stays so: only root's catalogue makes an image of
 * it. A file that the caller named they can read to its end.
 */
static const char *
give_files(const struct launch *launch)
{
	const struct plan *plan = &launch->plan;

	if (!launch->question.image && launch->image.kind == IMAGE_DIRECTORY)
		return "it is not in the catalogue";
	if (idmap_mount(plan->image, plan->as.uid, plan->as.gid) == 0)
		return NULL;
	return errno == ENOSPC ? "user.max_user_namespaces" : strerror(errno);
}

/* Image and mounts. */
static void
add_root(struct launch *launch)
{
	struct plan *plan = &launch->plan;
	char error[POLICY_TEXT_MAX];
	const char *why;
	size_t files;

	plan->file = launch->image.fd;
	plan->image =
	    launch->decision.user_image
	        ? fuse_mount(launch->origin, &plan->fuse, &launch->fuse_abort, error, sizeof error)
	        : image_mount(&launch->image, error, sizeof error);
	if (plan->image < 0)
		launch_fail(launch, STAGE_IMAGE, "%s", error);
	plan->root_size = launch->decision.scratch;
	if (plan->root_size && (why = give_files(launch)) != NULL &&
	    launch->request.scratch == REQUEST_WITH_SCRATCH)
		launch_tell(launch,
		    "the image's files do not become yours (%s): only / itself is, and what you "
		    "make in it",
		    why);
	add_files(launch);
	files = plan->mount_count;
	add_granted(launch);
	add_brought(launch);
	qsort(plan->mounts + files, plan->mount_count - files, sizeof plan->mounts[0],
	    by_destination);
	add_devices(launch);
	add_memory(launch);
	add_cgroup(launch);
}

void
planner_make(struct launch *launch)
{
	struct plan *plan = &launch->plan;

	plan->origin = launch->origin;
	plan->request = &launch->request;
	plan->as = launch->as.is;
	plan->start.command = launch->command;
	plan->strict = launch->decision.strict;
	plan->hostname = launch->request.hostname;
	plan->network_none = strcmp(launch->decision.network, "none") == 0;
	plan->image = plan->shm = plan->cgroup = -1;
	plan->own = launch->decision.user_image;
	plan->join = launch->join ? launch->join->init : -1;
	if (!launch->join)
		add_root(launch);
	choose_directory(launch);
	plan->start.environment = environment_build(launch->origin, &launch->request,
	    launch->image.known.words[KNOWN_ENV], launch->decision.env, &launch->as.user,
	    launch->id, launch->cdi, &plan->start.firm);
	if (!plan->start.environment)
		launch_fail(
		    launch, STAGE_COMMAND, "the environment is too large (at most 8000 variables)");
}

void
planner_close(struct launch *launch)
{
	struct plan *plan = &launch->plan;

	if (plan->image >= 0)
		close(plan->image);
	if (plan->fuse >= 0)
		close(plan->fuse);
	for (size_t i = 0; i < plan->mount_count; i++)
		if (plan->mounts[i].kind == PLAN_TREE)
			close(plan->mounts[i].tree);
	for (size_t i = 0; i < plan->device_count; i++)
		close(plan->devices[i].tree);
	if (plan->shm >= 0)
		close(plan->shm);
	if (plan->cgroup >= 0)
		close(plan->cgroup);
	for (size_t i = 0; i < launch->opened_count; i++)
		if (launch->opened[i].fd >= 0)
			close(launch->opened[i].fd);
	close(launch->image.fd);
}
