#!/usr/bin/env bats
# timeout: 1800
# Limits, timers, signals, freezers and kills, at any moment: no command without its launch record, no launch
# without its end, and nothing left. Each payload leaves a mark of its own, to be held against the records.
load ../lib/common
load 200-helpers

setup_file() {
	cp "$POLICY" /run/stage/policy.conf
	as_user alice boxdo run tiny true
	every_launch_has_its_end
}

setup() {
	cat /run/stage/policy.conf >"$POLICY"
	# Hundreds of launches: the budget is tested elsewhere.
	printf '\n[settings]\nrecord_rate = 100M\nrecord_burst = 1G\n' >>"$POLICY"
	as_user alice boxdo run tiny true
	every_launch_has_its_end
	wait_for no_boxdo_processes
	begin_traces
	rm -f /home/alice/m.*
	before=$(raw_records | wc -l)
}

teardown() {
	local name
	for name in journald journald-boxdo; do
		kill -CONT "$(cat /run/stage/$name.pid)"
	done
	echo 0 >/sys/fs/cgroup/user.slice/alice/cgroup.freeze
	pkill -KILL -x boxdo || true # HANDLEs of containers a test left running, all in this stage
	[[ ! -d /sys/fs/cgroup/user.slice/alice/sub ]] || {
		echo 1 >/sys/fs/cgroup/user.slice/alice/sub/cgroup.kill
		wait_for rmdir /sys/fs/cgroup/user.slice/alice/sub
	}
}

# marks_agree [AT-LEAST]: each mark has its launch record, made for this very command; those records have one end;
# and a command that ended with 0 left its mark. At least so many of each.
marks_agree() {
	wait_for no_boxdo_processes
	one_of_each
	find /home/alice -name 'm.*' -printf '%f\n' | sort >/tmp/marks
	raw_records | tail -n "+$((before + 1))" >/tmp/records
	jq -r 'select(.BOXDO_EVENT == "launch") | .BOXDO_COMMAND' /tmp/records | grep -o 'm\.[0-9a-z.]*' | sort >/tmp/recorded
	jq -rs 'map(select(.BOXDO_EVENT == "end" and .BOXDO_EXIT == "0") | {(.BOXDO_ID): true}) | add as $ok |
		$all[] | select(.BOXDO_EVENT == "launch" and $ok[.BOXDO_ID]) | .BOXDO_COMMAND' --slurpfile all /tmp/records /tmp/records |
		grep -o 'm\.[0-9a-z.]*' | sort >/tmp/succeeded || true
	assert_equal "$(uniq -d /tmp/recorded)" ''
	assert_equal "$(comm -23 /tmp/marks /tmp/recorded)" ''
	assert_equal "$(comm -13 /tmp/marks /tmp/succeeded)" ''
	[[ $(wc -l </tmp/marks) -ge ${1-0} ]] || { echo "only $(wc -l </tmp/marks) ran" && return 1; }
	nothing_left
}

@test "resource limits, at every value: recorded and run, or refused and not run" {
	limits() { # NAME VALUE...
		local name=$1 value
		for value in "${@:2}"; do
			as_user alice env --ignore-signal=XFSZ,PIPE timeout 200 prlimit "--$name=$value:$value" \
				boxdo run tiny touch "/home/alice/m.$name.$value" </dev/null >/dev/null 2>&1 || true
			as_user alice timeout 200 prlimit "--$name=$value:$value" "$LAUNCH" 1 image=tiny \
				-- touch "/home/alice/m.$name.$value.direct" </dev/null >/dev/null 2>&1 || true
		done
	}
	limits fsize 0 1 16 100 4095 4096 65536
	limits nofile 0 1 2 3 4 5 6 7 8 9 10 11 12 14 16 20 24 32 48 64
	limits as 0 4096 1000000 2000000 3000000 4000000 6000000 8000000 12000000 20000000 50000000
	limits cpu 0 1
	limits nproc 0 1 2 3 4
	limits stack 0 4096 8192 16384 65536 131072 262144 1048576
	limits data 0 4096 65536 200000 400000 1000000
	limits memlock 0 1
	limits msgqueue 0
	limits sigpending 0 1 2
	marks_agree 25
}

@test "where root may not lift it, a limit of processor time that could kill who owes the end is refused" {
	local seconds
	without() { # SECONDS: alice's launch, with a root that lacks CAP_SYS_RESOURCE, as in a container
		run setpriv --reuid alice --regid alice --init-groups --bounding-set=-sys_resource \
			prlimit "--cpu=$1:$1" "$LAUNCH" 1 image=tiny -- touch /tmp/m
	}
	settled
	for seconds in 1 2 30 59; do
		without $seconds
		# The kernel may have been quicker with the first.
		[[ $seconds -eq 1 && $status -eq 137 ]] || assert_status 125
		[[ $status -eq 137 ]] || assert_output 'boxdo: your limit of processor time (ulimit -t) is under a minute, and root may not lift it here (no CAP_SYS_RESOURCE)'
	done
	assert_equal "$(raw_records BOXDO_EVENT=launch | wc -l)" "$(raw_records BOXDO_EVENT=end | wc -l)"
	before=$(raw_records | wc -l)
	for seconds in {1..100}; do without 0; done # dies of it or is refused, but always before its record
	assert_equal "$(raw_records | wc -l)" "$before"
	without 60
	assert_success
	nothing_left
}

@test "what a file size limit leaves is root's state, whole" {
	rm -rf /run/boxdo/rate/2001 /run/boxdo/state /run/boxdo/policy
	for value in 0 1 100; do
		as_user alice prlimit --fsize=$value:$value boxdo run tiny true 2>/dev/null || true
	done
	# It has all its blocks or none; a hole that cannot be filled would kill whoever writes to it.
	as_user alice boxdo run tiny touch /home/alice/m.after
	assert_equal "$(stat -c %b /run/boxdo/state)" 8
	marks_agree 1
}

@test "an interval timer that is pending kills nothing half done" {
	# The long ones are for a slow machine: by them a launch is always through.
	for microseconds in 100 300 500 700 900 1100 1300 1500 2000 2500 3000 4000 5000 7000 9000 12000 20000 \
		50000 200000 1000000 30000000 60000000 90000000; do
		for timer in 0 1 2; do
			# setitimer is system call 38: ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF.
			as_user alice timeout 200 perl -e 'syscall(38, $ARGV[1] + 0, pack("q4", 0, 0, 0, $ARGV[0]), 0) == 0 or die;
				exec("boxdo", "run", "tiny", "touch", "/home/alice/m.$ARGV[0].$ARGV[1]")' $microseconds $timer >/dev/null 2>&1 || true
		done
	done
	marks_agree 20
}

# What the two below have in common: `start` is a launch; $span is how long one takes here and now, in seconds; `enough` are
# there when so many have left their mark.
# shellcheck disable=SC2016
LAUNCHES='
	use Time::HiRes qw(time sleep);
	sub start {
		my $pid = fork() // die;
		return $pid if $pid;
		open(STDIN, "<", "/dev/null"); open(STDERR, ">", "/dev/null");
		exec(@_);
		exit(1);
	}
	sub enough { my @marks = glob("/home/alice/m.*"); return @marks >= $_[0]; }
	my @took;
	for (1 .. 5) { my $begin = time(); waitpid(start("boxdo", "run", "tiny", "true"), 0); push(@took, time() - $begin); }
	my $span = 1.2 * (sort { $a <=> $b } @took)[2];
'

# storm COUNT SIGNALS...: launches as alice, each sent one of the signals at a random moment: so many, and more until 20
# have run.
storm() {
	as_user alice timeout 900 perl -e "$LAUNCHES"'
		my ($count, @signals) = @ARGV;
		srand(4711);
		for (my $i = 1; $i <= $count || ($i <= 10 * $count && !enough(20)); $i++) {
			my $pid = start("boxdo", "run", "tiny", "touch", "/home/alice/m.$i");
			sleep(rand($span));
			kill($signals[int(rand(@signals))], $pid);
			if ($i % 3 == 0) { select(undef, undef, undef, 0.002); kill($signals[int(rand(@signals))], $pid); }
			# Whoever was stopped goes on; whoever hangs is a failure.
			my $end = time() + 100;
			while (waitpid($pid, 1) == 0) {
				select(undef, undef, undef, 0.001);
				kill(18, $pid);
				die "launch $i hangs\n" if time() > $end;
			}
		}' "$@"
}

@test "every signal to the helper's PID, at random moments of the set-up: every launch has its end" {
	# All that exist but KILL and STOP, real-time ones included.
	storm 300 {1..8} {10..18} {20..31} 34 64
	marks_agree 20
}

@test "SIGKILL, SIGSTOP and SIGCONT to the helper's PID at random moments: every launch has its end" {
	storm 200 9 9 19 18
	marks_agree 20
}

@test "SIGKILL to HANDLE a little later each time, until the launch is through" {
	as_user alice timeout 900 perl -e "$LAUNCHES"'
		for (my $i = 1; $i <= 160 || ($i <= 1600 && !enough(1)); $i++) {
			my $pid = start("/usr/libexec/boxdo/boxdo-launch", "1", "image=tiny", "--", "touch", "/home/alice/m.$i");
			sleep($i * $span / 160);
			kill(9, $pid);
			waitpid($pid, 0);
		}'
	marks_agree 1
}

@test "alice cannot signal SUPERVISOR" {
	as_user alice boxdo run tiny sh -c 'touch $HOME/m.super; sleep 600' </dev/null 3>&- &
	wait_for test -e /home/alice/m.super # before, SUPERVISOR's children have its name
	super=$(pgrep -U 0 -x boxdo-super)
	for signal in KILL STOP TERM CONT HUP 0 RTMIN; do
		run as_user alice bash -c "kill -$signal $super"
		assert_status 1
		assert_match 'not permitted'
	done
	assert_equal "$(awk '/^Uid/{print $2 $3 $4 $5}' "/proc/$super/status")" 0000
	assert_equal "$(cat "/proc/$super/cgroup" | sed -n 's/^0:://p')" /system.slice/boxdo.service/supervisors
	run as_user alice sh -c "echo $super >/sys/fs/cgroup/user.slice/alice/cgroup.procs"
	assert_match '(denied|rror)'
	kill -KILL "$(pgrep -x boxdo)" # HANDLE: alice may do that
	marks_agree
	assert_equal "$(field REASON BOXDO_EVENT=end)" 'caller gone'
}

# --- her own cgroup ---------------------------------------------------------------------------------------

SUB=/sys/fs/cgroup/user.slice/alice/sub

# in_sub COMMAND...: as alice, in a cgroup she made, in the background.
in_sub() {
	[[ -d $SUB ]] || as_user alice mkdir $SUB
	as_user alice sh -c "echo \$\$ >$SUB/cgroup.procs; exec \"\$@\"" sh "$@" </dev/null >/dev/null 2>&1 3>&- &
}

@test "cgroup.kill of the caller's cgroup: the end is on record" {
	in_sub boxdo run tiny sh -c 'touch $HOME/m.kill; sleep 600'
	wait_for test -e /home/alice/m.kill
	as_user alice sh -c "echo 1 >$SUB/cgroup.kill"
	marks_agree_without_sub 1
	run field REASON BOXDO_EVENT=end
	assert_match '(caller gone|killed from outside)'
}
marks_agree_without_sub() {
	wait_for no_boxdo_processes
	wait_for rmdir $SUB
	marks_agree "$@"
}

@test "cgroup.freeze of the caller's cgroup: max_runtime is not delayed, the end is on record" {
	sed -i 's/^network.*/&\nmax_runtime = 5s/' "$POLICY"
	in_sub boxdo run tiny sh -c 'touch $HOME/m.frozen; sleep 600'
	wait_for test -e /home/alice/m.frozen
	as_user alice sh -c "echo 1 >$SUB/cgroup.freeze"
	wait_for no_open_launch
	assert_equal "$(field REASON BOXDO_EVENT=end)" max_runtime
	[[ $(field DURATION_USEC BOXDO_EVENT=end) -lt 60000000 ]] # and not the command's own 600 s
	as_user alice sh -c "echo 0 >$SUB/cgroup.freeze"
	marks_agree_without_sub 1
}

@test "cgroup.freeze and cgroup.kill at random moments of the set-up: every launch has its end" {
	RANDOM=17
	for i in {1..30}; do
		in_sub boxdo run tiny touch "/home/alice/m.$i"
		sleep "0.0$((RANDOM % 4))$((RANDOM % 10))"
		echo 1 >$SUB/cgroup.freeze
		sleep 0.05
		((i % 2)) || echo 1 >$SUB/cgroup.kill
		echo 0 >$SUB/cgroup.freeze
		wait
	done
	marks_agree_without_sub 5
}

@test "a stopped HANDLE delays no limit; the end is on record; going on, it ends" {
	sed -i 's/^network.*/&\nmax_runtime = 5s/' "$POLICY"
	as_user alice boxdo run tiny sh -c 'touch $HOME/m.stopped; sleep 600' </dev/null 3>&- &
	wait_for test -e /home/alice/m.stopped
	as_user alice kill -STOP "$(pgrep -x boxdo)"
	wait_for no_open_launch
	assert_equal "$(field REASON BOXDO_EVENT=end)" max_runtime
	[[ $(field DURATION_USEC BOXDO_EVENT=end) -lt 60000000 ]] # and not the command's own 600 s
	as_user alice kill -CONT "$(pgrep -x boxdo)"
	got=0
	wait $! || got=$?
	assert_equal $got 137
	marks_agree 1
}

# --- a stuck /dev/log ---------------------------------------------------------------------------------------

# asks_log USER COMMAND...: how often anything of the launch turns to syslog.
asks_log() {
	strace -f -qq -u "$1" -o /run/stage/trace -e trace=connect,sendto,sendmsg,sendmmsg "${@:2}" >/dev/null 2>&1 || true
	grep -q 'sun_path="journal.boxdo/socket"' /run/stage/trace && grep -c 'sun_path="/\(dev/log\|run/systemd/journal/\)' /run/stage/trace || true
}

@test "the main journal stopped and /dev/log full: launches go on, and with a wrong password they end" {
	kill -STOP "$(main_journal_pid)"
	for socket in dev-log socket; do
		fill_queue /run/systemd/journal/$socket >/dev/null
	done
	launches alice tiny touch /home/alice/m.log
	assert_success
	launches mallory tiny true
	assert_status 125
	# Not for patience: nothing of a launch turns to it.
	assert_equal "$(asks_log alice boxdo run --contain tiny true)" 0
	assert_equal "$(asks_log mallory boxdo run --contain tiny true)" 0
	# pam_unix tells syslog of a wrong password, and waits for it: for as long as AUTH is let.
	sed -i 's/^network.*/&\npassword = yes/' "$POLICY"
	begin=$SECONDS
	run expect -c "set timeout 100; spawn -noecho $TOP/tests/lib/as alice boxdo run tiny touch /home/alice/m.wrong
		expect -nocase password:; send \"wrong\\r\"; expect eof; catch wait result; exit [lindex \$result 3]" </dev/null
	assert_status 125
	[[ $((SECONDS - begin)) -le $((DEADLINE + 20)) ]] || { echo "took $((SECONDS - begin)) s" && return 1; }
	[[ ! -e /home/alice/m.wrong ]]
	kill -CONT "$(main_journal_pid)"
	assert_equal "$(field RESULT BOXDO_EVENT=auth)" failure
	[[ $(asks_log alice boxdo run --contain -S tiny true <<<wrong) -gt 0 ]] # so that the test can tell
	marks_agree 1
}

# --- everything at once, last: it also ends the stage's FUSE server, which is alice's ------------------------

@test "SIGKILL to all that alice can reach, again and again: per launch one end, and marks agree" {
	# From kill to kill it is up to four times as long as a launch takes here and now, and longer where too few get through.
	local span i
	span=$(for _ in {1..5}; do
		begin=${EPOCHREALTIME/./}
		as_user alice boxdo run tiny true
		echo $((4 * (${EPOCHREALTIME/./} - begin)))
	done | sort -n | sed -n 3p)
	echo "$span" >/run/stage/span
	perl -e 'srand(1); $SIG{TERM} = sub { exit }; for (;;) { open(my $f, "<", "/run/stage/span"); select(undef, undef, undef, rand(<$f>) / 1e6);
		my $pid = fork(); if (!$pid) { $( = $) = "2001 2001"; $< = 2001; $> = 2001; kill(9, -1); exit } waitpid($pid, 0) }' 3>&- &
	killer=$!
	for ((i = 1; i <= 200 || (i <= 1000 && $(find /home/alice -name 'm.*' | wc -l) < 20); i++)); do
		((i <= 200 || i % 20)) || { span=$((2 * span)) && echo $span >/run/stage/span.new && mv /run/stage/span.new /run/stage/span; }
		as_user alice boxdo run tiny touch "/home/alice/m.$i" </dev/null >/dev/null 2>&1 || true
	done
	kill $killer
	wait $killer || true
	marks_agree 20
}
