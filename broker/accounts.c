/*
 * accounts.c: part of stage 2, /etc/passwd and /etc/group
 *
 * Privilege: SUPERVISOR's. Trusts: root's files, and that a name found in the first source is the answer, as
 * nsswitch.conf(5) says. Distrusts: nothing a user can write is read here.
 * Errors: "not found", so that NSS is asked, and an error becomes NSS's.
 */
#include "broker/accounts.h"

#include "broker/directory.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
accounts_first(bool *users, bool *groups)
{
	FILE *file = fopen("/etc/nsswitch.conf", "re");
	char line[1024], *rest, *word;
	bool users_seen = false, groups_seen = false;

	*users = *groups = false;
	while (file && !(users_seen && groups_seen) && fgets(line, sizeof line, file)) {
		bool *seen;

		line[strcspn(line, "#\n")] = '\0';
		rest = line + strspn(line, " \t");
		word = strsep(&rest, ":");
		seen = strcmp(word, "passwd") == 0  ? &users_seen
		       : strcmp(word, "group") == 0 ? &groups_seen
		                                    : NULL;
		if (!rest || !seen || *seen)
			continue;
		*seen = true;
		/* An action, [SUCCESS=continue], may let a later source overrule the first. */
		rest += strspn(rest, " \t");
		*(seen == &users_seen ? users : groups) =
		    strncmp(rest, "files", 5) == 0 && strchr(" \t", rest[5]) && !strchr(rest, '[');
	}
	if (file)
		fclose(file);
}

/* The first entry of the uid, or of the name. Lines "+" and "-" mean NIS, elsewhere. */
static struct passwd *
find_user(FILE *file, uid_t uid, const char *name)
{
	struct passwd *entry;

	while (file && (entry = fgetpwent(file)))
		if (entry->pw_name[0] != '+' && entry->pw_name[0] != '-' &&
		    (name ? strcmp(entry->pw_name, name) == 0 : entry->pw_uid == uid))
			return entry;
	return NULL;
}

static int
finish(FILE *file, int found)
{
	if (file)
		fclose(file);
	return found;
}

static bool
copy(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (length >= size)
		return false;
	memcpy(to, from, length + 1);
	return true;
}

int
accounts_user(uid_t uid, struct directory_user *user)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = find_user(file, uid, NULL);

	*user = (struct directory_user){.uid = uid};
	if (entry)
		user->gid = entry->pw_gid;
	return finish(file, entry && entry->pw_name[0] &&
	                        copy(user->name, sizeof user->name, entry->pw_name) &&
	                        copy(user->home, sizeof user->home, entry->pw_dir) &&
	                        copy(user->shell, sizeof user->shell, entry->pw_shell));
}

int
accounts_uid(const char *name, uid_t *uid)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = find_user(file, 0, name);

	if (entry)
		*uid = entry->pw_uid;
	return finish(file, entry != NULL);
}

int
accounts_gid(const char *name, gid_t *gid)
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *entry = NULL;

	while (file && (entry = fgetgrent(file)) && strcmp(entry->gr_name, name) != 0)
		continue;
	if (entry)
		*gid = entry->gr_gid;
	return finish(file, entry != NULL);
}

void
accounts_groups(const gid_t *gids, size_t count, char (*names)[ACCOUNTS_NAME_MAX])
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *entry;

	while (file && (entry = fgetgrent(file)))
		for (size_t i = 0; i < count; i++)
			if (entry->gr_gid == gids[i] && !names[i][0] && entry->gr_name[0] != '+' &&
			    entry->gr_name[0] != '-')
				copy(names[i], sizeof names[i], entry->gr_name);
	finish(file, 0);
}
