/*
 * The plan: everything INIT will do, complete, checked and constant before INIT is cloned. Nobody ever
 * tells the set-up code what to do (the lesson of CVE-2026-41163).
 */
#ifndef BOXDO_PLAN_H
#define BOXDO_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/cdi.h"
#include "broker/origin.h"
#include "broker/request.h"
#include "policy/policy.h"

enum plan_kind {
	PLAN_TREE,  /* tree: a detached clone of something of the host */
	PLAN_TMPFS, /* a tmpfs of its own */
	PLAN_FILE,  /* a small file made from text */
	PLAN_LINK   /* a symbolic link to text; never in what is bound */
};

struct plan_mount {
	enum plan_kind kind;
	const char *destination; /* absolute, inside, as typed; normalised */
	int tree;                /* PLAN_TREE: detached mount, owned by the plan */
	bool directory;          /* what the destination must be */
	bool users;    /* its contents are a user's: nothing in it is looked at but as the user */
	bool nofollow; /* a symbolic link in the image at this place is replaced, not followed */
	uint64_t size; /* PLAN_TMPFS: bytes; 0: the kernel's default */
	const char *text; /* PLAN_FILE, PLAN_LINK */
};

#define PLAN_MOUNTS_MAX (POLICY_BINDS_MAX + REQUEST_TMPFS_MAX + CDI_MOUNTS_MAX + CDI_LINKS_MAX + 16)

struct plan_start {
	const char *directory; /* where the command starts */
	bool images_directory; /* there, where the image says nothing else */
	char **command;        /* NULL-terminated, at least one */
	char **environment;    /* NULL-terminated */
	size_t firm;           /* as many of it stand above what the image says */
};

struct plan {
	const struct origin *origin;
	const struct request *request;
	struct identity as; /* whom INIT and the command become */
	int join;           /* pidfd of process 1 of the container to enter; -1: one of its own */
	bool strict;        /* nothing the caller chose may cover what the image has */
	bool bare;          /* INIT is cloned from a namespace with nothing of the host's (pin.h) */
	int image;          /* detached mount */
	int fuse;           /* an image of the caller's own: the device its server answers on; -1 */
	int file;           /* and the image itself */
	bool own;           /* an image of the caller's own, also of a container to enter */
	struct plan_mount mounts[PLAN_MOUNTS_MAX];
	size_t mount_count;
	struct {
		int tree;         /* detached clone of the device node */
		const char *path; /* /dev/... */
	} devices[REQUEST_DEVICES_MAX + CDI_NODES_MAX];
	size_t device_count;
	int shm;               /* detached clone of the host's /dev/shm (ipc=host); -1: private */
	int cgroup;            /* detached read-only clone of the cgroup v2 mount; -1 */
	uint64_t scratch_size; /* bytes: of the tmpfs behind /tmp, /dev/shm and all that is made */
	uint64_t root_size;    /* bytes the writable root may hold; 0: it is read-only */
	uint64_t shm_size;     /* bytes of a /dev/shm of its own; 0: not asked for */
	bool network_none;
	const char *hostname; /* NULL: the host's */
	struct plan_start start;
};

#endif
