#!/usr/bin/env bats
# `boxdo exec`: a command in a container that runs, as a user and an admin meet it.
# shellcheck disable=SC2154
load ../lib/common
load ../lib/terminal

setup_file() {
	printf '%s\n' 'svc:x:2010:2010::/srv/svc:/usr/sbin/nologin' >>/etc/passwd
	printf '%s\n' 'svc:x:2010:' >>/etc/group
	printf '%s\n' 'svc:!:20000::::::' >>/etc/shadow
	install -d -m 700 -o svc -g svc /srv/svc
	cp -a "$POLICY" /run/stage/policy.kept
	mkdir -p /opt/shims
	ln -s /usr/bin/boxdo /opt/shims/docker
}

setup() {
	cp -a /run/stage/policy.kept "$POLICY"
}

teardown() {
	rm -f /etc/boxdo/policy.d/*
	[[ -z $(boxdo ps -q) ]] || boxdo stop -t 0 --all >/dev/null
	wait
	every_launch_has_its_end
}

rules() { # LINES...
	policy "$(catalogue)" "$@"
}

# start OPTIONS IMAGE COMMAND...: alice's, in the background; its id in $id once it can be joined.
start() {
	local before
	before=$(boxdo ps -q --no-trunc)
	as_user alice boxdo run "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	one_more() { id=$(comm -13 <(sort <<<"$before") <(boxdo ps -q --no-trunc | sort)) && [[ -n $id ]]; }
	wait_for one_more
	wait_for pgrep -f "^sleep 7[0-9]"
}

# inside COMMAND...: boxdo exec as alice, in $id
inside() {
	as_user alice boxdo exec "$id" "$@"
}

last() { # EVENT FILTER
	records "select(.event == \"$1\" and .joins == \"$id\") | $2" | tail -n 1
}

ended() {
	[[ -n $(last end .) ]]
}

@test "boxdo explain says what exec asks the policy: its run, with the new command" {
	rules '[allow work]' 'users = alice' 'images = tiny' 'command = sleep ...' 'command = id' 'binds = /data' 'env = LANG'
	start --contain -v /data:/data tiny sleep 70
	for line in 'exec' 'docker exec' 'podman exec'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo explain $line "$id" id
		assert_status 125
		assert_match "boxdo explain run OPTIONS --entrypoint '' IMAGE COMMAND"
	done
	same() { # STATUS COMMAND: of both
		run inside "$2"
		assert_status "$1"
		run as_user alice boxdo explain run --contain -v /data:/data --entrypoint '' tiny "$2"
		assert_status $(($1 ? 1 : 0))
	}
	same 0 id
	same 125 ls
	sed -i 's/^command = id/command = ls/' "$POLICY"
	same 125 id
	same 0 ls
	sed -i '/^binds/d' "$POLICY"
	same 125 ls
}

@test "by id, its first digits, or name: arguments, output, input through a pipe, status" {
	start --name work tiny sleep 700
	run inside sh -c 'echo "$@"; exit 3' sh 'a  b' '' c
	assert_status 3
	assert_output 'a  b  c'
	for word in "${id:0:4}" "${id:0:12}" work; do
		run as_user alice boxdo exec "$word" echo here
		assert_output here
	done
	assert_equal "$(head -c 3000000 /dev/zero | inside wc -c)" 3000000
	run inside sh -c 'kill -USR1 $$'
	assert_status $((128 + 10))
	run inside no-such-command
	assert_status 127
	assert_output 'boxdo: no-such-command: not found in the image'
	run inside /etc/os-release
	assert_status 126
	run as_user alice boxdo exec "$id"
	assert_status 125
	assert_match 'no command is named'
	run as_user alice boxdo exec nope true
	assert_output 'boxdo: no container nope of yours runs; see boxdo ps'
}

@test "it is in the container: processes, host name, files, network, cgroup; and is who the container is" {
	start --hostname there --network none --tmpfs /scratch -v /data:/data tiny sh -c 'echo kept >/scratch/file; sleep 710; true'
	run inside sh -c 'hostname; cat /scratch/file; ls /sys/class/net; ls /data/README; id -u; id -G; ps -o comm'
	assert_match $'^there\nkept\nlo\n/data/README\n2001\n2001 2101\n'
	assert_match $'boxdo-init\n'
	assert_match 'boxdo-join'
	local outer inner init
	init=$(boxdo ps --format json | jq -s '.[0].pid')
	for ns in mnt pid uts ipc net; do
		outer=$(readlink "/proc/$init/ns/$ns")
		inner=$(inside readlink /proc/self/ns/$ns)
		assert_equal "$inner" "$outer"
	done
	run inside grep -E '^(Uid|Gid|Cap...|NoNewPrivs|Seccomp):' /proc/self/status
	assert_equal "$(tr -s '\t\n' '  ' <<<"$output" | xargs)" "Uid: 2001 2001 2001 2001 Gid: 2001 2001 2001 2001 CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: 0000000000000000 CapAmb: 0000000000000000 NoNewPrivs: 1 Seccomp: 2"
	# From somewhere else: the container's cgroup, not the one of who joins.
	mkdir -p /sys/fs/cgroup/user.slice/alice/elsewhere
	run as_user alice sh -c "echo \$\$ >/sys/fs/cgroup/user.slice/alice/elsewhere/cgroup.procs; boxdo exec $id cat /proc/self/cgroup"
	assert_equal "$(grep '^0::' <<<"$output")" "$(grep '^0::' "/proc/$init/cgroup")"
	rmdir /sys/fs/cgroup/user.slice/alice/elsewhere
}

@test "directory and environment: where the container began or -w; the caller's, with -e; none of the run's" {
	start -w /data -e RUN=1 -v /data:/data tiny sleep 720
	run as_user alice env MINE=2 LD_PRELOAD=/x boxdo exec -e EXEC=3 "$id" sh -c 'pwd; echo "$RUN-$MINE-$EXEC-$LD_PRELOAD"; echo $BOXDO_IMAGE $HOME'
	assert_output $'/data\n-2-3-\ntiny /home/alice'
	run as_user alice boxdo exec -w /tmp "$id" pwd
	assert_output /tmp
	run as_user alice boxdo exec -w /no/such "$id" pwd
	assert_status 125
	assert_match 'the working directory /no/such cannot be entered in the container'
	run inside sh -c 'echo $BOXDO_ID'
	assert_equal "$output" "$(records "select(.event == \"launch\" and .joins == \"$id\") | .id" | tail -n 1 | tr -d '"')"
}

@test "a bind named from the directory of the run is the same one when joined from another" {
	as_user alice mkdir -p /home/alice/here
	as_user_in /home/alice alice boxdo run --no-home -v ./here:/here tiny sleep 730 3>&- &
	wait_for pgrep -x -f 'sleep 730'
	id=$(boxdo ps -q --no-trunc)
	run as_user_in /data alice boxdo exec "$id" sh -c 'touch /here/made && ls /here'
	assert_output made
}

@test "each signal once; the end of who stands for it ends the command alone; the container goes on" {
	start tiny sleep 740
	inside sh -c 'trap "echo got; exit 5" TERM; echo ready; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/joined" 3>&- &
	wait_for grep -q ready "$BATS_TEST_TMPDIR/joined"
	local handle
	handle=$(boxdo ps --format json | jq "select(.joins == \"$id\") | .handle")
	kill -TERM "$handle"
	wait_for ended
	assert_equal "$(cat "$BATS_TEST_TMPDIR/joined")" $'ready\ngot'
	assert_equal "$(last end '[.exit, .ended] | @csv')" '"5,\"command\""'
	: >"$BATS_TEST_TMPDIR/joined" # or the word of the one before is taken for its
	inside sh -c 'trap "" TERM HUP INT; echo ready; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/joined" 3>&- &
	wait_for grep -q ready "$BATS_TEST_TMPDIR/joined"
	kill -KILL "$(boxdo ps --format json | jq "select(.joins == \"$id\") | .handle")"
	gone() { [[ $(last end .ended) == '"caller-gone"' ]]; }
	wait_for gone
	assert_equal "$(boxdo ps -q --no-trunc)" "$id"
	nothing_of_it() { ! pgrep -u alice -f 'trap "" TERM HUP INT'; }
	wait_for nothing_of_it
	run inside true
	assert_success
}

@test "in a terminal: it is one, ^C reaches the command once, the shell goes on" {
	start tiny sleep 750
	talk 'set first "; stty -echo"' '
		send "boxdo exec -it '"$id"' sh -c \"test -t 0 && trap \\\"echo int; exit 7\\\" INT && echo ready; while :; do sleep 0.1; done\"; echo status \$?\r"
		want "ready"
		send "\003"; want "int\r\nstatus 7\r\n% "
	'
}

@test "on record before it runs, with the container's id; ps, log and the page show it; stop ends it alone" {
	start -v /data:/data --network none tiny sleep 760
	inside sleep 770 3>&- &
	two() { [[ $(boxdo ps -q | wc -l) -eq 2 ]]; }
	wait_for two
	run as_user alice boxdo ps
	assert_match "\(in ${id:0:12}\) sleep 770"
	assert_equal "$(as_user alice boxdo ps --format json | jq -r 'select(.joins) | .joins')" "$id"
	assert_equal "$(last launch '[.user, .image, .network, .binds[0], .command, .rule] | @csv')" \
		"$(records "select(.event == \"launch\" and .id == \"$id\") | [.user, .image, .network, .binds[0], \"sleep 770\", .rule] | @csv")"
	local joined
	joined=$(last launch .id | tr -d '"')
	run boxdo log "$joined"
	assert_match "Joined +$id"
	run as_user alice boxdo exec "$joined" true
	assert_status 125
	assert_match "is a command in container $id: join that"
	as_user alice boxdo stop "$joined"
	# The caller may have the status before the record can be found.
	wait_for ended
	assert_equal "$(last end '[.id, .reason, .signal] | @csv')" "\"\\\"$joined\\\",\\\"stopped by its owner\\\",15\""
	assert_equal "$(boxdo ps -q --no-trunc)" "$id"
	inside sleep 780 3>&- &
	wait_for two
	boxdo stop "$(boxdo ps --format json | jq -r 'select(.joins) | .id')"
	wait_for eval '[[ $(last end .stopped_by) == "\"root\"" ]]'
	assert_equal "$(boxdo ps -q --no-trunc)" "$id"
}

@test "the container's end is the command's, and its record says so; the container's end is not held up" {
	start tiny sleep 790
	inside sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/joined" 3>&- &
	wait_for grep -q ready "$BATS_TEST_TMPDIR/joined"
	as_user alice boxdo stop -t 0 "$id"
	wait_for ended
	assert_equal "$(last end '[.ended, .reason, .signal] | @csv')" '"\"container-ended\",\"the container ended\",9"'
	run boxdo ps -q
	assert_output ''
	run inside true
	assert_status 125
	assert_output "boxdo: no container $id of yours runs; see boxdo ps"
}

@test "the policy is asked again: command, max_launches, password, hours; max_running counts containers" {
	rules '[allow a]' 'users = alice' 'images = tiny' 'max_running = 1' 'max_launches = 3/hour'
	start tiny sleep 700
	inside true
	run as_user alice boxdo run tiny true
	assert_match 'max_running'
	# That one was refused before it took one of the three.
	inside true
	run inside true
	assert_match '3 launches per hour are permitted'
	rules '[allow a]' 'users = alice' 'images = tiny' 'password = yes'
	run as_user alice boxdo exec -n "$id" true
	assert_match 'a password is needed'
	rules '[allow a]' 'users = alice' 'images = tiny' 'not_after = 2020-01-01'
	run inside true
	assert_status 125
	boxdo stop -t 0 "$id"
	wait
	rules '[allow a]' 'users = alice' 'images = tiny' 'command = sleep *' 'command = id -u'
	start --contain tiny sleep 710
	run inside id -u
	assert_output 2001
	run inside id -g
	assert_status 125
	assert_equal "$(last refuse '[.command, .stage] | @csv')" '"\"id -g\",\"policy\""'
}

@test "a container of another account (run_as): the same account, by the rule as it is now, and nobody else" {
	rules '[allow svc]' 'users = alice' 'run_as = svc' 'images = tiny'
	start -u svc --contain tiny sleep 720
	run inside sh -c 'id -u; id -G; echo $HOME; pwd'
	assert_output $'2010\n2010\n/srv/svc\n/'
	assert_equal "$(last launch .runas)" '"svc"'
	run as_user alice boxdo exec -u svc "$id" id -u
	assert_output 2010
	run as_user alice boxdo exec -u alice "$id" id -u
	assert_status 125
	assert_match 'runs as uid 2010, and so does what joins it, not as alice'
	rules '[allow tiny]' 'users = alice' 'images = tiny'
	run inside id -u
	assert_status 125
}

@test "docker exec by that name: docker's rule for the environment, its options" {
	start --name box tiny sleep 730
	docker() { as_user alice env PATH=/opt/shims:/usr/bin:/bin FOO=bar TERM=vt100 docker "$@"; }
	run docker exec -it -e A=1 box sh -c 'echo "$FOO-$A-$TERM"'
	assert_output '-1-vt100'
	run docker exec --workdir /tmp box pwd
	assert_output /tmp
	run docker container exec -i box cat <<<'through'
	assert_output through
	run docker exec -d box true
	assert_status 125
	assert_match 'in the background with &'
	run docker exec --privileged box true
	assert_match 'never has more rights'
}

@test "an image of one's own, through squashfuse" {
	printf '\n[allow own]\nusers = alice\nuser_images = yes\nbinds = ~:rw .:rw\n' >>$POLICY
	as_user alice cp /srv/images/tiny.sqfs /home/alice/mine.sqfs
	start ./mine.sqfs sleep 740
	run inside grep ^ID /etc/os-release
	assert_output ID=tiny
	# Another file under its name is not what the container has.
	as_user alice sh -c 'cp mine.sqfs other.sqfs; mv other.sqfs mine.sqfs'
	run inside true
	assert_status 125
	assert_match 'is another image now'
}
