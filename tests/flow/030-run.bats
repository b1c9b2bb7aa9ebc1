#!/usr/bin/env bats
# What `boxdo run` answers: the command's own status, docker's codes for the rest, and for everything
# refused one line that says what, why and what to do, and a record.
bats_require_minimum_version 1.5.0
load ../lib/common

# refused COMMAND...: alice is told one line, 125, it is on record word for word, and nothing stays.
refused() {
	local left before
	left=$(leftovers | sort)
	before=$(count_records BOXDO_EVENT=refuse)
	run as_user alice "$@"
	assert_status 125
	assert_match '^boxdo: [^'$'\n'']+$'
	wait_for has_refusals $((before + 1))
	raw_records BOXDO_EVENT=refuse | jq -r .BOXDO_REASON | tail -n 1 >"$BATS_TEST_TMPDIR/reason"
	assert_equal "boxdo: $(cat "$BATS_TEST_TMPDIR/reason")" "$output"
	wait_for nothing_more "$left"
	every_launch_has_its_end
}
nothing_more() { # THAN-WHAT
	[[ -z $(comm -13 <(echo "$1") <(leftovers | sort)) ]]
}
has_refusals() {
	(($(count_records BOXDO_EVENT=refuse) == $1))
}

@test "the command's status is the caller's, from 0 to 255" {
	for wanted in 0 1 7 124 125 126 127 128 200 255; do
		run as_user alice sh -c "boxdo run tiny sh -c 'exit $wanted'; echo \$?"
		assert_output "$wanted"
	done
	every_launch_has_its_end
}

@test "a command killed by signal n: the caller dies of the same, 128+n for its shell" {
	for number in 1 2 6 9 10 11 13 14 15; do
		run as_user alice perl -e 'system(@ARGV); print $? & 127, " ", $? & 128' \
			boxdo run tiny sh -c "kill -$number \$\$"
		assert_output "$number 0"
		run as_user alice bash -c "exec 2>/dev/null; boxdo run tiny sh -c 'kill -$number \$\$'; echo \$?"
		assert_output $((128 + number))
	done
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end") | .signal' | grep -v null | sort -un | xargs)" "1 2 6 9 10 11 13 14 15"
}

@test "not found is 127, cannot be run is 126, and the end record says which" {
	run -127 as_user alice boxdo run tiny nosuch -x
	assert_status 127
	assert_output 'boxdo: nosuch: not found in the image'
	run -127 as_user alice boxdo run tiny /etc/passwd/nosuch
	assert_status 127
	run as_user alice boxdo run tiny /etc
	assert_status 126
	assert_output 'boxdo: /etc: cannot be run: Permission denied'
	run as_user alice boxdo run tiny /etc/os-release
	assert_status 126
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end") | .reason' | tail -n 4 | grep -c 'not executed: ')" 4
}

@test "PATH is searched as shells do: what is not there or may not be run is passed over, and decides only when nothing else is found" {
	as_user alice sh -c 'mkdir -p none bare good; chmod 755 none bare good; echo "echo good" >good/prog; chmod 755 good/prog; cp good/prog bare; chmod 644 bare/prog
		mkdir shut; cp good/prog shut; chmod 0 shut; mkdir -p directory/prog'
	in_path() { # PATH: the program, where these are searched
		run -"$1" as_user_in /home/alice/good alice boxdo run -e "PATH=$2" tiny prog
	}
	for path in good none:good nosuch:good hello.txt:good bare:good shut:good directory:good good:bare; do
		in_path 0 "/home/alice/${path/:/:/home/alice/}"
		assert_output good
	done
	in_path 0 ":/home/alice/none" # an empty one is the working directory
	assert_output good
	for path in none none:nosuch hello.txt:none; do
		in_path 127 "/home/alice/${path/:/:/home/alice/}"
		assert_output 'boxdo: prog: not found in the image'
	done
	for path in bare bare:none none:bare bare:hello.txt shut:none directory:none; do
		in_path 126 "/home/alice/${path/:/:/home/alice/}"
		assert_output 'boxdo: prog: cannot be run: Permission denied'
	done
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end") | .reason' | tail -n 9 | uniq -c | xargs -n 1 -d '\n' | tr -s ' ')" \
		' 3 "not executed: prog: not found in the image"'$'\n'' 6 "not executed: prog: cannot be run: Permission denied"'
}

@test "a script without an interpreter line runs in a shell, as from any shell" {
	as_user alice sh -c 'echo "echo script \$1" >~/script; chmod +x ~/script'
	run as_user alice boxdo run tiny /home/alice/script here
	assert_success
	assert_output 'script here'
}

@test "arguments arrive as they were typed, down to newlines and bytes that are no text" {
	printf '%s\0' 'a b' '' $'new\nline' $'\xff\xfe' '$HOME' '*' '--' '-x' >"$BATS_TEST_TMPDIR/wanted"
	as_user alice boxdo run tiny sh -c 'printf "%s\0" "$@"' sh 'a b' '' $'new\nline' $'\xff\xfe' '$HOME' \
		'*' -- -x >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got"
}

@test "output and errors keep apart, and nothing of boxdo's is among them" {
	as_user alice boxdo run tiny sh -c 'echo out; echo err >&2' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/out")" out
	assert_equal "$(cat "$BATS_TEST_TMPDIR/err")" err
}

@test "without a command the image's shell starts, and reads what comes in" {
	run as_user alice bash -c "echo 'echo from \$0; exit 3' | boxdo run -i tiny"
	assert_status 3
	assert_output 'from /bin/sh'
}

@test "an unknown image: the ones alice may run are named" {
	refused boxdo run nosuch true
	assert_match 'no image nosuch that you may run; you may run: tiny, python, dir$'
	refused boxdo run /nosuch/image.sqfs true
	assert_match 'you may run: tiny, python, dir$'
	refused boxdo run /etc/passwd true
	assert_match 'you may run: tiny, python, dir$'
}

@test "who may run nothing is told that, and to ask an admin" {
	run as_user mallory boxdo run tiny true
	assert_status 125
	assert_match '^boxdo: image tiny is not permitted to you here and now; .*ask an admin$'
	run as_user mallory boxdo run nosuch true
	assert_status 125
	assert_match '^boxdo: no image nosuch that you may run; ask an admin$'
	assert_equal "$(records 'select(.user == "mallory") | .event' | sort | uniq -c | xargs)" '2 refuse'
}

@test "a bind that is not granted names the rule that came nearest and what it grants" {
	refused boxdo run -v /etc:/x tiny true
	assert_match 'bind /etc is not granted; allow research \(/etc/boxdo/policy.conf:[0-9]+\) comes nearest and grants /data'
	refused boxdo run -v /data:/data:rw tiny true
	assert_match '/data is granted read-only, not rw, by allow research'
	refused boxdo run -v /nosuch:/x tiny true
	assert_match '/nosuch cannot be bound: No such file or directory'
	refused boxdo run -v /root:/x tiny true
	assert_match '/root cannot be bound: Permission denied'
}

@test "device, IPC and account that no rule grants are refused by name" {
	refused boxdo run --device /dev/fuse tiny true
	assert_match 'device /dev/fuse is not granted by allow research'
	refused boxdo run --device /dev/nosuch tiny true
	assert_match '/dev/nosuch is no device here'
	refused boxdo run --device /etc/passwd tiny true
	assert_match "device '/etc/passwd' must be a path below /dev"
	refused boxdo run --ipc=host tiny true
	assert_match "IPC is not granted by allow research"
	refused boxdo run -u root tiny true
	assert_match 'nobody is root in a boxdo container; .*leave --user out'
	refused boxdo run -u 0:0 tiny true
	assert_match 'nobody is root in a boxdo container'
	refused boxdo run -u bob tiny true
	assert_match 'no rule lets you run this image as bob'
}

@test "a place where nothing may be mounted is refused" {
	for place in /proc /proc/self /dev /dev/shm /sys/kernel; do
		run as_user alice boxdo run -v "/data:$place" tiny true
		assert_status 125
		assert_match '^boxdo: [^'$'\n'']+$'
	done
	run as_user alice boxdo run -v /data:/ tiny true
	assert_status 125
	every_launch_has_its_end
}

@test "what cannot be honoured is refused by name, with what to do instead" {
	for option in --privileged --cap-add=SYS_ADMIN --detach --gpus=2 --pull=always --security-opt=x \
		--pid=host --restart=always --network=bridge --publish=80:80; do
		run as_user alice boxdo run "$option" tiny true
		assert_status 125
		assert_match "^boxdo: $option is refused: "
	done
	run as_user alice boxdo run -p 80:80 tiny true
	assert_match "not needed, with --network=host"
}

@test "sudo boxdo run: drop the sudo" {
	run boxdo run tiny true
	assert_status 125
	assert_match 'drop the sudo'
	assert_equal "$(records 'select(.event == "refuse") | .uid' | tail -n 1)" 0
}

@test "a working directory that is not there ends the launch, on record" {
	run as_user alice boxdo run -w /nosuch tiny true
	assert_status 125
	assert_output 'boxdo: the working directory /nosuch cannot be entered in the container: No such file or directory'
	every_launch_has_its_end
}

@test "a name only the record knows" {
	run as_user alice boxdo run --name run-17 tiny true
	assert_success
	assert_equal "$(raw_records BOXDO_EVENT=launch BOXDO_NAME=run-17 | wc -l)" 1
}
