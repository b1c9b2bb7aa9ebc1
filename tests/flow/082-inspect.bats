#!/usr/bin/env bats
# `boxdo inspect` and `docker inspect`: what runs and what may be run, as scripts look at it.
# shellcheck disable=SC2154
load ../lib/common

setup_file() {
	mkdir -p /opt/shims
	ln -s /usr/bin/boxdo /opt/shims/docker
	cp -a "$POLICY" /run/stage/policy.kept
}

setup() {
	cp -a /run/stage/policy.kept "$POLICY"
}

teardown() {
	[[ -z $(boxdo ps -q) ]] || boxdo stop -t 0 --all >/dev/null
	wait
}

docker() {
	as_user alice env PATH=/opt/shims:/usr/bin:/bin docker "$@"
}

start() {
	as_user alice boxdo run "$@" 3>&- &
	runs() { id=$(boxdo ps -q --no-trunc) && [[ -n $id ]]; }
	wait_for runs
}

@test "a container of one's own: JSON with docker's names, by id, its digits and name" {
	start --name work tiny sh -c 'echo "a  \"b\""; exec sleep 600'
	for word in "$id" "${id:0:5}" work; do
		run docker inspect "$word"
		assert_success
		jq -e --arg id "$id" 'length == 1 and (.[0] | .Id == $id and .Name == "/work" and .State.Running == true
			and .State.Status == "running" and .Config.Image == "tiny" and .Config.User == "alice"
			and .Boxdo.ImagePath == "/srv/images/tiny.sqfs" and (.Boxdo.Rule | startswith("allow "))
			and (.Boxdo.Command | startswith("sh -c")))' <<<"$output"
	done
	assert_equal "$(docker inspect -f '{{.State.Pid}}' work)" "$(boxdo ps --format json | jq .pid)"
	assert_equal "$(docker container inspect --format='pid {{ .State.Pid }}, {{.State.Running}}' work)" "pid $(boxdo ps --format json | jq .pid), true"
	assert_equal "$(docker inspect -f '{{json .Config.Image}}' work)" '"tiny"'
	assert_equal "$(docker inspect -f '{{json .}}' work | jq -r .Id)" "$id"
	assert_equal "$(as_user alice date -d "$(docker inspect -f '{{.State.StartedAt}}' work)" +%s)" "$(date -d "$(boxdo ps --format json | jq -r .since)" +%s)"
	run docker inspect -f '{{range .Mounts}}{{end}}' work
	assert_status 125
	assert_match 'is not known here'
	run docker inspect -f '{{.Id' work
	assert_status 125
}

@test "an image one may run, by name, reference and path; what one may not run, and what is not there, is the same" {
	printf '\n[image other]\npath = /srv/images/tiny.sqfs\nref = quay.io/lab/torch:*\nsha256 = %064d\n[allow o]\nusers = alice\nimages = other\n' 7 >>$POLICY
	run docker image inspect tiny
	jq -e '.[0] | .RepoTags == ["tiny"] and .Os == "linux" and .Boxdo.Path == "/srv/images/tiny.sqfs"' <<<"$output"
	assert_equal "$(docker inspect --type=image -f '{{.Size}}' tiny)" "$(stat -c %s /srv/images/tiny.sqfs)"
	assert_equal "$(docker inspect -f '{{.Id}}' quay.io/lab/torch:2.4)" "sha256:$(printf %064d 7)"
	assert_equal "$(as_user alice boxdo inspect -f '{{json .RepoTags}}' /srv/images/dir)" '["dir"]'
	run docker image inspect tiny nothing dir
	assert_status 1
	assert_match 'nothing: no container of yours that runs, and no image that you may run'
	jq -e 'length == 2' < <(docker image inspect tiny nothing dir 2>/dev/null)
	for word in tiny nothing; do
		run as_user mallory boxdo inspect $word
		assert_status 1
		assert_output "[boxdo: $word: no container of yours that runs, and no image that you may run"$'\n]'
	done
	# As scripts ask whether they must pull.
	docker image inspect tiny >/dev/null 2>&1
	run docker container inspect tiny
	assert_status 1
}

@test "another's container is nothing; root sees all; a policy that is not to be read says nothing of images" {
	start --name work tiny sleep 600
	run as_user bob boxdo inspect "$id"
	assert_status 1
	run boxdo inspect -f '{{.Config.User}}' "$id"
	assert_output alice
	chmod 600 $POLICY
	run docker inspect -f '{{.State.Status}}' work
	assert_output running
	run docker image inspect tiny
	assert_status 125
}
