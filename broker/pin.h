/*
 * A small mount namespace to clone containers' from. A namespace is cloned mount by mount, so that 5,000 mounts on the
 * host would cost each launch ten milliseconds; one with three mounts costs nothing. boxdo-pin makes it at boot.
 */
#ifndef BOXDO_PIN_H
#define BOXDO_PIN_H

/* 0700, root's, an unbindable mount of itself: such a namespace cannot be bound below a shared one. */
#define PIN_DIR "/run/boxdo/pin"
#define PIN_FILE PIN_DIR "/ns"

/* By which its root is known: a tmpfs of so many files, read-only. */
#define PIN_INODES 16
#define PIN_OPTIONS "mode=0755,size=64k,nr_inodes=16"

/* Where we were. */
struct pin {
	int namespace, root;
};

/*
 * Into the namespace, when there is one and it is what it should be: its root a tmpfs, our /proc in it. Whatever is
 * wrong, nothing has changed: -1. What is open stays; nothing of the host can be reached by a path until pin_leave.
 * Returns 0, or 1: it is another one, and there is no way back, so end.
 */
int
pin_enter(struct pin *pin);
/* Back, at the root we had. 0, and errno is what it was: why nothing could be cloned there. Or -1: no way back, so end. */
int
pin_leave(struct pin *pin);

#endif
