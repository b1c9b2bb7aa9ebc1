/* Devices by CDI names: what the host's specifications say they bring along. */
#ifndef BOXDO_CDI_H
#define BOXDO_CDI_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

#define CDI_PROGRAM "/usr/libexec/boxdo/boxdo-cdi"
#define CDI_DEADLINE_MS 5000
#define CDI_TEXT_MAX (1 << 20) /* bytes of an answer */
#define CDI_NODES_MAX 128
#define CDI_MOUNTS_MAX 128
#define CDI_LINKS_MAX 512
#define CDI_ENVS_MAX 64
#define CDI_NAMES_MAX 4096

struct cdi {
	struct {
		const char *path, *source;
	} nodes[CDI_NODES_MAX]; /* path: inside, below /dev */
	size_t node_count;
	struct {
		const char *source, *destination;
		bool writable;
	} mounts[CDI_MOUNTS_MAX];
	size_t mount_count;
	struct {
		const char *path, *target;
	} links[CDI_LINKS_MAX]; /* symbolic links, to be made where the image has none */
	size_t link_count;
	const char *envs[CDI_ENVS_MAX + 1]; /* NAME=VALUE, NULL-terminated */
	size_t env_count;
	const char *libraries;                  /* directory for LD_LIBRARY_PATH; NULL: none */
	struct policy_cdi names[CDI_NAMES_MAX]; /* every device of every specification, by node */
	size_t name_count;
};

/*
 * Asks boxdo-cdi, run as an account that owns nothing, about the devices named (count may be 0: then only
 * names is filled). Returns the answer, checked, to live as long as the launch; NULL with one line in error.
 */
struct cdi *
cdi_ask(const char *const *devices, size_t count, char *error, size_t size);

#endif
