#!/usr/bin/env bats
# A writable root: granted by scratch, asked for with --scratch and by the command lines of others; in memory, as large as
# granted, gone at the end with a line that says so.
load ../lib/common

setup() {
	rules 'scratch = 8M'
}

rules() { # LINE...: of alice's one rule
	policy "$(catalogue)" '[allow a]' 'users = alice' 'images = *' 'binds = ~:rw /data' 'network = host none' "$@"
}
last() { # FIELD, of the last launch
	raw_records BOXDO_EVENT=launch | tail -n 1 | jq -r ".BOXDO_$1"
}
# What an image is, byte by byte; SquashFS is read-only by itself.
sums() {
	{ sha256sum /srv/images/*.sqfs && tar -C /srv/images -c dir | sha256sum; } | sha256sum
}

@test "every file of the image can be changed, also root's own, and the image is as before" {
	local image before
	before=$(sums)
	for image in tiny dir python; do
		run as_user alice boxdo run --contain --scratch $image sh -c 'cd / && echo new >/etc/os-release && echo x >/bin/mine &&
			rm /usr/bin/env && mkdir -p /top /usr/lib/deep /opt2 && mv /root /toor && ln -s x /etc/link && ln /etc/os-release /hard &&
			chmod 600 /etc/os-release && chmod 755 /bin/mine && cat /hard && stat -c %u:%g / /etc /usr /bin/mine | sort -u'
		assert_success
		assert_equal "${lines[0]}" new
		assert_equal "${lines[1]}" 2001:2001
		assert_equal ${#lines[@]} 3
		assert_match $'boxdo: discarded with the writable root: [0-9]+ KiB, in [0-9]+ new or changed files and directories$'
	done
	assert_equal "$(sums)" "$before"
	run as_user alice boxdo run --contain --scratch tiny sh -c 'cat /etc/os-release; ls /bin/mine /top /toor'
	assert_match '^ID=tiny'
	assert_equal "$(grep -c 'No such file' <<<"$output")" 3
}

@test "nothing written: no line; without --scratch, and with --read-only, the root is read-only" {
	run as_user alice boxdo run --contain --scratch tiny cat /etc/os-release
	assert_output ID=tiny
	run as_user alice boxdo run --contain --scratch tiny sh -c 'echo x >/tmp/x; echo x >/dev/shm/x'
	assert_output ''
	run as_user alice boxdo run --contain tiny touch /x
	assert_status 1
	assert_match 'Read-only file system'
	run as_user alice boxdo run --contain --scratch --read-only tiny touch /x
	assert_status 1
	assert_match 'Read-only file system'
}

@test "the line counts: bytes, files, what was removed" {
	run as_user alice boxdo run --contain --scratch tiny sh -c 'dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null; mkdir /d; touch /d/1 /d/2'
	assert_output 'boxdo: discarded with the writable root: 3 MiB, in 4 new or changed files and directories'
	run as_user alice boxdo run --contain --scratch tiny sh -c 'echo x >/one'
	assert_output 'boxdo: discarded with the writable root: 4 KiB, in 1 new or changed files and directories'
	run as_user alice boxdo run --contain --scratch tiny sh -c 'touch /x; kill -9 $$'
	assert_status 137
	assert_match '^boxdo: discarded with the writable root: 0 KiB, in 1 '
}

@test "as large as granted, or as asked for, and no larger" {
	run as_user alice boxdo run --contain --scratch tiny sh -c 'dd if=/dev/zero of=/big bs=1M count=9; stat -c %s /big'
	assert_match 'No space left on device'
	assert_match $'\n8388608\n'
	run as_user alice boxdo run --contain --scratch=1m tiny sh -c 'dd if=/dev/zero of=/big bs=1M count=9; stat -c %s /big'
	assert_match $'\n1048576\n'
	# Empty files: 1 MiB is 256 pages, and 1024 to begin with.
	run as_user alice boxdo run --contain --scratch=1m tiny sh -c 'mkdir /d; i=0; while touch /d/$i 2>/dev/null; do i=$((i + 1)); done; echo $i'
	[[ ${lines[0]} -gt 1000 && ${lines[0]} -lt 1280 ]] || { echo "$output" && false; }
	run as_user alice boxdo run --contain --scratch=9m tiny true
	assert_status 125
	assert_match 'a writable root of 9437184 bytes is not granted, only one of 8388608 \(scratch\), by allow a'
}

@test "a rule without scratch refuses it; so does explain; on record is what was granted" {
	as_user alice boxdo run --contain --scratch=4m tiny true
	assert_equal "$(last SCRATCH)" 4194304
	as_user alice boxdo run --contain tiny true
	assert_equal "$(last SCRATCH)" null
	run as_user alice boxdo explain --scratch tiny
	assert_success
	assert_match $'\n    scratch  8388608 bytes of writable root'
	run as_user alice boxdo list
	assert_match $'\n    scratch      8M'
	run boxdo policy check
	assert_success
	rules
	run as_user alice boxdo run --contain --scratch tiny true
	assert_status 125
	assert_match 'a writable root \(scratch\) is not granted by allow a \('
	run as_user alice boxdo explain --scratch tiny
	assert_status 1
	assert_match 'refused: a writable root \(scratch\) is not granted'
}

@test "a grant adds it; the limit of a rule passed over stays" {
	rules '[grant g]' 'users = alice' 'images = tiny' 'scratch = 2M'
	run as_user alice boxdo run --contain --scratch tiny df -k /
	assert_match ' 2048 '
	run as_user alice boxdo run --contain --scratch dir true
	assert_status 125
	rules 'scratch = 1M' '[allow b]' 'users = alice' 'images = tiny' 'scratch = 4M' 'devices = /dev/null'
	run as_user alice boxdo run --contain --scratch --device /dev/null tiny df -k /
	assert_match ' 1024 '
	run as_user alice boxdo run --contain --scratch=2m tiny true
	assert_status 125
	assert_match 'a rule that was passed over limits it to 1048576'
}

@test "mount points are made in it, binds and home are what they are without" {
	run as_user alice boxdo run --scratch -v /data:/deep/in/data -v /data/README:/a/file --tmpfs /t tiny sh -c \
		'cat /deep/in/data/README /a/file; echo kept >~/kept; echo x >/t/x; pwd; touch /deep/in/mine'
	assert_match $'^what everyone may read\nwhat everyone may read\n/home/alice'
	assert_match 'deep/in/mine: Permission denied|in 1 new or changed'
	assert_equal "$(cat /home/alice/kept)" kept
	run as_user alice boxdo run --scratch -v /data tiny touch /data/x
	assert_match 'Read-only file system'
	run as_user alice boxdo run --contain --scratch -w /made/before tiny true
	assert_status 125
	run as_user alice boxdo run --contain --scratch -w /made tiny pwd
	assert_equal "${lines[0]}" /made
}

@test "docker, podman and nerdctl: writable where granted, silently not where not, never with --read-only" {
	local front
	for front in docker podman nerdctl; do
		run as_user alice boxdo $front run tiny sh -c 'echo x >/etc/x && cat /etc/x'
		assert_equal "${lines[0]}" x
		assert_match 'discarded with the writable root: 4 KiB'
		run as_user alice boxdo $front run --read-only=false tiny touch /x
		assert_success
		run as_user alice boxdo $front run --read-only tiny touch /x
		assert_match 'Read-only file system'
	done
	rules
	for front in docker podman nerdctl; do
		run as_user alice boxdo $front run tiny touch /x
		assert_match 'Read-only file system'
		run as_user alice boxdo $front run tiny true
		assert_output ''
	done
}

@test "apptainer --writable-tmpfs and --compat, enroot --rw" {
	local line
	for line in 'apptainer exec --writable-tmpfs' 'singularity exec --compat' 'enroot start --rw'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo $line tiny touch /x
		assert_success
		assert_match 'in 1 new or changed'
	done
	run as_user alice env APPTAINER_WRITABLE_TMPFS=1 boxdo apptainer exec tiny touch /x
	assert_match 'in 1 new or changed'
	rules
	for line in 'apptainer exec --writable-tmpfs' 'enroot start --rw'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo $line tiny true
		assert_status 125
		assert_match 'writable root \(scratch\) is not granted'
	done
	run as_user alice boxdo singularity exec --compat tiny touch /x
	assert_match 'Read-only file system'
}

@test "boxdo shell, another account, a rule that limits the command" {
	run as_user alice bash -c 'echo "touch /x && echo made" | boxdo shell --scratch tiny'
	assert_match 'made'
	echo 'svc:x:2010:2010::/srv/svc:/usr/sbin/nologin' >>/etc/passwd
	echo 'svc:x:2010:' >>/etc/group
	echo 'svc:!:20000::::::' >>/etc/shadow
	install -d -m 700 -o 2010 -g 2010 /srv/svc
	policy "$(catalogue)" '[allow s]' 'users = alice' 'images = tiny' 'run_as = svc' 'command = sh -c *' 'scratch = 1M'
	run as_user alice boxdo run --contain --scratch -u svc tiny sh -c 'touch /x /etc/y && stat -c %u /x /etc/y /bin | xargs'
	assert_equal "${lines[0]}" '2010 2010 2010'
	assert_match 'discarded with the writable root'
}

@test "python finds its own packages directory writable: what pip would do" {
	run as_user alice boxdo run --contain --scratch python python3 -c '
import pathlib
p = pathlib.Path(pathlib.__file__).parent
(p / "mine.py").write_text("x = 42\n")
import importlib; importlib.invalidate_caches(); import mine; print(mine.x)'
	assert_equal "${lines[0]}" 42
}

@test "images of the caller's own: / is theirs, the files stay whose they are, and a line says so" {
	rules 'user_images = yes' 'scratch = 1M'
	as_user alice cp /srv/images/tiny.sqfs /home/alice/mine.sqfs
	run as_user alice boxdo run --contain --scratch /home/alice/mine.sqfs sh -c 'mkdir /top && touch /top/x && echo made; touch /etc/x'
	assert_match '^boxdo: the image.s files do not become yours .it is not in the catalogue.'
	assert_match $'\nmade\n'
	assert_match 'etc/x: Permission denied'
	assert_match 'in 2 new or changed'
	run as_user alice boxdo docker run /home/alice/mine.sqfs touch /x
	assert_output 'boxdo: discarded with the writable root: 0 KiB, in 1 new or changed files and directories'
}

@test "nothing stays: no mount, no process, no tmpfs" {
	local before
	before=$(grep -c . /proc/self/mountinfo)
	as_user alice boxdo run --contain --scratch tiny sh -c 'dd if=/dev/zero of=/big bs=1M count=4 2>/dev/null'
	as_user alice timeout -s KILL 600 boxdo run --contain --scratch tiny sh -c 'touch /x; exec sleep 1000' 3>&- &
	wait_for pgrep -u alice -x sleep
	pkill -ALRM -u alice -x timeout
	wait $! || true
	wait_for no_inits
	every_launch_has_its_end
	assert_equal "$(grep -c . /proc/self/mountinfo)" "$before"
	every_launch_has_its_end
}
no_inits() {
	! pgrep -x boxdo-init
}
