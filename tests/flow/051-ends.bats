#!/usr/bin/env bats
# Why a container ended, as a word a program can read, and what it cost: all of its processes, however they went.
bats_require_minimum_version 1.5.0
load ../lib/common
load ../attack/200-helpers
load ../attack/201-helpers

# ends_as WORD [REGEX of REASON]: the last end on record, after every launch has its own.
ends_as() {
	every_launch_has_its_end
	all=$(fields end)
	has_field "ENDED=$1"
	has_field "REASON=${2-.*}"
}
# burner: two processes that burn time and never end, below a third; in the background. $container is HANDLE's parent.
burner() {
	rm -f /home/alice/started
	# shellcheck disable=SC2016
	as_user alice boxdo run tiny sh -c 'for i in 1 2; do (while :; do :; done) & done; touch $HOME/started; wait' \
		</dev/null >/dev/null 2>&1 3>&- &
	container=$!
	wait_for test -e /home/alice/started
	wait_for has_burnt
}
has_burnt() { # 200 ms of the two, which whoever else wants the processors does not keep from them
	local pids
	pids=$(pgrep -u alice -x sh) && renice -n -19 -p $pids >/dev/null
	# shellcheck disable=SC2046
	(($(cat $(printf '/proc/%s/stat ' $pids) | awk '{ sum += $14 + $15 } END { print sum }') >= 20)) || return
	# Nor do they keep INIT from it, which has half a second to end them and count.
	renice -n 19 -p $pids >/dev/null
	# shellcheck disable=SC2046
	renice -n -19 -p $(pgrep -x 'boxdo|boxdo-super|boxdo-init') >/dev/null
}
burnt() { # far more than setting up takes
	[[ $(field CPU_USEC BOXDO_EVENT=end) -ge 200000 ]] || { echo "CPU_USEC: $(field CPU_USEC BOXDO_EVENT=end)" && return 1; }
}

@test "exit, signal, not executed" {
	as_user alice boxdo run tiny true
	ends_as command 'command ended'
	has_field EXIT=0
	run as_user alice boxdo run tiny sh -c 'kill -TERM $$'
	ends_as signal 'command ended'
	has_field SIGNAL=15
	run -127 as_user alice boxdo run tiny nosuch
	ends_as not-executed 'not executed: nosuch: .*'
	run as_user alice boxdo run tiny /etc
	assert_status 126
	ends_as not-executed
}

@test "nobody waits for the record of an end: the status comes at once, the record when there is a journal again" {
	local begin container status=0
	rm -f /home/alice/started /home/alice/go
	as_user alice boxdo run tiny sh -c 'touch started; while [ ! -e go ]; do sleep 0.05; done; exit 7' </dev/null >/dev/null 2>&1 3>&- &
	container=$!
	wait_for test -e /home/alice/started
	journal_hang
	fill_queue /run/systemd/journal.boxdo/socket
	begin=${EPOCHREALTIME/./}
	touch /home/alice/go
	wait $container || status=$?
	assert_equal $status 7
	((${EPOCHREALTIME/./} - begin < 3000000))
	# INIT is gone; SUPERVISOR stays with what it owes.
	run pgrep -xl 'boxdo-init|boxdo|sh'
	refute_match 'boxdo'
	pgrep -x boxdo-super
	journal_resume
	every_launch_has_its_end
	wait_for no_boxdo_processes
}

@test "the caller is told before the end is sent" {
	(cd /home/alice && strace -f -qq -u alice -o "$BATS_TEST_TMPDIR/trace" -e trace=sendmsg /usr/bin/boxdo run tiny true)
	# Of whoever sent records: bytes, in order. A message to HANDLE has nine.
	run awk '/sendmsg\(.*MESSAGE_ID/ { supervisor = $1 } { sent[$1] = sent[$1] " " ($NF > 400 ? "record" : $NF) }
		END { print sent[supervisor] }' "$BATS_TEST_TMPDIR/trace"
	assert_match '9 record$'
	every_launch_has_its_end
}

@test "caller gone: the time of all its processes is on record" {
	burner
	kill -KILL "$(pgrep -x boxdo)"
	ends_as caller-gone 'caller gone'
	has_field SIGNAL=9
	burnt
	nothing_left
}

@test "caller gone and INIT stopped: gone all the same" {
	burner
	init=$(field INIT_PID BOXDO_EVENT=launch)
	as_user alice kill -STOP "$init"
	kill -KILL "$(pgrep -x boxdo)"
	ends_as caller-gone
	nothing_left
}

@test "max_runtime: likewise" {
	sed -i 's/^network.*/&\nmax_runtime = 6s/' "$POLICY"
	burner
	wait_for -t 60 no_open_launch
	ends_as max_runtime
	burnt
	[[ $(field DURATION_USEC BOXDO_EVENT=end) -ge 5900000 && $(field DURATION_USEC BOXDO_EVENT=end) -lt 60000000 ]]
}

@test "the command ends before its children: theirs counts" {
	as_user alice boxdo run tiny sh -c '(while :; do :; done) & until [ -e burnt ]; do sleep 0.05; done' </dev/null 3>&- &
	wait_for has_burnt
	touch /home/alice/burnt
	wait $!
	ends_as command
	burnt
}

@test "its process 1 killed from outside" {
	burner
	as_user alice kill -KILL "$(field INIT_PID BOXDO_EVENT=launch)"
	ends_as killed 'killed from outside.*'
	has_field SIGNAL=9
	wait "$container" || true
}

@test "killed for memory, where only the machine's own count tells" {
	[[ -z $(find /sys/fs/cgroup -name memory.events) ]] || skip 'the memory controller counts here, by cgroup: tests/vm kills for memory where it does'
	printf 'nr_free_pages 7\noom_kill 3\noom_kill_other 9\n' >/run/stage/vmstat
	mount --bind /run/stage/vmstat /proc/vmstat
	killed_when() { # COUNT: what the kernel has counted by the time the command is killed
		as_user alice boxdo run tiny sleep 770 </dev/null >/dev/null 2>&1 3>&- &
		wait_for pgrep -u alice -x sleep
		printf 'nr_free_pages 7\noom_kill %s\noom_kill_other 99\n' "$1" >/run/stage/vmstat
		as_user alice kill -KILL "$(pgrep -u alice -x sleep)"
		wait $! || true
	}
	killed_when 3
	every_launch_has_its_end
	cause=$(field ENDED BOXDO_EVENT=end)
	killed_when 4
	wait_for umount /proc/vmstat # SUPERVISOR lets go of it a moment after the caller was told
	assert_equal "$cause" signal
	ends_as memory-limit "killed for memory: its limit, its job's or the machine's"
	has_field SIGNAL=9
}

@test "process 1 gives up by itself: boxdo failed, and that is what is on record" {
	as_user alice boxdo run tiny sleep 880 </dev/null >/run/stage/failed 2>&1 3>&- &
	container=$!
	wait_for pgrep -u alice -x sleep
	init=$(field INIT_PID BOXDO_EVENT=launch)
	socket=$(find "/proc/$init/fd" -lname 'socket:*' -printf '%f')
	# Only root can: the socket to SUPERVISOR says that there is nobody. pidfd_open, pidfd_getfd.
	# shellcheck disable=SC2016
	perl -e 'my $s = syscall(438, syscall(434, $ARGV[0] + 0, 0), $ARGV[1] + 0, 0); open(my $h, "+<&=", $s) or die "$s $!\n"; shutdown($h, 0) or die "$!\n"' "$init" "$socket"
	wait "$container" || status=$?
	assert_status 137
	ends_as boxdo-failed "boxdo failed: the container's first process gave up"
	has_field SIGNAL=9
	! pgrep -u alice -x sleep
	nothing_left
}

@test "given up when its record could not be confirmed: not started, and the word says so" {
	journal_hang
	launches alice tiny touch /home/alice/ran
	journal_resume
	assert_status 125
	[[ ! -e /home/alice/ran ]]
	wait_for no_open_launch
	ends_as not-started 'not started: .*'
	lacks_field EXIT
	lacks_field SIGNAL
}

@test "both directories of the journal removed and made anew while a container runs: its end is on record" {
	burner
	kill -USR1 "$(cat /run/stage/hold-journald-boxdo.pid)"
	kill -TERM "$(cat /run/stage/hold-journald-boxdo.pid)"
	wait_for test ! -e "$sockets/socket"
	# What systemd does where RuntimeDirectoryPreserve=no, and an admin with a tidy mind.
	rm -rf "$sockets"
	mkdir "$sockets"
	mv "$files" "$files.old"
	install -d -m 2755 -g systemd-journal "$files"
	kill -KILL "$(pgrep -x boxdo)"
	sleep 1
	LOGS_DIRECTORY=$files RUNTIME_DIRECTORY=$sockets \
		/run/stage/socket-hold -m 0600 -p /run/stage/journald-boxdo.pid dgram:$sockets/socket dgram:$sockets/dev-log \
		stream:$sockets/stdout stream:$sockets/io.systemd.journal -- /lib/systemd/systemd-journald boxdo \
		>/run/stage/journald-boxdo.log 2>&1 3>&- &
	echo $! >/run/stage/hold-journald-boxdo.pid
	wait_for end_came
}
end_came() { # alone: its launch is in the directory that was put aside
	[[ $(field ENDED BOXDO_EVENT=end) == caller-gone ]]
}
