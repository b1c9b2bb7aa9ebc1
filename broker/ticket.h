/* Tickets: a password that was typed is good for the same user, terminal, session, target and boot, for a while. */
#ifndef BOXDO_TICKET_H
#define BOXDO_TICKET_H

#include <stdbool.h>

#include "broker/launch.h"

/* Is there a ticket for this launch, not older than seconds? Whatever is in doubt: false. */
bool
ticket_valid(const struct launch *launch, unsigned seconds);
/* After PAM said yes to a password, and only then. Where none can be written there is none. */
void
ticket_write(const struct launch *launch);
/* All of uid's are gone. Returns 0 or -1 (errno). */
int
ticket_forget(uid_t uid);

#endif
