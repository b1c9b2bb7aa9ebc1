# Helpers for the attack files 2xx, the fault tests and flow/050: load after ../lib/common.
# shellcheck shell=bash

# Seconds. A record may take five, and a refusal of its own five more; the rest is for a slow machine. Who hangs, hangs
# longer.
DEADLINE=40
MARK=/home/alice/mark

# boxdo_processes: what runs our program, and everything in a PID namespace below the stage's.
boxdo_processes() {
	local own pid
	own=$(readlink /proc/1/ns/pid)
	own=${own//[/\\[} # find takes it as a pattern
	{ find /proc/[0-9]*/exe -maxdepth 0 -lname "$LAUNCH*" || true; } 2>/dev/null
	{ find /proc/[0-9]*/ns/pid -maxdepth 0 -lname 'pid:*' ! -lname "$own" || true; } 2>/dev/null | while IFS=/ read -r _ _ pid _; do
		echo "/proc/$pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")" || true
	done
	return 0
}

# boxdo_loops: loop devices on this stage's images, by inode (other stages have theirs).
boxdo_loops() {
	local inodes
	inodes=$(stat -c ' %i ' /srv/images/*.sqfs | paste -sd'|')
	losetup -nlO NAME,BACK-INO,BACK-FILE | sed 's/$/ /' | grep -E "$inodes" || true
}

no_boxdo_processes() {
	[[ -z $(boxdo_processes) ]]
}

# traces: all that a launch could leave; the same before and after.
traces() {
	boxdo_processes
	boxdo_loops
	sed 's/^[^ ]* [^ ]* //' /proc/1/mountinfo | sort
	find /sys/fs/cgroup -mindepth 1 -type d | sort
	find /run/boxdo -not -path '/run/boxdo/rate/*' -not -path '/run/boxdo/running/*' | sort
	find /dev/shm -maxdepth 1 | sort
}

# begin_traces, in setup, after a first launch: what is there from now on. nothing_left: the same again, soon.
begin_traces() {
	# A device that the launch before has just let go of is not what is there.
	wait_for -t 5 no_boxdo_loops || true
	traces >/run/stage/traces
}
no_boxdo_loops() {
	[[ -z $(boxdo_loops) ]]
}
nothing_left() {
	wait_for no_new_traces || {
		diff /run/stage/traces <(traces)
		return 1
	}
}
no_new_traces() {
	diff -q /run/stage/traces <(traces)
}

# launches WHO ARG...: one launch, timed: $status, $output and $seconds are set; never waits longer than 90 s.
launches() {
	local begin=$SECONDS
	run timeout -k 1 90 "$TOP/tests/lib/as" "$1" boxdo run "${@:2}" </dev/null
	# shellcheck disable=SC2034
	seconds=$((SECONDS - begin))
}

# refused: the last one was: in time, with one line of ours, and nothing ran.
refused() { # REGEX
	assert_status 125
	[[ $seconds -le $DEADLINE ]] || { echo "took $seconds s" && return 1; }
	assert_match '^boxdo: '
	assert_match "$1"
	# shellcheck disable=SC2154
	[[ ${#lines[@]} -le 2 ]] || { echo "not a line or two: $output" && return 1; }
	[[ ! -e $MARK ]] || { echo "it ran" && return 1; }
}

# field NAME MATCH...: that field of the last matching record, its bytes.
field() {
	journalctl --namespace=boxdo --quiet --all --output=cat --output-fields="BOXDO_$1" --lines=1 "${@:2}"
}

# one_of_each: every launch on record has exactly one end, no id has two launches.
one_of_each() {
	local twice
	every_launch_has_its_end || {
		echo 'without an end:'
		raw_records | jq -rs '(map(select(.BOXDO_EVENT == "end") | {(.BOXDO_ID): true}) | add) as $ended | .[] |
			select(.BOXDO_EVENT == "launch" and ($ended[.BOXDO_ID] | not)) | .BOXDO_COMMAND'
		return 1
	}
	twice=$(raw_records BOXDO_EVENT=launch + BOXDO_EVENT=end | jq -r '[.BOXDO_ID, .BOXDO_EVENT, .BOXDO_RECORD] | join(" ")' |
		sort -u | cut -d' ' -f1,2 | uniq -d)
	[[ -z $twice ]] || { echo "more than one: $twice" && return 1; }
}

# native SOCKET: sends standard input as one datagram of journald's own protocol; for others `perl -e "$NATIVE" SOCKET`.
# (perl: Debian always has it.)
# shellcheck disable=SC2016
NATIVE='use Socket; local $/; my $data = <STDIN>; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die "$!\n";
	connect($s, pack_sockaddr_un($ARGV[0])) or die "$!\n"; defined(send($s, $data, 0)) or die "$!\n"'
native() {
	perl -e "$NATIVE" "$1"
}

# fill_queue SOCKET: until journald's queue takes no more (it must be stopped).
fill_queue() {
	# shellcheck disable=SC2016
	perl -e 'use Socket; use Fcntl; my $n = 0;
		for (;;) { socket(my $s, AF_UNIX, SOCK_DGRAM, 0); fcntl($s, F_SETFL, O_NONBLOCK);
			connect($s, pack_sockaddr_un($ARGV[0])) or last; send($s, "MESSAGE=filling\n", 0) or last; last if ++$n > 5000 }
		print "$n\n"' "$1"
}
