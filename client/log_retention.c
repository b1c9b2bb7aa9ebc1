/*
 * boxdo log --retention: how many days of records are kept at the present rate, and how few the worst user could
 * make it. Reads the headers of the journal's files, the settings of boxdo-retention.service and of journald, and
 * the policy.
 */
#include "client/log.h"
#include "client/nobody.h"

#include "audit/reader_files.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#define RETENTION_DAY 86400000000ULL /* us */
#define RETENTION_RECENT (7 * RETENTION_DAY)
#define RETENTION_RATE (16 * 1024) /* the policy's defaults, where it cannot be read */
#define RETENTION_BURST (64 * 1024 * 1024)
#define RETENTION_FILE_MAX (128ULL << 20) /* whole files are removed, of at most this size */
#define RETENTION_UNIT "boxdo-retention.service"

struct retention {
	uint64_t entries, used, tables, on_disk, oldest, newest;
	double recent_bytes, recent_usec; /* of the last days */
	uint64_t keep, max_use, max_usec; /* what is kept: by our unit, by journald; 0: no limit */
	uint64_t rate, burst;             /* bytes a user may cause, a second and saved up */
	bool policy;                      /* rate and burst are the policy's */
};

/* --- what is there ------------------------------------------------------------------------------------------- */

static void
retention_file(struct retention *all, const struct reader_file *file, uint64_t now)
{
	struct reader_header header;
	uint64_t from = now > RETENTION_RECENT ? now - RETENTION_RECENT : 0;

	all->on_disk += (uint64_t)file->stat.st_blocks * 512;
	if (reader_files_header(file, &header) == -1 || header.entries == 0)
		return;
	all->entries += header.entries;
	all->used += header.used;
	all->tables += header.table;
	if (all->oldest == 0 || header.oldest < all->oldest)
		all->oldest = header.oldest;
	if (header.newest > all->newest)
		all->newest = header.newest;
	if (header.newest > from) {
		double span = (double)(header.newest - header.oldest) + 1,
		       part =
		           (double)(header.newest - (header.oldest > from ? header.oldest : from)) +
		           1;

		all->recent_bytes += (double)header.used * part / span;
	}
}

static void
retention_files(struct retention *all, const struct reader_files *files)
{
	uint64_t now = (uint64_t)time(NULL) * 1000000;

	for (size_t i = 0; i < files->count; i++)
		retention_file(all, &files->files[i], now);
	all->recent_usec = (double)now - (double)all->oldest;
	if (all->recent_usec > (double)RETENTION_RECENT)
		all->recent_usec = (double)RETENTION_RECENT;
	/* Less than a day says nothing of a day yet; as if that were all of it. */
	if (all->recent_usec < (double)RETENTION_DAY)
		all->recent_usec = (double)RETENTION_DAY;
}

/* --- what is kept ---------------------------------------------------------------------------------------------- */

static uint64_t
retention_size(const char *text)
{
	static const char units[] = "KMGTPE";
	char *end;
	double value = strtod(text, &end);
	const char *unit = *end == '\0' ? NULL : strchr(units, *end);

	for (const char *at = units; unit != NULL && at <= unit; at++)
		value *= 1024;
	return value > 0 ? (uint64_t)value : 0;
}

static void
retention_settings_line(struct retention *all, char *line)
{
	char span[256], *value = strchr(line, '=');

	if (value == NULL || *line == '#' || *line == ';')
		return;
	*value++ = '\0';
	value[strcspn(value, "\r\n")] = '\0';
	line[strcspn(line, " \t")] = '\0';
	value += strspn(value, " \t");
	if (strcmp(line, "SystemMaxUse") == 0)
		all->max_use = retention_size(value);
	if (strcmp(line, "Environment") == 0 && (value = strstr(value, "KEEP=")) != NULL) {
		value += strlen("KEEP=");
		value[strcspn(value, " \t\"'")] = '\0';
		all->keep = retention_size(value);
		return;
	}
	if (strcmp(line, "MaxRetentionSec") == 0) {
		snprintf(span, sizeof span, "+%s", value);
		if (reader_time(span, 0, &all->max_usec) == -1)
			all->max_usec = 0;
	}
}

/* As systemd reads them: the file, then drop-ins; the last word counts. */
static void
retention_settings(struct retention *all)
{
	static const char *const patterns[] = {"/etc/systemd/journald@boxdo.conf",
	    "/usr/lib/systemd/journald@boxdo.conf.d/*.conf",
	    "/run/systemd/journald@boxdo.conf.d/*.conf",
	    "/etc/systemd/journald@boxdo.conf.d/*.conf", "/usr/lib/systemd/system/" RETENTION_UNIT,
	    "/etc/systemd/system/" RETENTION_UNIT,
	    "/usr/lib/systemd/system/" RETENTION_UNIT ".d/*.conf",
	    "/run/systemd/system/" RETENTION_UNIT ".d/*.conf",
	    "/etc/systemd/system/" RETENTION_UNIT ".d/*.conf"};
	struct statvfs disk;

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t file = 0; file < found.gl_pathc; file++) {
			FILE *settings = fopen(found.gl_pathv[file], "re");
			char line[1024];

			while (settings != NULL && fgets(line, sizeof line, settings) != NULL)
				retention_settings_line(all, line);
			if (settings != NULL)
				fclose(settings);
		}
		globfree(&found);
	}
	/* As client/retention.sh has it. */
	if (statvfs("/var/log/journal", &disk) == 0 &&
	    (all->keep == 0 || all->keep > disk.f_blocks / 10 * 9 * disk.f_frsize))
		all->keep = disk.f_blocks / 10 * 9 * disk.f_frsize;
}

static void
retention_policy(struct retention *all)
{
	static struct policy_error error;
	struct policy *policy = nobody_policy(&error);

	all->rate = RETENTION_RATE;
	all->burst = RETENTION_BURST;
	all->policy = policy != NULL;
	if (policy == NULL)
		return;
	all->rate = policy_settings(policy)->record_rate;
	all->burst = policy_settings(policy)->record_burst;
	policy_free(policy);
}

/* --- what that means ----------------------------------------------------------------------------------------- */

static void
retention_days(double days, const char *why, const struct retention *all)
{
	double most = all->max_usec == 0 ? 1e9 : (double)all->max_usec / (double)RETENTION_DAY;
	char text[64];

	log_text_duration(
	    (uint64_t)((days < most ? days : most) * (double)RETENTION_DAY), text, sizeof text);
	printf("%s%s%s\n", why, text, days < most ? "" : " (MaxRetentionSec)");
}

static void
retention_show_kept(const struct retention *all)
{
	char used[64], disk[64], each[64], oldest[32], newest[32];

	log_text_bytes(all->used, used, sizeof used);
	log_text_bytes(all->on_disk, disk, sizeof disk);
	printf("%" PRIu64 " records, %s (%s on disk)", all->entries, used, disk);
	if (all->entries > 0) {
		log_text_time(all->oldest, oldest, sizeof oldest);
		log_text_time(all->newest, newest, sizeof newest);
		log_text_bytes((all->used - all->tables) / all->entries, each, sizeof each);
		printf(", from %s to %s; %s a record", oldest, newest, each);
	}
	putchar('\n');
}

static void
retention_show(const struct retention *all)
{
	char text[64], burst[64];
	bool journald = all->max_use != 0 && all->max_use < all->keep;
	uint64_t most = journald ? all->max_use : all->keep,
	         spare = most / 8 < RETENTION_FILE_MAX ? most / 8 : RETENTION_FILE_MAX;
	double room = (double)(most - spare), day = 86400;
	double left = room - (double)all->burst;

	log_text_bytes(most, text, sizeof text);
	printf("kept: the newest %s (%s)\n", text, journald ? "SystemMaxUse" : RETENTION_UNIT);
	if (all->recent_bytes > 0 && all->recent_usec > 0) {
		double a_day = all->recent_bytes / all->recent_usec * (double)RETENTION_DAY;

		log_text_bytes((uint64_t)a_day, text, sizeof text);
		printf("at the present rate, %s a day: ", text);
		retention_days(room / a_day, "", all);
	}
	log_text_bytes(all->rate, text, sizeof text);
	log_text_bytes(all->burst, burst, sizeof burst);
	printf("the worst one user can do, %s a second and %s saved up (record_rate, "
	       "record_burst%s): ",
	    text, burst, all->policy ? "" : ": the defaults; the policy cannot be read");
	retention_days(left > 0 && all->rate > 0 ? left / (double)all->rate / day : 0, "", all);
}

int
log_retention(const struct log_options *options)
{
	char error[READER_ERROR_MAX];
	struct retention all = {0};
	struct reader_files files;
	bool here = options->where.directories[0] == NULL && !options->where.merge;

	if (reader_files_open(&files, &options->where, error) == -1) {
		log_say("%s", error);
		return LOG_FAILED;
	}
	retention_files(&all, &files);
	reader_files_close(&files);
	retention_show_kept(&all);
	if (here) {
		retention_settings(&all);
		retention_policy(&all);
		retention_show(&all);
	}
	return 0;
}
