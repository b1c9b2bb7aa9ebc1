#!/usr/bin/env bats
# timeout: 900
# System calls of a launch with a writable root made to fail: the namespace for the mapping, and what makes the root.
load ../lib/common
load ../attack/200-helpers
load faults
FAULTS_REQUEST=(image=tiny network=none scratch=yes)

setup_file() {
	sed -i 's/^\[allow research\]/&\nscratch = 4M/' "$POLICY"
	faults_setup
}

every() { # COMMAND-PATTERN ERROR
	local call count number
	while read -r call count; do
		[[ $call =~ ^($1)$ ]] || continue
		for ((number = 1; number <= count && number <= 12; number++)); do
			inject "$call" $number "$2"
		done
	done </run/stage/counts
}

@test "there is something to fail" {
	grep -q '^clone3 [2-9]' /run/stage/counts || { grep clone /run/stage/counts && false; }
	grep -q '^mount_setattr [1-9][0-9]' /run/stage/counts
	grep -q '^statfs ' /run/stage/counts
}

@test "the process in the namespace: made, mapped, ended" {
	every 'clone3|kill|wait4|uname|pause' EAGAIN
	every 'mount_setattr' EINVAL
	faults_agree
}

@test "the root: file systems, directories, owner" {
	every 'fs(open|mount)|mkdir.*|fchown.*|fchmod.*' ENOMEM
	every 'fsconfig|statfs' EINVAL
	faults_agree
}
