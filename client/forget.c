/*
 * boxdo forget: a password that was typed counts no longer.
 *
 * Runs as whoever typed it. One's own tickets are the helper's to remove (action=forget), on record; root
 * removes those of others, or everybody's, by itself. Errors: one line, 125.
 */
#include "client/running.h"

#include "broker/request.h"
#include "client/boxdo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORGET_PATH "/run/boxdo/tickets"

static const char forget_usage[] =
    "usage: boxdo forget                        the next launch asks for your password again\n"
    "       boxdo forget --user USER | --all    the same for others (root)\n";

/* Removes the files of one user's directory. */
static int
forget_one(int tickets, const char *uid)
{
	int fd = openat(tickets, uid, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = 0;
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *file;

	if (!directory)
		return errno == ENOENT ? 0
		                       : running_fail(FORGET_PATH "/%s: %s", uid, strerror(errno));
	while ((file = readdir(directory)))
		if (file->d_name[0] != '.' && unlinkat(fd, file->d_name, 0) != 0 && errno != ENOENT)
			error = running_fail(
			    FORGET_PATH "/%s/%s: %s", uid, file->d_name, strerror(errno));
	closedir(directory);
	return error;
}

/* uid NULL: all. */
static int
forget_others(const char *uid)
{
	DIR *tickets = opendir(FORGET_PATH);
	struct dirent *one;
	int error = 0;

	if (!tickets)
		return errno == ENOENT ? 0 : running_fail(FORGET_PATH ": %s", strerror(errno));
	if (uid)
		error = forget_one(dirfd(tickets), uid);
	else
		while ((one = readdir(tickets)))
			if (one->d_name[0] != '.' && forget_one(dirfd(tickets), one->d_name) != 0)
				error = 125;
	closedir(tickets);
	return error;
}

static int
forget_user(const char *name)
{
	struct passwd *account = getpwnam(name);
	char uid[16];

	if (account)
		snprintf(uid, sizeof uid, "%u", account->pw_uid);
	else if (*name && strlen(name) < sizeof uid && name[strspn(name, "0123456789")] == '\0')
		snprintf(uid, sizeof uid, "%s", name);
	else
		return running_fail("there is no user %s", name);
	return forget_others(uid);
}

static int
forget_own(void)
{
	static const char helper[] = BOXDO_LIBEXEC "/boxdo-launch";

	execl(helper, "boxdo-launch", REQUEST_VERSION, "image=-", "action=forget", "--",
	    (char *)NULL);
	return running_fail("cannot start %s: %s", helper, strerror(errno));
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {{"user", required_argument, NULL, 'u'},
	    {"all", no_argument, NULL, 'a'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	const char *user = NULL;
	bool all = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (option == 'u')
			user = optarg;
		else if (option == 'a')
			all = true;
		else {
			fputs(forget_usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : BOXDO_EXIT_CLIENT;
		}
	}
	if (optind < argc || (user && all)) {
		fputs(forget_usage, stderr);
		return BOXDO_EXIT_CLIENT;
	}
	if (!user && !all)
		return forget_own();
	if (geteuid() != 0)
		return running_fail("only root may forget the passwords of others");
	return all ? forget_others(NULL) : forget_user(user);
}
