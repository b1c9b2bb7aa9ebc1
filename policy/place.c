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
	struct policy_error *error = place->error;
	char text[POLICY_TEXT_MAX], where[32] = "";
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	place_clean(text);
	if (error->each != NULL)
		error->each(error->context,
		    &(struct policy_mistake){place->file, place->line, column, text});
	if (error->count++ != 0)
		return -1;
	if (place->line != 0)
		snprintf(where, sizeof(where), column != 0 ? ":%u:%u" : ":%u", place->line, column);
	snprintf(error->text, sizeof(error->text), "%s%s: %s", place->file, where, text);
	place_clean(error->text);
	return -1;
}
