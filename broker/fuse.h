/*
 * An image of the caller's own: a FUSE file system in the container, served by squashfuse as the caller. The kernel's
 * own parser never sees the image, and root never reads it.
 */
#ifndef BOXDO_FUSE_H
#define BOXDO_FUSE_H

#include <stddef.h>

#include "broker/origin.h"

/*
 * SUPERVISOR: a detached mount (read-only, nosuid, nodev), the device its server will answer on, and a descriptor
 * that ends the connection when "1" is written to it, whoever holds the device. Asks the server nothing: there is none
 * yet. Returns the mount, or -1 with one line in error.
 */
int
fuse_mount(const struct origin *origin, int *device, int *abort, char *error, size_t size);
/* INIT, before it looks into the image: starts the server of file on device, and closes both here. 0 or -1. */
int
fuse_serve(const struct origin *origin, int device, int file);
/* Whoever waits for the server waits no longer. abort -1: nothing. */
void
fuse_abort(int abort);

#endif
