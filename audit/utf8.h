/*
 * One UTF-8 character out of untrusted bytes; shared by what writes records and what shows them.
 */
#ifndef BOXDO_UTF8_H
#define BOXDO_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length of the valid character at text (1 to 4), its code in *code; 0 when the bytes are no UTF-8:
 * stray or missing continuation, overlong form, surrogate, above U+10FFFF. length must not be 0.
 */
static inline size_t
utf8_decode(const unsigned char *text, size_t length, uint32_t *code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *text < 0x80       ? 1
	           : *text >> 5 == 6  ? 2
	           : *text >> 4 == 14 ? 3
	           : *text >> 3 == 30 ? 4
	                              : 0;

	if (n == 0 || n > length)
		return 0;
	*code = n == 1 ? *text : *text & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (*code < smallest[n] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

/*
 * May this character be shown on a terminal as it is? No control characters (C0, DEL, C1), no line
 * and paragraph separators, and none of the marks that reorder the text around them.
 */
static inline bool
utf8_printable(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	if (code == 0x200e || code == 0x200f || code == 0x061c || code == 0xfeff)
		return false;
	return !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

#endif
