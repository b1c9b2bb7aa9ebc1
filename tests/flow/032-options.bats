#!/usr/bin/env bats
# Every option of `boxdo run` that is honoured, by its effect inside.
load ../lib/common

setup_file() {
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
}

setup() {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
}

@test "-v: by its own name, by another, a file, here, and only as granted" {
	run as_user alice boxdo run -v /data tiny cat /data/README
	assert_output 'what everyone may read'
	run as_user alice boxdo run -v /data:/somewhere/else tiny sh -c 'cat /somewhere/else/README; touch /somewhere/else/x'
	assert_match $'^what everyone may read\ntouch: .*: Read-only file system$'
	run as_user alice boxdo run -v /data/README:/a/file tiny cat /a/file
	assert_output 'what everyone may read'
	run as_user alice boxdo run -v .:/here tiny sh -c 'echo x >/here/written'
	assert_success
	assert_equal "$(cat /home/alice/written)" x
	run as_user alice boxdo run --volume /home/alice:/here:ro tiny touch /here/x
	assert_status 1
	assert_match 'Read-only file system'
	run as_user alice boxdo run -v /data -v /data/set1:/set -v /home/alice:/home/alice tiny sh -c 'ls /set; ls /data | xargs'
	assert_output $'numbers\nREADME ml set1'
	assert_equal "$(records 'select(.event == "launch") | .binds | join(" ")' | tail -n 1 | tr -d '"' | tr ' ' '\n' | sort | xargs)" \
		'/data/set1:/set:ro /data:/data:ro /home/alice:/home/alice:rw'
}

@test "-v over what the image has, and into what is bound: what is bound wins" {
	run as_user alice boxdo run -v /data/set1:/usr/share tiny ls /usr/share
	assert_output numbers
	run as_user alice boxdo run -v /data/README:/etc/os-release tiny cat /etc/os-release
	assert_output 'what everyone may read'
	run as_user alice boxdo run -v /home/alice:/top -v /data/set1:/top/missing tiny true
	assert_status 125
	assert_match 'nothing is made inside of what is bound; make it first'
	as_user alice mkdir -p /home/alice/there
	run as_user alice boxdo run -v /home/alice:/top -v /data/set1:/top/there tiny ls /top/there
	assert_output numbers
	run as_user alice boxdo run -v /data/set1:/tmp/deep/er tiny sh -c 'ls /tmp/deep/er; touch /tmp/x'
	assert_output numbers
}

@test "--mount: bind, read-only, tmpfs" {
	run as_user alice boxdo run --mount type=bind,source=/data,target=/m tiny cat /m/README
	assert_output 'what everyone may read'
	run as_user alice boxdo run --mount type=bind,src=/home/alice,dst=/m,readonly tiny touch /m/x
	assert_match 'Read-only file system'
	run as_user alice boxdo run --mount type=tmpfs,target=/m,tmpfs-size=1m tiny sh -c 'touch /m/x; df -k /m | tail -n 1'
	assert_match '^none +1024 '
}

@test "-w: where the command starts" {
	run as_user alice boxdo run -v /data -w /data/set1 tiny pwd
	assert_output /data/set1
	run as_user alice boxdo run --workdir=/usr tiny pwd
	assert_output /usr
	run as_user alice boxdo run -w relative tiny pwd
	assert_status 125
}

@test "-e and --env-file: values, from here, unset, over facts, and never on a command line" {
	printf '# comment\nFROM_FILE=a b\nBOTH=file\nHERE\n' >/home/alice/env
	run as_user alice env HERE=there BOTH=caller boxdo run -e BOTH=option --env-file env -e GONE -e PATH=/bin:/usr/bin \
		-e HOME=/data -e LD_LIBRARY_PATH=/lib/own -e MULTI=$'two\nlines' tiny sh -c \
		'echo "$FROM_FILE|$BOTH|$HERE|${GONE-unset}|$PATH|$HOME|$LD_LIBRARY_PATH|$MULTI"'
	assert_output $'a b|option|there|unset|/bin:/usr/bin|/data|/lib/own|two\nlines'
	run as_user alice boxdo run -e SECRET=s3cret tiny sh -c 'cat /proc/*/cmdline' </dev/null
	refute_match s3cret
	assert_equal "$(raw_records | grep -c s3cret)" 0
}

@test "-u: oneself is no change" {
	for user in alice 2001 alice:alice 2001:2001; do
		run as_user alice boxdo run -u "$user" tiny id -un
		assert_output alice
	done
}

@test "--network=host: the host's interfaces; none: loopback alone, and it works" {
	assert_equal "$(as_user alice boxdo run tiny readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	assert_equal "$(as_user alice boxdo run --network host tiny readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	run as_user alice boxdo run --network=none tiny sh -c 'ls /sys/class/net; sed 1,2d /proc/net/dev | cut -d: -f1'
	assert_equal "$(xargs <<<"$output")" 'lo lo'
	run as_user alice boxdo run --net none python python3 -c 'import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname()); peer, _ = server.accept()
client.sendall(b"through"); print(peer.recv(7).decode())
six = socket.create_server(("::1", 0), family=socket.AF_INET6); socket.create_connection(six.getsockname()[:2]); print("six")
try: socket.create_connection(("192.0.2.1", 80), 1)
except OSError as e: print(e.strerror)'
	assert_output $'through\nsix\nNetwork is unreachable'
	assert_equal "$(records 'select(.event == "launch") | .network' | tail -n 1)" '"none"'
}

@test "--ipc=host: the host's shared memory and System V objects, where granted" {
	sed -i '/^network/a share = ipc' $POLICY
	install -m 666 /dev/null /dev/shm/host
	run as_user alice boxdo run --ipc=host tiny sh -c 'ls /dev/shm; echo x >/dev/shm/host; readlink /proc/self/ns/ipc'
	assert_output "host"$'\n'"$(readlink /proc/self/ns/ipc)"
	assert_equal "$(cat /dev/shm/host)" x
	run as_user alice boxdo run --ipc=private tiny ls /dev/shm
	assert_output ''
}

@test "--entrypoint goes before the arguments" {
	run as_user alice boxdo run --entrypoint echo tiny some words
	assert_output 'some words'
	run as_user alice boxdo run --entrypoint /bin/pwd tiny
	assert_output /home/alice
	run as_user alice boxdo run --entrypoint '' tiny echo none
	assert_output none
}

@test "-h: the host name inside, and only there" {
	run as_user alice boxdo run -h inside tiny hostname
	assert_output inside
	run as_user alice boxdo run --hostname=inside tiny cat /proc/sys/kernel/hostname
	assert_output inside
	assert_equal "$(hostname)" gpu1
	run as_user alice boxdo run tiny hostname
	assert_output gpu1
}

@test "-i -t --rm --init --read-only --pull=never change nothing" {
	run as_user alice sh -c 'echo in | boxdo run -it --rm --init --read-only --pull=never --sig-proxy=true tiny cat'
	assert_success
	assert_output in
	for options in --read-only -i; do
		run as_user alice boxdo run $options tiny touch /usr/x
		assert_match 'Read-only file system'
	done
}

@test "--tmpfs and --shm-size: empty, writable, as large as said" {
	run as_user alice boxdo run --tmpfs /usr/share:size=2m --tmpfs /new --shm-size=3m python sh -c \
		'ls -A /usr/share /new; echo x >/usr/share/x; echo x >/new/x; stat -f -c %T:%b*%S /usr/share /new /dev/shm
		head -c 4m /dev/zero >/dev/shm/x; stat -c %a /new /dev/shm'
	assert_match $'tmpfs:512\\*4096\n'
	assert_match $'tmpfs:768\\*4096\n'
	assert_match 'No space left on device'
	assert_match $'1777\n1777$'
}

@test "--device: granted nodes work, the rest of /dev stays away" {
	sed -i '/^network/a devices = /dev/fuse /dev/extra/*' $POLICY
	mkdir -p /dev/extra && mknod -m 666 /dev/extra/zero c 1 5
	ln -s extra/zero /dev/link
	run as_user alice boxdo run --device /dev/extra/zero --device=/dev/fuse:/dev/fuse:rwm tiny sh -c \
		'head -c 3 /dev/extra/zero | wc -c; test -c /dev/fuse && ls /dev/extra'
	assert_output $'3\nzero'
	run as_user alice boxdo run --device /dev/link tiny sh -c 'head -c 3 /dev/extra/zero | wc -c'
	assert_output 3
	run as_user alice boxdo run tiny ls /dev/extra
	assert_status 1
	assert_equal "$(records 'select(.event == "launch" and .devices) | .devices | join(" ")' | head -n 1)" '"/dev/extra/zero /dev/fuse"'
	rm -r /dev/link /dev/extra
}

@test "--ulimit: soft and hard, within one's own" {
	run as_user alice boxdo run --ulimit nofile=100:200 --ulimit core=0 --ulimit stack=1048576 tiny sh -c \
		'ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -s'
	assert_output $'100\n200\n0\n1024'
	run as_user alice bash -c 'ulimit -n 500; boxdo run --ulimit nofile=501 tiny true'
	assert_status 125
	assert_match 'a limit \(--ulimit\) cannot be set: .*may not be above your own'
	run as_user alice boxdo run --ulimit nonsense=1 tiny true
	assert_status 125
}

@test "--contain and --no-home: neither home nor working directory, but what is asked for" {
	run as_user alice boxdo run --contain tiny sh -c 'pwd; ls -d /home/alice; echo $HOME'
	assert_output $'/\nls: /home/alice: No such file or directory\n/home/alice'
	run as_user alice boxdo run --contain -v /data tiny cat /data/README
	assert_output 'what everyone may read'
	mkdir -p /work/here && chown alice: /work/here
	run as_user_in /work/here alice boxdo run --no-home tiny sh -c 'pwd; ls -d /home/alice'
	assert_output $'/work/here\nls: /home/alice: No such file or directory'
	run as_user alice boxdo run --contain -v /home/alice:/h tiny sh -c 'cat /h/hello.txt'
	assert_output 'hello from alice'
}
