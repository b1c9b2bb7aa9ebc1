#!/usr/bin/env bats
# Where a password comes from besides the terminal: nowhere (-n), standard input (-S), a program (-A).
# shellcheck disable=SC2154
load ../lib/common

setup_file() {
	sed -i '/^network/a password = yes' $POLICY
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
}

setup() {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
}

# Without a terminal, as from a job.
detached() { # SHELL-COMMAND
	run as_user alice setsid -w sh -c "$1"
}
last() { # EVENT FILTER
	records "select(.event == \"$1\") | $2" | tail -n 1
}

@test "-n: refused where a password is needed, on record, and without effect where none is" {
	detached 'echo alice | boxdo run -n tiny touch ran'
	assert_status 125
	assert_output 'boxdo: a password is needed, and -n says not to ask: run something once without it'
	assert_equal "$(last refuse '[.stage, .reason] | @csv')" '"\"auth\",\"a password is needed, and -n says not to ask: run something once without it\""'
	detached 'boxdo run --non-interactive tiny true'
	assert_status 125
	[[ ! -e /home/alice/ran ]]
	sed -i '/^password/d' $POLICY
	detached 'boxdo run -n tiny true'
	assert_success
}

@test "-S: one line is the password, every byte behind it is the command's" {
	detached 'printf "alice\nthe rest\nof it" | boxdo run -S -i tiny cat'
	assert_success
	assert_match $'the rest\nof it$'
	assert_equal "$(last auth .result)" '"success"'
	head -c 1000000 /dev/urandom >/home/alice/rest
	chown alice /home/alice/rest
	detached '(echo alice; cat rest) | boxdo run --stdin -i tiny md5sum 2>/dev/null'
	assert_output "$(md5sum </home/alice/rest)"
	detached '(echo alice; cat rest) >both; boxdo run -S -i tiny md5sum <both 2>/dev/null'
	assert_output "$(md5sum </home/alice/rest)"
	detached 'printf "wrong\nalice\nrest" | boxdo run -S -i tiny cat'
	assert_success
	assert_match 'that password was wrong, try again'
	assert_match 'rest$'
	detached 'printf alice | boxdo run -S -i tiny cat'
	assert_success
}

@test "-S: nothing, too much and wrong lines are refused; what was sent is not on record" {
	detached 'boxdo run -S tiny touch ran </dev/null'
	assert_status 125
	assert_match 'no password was given'
	detached 'boxdo run -S tiny touch ran <&-'
	assert_status 125
	detached 'head -c 100000 /dev/zero | tr "\0" x | boxdo run -S tiny touch ran'
	assert_status 125
	detached 'printf "xxwrong1\nxxwrong2\nxxwrong3\nalice\n" | boxdo run -S tiny touch ran'
	assert_status 125
	assert_match 'not authenticated: wrong password'
	[[ ! -e /home/alice/ran ]]
	assert_equal "$(journalctl --namespace=boxdo -o export --all | grep -ac 'xxwrong')" 0
}

@test "-S where no password is needed reads nothing" {
	sed -i '/^password/d' $POLICY
	detached 'printf "first\nsecond\n" | boxdo run -S -i tiny cat'
	assert_output $'first\nsecond'
}

@test "-A: a program of the caller's, with the caller's rights and no more, says the password" {
	cat >/home/alice/ask <<-'END'
		#!/bin/sh
		echo "$1" >/home/alice/asked
		grep -E '^(Uid|Gid|CapPrm|CapEff|CapBnd|NoNewPrivs)' /proc/self/status >>/home/alice/asked
		ls -l /proc/self/fd | grep -c socket >>/home/alice/asked
		echo alice
	END
	chmod 755 /home/alice/ask
	detached 'BOXDO_ASKPASS=$HOME/ask boxdo run -A tiny echo it ran'
	assert_success
	assert_match 'it ran$'
	run cat /home/alice/asked
	assert_match '[Pp]assword'
	assert_match $'Uid:\t2001\t2001\t2001\t2001'
	assert_match $'Gid:\t2001\t2001\t2001\t2001'
	assert_match $'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000'
	assert_match $'\n0$'
	detached 'boxdo run -A tiny true'
	assert_status 125
	assert_match '^boxdo: -A: BOXDO_ASKPASS must name the program'
	detached 'BOXDO_ASKPASS=ask boxdo run --askpass tiny true'
	assert_status 125
	# Around the client: no program, no password.
	detached "$LAUNCH 1 image=tiny prompt=askpass -- true"
	assert_status 125
	detached "BOXDO_ASKPASS=/nonexistent $LAUNCH 1 image=tiny prompt=askpass -- true"
	assert_status 125
	detached "BOXDO_ASKPASS=/bin/true $LAUNCH 1 image=tiny prompt=askpass -- true"
	assert_status 125
	every_launch_has_its_end
}

@test "-A: a program that hangs ends with the launch" {
	printf '#!/bin/sh\nexec sleep 710\n' >/home/alice/hang
	chmod 755 /home/alice/hang
	as_user alice env BOXDO_ASKPASS=/home/alice/hang setsid boxdo run -A tiny touch ran 3>&- &
	wait_for pgrep -u alice -x sleep
	pkill -TERM -u alice -x boxdo
	gone() { ! pgrep -u alice -x sleep && ! pgrep boxdo; }
	wait_for gone
	[[ ! -e /home/alice/ran ]]
}

@test "words that no client sends" {
	local word
	for word in prompt= prompt=terminal prompt=NEVER action= action=stop 'action=ps ' action=ps\ action=ps; do
		run as_user alice $LAUNCH 1 image=tiny "$word" -- true
		assert_status 125
		assert_match "^boxdo: '?(prompt|action)"
	done
	run as_user alice $LAUNCH 1 image=tiny prompt=never prompt=stdin -- true
	assert_match 'more than 1 times'
}
