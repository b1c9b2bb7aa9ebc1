#!/usr/bin/env bats
# policy/ and a second reader of boxdo-policy(5) agree over random policies and questions; the properties that
# follow from the policy's meaning hold. tests/long/30-agree: 200,000 of them.
load ../lib/common

@test "policy/ agrees with a second reading of its manual, and keeps its properties" {
	local reached='^2500 pairs, 0 differ; allow [0-9]{3,}, allow with cdi [0-9]+, .*allow with env [0-9]+, .*allow with scratch [0-9]+, allow with strict [0-9]+, error [0-9]+, refuse [0-9]{4,}, refuse by deny [0-9]{2,}$'
	# It must reach what it is about; the rarest comes six times in 2,500 pairs, and once in 400 such runs not at all.
	for _ in 1 2 3; do
		run tests/agree/agree 2500 "$((RANDOM * 100000))"
		[[ $status -eq 0 ]] || { echo "$output" && false; }
		[[ ! $output =~ $reached ]] || break
	done
	assert_match "$reached"
}
