#!/usr/bin/env bats
# Images: a directory, SquashFS, EROFS; vetted, shared, and gone from the kernel afterwards.
load ../lib/common

setup_file() {
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
}

setup() {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
}

# image NAME PATH: one more in the catalogue, for everybody
image() {
	printf '\n[image %s]\npath = %s\n[allow %s]\nusers = *\nimages = %s\nbinds = ~:rw .:rw\n' "$1" "$2" "$1" "$1" >>$POLICY
}
refuses() { # IMAGE REGEX
	run as_user alice boxdo run "$1" true
	assert_status 125
	assert_match "$2"
	assert_equal "$(loops_of "/srv/images/$1")" ''
}
loops_of() { # FILE
	[[ ! -f $1 ]] || losetup --noheadings --list --output BACK-INO,NAME | awk -v "inode=$(stat -c %i "$1")" '$1 == inode { print $2 }'
}
no_loop_of() {
	[[ -z $(loops_of "$1") ]]
}

@test "a directory, SquashFS and EROFS, by name and by path" {
	mkfs.erofs -x-1 /srv/images/tiny.erofs /srv/images/dir >/dev/null 2>&1
	image erofs /srv/images/tiny.erofs
	for name in tiny dir erofs /srv/images/tiny.sqfs /srv/images/dir /srv/images/tiny.erofs; do
		run as_user alice boxdo run "$name" cat /etc/os-release
		assert_success
		assert_output ID=tiny
	done
	run as_user alice boxdo run erofs grep -c ' erofs ro,nosuid,nodev' /proc/mounts
	assert_success
	assert_equal "$(records 'select(.event == "launch") | .image_path' | tail -n 1)" '"/srv/images/tiny.erofs"'
	wait_for no_loop_of /srv/images/tiny.erofs
}

@test "the root is read-only, nosuid and nodev for every kind" {
	install -D -m 4755 /srv/images/dir/bin/busybox /srv/images/dir/suid/id
	mknod -m 666 /srv/images/dir/null c 1 3
	run as_user alice boxdo run dir sh -c 'touch /x; /suid/id -u; echo x >/null'
	assert_match 'touch: /x: Read-only file system'
	assert_match $'\n2001\n'
	assert_match "can't create /null: Permission denied"
	rm -r /srv/images/dir/suid /srv/images/dir/null
}

@test "ten at once share one loop device and one superblock, and it goes with the last" {
	for i in {1..10}; do
		as_user alice boxdo run python python3 -uc 'import os, time; print(os.stat("/usr").st_dev)
while not os.path.exists("ten"): time.sleep(0.05)' \
			>"$BATS_TEST_TMPDIR/$i" 3>&- &
	done
	wait_for all_ten
	assert_equal "$(loops_of /srv/images/python.sqfs | wc -l)" 1
	assert_equal "$(sort -u "$BATS_TEST_TMPDIR"/{1..10} | wc -l)" 1
	loop=$(loops_of /srv/images/python.sqfs)
	assert_equal "$(losetup --noheadings --list --output RO,AUTOCLEAR "$loop" | xargs)" '1 1'
	touch /home/alice/ten
	wait
	wait_for no_loop_of /srv/images/python.sqfs
	every_launch_has_its_end
}
all_ten() {
	[[ $(cat "$BATS_TEST_TMPDIR"/{1..10} | wc -l) -eq 10 ]]
}

@test "one of two ends, the other goes on reading" {
	as_user alice boxdo run tiny sh -c 'echo up; until [ -e first ]; do sleep 0.05; done' >"$BATS_TEST_TMPDIR/first" 3>&- &
	first=$!
	as_user alice boxdo run tiny sh -c 'echo up; until [ -e second ]; do sleep 0.05; done; cat /etc/os-release' >"$BATS_TEST_TMPDIR/out" 3>&- &
	wait_for grep -q up "$BATS_TEST_TMPDIR/first"
	wait_for grep -q up "$BATS_TEST_TMPDIR/out"
	touch /home/alice/first
	wait $first
	echo 3 >/proc/sys/vm/drop_caches # read anew, from the device
	touch /home/alice/second
	wait
	assert_equal "$(cat "$BATS_TEST_TMPDIR/out")" up$'\n'ID=tiny
}

@test "no loop device of somebody else's is taken for ours" {
	cp /srv/images/tiny.sqfs /srv/images/other.sqfs
	image other /srv/images/other.sqfs
	writable=$(losetup --find --show /srv/images/other.sqfs)
	run as_user alice boxdo run other true
	losetup -d "$writable"
	assert_status 125
	assert_match 'open for writing'
	shifted=$(losetup --find --show --read-only --offset 4096 /srv/images/other.sqfs)
	run as_user alice boxdo run other sh -c 'cat /etc/os-release; grep -o "^/dev/loop[0-9]*" /proc/mounts | sort -u'
	losetup -d "$shifted"
	assert_success
	refute_match "$shifted(\$|"$'\n'")"
}

@test "what is missing, no image, or damaged: refused in a line, and no loop device stays" {
	image missing /srv/images/missing
	refuses missing '^boxdo: [^'$'\n'']*missing[^'$'\n'']*$'
	image text /srv/images/text
	echo 'no image' >/srv/images/text
	refuses text '^boxdo: [^'$'\n'']*text[^'$'\n'']*$'
	image cut /srv/images/cut
	head -c 8192 /srv/images/tiny.sqfs >/srv/images/cut
	refuses cut '^boxdo: [^'$'\n'']+$'
	image empty /srv/images/empty
	: >/srv/images/empty
	refuses empty '^boxdo: [^'$'\n'']+$'
	image fifo /srv/images/fifo
	mkfifo /srv/images/fifo
	refuses fifo '^boxdo: [^'$'\n'']+$'
	wait_for no_loop_of /srv/images/cut
	assert_equal "$(count_records BOXDO_EVENT=launch BOXDO_IMAGE=cut)" 0
}

@test "an image that somebody else owns or may change is refused, whatever its kind" {
	for kind in tiny.sqfs dir; do
		cp -a "/srv/images/$kind" /srv/images/owned
		image owned /srv/images/owned
		chown bob /srv/images/owned
		refuses owned 'owned'
		chown root /srv/images/owned
		chmod g+w /srv/images/owned
		chgrp ml /srv/images/owned
		refuses owned 'writ|change'
		chmod go-w /srv/images/owned
		chgrp root /srv/images/owned
		run as_user alice boxdo run owned true
		assert_success
		rm -r /srv/images/owned
		cp "$BATS_FILE_TMPDIR/policy" $POLICY
	done
	mkdir -m 777 /srv/open
	cp /srv/images/tiny.sqfs /srv/open/image
	image open /srv/open/image
	refuses open '/srv/open'
}

@test "an image that a writer still has open is refused" {
	cp /srv/images/tiny.sqfs /srv/images/busy
	image busy /srv/images/busy
	exec 6>>/srv/images/busy
	refuses busy '[Ww]rit'
	exec 6>&-
	run as_user alice boxdo run busy true
	assert_success
}

@test "owners the policy names are trusted, others are not" {
	cp /srv/images/tiny.sqfs /srv/images/theirs
	chown games /srv/images/theirs
	image theirs /srv/images/theirs
	refuses theirs 'theirs'
	sed -i '1i [settings]\nimage_owners = root games\n' $POLICY
	run as_user alice boxdo run theirs true
	assert_success
}

@test "mount points the image lacks are made, with the look of what is there" {
	run as_user alice boxdo run -v /data:/opt/new/place -v /data/README:/etc/new/file tiny sh -c \
		'ls /opt/new/place; cat /etc/new/file; stat -c "%a %u" /opt /opt/new /etc; ls /etc/os-release; touch /opt/new/x'
	assert_match $'README\nml\nset1\nwhat everyone may read\n755 0\n755 0\n755 0\n/etc/os-release'
	assert_match 'Read-only file system'
	[[ ! -e /srv/images/dir/opt/new ]]
}

@test "a symbolic link in the image leads inside the image" {
	mkdir -p /srv/images/links && cp -a /srv/images/dir/. /srv/images/links/
	ln -s /mnt/real /srv/images/links/alias
	ln -s ../../../../../../etc /srv/images/links/up
	mkdir -p /srv/images/links/mnt/real
	image links /srv/images/links
	sed -i '/^binds = ~:rw .:rw/s,$, /data,' $POLICY
	run as_user alice boxdo run --contain -v /data:/alias/data -v /data/README:/up/readme links sh -c 'ls /mnt/real/data; cat /etc/readme'
	assert_success
	assert_match $'README\nml\nset1\nwhat everyone may read'
	[[ ! -e /etc/readme ]]
}

@test "a docker reference means the entry whose ref says so, and no other" {
	printf '\n[image torch]\npath = /srv/images/tiny.sqfs\nref = pytorch/pytorch:2.*\n[allow torch]\nusers = *\nimages = torch\n' >>$POLICY
	for reference in pytorch/pytorch:2.4 docker.io/pytorch/pytorch:2.4 torch; do
		run as_user alice boxdo run "$reference" cat /etc/os-release
		assert_success
		assert_match ID=tiny
	done
	assert_equal "$(records 'select(.event == "launch") | .image' | tail -n 2 | head -n 1)" '"docker.io/pytorch/pytorch:2.4"'
	for reference in pytorch/pytorch evil.io/pytorch/pytorch:2.4 'pytorch/*'; do
		run as_user alice boxdo run "$reference" true
		assert_status 125
		assert_match "no image .* that you may run"
	done
}
