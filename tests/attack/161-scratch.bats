#!/usr/bin/env bats
# timeout: 900
# What a writable root could be used for: rights, devices, the image itself, memory beyond its size, overlayfs's own
# attributes (L7, L11, L25; CVE-2023-0386, CVE-2021-3493, CVE-2023-2640).
load ../lib/common
load attack

setup() {
	restore_policy
	install -o alice -m 755 /srv/images/dir/bin/busybox /home/alice/busybox
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = *' 'binds = /data ~:rw' 'network = host none' 'scratch = 8M' 'user_images = yes'
}

scratch() { # IMAGE COMMAND...: the helper itself
	launch_as alice 1 image="$1" bind=/data:/data scratch=yes home=no cwd=no -- "${@:2}"
}
# start COMMAND: a container of alice's with a writable root, until finish
start() {
	mkfifo "$BATS_TEST_TMPDIR/in"
	as_user alice boxdo run --contain --scratch tiny sh -c "$1; exec cat" <"$BATS_TEST_TMPDIR/in" >/dev/null 2>&1 3>&- &
	exec 7>"$BATS_TEST_TMPDIR/in"
	wait_for pgrep -u alice -x cat
}
finish() {
	exec 7>&-
	wait
}
sums() {
	{ sha256sum /srv/images/*.sqfs && tar -C /srv/images -c dir && find /srv/images -printf '%p %m %U:%G %s %T@ %C@\n' | sort; } | sha256sum
}

@test "ids, groups, capabilities and the filter are as without" {
	run scratch tiny /data/attack_inside ids
	assert_equal "${lines[0]}" 'uid 2001 2001 2001 gid 2001 2001 2001 groups 2001 2101'
	run scratch tiny /data/attack_inside calls
	refute_match worked
	run scratch tiny /bin/grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status
	[[ $(grep -c $'^Cap...:\t0000000000000000$' <<<"$output") -eq 5 ]]
	assert_match $'NoNewPrivs:\t1\nSeccomp:\t2'
}

@test "the root is nosuid and nodev; set-user-ID bits of hers or of the image mean nothing" {
	local image=/srv/images/suid
	cp -a /srv/images/dir $image
	install -D -m 4755 /srv/images/dir/bin/busybox $image/roots/id
	mknod -m 666 $image/zero c 1 5
	printf '[image suid]\npath = %s\n' $image >>$POLICY
	run scratch tiny /bin/awk '$5 == "/" { print $6 }' /proc/self/mountinfo
	assert_match '^rw,nosuid,nodev'
	run scratch suid /bin/sh -c 'chmod 4755 /roots/id; mkdir /mine; cp /bin/busybox /mine/id; chmod 6755 /mine/id
		/roots/id -u; /mine/id -u; head -c 1 /zero; mknod /sda b 8 0; mknod /null c 1 3; mknod /whiteout c 0 0; mknod /fifo p && echo fifo'
	assert_match $'^2001\n2001\nhead: /zero: Permission denied'
	assert_equal "$(grep -c 'mknod: .*Operation not permitted' <<<"$output")" 3
	assert_match $'\nfifo\n'
	rm -rf $image
}

@test "the image and the superblock that others share are as before: no write, no time, no attribute reaches them" {
	local before
	before=$(sums)
	for image in tiny dir; do
		run scratch $image /bin/sh -c 'ln /bin/busybox /hard && chmod 777 /hard && echo x >>/hard; touch -d @1 /etc /etc/os-release; chmod 0 /etc/os-release
			rm -rf /usr; mv /bin /was; echo done >/tmp/x; /was/cat /tmp/x'
		assert_match $'(^|\n)done\n'
	done
	assert_equal "$(sums)" "$before"
	# While one writes, another has the image as it is.
	start 'echo changed >/etc/os-release'
	run as_user alice boxdo run --contain --scratch tiny cat /etc/os-release
	assert_output ID=tiny
	run as_user alice boxdo run --contain tiny stat -c %u /bin
	assert_output 0
	finish
}

@test "whose files an image's are: root's become hers, hers root's, others' stay; all of it is boxdo-policy(5)'s word" {
	local image=/srv/images/owners
	cp -a /srv/images/dir $image
	mkdir $image/x
	echo secret >$image/x/root && chmod 600 $image/x/root
	install -m 600 -o 2001 -g 2001 /dev/null $image/x/alice
	install -m 600 -o 2002 -g 2101 /dev/null $image/x/other
	install -m 600 -o 4294967294 -g 4294967294 /dev/null $image/x/last
	printf '[image owners]\npath = %s\n' $image >>$POLICY
	run launch_as alice 1 image=owners home=no cwd=no -- /bin/sh -c 'cat /x/root; cd /x && stat -c "%n %u:%g" * | xargs'
	assert_match "can't open '/x/root': Permission denied"
	assert_equal "${lines[-1]}" 'alice 2001:2001 last 4294967294:4294967294 other 2002:2101 root 0:0'
	run scratch owners /bin/sh -c 'cat /x/root; cd /x && stat -c "%n %u:%g" * | xargs; cat alice other; chown 0:0 root'
	assert_equal "${lines[0]}" secret
	assert_equal "${lines[1]}" 'alice 0:0 last 4294967294:4294967294 other 2002:2101 root 2001:2001'
	assert_equal "$(grep -c 'Permission denied\|not permitted' <<<"$output")" 3
	# The mapping of the smallest and the largest account there may be.
	printf '%s\n' 'one:x:1:1::/:/bin/sh' 'big:x:4294967294:4294967294::/:/bin/sh' >/run/stage/accounts
	sed -i '/^daemon:/d' /etc/passwd /etc/group && cat /run/stage/accounts >>/etc/passwd
	printf '%s\n' 'one:x:1:' 'big:x:4294967294:' >>/etc/group
	printf '%s:!:20000::::::\n' one big >>/etc/shadow
	for account in one big; do
		policy "$(catalogue)" "[image owners]" "path = $image" '[allow a]' 'users = alice' 'images = *' "run_as = $account" 'scratch = 1M'
		run launch_as alice 1 image=owners user=$account scratch=yes home=no cwd=no -- /bin/sh -c 'cat /x/root; id -u; stat -c %u:%g /x/root /x/other | xargs'
		assert_equal "${lines[0]}" secret
		assert_equal "${lines[2]}" "${lines[1]}:${lines[1]} 2002:2101"
	done
	rm -rf $image
}

@test "a directory of the host's that she names as an image keeps its secrets: only what root catalogued becomes hers" {
	mkdir -p /srv/host/sub && echo secret >/srv/host/shadow && echo secret >/srv/host/sub/key
	chmod 640 /srv/host/shadow && chmod 700 /srv/host/sub
	run launch_as alice 1 image=/srv/host bind=/home/alice:/home/alice bind=/data:/data scratch=yes cwd=no -- /home/alice/busybox cat /shadow /sub/key
	assert_equal "$(grep -c 'Permission denied' <<<"$output")" 2
	refute_match secret
	# A file of root's that she may read holds nothing she could not read anyway.
	cp /srv/images/tiny.sqfs /srv/copy.sqfs
	run launch_as alice 1 image=/srv/copy.sqfs scratch=yes home=no cwd=no -- /bin/sh -c 'stat -c %u /bin; cat /etc/os-release'
	assert_equal "${lines[0]}" 2001
	rm -rf /srv/host /srv/copy.sqfs
}

@test "overlayfs's own attributes: hers cannot be set, those an image brings are not followed" {
	local image=/srv/images/xattr
	run scratch python /usr/bin/python3 -c '
import os
os.mkdir("/d")
for name in ("trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.metacopy", "trusted.x", "security.capability"):
    try:
        os.setxattr("/d", name, b"y"); print("set", name)
    except OSError as e:
        pass
for path in ("/etc/user-redirect", "/d"):
    os.makedirs(path, exist_ok=True)
    try:
        os.setxattr(path, "user.overlay.redirect", b"/proc"); os.setxattr(path, "user.overlay.opaque", b"y")
    except OSError:
        pass
print(sorted(os.listdir("/d")), sorted(os.listdir("/etc/user-redirect")))'
	assert_equal "${lines[0]}" '[] []'
	# An image that was made for it, from root or from a user: a directory that means another, a file that is another.
	cp -a /srv/images/dir $image
	mkdir $image/other $image/plain && echo secret >$image/other/secret && echo own >$image/plain/own
	setfattr -n trusted.overlay.redirect -v /other $image/plain
	setfattr -n trusted.overlay.opaque -v y $image/usr
	echo short >$image/short
	setfattr -n trusted.overlay.metacopy $image/short
	setfattr -n trusted.overlay.redirect -v /other/secret $image/short
	printf '[image xattr]\npath = %s\n' $image >>$POLICY
	run scratch xattr /bin/sh -c 'ls /plain; cat /short; mv /plain /moved 2>/dev/null; ls /moved; ls -d /usr/bin'
	refute_match secret
	assert_match $'^own\n'
	assert_match '/usr/bin'
	rm -rf $image
}

@test "what lies behind the root is nowhere to be found: upper layer, work directory, the image" {
	run scratch tiny /bin/sh -c 'cd /../..; pwd -P; ls -d /run/boxdo /upper /work /skeleton /image 2>/dev/null; awk "{ print \$5 }" /proc/self/mountinfo | grep -E "boxdo|upper|skeleton|image"
		for f in /proc/[0-9]*/root /proc/[0-9]*/cwd; do ls -d $f/skeleton $f/run/boxdo 2>/dev/null; done; ls -l /proc/1/fd 2>/dev/null | grep -E "skeleton|upper"'
	assert_output /
	# From outside, as herself: INIT is not hers to look into, and its mounts are in no other namespace.
	start 'echo x >/written'
	run as_user alice sh -c 'ls -d /proc/"$(pgrep -x boxdo-init)"/root/ /run/boxdo/skeleton /run/boxdo/image 2>/dev/null
		for f in $(grep -l skeleton/upper /proc/[0-9]*/mountinfo 2>/dev/null); do cat "${f%/*}/comm"; done | sort | xargs'
	assert_output 'boxdo-init cat'
	run grep -c skeleton /proc/self/mountinfo
	assert_output 0
	finish
}

@test "no more memory than granted: sparse files, attributes, links, deep names; and no way to make it larger" {
	run scratch python /usr/bin/python3 -c '
import os
def count(what):
    n = 0
    try:
        while n < 200000:
            what(n); n += 1
    except OSError as e:
        return n, e.errno
    return n, 0
before = os.statvfs("/")
print("size", before.f_blocks * before.f_frsize)
f = os.open("/sparse", os.O_RDWR | os.O_CREAT)
os.ftruncate(f, 1 << 40)                     # a name for nothing
try:
    os.posix_fallocate(f, 0, 1 << 30); print("fallocated")
except OSError:
    pass
print("pages", count(lambda n: os.pwrite(f, b"x", n << 20)))
now = os.statvfs("/")
print("left", now.f_bfree < 64)
os.truncate("/sparse", 0)
os.mkdir("/l")
open("/l/0", "w").close()
print("links", count(lambda n: os.link("/l/0", "/l/h%d" % n)))
print("attributes", count(lambda n: os.setxattr("/l/0", "user.%d" % n, b"x" * 60000)))'
	assert_equal "${lines[0]}" 'size 8388608'
	refute_match fallocated
	assert_match 'left True'
	[[ $output =~ pages\ \(([0-9]+),\ 28\) && ${BASH_REMATCH[1]} -lt 2049 ]] || { echo "$output" && false; }
	# 2048 pages and 1024: no more names than that.
	[[ $output =~ links\ \(([0-9]+),\ 28\) && ${BASH_REMATCH[1]} -lt 3072 ]] || { echo "$output" && false; }
	[[ $output =~ attributes\ \(([0-9]+),\ (28|95)\) && ${BASH_REMATCH[1]} -lt 100 ]] || { echo "$output" && false; }
	run scratch tiny /bin/sh -c 'mount -o remount,size=1G / 2>&1; mount -t tmpfs x /mnt 2>&1; mount -t overlay x /mnt 2>&1; df -k / | tail -n 1'
	assert_match ' 8192 '
}

@test "masks, account files and what boxdo mounts cannot be moved, removed or uncovered" {
	run scratch tiny /bin/sh -c 'cd /; for f in proc sys dev tmp etc/passwd etc/group data proc/keys dev/null; do [ -e $f ] || continue; mv $f $f.old && echo moved $f; rm -rf $f 2>/dev/null && echo removed $f; done
		mv /etc /etc2 2>/dev/null && echo moved etc; mv /var /var2 2>/dev/null && echo moved var; cat /data/README; grep -c alice /etc/passwd; ls /proc/self/status' 2>&1
	refute_match $'(^|\n)(re)?moved'
	assert_match $'what everyone may read\n1\n/proc/self/status'
	run scratch tiny /bin/sh -c 'ln -sf /proc/1/root /etc/x; ls /etc/x/ 2>/dev/null | head -n 1; ln -s ../../../../../../etc/shadow /s; cat /s 2>/dev/null'
	refute_match 'root:[x*!$]'
}

@test "a file system of hers below it: a set-user-ID file of root's in it gives nothing when it is copied up" {
	cp -a /srv/images/dir "$BATS_TEST_TMPDIR/root"
	install -D -m 4755 /srv/images/dir/bin/busybox "$BATS_TEST_TMPDIR/root/roots/id"
	chmod 777 "$BATS_TEST_TMPDIR/root/roots"
	mksquashfs "$BATS_TEST_TMPDIR/root" /home/alice/evil.sqfs -noappend -quiet -no-progress >/dev/null
	chown alice /home/alice/evil.sqfs
	run launch_as alice 1 image=/home/alice/evil.sqfs scratch=yes home=no cwd=no -- /bin/sh -c 'cd /roots; ln id id2 && echo linked; ./id -u; mv id /id; /id -u; ls -ln /id'
	assert_match $'\n2001\n2001\n-rwsr-xr-x +[0-9]+ 0 +0 '
}

@test "without the grant there is none, whatever is typed; what is malformed is refused" {
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = *'
	for value in yes 1 4096 18446744073709551615; do
		refused launch_as alice 1 image=tiny scratch=$value -- /bin/true
	done
	run launch_as alice 1 image=tiny scratch=granted home=no cwd=no -- /bin/sh -c ': >/x'
	assert_match 'Read-only file system'
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = *' 'scratch = 1M'
	for value in 1048577 18446744073709551615 '' no 0 -1 01 1m ' 1' 18446744073709551616; do
		refused launch_as alice 1 image=tiny scratch="$value" -- /bin/true
	done
	refused launch_as alice 1 image=tiny scratch=yes scratch=yes -- /bin/true
	# One byte is one page, and the kernel rounds up.
	run launch_as alice 1 image=tiny scratch=1 home=no cwd=no -- /bin/sh -c 'dd if=/dev/zero of=/x bs=64k count=1 2>/dev/null; stat -c %s /x'
	assert_equal "${lines[0]}" 4096
}

@test "a namespace is made for the mapping, and neither it nor its process stays" {
	local before
	settled
	before=$(ls -d /proc/[0-9]*/ns/user | xargs readlink 2>/dev/null | sort -u)
	start 'echo x >/x'
	assert_equal "$(ls -d /proc/[0-9]*/ns/user | xargs readlink 2>/dev/null | sort -u)" "$before"
	assert_equal "$(readlink /proc/"$(pgrep -u alice -x cat)"/ns/user)" "$(readlink /proc/self/ns/user)"
	finish
}
