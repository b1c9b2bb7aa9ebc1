/*
 * Text of records on a screen. Distrusts every byte of it: control characters, what is no UTF-8 and what
 * reorders text stand as #ooo, so that nothing moves the cursor and none fakes a line.
 */
#include "client/log.h"
#include "client/plain.h"

#include "audit/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

void
log_say(const char *format, ...)
{
	char line[8192];
	va_list arguments;

	va_start(arguments, format);
	/* A file's name in it may be anybody's. */
	plain_say(line, sizeof line, format, arguments);
	va_end(arguments);
}

size_t
log_text(const struct log_screen *screen, const char *text, size_t length, size_t columns)
{
	size_t printed = 0;

	for (size_t at = 0; at < length;) {
		uint32_t code = 0;
		const unsigned char *byte = (const unsigned char *)text + at;
		size_t taken = utf8_decode(byte, length - at, &code);
		bool good = taken > 0 && utf8_printable(code) && (code < 0x80 || screen->utf8);
		int width = !good ? 4 : code < 0x80 ? 1 : wcwidth((wchar_t)code);

		/* Unknown to this locale's tables: two columns are the most a character takes. */
		if (width < 0)
			width = 2;
		/* The last column is kept for the ellipsis, unless this is the end. */
		if (columns > 0 &&
		    printed + (size_t)width + (at + (good ? taken : 1) < length) > columns) {
			fputs(screen->utf8 ? "\xe2\x80\xa6" : "~", stdout);
			return printed + 1;
		}
		if (good)
			fwrite(byte, 1, taken, stdout);
		else
			printf("#%03o", *byte);
		at += good ? taken : 1;
		printed += (size_t)width;
	}
	return printed;
}

void
log_text_cell(const struct log_screen *screen, const char *text, size_t width, const char *colour)
{
	size_t printed;

	if (*text == '\0')
		text = "-";
	if (screen->colour && colour != NULL)
		fputs(colour, stdout);
	printed = log_text(screen, text, strlen(text), screen->width == 0 ? 0 : width);
	if (screen->colour && colour != NULL)
		fputs("\x1b[0m", stdout);
	do
		putchar(' ');
	while (++printed <= width);
}

void
log_text_time(uint64_t realtime, char *text, size_t size)
{
	time_t seconds = (time_t)(realtime / 1000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm);
}

void
log_text_duration(uint64_t usec, char *text, size_t size)
{
	uint64_t seconds = usec / 1000000, minutes = seconds / 60, hours = minutes / 60;

	if (usec < 1000000)
		snprintf(text, size, "%.1f ms", (double)usec / 1e3);
	else if (seconds < 60)
		snprintf(text, size, "%.1f s", (double)usec / 1e6);
	else if (minutes < 60)
		snprintf(text, size, "%" PRIu64 " min %" PRIu64 " s", minutes, seconds % 60);
	else if (hours < 48)
		snprintf(text, size, "%" PRIu64 " h %" PRIu64 " min", hours, minutes % 60);
	else
		snprintf(text, size, "%" PRIu64 " days %" PRIu64 " h", hours / 24, hours % 24);
}

void
log_text_bytes(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit < 4; unit++)
		value /= 1024;
	snprintf(text, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}
