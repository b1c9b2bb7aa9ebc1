#!/usr/bin/env bats
# timeout: 900
# What a third review found, of the pinned namespace, the filter that is loaded late and numbers that are taken early:
# each hole as it was tried; and what was tried and held.
load ../lib/common

setup_file() {
	cp "$POLICY" /run/stage/policy.kept
	# hand PID COMMAND...: with a descriptor of the process for standard input
	cat >/usr/local/bin/hand <<-'END'
		#!/usr/bin/env python3
		import os, sys
		os.dup2(os.pidfd_open(int(sys.argv[1])), 0)
		os.execvp(sys.argv[2], sys.argv[2:])
	END
	chmod 755 /usr/local/bin/hand
}
setup() {
	cp /run/stage/policy.kept "$POLICY"
}
teardown() {
	chage -E -1 alice
}

@test "a launch that fails on the way back to the host's mounts ends no process but its own" {
	sleep 600 3>&- &
	local bystander=$!
	cd /home/alice
	run hand $bystander strace -u alice -f -qq -o /run/stage/trace -e trace=setns,pidfd_send_signal \
		-e inject=setns:error=EPERM:when=2 "$LAUNCH" 1 image=tiny -- /bin/touch ran
	cd "$TOP"
	assert_status 125
	assert_match "no way back to the host's mounts"
	[[ ! -e /home/alice/ran ]]
	grep -q INJECTED /run/stage/trace
	kill -0 $bystander
	kill $bystander
	# INIT is ended by its own.
	grep -qE 'pidfd_send_signal\([1-9][0-9]*, SIGKILL' /run/stage/trace
	wait_for eval '! pgrep boxdo-init'
	assert_equal "$(records 'select(.event == "refuse") | .stage' | tail -n 1)" '"ns"'
}

@test "without its filter SUPERVISOR ends what has begun, and does not call it not started" {
	sed -i '/^network/a password = yes' "$POLICY"
	mkfifo "$BATS_TEST_TMPDIR/in"
	as_user alice boxdo run -S tiny sleep 600 <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local run=$! status=0 supervisor
	exec 7>"$BATS_TEST_TMPDIR/in"
	wait_for pgrep -U 0 -x boxdo-super # children may have its name, but not its real uid
	supervisor=$(pgrep -U 0 -x boxdo-super)
	strace -qq -o /run/stage/trace -e trace=seccomp -e inject=seccomp:error=ENOMEM -p "$supervisor" 3>&- 7>&- &
	wait_for grep -qE '^TracerPid:.[1-9]' "/proc/$supervisor/status"
	echo alice >&7
	exec 7>&-
	wait $run || status=$?
	assert_equal $status 137
	grep -q 'has no system call filter' "$BATS_TEST_TMPDIR/out"
	wait_for eval '! pgrep -f boxdo-super'
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end") | .ended' | tail -n 1)" '"boxdo-failed"'
	! pgrep -u alice -x sleep
}

@test "a number that a launch has got is on record, or users could make holes like those of records removed" {
	# It grows by a byte a second, however slow the machine; what is earned meanwhile is given by hand.
	printf '\n[settings]\nrecord_rate = 1\nrecord_burst = 32K\n' >>"$POLICY"
	earn() { perl -e 'open(my $f, "+<", "/run/boxdo/rate/2001") or die; seek($f, 8, 0); read($f, my $due, 8); seek($f, 8, 0);
		print $f pack("Q", unpack("Q", $due) - $ARGV[0] * 1e9)' "$1"; }
	chage -E 2020-01-01 alice
	# Until nothing is left; then so much that a launch has room for its records, and its refusal would have none beside.
	until [[ $output == *'too many records'* ]]; do
		run as_user alice boxdo run tiny true
		assert_status 125
	done
	for _ in 1 2; do
		run as_user alice boxdo run tiny true
		earn 8192
		run as_user alice boxdo run tiny true
		assert_match 'expired'
	done
	as_user bob boxdo run tiny true
	run boxdo log --gaps
	assert_match 'none is missing'
	refute_match ' missing: '
	rm /run/boxdo/rate/2001
}

@test "where root cannot give its capabilities up, that is said" {
	run capsh --drop=cap_setpcap --user=alice -- -c 'boxdo run tiny touch /home/alice/ran'
	assert_status 125
	assert_match '^boxdo: root lacks CAP_SETPCAP'
	[[ ! -e /home/alice/ran ]]
}

@test "no process of a launch keeps a capability to hand on: supervisor, init, handle, the image's server, the command" {
	local name pid
	printf '\n[allow own]\nusers = alice\nuser_images = yes\nbinds = ~:rw .:rw\n' >>"$POLICY"
	install -o alice -m 600 /srv/images/tiny.sqfs /home/alice/own.sqfs
	as_user alice boxdo run /home/alice/own.sqfs sleep 600 3>&- &
	local run=$!
	wait_for pgrep -u alice -x sleep
	for name in boxdo boxdo-super boxdo-init squashfuse_ll sleep; do
		pid=$(pgrep -x $name | head -n 1)
		assert_equal "$name $(grep -cE '^Cap(Inh|Bnd|Amb):.0{16}$' "/proc/$pid/status")" "$name 3"
	done
	as_user alice pkill -x sleep
	wait $run || true
}

@test "a writable root from outside: who takes its mounts apart has nothing of the host's, and its end is on record" {
	sed -i 's/^\[allow research\]/&\nscratch = 4M/' "$POLICY"
	mkfifo "$BATS_TEST_TMPDIR/in"
	before=$(sed 's/^[^ ]* [^ ]* //' /proc/self/mountinfo | sort)
	as_user alice boxdo run --contain --scratch tiny sh -c 'read x; ls /run/boxdo; cat /etc/passwd; echo /* | xargs; awk "{ print \$5 }" /proc/self/mountinfo | xargs' \
		<"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
	local run=$!
	exec 7>"$BATS_TEST_TMPDIR/in"
	wait_for pgrep -u alice -f '^sh -c read x'
	run as_user alice sh -c "cd /proc/$(pgrep -u alice -f '^sh -c read x')/root && unlink etc/passwd && rmdir dev sys && ls"
	assert_success
	exec 7>&-
	wait $run
	run cat "$BATS_TEST_TMPDIR/out"
	refute_match 'boxdo|root:|(^| )/(dev|sys)( |/|$)'
	assert_match '/proc '
	wait_for eval '[[ $(sed "s/^[^ ]* [^ ]* //" /proc/self/mountinfo | sort) == "$before" ]]'
	every_launch_has_its_end
}

@test "a limited command under a writable root: with run_as its caller changes nothing in it, from outside neither" {
	printf '%s\n' 'svc:x:2010:2010::/:/usr/sbin/nologin' >>/etc/passwd
	printf '%s\n' 'svc:x:2010:' >>/etc/group
	printf '%s\n' 'svc:!:20000::::::' >>/etc/shadow
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'run_as = svc' 'scratch = 4M' 'command = /bin/sh -c "sleep 600; id"'
	as_user alice boxdo run -u svc --scratch tiny /bin/sh -c 'sleep 600; id' >/dev/null 2>&1 3>&- &
	local run=$!
	wait_for pgrep -u svc -x sleep
	run as_user alice sh -c 'for p in $(pgrep -u svc); do echo x >/proc/$p/root/bin/id; ls /proc/$p/root/ /proc/$p/cwd/; kill -STOP $p; done'
	refute_match '(^|\n)bin'
	assert_equal "$(grep -c 'Permission denied\|not permitted' <<<"$output")" $((4 * $(pgrep -u svc | wc -l)))
	pkill -u svc -x sleep
	wait $run
}
