#!/usr/bin/env bats
# timeout: 900
# Where nothing can be recorded, nothing runs: refused in time, said so, nothing left.
load ../lib/common
load 200-helpers
load 201-helpers

@test "the journal's directory is missing: refused" {
	mv "$files" "$files.away"
	launches alice tiny touch "$MARK"
	mv "$files.away" "$files"
	refused 'journal'
	nothing_left
}

@test "the socket is missing: refused" {
	mv "$sockets/socket" "$sockets/socket.kept"
	launches alice tiny touch "$MARK"
	refused 'recorded'
	# The refusal is owed; who waits with it has given up everything else, however early the launch failed.
	as_user alice boxdo run nonesuch true || true
	# shellcheck disable=SC2046 # one word a process
	run grep -hE '^(CapEff|CapBnd|Seccomp):' $(waiting | sed 's|.*|/proc/&/status|')
	assert_equal "$(sort -u <<<"$output" | tr -s '\t\n' ' ')" 'CapBnd: 0000000000000000 CapEff: 0000000000000020 Seccomp: 2 '
	# And it comes when the journal does.
	mv "$sockets/socket.kept" "$sockets/socket"
	wait_for -t 120 no_boxdo_processes
	# (Of two, whichever came last.)
	run journalctl --namespace=boxdo --quiet --output=cat --output-fields=BOXDO_REASON --lines=2 BOXDO_EVENT=refuse
	assert_match 'could not be recorded'
	nothing_left
}

@test "who waits with a record keeps nothing busy: no image, bind, directory, loop device, dead process" {
	mkdir -p /srv/busy
	mount -t tmpfs none /srv/busy
	install -m 644 /srv/images/tiny.sqfs /srv/busy/own.sqfs
	mkdir -m 777 /srv/busy/data
	mv "$sockets/socket" "$sockets/socket.kept"
	as_user_in /srv/busy/data alice boxdo run -v /srv/busy/data:/data tiny true &
	as_user_in /srv/busy/data alice boxdo run /srv/busy/own.sqfs true &
	as_user_in /srv/busy/data alice boxdo run tiny true &
	as_user_in /srv/busy/data alice "$LAUNCH" 1 nonsense &
	wait
	[[ $(waiting | wc -w) -eq 4 ]] || { ps -ef && return 1; }
	wait_for umount /srv/busy
	mv "$sockets/socket.kept" "$sockets/socket"
	wait_for -t 120 no_boxdo_processes
	# The same of one whose container was ready, and whose record lies in the queue.
	mount -t tmpfs none /srv/busy
	mkdir -m 777 /srv/busy/data
	sed -i 's|^binds.*|& /srv/busy|' "$POLICY"
	as_user alice boxdo run tiny true # the policy's record
	every_launch_has_its_end
	wait_for no_boxdo_processes
	journal_hang
	as_user_in /srv/busy/data alice boxdo run -v /srv/busy/data:/data tiny touch "$MARK" || true
	[[ $(waiting | wc -w) -eq 1 ]]
	wait_for umount /srv/busy
	wait_for no_loops
	# shellcheck disable=SC2046
	run ps -o stat=,comm= --ppid "$(waiting)"
	assert_output ''
	# 0 to 2, the directories of the journal, its file, and no more.
	run find "/proc/$(waiting)/fd" -mindepth 1 ! -lname /dev/null ! -lname '/var/log/journal*' ! -lname '/run/systemd*' ! -lname 'socket:*' -printf '%l\n'
	assert_output ''
	journal_resume
	nothing_left
	[[ ! -e $MARK ]]
	# And of one that ran, and whose end is not on record yet: its mounts went with it.
	mount -t tmpfs none /srv/busy
	mkdir -m 777 /srv/busy/data
	as_user_in /srv/busy/data alice boxdo run -v /srv/busy/data:/data tiny \
		sh -c 'touch /data/up; until [ -e /data/end ]; do sleep 0.02; done' 3>&- &
	wait_for test -e /srv/busy/data/up
	journal_hang
	touch /srv/busy/data/end
	wait $!
	[[ $(waiting | wc -w) -eq 1 ]]
	wait_for umount /srv/busy
	wait_for no_loops
	journal_resume
	nothing_left
	one_of_each
}
no_loops() {
	[[ -z $(boxdo_loops) ]]
}
# waiting: the SUPERVISORs there are, and no zombie. Their callers were told before they gave up what they do: its filter is
# the last that one of them takes.
waiting() {
	wait_for all_wait >&2
	supervisors
}
supervisors() {
	ps -eo pid=,stat=,comm= | awk '$3 == "boxdo-super" && $2 !~ /Z/ { print $1 }'
}
all_wait() {
	[[ -z $(supervisors | sed 's|.*|/proc/&/status|' | xargs -r grep -L '^Seccomp:.2') ]]
}

@test "the whole directory of the socket is missing: refused" {
	mv "$sockets" "$sockets.away"
	launches alice tiny touch "$MARK"
	mv "$sockets.away" "$sockets"
	refused 'systemd-journald@boxdo'
	nothing_left
}

@test "the socket is stale, a file where nobody listens: refused" {
	mv "$sockets/socket" "$sockets/socket.kept"
	perl -e 'use Socket; umask 0177; socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0])) or die' "$sockets/socket"
	launches alice tiny touch "$MARK"
	refused 'refused'
	rm "$sockets/socket"
	mv "$sockets/socket.kept" "$sockets/socket"
	wait_for -t 120 no_boxdo_processes
	nothing_left
	every_launch_has_its_end
}

@test "the socket is one that anybody may write to: refused" {
	chmod 0666 "$sockets/socket"
	launches alice tiny touch "$MARK"
	chmod 0600 "$sockets/socket"
	refused '0600'
	nothing_left
}

@test "journald is stopped: refused in time; once it goes on, the launch it finds in its queue has its end" {
	before=$(raw_records BOXDO_EVENT=launch | wc -l)
	journal_hang
	launches alice tiny touch "$MARK"
	refused 'could not be recorded'
	journal_resume
	every_launch_has_its_end
	assert_equal "$(raw_records BOXDO_EVENT=launch | wc -l)" $((before + 1))
	run field REASON BOXDO_EVENT=end
	assert_match '^not started: '
	assert_equal "$(fields end | grep -cE '^(EXIT|SIGNAL)=')" 0
	[[ ! -e $MARK ]]
	nothing_left
}

@test "journald is stopped and its queue full: refused in time" {
	journal_hang
	fill_queue "$sockets/socket"
	launches alice tiny touch "$MARK"
	refused 'could not be recorded'
	journal_resume
	nothing_left
	one_of_each
	[[ ! -e $MARK ]]
}

@test "journald is stopped under a policy never seen, and where a password is asked for: refused in time" {
	echo "# $RANDOM$RANDOM" >>"$POLICY"
	journal_hang
	launches alice tiny touch "$MARK"
	journal_resume
	refused 'could not be recorded'
	nothing_left
	sed -i 's/^network.*/&\npassword = yes/' "$POLICY"
	as_user alice boxdo run tiny true || true # so that the policy is known
	journal_hang
	answer "boxdo run tiny touch $MARK" alice
	journal_resume
	assert_status 125
	[[ ! -e $MARK ]]
	nothing_left
	one_of_each
}

@test "refusals wait no longer than launches, and say that they are not on record" {
	journal_hang
	launches mallory tiny true
	journal_resume
	refused 'could not be recorded'
	assert_match 'not permitted'
	nothing_left
}

@test "synced and unconfirmed launch while journald is stopped, and not when its queue is full" {
	for mode in synced unconfirmed; do
		cat /run/stage/policy.conf >"$POLICY"
		printf '\n[settings]\naudit = %s\n' $mode >>"$POLICY"
		as_user alice boxdo run tiny true
		every_launch_has_its_end
		assert_equal "$(field AUDIT_MODE BOXDO_EVENT=launch)" $mode
		rm -f "$MARK"
		journal_hang
		launches alice tiny touch "$MARK"
		assert_success
		[[ -e $MARK ]]
		rm "$MARK"
		fill_queue "$sockets/socket"
		launches alice tiny touch "$MARK"
		refused 'could not be recorded'
		journal_resume
		nothing_left
		one_of_each
	done
}

@test "one that root killed as it waited does not count any more" {
	mv "$sockets/socket" "$sockets/socket.kept"
	as_user alice boxdo run nonesuch true || true
	pid=$(waiting)
	kill -STOP "$pid"
	mv "$sockets/socket.kept" "$sockets/socket"
	# It is there, and 63 more.
	perl -e 'open(my $f, "+<", "/run/boxdo/state") or die; seek($f, 20, 0); print $f pack("l", $ARGV[0]) x 63' $$
	launches alice tiny touch "$MARK"
	refused 'wait for it'
	kill -KILL "$pid"
	wait_for test ! -e "/proc/$pid/exe"
	launches alice tiny true
	assert_success
	perl -e 'open(my $f, "+<", "/run/boxdo/state") or die; seek($f, 16, 0); print $f pack("l", 0) x 64'
	nothing_left
}

@test "ends that cannot be recorded are counted, and too many refuse the next launch" {
	# 64 at once would take long here: as many as SUPERVISORs owe is in the state file, one pid a slot.
	pid=$$
	perl -e 'open(my $f, "+<", "/run/boxdo/state") or die; seek($f, 16, 0); print $f pack("l", $ARGV[0]) x 64' $pid
	launches alice tiny touch "$MARK"
	refused 'wait for it'
	perl -e 'open(my $f, "+<", "/run/boxdo/state") or die; seek($f, 16, 0); print $f pack("l", 0) x 64'
	launches alice tiny true
	assert_success
	nothing_left
}
