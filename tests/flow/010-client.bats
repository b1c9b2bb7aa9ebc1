#!/usr/bin/env bats
# The client alone: what it says, what it refuses, and the vector it hands to the helper, for which a
# script stands here that prints it.
# shellcheck disable=SC2154 # stderr is set by run --separate-stderr
load ../lib/common
bats_require_minimum_version 1.5.0

setup() {
	cat >"$LAUNCH" <<-'SCRIPT'
		#!/bin/sh
		for word; do printf '[%s]\n' "$word"; done
		env | grep '^BOXDO_ENV_'
		exit 7
	SCRIPT
	chmod 755 "$LAUNCH"
}

@test "help and version go to standard output, a missing subcommand to standard error" {
	run --separate-stderr boxdo help
	assert_success
	assert_match '^usage: boxdo run'
	assert_equal "$stderr" ""
	run --separate-stderr boxdo --version
	assert_success
	assert_match '^boxdo [0-9]'
	run --separate-stderr boxdo
	assert_status 125
	assert_output ""
}

@test "docker's command line becomes the helper's vector, and its status is ours" {
	run as_user alice boxdo run --rm -it -v /data:/work:ro -w /work --ipc=host -e A=1 python python3 -c 'a b'
	assert_status 7
	assert_output "$(printf '[%s]\n' 1 image=python bind=/data:/work:ro workdir=/work env=A ipc=host -- python3 \
		-c 'a b' && echo BOXDO_ENV_A=1)"
}

@test "values of variables are never on a command line" {
	run as_user alice boxdo run -e TOKEN=secret python true
	assert_match '\[env=TOKEN\]'
	refute_match '\[[^]]*secret'
	assert_match 'BOXDO_ENV_TOKEN=secret'
}

@test "a variable that only looks like ours does not get through" {
	run as_user alice env BOXDO_ENV_FORGED=1 boxdo run python true
	refute_match FORGED
}

@test "what is refused is refused by name, and the helper is only told why, to record it" {
	local option
	for option in --privileged --cap-add=ALL -p=80:80 -d --gpus=2 --memory=1g --network=bridge --pull=always; do
		run --separate-stderr boxdo run -e TOKEN=secret "$option" python true
		assert_status 7
		assert_output "$(printf '[%s]\n' 1 image=- "refused=${stderr#boxdo: }" --)"
		[[ $stderr == "boxdo: --"*" is refused: "* ]] || { echo "$stderr" && false; }
	done
	run boxdo run --volum /a python
	assert_match 'did you mean --volume'
}

@test "no escape sequence from the command line reaches the terminal" {
	run boxdo run $'--\e]0;x\a' python
	refute_match $'[\e\a]'
}

@test "subcommands are programs beside the helper; others are named" {
	run boxdo log --help
	assert_success
	run boxdo nonsense
	assert_status 125
	assert_match "no subcommand 'nonsense'"
	run boxdo ../../bin/sh
	assert_status 125
	run boxdo launch
	assert_status 125
}

@test "a missing helper is an installation to complain about" {
	rm "$LAUNCH"
	run boxdo run python true
	assert_status 125
	assert_match 'not installed properly'
}

@test "an environment beyond the system's limit is explained" {
	printf 'V%s=%s\n' 1 "$(head -c 200000 /dev/zero | tr '\0' x)" >/tmp/variables
	run boxdo run --env-file /tmp/variables python true
	assert_status 125
	assert_match 'longer than the system allows'
}

@test "the client is static, small, without privilege" {
	run readelf -l /usr/bin/boxdo
	refute_match INTERP
	assert_equal "$(stat -c %a /usr/bin/boxdo)" 755
	# What a launch maps of it; on disk there are symbols for a debugger, too.
	[[ $(size /usr/bin/boxdo | awk 'NR == 2 { print $4 }') -lt 150000 ]]
}

@test "every option of run --help is in the manual" {
	local option missing=""
	for option in $(boxdo run --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+'); do
		grep -qE "Fl -${option#--}( |\$)" "$TOP/man/boxdo.1" || missing+=" $option"
	done
	assert_equal "$missing" ""
}
