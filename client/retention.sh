#!/bin/sh
# boxdo-retention: when the audit trail is larger than $KEEP, or than nine tenths of the file system it lies on, its
# oldest files go, as many as it takes. Run as root, by boxdo-retention.timer.
#
# journald would do that itself (SystemMaxUse=), but counts what is free on the disk into what it may use, and removes
# the oldest files when it has more: whoever can fill the disk for a moment, or to where root's reserve begins, could
# push records out. Here only the sizes of the trail and of its file system count, which no user can change.
set -eu

directory=/var/log/journal/$(cat /etc/machine-id).boxdo
[ -d "$directory" ] || exit 0
keep=$(numfmt --from=iec "${KEEP:-4G}")
# shellcheck disable=SC2046 # two numbers
set -- $(stat --file-system --format='%b %S' "$directory")
room=$(($1 * 9 / 10 * $2))
[ "$keep" -lt "$room" ] || keep=$room
used=$(find "$directory" -maxdepth 1 -name '*.journal*' -printf '%b\n' | awk '{ n += $1 } END { printf "%.0f", n * 512 }')
[ "$used" -le "$keep" ] || exec journalctl --namespace=boxdo --vacuum-size="$keep"
