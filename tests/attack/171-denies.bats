#!/usr/bin/env bats
# timeout: 900
# A deny about data holds however the data is reached: other mounts of it, what a recursive bind brings along,
# mount namespaces of the caller's own, and paths the caller cannot open under the name the deny has.
load ../lib/common
load attack

setup_file() {
	mkdir -p /embargo/x/deep /open/again /open/sub/inner /srv/views/a /elsewhere /strange
	echo secret >/embargo/x/deep/file
	echo free >/elsewhere/file
	# The same directory again, a part of it again, the file system it is on again, and one far below.
	mount --bind /embargo/x /open/again
	mount --bind /embargo/x/deep /open/sub/inner
	mount --bind /embargo /srv/views/a
	mount -t tmpfs tmpfs /strange
	mkdir -p '/strange/with space' /strange/x
	chmod 755 /embargo /open /srv/views
}
teardown_file() {
	umount /open/again /open/sub/inner /srv/views/a /strange
}
setup() {
	rules '[deny embargo]' 'users = *' 'binds = /embargo/x'
}
rules() {
	policy "$(catalogue)" '[allow all]' 'users = alice' 'images = *' \
		'binds = /open /srv/views /elsewhere /strange /embargo /data ~:rw .:rw' 'network = host' "$@"
}
denied() { # BOXDO-RUN-ARGUMENT...
	run as_user alice boxdo run "$@" tiny true
	assert_status 125
	assert_match '^boxdo: denied by the rule deny'
}
passes() {
	run as_user alice boxdo run "$@" tiny true
	assert_success
}

@test "every mount of it, parts and parents of it, and what a recursive bind brings along" {
	for path in /embargo/x /embargo/x/deep /embargo /open/again /open/again/deep /open/again/deep/file /open/sub/inner \
		/open/sub/inner/file /open/sub /open /srv/views/a /srv/views/a/x /srv/views; do
		denied -v "$path:/mnt"
	done
	for path in /elsewhere /elsewhere/file /strange /data; do
		passes -v "$path:/mnt"
	done
}

@test "the working directory and home too" {
	run as_user_in /open/again/deep alice boxdo run tiny true
	assert_status 125
	assert_match 'denied by the rule deny embargo'
	run as_user_in /elsewhere alice boxdo run tiny true
	assert_success
	mount --bind /embargo/x /home/alice/hello.txt 2>/dev/null || { mkdir -p /home/alice/in && mount --bind /embargo/x /home/alice/in; }
	run as_user alice boxdo run tiny true
	umount /home/alice/in
	assert_status 125
	assert_match 'denied by the rule deny embargo'
	passes
}

@test "a deny of a directory means the file systems mounted in it, wherever else they are" {
	rules '[deny views]' 'users = *' 'binds = /srv/views'
	denied -v /embargo:/mnt
	denied -v /open/again:/mnt
	passes -v /elsewhere:/mnt
	passes -v /strange:/mnt
}

@test "what the caller cannot open under that name is denied under any other" {
	chmod 700 /embargo
	for path in /open/again /open/sub /open; do
		denied -v "$path:/mnt"
	done
	chmod 755 /embargo
	denied -v /open/again:/mnt
}

@test "always is held against it; names with blanks; a file alone" {
	policy "$(catalogue)" '[allow all]' 'users = alice' 'images = *' 'always = /open/again' '[deny it]' 'users = *' 'binds = /embargo/x'
	denied
	mkdir -p /elsewhere/there
	mount --bind '/strange/with space' /elsewhere/there
	rules '[deny it]' 'users = *' 'binds = "/strange/with space"'
	denied -v /elsewhere:/mnt
	denied -v /elsewhere/there:/mnt
	passes -v /strange/x:/mnt
	umount /elsewhere/there
	rules '[deny it]' 'users = *' 'binds = /embargo/x/deep/file'
	denied -v /open/sub/inner/file:/mnt
	passes -v /elsewhere/file:/mnt
}

@test "an image by path that is on it" {
	cp /srv/images/tiny.sqfs /embargo/x/deep/image.sqfs
	rules '[deny it]' 'users = *' 'binds = /embargo/x'
	run as_user alice boxdo run /open/sub/inner/image.sqfs true
	assert_status 125
	assert_match 'denied by the rule deny it'
	rm /embargo/x/deep/image.sqfs
}

@test "a mount namespace of the caller's own gives no new names" {
	as_user alice unshare --user --map-root-user --mount sh -c \
		'mkdir -p /home/alice/mine && mount --rbind /embargo/x /home/alice/mine && exec sleep 601' 3>&- &
	made_or_not() { pgrep -u alice -x sleep || ! kill -0 $!; }
	wait_for made_or_not
	pid=$(pgrep -u alice -x sleep) || skip "this kernel lets nobody make a user namespace"
	as_user alice cat "/proc/$pid/root/home/alice/mine/deep/file" # it is there
	for path in /proc/$pid/root/home/alice/mine /proc/$pid/root/home/alice /proc/$pid/cwd; do
		run as_user alice boxdo run --contain -v "$path:/mnt" tiny cat /mnt/deep/file
		((status != 0))
		refute_match secret
	done
	as_user alice kill "$pid"
	wait || true
}

@test "names in the table of mounts that look like its fields" {
	for name in 'a b' $'new\nline' 'back\slash' 'o\040ctal' '35 0:1 / / rw'; do
		mkdir -p "/elsewhere/$name"
		mount --bind /embargo/x "/elsewhere/$name"
		denied -v /elsewhere:/mnt
		[[ $name == *:* ]] || denied -v "/elsewhere/$name:/mnt"
		umount "/elsewhere/$name"
		passes -v /elsewhere:/mnt
	done
}
