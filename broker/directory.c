/*
 * directory.c: who is who: root's files where they come first (accounts.c), else DIRECTORY, which asks NSS
 *
 * SUPERVISOR's side; ask/names.c is the other. Privilege: all ids 0. DIRECTORY is started when a question
 * needs it, and not again: what it did not answer stays unanswered.
 * Trusts: NSS. Distrusts: its promptness.
 * Errors: -1, which refuses the launch. Killed, hung or confused: the same.
 */
#include "broker/directory.h"

#include "broker/accounts.h"
#include "broker/ask.h"
#include "broker/wire.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void
directory_prepare(struct directory *directory, const struct origin *origin)
{
	*directory = (struct directory){.origin = origin, .socket = -1};
	accounts_first(&directory->user_files, &directory->group_files);
}

static int
start(struct directory *directory)
{
	struct ask ask;

	if (directory->socket >= 0)
		return 0;
	if (directory->failed)
		return -1;
	ask_start(&ask, "names", directory->origin, -1);
	ask_executed(&ask);
	directory->pid = ask.pid;
	directory->socket = ask.socket;
	directory->failed = directory->pid < 0;
	return directory->failed ? -1 : 0;
}

void
directory_stop(struct directory *directory)
{
	directory->failed = true;
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
take_user(struct directory *directory, uid_t uid, struct directory_user *user);

/* Whoever the files knew DIRECTORY has not heard of yet, and it is asked about that user's groups. */
static int
introduce(struct directory *directory)
{
	struct directory_user user;

	if (!directory->known_by_files)
		return 0;
	directory->known_by_files = false;
	if (wire_send(
	        directory->socket, DIRECTORY_USER, (int32_t)directory->origin->uid, NULL, -1) != 0)
		return -1;
	return take_user(directory, directory->origin->uid, &user) == 1 ? 0 : -1;
}

static int
ask(struct directory *directory, uint32_t kind, int32_t value, const char *text,
    struct wire_message *message)
{
	if (start(directory) != 0 || introduce(directory) != 0 ||
	    wire_send(directory->socket, kind, value, text, -1) != 0)
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

static int
take_user(struct directory *directory, uid_t uid, struct directory_user *user)
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
directory_user_question(struct directory *directory, uid_t uid, struct directory_user *user)
{
	directory->known_by_files = directory->user_files && accounts_user(uid, user) == 1;
	if (directory->known_by_files)
		return 0;
	if (start(directory) != 0)
		return -1;
	return wire_send(directory->socket, DIRECTORY_USER, (int32_t)uid, NULL, -1);
}

int
directory_user(struct directory *directory, uid_t uid, struct directory_user *user)
{
	return directory->known_by_files ? 1 : take_user(directory, uid, user);
}

/* Asked of NSS alone, whatever stands in the files: its groups are. */
int
directory_account(struct directory *directory, const char *name, const uid_t *uid,
    struct directory_user *user, gid_t **groups, size_t *count)
{
	struct wire_message message;
	char number[16], gid[16], *rest = message.text, *one;
	int found;

	snprintf(number, sizeof number, "%u", uid ? *uid : 0);
	found = ask(directory, DIRECTORY_NAME, uid != NULL, uid ? number : name, &message);
	if (found != 1)
		return found;
	*user = (struct directory_user){.uid = 0};
	*count = 0;
	*groups = calloc(DIRECTORY_GROUPS_MAX, sizeof **groups);
	if (!*groups || take_field(&rest, user->name, sizeof user->name) != 0 ||
	    take_field(&rest, user->home, sizeof user->home) != 0 ||
	    take_field(&rest, user->shell, sizeof user->shell) != 0 ||
	    take_field(&rest, gid, sizeof gid) != 0 || !rest || parse_id(gid, &user->gid) != 1 ||
	    parse_id(rest, &user->uid) != 1 || (uid && user->uid != *uid))
		return -1;
	for (;;) {
		found = ask(directory, DIRECTORY_GROUPS, (int32_t)*count, NULL, &message);
		if (found != 1)
			return found == 0 ? 1 : -1;
		for (rest = message.text; (one = strsep(&rest, "\n")) && one[0]; ++*count)
			if (*count == DIRECTORY_GROUPS_MAX || parse_id(one, &(*groups)[*count]) < 0)
				return -1;
	}
}

int
directory_uid(struct directory *directory, const char *name, uid_t *uid)
{
	struct wire_message message;
	int found;

	if (directory->user_files && accounts_uid(name, uid) == 1)
		return 1;
	found = ask(directory, DIRECTORY_UID, 0, name, &message);

	return found == 1 ? parse_id(message.text, uid) : found;
}

int
directory_gid(struct directory *directory, const char *group, gid_t *gid)
{
	struct wire_message message;
	int found;

	if (directory->group_files && accounts_gid(group, gid) == 1)
		return 1;
	found = ask(directory, DIRECTORY_GID, 0, group, &message);

	return found == 1 ? parse_id(message.text, gid) : found;
}

int
directory_groups(struct directory *directory, const gid_t *gids, size_t count,
    void (*take)(void *context, gid_t gid, const char *name), void *context)
{
	char(*names)[ACCOUNTS_NAME_MAX] = calloc(count + 1, sizeof *names);
	struct wire_message message;
	int status = names ? 0 : -1;

	if (names && directory->group_files)
		accounts_groups(gids, count, names);
	for (size_t i = 0; i < count && status == 0; i++) {
		if (names[i][0])
			take(context, gids[i], names[i]);
		else if (ask(directory, DIRECTORY_GROUP, (int32_t)gids[i], NULL, &message) < 0)
			status = -1;
		else
			take(context, gids[i], message.text);
	}
	free(names);
	return status;
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
