#!/usr/bin/env bats
# Images kept mounted between launches: the same loop device and superblock again; how that ends; what of it is told.
load ../lib/common

WARM=/run/boxdo/warm
TINY=/srv/images/tiny.sqfs

setup_file() {
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
	cp $TINY "$BATS_FILE_TMPDIR/tiny"
}

setup() {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
	rm -f /etc/boxdo/policy.d/*.conf /var/lib/boxdo/images/* /var/lib/boxdo/known/*
	mv "$(mktemp -p /srv/images)" $TINY
	cp "$BATS_FILE_TMPDIR/tiny" $TINY
	chmod 644 $TINY
}

teardown() {
	boxdo image cool --all
	wait_for no_loop_of $TINY
}

loops_of() { # FILE
	losetup --noheadings --list --output BACK-INO,NAME | awk -v "inode=$(stat -c %i "$1")" '$1 == inode { print $2 }'
}
no_loop_of() {
	[[ -z $(loops_of "$1") ]]
}
no_process() {
	! pgrep boxdo
}
# The loop device a launch has its image from, and which use of it (a number of the kernel's) this is.
superblock() { # IMAGE
	as_user alice boxdo run "$1" sh -c 'n=$(($(stat -c %d /bin) - 7 * 256)); echo "/dev/loop$n $(cat /sys/block/loop$n/diskseq)"'
}
shows() { # IMAGE REGEX
	boxdo image show "$1" | grep -Eq "^warm +$2"
}

@test "the next launch finds loop device and superblock of the one before; cooled, they go" {
	run boxdo image warm tiny
	assert_success
	assert_match '^tiny: warm, /dev/loop[0-9]+$'
	loop=${output##* }
	assert_equal "$(loops_of $TINY)" "$loop"
	first=$(superblock tiny)
	assert_equal "${first% *}" "$loop"
	for _ in 1 2 3; do
		assert_equal "$(superblock tiny)" "$first"
		assert_equal "$(loops_of $TINY)" "$loop"
	done
	every_launch_has_its_end
	shows tiny "yes: kept mounted since 20[0-9-]+ [0-9:]+ by $loop; .*not counted"
	run boxdo image list
	assert_match 'tiny .* ok, warm'
	run boxdo image warm tiny
	assert_success
	assert_output "tiny: warm already, $loop"
	# It is no process and no file of the image's that keeps it.
	wait_for no_process
	run boxdo image cool tiny
	assert_success
	assert_output ''
	wait_for no_loop_of $TINY
	assert_equal "$(ls $WARM)" lock
	run boxdo image cool tiny
	assert_success
	assert_output 'tiny: is not kept warm'
	shows tiny no
	[[ $(superblock tiny) != "$first" ]]
	wait_for no_loop_of $TINY
}

@test "a container that runs shares it, and outlives it" {
	as_user alice boxdo run tiny sh -c 'echo up; read line; cat /etc/os-release' <"$(fifo)" >"$BATS_TEST_TMPDIR/out" 3>&- &
	exec 4>"$(fifo)"
	wait_for test -s "$BATS_TEST_TMPDIR/out"
	loop=$(loops_of $TINY)
	run boxdo image warm tiny
	assert_output "tiny: warm, $loop"
	boxdo image cool tiny
	assert_equal "$(loops_of $TINY)" "$loop"
	echo >&4
	exec 4>&-
	wait
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" ID=tiny
}
fifo() {
	[[ -p $BATS_TEST_TMPDIR/fifo ]] || mkfifo -m 666 "$BATS_TEST_TMPDIR/fifo"
	echo "$BATS_TEST_TMPDIR/fifo"
}

@test "the catalogue says which: warm = yes, image add --warm, a directory, a SIF; names that went" {
	printf '\n[image pinned]\npath = /srv/images/python.sqfs\nwarm = yes\n[image folder]\npath = /srv/images/dir\nwarm = yes\n' >/etc/boxdo/policy.d/10.conf
	run boxdo image add --warm $TINY mini
	assert_success
	assert_match $'\nmini: warm, /dev/loop'
	grep -qx 'warm   = yes' /etc/boxdo/policy.d/images.conf
	file=$(echo /var/lib/boxdo/images/mini-*.sqfs)
	wait_for test -n "$(loops_of "$file")"
	shows pinned 'no; warm = yes, but it is not kept'
	run boxdo image warm --all
	assert_success
	assert_match 'mini: warm already, /dev/loop'
	assert_match 'pinned: warm, /dev/loop'
	assert_match 'folder: a directory, which always is'
	refute_match '(tiny|python|dir):'
	shows pinned 'yes: kept'
	rm /etc/boxdo/policy.d/10.conf
	run boxdo image warm --all
	assert_success
	assert_output "mini: warm already, $(loops_of "$file")"
	assert_equal "$(ls $WARM | grep -c '^name')" 1
	# Taken out: let go, and its file is gone with the room it took.
	run boxdo image remove mini
	assert_success
	assert_match 'mini: out of the catalogue, and its file removed'
	assert_equal "$(ls $WARM)" lock
	assert_equal "$(losetup --list --noheadings --output BACK-FILE | grep -c "$file" || true)" 0
}

@test "an image in use is not removed" {
	boxdo image add --warm $TINY mini
	printf '\n[allow store]\nusers = *\nimages = mini\nbinds = ~:rw .:rw\n' >>$POLICY
	as_user alice boxdo run mini sleep 600 3>&- &
	wait_for pgrep -x -u 2001 sleep
	run boxdo image remove mini
	assert_status 1
	assert_match 'in use: a container runs'
	assert_match 'it is not kept warm now'
	shows mini 'yes: mounted for a container; warm = yes, but'
	pkill -x sleep -u 2001
	wait
	every_launch_has_its_end
	run boxdo image remove mini
	assert_success
}

@test "replaced while warm: launches have the new one, the old one is told of, and goes when warmed anew" {
	boxdo image warm tiny
	old=$(loops_of $TINY)
	cp -a /srv/images/dir "$BATS_TEST_TMPDIR/root"
	echo ID=new >"$BATS_TEST_TMPDIR/root/etc/os-release"
	mksquashfs "$BATS_TEST_TMPDIR/root" /srv/images/new.sqfs -noappend -no-progress -quiet >/dev/null
	mv /srv/images/new.sqfs $TINY
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_output ID=new
	wait_for no_loop_of $TINY
	shows tiny 'no: what is kept since .* is the file before it was replaced or changed: boxdo image warm tiny'
	run boxdo image list
	assert_match 'tiny .* ok, but kept warm is an older file'
	run boxdo policy check
	assert_match 'image tiny\] kept warm is the file before'
	assert_match 'warm-old: '
	run boxdo image warm --all
	assert_success
	assert_output "tiny: warm, $(loops_of $TINY)"
	assert_equal "$(losetup --list --noheadings --output NAME,BACK-FILE | grep -c "$old .*deleted" || true)" 0
	assert_equal "$(grep -c " $WARM/" /proc/self/mountinfo)" 1
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_output ID=new
}

@test "written to in place while warm: no launch mixes old pages with new ones" {
	boxdo image warm tiny
	as_user alice boxdo run tiny find / -xdev -type f -exec cat {} + >/dev/null
	every_launch_has_its_end
	cp -a /srv/images/dir "$BATS_TEST_TMPDIR/root"
	echo ID=new >"$BATS_TEST_TMPDIR/root/etc/os-release"
	mksquashfs "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/new" -noappend -no-progress -quiet >/dev/null
	inode=$(stat -c %i $TINY)
	cat "$BATS_TEST_TMPDIR/new" >$TINY
	assert_equal "$(stat -c %i $TINY)" "$inode"
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_output ID=new
	shows tiny 'no: what is kept'
	boxdo image warm tiny
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_output ID=new
	shows tiny 'yes: kept'
}

@test "what a launch would refuse is not kept, and not kept on; the others are" {
	boxdo image warm tiny python
	chmod 666 $TINY
	run boxdo image warm --all
	assert_status 1
	assert_match 'boxdo: image tiny is not kept warm: .*can be written by others'
	assert_match 'python: warm already'
	wait_for no_loop_of $TINY
	chmod 644 $TINY
	printf 'path = %s\nsha256 = %064d\nwarm = yes\n' $TINY 0 | sed '1i [image wrong]' >/etc/boxdo/policy.d/10.conf
	run boxdo image warm wrong
	assert_status 1
	assert_match 'image wrong is not kept warm: .*pinned to sha256 0000'
	rm $TINY
	run boxdo image warm --all tiny
	assert_status 1
	run boxdo image warm tiny
	assert_status 1
	assert_match 'image tiny is not kept warm: .*is not there'
	shows python 'yes: kept'
	# A policy that cannot be read keeps nothing from being let go.
	echo nonsense >/etc/boxdo/policy.d/20.conf
	run boxdo image warm --all
	assert_status 1
	run boxdo image cool --all
	assert_success
	assert_equal "$(ls $WARM)" lock
}

@test "killed at any moment, unmounted by hand: nothing stays but what is known, and the next one mends it" {
	for after in {0..12}; do
		timeout -s KILL "0.$(printf %04d $((after * 10 + 1)))" boxdo image warm tiny || true
		boxdo image warm python >/dev/null
		assert_equal "$(find $WARM -maxdepth 1 -name 'mount.*' | wc -l)" "$(find $WARM -maxdepth 1 -name 'name.*' | wc -l)"
		boxdo image cool --all
		assert_equal "$(ls $WARM)" lock
	done
	boxdo image warm tiny
	umount $WARM/mount.*
	shows tiny no
	run boxdo image warm tiny
	assert_success
	assert_match '^tiny: warm, '
	assert_equal "$(find $WARM -maxdepth 1 -name 'mount.*' | wc -l)" 1
}

@test "the unit's commands are there, and used wrongly they say how" {
	for line in ExecStart ExecReload ExecStop; do
		read -r -a words < <(sed -n "s/^$line=//p" "$TOP/etc/boxdo-warm.service")
		run "${words[@]}"
		assert_success
	done
	for words in warm cool; do
		run boxdo image $words
		assert_status 125
		assert_match 'usage: boxdo image add'
	done
	run boxdo image warm nosuch
	assert_status 1
	policy "$(catalogue)" $'[image x]\npath = /srv/images/dir\nwarm = perhaps'
	run boxdo image warm --all
	assert_status 1
	assert_match 'yes or no'
}
