/*
 * boxdo ps: which containers run now.
 *
 * Runs as whoever typed it: root sees everybody's, everybody else their own. Changes nothing.
 * Errors: one line, 125.
 */
#include "audit/utf8.h"
#include "client/running.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PS_COMMAND_WIDTH 40

static const char ps_usage[] =
    "usage: boxdo ps [-q] [--no-trunc] [--format table|json]\n"
    "Containers that run now: root sees everybody's, others their own. What has ended: boxdo log.\n"
    "  -q, --quiet          ids alone\n"
    "      --no-trunc       ids and commands in full\n"
    "      --format json    all that is known, one object a line\n";

struct ps_options {
	bool quiet, full, json;
};

static void
ps_json_text(const char *name, const char *text)
{
	size_t length = strlen(text), taken;
	uint32_t code;

	printf(",\"%s\":\"", name);
	for (size_t at = 0; at < length; at += taken) {
		taken = utf8_decode((const unsigned char *)text + at, length - at, &code);
		if (!taken) {
			/* No UTF-8: the record has the bytes. */
			fputs("\\ufffd", stdout);
			taken = 1;
		} else if (code == '"' || code == '\\' || !utf8_printable(code)) {
			printf("\\u%04x", code); /* none of these lies above U+FFFF */
		} else {
			fwrite(text + at, 1, taken, stdout);
		}
	}
	putchar('"');
}

static void
ps_since(const struct running_entry *entry, const char *format, char *text, size_t size)
{
	time_t since = (time_t)(entry->since / 1000000);
	struct tm when;

	text[0] = '\0';
	if (localtime_r(&since, &when))
		strftime(text, size, format, &when);
}

static void
ps_json(const struct running_entry *entry)
{
	char since[64];

	ps_since(entry, "%Y-%m-%dT%H:%M:%S%z", since, sizeof since);
	printf("{\"id\":\"%s\"", entry->id);
	ps_json_text("image", entry->image);
	ps_json_text("image_path", entry->image_path);
	ps_json_text("name", entry->name);
	ps_json_text("user", entry->user);
	printf(",\"uid\":%u", entry->uid);
	ps_json_text("run_as", entry->run_as);
	ps_json_text("since", since);
	ps_json_text("command", entry->command);
	ps_json_text("rule", entry->rule);
	if (entry->joins[0])
		printf(",\"joins\":\"%s\"", entry->joins);
	printf(",\"pid\":%d,\"handle\":%d,\"supervisor\":%d,\"status\":\"%s\"}\n", entry->init,
	    entry->handle, running_supervisor(entry->owner),
	    entry->stop == entry->owner ? "stopping" : "running");
}

/* "5 min": a look is enough to tell the old ones. */
static void
ps_status(const struct running_entry *entry, char *text, size_t size)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	struct timespec now;
	uint64_t age;
	size_t unit = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (uint64_t)now.tv_sec * 1000000 > entry->since
	          ? (uint64_t)now.tv_sec - entry->since / 1000000
	          : 0;
	while (unit < 3 && age < 2 * units[unit].seconds)
		unit++;
	snprintf(text, size, "%s %" PRIu64 " %s",
	    entry->stop == entry->owner ? "stopping, up" : "up", age / units[unit].seconds,
	    units[unit].name);
}

static void
ps_pad(int width, const char *text)
{
	int length = (int)strlen(text);

	running_show(stdout, text, 0);
	printf("%*s", length < width ? width - length + 1 : 1, "");
}

static void
ps_row(const struct running_entry *entry, const struct ps_options *options)
{
	char since[64], status[64], pid[16], id[AUDIT_ID_SIZE];

	ps_since(entry, "%Y-%m-%d %H:%M:%S", since, sizeof since);
	ps_status(entry, status, sizeof status);
	snprintf(pid, sizeof pid, "%d", entry->init);
	snprintf(id, sizeof id, "%.*s", options->full ? AUDIT_ID_SIZE : 12, entry->id);
	if (options->quiet) {
		puts(id);
		return;
	}
	ps_pad(12, id);
	ps_pad(16, entry->image);
	ps_pad(10, entry->user);
	ps_pad(19, since);
	ps_pad(8, pid);
	ps_pad(10, status);
	/* In the container of another line. */
	if (entry->joins[0])
		printf("(in %.12s) ", entry->joins);
	running_show(stdout, entry->command, options->full ? 0 : PS_COMMAND_WIDTH);
	putchar('\n');
}

static int
ps_options(int argc, char **argv, struct ps_options *options)
{
	static const struct option longs[] = {{"quiet", no_argument, NULL, 'q'},
	    {"no-trunc", no_argument, NULL, 'f'}, {"format", required_argument, NULL, 'j'},
	    {"all", no_argument, NULL, 'a'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "qah", longs, NULL)) != -1)
		switch (option) {
		case 'q':
			options->quiet = true;
			break;
		case 'f':
			options->full = true;
			break;
		case 'j':
			options->json = strcmp(optarg, "json") == 0;
			if (!options->json && strcmp(optarg, "table") != 0)
				return running_fail("--format takes table or json");
			break;
		case 'a':
			return running_fail(
			    "nothing is left of a container that has ended: see boxdo log");
		case 'h':
			fputs(ps_usage, stdout);
			exit(0);
		default:
			fputs(ps_usage, stderr);
			return 125;
		}
	if (optind < argc)
		return running_fail("'%s': ps takes options only", argv[optind]);
	return 0;
}

int
main(int argc, char **argv)
{
	struct ps_options options = {false, false, false};
	struct running_list list;
	int error = ps_options(argc, argv, &options);

	if (error != 0)
		return error;
	error = running_read(&list);
	if (error != 0)
		return error;
	if (!options.quiet && !options.json)
		printf("%-12s %-16s %-10s %-19s %-8s %-10s %s\n", "ID", "IMAGE", "USER", "SINCE",
		    "PID", "STATUS", "COMMAND");
	for (size_t i = 0; i < list.count; i++)
		if (options.json)
			ps_json(&list.items[i].entry);
		else
			ps_row(&list.items[i].entry, &options);
	running_free(&list);
	return fflush(stdout) == 0 ? 0 : running_fail("cannot write");
}
