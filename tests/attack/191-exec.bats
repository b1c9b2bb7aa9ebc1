#!/usr/bin/env bats
# timeout: 900
# `boxdo exec` attacked once more: devices that names brought along and do not any more, other namespaces than the
# container was started from, a process 1 that is ending, a vector that begins where it should end.
load ../lib/common
load attack

setup_file() {
	arm
	mknod -m 666 /dev/acme0 c 1 3
	mknod -m 666 /dev/acme1 c 1 3
	mkdir -p /etc/cdi /usr/lib/acme
	echo key >/usr/lib/acme/key
}

setup() {
	restore_policy
}

teardown() {
	[[ -z ${supervisor-} ]] || kill -CONT "$supervisor" || true
	[[ -z ${tracer-} ]] || kill -KILL "$tracer" || true
	[[ -z $(boxdo ps -q) ]] || boxdo stop -t 0 --all >/dev/null
	wait
	every_launch_has_its_end
}

# start OPTIONS IMAGE COMMAND...: alice's, its id in $id once it can be joined
start() {
	as_user alice boxdo run "$@" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	joinable() { id=$(boxdo ps -q --no-trunc) && [[ -n $id ]] && join -- /bin/true; }
	wait_for joinable
}

# join ARGUMENT...: the helper itself, as alice
join() {
	launch_as alice 1 image=- "join=$id" "$@"
}

# specify NODES MOUNTS: what acme.example/gpu=all is
specify() {
	printf '{ "cdiVersion": "0.6.0", "kind": "acme.example/gpu", "devices": [ { "name": "all", "containerEdits": { "deviceNodes": [ %s ], "mounts": [ %s ] } } ] }\n' \
		"$1" "$2" >/etc/cdi/acme.json
}

@test "a device, or a file it brought, that the name does not mean any more: a container that has it is not joined" {
	local both='{ "path": "/dev/acme0" }, { "path": "/dev/acme1" }' one='{ "path": "/dev/acme0" }'
	local key='{ "hostPath": "/usr/lib/acme/key", "containerPath": "/usr/share/key", "options": [ "ro" ] }'
	policy "$(catalogue)" '[allow gpus]' 'users = alice' 'images = tiny' 'devices = acme.example/gpu=* /dev/acme1' 'binds = ~:rw'
	specify "$both" "$key"
	start --device acme.example/gpu=all tiny sleep 85
	run join -- /bin/cat /usr/share/key
	assert_output key
	# What was taken out of it is denied, and the container has it still.
	specify "$one" "$key"
	printf '[deny acme1]\nusers = alice\ndevices = /dev/acme1\n' >/etc/boxdo/policy.d/acme1.conf
	refused join -- /bin/sh -c 'echo x >/dev/acme1'
	assert_match 'would not give container .* what it has: /dev/acme1;'
	specify "$one" ''
	rm /etc/boxdo/policy.d/acme1.conf
	refused join -- /bin/cat /usr/share/key
	specify "$both" ''
	refused join -- /bin/cat /usr/share/key
	assert_match 'what it has: /usr/lib/acme/key;'
	# More than it has it may mean.
	specify "$both, { \"path\": \"/dev/zero\" }" "$key"
	run join -- /bin/cat /usr/share/key
	assert_output key
}

@test "from another network, other mounts, another IPC namespace than where it was started: not joined" {
	start --network host tiny sleep 85
	local kind
	for kind in --net --mount --ipc; do
		refused unshare $kind "$TOP/tests/lib/as" alice "$LAUNCH" 1 image=- "join=$id" -- /bin/ls /sys/class/net
		assert_match 'join it from the session or job that started it'
	done
	run unshare --uts "$TOP/tests/lib/as" alice "$LAUNCH" 1 image=- "join=$id" -- /bin/id -u
	assert_output 2001
}

@test "a process that is left behind in a container that is ending keeps its end for seconds, not for ever" {
	start tiny sh -c 'sleep 86 & sleep 85; true'
	local held
	held=$(pgrep -u alice -x -f 'sleep 86')
	# Who traces a process keeps it from being reaped: process 1 waits, and all it had to kill is killed.
	as_user alice strace -qq -o /dev/null -e trace=none -p "$held" 3>&- &
	traced() { grep -q '^TracerPid:.*[1-9]' "/proc/$held/status"; }
	wait_for traced
	tracer=$(awk '/^TracerPid:/ { print $2 }' "/proc/$held/status")
	kill -STOP "$tracer"
	# Its supervisor's patience is ten seconds, and begins when all stands as it should, however slow the machine.
	supervisor=$(boxdo ps --format json | jq 'select(.joins | not).supervisor')
	kill -STOP "$supervisor"
	pkill -KILL -u alice -x -f 'sleep 85'
	dying() { [[ $(awk '/^State:/ { print $2 }' "/proc/$held/status") == [tZ] ]]; }
	wait_for dying
	run join -- /bin/sh -c 'sleep 87 </dev/null >/dev/null 2>&1 & true'
	assert_success
	kill -CONT "$supervisor" "$tracer"
	container_over() { [[ -z $(boxdo ps -q) ]]; }
	wait_for container_over
	run pgrep -u alice -x -f 'sleep 87'
	assert_output ''
	assert_equal "$(records "select(.event == \"end\" and .id == \"$id\") | [.ended, .exit] | @csv")" '"\"command\",0"'
}

@test "a container started by a vector whose first word is -- is joined as any other" {
	as_user alice bash -c "exec -a -- '$LAUNCH' 1 image=tiny -- /bin/sleep 85" 3>&- &
	joined() { id=$(boxdo ps -q --no-trunc) && [[ -n $id ]] && [[ $(join -- /bin/id -u) == 2001 ]]; }
	wait_for joined
}
