#!/usr/bin/env bats
# Every system call of a launch made to fail, one by one, with two errors: see faults/faults.bash.
# timeout: 1800
load ../lib/common
load ../attack/200-helpers
load ../faults/faults

setup_file() {
	faults_setup
}

all() { # ERROR
	local call count number
	while read -r call count; do
		for ((number = 1; number <= count; number++)); do
			inject "$call" $number "$1"
		done
	done </run/stage/counts
	faults_agree
}

@test "every system call fails with EIO" {
	all EIO
}

@test "every system call fails with ENOMEM" {
	all ENOMEM
}

@test "SIGKILL to HANDLE at every moment, a twentieth of a millisecond later each time" {
	for ((i = 0; i < 600; i++)); do
		as_user alice perl -e 'my $pid = fork(); if (!$pid) { open(STDERR, ">", "/dev/null"); exec(@ARGV[1 .. $#ARGV]) }
			select(undef, undef, undef, $ARGV[0] / 20000); kill(9, $pid); waitpid($pid, 0)' $i \
			"$LAUNCH" 1 image=tiny network=none -- sh -c "$PAYLOAD" sh "/home/alice/m.kill.$i" </dev/null >/dev/null
	done
	wait_for -t 20 no_boxdo_processes
	faults_agree
}
