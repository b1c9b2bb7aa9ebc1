#!/usr/bin/env bats
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
	nothing_left
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
