#!/usr/bin/env bats
# What runs: limits on how many and how often.
# shellcheck disable=SC2154
load ../lib/common

rules() { # LINES...
	{
		catalogue
		printf '%s\n' "$@"
	} | policy
}

# Starts N launches at the same moment; statuses into $BATS_TEST_TMPDIR/status.N.
at_once() { # N COMMAND...
	local count=$1 i
	shift
	for ((i = 0; i < count; i++)); do
		(
			status=0
			as_user alice "$@" >/dev/null 2>"$BATS_TEST_TMPDIR/said.$i" || status=$?
			echo $status >"$BATS_TEST_TMPDIR/status.$i"
		) 3>&- &
	done
}

assert_match_file() {
	grep -qE "$1" "$BATS_TEST_TMPDIR"/said.* || { head "$BATS_TEST_TMPDIR"/said.* && return 1; }
}

@test "max_running: of thirty at once six run, the others are told when, on record; then the places are free again" {
	rules '[allow few]' 'users = alice' 'images = tiny' 'max_running = 6'
	at_once 30 boxdo run tiny sh -c 'echo; exec sleep 600'
	refused() { [[ $(cat "$BATS_TEST_TMPDIR"/status.* 2>/dev/null | grep -c '^125$') -eq 24 ]]; }
	wait_for -t 200 refused
	six() { [[ $(pgrep -c boxdo-super) -eq 6 && $(pgrep -c -x -u alice sleep) -eq 6 ]]; }
	wait_for six
	[[ $(grep -l '^boxdo: 6 containers of yours run on this host, and more are not permitted (max_running); try again when one has ended' \
		"$BATS_TEST_TMPDIR"/said.* | wc -l) -eq 24 ]]
	assert_equal "$(records 'select(.event == "refuse" and .stage == "policy") | .reason' | grep -c max_running)" 24
	pkill -TERM -x -u alice sleep
	no_supervisor() { ! pgrep boxdo-super; }
	wait_for no_supervisor
	every_launch_has_its_end
	for _ in {1..8}; do as_user alice boxdo run tiny true; done
}

@test "max_running counts the containers of other rules too, and no other user's" {
	rules '[allow one]' 'users = *' 'images = tiny' 'max_running = 1' '[allow all]' 'users = *' 'images = dir'
	as_user alice boxdo run dir sleep 601 3>&- &
	wait_for pgrep -x -u alice sleep
	run as_user alice boxdo run tiny true
	assert_status 125
	as_user alice boxdo run dir true
	as_user bob boxdo run tiny true
	pkill -TERM -x -u alice sleep
	wait
	as_user alice boxdo run tiny true
}

@test "max_launches: three a minute, also when twelve begin at once; a passed-over rule's limit holds" {
	rules '[allow few]' 'users = alice' 'images = tiny' 'max_launches = 3/min 1000/day' \
		'[allow home]' 'users = alice' 'images = tiny' 'binds = ~:rw /data' 'max_launches = 50/hour'
	at_once 12 boxdo run -v /data:/data tiny true
	wait
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/status.* | sort | uniq -c | xargs)" "3 0 9 125"
	assert_match_file '^boxdo: 3 launches per minute are permitted \(max_launches\), and you have used them up; try again in [0-9]+ s$'
	assert_equal "$(records 'select(.event == "refuse") | .reason' | grep -c 'max_launches')" 9
}

@test "who may not read the policy learns no number from a limit" {
	rules '[allow few]' 'users = bob' 'images = tiny' 'max_launches = 1/hour'
	chmod 0600 $POLICY
	as_user bob boxdo run tiny true
	run as_user bob boxdo run tiny true
	assert_status 125
	assert_output "boxdo: not permitted now: you started too many containers, try later"
	records 'select(.event == "refuse" and .user == "bob") | .reason' | grep -q 'max_launches.*try again in [0-9]* s'
}

# --- boxdo ps, boxdo stop ---------------------------------------------------------------------------

everyone() {
	rules '[allow all]' 'users = alice bob' 'images = tiny dir' 'binds = ~:rw'
}

# start USER IMAGE COMMAND...: in the background; its id in $id when it runs.
start() {
	local before
	before=$(boxdo ps -q --no-trunc)
	as_user "$1" boxdo run "${@:2}" >"$BATS_TEST_TMPDIR/out.$1" 2>"$BATS_TEST_TMPDIR/err.$1" 3>&- &
	one_more() { id=$(comm -13 <(sort <<<"$before") <(boxdo ps -q --no-trunc | sort)) && [[ -n $id ]]; }
	wait_for one_more
}

last_end() { # FILTER
	records "select(.event == \"end\" and .id == \"$id\") | $1" | tail -n 1
}

teardown() {
	[[ -z $(boxdo ps -q) ]] || boxdo stop -t 0 --all >/dev/null
	wait
	rm -f /etc/boxdo/policy.d/*
}

@test "boxdo ps: what runs, root sees all, users their own, from before the command until its end" {
	everyone
	start bob dir sleep 610
	start alice tiny sh -c $'true \x1b[31m; echo; sleep 620'
	run boxdo ps --no-trunc
	assert_equal "${#lines[@]}" 3
	assert_match "$id +tiny +alice +20[0-9-]+ [0-9:]+ +[0-9]+ +up [0-9]+ s +sh -c"
	[[ $output != *$'\x1b'* ]]
	boxdo ps --format json | jq -se 'length == 2 and .[1].user == "alice" and .[1].uid == 2001
		and (.[1].command | startswith("sh -c")) and (.[1].rule | startswith("allow all"))' >/dev/null
	assert_equal "$(cat "/proc/$(boxdo ps --format json | jq -s '.[1].pid')/comm")" boxdo-init
	assert_equal "$(cat "/proc/$(boxdo ps --format json | jq -s '.[1].supervisor')/comm")" boxdo-super
	assert_equal "$(as_user alice boxdo ps -q --no-trunc)" "$id"
	assert_equal "$(as_user bob boxdo ps --format json | jq -r .image)" dir
	assert_equal "$(as_user mallory boxdo ps -q)" ""
	boxdo stop "${id:0:6}"
	assert_equal "$(as_user alice boxdo ps -q)" ""
	run as_user alice boxdo ps -a
	assert_status 125
}

@test "what a killed supervisor leaves is not shown, and its place is free" {
	rules '[allow one]' 'users = alice' 'images = tiny' 'max_running = 1'
	start alice tiny sleep 630
	kill -KILL "$(boxdo ps --format json | jq .supervisor)"
	wait
	nothing_runs() { [[ -z $(boxdo ps -q) ]]; }
	wait_for nothing_runs # a zombie is one until it is reaped
	assert_equal "$(as_user alice boxdo ps -q)" ""
	as_user alice boxdo run tiny true
}

@test "its owner stops a container: TERM, which the command may use, then KILL; on record" {
	everyone
	start alice tiny sh -c 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	wait_for grep -q ready "$BATS_TEST_TMPDIR/out.alice"
	as_user alice boxdo stop "$id"
	wait_for grep -q bye "$BATS_TEST_TMPDIR/out.alice"
	grep -qx 'boxdo: stopped by its owner' "$BATS_TEST_TMPDIR/err.alice"
	ended() { [[ -n $(last_end .) ]]; }
	wait_for ended
	assert_equal "$(last_end '[.reason, .exit, .stopped_by] | @csv')" '"\"stopped by its owner\",3,"'
	start alice tiny sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	wait_for grep -q ready "$BATS_TEST_TMPDIR/out.alice"
	SECONDS=0
	as_user alice boxdo stop -t 1 "${id:0:8}"
	((SECONDS < 10)) # which is docker's time, and ours
	assert_equal "$(last_end '[.reason, .signal] | @csv')" '"\"stopped by its owner\",9"'
}

@test "nobody stops another user's container" {
	everyone
	start alice tiny sleep 640
	run as_user bob boxdo stop "$id"
	assert_status 1
	assert_output "boxdo: no container $id of yours runs"
	run as_user bob boxdo stop --user alice
	assert_status 125
	run as_user bob boxdo stop --all
	assert_success
	run as_user bob kill -USR1 "$(boxdo ps --format json | jq .supervisor)"
	assert_status 1
	run as_user alice kill -USR1 "$(boxdo ps --format json | jq .supervisor)"
	assert_status 1
	# A signal of root's alone says nothing.
	kill -USR1 "$(boxdo ps --format json | jq .supervisor)"
	sleep 0.3
	assert_equal "$(boxdo ps -q --no-trunc)" "$id"
}

@test "root stops by user, by image, by id: the end record names who, and no other container ends" {
	everyone
	start bob dir sleep 650
	local kept=$id
	start alice dir sleep 660
	SUDO_USER=mallory boxdo stop --user alice
	assert_equal "$(last_end '[.reason, .signal, .stopped_by] | @csv')" '"\"stopped by an admin\",15,\"root\""'
	grep -qx 'boxdo: stopped by an admin' "$BATS_TEST_TMPDIR/err.alice"
	start alice tiny sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	wait_for grep -q ready "$BATS_TEST_TMPDIR/out.alice"
	boxdo stop -t 1 --image tiny
	assert_equal "$(last_end '[.reason, .signal, .stopped_by] | @csv')" '"\"stopped by an admin\",9,\"root\""'
	assert_equal "$(boxdo ps -q --no-trunc)" "$kept"
	id=$kept
	boxdo stop "$id"
	assert_equal "$(last_end .stopped_by)" '"root"'
	run boxdo stop "$id"
	assert_status 1
	run boxdo stop 12
	assert_status 1
	assert_match 'no container 12 runs'
}

@test "stop --image means the image, whatever was typed for it: names, references, paths, links, copies by their digest" {
	local digest what
	rules '[image busy]' 'path = /srv/images/tiny.sqfs' 'ref = busybox' '[image other]' 'path = /srv/images/copy.sqfs' \
		'[allow all]' 'users = alice bob' 'images = *'
	cp /srv/images/tiny.sqfs /srv/images/copy.sqfs
	ln -s tiny.sqfs /srv/images/link.sqfs
	boxdo image verify busy
	boxdo image verify other
	digest=$(sha256sum /srv/images/tiny.sqfs | cut -d' ' -f1)
	start bob dir sleep 700
	local kept=$id
	for what in tiny busy busybox docker.io/library/busybox:latest /srv/images/tiny.sqfs /srv/images/link.sqfs; do
		start alice /srv/images/tiny.sqfs sleep 710
		start alice busy sleep 720
		start alice busybox sleep 730
		start alice /srv/images/link.sqfs sleep 740
		start alice other sleep 750
		local copy=$id
		boxdo stop -t 0 --image $what
		assert_equal "$(boxdo ps -q --no-trunc)" "$kept"$'\n'"$copy"
		boxdo stop -t 0 --image "sha256:${digest^^}"
		assert_equal "$(boxdo ps -q --no-trunc)" "$kept"
	done
	# A file that is not there any more, and an emergency in which the policy was broken, too.
	start alice tiny sleep 760
	mv /srv/images/tiny.sqfs /srv/images/moved.sqfs
	echo '[deny' >/etc/boxdo/policy.d/now.conf
	run boxdo stop -t 0 --image tiny
	assert_status 0
	assert_match 'now.conf:1:.*so only what was asked for as tiny is meant'
	assert_equal "$(boxdo ps -q --no-trunc)" "$kept"
	rm /etc/boxdo/policy.d/now.conf
	run boxdo stop --image tiny
	assert_output ''
	mv /srv/images/moved.sqfs /srv/images/tiny.sqfs
	run boxdo stop --image tniy
	assert_status 125
	assert_output 'boxdo: there is no image tniy, and nothing runs that was asked for so'
	# An ordinary user's ends their own alone.
	chmod 644 $POLICY
	start alice busy sleep 770
	run as_user bob boxdo stop -t 0 --image tiny
	assert_output ''
	assert_equal "$(boxdo ps -q --no-trunc)" "$kept"$'\n'"$id"
	as_user alice boxdo stop -t 0 --image tiny
	assert_equal "$(boxdo ps -q --no-trunc)" "$kept"
}

@test "a container named like another's id shields nobody; no text of a user steers root's terminal" {
	everyone
	start bob dir sleep 670
	local victim=$id
	start bob --name "$victim" dir sh -c 'exec sleep 680' $'\xc2\x9b31m\xe2\x80\xaered'
	run boxdo ps --format json
	[[ $output != *$'\xc2\x9b'* && $output != *$'\xe2\x80\xae'* && $output != *$'\e'* ]]
	assert_match "\"name\":\"$victim\""
	boxdo stop "$victim"
	refute_match "^$victim" "$(boxdo ps -q --no-trunc)"
	assert_equal "$(boxdo ps -q --no-trunc | wc -l)" 1
	boxdo stop --user bob
}

@test "the login uid of who stopped it is the kernel's, through su and sudo" {
	# In a shell of its own: it can be set once.
	bash -c 'echo 2004 >/proc/self/loginuid' 2>/dev/null || skip "the kernel lets nobody set a login uid here"
	everyone
	start alice tiny sleep 670
	bash -c "echo 2004 >/proc/self/loginuid; SUDO_USER=mallory boxdo stop $id"
	assert_equal "$(last_end '[.stopped_by, .stopped_by_loginuid] | @csv')" '"\"auditor\",2004"'
}

@test "emergency: a deny, then stop: whatever was on its way, nothing of that user's runs afterwards" {
	everyone
	start bob dir sleep 680
	for _ in {1..6}; do
		(while as_user alice boxdo run tiny sh -c 'sleep 300' </dev/null &>/dev/null; [[ $? -ne 125 ]]; do :; done) 3>&- &
	done
	some() { [[ $(boxdo ps -q | wc -l) -ge 4 ]]; }
	wait_for some
	printf '[deny emergency]\nusers = alice\n' >/etc/boxdo/policy.d/00-emergency.conf
	boxdo stop -t 1 --user alice
	local stopped
	stopped=$(date +%s%6N)
	sleep 1
	assert_equal "$(pgrep -u alice -x sleep)" ""
	assert_equal "$(boxdo ps --format json | jq -r .user)" bob
	assert_equal "$(records "select(.event == \"launch\" and .user == \"alice\" and .time > $stopped) | .id")" ""
	ends_too() {
		records 'select(.event == "launch" and .command == "sh -c '"'sleep 300'"'") | .id' | sort >"$BATS_TEST_TMPDIR/began"
		[[ -s $BATS_TEST_TMPDIR/began && -z $(comm -23 "$BATS_TEST_TMPDIR/began" <(records 'select(.event == "end") | .id' | sort -u)) ]]
	}
	wait_for ends_too
}

@test "the tables are root's alone, and nobody learns of others by asking the helper" {
	everyone
	start alice tiny sleep 690
	run as_user alice ls /run/boxdo/running
	assert_status 2
	assert_equal "$(as_user mallory "$LAUNCH" 1 image=- action=ps -- 2>&1 | wc -c)" 0
	assert_equal "$(as_user alice "$LAUNCH" 1 image=- action=ps -- | wc -c)" "$(as_user alice "$LAUNCH" 1 image=/etc/shadow user=bob action=ps -- alice | wc -c)"
	# Whoever does not read it: gone within seconds, and nothing of it is root's when it writes.
	run as_user alice sh -c "$LAUNCH 1 image=- action=ps -- >/dev/full"
	assert_status 125
}
