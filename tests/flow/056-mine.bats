#!/usr/bin/env bats
# boxdo log --mine: one's own records, where the policy says so, and nothing else.
load ../lib/common

setup_file() {
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
	# What is shipped gives the group its access, also to a file that was there before.
	run systemd-tmpfiles --create --prefix=/var/log/journal /usr/lib/tmpfiles.d/boxdo.conf
	refute_match 'Failed|Ignoring|Invalid'
	getfacl -c /var/log/journal/*.boxdo/system.journal 2>/dev/null | grep -q '^group:boxdo-audit:r--'
	as_user alice boxdo run tiny echo alice-was-here
	# More than a pipe holds, and than a terminal of five lines.
	for _ in 1 2 3; do as_user alice boxdo run tiny true "$(printf '%060000d' 0)"; done
	as_user bob boxdo run tiny echo bob-was-here
	as_user mallory boxdo run tiny echo mallory-was-here || true
}

setup() {
	{ printf '[settings]\nlog_mine = yes\n'; cat "$BATS_FILE_TMPDIR/policy"; } | awk '/^\[settings\]/ && seen++ { next } 1' >$POLICY
}

# hold COMMAND...: a reader of alice's that has more to say than a pipe holds which nobody reads; $pid. Its caller's is $holder.
hold() {
	rm -f /home/alice/full
	as_user alice mkfifo /home/alice/full
	as_user alice bash -c "$1 >/home/alice/full" </etc/hostname &
	holder=$!
	exec 7</home/alice/full
	wait_for reader_is_full
	pid=$(pgrep -x boxdo-log)
}
reader_is_full() {
	[[ $(cat "/proc/$(pgrep -x boxdo-log)/wchan" 2>/dev/null) == *pipe_w* ]]
}
let_go() {
	exec 7<&-
	wait
	wait_for no_reader
}

@test "no: the default, refused with the reason, on record" {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
	run as_user alice boxdo log --mine
	assert_status 125
	assert_match 'log_mine = yes'
	refute_match alice-was-here
	assert_equal "$(records 'select(.event == "refuse") | .user' | tail -n 1)" '"alice"'
}

@test "yes: each user their own launches, ends and refusals; never the policy's text, never another's" {
	run as_user alice boxdo log --mine
	assert_success
	assert_match alice-was-here
	refute_match 'bob-was-here|mallory-was-here'
	# The policy's records carry the name of who ran into it first.
	assert_equal "$(records 'select(.event == "policy" and .user == "alice") | .uid' | head -n 1)" 2001
	run as_user alice boxdo log --mine --json
	assert_success
	refute_match '(POLICY_TEXT|policy_text)"'
	assert_equal "$(jq -r .event <<<"$output" | grep -c policy)" 0
	run as_user mallory boxdo log --mine --json
	assert_success
	assert_match mallory-was-here
	refute_match 'alice-was-here|bob-was-here|POLICY_TEXT|log_mine'
	assert_equal "$(jq -r .uid <<<"$output" | sort -u)" 2003
	assert_equal "$(jq -r .event <<<"$output" | grep -c policy)" 0
	run as_user alice boxdo log --mine --json -n 1 -r
	assert_success
	assert_equal "$(wc -l <<<"$output")" 1
	run as_user alice boxdo log --mine --since '2 hours ago' --csv
	assert_match alice-was-here
	run as_user bob boxdo log --mine --until=2001-01-01
	refute_match bob-was-here
}

@test "whatever else is asked of the helper is refused: other users, directories, a file to read, a pager" {
	local word
	for word in --retention --gaps --fuller --uid=2002 --user=bob -u --directory=/home/alice --verify-key=/etc/shadow --merge --follow --event=policy \
		--fields=x --file=/x '--since=$(id)' "--since=$(printf 'x\nx')" "--since=2026$(printf '%060d' 0)" --lines --id=abc abc --mine --no-pager -; do
		run as_user alice "$LAUNCH" 1 image=- action=log -- "$word"
		assert_status 125
		assert_match "takes --json, .* not '"
		refute_match bob-was-here
	done
	run as_user alice "$LAUNCH" 1 image=- action=log -- --json --uid=2002
	assert_status 125
	run as_user alice "$LAUNCH" 1 image=- action=log -- $(printf -- '--json %.0s' {1..17})
	assert_status 125
	assert_match 'takes fewer options'
	run as_user alice "$LAUNCH" 1 image=- action=log -- $(printf -- '--json %.0s' {1..16})
	assert_success
	# And what it is told about the caller it does not take from the caller.
	run as_user alice env USER=bob LOGNAME=bob SYSTEMD_PAGER='touch /tmp/paged' PAGER='touch /tmp/paged' LESSOPEN='|touch /tmp/paged' boxdo log --mine
	refute_match bob-was-here
	[[ ! -e /tmp/paged ]]
}

@test "what reads owns nothing, has one group, no descriptor but 0 to 2, and is not the caller's to touch" {
	hold "exec 9</etc/passwd; exec $LAUNCH 1 image=- action=log -- --json"
	run cat "/proc/$pid/status"
	assert_match 'Uid:.65534.65534.65534.65534'
	assert_match "Groups:.$(getent group boxdo-audit | cut -d: -f3) "
	assert_match 'CapEff:.0000000000000000'
	assert_match 'CapBnd:.0000000000000000'
	assert_match 'NoNewPrivs:.1'
	assert_equal "$(sed -n 's/^0:://p' "/proc/$pid/cgroup")" /user.slice/alice
	run bash -c "readlink /proc/$pid/fd/*"
	refute_match '/etc/passwd|/run/boxdo|socket:'
	run as_user alice kill -KILL "$pid"
	assert_status 1
	run as_user alice cat "/proc/$pid/environ"
	assert_status 1
	assert_equal "$(tr '\0' ' ' <"/proc/$pid/environ")" ''
	assert_equal "$(readlink "/proc/$pid/fd/0")" /dev/null
	let_go
}
no_reader() { ! pgrep -x boxdo-log >/dev/null; }

@test "it ends with who asked, with what waits for it, and after a minute" {
	hold 'exec boxdo log --mine --json'
	kill -KILL "$(pgrep -x boxdo -u alice)"
	wait_for no_reader
	let_go
	hold 'exec boxdo log --mine --json'
	kill -KILL "$(ps -o ppid= -p "$pid" | tr -d ' ')"
	wait_for no_reader
	let_go
	hold 'exec boxdo log --mine --json'
	wait_for -t 150 no_reader
	wait "$holder" || code=$?
	assert_equal "${code-0}" 125
	let_go
}

@test "on a terminal there is no pager: it would be the caller's to steer, in the group that reads everything" {
	run timeout 120 script -qec "stty rows 5 cols 200; exec $TOP/tests/lib/as alice boxdo log --mine" /dev/null </dev/null
	assert_success
	assert_match alice-was-here
}

@test "without the group nothing is read" {
	sed -i.kept 's/^boxdo-audit:/boxdo-other:/' /etc/group
	run as_user alice boxdo log --mine
	mv /etc/group.kept /etc/group
	assert_status 125
	assert_match 'there is no group boxdo-audit'
}
