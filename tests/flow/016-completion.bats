#!/usr/bin/env bats
# Completion, as bash, zsh and fish do it: subcommands, options, images the user may run, peers' options.
load ../lib/common

# bash_offers WORD...: what Tab offers for the last of the words
bash_offers() {
	as_user alice bash -c '
		source /usr/share/bash-completion/completions/boxdo
		compopt() { :; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_boxdo
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}
fish_offers() { # LINE
	as_user alice env HOME=/tmp/fish fish --no-config -c "source /usr/share/fish/vendor_completions.d/boxdo.fish; complete -C '$1'" | cut -f1
}
zsh_shows() { # LINE UNTIL
	install -m 755 "$TOP/tests/helpers/zsh-complete" /usr/local/bin/zsh-complete # the checkout may be root's alone
	as_user alice zsh-complete "$1" "$2"
}

@test "bash: subcommands, options, values are not images, images are those the user may run" {
	printf '\n[image hidden]\npath = /srv/images/tiny.sqfs\n' >>$POLICY
	run bash_offers boxdo ru
	assert_output run
	run bash_offers boxdo run --vol
	grep -qx -e --volume <<<"$output"
	grep -qx -e --volumes-from <<<"$output"
	run bash_offers boxdo run ''
	assert_output "$(printf '%s\n' tiny python dir)"
	run bash_offers boxdo run --rm -v /data -w /data ti
	assert_output tiny
	run bash_offers boxdo run -v ti
	assert_output ''
	run bash_offers boxdo run tiny ti
	assert_output ''
}

@test "bash: the options of docker and apptainer behind their names, and their subcommands" {
	run bash_offers boxdo docker r
	assert_output "$(printf 'rm\nrun')"
	run bash_offers boxdo docker run --cap-
	assert_output "$(printf '%s\n' --cap-drop --cap-add)"
	run bash_offers boxdo apptainer exec --no-h
	grep -qx -e --no-home <<<"$output"
	run bash_offers boxdo apptainer exec --bind /data ti
	assert_output tiny
}

@test "what runs, behind exec, by id and name; images behind apptainer's exec" {
	as_user alice boxdo run --name train tiny sleep 600 3>&- &
	wait_for sh -c 'boxdo ps --format json | grep -q train'
	id=$(boxdo ps -q)
	run bash_offers boxdo exec -w /data ''
	assert_output "$(printf '%s\ntrain' "$id")"
	run bash_offers boxdo docker exec -it tr
	assert_output train
	run bash_offers boxdo exec --work
	assert_output --workdir
	run bash_offers boxdo apptainer exec ti
	assert_output tiny
	run zsh_shows 'boxdo exec tr' train
	assert_match 'boxdo exec train'
	mkdir -p /tmp/fish && chown alice: /tmp/fish
	run fish_offers 'boxdo exec tr'
	assert_output train
	for line in 'docker exec' wait 'docker wait' 'podman stop' 'nerdctl kill'; do
		run fish_offers "boxdo $line tr"
		assert_output train
		# shellcheck disable=SC2086
		run bash_offers boxdo $line tr
		assert_output train
	done
	run zsh_shows 'boxdo wait tr' train
	assert_match 'boxdo wait train'
	run zsh_shows 'boxdo docker wait tr' train
	assert_match 'boxdo docker wait train'
	boxdo stop -t 0 --all
	wait
}

@test "zsh: the same, in a terminal" {
	run zsh_shows 'boxdo run --vol' --volume-driver
	assert_match 'volumes-from'
	run zsh_shows 'boxdo run ti' tiny
	assert_match 'boxdo run tiny'
	run zsh_shows 'boxdo docker run --cap-' --cap-drop
	assert_match '--cap-add'
}

@test "fish: the same" {
	mkdir -p /tmp/fish && chown alice: /tmp/fish
	run fish_offers 'boxdo ru'
	assert_output run
	run fish_offers 'boxdo run --vol'
	grep -qx -e --volume <<<"$output"
	run fish_offers 'boxdo run ti'
	grep -qx tiny <<<"$output"
	run fish_offers 'boxdo docker run --cap-'
	grep -qx -e --cap-drop <<<"$output"
	run fish_offers 'boxdo docker r'
	assert_output "$(printf 'rm\nrun')"
}
