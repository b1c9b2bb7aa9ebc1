/*
 * Records as CSV (RFC 4180), for spreadsheets: every cell in quotes, one line a record.
 *
 * Distrusts every byte. A spreadsheet takes a cell that begins with = + - @ (or a tab, or their full-width
 * forms) for a formula and runs it; so such a cell, and one that begins with ', gets a ' in front: what
 * begins with ' loses that one to be as it was. Control characters, bytes that are no UTF-8, and # itself
 * stand as # and three octal digits; in lists ; as well, which stands between their values.
 */
#include "client/log.h"

#include "audit/utf8.h"

#include <string.h>

static const char *const csv_usual[] = {"TIME", "EVENT", "ID", "STATUS", "USER", "UID", "RUNAS",
    "HOST", "TTY", "CWD", "JOB", "SESSION", "IMAGE", "IMAGE_PATH", "IMAGE_SHA256", "RULE", "BINDS",
    "DEVICES", "NETWORK", "EXIT", "SIGNAL", "DURATION_USEC", "CPU_USEC", "MAXRSS_KIB", "REASON",
    "COMMAND", NULL};

/* Would a spreadsheet take it for more than text, or for our own mark? */
static bool
csv_is_formula(const char *text, size_t length)
{
	static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "'", "\xef\xbc\x9d",
	    "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (length >= strlen(starts[i]) && memcmp(text, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

static void
csv_text(const char *text, size_t length, bool list)
{
	size_t taken;

	for (size_t at = 0; at < length; at += taken) {
		const unsigned char *byte = (const unsigned char *)text + at;
		uint32_t code = 0;

		taken = utf8_decode(byte, length - at, &code);
		if (taken == 0 || !utf8_printable(code) || code == '#' || (list && code == ';')) {
			taken = taken == 0 ? 1 : taken;
			for (size_t i = 0; i < taken; i++)
				printf("#%03o", byte[i]);
		} else {
			if (code == '"')
				putchar('"');
			fwrite(byte, 1, taken, stdout);
		}
	}
}

/* All values of one field; the mark counts for the cell, so for the first of them. */
static void
csv_cell(const struct reader_entry *entry, const char *name)
{
	bool list = strcmp(name, "BINDS") == 0 || strcmp(name, "DEVICES") == 0, any = false;

	putchar('"');
	for (size_t i = 0; i < entry->count; i++) {
		const struct reader_field *field = &entry->fields[i];

		if (strcmp(field->name, name) != 0)
			continue;
		if (any)
			putchar(';');
		else if (csv_is_formula(field->value, field->length))
			putchar('\'');
		csv_text(field->value, field->length, list);
		any = true;
	}
	putchar('"');
}

static const char *const *
csv_columns(const struct log_options *options)
{
	return options->columns[0] == NULL ? csv_usual : options->columns;
}

void
log_csv_head(const struct log_options *options)
{
	for (const char *const *column = csv_columns(options); *column != NULL; column++)
		printf("\"%s\"%s", *column, column[1] == NULL ? "\r\n" : ",");
}

void
log_csv_row(
    struct reader *reader, const struct log_options *options, const struct reader_entry *entry)
{
	char text[64];

	for (const char *const *column = csv_columns(options); *column != NULL; column++) {
		*text = '\0';
		if (strcmp(*column, "TIME") == 0)
			log_text_time(entry->realtime, text, sizeof text);
		else if (strcmp(*column, "STATUS") == 0)
			log_status(reader, entry, text, sizeof text);
		if (*text == '\0')
			csv_cell(entry, *column);
		else
			printf("\"%s\"", text);
		fputs(column[1] == NULL ? "\r\n" : ",", stdout);
	}
}
