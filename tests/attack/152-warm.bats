#!/usr/bin/env bats
# timeout: 900
# Images kept warm: users neither enter nor see what keeps them, and make no launch take another device for theirs.
load ../lib/common

WARM=/run/boxdo/warm
TINY=/srv/images/tiny.sqfs

setup() {
	boxdo image warm tiny python >/dev/null
}
teardown() {
	boxdo image cool --all
}

hint() { # FILE: the hint about it
	printf '/run/boxdo/loop/%x.%x.%x\n' "$(stat -c '%Hd' "$1")" "$(stat -c '%Ld' "$1")" "$(stat -c %i "$1")"
}

@test "a user gets in by no way, and learns no name from it" {
	assert_equal "$(stat -c '%U:%G %a' $WARM)" 'root:root 700'
	mount=$(echo $WARM/mount.*)
	mount=${mount%% *}
	for try in "ls $WARM" "ls $mount" "cat $mount/etc/os-release" "cat $WARM/name.tiny" "cd $mount" "mkdir $WARM/x" \
		"boxdo image warm tiny" "boxdo image cool --all" "/usr/libexec/boxdo/boxdo-image cool tiny" "umount $mount"; do
		run as_user alice sh -c "$try"
		[[ $status -ne 0 ]] || { echo "$try" && false; }
		refute_match 'ID=tiny'
	done
	run as_user mallory cat /proc/self/mountinfo
	assert_match " $WARM/mount\.[A-Za-z0-9]{6} ro,nosuid,nodev,noexec"
	refute_match '(tiny|python)[^ ]* .* squashfs'
	# Nor from within: not in the container's mounts, not through a bind of what is above.
	run as_user alice boxdo run tiny grep -c boxdo/warm /proc/self/mountinfo
	assert_output 0
	printf '\n[allow run]\nusers = alice\nimages = tiny\nbinds = /run\n' >>$POLICY
	run as_user alice boxdo run -v /run:/host:ro tiny sh -c 'ls /host/boxdo/warm; ls /host/boxdo/warm/*; cat /host/boxdo/warm/mount*/etc/os-release'
	refute_match ID=tiny
	assert_match 'Permission denied'
	sed -i '/^\[allow run\]/,$d' $POLICY
	# The user's own namespaces keep the kernel's permissions.
	run as_user alice unshare -Urm sh -c "cat $mount/etc/os-release; umount $mount && cat $mount/etc/os-release"
	refute_match ID=tiny
}

@test "hints that are stale, wrong, odd or somebody else's device: each launch has its own image" {
	cp $TINY /srv/images/other.sqfs
	other=$(losetup --show --find --read-only /srv/images/other.sqfs)
	part=$(losetup --show --find --read-only --offset 512 $TINY)
	hint=$(hint $TINY)
	assert_equal "$(stat -c '%U %a' "$hint" "${hint%/*}" | xargs)" 'root 600 root 700'
	right=$(cat "$hint")
	stamp=${right#* }
	for text in '' ' ' 0 "${right%% *}" "$right 1" "${right%% *} 1 1.0 1.0" "-1 $stamp" "99999999999 $stamp" "${other#/dev/loop} $stamp" \
		"${part#/dev/loop} $stamp" "x $stamp" "$(printf '%0300d' 7)"; do
		printf '%s' "$text" >"$hint"
		run as_user alice boxdo run tiny sh -c 'cat /etc/os-release; echo "/dev/loop$(($(stat -c %d /bin) - 7 * 256))"'
		assert_success
		assert_match '^ID=tiny'
		refute_match "($other|$part)\$"
	done
	# A link is none.
	rm "$hint"
	printf '%s' "$right" >/run/boxdo/elsewhere
	ln -s /run/boxdo/elsewhere "$hint"
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_output ID=tiny
	rm /run/boxdo/elsewhere "$hint"
	losetup --detach "$other" "$part"
	# Warmed anew, it is found again.
	boxdo image cool tiny
	boxdo image warm tiny
	run as_user alice boxdo run tiny stat -c %d /bin
	loop=$(boxdo image show tiny | grep -o '/dev/loop[0-9]*')
	assert_equal $((output - 7 * 256)) "${loop#/dev/loop}"
}

@test "what keeps an image decides nothing: vetting, pinning and the policy are a launch's own" {
	chmod 666 $TINY
	run as_user alice boxdo run tiny true
	assert_status 125
	assert_match 'can be written by others'
	chmod 644 $TINY
	exec 7<>$TINY
	run as_user alice boxdo run tiny true
	assert_status 125
	assert_match 'open for writing'
	# Nor is an image that somebody has open for writing taken in.
	run boxdo image warm tiny
	assert_status 1
	assert_match 'not kept warm: .*open for writing'
	exec 7>&-
	boxdo image add --warm $TINY mini >/dev/null
	printf '\n[allow mini]\nusers = alice\nimages = mini\n' >>$POLICY
	run as_user alice boxdo run mini true
	assert_success
	touch /var/lib/boxdo/images/mini-*
	run as_user alice boxdo run mini true
	assert_status 125
	assert_match 'pinned to sha256 .*written to or touched'
	run as_user mallory boxdo run tiny true
	assert_status 125
	# What is mounted over the place, or in it, by whoever may: a launch looks at the device alone.
	for mount in "$WARM"/mount.*; do
		mount -t tmpfs evil "$mount"
	done
	run as_user alice boxdo run tiny cat /etc/os-release
	assert_output ID=tiny
	umount "$WARM"/mount.*
	boxdo image remove mini
}

@test "a directory that is not root's alone is not used" {
	boxdo image cool --all
	rm -r $WARM
	for made in "mkdir -m 755 $WARM" "install -d -m 700 -o alice $WARM" "ln -s /tmp $WARM" "touch $WARM"; do
		$made
		run boxdo image warm tiny
		assert_status 1
		assert_match 'cannot be used'
		rm -r $WARM
	done
	boxdo image warm tiny
}
