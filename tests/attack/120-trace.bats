#!/usr/bin/env bats
# The caller attacks the processes of their own launch, at every moment of it: ptrace, /proc/PID/mem,
# process_vm_readv, pidfd_getfd, kcmp (B53-B55, L1, L2, L18, L21, must hold 9).
load ../lib/common
load attack

setup_file() {
	arm
}
setup() {
	restore_policy
}

# Every process of boxdo's that is there now.
of_the_launch() {
	pgrep -x 'boxdo.*' | xargs
}

# attack_all WANTED: at least so many processes, and nothing gets hold of any of them.
attack_all() {
	local pids
	read -ra pids < <(of_the_launch)
	[[ ${#pids[@]} -ge $1 ]] || { echo "only ${#pids[@]} processes: $(pgrep -a boxdo)" && return 1; }
	run as_user alice attack_hunt pids "${pids[@]}"
	assert_success
	assert_match ' 0 worked$'
	[[ ! $output =~ ' 0 refused' ]]
}

@test "the attacks work on a process that is the caller's" {
	as_user alice sleep 30 3>&- &
	wait_for pgrep -u alice -x sleep
	run as_user alice attack_hunt pids "$(pgrep -u alice -x sleep)"
	pkill -u alice -x sleep
	assert_status 1
	assert_match 'PTRACE_SEIZE'
	assert_match 'got: mem'
	assert_match 'process_vm_readv'
	assert_match 'kcmp'
}

@test "hundreds of launches, attacked all the while: nothing was got" {
	local count=${ATTACK_LAUNCHES:-600}
	# None of them executes a command, which would be the caller's own to trace.
	run as_user alice attack_hunt launches "$count" "$LAUNCH" 1 image=tiny -- /no/such/command
	assert_success
	assert_match "^$count launches, .* 0 worked\$"
	[[ $output =~ ([0-9]+)\ refused && ${BASH_REMATCH[1]} -gt 100000 ]]
}

@test "refusals, attacked all the while: nothing was got" {
	run as_user mallory attack_hunt launches 150 "$LAUNCH" 1 image=tiny -- /no/such/command
	# mallory is refused with 125 instead of 127, which the hunter finds odd; nothing else.
	[[ $output != *'got: '*' of '* ]] || { echo "$output" && return 1; }
	assert_match '150 launches'
}

@test "at a password prompt nothing gets hold of any process" {
	policy "$(catalogue)
[allow a]
users = alice
images = tiny
password = yes"
	(sleep 20 | as_user alice script -qec "$LAUNCH 1 image=tiny cwd=no -- /bin/true" /dev/null >"$BATS_TEST_TMPDIR/screen" 2>&1) 3>&- &
	wait_for grep -qi password "$BATS_TEST_TMPDIR/screen"
	# HANDLE, SUPERVISOR, AUTH, DIRECTORY.
	attack_all 4
	# Nor do signals that would leave a core (B53); HANDLE is theirs to signal, and takes the launch along.
	pkill -u alice -QUIT -x boxdo || true
	wait_for eval '[[ -z $(of_the_launch) ]]'
	run find / -xdev -name 'core*' -newer "$POLICY" -type f -size +0 -not -path '/proc/*' -not -path '/work/*'
	refute_match 'core(\.|$)'
}

@test "while a bind source hangs nothing gets hold of any process" {
	kill -STOP "$(cat /run/stage/fuse-alice.pid)"
	launch_as alice 1 image=tiny bind=/fuse/alice:/mnt -- /bin/true >/dev/null 2>&1 3>&- &
	# HANDLE, SUPERVISOR, AUTH, DIRECTORY, OPENER.
	wait_for eval '[[ $(of_the_launch | wc -w) -ge 5 ]]'
	attack_all 5
	kill -CONT "$(cat /run/stage/fuse-alice.pid)"
	wait_for eval '[[ -z $(of_the_launch) ]]'
}

@test "while the record is not confirmed nothing gets hold of INIT, which has the caller's ids by then" {
	launch_as alice 1 image=tiny -- /bin/true # the policy's own record is out of the way
	journal_hang
	launch_as alice 1 image=tiny -- /bin/true >/dev/null 2>&1 3>&- &
	wait_for pgrep -x boxdo-init
	sleep 0.5
	attack_all 3
	journal_resume
	wait_for -t 10 eval '[[ -z $(of_the_launch) ]]'
	every_launch_has_its_end
}

@test "while the command runs nothing gets hold of the three that wait, and they are not dumpable" {
	local pid
	launch_as alice 1 image=tiny -- /bin/sleep 77 3>&- &
	wait_for pgrep -f "^/bin/sleep 77"
	attack_all 3
	for pid in $(of_the_launch); do
		# The files of a process that is not dumpable are root's.
		assert_equal "$(stat -c %u "/proc/$pid/environ")" 0
		run as_user alice cat "/proc/$pid/environ"
		assert_status 1
	done
	# SUPERVISOR cannot be signalled at all (B51).
	run as_user alice kill -KILL "$(pgrep -x boxdo-super)"
	assert_match 'not permitted'
	run as_user alice kill -STOP "$(pgrep -x boxdo-super)"
	assert_match 'not permitted'
	as_user alice pkill -KILL -x boxdo
	wait_for eval '[[ -z $(of_the_launch) ]]'
	every_launch_has_its_end
}

@test "from inside, INIT and its program cannot be reached" {
	run inside write /proc/1/mem /proc/1/exe /proc/1/fd/3 /proc/1/root /proc/1/cwd /proc/1/environ /proc/self/exe
	assert_success
	run launch_as alice 1 image=tiny -- /bin/sh -c 'ls /proc/1/fd; cat /proc/1/environ; readlink /proc/1/exe; ls /proc/1/map_files'
	refute_match 'boxdo-launch'
	assert_match 'ermission denied'
}
