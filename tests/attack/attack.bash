# What the attack files share: `load ../lib/common` first, then `load attack`.
# shellcheck shell=bash

# The attackers' programs where every user of the stage, and every container with /data, finds them.
arm() {
	install -m 755 "$TOP"/build/helpers/attack_* /usr/local/bin/
	install -m 755 "$TOP/build/helpers/attack_inside" /data/
	cp -p "$POLICY" /run/stage/policy.kept
}

# For setup: every test begins with the stage's policy.
restore_policy() {
	rm -rf "$POLICY" /etc/boxdo/policy.d/*
	cp -p /run/stage/policy.kept "$POLICY"
}

# What most of the files begin with; those that need more say it themselves.
setup_file() {
	arm
}
setup() {
	restore_policy
}

# embargo: what alice may not have, and another name of it, which a deny uses and she can only follow.
embargo() {
	mkdir -p /data/embargo
	echo secret >/data/embargo/file
	ln -sfT /data/embargo /embargo
}

# launch_as USER ARGUMENT...: the helper itself, without the client.
launch_as() {
	as_user "$1" "$LAUNCH" "${@:2}"
}

# inside ARGUMENT...: attack_inside as the command of a container of alice's.
inside() {
	launch_as alice 1 image=tiny bind=/data:/data -- /data/attack_inside "$@"
}

# "REFUSALS LAUNCHES" on record.
on_record() {
	journalctl --namespace=boxdo --quiet --output=cat --output-fields=BOXDO_EVENT BOXDO_EVENT=refuse BOXDO_EVENT=launch |
		awk '{ n[$1]++ } END { print n["refuse"] + 0, n["launch"] + 0 }'
}

# One line for the user, of printable characters, from boxdo.
assert_one_line() {
	assert_match '^boxdo: .'
	[[ ${#lines[@]} -eq 1 && $output != *[$'\x01'-$'\x1f\x7f']* ]] ||
		{ printf 'not one clean line: %q\n' "$output" && return 1; }
}

# refused COMMAND...: exit 125, one line, one refusal on record and no launch.
refused() {
	local refusals launches
	read -r refusals launches < <(on_record)
	run "$@"
	assert_status 125
	assert_one_line
	assert_equal "$(on_record)" "$((refusals + 1)) $launches"
}

# hold: the SUPERVISOR of the newest launch stands still, and with it all that has a deadline, until go_on. (Children may
# have its name, but not its real uid.)
hold() {
	held=$(pgrep -n -U 0 -x boxdo-super) && kill -STOP "$held"
}
go_on() {
	kill -CONT "$held"
}

# hold_when CONDITION COMMAND...: a launch in the background, held while CONDITION is true; where a slow machine came too
# late for that, the next one.
hold_when() {
	local condition=$1
	shift
	for _ in {1..20}; do
		"$@" >>"$BATS_TEST_TMPDIR/held" 2>&1 3>&- &
		until "$condition" 2>/dev/null || ! kill -0 $! 2>/dev/null; do sleep 0.02; done
		! hold || ! "$condition" || return 0
		[[ -z $held ]] || go_on
		wait $! || true
	done
	echo "never held when $condition: $(cat "$BATS_TEST_TMPDIR/held")" && return 1
}

# fuse_is_asked: somebody waits for an answer of alice's file system.
fuse_is_asked() {
	local waiting
	waiting=/sys/fs/fuse/connections/$(awk '$5 == "/fuse/alice" { split($3, device, ":"); print device[2] }' /proc/self/mountinfo)/waiting
	[[ $(cat "$waiting") -gt 0 ]]
}

# traced FILE ARGUMENT...: the helper as alice, with every open, execve and kill of all its processes in FILE.
traced() {
	timeout 200 strace -f -u alice -s 4096 -o "$1" \
		-e trace=open,openat,openat2,open_tree,execve,execveat,kill,tkill,tgkill,mount,move_mount,readlink,readlinkat \
		"${@:2}"
}
