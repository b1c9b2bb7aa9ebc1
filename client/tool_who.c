/*
 * Who asks: the one who runs the program, or for root anyone, also accounts this host does not know.
 *
 * Runs as the caller. NSS is asked here directly: no privilege is behind it, and a module that hangs
 * hangs its caller alone. On error: told, BOXDO_EXIT_CLIENT.
 */
#include "client/tool.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define TOOL_WHO_GROUPS_MAX 65536
#define TOOL_WHO_UNKNOWN 4294967294U /* a uid for accounts that have none here */

/* A group that only --group knows has an id of its own, far from all others. */
#define TOOL_WHO_GID(index) ((gid_t)(4294900000U + (index)))

static int
tool_who_group(void *context, const char *name, gid_t *gid)
{
	const struct tool_who *who = context;
	struct group *group;

	errno = 0;
	group = getgrnam(name);
	if (group != NULL) {
		*gid = group->gr_gid;
		return 1;
	}
	for (size_t i = 0; i < who->group_name_count; i++)
		if (strcmp(who->group_names[i], name) == 0) {
			*gid = TOOL_WHO_GID(i);
			return 1;
		}
	return errno == 0 || errno == ENOENT || errno == ESRCH ? 0 : -1;
}

static int
tool_who_member(void *context, gid_t gid)
{
	const struct tool_who *who = context;
	gid_t groups[1024];
	int count = 1024;

	for (size_t i = 0; i < who->who.group_count; i++)
		if (who->who.groups[i] == gid)
			return 1;
	if (!who->known || who->group_name_count > 0)
		return who->who.gid == gid;
	if (getgrouplist(who->name, who->who.gid, groups, &count) < 0)
		return -1;
	for (int i = 0; i < count; i++)
		if (groups[i] == gid)
			return 1;
	return 0;
}

static int
tool_who_netgroup(void *context, const char *netgroup)
{
	const struct tool_who *who = context;

	return innetgr(netgroup, NULL, who->name, NULL) == 1;
}

int
tool_who_option(struct tool_asked *asked, char **argv, int *at)
{
	const struct {
		const char *name, **value;
	} options[] = {{"user", &asked->user}, {"uid", &asked->uid}, {"host", &asked->host},
	    {"time", &asked->time}, {"cwd", &asked->cwd}, {"home", &asked->home}};
	const char *group;
	int taken = tool_option(argv, at, "group", &group);

	if (taken == 1 && asked->group_count < 64)
		asked->groups[asked->group_count++] = group;
	for (size_t i = 0; taken == 0 && i < sizeof(options) / sizeof(options[0]); i++)
		taken = tool_option(argv, at, options[i].name, options[i].value);
	return taken;
}

static int
tool_who_add(struct tool_who *who, gid_t gid)
{
	gid_t *groups = reallocarray(who->groups, who->who.group_count + 1, sizeof(*groups));

	if (groups == NULL)
		return boxdo_fail("out of memory");
	groups[who->who.group_count++] = gid;
	who->groups = groups;
	who->who.groups = groups;
	return 0;
}

/* The groups: the kernel's for oneself, NSS's for others, --group's where it was said. */
static int
tool_who_groups(struct tool_who *who, const struct tool_asked *asked)
{
	int count = TOOL_WHO_GROUPS_MAX, error = 0;

	if (asked->group_count > 0) {
		for (size_t i = 0; error == 0 && i < asked->group_count; i++) {
			struct group *group = getgrnam(asked->groups[i]);

			who->group_names[i] = asked->groups[i];
			who->group_name_count = i + 1;
			error = tool_who_add(who, group != NULL ? group->gr_gid : TOOL_WHO_GID(i));
		}
		return error;
	}
	if (!who->known)
		return 0;
	who->groups = calloc(TOOL_WHO_GROUPS_MAX, sizeof(*who->groups));
	if (who->groups == NULL)
		return boxdo_fail("out of memory");
	if (who->self)
		count = getgroups(TOOL_WHO_GROUPS_MAX, who->groups);
	else if (getgrouplist(who->name, who->who.gid, who->groups, &count) < 0)
		count = -1;
	if (count < 0)
		return boxdo_fail("the groups of %s cannot be told", who->name);
	who->who.groups = who->groups;
	who->who.group_count = (size_t)count;
	return 0;
}

/* The account: by name or uid, or made of what was said. */
static int
tool_who_account(struct tool_who *who, const struct tool_asked *asked)
{
	struct passwd *account;
	char *end = NULL;

	errno = 0;
	account = asked->user != NULL  ? getpwnam(asked->user)
	          : asked->uid != NULL ? getpwuid((uid_t)strtoul(asked->uid, &end, 10))
	                               : getpwuid(getuid());
	if (account == NULL && errno != 0 && errno != ENOENT && errno != ESRCH)
		return boxdo_fail("the directory of accounts does not answer: %s", strerror(errno));
	if (account == NULL && asked->user == NULL)
		return boxdo_fail("no account has that uid, so no rule can name it");
	who->known = account != NULL;
	who->self = asked->user == NULL && asked->uid == NULL;
	who->who.uid = account != NULL      ? account->pw_uid
	               : asked->uid != NULL ? (uid_t)strtoul(asked->uid, NULL, 10)
	                                    : TOOL_WHO_UNKNOWN;
	who->who.gid = account != NULL ? account->pw_gid : TOOL_WHO_UNKNOWN;
	if (who->self) {
		who->who.uid = getuid();
		who->who.gid = getgid();
	}
	who->name = strdup(account != NULL ? account->pw_name : asked->user);
	who->home = strdup(asked->home != NULL ? asked->home
	                   : account != NULL   ? account->pw_dir
	                                       : "");
	return who->name != NULL && who->home != NULL ? 0 : boxdo_fail("out of memory");
}

static bool
tool_who_here(const char *host)
{
	struct utsname names;

	return uname(&names) == 0 && strcmp(host, names.nodename) == 0;
}

int
tool_who_find(struct tool_who *who, const struct tool_asked *asked)
{
	struct utsname names;
	int error;

	memset(who, 0, sizeof(*who));
	if ((asked->user != NULL || asked->uid != NULL || asked->group_count > 0) &&
	    geteuid() != 0 && !asked->anyone)
		return boxdo_fail("only root may ask about others, or with other groups");
	if (uname(&names) != 0)
		return boxdo_fail("uname: %s", strerror(errno));
	snprintf(
	    who->host, sizeof(who->host), "%s", asked->host != NULL ? asked->host : names.nodename);
	error = tool_who_account(who, asked);
	if (error == 0)
		error = tool_who_groups(who, asked);
	if (error != 0)
		return error;
	who->cwd = asked->cwd != NULL ? strdup(asked->cwd)
	           : who->self        ? getcwd(NULL, 0)
	                              : strdup(who->home);
	who->here = !asked->anyone && tool_who_here(who->host);
	who->real = who->known && who->here;
	who->who.name = who->name;
	who->who.home = who->home;
	who->who.host = who->host;
	who->who.now = time(NULL);
	if (asked->time != NULL && tool_time(asked->time, &who->who.now) != 0)
		return boxdo_fail(
		    "--time %s: YYYY-MM-DD, HH:MM or both are understood", asked->time);
	who->lookup = (struct policy_lookup){.context = who,
	    .group = tool_who_group,
	    .member = tool_who_member,
	    .netgroup = tool_who_netgroup};
	return 0;
}

int
tool_who_run_as(struct tool_who *who, const char *user)
{
	char name[REQUEST_NAME_MAX + 1], *end;
	struct passwd *account;
	unsigned long uid;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(user, ":"), user);
	account = getpwnam(name);
	uid = strtoul(name, &end, 10);
	if (account == NULL && name[0] != '\0' && *end == '\0')
		account = getpwuid((uid_t)uid);
	if (account != NULL && account->pw_uid == who->who.uid)
		return 0;
	if (account == NULL && strcmp(name, who->name) == 0)
		return 0;
	who->as = strdup(account != NULL ? account->pw_name : name);
	who->as_home = strdup(account != NULL ? account->pw_dir : "");
	if (who->as == NULL || who->as_home == NULL)
		return boxdo_fail("out of memory");
	who->as_uid = account != NULL ? account->pw_uid : TOOL_WHO_UNKNOWN;
	who->as_gid = account != NULL ? account->pw_gid : TOOL_WHO_UNKNOWN;
	/* Paths are opened as that account, which root alone can become. */
	who->real = who->real && account != NULL && geteuid() == 0;
	return 0;
}

int
tool_who_become(const struct tool_who *who)
{
	uid_t uid = who->known ? who->who.uid : 65534;
	gid_t gid = who->known ? who->who.gid : 65534;
	gid_t supplementary[1024];
	size_t count = 0;

	if (geteuid() == 0 && who->as != NULL && who->real)
		return initgroups(who->as, who->as_gid) == 0 &&
		               setresgid(who->as_gid, who->as_gid, who->as_gid) == 0 &&
		               setresuid(who->as_uid, who->as_uid, who->as_uid) == 0
		           ? 0
		           : boxdo_fail(
		                 "cannot become %s to look at paths: %s", who->as, strerror(errno));
	if (geteuid() != 0 || who->self)
		return 0;
	/* Ids that are nobody's here would only be in the way. */
	for (size_t i = 0; i < who->who.group_count && count < 1024; i++)
		if (who->who.groups[i] < TOOL_WHO_GID(0))
			supplementary[count++] = who->who.groups[i];
	if (setgroups(count, supplementary) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return boxdo_fail(
		    "cannot become %s to look at paths: %s", who->name, strerror(errno));
	return 0;
}

void
tool_who_free(struct tool_who *who)
{
	free(who->name);
	free(who->home);
	free(who->cwd);
	free(who->as);
	free(who->as_home);
	free(who->groups);
	memset(who, 0, sizeof(*who));
}
