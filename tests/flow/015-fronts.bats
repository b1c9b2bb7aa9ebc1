#!/usr/bin/env bats
# The command lines of others, in front of real containers: docker, podman, nerdctl, apptainer, singularity,
# enroot; as `boxdo docker ...`, and under their own names, as pipelines call them.
# shellcheck disable=SC2154 # stderr is set by run --separate-stderr
load ../lib/common
bats_require_minimum_version 1.5.0

setup_file() {
	printf '\n[image torch]\npath = /srv/images/python.sqfs\nref = quay.io/lab/torch:2.*\n[allow torch]\nusers = alice\nimages = torch\nbinds = ~:rw .:rw /data\n' >>$POLICY
	mkdir -p /opt/shims
	local name
	for name in docker podman nerdctl apptainer singularity; do
		ln -sf /usr/bin/boxdo /opt/shims/$name
	done
}

alice_with_shims() {
	as_user alice env PATH=/opt/shims:/usr/bin:/bin "$@"
}

@test "one image, each peer's own command line" {
	local line
	for line in 'docker run --rm quay.io/lab/torch:2.4' 'podman run --rm --pull=never quay.io/lab/torch:2.4' \
		'nerdctl -n k8s.io run --rm quay.io/lab/torch:2.4' 'apptainer exec docker://quay.io/lab/torch:2.4' \
		'singularity exec torch' 'enroot start torch'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo $line python3 -c 'import os; print(os.getuid())'
		assert_success
		assert_output 2001
	done
}

@test "as docker: neither home nor working directory nor environment, but what is named" {
	run as_user alice env FOO=bar TERM=vt100 boxdo docker run -e BAR=1 tiny sh -c 'pwd; ls -d /home 2>/dev/null; echo "$FOO-$BAR-$TERM"'
	assert_success
	assert_output "$(printf '/\n-1-')"
	run as_user alice env FOO=bar TERM=vt100 boxdo docker run -t -v /home/alice -w /home/alice tiny sh -c 'pwd; echo "$TERM"'
	assert_success
	assert_output "$(printf '/home/alice\nvt100')"
}

@test "as apptainer: home, working directory and environment go in; -e and -c leave them out" {
	run as_user alice env FOO=bar boxdo apptainer exec tiny sh -c 'pwd; echo $FOO'
	assert_success
	assert_output "$(printf '/home/alice\nbar')"
	run as_user alice env FOO=bar APPTAINERENV_BAR=2 boxdo apptainer exec -e -c tiny sh -c 'pwd; ls -d /home 2>/dev/null; echo "$FOO$BAR"'
	assert_success
	assert_output "$(printf '/\n2')"
	run as_user alice env APPTAINER_BIND=/data:/inputs:ro boxdo singularity exec --no-home tiny cat /inputs/README
	assert_success
	assert_output "$(cat /data/README)"
	run as_user alice boxdo apptainer exec --net --network none tiny ls /sys/class/net
	assert_success
	assert_output lo
}

@test "a shell of the image, by apptainer's name and ours; what is typed goes to it" {
	run as_user alice bash -c 'echo "echo \$0 from \$(id -un)" | boxdo shell tiny'
	assert_success
	assert_output "sh from alice"
	run as_user alice bash -c 'echo "echo \$BASH_VERSION" | boxdo apptainer shell torch'
	assert_success
	assert_match '^[0-9]+\.[0-9]+'
	run as_user alice bash -c 'echo "pwd" | boxdo apptainer shell --shell /bin/sh tiny'
	assert_success
	assert_output /home/alice
}

@test "a pipeline's docker, by name: run with limits, its volumes and name; kill and rm afterwards" {
	as_user alice mkdir -p /home/alice/work
	echo 'echo task $PWD; cat /data/README' | as_user alice tee /home/alice/work/.command.sh >/dev/null
	run --separate-stderr alice_with_shims docker run -i --cpus 1.0 --memory 2048m -e NXF_DEBUG \
		-v /home/alice/work:/home/alice/work -v /data:/data:ro -w /home/alice/work --name nxf-abc quay.io/lab/torch:2.4 \
		/bin/bash -ue /home/alice/work/.command.sh
	assert_success
	assert_output "$(echo 'task /home/alice/work' && cat /data/README)"
	[[ $stderr == *"limits of memory"* ]]
	run alice_with_shims docker rm nxf-abc
	assert_success
	assert_output nxf-abc
	assert_equal "$(records 'select(.event == "launch") | .name' | tail -n 1)" '"nxf-abc"'
}

@test "docker ps, stop and kill by the name that run gave" {
	as_user alice boxdo docker run --name long-one tiny sleep 1000 &
	wait_for sh -c 'boxdo ps --format json | grep -q long-one'
	run alice_with_shims docker ps
	assert_match tiny
	run as_user bob env PATH=/opt/shims:/usr/bin:/bin docker kill long-one
	assert_status 1
	assert_match 'no container long-one of yours'
	run alice_with_shims docker kill long-one
	assert_success
	run wait
	run alice_with_shims docker ps -q
	assert_output ''
	as_user alice boxdo docker run --name two tiny sleep 1000 &
	as_user alice boxdo docker run --name two tiny sleep 1000 &
	wait_for sh -c '[ "$(boxdo ps --format json | grep -c two)" = 2 ]'
	run alice_with_shims docker stop two
	assert_status 1
	assert_match 'more than one container'
	boxdo stop -t 0 --user alice
	wait
}

@test "a pipeline's singularity, by name: the version it asks for, exec with a home of its own" {
	run alice_with_shims singularity --version
	assert_success
	assert_output "singularity-ce version 4.0.0"
	run alice_with_shims apptainer --version
	assert_output "apptainer version 1.4.0"
	as_user alice mkdir -p /home/alice/flow
	run as_user alice env PATH=/opt/shims:/usr/bin:/bin SINGULARITYENV_X=1 bash -c \
		'cd flow && singularity --quiet exec --home "$PWD" torch sh -c "cd; pwd; echo \$X \$HOME"'
	assert_success
	assert_output "$(printf '/home/alice/flow\n1 /home/alice/flow')"
}

@test "what is not had is refused by name, with the next step, and on record where something would have run" {
	run as_user alice boxdo docker build -t x .
	assert_status 125
	assert_match "podman build"
	run as_user alice boxdo docker compose up
	assert_status 125
	run as_user alice boxdo podman run --pod x tiny true
	assert_status 125
	assert_match "no pods"
	assert_equal "$(records 'select(.event == "refuse") | .reason' | tail -n 1 | grep -c 'no pods')" 1
	run as_user alice boxdo apptainer exec --fakeroot tiny true
	assert_status 125
	assert_match "no more rights"
}

@test "no front gets more than the rule grants, and a rule about the image holds whatever it was called" {
	run as_user alice boxdo docker run -v /etc:/x tiny true
	assert_status 125
	assert_match '/etc'
	printf '\n[deny torch]\nusers = *\nimages = torch\n' >>$POLICY
	local line
	for line in 'docker run quay.io/lab/torch:2.4' 'apptainer exec docker://quay.io/lab/torch:2.4' 'enroot start torch' 'shell torch'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo $line true
		assert_status 125
		assert_match 'deny torch'
	done
}

@test "help lists each option once, and each is honoured, accepted or refused" {
	local front
	for front in 'docker run' 'podman run' 'nerdctl run' 'apptainer exec' 'enroot start'; do
		# shellcheck disable=SC2086
		run boxdo $front --help
		assert_success
		assert_match '^usage: boxdo'
		assert_equal "$(grep -oE '^ +(-., )?--[a-z0-9-]+' <<<"$output" | grep -oE -- '--[a-z0-9-]+' | sort | uniq -d)" ''
	done
	run boxdo docker help
	assert_success
	assert_match 'podman build'
}
