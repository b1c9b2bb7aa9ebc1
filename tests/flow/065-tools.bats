#!/usr/bin/env bats
# The tools an admin lives with: explain, list, images, policy check, test, edit, install, digest.
load ../lib/common

LAB=$TOP/etc/examples/lab

setup() {
	mkdir -p /embargo
	rm -rf /etc/boxdo /etc/boxdo.* && mkdir -p /etc/boxdo/policy.d && chmod 755 /etc/boxdo /etc/boxdo/policy.d
	catalogue >$POLICY
	cat >>$POLICY <<-'END'
		[deny leak]
		binds = /embargo
		network = host

		[allow research]
		users = alice bob
		images = tiny python
		binds = /data /embargo ~:rw .:rw
		network = host none

		[grant phys]
		users = %phys
		images = tiny
		binds = /srv:rw
	END
	[[ $(stat -f -c %T /var/log/journal) != tmpfs ]] || sed -i '1i [settings]\nvolatile = yes\n' $POLICY
}

editor() { # LINE...: /tmp/editor, a script that gets the file as $1
	printf '#!/bin/bash\n%s\n' "$*" >/tmp/editor
	chmod 755 /tmp/editor
}
edit() { # ANSWERS [FILE]: as sudo would call it for auditor
	printf '%s' "$1" | SUDO_UID=2004 EDITOR=/tmp/editor boxdo policy edit "${@:2}" 2>&1
}

@test "explain says what run then does, rule by rule" {
	run as_user alice boxdo explain -v /data tiny ls /data
	assert_success
	assert_match 'allow research \(/etc/boxdo/policy.conf:[0-9]+\) matches, grants all that is asked for, and decides'
	assert_match 'no  users    %phys: none of them is alice'
	assert_match 'mount    /data at /data, read-only'
	assert_match 'mount    /home/alice at /home/alice, writable'
	run as_user alice boxdo run -v /data tiny ls /data
	assert_success
	run as_user alice boxdo explain -v /embargo tiny true
	assert_status 1
	assert_match 'deny leak .* matches, and decides: refused'
	assert_match 'yes binds    /embargo: it would get /embargo'
	reason=$(sed -n 's/^refused: //p' <<<"$output")
	run as_user alice boxdo run -v /embargo tiny true
	assert_output "boxdo: $reason"
	run as_user bob boxdo explain -v /srv:/srv:rw tiny true
	assert_success
	assert_match 'grant phys .* matches: it adds'
	run as_user alice boxdo explain -v /srv tiny true
	assert_status 1
	assert_match 'no  bind /srv is not granted'
	run as_user mallory boxdo explain tiny
	assert_status 1
	refute_match 'and decides'
}

@test "explain agrees with the helper on a heap of requests" {
	local wrong=0 user words
	for user in alice bob mallory; do
		while read -r words; do
			# shellcheck disable=SC2086
			run as_user $user boxdo run $words
			local ran=$status reason=${output#boxdo: }
			# shellcheck disable=SC2086
			run as_user $user boxdo explain $words
			if ((ran == 0)); then
				((status == 0)) || { echo "$user $words: runs, explained as refused" && wrong=1; }
			else
				[[ $status -eq 1 && $output == *"$reason"* ]] || { printf '%s %s: %s\nexplained: %s\n' "$user" "$words" "$reason" "$output" && wrong=1; }
			fi
		done <<-'END'
			tiny true
			dir true
			/srv/images/tiny.sqfs true
			--network=none -v /embargo tiny true
			-v /data:/data:rw tiny true
			-v /srv tiny true
			-v /etc:/x tiny true
			-w /tmp --no-home tiny true
			--ipc=host tiny true
			--device /dev/null tiny true
			--network=host python true
		END
	done
	[[ $wrong == 0 ]]
}

@test "explain for others: root only, for accounts and hosts that are elsewhere, at other times" {
	run as_user alice boxdo explain --user bob tiny
	assert_status 125
	assert_output 'boxdo: only root may ask about others, or with other groups'
	run boxdo explain --user bob -v /srv tiny
	assert_success
	run boxdo explain --user zoe --group phys tiny
	assert_status 1
	assert_match 'zoe \(uid [0-9]+, unknown here\)'
	assert_match '%phys means zoe'
	printf '[allow night]\nusers = %%students\nhosts = login*\nimages = tiny\nhours = Fri 22:00-06:00\n' >/etc/boxdo/policy.d/n.conf
	run boxdo explain --user zoe --group students --host login3 --time '2026-11-27 23:30' tiny
	assert_success
	assert_match 'allowed by allow night'
	run boxdo explain --user zoe --group students --host login3 --time '2026-11-27 12:00' tiny
	assert_status 1
	assert_match 'no  hours    Fri 22:00-06:00: it is Fri 2026-11-27 12:00'
	run boxdo explain --user zoe --group students --host gpu3 --time '2026-11-27 23:30' tiny
	assert_status 1
	assert_match 'no  hosts    login\*: the host is gpu3'
}

@test "explain takes the fronts' command lines" {
	run as_user alice boxdo explain docker run --rm -it -v /data:/data:ro tiny ls
	assert_success
	assert_match 'mount    /data at /data, read-only'
	run as_user alice boxdo explain run -u bob tiny
	assert_status 1
	assert_match 'no  run_as   \(not named\): it is to run as bob'
	before=$(count_records)
	run as_user alice boxdo explain --publish=80:80 tiny
	assert_status 125
	assert_equal "$(count_records)" "$before"
}

@test "explain sees what things are: a directory mounted in two places is one to a deny" {
	mkdir -p /data/elsewhere /embargo && mount --bind /embargo /data/elsewhere
	run as_user alice boxdo explain -v /data/elsewhere tiny true
	umount /data/elsewhere
	assert_status 1
	assert_match 'deny leak .* matches, and decides: refused'
}

@test "explain with -u: as that account, where the rule grants it" {
	printf '[allow svc]\nusers = alice\nimages = tiny\nrun_as = bob\ncommand = /bin/true ...\nbinds = ~\n' >/etc/boxdo/policy.d/s.conf
	run as_user alice boxdo explain run -u bob tiny /bin/true
	assert_success
	assert_match 'run as   bob'
	assert_match 'mount    /home/bob at /home/bob, read-only'
	run boxdo explain --user alice run -u bob tiny /bin/true
	assert_success
	refute_match 'taken as written'
	run as_user alice boxdo explain run -u bob tiny /bin/sh
	assert_status 1
	run as_user alice boxdo explain run -u root tiny
	assert_status 1
	assert_match 'nobody is root'
}

@test "explain warns where the shape of a request has fewer duties" {
	printf '[allow shell]\nusers = alice\nimages = tiny\ncommand = /bin/sh ...\npassword = yes\n' >/etc/boxdo/policy.d/a.conf
	run as_user alice boxdo explain tiny /bin/busybox sh
	assert_success
	assert_match 'warning  allow shell .* asks for a password for this image, but is about other commands'
}

@test "list and images: what may I run" {
	run as_user bob boxdo list
	assert_success
	assert_match 'allow research .*
    images       tiny, python
    binds        /data /embargo ~:rw .:rw
    network      host none'
	assert_match 'grant phys .*
    images       tiny
    binds        /srv:rw'
	assert_match 'deny leak'
	run as_user mallory boxdo list
	assert_match 'May run nothing'
	run as_user alice boxdo list -U bob
	assert_status 125
	run boxdo list -U alice
	assert_match '^alice on gpu1'
	refute_match 'grant phys'
	run as_user alice boxdo images
	assert_match 'tiny +squashfs +[0-9.]+[KM] +- +/srv/images/tiny.sqfs +allow research'
	assert_match 'dir +directory +- +- +/srv/images/dir +not permitted'
}

@test "a policy that users may not read tells them nothing" {
	chmod 600 $POLICY
	for words in 'explain tiny' list images 'policy check' 'policy digest' 'policy test /dev/null'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo $words
		[[ $status -ne 0 ]]
		assert_output 'boxdo: not permitted: the policy of this host is for root to read'
	done
	chmod 644 $POLICY
	chmod 640 $POLICY && chgrp ml $POLICY
	run as_user alice boxdo explain tiny
	assert_output 'boxdo: not permitted: the policy of this host is for root to read'
	run boxdo explain --user alice tiny
	assert_success
}

@test "check: errors all at once, with the word underlined; findings; statuses; json" {
	run boxdo policy check --offline
	assert_success
	printf '[allow x]\nuser = bob\nimages = tiny\n[allw y]\n[grant z]\nusers = bob\nbinds = data\n' >/tmp/x.conf
	run as_user alice boxdo policy check /tmp/x.conf
	assert_status 2
	assert_match "/tmp/x.conf:2:1: unknown key 'user'
    2 \| user = bob
      \| \^~~~"
	assert_match "/tmp/x.conf:4:2: unknown section 'allw'"
	assert_match '/tmp/x.conf:7:9: '
	cat >>$POLICY <<-'END'
		[allow again]
		users = alice
		images = tiny
		[allow odd]
		users = nosuch %nosuch
		images = tiny nothere
		binds = /etc /home/alice /var/run/docker.sock
		devices = /dev/nosuch
		hosts = gpu1
		[deny sh]
		command = /bin/sh ...
		[image gone]
		path = /srv/images/gone.sqfs
		[image pinned]
		path = /srv/images/tiny.sqfs
		sha256 = 0000000000000000000000000000000000000000000000000000000000000000
	END
	chmod 666 /srv/images/python.sqfs
	run boxdo policy check
	assert_status 1
	assert_match 'again\] never decides: allow research \(/etc/boxdo/policy.conf:[0-9]+\) stands before it'
	assert_match 'knows no account nosuch'
	assert_match 'knows no group nosuch'
	assert_match 'the catalogue has no image nothere'
	assert_match 'hands out /etc'
	assert_match 'hands out /home/alice'
	assert_match 'hands out /var/run/docker.sock'
	assert_match 'there is no /dev/nosuch here'
	assert_match 'forbids commands alone'
	assert_match '\[image gone\] /srv/images/gone.sqfs: No such file'
	assert_match "\[image pinned\] has sha256 $(sha256sum /srv/images/tiny.sqfs | cut -d' ' -f1)"
	assert_match '\[image python\] /srv/images/python.sqfs can be changed by others'
	run boxdo policy check --json
	assert_status 1
	jq -e 'map(select(.id == "shadowed")) | .[0].line > 0 and (.[0].why | length) > 0' <<<"$output"
	jq -e 'map(.id) | index("digest") and index("writable-image") and index("missing-image") and index("unknown-user")' <<<"$output"
	run boxdo policy check --offline --json
	jq -e 'map(.id) | index("unknown-user") == null and index("shadowed") != null' <<<"$output"
	chmod 644 /srv/images/python.sqfs
}

@test "check --only=grant: a delegated file adds and does nothing else" {
	printf '[grant a]\nusers = bob\nbinds = /proj\n' >/tmp/d.conf
	run boxdo policy check --offline --only=grant /tmp/d.conf
	assert_success
	printf '[allow b]\nusers = bob\nimages = tiny\n' >>/tmp/d.conf
	run boxdo policy check --offline --only=grant /tmp/d.conf
	assert_status 2
	assert_match '/tmp/d.conf:4:1: only \[grant'
}

# The lines of README.md from the one that begins with PROMPT to the next prompt or blank line out of the block.
of_readme() { # PROMPT
	awk -v prompt="    $1" 'index($0, prompt) == 1 { on = 1; next } on && /^(    [a-z]+[$#] |[^ ])/ { exit } on { print substr($0, 5) }' "$TOP/README.md"
}

@test "the lab example prints what README.md shows" {
	rm -rf /etc/boxdo/policy.d
	cp -r "$LAB"/policy.conf "$LAB"/policy.d /etc/boxdo/
	chmod -R go=rX /etc/boxdo
	cp /srv/images/tiny.sqfs /srv/images/pytorch.sqfs
	local command line shown=0
	for command in 'alice$ boxdo explain -v /data:/data:rw pytorch python3 train.py' 'alice$ boxdo list' 'root# boxdo policy check' \
		'root# boxdo policy test expectations'; do
		case $command in
		alice*) run as_user alice ${command#*\$ } ;;
		*) run ${command#*# } ;;
		esac
		[[ $command != *' test '* ]] || run boxdo policy test "$LAB/expectations"
		while IFS= read -r line; do
			[[ -n $line && $line != ... ]] || continue
			line=$(sed -E 's/(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [0-9-]{10} [0-9:]{5}/WHEN/' <<<"$line")
			output=$(sed -E 's/(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [0-9-]{10} [0-9:]{5}/WHEN/' <<<"$output")
			grep -qxF -- "$line" <<<"$output" || { printf 'README.md has, of %s: %s\n%s\n' "$command" "$line" "$output" && return 1; }
			shown=$((shown + 1))
		done < <(of_readme "$command")
	done
	[[ $shown -gt 30 ]]
	rm /srv/images/pytorch.sqfs
}

@test "the lab example: clean but for what this host lacks, and its expectations hold" {
	run boxdo policy check --offline "$LAB"
	assert_success
	cp -r "$LAB" /tmp/lab # the checkout may be root's alone
	run as_user alice boxdo policy test /tmp/lab/expectations /tmp/lab
	assert_success
	assert_output '15 expectations: 15 hold, 0 do not'
}

@test "test: what does not hold is shown with its explanation" {
	cat >/tmp/expect <<-'END'
		# the rules above
		groups bob = phys
		allow alice@gpu1 run tiny -v /data:/data:ro ls
		refuse alice@gpu1 run tiny -v /srv ls
		allow bob@* with password run tiny
		refuse mallory@* run *
		refuse *@* run dir
	END
	run as_user alice boxdo policy test /tmp/expect
	assert_status 1
	assert_match '/tmp/expect:5: allow bob@gpu1, image tiny: asks for no password'
	assert_match 'allowed by allow research'
	assert_match '5 expectations: 4 hold, 1 does not'
	printf 'allow alice run tiny\nnonsense\nallow alice@x run --nosuch tiny\n' >/tmp/expect
	run boxdo policy test /tmp/expect
	assert_status 2
	assert_match '/tmp/expect:1: '
	assert_match '/tmp/expect:2: '
	assert_match '/tmp/expect:3: is no command line'
}

@test "digest: the number in the records" {
	run as_user alice boxdo run tiny true
	assert_success
	digest=$(as_user alice boxdo policy digest)
	assert_equal "$(records 'select(.event == "launch") | .policy_sha256' | tail -n 1)" "\"$digest\""
	cp -r /etc/boxdo /tmp/copy
	assert_equal "$(boxdo policy digest /tmp/copy)" "$digest"
	echo '# more' >>/tmp/copy/policy.conf
	[[ $(boxdo policy digest /tmp/copy) != "$digest" ]]
}

@test "edit: as the admin, shown in effect, recorded, mode and owner kept" {
	chmod 640 $POLICY && chgrp 2101 $POLICY
	# shellcheck disable=SC2016
	editor 'id -u >/tmp/editor.ran; id -G >>/tmp/editor.ran; sed -i "s/alice bob/alice mallory/" "$1"'
	install -o 2004 -m 644 /dev/null /tmp/editor.ran
	run edit i
	assert_success
	assert_match '\+ mallory may run tiny'
	assert_match '- bob may no longer run tiny'
	assert_equal "$(head -n 1 /tmp/editor.ran)" 2004
	refute_match '^0$'
	assert_equal "$(stat -c '%a %U %g' $POLICY)" '640 root 2101'
	run as_user mallory boxdo run tiny true
	assert_success
	record=$(records 'select(.event == "policy" and (.message | test("puts policy")))' | tail -n 1)
	assert_equal "$(jq -r '[.user, .uid, .command, .policy_sha256] | join(" ")' <<<"$record")" \
		"auditor 2004 boxdo policy edit policy.conf $(boxdo policy digest)"
	jq -e '.policy_old_sha256 | length == 64' <<<"$record"
	[[ -z $(find /tmp -maxdepth 1 -name 'boxdo-policy.*') ]] # a checkout in /tmp has such names, too
	run edit d 40-phys
	assert_success
	[[ ! -e /etc/boxdo/policy.d/40-phys.conf ]]
}

@test "edit: an error is shown, edited again or discarded; nothing half" {
	before=$(boxdo policy digest)
	# shellcheck disable=SC2016
	editor 'echo "[allow" >>"$1"'
	run edit d
	assert_match "'\]' is missing"
	assert_match 'discarded; nothing is changed'
	# shellcheck disable=SC2016
	editor 'if [[ -e /tmp/second ]]; then sed -i "/^\[allow$/d" "$1"; echo "# ok" >>"$1"; else touch /tmp/second; echo "[allow" >>"$1"; fi'
	run edit $'e\ni\n'
	assert_success
	assert_match 'is in force'
	assert_equal "$(tail -n 1 $POLICY)" '# ok'
	editor 'exit 1'
	run edit i
	assert_status 125
	editor true
	run edit i
	assert_output 'nothing is changed'
	# shellcheck disable=SC2016
	editor ': >"$1"'
	run edit i
	assert_status 125
	[[ $(boxdo policy digest) != "$before" ]]
}

@test "edit: one at a time" {
	editor 'touch /tmp/editor.began; until [[ -e /tmp/editor.ends ]]; do sleep 0.05; done'
	edit d 3>&- &
	wait_for test -e /tmp/editor.began
	run edit d
	assert_status 125
	assert_match 'changed already by auditor'
	touch /tmp/editor.ends
	wait
}

@test "what cannot be recorded does not happen" {
	before=$(sha256sum $POLICY)
	# shellcheck disable=SC2016
	editor 'echo "# more" >>"$1"'
	mv /run/systemd/journal.boxdo /run/systemd/journal.gone
	run edit i
	mv /run/systemd/journal.gone /run/systemd/journal.boxdo
	assert_status 125
	assert_equal "$(sha256sum $POLICY)" "$before"
	mv /run/systemd/journal.boxdo /run/systemd/journal.gone
	run boxdo policy install "$LAB"
	mv /run/systemd/journal.gone /run/systemd/journal.boxdo
	assert_status 125
	assert_equal "$(sha256sum $POLICY)" "$before"
	[[ -z $(compgen -G '/etc/boxdo.*') ]]
}

@test "install: the whole set at once, the old one kept, what else is there stays" {
	echo note >/etc/boxdo/NOTES
	printf '[deny old]\nusers = *\n' >/etc/boxdo/policy.d/old.conf
	digest=$(boxdo policy digest "$LAB")
	run boxdo policy install "$LAB"
	assert_success
	assert_equal "$(boxdo policy digest)" "$digest"
	assert_equal "$(records 'select(.event == "policy") | .policy_sha256' | tail -n 1)" "\"$digest\""
	[[ ! -e /etc/boxdo/policy.d/old.conf && -e /etc/boxdo.old/policy.d/old.conf ]]
	assert_equal "$(cat /etc/boxdo/NOTES)" note
	run boxdo policy install /etc/boxdo.old
	assert_success
	[[ -e /etc/boxdo/policy.d/old.conf ]]
	cp -r "$LAB" /tmp/lab && echo '[allow' >>/tmp/lab/policy.d/40-phys.conf
	run boxdo policy install /tmp/lab
	assert_status 125
	assert_match "/etc/boxdo/policy.d/40-phys.conf:[0-9]+:[0-9]+: '\]' is missing"
	[[ -e /etc/boxdo/policy.d/old.conf ]]
	[[ -z $(compgen -G '/etc/boxdo.new*') ]]
	run as_user alice boxdo policy install "$LAB"
	assert_status 125
}

@test "install: no launch reads half of it" {
	# Each set refuses alice by one file and would let her in without it.
	for set in a b; do
		mkdir -p /tmp/$set/policy.d
		head -n 100 $POLICY >/tmp/$set/policy.conf
		printf '[deny %s]\nusers = *\n' $set >/tmp/$set/policy.d/$set.conf
	done
	boxdo policy install /tmp/a
	(for _ in {1..12}; do boxdo policy install /tmp/b && boxdo policy install /tmp/a; done >/dev/null 2>&1) &
	writer=$!
	while kill -0 $writer 2>/dev/null; do
		run as_user alice boxdo run tiny true
		assert_status 125
		assert_match 'denied by the rule deny [ab]|the policy changes right now|the policy is not usable'
	done
}
