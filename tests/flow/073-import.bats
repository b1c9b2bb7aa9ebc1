#!/usr/bin/env bats
# boxdo import, as an ordinary user: layers, archives, a real registry, directories; owners without privilege.
load ../lib/common

layer() { # FILE: a tar of what is in root/, numeric owners and attributes kept
	tar -C "$BATS_FILE_TMPDIR/root" --numeric-owner --xattrs --xattrs-include='*' --sparse -cf "$1" . && rm -rf "$BATS_FILE_TMPDIR/root"
}
add() { # FILE: on top of the image
	umoci raw add-layer --image "$BATS_FILE_TMPDIR/oci:t" "$1"
}

# Three layers, made by umoci: what the middle and the top do to what lies below.
setup_file() {
	root=$BATS_FILE_TMPDIR/root
	chmod 755 "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	umoci init --layout "$BATS_FILE_TMPDIR/oci"
	umoci new --image "$BATS_FILE_TMPDIR/oci:t"
	cp -a /srv/images/dir "$root"
	mkdir -p "$root"/{gone,opaque/below,kept,usr/lib,own}
	ln -s usr/lib "$root/lib"
	echo low >"$root/gone/file"; echo low >"$root/opaque/low"; echo low >"$root/opaque/below/low"
	echo low >"$root/kept/low"; echo low >"$root/changed"; echo linked >"$root/first"
	echo dirfile >"$root/was-file"; mkdir "$root/was-dir"; echo x >"$root/was-dir/x"
	echo yes >"$root/own/theirs"; chown 1234:5678 "$root/own/theirs"; chmod 2750 "$root/own/theirs"
	install -m 4755 /srv/images/dir/bin/busybox "$root/own/suid"
	setfattr -n user.note -v 'a note' "$root/own/suid"
	setcap cap_net_raw=ep "$root/own/theirs"
	mknod "$root/own/null" c 1 3; mkfifo "$root/own/fifo"
	truncate -s 5M "$root/own/sparse"; printf end >>"$root/own/sparse"
	printf odd >"$root/own/"$'new\nline'; printf odd >"$root/own/"$'latin\xe9'; printf odd >"$root/own/ü ' \" \\"
	mkdir -p "$root/own/$(printf 'd%.0s' {1..120})"; echo deep >"$root/own/$(printf 'd%.0s' {1..120})/$(printf 'f%.0s' {1..200})"
	mkdir -m 000 "$root/own/closed"; echo hidden >"$root/own/closed/file"; chmod 000 "$root/own/closed/file"
	layer "$BATS_FILE_TMPDIR/1.tar"
	mkdir -p "$root"/{opaque,gone}
	touch "$root/opaque/.wh..wh..opq" "$root/gone/.wh.file" "$root/.wh.was-dir"; echo new >"$root/opaque/new"
	echo mid >"$root/changed"; ln "$root/changed" "$root/changed2"; mkdir "$root/was-file"; echo in >"$root/was-file/in"
	layer "$BATS_FILE_TMPDIR/2.tar"
	# A file through a symbolic link of the layer below, and whiteouts that come last and of nothing.
	mkdir -p "$root/z"
	touch "$root/.wh.changed" "$root/.wh.nothing" "$root/z/.wh..wh.plnk"; echo again >"$root/was-dir"
	(cd "$root" && mkdir lib && echo through >lib/through && tar -cf "$BATS_FILE_TMPDIR/3.tar" --no-recursion lib/through z .wh.changed .wh.nothing z/.wh..wh.plnk was-dir)
	rm -rf "$root"
	for n in 1 2 3; do add "$BATS_FILE_TMPDIR/$n.tar"; done
	umoci config --image "$BATS_FILE_TMPDIR/oci:t" --config.entrypoint /bin/echo --config.entrypoint said --config.cmd by --config.cmd default \
		--config.env GREETING='hello there' --config.env PATH=/bin --config.workingdir /own --config.user www-data \
		--config.label org.opencontainers.image.version=1.2 --config.label 'note=two words'
	skopeo copy --quiet "oci:$BATS_FILE_TMPDIR/oci:t" "docker-archive:$BATS_FILE_TMPDIR/docker.tar:test/image:v1"
	chmod -R a+rX "$BATS_FILE_TMPDIR"
	cd /
}

import() {
	as_user alice boxdo import "$@"
}

# the tree as it must have come out, from the listing of FILE
right() { # FILE
	unsquashfs -lln "$1" >"$BATS_TEST_TMPDIR/list"
	rm -rf "$BATS_TEST_TMPDIR/out"
	unsquashfs -quiet -no-progress -d "$BATS_TEST_TMPDIR/out" "$1"
	cd "$BATS_TEST_TMPDIR/out" || return 1
	[[ ! -e gone/file && -d gone && ! -e opaque/low && ! -e opaque/below && ! -e changed ]]
	assert_equal "$(cat opaque/new kept/low changed2 was-file/in was-dir first usr/lib/through)" $'new\nlow\nmid\nin\nagain\nlinked\nthrough'
	assert_equal "$(readlink lib)" usr/lib
	assert_equal "$(stat -c '%u:%g %a' own/theirs own/suid own/closed own/closed/file)" $'1234:5678 2750\n0:0 4755\n0:0 0\n0:0 0'
	assert_equal "$(stat -c '%t:%T %F' own/null own/fifo)" $'1:3 character special file\n0:0 fifo'
	assert_equal "$(getfattr --only-values -n user.note own/suid)" 'a note'
	assert_equal "$(getcap own/theirs)" 'own/theirs cap_net_raw=ep'
	assert_equal "$(stat -c %s own/sparse)" 5242883
	(($(stat -c %b own/sparse) < 64))
	assert_equal "$(cat "own/"$'new\nline' "own/"$'latin\xe9' "own/ü ' \" \\")" oddoddodd
	assert_equal "$(cat own/ddd*/fff*)" deep
	assert_equal "$(find . -name '.wh.*')" ''
	cd /
}

@test "an OCI layout and docker's archive of it: every layer applied as docker applies it, owners kept" {
	import "oci:$BATS_FILE_TMPDIR/oci:t" one
	right /home/alice/one.sqfs
	import "$BATS_FILE_TMPDIR/docker.tar" two
	right /home/alice/two.sqfs
	run import "docker-archive:$BATS_FILE_TMPDIR/docker.tar"
	assert_success
	assert_match '^.*docker.sqfs: [0-9.]+ MB, of docker-archive:'
	assert_match 'User www-data is ignored'
	assert_equal "$(stat -c '%U %a' /home/alice/one.sqfs)" 'alice 644'
	assert_equal "$(find /home/alice -name '.boxdo-import*')" ''
	rm -f /home/alice/*.sqfs
}

@test "the configuration travels inside, and docker's rules hold once an admin has taken it over" {
	import "oci:$BATS_FILE_TMPDIR/oci:t" conf
	unsquashfs -cat /home/alice/conf.sqfs .boxdo/config.json >"$BATS_TEST_TMPDIR/config.json"
	assert_equal "$(jq -c '[.image.config.Entrypoint, .image.config.Cmd]' "$BATS_TEST_TMPDIR/config.json")" '[["/bin/echo","said"],["by","default"]]'
	assert_match_text "$(jq -r .digest "$BATS_TEST_TMPDIR/config.json")" '^sha256:[0-9a-f]{64}$'
	boxdo image add --from /home/alice/conf.sqfs conf >/dev/null
	printf '[allow conf]\nusers = *\nimages = conf\n' >/etc/boxdo/policy.d/conf.conf
	run as_user alice boxdo run --contain conf
	assert_output 'said by default'
	run as_user alice boxdo run --contain --entrypoint sh conf -c 'echo "$GREETING"; pwd; stat -c "%u %a" theirs'
	assert_output $'hello there\n/own\n1234 2750'
	run boxdo image show conf
	assert_match 'user +www-data'
	assert_match 'source +oci:.*@sha256:'
	assert_match 'label +org.opencontainers.image.version=1.2'
	assert_match 'label +note=two words'
	rm /etc/boxdo/policy.d/conf.conf /home/alice/conf.sqfs
}
assert_match_text() {
	output=$1
	assert_match "$2"
}

@test "from a real registry; what is in the cache is not fetched again" {
	printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: 127.0.0.1:%d\n' "$BATS_TEST_TMPDIR/registry" $((20000 + $$ % 20000)) >"$BATS_TEST_TMPDIR/registry.yml"
	docker-registry serve "$BATS_TEST_TMPDIR/registry.yml" >"$BATS_TEST_TMPDIR/registry.log" 2>&1 3>&- &
	registry=$! at=127.0.0.1:$((20000 + $$ % 20000))
	wait_for curl -fs "http://$at/v2/"
	skopeo copy --quiet --dest-tls-verify=false "oci:$BATS_FILE_TMPDIR/oci:t" "docker://$at/lab/image:v1"
	run import --no-tls-verify "docker://$at/lab/image:v1"
	assert_success
	assert_match 'image-v1.sqfs'
	right /home/alice/image-v1.sqfs
	fetched=$(grep -c 'GET /v2/lab/image/blobs' "$BATS_TEST_TMPDIR/registry.log")
	import --no-tls-verify "docker://$at/lab/image:v1" again
	cmp /home/alice/image-v1.sqfs /home/alice/again.sqfs
	(($(grep -c 'GET /v2/lab/image/blobs' "$BATS_TEST_TMPDIR/registry.log") <= fetched + 1))
	run import --no-tls-verify "docker://$at/lab/nosuch:v1"
	assert_status 1
	assert_match 'boxdo: skopeo failed: .*manifest unknown'
	run import "docker://$at/lab/image:v1" tls
	assert_status 1
	kill $registry
	wait $registry || true
	rm -f /home/alice/*.sqfs
}

@test "what buildah built" {
	as_user alice bash -c 'command -v buildah' || skip "no buildah"
	tar -C /srv/images/dir -cf "$BATS_TEST_TMPDIR/base.tar" .
	chmod a+r "$BATS_TEST_TMPDIR/base.tar"
	c=$(buildah --storage-driver vfs --root /var/tmp/store --runroot /var/tmp/run from scratch)
	buildah --storage-driver vfs --root /var/tmp/store --runroot /var/tmp/run add -q "$c" "$BATS_TEST_TMPDIR/base.tar" /
	buildah --storage-driver vfs --root /var/tmp/store --runroot /var/tmp/run config --cmd 'cat /etc/os-release' "$c"
	buildah --storage-driver vfs --root /var/tmp/store --runroot /var/tmp/run commit -q "$c" built
	run boxdo import "containers-storage:[vfs@/var/tmp/store+/var/tmp/run]localhost/built" /var/tmp/built.sqfs
	assert_success
	boxdo image add /var/tmp/built.sqfs built >/dev/null
	printf '[allow built]\nusers = *\nimages = built\n' >/etc/boxdo/policy.d/built.conf
	run as_user alice boxdo run --contain built
	assert_output ID=tiny
	rm -rf /var/tmp/store /var/tmp/run /etc/boxdo/policy.d/built.conf
}

@test "a directory and a tarball; EROFS" {
	as_user alice bash -c 'mkdir -p tree/sub && echo mine >tree/sub/file && ln tree/sub/file tree/hard && ln -s sub tree/link && chmod 700 tree/sub && cp /bin/true tree/true'
	import tree
	unsquashfs -lln /home/alice/tree.sqfs >"$BATS_TEST_TMPDIR/list"
	assert_equal "$(grep -c ' 0/0 ' "$BATS_TEST_TMPDIR/list")" "$(wc -l <"$BATS_TEST_TMPDIR/list")"
	grep -q 'drwx------ 0/0 .*sub$' "$BATS_TEST_TMPDIR/list"
	for compress in cat gzip xz zstd; do
		tar -C /srv/images/dir -c . | $compress >"$BATS_TEST_TMPDIR/root.tar.$compress"
		chmod a+r "$BATS_TEST_TMPDIR/root.tar.$compress"
		import --force "$BATS_TEST_TMPDIR/root.tar.$compress" root
		unsquashfs -cat /home/alice/root.sqfs etc/os-release | grep -qx ID=tiny
	done
	import --format erofs "oci:$BATS_FILE_TMPDIR/oci:t" eroded
	boxdo image add --from /home/alice/eroded.erofs eroded >/dev/null
	printf '[allow eroded]\nusers = *\nimages = eroded\n' >/etc/boxdo/policy.d/eroded.conf
	run as_user alice boxdo run --contain --entrypoint sh eroded -c 'stat -c "%u:%g %a" /own/theirs /own/suid; cat /usr/lib/through'
	assert_output $'1234:5678 2750\n0:0 4755\nthrough'
	rm -rf /home/alice/tree /home/alice/*.{sqfs,erofs} /etc/boxdo/policy.d/eroded.conf
}

@test "layers that lead outside, in a circle, or to nothing are refused in a line" {
	for evil in 'm=t.TarInfo("../../etc/x")' 'm=t.TarInfo("x"); m.type=t.LNKTYPE; m.linkname="../../etc/shadow"' 'm=t.TarInfo("x"); m.type=t.LNKTYPE; m.linkname="nosuch"' \
		'm=t.TarInfo("a"); m.type=t.SYMTYPE; m.linkname="a"; f.addfile(m); m=t.TarInfo("a/x")'; do
		/usr/bin/python3 -c "import tarfile as t
f=t.open('$BATS_TEST_TMPDIR/evil.tar','w')
$evil
f.addfile(m)
f.close()"
		chmod a+r "$BATS_TEST_TMPDIR/evil.tar"
		run import "$BATS_TEST_TMPDIR/evil.tar" evil
		assert_status 1
		assert_match '^[^'$'\n'']*'$'\n''*boxdo: [^'$'\n'']+$'
		[[ ! -e /home/alice/evil.sqfs ]]
	done
	# An absolute link leads inside.
	/usr/bin/python3 -c "import tarfile as t
f=t.open('$BATS_TEST_TMPDIR/evil.tar','w')
m=t.TarInfo('out'); m.type=t.SYMTYPE; m.linkname='/../../../inside'; f.addfile(m)
f.addfile(t.TarInfo('/out/file')); f.close()"
	import "$BATS_TEST_TMPDIR/evil.tar" good
	unsquashfs -lln /home/alice/good.sqfs | grep -q ' squashfs-root/inside/file$'
	head -c 100000 "$BATS_FILE_TMPDIR/1.tar" | gzip | head -c 900 >"$BATS_TEST_TMPDIR/cut.tar.gz"
	chmod a+r "$BATS_TEST_TMPDIR/cut.tar.gz"
	run import "$BATS_TEST_TMPDIR/cut.tar.gz" cut
	assert_status 1
	assert_match 'is damaged'
	run import /nosuch
	assert_status 1
	run import
	assert_status 125
	rm -f /home/alice/*.sqfs
}

@test "root imports into no directory of somebody else's, where another file may stand in its place" {
	mkdir -p "$BATS_TEST_TMPDIR/small"
	for directory in /home/alice /tmp/open; do
		mkdir -p /tmp/open && chmod 777 /tmp/open
		run boxdo import "$BATS_TEST_TMPDIR/small" $directory/small.sqfs
		assert_status 1
		assert_match "not root's alone"
		[[ ! -e $directory/small.sqfs ]]
	done
	boxdo import "$BATS_TEST_TMPDIR/small" /tmp/small.sqfs && rm -r /tmp/small.sqfs /tmp/open
}

@test "interrupted and killed: nothing half made; what is there is not replaced unasked" {
	as_user alice bash -c 'mkdir -p big && head -c 200000000 /dev/urandom >big/file'
	for signal in INT TERM KILL; do
		as_user alice bash -c 'exec setsid env --default-signal=INT boxdo import big' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
		wait_for pkill -STOP -u alice -x tar2sqfs # so that it is not done with it meanwhile
		pkill -$signal -u alice -f 'boxdo-import big|import.py big'
		pkill -CONT -u alice -x tar2sqfs || true
		wait $! || true
		wait_for no_writer
		[[ ! -e /home/alice/big.sqfs ]]
		[[ $signal == KILL ]] || grep -q 'interrupted: nothing was made' "$BATS_TEST_TMPDIR/out"
		[[ $signal == KILL ]] || assert_equal "$(find /home/alice -name '.boxdo-import*')" ''
	done
	as_user alice bash -c 'rm -rf big; mkdir big; echo x >big/x'
	import big
	assert_equal "$(find /home/alice -name '.boxdo-import*')" ''
	run import big
	assert_status 1
	assert_match 'is there already'
	import --force big
	rm -rf /home/alice/big /home/alice/*.sqfs
}
no_writer() {
	! pgrep -u alice -x tar2sqfs
}

@test "on a terminal there is a bar; elsewhere there are lines" {
	as_user alice bash -c 'mkdir -p some && head -c 3000000 /dev/urandom >some/file'
	run import some
	assert_match 'packing: 3.0 MB in [0-9]+ s'
	refute_match $'\e'
	run as_user alice script -qec 'boxdo import --force some' /dev/null
	assert_success
	assert_match $'\e\\[K'
	run import some $'bad\e[31mname/x'
	refute_match $'\e'
	rm -rf /home/alice/some /home/alice/*.sqfs
}
