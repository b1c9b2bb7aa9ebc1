#!/usr/bin/env bats
# How much of the trail is kept: boxdo-retention, which a timer starts on a host.
load ../lib/common

setup() {
	machine=$(cat /etc/machine-id)
	journals=/var/log/journal/$machine.boxdo
}

@test "boxdo-retention: the oldest files go, as few as need be, and nothing else" {
	for _ in 1 2 3; do
		as_user alice boxdo run tiny true
		every_launch_has_its_end
		rm -f /run/systemd/journal.boxdo/rotated
		kill -USR2 "$(journal_pid)"
		wait_for test -e /run/systemd/journal.boxdo/rotated
	done
	main=$(ls "$journals/../$machine")
	find "$journals" -name 'system@*' -printf '%T@ %f\n' | sort | cut -d' ' -f2 >/run/stage/archived
	# journald makes them shorter a moment after.
	wait_for none_is_written
	used=$(find "$journals" -name '*.journal*' -printf '%b\n' | awk '{ n += $1 } END { print n * 512 }')
	run /usr/libexec/boxdo/boxdo-retention
	assert_success
	assert_output ''
	assert_equal "$(archived)" "$(sort /run/stage/archived)"
	# As the unit has it: root without a capability.
	KEEP=$((used - 512)) run setpriv --bounding-set=-all --no-new-privs /usr/libexec/boxdo/boxdo-retention
	assert_success
	assert_match "Deleted archived journal .*$(head -n 1 /run/stage/archived)"
	assert_equal "$(archived)" "$(tail -n +2 /run/stage/archived | sort)"
	assert_equal "$(ls "$journals/../$machine")" "$main"
	run boxdo log --gaps
	assert_match 'older ones are not kept any more'
}
archived() {
	find "$journals" -name 'system@*' -printf '%f\n' | sort
}
none_is_written() {
	local file
	for file in "$journals"/system@*; do
		[[ $(od -An -tu1 -j16 -N1 "$file") -eq 2 ]] || return 1
	done
}

@test "boxdo-retention: no more than nine tenths of the file system, and nothing without a trail" {
	mkdir /run/stage/bin
	# A file system of a hundred blocks.
	printf '#!/bin/sh\necho 100 512\n' >/run/stage/bin/stat
	chmod +x /run/stage/bin/stat
	PATH=/run/stage/bin:$PATH run /usr/libexec/boxdo/boxdo-retention
	assert_success
	assert_match 'Deleted archived journal'
	assert_equal "$(archived)" ''
	mv "$journals" "$journals.aside"
	run /usr/libexec/boxdo/boxdo-retention
	mv "$journals.aside" "$journals"
	assert_success
	assert_output ''
}
