#!/usr/bin/env bats
# timeout: 900
# Records that users try to forge, and journals they try to drown.
load ../lib/common
load 200-helpers

setup_file() {
	as_user alice boxdo run tiny true
	every_launch_has_its_end
}

setup() {
	rm -f "$MARK"
	wait_for no_boxdo_processes
	begin_traces
	before=$(raw_records | wc -l)
	wanted=$(records | wc -l)
}

# A launch record as ours are, with BOXDO_ID $1.
forged() {
	printf '%s\n' MESSAGE_ID=cb6401be1ff74e94b01396704cfbb9bf PRIORITY=6 SYSLOG_IDENTIFIER=boxdo BOXDO_EVENT=launch \
		"BOXDO_ID=$1" BOXDO_RECORD=00000000000000000000000000000001 BOXDO_SEQ=1 BOXDO_TIME=1 BOXDO_USER=bob \
		BOXDO_UID=2002 BOXDO_COMMAND=forged BOXDO_IMAGE=tiny _UID=0 _COMM=boxdo-super MESSAGE=forged
}
none_is_shown() {
	run boxdo log
	refute_match 'forged'
	run records
	refute_match 'forged'
	assert_equal "$(records | wc -l)" "$wanted"
	assert_equal "$(raw_records | wc -l)" "$before"
	run journalctl --namespace=boxdo --quiet --output=cat
	refute_match 'forged'
}

@test "users cannot send to the namespace: not by its socket, nor syslog's, nor stdout's" {
	sockets=/run/systemd/journal.boxdo
	for user in alice mallory auditor; do
		for socket in socket dev-log; do
			run as_user $user perl -e "$NATIVE" $sockets/$socket < <(forged 1)
			assert_equal "$output" 'Permission denied'
		done
		for socket in stdout io.systemd.journal; do
			run as_user $user perl -e 'use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0);
				connect($s, pack_sockaddr_un($ARGV[0])) or die "$!\n"' $sockets/$socket
			assert_equal "$output" 'Permission denied'
		done
		forged 00000000000000000000000000000002 | as_user $user logger --journald --socket-errors=on 2>/dev/null || true
		as_user $user systemd-cat --identifier=boxdo --namespace=boxdo echo forged 2>/dev/null || true
	done
	none_is_shown
}

@test "what users write into the main journal with our fields is not ours" {
	for user in alice mallory; do
		forged 00000000000000000000000000000003 >/tmp/forged
		chmod 644 /tmp/forged
		as_user $user logger --journald=/tmp/forged
		as_user $user logger --tag boxdo 'forged: BOXDO_EVENT=launch'
		as_user $user systemd-cat --identifier=boxdo echo forged
		forged 00000000000000000000000000000004 |
			as_user $user perl -e "$NATIVE" /run/systemd/journal/socket
	done
	wait_for sh -c 'journalctl --quiet BOXDO_ID=00000000000000000000000000000003 | grep -q forged' # it is there, and ...
	none_is_shown
	# Neither does the id of a launch that exists make one.
	id=$(field ID BOXDO_EVENT=launch)
	forged "$id" | sed 's/EVENT=launch/EVENT=end/' >/tmp/forged
	as_user alice logger --journald=/tmp/forged
	none_is_shown
}

@test "a container that logs, to stderr or a /dev/log bound in, writes no record of ours" {
	sed -i 's,^binds.*,& /run/systemd/journal:rw,' "$POLICY"
	as_user alice boxdo run -v /run/systemd/journal:/run/systemd/journal:rw python \
		sh -c 'logger -t boxdo word; echo word >&2' >/dev/null 2>&1 || true
	as_user alice boxdo run -v /run/systemd/journal/dev-log tiny logger word 2>/dev/null || true
	every_launch_has_its_end
	run as_user alice boxdo run -v /run/systemd/journal.boxdo:/mnt:rw tiny true
	assert_status 125
	# What stands there came from real uid 0 by the native protocol, or from journald itself.
	run bash -c 'journalctl --namespace=boxdo --quiet -o json | jq -c "select(._UID != \"0\" or ._TRANSPORT != \"journal\") | select(._TRANSPORT != \"driver\")"'
	assert_output ''
	assert_equal "$(records 'select(.event == "launch") | .uid' | sort -u)" 2001
}

@test "a daemon of root that passes its users' fields on to the main journal makes no record of ours" {
	# As docker's journald driver does with labels: real uid 0, the native protocol, any field but those with _.
	forged 00000000000000000000000000000006 | grep -v '^_' | perl -e "$NATIVE" /run/systemd/journal/socket
	wait_for sh -c 'journalctl --quiet _UID=0 _TRANSPORT=journal BOXDO_ID=00000000000000000000000000000006 | grep -q forged'
	none_is_shown
	for where in '--directory /var/log/journal' "--directory $(echo /var/log/journal/*[0-9a-f])" --merge; do
		# shellcheck disable=SC2086
		run boxdo log $where
		refute_match 'forged'
		[[ $where == */*[0-9a-f] ]] || assert_match 'alice'
		# shellcheck disable=SC2086
		run boxdo log $where 00000000000000000000000000000006
		assert_status 1
		# shellcheck disable=SC2086
		run boxdo log $where 00000000
		assert_status 1
	done
}

@test "a journal that a user made is not read, however it is offered" {
	made=/home/mallory/made
	as_user mallory mkdir $made
	forged 00000000000000000000000000000007 | sed '1i__REALTIME_TIMESTAMP=1700000000000000\n__MONOTONIC_TIMESTAMP=1\n_BOOT_ID=00000000000000000000000000000001\n_TRANSPORT=journal\n_NAMESPACE=boxdo\n_EXE=/usr/libexec/boxdo/boxdo-launch\n_PID=1' >/tmp/export
	echo >>/tmp/export
	as_user mallory /usr/lib/systemd/systemd-journal-remote --split-mode=none -o $made/all.journal - </tmp/export
	# To mallory alone it is a trail.
	run as_user mallory boxdo log --directory $made
	assert_match 'forged'
	refused_as() { # REGEX DIRECTORY...
		for question in '' --json --gaps --open 00000000 --verify --retention; do
			# shellcheck disable=SC2086
			run boxdo log --directory "$2" $question
			assert_status 1
			assert_match "^boxdo: $1"
			refute_match 'forged|COMMAND'
		done
		run boxdo report --since 2000-01-01 --directory "$2"
		assert_status 1
	}
	refused_as "$made belongs to neither root nor you" $made
	# Its file below a directory of root's: by name, by link, beside real ones.
	rm -rf /tmp/offered && mkdir /tmp/offered
	ln -s $made/all.journal /tmp/offered/x.journal
	refused_as '/tmp/offered/x.journal belongs to neither root nor you' /tmp/offered
	rm /tmp/offered/x.journal
	cp /var/log/journal/*.boxdo/system.journal /tmp/offered/
	mkdir /tmp/offered/00000000000000000000000000000001.boxdo
	cp -p $made/all.journal /tmp/offered/00000000000000000000000000000001.boxdo/
	refused_as '/tmp/offered/0.*/all.journal belongs to neither root nor you' /tmp/offered
	# Where others may write: root's file in a directory of everybody's, and the other way round.
	rm -rf /tmp/offered && mkdir -m 0777 /tmp/offered
	cp /var/log/journal/*.boxdo/system.journal /tmp/offered/
	refused_as '/tmp/offered may be written by others' /tmp/offered
	chmod 0755 /tmp/offered
	chmod 0666 /tmp/offered/system.journal
	refused_as '/tmp/offered/system.journal may be written by others' /tmp/offered
	chmod 0640 /tmp/offered/system.journal
	run boxdo log --directory /tmp/offered
	assert_success
	assert_match 'alice'
	# Not below the journals' own directories either.
	mkdir -p /var/log/journal/remote
	cp $made/all.journal /var/log/journal/remote/ && chown mallory /var/log/journal/remote/all.journal
	run boxdo log --merge
	assert_status 1
	refute_match 'COMMAND'
	rm -r /var/log/journal/remote /tmp/offered $made
}

@test "no option of boxdo log makes main-journal entries ours" {
	forged 00000000000000000000000000000005 >/tmp/forged
	as_user mallory logger --journald=/tmp/forged
	for option in '' --json --csv '--user bob' '--since 1970-01-01' --gaps --open --running '--fields command' '--image tiny' 00000000; do
		# shellcheck disable=SC2086
		run boxdo log $option
		refute_match 'forged'
	done
}

@test "a user without the right to read sees no record" {
	run as_user mallory boxdo log
	[[ $status -ne 0 ]] || assert_output ''
	refute_match 'tiny'
	run as_user auditor boxdo log
	assert_success
	assert_match 'tiny'
	run as_user mallory sh -c 'cat /var/log/journal/*.boxdo/*'
	assert_status 1
}

@test "20,000 messages into the main journal while launching: every launch is on record" {
	launches=$(raw_records BOXDO_EVENT=launch | wc -l)
	for user in alice mallory; do
		(yes 'forged noise noise noise noise noise noise noise' || true) 2>/dev/null | head -n 10000 |
			as_user $user systemd-cat --identifier=boxdo cat &
	done
	for _ in {1..15}; do
		as_user alice boxdo run tiny true
	done
	wait
	one_of_each
	assert_equal "$(raw_records BOXDO_EVENT=launch | wc -l)" $((launches + 15))
	run journalctl --namespace=boxdo --quiet --output=cat
	refute_match 'forged noise'
	nothing_left
}

# --- the budget of refusals ------------------------------------------------------------------------------
# Where it must not grow while a slow machine works it grows by a byte a second.

@test "a flood of large refusals takes little of the journal, and pushes nothing out" {
	first=$(raw_records | head -n 1 | jq -r .BOXDO_RECORD)
	size=$(du -sk /var/log/journal/*.boxdo | cut -f1)
	long=$(head -c 90000 /dev/urandom | base64 -w0)
	as_user mallory bash -c 'for i in {1..60}; do
		boxdo run tiny "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" "$1" 2>/dev/null; done; true' sh "$long"
	assert_equal "$(raw_records | head -n 1 | jq -r .BOXDO_RECORD)" "$first"
	grown=$(($(du -sk /var/log/journal/*.boxdo | cut -f1) - size))
	[[ $grown -le 9000 ]] || { echo "the journal grew by $grown KiB" && return 1; }
	# All within the budget, so all on record: cut, with length and digest.
	assert_equal "$(raw_records | wc -l)" $((before + 60))
	assert_equal "$(field COMMAND BOXDO_EVENT=refuse | wc -c)" $((16 * 1024 + 1))
	assert_equal "$(field COMMAND_LENGTH BOXDO_EVENT=refuse)" $((16 * (${#long} + 1) - 1))
}

@test "over the budget: refused without a record, counted in one a minute; others launch on" {
	printf '\n[settings]\nrecord_rate = 1\nrecord_burst = 400K\n' >>"$POLICY"
	as_user bob boxdo run tiny true # the policy's record is bob's to pay
	every_launch_has_its_end
	before=$(raw_records _UID=0 BOXDO_USER=mallory | wc -l)
	as_user mallory bash -c 'for i in {1..500}; do boxdo run tiny x 2>/dev/null; done; true' &
	as_user mallory bash -c 'for i in {1..500}; do boxdo run tiny x 2>/dev/null; done; true' &
	for _ in {1..10}; do
		as_user alice boxdo run tiny true
	done
	wait
	one_of_each
	made=$(($(raw_records BOXDO_USER=mallory | wc -l) - before))
	# 400 KiB at 4 KiB each, less what the minutes before took.
	[[ $made -ge 1 && $made -le 120 ]] || { echo "$made records of 1000 refusals" && return 1; }
	assert_equal "$(raw_records BOXDO_USER=alice BOXDO_EVENT=launch | tail -n 10 | wc -l)" 10
	# What was earned while the records were counted is spent again.
	as_user mallory bash -c 'for i in {1..20}; do boxdo run tiny x 2>/dev/null; done; true'
	# The count is told a minute later: here by setting the last report back.
	perl -e 'open(my $f, "+<", "/run/boxdo/rate/2003") or die; seek($f, 16, 0); read($f, my $n, 8); print unpack("Q", $n), "\n"' >/tmp/suppressed
	[[ $(cat /tmp/suppressed) -ge 800 ]]
	perl -e 'open(my $f, "+<", "/run/boxdo/rate/2003") or die; seek($f, 24, 0); print $f pack("Q", 1)'
	run as_user mallory boxdo run tiny x
	assert_status 125
	assert_equal "$(field SUPPRESSED BOXDO_USER=mallory)" "$(cat /tmp/suppressed)"
	nothing_left
}

@test "who is refused before the policy is read has the budget that the admin set" {
	# The policy's, of the test before: 400 KiB, of which a refusal takes four and more.
	as_user bob boxdo run tiny true
	rm -f /run/boxdo/rate/2003
	before=$(raw_records BOXDO_USER=mallory | wc -l)
	as_user mallory bash -c "for i in {1..200}; do $LAUNCH 1 nonsense 2>/dev/null; done; true"
	made=$(($(raw_records BOXDO_USER=mallory | wc -l) - before))
	[[ $made -ge 20 && $made -le 120 ]] || { echo "$made records of 200" && return 1; }
}

@test "over the budget a launch is refused, and nothing runs" {
	sed -i '/^\[settings\]/,$d' "$POLICY"
	printf '\n[settings]\nrecord_rate = 1\nrecord_burst = 64K\n' >>"$POLICY"
	as_user bob boxdo run tiny true
	rm -f /run/boxdo/rate/2001 # what the tests before took does not count
	ran=0
	rm -f /home/alice/ran.*
	for i in {1..20}; do
		! as_user alice boxdo run tiny touch "/home/alice/ran.$i" 2>/dev/null || ran=$((ran + 1))
	done
	[[ $ran -ge 1 && $ran -le 12 ]] || { echo "ran $ran" && return 1; }
	launches alice tiny touch "$MARK"
	refused 'too many records'
	assert_equal "$(find /home/alice -name 'ran.*' | wc -l)" $ran
	assert_equal "$(raw_records BOXDO_EVENT=launch BOXDO_USER=alice | grep -c 'ran\.')" $ran
	one_of_each
	nothing_left
}
