#!/usr/bin/env bats
# Random bytes, up to nearly 2 MB of them, as arguments, directories and image names: exact.pl holds the records against them.
load ../lib/common

@test "a shell makes of BOXDO_COMMAND what was typed, or it is cut with length and digest" {
	# Of a megabyte of random bytes some stand as a password does in a URL: what is hidden is tested elsewhere.
	printf '\n[settings]\nrecord_rate = 100M\nrecord_burst = 1G\nredact = --never-typed=*\n' >>"$POLICY"
	run "$BATS_TEST_DIRNAME/exact.pl" 60 "${SEED-$RANDOM}"
	echo "$output" | cut -c1-300 | sed 's/^/# /'
	assert_success
	assert_match 'launch, cut: [1-9]'
	assert_match 'refusal, cut: [1-9]'
	assert_match 'image name: [1-9]'
}
