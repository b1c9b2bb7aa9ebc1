/*
 * boxdo log: shows the audit trail. A program of its own (boxdo-log), so that `boxdo run` need not link
 * libsystemd.
 *
 * Stage:     none.
 * Privilege: the auditor's own: root, or a member of systemd-journal or boxdo-audit. Never more.
 * Distrusts: every byte of every record. What is shown as text has its control characters written as
 *            #ooo; nothing in a record can move the cursor, and none can fake a line.
 * On error:  one line on stderr; 1 the trail cannot be read, 125 wrong usage.
 */
#include "audit/reader.h"
#include "audit/utf8.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define LOG_LIST_MAX 64 /* values of one option */
#define LOG_USAGE 125
#define LOG_FOLLOW_FIRST 10 /* as journalctl and tail */

struct log_options {
	struct reader_filter filter;
	const char *users[LOG_LIST_MAX + 1], *events[LOG_LIST_MAX + 1], *ids[LOG_LIST_MAX + 1];
	const char *directory;
	uint64_t count;
	bool reverse, follow, json, no_pager, full;
};

/* Where the table goes. */
struct log_screen {
	size_t width; /* columns; 0: never cut */
	bool colour, utf8;
	pid_t pager;
};

static void
log_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
log_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("boxdo: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

/* --- text ---------------------------------------------------------------------------------------------- */

/*
 * Prints at most `columns` columns of text (0: all of it), nothing that a terminal would obey, and an
 * ellipsis where it is cut. Returns the columns printed.
 */
static size_t
log_text(const struct log_screen *screen, const char *text, size_t length, size_t columns)
{
	size_t printed = 0;

	for (size_t at = 0; at < length;) {
		uint32_t code = 0;
		const unsigned char *byte = (const unsigned char *)text + at;
		size_t taken = utf8_decode(byte, length - at, &code);
		bool good = taken > 0 && utf8_printable(code) && (code < 0x80 || screen->utf8);
		int width = !good ? 4 : code < 0x80 ? 1 : wcwidth((wchar_t)code);

		/* Unknown to this locale's tables: two columns are the most a character takes. */
		if (width < 0)
			width = 2;
		/* The last column is kept for the ellipsis, unless this is the end. */
		if (columns > 0 &&
		    printed + (size_t)width + (at + (good ? taken : 1) < length) > columns) {
			fputs(screen->utf8 ? "\xe2\x80\xa6" : "~", stdout);
			return printed + 1;
		}
		if (good)
			fwrite(byte, 1, taken, stdout);
		else
			printf("#%03o", *byte);
		at += good ? taken : 1;
		printed += (size_t)width;
	}
	return printed;
}

/* One cell, as wide as `width` at least, and at most where the table must fit; then a blank. */
static void
log_cell(const struct log_screen *screen, const char *text, size_t width, const char *colour)
{
	size_t printed;

	if (*text == '\0')
		text = "-";
	if (screen->colour && colour != NULL)
		fputs(colour, stdout);
	printed = log_text(screen, text, strlen(text), screen->width == 0 ? 0 : width);
	if (screen->colour && colour != NULL)
		fputs("\x1b[0m", stdout);
	do
		putchar(' ');
	while (++printed <= width);
}

/* --- the table ------------------------------------------------------------------------------------------- */

enum {
	LOG_TIME = 19,
	LOG_EVENT = 6,
	LOG_USER = 10,
	LOG_HOST = 10,
	LOG_IMAGE = 16,
	LOG_RULE = 14,
	LOG_STATUS = 11
};

static const size_t log_before_command =
    LOG_TIME + LOG_EVENT + LOG_USER + LOG_HOST + LOG_IMAGE + LOG_RULE + LOG_STATUS + 7;

#define LOG_RED "\x1b[31m"
#define LOG_GREEN "\x1b[32m"
#define LOG_YELLOW "\x1b[33m"

/* How it ended, out of an end record: "exit 0", "signal 9", "not started". */
static void
log_end_status(const struct reader_entry *end, char *status, size_t size)
{
	if (reader_get(end, "EXIT") != NULL)
		snprintf(status, size, "exit %s", reader_text(end, "EXIT"));
	else if (reader_get(end, "SIGNAL") != NULL)
		snprintf(status, size, "signal %s", reader_text(end, "SIGNAL"));
	else
		snprintf(status, size, "not started");
}

static void
log_launch_status(
    struct reader *reader, const struct reader_entry *launch, char *status, size_t size)
{
	struct reader_entry end;

	switch (reader_launch_state(reader, launch, &end)) {
	case READER_ENDED:
		log_end_status(&end, status, size);
		reader_entry_free(&end);
		break;
	case READER_RUNNING:
		snprintf(status, size, "running");
		break;
	case READER_NO_END:
		snprintf(status, size, "no end");
	}
}

static void
log_status(struct reader *reader, const struct reader_entry *entry, char *status, size_t size)
{
	const char *event = reader_text(entry, "EVENT");

	if (strcmp(event, "launch") == 0)
		log_launch_status(reader, entry, status, size);
	else if (strcmp(event, "end") == 0)
		log_end_status(entry, status, size);
	else if (strcmp(event, "refuse") == 0)
		snprintf(status, size, "refused");
	else if (strcmp(event, "auth") == 0)
		snprintf(status, size, "%s", reader_text(entry, "RESULT"));
	else
		snprintf(status, size, "changed");
}

static const char *
log_status_colour(const char *status)
{
	if (strcmp(status, "refused") == 0 || strcmp(status, "failure") == 0 ||
	    strcmp(status, "no end") == 0)
		return LOG_RED;
	if (strcmp(status, "running") == 0)
		return LOG_GREEN;
	return strcmp(status, "exit 0") == 0 || strcmp(status, "success") == 0 ? NULL : LOG_YELLOW;
}

/* "allow ml" of "allow ml (/etc/boxdo/policy.conf:14)". */
static void
log_rule(const struct reader_entry *entry, char *rule, size_t size)
{
	const char *whole = reader_text(entry, "RULE"), *place = strstr(whole, " (");

	snprintf(
	    rule, size, "%.*s", place == NULL ? (int)strlen(whole) : (int)(place - whole), whole);
}

/* The command, which a shell would take as it stands; the reason behind it as a comment of that shell. */
static void
log_command(const struct log_screen *screen, const struct reader_entry *entry)
{
	const struct reader_field *command = reader_get(entry, "COMMAND"),
	                          *reason = reader_get(entry, "REASON");
	size_t left = screen->width > log_before_command + 8 ? screen->width - log_before_command
	              : screen->width > 0                    ? 8
	                                                     : 0;
	size_t printed = 0;

	if (command == NULL && reason == NULL) {
		putchar('-');
		return;
	}
	if (command != NULL)
		printed = log_text(screen, command->value, command->length, left);
	if (reason == NULL || (left > 0 && printed + 6 > left))
		return;
	printf("%s# ", printed > 0 ? "  " : "");
	printed += printed > 0 ? 4 : 2;
	log_text(screen, reason->value, reason->length, left == 0 ? 0 : left - printed);
}

static void
log_time(uint64_t realtime, char *text, size_t size)
{
	time_t seconds = (time_t)(realtime / 1000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm);
}

static void
log_row(struct reader *reader, const struct log_screen *screen, const struct reader_entry *entry)
{
	char time[32], rule[512], status[64];
	const char *event = reader_text(entry, "EVENT");

	log_time(entry->realtime, time, sizeof time);
	log_rule(entry, rule, sizeof rule);
	log_status(reader, entry, status, sizeof status);
	log_cell(screen, time, LOG_TIME, NULL);
	log_cell(screen, event, LOG_EVENT, strcmp(event, "refuse") == 0 ? LOG_RED : NULL);
	log_cell(screen, reader_text(entry, "USER"), LOG_USER, NULL);
	log_cell(screen, reader_text(entry, "HOST"), LOG_HOST, NULL);
	log_cell(screen, reader_text(entry, "IMAGE"), LOG_IMAGE, NULL);
	log_cell(screen, rule, LOG_RULE, NULL);
	log_cell(screen, status, LOG_STATUS, log_status_colour(status));
	log_command(screen, entry);
	putchar('\n');
}

static void
log_head(const struct log_screen *screen)
{
	log_cell(screen, "TIME", LOG_TIME, NULL);
	log_cell(screen, "EVENT", LOG_EVENT, NULL);
	log_cell(screen, "USER", LOG_USER, NULL);
	log_cell(screen, "HOST", LOG_HOST, NULL);
	log_cell(screen, "IMAGE", LOG_IMAGE, NULL);
	log_cell(screen, "RULE", LOG_RULE, NULL);
	log_cell(screen, "STATUS", LOG_STATUS, NULL);
	puts("COMMAND");
}

/* --- JSON ------------------------------------------------------------------------------------------------ */

/* Every byte counts: what is no UTF-8 goes out whole, in base64. */
static void
json_bytes(const unsigned char *bytes, size_t length)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	fputs("{\"bytes\":\"", stdout);
	for (size_t at = 0; at < length; at += 3) {
		size_t left = length - at;
		unsigned group = (unsigned)bytes[at] << 16 |
		                 (left > 1 ? (unsigned)bytes[at + 1] << 8 : 0) |
		                 (left > 2 ? bytes[at + 2] : 0);

		putchar(digits[group >> 18]);
		putchar(digits[group >> 12 & 63]);
		putchar(left > 1 ? digits[group >> 6 & 63] : '=');
		putchar(left > 2 ? digits[group & 63] : '=');
	}
	fputs("\"}", stdout);
}

static void
json_character(uint32_t code, const unsigned char *bytes, size_t length)
{
	if (code == '"' || code == '\\')
		printf("\\%c", (char)code);
	else if (utf8_printable(code))
		fwrite(bytes, 1, length, stdout);
	else
		printf("\\u%04" PRIx32, code); /* none of these lies above U+FFFF */
}

static void
json_string(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t code = 0;
	size_t taken;

	for (size_t at = 0; at < length; at += taken) {
		taken = utf8_decode(bytes + at, length - at, &code);
		if (taken == 0) {
			json_bytes(bytes, length);
			return;
		}
	}
	putchar('"');
	for (size_t at = 0; at < length; at += taken) {
		taken = utf8_decode(bytes + at, length - at, &code);
		json_character(code, bytes + at, taken);
	}
	putchar('"');
}

/* Fields that are numbers, always: a reader need not convert them. */
static bool
json_is_number(const struct reader_field *field)
{
	static const char *const names[] = {"CPU_USEC", "DURATION_USEC", "EXIT", "GID", "INIT_PID",
	    "LOGINUID", "MAXRSS_KIB", "REDACTED", "SEQ", "SESSION", "SIGNAL", "SUPPRESSED", "TIME",
	    "UID"};
	const char *suffix = strstr(field->name, "_LENGTH");
	bool named = suffix != NULL && suffix[7] == '\0';

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		named |= strcmp(names[i], field->name) == 0;
	/* Plain decimal, no leading zero: what JSON takes. */
	return named && field->length > 0 && field->length < 20 &&
	       strspn(field->value, "0123456789") == field->length &&
	       (*field->value != '0' || field->length == 1);
}

static void
json_value(const struct reader_field *field)
{
	if (json_is_number(field))
		fwrite(field->value, 1, field->length, stdout);
	else
		json_string(field->value, field->length);
}

static void
json_name(const char *name)
{
	putchar('"');
	/* journald takes only A-Z, 0-9 and _ in a name; its own keep theirs. */
	for (const char *at = name; *at != '\0'; at++)
		putchar(*name != '_' && *at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
	fputs("\":", stdout);
}

static bool
json_shown(const char *name)
{
	return *name != '_' || strcmp(name, "_PID") == 0 || strcmp(name, "_BOOT_ID") == 0;
}

/* All fields of that name, at its first; binds and devices are lists also when there is one. */
static void
json_field(const struct reader_entry *entry, size_t first)
{
	const char *name = entry->fields[first].name;
	bool list = strcmp(name, "BINDS") == 0 || strcmp(name, "DEVICES") == 0;

	for (size_t i = 0; i < entry->count; i++) {
		if (i == first || strcmp(entry->fields[i].name, name) != 0)
			continue;
		if (i < first)
			return;
		list = true;
	}
	putchar(',');
	json_name(name);
	if (list)
		putchar('[');
	json_value(&entry->fields[first]);
	for (size_t i = first + 1; i < entry->count; i++) {
		if (strcmp(entry->fields[i].name, name) == 0) {
			putchar(',');
			json_value(&entry->fields[i]);
		}
	}
	if (list)
		putchar(']');
}

static void
json_row(struct reader *reader, const struct reader_entry *entry)
{
	static const char *const states[] = {"ended", "running", "no end"};

	printf("{\"__REALTIME_TIMESTAMP\":\"%" PRIu64 "\"", entry->realtime);
	for (size_t i = 0; i < entry->count; i++)
		if (json_shown(entry->fields[i].name))
			json_field(entry, i);
	if (strcmp(reader_text(entry, "EVENT"), "launch") == 0)
		printf(",\"state\":\"%s\"", states[reader_launch_state(reader, entry, NULL)]);
	puts("}");
}

/* --- screen and pager -------------------------------------------------------------------------------------- */

/*
 * As root, less alone and confined: with the environment it was started in (LESSOPEN, PAGER, an ! typed
 * by whoever sits there) it would be a way to run other commands.
 */
static void
pager_exec(void)
{
	const char *pager = getenv("PAGER");
	bool root = geteuid() == 0 || getenv("SUDO_UID") != NULL;

	setenv("LESS", "FRSXMK", 1);
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
pager_start(void)
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
		pager_exec();
	}
	if (pid > 0)
		dup2(ends[1], 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void
screen_start(struct log_screen *screen, const struct log_options *options)
{
	struct winsize size = {0};
	const char *pager = getenv("PAGER");
	bool terminal = isatty(STDOUT_FILENO);

	screen->utf8 = !terminal || strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	screen->pager = -1;
	if (!terminal)
		return;
	screen->colour = getenv("NO_COLOR") == NULL && getenv("TERM") != NULL &&
	                 strcmp(getenv("TERM"), "dumb") != 0;
	if (!options->full && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		screen->width = size.ws_col;
	if (!options->no_pager && !options->follow && (pager == NULL || strcmp(pager, "cat") != 0))
		screen->pager = pager_start();
}

/* 0, or -1: what we wrote did not arrive (a full disk; not: a pager left early). */
static int
screen_end(const struct log_screen *screen)
{
	int result = fclose(stdout);

	if (screen->pager > 0) {
		waitpid(screen->pager, NULL, 0);
		return 0;
	}
	return result == EOF && errno != EPIPE ? -1 : 0;
}

/* --- options --------------------------------------------------------------------------------------------- */

static void
log_help(void)
{
	puts("usage: boxdo log [OPTIONS]\n"
	     "\n"
	     "Shows who ran what, when, and how it ended: one line a record, oldest first.\n"
	     "\n"
	     "      --user NAME       of this user (name or number; may repeat)\n"
	     "  -S, --since TIME      \"2026-03-01 12:30\", today, yesterday, -1h, \"2 days ago\", "
	     "@SECONDS\n"
	     "  -U, --until TIME\n"
	     "      --event EVENT     launch, refuse, end, auth or policy (may repeat)\n"
	     "      --refused         the same as --event refuse\n"
	     "      --running         launches that run now\n"
	     "      --id ID           all of one launch (may repeat)\n"
	     "      --image GLOB      by the image's name or path\n"
	     "      --rule GLOB       by the name of the rule that decided\n"
	     "  -n, --lines N         the last N\n"
	     "  -r, --reverse         newest first\n"
	     "  -f, --follow          and what is still to come\n"
	     "  -l, --full            do not cut lines to the terminal\n"
	     "      --json            all fields, one object a line\n"
	     "      --no-pager\n"
	     "      --directory DIR   journal files from elsewhere\n"
	     "\n"
	     "boxdo-audit(7) has the fields and more examples.");
}

enum {
	OPTION_USER = 256,
	OPTION_EVENT,
	OPTION_REFUSED,
	OPTION_RUNNING,
	OPTION_ID,
	OPTION_IMAGE,
	OPTION_RULE,
	OPTION_JSON,
	OPTION_NO_PAGER,
	OPTION_DIRECTORY
};

static const struct option log_long_options[] = {
    {"user", required_argument, NULL, OPTION_USER},
    {"since", required_argument, NULL, 'S'},
    {"until", required_argument, NULL, 'U'},
    {"event", required_argument, NULL, OPTION_EVENT},
    {"refused", no_argument, NULL, OPTION_REFUSED},
    {"running", no_argument, NULL, OPTION_RUNNING},
    {"id", required_argument, NULL, OPTION_ID},
    {"image", required_argument, NULL, OPTION_IMAGE},
    {"rule", required_argument, NULL, OPTION_RULE},
    {"lines", required_argument, NULL, 'n'},
    {"reverse", no_argument, NULL, 'r'},
    {"follow", no_argument, NULL, 'f'},
    {"full", no_argument, NULL, 'l'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"no-pager", no_argument, NULL, OPTION_NO_PAGER},
    {"directory", required_argument, NULL, OPTION_DIRECTORY},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int
options_list(const char **list, const char *value, const char *name)
{
	size_t count = 0;

	while (list[count] != NULL)
		count++;
	if (count == LOG_LIST_MAX) {
		log_say("--%s can be given %d times at most", name, LOG_LIST_MAX);
		return -1;
	}
	list[count] = value;
	return 0;
}

static int
options_event(struct log_options *options, const char *value)
{
	static const char *const events[] = {"launch", "refuse", "end", "auth", "policy"};

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (strcmp(value, events[i]) == 0)
			return options_list(options->events, value, "event");
	log_say("--event: there is no event '%s' (launch, refuse, end, auth, policy)", value);
	return -1;
}

static int
options_time(uint64_t *time, const char *value)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (reader_time(
	        value, (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000, time) == 0)
		return 0;
	log_say("'%s' is no time; try \"2026-03-01 12:30\", today, -1h or \"2 days ago\"", value);
	return -1;
}

static int
options_count(struct log_options *options, const char *value)
{
	char *end;

	errno = 0;
	options->count = strtoull(value, &end, 10);
	if (errno == 0 && *end == '\0' && *value >= '0' && *value <= '9' && options->count > 0)
		return 0;
	log_say("-n: '%s' is no number of lines", value);
	return -1;
}

/* One option. 0, -1: wrong, and said so; 1: help was asked for. */
static int
options_one(struct log_options *options, int option, const char *value)
{
	switch (option) {
	case OPTION_USER:
		return options_list(options->users, value, "user");
	case OPTION_ID:
		return options_list(options->ids, value, "id");
	case OPTION_EVENT:
		return options_event(options, value);
	case OPTION_REFUSED:
		return options_event(options, "refuse");
	case 'S':
		return options_time(&options->filter.since, value);
	case 'U':
		return options_time(&options->filter.until, value);
	case 'n':
		return options_count(options, value);
	case OPTION_RUNNING:
		options->filter.running = true;
		return options_event(options, "launch");
	case OPTION_IMAGE:
		options->filter.image = value;
		return 0;
	case OPTION_RULE:
		options->filter.rule = value;
		return 0;
	case OPTION_DIRECTORY:
		options->directory = value;
		return 0;
	case 'r':
		options->reverse = true;
		return 0;
	case 'f':
		options->follow = true;
		return 0;
	case 'l':
		options->full = true;
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_NO_PAGER:
		options->no_pager = true;
		return 0;
	case 'h':
		return 1;
	}
	log_say("try: boxdo log --help");
	return -1;
}

static int
options_read(struct log_options *options, int argc, char **argv)
{
	int option, result = 0;

	*options = (struct log_options){.filter.until = UINT64_MAX};
	while (result == 0 &&
	       (option = getopt_long(argc, argv, "S:U:n:rflh", log_long_options, NULL)) != -1)
		result = options_one(options, option, optarg);
	if (result != 0)
		return result;
	if (optind < argc) {
		log_say("log takes no argument '%s'; try: boxdo log --help", argv[optind]);
		return -1;
	}
	if (options->follow && options->reverse) {
		log_say("-f and -r do not go together");
		return -1;
	}
	if (options->follow && options->count == 0)
		options->count = LOG_FOLLOW_FIRST;
	options->filter.users = *options->users == NULL ? NULL : options->users;
	options->filter.events = *options->events == NULL ? NULL : options->events;
	options->filter.ids = *options->ids == NULL ? NULL : options->ids;
	return 0;
}

/* --- all of it --------------------------------------------------------------------------------------------- */

static int
log_show(struct reader *reader, const struct log_screen *screen, const struct log_options *options)
{
	uint64_t shown = 0;
	int result = reader_start(reader, options->count, options->reverse);

	if (!options->json)
		log_head(screen);
	while (result >= 0 && !ferror(stdout)) {
		struct reader_entry entry;

		result = reader_next(reader, options->reverse, &entry);
		if (result == 0 && options->follow) {
			fflush(stdout);
			result = reader_wait(reader);
			continue;
		}
		if (result <= 0)
			break;
		if (options->json)
			json_row(reader, &entry);
		else
			log_row(reader, screen, &entry);
		reader_entry_free(&entry);
		if (options->reverse && ++shown == options->count)
			break;
	}
	return result;
}

int
main(int argc, char **argv)
{
	char error[READER_ERROR_MAX];
	struct log_options options;
	struct log_screen screen = {0};
	struct reader *reader;
	static char name[] = "boxdo";
	int result;

	/* getopt's own complaints begin with this, as all of ours do. */
	if (argc > 0)
		argv[0] = name;
	setlocale(LC_CTYPE, "");
	tzset();
	result = options_read(&options, argc, argv);
	if (result != 0) {
		if (result == 1)
			log_help();
		return result == 1 ? 0 : LOG_USAGE;
	}
	reader = reader_open(options.directory, &options.filter, error);
	if (reader == NULL) {
		log_say("%s", error);
		return 1;
	}
	/* A pager that is left early must not end us before the terminal is ours again. */
	signal(SIGPIPE, SIG_IGN);
	screen_start(&screen, &options);
	result = log_show(reader, &screen, &options);
	reader_close(reader);
	if (screen_end(&screen) == -1) {
		log_say("standard output: %s", strerror(errno));
		return 1;
	}
	if (result < 0)
		log_say("the audit journal cannot be read: %s", strerror(-result));
	return result < 0;
}
