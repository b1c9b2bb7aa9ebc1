/*
 * A request becomes a question, as broker/question.c makes it: the same parser (broker/request.c), the
 * same order, with the caller's own eyes instead of a child's.
 *
 * Runs as the one who is asked about, or as nobody. Where a path cannot be looked at (another host,
 * another account), it is taken as it is written, and a note says so.
 * On error: the line a launch would be refused with.
 */
#include "client/tool.h"

#include "broker/spots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tool_seen {
	char *path; /* as the kernel names it; NULL: not opened */
	int fd;     /* the ask's to close; -1 */
	int error;
	struct stat st;
};

/* The ask's to free. */
static char *
tool_ask_keep(struct tool_ask *ask, char *text)
{
	if (text == NULL || ask->kept_count == sizeof(ask->kept) / sizeof(ask->kept[0])) {
		free(text);
		return NULL;
	}
	ask->kept[ask->kept_count++] = text;
	return text;
}

/* Absolute, without '.', '..' and '//': a path as it is written, seen from cwd. */
static char *
tool_ask_plain(const char *cwd, const char *path)
{
	char text[2 * PATH_MAX + 2], *plain = calloc(1, sizeof(text)), *end = plain;
	const char *at;

	if (plain == NULL || strlen(path) > PATH_MAX || (cwd != NULL && strlen(cwd) > PATH_MAX)) {
		free(plain);
		return NULL;
	}
	snprintf(text, sizeof(text), "%s/%s", path[0] == '/' || cwd == NULL ? "" : cwd, path);
	for (at = text; *(at += strspn(at, "/")) != '\0'; at += strcspn(at, "/")) {
		size_t length = strcspn(at, "/");

		if (length == 1 && at[0] == '.')
			continue;
		if (length == 2 && strncmp(at, "..", 2) == 0) {
			while (end > plain && *--end != '/')
				;
			*end = '\0';
			continue;
		}
		*end++ = '/';
		memcpy(end, at, length);
		end += length;
		*end = '\0';
	}
	if (end == plain)
		memcpy(plain, "/", 2);
	return plain;
}

static struct tool_seen
tool_ask_see(struct tool_ask *ask, const struct tool_who *who, const char *path)
{
	struct tool_seen seen = {.fd = -1};
	char link[64], name[PATH_MAX];
	char *from = tool_ask_plain(who->cwd, "");
	/* A relative path begins where the asker stands, which is here for oneself alone. */
	int at =
	    from != NULL && !who->self ? open(from, O_PATH | O_DIRECTORY | O_CLOEXEC) : AT_FDCWD;
	int fd = openat(at, path, O_PATH | O_CLOEXEC);
	ssize_t length;

	seen.error = errno;
	if (at >= 0)
		close(at);
	free(from);
	if (fd < 0)
		return seen;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, name, sizeof(name) - 1);
	if (length > 0 && fstat(fd, &seen.st) == 0) {
		name[length] = '\0';
		seen.path = tool_ask_keep(ask, strdup(name));
	}
	if (seen.path != NULL && ask->fd_count < sizeof(ask->fds) / sizeof(ask->fds[0]))
		ask->fds[ask->fd_count++] = seen.fd = fd;
	else
		close(fd);
	return seen;
}

static void
tool_ask_note(struct tool_ask *ask, const char *path, const char *why)
{
	if (ask->note_count < sizeof(ask->notes) / sizeof(ask->notes[0]))
		snprintf(ask->notes[ask->note_count++], sizeof(ask->notes[0]),
		    "%.160s was not looked at (%s) and is taken as written", path, why);
}

/* The path as opened; as written where nobody here can open it; NULL with error where a launch says no. */
static const char *
tool_ask_path(
    struct tool_ask *ask, const struct tool_who *who, const char *path, struct tool_seen *seen)
{
	*seen = (struct tool_seen){.fd = -1, .error = EXDEV};
	if (who->real)
		*seen = tool_ask_see(ask, who, path);
	if (seen->path != NULL)
		return seen->path;
	if (who->real)
		return NULL;
	tool_ask_note(ask, path,
	    who->as != NULL && who->known ? "root alone can do it as that account"
	    : who->known                  ? "that is another host"
	                                  : "nobody here can do it as them");
	return tool_ask_keep(ask, tool_ask_plain(who->cwd, path));
}

/* --- the parts of the question ----------------------------------------------------------------- */

/*
 * Is this file one of the caller's own, which they may read? Where nothing is looked at, what lies in
 * their home is taken for that.
 */
static bool
tool_ask_is_own(struct tool_ask *ask, const struct tool_who *who, const struct tool_seen *seen)
{
	const char *path = ask->question.image_path;
	size_t length = strlen(who->home);

	if (seen->path != NULL)
		return who->who.uid != 0 && S_ISREG(seen->st.st_mode) &&
		       seen->st.st_uid == (who->as != NULL ? who->as_uid : who->who.uid);
	return !who->real && length > 1 && strncmp(path, who->home, length) == 0 &&
	       path[length] == '/';
}

static int
tool_ask_find(struct tool_ask *ask, const struct policy *view, const struct tool_who *who,
    struct tool_seen *found, char *error, size_t size)
{
	const char *image = ask->request->image;
	struct policy_question *q = &ask->question;
	char names[POLICY_TEXT_MAX / 2];
	struct tool_seen seen;

	*found = (struct tool_seen){.fd = -1};
	if (image[0] == '/') {
		q->image_path = tool_ask_path(ask, who, image, &seen);
		*found = seen;
		ask->image_fd = seen.fd;
		if (q->image_path != NULL)
			q->image = tool_known_entry(
			    view, q->image_path, seen.path != NULL ? &seen.st : NULL);
		ask->image_uid = seen.path != NULL ? seen.st.st_uid : 0;
		if (q->image != NULL)
			return 0;
		if (q->image_path != NULL && (!who->real || access(q->image_path, R_OK) == 0)) {
			q->user_image = tool_ask_is_own(ask, who, &seen);
			return 0;
		}
	} else if ((q->image = policy_image_named(view, image)) != NULL) {
		/* The helper opens it as root; who cannot see it there has the catalogue's word. */
		seen = (struct tool_seen){.fd = -1};
		if (who->real)
			seen = tool_ask_see(ask, who, q->image->path);
		*found = seen;
		q->image_path = seen.path != NULL ? seen.path : q->image->path;
		ask->image_uid = seen.path != NULL ? seen.st.st_uid : 0;
		return 0;
	}
	policy_runnable(view, names, sizeof(names));
	snprintf(error, size, "no image %.300s that %s may run; %s%s", image,
	    who->self ? "you" : who->name, names[0] != '\0' ? "may run: " : "ask an admin", names);
	return -1;
}

/* What root remembers of the image, if this is the file that was looked at. */
static void
tool_ask_known(struct tool_ask *ask, const struct policy *view, const struct tool_known *known,
    const struct stat *seen)
{
	struct policy_question *q = &ask->question;
	const char *missed;

	if (known != NULL && known->looked &&
	    (ask->request->image[0] != '/' ||
	        (seen != NULL && seen->st_dev == known->image.st.st_dev &&
	            seen->st_ino == known->image.st.st_ino))) {
		q->image_sha256 = known->image.sha256;
		ask->known = &known->image.known;
		return;
	}
	/* Of a directory nothing is remembered, and of what is the caller's own. */
	if (q->user_image || (seen != NULL && !S_ISREG(seen->st_mode)))
		return;
	missed = tool_known_missed(ask, view);
	if (missed != NULL && ask->note_count < sizeof(ask->notes) / sizeof(ask->notes[0]))
		snprintf(ask->notes[ask->note_count++], sizeof(ask->notes[0]), "%s", missed);
}

/* By the helper's own rule for entrypoint, command and shell. */
static int
tool_ask_command(struct tool_ask *ask)
{
	static const struct known nothing;

	ask->command = known_command(ask->known != NULL ? ask->known : &nothing, ask->request);
	ask->question.command = (const char *const *)ask->command;
	return ask->command != NULL ? 0 : -1;
}

static int
tool_ask_image(struct tool_ask *ask, const struct policy *view, const struct tool_who *who,
    const struct tool_known *known, char *error, size_t size)
{
	struct tool_seen seen;

	if (tool_ask_find(ask, view, who, &seen, error, size) != 0)
		return -1;
	tool_ask_known(ask, view, known, seen.path != NULL ? &seen.st : NULL);
	if (tool_ask_command(ask) == 0)
		return 0;
	snprintf(error, size, "out of memory");
	return -1;
}

static int
tool_ask_binds(struct tool_ask *ask, const struct tool_who *who, char *error, size_t size)
{
	static const enum policy_mode modes[] = {[REQUEST_AS_GRANTED] = POLICY_AS_GRANTED,
	    [REQUEST_READ_ONLY] = POLICY_READ_ONLY,
	    [REQUEST_READ_WRITE] = POLICY_READ_WRITE};
	struct tool_seen seen;

	for (size_t i = 0; i < ask->request->bind_count; i++) {
		const struct request_bind *bind = &ask->request->binds[i];
		const char *path = tool_ask_path(ask, who, bind->source, &seen);

		if (path == NULL) {
			snprintf(error, size, "%.400s cannot be bound: %s", bind->source,
			    strerror(seen.error));
			return -1;
		}
		ask->binds[i] = (struct policy_bind){.typed = bind->source,
		    .path = path,
		    .destination = bind->destination,
		    .mode = modes[bind->mode]};
		ask->bind_fds[i] = seen.fd;
	}
	ask->question.binds = ask->binds;
	ask->question.bind_count = ask->request->bind_count;
	return 0;
}

static int
tool_ask_devices(struct tool_ask *ask, const struct tool_who *who, char *error, size_t size)
{
	struct policy_question *q = &ask->question;

	for (size_t i = 0; i < ask->request->device_count; i++) {
		const char *device = ask->request->devices[i], *path;
		struct tool_seen seen;

		if (device[0] != '/') {
			ask->cdi_asked[q->cdi_count++] = device;
			continue;
		}
		path = tool_ask_path(ask, who, device, &seen);
		if (path == NULL || strncmp(path, "/dev/", 5) != 0 ||
		    strncmp(path, "/dev/shm/", 9) == 0 ||
		    (who->real && !S_ISCHR(seen.st.st_mode) && !S_ISBLK(seen.st.st_mode))) {
			snprintf(error, size, "%.400s is no device here", device);
			return -1;
		}
		ask->devices[q->device_count++] = path;
	}
	q->devices = ask->devices;
	q->cdi = ask->cdi_asked;
	return 0;
}

/* What CDI names bring along; where nothing is looked at, that is not known. */
static int
tool_ask_cdi(struct tool_ask *ask, const struct policy *view, const struct tool_who *who,
    char *error, size_t size)
{
	struct policy_question *q = &ask->question;

	if (q->cdi_count == 0 && !policy_denies_cdi(view))
		return 0;
	if (!who->real) {
		if (q->cdi_count > 0)
			tool_ask_note(ask, q->cdi[0], "what it brings along is that host's to say");
		return 0;
	}
	ask->cdi = tool_cdi(q->cdi, q->cdi_count, error, size);
	if (ask->cdi == NULL)
		return -1;
	q->cdi_names = ask->cdi->names;
	q->cdi_name_count = ask->cdi->name_count;
	for (size_t i = 0; i < ask->cdi->brought_count; i++) {
		struct tool_seen seen = tool_ask_see(ask, who, ask->cdi->brought[i]);

		if (seen.path == NULL) {
			snprintf(error, size,
			    "%.300s, which a CDI specification of this host names, is %s",
			    ask->cdi->brought[i], strerror(seen.error));
			return -1;
		}
		ask->cdi->brought[i] = seen.path;
	}
	q->brought = ask->cdi->brought;
	q->brought_count = ask->cdi->brought_count;
	return 0;
}

/*
 * Where things lie, whatever they are called, by the helper's own broker/spots.c: a directory mounted in
 * two places is one to a deny.
 */
static int
tool_ask_spots(struct tool_ask *ask, const struct policy *view, const struct tool_who *who)
{
	struct policy_question *q = &ask->question;
	const struct spots *table;
	size_t count;
	const char *const *named = policy_paths(view, &count);
	int bad = 0;

	if (!who->real || !policy_denies_binds(view))
		return 0;
	table = spots_read();
	ask->spots = calloc(count + 1, sizeof(*ask->spots));
	if (table == NULL || ask->spots == NULL)
		return -1;
	for (size_t i = 0; i < q->bind_count; i++)
		bad |=
		    spots_find(table, ask->bind_fds[i], ask->binds[i].path, &ask->binds[i].spots);
	if (q->home.path != NULL)
		bad |= spots_find(table, ask->home_fd, q->home.path, &q->home.spots);
	if (q->cwd.path != NULL)
		bad |= spots_find(table, ask->cwd_fd, q->cwd.path, &q->cwd.spots);
	if (q->image == NULL)
		bad |= spots_find(table, ask->image_fd, q->image_path, &q->image_spots);
	for (size_t i = 0; i < count; i++) {
		if (ask->paths[i] != NULL)
			bad |= spots_find(table, ask->path_fds[i], ask->paths[i], &ask->spots[i]);
		bad |= spots_find(table, -1, named[i], &ask->spots[i]);
	}
	q->path_spots = ask->spots;
	return bad;
}

static struct policy_place
tool_ask_place(
    struct tool_ask *ask, const struct tool_who *who, const char *typed, bool wanted, int *fd)
{
	struct policy_place place = {.typed = typed, .wanted = wanted && typed[0] == '/'};
	struct tool_seen seen = {.fd = -1};

	if (typed[0] != '/')
		return place;
	if (who->real)
		seen = tool_ask_see(ask, who, typed);
	if (seen.path != NULL && S_ISDIR(seen.st.st_mode)) {
		place.path = seen.path;
		place.owned = seen.st.st_uid == (who->as != NULL ? who->as_uid : who->who.uid);
		*fd = seen.fd;
	} else if (!who->real) {
		place.path = tool_ask_keep(ask, tool_ask_plain(NULL, typed));
		place.owned = true;
	}
	return place;
}

/* What the rules name, as opened by the one who asks; NULL: not there for them. */
static int
tool_ask_named(struct tool_ask *ask, const struct policy *view, const struct tool_who *who)
{
	size_t count;
	const char *const *named = policy_paths(view, &count);

	ask->paths = calloc(count + 1, sizeof(*ask->paths));
	if (ask->paths == NULL)
		return -1;
	for (size_t i = 0; i < count && i < POLICY_BINDS_MAX; i++) {
		struct tool_seen seen = {.fd = -1};

		if (who->real)
			seen = tool_ask_see(ask, who, named[i]);
		ask->paths[i] = who->real ? seen.path : named[i];
		ask->path_fds[i] = seen.fd;
	}
	ask->question.paths = ask->paths;
	return count <= POLICY_BINDS_MAX ? 0 : -1;
}

int
tool_ask(struct tool_ask *ask, const struct policy *view, const struct tool_who *who,
    const struct tool_known *known, int argc, char **argv, char *error, size_t size)
{
	struct policy_question *q = &ask->question;

	memset(ask, 0, sizeof(*ask));
	ask->request = calloc(1, sizeof(*ask->request));
	if (ask->request == NULL) {
		snprintf(error, size, "out of memory");
		return -1;
	}
	if (request_parse(ask->request, argc, argv, error, size) != 0)
		return -1;
	q->run_as = who->as;
	if (who->as != NULL && who->as_uid == 0) {
		snprintf(error, size, "--user %s: nobody is root in a boxdo container", who->as);
		return -1;
	}
	if (tool_ask_named(ask, view, who) != 0) {
		snprintf(error, size, "too many paths in the rules, or out of memory");
		return -1;
	}
	if (tool_ask_image(ask, view, who, known, error, size) != 0 ||
	    tool_ask_binds(ask, who, error, size) != 0 ||
	    tool_ask_devices(ask, who, error, size) != 0 ||
	    tool_ask_cdi(ask, view, who, error, size) != 0)
		return -1;
	q->home = tool_ask_place(ask, who, who->as != NULL ? who->as_home : who->home,
	    !ask->request->no_home, &ask->home_fd);
	q->cwd = tool_ask_place(
	    ask, who, who->cwd != NULL ? who->cwd : "", !ask->request->no_cwd, &ask->cwd_fd);
	q->network = ask->request->network;
	q->ipc_host = ask->request->ipc != NULL && strcmp(ask->request->ipc, "host") == 0;
	q->scratch = (enum policy_scratch)ask->request->scratch;
	q->scratch_size = ask->request->scratch_size;
	q->envs = ask->request->envs;
	q->env_count = ask->request->env_count;
	if (tool_ask_spots(ask, view, who) == 0)
		return 0;
	snprintf(error, size, "something that is bound lies in no mount of this system's");
	return -1;
}

/* As image_vet does for a launch, as far as it is about the file itself. */
static bool
tool_ask_is_owner(const struct policy *view, uid_t uid)
{
	const char *const *name = policy_settings(view)->image_owners;
	struct passwd *account;

	for (; name != NULL && *name != NULL; name++)
		if ((account = getpwnam(*name)) != NULL && account->pw_uid == uid)
			return true;
	return uid == 0;
}

void
tool_ask_decide(
    const struct tool_ask *ask, const struct policy *view, struct policy_decision *decision)
{
	policy_decide(view, &ask->question, decision);
	if (decision->verdict != POLICY_ALLOW || decision->user_image ||
	    tool_ask_is_owner(view, ask->image_uid))
		return;
	decision->verdict = POLICY_REFUSE;
	decision->mount_count = 0;
	snprintf(decision->reason, sizeof(decision->reason),
	    "%.400s belongs to uid %u, and only images of root or an image_owners account are run: "
	    "ask an admin to take it over",
	    ask->question.image_path, ask->image_uid);
}

void
tool_ask_free(struct tool_ask *ask)
{
	for (size_t i = 0; i < ask->kept_count; i++)
		free(ask->kept[i]);
	for (size_t i = 0; i < ask->fd_count; i++)
		close(ask->fds[i]);
	if (ask->cdi != NULL)
		free(ask->cdi->text);
	free(ask->cdi);
	free(ask->spots);
	free(ask->paths);
	free(ask->command);
	free(ask->request);
	memset(ask, 0, sizeof(*ask));
}
