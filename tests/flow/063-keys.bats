#!/usr/bin/env bats
# Keys of the policy end to end that no other file drives: what each says is decided, enforced and on record.
load ../lib/common

setup_file() {
	# Ends with this minute, or the next where this one is nearly over: looked at last, so that the other tests pass meanwhile.
	policy "$(catalogue)" '[allow brief]' 'users = alice' 'images = dir' 'timezone = UTC' "not_after = $(date -u -d '+15 sec' '+%Y-%m-%d %H:%M')"
	as_user alice boxdo run --contain dir sh -c 'trap "" TERM INT HUP; sleep 1000 & wait; sleep 1000' >/run/stage/brief 2>&1 3>&- &
	printf 'trusted (gpu1,alice,)\nempty (-,-,-)\n' >/etc/netgroup
	sed -i '/^netgroup/d' /etc/nsswitch.conf
	echo 'netgroup: files' >>/etc/nsswitch.conf
	wait_for pgrep -u alice -x sleep || true
}

rules() { # TEXT...: the catalogue, then these lines
	policy "$(catalogue)" "$@"
}
passes() { # ARGUMENT...
	run as_user alice boxdo run "$@" true
	assert_success
}
refused() { # REGEX ARGUMENT...
	run as_user alice boxdo run "${@:2}" true
	assert_status 125
	assert_match "$1"
	assert_equal "$(records 'select(.event == "refuse") | .user' | tail -n 1)" '"alice"'
}

@test "grants = no: this allow is what it says itself; another one has the grants" {
	rules '[allow bare]' 'users = alice' 'images = tiny' 'grants = no' '[allow full]' 'users = alice' 'images = dir' \
		'[grant data]' 'users = *' 'binds = /data'
	refused 'bind /data is not granted; allow bare .* grants no binds' -v /data tiny
	passes -v /data dir
}

@test "memory, cpus, pids: a launch they would limit is refused with that reason, also by a rule passed over" {
	for line in 'memory = 8G' 'cpus = 0.5' 'pids = 500'; do
		rules '[allow limited]' 'users = alice' 'images = tiny' "$line" '[allow more]' 'users = alice' 'images = *' 'binds = /data'
		refused "allow limited \(.*\) sets ${line%% *}, which is not enforced yet" tiny
		refused "allow limited \(.*\) sets ${line%% *}, which is not enforced yet" -v /data tiny
		passes -v /data dir
	done
}

@test "netgroups: of the caller yes, of nobody no; a list of '!' alone is nobody" {
	rules '[allow it]' 'users = +trusted' 'images = *'
	passes tiny
	rules '[allow it]' 'users = +empty' 'images = *'
	refused 'not permitted to you' tiny
	rules '[allow it]' 'users = +nosuch' 'images = *'
	refused 'not permitted to you' tiny
	rules '[allow it]' 'users = !bob !%phys' 'images = *'
	refused 'not permitted to you' tiny
	rules '[allow it]' 'users = * !bob' 'images = *'
	passes tiny
}

@test "groups with blanks, and a group that NSS alone gives counts in a deny" {
	sed -i '/^%\|^lab rats/d' /etc/group
	echo 'lab rats:x:2150:alice' >>/etc/group
	rules '[allow it]' 'users = %"lab rats"' 'images = *'
	passes tiny
	run as_user alice boxdo run tiny true
	# Without the group in the process.
	run setpriv --reuid 2001 --regid 2001 --clear-groups -- boxdo run tiny true
	assert_status 125
	rules '[allow it]' 'users = alice' 'images = *' '[deny rats]' 'users = %"lab rats"'
	run setpriv --reuid 2001 --regid 2001 --clear-groups -- boxdo run tiny true
	assert_match 'denied by the rule deny rats'
}

@test "hours in a zone, not_before and not_after in a zone; TZ of the caller means nothing" {
	# Kiribati is a day ahead of Baker Island's neighbours at every moment: 25 hours.
	there=$(TZ=Pacific/Kiritimati date +%a)
	elsewhere=$(TZ=Pacific/Midway date +%a)
	rules '[allow it]' 'users = alice' 'images = *' "hours = $there" 'timezone = Pacific/Kiritimati'
	passes tiny
	rules '[allow it]' 'users = alice' 'images = *' "hours = $elsewhere" 'timezone = Pacific/Kiritimati'
	refused 'not permitted to you here and now' tiny
	run as_user alice env TZ=Pacific/Midway boxdo run tiny true
	assert_status 125
	rules '[allow it]' 'users = alice' 'images = *' "not_after = $(TZ=Pacific/Midway date +%F)" 'timezone = Pacific/Kiritimati'
	refused 'not permitted to you here and now' tiny
	rules '[allow it]' 'users = alice' 'images = *' "not_before = $(TZ=Pacific/Kiritimati date +%F)" 'timezone = Pacific/Midway'
	refused 'not permitted to you here and now' tiny
	rules '[allow it]' 'users = alice' 'images = *' "not_before = $(TZ=Pacific/Kiritimati date +%F)" \
		"not_after = $(TZ=Pacific/Kiritimati date +%F)" 'timezone = Pacific/Kiritimati'
	passes tiny
	run as_user alice env TZ=Pacific/Midway boxdo run tiny true
	assert_success
}

@test "env: globs, what is asked for by name, and never what a rule with command must not have" {
	rules '[allow it]' 'users = alice' 'images = *' 'binds = ~:rw .:rw' 'env = OMP_* [ABC]X'
	run as_user alice env OMP_A=1 AX=2 DX=3 boxdo run tiny sh -c 'echo $OMP_A $AX [$DX]'
	assert_output '1 2 []'
	refused 'variable DX is not granted' -e DX=1 tiny
	run as_user alice boxdo run -e CX=5 tiny sh -c 'echo $CX'
	assert_output 5
}

@test "share = ipc: only where granted, also by a grant" {
	rules '[allow it]' 'users = alice' 'images = *'
	refused "the host's IPC is not granted" --ipc=host tiny
	rules '[allow it]' 'users = alice' 'images = *' '[grant mpi]' 'users = %ml' 'images = tiny' 'share = ipc'
	run as_user alice boxdo run --contain --ipc=host tiny readlink /proc/self/ns/ipc
	assert_output "$(readlink /proc/self/ns/ipc)"
	refused "the host's IPC is not granted" --ipc=host dir
}

@test "~ counts only if the caller owns it; . is never a system directory" {
	rules '[allow it]' 'users = alice' 'images = *' 'binds = ~:rw .:rw'
	chown bob /home/alice && chmod 777 /home/alice
	run as_user_in /tmp alice boxdo run -v /home/alice:/mnt tiny true
	chown alice /home/alice && chmod 700 /home/alice
	assert_status 125
	for directory in / /etc /usr/lib /run /proc /dev /sys /boot; do
		[[ -d $directory ]] || continue
		run as_user_in $directory alice boxdo run --no-home -v .:/mnt tiny true
		assert_status 125
		run as_user_in $directory alice boxdo run tiny pwd
		assert_match "boxdo: $directory is not in the container .*so the command starts in /home/alice"
	done
}

@test "a command that a rule fixes: vectors, more arguments, nothing over the image, the own path alone" {
	rules '[allow fixed]' 'users = alice' 'images = tiny' 'command = echo --epochs * ...' 'command = true' 'binds = ~:rw /data'
	run as_user alice boxdo run --contain tiny echo --epochs 3 more and more
	assert_output '--epochs 3 more and more'
	refused 'permits other commands of this image' tiny echo
	refused 'may not appear at /opt' -v /data:/opt tiny
	passes -v /data tiny
}

@test "not_after ends what runs, and that is on record" {
	run wait_for -t 110 bash -c '! pgrep -u alice -x sleep'
	assert_success
	assert_match '^$'
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end" and .image == "dir" and .reason == "not_after") | "\(.ended) \(.signal) \(.rule)"' | head -n 1 | cut -c1-24)" '"not_after 9 allow brief'
	run cat /run/stage/brief
	assert_match 'boxdo: stopped: not_after of allow brief \(/etc/boxdo/policy.conf:[0-9]+\) is over'
	((10#$(date +%S) < 5)) || echo "# ended within the minute's end, seen at second $(date +%S)"
}
