/*
 * names.c: DIRECTORY, the process that asks NSS
 *
 * Privilege: real uid the caller's, root's effective one (the modules may need root's files; the caller
 * can neither trace it nor take a descriptor from it, only stop it).
 * Trusts: NSS. Distrusts: its promptness, which is SUPERVISOR's business. Errors: -1, which refuses the launch.
 */
#include "broker/ask/names.h"

#include "broker/directory.h"
#include "broker/wire.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY_BUFFER (1 << 20) /* a group of 10,000 members fits */

/* What the child remembers between two questions. */
struct directory_child {
	char *buffer;
	char name[256];
	gid_t primary;
	gid_t *groups; /* of the account last asked for by name */
	int group_count;
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

/* By name, then by the number the name has: what an account is called is what its uid leads to. */
static int
answer_name(struct directory_child *child, struct wire_message *m)
{
	struct passwd entry, *result = NULL;
	int count = DIRECTORY_GROUPS_MAX, found, error;
	uid_t uid = 0;

	if (m->value == 1) {
		uid = (uid_t)strtoul(m->text, NULL, 10);
	} else {
		error = getpwnam_r(m->text, &entry, child->buffer, DIRECTORY_BUFFER, &result);
		found = found_or_not(error, result);
		if (found != 1)
			return found;
		uid = entry.pw_uid;
	}
	error = getpwuid_r(uid, &entry, child->buffer, DIRECTORY_BUFFER, &result);
	found = found_or_not(error, result);
	if (found != 1)
		return found;
	if (!child->groups)
		child->groups = calloc(DIRECTORY_GROUPS_MAX, sizeof *child->groups);
	if (!child->groups ||
	    snprintf(m->text, WIRE_TEXT_MAX, "%s\n%s\n%s\n%u\n%u", entry.pw_name, entry.pw_dir,
	        entry.pw_shell, entry.pw_gid, entry.pw_uid) >= WIRE_TEXT_MAX ||
	    getgrouplist(entry.pw_name, entry.pw_gid, child->groups, &count) < 0)
		return -1;
	child->group_count = count;
	return 1;
}

/* As many as one message holds. */
static int
answer_groups(const struct directory_child *child, struct wire_message *m)
{
	size_t length = 0;
	int i = m->value;

	if (!child->groups || i < 0)
		return -1;
	for (m->text[0] = '\0'; i < child->group_count && length + 16 < WIRE_TEXT_MAX; i++)
		length += (size_t)snprintf(
		    m->text + length, WIRE_TEXT_MAX - length, "%u\n", child->groups[i]);
	return length != 0;
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
	case DIRECTORY_NAME:
		return answer_name(child, m);
	case DIRECTORY_GROUPS:
		return answer_groups(child, m);
	case DIRECTORY_NETGROUP:
		/* innetgr cannot say "I could not ask": 0 may be an outage, which a deny must not survive. */
		return innetgr(m->text, NULL, child->name, NULL) ? 1 : 0;
	default:
		return -1;
	}
}

void
names_answer(int socket)
{
	struct directory_child child = {.buffer = malloc(DIRECTORY_BUFFER)};
	struct wire_message message;
	int found;

	if (!child.buffer)
		_exit(1);
	while (wire_receive(socket, 0, &message, UINT64_MAX) == 1) {
		found = answer(&child, &message);
		if (wire_send(socket, message.kind, found, found == 1 ? message.text : "", -1) != 0)
			break;
	}
	_exit(0);
}
