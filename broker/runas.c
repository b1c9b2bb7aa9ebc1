/*
 * runas.c: stage 2, whom the command runs as
 *
 * Privilege: all ids 0; nothing is done with it but to start OPENER anew. Distrusts: what was typed behind
 * -u. Trusts: NSS through DIRECTORY. Errors: launch_fail; a look-up that fails is never "no such account".
 *
 * What MUST hold:
 *  1. a number is digits alone, below 2^32 - 1, without a zero in front: -1 means "no change" to the
 *     kernel, and once meant root to sudo (CVE-2019-14287);
 *  2. uid 0 is nobody's target, whatever name leads to it, and whatever a rule says;
 *  3. the groups are the account's, all of them, and none besides (CVE-2009-0034, CVE-2010-0427); a group
 *     behind the account's name chooses nothing, it can only agree (CVE-2010-2956);
 *  4. an account is known to the policy by the one name that its uid leads back to.
 */
#include "broker/runas.h"

#include "broker/launch.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Digits alone, no zero in front, and not the id that means none. */
static bool
is_number(const char *text, uint32_t *number)
{
	uint64_t sum = 0;

	if (!*text || strlen(text) > 10 || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		sum = 10 * sum + (uint64_t)(*text - '0');
	}
	*number = (uint32_t)sum;
	return sum < UINT32_MAX;
}

/* What looks like a number and is none is not a name either. */
static bool
is_name(const char *text)
{
	return *text && !strchr("#%+~-", *text) && strspn(text, "0123456789") < strlen(text) &&
	       !strpbrk(text, " *?[]!,:/\"\\");
}

void
runas_caller(struct launch *launch)
{
	const struct origin *origin = launch->origin;

	launch->as.user = launch->caller.user;
	launch->as.is =
	    (struct identity){origin->uid, origin->gid, origin->groups, origin->group_count, false};
}

bool
runas_is(const struct runas *as, const char *name)
{
	return name ? as->is.other && strcmp(as->user.name, name) == 0 : !as->is.other;
}

const char *
runas_name(const struct launch *launch)
{
	const char *typed = launch->request_known ? launch->request.user : NULL;

	return launch->as.found || !typed ? launch->as.user.name : typed;
}

static void __attribute__((noreturn)) no_account(struct launch *launch, int found)
{
	if (found < 0)
		launch_fail(launch, STAGE_CALLER,
		    "the directory of accounts does not answer: try again later");
	launch_fail(
	    launch, STAGE_CALLER, "--user %s: there is no such account here", launch->request.user);
}

/* Behind the colon only what is so anyway: groups are the account's. docker run -u $(id -u):$(id -g) is. */
static void
check_group(struct launch *launch, const char *group, gid_t own)
{
	gid_t gid;
	int found = is_number(group, &gid) ? 1 : 0;

	if (!found && is_name(group))
		found = directory_gid(&launch->directory, group, &gid);
	if (found < 0)
		no_account(launch, found);
	if (!found || gid != own)
		launch_fail(launch, STAGE_CALLER,
		    "--user %s: groups are always those of the account; leave ':%s' out",
		    launch->request.user, group);
}

/* The caller's part is over: what is opened from here on is opened as the account. */
static void
change_opener(struct launch *launch)
{
	opener_stop(&launch->opener);
	if (opener_start(&launch->opener, &launch->as.is) != 0)
		launch_fail(launch, STAGE_CALLER, "no process: %s", strerror(errno));
}

static void
become(struct launch *launch, const char *name, const uid_t *uid)
{
	struct runas *as = &launch->as;
	struct directory_user user;
	gid_t *groups;
	size_t count;
	int found = directory_account(&launch->directory, name, uid, &user, &groups, &count);

	if (found != 1)
		no_account(launch, found);
	if (user.uid == 0)
		launch_fail(launch, STAGE_CALLER,
		    "--user %s: nobody is root in a boxdo container; you are already "
		    "yourself inside (leave --user out)",
		    launch->request.user);
	/* A directory may not care for upper and lower case. */
	if (name && strcasecmp(name, user.name) != 0)
		launch_fail(launch, STAGE_CALLER,
		    "--user %s: that is account %s, under another name; rules know it as %s",
		    launch->request.user, user.name, user.name);
	if (user.uid == launch->origin->uid)
		return;
	as->user = user;
	as->is = (struct identity){user.uid, user.gid, groups, count, true};
}

void
runas_find(struct launch *launch)
{
	const char *group = strchr(launch->request.user, ':');
	size_t length = strcspn(launch->request.user, ":");
	char account[REQUEST_NAME_MAX + 1];
	bool number;
	uid_t uid;

	memcpy(account, launch->request.user, length);
	account[length] = '\0';
	number = is_number(account + (account[0] == '#'), &uid);
	if (!number && !is_name(account))
		launch_fail(launch, STAGE_CALLER, "--user %s: no account can be called so",
		    launch->request.user);
	if (number ? uid != launch->origin->uid : strcmp(account, launch->caller.user.name) != 0)
		become(launch, number ? NULL : account, number ? &uid : NULL);
	launch->as.found = true;
	if (group)
		check_group(launch, group + 1, launch->as.is.gid);
	if (launch->as.is.other)
		change_opener(launch);
}
