/*
 * One record: its fields, and whether boxdo wrote it.
 *
 * Stage:     none; part of `boxdo log`. Privilege: the auditor's.
 * Trusts:    fields journald sets itself (their names begin with _; no sender can).
 * Distrusts: everything else. MUST hold, of what counts as ours:
 *              - root's process sent it (_UID=0) by the native protocol (_TRANSPORT=journal): a syslog line, or
 *                the output of a service, can hold any text, but not these;
 *              - its MESSAGE_ID is one of ours, and BOXDO_EVENT the one that belongs to it;
 *              - in files from elsewhere, which may be of a main journal: journald took it for the namespace
 *                (_NAMESPACE), or the helper sent it (_EXE). Daemons of root send fields to the main journal
 *                that their users name; a container's label can be a BOXDO_EVENT there.
 * On error:  negative errno.
 */
#include "audit/events.h"
#include "audit/reader_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READER_HELPER "/usr/libexec/boxdo/boxdo-launch"

enum { OURS_UID = 1, OURS_TRANSPORT = 2, OURS_PLACE = 4, OURS_ALL = 7 };

static const struct {
	const char *name, *message_id;
} entry_events[AUDIT_EVENT_COUNT] = {
#define X(id, event, message_id, priority) {event, message_id},
    AUDIT_EVENTS(X)
#undef X
};

void
reader_entry_free(struct reader_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++)
		free(entry->fields[i].name);
	free(entry->fields);
	*entry = (struct reader_entry){0};
}

const struct reader_field *
reader_entry_get(const struct reader_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->count; i++)
		if (strcmp(entry->fields[i].name, name) == 0)
			return &entry->fields[i];
	return NULL;
}

const char *
reader_entry_text(const struct reader_entry *entry, const char *name)
{
	const struct reader_field *field = reader_entry_get(entry, name);

	return field == NULL ? "" : field->value;
}

bool
reader_entry_is(const struct reader_entry *entry, const char *event)
{
	return strcmp(reader_entry_text(entry, "EVENT"), event) == 0;
}

/* Copies NAME=VALUE as two strings, name and value, in one block that the name owns. */
static int
entry_add(struct reader_entry *entry, const char *data, size_t length)
{
	const char *equals = memchr(data, '=', length);
	struct reader_field *field;

	/* journald takes no other names: one that steers a terminal or ends a string is not from there. */
	if (equals == NULL ||
	    strspn(data, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != (size_t)(equals - data))
		return 0;
	if (entry->count % 16 == 0) {
		struct reader_field *more =
		    reallocarray(entry->fields, entry->count + 16, sizeof *more);

		if (more == NULL)
			return -ENOMEM;
		entry->fields = more;
	}
	if (READER_BEGINS(data, length, "BOXDO_")) {
		data += 6;
		length -= 6;
	}
	field = &entry->fields[entry->count];
	field->name = malloc(length + 1);
	if (field->name == NULL)
		return -ENOMEM;
	entry->count++;
	memcpy(field->name, data, length);
	field->name[length] = '\0';
	field->name[equals - data] = '\0';
	field->value = field->name + (equals - data) + 1;
	field->length = length - (size_t)(equals - data) - 1;
	return 0;
}

/* Is data the field NAME (ours without BOXDO_)? */
static bool
entry_named(const char *data, size_t length, const char *name)
{
	size_t name_length = strlen(name);

	if (*name != '_' && READER_BEGINS(data, length, "BOXDO_")) {
		data += 6;
		length -= 6;
	}
	return length > name_length && data[name_length] == '=' &&
	       memcmp(data, name, name_length) == 0;
}

/* What is shown when nothing else is said: our own fields, and of journald's those that say who and where. */
static bool
entry_wanted(const char *const *names, const char *data, size_t length)
{
	static const char *const usual[] = {
	    "MESSAGE", "_PID", "_BOOT_ID", "_MACHINE_ID", "_UID", NULL};

	if (names == NULL && READER_BEGINS(data, length, "BOXDO_"))
		return true;
	for (names = names == NULL ? usual : names; *names != NULL; names++)
		if (entry_named(data, length, *names))
			return true;
	return false;
}

static int
entry_event(const char *value, size_t length, bool message_id)
{
	for (int i = 0; i < AUDIT_EVENT_COUNT; i++) {
		const char *text = message_id ? entry_events[i].message_id : entry_events[i].name;

		if (strlen(text) == length && memcmp(text, value, length) == 0)
			return i + 1;
	}
	return 0;
}

#define ENTRY_IS(text) (length == sizeof(text) - 1 && memcmp(data, text, length) == 0)
void
reader_entry_origin_see(struct reader_entry_origin *origin, const char *data, size_t length)
{
	if (ENTRY_IS("_UID=0"))
		origin->seen |= OURS_UID;
	else if (ENTRY_IS("_TRANSPORT=journal"))
		origin->seen |= OURS_TRANSPORT;
	else if (ENTRY_IS("_NAMESPACE=boxdo") || ENTRY_IS("_EXE=" READER_HELPER))
		origin->seen |= OURS_PLACE;
	else if (READER_BEGINS(data, length, "BOXDO_EVENT="))
		origin->event = entry_event(data + 12, length - 12, false);
	else if (READER_BEGINS(data, length, "MESSAGE_ID="))
		origin->message_id = entry_event(data + 11, length - 11, true);
}

bool
reader_entry_origin_ours(const struct reader_entry_origin *origin, bool foreign)
{
	return (origin->seen | (foreign ? 0 : OURS_PLACE)) == OURS_ALL && origin->event != 0 &&
	       origin->event == origin->message_id;
}

int
reader_entry_fill(const struct reader *reader, sd_journal *journal, const char *const *names,
    struct reader_entry *entry)
{
	struct reader_entry_origin origin = {0};
	const void *data;
	size_t length;
	int result = sd_journal_get_realtime_usec(journal, &entry->realtime);

	sd_journal_restart_data(journal);
	while (result >= 0 &&
	       (result = sd_journal_enumerate_available_data(journal, &data, &length)) > 0) {
		reader_entry_origin_see(&origin, data, length);
		if (entry_wanted(names, data, length) || reader_match_needs(reader, data, length))
			result = entry_add(entry, data, length);
	}
	if (result < 0)
		return result;
	return reader_entry_origin_ours(&origin, reader->foreign);
}
