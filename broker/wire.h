/*
 * Messages between the processes of one launch, over SOCK_SEQPACKET pairs made before the forks.
 * A message counts only if the kernel says that the expected process sent it: a descriptor stolen
 * from a dying process (CVE-2026-46333) says nothing.
 */
#ifndef BOXDO_WIRE_H
#define BOXDO_WIRE_H

#include <stdint.h>
#include <sys/types.h>

#define WIRE_TEXT_MAX 4096 /* bytes, with NUL */

struct wire_message {
	uint32_t kind; /* the receiver's header says which there are */
	int32_t value;
	char text[WIRE_TEXT_MAX]; /* NUL-terminated after wire_receive */
	int fd;                   /* received descriptor, owned by the receiver; -1 */
};

/* CLOCK_BOOTTIME in nanoseconds: the only clock the helper's deadlines use. */
uint64_t
wire_now(void);
#define WIRE_MS 1000000ULL

/* A pair whose both ends are close-on-exec and show the sender. Returns 0 or -1. */
int
wire_pair(int ends[2]);
/* Sends without blocking; text may be NULL, fd -1. Returns 0 or -1 (errno). */
int
wire_send(int socket, uint32_t kind, int32_t value, const char *text, int fd);
/*
 * Waits until deadline (wire_now scale) for a message from process sender (0: any).
 * Returns 1; 0 at end of file; -1 with errno (ETIMEDOUT; EPERM: somebody else sent it).
 */
int
wire_receive(int socket, pid_t sender, struct wire_message *message, uint64_t deadline);

#endif
