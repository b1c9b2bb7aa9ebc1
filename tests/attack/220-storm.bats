#!/usr/bin/env bats
# timeout: 900
# A storm: hundreds of requests at once, processes killed at random, the journal killed, stopped, hung and rotated.
# Every command that ran has one launch record and one end, every refusal one record; no number is missing.
# tests/long/30-storm.bats is the same with thousands.
load ../lib/common

@test "200 requests in a storm: both sides agree" {
	printf '\n[settings]\nrecord_rate = 100M\nrecord_burst = 1G\n' >>"$POLICY"
	run "$BATS_TEST_DIRNAME/storm.pl" 200 1 kill hang down rotate cgroup
	echo "$output" | sed 's/^/# /' >&3
	assert_success
}
