#!/usr/bin/env bats
# timeout: 900
# Pinned images: whatever happened to the file since it was digested, it is refused, with both digests; in constant time.
load ../lib/common

STORE=/var/lib/boxdo/images

setup_file() {
	printf '\n[allow pinned]\nusers = *\nimages = pinned\nbinds = ~:rw .:rw\n' >>$POLICY
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
}

setup() {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
	rm -rf /etc/boxdo/policy.d/*.conf "$STORE"* /var/lib/boxdo/known/*
	boxdo image add /srv/images/tiny.sqfs pinned >/dev/null
	file=$(echo $STORE/pinned-*)
	sha=$(sha256sum <"$file" | cut -d' ' -f1)
	run as_user alice boxdo run pinned true
	assert_success
}

refused() { # REGEX
	run as_user alice boxdo run pinned true
	assert_status 125
	assert_match "pinned to sha256 $sha"
	assert_match "$1"
	assert_equal "$(count_records BOXDO_EVENT=launch BOXDO_IMAGE=pinned)" "$launches"
}
remembered() { # FILE: where what is known of it is kept
	stat -c '%Hd %Ld %i' "$1" | xargs printf '/var/lib/boxdo/known/%x.%x.%x\n'
}
launches_so_far() {
	launches=$(count_records BOXDO_EVENT=launch BOXDO_IMAGE=pinned)
}

@test "one byte changed, and size and mtime put back" {
	launches_so_far
	before=$(stat -c %y "$file")
	printf X | dd of="$file" bs=1 seek=500000 conv=notrunc status=none
	touch -d "$before" "$file"
	refused "digest was taken, which was $sha"
	run boxdo image verify pinned
	assert_status 1
	assert_match "FAILED: .*sha256 $(sha256sum <"$file" | cut -d' ' -f1), pinned is $sha"
	refused "$sha"
}

@test "a touched mtime is refused until root has read the file anew" {
	launches_so_far
	touch "$file"
	refused "written to or touched since .*which was $sha"
	run boxdo image verify pinned
	assert_success
	run as_user alice boxdo run pinned true
	assert_success
}

@test "another file in its place, of the same size, by rename and by link" {
	launches_so_far
	cp -p "$file" "$STORE/other"
	mv "$STORE/other" "$file"
	refused 'no digest of this very file was ever taken'
	rm "$file"
	ln -s /srv/images/tiny.sqfs "$file"
	refused 'no digest of this very file'
}

@test "another image, digested too, in its place: both digests" {
	launches_so_far
	cp -a /srv/images/dir "$BATS_TEST_TMPDIR/root"
	echo 'ID=evil' >"$BATS_TEST_TMPDIR/root/etc/os-release"
	mksquashfs "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/evil.sqfs" -noappend -comp zstd -no-progress -quiet
	boxdo image add "$BATS_TEST_TMPDIR/evil.sqfs" evil
	evil=$(echo $STORE/evil-*)
	rm "$file"
	ln "$evil" "$file"
	boxdo image verify evil
	run as_user alice boxdo run pinned true
	assert_status 125
	assert_match "not what the catalogue pins: sha256 $(sha256sum <"$evil" | cut -d' ' -f1), pinned is $sha"
	assert_equal "$(count_records BOXDO_EVENT=launch BOXDO_IMAGE=pinned)" "$launches"
}

@test "an old writer still holds the file, by descriptor or by a mapping" {
	launches_so_far
	exec 6<>"$file"
	run as_user alice boxdo run pinned true
	exec 6>&-
	assert_status 125
	assert_match 'open for writing'
	/usr/bin/python3 -c 'import mmap, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
m = mmap.mmap(fd, 0)
os.close(fd)
open(sys.argv[2], "w").close()
time.sleep(30)' "$file" "$BATS_TEST_TMPDIR/mapped" 3>&- &
	wait_for test -e "$BATS_TEST_TMPDIR/mapped"
	run as_user alice boxdo run pinned true
	kill $!
	wait $! || true
	assert_status 125
	assert_match 'open for writing'
	run boxdo image verify pinned
	assert_success
}

@test "a directory replaced above it" {
	launches_so_far
	mv $STORE $STORE.old
	cp -a $STORE.old $STORE
	refused 'no digest of this very file was ever taken'
	rm -r $STORE
	mv $STORE.old $STORE
	run as_user alice boxdo run pinned true
	assert_success
}

@test "what is remembered is out of a user's reach, and a pin without it is refused" {
	launches_so_far
	run as_user alice ls /var/lib/boxdo/known
	assert_status 2
	run as_user alice sh -c 'echo x >/var/lib/boxdo/known/x; echo x >/var/lib/boxdo/images/x; rm -f /var/lib/boxdo/images/*'
	assert_match 'Permission denied'
	[[ -e $file ]]
	for damage in 'chmod 644' 'chown alice' 'truncate -s 20' 'truncate -s 300K' 'rm'; do
		boxdo image verify pinned
		$damage /var/lib/boxdo/known/*
		refused 'no digest of this very file'
	done
}

@test "a rule by digest: for the entry, and for any file known to be that" {
	sed -i '/^\[allow pinned\]/,$d' $POLICY
	printf '[allow digest]\nusers = *\nimages = sha256:%s\n' "$sha" >>$POLICY
	sed -i 's/images = tiny python dir/images = python dir/' $POLICY
	run as_user alice boxdo run pinned cat /etc/os-release
	assert_match ID=tiny
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_status 125
	assert_match 'not permitted'
	boxdo image verify tiny
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_match ID=tiny
	touch /srv/images/tiny.sqfs
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_status 125
	printf '[deny digest]\nusers = *\nimages = sha256:%s\n' "$sha" >>$POLICY
	run as_user alice boxdo run pinned true
	assert_status 125
	assert_match 'denied by'
}

@test "numbers and times alone make no file outside of the catalogue the one remembered: who brings a file system chooses them" {
	local other=/srv/stick/evil.sqfs stamp
	install -D -m 644 /srv/images/python.sqfs $other
	# What a record of a disk that is gone says, where a stick has its number now.
	stamp=$(stat -c '%s %.9Y %.9Z' $other)
	printf 'stamp=%s\0sha256=%s\0verity=\0path=%s\0' "$stamp" "$sha" "$file" >"$(remembered $other)"
	chmod 600 "$(remembered $other)"
	sed -i '/^\[allow pinned\]/,$d; s/images = tiny python dir/images = dir/' $POLICY
	printf '[allow digest]\nusers = *\nimages = sha256:%s\n' "$sha" >>$POLICY
	run as_user alice boxdo run pinned true
	assert_success
	run as_user alice boxdo run $other true
	assert_status 125
	assert_match 'not permitted'
	assert_equal "$(records 'select(.event == "refuse") | .image_sha256' | tail -n 1)" '"unknown"'
	rm -r /srv/stick
}

# costs NAME FILE: how many bytes of the file the processes of a launch of the image read, and how many system calls they make.
costs() {
	rm -rf /run/stage/traces && mkdir /run/stage/traces
	strace -u alice -ff -qq -y -o /run/stage/traces/of "$LAUNCH" 1 "image=$1" home=no cwd=no -- /bin/true
	# A file a process: no call stands in two lines.
	cat /run/stage/traces/of.* | awk -v file="<$2>" '
		/^[a-z0-9_]+\(/ { calls++ }
		index($0, file) && /^p?read/ { bytes += $NF }
		index($0, file) && /^(mmap|sendfile|splice|copy_file_range|io_uring|vmsplice)/ { bytes += 1e12 }
		END { printf "%.0f %d\n", bytes, calls }'
}

@test "8 GB as fast as 1 MB" {
	cp "$file" $STORE/big
	truncate -s 8G $STORE/big
	stamp=$(stat -c '%s %.9Y %.9Z' $STORE/big)
	name=$(stat -c '%Hd.%Ld %i' $STORE/big | awk -F'[. ]' '{ printf "%x.%x.%x\n", $1, $2, $3 }')
	# Written as boxdo-image writes it: hashing 8 GB is not what is measured here.
	printf 'stamp=%s\0sha256=%s\0' "$stamp" "$sha" >"/var/lib/boxdo/known/$name"
	chmod 600 "/var/lib/boxdo/known/$name"
	printf '[image big]\npath = %s\nsha256 = %s\n[allow big]\nusers = *\nimages = big\n' $STORE/big "$sha" >/etc/boxdo/policy.d/big.conf
	run as_user alice boxdo run big true
	assert_success
	read -r small_bytes small_calls < <(costs pinned "$file")
	read -r big_bytes big_calls < <(costs big $STORE/big)
	echo "1 MB: $small_bytes bytes, $small_calls calls; 8 GB: $big_bytes bytes, $big_calls calls"
	# A few bytes of its head; and the calls are the same but for how often the journal was looked into.
	((small_bytes > 0 && small_bytes < 65536))
	assert_equal "$big_bytes" "$small_bytes"
	((big_calls < 2 * small_calls))
}

# The file system again, under a device number that it did not have.
other_number() { # MOUNT
	local device
	device=$(losetup --show -f "/srv/$1.ext4")
	umount "/srv/$1"
	blockdev --flushbufs "$device"
	mount "$device" "/srv/$1"
	losetup -d "$device" # goes with the mount
}
moved_setup() {
	local mount
	for mount in m1 m2; do
		mkdir -p /srv/$mount
		truncate -s 16M /srv/$mount.ext4
		mkfs.ext4 -q -O ^has_journal /srv/$mount.ext4
		device=$(losetup --show -f /srv/$mount.ext4)
		mount "$device" /srv/$mount
		losetup -d "$device"
		cp /srv/images/tiny.sqfs /srv/$mount/x.sqfs
		printf '[image %s]\npath = /srv/%s/x.sqfs\nsha256 = %s\n' $mount $mount "$sha" >>/etc/boxdo/policy.d/moved.conf
	done
	printf '\n[allow moved]\nusers = *\nimages = m1 m2\n' >>$POLICY
	assert_equal "$(stat -c %i /srv/m1/x.sqfs)" "$(stat -c %i /srv/m2/x.sqfs)"
	boxdo image verify m1 m2 >/dev/null
}
moved_teardown() {
	umount /srv/m1 /srv/m2
	rm -r /srv/m1* /srv/m2*
}
unused() { # no container's mount holds the file system
	! losetup --noheadings --list --output BACK-FILE | grep -q /x.sqfs
}
runs() { # NAME
	run as_user alice boxdo run --contain "$1" cat /etc/os-release
	assert_output ID=tiny
}

@test "a device that has another number after a boot: what is remembered is carried over, of this very file alone" {
	moved_setup
	runs m1
	wait_for unused
	before=$(stat -c %d /srv/m1/x.sqfs)
	other_number m1
	[[ $(stat -c %d /srv/m1/x.sqfs) != "$before" ]]
	run as_user alice boxdo run m1 true
	assert_status 125
	assert_match 'pinned to sha256'
	# Something in that file that is not as it was: nothing is carried over.
	mv /srv/m1/x.sqfs /srv/m1/y.sqfs
	cp -p /srv/m1/y.sqfs /srv/m1/x.sqfs
	run boxdo image verify --changed-device
	assert_status 1
	assert_match 'image m1: pinned, and no digest of this very file'
	run as_user alice boxdo run m1 true
	assert_status 125
	mv /srv/m1/y.sqfs /srv/m1/x.sqfs # renaming changes its ctime
	run boxdo image verify --changed-device
	assert_status 1
	boxdo image verify m1 >/dev/null
	was=$(remembered /srv/m1/x.sqfs)
	[[ -e $was ]]
	other_number m1
	run boxdo image verify --changed-device
	assert_success
	assert_output "m1: its device has another number; sha256 $sha is remembered of it as before"
	runs m1
	[[ ! -e $was && -e $(remembered /srv/m1/x.sqfs) ]]
	run boxdo image verify --changed-device
	assert_output ''
	wait_for unused
	moved_teardown
}

@test "two devices that changed numbers with one another keep each its own digest" {
	moved_setup
	# What is kept under the number of one is about the other.
	one=$(remembered /srv/m1/x.sqfs)
	two=$(remembered /srv/m2/x.sqfs)
	mv "$one" "$one.was"
	mv "$two" "$one"
	mv "$one.was" "$two"
	run as_user alice boxdo run --contain m1 true
	assert_status 125
	run boxdo image verify --changed-device
	assert_success
	runs m1
	runs m2
	assert_equal "$(grep -lz '^path=/srv/m[12]/x.sqfs' /var/lib/boxdo/known/*.*.* | wc -l)" 2
	wait_for unused
	moved_teardown
}
