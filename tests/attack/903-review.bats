#!/usr/bin/env bats
# What a fourth review found, of a launch that is all but begun when its record is confirmed: each hole as it was tried.
load ../lib/common
load ../lib/terminal
load 200-helpers

setup_file() {
	cp "$POLICY" /run/stage/policy.kept
	cp /etc/pam.d/boxdo /run/stage/pam.kept
}
setup() {
	cp /run/stage/policy.kept "$POLICY"
	as_user alice boxdo run tiny true
	every_launch_has_its_end
	wait_for no_boxdo_processes
}
teardown() {
	kill -CONT "$(journal_pid)"
	cp /run/stage/pam.kept /etc/pam.d/boxdo
	pkill -KILL -x boxdo || true # HANDLEs, all in this stage
}

# The command's child is as far as execve, and "go" does not come, as the journal hangs. Its state is in $child.
child_waits() {
	child=/proc/$(pgrep -u alice -P "$(pgrep -o -x boxdo-init)")
	[[ -e $child/status ]]
}

@test "^Z while the record is awaited does not stop what no shell could continue: the command runs, and hears ^C" {
	journal_hang
	(
		wait_for child_waits
		: >/run/stage/ready
		# The terminal's SIGTSTP has come: bit 19.
		wait_for grep -qE '^ShdPnd:.*[89abcdef].{4}$' "$child/status" && : >/run/stage/stopped
		journal_resume
	) 3>&- &
	local helper=$!
	talk 'set first "; stty -echo"' '
		send "boxdo run tiny sh -c \"echo in-\\\$((1+1)); sleep 60\"; echo status \$?\r"
		while {![file exists /run/stage/ready]} { after 20 }
		send "\032"; want "in-2"
		send "\003"; want "% "
	'
	wait $helper
	[[ -e /run/stage/stopped ]]
	every_launch_has_its_end
}

@test "a working directory that is to be made is not made before the launch is on record" {
	sed -i 's/^\[allow research\]/&\nscratch = 4M/' "$POLICY"
	as_user alice boxdo run --scratch -w /home/alice/yes tiny true
	[[ -d /home/alice/yes ]]
	journal_hang
	launches alice --scratch -w /home/alice/not tiny true
	journal_resume
	assert_status 125
	wait_for no_boxdo_processes
	[[ ! -e /home/alice/not ]]
}

@test "who may have no descriptor waits for the record as others do, without a processor" {
	journal_hang
	as_user alice boxdo run --ulimit nofile=0:0 tiny true </dev/null >/dev/null 2>&1 3>&- &
	local run=$!
	wait_for child_waits
	wait_for grep -q '^State:.S' "$child/status"
	for _ in {1..20}; do
		assert_equal "$(awk '/^State/ { print $2 }' "$child/status")" S
	done
	journal_resume
	wait $run
}

@test "AUTH is no zombie for the container's life, whatever its parent is sent" {
	printf '#!/bin/sh\nuntil test -e /srv/pam-go; do sleep 0.05; done\n' >/srv/pam-wait
	chmod 755 /srv/pam-wait
	sed -i 's/^account.*/&\naccount required pam_exec.so quiet \/srv\/pam-wait/' /etc/pam.d/boxdo
	as_user alice boxdo run tiny sleep 60 </dev/null >/dev/null 2>&1 3>&- &
	local run=$! handle auth
	wait_for pgrep -x boxdo-init
	handle=$(pgrep -x boxdo)
	auth=$(pgrep -o -x boxdo-ask)
	# One SIGCHLD stands for all that come while nobody takes it, and the first says who sent it.
	as_user alice bash -c "kill -STOP $handle; kill -CHLD $handle"
	touch /srv/pam-go
	wait_for grep -q '^State:.Z' "/proc/$auth/status"
	as_user alice kill -CONT "$handle"
	wait_for pgrep -u alice -x sleep
	wait_for test ! -e "/proc/$auth"
	as_user alice pkill -x sleep
	wait $run || true
}

@test "the command's child killed before the record is confirmed: no command ran, and the end does not say so" {
	journal_hang
	as_user alice boxdo run tiny touch /home/alice/ran </dev/null >/dev/null 2>&1 3>&- &
	local run=$!
	wait_for child_waits
	as_user alice kill -KILL "${child#/proc/}"
	wait_for test ! -e "$child"
	journal_resume
	wait $run || assert_equal $? 137
	every_launch_has_its_end
	[[ ! -e /home/alice/ran ]]
	assert_equal "$(raw_records BOXDO_EVENT=end | jq -r .BOXDO_ENDED | tail -n 1)" boxdo-failed
}
