#!/usr/bin/env bats
# timeout: 900
# What a fifth review found, of HANDLE that opens paths, work that is left for the time of the disk, and children that end late.
load ../lib/common
load attack
load 200-helpers
load 201-helpers

@test "an answer that HANDLE or OPENER cannot send is not taken for another's: that opens no way past a deny" {
	local who lost
	arm
	embargo
	# What is not there is answered without a descriptor, which the caller cannot keep from being sent.
	policy "$(catalogue)
[deny embargo]
binds = /embargo
[allow a]
users = alice
images = tiny
binds = .:rw /mnt
$(printf "\t/nonesuch/%s\n" {1..60})"
	for who in handle=tiny opener=/srv/images/tiny.sqfs; do
		as_user_in /data/embargo alice timeout 600 attack_hunt "${who%=*}" mute 200 \
			"$LAUNCH" 1 "image=${who#*=}" home=no -- /bin/cat /data/embargo/file >"$BATS_TEST_TMPDIR/all" 2>&1 || true
		sort "$BATS_TEST_TMPDIR/all" | uniq -c | sort -rn | sed "s|^|# $who: |" | head -n 8 >&3
		run sort -u "$BATS_TEST_TMPDIR/all"
		refute_match secret
	done
	# Any one of them, for sure.
	cd /data/embargo
	for who in tiny /srv/images/tiny.sqfs; do
		for lost in {1..7}; do
			strace -u alice -f -qq -o /run/stage/trace -e trace=sendmsg -e inject=sendmsg:error=ETOOMANYREFS:when="$lost" \
				"$LAUNCH" 1 image=$who home=no -- /bin/cat /data/embargo/file >>"$BATS_TEST_TMPDIR/lost" 2>&1 || true
		done
	done
	cd "$TOP"
	run cat "$BATS_TEST_TMPDIR/lost"
	refute_match secret
	rm /embargo
}

@test "an OPENER that its caller killed is not killed again when its number is somebody else's" {
	cd /home/alice
	strace -u alice -f -qq -o /run/stage/trace -e trace=chroot -e inject=chroot:delay_enter=5000000 \
		"$LAUNCH" 1 image=/srv/images/tiny.sqfs home=no -- /bin/true 3>&- &
	local run=$! opener victim
	cd "$TOP"
	# SUPERVISOR lets the kernel reap its children from here on; INIT may keep it waiting for seconds more.
	wait_for grep -q chroot /run/stage/trace
	opener=$(pgrep -u alice -x boxdo-opener)
	as_user alice kill -KILL "$opener"
	wait_for eval '! kill -0 $opener 2>/dev/null'
	victim=$(perl -e 'use POSIX; my $pid = 0; until ($pid == $ARGV[0]) { open(my $f, ">", "/proc/sys/kernel/ns_last_pid") or die; print $f $ARGV[0] - 1; close $f;
		$pid = fork; if (!$pid) { POSIX::setuid(2002); close STDOUT; exec $$ == $ARGV[0] ? ("sleep", 600) : "true" } } print $pid' "$opener" 3>&-)
	assert_equal "$victim" "$opener"
	wait $run
	wait_for eval '! pgrep -f boxdo-super'
	kill -0 "$victim"
	kill "$victim"
}

@test "who waits with the records of a launch that was not recorded does nothing its filter would end it for" {
	begin_traces
	journal_hang
	cd /home/alice
	# PAM has answered before the record is sent: so what nobody waits for is left for the time of the disk.
	strace -u alice -f -o /run/stage/trace -e trace=clone3,seccomp -e inject=clone3:delay_exit=400000 \
		"$LAUNCH" 1 image=tiny -- /bin/touch "$MARK" >/run/stage/out 2>&1 3>&- &
	local run=$!
	cd "$TOP"
	wait_for grep -q 'could not be recorded' /run/stage/out
	wait_for grep -q 'seccomp(SECCOMP_SET_MODE_FILTER, 0, .*) = 0' /run/stage/trace
	journal_resume
	wait $run || true
	wait_for no_boxdo_processes
	run grep 'killed by' /run/stage/trace
	refute_match SIGSYS
	[[ ! -e $MARK ]]
	every_launch_has_its_end
}

@test "a mount point below a directory that hands its group on is as the image has it, or root's" {
	mkdir -p /srv/images/dir/opt/a
	chown 0:50 /srv/images/dir/opt
	chmod 2775 /srv/images/dir/opt
	chown 0:0 /srv/images/dir/opt/a
	chmod 755 /srv/images/dir/opt/a
	chmod g-s /srv/images/dir/opt/a
	run as_user alice boxdo run -v /data:/opt/a/x -v /data:/opt/n/y dir stat -c '%a %u:%g' /opt /opt/a /opt/n
	assert_success
	assert_output $'2775 0:50\n755 0:0\n755 0:0'
}

@test "AUTH is held to one processor until it has executed, and by no race for good" {
	cd /home/alice
	run strace -u alice -f -qq -o /run/stage/trace -e trace=execve,sched_setaffinity "$LAUNCH" 1 image=tiny -- /bin/true
	cd "$TOP"
	assert_success
	# Only where there are two processors it is. Then whoever said it takes it back, and after that.
	run awk 'NR == 1 { launch = $1 } $1 == launch && /sched_setaffinity/ { last = $0 } END { print last }' /run/stage/trace
	refute_match '\[[01]\]'
}
