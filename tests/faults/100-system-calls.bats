#!/usr/bin/env bats
# timeout: 1800
# System calls of a launch made to fail: a choice of them; tests/long/20-faults.bats makes each one fail.
load ../lib/common
load ../attack/200-helpers
load faults

setup_file() {
	faults_setup
}

IDS='set[a-z]*id|setgroups|cap[a-z]*|prctl|seccomp|get[a-z]*id|getgroups|prlimit64|set[a-z]*timer|umask|sched_.*'
MOUNTS='fs[a-z]*|mount.*|move_mount|open_tree|pivot_root|umount2|mk[a-z]*|symlinkat|fch[a-z]*|chroot|ioctl|openat2'
TALK='send.*|recv.*|socket.*|connect|setsockopt|poll|pidfd.*|clone.*|kill|wait4|signalfd4|dup2|fcntl|rt_sig.*|clock.*|setsid|close_range|read|write|pread64|fdatasync|flock'

@test "there is something to fail" {
	[[ $(wc -l </run/stage/counts) -ge 50 ]]
	grep -q '^Seccomp:.2$' /run/stage/clean
	grep -q '^CapEff:.0*$' /run/stage/clean
}

@test "ids, capabilities, limits, filter: each kind fails" {
	some "$IDS" EPERM
}

@test "mounts and files of the set-up: each kind fails" {
	some "$MOUNTS" EIO
}

@test "processes, messages, waiting: each kind fails" {
	some "$TALK" ENOMEM
}

@test "no process for PAM: refused, and that is on record" {
	inject vfork 1 EAGAIN
	[[ ! -s /run/stage/wrong && ! -e /home/alice/m.vfork.1.EAGAIN ]]
	nothing_left
	assert_equal "$(raw_records BOXDO_EVENT=refuse | jq -r .BOXDO_REASON | tail -n 1)" \
		"PAM cannot be asked: no process for it (the job's pids limit?)"
}

@test "all the rest: each kind fails" {
	local call count number
	while read -r call count; do
		[[ ! $call =~ ^($IDS|$MOUNTS|$TALK)$ ]] || continue
		for number in 1 2 5 13; do
			[[ $number -gt $count ]] || inject "$call" $number ENOMEM
		done
	done </run/stage/counts
	faults_agree
}
