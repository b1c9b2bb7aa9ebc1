/*
 * The plan: everything INIT will do, complete, checked and constant before INIT is cloned. Nobody ever
 * tells the set-up code what to do (the lesson of CVE-2026-41163).
 */
#ifndef BOXDO_PLAN_H
#define BOXDO_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/origin.h"
#include "broker/request.h"
#include "policy/policy.h"

enum plan_kind {
	PLAN_TREE,  /* tree: a detached clone of something of the host */
	PLAN_TMPFS, /* a tmpfs of its own */
	PLAN_FILE   /* a small file made from text */
};

struct plan_mount {
	enum plan_kind kind;
	const char *destination; /* absolute, inside, as typed; normalised */
	int tree;                /* PLAN_TREE: detached mount, owned by the plan */
	bool directory;          /* what the destination must be */
	bool users;    /* its contents are a user's: nothing in it is looked at but as the user */
	bool nofollow; /* a symbolic link in the image at this place is replaced, not followed */
	uint64_t size; /* PLAN_TMPFS: bytes; 0: the kernel's default */
	const char *text; /* PLAN_FILE */
};

#define PLAN_MOUNTS_MAX (POLICY_BINDS_MAX + REQUEST_TMPFS_MAX + 16)

struct plan {
	const struct origin *origin;
	const struct request *request;
	bool strict; /* nothing the caller chose may cover what the image has */
	int image;   /* detached mount */
	struct plan_mount mounts[PLAN_MOUNTS_MAX];
	size_t mount_count;
	struct {
		int tree;         /* detached clone of the device node */
		const char *path; /* /dev/... */
	} devices[REQUEST_DEVICES_MAX];
	size_t device_count;
	int shm;               /* detached clone of the host's /dev/shm (ipc=host); -1: private */
	int cgroup;            /* detached read-only clone of the cgroup v2 mount; -1 */
	uint64_t scratch_size; /* bytes: of the tmpfs behind /tmp, /dev/shm and all that is made */
	uint64_t shm_size;     /* bytes of a /dev/shm of its own; 0: not asked for */
	bool network_none;
	const char *hostname;  /* NULL: the host's */
	const char *directory; /* where the command starts */
	char **command;        /* NULL-terminated, at least one */
	char **environment;    /* NULL-terminated */
};

#endif
