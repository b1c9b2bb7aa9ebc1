#!/usr/bin/env bats
# The small mount namespace that containers' are cloned from: what it saves, what it changes (nothing), and all that
# can be wrong with it.
load ../lib/common

PIN=/run/boxdo/pin

# entered: the setns calls of a launch's helper
entered() {
	strace -f -e trace=setns -o "$BATS_TEST_TMPDIR/trace" -u alice boxdo run dir true >/dev/null || return
	calls "$BATS_TEST_TMPDIR/trace"
}
calls() { # TRACE
	grep -cE '(setns\(|setns resumed>).*= 0' "$1" || true
}

# born: $mounts are those of the namespace INIT is born in. It is stopped before it has mounted anything: first of all
# that concerns its namespaces it sets the host name.
born() {
	local trace=$BATS_TEST_TMPDIR/trace strace init
	rm -f "$trace"
	strace -f -e trace=setns,sethostname -e inject=sethostname:signal=STOP -o "$trace" -u alice \
		boxdo run --hostname born dir true >/dev/null 3>&- &
	strace=$!
	wait_for -t 60 grep -q 'stopped by SIGSTOP' "$trace"
	init=$(awk '/stopped by SIGSTOP/ { print $1; exit }' "$trace")
	mounts=$(wc -l <"/proc/$init/mountinfo")
	kill -CONT "$init"
	wait $strace
}

# What a container can see of itself, but for numbers that are others each time.
picture() {
	as_user_in /home/alice alice boxdo run -v /data:/data tiny sh -c 'sed -E "s/^[0-9]+ [0-9]+ [0-9]+:[0-9]+ //; s,/dev/loop[0-9]+,/dev/loop,; s/(size|nr_inodes)=[0-9]+k?//g" /proc/self/mountinfo
		stat -c "%A %U %G %n" /* /dev/* /home/*; id; pwd; ls -l /proc/self/ns | grep -c mnt; set -- /proc/[0-9]*; echo $#'
}

teardown() {
	rm -rf --one-file-system $PIN/* 2>/dev/null || true
	umount -R $PIN 2>/dev/null || true
	rm -rf --one-file-system $PIN
	/usr/libexec/boxdo/boxdo-pin
}

@test "there at boot, used, empty, and root's alone" {
	assert_equal "$(stat -c '%U:%G %a' $PIN)" 'root:root 700'
	assert_equal "$(entered)" 2
	for try in "ls $PIN" "cat $PIN/ns" "nsenter --mount=$PIN/ns true" "readlink $PIN/ns" "touch $PIN/x"; do
		run as_user alice sh -c "$try"
		[[ $status -ne 0 ]]
	done
	# Three mounts, nothing of the host.
	run python3 - $PIN/ns <<-'END'
		import ctypes, os, sys
		ns = os.open(sys.argv[1], os.O_RDONLY)
		if ctypes.CDLL(None, use_errno=True).setns(ns, 0x20000):
		    sys.exit(os.strerror(ctypes.get_errno()))
		print(open("/proc/self/mountinfo").read().count("\n"), sorted(os.listdir("/")), os.listdir("/run/boxdo"))
		try:
		    os.mkdir("/x")
		except OSError as error:
		    print(error.strerror)
	END
	assert_output "3 ['proc', 'run'] []"$'\n''Read-only file system'
}

@test "a container is the same with it and without it" {
	with=$(picture)
	umount $PIN/ns
	assert_equal "$(entered)" 0
	assert_equal "$(picture)" "$with"
	[[ $with == *'uid=2001(alice)'* ]]
}

@test "the container's root covers its empty one: nothing is taken off, and no way leads below" {
	local trace=$BATS_TEST_TMPDIR/trace init
	taken_off() {
		strace -f -e trace=umount2,pivot_root,chroot -o "$trace" -u alice boxdo run dir true >/dev/null
		sed -nE 's/.*(umount2|pivot_root|chroot)(\(| resumed).* = 0$/\1/p' "$trace" | sort | uniq -c | xargs
	}
	assert_equal "$(taken_off)" '3 chroot' # INIT, SUPERVISOR on its way back and into its empty root
	cat >/home/alice/below.py <<-'END'
		import ctypes, os, time
		same = lambda a, b: os.path.samestat(os.stat(a), os.stat(b))
		print(same("/", "/.."), same("/", "/proc/self/root/../.."), os.listdir("/") == os.listdir("/../.."))
		libc = ctypes.CDLL(None)
		print("umount", libc.umount2(b"/", 2), "user", libc.unshare(0x10020000), "chroot", libc.chroot(b"/.."), flush=True)
		time.sleep(600)
	END
	chmod 644 /home/alice/below.py
	as_user alice boxdo run python python3 below.py >"$BATS_TEST_TMPDIR/out" 3>&- &
	wait_for grep -q chroot "$BATS_TEST_TMPDIR/out"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/out")" $'True True True\numount -1 user -1 chroot -1'
	# Nor for an admin who looks in.
	init=$(pgrep -x boxdo-init)
	assert_equal "$(nsenter --target "$init" --mount ls / | xargs)" "$(as_user alice boxdo run python ls / | xargs)"
	# And a user namespace in there, were there no filter, gets no /proc without our masks: what is hidden counts as visible.
	run python3 - "$init" <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		def call(name, *arguments):
		    if getattr(libc, name)(*arguments) != 0:
		        print(name, os.strerror(ctypes.get_errno()), flush=True)
		        os._exit(1)
		call("setns", os.pidfd_open(int(sys.argv[1])), 0x20020000)
		def child(run):
		    pid = os.fork()
		    if pid == 0:
		        run()
		        os._exit(0)
		    os.waitpid(pid, 0)
		def mounts():
		    call("mount", b"proc", b"/tmp", b"proc", 0, None)
		    print("mounted")
		def user():
		    os.setgroups([]); os.setgid(2001); os.setuid(2001)
		    call("unshare", 0x30020000)
		    child(mounts)
		child(user)
	END
	assert_output 'mount Operation not permitted'
	boxdo stop --user alice
	wait
	# Where it is not to be had, the host's is taken off.
	umount $PIN/ns
	assert_equal "$(taken_off)" '1 chroot 1 pivot_root 1 umount2'
}

@test "who binds what is above it does not take it along, or nothing could be bound there" {
	mkdir -p /run/below
	printf '\n[allow run]\nusers = alice\nimages = tiny\nbinds = /run\n' >>"$POLICY"
	for _ in 1 2 3 4; do
		run as_user alice boxdo run --contain -v /run:/host:ro tiny sh -c 'grep -c boxdo/pin /proc/self/mountinfo; ls -d /host/below'
		assert_output 0$'\n'/host/below
	done
	sed -i '/^\[allow run\]/,$d' "$POLICY"
}

@test "two thousand mounts more are not copied for a launch, and the container sees none of them" {
	mkdir -p /run/many
	mount -t tmpfs many /run/many
	mount --make-private /run/many
	python3 - <<-'END'
		import ctypes, os
		libc = ctypes.CDLL(None, use_errno=True)
		for i in range(2000):
		    os.mkdir(f"/run/many/{i}")
		    if libc.mount(b"/run/many", f"/run/many/{i}".encode(), None, 4096, None):
		        raise OSError(ctypes.get_errno())
	END
	run as_user alice boxdo run dir grep -c many /proc/self/mountinfo
	assert_output 0
	born
	assert_equal "$mounts mounts, entered $(calls "$BATS_TEST_TMPDIR/trace")" '3 mounts, entered 2'
	umount $PIN/ns
	born
	umount --lazy /run/many
	# So it is the pin that saves copying them.
	((mounts > 2000))
	assert_equal "$(calls "$BATS_TEST_TMPDIR/trace")" 0
}

@test "whatever is wrong with it, launches go on without it" {
	wrong() { # HOW
		assert_equal "$1: $(entered)" "$1: 0"
		run as_user alice boxdo run tiny cat /etc/os-release
		assert_output ID=tiny
	}
	umount $PIN/ns
	wrong 'an empty file'
	mount --bind /proc/1/ns/uts $PIN/ns
	wrong 'another kind of namespace'
	umount $PIN/ns
	rm $PIN/ns
	wrong 'no file'
	mkfifo $PIN/ns
	wrong 'a pipe'
	rm $PIN/ns
	ln -s /proc/1/ns/mnt $PIN/ns
	wrong 'a link'
	rm $PIN/ns
	touch $PIN/ns
	# Somebody else's namespace: its root is no tmpfs, or none of ours (a diskless host's). It is left again at once.
	# Only a younger one may be bound, and each processor hands out numbers, which are the ages, of its own (boxdo-pin).
	cp /srv/images/dir/bin/busybox /run/
	for root in 'exec sleep 60' 'mount -t tmpfs none /mnt && cd /mnt && cp /run/busybox . && mkdir proc run old && mkdir run/boxdo &&
		mount --rbind /proc proc && pivot_root . old && exec /busybox sleep 60'; do
		bound=
		for cpu in $(seq 0 $(($(nproc --all) - 1))); do
			taskset -c "$cpu" unshare --mount --propagation private sh -c "$root" 3>&- &
			other=$!
			wait_for grep -qxE 'sleep|busybox' /proc/$other/comm # the link is nothing for a moment of each execve
			! mount --bind /proc/$other/ns/mnt $PIN/ns || bound=yes
			kill $other
			[[ ! $bound ]] || break
		done
		[[ $bound ]]
		assert_equal "$(entered)" 2
		run as_user alice boxdo run -v /data tiny sh -c 'cat /etc/os-release; ls /data'
		assert_success
		strace -f -e trace=pivot_root -o "$BATS_TEST_TMPDIR/trace" -u alice boxdo run dir true >/dev/null
		grep -q 'pivot_root.*= 0$' "$BATS_TEST_TMPDIR/trace" # it is the host's that was cloned
		umount $PIN/ns
	done
	/usr/libexec/boxdo/boxdo-pin
	chmod 755 $PIN
	wrong 'a directory that others may enter'
	chmod 700 $PIN
	chown alice $PIN
	wrong "alice's"
	chown root $PIN
	assert_equal "$(entered)" 2
	umount -R $PIN
	rm -r $PIN
	ln -s /tmp $PIN
	wrong 'a link for a directory'
	run /usr/libexec/boxdo/boxdo-pin
	assert_status 1
	assert_match "^boxdo: $PIN is not root's alone"
	rm $PIN
	/usr/libexec/boxdo/boxdo-pin
	/usr/libexec/boxdo/boxdo-pin
	assert_equal "$(entered)" 2
	assert_equal "$(grep -c " $PIN" /proc/self/mountinfo)" 2
}

@test "sessions with mounts of their own, and images of one's own, do without" {
	printf '\n[allow own]\nusers = alice\nuser_images = yes\nbinds = ~:rw .:rw\n' >>$POLICY
	install -o alice -m 600 /srv/images/tiny.sqfs /home/alice/own.sqfs
	run as_user alice boxdo run /home/alice/own.sqfs cat /etc/os-release
	assert_success
	assert_match ID=tiny
	run unshare --mount --propagation private -- "$TOP/tests/lib/as" alice boxdo run tiny cat /etc/os-release
	assert_output ID=tiny
	every_launch_has_its_end
}

@test "a caller in a chroot: there and back, and the record is whole" {
	mkdir /run/jail
	mount --rbind / /run/jail
	mount --bind $PIN/ns /run/jail$PIN/ns
	rm -f /tmp/trace
	run strace -f -e trace=setns,chroot -o /tmp/trace chroot /run/jail "$TOP/tests/lib/as" alice boxdo run dir cat /etc/os-release
	assert_success
	assert_output ID=tiny
	assert_equal "$(calls /tmp/trace)" 2
	rm /tmp/trace
	umount --recursive --lazy /run/jail
	rmdir /run/jail
	every_launch_has_its_end
}
