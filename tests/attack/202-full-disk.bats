#!/usr/bin/env bats
# timeout: 900
# The journal's disk full, freed, and no disk at all.
load ../lib/common
load 200-helpers
load 201-helpers

@test "the disk is full: refused in time; freed: on record again, after a restart of journald at the latest" {
	small_disk 48M
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
	wait_for -t 120 no_boxdo_processes
	one_of_each
	nothing_left
}

# journald counts what is free into what it may use, remembers that for half a minute, and removes its oldest files when
# all are larger than that (systemd 252). So whoever filled the disk for a moment would decide how much is kept.
@test "whoever fills the disk pushes no record out" {
	small_disk 100M
	for _ in {1..3}; do
		as_user alice boxdo run tiny true
		every_launch_has_its_end
		new_file
	done
	# journald has just forgotten how much was free, and learns it from the next record.
	dd if=/dev/zero of="$files/filler" bs=64k status=none 2>/dev/null || true
	dd if=/dev/zero of="$files/filler2" bs=1k status=none 2>/dev/null || true
	as_user alice boxdo run tiny true
	every_launch_has_its_end
	before=$(total)
	rm "$files/filler" "$files/filler2"
	new_file
	assert_equal "$(total)" "$before"
}
# journald begins a new file, and has seen to the old ones.
new_file() {
	rm -f /run/systemd/journal.boxdo/rotated
	kill -USR2 "$(journal_pid)"
	wait_for test -e /run/systemd/journal.boxdo/rotated
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
