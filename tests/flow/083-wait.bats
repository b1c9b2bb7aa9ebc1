#!/usr/bin/env bats
# --cidfile and boxdo wait (docker wait): the file, the status kept, who waits between the caller and the container.
# shellcheck disable=SC2154 # stderr is set by run --separate-stderr
load ../lib/common
load ../lib/signals
bats_require_minimum_version 1.5.0

setup_file() {
	ln -sf /usr/bin/boxdo /usr/local/bin/docker
	counter
}

setup() {
	out=$BATS_TEST_TMPDIR/out
	rm -rf /home/alice/cid /home/alice/pipe /tmp/boxdo-2001 /run/user/2001/boxdo
	as_user alice mkfifo /home/alice/pipe
}

teardown() {
	boxdo stop -t 0 --all >/dev/null || true
}

start() { # COMMAND...: alice's, in a session of its own; $pid is the process she knows
	: >"$out" # or what the one before said is taken for its word
	env --default-signal=INT,QUIT "$TOP/tests/lib/as" alice setsid "$@" </dev/null >"$out" 2>&1 3>&- &
	pid=$!
}
held() { # COUNT: so many wait for a status
	[[ $(grep -c -e '-> FLOCK' /proc/locks) -ge $1 ]]
}
runs() { # NAME: the command of that name
	pgrep -u alice -x "$1"
}
# docker wait has found what runs, and waits for its end.
waits() {
	ls -l "/proc/$(pgrep -u alice -f '^docker wait')/fd" | grep -q pidfd
}
kept() {
	find /tmp/boxdo-2001 /run/user -type f 2>/dev/null | wc -l
}

@test "the name is in the file before the command starts, and its status is kept until docker rm" {
	run as_user alice docker run --cidfile cid -v /home/alice -w /home/alice tiny sh -c 'cat cid; exit 7'
	assert_status 7
	cid=$(</home/alice/cid)
	[[ $cid =~ ^[0-9a-f]{40}$ ]]
	assert_output "$cid"
	assert_equal "$(stat -c '%U %a %s' /home/alice/cid)" 'alice 644 40'
	assert_equal "$(stat -c '%U %a' /run/user/2001/boxdo "/run/user/2001/boxdo/$cid" | xargs)" 'alice 700 alice 600'
	for line in 'docker wait' 'boxdo podman wait' 'boxdo nerdctl wait' 'boxdo wait' 'docker container wait'; do
		# shellcheck disable=SC2086
		run as_user alice $line "$cid"
		assert_success
		assert_output 7
	done
	# Also when what runs cannot be asked for: it is her own file.
	mv /usr/libexec/boxdo/boxdo-launch /usr/libexec/boxdo/away
	run as_user alice docker wait "$cid"
	mv /usr/libexec/boxdo/away /usr/libexec/boxdo/boxdo-launch
	assert_output 7
	run as_user alice docker rm "$cid"
	assert_output "$cid"
	run as_user alice docker wait "$cid"
	assert_status 125
	assert_output "boxdo: no container $cid of yours runs, and nothing is kept of one"
	# It is the name on record.
	assert_equal "$(records 'select(.event == "launch") | .name' | tail -n 1)" "\"$cid\""
}

@test "a file that is there: nothing starts, nothing is changed, and it is on record; docker's and podman's alike" {
	echo mine >/home/alice/cid
	before=$(count_records BOXDO_EVENT=launch)
	for line in docker podman nerdctl; do
		run as_user alice boxdo $line run --cidfile cid tiny true
		assert_status 125
		assert_output "boxdo: --cidfile cid: the file is there; make sure that its container runs no more, and delete it"
	done
	assert_equal "$(</home/alice/cid)" mine
	assert_equal "$(count_records BOXDO_EVENT=launch)" "$before"
	assert_equal "$(kept)" 0
	run records 'select(.event == "refuse") | .reason'
	assert_match 'cidfile cid: the file is there'
	# A link that leads nowhere is a file that is there.
	as_user alice ln -sf /home/alice/elsewhere /home/alice/cid
	run as_user alice docker run --cidfile cid tiny true
	assert_status 125
	[[ ! -e /home/alice/elsewhere ]]
	run as_user alice docker run --cidfile /nowhere/cid tiny true
	assert_status 125
	assert_match 'cidfile /nowhere/cid: No such file or directory'
	rm /home/alice/cid
	run as_user alice boxdo explain docker run --cidfile cid tiny true
	assert_success
	[[ ! -e /home/alice/cid ]]
}

@test "docker wait does not return before the end, for any who wait; with --rm nothing is left then" {
	start docker run --rm --cidfile cid -v /home/alice -w /home/alice tiny sh -c 'read x <pipe; exit 3'
	wait_for test -s /home/alice/cid
	cid=$(</home/alice/cid)
	wait_for sh -c "boxdo ps --format json | grep -q $cid"
	id=$(boxdo ps --format json | jq -r .id)
	as_user alice docker wait "$cid" >"$BATS_TEST_TMPDIR/first" 3>&- &
	first=$!
	as_user alice docker wait "${id:0:12}" >"$BATS_TEST_TMPDIR/second" 3>&- &
	second=$!
	wait_for held 2
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/{first,second})" ''
	as_user alice sh -c 'echo >pipe'
	wait "$first"
	wait "$second"
	wait "$pid" || assert_equal $? 3
	assert_equal "$(cat "$BATS_TEST_TMPDIR/first")" 3
	assert_equal "$(cat "$BATS_TEST_TMPDIR/second")" 3
	assert_equal "$(kept)" 0
	run as_user alice docker wait "$cid"
	assert_status 125
}

@test "how it ends is the command's end: signals, no such command, a refusal" {
	run as_user alice docker run --cidfile cid tiny sh -c 'kill -TERM $$'
	assert_status 143
	run as_user alice docker wait "$(</home/alice/cid)"
	assert_output 143
	rm /home/alice/cid
	# The process ends by the signal, as the command did.
	run as_user alice bash -c 'docker run --cidfile cid tiny sh -c "kill -KILL \$\$"; echo $?'
	assert_match '(^|Killed.*)137$'
	rm /home/alice/cid
	run -127 as_user alice docker run --cidfile cid tiny no-such-command
	run as_user alice docker wait "$(</home/alice/cid)"
	assert_output 127
	rm /home/alice/cid
	run as_user alice docker run --cidfile cid --network none -v /root tiny true
	assert_status 125
	run as_user alice docker wait "$(</home/alice/cid)"
	assert_output 125
	# In a pipe nobody holds what the command has let go.
	rm /home/alice/cid
	run as_user alice timeout 50 bash -c 'exec 9< <(exec docker run --cidfile cid tiny sh -c "echo x; exec >&-; sleep 600" 2>/dev/null)
		cat <&9; docker kill $(cat cid) >/dev/null'
	assert_success
	assert_output x
}

@test "signals to the PID the caller knows, to the group, to both: once; stopped and continued" {
	start docker run --cidfile cid -v /home/alice -w /home/alice python python3 -u count.py 6
	counts
	local count=0
	for signal in HUP INT USR1 TERM TSTP CONT; do
		sends $((++count)) "kill $signal => \$pid"
	done
	heard SIGHUP SIGINT SIGUSR1 SIGTERM SIGTSTP SIGCONT
	rm /home/alice/cid
	start docker run --cidfile cid -v /home/alice -w /home/alice python python3 -u count.py 2
	counts
	sends 1 'kill -USR1 => $pid'
	settled
	sends 2 'kill TERM => $pid; kill -TERM => $pid'
	heard SIGUSR1 SIGTERM
	rm /home/alice/cid
	start docker run --cidfile cid tiny sleep 600
	wait_for runs sleep
	kill -STOP "$(pgrep -u alice -x sleep)"
	wait_for stopped "$pid"
	kill -CONT -- "-$pid"
	wait_for eval '! stopped "$pid"'
	kill "$pid"
	wait "$pid" || assert_equal $? 143
}
stopped() { # PID
	grep -q '^State:.T' "/proc/$1/status"
}

@test "by that name: ps, exec, inspect, kill; a name of one's own, which is taken while it runs and free again then" {
	start docker run --cidfile cid --name mine tiny sleep 600
	wait_for sh -c 'boxdo ps --format json | grep -q "\"mine\""'
	assert_equal "$(</home/alice/cid)" mine
	run as_user alice docker run --cidfile cid2 --name mine tiny true
	assert_status 125
	assert_match 'a container mine of yours runs; give this one another --name'
	[[ ! -e /home/alice/cid2 ]]
	as_user alice docker wait mine >"$BATS_TEST_TMPDIR/status" 3>&- &
	waits=$!
	wait_for held 1
	run as_user alice docker kill "$(</home/alice/cid)"
	assert_success
	wait "$waits"
	# boxdo stop sends TERM first.
	[[ $(cat "$BATS_TEST_TMPDIR/status") =~ ^1(37|43)$ ]]
	wait "$pid" || true
	# One of that name, whose status nobody keeps: the old one is not its.
	start docker run --name mine -v /home/alice -w /home/alice tiny sh -c 'read x <pipe'
	wait_for sh -c 'boxdo ps --format json | grep -q "\"mine\""'
	as_user alice docker wait mine >"$BATS_TEST_TMPDIR/status" 2>&1 3>&- &
	waits=$!
	wait_for waits
	as_user alice sh -c 'echo >pipe'
	wait "$waits" || assert_equal $? 125
	grep -q 'mine has ended, and its status is not kept' "$BATS_TEST_TMPDIR/status"
	wait "$pid"
	as_user alice docker run --cidfile cid2 --name mine tiny sh -c 'exit 9' || assert_equal $? 9
	run as_user alice docker wait mine
	assert_output 9
	start docker run --cidfile cid3 tiny sleep 600
	wait_for runs sleep
	run as_user alice sh -c 'docker exec $(cat cid3) echo inside; docker inspect -f {{.State.Status}} $(cat cid3)'
	assert_output $'inside\nrunning'
	as_user alice sh -c 'docker stop $(cat cid3)'
	wait "$pid" || assert_equal $? 143
	rm -f /home/alice/cid?
	for name in .. a/b ''; do
		run as_user alice docker run --cidfile cid2 --name "$name" tiny true
		assert_status 125
		[[ ! -e /home/alice/cid2 ]]
	done
}

@test "who waits for the container is killed: it goes on, and nothing is made up" {
	start docker run --cidfile cid -v /home/alice -w /home/alice tiny sh -c 'read x <pipe; exit 3'
	wait_for sh -c 'boxdo ps --format json | grep -q read'
	kill -KILL "$pid"
	wait "$pid" || true
	as_user alice docker wait "$(</home/alice/cid)" >"$BATS_TEST_TMPDIR/status" 2>&1 3>&- &
	waits=$!
	wait_for waits
	as_user alice sh -c 'echo >pipe'
	wait "$waits" || assert_equal $? 125
	grep -q 'has ended, and its status is not kept' "$BATS_TEST_TMPDIR/status"
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end") | .exit' | tail -n 1)" 3
}

@test "where it is kept: the session's directory, or one of the user's own that nobody else can write to" {
	mkdir -p /run/user/2001 /tmp/runtime
	chown alice /run/user/2001 /tmp/runtime
	as_user alice docker run --cidfile cid tiny true
	[[ -e /run/user/2001/boxdo/$(</home/alice/cid) ]]
	run as_user alice env XDG_RUNTIME_DIR=/tmp/runtime docker wait "$(</home/alice/cid)"
	assert_output 0
	rm /home/alice/cid
	as_user alice env XDG_RUNTIME_DIR=/tmp/runtime docker run --cidfile cid tiny true
	[[ -e /tmp/runtime/boxdo/$(</home/alice/cid) ]]
	rm -rf /home/alice/cid /run/user/2001 /tmp/boxdo-2001
	as_user alice docker run --cidfile cid tiny true
	assert_equal "$(stat -c '%U %a' /tmp/boxdo-2001 "/tmp/boxdo-2001/$(</home/alice/cid)" | xargs)" 'alice 700 alice 600'
	rm /home/alice/cid
	for bad in 'mkdir /tmp/boxdo-2001; chown mallory /tmp/boxdo-2001' 'mkdir -m 777 /tmp/boxdo-2001; chown alice /tmp/boxdo-2001' \
		'ln -s /home/alice /tmp/boxdo-2001' 'touch /tmp/boxdo-2001'; do
		rm -rf /tmp/boxdo-2001
		sh -c "$bad"
		# Another's session is no place either.
		run as_user alice env XDG_RUNTIME_DIR=/run/stage docker run --cidfile cid tiny true
		assert_status 125
		assert_match 'how the container ends cannot be kept in /tmp/boxdo-2001: '
		[[ ! -e /home/alice/cid ]]
	done
	rm -rf /tmp/boxdo-2001 /tmp/runtime
}

@test "without --cidfile: the end is waited for, and no status invented; what is unknown is no container" {
	start docker run -v /home/alice -w /home/alice tiny sh -c 'read x <pipe; exit 3'
	wait_for sh -c 'boxdo ps --format json | grep -q read'
	id=$(boxdo ps -q)
	as_user alice docker wait "$id" >"$BATS_TEST_TMPDIR/status" 2>&1 3>&- &
	waits=$!
	wait_for waits
	as_user alice sh -c 'echo >pipe'
	wait "$waits" || assert_equal $? 125
	assert_equal "$(cat "$BATS_TEST_TMPDIR/status")" "boxdo: $id has ended, and its status is not kept: --cidfile does that, and who started it has it"
	wait "$pid" || assert_equal $? 3
	for words in '' nothing ../../etc/passwd --latest; do
		# shellcheck disable=SC2086
		run as_user alice docker wait $words
		assert_status 125
	done
	# Others' are none of hers.
	as_user bob docker run --cidfile /tmp/bobs tiny true
	run as_user alice docker wait "$(</tmp/bobs)"
	assert_status 125
	rm -rf /tmp/bobs /tmp/boxdo-*
}
