#!/usr/bin/env bats
# timeout: 1200
# System calls of a command that joins a container made to fail: nothing ran unrecorded, as anybody else or outside of
# it, nothing of it is left, and the container goes on.
load ../lib/common
load ../attack/200-helpers
load faults

# The container itself is there all the time, with no end on record.
no_boxdo_processes() {
	[[ $(boxdo_processes | sort) == "$(cat /run/stage/container.processes)" ]]
}
no_open_launch() {
	[[ $(comm -3 <(raw_records BOXDO_EVENT=launch | jq -r .BOXDO_ID | sort -u) \
		<(raw_records BOXDO_EVENT=end | jq -r .BOXDO_ID | sort -u) | xargs) == "$ID" ]]
}

setup_file() {
	# Of a directory: a loop device that stays would be among the traces, in a table whose width others change.
	as_user alice boxdo run --network none dir sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	joinable() { ID=$(boxdo ps -q --no-trunc) && [[ -n $ID ]] && as_user alice boxdo exec "$ID" true; }
	wait_for joinable
	export ID
	alone() { [[ $(boxdo ps -q | wc -l) -eq 1 && $(pgrep -c -x boxdo-super) -eq 1 ]]; }
	wait_for alone
	boxdo_processes | sort >/run/stage/container.processes
	FAULTS_REQUEST=(image=- "join=$ID")
	faults_setup
}

setup() {
	FAULTS_REQUEST=(image=- "join=$ID")
}

teardown() {
	assert_equal "$(boxdo ps -q --no-trunc)" "$ID"
}

teardown_file() {
	boxdo stop -t 0 --all
}

@test "there is something to fail, and nothing is mounted" {
	grep -q '^setns 1' /run/stage/counts
	grep -q '^clone3 ' /run/stage/counts
	run grep -E '^(move_mount|pivot_root|fsopen|open_tree) ' /run/stage/counts
	assert_output ''
	grep -q '^Seccomp:.2$' /run/stage/clean
}

@test "finding the container, and going in" {
	some 'setns|pidfd.*|clone.*|openat?|newfstatat|l?stat|fstat.*|memfd.*|chdir|getppid' EPERM
}

@test "ids, capabilities, limits, the filter" {
	some 'set[a-z]*id|setgroups|cap[a-z]*|prctl|seccomp|getgroups|prlimit64|sched_.*' EPERM
}

# Not wait4 and close_range: with nothing to wait for and descriptors that are there the kernel fails neither.
@test "messages, memory, waiting" {
	some 'send.*|recv.*|socket.*|connect|poll|kill|signalfd4|dup2|read|write|pread64|fdatasync|mmap|brk' ENOMEM
}
