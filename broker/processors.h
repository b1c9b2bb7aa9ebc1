/*
 * Machines with two processors, where who waits for whom decides more than how much there is to do. The kernel puts a
 * new process where there is less to do, and moves nothing that is young: so the one all wait for may stand behind one
 * that nobody waits for, beside an idle processor. Hints: a failure changes nothing but the time. Whoever was moved may
 * go anywhere again, as if nothing had been said; so only where both are the caller's, or that would not be so.
 */
#ifndef BOXDO_PROCESSORS_H
#define BOXDO_PROCESSORS_H

#include <stdbool.h>
#include <sys/types.h>

/* Has this machine two, and may this process use both? */
bool
processors_two(void);
/* Until processors_any this process, and who is forked by it, runs where it runs now. */
void
processors_here(void);
/* To the other one, where others may be waiting; at once. */
void
processors_other(void);
/* who: a child, or 0 */
void
processors_any(pid_t who);
/* A child that has hardly run goes on on the other one, until processors_any of it. */
void
processors_away(pid_t child);

#endif
