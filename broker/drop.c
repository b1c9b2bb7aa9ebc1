/*
 * drop.c: stage 10, privilege going down, and proof that it cannot come back
 *
 * Privilege: root on entry; what the name of the function says on exit.
 * Trusts: the kernel, but checks its word. Distrusts: nothing else is looked at.
 * On error: exit 125 without a word; the parent notices and reports.
 *
 * What MUST hold after drop_to:
 *  - real, effective, saved and file-system ids are the target's; the groups exactly the list given;
 *  - inheritable, permitted, effective, bounding and ambient capability sets are empty;
 *  - no_new_privs is set, and securebits are locked so that uid 0 would mean nothing;
 *  - the process was at no moment both dumpable and signal-able by ptrace: capabilities go last,
 *    because the kernel refuses a tracer that lacks them, and dumpable is cleared before that;
 *  - setresuid(0), setgid(0) and setgroups all fail.
 */
#include "broker/drop.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
must(int ok)
{
	if (!ok)
		_exit(125);
}

/* Permitted and effective become these, inheritable nothing. */
static bool
set_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct version = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		sets[i].effective = sets[i].permitted = (uint32_t)(wanted >> (32 * i));
	return syscall(SYS_capset, &version, sets) == 0;
}

/* And the kernel says so, too. */
static bool
has_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct version = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &version, sets) != 0)
		return false;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (sets[i].effective != (uint32_t)(wanted >> (32 * i)) ||
		    sets[i].permitted != sets[i].effective || sets[i].inheritable != 0)
			return false;
	return true;
}

int
drop_bounding(void)
{
	struct __user_cap_header_struct version = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	int i = 0;

	/* First: nothing can be made inheritable once the bounding set lacks it. */
	if (syscall(SYS_capget, &version, sets) != 0)
		return -1;
	for (int j = 0; j < _LINUX_CAPABILITY_U32S_3; j++)
		sets[j].inheritable = sets[j].permitted;
	if (syscall(SYS_capset, &version, sets) != 0)
		return -1;
	while (prctl(PR_CAPBSET_DROP, i) == 0)
		i++;
	/* The kernel knows more capabilities than the last one dropped? Then something refused. */
	return i > CAP_SYS_ADMIN && prctl(PR_CAPBSET_READ, i) < 0 &&
	               prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0
	           ? 0
	           : -1;
}

static void
prove_ids(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;
	gid_t *now;
	int n;

	must(getresuid(&r, &e, &s) == 0 && r == uid && e == uid && s == uid);
	must(getresgid(&gr, &ge, &gs) == 0 && gr == gid && ge == gid && gs == gid);
	must((uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid);
	n = getgroups(0, NULL);
	must(n >= 0 && (size_t)n == count);
	now = calloc(count + 1, sizeof *now);
	must(now != NULL && getgroups((int)count, now) == (int)count);
	/* The kernel sorts the list; compare as sets. */
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < count && now[j] != groups[i])
			j++;
		must(j < count);
	}
	free(now);
}

static void
prove_no_way_back(uid_t uid)
{
	must(has_capabilities(0));
	must(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	must(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 0 && prctl(PR_CAPBSET_READ, 0) == 0);
	must(prctl(PR_GET_DUMPABLE) == 0);
	if (uid == 0)
		return; /* root asked for root's container: there is nothing to go back to but itself */
	must(setresuid(0, 0, 0) != 0 && setuid(0) != 0 && seteuid(0) != 0);
	must(setgid(0) != 0 && setgroups(0, NULL) != 0);
}

void
drop_to(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	must(uid != (uid_t)-1 && gid != (gid_t)-1);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	/*
	 * NO_SETUID_FIXUP keeps the capabilities over the change of ids: with fs.suid_dumpable = 1 the
	 * process would be dumpable for an instant, and a tracer of the same uid is refused while we
	 * hold more than it does.
	 */
	must(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
	                                  SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
	                                  SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
	                                  SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) == 0);
	must(setgroups(count, groups) == 0);
	must(setresgid(gid, gid, gid) == 0);
	must(setresuid(uid, uid, uid) == 0);
	must(prctl(PR_SET_DUMPABLE, 0) == 0);
	must(set_capabilities(0));
	prove_ids(uid, gid, groups, count);
	prove_no_way_back(uid);
}

void
drop_real(uid_t uid, gid_t gid)
{
	must(setresgid(gid, 0, 0) == 0);
	must(setresuid(uid, 0, 0) == 0);
	must(prctl(PR_SET_DUMPABLE, 0) == 0);
}

int
drop_to_kill(int empty_root)
{
	const uint64_t kill_only = UINT64_C(1) << CAP_KILL;
	uid_t r, e, s;

	/* cwd stays where it is (the journal's socket directory), outside the new root. */
	if (fchdir(empty_root) != 0 || chroot(".") != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !set_capabilities(kill_only))
		return -1;
	if (!has_capabilities(kill_only) || prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 0 ||
	    getresuid(&r, &e, &s) != 0 || r != 0 || e != 0 || s != 0 || prctl(PR_GET_DUMPABLE) != 0)
		return -1;
	return 0;
}

void
drop_keyring(void)
{
	/* A kernel without keyrings has none to hand on. */
	must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) > 0 || errno == ENOSYS);
}

int
drop_groups(const gid_t *groups, size_t count)
{
	return setgroups(count, groups);
}

void
drop_fsids(uid_t uid, gid_t gid)
{
	setfsgid(gid);
	setfsuid(uid);
	must((uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid);
}
