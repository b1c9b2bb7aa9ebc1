#!/usr/bin/env bats
# What a command finds inside: who it is, what it was given back of its caller's, what is mounted.
load ../lib/common

setup_file() {
	# What two processes are compared by; the same text outside and inside.
	cat >/home/alice/state.py <<-'END'
		import os, resource
		for name in sorted(n for n in dir(resource) if n.startswith("RLIMIT_")):
		    print(name, *resource.getrlimit(getattr(resource, name)))
		print("umask %o" % os.umask(0), "nice", os.nice(0), "scheduler", os.sched_getscheduler(0))
		print("cpus", sorted(os.sched_getaffinity(0)))
		print("oom", open("/proc/self/oom_score_adj").read().strip())
		for line in open("/proc/self/status"):
		    if line.split(":")[0] in ("SigBlk", "SigIgn", "SigCgt", "Groups", "Uid", "Gid"):
		        print(line.strip())
	END
	chmod 644 /home/alice/state.py
}

# python TEXT...: runs it as alice in the python image, options before -c by OPTIONS.
python() {
	# shellcheck disable=SC2086
	as_user alice boxdo run ${OPTIONS-} python python3 -c "$@"
}

@test "who: the caller's ids and groups, with names that resolve" {
	run as_user alice boxdo run python id
	assert_output 'uid=2001(alice) gid=2001(alice) groups=2001(alice),2101(ml)'
	run as_user bob boxdo run tiny id
	assert_output 'uid=2002(bob) gid=2002(bob) groups=2002(bob),2101(ml),2102(phys)'
	run as_user alice boxdo run python getent passwd alice
	assert_output 'alice:x:2001:2001::/home/alice:/bin/bash'
	run as_user alice boxdo run python getent group ml root nogroup
	assert_output $'ml:x:2101:alice\nroot:x:0:\nnogroup:x:65534:'
}

@test "a group without a name is called by its number, and no group is added" {
	run env -C /home/alice setpriv --reuid 2001 --regid 2001 --groups 2101,4242 --inh-caps=-all boxdo run tiny id
	assert_output 'uid=2001(alice) gid=2001(alice) groups=2101(ml),4242(group4242)'
	run setpriv --reuid 2001 --regid 2001 --clear-groups --inh-caps=-all boxdo run tiny id
	assert_output 'uid=2001(alice) gid=2001(alice)'
	run setpriv --reuid 2001 --regid 2101 --clear-groups --inh-caps=-all boxdo run tiny id
	assert_output 'uid=2001(alice) gid=2101(ml)'
}

@test "no capability, no way to one, a filter, and only descriptors 0 to 2" {
	exec 7</etc/passwd 8>/dev/null
	run as_user alice boxdo run python sh -c 'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status; ls /proc/self/fd'
	exec 7<&- 8>&-
	assert_output "$(printf '%s:\t0000000000000000\n' CapInh CapPrm CapEff CapBnd CapAmb)"$'\nNoNewPrivs:\t1\nSeccomp:\t2\n0\n1\n2\n3'
}

@test "limits, umask, priority, affinity, ignored and blocked signals are as outside" {
	cat >/home/alice/compare <<-'END'
		trap '' HUP USR1
		ulimit -Sn 777; ulimit -Hn 2222; ulimit -Sc 0; ulimit -Ss 4096; ulimit -Hs 65536; ulimit -Su 5000
		ulimit -f 123456; ulimit -v 40000000; ulimit -Sl 32; ulimit -Sq 1000; ulimit -i 999; ulimit -t 1000
		umask 027
		wrap="env --block-signal=USR2,TERM nice -n 7 taskset -c 1 choom -n 300 --"
		$wrap "$@" ~/state.py
	END
	as_user alice bash compare /usr/bin/python3 >"$BATS_TEST_TMPDIR/outside"
	as_user alice bash compare boxdo run python python3 >"$BATS_TEST_TMPDIR/inside"
	diff "$BATS_TEST_TMPDIR/outside" "$BATS_TEST_TMPDIR/inside"
	local nice=$(($(nice) + 7)) # and no more than there is
	grep -q "umask 27 nice $((nice > 19 ? 19 : nice)) " "$BATS_TEST_TMPDIR/inside"
	grep -q '^cpus \[1\]' "$BATS_TEST_TMPDIR/inside"
	grep -q '^SigBlk:.0000000000004800' "$BATS_TEST_TMPDIR/inside"
	# HUP and USR1, besides what whoever started the tests ignores.
	local ignored
	ignored=$(sed -n 's/^SigIgn:.*\(.\{8\}\)$/\1/p' "$BATS_TEST_TMPDIR/inside")
	(((0x$ignored & 0x201) == 0x201))
}

@test "without any of that: nothing is changed either" {
	as_user alice /usr/bin/python3 /home/alice/state.py >"$BATS_TEST_TMPDIR/outside"
	as_user alice boxdo run python python3 state.py >"$BATS_TEST_TMPDIR/inside"
	diff "$BATS_TEST_TMPDIR/outside" "$BATS_TEST_TMPDIR/inside"
}

@test "scheduling classes come along" {
	for class in --batch --idle; do
		run as_user alice chrt $class 0 boxdo run python python3 -c 'import os; print(os.sched_getscheduler(0))'
		assert_output "$(as_user alice chrt $class 0 /usr/bin/python3 -c 'import os; print(os.sched_getscheduler(0))')"
	done
	# Who may have a real-time class (limits.conf) may not have root's processes run in it.
	chrt --fifo 5 "$TOP/tests/lib/as" alice boxdo run python python3 -c 'import os, time
print(os.sched_getscheduler(0), os.sched_getparam(0).sched_priority, flush=True); time.sleep(777)' >"$BATS_TEST_TMPDIR/class" 3>&- &
	wait_for test -s "$BATS_TEST_TMPDIR/class"
	run cat "$BATS_TEST_TMPDIR/class"
	assert_output '1 5'
	run chrt -p "$(pgrep -x boxdo-super)"
	assert_match 'SCHED_OTHER'
	kill -KILL "$(pgrep -x boxdo)"
	wait $! || true
	every_launch_has_its_end
}

@test "a pending timer of the caller's neither kills the launch nor reaches the command" {
	run as_user alice perl -MTime::HiRes=setitimer,ITIMER_REAL -e \
		'setitimer(ITIMER_REAL, 0.02); exec @ARGV' boxdo run tiny sleep 0.2
	assert_success
}

@test "processes: its own PID namespace, INIT is 1, nobody else is seen" {
	run as_user alice boxdo run tiny sh -c 'echo $$; echo /proc/[0-9]*'
	assert_output $'2\n/proc/1 /proc/2'
	run as_user alice boxdo run tiny cat /proc/1/comm
	assert_output boxdo-init
	run as_user alice boxdo run tiny sh -c 'readlink /proc/self/ns/user'
	assert_output "$(readlink /proc/self/ns/user)"
	run as_user alice boxdo run tiny sh -c 'readlink /proc/self/ns/ipc'
	[[ $output != "$(readlink /proc/self/ns/ipc)" ]]
}

@test "orphans are reaped by INIT, and end with the command" {
	run as_user alice boxdo run tiny sh -c '(true & ) ; sleep 0.2; grep -l "State:.Z" /proc/[0-9]*/status; (sleep 60 &); exit 4'
	assert_status 4
	assert_output ''
	every_launch_has_its_end
	run pgrep -u alice sleep
	assert_status 1
}

@test "what shows or steers the machine is masked, and stays so" {
	run as_user alice boxdo run tiny sh -c 'for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do
		[ ! -e $f ] || cat $f | wc -c; done; ls -A /proc/acpi /proc/scsi /sys/firmware 2>/dev/null; true'
	assert_success
	refute_match '[1-9]'
	for file in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/default_smp_affinity /sys/power/state; do
		[[ -e $file ]] || continue
		run as_user alice boxdo run tiny sh -c "echo x >$file"
		assert_match 'Read-only file system|Permission denied'
	done
	run as_user alice boxdo run python findmnt -rno TARGET,OPTIONS
	for read_only in / /proc/sys /proc/bus /proc/fs /proc/irq /sys /dev; do
		assert_match "(^|"$'\n'")$read_only ro,"
	done
	# Every mount is nosuid; only /dev, what is in it and masks made of it may have device nodes.
	assert_equal "$(grep -v nosuid <<<"$output")" ''
	assert_equal "$(grep -v nodev <<<"$output" | grep -v '^/dev \|^/dev/pts \|^/proc/')" ''
}

@test "the account files are ours, whatever the root is: an overlay, the image itself, a writable one" {
	local whole=/srv/images/whole
	cp -p "$POLICY" "$BATS_TEST_TMPDIR/policy"
	cp -a /srv/images/dir $whole
	# It lacks no mount point, so there is nothing to lay over it.
	mkdir -p $whole/{proc,sys,dev,tmp,var/tmp,home/alice,data,etc} && touch $whole/etc/{resolv.conf,hosts,localtime}
	# The name of another file of the image, and a link: neither is followed.
	echo theirs:x:2001:2001::/:/bin/sh >$whole/etc/passwd && ln -sfT passwd $whole/etc/group
	rm -rf /srv/images/linked && cp -a $whole /srv/images/linked
	mv /srv/images/linked/etc /srv/images/linked/real && ln -s real /srv/images/linked/etc && rm -r /srv/images/linked/home
	policy "$(catalogue)
[image whole]
path = $whole
[image linked]
path = /srv/images/linked
[allow a]
users = alice
images = *
scratch = 4M
binds = /data ~:rw"
	for image in tiny dir whole linked; do
		for option in --read-only --scratch; do
			run as_user alice boxdo run $option $image sh -c 'grep -c . /etc/passwd /etc/group; cat /etc/passwd; echo x >/etc/passwd || echo x >>/etc/group || echo refused'
			assert_success
			assert_match '^/etc/passwd:3'$'\n''/etc/group:[1-9]'
			assert_match $'\n''alice:x:2001:2001:'
			assert_match 'refused$'
			refute_match theirs
		done
	done
	assert_equal "$(cat $whole/etc/passwd)" theirs:x:2001:2001::/:/bin/sh
	# Who wants a file of their own there has it, above ours.
	echo mine >/data/passwd
	run as_user alice boxdo run -v /data/passwd:/etc/passwd tiny cat /etc/passwd
	assert_output mine
	rm -rf $whole /srv/images/linked /data/passwd
	cp -p "$BATS_TEST_TMPDIR/policy" "$POLICY"
}

@test "nothing of the host's root is left: no other path leads out" {
	run as_user alice boxdo run python sh -c 'cat /proc/self/mountinfo; ls /proc/1/root/ /run /srv'
	refute_match 'images'
	refute_match '/fuse/alice|stage-var|hugetlbfs'
	run as_user alice boxdo run tiny ls /proc/1/cwd/
	refute_match 'journal'
}

@test "/dev: the safe nodes work, and there are no others" {
	run as_user alice boxdo run tiny sh -c 'cd /dev; ls | xargs; echo x >null; head -c 4 zero | wc -c
		head -c 4 urandom | wc -c; head -c 4 random | wc -c; echo x >full; ls -l /dev/fd/ | wc -l; mknod /tmp/x c 1 3'
	assert_match '^fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'$'\n''4'$'\n''4'$'\n''4'
	assert_match 'No space left on device'
	assert_match 'mknod.*(not permitted|denied)'
	run as_user alice sh -c "boxdo run tiny sh -c 'echo out >/dev/stdout; echo in | cat /dev/stdin' | cat"
	assert_output $'out\nin'
	run as_user alice boxdo run tiny sh -c 'echo x >/dev/new; rm /dev/null'
	assert_match 'Read-only file system.*Read-only file system'
}

@test "terminals can be made: openpty, script" {
	run python 'import os, pty; master, slave = pty.openpty(); print(os.ttyname(slave), os.isatty(slave))'
	assert_output '/dev/pts/0 True'
	run as_user alice boxdo run python script -qec 'tty; stty size' /dev/null
	assert_match '/dev/pts/0'
	run python 'import pty; pty.spawn(["sh", "-c", "tty; exit 3"])'
	assert_match '^/dev/pts/0'
}

@test "shared memory: as large as the host's, writable, its own; message queues too" {
	run as_user alice boxdo run python stat -f -c '%b %S %T' /dev/shm
	assert_output "$(stat -f -c '%b %S %T' /dev/shm)"
	run python 'from multiprocessing import shared_memory, Lock, Queue
	m = shared_memory.SharedMemory(create=True, size=1 << 20); m.buf[0] = 1; Lock()
	q = Queue(); q.put(1); print(q.get()); m.close(); m.unlink()'
	run python 'from multiprocessing import shared_memory, Lock
m = shared_memory.SharedMemory(create=True, size=1 << 20); m.buf[0] = 1; Lock(); m.close(); m.unlink(); print("shm")'
	assert_output shm
	touch /dev/shm/outside /dev/mqueue/outside
	chmod 666 /dev/shm/outside
	run as_user alice boxdo run tiny sh -c 'ls /dev/shm /dev/mqueue; stat -c %a /dev/shm; touch /dev/mqueue/mine && ls /dev/mqueue'
	assert_output $'/dev/mqueue:\n\n/dev/shm:\n1777\nmine'
	[[ ! -e /dev/mqueue/mine ]]
}

@test "/tmp and /var/tmp are private, writable, sticky, and gone afterwards" {
	touch /tmp/outside
	run as_user alice boxdo run python sh -c 'ls -A /tmp /var/tmp; stat -c %a /tmp /var/tmp; touch /tmp/mine /var/tmp/mine
		printf "#!/bin/sh\necho ran\n" >/tmp/x; chmod +x /tmp/x; /tmp/x'
	assert_output $'/tmp:\n\n/var/tmp:\n1777\n1777\nran'
	[[ ! -e /tmp/mine && ! -e /var/tmp/mine ]]
	run as_user alice boxdo run tiny ls -A /tmp
	assert_output ''
}

@test "/etc: accounts made, resolv.conf, hosts and localtime the host's" {
	echo '192.0.2.1 somewhere' >>/etc/hosts
	echo 'nameserver 192.0.2.53' >/etc/resolv.conf
	run as_user alice boxdo run python sh -c 'cmp /etc/hosts /dev/fd/3 3</dev/null; grep somewhere /etc/hosts; cat /etc/resolv.conf'
	assert_match '192.0.2.1 somewhere'
	assert_match 'nameserver 192.0.2.53'
	ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime
	run as_user alice boxdo run python date +%Z
	assert_output JST
	for file in passwd group hosts resolv.conf localtime; do
		run as_user alice boxdo run tiny sh -c "echo x >>/etc/$file"
		assert_status 1
	done
}

@test "the environment: the caller's, but for what only means something outside" {
	run as_user alice env -i PATH=/usr/bin:/outside HOME=/wrong USER=wrong FOO='a b=c' SLURM_JOB_ID=1 CUDA_VISIBLE_DEVICES=0 \
		LC_ALL=C.UTF-8 LD_LIBRARY_PATH=/x LD_BIND_NOW=1 PYTHONPATH=/x PYTHONHOME=/x PERL5LIB=/x BASH_ENV=/x ENV=/x TMPDIR=/x \
		XDG_RUNTIME_DIR=/x SHELL=/bin/zsh 'BASH_FUNC_f%%=() { :; }' GLIBC_TUNABLES=x container=no BOXDO_ID=forged SUDO_USER=x \
		/usr/bin/boxdo run tiny /bin/env
	assert_success
	assert_equal "$(sed 's/^BOXDO_ID=[0-9a-f]\{32\}$/BOXDO_ID=ID/' <<<"$output" | sort)" "BOXDO_ID=ID
BOXDO_IMAGE=tiny
CUDA_VISIBLE_DEVICES=0
FOO=a b=c
HOME=/home/alice
LC_ALL=C.UTF-8
LOGNAME=alice
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
SLURM_JOB_ID=1
USER=alice
container=boxdo"
	id=$(sed -n 's/^BOXDO_ID=//p' <<<"$output")
	assert_equal "$(count_records BOXDO_ID="$id" BOXDO_EVENT=launch)" 1
}

@test "without an environment at all" {
	run as_user alice env -i /usr/bin/boxdo run tiny sh -c 'echo $HOME $USER; which env'
	assert_output $'/home/alice alice\n/usr/bin/env'
}

@test "home and working directory are there, under the names they have outside" {
	run as_user alice boxdo run tiny sh -c 'pwd; cat hello.txt; echo new >new; stat -c %u:%g new'
	assert_output $'/home/alice\nhello from alice\n2001:2001'
	assert_equal "$(cat /home/alice/new)" new
	mkdir -p /work/area/deep && chown -R alice: /work/area
	run as_user_in /work/area/deep alice boxdo run tiny sh -c 'pwd; touch made; ls /work/area'
	assert_output $'/work/area/deep\ndeep'
	[[ -e /work/area/deep/made ]]
	run as_user alice sh -c 'cd /fuse/alice && boxdo run tiny sh -c "pwd; cat secret"'
	assert_output $'/fuse/alice\nseen by alice alone'
}

@test "a working directory that is not granted: HOME, and a line that says so" {
	run as_user_in /etc alice boxdo run tiny pwd
	assert_success
	output=$(LC_ALL=C sort -r <<<"$output") # HANDLE's line and the command's come in any order
	assert_match '^boxdo: /etc is not in the container \(allow research .*\), so the command starts in /home/alice'$'\n''/home/alice$'
	rmdir_later=/home/alice/gone
	mkdir $rmdir_later && chown alice: $rmdir_later
	run as_user alice sh -c 'cd gone && rmdir ../gone && boxdo run tiny pwd'
	assert_success
	grep -qx /home/alice <<<"$output"
}

@test "a home behind a symbolic link: there as ~ and as where it leads" {
	mkdir -p /export/homes
	cp $POLICY "$BATS_TEST_TMPDIR/policy"
	mv /home/alice /export/homes/alice
	mkdir /export/homes/alice/project && chown alice: /export/homes/alice/project
	ln -s /export/homes/alice /home/alice
	policy "$(catalogue)" '[allow home]' 'users = alice' 'images = *' 'binds = ~:rw'
	run as_user_in /home/alice/project alice boxdo run tiny sh -c 'pwd; cat ~/hello.txt'
	rm /home/alice
	mv /export/homes/alice /home/alice
	cp "$BATS_TEST_TMPDIR/policy" $POLICY
	assert_output $'/export/homes/alice/project\nhello from alice'
}

@test "files keep their owners and permissions: no more than outside" {
	run as_user alice boxdo run -v /data tiny sh -c 'cat /data/ml/weights; echo x >/data/ml/weights'
	assert_match 'what group ml may read'
	assert_match 'Read-only file system'
	cp $POLICY "$BATS_TEST_TMPDIR/policy"
	policy <<-END
		$(catalogue)
		[allow all]
		users = *
		images = *
		binds = /data:rw ~:rw
	END
	run as_user mallory boxdo run -v /data tiny cat /data/ml/weights
	assert_match 'Permission denied'
	run as_user alice boxdo run -v /data tiny sh -c 'echo x >/data/README'
	cp "$BATS_TEST_TMPDIR/policy" $POLICY
	assert_match 'Permission denied'
}

@test "/sys is read-only and shows the own cgroup" {
	run as_user alice boxdo run tiny sh -c 'grep ^0:: /proc/self/cgroup; ls /sys/fs/cgroup/user.slice/alice/cgroup.procs; touch /sys/x'
	assert_match '^0::/user.slice/alice'
	assert_match 'cgroup.procs'
	assert_match 'touch: /sys/x: '
}
