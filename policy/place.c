/*
 * Errors with their place.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Distrusts: every text that goes into a message; a file name or a word of a policy may hold escape
 * sequences, and the message ends up on a terminal.
 */
#include "policy/place.h"

#include <stdio.h>
#include <string.h>

void
place_clean(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

int
place_error(const struct place *place, unsigned column, const char *format, ...)
{
	char *text = place->error->text;
	size_t size = sizeof(place->error->text), length;
	va_list list;

	if (place->line == 0)
		snprintf(text, size, "%s: ", place->file);
	else if (column == 0)
		snprintf(text, size, "%s:%u: ", place->file, place->line);
	else
		snprintf(text, size, "%s:%u:%u: ", place->file, place->line, column);
	length = strlen(text);
	va_start(list, format);
	vsnprintf(text + length, size - length, format, list);
	va_end(list);
	place_clean(text);
	return -1;
}
