/*
 * How it ended, in a word or two, and the colour of that.
 */
#include "client/log.h"

#include <string.h>

/* A number or a word of the record, for screens and cells: anything else than these may steer both. */
static void
status_put(char *status, size_t size, const char *before, const char *text)
{
	snprintf(status, size, "%s%s", before, text);
	for (char *at = status; *at != '\0'; at++)
		if (*at < ' ' || *at > '~' || *at == '"')
			*at = '?';
}

void
log_status_end(const struct reader_entry *end, char *status, size_t size)
{
	if (reader_entry_get(end, "EXIT") != NULL)
		status_put(status, size, "exit ", reader_entry_text(end, "EXIT"));
	else if (reader_entry_get(end, "SIGNAL") != NULL)
		status_put(status, size, "signal ", reader_entry_text(end, "SIGNAL"));
	else
		snprintf(status, size, "not started");
}

static void
status_launch(struct reader *reader, const struct reader_entry *launch, char *status, size_t size)
{
	struct reader_entry end;

	switch (reader_state(reader, launch, &end)) {
	case READER_ENDED:
		log_status_end(&end, status, size);
		reader_entry_free(&end);
		break;
	case READER_RUNNING:
		snprintf(status, size, "running");
		break;
	case READER_NO_END:
		snprintf(status, size, "no end");
	}
}

void
log_status(struct reader *reader, const struct reader_entry *entry, char *status, size_t size)
{
	const char *event = reader_entry_text(entry, "EVENT");

	if (strcmp(event, "launch") == 0)
		status_launch(reader, entry, status, size);
	else if (strcmp(event, "end") == 0)
		log_status_end(entry, status, size);
	else if (strcmp(event, "refuse") == 0)
		snprintf(status, size, "refused");
	else if (strcmp(event, "auth") == 0)
		status_put(status, size, "", reader_entry_text(entry, "RESULT"));
	else
		snprintf(status, size, "changed");
}

const char *
log_status_colour(const char *status)
{
	if (strcmp(status, "refused") == 0 || strcmp(status, "failure") == 0 ||
	    strcmp(status, "no end") == 0)
		return LOG_RED;
	if (strcmp(status, "running") == 0)
		return LOG_GREEN;
	return strcmp(status, "exit 0") == 0 || strcmp(status, "success") == 0 ? NULL : LOG_YELLOW;
}

void
log_status_rule(const struct reader_entry *entry, char *rule, size_t size)
{
	const char *whole = reader_entry_text(entry, "RULE"), *place = strstr(whole, " (");

	snprintf(
	    rule, size, "%.*s", place == NULL ? (int)strlen(whole) : (int)(place - whole), whole);
}
