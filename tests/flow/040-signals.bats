#!/usr/bin/env bats
# The processes of a running container as root sees them, signals, pipes, and how it ends: as the command
# itself would, whoever asks for it and however.
load ../lib/common
load ../lib/signals

setup_file() {
	counter
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
}

setup() {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
	out=$BATS_TEST_TMPDIR/out
}

# start COMMAND...: alice starts it in a session of its own; $pid is the process she knows.
start() {
	: >"$out"
	# A shell's background commands ignore INT and QUIT.
	env --default-signal=INT,QUIT "$TOP/tests/lib/as" alice "${starter[@]-setsid}" "$@" </dev/null >"$out" 2>&1 3>&- &
	pid=$!
}
start_counter() { # NUMBER
	start boxdo run python python3 -u count.py "$1"
	counts
}
# inside NAME: the host's PID of the process of alice's with that name
inside() {
	pgrep -u alice -x "$1"
}
# sleeps PID: the container that PID is the handle of runs sleep (nobody else's will do).
sleeps() {
	local supervisor init
	supervisor=$(pgrep -P "$1" -x boxdo-super) && init=$(pgrep -P "$supervisor" -x boxdo-init) &&
		pgrep -P "$init" -x sleep
}
status_of() { # PID FIELD
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | xargs
}
lone_child() { # PID
	[[ $(pgrep -c -P "$1") -eq 1 ]]
}
gone() { # NAME
	! pgrep -u alice -x "$1"
}

# --- the picture ----------------------------------------------------------------------------------------

@test "HANDLE, SUPERVISOR, INIT and the command: ids, capabilities, cgroups, groups, filters" {
	start boxdo run tiny sleep 600
	wait_for sleeps "$pid"
	supervisor=$(pgrep -P "$pid" -x boxdo-super)
	# Those that asked for SUPERVISOR were told to go, and are gone as soon as they have a processor.
	wait_for lone_child "$supervisor"
	init=$(pgrep -P "$supervisor")
	command=$(pgrep -P "$init")
	assert_equal "$(status_of "$pid" Name) $(status_of "$supervisor" Name) $(status_of "$init" Name) $(status_of "$command" Name)" \
		'boxdo boxdo-super boxdo-init sleep'
	for alices in $pid $init $command; do
		assert_equal "$(status_of "$alices" Uid)/$(status_of "$alices" Gid)/$(status_of "$alices" Groups)" \
			'2001 2001 2001 2001/2001 2001 2001 2001/2001 2101'
		for set in CapInh CapPrm CapEff CapBnd CapAmb; do
			assert_equal "$set $(status_of "$alices" $set)" "$set 0000000000000000"
		done
		assert_equal "$(status_of "$alices" NoNewPrivs)" 1
		assert_equal "$(grep ^0:: "/proc/$alices/cgroup")" 0::/user.slice/alice
		assert_equal "$(ps -o pgid=,sid= "$alices" | xargs)" "$pid $pid"
	done
	# It loads its filter while the command starts.
	wait_for eval '[[ $(status_of "$supervisor" Seccomp) -eq 2 ]]'
	assert_equal "$(status_of "$init" Seccomp) $(status_of "$command" Seccomp) $(status_of "$supervisor" Seccomp)" '2 2 2'
	assert_equal "$(status_of "$supervisor" Uid)/$(status_of "$supervisor" Gid)/$(status_of "$supervisor" Groups)" '0 0 0 0/0 0 0 0/'
	assert_equal "$(status_of "$supervisor" CapPrm) $(status_of "$supervisor" CapEff)" '0000000000000020 0000000000000020'
	assert_equal "$(status_of "$supervisor" CapBnd) $(status_of "$supervisor" CapInh) $(status_of "$supervisor" CapAmb)" \
		'0000000000000000 0000000000000000 0000000000000000'
	assert_equal "$(status_of "$supervisor" NoNewPrivs)" 1
	assert_equal "$(grep ^0:: "/proc/$supervisor/cgroup")" 0::/system.slice/boxdo.service/supervisors
	assert_equal "$(stat -c %U:%a /sys/fs/cgroup/system.slice/boxdo.service/supervisors)" root:755
	assert_equal "$(ps -o pgid=,sid= "$supervisor" | xargs)" "$supervisor $supervisor"
	assert_equal "$(ls -A "/proc/$supervisor/root/" "/proc/$supervisor/cwd/" | grep -v :$ | xargs)" ''
	assert_equal "$(readlink "/proc/$command/cwd")" /home/alice
	# No descriptor of the caller's stays with anybody but the command; HANDLE keeps what it prints to.
	for fd in 0 1 2; do
		assert_equal "$(readlink "/proc/$supervisor/fd/$fd" "/proc/$init/fd/$fd" | sort -u)" /dev/null
		assert_equal "$(readlink "/proc/$command/fd/$fd")" "$(if ((fd)); then echo "$out"; else echo /dev/null; fi)"
	done
	assert_equal "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | xargs)" "/dev/null /dev/null $out"
	assert_equal "$(ls "/proc/$command/fd" | xargs)" '0 1 2'
	# Of what was typed nothing is left where everybody can read it.
	assert_equal "$(tr '\0' ' ' <"/proc/$supervisor/cmdline" | xargs)" boxdo-super
	assert_equal "$(cat "/proc/$supervisor/environ" "/proc/$pid/environ" | tr -d '\0')" ''
	for namespace in pid mnt uts ipc; do
		[[ $(readlink "/proc/$command/ns/$namespace") != "$(readlink "/proc/self/ns/$namespace")" ]]
	done
	for namespace in user cgroup net; do
		assert_equal "$(readlink "/proc/$command/ns/$namespace")" "$(readlink "/proc/self/ns/$namespace")"
	done
	kill "$pid"
	wait "$pid" || true
	wait_for no_boxdo
}
no_boxdo() {
	! pgrep boxdo
}

@test "alice can neither signal nor trace nor move SUPERVISOR" {
	start boxdo run tiny sleep 600
	wait_for sleeps "$pid"
	supervisor=$(pgrep -P "$pid" -x boxdo-super)
	for signal in 0 TERM STOP KILL; do
		run as_user alice bash -c "kill -$signal $supervisor"
		assert_match 'Operation not permitted'
	done
	run as_user alice bash -c "cat /proc/$supervisor/environ /proc/$supervisor/maps; ls /proc/$supervisor/fd; echo $supervisor >/sys/fs/cgroup/user.slice/alice/cgroup.procs"
	refute_match 'boxdo-launch|root|socket'
	assert_match 'Permission denied'
	assert_equal "$(grep ^0:: "/proc/$supervisor/cgroup")" 0::/system.slice/boxdo.service/supervisors
	kill "$pid"
	wait "$pid" || true
}

# --- each signal once -----------------------------------------------------------------------------------

@test "each signal sent to the PID reaches the command once" {
	start_counter 26
	local count=0
	for signal in HUP INT QUIT ILL ABRT USR1 SEGV USR2 PIPE ALRM TERM TSTP CONT TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS 34 64; do
		sends $((++count)) "kill '$signal' => \$pid"
	done
	heard SIGHUP SIGINT SIGQUIT SIGILL SIGABRT SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGTSTP SIGCONT SIGTTIN SIGTTOU \
		SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS 34 64
}

@test "sent to the group: once" {
	start_counter 4
	local count=0
	for signal in USR1 TERM INT HUP; do
		sends $((++count)) "kill -$signal => \$pid"
	done
	heard SIGUSR1 SIGTERM SIGINT SIGHUP
}

@test "sent to the PID and the group, as timeout does, in either order: once" {
	start_counter 2
	sends 1 'kill TERM => $pid; kill -TERM => $pid'
	settled
	sends 2 'kill -INT => $pid; kill INT => $pid'
	heard SIGTERM SIGINT
	# By timeout itself, whose clock is ALRM.
	start timeout -s USR1 100 boxdo run python python3 -u count.py 1
	counts
	kill -ALRM "$pid"
	wait "$pid" || assert_equal $? 124
	assert_equal "$(grep -c SIGUSR1 "$out")" 1
}

@test "sent again and again to the PID: as often as it was sent" {
	start_counter 5
	for count in 1 2 3 4 5; do
		sends $count 'kill TERM => $pid'
	done
	heard SIGTERM SIGTERM SIGTERM SIGTERM SIGTERM
	start_counter 2
	sends 1 'kill -USR1 => $pid'
	settled
	sends 2 'kill USR1 => $pid'
	heard SIGUSR1 SIGUSR1
}
@test "sent to every process of alice's, one by one, as a session's end does: once or twice, and it ends" {
	start boxdo run tiny sleep 600
	wait_for inside sleep
	pkill -TERM -u alice
	wait "$pid" || assert_equal $? 143
	wait_for gone sleep
	every_launch_has_its_end
}

@test "a command in a process group of its own gets what was sent to the PID, and what was sent to the group" {
	start boxdo run python setsid -w python3 -u count.py 2
	counts
	sends 1 'kill USR1 => $pid'
	sends 2 'kill -USR2 => $pid'
	heard SIGUSR1 SIGUSR2
	start boxdo run python python3 -u -c 'import os; os.setpgid(0, 0); exec(open("count.py").read())' 2
	counts
	sends 1 'kill TERM => $pid'
	sends 2 'kill -INT => $pid'
	heard SIGTERM SIGINT
}

@test "what the caller ignores stays ignored, and what it does not is heard" {
	start nohup boxdo run python python3 -u count.py 1
	wait_for grep -q ready "$out"
	kill -HUP "$pid"
	sleep 0.1
	kill -HUP -- "-$pid"
	sleep 0.1
	kill -TERM "$pid"
	wait "$pid"
	assert_equal "$(grep -v nohup "$out" | xargs)" 'ready SIGTERM'
}

@test "signals from inside to process 1 change nothing" {
	run as_user alice boxdo run tiny sh -c 'for s in TERM INT HUP KILL STOP USR1 SEGV; do kill -$s 1; done; sleep 0.2; echo alive'
	assert_success
	assert_output alive
}

# --- ends -----------------------------------------------------------------------------------------------

@test "timeout ends a container in time" {
	begin=$SECONDS
	run as_user alice timeout 1 boxdo run tiny sleep 600
	assert_status 124
	((SECONDS - begin < 60))
	run as_user alice timeout -s KILL 0.5 boxdo run tiny sleep 600
	assert_status 137
	run as_user alice timeout --foreground 0.5 boxdo run tiny sleep 600
	assert_status 124
	# It must run by then, so that the clock is ours.
	start timeout -k 0.3 100 boxdo run tiny sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	wait_for grep -q ready "$out"
	kill -ALRM "$pid"
	wait "$pid" || assert_equal $? 137
	wait_for gone sleep
	every_launch_has_its_end
}

@test "subprocess.terminate and kill end it, as they would end the command" {
	cat >/home/alice/popen.py <<-'END'
		import subprocess, time
		for end in "terminate", "kill":
		    p = subprocess.Popen(["boxdo", "run", "tiny", "sh", "-c", "echo up; exec sleep 600"], stdout=subprocess.PIPE)
		    p.stdout.readline(); getattr(p, end)(); print(p.wait(50))
	END
	run as_user alice /usr/bin/python3 popen.py
	assert_output $'-15\n-9'
	wait_for gone sleep
}

@test "SIGKILL to the PID alice knows ends the container at once, on record" {
	start boxdo run tiny sh -c 'sleep 600 & setsid sleep 610 & sleep 620'
	wait_for three_sleep
	kill -KILL "$pid"
	wait "$pid" || assert_equal $? 137
	wait_for gone sleep
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end") | [.signal, .reason] | join(" ")' | tail -n 1)" '"9 caller gone"'
}

three_sleep() {
	(($(pgrep -u alice -x -c sleep) == 3))
}

@test "the command ends by one signal while the next is being passed on: its end is not lost" {
	for _ in {1..10}; do
		# shellcheck disable=SC2016
		start boxdo run tiny sh -c 'trap "exit 3" USR1; trap "" USR2 HUP; echo ready; while :; do sleep 0.02; done'
		wait_for grep -q ready "$out"
		# INIT waits some milliseconds with each, whether the group was sent it too: USR1 ends the command meanwhile.
		chrt --fifo 9 perl -e 'kill $_ => $ARGV[0] for "USR1", "USR2", "HUP"' "$pid"
		wait_for not_there "$pid"
		status=0
		wait "$pid" || status=$?
		assert_equal $status 3
	done
}
not_there() { # PID
	[[ ! -e /proc/$1/status || $(status_of "$1" State) == Z* ]]
}

@test "the command killed from outside, and INIT killed from outside: ends, with what happened" {
	start boxdo run tiny sleep 600
	wait_for inside sleep
	kill -KILL "$(inside sleep)"
	wait "$pid" || assert_equal $? 137
	start boxdo run tiny sleep 600
	wait_for inside sleep
	as_user alice kill -KILL "$(inside boxdo-init)"
	wait "$pid" || assert_equal $? 137
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end") | .reason' | tail -n 2 | xargs -d '\n')" \
		'"command ended" "killed from outside, or for memory"'
}

@test "SIGSTOP to HANDLE stops neither the command nor its limit nor the record" {
	sed -i '/^network/a max_runtime = 6s' $POLICY
	start boxdo run tiny sh -c 'echo up; until [ -e handle-stands ]; do sleep 0.05; done; echo went on; sleep 600'
	wait_for grep -q up "$out"
	kill -STOP "$pid"
	wait_for stopped "$pid"
	touch /home/alice/handle-stands
	wait_for grep -q 'went on' "$out"
	wait_for gone sleep
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end") | .reason' | tail -n 1)" '"max_runtime"'
	kill -CONT "$pid"
	wait "$pid" || assert_equal $? 137
	assert_match_file 'stopped: max_runtime'
}
assert_match_file() {
	output=$(cat "$out")
	assert_match "$1"
}

@test "freezing and killing the delegated cgroup: the limit holds, the end is on record" {
	sed -i '/^network/a max_runtime = 6s' $POLICY
	start boxdo run tiny sleep 600
	wait_for inside sleep
	as_user bob true
	echo 1 >/sys/fs/cgroup/user.slice/alice/cgroup.freeze
	wait_for no_open_launch
	echo 0 >/sys/fs/cgroup/user.slice/alice/cgroup.freeze
	wait "$pid" || assert_equal $? 137
	start boxdo run tiny sleep 600
	wait_for inside sleep
	echo 1 >/sys/fs/cgroup/user.slice/alice/cgroup.kill
	wait "$pid" || assert_equal $? 137
	every_launch_has_its_end
	wait_for gone sleep
}

@test "stop and go by hand: TSTP to the PID stops the command and HANDLE, CONT goes on" {
	# In a session of its own its group would be an orphan, which the kernel does not stop.
	starter=(perl -e 'setpgrp; exec @ARGV')
	start boxdo run tiny sh -c 'echo up; until [ -e go-on ]; do sleep 0.1; done; echo done'
	wait_for grep -q up "$out"
	kill -TSTP "$pid"
	wait_for stopped "$pid"
	stopped "$(inside sh)"
	touch /home/alice/go-on
	sleep 1.2
	! grep done "$out"
	kill -CONT "$pid"
	wait "$pid"
	grep -q done "$out"
}
stopped() { # PID
	[[ $(status_of "$1" State) == T* ]]
}

@test "what the command left running ends with it" {
	run as_user alice boxdo run tiny sh -c 'sleep 600 & setsid sleep 610 & nohup sleep 620 >/dev/null 2>&1 & exit 3'
	assert_status 3
	wait_for gone sleep
}

# --- pipes ----------------------------------------------------------------------------------------------

@test "a gigabyte through stdin and stdout, unharmed" {
	as_user alice bash -c 'cmp <(seq 500000000 | head -c 1G) <(seq 500000000 | head -c 1G | boxdo run tiny cat)'
}

@test "closed pipes end either side, as without boxdo" {
	run as_user alice timeout 50 bash -c 'yes | boxdo run tiny head -n 1; echo "${PIPESTATUS[*]}"'
	assert_output $'y\n141 0'
	run as_user alice timeout 50 bash -c 'boxdo run tiny yes | head -n 1; echo "${PIPESTATUS[*]}"'
	assert_output $'y\n141 0'
	# The reader sees the end when the command lets go, not when it ends.
	run as_user alice timeout 50 bash -c 'exec 9< <(exec boxdo run tiny sh -c "echo x; exec >&-; sleep 600" 2>/dev/null)
		cat <&9; echo end; kill $!'
	assert_success
	assert_output $'x\nend'
	every_launch_has_its_end
}

@test "command substitution does not wait for what lingers" {
	run as_user alice timeout 50 bash -c 'x=$(boxdo run tiny sh -c "sleep 600 & echo out"); echo "[$x] $?"'
	assert_output '[out] 0'
}

@test "without a terminal, a session or any open descriptor" {
	run as_user alice setsid -w boxdo run tiny sh -c 'cat; echo ran; tty' </dev/null
	assert_output $'ran\nnot a tty'
	run as_user alice bash -c 'boxdo run tiny sh -c "cat; echo ran" <&- | cat'
	assert_match '(^|'$'\n'')ran$'
	as_user alice bash -c 'boxdo run tiny sh -c "touch /home/alice/without" <&- >&- 2>&-'
	[[ -e /home/alice/without ]]
}

@test "in the background of a script it goes on, deaf to ^C, until waited for" {
	run as_user alice bash -c 'boxdo run tiny sh -c "echo up >up; sleep 0.3; echo late; exit 5" & until [[ -e up ]]; do sleep 0.01; done; kill -INT $!; wait $!; echo $?'
	assert_output $'late\n5'
}

@test "ten at once, each with its own status" {
	run as_user alice bash -c 'for i in {0..9}; do boxdo run tiny sh -c "exit $i" & pids+=($!); done
		for p in "${pids[@]}"; do wait $p; printf "%s " $?; done'
	assert_output '0 1 2 3 4 5 6 7 8 9 '
	every_launch_has_its_end
}

given_up() {
	records 'select(.event == "refuse") | .reason' | grep -c 'given up' || true
}
@test "given up before the command runs: by the signal, on record, nothing left" {
	local before
	before=$(given_up)
	for signal in INT TERM HUP; do
		echo 'account required pam_exec.so /bin/sleep 600' >/etc/pam.d/boxdo
		start boxdo run tiny touch /home/alice/ran
		wait_for pgrep -x sleep
		kill -$signal "$pid"
		status=0
		wait "$pid" || status=$?
		assert_equal "$status" $((128 + $(kill -l $signal)))
		assert_match_file '^boxdo: given up: signal'
		wait_for no_sleep
	done
	cp "$TOP/etc/pam.d/boxdo" /etc/pam.d/boxdo
	[[ ! -e /home/alice/ran ]]
	assert_equal "$(given_up)" $((before + 3))
	every_launch_has_its_end
	wait_for no_boxdo
}
no_sleep() {
	pkill -KILL -x sleep # PAM's children have every signal blocked
	! pgrep -x sleep
}

@test "a signal in the moment the command ends does not hide how it ended" {
	local run super status=0
	rm -f /home/alice/go-on
	as_user alice boxdo run tiny sh -c 'echo up; until [ -e go-on ]; do sleep 0.1; done; exit 7' </dev/null >"$out" 2>&1 3>&- &
	run=$!
	wait_for grep -q up "$out"
	# SUPERVISOR reaps INIT late, and hears nobody any more: what HANDLE passes on stays unread.
	super=$(pgrep -x boxdo-super)
	strace -qq -p "$super" -o /run/stage/trace -e trace=wait4 -e inject=wait4:delay_enter=2000000 3>&- &
	wait_for grep -q 'TracerPid:.[1-9]' "/proc/$super/status"
	touch /home/alice/go-on
	wait_for eval '[[ $(ps -o stat= -p "$(pgrep -x boxdo-init)") == Z* ]]'
	pkill -WINCH -u alice -x boxdo
	wait $run || status=$?
	assert_equal $status 7
	every_launch_has_its_end
}
