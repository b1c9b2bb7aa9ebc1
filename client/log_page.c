/*
 * boxdo log ID: one launch (or refusal) as a page: who, what, from where, under which rule, what it could
 * see, how it ended. The rule's text is that of the policy as it stood then, out of the `policy` record with
 * the launch's digest.
 */
#include "client/log.h"

#include "audit/reader_files.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PAGE_IDS_MAX 8      /* shown when a beginning fits several */
#define PAGE_RECORDS_MAX 64 /* of one id: launch, auth, end, ...; each may have been sent twice */
#define PAGE_LABEL 10

struct page {
	const struct log_screen *screen;
	struct reader *reader;
	const struct reader_entry *entry; /* the launch; else the refusal; else whatever there is */
};

static void
page_label(const struct page *page, const char *label)
{
	printf("%s%-*s%s ", page->screen->colour ? LOG_BOLD : "", PAGE_LABEL, label,
	    page->screen->colour ? LOG_PLAIN : "");
}

static void
page_text(const struct page *page, const struct reader_field *field)
{
	log_text(page->screen, field->value, field->length, 0);
}

/* "Label     before VALUE", when there is such a field. Returns whether. */
static bool
page_add(const struct page *page, const char *before, const char *name)
{
	const struct reader_field *field = reader_entry_get(page->entry, name);

	if (field == NULL)
		return false;
	fputs(before, stdout);
	page_text(page, field);
	return true;
}

static void
page_line(const struct page *page, const char *label, const char *name)
{
	if (reader_entry_get(page->entry, name) == NULL)
		return;
	page_label(page, label);
	page_add(page, "", name);
	putchar('\n');
}

static void
page_who(const struct page *page)
{
	page_label(page, "User");
	if (!page_add(page, "", "USER"))
		fputs("(no name)", stdout);
	page_add(page, ", uid ", "UID");
	page_add(page, ", gid ", "GID");
	if (strcmp(reader_entry_text(page->entry, "RUNAS"),
	        reader_entry_text(page->entry, "USER")) != 0)
		page_add(page, ", as ", "RUNAS");
	page_add(page, ", logged in as uid ", "LOGINUID");
	page_add(page, " in session ", "SESSION");
	putchar('\n');
	page_label(page, "From");
	page_add(page, "", "HOST");
	page_add(page, ", terminal ", "TTY");
	page_add(page, ", in ", "CWD");
	page_add(page, ", batch job ", "JOB");
	page_add(page, " step ", "STEP");
	putchar('\n');
	page_line(page, "Cgroup", "CGROUP");
}

static void
page_what(const struct page *page)
{
	page_line(page, "Command", "COMMAND");
	if (reader_entry_get(page->entry, "COMMAND_LENGTH") != NULL) {
		page_label(page, "");
		page_add(page, "(cut: the whole has ", "COMMAND_LENGTH");
		page_add(page, " bytes, sha256 ", "COMMAND_SHA256");
		puts(")");
	}
	page_line(page, "Name", "NAME");
	page_line(page, "Joined", "JOINS");
	if (reader_entry_get(page->entry, "IMAGE") == NULL)
		return;
	page_label(page, "Image");
	page_add(page, "", "IMAGE");
	page_add(page, ", ", "IMAGE_PATH");
	page_add(page, ", sha256 ", "IMAGE_SHA256");
	page_add(page, ", fs-verity ", "IMAGE_VERITY");
	putchar('\n');
}

static void
page_rule(const struct page *page)
{
	const struct reader_field *rule = reader_entry_get(page->entry, "RULE");

	if (rule != NULL) {
		page_label(page, "Rule");
		page_text(page, rule);
		puts(", as it stood then:");
		log_rule(page->reader, page->screen, page->entry, rule->value);
	}
	page_line(page, "Policy", "POLICY_SHA256");
}

/* --- what it could see, how it ended ------------------------------------------------------------------------ */

static void
page_list(const struct page *page, const char *label, const char *name)
{
	for (size_t i = 0; i < page->entry->count; i++) {
		if (strcmp(page->entry->fields[i].name, name) != 0)
			continue;
		page_label(page, label);
		page_text(page, &page->entry->fields[i]);
		putchar('\n');
		label = "";
	}
}

static void
page_cost(const struct page *page, const struct reader_entry *end)
{
	static const struct {
		const char *name, *before;
		bool bytes;
	} costs[] = {{"DURATION_USEC", "ran ", false}, {"CPU_USEC", "processor time ", false},
	    {"MAXRSS_KIB", "at most ", true}};
	const char *between = "";
	char text[64];

	page_label(page, "Cost");
	for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
		const char *value = reader_entry_text(end, costs[i].name);
		uint64_t number = strtoull(value, NULL, 10);

		if (*value == '\0')
			continue;
		if (costs[i].bytes)
			log_text_bytes(number * 1024, text, sizeof text);
		else
			log_text_duration(number, text, sizeof text);
		printf(
		    "%s%s%s%s", between, costs[i].before, text, costs[i].bytes ? " of memory" : "");
		between = ", ";
	}
	putchar('\n');
}

/* Fields of this record that no line above names: new ones, and those of other programs of boxdo. */
static void
page_others(const struct page *page, const struct reader_entry *entry)
{
	static const char known[] = " EVENT ID RECORD SEQ TIME USER UID GID LOGINUID SESSION RUNAS "
	                            "HOST TTY CWD JOB STEP CGROUP"
	                            " COMMAND COMMAND_LENGTH COMMAND_SHA256 NAME IMAGE IMAGE_PATH "
	                            "IMAGE_SHA256 IMAGE_VERITY RULE"
	                            " POLICY_SHA256 BINDS DEVICES NETWORK EXIT SIGNAL "
	                            "DURATION_USEC CPU_USEC MAXRSS_KIB REASON"
	                            " MESSAGE RESULT STAGES_USEC POLICY_TEXT ";

	for (size_t i = 0; i < entry->count; i++) {
		const struct reader_field *field = &entry->fields[i];
		char name[80];

		snprintf(name, sizeof name, " %s ", field->name);
		if (*field->name == '_' || strstr(known, name) != NULL)
			continue;
		page_label(page, "");
		for (const char *at = field->name; *at != '\0'; at++)
			putchar(*at == '_' ? ' ' : tolower((unsigned char)*at));
		fputs(": ", stdout);
		page_text(page, field);
		putchar('\n');
	}
}

/* One record of it, in the order they came: when, what, why. */
static void
page_event(const struct page *page, const struct reader_entry *entry)
{
	char time[32], status[64];

	log_text_time(entry->realtime, time, sizeof time);
	if (reader_entry_is(entry, "end"))
		log_status_end(entry, status, sizeof status);
	else
		log_status(page->reader, entry, status, sizeof status);
	page_label(page, time + 11);
	log_text(page->screen, reader_entry_text(entry, "EVENT"),
	    strlen(reader_entry_text(entry, "EVENT")), 0);
	if (!reader_entry_is(entry, "launch"))
		printf(": %s", status);
	if (reader_entry_get(entry, "REASON") != NULL) {
		fputs(", ", stdout);
		page_text(page, reader_entry_get(entry, "REASON"));
	}
	page_add(page, "  (record ", "SEQ");
	puts(")");
	if (reader_entry_is(entry, "end"))
		page_cost(page, entry);
	page_others(page, entry);
}

static void
page_head(const struct page *page)
{
	char time[32], status[64];
	const char *colour;

	log_text_time(page->entry->realtime, time, sizeof time);
	log_status(page->reader, page->entry, status, sizeof status);
	colour = page->screen->colour ? log_status_colour(status) : NULL;
	page_label(page, "Id");
	page_add(page, "", "ID");
	putchar('\n');
	page_label(page, "When");
	puts(time);
	page_label(page, "Status");
	printf("%s%s%s\n", colour ? colour : "", status, colour ? LOG_PLAIN : "");
}

/* The one the page is about. */
static const struct reader_entry *
page_main(const struct reader_entry *entries, size_t count)
{
	static const char *const order[] = {"launch", "refuse"};

	for (size_t wanted = 0; wanted < 2; wanted++)
		for (size_t i = 0; i < count; i++)
			if (reader_entry_is(&entries[i], order[wanted]))
				return &entries[i];
	return entries;
}

static void
page_show(const struct page *page, const struct reader_entry *entries, size_t count)
{
	page_head(page);
	page_who(page);
	page_what(page);
	page_rule(page);
	page_list(page, "Binds", "BINDS");
	page_list(page, "Devices", "DEVICES");
	page_line(page, "Network", "NETWORK");
	for (size_t i = 0; i < count; i++)
		page_event(page, &entries[i]);
}

int
log_page(struct reader *reader, const struct log_screen *screen, const char *id)
{
	struct reader_entry entries[PAGE_RECORDS_MAX];
	struct page page = {.screen = screen, .reader = reader};
	size_t count = 0;
	int result = reader_start(reader, 0, false);

	while (result >= 0 && count < PAGE_RECORDS_MAX &&
	       (result = reader_next(reader, false, &entries[count])) > 0)
		count++;
	if (result >= 0 && count == 0) {
		log_say("there is no record of %s", id);
		result = -ENOENT;
	} else if (result >= 0) {
		page.entry = page_main(entries, count);
		page_show(&page, entries, count);
		result = 0;
	}
	for (size_t i = 0; i < count; i++)
		reader_entry_free(&entries[i]);
	return result;
}

/* In files from elsewhere an id may stand in entries that are not ours: those do not count. */
static int
page_only_ours(const struct reader_where *where, char (*ids)[33], int count)
{
	static const struct reader_filter all = {.until = UINT64_MAX};
	char error[READER_ERROR_MAX], pair[64];
	struct reader *reader = reader_open(where, &all, NULL, error);
	int kept = 0;

	for (int i = 0; reader != NULL && i < count; i++) {
		snprintf(pair, sizeof pair, "BOXDO_ID=%s", ids[i]);
		if (reader_find(reader, pair, NULL, NULL) > 0)
			memcpy(ids[kept++], ids[i], 33);
	}
	reader_close(reader);
	return kept;
}

int
log_page_id(const struct reader_where *where, const char *prefix, char *id)
{
	char error[READER_ERROR_MAX], lower[33];
	struct reader_files files;
	char(*ids)[33] = NULL;
	int count;

	snprintf(lower, sizeof lower, "%s", prefix);
	for (char *at = lower; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	snprintf(id, 33, "%s", lower);
	if (strlen(prefix) == 32)
		return 0;
	if (reader_files_open(&files, where, error) == -1) {
		log_say("%s", error);
		return -1;
	}
	reader_files_sort_out(&files);
	count = strlen(prefix) > 32 ? 0 : reader_files_ids(&files, lower, PAGE_IDS_MAX, &ids);
	reader_files_close(&files);
	if (count > 0)
		count = page_only_ours(where, ids, count);
	if (count == 1)
		memcpy(id, ids[0], 33);
	else if (count <= 0)
		log_say("there is no launch or refusal whose id begins with %s", prefix);
	else
		log_say("%s is the beginning of several ids; type more of it:", prefix);
	for (int i = 0; count > 1 && i < count; i++)
		fprintf(stderr, "  %s\n", ids[i]);
	free(ids);
	return count == 1 ? 0 : -1;
}
