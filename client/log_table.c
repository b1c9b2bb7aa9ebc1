/*
 * Records as a table: one line a record, no control byte, cut to the screen.
 */
#include "client/log.h"

#include <string.h>
#include <strings.h>

static const struct table_column {
	const char *name; /* as --fields names it; its title in capitals */
	size_t width;
} table_columns[] = {
    {"TIME", 19},
    {"EVENT", 6},
    {"USER", 10},
    {"HOST", 10},
    {"IMAGE", 16},
    {"RULE", 14},
    {"STATUS", 11},
    {"ID", 8},
    {"COMMAND", 0},
};

#define TABLE_COLUMNS (sizeof table_columns / sizeof *table_columns)
#define TABLE_OTHER 16  /* columns of a field without a width of its own */
#define TABLE_COMMAND 8 /* columns of the command at least */

/* What a row and its status are made of; and what tells whether a process of ours is still there. */
#define TABLE_BASIS                                                                                \
	"EVENT", "ID", "RECORD", "EXIT", "SIGNAL", "RESULT", "_PID", "_BOOT_ID", "_MACHINE_ID"

const char *const *
log_table_names(const struct log_options *options)
{
	static const char *const usual[] = {
	    TABLE_BASIS, "USER", "HOST", "IMAGE", "RULE", "COMMAND", "REASON", NULL};
	static const char *const basis[] = {TABLE_BASIS, NULL};
	static const char *names[LOG_COLUMNS_MAX + 16];
	size_t count = 0;

	if (options->columns[0] == NULL)
		return options->form == LOG_TABLE ? usual : NULL;
	for (const char *const *name = basis; *name != NULL; name++)
		names[count++] = *name;
	for (const char *const *column = options->columns; *column != NULL; column++)
		names[count++] = *column;
	return names;
}

static const char *
table_event_colour(const char *event)
{
	return strcmp(event, "refuse") == 0 ? LOG_RED : NULL;
}

/* The command, which a shell would take as it stands; the reason behind it as a comment of that shell. */
static void
table_command(const struct log_screen *screen, const struct reader_entry *entry, size_t before)
{
	const struct reader_field *command = reader_entry_get(entry, "COMMAND"),
	                          *reason = reader_entry_get(entry, "REASON");
	size_t left = screen->width > before + TABLE_COMMAND ? screen->width - before
	              : screen->width > 0                    ? TABLE_COMMAND
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

/* Columns that are made, not only copied. false: no such. */
static bool
table_made(struct reader *reader, const struct log_screen *screen, const struct reader_entry *entry,
    const char *name, size_t width)
{
	char text[512];
	const char *colour = NULL;

	if (strcmp(name, "TIME") == 0) {
		log_text_time(entry->realtime, text, sizeof text);
	} else if (strcmp(name, "STATUS") == 0) {
		log_status(reader, entry, text, sizeof text);
		colour = log_status_colour(text);
	} else if (strcmp(name, "RULE") == 0) {
		log_status_rule(entry, text, sizeof text);
	} else if (strcmp(name, "ID") == 0) {
		snprintf(text, sizeof text, "%.8s", reader_entry_text(entry, "ID"));
	} else {
		return false;
	}
	log_text_cell(screen, text, width, colour);
	return true;
}

static size_t
table_width(const char *name)
{
	for (size_t i = 0; i < TABLE_COLUMNS; i++)
		if (strcmp(table_columns[i].name, name) == 0)
			return table_columns[i].width;
	return TABLE_OTHER;
}

/* One field, all its values. */
static void
table_field(const struct log_screen *screen, const struct reader_entry *entry, const char *name,
    size_t width, bool last)
{
	size_t printed = 0;

	for (size_t i = 0; i < entry->count; i++) {
		const struct reader_field *field = &entry->fields[i];

		if (strcmp(field->name, name) != 0)
			continue;
		if (printed > 0)
			printed += log_text(screen, " ", 1, 0);
		printed += log_text(
		    screen, field->value, field->length, screen->width == 0 || last ? 0 : width);
	}
	if (printed == 0)
		printed += log_text(screen, "-", 1, 0);
	while (!last && printed++ <= width)
		putchar(' ');
}

/* --fields: what was named, in that order. */
static void
table_named_row(struct reader *reader, const struct log_screen *screen,
    const struct log_options *options, const struct reader_entry *entry)
{
	for (const char *const *column = options->columns; *column != NULL; column++) {
		bool last = column[1] == NULL;
		size_t width = last ? 0 : table_width(*column);

		if (strcmp(*column, "COMMAND") == 0 && last)
			table_field(screen, entry, *column, 0, true);
		else if (!table_made(reader, screen, entry, *column, width))
			table_field(screen, entry, *column, width, last);
	}
	putchar('\n');
}

void
log_table_row(struct reader *reader, const struct log_screen *screen,
    const struct log_options *options, const struct reader_entry *entry)
{
	size_t before = 0;

	if (options->columns[0] != NULL) {
		table_named_row(reader, screen, options, entry);
		return;
	}
	for (size_t i = 0; i + 1 < TABLE_COLUMNS; i++) {
		const char *name = table_columns[i].name, *text = reader_entry_text(entry, name);
		size_t width = table_columns[i].width;

		before += width + 1;
		if (!table_made(reader, screen, entry, name, width))
			log_text_cell(screen, text, width,
			    strcmp(name, "EVENT") == 0 ? table_event_colour(text) : NULL);
	}
	table_command(screen, entry, before);
	putchar('\n');
}

void
log_table_head(const struct log_screen *screen, const struct log_options *options)
{
	const char *const *column = options->columns;

	if (*column == NULL) {
		for (size_t i = 0; i + 1 < TABLE_COLUMNS; i++)
			log_text_cell(screen, table_columns[i].name, table_columns[i].width, NULL);
		puts("COMMAND");
		return;
	}
	for (; column[1] != NULL; column++)
		log_text_cell(screen, *column, table_width(*column), NULL);
	puts(*column);
}
