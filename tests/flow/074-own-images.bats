#!/usr/bin/env bats
# Images of the caller's own, where a rule says so: by squashfuse as the caller, never by the kernel's parser.
load ../lib/common

setup_file() {
	printf '\n[allow own]\nusers = alice\nuser_images = yes\nbinds = ~:rw .:rw /data\nnetwork = host none\n' >>$POLICY
	as_user alice cp /srv/images/tiny.sqfs /home/alice/mine.sqfs
	cp "$TOP/build/helpers/attack_getfd" /usr/local/bin/
	as_user alice boxdo run tiny true # makes the cgroup
}

setup() {
	before=$(leftovers)
}
teardown() {
	wait_for nothing_left
}
nothing_left() {
	[[ -z $(pgrep squashfuse) && $(leftovers) == "$before" ]]
}
server() {
	pgrep -u alice -x squashfuse_ll
}

@test "runs through squashfuse, as the caller, read-only, nosuid, nodev; on record with file and owner" {
	run as_user alice boxdo run ./mine.sqfs sh -c 'cat /etc/os-release; id -u; touch /x; grep " fuse" /proc/mounts; pwd; ls hello.txt'
	assert_match $'^ID=tiny\n2001\n.*Read-only file system'
	assert_match '/home/alice'$'\n''hello.txt$'
	run as_user alice boxdo run -v /data:/opt/new --network=none ./mine.sqfs sh -c 'ls /opt/new; ls /sys/class/net'
	assert_match 'README'
	assert_equal "$(losetup --noheadings --list --output BACK-FILE | grep -c mine.sqfs || true)" 0
	run raw_records BOXDO_EVENT=launch BOXDO_IMAGE_PATH=/home/alice/mine.sqfs
	assert_match '"BOXDO_IMAGE_OWNER":"2001"'
	assert_match "\"BOXDO_IMAGE_INODE\":\"[0-9]+:[0-9]+:$(stat -c %i /home/alice/mine.sqfs)\""
	assert_match '"BOXDO_IMAGE_SHA256":"unknown"'
	every_launch_has_its_end
}

@test "set-uid files, device nodes and modes in it mean what they mean elsewhere" {
	cp -a /srv/images/dir "$BATS_TEST_TMPDIR/root"
	install -D -m 4755 /srv/images/dir/bin/busybox "$BATS_TEST_TMPDIR/root/suid/id"
	mknod -m 666 "$BATS_TEST_TMPDIR/root/null" c 1 3
	install -m 600 /dev/null "$BATS_TEST_TMPDIR/root/roots"
	mksquashfs "$BATS_TEST_TMPDIR/root" /home/alice/bad.sqfs -noappend -quiet -no-progress >/dev/null
	chown alice /home/alice/bad.sqfs
	run as_user alice boxdo run ./bad.sqfs sh -c '/suid/id -u; echo x >/null; cat /roots'
	assert_match '^2001'
	assert_match "create /null: Permission denied"
	assert_match "roots.*: Permission denied"
}

@test "SIF, and a file system that root cannot enter" {
	"$TOP/tests/lib/mksif" /srv/images/tiny.sqfs /home/alice/mine.sif
	chown alice /home/alice/mine.sif
	run as_user alice boxdo run ./mine.sif cat /etc/os-release
	assert_output ID=tiny
	as_user alice cp /home/alice/mine.sqfs /fuse/alice/mine.sqfs
	run as_user alice boxdo run --contain /fuse/alice/mine.sqfs cat /etc/os-release
	assert_output ID=tiny
	as_user alice rm /fuse/alice/mine.sqfs
}

@test "refused: no rule, another's file, a damaged one, a link to root's; and what to do is said" {
	as_user bob cp /srv/images/tiny.sqfs /home/bob/mine.sqfs
	run as_user bob boxdo run ./mine.sqfs id
	assert_status 125
	assert_match 'image of your own, and no rule permits.*user_images = yes.*ask an admin.*boxdo image add --from /home/bob/mine.sqfs'
	chmod 755 /home/bob
	run as_user alice boxdo run /home/bob/mine.sqfs id
	assert_status 125
	chmod 700 /home/bob
	as_user alice bash -c 'head -c 4096 mine.sqfs >cut.sqfs; echo text >text'
	for file in cut.sqfs text; do
		run as_user alice boxdo run ./$file id
		assert_status 125
		assert_match '^boxdo: [^'$'\n'']+$'
	done
	as_user alice mkdir dir
	run as_user alice boxdo run ./dir id
	assert_status 125
	# Root's own stays an image of root's: not one of alice's through a link.
	cp /srv/images/tiny.sqfs /srv/images/other.sqfs
	as_user alice ln -s /srv/images/other.sqfs link.sqfs
	run as_user alice boxdo run ./link.sqfs id
	assert_status 125
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_output ID=tiny
}

@test "explain and policy test say of an own image what a launch does, and by which rule" {
	local user words wrong=0
	cp $POLICY "$BATS_TEST_TMPDIR/policy"
	cp /home/alice/mine.sqfs /home/bob/alices.sqfs
	chown alice /home/bob/alices.sqfs
	chmod 755 /home/bob
	cp /home/alice/mine.sqfs /srv/images/bobs.sqfs
	chown bob /srv/images/bobs.sqfs
	while read -r user words; do
		# shellcheck disable=SC2086
		run as_user $user boxdo run $words true
		local ran=$status reason=${output#boxdo: }
		# shellcheck disable=SC2086
		run as_user $user boxdo explain $words true
		[[ $((ran != 0)) == "$status" && ($ran == 0 || $output == *"refused: $reason"*) ]] ||
			{ printf '%s %s: %s %s\nexplained: %s\n' "$user" "$words" "$ran" "$reason" "$output" && wrong=1; }
	done <<-'END'
		alice /home/alice/mine.sqfs
		alice ./mine.sqfs
		alice --network=host -v /data ./mine.sqfs
		alice -v /etc ./mine.sqfs
		alice /home/bob/alices.sqfs
		alice /srv/images/bobs.sqfs
		bob /srv/images/bobs.sqfs
		bob /home/bob/alices.sqfs
	END
	chmod 700 /home/bob
	[[ $wrong == 0 ]]
	run as_user alice boxdo explain ./mine.sqfs
	assert_match "image    /home/alice/mine.sqfs, not in the catalogue, a file of the caller's own"
	assert_match 'allow own .* decides'$'\n''    yes users.*'$'\n''    yes user_images yes: /home/alice/mine.sqfs is one of'
	assert_match 'no  images .*one of the caller.s own, which user_images alone permits'
	run as_user alice boxdo explain tiny
	assert_match 'no  user_images yes: /srv/images/tiny.sqfs is none of'
	# Where nothing is looked at, what lies in the home is taken for theirs.
	run boxdo explain --user zoe --host elsewhere --home /home/zoe /home/zoe/x.sif
	assert_match "not in the catalogue, taken for the caller's own: it lies in their home"
	cat >"$BATS_TEST_TMPDIR/expected" <<-'END'
		allow alice@* run ~/mine.sqfs true
		allow alice@* run /home/alice/any.sif
		allow alice@gpu1 run -v /data ~/mine.sqfs
		refuse alice@* run /home/bob/mine.sqfs
		refuse bob@* run ~/mine.sqfs
		refuse mallory@* run *
		home alice = /lustre/alice
		allow alice@* run ~/mine.sqfs
		refuse alice@* run /home/alice/any.sif
	END
	run boxdo policy test "$BATS_TEST_TMPDIR/expected"
	assert_match '^8 expectations: 8 hold, 0 do not$'
	printf '[allow mallorys]\nusers = mallory\nuser_images = yes\n' >>$POLICY
	run boxdo policy test "$BATS_TEST_TMPDIR/expected"
	assert_status 1
	assert_match 'image ~/own-image: is allowed'
	cp "$BATS_TEST_TMPDIR/policy" $POLICY
}

@test "a rule for own images permits nothing else, limits no command, and a deny still counts" {
	cp $POLICY "$BATS_TEST_TMPDIR/policy"
	sed -i '/^\[allow research\]/,/^$/d' $POLICY
	run as_user alice boxdo run tiny id
	assert_status 125
	run as_user alice boxdo run ./mine.sqfs cat /etc/os-release
	assert_output ID=tiny
	printf '[deny all]\nusers = alice\nimages = *\n' >>$POLICY
	run as_user alice boxdo run ./mine.sqfs id
	assert_status 125
	assert_match 'denied by'
	# "images = *" is about root's: it does not decide about an own one only to have it refused for its owner.
	cp "$BATS_TEST_TMPDIR/policy" $POLICY
	sed -i '/^\[allow own\]/i [allow first]\nusers = alice\nimages = *\npassword = yes\n' $POLICY
	run as_user alice boxdo run ./mine.sqfs cat /etc/os-release
	assert_output ID=tiny
	sed -i '/^\[allow own\]/,$d' $POLICY
	run as_user alice boxdo run ./mine.sqfs cat /etc/os-release
	assert_status 125
	assert_match 'image of your own, and no rule permits'
	for more in 'command = id' 'run_as = bob'; do
		cp "$BATS_TEST_TMPDIR/policy" $POLICY
		printf '[allow odd]\nusers = alice\nuser_images = yes\n%s\n' "$more" >>$POLICY
		run as_user alice boxdo run ./mine.sqfs id
		assert_status 125
		assert_match 'user_images cannot'
	done
	cp "$BATS_TEST_TMPDIR/policy" $POLICY
}

# an image of alice's of the tiny root with whatever words stand in /.boxdo/launch
with_launch() { # OUT WORDS...
	rm -rf "$BATS_TEST_TMPDIR/root" "$1"
	cp -a /srv/images/dir "$BATS_TEST_TMPDIR/root"
	mkdir "$BATS_TEST_TMPDIR/root/.boxdo"
	(($# < 2)) || printf '%s\0' "${@:2}" >"$BATS_TEST_TMPDIR/root/.boxdo/launch"
	mksquashfs "$BATS_TEST_TMPDIR/root" "$1" -noappend -comp zstd -no-progress -quiet >/dev/null
	chown alice "$1"
}

@test "how it wants to be started: docker's rules, read inside by who runs it; what was typed is on record" {
	with_launch /home/alice/oci.sqfs 'entrypoint=/bin/echo' 'entrypoint=-n' 'cmd=default' 'cmd=args' \
		'env=PATH=/bin:/opt' 'env=GREETING=hello there' 'env=HOME=/root' 'env=LANG=image' 'workdir=/etc' 'user=www-data'
	run as_user alice boxdo run ./oci.sqfs
	assert_output 'default args'
	run as_user alice boxdo run ./oci.sqfs typed words
	assert_output 'typed words'
	run as_user alice env LANG=mine boxdo run --entrypoint /bin/sh ./oci.sqfs -c 'echo "$GREETING|$PATH|$HOME|$LANG|$BOXDO_IMAGE|$(id -u)"'
	assert_output 'hello there|/bin:/opt|/home/alice|image|/home/alice/oci.sqfs|2001'
	run as_user alice boxdo run -e GREETING=mine -e HOME=/x --entrypoint /bin/sh ./oci.sqfs -c 'echo $GREETING $HOME'
	assert_output 'mine /x'
	# Where it starts: as typed, where one is, where the image says.
	run as_user alice boxdo run --entrypoint pwd ./oci.sqfs
	assert_output /home/alice
	run as_user alice boxdo run --contain --entrypoint pwd /home/alice/oci.sqfs
	assert_output /etc
	run as_user alice boxdo run --contain -w /bin --entrypoint pwd /home/alice/oci.sqfs
	assert_output /bin
	run as_user alice boxdo run --entrypoint '' ./oci.sqfs pwd
	assert_output /home/alice
	run as_user alice boxdo run --entrypoint /nosuch ./oci.sqfs
	assert_status 127
	run raw_records BOXDO_EVENT=launch BOXDO_IMAGE_PATH=/home/alice/oci.sqfs BOXDO_COMMAND='typed words'
	assert_match '"BOXDO_IMAGE_OWNER":"2001"'
	every_launch_has_its_end
}

@test "an image that says nothing of itself, nonsense, too much, or by a fifo" {
	with_launch /home/alice/odd.sqfs
	run as_user alice boxdo run ./odd.sqfs </dev/null
	assert_success
	assert_output ''
	mkfifo "$BATS_TEST_TMPDIR/root/.boxdo/launch"
	mksquashfs "$BATS_TEST_TMPDIR/root" /home/alice/odd.sqfs -noappend -no-progress -quiet >/dev/null
	run as_user alice timeout 60 boxdo run ./odd.sqfs id -u
	assert_output 2001
	for words in workdir=/proc/self/fd/7 workdir=relative workdir=/x/../../proc "sha256=$(printf %064d 1)" stamp=1 path=/x nonsense=1; do
		with_launch /home/alice/odd.sqfs "$words"
		run as_user alice boxdo run ./odd.sqfs id
		assert_status 125
		assert_match '^boxdo: [^'$'\n'']*how it is started[^'$'\n'']*$'
	done
	head -c 1000000 /dev/zero | tr '\0' x | sed 's/^/cmd=/' >"$BATS_TEST_TMPDIR/root/.boxdo/launch"
	mksquashfs "$BATS_TEST_TMPDIR/root" /home/alice/odd.sqfs -noappend -no-progress -quiet >/dev/null
	run as_user alice boxdo run ./odd.sqfs id
	assert_status 125
	every_launch_has_its_end
}

@test "Apptainer's: its scripts set the environment up and run" {
	with_launch /home/alice/apt.sqfs
	rm -r "$BATS_TEST_TMPDIR/root/.boxdo"
	mkdir -p "$BATS_TEST_TMPDIR/root/.singularity.d/actions"
	printf '#!/bin/sh\nexport FROM_IMAGE=image\nexec "$@"\n' >"$BATS_TEST_TMPDIR/root/.singularity.d/actions/exec"
	printf '#!/bin/sh\necho "runscript: $FROM_IMAGE: $*"\n' >"$BATS_TEST_TMPDIR/root/.singularity.d/runscript"
	chmod 755 "$BATS_TEST_TMPDIR/root/.singularity.d"/{actions/exec,runscript}
	mksquashfs "$BATS_TEST_TMPDIR/root" /home/alice/apt.sqfs -noappend -no-progress -quiet >/dev/null
	as_user alice "$TOP/tests/lib/mksif" /home/alice/apt.sqfs /home/alice/apt.sif
	run as_user alice boxdo apptainer run apt.sif
	assert_output 'runscript: image: '
	run as_user alice boxdo run ./apt.sif sh -c 'echo $FROM_IMAGE'
	assert_output image
}

@test "the server is the caller's, holds two descriptors, no privilege, a filter; ^C is not for it" {
	as_user alice boxdo run ./mine.sqfs sleep 600 3>&- &
	wait_for server
	wait_for pgrep -u alice -x sleep
	pid=$(server)
	assert_equal "$(grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr -s '\t ' ' ')" \
		$'Uid: 2001 2001 2001 2001\nCapEff: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2'
	assert_equal "$(find "/proc/$pid/fd" -type l -printf '%l\n' | grep -v '/null$' | sort -u)" $'/dev/fuse\n/home/alice/mine.sqfs'
	[[ $(ps -o pgid= -p "$pid") != $(ps -o pgid= -p "$(pgrep -u alice -x sleep)") ]]
	pkill -u alice -x sleep
	wait
}

@test "a server that is stopped, killed, or whose device was stolen: the end comes, and is recorded" {
	for how in STOP KILL stolen; do
		as_user alice boxdo run --name "$how" ./mine.sqfs sh -c 'i=0; while :; do [ -e /nosuch$i ]; i=$((i + 1)); done' >/dev/null 2>&1 3>&- &
		launch=$!
		wait_for server
		wait_for pgrep -u alice -f nosuch
		if [[ $how == stolen ]]; then
			as_user alice attack_getfd "$(server)" >"$BATS_TEST_TMPDIR/held" 3>&- &
			thief=$!
			wait_for grep -q 'held 1' "$BATS_TEST_TMPDIR/held"
			as_user alice kill -KILL "$(server)"
		else
			as_user alice kill -$how "$(server)"
		fi
		sleep 0.5
		# The command may have ended by itself, for want of an answer.
		kill -KILL "$(pgrep -u alice -x boxdo)" $launch 2>/dev/null || true
		wait $launch || true
		wait_for ended "$how"
		wait_for no_server
		[[ $how != stolen ]] || pkill -u alice -x attack_getfd
	done
	wait
	every_launch_has_its_end
}
ended() {
	[[ $(raw_records BOXDO_EVENT=end "BOXDO_ID=$(raw_records BOXDO_EVENT=launch "BOXDO_NAME=$1" | jq -r .BOXDO_ID)" | wc -l) -ge 1 ]]
}
no_server() {
	! server
}
