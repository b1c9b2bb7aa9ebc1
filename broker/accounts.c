/*
 * accounts.c: part of stage 2, /etc/passwd and /etc/group
 *
 * Privilege: SUPERVISOR's. Trusts: root's files, and that a name found in the first source is the answer, as
 * nsswitch.conf(5) says. Distrusts: nothing a user can write is read here.
 * Errors: "not found", so that NSS is asked, and an error becomes NSS's.
 */
#include "broker/accounts.h"

#include "broker/directory.h"
#include "broker/lines.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void
accounts_first(bool *users, bool *groups)
{
	struct lines file;
	char *rest, *word;
	bool users_seen = false, groups_seen = false;

	*users = *groups = false;
	lines_open(&file, "/etc/nsswitch.conf");
	while (!(users_seen && groups_seen) && (rest = lines_next(&file))) {
		bool *seen;

		rest[strcspn(rest, "#")] = '\0';
		rest += strspn(rest, " \t");
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
		    !file.cut && strncmp(rest, "files", 5) == 0 && strchr(" \t", rest[5]) &&
		    !strchr(rest, '[');
	}
	lines_close(&file);
}

/* Fields of a line: NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL, NAME:PASSWORD:GID:MEMBERS */
enum { GROUP_FIELDS = 4, HOME = 5, SHELL, USER_FIELDS };

struct table {
	struct lines file;
	size_t fields;
	char *field[USER_FIELDS];
	uint32_t id, gid;
};

static bool
number(const char *text, uint32_t *id)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*id = (uint32_t)value;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= UINT32_MAX;
}

/*
 * The next entry: what is none is passed over. Names "+" and "-" mean NIS, elsewhere; "" nobody; "#" begins a comment. A
 * leading blank NSS passes over: it is asked.
 */
static bool
next_entry(struct table *table)
{
	char *line;

	while ((line = lines_next(&table->file)) && line[0] != ' ' && line[0] != '\t') {
		for (size_t i = 0; i < table->fields; i++)
			table->field[i] = i < table->fields - 1 ? strsep(&line, ":") : line;
		/* Of a line too long to be kept members may be missing, but not a home and a shell: it could be the one. */
		if (table->file.cut && table->fields == USER_FIELDS)
			return false;
		if (line && !strchr("+-#", table->field[0][0]) &&
		    number(table->field[2], &table->id) &&
		    (table->fields == GROUP_FIELDS || number(table->field[3], &table->gid)))
			return true;
	}
	return false;
}

/* The first entry of the name; NULL: of *id. */
static bool
find(struct table *table, const char *path, size_t fields, const char *name, uint32_t *id)
{
	bool found = false;

	table->fields = fields;
	lines_open(&table->file, path);
	while (!found && next_entry(table))
		found = name ? strcmp(table->field[0], name) == 0 : table->id == *id;
	lines_close(&table->file);
	if (found)
		*id = table->id;
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
	struct table table;
	bool found = find(&table, "/etc/passwd", USER_FIELDS, NULL, &uid);

	*user = (struct directory_user){.uid = uid, .gid = found ? table.gid : 0};
	return found && copy(user->name, sizeof user->name, table.field[0]) &&
	       copy(user->home, sizeof user->home, table.field[HOME]) &&
	       copy(user->shell, sizeof user->shell, table.field[SHELL]);
}

int
accounts_uid(const char *name, uid_t *uid)
{
	struct table table;

	return find(&table, "/etc/passwd", USER_FIELDS, name, uid);
}

int
accounts_gid(const char *name, gid_t *gid)
{
	struct table table;

	return find(&table, "/etc/group", GROUP_FIELDS, name, gid);
}

void
accounts_groups(const gid_t *gids, size_t count, char (*names)[ACCOUNTS_NAME_MAX])
{
	struct table table;

	table.fields = GROUP_FIELDS;
	lines_open(&table.file, "/etc/group");
	while (next_entry(&table))
		for (size_t i = 0; i < count; i++)
			if (table.id == gids[i] && !names[i][0])
				copy(names[i], sizeof names[i], table.field[0]);
	lines_close(&table.file);
}
