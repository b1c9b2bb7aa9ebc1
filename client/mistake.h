/* What is wrong with a policy, shown to the one who is to put it right. */
#ifndef BOXDO_CLIENT_MISTAKE_H
#define BOXDO_CLIENT_MISTAKE_H

#include "policy/policy.h"

#include <stdio.h>

/*
 * FILE:LINE:COLUMN: TEXT, then the line with the word it is about underlined:
 *
 *	/etc/boxdo/policy.conf:12:1: unknown key 'user'
 *	   12 | user = bob
 *	      | ^~~~
 *
 * The line is read from the file again; where that cannot be, the first line is all there is. Only
 * plain ASCII is written, whatever the file holds.
 */
void
mistake_show(FILE *out, const struct policy_mistake *mistake);
/* The same, with the line as it stands in data: a draft that is nowhere yet. */
void
mistake_show_in(FILE *out, const struct policy_mistake *mistake, const char *data, size_t size);

#endif
