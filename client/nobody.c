/*
 * nobody.c: the policy as nobody in particular
 *
 * Runs as whoever typed the command. Trusts the policy as a launch reads it. No account, group or netgroup is looked
 * up: what is the same for everybody must not wait for a directory service.
 * Errors: as policy_load says them.
 */
#include "client/nobody.h"

#include <time.h>
#include <unistd.h>

static int
nobody_name(void *context, const char *name)
{
	(void)context;
	(void)name;
	return 0;
}

static int
nobody_group(void *context, const char *name, gid_t *gid)
{
	(void)gid;
	return nobody_name(context, name);
}

static int
nobody_member(void *context, gid_t gid)
{
	(void)gid;
	return nobody_name(context, "");
}

struct policy *
nobody_policy(struct policy_error *error)
{
	const struct policy_lookup lookup = {
	    .group = nobody_group, .member = nobody_member, .netgroup = nobody_name};
	const struct policy_who who = {.uid = getuid(),
	    .gid = getgid(),
	    .name = "",
	    .home = "",
	    .host = "",
	    .now = time(NULL)};

	return policy_load("/etc/boxdo", &who, &lookup, error);
}
