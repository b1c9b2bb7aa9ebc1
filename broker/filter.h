/* Stage 11: the system call filters, made at build time from broker/filter/ *.list. Each returns 0 or -1. */
#ifndef BOXDO_FILTER_H
#define BOXDO_FILTER_H

/* For INIT and everything it starts; needs no_new_privs. */
int
filter_payload_load(void);
/* For SUPERVISOR once the command runs: about a dozen calls; anything else kills it. */
int
filter_supervisor_load(void);

#endif
