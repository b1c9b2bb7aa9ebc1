#!/usr/bin/env bats
# The journal's disk full, freed, and no disk at all.
load ../lib/common
load 200-helpers
load 201-helpers

# A journal directory of its own on a small disk.
small_disk() {
	truncate -s 48M /run/stage/disk
	mkfs.ext4 -q -O ^has_journal -m 0 /run/stage/disk
	mount -o loop /run/stage/disk "$files"
	rm -rf "$files/lost+found"
	chgrp systemd-journal "$files"
	chmod 2755 "$files"
	journal_restart
	wait_for test -e "$files/system.journal"
}
@test "the disk is full: refused in time; freed: on record again, after a restart of journald at the latest" {
	small_disk
	as_user alice boxdo run tiny true
	begin_traces
	dd if=/dev/zero of="$files/filler" bs=64k status=none 2>/dev/null || true
	# journald has room in the file it has: fill that as well.
	for _ in {1..200}; do
		{ printf 'MESSAGE=filler\nFILL=' && head -c 60000 /dev/urandom | base64 -w0 && echo; } | native "$sockets/socket"
	done
	dd if=/dev/zero of="$files/filler2" bs=4k status=none 2>/dev/null || true
	launches alice tiny touch "$MARK"
	refused 'could not be recorded'
	[[ ! -e $MARK ]]
	# Freed. Either it is on record now, or it is refused; never anything else.
	rm "$files/filler" "$files/filler2"
	launches alice tiny touch "$MARK"
	if [[ $status -ne 0 ]]; then
		refused 'could not be recorded'
		journal_restart
		launches alice tiny touch "$MARK"
	fi
	assert_success
	[[ -e $MARK ]]
	assert_equal "$(field COMMAND BOXDO_EVENT=launch)" "touch $MARK"
	# The end of the one given up is sent again ever less often.
	wait_for -t 40 no_boxdo_processes
	one_of_each
	nothing_left
}

@test "a journal in memory counts only where the policy says so" {
	mount -t tmpfs -o size=32m,mode=2755 tmpfs "$files"
	chgrp systemd-journal "$files"
	journal_restart
	wait_for test -e "$files/system.journal"
	launches alice tiny touch "$MARK"
	refused 'not on a disk'
	printf '\n[settings]\nvolatile = yes\n' >>"$POLICY"
	launches alice tiny touch "$MARK"
	assert_success
	every_launch_has_its_end
}
