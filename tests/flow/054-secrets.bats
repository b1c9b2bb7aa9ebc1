#!/usr/bin/env bats
# What must not be on record is in no field of any record, in neither journal: as shipped, without a line in the policy.
load ../lib/common
load ../attack/200-helpers

# The word is in no field that journald has, of whatever process; what is left says that something was hidden.
nowhere() {
	every_launch_has_its_end
	run journalctl --namespace=boxdo --quiet --all --output=json
	refute_match s3cret
	run journalctl --quiet --all --output=json
	refute_match s3cret
	run strings -a /var/log/journal/*/system.journal # also what no entry refers to
	refute_match s3cret
}
try() { # COMMAND...: as alice, whatever comes of it
	as_user alice "$@" >/dev/null 2>&1 || true
}

setup_file() {
	printf "\n[settings]\nrecord_rate = 100M\nrecord_burst = 1G\nmirror = main\n" >>"$POLICY"
}

@test "of the command: as one argument, as two, in front of it, in a URL, in a header" {
	try boxdo run tiny echo --token=s3cret
	try boxdo run tiny echo --password s3cret --auth-token s3cret
	try boxdo run tiny env MY_TOKEN=s3cret PGPASSWORD=s3cret true
	try boxdo run tiny sh -c 'API_KEY=s3cret true'
	try boxdo run tiny echo https://me:s3cret@host/ 'Authorization: Bearer s3cret'
	try boxdo run tiny --token=s3cret
	nowhere
	assert_equal "$(raw_records BOXDO_EVENT=launch | jq -r .BOXDO_REDACTED | paste -sd' ')" '1 2 2 1 2 1'
	assert_equal "$(field COMMAND BOXDO_EVENT=launch)" "'--token=xxxx'"
}

@test "of variables: neither the client's -e nor the helper's own way" {
	try boxdo run -e ANY=s3cret tiny true
	try boxdo run --env=ANY=s3cret -v /etc:/etc:rw tiny true
	try boxdo run -e ANY=s3cret --no-such-option tiny true
	try env ANY=s3cret boxdo run -e ANY tiny true
	try "$LAUNCH" 1 image=tiny env=ANY=s3cret -- true
	nowhere
}

@test "of refusals: what was typed, and the reason that quotes it" {
	try boxdo run --token=s3cret tiny true
	try boxdo run --name --token=s3cret tiny true
	try "$LAUNCH" 1 image=tiny --token=s3cret -- true
	try "$LAUNCH" --token=s3cret
	try "$LAUNCH" 1 image=tiny 'refused=option --token=s3cret is bad' -- true
	as_user mallory boxdo run tiny curl --token s3cret 2>/dev/null || true
	echo 'nonsense' >>"$POLICY" # before the policy could be read, the default counts
	try boxdo run tiny echo --token=s3cret
	sed -i '$d' "$POLICY"
	nowhere
}

@test "a policy's own patterns count instead" {
	sed -i 's/^mirror.*/&\nredact = -k*/' "$POLICY"
	try boxdo run tiny echo -ks3cret --token=shown
	every_launch_has_its_end
	assert_equal "$(field COMMAND BOXDO_EVENT=launch)" 'echo -kxxxx --token=shown'
}
