/* boxdo log --mine: the caller's own records, where the policy says so. */
#ifndef BOXDO_MINE_H
#define BOXDO_MINE_H

#include "broker/launch.h"

#define MINE_PROGRAM "/usr/libexec/boxdo/boxdo-log"
#define MINE_GROUP                                                                                 \
	"boxdo-audit" /* may read the audit journal, and nothing else (etc/boxdo.tmpfiles) */
#define MINE_SECONDS                                                                               \
	60 /* for all of it; whoever does not read what they asked for is left alone then */
#define MINE_WORDS_MAX 16

/* The request's command is boxdo-log's options, of which those that only choose among one's own are taken. */
void
mine_run(struct launch *launch) __attribute__((noreturn));

#endif
