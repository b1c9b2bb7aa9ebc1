#!/usr/bin/env bats
# timeout: 900
# The command as it is at the end, and what it can still do (B16, B33, B34, L1, L7, L8, L15, L19, L23, L24,
# L25, L42, L54, L56; must hold 5).
load ../lib/common
load attack

status_of() { # the command's /proc/self/status for a launch with these options
	launch_as "$1" 1 image=tiny "${@:2}" -- /bin/cat /proc/self/status
}

@test "ids, groups, capabilities, no_new_privs and seccomp, whatever was asked for" {
	local options set
	for set in '' network=none 'home=no cwd=no' ipc=private user=alice hostname=x shm-size=65536 tmpfs=/t \
		'bind=/data:/data' ulimit=nofile=64:64 entrypoint=/bin/cat; do
		read -ra options <<<"$set"
		[[ $set != entrypoint* ]] || continue
		run status_of alice "${options[@]}"
		assert_success
		assert_match $'Uid:\t2001\t2001\t2001\t2001\n'
		assert_match $'Gid:\t2001\t2001\t2001\t2001\n'
		assert_match $'Groups:\t2001 2101 ?\n'
		[[ $(grep -c $'^Cap...:\t0000000000000000$' <<<"$output") -eq 5 ]] || { grep Cap <<<"$output" && return 1; }
		assert_match $'NoNewPrivs:\t1\n'
		assert_match $'Seccomp:\t2\n'
		assert_match $'TracerPid:\t0\n'
	done
	run status_of bob
	assert_match $'Groups:\t2002 2101 2102 ?\n'
}

@test "the groups are the kernel's, not the directory's" {
	# A login from before a group was given, and one from before it was taken away.
	run setpriv --reuid 2001 --regid 2001 --clear-groups --inh-caps=-all "$LAUNCH" 1 image=tiny bind=/data:/data home=no cwd=no -- /data/attack_inside ids
	assert_success
	assert_output 'uid 2001 2001 2001 gid 2001 2001 2001 groups'
	run setpriv --reuid 2001 --regid 2001 --groups 2102,4711 --inh-caps=-all "$LAUNCH" 1 image=tiny bind=/data:/data home=no cwd=no -- /data/attack_inside ids
	assert_output 'uid 2001 2001 2001 gid 2001 2001 2001 groups 2102 4711'
	# A set-gid caller's effective group is not taken along.
	install -m 2755 -g shadow /usr/bin/env /usr/local/bin/sgenv
	run as_user alice sgenv "$LAUNCH" 1 image=tiny bind=/data:/data -- /data/attack_inside ids
	assert_output 'uid 2001 2001 2001 gid 2001 2001 2001 groups 2001 2101'
}

@test "a caller with inheritable and ambient capabilities hands none on" {
	run setpriv --reuid 2001 --regid 2001 --init-groups --inh-caps=+net_raw,+sys_admin --ambient-caps=+net_raw,+sys_admin \
		"$LAUNCH" 1 image=tiny cwd=no -- /bin/grep Cap /proc/self/status
	assert_success
	[[ $(grep -c $'^Cap...:\t0000000000000000$' <<<"$output") -eq 5 ]] || { echo "$output" && return 1; }
	# One without capabilities to begin with (a container's bounding set, without CAP_SYS_ADMIN) is told, or runs.
	run setpriv --reuid 2001 --regid 2001 --init-groups --inh-caps=-all --bounding-set=-sys_admin "$LAUNCH" 1 image=tiny -- /bin/true
	assert_status 125
	assert_one_line
}

@test "no system call gives anything back" {
	local network
	for network in host none; do
		run launch_as alice 1 image=tiny bind=/data:/data network=$network -- /data/attack_inside calls
		assert_output ''
		assert_success
	done
}

@test "the same calls work for root outside, so the test can tell" {
	run attack_inside calls
	assert_status 1
	assert_match 'worked: SYS_unshare'
}

@test "/proc, /sys, /dev and the control groups cannot be written" {
	run inside write /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_forward /proc/sysrq-trigger \
		/proc/irq/0/smp_affinity /proc/1/oom_score_adj /proc/1/mem /proc/1/uid_map /proc/kcore \
		/sys/kernel/uevent_helper /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/user.slice/alice/cgroup.procs \
		/sys/fs/cgroup/user.slice/alice/cgroup.threads /sys/fs/cgroup/cgroup.kill /sys/power/state /dev/newfile /dev/pts/newfile \
		/etc/passwd /etc/group /etc/hosts /etc/resolv.conf /bin/busybox /newfile
	assert_output ''
	assert_success
	run launch_as alice 1 image=tiny -- /bin/sh -c 'mkdir /sys/fs/cgroup/x /sys/fs/cgroup/user.slice/alice/x /dev/x /proc/x /x /etc/x; ls -d /sys/fs/cgroup/x /sys/fs/cgroup/user.slice/alice/x /dev/x /x /etc/x 2>/dev/null'
	[[ $(grep -c "mkdir: can't create" <<<"$output") -eq 6 ]] || { echo "$output" && return 1; }
	# Hidden or empty.
	run launch_as alice 1 image=tiny -- /bin/sh -c 'head -c 1 /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | grep -v "^==>" ; ls /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -v :'
	assert_output ''
}

@test "every mount is nosuid, and nodev but for /dev" {
	run launch_as alice 1 image=tiny bind=/data:/data bind=/home/alice:/h tmpfs=/t -- /bin/awk '{ print $5, $6 }' /proc/self/mountinfo
	assert_success
	[[ ${#lines[@]} -gt 10 ]]
	run grep -v nosuid <<<"$output"
	assert_output ''
	run launch_as alice 1 image=dir bind=/data:/data tmpfs=/t shm-size=65536 -- /bin/awk '$6 !~ /nosuid/ || ($6 !~ /nodev/ && $5 !~ /^\/(dev|dev\/pts|proc\/(kcore|keys|timer_list|interrupts|latency_stats|sched_debug|timer_stats))$/) { print $5, $6 }' /proc/self/mountinfo
	assert_output ''
	# Read-only: the image, what the rule grants so; nothing of the host's besides.
	run launch_as alice 1 image=tiny bind=/data:/data -- /bin/awk '$6 ~ /^rw/ { print $5 }' /proc/self/mountinfo
	run sort <<<"$output"
	assert_output $'/dev/mqueue\n/dev/pts\n/dev/shm\n/home/alice\n/proc\n/tmp\n/var/tmp'
	# And no name leads to the host's root.
	run launch_as alice 1 image=tiny -- /bin/sh -c 'cd /../..; pwd -P; ls -d /srv /work /run/stage 2>/dev/null'
	assert_output /
}

@test "PID 1 is as little as the command, and nobody sees the host's processes" {
	run launch_as alice 1 image=tiny -- /bin/sh -c 'grep -E "^(Uid|Cap|NoNew|Seccomp:)" /proc/1/status; ls -d /proc/[0-9]* | wc -l'
	assert_match $'^Uid:\t2001\t2001\t2001\t2001'
	[[ $(grep -c $'^Cap...:\t0000000000000000$' <<<"$output") -eq 5 ]]
	assert_match $'NoNewPrivs:\t1'
	[[ ${lines[-1]} -le 5 ]]
}

@test "nothing is pushed into the caller's terminal: TIOCSTI, TIOCSTI with high bits, TIOCLINUX" {
	local old=unknown
	# It is the machine's, shared with other stages, whose /sys is the same: one at a time, and put back at once.
	exec 8</sys/kernel
	flock 8
	[[ ! -e /proc/sys/dev/tty/legacy_tiocsti ]] || old=$(cat /proc/sys/dev/tty/legacy_tiocsti)
	[[ $old != 0 ]] || echo 1 >/proc/sys/dev/tty/legacy_tiocsti
	push() { # PROGRAM: what the shell that comes after it reads
		as_user alice expect -c '
			set timeout 100
			spawn -noecho sh
			expect "$ "
			send "'"$1"' push touch\\ /home/alice/pushed\r"
			expect -re {\$ $}
			sleep 0.5
			send "\r"
			expect -re {\$ $}
			send "exit\r"
			expect eof' >"$BATS_TEST_TMPDIR/screen" 2>&1 || true
	}
	push "$LAUNCH 1 image=tiny bind=/data:/data -- /data/attack_inside"
	local inside=no
	[[ ! -e /home/alice/pushed ]] || inside=yes
	rm -f /home/alice/pushed
	push /data/attack_inside
	local outside=no
	[[ ! -e /home/alice/pushed ]] || outside=yes
	[[ $old != 0 ]] || echo 0 >/proc/sys/dev/tty/legacy_tiocsti
	exec 8<&-
	assert_equal $inside no
	# Outside it works, where the kernel has it: so the test can tell.
	[[ $old == unknown ]] || assert_equal $outside yes
}

@test "the terminal's owner, mode and settings are the same before and after" {
	as_user alice expect -c '
		set timeout 100
		spawn -noecho sh -c {stat -c "%u %g %a" $(tty); stty -g; '"$LAUNCH"' 1 image=tiny cwd=no -- /bin/true; stat -c "%u %g %a" $(tty); stty -g; '"$LAUNCH"' 1 image=none -- x; stat -c "%u %g %a" $(tty); stty -g}
		expect eof' | tr -d '\r' | grep -v '^boxdo' >"$BATS_TEST_TMPDIR/screen"
	run cat "$BATS_TEST_TMPDIR/screen"
	assert_equal "${#lines[@]}" 6
	assert_equal "${lines[0]} ${lines[1]}" "${lines[2]} ${lines[3]}"
	assert_equal "${lines[0]} ${lines[1]}" "${lines[4]} ${lines[5]}"
}

@test "a program bound from the host finds neither journal nor helper" {
	run launch_as alice 1 image=tiny -- /bin/sh -c 'ls -d /run/systemd /run/boxdo /var/log/journal /usr/libexec/boxdo /etc/boxdo 2>/dev/null'
	assert_output ''
	run launch_as alice 1 image=python -- /bin/sh -c 'ls -A /run /var/log/journal /etc/boxdo 2>/dev/null | grep -E "systemd|boxdo"'
	assert_output ''
}
