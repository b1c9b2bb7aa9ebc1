/*
 * Other people's text on a line of ours: a file's name, a record's words, what an image says of itself. No terminal obeys
 * what is left of it, and it stays one line.
 */
#ifndef BOXDO_PLAIN_H
#define BOXDO_PLAIN_H

#include <stdarg.h>
#include <stdio.h>

static inline char
plain_char(char c)
{
	return c < ' ' || c > '~' ? '?' : c;
}

static inline void
plain_line(char *text)
{
	for (; *text != '\0'; text++)
		*text = plain_char(*text);
}

/* "boxdo: ..." on stderr; line (of size bytes) is left as it was said. */
static inline void
plain_say(char *line, size_t size, const char *format, va_list list)
{
	vsnprintf(line, size, format, list);
	plain_line(line);
	fprintf(stderr, "boxdo: %s\n", line);
}

#endif
