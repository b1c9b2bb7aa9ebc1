#!/usr/bin/env bats
# timeout: 900
# Paths the caller controls: symbolic links swapped while a launch looks, file systems that hang, file
# systems that only the caller can enter (B19, B37, L5, L6, L9, L14, L17, L22, L27, L28, L33, L36, L37,
# L44, L49; must hold 8).
load ../lib/common
load attack

setup_file() {
	arm
	# What no mount and no new file may ever reach.
	mkdir -p /data2 /srv/sentinel/a
	echo forbidden >/data2/README
	echo sentinel >/srv/sentinel/a/file
}
setup() {
	restore_policy
	inodes=$(sentinels)
}
teardown() {
	kill -CONT "$(cat /run/stage/fuse-alice.pid)"
}

# The host's own trees, file by file.
sentinels() {
	find /srv/sentinel /data2 /etc /root /opt /mnt -xdev -path "$TOP" -prune -o -printf '%p %i %m %u\n' | sort
}

# while_swapped A B REGEX REGEX COMMAND...: again and again, a hundred times and until both outcomes were met (each half of
# the time), while alice exchanges A and B as fast as she can. Its output is in $BATS_TEST_TMPDIR/all.
while_swapped() {
	local runs=0 all=$BATS_TEST_TMPDIR/all
	: >"$all"
	as_user alice attack_swap 10000 "$1" "$2" >/dev/null 3>&- &
	until ((runs >= 100)) && grep -qE "$3" "$all" && grep -qE "$4" "$all"; do
		((runs++ < 2000)) || break
		"${@:5}" >>"$all" 2>&1 || true
	done
	pkill -x attack_swap
	wait
	((runs <= 2000)) || { sort "$all" | uniq -c && return 1; }
}

@test "a bind source swapped with a symbolic link: what was checked is what is bound" {
	as_user alice sh -c 'ln -sT /data good; ln -sT /data2 evil'
	# Both are met: the granted one runs, the other one is refused, and never shown.
	while_swapped /home/alice/good /home/alice/evil 'what everyone may read' 'boxdo: .*/data2' \
		launch_as alice 1 image=tiny bind=/home/alice/good:/x -- /bin/cat /x/README
	run sort -u "$BATS_TEST_TMPDIR/all"
	refute_match 'forbidden'
}

@test "a bind source that is a directory, swapped with a symbolic link in the middle of its path" {
	as_user alice sh -c 'mkdir -p way/in; echo mine >way/in/README; ln -sT /data2 way/out'
	rm -rf /data2/in && mkdir -p /data2/in && echo forbidden >/data2/in/README && ln -sT / /home/alice/up
	as_user alice sh -c 'mkdir -p p/q/in; echo mine >p/q/in/README; ln -sT /data2 p/r'
	inodes=$(sentinels)
	while_swapped /home/alice/p/q /home/alice/p/r mine 'boxdo: .*/data2' \
		launch_as alice 1 image=tiny bind=/home/alice/p/q/in:/x:rw -- /bin/sh -c 'cat /x/README; echo >/x/new'
	run sort -u "$BATS_TEST_TMPDIR/all"
	refute_match 'forbidden'
	assert_equal "$(sentinels)" "$inodes"
}

@test "a destination inside a writable bind, swapped with a symbolic link: no mount lands outside" {
	as_user alice sh -c 'mkdir -p d/place/pts; ln -sT ../../../dev d/other'
	# The bind arrives where it was asked to (the directory may be called "other" by now), or nothing runs.
	while_swapped /home/alice/d/place /home/alice/d/other 'mount /home/alice/d/place/pts' '^boxdo: ' \
		launch_as alice 1 image=tiny bind=/data:/home/alice/d/place/pts -- /bin/sh -c 'awk "{print \"mount\", \$5}" /proc/self/mountinfo; [ ! -e /dev/pts/README ] || echo landed'
	run grep -c landed "$BATS_TEST_TMPDIR/all"
	assert_output 0
	run grep -h '^mount' "$BATS_TEST_TMPDIR/all"
	run sort -u <<<"$output"
	run grep -vE '^mount (/|/usr|/bin|/sbin|/lib|/lib64|/proc(/.*)?|/sys(/.*)?|/dev(/.*)?|/tmp|/var/tmp|/etc/(passwd|group|resolv.conf|hosts|localtime)|/home/alice|/home/alice/d/(place|other)/pts)$' <<<"$output"
	assert_output ''
	assert_equal "$(sentinels)" "$inodes"
	wait_for eval '! grep -q /home/alice/d /proc/self/mountinfo'
}

@test "a destination component that is a link, planted before: refused, and nothing is made on the host" {
	local target
	for target in /etc / /srv/sentinel ../../../../srv/sentinel /proc /proc/self/root /proc/1/cwd /dev/shm; do
		as_user alice sh -c "rm -rf plant; mkdir plant; ln -sT $target plant/link"
		run launch_as alice 1 image=tiny bind=/data:/home/alice/plant/link/made -- /bin/true
		assert_status 125
		run launch_as alice 1 image=tiny bind=/data:/home/alice/plant/link -- /bin/true
		assert_status 125
		run launch_as alice 1 image=tiny tmpfs=/home/alice/plant/link/made -- /bin/true
		assert_status 125
		run launch_as alice 1 image=tiny bind=/data/README:/home/alice/plant/link/made -- /bin/true
		assert_status 125
	done
	# Nothing is made in what is the caller's own either.
	run launch_as alice 1 image=tiny bind=/data:/home/alice/plant/new -- /bin/true
	assert_status 125
	[[ ! -e /home/alice/plant/new ]]
	assert_equal "$(sentinels)" "$inodes"
}

@test "a directory moved away while it is being bound: what is inside is what was opened" {
	as_user alice sh -c 'mkdir -p here there; echo here >here/name; echo there >there/name'
	while_swapped /home/alice/here /home/alice/there here there launch_as alice 1 image=tiny bind=here:/x -- /bin/sh -c 'cat /x/name'
	run sort -u "$BATS_TEST_TMPDIR/all"
	assert_equal "$output" $'here\nthere'
	# The record names the directory by its name at that moment; it is alice's either way.
	every_launch_has_its_end
}

@test "a prefix is not a path: /data does not grant /data2, nor what is mounted as such" {
	local path
	mkdir -p /data/inner
	as_user alice mkdir -p mnt
	for path in /data2 /data2/ //data2 /data/../data2 /data2/../data2 /proc/self/cwd/../../data2; do
		run launch_as alice 1 image=tiny "bind=$path:/x" -- /bin/cat /x/README
		assert_status 125
		refute_match forbidden
	done
	# Another name for it, made by mounting (root's doing), is another path; the rule says /data.
	mkdir -p /mnt/alias
	mount --bind /data2 /mnt/alias
	run launch_as alice 1 image=tiny bind=/mnt/alias:/x -- /bin/cat /x/README
	umount /mnt/alias
	rmdir /mnt/alias
	assert_status 125
}

@test "the source is opened as the caller: what they cannot reach is refused, whatever a rule says" {
	policy "$(catalogue)
[allow a]
users = alice mallory
images = tiny
binds = / /data/ml:rw /home/alice"
	chmod 700 /home/alice
	run launch_as mallory 1 image=tiny bind=/data/ml/weights:/x -- /bin/cat /x
	assert_status 125
	run launch_as mallory 1 image=tiny bind=/home/alice/hello.txt:/x -- /bin/cat /x
	assert_status 125
	run launch_as mallory 1 image=tiny bind=/root/.bashrc:/x -- /bin/cat /x
	assert_status 125
	# A directory that can be named but not entered is bound at most as such.
	run launch_as mallory 1 image=tiny bind=/data/ml:/x -- /bin/ls /x
	[[ $status -ne 0 ]]
	refute_match weights
}

@test "FUSE that only alice can enter: hers as a bind and as working directory, refused for others" {
	policy "$(catalogue)
[allow a]
users = alice mallory
images = tiny
binds = /fuse/alice:rw .:rw ~:rw"
	run launch_as alice 1 image=tiny bind=/fuse/alice:/x -- /bin/cat /x/secret
	assert_success
	assert_output 'seen by alice alone'
	run as_user alice sh -c "cd /fuse/alice && exec $LAUNCH 1 image=tiny -- /bin/sh -c 'pwd; cat secret; echo w >written && cat written'"
	assert_success
	assert_output "/fuse/alice"$'\n'"seen by alice alone"$'\n'"w"
	run launch_as mallory 1 image=tiny bind=/fuse/alice:/x -- /bin/cat /x/secret
	assert_status 125
	assert_match '/fuse/alice cannot be bound'
	run launch_as mallory 1 image=tiny bind=/fuse/alice/secret:/x -- /bin/cat /x
	assert_status 125
	# Root's, where root cannot look: the helper did not need to.
	run ls /fuse/alice
	[[ $status -ne 0 ]]
}

@test "a FUSE that hangs, as bind source: refused in time, says so, leaves nothing" {
	local before
	settled
	before=$(leftovers)
	kill -STOP "$(cat /run/stage/fuse-alice.pid)"
	sleep 1.5 # what the kernel remembers of it ends
	# In three seconds, and those that a slow machine adds.
	refused timeout 60 "$TOP/tests/lib/as" alice "$LAUNCH" 1 image=tiny bind=/fuse/alice/secret:/x -- /bin/true
	assert_match '/fuse/alice/secret cannot be looked at: its file system does not answer'
	kill -CONT "$(cat /run/stage/fuse-alice.pid)"
	wait_for eval '[[ $(leftovers) == "$before" ]]'
	run launch_as alice 1 image=tiny -- /bin/true
	assert_success
}

@test "a FUSE that hangs, as working directory: ends in time, leaves nothing, and who looks into it can be ended" {
	local before status=0
	settled
	before=$(leftovers)
	as_user alice sh -c "cd /fuse/alice || exit 77; touch /tmp/there; while [ ! -e /tmp/go ]; do sleep 0.1; done
		timeout 60 $LAUNCH 1 image=tiny -- /bin/true || exit; exec timeout -k 20 2 $LAUNCH 1 image=tiny -- /bin/ls" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	wait_for test -e /tmp/there
	kill -STOP "$(cat /run/stage/fuse-alice.pid)"
	sleep 1.5
	touch /tmp/go
	wait $! || status=$?
	# What the kernel remembers of it is enough, unless the command wants more.
	assert_equal "$status $(cat "$BATS_TEST_TMPDIR/out")" '124 '
	kill -CONT "$(cat /run/stage/fuse-alice.pid)"
	rm -f /tmp/go /tmp/there
	wait_for eval '[[ $(leftovers) == "$before" ]]'
	every_launch_has_its_end
}

@test "HANDLE and OPENER are the caller's to stop, kill and starve: that opens no way past a deny" {
	local way who binds=()
	# Enough for OPENER to do that it can be caught at it.
	for way in {1..60}; do binds+=("bind=/data2:/b$way"); done
	# The deny knows the place by a symbolic link; hers is the one OPENER follows.
	embargo
	policy "$(catalogue)
[deny embargo]
binds = /embargo
[allow a]
users = alice
images = tiny
binds = .:rw /data /data2"
	run as_user_in /data/embargo alice "$LAUNCH" 1 image=tiny -- /bin/cat /data/embargo/file
	assert_status 125
	refute_match secret
	# At random moments. An image by its path is one to be opened for reading, so there is an OPENER.
	for way in starve kill stop; do
		for who in opener=/srv/images/tiny.sqfs handle=tiny; do
			as_user_in /data/embargo alice timeout 600 attack_hunt "${who%=*}" $way "$([[ $way == stop ]] && echo 3 || echo 150)" \
				"$LAUNCH" 1 "image=${who#*=}" "${binds[@]}" -- /bin/cat /data/embargo/file >>"$BATS_TEST_TMPDIR/all" 2>&1
		done
	done
	run sort "$BATS_TEST_TMPDIR/all"
	refute_match secret
	echo "# $(grep -c 'cannot be looked at' "$BATS_TEST_TMPDIR/all") times OPENER gave no answer" >&3
	# And where it is sure to be met: at what the deny names, here on a file system of hers that keeps it waiting.
	for way in 'kill -KILL' 'kill -STOP' 'prlimit --nofile=0:0 --pid'; do
		new=way.${way##* } # nothing is remembered of it
		ln -s /data/embargo "/var/lib/stage-fuse/$new"
		sed -i "s,^binds = /embargo\$\|^binds = /fuse/alice/way.*,binds = /fuse/alice/$new," "$POLICY"
		kill -STOP "$(cat /run/stage/fuse-alice.pid)"
		as_user_in /data/embargo alice "$LAUNCH" 1 image=tiny home=no -- /bin/cat /data/embargo/file >"$BATS_TEST_TMPDIR/one" 2>&1 3>&- &
		wait_for fuse_is_asked
		# shellcheck disable=SC2086
		as_user alice $way "$(pgrep -u alice -U alice -x boxdo-opener)"
		kill -CONT "$(cat /run/stage/fuse-alice.pid)"
		status=0
		wait $! || status=$?
		run cat "$BATS_TEST_TMPDIR/one"
		# Starved, it may have the descriptor already; then the deny is met.
		assert_match "/fuse/alice/$new cannot be looked at|denied by the rule deny embargo"
		refute_match secret
	done
	rm /embargo
}

@test "a FUSE that hangs, in a place the launch does not need, delays nothing" {
	local server asked
	server=/proc/$(cat /run/stage/fuse-alice.pid)/status
	# Nobody who asks it anything fails to wake it.
	asked=$(grep ^voluntary "$server")
	run launch_as alice 1 image=tiny bind=/data:/x -- /bin/true
	assert_success
	assert_equal "$(grep ^voluntary "$server")" "$asked"
	run ls -d /fuse/alice/hello
	[[ $(grep ^voluntary "$server") == "$asked" ]] # root's question does not come as far
	as_user alice stat /fuse/alice/hello 2>/dev/null || true
	[[ $(grep ^voluntary "$server") != "$asked" ]]
	kill -STOP "$(cat /run/stage/fuse-alice.pid)"
	run launch_as alice 1 image=tiny bind=/data:/x -- /bin/true
	assert_success
}

@test "names in /tmp that somebody else made first are not used" {
	local name
	as_user mallory sh -c 'cd /tmp; for n in boxdo boxdo-2001 .boxdo alice boxdo.lock run; do ln -sT /srv/sentinel $n; done'
	run launch_as alice 1 image=tiny -- /bin/sh -c 'ls -A /tmp; echo x >/tmp/boxdo'
	assert_success
	assert_output ''
	assert_equal "$(sentinels)" "$inodes"
	as_user mallory sh -c 'cd /tmp; rm boxdo boxdo-2001 .boxdo alice boxdo.lock run'
	# What the helper keeps is root's alone.
	assert_equal "$(find /run/boxdo \( ! -user root -o -perm /022 \) ! -type l)" ''
	run as_user alice sh -c 'umask 0; '"$LAUNCH"' 1 image=tiny -- /bin/true'
	assert_success
	# A namespace is a file of the kernel's, and its mode says nothing.
	assert_equal "$(find /run/boxdo -type f ! -fstype nsfs -perm /077)" ''
}
