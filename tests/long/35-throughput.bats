#!/usr/bin/env bats
# timeout: 7200
# Many launches, none of which may fail: journal rotation, full queues and contention are waited out.
#   LAUNCHES=100000 in all, half of them by 8 workers, half by 32; AT_ONCE=1000 containers at the same time.
load ../lib/common

setup_file() {
	policy "$(sed '/^\[settings\]/d' /etc/boxdo/policy.conf | sed '1i [settings]\nrecord_rate = 1G\nrecord_burst = 1G\n')"
	as_user alice boxdo run tiny true
}

# storm WORKERS COUNT: how many failed, with what they said
storm() {
	seq "$2" | as_user alice xargs -P "$1" -I% sh -c 'out=$(boxdo run tiny true 2>&1 </dev/null) || echo "$out"'
}

@test "8 workers: every launch succeeds" {
	run storm 8 $((${LAUNCHES:-100000} / 2))
	assert_equal "$output" ""
}

@test "32 workers: every launch succeeds" {
	run storm 32 $((${LAUNCHES:-100000} / 2))
	assert_equal "$output" ""
}

@test "a thousand at once start, run on one loop device, and end" {
	local count=${AT_ONCE:-1000} up=$BATS_TEST_TMPDIR/up
	# Not as_user: what is killed below is the shell that started them.
	"$TOP/tests/lib/as" alice bash -c 'trap "kill \$(jobs -p)" TERM; for ((i = 0; i < $1; i++)); do boxdo run tiny sh -c "echo up; exec sleep 3600" & done; wait' bash "$count" >"$up" 2>&1 3>&- &
	local starter=$!
	wait_for -t 600 eval "[[ \$(wc -l <$up) -ge $count ]]"
	assert_equal "$(sort -u "$up")" up
	assert_equal "$(losetup -n -O NAME -j /srv/images/tiny.sqfs | wc -l)" 1
	kill "$starter"
	wait_for -t 600 eval '[[ -z $(pgrep -x "boxdo(-super|-init)?") ]]'
	every_launch_has_its_end
}
