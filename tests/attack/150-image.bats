#!/usr/bin/env bats
# timeout: 1800
# Images that want out, and images that somebody could change (B18, B19, B21, L4, L10-L14, L16, L25, L41,
# L46, L47, L53, L55; must hold 5, 7, 8).
load ../lib/common
load attack

setup() {
	restore_policy
	image=/srv/images/hostile
	rm -rf "$image" "$image".sqfs
	cp -a /srv/images/dir "$image"
	before=$(host_state)
}
teardown() {
	while mountpoint -q /home/alice; do umount -l /home/alice; done # and its server ends
	rm -rf "$image" "$image".sqfs
}

# What a container may not change on the host.
host_state() {
	cat /proc/sys/kernel/core_pattern
	find /etc /opt /mnt /root -xdev \( -path /etc/boxdo -o -path "$TOP" \) -prune -o -printf '%p %i %m %u %s\n' | sort | sha256sum
}

# Puts the hostile image into the policy, as directory and as SquashFS; alice and mallory may run it.
offer() {
	rm -f "$image.sqfs"
	mksquashfs "$image" "$image.sqfs" -noappend -quiet -no-progress -processors 1 -noI -noD -noF -noX >/dev/null
	policy "$(catalogue)
[image hostile]
path = $image
[image packed]
path = $image.sqfs
[allow a]
users = alice
images = *
binds = ~:rw .:rw /data"
}

# hostile_run COMMAND...: in both forms. Whatever happens, it stays inside.
hostile_run() {
	local name
	offer
	for name in hostile packed; do
		run launch_as alice 1 image=$name bind=/data:/data -- "$@"
		[[ $status -eq 0 || $output == boxdo:* ]] || { echo "$name: status $status: $output" && return 1; }
		refute_match $'worked:|\nroot:[^x]|^root:[^x]'
		assert_equal "$(host_state)" "$before"
		every_launch_has_its_end
	done
}

@test "/proc, /sys or /dev of the image is a symbolic link: refused" {
	local name target
	for name in proc sys dev; do
		for target in /tmp/x ../../.. usr; do
			rm -rf "${image:?}/$name"
			ln -sT "$target" "$image/$name"
			offer
			for form in hostile packed; do
				refused_late launch_as alice 1 image=$form -- /bin/true
				assert_match "/$name"
			done
		done
		rm "$image/$name"
		mkdir "$image/$name"
	done
	# A file instead.
	rmdir "$image/proc"
	touch "$image/proc"
	offer
	refused_late launch_as alice 1 image=hostile -- /bin/true
}

# refused_late COMMAND...: after the launch record was sent: it has its end, and nothing ran.
refused_late() {
	run "$@"
	assert_status 125
	assert_one_line
	every_launch_has_its_end
	# A launch that was recorded and given up says so.
	[[ $(on_record | cut -d' ' -f2) == "$(raw_records BOXDO_EVENT=end | wc -l)" ]]
}

@test "/etc, /tmp, /var, /run, /home of the image lead elsewhere: stays inside" {
	local name target
	for name in etc tmp var/tmp run home; do
		for target in /proc/1/root/etc ../../../../etc /dev /data; do
			rm -rf "${image:?}/$name"
			mkdir -p "$(dirname "$image/$name")"
			ln -sT "$target" "$image/$name"
			hostile_run /data/attack_inside write /etc/passwd /etc/shadow /etc/group /proc/sys/kernel/core_pattern /sys/kernel/uevent_helper
		done
		rm -rf "${image:?}/$name"
		mkdir -p "$image/$name"
	done
}

@test "the files boxdo puts into /etc are no links of the image's choice" {
	local file
	for file in passwd group resolv.conf hosts localtime; do
		rm -f "$image/etc/$file"
		ln -sT /proc/sys/kernel/core_pattern "$image/etc/$file"
		hostile_run /data/attack_inside write /etc/$file /proc/sys/kernel/core_pattern
		rm "$image/etc/$file"
		ln -sT ../dev/null "$image/etc/$file"
		hostile_run /data/attack_inside write /etc/$file
		rm "$image/etc/$file"
		ln -sT /data/README "$image/etc/$file"
		hostile_run /bin/cat /etc/$file
		rm "$image/etc/$file"
	done
}

@test "/dev/null, /dev/pts, /dev/shm, /dev/mqueue of the image are never used" {
	rm -rf "$image/dev"
	mkdir "$image/dev"
	ln -sT /proc/sys/kernel/core_pattern "$image/dev/null"
	ln -sT /proc/sys "$image/dev/pts"
	ln -sT /etc "$image/dev/shm"
	ln -sT / "$image/dev/mqueue"
	ln -sT /proc/1/root "$image/dev/console"
	offer
	for form in hostile packed; do
		run launch_as alice 1 image=$form -- /bin/sh -c 'echo core >/dev/null; stat -c "%F %t:%T" /dev/null; for f in pts shm mqueue console; do readlink /dev/$f; done; cat /proc/kcore | head -c 1'
		assert_match '^character special file 1:3'
		refute_match '^/etc|^/proc|'$'\n''/'
		assert_equal "$(host_state)" "$before"
	done
	# The masks are made of nodes of boxdo's own.
	run launch_as alice 1 image=hostile -- /bin/sh -c 'for f in kcore keys timer_list; do [ ! -e /proc/$f ] || stat -c "%t:%T" /proc/$f; done'
	[[ -z $(grep -vx 1:3 <<<"$output") ]]
}

@test "links in the image on the way to a bind's destination stay inside" {
	ln -sT / "$image/up"
	ln -sT ../../../../../.. "$image/far"
	ln -sT /proc/1/root "$image/magic"
	ln -sT /proc "$image/kernel"
	ln -sT /dev "$image/devices"
	offer
	local to
	for to in /up/mnt/x /far/mnt/x /up/etc/x /far/root/x /magic/mnt; do
		run launch_as alice 1 image=packed "bind=/data:$to" -- /bin/sh -c 'awk "{print \$5}" /proc/self/mountinfo'
		[[ $status -eq 0 || $status -eq 125 ]]
		assert_equal "$(host_state)" "$before"
	done
	# Never into what is boxdo's (CVE-2019-16884).
	for to in /kernel/self /kernel/sys /kernel/x /devices/null /devices/x /up/proc/sys /far/sys/fs /up/dev/shm /kernel /devices; do
		run launch_as alice 1 image=packed "bind=/data:$to" -- /bin/sh -c 'awk "{print \"mount\", \$5}" /proc/self/mountinfo; ls /proc/self/exe'
		assert_status 125
		run launch_as alice 1 image=packed "tmpfs=$to" -- /bin/true
		assert_status 125
	done
}

@test "nothing of the image is loaded or read before privilege is gone" {
	local trace=$BATS_TEST_TMPDIR/trace file
	mkdir -p "$image"/{lib,lib64,etc/pam.d,lib/x86_64-linux-gnu/security,usr/lib/x86_64-linux-gnu/gconv}
	for file in etc/nsswitch.conf etc/ld.so.preload etc/ld.so.cache etc/pam.d/boxdo etc/security etc/boxdo \
		lib/x86_64-linux-gnu/libnss_files.so.2 lib/x86_64-linux-gnu/libnss_evil.so.2 lib/x86_64-linux-gnu/security/pam_unix.so; do
		[[ -e $image/$file ]] || echo 'passwd: evil' >"$image/$file"
	done
	offer
	run traced "$trace" "$LAUNCH" 1 image=hostile cwd=no -- /bin/true
	assert_success
	# From the moment INIT has mounted the image until the command is executed, nothing named so is opened, but by
	# boxdo-ask, which is not in there and works meanwhile.
	run awk '/execve\("[^"]*boxdo-ask"/ { ask[$1] = 1 } /move_mount/ { inside = 1 } /execve\("\/bin\/true"/ { inside = 0 }
		inside && !ask[$1] && /nsswitch|preload|ld\.so|pam\.d|libnss|\.so|gconv|locale/' "$trace"
	assert_output ''
	grep -q move_mount "$trace"
	run launch_as alice 1 image=hostile -- /bin/sh -c 'id -u; id -un'
	assert_output $'2001\nalice'
}

@test "an image's own words are not configuration" {
	mkdir -p "$image/.singularity.d" "$image/etc/boxdo" "$image/.boxdo"
	cat >"$image/etc/boxdo/policy.conf" <<-'END'
		[allow all]
		users = *
		images = *
		binds = /:rw
	END
	cp "$image/etc/boxdo/policy.conf" "$image/.boxdo/policy.conf"
	offer
	run launch_as alice 1 image=hostile bind=/etc:/x -- /bin/true
	assert_status 125
	run launch_as mallory 1 image=hostile -- /bin/true
	assert_status 125
}

@test "set-uid programs and files with capabilities have no effect" {
	install -m 4755 "$TOP/build/helpers/attack_inside" "$image/bin/suid"
	install -m 2755 -g shadow "$TOP/build/helpers/attack_inside" "$image/bin/sgid"
	install -m 755 "$TOP/build/helpers/attack_inside" "$image/bin/caps"
	setcap cap_sys_admin,cap_setuid+ep "$image/bin/caps"
	offer
	local name
	for name in hostile packed; do
		for file in suid sgid caps; do
			run launch_as alice 1 image=$name -- /bin/$file ids
			assert_success
			assert_output 'uid 2001 2001 2001 gid 2001 2001 2001 groups 2001 2101'
			run launch_as alice 1 image=$name -- /bin/$file calls
			assert_success
			assert_output ''
		done
	done
	# Nor one of the caller's own making in a bind or a tmpfs.
	run launch_as alice 1 image=tiny bind=/data:/data tmpfs=/t -- /bin/sh -c 'cp /data/attack_inside /t/x; chmod 6755 /t/x; /t/x ids'
	assert_output 'uid 2001 2001 2001 gid 2001 2001 2001 groups 2001 2101'
	# Nor the helper itself, nor sudo, bound into the container.
	policy "$(catalogue)
[allow a]
users = alice
images = tiny python
binds = /usr /lib /lib64"
	run launch_as alice 1 image=tiny bind=/usr:/host/usr bind=/usr/lib:/lib bind=/usr/lib64:/lib64 -- /host/usr/libexec/boxdo/boxdo-launch 1 image=tiny -- /bin/true
	[[ $status -ne 0 ]]
	refute_match 'worked'
}

@test "device nodes in an image do not open" {
	mknod -m 666 "$image/disk" b 7 0
	mknod -m 666 "$image/mem" c 1 1
	mknod -m 666 "$image/kmsg" c 1 11
	mknod -m 666 "$image/null" c 1 3
	mknod -m 666 "$image/fuse" c 10 229
	hostile_run /data/attack_inside read /disk /mem /kmsg /null /fuse
	assert_success
	hostile_run /data/attack_inside write /disk /mem /kmsg /null /fuse
	assert_success
	# The same in a bind.
	mknod -m 666 /data/null c 1 3
	run inside read /data/null
	rm /data/null
	assert_success
	assert_output ''
}

# not_run NAME: the image is refused by name and by path, and says why.
not_run() { # REGEX
	run launch_as alice 1 image=packed -- /bin/true
	assert_status 125
	assert_one_line
	assert_match "$1"
	run launch_as alice 1 "image=$(awk '/path = .*packed/ { print $3 }' "$POLICY")" -- /bin/true
	assert_status 125
	assert_equal "$(raw_records BOXDO_EVENT=launch BOXDO_IMAGE=packed | wc -l)" "$launches"
}

@test "an image that an ordinary user could change is refused: owner, mode, parent, writer, hard link" {
	local launches file=/srv/images/packed.sqfs
	cp /srv/images/tiny.sqfs $file
	policy "$(catalogue)
[image packed]
path = $file
[allow a]
users = alice
images = *"
	launches=$(raw_records BOXDO_EVENT=launch BOXDO_IMAGE=packed | wc -l)
	chown alice $file && not_run 'belongs to uid 2001' && chown root $file
	chmod 664 $file && not_run 'written by others' && chmod 646 $file && not_run 'written by others' && chmod 644 $file
	setfacl -m u:alice:rw $file 2>/dev/null && not_run 'written by others'
	setfacl -b $file 2>/dev/null || true
	chmod 644 $file
	chmod 777 /srv/images && not_run '/srv/images can be written' && chmod 1777 /srv/images && not_run '/srv/images can be written'
	chmod 755 /srv/images
	chown alice /srv && not_run '/srv belongs' && chown root /srv
	# An old writer: it opened the file while it was theirs.
	chown alice $file
	as_user alice sh -c "exec 9<>$file; echo >opened; exec sleep 601" 3>&- &
	wait_for test -e /home/alice/opened
	chown root $file
	not_run 'open for writing'
	pkill -f '^sleep 601'
	wait
	# And now, with nobody to change it, it runs.
	run launch_as alice 1 image=packed -- /bin/true
	assert_success
}

@test "a symbolic link in the catalogue is judged by where it leads" {
	local launches file=/srv/images/packed.sqfs
	as_user alice cp /srv/images/tiny.sqfs mine.sqfs
	ln -sfT /home/alice/mine.sqfs $file
	policy "$(catalogue)
[image packed]
path = $file
[allow a]
users = alice
images = *"
	launches=$(raw_records BOXDO_EVENT=launch BOXDO_IMAGE=packed | wc -l)
	not_run 'belongs to uid 2001'
	rm $file
	# By path, with a link of hers: the same file is the same image, another one is not.
	as_user alice sh -c 'ln -sT /srv/images/tiny.sqfs link; ln -sT mine.sqfs other'
	run launch_as alice 1 image=/home/alice/link -- /bin/true
	assert_success
	run launch_as alice 1 image=/home/alice/other -- /bin/true
	assert_status 125
	policy "$(catalogue)
[deny t]
images = tiny
[allow a]
users = alice
images = *"
	# Denied by one name is denied by every other (B18).
	for name in tiny /srv/images/tiny.sqfs /srv/../srv//images/tiny.sqfs /home/alice/link; do
		run launch_as alice 1 "image=$name" -- /bin/true
		assert_status 125
	done
}

@test "an image by path swapped all the while: what was vetted is what runs" {
	as_user alice sh -c 'mkdir -p sw; ln -sfT /srv/images/tiny.sqfs sw/a; ln -sfT /home/alice/mine2.sqfs sw/b; cp /srv/images/tiny.sqfs mine2.sqfs'
	policy "$(catalogue)
[allow a]
users = alice
images = *"
	as_user alice attack_swap 10000 /home/alice/sw/a /home/alice/sw/b >/dev/null 3>&- &
	# Until both were met, each half of the time.
	local runs=0 out=$BATS_TEST_TMPDIR/out
	: >"$out"
	until ((runs >= 80)) && grep -q ran "$out" && grep -q 'mine2.sqfs is an image of your own' "$out"; do
		((runs++ < 2000))
		launch_as alice 1 image=/home/alice/sw/a -- /bin/echo ran >>"$out" 2>&1 || true
	done
	pkill -x attack_swap
	run eval 'raw_records BOXDO_EVENT=launch | jq -r .BOXDO_IMAGE_PATH | sort -u'
	refute_match mine2
	assert_match '/srv/images/tiny.sqfs'
}

@test "an image on FUSE, and what is no image, is refused; ext4 never meets the kernel" {
	policy "$(catalogue)
[image text]
path = /srv/images/text
[image disk]
path = /srv/images/disk.ext4
[allow a]
users = alice
images = *"
	as_user alice cp /srv/images/tiny.sqfs /fuse/alice/tiny.sqfs
	run launch_as alice 1 image=/fuse/alice/tiny.sqfs -- /bin/true
	assert_status 125
	assert_match 'tiny.sqfs is an image of your own, and no rule permits those'
	echo text >/srv/images/text
	truncate -s 4M /srv/images/disk.ext4
	mkfs.ext4 -q /srv/images/disk.ext4
	for name in text disk; do
		run launch_as alice 1 image=$name -- /bin/true
		assert_status 125
		assert_match 'neither a directory nor a SquashFS, EROFS or SIF image'
	done
	# One that begins like a SquashFS and is none.
	head -c 4096 /srv/images/tiny.sqfs >/srv/images/text
	refused launch_as alice 1 image=text -- /bin/true
	rm /srv/images/text /srv/images/disk.ext4
}

@test "an image that a FUSE of the caller's serves is never mounted, however long its line in mountinfo" {
	# Its server says that all is root's. A blank in a path is four bytes there; the type is to begin about 8 KiB into the line.
	local deep=/srv/deep long type length=3 blanks want tries
	echo user_allow_other >>/etc/fuse.conf
	chmod 644 /etc/fuse.conf
	printf '\n[allow any]\nusers = alice\nimages = *\n' >>"$POLICY"
	mkdir -p $deep/sources
	cp /srv/images/tiny.sqfs $deep/sources/
	as_user alice /run/stage/passthrough $deep /home/alice all 3>&- &
	wait_for mountpoint -q /home/alice
	served() { # BLANKS LENGTH: $type is where the type begins, the last part of the name being so long; the image is refused
		long=$(for ((i = $1; i > 0; i -= 200)); do printf '%*s/' $((i < 200 ? i : 200)) ''; done; printf '%*s' "$2" '' | tr ' ' m)
		mkdir -p "$deep/$long"
		as_user alice /run/stage/passthrough $deep/sources "/home/alice/$long" all 3>&- &
		wait_for mountpoint -q "/home/alice/$long"
		type=$(awk '$5 ~ /mmm$/ { print index($0, " - ") + 2 }' /proc/self/mountinfo)
		run as_user alice "$LAUNCH" 1 "image=/home/alice/$long/tiny.sqfs" -- /bin/true
		umount -l "/home/alice/$long"
		assert_status 125
		assert_match 'no image'
	}
	served 1800 3
	blanks=$((1800 + (8150 - type) / 4))
	served $blanks 3
	[[ $type -gt 8000 && $type -lt 8180 ]]
	for want in {8192..8184}; do
		# The numbers of mounts in the line may get a digit more meanwhile.
		for ((tries = 0; type != want && tries < 5; tries++)); do
			length=$((length + want - type))
			served $blanks $length
		done
		assert_equal "$type" "$want"
	done
	umount -l /home/alice
}
