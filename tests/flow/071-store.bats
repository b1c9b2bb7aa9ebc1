#!/usr/bin/env bats
# boxdo image: the store, the catalogue, what is remembered; pinned images in constant time.
load ../lib/common

STORE=/var/lib/boxdo/images
KNOWN=/var/lib/boxdo/known

setup_file() {
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
}

setup() {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
	rm -f /etc/boxdo/policy.d/*.conf "$STORE"/* "$KNOWN"/*
}

permit() { # IMAGE...
	printf '\n[allow store]\nusers = *\nimages = %s\nbinds = ~:rw .:rw\n' "$*" >>$POLICY
}
sha() {
	sha256sum <"$1" | cut -d' ' -f1
}
# an image of the tiny root with whatever words stand in /.boxdo/launch
with_launch() { # OUT WORDS...
	rm -rf "$BATS_TEST_TMPDIR/root"
	cp -a /srv/images/dir "$BATS_TEST_TMPDIR/root"
	mkdir "$BATS_TEST_TMPDIR/root/.boxdo"
	(($# < 2)) || printf '%s\0' "${@:2}" >"$BATS_TEST_TMPDIR/root/.boxdo/launch"
	mksquashfs "$BATS_TEST_TMPDIR/root" "$1" -noappend -comp zstd -no-progress -quiet >/dev/null
}

@test "add: a copy of root's, digested, in the catalogue, on record, and it runs" {
	run boxdo image add /srv/images/tiny.sqfs mini
	assert_success
	assert_match "mini: SquashFS, .*sha256 $(sha /srv/images/tiny.sqfs)"
	file=$(echo $STORE/mini-*.sqfs)
	assert_equal "$(stat -c '%U:%G %a' "$file")" 'root:root 600'
	cmp "$file" /srv/images/tiny.sqfs
	[[ $(stat -c %i "$file") != $(stat -c %i /srv/images/tiny.sqfs) ]]
	assert_equal "$(stat -c '%U %a' $KNOWN)" 'root 700'
	assert_equal "$(stat -c '%U %a' $KNOWN/* | sort -u)" 'root 600'
	run cat /etc/boxdo/policy.d/images.conf
	assert_match "\[image mini\]"$'\n'"path   = $file"$'\n'"sha256 = $(sha "$file")"
	permit mini
	run as_user alice boxdo run mini cat /etc/os-release
	assert_success
	assert_output ID=tiny
	assert_equal "$(raw_records BOXDO_EVENT=launch BOXDO_IMAGE=mini | jq -r .BOXDO_IMAGE_SHA256)" "$(sha "$file")"
	run raw_records BOXDO_EVENT=policy BOXDO_IMAGE=mini
	assert_match '"BOXDO_REASON":"image mini added"'
	assert_match '"BOXDO_UID":"0"'
	assert_match "\"BOXDO_IMAGE_SHA256\":\"$(sha "$file")\""
	# The file itself is for those whom the policy lets run it.
	run as_user alice cat "$file"
	assert_status 1
}

@test "list, show, verify say what is the case" {
	boxdo image add /srv/images/tiny.sqfs mini
	run boxdo image list
	assert_success
	assert_match 'mini +SquashFS +[0-9]+ kB [0-9a-f]{12} +(no|yes) +ok'
	assert_match 'dir +directory'
	run boxdo image show mini
	assert_success
	assert_match 'warm +no'
	assert_match "pinned +$(sha /srv/images/tiny.sqfs)"
	permit mini
	as_user alice boxdo run mini sleep 600 3>&- &
	wait_for warm
	wait_for pgrep -x -u 2001 sleep
	run boxdo image remove mini
	assert_status 1
	assert_match 'in use'
	pkill -x sleep -u 2001
	wait
	wait_for cold
	run boxdo image verify
	assert_success
	assert_match 'tiny: ok, .*now remembered'
	assert_match "mini: ok, sha256 $(sha /srv/images/tiny.sqfs)"
	# Once read, an image that nobody pinned is on record with its digest, too.
	as_user alice boxdo run tiny true
	assert_equal "$(raw_records BOXDO_EVENT=launch BOXDO_IMAGE=tiny | jq -r .BOXDO_IMAGE_SHA256)" "$(sha /srv/images/tiny.sqfs)"
	run boxdo image verify nosuch
	assert_status 1
}
warm() {
	boxdo image show mini | grep -q 'warm  *yes'
}
cold() {
	boxdo image show mini | grep -q 'warm  *no'
}

@test "remove: out of the catalogue and the store, nothing else touched; what stands elsewhere stays" {
	printf '# mine\n\n[image before]\npath = /srv/images/dir\n\n# about gone\n[image gone]\n# inside\npath = /srv/images/tiny.sqfs\n\n# about after\n[image after]\npath = /srv/images/dir\n' >/etc/boxdo/policy.d/10-mine.conf
	boxdo image remove gone
	assert_equal "$(cat /etc/boxdo/policy.d/10-mine.conf)" "$(printf '# mine\n\n[image before]\npath = /srv/images/dir\n\n# about gone\n# about after\n[image after]\npath = /srv/images/dir')"
	[[ -e /srv/images/tiny.sqfs ]]
	boxdo image add /srv/images/tiny.sqfs one
	boxdo image add /srv/images/tiny.sqfs two
	boxdo image remove one
	assert_equal "$(ls $STORE)" "$(basename $STORE/two-*)"
	permit two
	run as_user alice boxdo run two true
	assert_success
	wait_for boxdo image remove two # its last container is gone a moment after its status came
	assert_equal "$(ls $STORE $KNOWN | grep -c sqfs)" 0
	assert_equal "$(ls $KNOWN)" ''
	assert_equal "$(count_records BOXDO_EVENT=policy 'BOXDO_REASON=image two removed')" 1
}

@test "refused: no image, a cut one, a name that is none or taken, a user, a broken policy, no journal" {
	echo text >"$BATS_TEST_TMPDIR/text"
	head -c 8192 /srv/images/tiny.sqfs >"$BATS_TEST_TMPDIR/cut"
	for file in text cut; do
		run boxdo image add "$BATS_TEST_TMPDIR/$file" x
		assert_status 1
		assert_match '^boxdo: .*no whole SquashFS'
	done
	run boxdo image add /srv/images/dir x
	assert_status 1
	assert_match 'boxdo import'
	for name in 'a b' ../x .x -x '' sha256:x "$(printf %065d 1)" $'x\ny'; do
		run boxdo image add /srv/images/tiny.sqfs "$name"
		assert_status 1
	done
	run boxdo image add /srv/images/tiny.sqfs tiny
	assert_status 1
	assert_match 'already .*policy.conf:'
	run as_user alice boxdo image list
	assert_status 1
	assert_match 'for root'
	echo 'nonsense' >>$POLICY
	run boxdo image add /srv/images/tiny.sqfs x
	assert_status 1
	assert_match 'policy.conf:[0-9]+:'
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
	journal_down
	run boxdo image add /srv/images/tiny.sqfs x
	journal_up
	assert_status 1
	assert_match 'could not be recorded'
	assert_equal "$(ls -A $STORE $KNOWN /etc/boxdo/policy.d | grep -Ev ':|^$' || true)" ''
	assert_equal "$(ls -d /run/boxdo/check.* 2>/dev/null || true)" ''
}

editor() { # SCRIPT...: what EDITOR does with "$1", the copy
	printf '#!/bin/bash\n%s\n' "$*" >/tmp/editor
	chmod 755 /tmp/editor
}
edit() { # FILE
	env EDITOR=/tmp/editor boxdo policy edit "$1" <<<i
}

# stopped_add NAME: one that stands still with its copy half made: written, and not on the disk yet. $add is its parent.
stopped_add() {
	strace -o "$BATS_TEST_TMPDIR/trace" -e trace=fsync -e inject=fsync:signal=STOP:when=1 \
		boxdo image add /srv/images/tiny.sqfs "$1" >/dev/null 2>&1 3>&- &
	add=$!
	wait_for grep -q 'stopped by SIGSTOP' "$BATS_TEST_TMPDIR/trace"
}

@test "edit, install, add and remove exclude one another, each builds on what the one before left" {
	# An editor that is open: add and remove wait for it, and keep what it did.
	# shellcheck disable=SC2016
	editor 'touch /tmp/began; while [[ ! -e /tmp/go ]]; do sleep 0.05; done; sed -i "1i # mine" "$1"'
	boxdo image add /srv/images/tiny.sqfs old >/dev/null
	rm -f /tmp/began /tmp/go
	edit images 3>&- &
	wait_for test -e /tmp/began
	boxdo image add /srv/images/tiny.sqfs one >"$BATS_TEST_TMPDIR/add" 2>&1 3>&- &
	wait_for grep -q 'waiting: the policy is being changed by root, process [0-9]*$' "$BATS_TEST_TMPDIR/add"
	boxdo image remove old >"$BATS_TEST_TMPDIR/remove" 2>&1 3>&- &
	wait_for grep -q 'waiting: ' "$BATS_TEST_TMPDIR/remove"
	run boxdo policy install /etc/boxdo
	assert_status 125
	assert_match 'being changed already by root, process'
	touch /tmp/go
	wait
	run cat /etc/boxdo/policy.d/images.conf
	assert_match '# mine'
	assert_match '\[image one\]'
	refute_match '\[image old\]'
	# While gigabytes are copied the policy can be changed: a deny may be urgent.
	stopped_add large
	compgen -G "$STORE/.add.*"
	# shellcheck disable=SC2016
	editor 'printf "[deny urgent]\nusers = mallory\n" >>"$1"'
	edit 90-urgent
	compgen -G "$STORE/.add.*"
	pkill -CONT -x boxdo-image
	wait $add
	assert_equal "$(cd /etc/boxdo/policy.d && grep -c '^\[image large\]\|^\[deny urgent\]' images.conf 90-urgent.conf)" $'images.conf:1\n90-urgent.conf:1'
	rm -f /tmp/began /tmp/go "$STORE"/large*
}

@test "many changes at once: none is lost, and each record begins where the one before ended" {
	boxdo image add /srv/images/tiny.sqfs first >/dev/null
	since=$(boxdo policy digest)
	# shellcheck disable=SC2016
	editor 'printf "# %s\n" "$PPID" >>"$1"'
	for i in 1 2 3 4; do
		boxdo image add /srv/images/tiny.sqfs many$i >/dev/null 2>&1 3>&- &
		(until edit images >/dev/null 2>&1; do sleep 0.05; done) 3>&- &
	done
	wait
	assert_equal "$(grep -c '^\[image many' /etc/boxdo/policy.d/images.conf)" 4
	assert_equal "$(grep -c '^# [0-9]' /etc/boxdo/policy.d/images.conf)" 4
	assert_equal "$(ls $STORE | wc -l)" 5
	chain=$(raw_records BOXDO_EVENT=policy | jq -rs --arg since "$since" '[.[] | select(.BOXDO_COMMAND != null) | [.BOXDO_POLICY_OLD_SHA256, .BOXDO_POLICY_SHA256]] as $all
		| ($all | map(.[0]) | rindex($since)) as $at | $all[$at:] | [range(1; length) as $i | select(.[$i][0] != .[$i - 1][1])] | length, ($all[$at:] | length)')
	assert_equal "$chain" $'0\n8'
	assert_equal "$(raw_records BOXDO_EVENT=policy | jq -rs 'last.BOXDO_POLICY_SHA256')" "$(boxdo policy digest)"
}

@test "who adds an image is on record as who typed it, with the whole policy" {
	run env SUDO_UID=2004 boxdo image add /srv/images/tiny.sqfs mini
	assert_success
	assert_equal "$(raw_records BOXDO_EVENT=policy BOXDO_IMAGE=mini | jq -r '[.BOXDO_USER, .BOXDO_UID, .BOXDO_RUNAS, .BOXDO_COMMAND, .BOXDO_POLICY_SHA256] | join(" ")' | tail -n 1)" \
		"auditor 2004 root boxdo image add mini $(boxdo policy digest)"
	raw_records BOXDO_EVENT=policy BOXDO_IMAGE=mini | jq -rs 'last.BOXDO_POLICY_TEXT' | grep -qx '# /etc/boxdo/policy.d/images.conf'
	# The catalogue's file goes with its last entry.
	printf '[image alone]\npath = /srv/images/tiny.sqfs\n' >/etc/boxdo/policy.d/alone.conf
	boxdo image remove alone
	[[ ! -e /etc/boxdo/policy.d/alone.conf ]]
}

@test "killed in the middle: nothing of it counts, and the next add sweeps it up" {
	stopped_add large
	compgen -G "$STORE/.add.*"
	pkill -KILL -x boxdo-image
	wait $add || true
	[[ ! -e /etc/boxdo/policy.d/images.conf ]]
	boxdo image add /srv/images/tiny.sqfs mini
	assert_equal "$(ls -A $STORE)" "$(basename $STORE/mini-*)"
}

@test "--from takes over what a user made: by descriptor, no link, and the user's hand is off it" {
	as_user alice cp /srv/images/tiny.sqfs /home/alice/mine.sqfs
	as_user alice ln -s mine.sqfs /home/alice/link.sqfs
	run boxdo image add --from /home/alice/link.sqfs
	assert_status 1
	assert_match 'symbolic link'
	# Nor a directory on the way: what only root can open is nobody's to offer.
	mkdir -m 700 /root/private && cp /srv/images/tiny.sqfs /root/private/secret.sqfs
	as_user alice ln -s /root/private /home/alice/images
	run boxdo image add --from /home/alice/images/secret.sqfs
	assert_status 1
	assert_match 'symbolic link'
	rm -r /root/private /home/alice/images
	as_user alice bash -c 'exec 5<>/home/alice/mine.sqfs; sleep 600' 3>&- &
	wait_for pgrep -x -u 2001 sleep
	run boxdo image add --from /home/alice/mine.sqfs
	assert_success
	assert_match 'from uid 2001'
	permit mine
	run as_user alice boxdo run mine cat /etc/os-release
	assert_success
	pkill -x sleep -u 2001
	as_user alice mkfifo /home/alice/fifo
	run timeout 60 boxdo image add --from /home/alice/fifo x
	assert_status 1
}

@test "how an image wants to be started: docker's rules for entrypoint, cmd, env and workdir" {
	with_launch "$BATS_TEST_TMPDIR/oci.sqfs" 'entrypoint=/bin/echo' 'entrypoint=-n' 'cmd=default' 'cmd=args' \
		'env=PATH=/bin:/opt' 'env=GREETING=hello there' 'env=HOME=/root' 'env=TERM=image' 'workdir=/etc' 'user=www-data'
	run boxdo image add "$BATS_TEST_TMPDIR/oci.sqfs" oci
	assert_success
	assert_match 'run as www-data'
	run boxdo image show oci
	assert_match $'entrypoint /bin/echo\nentrypoint -n\ncmd +default\ncmd +args'
	permit oci
	run as_user alice boxdo run oci
	assert_output 'default args'
	run as_user alice boxdo run oci typed words
	assert_output 'typed words'
	run as_user alice boxdo run --entrypoint /bin/sh oci -c 'echo "$GREETING|$PATH|$HOME|$(id -u)"'
	assert_output 'hello there|/bin:/opt|/home/alice|2001'
	run as_user alice boxdo run -e GREETING=mine --entrypoint /bin/sh oci -c 'echo $GREETING'
	assert_output mine
	# As docker: --entrypoint alone leaves the image's cmd out; "" takes the entrypoint away.
	run as_user alice boxdo run --entrypoint pwd oci
	assert_output /home/alice
	run as_user alice boxdo run --contain --entrypoint pwd oci
	assert_output /etc
	run as_user alice boxdo run --entrypoint '' oci pwd
	assert_output /home/alice
	# The record holds what ran.
	assert_equal "$(raw_records BOXDO_EVENT=launch BOXDO_IMAGE=oci | jq -r .BOXDO_COMMAND | sed -n '1,2p')" \
		$'/bin/echo -n default args\n/bin/echo -n typed words'
	# And a rule about commands is about what runs.
	printf '[image oci]\npath = %s\n' $STORE/oci-* >/etc/boxdo/policy.d/images.conf
	policy "$(sed -n '/\[settings\]/,/^$/p' "$BATS_FILE_TMPDIR/policy")" '' '[allow echo]' 'users = *' 'images = oci' 'command = /bin/echo -n default ...' 'env = LANG'
	run as_user alice boxdo run --no-home --contain oci
	assert_output 'default args'
	run as_user alice boxdo run --no-home --contain oci other
	assert_status 125
}

# explain says what a launch does, for root; $1: 0 or 125, the rest: the command line.
agrees() {
	run as_user alice boxdo run "${@:2}"
	assert_status "$1"
	run boxdo explain --user alice --cwd /home/alice run "${@:2}"
	[[ $status -eq $(($1 ? 1 : 0)) ]] || { echo "$output" && return 1; }
	refute_match 'root alone can look up'
}

@test "boxdo explain knows an image's entrypoint and sha256 where root asks, and says that others do not" {
	with_launch "$BATS_TEST_TMPDIR/oci.sqfs" 'entrypoint=/bin/echo' 'entrypoint=-n' 'cmd=default' 'cmd=args'
	boxdo image add "$BATS_TEST_TMPDIR/oci.sqfs" oci
	file=$(echo $STORE/oci-*)
	hex=$(sha "$file")
	printf '[image oci]\npath = %s\n' "$file" >/etc/boxdo/policy.d/images.conf
	settings=$(sed -n '/\[settings\]/,/^$/p' "$BATS_FILE_TMPDIR/policy")
	policy "$settings" '' "$(catalogue)" '[allow echo]' 'users = *' 'images = *' 'command = /bin/echo -n default ...' 'command = pwd' 'env = LANG'
	for image in oci "$file"; do
		agrees 0 --contain $image
		agrees 125 --contain $image other
		agrees 125 --contain $image pwd
		agrees 0 --contain --entrypoint pwd $image
		agrees 0 --contain --entrypoint '' $image pwd
		agrees 125 --contain --entrypoint '' $image
	done
	agrees 0 --contain tiny pwd
	agrees 125 --contain tiny
	agrees 0 --contain dir pwd
	run boxdo explain --user alice --contain oci
	assert_match $'\ncommand  /bin/echo -n default args\n'
	# Whom this host does not know, on this host.
	run boxdo explain --user nobody-here --uid 4242 --contain oci
	assert_success
	assert_match $'\ncommand  /bin/echo -n default args\n'
	run boxdo explain --user alice --host elsewhere --contain oci
	assert_match "note     an entrypoint of the image's own, which would stand before the command, root alone can look up"
	# She is told that it was not looked at; not where it cannot matter.
	run as_user alice boxdo explain --contain oci
	assert_status 1
	assert_match "note     an entrypoint of the image's own, which would stand before the command, root alone can look up"
	for words in '--entrypoint pwd oci' 'dir pwd'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo explain --contain $words
		assert_success
		refute_match 'root alone can look up'
	done
	# The digest, as rules name it.
	policy "$settings" '' "$(catalogue)" '[allow digest]' 'users = *' "images = sha256:$hex"
	agrees 0 --contain oci
	agrees 0 --contain "$file"
	agrees 125 --contain tiny pwd
	run as_user alice boxdo explain --contain oci
	assert_match "note     the image's sha256, which a rule names, root alone can look up"
	policy "$settings" '' "$(catalogue)" '[allow all]' 'users = *' 'images = *' '[deny it]' 'users = *' "images = sha256:$hex"
	agrees 125 --contain oci
	agrees 0 --contain tiny pwd
	# What is remembered of another file counts for nothing.
	cp "$file" "$file.new" && chmod 644 "$file.new" && mv "$file.new" "$file"
	agrees 0 --contain oci
	policy "$settings" '' "$(catalogue)" '[allow echo]' 'users = *' 'images = *' 'command = /bin/sh' 'env = LANG'
	agrees 0 --contain oci
}

@test "what an image says of itself is no command to root's terminal" {
	with_launch "$BATS_TEST_TMPDIR/loud.sqfs" $'env=A=\xc2\x9b31m\xe2\x80\xae' $'user=\e]0;x\a\xc2\x9b2Jroot\nall is well'
	for words in "add $BATS_TEST_TMPDIR/loud.sqfs loud" 'show loud' "add $(printf '/tmp/\xc2\x9b31m') x"; do
		# shellcheck disable=SC2086
		run boxdo image $words
		echo "$words: $output"
		[[ $output != *$'\e'* && $output != *$'\xc2'* && $output != *$'\xe2'* && $output == *'?'* ]]
		refute_match '^all is well'
	done
}

@test "what an image says of itself reaches nobody but the command" {
	for words in workdir=/proc/self/fd/7 workdir=relative workdir=/x/../../proc "sha256=$(printf %064d 1)" stamp=1 nonsense=1 $'cmd=x\0entrypoint=late'; do
		with_launch "$BATS_TEST_TMPDIR/bad.sqfs" "$words"
		[[ $words != cmd=* ]] || printf 'cmd=x\0entrypoint=late\0' >"$BATS_TEST_TMPDIR/root/.boxdo/launch"
		[[ $words != cmd=* ]] || mksquashfs "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/bad.sqfs" -noappend -quiet -no-progress >/dev/null
		run boxdo image add "$BATS_TEST_TMPDIR/bad.sqfs" bad
		assert_status 1
		assert_match 'how it is started'
	done
	# A link out of the image, a fifo, a megabyte: not read.
	with_launch "$BATS_TEST_TMPDIR/bad.sqfs"
	printf 'cmd=stolen\0' >/etc/boxdo/stolen
	ln -s /etc/boxdo/stolen "$BATS_TEST_TMPDIR/root/.boxdo/launch"
	mksquashfs "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/bad.sqfs" -noappend -quiet -no-progress >/dev/null
	boxdo image add "$BATS_TEST_TMPDIR/bad.sqfs" linked
	run boxdo image show linked
	refute_match stolen
	rm /etc/boxdo/stolen "$BATS_TEST_TMPDIR/root/.boxdo/launch"
	head -c 1000000 /dev/zero | tr '\0' x | sed 's/^/cmd=/' >"$BATS_TEST_TMPDIR/root/.boxdo/launch"
	mksquashfs "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/bad.sqfs" -noappend -quiet -no-progress >/dev/null
	run boxdo image add "$BATS_TEST_TMPDIR/bad.sqfs" long
	assert_status 1
	# Not looked at, since no admin read it in: only its files are there.
	with_launch /srv/images/unread.sqfs 'cmd=id'
	printf '[image unread]\npath = /srv/images/unread.sqfs\n' >/etc/boxdo/policy.d/unread.conf
	permit unread
	run as_user alice boxdo run unread </dev/null
	assert_output ''
	boxdo image verify unread
	run as_user alice boxdo run unread
	assert_match 'uid=2001'
}
