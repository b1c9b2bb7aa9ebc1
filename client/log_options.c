/*
 * boxdo log: its options.
 */
#include "client/log.h"

#include "audit/events.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPTIONS_FOLLOW_FIRST 10 /* as journalctl and tail */

static void
options_help(void)
{
	puts("usage: boxdo log [OPTIONS]         one line a record, oldest first\n"
	     "       boxdo log [OPTIONS] ID      one launch, all that is known of it\n"
	     "\n"
	     "Which records (what may repeat means: any of these):\n"
	     "      --user NAME       of this user (name or number; may repeat);  --uid NUMBER\n"
	     "  -S, --since TIME      \"2026-03-01 12:30\", today, yesterday, -1h, \"2 days ago\", "
	     "@SECONDS\n"
	     "  -U, --until TIME\n"
	     "      --event EVENT     launch, refuse, end, auth, policy, ... (may repeat)\n"
	     "      --refused         the same as --event refuse\n"
	     "      --running         launches that run now\n"
	     "      --id ID           all of one launch; its beginning will do (may repeat)\n"
	     "      --image GLOB      by the image's name or path;  --digest HEX  by its digest\n"
	     "      --host GLOB       by the host's name, with or without its domain\n"
	     "      --rule GLOB       by the name of the rule that decided\n"
	     "      --command GLOB    by the command line, or its first word\n"
	     "      --bind PATH       that could reach this path (or glob: that were given it)\n"
	     "      --device GLOB     that were given this device\n"
	     "      --job NUMBER      of this batch job;  --session NUMBER  of this login\n"
	     "\n"
	     "How:\n"
	     "  -n, --lines N         the last N\n"
	     "  -r, --reverse         newest first\n"
	     "  -f, --follow          and what is still to come\n"
	     "  -l, --full            do not cut lines to the terminal\n"
	     "      --json            all fields, one object a line\n"
	     "      --csv             for spreadsheets\n"
	     "      --fields A,B      these fields, in any of the forms\n"
	     "      --no-pager\n"
	     "\n"
	     "From where:\n"
	     "      --directory DIR   journal files from elsewhere (may repeat)\n"
	     "      --merge           and every trail below /var/log/journal, remote hosts' too\n"
	     "\n"
	     "Instead of records:\n"
	     "      --gaps            is a record missing?\n"
	     "      --open            launches without an end: running, or lost\n"
	     "      --verify          are the files whole, and as they were sealed?\n"
	     "                        --verify-key FILE  with this key\n"
	     "      --retention       how many days are kept, and how few they could become\n"
	     "\n"
	     "boxdo-audit(7) has the fields, and the questions auditors ask.");
}

enum {
	OPTION_KEY = 256, /* and the reader_key */
	OPTION_REFUSED = OPTION_KEY + READER_KEYS,
	OPTION_RUNNING,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_FIELDS,
	OPTION_NO_PAGER,
	OPTION_DIRECTORY,
	OPTION_VERIFY_KEY,
	OPTION_WHAT /* and the log_what */
};

static const struct option options_long[] = {
    {"user", required_argument, NULL, OPTION_KEY + READER_USER},
    {"uid", required_argument, NULL, OPTION_KEY + READER_UID},
    {"event", required_argument, NULL, OPTION_KEY + READER_EVENT},
    {"id", required_argument, NULL, OPTION_KEY + READER_ID},
    {"image", required_argument, NULL, OPTION_KEY + READER_IMAGE},
    {"digest", required_argument, NULL, OPTION_KEY + READER_DIGEST},
    {"host", required_argument, NULL, OPTION_KEY + READER_HOST},
    {"rule", required_argument, NULL, OPTION_KEY + READER_RULE},
    {"command", required_argument, NULL, OPTION_KEY + READER_COMMAND},
    {"bind", required_argument, NULL, OPTION_KEY + READER_BIND},
    {"device", required_argument, NULL, OPTION_KEY + READER_DEVICE},
    {"job", required_argument, NULL, OPTION_KEY + READER_JOB},
    {"session", required_argument, NULL, OPTION_KEY + READER_SESSION},
    {"since", required_argument, NULL, 'S'},
    {"until", required_argument, NULL, 'U'},
    {"refused", no_argument, NULL, OPTION_REFUSED},
    {"running", no_argument, NULL, OPTION_RUNNING},
    {"lines", required_argument, NULL, 'n'},
    {"reverse", no_argument, NULL, 'r'},
    {"follow", no_argument, NULL, 'f'},
    {"full", no_argument, NULL, 'l'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"csv", no_argument, NULL, OPTION_CSV},
    {"fields", required_argument, NULL, OPTION_FIELDS},
    {"no-pager", no_argument, NULL, OPTION_NO_PAGER},
    {"directory", required_argument, NULL, OPTION_DIRECTORY},
    {"merge", no_argument, NULL, 'm'},
    {"gaps", no_argument, NULL, OPTION_WHAT + LOG_GAPS},
    {"open", no_argument, NULL, OPTION_WHAT + LOG_OPEN},
    {"verify", no_argument, NULL, OPTION_WHAT + LOG_VERIFY},
    {"verify-key", required_argument, NULL, OPTION_VERIFY_KEY},
    {"retention", no_argument, NULL, OPTION_WHAT + LOG_RETENTION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char *
options_name(int option)
{
	for (const struct option *at = options_long; at->name != NULL; at++)
		if (at->val == option)
			return at->name;
	return "?";
}

static int
options_list(const char **list, const char *value, const char *name)
{
	size_t count = 0;

	while (list[count] != NULL)
		count++;
	if (count == READER_VALUES_MAX) {
		log_say("--%s can be given %d times at most", name, READER_VALUES_MAX);
		return -1;
	}
	list[count] = value;
	return 0;
}

static int
options_event(const char *value)
{
	static const char *const events[] = {
#define X(id, name, message_id, priority) name,
		AUDIT_EVENTS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (strcmp(value, events[i]) == 0)
			return 0;
	log_say("--event: there is no event '%s'; boxdo-audit(7) has them", value);
	return -1;
}

static int
options_digits(const char *name, const char *value, const char *digits, const char *what)
{
	if (*value != '\0' && strspn(value, digits) == strlen(value))
		return 0;
	log_say("--%s: '%s' is no %s", name, value, what);
	return -1;
}

int
log_options_value(struct reader_filter *filter, enum reader_key key, const char *value)
{
	static const char decimal[] = "0123456789", hexadecimal[] = "0123456789abcdefABCDEF";
	const char *name = options_name(OPTION_KEY + (int)key);
	int result = 0;

	if (key == READER_EVENT)
		result = options_event(value);
	else if (key == READER_UID || key == READER_SESSION)
		result = options_digits(name, value, decimal, "number");
	else if (key == READER_ID)
		result = options_digits(name, value, hexadecimal, "id, nor the beginning of one");
	else if (key == READER_DIGEST)
		result = options_digits(name, strncmp(value, "sha256:", 7) == 0 ? value + 7 : value,
		    hexadecimal, "digest, nor the beginning of one");
	else if (*value == '\0')
		result = options_digits(name, value, decimal, "value to look for");
	return result == 0 ? options_list(filter->values[key], value, name) : -1;
}

int
log_options_time(uint64_t *time, const char *value)
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

/* "user,image,BOXDO_EXIT": in capitals, without BOXDO_. */
static int
options_fields(struct log_options *options, const char *value)
{
	size_t count = 0;
	char *at;

	free(options->column_text);
	options->column_text = at = strdup(value);
	if (at == NULL)
		return -1;
	for (char *letter = at; *letter != '\0'; letter++)
		if (*letter >= 'a' && *letter <= 'z')
			*letter = (char)(*letter - 'a' + 'A');
	for (char *word; (word = strsep(&at, ",")) != NULL;) {
		word += strncmp(word, "BOXDO_", 6) == 0 ? 6 : 0;
		if (*word == '\0' || count == LOG_COLUMNS_MAX ||
		    strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(word)) {
			log_say(
			    "--fields: '%s' is no list of fields; boxdo-audit(7) has them", value);
			return -1;
		}
		options->columns[count++] = word;
	}
	options->columns[count] = NULL;
	return 0;
}

static int
options_what(struct log_options *options, enum log_what what)
{
	if (options->what != LOG_RECORDS && options->what != what) {
		log_say("--gaps, --open, --verify and --retention are asked one at a time");
		return -1;
	}
	options->what = what;
	return 0;
}

/* One letter or flag. 0, -1: wrong, and said so; 1: help was asked for. */
static int
options_flag(struct log_options *options, int option)
{
	switch (option) {
	case OPTION_REFUSED:
		return log_options_value(&options->filter, READER_EVENT, "refuse");
	case OPTION_RUNNING:
		options->filter.running = true;
		return log_options_value(&options->filter, READER_EVENT, "launch");
	case 'm':
		options->where.merge = true;
		return 0;
	case 'r':
		options->reverse = true;
		return 0;
	case 'f':
		options->follow = options->filter.follow = true;
		return 0;
	case 'l':
		options->full = true;
		return 0;
	case OPTION_JSON:
		options->form = LOG_JSON;
		return 0;
	case OPTION_CSV:
		options->form = LOG_CSV;
		return 0;
	case OPTION_NO_PAGER:
		options->no_pager = true;
		return 0;
	case 'h':
		options_help();
		return 1;
	}
	log_say("try: boxdo log --help");
	return -1;
}

static int
options_one(struct log_options *options, int option, const char *value)
{
	if (option >= OPTION_KEY && option < OPTION_KEY + READER_KEYS)
		return log_options_value(
		    &options->filter, (enum reader_key)(option - OPTION_KEY), value);
	if (option > OPTION_WHAT)
		return options_what(options, (enum log_what)(option - OPTION_WHAT));
	switch (option) {
	case 'S':
		return log_options_time(&options->filter.since, value);
	case 'U':
		return log_options_time(&options->filter.until, value);
	case 'n':
		return options_count(options, value);
	case OPTION_FIELDS:
		return options_fields(options, value);
	case OPTION_DIRECTORY:
		return options_list(options->where.directories, value, "directory");
	case OPTION_VERIFY_KEY:
		options->verify_key = value;
		return options_what(options, LOG_VERIFY);
	}
	return options_flag(options, option);
}

/* What does not go together. */
static int
options_check(struct log_options *options)
{
	bool several = options->where.merge || (options->where.directories[0] != NULL &&
	                                           options->where.directories[1] != NULL);

	if (options->follow && options->reverse) {
		log_say("-f and -r do not go together");
		return -1;
	}
	if (options->follow && several) {
		log_say("-f follows this host's trail or one --directory");
		return -1;
	}
	if (options->id != NULL && options->what != LOG_RECORDS) {
		log_say("'%s': --gaps, --open, --verify and --retention are not about one launch",
		    options->id);
		return -1;
	}
	return 0;
}

int
log_options_read(struct log_options *options, int argc, char **argv)
{
	int option, result = 0;

	*options = (struct log_options){.filter.until = UINT64_MAX};
	while (result == 0 &&
	       (option = getopt_long(argc, argv, "S:U:n:rflmh", options_long, NULL)) != -1)
		result = options_one(options, option, optarg);
	if (result != 0)
		return result;
	if (optind < argc)
		options->id = argv[optind++];
	if (optind < argc ||
	    (options->id != NULL &&
	        strspn(options->id, "0123456789abcdefABCDEF") != strlen(options->id))) {
		log_say("log takes the id of one launch, not '%s'; try: boxdo log --help",
		    argv[argc - 1]);
		return -1;
	}
	if (options_check(options) == -1)
		return -1;
	if (options->id != NULL)
		options->what = LOG_PAGE;
	if (options->follow && options->count == 0)
		options->count = OPTIONS_FOLLOW_FIRST;
	return 0;
}
