#!/usr/bin/env bats
# timeout: 420
# A password prompt that nobody answers in five minutes (B35): said and on record as what it was, the terminal echoes
# again, and what was half typed is shown nowhere and no shell gets it.
load ../lib/common

# silent NAME TYPED: alice's bash asks boxdo for a container; TYPED at the prompt, in expect's words; then nothing is.
silent() {
	timeout 400 expect -c '
		set timeout 5
		spawn -noecho env TERM=dumb '"$TOP"'/tests/lib/as alice bash --norc --noprofile -i
		send "PS1=\"% \"\r"; expect -re "% $|% \\S*$"
		set timeout 340
		send "boxdo run tiny touch ran; echo status \$?\r"; expect -re "assword.*: "
		'"$2"'
		expect -re "(no password was given|PAM|terminal).*status (\\d+)\r\n% "
		puts "\nRESULT $expect_out(1,string) $expect_out(2,string)"
		set timeout 5
		send "echo typed-\$((1+1))\r"; expect -re "echo typed-.*typed-2"
		send "stty -a\r"; expect -re "( -?echo) .*% "; puts "\nECHO$expect_out(1,string)"
		send "exit\r"; expect eof' </dev/null >"$BATS_TEST_TMPDIR/$1" 2>&1
}

@test "nothing typed, half a password, one key in the middle, a wrong one first: after five minutes all are refused" {
	local name began=$SECONDS
	sed -i '/^network/a password = yes' $POLICY
	silent nothing '' 3>&- &
	silent half 'send "half-secret"' 3>&- &
	silent key 'send "half-secret"; after 200000; send "x"' 3>&- &
	silent wrong 'send "wrong\r"; expect -re "try again.*assword.*: "; after 100000; send "half-secret"' 3>&- &
	wait
	((SECONDS - began >= 295 && SECONDS - began < 330))
	for name in nothing half key wrong; do
		run cat "$BATS_TEST_TMPDIR/$name"
		assert_match 'RESULT no password was given 125'
		assert_match 'ECHO echo'
		refute_match 'half-secret'
	done
	[[ ! -e /home/alice/ran ]]
	run records 'select(.event == "refuse") | .reason'
	assert_equal "$output" "$(yes '"not authenticated: no password was given"' | head -n 4)"
	assert_equal "$(journalctl --namespace=boxdo -o export --all | grep -ac half-secret)" 0
	wait_for sh -c '! pgrep boxdo'
}
