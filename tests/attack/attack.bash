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
	raw_records | jq -r .BOXDO_EVENT | awk '{ n[$1]++ } END { print n["refuse"] + 0, n["launch"] + 0 }'
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

# traced FILE ARGUMENT...: the helper as alice, with every open, execve and kill of all its processes in FILE.
traced() {
	timeout 20 strace -f -u alice -s 4096 -o "$1" \
		-e trace=open,openat,openat2,open_tree,execve,execveat,kill,tkill,tgkill,mount,move_mount,readlink,readlinkat \
		"${@:2}"
}
