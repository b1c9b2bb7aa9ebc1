#!/usr/bin/env bats
# The stage itself: what tests/stage promises is there, and what it forbids is not.
load ../lib/common

@test "users, groups and passwords are the ones the tests name" {
	run as_user alice id -Gn
	assert_output "alice ml"
	run as_user bob id -Gn
	assert_output "bob ml phys"
	run as_user mallory id -Gn
	assert_output "mallory"
	run as_user auditor id -Gn
	assert_output "auditor systemd-journal"
	# su as alice asks for bob's password and takes it.
	run expect -c 'spawn -noecho '"$TOP"'/tests/lib/as alice su bob -c {id -un}
		expect "assword:"; send "bob\r"; expect eof' </dev/null
	assert_match '[[:space:]]bob[[:space:]]'
}

@test "as_user gives up every privilege" {
	run as_user alice grep -E '^(Uid|Gid|CapEff|CapPrm|CapInh):' /proc/self/status
	assert_match 'Uid:.2001.2001.2001.2001'
	assert_match 'CapPrm:.0+'$'\n'
	assert_match 'CapEff:.0+$'
}

@test "set-uid programs work here" {
	run findmnt -no OPTIONS --target /usr
	refute_match nosuid
	cp /usr/bin/id /usr/local/bin/id-root
	chmod 4755 /usr/local/bin/id-root
	run as_user alice id-root -u
	assert_output 0
}

@test "what is installed has the owner and mode of packaging/manifest" {
	while IFS=: read -r path user group mode source; do
		[[ -n $path && $path != '#'* && $source != '-> '* ]] || continue
		[[ $source == - || -e $TOP/$source ]] || continue
		assert_equal "$path $(stat -c '%U:%G:%04a' "$path" | sed 's/:0*\([0-7]\{4\}\)$/:\1/')" \
			"$path $user:$group:$mode"
	done <"$TOP/packaging/manifest"
}

@test "what is changed under /usr, /etc, /var and /home stays in the stage" {
	touch /usr/bin/left /etc/left /var/left /home/left /srv/left
	run findmnt -no FSTYPE /usr
	assert_output overlay
	run touch "$TOP/left"
	assert_status 1
}

@test "the policy's images are files and directories of root's" {
	for image in tiny.sqfs python.sqfs dir; do
		assert_equal "$(stat -c %U:%G:%A "/srv/images/$image" | tr -d x)" \
			"root:root:$(test -d "/srv/images/$image" && echo drwr-r- || echo -rw-r--r--)"
	done
	run unsquashfs -cat /srv/images/tiny.sqfs etc/os-release
	assert_output ID=tiny
}

@test "an image can be mounted by a loop device, and two stages do not share one" {
	mount -o loop,ro /srv/images/python.sqfs /mnt
	test -e /mnt/etc/passwd
	umount /mnt
	assert_equal "$(stat -c %h /srv/images/python.sqfs)" 1
}

@test "/data is for all, /data/ml for its group" {
	run as_user mallory cat /data/README
	assert_success
	run as_user alice cat /data/ml/weights
	assert_success
	run as_user mallory cat /data/ml/weights
	assert_status 1
}

@test "the FUSE home lets alice in and nobody else, not even root" {
	run as_user alice sh -c 'echo mine >/fuse/alice/file && cat /fuse/alice/file'
	assert_output mine
	run stat /fuse/alice/file
	assert_status 1
	run as_user bob stat /fuse/alice/file
	assert_status 1
}

@test "the cgroup root is the stage's own, and alice has a delegated subtree" {
	run as_user alice sh -c 'grep ^0:: /proc/self/cgroup; mkdir /sys/fs/cgroup/user.slice/alice/sub &&
		echo $$ >/sys/fs/cgroup/user.slice/alice/sub/cgroup.procs && grep ^0:: /proc/self/cgroup'
	assert_output $'0::/user.slice/alice\n0::/user.slice/alice/sub'
	run as_user alice mkdir /sys/fs/cgroup/sub
	assert_status 1
	run as_user bob mkdir /sys/fs/cgroup/user.slice/alice/bob
	assert_status 1
}

@test "the main journal takes messages from users, /dev/log included" {
	as_user alice logger -t stage-test by-dev-log
	as_user alice systemd-cat -t stage-test echo by-stream
	wait_for sh -c 'journalctl -q -t stage-test | grep by-dev-log'
	wait_for sh -c 'journalctl -q -t stage-test | grep by-stream'
}

@test "the audit journal is closed to users from the start" {
	for socket in /run/systemd/journal.boxdo/*; do
		assert_equal "$(stat -c %U:%a "$socket")" root:600
	done
	for socket in socket dev-log stdout io.systemd.journal; do
		run as_user alice perl -MSocket -e 'for my $type (SOCK_DGRAM, SOCK_STREAM) {
			socket(my $s, PF_UNIX, $type, 0); connect($s, sockaddr_un($ARGV[0])) and exit 0;
			print "$!\n" } exit 1' "/run/systemd/journal.boxdo/$socket"
		assert_status 1
		assert_match 'Permission denied'
	done
}

@test "the audit journal lies on a disk, not on tmpfs or an overlay" {
	run stat -f -c %T /var/log/journal/*.boxdo
	refute_match 'tmpfs|overlay'
	run as_user auditor journalctl --namespace=boxdo -q
	assert_match 'Journal started'
	run as_user mallory sh -c 'cat /var/log/journal/*.boxdo/system.journal'
	assert_status 1
}

@test "journald comes back after kill -9 with its sockets, and stays down when told" {
	inode=$(stat -c %i /run/systemd/journal.boxdo/socket)
	before=$(journal_pid)
	kill -KILL "$before"
	wait_for sh -c "! grep -qx $before /run/stage/journald-boxdo.pid && test -s /run/stage/journald-boxdo.pid"
	assert_equal "$(stat -c %i /run/systemd/journal.boxdo/socket)" "$inode"
	wait_for kill -0 "$(journal_pid)"
	journal_down
	sleep 0.2
	test ! -e /run/stage/journald-boxdo.pid
	# Sent while it is down: waits in the socket.
	logger --socket /run/systemd/journal.boxdo/dev-log -t stage-test while-down
	journal_up
	wait_for sh -c 'journalctl --namespace=boxdo -q -t stage-test | grep while-down'
}

@test "journald can be made to hang" {
	journal_hang
	assert_equal "$(ps -o stat= "$(journal_pid)" | cut -c1)" T
	journal_resume
}

@test "the host name, PIDs and /tmp are the stage's own" {
	assert_equal "$(hostname)" gpu1
	run cat /proc/1/cmdline
	assert_match stage-inside
	assert_equal "$(stat -f -c %T /tmp)" tmpfs
}
