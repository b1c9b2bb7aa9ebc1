/*
 * Terminal and pager, in journalctl's manner: a pager and colours only where standard output is a terminal;
 * SYSTEMD_PAGER before PAGER, either empty or "cat": none; SYSTEMD_LESS, else FRSXMK; NO_COLOR and SYSTEMD_COLORS.
 */
#include "client/log.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* NULL: whatever there is; "": none. */
static const char *
screen_pager(void)
{
	const char *pager = getenv("SYSTEMD_PAGER");

	if (pager == NULL)
		pager = getenv("PAGER");
	return pager != NULL && strcmp(pager, "cat") == 0 ? "" : pager;
}

static bool
screen_wants_colour(void)
{
	const char *term = getenv("TERM"), *colours = getenv("SYSTEMD_COLORS"),
	           *none = getenv("NO_COLOR");

	if (colours != NULL)
		return strcmp(colours, "0") != 0 && strcmp(colours, "no") != 0 &&
		       strcmp(colours, "false") != 0;
	return (none == NULL || *none == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

/*
 * As root, less alone and confined: with the environment it was started in (LESSOPEN, PAGER, an ! typed
 * by whoever sits there) it would be a way to run other commands.
 */
static void
screen_pager_exec(void)
{
	const char *pager = screen_pager(), *less = getenv("SYSTEMD_LESS");
	bool root = geteuid() == 0 || getenv("SUDO_UID") != NULL;

	setenv("LESS", less == NULL ? "FRSXMK" : less, 1);
	setenv("LESSCHARSET", "utf-8", 1);
	if (root) {
		setenv("LESSSECURE", "1", 1);
		unsetenv("LESSOPEN");
		unsetenv("LESSCLOSE");
		unsetenv("LESSKEY");
		unsetenv("LESSKEYIN");
	} else if (pager != NULL && *pager != '\0') {
		execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	}
	execlp("less", "less", (char *)NULL);
	execlp("cat", "cat", (char *)NULL);
	_exit(127);
}

static pid_t
screen_pager_start(void)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) == -1)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(ends[0], 0);
		close(ends[0]);
		close(ends[1]);
		signal(SIGPIPE, SIG_DFL);
		screen_pager_exec();
	}
	if (pid > 0)
		dup2(ends[1], 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

void
log_screen_start(struct log_screen *screen, bool no_pager, bool full)
{
	struct winsize size = {0};
	const char *pager = screen_pager();
	bool terminal = isatty(STDOUT_FILENO);

	screen->utf8 = !terminal || strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	screen->pager = -1;
	if (!terminal)
		return;
	screen->colour = screen_wants_colour();
	if (!full && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		screen->width = size.ws_col;
	if (!no_pager && (pager == NULL || *pager != '\0'))
		screen->pager = screen_pager_start();
}

int
log_screen_end(const struct log_screen *screen)
{
	int result = fclose(stdout);

	if (screen->pager > 0) {
		waitpid(screen->pager, NULL, 0);
		return 0;
	}
	return result == EOF && errno != EPIPE ? -1 : 0;
}
