/* Names of images as registries have them: docker.io/pytorch/pytorch:2.4. */
#ifndef BOXDO_POLICY_REFERENCE_H
#define BOXDO_POLICY_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#define REFERENCE_MAX 512 /* bytes of a reference written out, with NUL */

/*
 * Writes the reference out as docker does: host, path and tag that were left away are docker.io,
 * library/ and latest. typed may be a pattern. False: it is no reference, or too long.
 */
bool
reference_write_out(const char *typed, char reference[REFERENCE_MAX]);

#endif
