#!/usr/bin/env bats
# mirror = main: a copy of each record in the main journal, marked, that nobody takes for the record, and that nothing waits for.
load ../lib/common
load ../attack/200-helpers
load ../attack/201-helpers

setup_file() {
	printf '\n[settings]\nmirror = main\n' >>"$POLICY"
	as_user alice boxdo run tiny true
	cp "$POLICY" /run/stage/policy.conf
}
copies() { # MATCH...
	journalctl --quiet --all --output=json BOXDO_MIRROR=1 "$@" | jq -c .
}
copied() { # NUMBER MATCH...
	[[ $(copies "${@:2}" | wc -l) -eq $1 ]]
}

@test "launch, end, refusal and policy are copied with every field" {
	as_user alice boxdo run -v /data:/data tiny echo 'a b' $'\n' $'\xff'
	every_launch_has_its_end
	as_user mallory boxdo run tiny true || true
	id=$(field ID BOXDO_EVENT=launch)
	wait_for copied 2 "BOXDO_ID=$id"
	wait_for copied 1 BOXDO_EVENT=refuse BOXDO_USER=mallory
	wait_for copied 1 BOXDO_EVENT=policy
	for event in launch end; do
		diff <(raw_records "BOXDO_ID=$id" BOXDO_EVENT=$event | jq -S 'with_entries(select(.key | test("^(BOXDO|MESSAGE$|PRIORITY|_UID|_TRANSPORT)")))') \
			<(copies "BOXDO_ID=$id" BOXDO_EVENT=$event | jq -S 'with_entries(select(.key | test("^(BOXDO|MESSAGE$|PRIORITY|_UID|_TRANSPORT)"))) | del(.BOXDO_MIRROR)')
	done
	nothing_left
}

@test "a copy is no record: not for boxdo log, wherever it looks" {
	wait_for test -n "$(copies)"
	main=/var/log/journal/$machine
	run boxdo log --json --directory "$main"
	assert_output ''
	mkdir /tmp/both
	cp "$main"/system.journal "/tmp/both/main.journal"
	cp "$files"/system.journal "/tmp/both/boxdo.journal"
	assert_equal "$(boxdo log --json --directory /tmp/both | jq -r .record | sort | uniq -d)" ''
	assert_equal "$(boxdo log --json --directory /tmp/both | wc -l)" "$(raw_records | jq -r .BOXDO_RECORD | sort -u | wc -l)"
}

@test "records larger than a datagram are copied too" {
	long=$(head -c 90000 /dev/urandom | base64 -w0)
	as_user alice boxdo run tiny true "$long" "$long"
	every_launch_has_its_end
	id=$(field ID BOXDO_EVENT=launch)
	wait_for copied 2 "BOXDO_ID=$id"
	assert_equal "$(copies "BOXDO_ID=$id" BOXDO_EVENT=launch | jq -r .BOXDO_COMMAND)" "true $long $long"
}

@test "the main journal hung and full, or gone: nothing waits, nothing fails" {
	kill -STOP "$(main_journal_pid)"
	fill_queue /run/systemd/journal/socket >/dev/null
	# Who waits for it does so always, a busy machine not three times.
	for user in alice mallory; do
		for _ in 1 2 3; do
			launches $user tiny touch "$MARK"
			((seconds > 2)) || break
		done
		[[ $seconds -le 2 ]]
	done
	[[ -e $MARK ]]
	kill -CONT "$(main_journal_pid)"
	mv /run/systemd/journal/socket /run/systemd/journal/away
	launches alice tiny true
	mv /run/systemd/journal/away /run/systemd/journal/socket
	assert_success
	one_of_each
	nothing_left
}

@test "no user can have it: a rule of theirs, or their environment, changes nothing" {
	sed -i 's/^mirror.*/mirror = no/' "$POLICY"
	before=$(copies | wc -l)
	as_user alice env BOXDO_MIRROR=1 boxdo run tiny true
	every_launch_has_its_end
	sleep 0.3
	assert_equal "$(copies | wc -l)" "$before"
}

@test "rsyslog's imjournal reads the copies, and writes them where it is told" {
	command -v rsyslogd >/dev/null || { echo "rsyslog is not installed: make deps" && return 1; }
	mkdir -p /run/stage/rsyslog
	# As man boxdo-audit has it, with other places.
	cat >/run/stage/rsyslog.conf <<-'END'
		module(load="imjournal" StateFile="/run/stage/rsyslog/state" IgnorePreviousMessages="off" PersistStateInterval="1")
		template(name="boxdo" type="list") { property(name="$!all-json") constant(value="\n") }
		if $!BOXDO_MIRROR == "1" and $!_UID == "0" then action(type="omfile" file="/run/stage/rsyslog/boxdo.json" template="boxdo")
	END
	rsyslogd -n -f /run/stage/rsyslog.conf -i /run/stage/rsyslog/pid >/run/stage/rsyslog/log 2>&1 3>&- &
	as_user alice boxdo run tiny echo through rsyslog
	every_launch_has_its_end
	wait_for -t 60 grep -q '"BOXDO_COMMAND": *"echo through rsyslog"' /run/stage/rsyslog/boxdo.json || {
		cat /run/stage/rsyslog/log
		return 1
	}
	kill "$(cat /run/stage/rsyslog/pid)"
}
