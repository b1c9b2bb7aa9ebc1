/*
 * main.c: boxdo-ask, where modules of PAM and NSS are loaded
 *
 *	boxdo-ask pam|names UID GID SOCKET PROMPT
 *
 * Started by boxdo-launch as root, with nothing but sockets open. Real uid the caller's from the first
 * instruction of ours on; ends with SUPERVISOR. Started by anybody else it has no privilege to lose.
 * Errors: exit 125, which SUPERVISOR sees as a closed socket.
 */
#include "broker/ask/auth.h"
#include "broker/ask/names.h"
#include "broker/drop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	/* execve made the process dumpable anew. */
	if (prctl(PR_SET_DUMPABLE, 0) != 0 || argc != 6 || geteuid() != 0)
		return 125;
	/*
	 * The parent may be gone already: then SUPERVISOR's end of the socket is soon, too, and the first look finds it so.
	 * Before the real uid is the caller's, who could stop us then, for ever; it survives that change.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	drop_real((uid_t)strtoul(argv[2], NULL, 10), (gid_t)strtoul(argv[3], NULL, 10));
	if (strcmp(argv[1], "pam") == 0)
		auth_answer(atoi(argv[4]), atoi(argv[5]));
	if (strcmp(argv[1], "names") == 0)
		names_answer(atoi(argv[4]));
	return 125;
}
