/*
 * directory.c: DIRECTORY, the child that asks NSS
 *
 * Privilege: the child has the caller's real uid and root's effective one (the modules may need
 * root's files; the caller can neither trace it nor take a descriptor from it, only stop it).
 * Trusts: NSS. Distrusts: its promptness.
 * Errors: -1, which refuses the launch. Killed, hung or confused: the same.
 */
#include "broker/directory.h"

#include "broker/drop.h"
#include "broker/fds.h"
#include "broker/wire.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIRECTORY_GROUPS_MAX 65536
#define DIRECTORY_BUFFER (1 << 20) /* a group of 10,000 members fits */

enum directory_kind { /* question; the answer has the same kind, value = found, 0, -1 */
	DIRECTORY_USER = 0x44495201,
	DIRECTORY_UID,
	DIRECTORY_GID,
	DIRECTORY_GROUP,
	DIRECTORY_MEMBER,
	DIRECTORY_NETGROUP
};

/* What the child remembers between two questions. */
struct directory_child {
	char *buffer;
	char name[256];
	gid_t primary;
};

/* NSS says "not found" in several ways: see getpwnam(3). */
static int
found_or_not(int error, const void *result)
{
	if (result)
		return 1;
	return error == 0 || error == ENOENT || error == ESRCH ? 0 : -1;
}

static int
answer_user(struct directory_child *child, uid_t uid, char *text)
{
	struct passwd entry, *result = NULL;
	int error = getpwuid_r(uid, &entry, child->buffer, DIRECTORY_BUFFER, &result);
	int found = found_or_not(error, result);

	if (found != 1)
		return found;
	/* One line, fields apart by newline, which none of them can hold. */
	if (snprintf(text, WIRE_TEXT_MAX, "%s\n%s\n%s\n%u", entry.pw_name, entry.pw_dir,
	        entry.pw_shell, entry.pw_gid) >= WIRE_TEXT_MAX ||
	    strlen(entry.pw_name) >= sizeof child->name)
		return -1;
	snprintf(child->name, sizeof child->name, "%s", entry.pw_name);
	child->primary = entry.pw_gid;
	return 1;
}

static int
answer_member(struct directory_child *child, gid_t gid)
{
	int count = DIRECTORY_GROUPS_MAX, member = 0;
	gid_t *groups = calloc(DIRECTORY_GROUPS_MAX, sizeof *groups);

	/* getgrouplist cannot tell failure from emptiness; it always gives the primary group. */
	if (!groups || !child->name[0] ||
	    getgrouplist(child->name, child->primary, groups, &count) < 0)
		member = -1;
	for (int i = 0; member == 0 && i < count; i++)
		member = groups[i] == gid;
	free(groups);
	return member;
}

static int
answer(struct directory_child *child, struct wire_message *m)
{
	struct passwd pw, *user = NULL;
	struct group gr, *group = NULL;
	int error;

	switch (m->kind) {
	case DIRECTORY_USER:
		return answer_user(child, (uid_t)m->value, m->text);
	case DIRECTORY_UID:
		error = getpwnam_r(m->text, &pw, child->buffer, DIRECTORY_BUFFER, &user);
		snprintf(m->text, sizeof m->text, "%u", user ? user->pw_uid : 0);
		return found_or_not(error, user);
	case DIRECTORY_GID:
		error = getgrnam_r(m->text, &gr, child->buffer, DIRECTORY_BUFFER, &group);
		snprintf(m->text, sizeof m->text, "%u", group ? group->gr_gid : 0);
		return found_or_not(error, group);
	case DIRECTORY_GROUP:
		error = getgrgid_r((gid_t)m->value, &gr, child->buffer, DIRECTORY_BUFFER, &group);
		snprintf(m->text, sizeof m->text, "%s", group ? group->gr_name : "");
		return found_or_not(error, group);
	case DIRECTORY_MEMBER:
		return answer_member(child, (gid_t)m->value);
	case DIRECTORY_NETGROUP:
		/* innetgr cannot say "I could not ask": 0 may be an outage, which a deny must not survive. */
		return innetgr(m->text, NULL, child->name, NULL) ? 1 : 0;
	default:
		return -1;
	}
}

static void
directory_child(int socket, const struct origin *origin)
{
	struct directory_child child = {.buffer = malloc(DIRECTORY_BUFFER)};
	struct wire_message message;
	int found;

	fds_keep_only(socket, -1);
	drop_real(origin->uid, origin->gid);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!child.buffer)
		_exit(1);
	while (wire_receive(socket, 0, &message, UINT64_MAX) == 1) {
		found = answer(&child, &message);
		if (wire_send(socket, message.kind, found, found == 1 ? message.text : "", -1) != 0)
			break;
	}
	_exit(0);
}

int
directory_start(struct directory *directory, const struct origin *origin)
{
	int ends[2];

	directory->socket = -1;
	if (wire_pair(ends) != 0)
		return -1;
	directory->pid = fork();
	if (directory->pid == 0)
		directory_child(ends[1], origin);
	close(ends[1]);
	if (directory->pid < 0) {
		close(ends[0]);
		return -1;
	}
	directory->socket = ends[0];
	return 0;
}

void
directory_stop(struct directory *directory)
{
	if (directory->socket < 0)
		return;
	close(directory->socket);
	directory->socket = -1;
	kill(directory->pid, SIGKILL);
	waitpid(directory->pid, NULL, WNOHANG);
}

/* Waits for the answer to a question of this kind. On 1, *message holds it. */
static int
hear(struct directory *directory, uint32_t kind, struct wire_message *message)
{
	uint64_t deadline = wire_now() + DIRECTORY_DEADLINE_MS * WIRE_MS;

	if (wire_receive(directory->socket, directory->pid, message, deadline) != 1 ||
	    message->kind != kind || message->fd >= 0 ||
	    (message->value != 0 && message->value != 1)) {
		directory_stop(directory); /* a late answer must not be taken for the next one's */
		return -1;
	}
	return message->value;
}

static int
ask(struct directory *directory, uint32_t kind, int32_t value, const char *text,
    struct wire_message *message)
{
	if (directory->socket < 0 || wire_send(directory->socket, kind, value, text, -1) != 0)
		return -1;
	return hear(directory, kind, message);
}

static int
parse_id(const char *text, uint32_t *id)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value >= UINT32_MAX)
		return -1;
	*id = (uint32_t)value;
	return 1;
}

static int
take_field(char **rest, char *field, size_t size)
{
	char *value = strsep(rest, "\n");

	if (!value || strlen(value) >= size)
		return -1;
	memcpy(field, value, strlen(value) + 1);
	return 0;
}

int
directory_user_question(struct directory *directory, uid_t uid)
{
	return wire_send(directory->socket, DIRECTORY_USER, (int32_t)uid, NULL, -1);
}

int
directory_user(struct directory *directory, uid_t uid, struct directory_user *user)
{
	struct wire_message message;
	char *rest = message.text;
	int found = directory->socket < 0 ? -1 : hear(directory, DIRECTORY_USER, &message);

	if (found != 1)
		return found;
	*user = (struct directory_user){.uid = uid};
	if (take_field(&rest, user->name, sizeof user->name) != 0 ||
	    take_field(&rest, user->home, sizeof user->home) != 0 ||
	    take_field(&rest, user->shell, sizeof user->shell) != 0 || !rest)
		return -1;
	return parse_id(rest, &user->gid);
}

int
directory_uid(struct directory *directory, const char *name, uid_t *uid)
{
	struct wire_message message;
	int found = ask(directory, DIRECTORY_UID, 0, name, &message);

	return found == 1 ? parse_id(message.text, uid) : found;
}

int
directory_gid(struct directory *directory, const char *group, gid_t *gid)
{
	struct wire_message message;
	int found = ask(directory, DIRECTORY_GID, 0, group, &message);

	return found == 1 ? parse_id(message.text, gid) : found;
}

int
directory_groups(struct directory *directory, const gid_t *gids, size_t count,
    void (*take)(void *context, gid_t gid, const char *name), void *context)
{
	size_t asked = 0;

	for (size_t taken = 0; taken < count; taken++) {
		struct wire_message message;

		while (directory->socket >= 0 && asked < count &&
		       wire_send(
		           directory->socket, DIRECTORY_GROUP, (int32_t)gids[asked], NULL, -1) == 0)
			asked++;
		if (asked == taken || hear(directory, DIRECTORY_GROUP, &message) < 0)
			return -1;
		take(context, gids[taken], message.text);
	}
	return 0;
}

int
directory_member(struct directory *directory, gid_t gid)
{
	struct wire_message message;

	return ask(directory, DIRECTORY_MEMBER, (int32_t)gid, NULL, &message);
}

int
directory_netgroup(struct directory *directory, const char *netgroup)
{
	struct wire_message message;

	return ask(directory, DIRECTORY_NETGROUP, 0, netgroup, &message);
}
