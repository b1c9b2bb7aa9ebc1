#!/usr/bin/env bats
# The storm of attack/220 with thousands of requests, the journal stopped for longer than any deadline, and its disk
# filled and freed. COUNT=5000 requests by STORM_WORKERS=4 at a time, SEED=4711. Best beside other work: see tests/README.md.
# timeout: 5400
load ../lib/common
load ../attack/200-helpers
load ../attack/201-helpers

@test "5,000 requests in a storm, the disk of the journal filled and freed: both sides agree" {
	printf '\n[settings]\nrecord_rate = 100M\nrecord_burst = 10G\n' >>"$POLICY"
	# Each time journald is killed it leaves a file of 8 MB at least.
	small_disk 8G
	rm -f /run/boxdo/state # numbers begin with this journal
	run "$BATS_TEST_DIRNAME/../attack/storm.pl" "${COUNT-5000}" "${SEED-4711}" kill hang down long rotate disk cgroup
	echo "$output" | sed 's/^/# /' >&3
	assert_success
}
