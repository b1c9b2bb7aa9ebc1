#!/usr/bin/env bats
# timeout: 900
# `boxdo exec` attacked: whose containers, which processes, what the rule says now, and every moment between root
# and the command, from outside and from within the container that is joined (L1, L2, L18, L26, L34, CVE-2019-5736,
# CVE-2016-9962, CVE-2024-21626).
# shellcheck disable=SC2154
load ../lib/common
load attack

setup_file() {
	arm
	as_user alice boxdo run tiny true # the policy's own record
	: >"$BATS_FILE_TMPDIR/open"
}

setup() {
	restore_policy
}

teardown() {
	journal_resume # or what one test left hanging, the next ones hang by
	[[ -z $(boxdo ps -q) ]] || boxdo stop -t 0 --all >/dev/null
	wait
	wait_for all_over
}

# Nothing is left, and but for those whose supervisor a test killed every launch has its end.
all_over() {
	[[ -z $(pgrep -x 'boxdo.*') && -z $(comm -3 <(raw_records BOXDO_EVENT=launch | jq -r .BOXDO_ID | sort -u) \
		<({ raw_records BOXDO_EVENT=end | jq -r .BOXDO_ID && cat "$BATS_FILE_TMPDIR/open"; } | sort -u)) ]]
}

# start OPTIONS IMAGE COMMAND...: alice's, its id in $id once it can be joined
start() {
	as_user alice boxdo run "$@" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	joinable() { id=$(boxdo ps -q --no-trunc) && [[ -n $id ]] && launch_as alice 1 image=- "join=$id" -- /bin/true; }
	wait_for joinable
}

# join ARGUMENT...: the helper itself, as alice
join() {
	launch_as alice 1 image=- "join=$id" "$@"
}

# forge FIELD VALUE: writes into the entry of the one container, as only root can; prints what stood there
forge() {
	python3 - "$@" <<-'END'
		import os, struct, sys
		size = (os.path.getsize("/run/boxdo/running/2001.0") - 1024) // 16
		at, form = {"init": (32, "<i"), "init_start": (24, "<Q"), "facts": (52, "<i")}[sys.argv[1]]
		with open("/run/boxdo/running/2001.0", "r+b") as table:
		    for entry in range(16):
		        table.seek(1024 + size * entry)
		        if struct.unpack("<Q", table.read(8))[0]:
		            table.seek(1024 + size * entry + at)
		            print(struct.unpack(form, table.read(struct.calcsize(form)))[0])
		            table.seek(1024 + size * entry + at)
		            table.write(struct.pack(form, int(sys.argv[2])))
	END
}

@test "nobody joins another's container, root neither; who asks learns nothing of it" {
	start tiny sleep 80
	for user in bob mallory; do
		refused launch_as $user 1 image=- "join=$id" -- /bin/id
		assert_output "boxdo: no container $id of yours runs; see boxdo ps"
		refused launch_as $user 1 image=- join=0123456789abcdef0123456789abcdef -- /bin/id
		assert_output "boxdo: no container 0123456789abcdef0123456789abcdef of yours runs; see boxdo ps"
	done
	run "$LAUNCH" 1 image=- "join=$id" -- /bin/id
	assert_status 125
	assert_output "boxdo: no container $id of yours runs; see boxdo ps"
	run boxdo exec "$id" id
	assert_status 125
}

@test "what no client would send: one line, one refusal, nothing run" {
	start tiny sleep 80
	for line in 'image=tiny join=ID --' 'image=- join=ID -- ' 'image=- join=../../1 -- id' 'image=- join= -- id' \
		'image=- join=0123456789ABCDEF0123456789ABCDEF -- id' "image=- join=${id:0:31} -- id" \
		'image=tiny join=ID -- id' 'image=- bind=/data:/data join=ID -- id' 'image=- name=x join=ID -- id' \
		'image=- network=host join=ID -- id' 'image=- ipc=host join=ID -- id' 'image=- entrypoint=id join=ID -- id' \
		'image=- ulimit=core=0:0 join=ID -- id' 'image=- device=/dev/null join=ID -- id' 'image=- tmpfs=/x join=ID -- id' \
		'image=- home=no join=ID -- id' 'image=- cwd=no join=ID -- id' 'image=- join=ID action=ps -- id' \
		'image=- join=ID join=ID -- id' 'image=- join=ID prompt=never -- id' 'image=- hostname=x join=ID -- id'; do
		# shellcheck disable=SC2086
		refused launch_as alice 1 ${line//ID/$id}
	done
}

@test "a number that another process has now, another start, a descriptor that says something else: not joined" {
	start tiny sleep 80
	local was other
	as_user alice sleep 81 3>&- &
	wait_for pgrep -u alice -x -f 'sleep 81'
	other=$(pgrep -u alice -x -f 'sleep 81')
	# alice's own process, root's, one that is not there, the command (in the very namespaces, but no process 1 of SUPERVISOR's).
	for pid in "$other" 1 4000000 "$(pgrep -u alice -x -f 'sleep 80')"; do
		was=$(forge init "$pid")
		refused join -- /bin/id
		assert_output "boxdo: no container $id of yours runs; see boxdo ps"
		forge init "$was"
	done
	was=$(forge init_start 12345)
	refused join -- /bin/id
	forge init_start "$was"
	for number in -1 0 1 2 3 4 5 6 7 8 4096; do
		was=$(forge facts $number)
		[[ $number == "$was" ]] || refused join -- /bin/id
		forge facts "$was"
	done
	kill "$other"
	run join -- /bin/id -u
	assert_output 2001
}

@test "a container that has ended, or whose supervisor was killed, is not joined" {
	start tiny sleep 80
	as_user alice boxdo stop -t 0 "$id"
	refused join -- /bin/id
	wait
	start tiny sleep 80
	kill -KILL "$(boxdo ps --format json | jq .supervisor)"
	wait
	refused join -- /bin/id
	echo "$id" >>"$BATS_FILE_TMPDIR/open"
}

@test "the rule as it is now: a deny, no bind, only to read, no network of that kind, another image, a command, another account" {
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'binds = ~:rw /data:rw' 'network = host none'
	start --network none -v /data:/data:rw tiny sleep 80
	printf '[deny now]\nusers = alice\n' >/etc/boxdo/policy.d/now.conf
	refused join -- /bin/id
	assert_match 'deny now'
	printf '[deny now]\nusers = alice\nbinds = /data\n' >/etc/boxdo/policy.d/now.conf
	refused join -- /bin/id
	rm /etc/boxdo/policy.d/now.conf
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'binds = ~:rw' 'network = host none'
	refused join -- /bin/id
	assert_match '/data'
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'binds = ~:rw /data' 'network = host none'
	refused join -- /bin/id
	assert_match '/data'
	# What nobody typed: home.
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'binds = /data:rw' 'network = host none'
	refused join -- /bin/id
	assert_match 'would not give container .* what it has: /home/alice:rw'
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'binds = ~ /data:rw' 'network = host none'
	refused join -- /bin/id
	assert_match 'what it has: /home/alice:rw'
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'binds = ~:rw /data:rw' 'network = host'
	refused join -- /bin/id
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = dir' 'binds = ~:rw /data:rw' 'network = host none'
	refused join -- /bin/id
	policy "$(catalogue)" '[allow a]' 'users = bob' 'images = tiny' 'binds = ~:rw /data:rw' 'network = host none'
	refused join -- /bin/id
	# More than it has is not what it gets, nor what is on record.
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'binds = ~:rw /data:rw' 'always = /srv/images' 'network = host none'
	run join -- /bin/ls /srv/images
	assert_status 1
	assert_equal "$(records 'select(.event == "launch" and .joins) | .binds' | tail -n 1)" '["/home/alice:/home/alice:rw","/data:/data:rw"]'
	cp /srv/images/tiny.sqfs /srv/images/new && mv /srv/images/new /srv/images/tiny.sqfs
	refused join -- /bin/id
	assert_match 'tiny is another image now'
}

@test "a rule that limits the command: not in a container where the caller's files cover the image's" {
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'binds = ~:rw'
	as_user alice sh -c 'mkdir -p bin; printf "#!/bin/sh\necho mine\n" >bin/id; chmod +x bin/id'
	start --no-home -v /home/alice/bin:/opt/bin tiny sleep 80
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'binds = ~:rw' 'command = /opt/bin/id'
	refused join -- /opt/bin/id
	boxdo stop -t 0 --all
	wait
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'scratch = 64M'
	start --scratch --contain tiny sleep 80
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'scratch = 64M' 'command = id'
	refused join -- id
	assert_match 'need not be the image'
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'scratch = 32M'
	refused join -- id
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'scratch = 128M'
	run join -- /bin/sh -c 'touch /here && ls /here; id -u'
	assert_output $'/here\n2001'
	assert_equal "$(records 'select(.event == "launch" and .joins) | .scratch | tonumber' | tail -n 1)" $((64 << 20))
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = tiny' 'command = id'
	# And where the policy is nobody's to read, nothing is said of it.
	chmod 600 $POLICY
	refused join -- id
	assert_output 'boxdo: not permitted'
}

@test "hundreds joined, attacked all the while from outside: nothing was got" {
	start tiny sleep 80
	run as_user alice attack_hunt launches "${ATTACK_LAUNCHES:-200}" "$LAUNCH" 1 image=- "join=$id" -- /no/such/command
	assert_success
	assert_match "launches, .* 0 worked\$"
	[[ $output =~ ([0-9]+)\ refused && ${BASH_REMATCH[1]} -gt 20000 ]]
}

@test "and from within: no descriptor, memory, root, directory or program of who comes in is seen" {
	start -v /data:/data tiny sh -c 'while :; do for p in /proc/[0-9]*; do
			case $p in /proc/1 | /proc/$$) continue ;; esac
			read -r name <$p/comm 2>/dev/null || continue
			case $name in boxdo*) ;; *) continue ;; esac
			echo seen $name
			for what in exe fd/3 fd/4 fd/5 fd/6 fd/7 fd/8 ns/mnt; do
				got=$(readlink $p/$what 2>/dev/null) && echo "got $name $what $got"
			done
			for what in root cwd fd/3 fd/4 fd/5 fd/6 fd/7 fd/8; do
				[ ! -e $p/$what/etc/boxdo ] || echo "got $name the host by $what"
			done
			cat $p/environ $p/maps $p/mem 2>/dev/null | grep -q . && echo "got $name bytes"
		done; done'
	local runs=0
	until ((runs >= 60)) && grep -q 'seen boxdo' "$BATS_TEST_TMPDIR/out"; do
		((runs++ < 1000))
		run join -- /no/such/command
		assert_status 127
	done
	# One that is dying, with the ids of the container and its memory gone already, has its socket to SUPERVISOR.
	run grep -E '^got .*' "$BATS_TEST_TMPDIR/out"
	output=$(grep -vE 'fd/[0-9] (socket:|anon_inode:\[signalfd)|^$' <<<"$output" || true)
	assert_output ''
}

@test "while its record is not confirmed it is there, with the container's ids, and nothing gets hold of it" {
	local pids
	start tiny sleep 80
	journal_hang
	# The elder of two by that name: the other one is to be the command.
	filtered() { [[ $(awk '/^Seccomp:/ { print $2 }' "/proc/$(pgrep -o -x boxdo-join)/status" 2>/dev/null) == 2 ]]; }
	hold_when filtered join -- /bin/sleep 82
	read -ra pids < <(pgrep -x 'boxdo.*' | xargs)
	[[ ${#pids[@]} -ge 6 ]]
	run as_user alice attack_hunt pids "${pids[@]}"
	assert_success
	assert_match ' 0 worked$'
	run ls -l "/proc/$(pgrep -o -x boxdo-join)/fd"
	refute_match '/run/|journal|cgroup|/srv|/home|pidfd'
	assert_equal "$(readlink "/proc/$(pgrep -o -x boxdo-join)/cwd")" /
	assert_equal "$(pgrep -u alice -x -f '/bin/sleep 82')" ''
	journal_resume
	go_on
	wait_for pgrep -u alice -x -f '/bin/sleep 82'
}

@test "the journal down: nothing runs, nothing stays" {
	start tiny sleep 80
	journal_down
	run join -- /bin/touch /home/alice/ran
	assert_status 125
	assert_match 'could not be recorded'
	[[ ! -e /home/alice/ran ]]
	run pgrep -x boxdo-join
	assert_output ''
	journal_up
}

@test "the container ends while the record is awaited: not started, on record, and its end waits no longer than that" {
	start tiny sleep 80
	journal_hang
	join -- /bin/touch /home/alice/ran >/dev/null 2>&1 3>&- &
	wait_for pgrep -x boxdo-join
	pkill -KILL -u alice -x -f 'sleep 80'
	# Process 1 is there until the other is reaped, which is when the record was waited for long enough.
	init_gone() { ! pgrep -x 'boxdo-(init|join)'; }
	wait_for init_gone
	journal_resume
	not_started() { [[ $(records "select(.event == \"end\" and .joins == \"$id\") | .ended" | tail -n 1) == '"not-started"' ]]; }
	wait_for not_started
	[[ ! -e /home/alice/ran ]]
}

@test "whoever of it is killed, the command goes too; the container stays" {
	start tiny sleep 80
	for who in boxdo-join boxdo-super boxdo; do
		join -- /bin/sleep 83 >/dev/null 2>&1 3>&- &
		wait_for pgrep -u alice -x -f '/bin/sleep 83'
		local of
		of=$(boxdo ps --format json | jq "select(.joins) | {\"boxdo-join\": .pid, \"boxdo-super\": .supervisor, \"boxdo\": .handle}[\"$who\"]")
		if [[ $who == boxdo-super ]]; then
			run as_user alice kill -KILL "$of"
			assert_match 'not permitted'
			boxdo ps --format json | jq -r 'select(.joins) | .id' >>"$BATS_FILE_TMPDIR/open"
		fi
		kill -KILL "$of"
		no_command() { ! pgrep -u alice -x -f '/bin/sleep 83' && [[ $(boxdo ps -q | wc -l) -eq 1 ]]; }
		wait_for no_command
	done
	# From within: INIT of the command, by the container's own processes.
	join -- /bin/sleep 84 >/dev/null 2>&1 3>&- &
	wait_for pgrep -u alice -x -f '/bin/sleep 84'
	run join -- /bin/sh -c 'for p in /proc/[0-9]*; do read -r name <$p/comm; [ "$name" != boxdo-join ] || [ ${p#/proc/} = $PPID ] || kill -9 ${p#/proc/}; done'
	no_command() { ! pgrep -u alice -x -f '/bin/sleep 84' && [[ $(boxdo ps -q --no-trunc) == "$id" ]]; }
	wait_for no_command
}

@test "no descriptor but 0-2 goes in, no directory leads out, and the program that comes in cannot be run or changed" {
	start -v /data:/data tiny sleep 80
	run as_user alice bash -c "exec 7</etc 8</etc/passwd; $LAUNCH 1 image=- join=$id -- /bin/sh -c 'ls /proc/self/fd | xargs'"
	assert_output '0 1 2 3' # 3 is ls's own
	for number in {0..24}; do
		run join workdir=/proc/self/fd/$number -- /bin/pwd
		assert_status 125
		run join workdir=/proc/self/fd/$number/../../.. -- /bin/cat /etc/boxdo/policy.conf
		[[ $status -ne 0 ]]
	done
	for directory in /proc/1/root /proc/1/cwd /proc/self/cwd/../../.. /proc/self/root; do
		run join workdir=$directory -- /bin/ls /etc/boxdo
		[[ $status -ne 0 ]]
	done
	# As an interpreter: what executes it is unprivileged by then.
	as_user alice sh -c 'printf "#!/proc/self/exe\n" >again; chmod +x again'
	run join -- /home/alice/again
	refute_match 'uid=0'
	[[ $status -ne 0 ]]
	run join -- /data/attack_inside write /proc/1/mem /proc/1/exe /proc/1/root /proc/self/exe
	assert_success
	assert_equal "$(stat -c '%u %a' "$LAUNCH")" '0 4755'
	cmp "$LAUNCH" "$TOP/build/boxdo-launch"
}
