#!/usr/bin/env bats
# timeout: 900
# What a second review of the privileged code found, each hole as it was tried: every test failed before its repair.
load ../lib/common

setup_file() {
	cp "$POLICY" /run/stage/policy.kept
	printf '%s\n' 'svc:x:2010:2010::/srv/svc:/usr/sbin/nologin' >>/etc/passwd
	printf '%s\n' 'svc:x:2010:' >>/etc/group
	printf '%s\n' 'svc:!:20000::::::' >>/etc/shadow
	install -d -m 700 -o svc -g svc /srv/svc
	# list_and_hang SECONDS: asks for the list of containers and never reads it, the pipe being full.
	cat >/usr/local/bin/list_and_hang <<-'END'
		#!/usr/bin/env python3
		import os, subprocess, sys, time
		r, w = os.pipe()
		os.set_blocking(w, False)
		try:
		    while True: os.write(w, b"x")
		except BlockingIOError: pass
		os.set_blocking(w, True)
		subprocess.Popen(["/usr/libexec/boxdo/boxdo-launch", "1", "image=tiny", "action=ps", "--"], stdout=w)
		time.sleep(float(sys.argv[1]))
	END
	# turncoat LINK: an image of one's own whose server is replaced before it has said a word, by one that calls usr a
	# directory, then a link to LINK, then a directory.
	cat >/usr/local/bin/turncoat <<-'END'
		#!/usr/bin/env python3
		import ctypes, os, signal, struct, subprocess, sys, time
		os.mkfifo("pipe.img")
		run = subprocess.Popen(["/usr/libexec/boxdo/boxdo-launch", "1", "image=/home/alice/pipe.img", "bind=/data:/new",
		    "--", "/new/busybox", "cat", "/usr/file"])
		libc, device = ctypes.CDLL(None), -1
		while device < 0 and run.poll() is None:
		    time.sleep(0.05)
		    for pid in subprocess.run(["pgrep", "-x", "squashfuse_ll"], capture_output=True, text=True).stdout.split():
		        # It waits for somebody to write into the pipe that is its image.
		        for fd in os.listdir(f"/proc/{pid}/fd"):
		            if os.readlink(f"/proc/{pid}/fd/{fd}") == "/dev/fuse":
		                device = libc.syscall(438, libc.syscall(434, int(pid), 0), int(fd), 0)
		                os.kill(int(pid), signal.SIGKILL)
		seen = 0
		def attr(node):
		    mode = 0o120777 if node == 3 else 0o40755
		    return struct.pack("<6Q10I", node, 4096, 8, 0, 0, 0, 0, 0, 0, mode, 2, 0, 0, 0, 4096, 0)
		def answer(op, node, body):
		    global seen
		    if op == 26: return 0, struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 16, 12, 65536, 1, 1, 0, *[0] * 8)
		    if op == 1:
		        name = body.split(b"\0")[0].decode()
		        if node != 1 and not (node == 9 and name == "tmp"): return -2, b""
		        child = {"usr": 2, "var": 9}.get(name, 10 + len(name))
		        if node == 1 and name not in "proc sys dev tmp var etc usr".split(): return -2, b""
		        if name == "usr":
		            seen += 1
		            child = 3 if seen in (2, 3) else 2
		        return 0, struct.pack("<4Q2I", child, 0, 0, 0, 0, 0) + attr(child)
		    if op == 3: return 0, struct.pack("<Q2I", 0, 0, 0) + attr(node)
		    if op == 5: return 0, sys.argv[1].encode()
		    if op in (14, 27): return 0, struct.pack("<Q2I", 1, 0, 0)
		    if op == 17: return 0, struct.pack("<5Q4I6I", 9, 0, 0, 9, 0, 4096, 255, 4096, 0, *[0] * 6)
		    if op in (18, 25, 28, 29, 34, 44): return 0, b""
		    return (-61 if op == 22 else -38), b""
		while device >= 0 and run.poll() is None:
		    try: question = os.read(device, 1 << 20)
		    except OSError: break
		    length, op, unique, node = struct.unpack_from("<2I2Q", question)
		    if op in (2, 36, 42): continue
		    error, data = answer(op, node, question[40:])
		    try: os.write(device, struct.pack("<IiQ", 16 + len(data), error, unique) + data)
		    except OSError: pass
		print("turned", seen)
		run.wait()
	END
	chmod 755 /usr/local/bin/list_and_hang /usr/local/bin/turncoat
}
setup() {
	cp /run/stage/policy.kept "$POLICY"
}

# alices_in_roots_cgroup: processes of alice's where she cannot freeze, limit or kill them.
alices_in_roots_cgroup() {
	pgrep -u alice -x boxdo-super
}
none_of_alices() {
	! alices_in_roots_cgroup
}

@test "who stops the process that lists containers keeps none in root's cgroup" {
	as_user alice boxdo run tiny sleep 600 3>&- &
	local runs=$!
	wait_for pgrep -u alice -x sleep
	as_user alice list_and_hang 400 3>&- &
	local hangs=$!
	wait_for alices_in_roots_cgroup
	sleep 1
	# shellcheck disable=SC2046 # one PID a word
	as_user alice kill -STOP $(alices_in_roots_cgroup)
	wait_for none_of_alices
	kill "$hangs"
	as_user alice pkill -x sleep
	wait "$runs" || true
}

@test "what a user mounts on a denied directory does not hide what is denied under another name" {
	mkdir -p /embargo/y /views /var/lib/stage-cover
	chown alice: /embargo/y /var/lib/stage-cover
	echo secret >/embargo/y/file
	# The same file system a second time, on its own: what is mounted in the one does not appear in the other.
	mount --bind /embargo /views
	mount --make-private /views
	policy "$(catalogue)" '[allow all]' 'users = alice' 'images = *' 'binds = /views /embargo' \
		'[deny it]' 'users = *' 'binds = /embargo/y'
	run as_user alice boxdo run --contain -v /views/y:/mnt tiny cat /mnt/file
	assert_status 125
	assert_match 'denied by the rule deny it'
	as_user alice setsid -- /run/stage/passthrough /var/lib/stage-cover /embargo/y >/dev/null 2>&1 3>&- &
	wait_for grep -q ' /embargo/y fuse' /proc/self/mounts # root may not look at it
	run as_user alice boxdo run --contain -v /views/y:/mnt tiny cat /mnt/file
	umount /embargo/y /views
	assert_status 125
	assert_match 'denied by the rule deny it'
}

@test "the list of containers says whom each runs as" {
	policy "$(catalogue)" '[allow nightly]' 'users = alice' 'run_as = svc' 'images = tiny'
	as_user alice boxdo run --contain -u svc tiny sleep 601 3>&- &
	local runs=$!
	wait_for pgrep -u svc -x sleep
	run as_user alice boxdo ps --format json
	pkill -u svc -x sleep
	wait "$runs" || true
	assert_match '"run_as": ?"svc"'
}

@test "the server of an image of one's own makes root follow no link out of it" {
	printf '\n[allow own]\nusers = alice\nuser_images = yes\nbinds = /data\n' >>"$POLICY"
	install -m 755 /srv/images/dir/bin/busybox /data/busybox
	as_user bob sh -c 'chmod 700 .; mkdir -p work; echo of bob >work/file; chmod 755 work; chmod 644 work/file'
	run as_user alice cat /home/bob/work/file
	refute_match 'of bob'
	run timeout 200 "$TOP/tests/lib/as" alice turncoat /home/bob/work
	assert_match 'turned [1-9]'
	refute_match 'of bob'
	rm /data/busybox
}
