/*
 * boxdo log: shows the audit trail. A program of its own (boxdo-log), so that `boxdo run` need not link
 * libsystemd.
 *
 * Stage:     none.
 * Privilege: the auditor's own: root, or a member of systemd-journal or boxdo-audit. Never more.
 * Distrusts: every byte of every record. What is shown as text has its control characters written as
 *            #ooo; nothing in a record can move the cursor, and none can fake a line.
 * On error:  one line on stderr; 1 the trail cannot be read, 2 something was found that should not be,
 *            125 wrong usage.
 */
#include "client/log.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LOG_BUFFER 65536

static void
log_row(struct reader *reader, const struct log_screen *screen, const struct log_options *options,
    const struct reader_entry *entry)
{
	if (options->form == LOG_JSON)
		log_json_row(reader, options, entry);
	else if (options->form == LOG_CSV)
		log_csv_row(reader, options, entry);
	else
		log_table_row(reader, screen, options, entry);
}

static int
log_records(
    struct reader *reader, const struct log_screen *screen, const struct log_options *options)
{
	uint64_t shown = 0;
	int result = reader_start(reader, options->count, options->reverse);

	if (options->form == LOG_TABLE)
		log_table_head(screen, options);
	else if (options->form == LOG_CSV)
		log_csv_head(options);
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
		log_row(reader, screen, options, &entry);
		reader_entry_free(&entry);
		/* Also when more come meanwhile: they were not asked for. */
		if (++shown == options->count && !options->follow)
			break;
	}
	return result < 0 ? result : 0;
}

static int
log_show(struct reader *reader, const struct log_screen *screen, const struct log_options *options)
{
	switch (options->what) {
	case LOG_PAGE:
		return log_page(reader, screen, options->id);
	case LOG_GAPS:
		return log_gaps(reader, screen);
	case LOG_OPEN:
		return log_open(reader, screen);
	default:
		return log_records(reader, screen, options);
	}
}

/* Ids may be given by their beginnings; then every file is asked which there are. ids keeps them. */
static int
log_whole_ids(struct log_options *options, char (*ids)[33])
{
	const char **values = options->filter.values[READER_ID];

	if (options->id != NULL) {
		memset(options->filter.values, 0, sizeof options->filter.values);
		values[0] = options->id;
	}
	for (size_t i = 0; values[i] != NULL; i++) {
		if (log_page_id(&options->where, values[i], ids[i]) == -1)
			return -1;
		values[i] = ids[i];
	}
	return 0;
}

/* What is not shown, though it is there. */
static void
log_say_damaged(const struct reader *reader)
{
	uint64_t size;
	const char *path = reader_damaged(reader, &size);

	if (path != NULL && size != 0)
		log_say("%s was cut off, and its records are not shown;"
		        " `truncate -s %" PRIu64 "` makes a copy of it readable",
		    path, size);
	else if (path != NULL)
		log_say("%s is damaged, and its records are not shown (boxdo log --verify)", path);
}

static int
log_read(struct log_options *options)
{
	static char ids[READER_VALUES_MAX][33];
	char error[READER_ERROR_MAX];
	struct log_screen screen = {0};
	struct reader *reader;
	int result;

	if (log_whole_ids(options, ids) == -1)
		return LOG_FAILED;
	reader = reader_open(&options->where, &options->filter,
	    options->what == LOG_RECORDS ? log_table_names(options) : NULL, error);
	if (reader == NULL) {
		log_say("%s", error);
		return LOG_FAILED;
	}
	log_say_damaged(reader);
	/* A pager that is left early must not end us before the terminal is ours again. */
	signal(SIGPIPE, SIG_IGN);
	log_screen_start(&screen, options->no_pager || options->follow, options->full);
	result = log_show(reader, &screen, options);
	reader_close(reader);
	if (log_screen_end(&screen) == -1) {
		log_say("standard output: %s", strerror(errno));
		return LOG_FAILED;
	}
	if (result < 0 && result != -ENOENT)
		log_say("the audit journal cannot be read: %s", strerror(-result));
	return result < 0 ? LOG_FAILED : result;
}

/* One descriptor a file and reader; collected trails have many. */
static void
log_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int
main(int argc, char **argv)
{
	static char name[] = "boxdo", buffer[LOG_BUFFER];
	struct log_options options;
	int result;

	/* getopt's own complaints begin with this, as all of ours do. */
	if (argc > 0)
		argv[0] = name;
	setlocale(LC_CTYPE, "");
	tzset();
	log_raise_limit();
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	result = log_options_read(&options, argc, argv);
	if (result == 0)
		result = options.what == LOG_VERIFY      ? log_verify(&options)
		         : options.what == LOG_RETENTION ? log_retention(&options)
		                                         : log_read(&options);
	else
		result = result == 1 ? 0 : LOG_USAGE;
	free(options.column_text);
	return result;
}
