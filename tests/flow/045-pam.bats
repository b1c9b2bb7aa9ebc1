#!/usr/bin/env bats
# PAM: account management at every launch; a password where the rule asks for one, typed at the terminal,
# seen by nobody, and whatever happens at the prompt: the terminal works afterwards, and it is on record.
load ../lib/common
load ../lib/terminal

setup_file() {
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
	cp /etc/shadow "$BATS_FILE_TMPDIR/shadow"
}

setup() {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
	cp "$BATS_FILE_TMPDIR/shadow" /etc/shadow
	cp "$TOP/etc/pam.d/boxdo" /etc/pam.d/boxdo
}

ask_for_password() {
	sed -i '/^network/a password = yes' $POLICY
}

# terminal SCRIPT: an expect script that talks to alice's own interactive bash; see 041.
terminal() {
	talk 'set first ""' '
		proc echoes {} {
			send "stty -a\r"; want " echo .*% "
			send "echo typed-\$((1+1))\r"; want "echo typed-.*typed-2"
		}
		'"$1"
}
last() { # EVENT FILTER
	records "select(.event == \"$1\") | $2" | tail -n 1
}

@test "an account that has expired is refused, a locked password is not asked about" {
	chage -E 2020-01-01 alice
	run as_user alice boxdo run tiny true
	assert_status 125
	assert_match 'boxdo: not authenticated: [^'$'\n'']*expired$'
	assert_equal "$(last refuse .stage)" '"auth"'
	cp "$BATS_FILE_TMPDIR/shadow" /etc/shadow
	passwd -l alice >/dev/null
	run as_user alice boxdo run tiny true
	assert_success
}

@test "a service that says no, one that is missing, and one that cannot be read, refuse" {
	echo 'account required pam_deny.so' >/etc/pam.d/boxdo
	run as_user alice boxdo run tiny touch /home/alice/ran
	assert_status 125
	assert_match '^boxdo: not authenticated: '
	rm /etc/pam.d/boxdo
	cp /etc/pam.d/other "$BATS_TEST_TMPDIR/other"
	printf 'auth required pam_deny.so\naccount required pam_deny.so\n' >/etc/pam.d/other
	run as_user alice boxdo run tiny touch /home/alice/ran
	cp "$BATS_TEST_TMPDIR/other" /etc/pam.d/other
	assert_status 125
	echo 'account required pam_nosuch.so' >/etc/pam.d/boxdo
	run as_user alice boxdo run tiny touch /home/alice/ran
	assert_status 125
	[[ ! -e /home/alice/ran ]]
}

# service LINE...: /etc/pam.d/boxdo, and does alice's launch go through?
service() {
	printf '%s\n' "$@" >/etc/pam.d/boxdo
	as_user alice boxdo run tiny true
}

@test "a service that stands alone needs no other; one that includes is read with what it includes" {
	local pam=/etc/pam.d trace=$BATS_TEST_TMPDIR/trace
	cp $pam/other "$BATS_TEST_TMPDIR/other"
	strace -f -o "$trace" -e trace=openat,connect -u alice boxdo run tiny true
	run grep -oE "(/etc/pam.d/|pam_|/dev/log)[a-z.-]*" "$trace"
	assert_equal "$(sort -u <<<"$output" | xargs)" '/etc/pam.d/boxdo pam_unix.so'
	printf 'account required pam_deny.so\nauth required pam_deny.so\n' >$pam/boxdo-no
	printf 'account required pam_permit.so\nauth required pam_deny.so\n' >$pam/boxdo-yes
	for line in '@include boxdo-%s' 'account include boxdo-%s' 'account substack boxdo-%s' 'account Include boxdo-%s' $'account \\\n include boxdo-%s' \
		'Account Required pam_permit.so\n@include boxdo-%s'; do
		# shellcheck disable=SC2059 # the line is the format
		run service "$(printf "$line" yes)"
		assert_success
		# shellcheck disable=SC2059
		run service "$(printf "$line" no)"
		assert_status 125
	done
	# What a service does not say, other says.
	printf 'account required pam_permit.so\n' >$pam/other
	run service 'auth required pam_unix.so'
	assert_success
	printf 'account required pam_deny.so\n' >$pam/other
	run service 'auth required pam_unix.so'
	assert_status 125
	run service 'account required pam_unix.so' 'auth required pam_unix.so'
	assert_success
	cp "$BATS_TEST_TMPDIR/other" $pam/other
	rm $pam/boxdo-no $pam/boxdo-yes
}

@test "the programs that a module starts have root's capabilities" {
	printf '#!/bin/sh\ngrep ^Cap /proc/self/status >/run/stage/caps\n' >/run/stage/module
	chmod 755 /run/stage/module
	service 'account required pam_exec.so seteuid /run/stage/module' 'account required pam_unix.so' 'auth required pam_unix.so'
	assert_equal "$(sed -n 's/^CapEff:[[:space:]]*//p' /run/stage/caps)" "$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)"
}

@test "a module sees who asks: the caller's real uid, name and terminal; pam_rootok says no" {
	printf '#!/bin/sh\nenv | grep ^PAM_ >/tmp/pam-saw; grep ^Uid: /proc/$PPID/status | cut -f2 >>/tmp/pam-saw\n' >/usr/local/bin/saw
	chmod 755 /usr/local/bin/saw
	echo 'account required pam_exec.so /usr/local/bin/saw' >/etc/pam.d/boxdo
	terminal 'send "boxdo run tiny true; echo status \$?\r"; want "status 0"'
	run cat /tmp/pam-saw
	assert_match PAM_USER=alice
	assert_match PAM_RUSER=alice
	assert_match PAM_SERVICE=boxdo
	assert_match 'PAM_TTY=pts/[0-9]+'
	assert_match $'\n2001$'
	echo 'account required pam_rootok.so' >/etc/pam.d/boxdo
	run as_user alice boxdo run tiny true
	assert_status 125
}

@test "the right password, and nothing of it is echoed" {
	ask_for_password
	terminal '
		send "boxdo run tiny echo it-\$((1+1))\r"; want "assword.*: "
		send "alice\r"
		expect {
			alice { puts "ECHOED"; exit 1 }
			-re "it-2\r\n.*% " {}
			timeout { exit 1 }
		}
		echoes
	'
	assert_equal "$(last auth .result)" '"success"'
	assert_equal "$(last end .exit)" 0
	# Also with standard input and output elsewhere.
	terminal '
		send "echo piped | boxdo run -i tiny cat >out; cat out\r"; want "assword.*: "
		send "alice\r"; want "piped\r\n.*% "
	'
}

@test "wrong three times: refused, each told, both on record" {
	ask_for_password
	terminal '
		send "boxdo run tiny touch ran; echo status \$?\r"
		want "assword.*: "; send "wrong\r"; want "that password was wrong, try again"
		want "assword.*: "; send "bob\r"; want "that password was wrong, try again"
		want "assword.*: "; send "\r"; want "not authenticated: wrong password.*status 125"
		echoes
	'
	[[ ! -e /home/alice/ran ]]
	assert_equal "$(last auth '[.result, .reason] | join(" ")')" '"failure wrong password"'
	assert_equal "$(last refuse .reason)" '"not authenticated: wrong password"'
}

@test "wrong, then right" {
	ask_for_password
	terminal '
		send "boxdo run tiny echo it-\$((1+1))\r"; want "assword.*: "; send "wrong\r"
		want "assword.*: "; send "alice\r"; want "it-2"
	'
	assert_equal "$(last auth .result)" '"success"'
}

@test "no terminal: said, on record, and nothing is read from standard input" {
	ask_for_password
	run as_user alice setsid -w sh -c 'echo alice | boxdo run tiny touch ran'
	assert_status 125
	assert_output 'boxdo: not authenticated: this rule asks for a password, and there is no terminal'
	[[ ! -e /home/alice/ran ]]
	assert_equal "$(last auth .result)" '"failure"'
	assert_equal "$(last refuse .stage)" '"auth"'
}

@test "^C at the prompt gives up, the terminal echoes again, it is on record" {
	ask_for_password
	terminal '
		send "boxdo run tiny touch ran; echo status \$?\r"; want "assword.*: "
		send "half\003"; want "% "
		send "echo status \$?\r"; want "status 130"
		echoes
		send "boxdo run tiny touch ran\r"; want "assword.*: "; send "\034"; want "% "
		echoes
		send "boxdo run tiny touch ran; echo status \$?\r"; want "assword.*: "; send "\004"; want "status 125"
		echoes
	'
	[[ ! -e /home/alice/ran ]]
	# At whatever stage: the question is asked while the policy is put on record.
	reasons=$(records 'select(.event == "refuse") | .reason' | tail -n 3)
	assert_equal "$(grep -c 'given up\|no password was given' <<<"$reasons") of: $reasons" "3 of: $reasons"
}

@test "^Z at the prompt: the shell has an echoing terminal, fg asks again" {
	ask_for_password
	terminal '
		send "boxdo run tiny echo it-\$((1+1))\r"; want "assword.*: "
		send "\032"; want "Stopped.*% "
		echoes
		send "bg\r"; want "&.*% "
		echoes
		send "fg\r"; want "assword.*: "
		send "\032"; want "Stopped.*% "
		send "fg\r"; want "assword.*: "
		send "alice\r"; want "it-2\r\n.*% "
		echoes
	'
}

# What SIGKILL leaves in the terminal's queue the shell finds there, as behind any program: nobody is left to empty it.
@test "half a password, then ^C, ^Z, TERM or HUP: shown nowhere, and no shell gets it (B35)" {
	ask_for_password
	local act
	for act in 'send "half-secret\003"; want "% "' 'send "half-secret\032"; want "Stopped.*% "; send "kill %1\r"; want "% "' \
		'send "half-secret"; exec pkill -TERM -u alice -x boxdo; want "Term.*% "' \
		'send "half-secret"; exec pkill -HUP -u alice -x boxdo; want "% "'; do
		terminal 'send "boxdo run tiny touch ran\r"; want "assword.*: "; '"$act"'; echoes'
		refute_match 'half-secret'
		wait_for sh -c '! pgrep boxdo'
	done
	[[ ! -e /home/alice/ran ]]
}

@test "SIGKILL at the prompt: nothing stays, and it is on record" {
	ask_for_password
	terminal '
		send "boxdo run tiny touch ran\r"; want "assword.*: "
		exec pkill -KILL -u alice -x boxdo
		want "Killed.*% "
	'
	wait_for sh -c '! pgrep boxdo'
	[[ ! -e /home/alice/ran ]]
	assert_match_record 'caller is gone|given up'
}
assert_match_record() {
	output=$(last refuse .reason)
	assert_match "$1"
}

@test "the terminal hangs up at the prompt: nothing stays" {
	ask_for_password
	run timeout 100 expect -c 'set timeout 60; spawn -noecho '"$TOP"'/tests/lib/as alice boxdo run tiny touch ran
		expect assword; close; wait' </dev/null
	wait_for sh -c '! pgrep boxdo'
	[[ ! -e /home/alice/ran ]]
}

@test "a megabyte typed, with and without ^U" {
	ask_for_password
	terminal '
		send "boxdo run tiny echo it-\$((1+1)); echo status \$?\r"; want "assword.*: "
		for {set i 0} {$i < 64} {incr i} { send -raw [string repeat x 16384] }
		send -raw [string repeat "abcdefgh\025" 1000]
		send "\025alice\r"; want "it-2.*status 0"
		echoes
	'
	terminal '
		send "boxdo run tiny touch ran; echo status \$?\r"; want "assword.*: "
		for {set i 0} {$i < 64} {incr i} { send -raw [string repeat x 16384] }
		send "\r"; want "no password was given.*status 125"
		echoes
	'
	[[ ! -e /home/alice/ran ]]
	every_launch_has_its_end
}

@test "what was typed is nowhere on record" {
	assert_equal "$(journalctl --namespace=boxdo -o export --all | grep -ac 'xxxxxxxxxxxx\|half')" 0
}
