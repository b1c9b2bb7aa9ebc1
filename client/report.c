/*
 * boxdo report: the audit trail for people who would rather look: who used what and how much, what failed and
 * what was refused, as bars on the terminal or as one HTML file. A program of its own (boxdo-report).
 *
 * Stage:     none.
 * Privilege: the auditor's own, as boxdo log's.
 * Distrusts: every byte of every record.
 * On error:  one line on stderr; 1 the trail cannot be read or the file not written, 125 wrong usage.
 */
#include "client/report.h"

#include "client/log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REPORT_SINCE "30 days ago"
#define REPORT_TOP 10
#define REPORT_TOP_MAX 100
#define REPORT_ROWS 24 /* of the chart over time on a terminal */

struct report_options {
	struct reader_filter filter;
	struct reader_where where;
	const char *html; /* file, or "-" */
	size_t top;
	bool no_pager;
};

static const struct option report_long[] = {
    {"since", required_argument, NULL, 'S'},
    {"until", required_argument, NULL, 'U'},
    {"user", required_argument, NULL, 'u'},
    {"host", required_argument, NULL, 'H'},
    {"image", required_argument, NULL, 'i'},
    {"rule", required_argument, NULL, 'R'},
    {"directory", required_argument, NULL, 'D'},
    {"merge", no_argument, NULL, 'm'},
    {"html", required_argument, NULL, 'o'},
    {"top", required_argument, NULL, 't'},
    {"no-pager", no_argument, NULL, 'P'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int
report_help(void)
{
	puts("usage: boxdo report [OPTIONS]\n"
	     "\n"
	     "Who used what and how much, what failed, what was refused: as bars, or as a page.\n"
	     "\n"
	     "  -S, --since TIME      default: " REPORT_SINCE "\n"
	     "  -U, --until TIME      as for boxdo log\n"
	     "      --html FILE       one HTML file that needs nothing else; - is standard output\n"
	     "      --top N           of each list, default 10\n"
	     "      --user NAME       only this user, --host GLOB, --image GLOB, --rule GLOB\n"
	     "      --directory DIR   journal files from elsewhere (may repeat)\n"
	     "      --merge           every trail below /var/log/journal, remote hosts' too\n"
	     "      --no-pager");
	return 1;
}

static int
report_directory(struct report_options *options, const char *value)
{
	size_t count = 0;

	while (options->where.directories[count] != NULL)
		count++;
	if (count == READER_VALUES_MAX) {
		log_say("--directory can be given %d times at most", READER_VALUES_MAX);
		return -1;
	}
	options->where.directories[count] = value;
	return 0;
}

static int
report_top(struct report_options *options, const char *value)
{
	char *end;
	unsigned long top = strtoul(value, &end, 10);

	if (*end != '\0' || *value < '0' || *value > '9' || top == 0 || top > REPORT_TOP_MAX) {
		log_say("--top takes a number up to %d, not '%s'", REPORT_TOP_MAX, value);
		return -1;
	}
	options->top = top;
	return 0;
}

static int
report_option(struct report_options *options, int option, const char *value)
{
	switch (option) {
	case 'S':
		return log_options_time(&options->filter.since, value);
	case 'U':
		return log_options_time(&options->filter.until, value);
	case 'u':
		return log_options_value(&options->filter, READER_USER, value);
	case 'H':
		return log_options_value(&options->filter, READER_HOST, value);
	case 'i':
		return log_options_value(&options->filter, READER_IMAGE, value);
	case 'R':
		return log_options_value(&options->filter, READER_RULE, value);
	case 'D':
		return report_directory(options, value);
	case 'm':
		options->where.merge = true;
		return 0;
	case 'o':
		options->html = value;
		return 0;
	case 't':
		return report_top(options, value);
	case 'P':
		options->no_pager = true;
		return 0;
	case 'h':
		return report_help();
	}
	log_say("try: boxdo report --help");
	return -1;
}

/* 0; -1: wrong, and said so; 1: help was asked for. */
static int
report_options(struct report_options *options, int argc, char **argv)
{
	static const char *const events[] = {"launch", "refuse", "end"};
	int option, result;

	*options = (struct report_options){.filter.until = UINT64_MAX, .top = REPORT_TOP};
	result = log_options_time(&options->filter.since, REPORT_SINCE);
	while (result == 0 && (option = getopt_long(argc, argv, "S:U:mh", report_long, NULL)) != -1)
		result = report_option(options, option, optarg);
	if (result == 0 && optind < argc) {
		log_say("report takes no argument '%s'; try: boxdo report --help", argv[optind]);
		result = -1;
	}
	for (size_t i = 0; i < sizeof events / sizeof *events && result == 0; i++)
		result = log_options_value(&options->filter, READER_EVENT, events[i]);
	return result;
}

/*
 * A file that only its owner can read: the report says as much as the trail. What somebody else put there
 * before, a link to one of ours or a file of theirs to be read by them, is not written.
 */
static int
report_open(const char *path)
{
	int fd =
	    open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	struct stat stat;

	if (fd == -1)
		return -1;
	if (fstat(fd, &stat) == 0 && fcntl(fd, F_SETFL, 0) == 0 &&
	    (!S_ISREG(stat.st_mode) ||
	        (stat.st_uid == geteuid() && stat.st_nlink == 1 && ftruncate(fd, 0) == 0)))
		return fd;
	close(fd);
	errno = EEXIST;
	return -1;
}

static int
report_write(const struct report *report, const struct report_options *options)
{
	bool here = strcmp(options->html, "-") == 0;
	int fd = here ? -1 : report_open(options->html);
	FILE *file = here ? stdout : fd == -1 ? NULL : fdopen(fd, "w");
	bool good;

	if (file != NULL)
		report_html(report, file, options->top);
	good = file != NULL && !ferror(file);
	if (file == NULL || fclose(file) == EOF || !good) {
		log_say("%s: %s", options->html, strerror(errno));
		return LOG_FAILED;
	}
	return 0;
}

static int
report_show(const struct report *report, const struct report_options *options)
{
	struct log_screen screen = {0};

	if (options->html != NULL)
		return report_write(report, options);
	signal(SIGPIPE, SIG_IGN);
	log_screen_start(&screen, options->no_pager, true);
	report_bars(report, &screen, options->top);
	if (log_screen_end(&screen) == 0)
		return 0;
	log_say("standard output: %s", strerror(errno));
	return LOG_FAILED;
}

static int
report_run(const struct report_options *options)
{
	char error[READER_ERROR_MAX];
	struct reader *reader =
	    reader_open(&options->where, &options->filter, report_count_names, error);
	struct report report = {.column_max = options->html != NULL ? REPORT_COLUMNS : REPORT_ROWS};
	int result;

	if (reader == NULL) {
		log_say("%s", error);
		return LOG_FAILED;
	}
	result = report_count(&report, reader);
	reader_close(reader);
	if (report.until == 0) { /* nothing in all that time */
		report.since = options->filter.since;
		report.until = options->filter.until == UINT64_MAX ? (uint64_t)time(NULL) * 1000000
		                                                   : options->filter.until;
	}
	if (result < 0)
		log_say("the audit journal cannot be read: %s", strerror(-result));
	result = result < 0 ? LOG_FAILED : report_show(&report, options);
	report_count_free(&report);
	return result;
}

int
main(int argc, char **argv)
{
	static char name[] = "boxdo";
	struct report_options options;
	struct rlimit limit;
	int result;

	if (argc > 0)
		argv[0] = name;
	setlocale(LC_CTYPE, "");
	tzset();
	/* Collected trails have many files. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	result = report_options(&options, argc, argv);
	return result == 0 ? report_run(&options) : result == 1 ? 0 : LOG_USAGE;
}
