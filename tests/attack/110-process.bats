#!/usr/bin/env bats
# timeout: 900
# What a process inherits across execve, and its caller chose: argv[0], descriptors, directory,
# environment, user namespace, no_new_privs, place of the program (B2, B7-B9, B22, B23, B29, B38, B40,
# B41, B56, B57, B60, L2, L3, L29, L32, L34, L48, L52).
load ../lib/common
load attack

@test "argc 0 gets no further than one line" {
	run as_user alice attack_exec -0 -- "$LAUNCH"
	assert_status 125
	[[ ${#lines[@]} -le 1 ]]
	# The kernel makes it argc 1 with an empty name: then it is a request without a version.
	[[ -z $output ]] || assert_one_line
	assert_equal "$(raw_records BOXDO_EVENT=launch | wc -l)" 0
}

@test "argv[0] is nobody's format, path, name or number" {
	local name
	for name in '' '%n%n%s%s%n' "$(printf 'x%.0s' {1..2048})" $'two\nlines' 'x) S 1 1 1 34816 ' $'\xff\xfe\e[2J' \
		-- -bash ../../../etc/passwd sudoedit; do
		run as_user alice attack_exec -a "$name" -- "$LAUNCH" 1 image=tiny -- /bin/echo there
		assert_success
		assert_output there
	done
	# Field 7 of /proc/self/stat, the terminal, is not read from the name.
	assert_equal "$(raw_records BOXDO_EVENT=launch | jq -r 'select(.BOXDO_TTY)' | wc -l)" 0
}

@test "every subset of the descriptors 0 to 2 may be closed" {
	local set fd options before
	settled
	before=$(leftovers)
	for set in 0 1 2 '0 1' '0 2' '1 2' '0 1 2'; do
		options=()
		for fd in $set; do options+=(-c "$fd"); done
		run as_user alice attack_exec "${options[@]}" -- "$LAUNCH" 1 image=tiny bind=/data:/data -- /data/attack_inside fds
		assert_success
		# Whatever was not closed still leads where it led; nothing but 0-2 is there.
		[[ $set == *1* ]] || assert_equal "${#lines[@]}" 3
		refute_match '(^|'$'\n'')[3-9]'
		refute_match '/(etc|run|srv|sys|proc|var)'
		# And a refusal does not fall over it either.
		run as_user alice attack_exec "${options[@]}" -- "$LAUNCH" 1 image=none -- /bin/true
		assert_status 125
	done
	every_launch_has_its_end
	wait_for eval '[[ $(leftovers) == "$before" ]]'
}

@test "a directory or an O_PATH descriptor on 0 to 2 is refused" {
	local fd kind
	for fd in 0 1 2; do
		for kind in -d -p; do
			run as_user alice attack_exec $kind $fd -- "$LAUNCH" 1 image=tiny -- /bin/true
			assert_status 125
			[[ $fd == 2 ]] || assert_match '^boxdo: stdin, stdout and stderr must not be directories'
		done
	done
	assert_equal "$(on_record)" "$(on_record | cut -d' ' -f1) $(raw_records BOXDO_EVENT=launch | wc -l)"
}

@test "inherited descriptors do not get in" {
	run as_user alice attack_exec -d 3 -d 9 -p 200 -o 4:/etc/passwd -o 1000:/data -- "$LAUNCH" 1 image=tiny bind=/data:/data -- /data/attack_inside fds
	assert_success
	assert_equal "$(cut -d' ' -f1 <<<"$output" | xargs)" "0 1 2"
	# Nor does a hint at one in the environment (CVE-2018-19295).
	run as_user alice attack_exec -o 9:/proc/self/ns/mnt -e SINGULARITY_MESSAGELEVEL=9 -e BOXDO_FD=9 -e NOTIFY_SOCKET=/proc/self/fd/9 \
		-- "$LAUNCH" 1 image=tiny -- /bin/ls -l /proc/self/ns/mnt
	assert_success
	refute_match "$(readlink /proc/self/ns/mnt | tr -d '[]')"
}

@test "no descriptor of the host's is a working directory inside" {
	local n
	for n in {0..20}; do
		run as_user alice attack_exec -d 3 -d 7 -- "$LAUNCH" 1 image=tiny workdir=/proc/self/fd/$n -- /bin/pwd
		assert_status 125
		assert_match "working directory /proc/self/fd/$n cannot be entered"
	done
	for n in /proc/1/root /proc/1/cwd /proc/self/root/../../proc/1/root; do
		run launch_as alice 1 image=tiny "workdir=$n" -- /bin/pwd
		assert_status 125
	done
	# A directory that is not in the container is not where the command starts.
	run as_user_in /etc alice "$LAUNCH" 1 image=tiny home=no -- /bin/sh -c 'pwd -P; ls ..'
	refute_match unreachable
	assert_match $'\n''/'$'\n'
	# One that is gone by now neither.
	run as_user alice bash -c 'mkdir gone; cd gone; rmdir ../gone; exec '"$LAUNCH"' 1 image=tiny -- /bin/pwd'
	assert_success
	assert_match '/home/alice$'
}

@test "the helper opens no file that the environment names" {
	local trace=$BATS_TEST_TMPDIR/trace variable given=()
	echo secret >/root/sentinel
	mkdir -p /root/sentinel.d
	for variable in TZ=:/root/sentinel LOCPATH=/root/sentinel.d LANG=xx_XX LC_ALL=xx_XX NLSPATH=/root/sentinel \
		GCONV_PATH=/root/sentinel.d LD_PRELOAD=/root/sentinel LD_LIBRARY_PATH=/root/sentinel.d LD_AUDIT=/root/sentinel \
		LD_DEBUG=all LD_DEBUG_OUTPUT=/root/sentinel GLIBC_TUNABLES=glibc.malloc.mxfast=glibc.malloc.mxfast=A:/root/sentinel \
		HOSTALIASES=/root/sentinel RESOLV_HOST_CONF=/root/sentinel MALLOC_TRACE=/root/sentinel TMPDIR=/root/sentinel.d \
		HOME=/root/sentinel.d XDG_CONFIG_HOME=/root/sentinel.d PATH=/root/sentinel.d 'EDITOR=x -- /root/sentinel' \
		PAGER=/root/sentinel IFS=/ BASH_ENV=/root/sentinel ENV=/root/sentinel BOXDO_POLICY=/root/sentinel \
		BOXDO_CONFIG=/root/sentinel DBUS_SYSTEM_BUS_ADDRESS=unix:path=/root/sentinel SLURM_CONF=/root/sentinel \
		SPANK_X=/root/sentinel KRB5_CONFIG=/root/sentinel LISTEN_FDS=7; do
		given+=(-E "$variable")
	done
	run traced "$trace" "${given[@]}" "$LAUNCH" 1 image=tiny -- /bin/true
	assert_success
	grep -q '"policy.conf"' "$trace" || { echo "the trace does not show the policy being read" && return 1; }
	run grep sentinel <(grep -v execve "$trace")
	assert_status 1
	# Three programs are executed, and no shell among them: the helper, what it asks PAM with, the command (B60).
	run grep -c 'execve(' "$trace"
	assert_output 3
	# Every file the policy could come from is root's, and what is written is in /run/boxdo.
	run grep -E 'O_(WRONLY|RDWR|CREAT)' "$trace"
	run grep -vE '"/run/boxdo|"/dev/(null|loop)|"/sys/fs/cgroup|/proc/self/|O_PATH|"/dev/tty"|"(oom_score_adj|state|policy)|^[0-9]+ +openat2?\([0-9]+, "' <<<"$output"
	assert_equal "$output" ""
}

@test "no signal goes to a process group, to everybody or to a number that may have been given away" {
	local trace=$BATS_TEST_TMPDIR/trace
	traced "$trace" "$LAUNCH" 1 image=tiny -- /bin/true
	traced "$trace.2" "$LAUNCH" 1 image=none -- /bin/true || true
	# INIT ends what is left in its own PID namespace, where it is process 1: here nothing, so nothing was hit.
	run bash -c "cat '$trace' '$trace.2' | grep -vE 'kill\(-1, SIGKILL\) += -1 ESRCH' | grep -E ' (kill|tkill|tgkill)\((-|0|1)\b'"
	assert_status 1
}

@test "malformed GLIBC_TUNABLES change nothing and do not get in" {
	local value
	for value in 'glibc.malloc.mxfast=glibc.malloc.mxfast=A' "glibc.malloc.mxfast=$(printf 'A%.0s' {1..5000})" ':::=' 'glibc.rtld.optional_static_tls=99999999999999'; do
		run as_user alice attack_exec -e "GLIBC_TUNABLES=$value" -e "Z=$(printf 'Z%.0s' {1..40000})" -- "$LAUNCH" 1 image=tiny -- /bin/sh -c 'echo "<$GLIBC_TUNABLES>"'
		assert_success
		assert_output '<>'
	done
}

@test "the environment has each name once, and none that steers loaders, shells or this program" {
	run as_user alice attack_exec -E -e PATH=/evil -e PATH=/worse -e LD_PRELOAD=/evil.so -e LD_PRELOAD=/worse.so -e LD_LIBRARY_PATH=/evil \
		-e 'BASH_FUNC_x%%=() { evil; }' -e IFS=/ -e ENV=/evil -e BASH_ENV=/evil -e HOME=/evil -e HOME=/worse -e USER=root -e LOGNAME=root \
		-e GLIBC_TUNABLES=x -e GCONV_PATH=/evil -e BOXDO_ID=forged -e BOXDO_IMAGE=forged -e container=docker -e SUDO_USER=root -e noequals \
		-e =nameless -e '' -e TWICE=first -e TWICE=second -- "$LAUNCH" 1 image=tiny -- /usr/bin/env
	assert_success
	run sort <<<"$(sed 's/^\(BOXDO_ID\)=[0-9a-f]\{32\}$/\1=HEX/' <<<"$output")"
	assert_output "BOXDO_ID=HEX
BOXDO_IMAGE=tiny
HOME=/home/alice
IFS=/
LOGNAME=alice
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
TWICE=first
USER=alice
container=boxdo"
}

@test "where a rule narrows the environment, no other name gets in, however it is spelled" {
	local names=() name _
	policy "$(catalogue)
[allow a]
users = alice
images = tiny
env = LANG LC_*"
	RANDOM=4711
	for _ in {1..300}; do
		name=$(printf '%b' "$(printf '\\x%x' $((RANDOM % 94 + 33)) $((RANDOM % 222 + 33)) $((RANDOM % 94 + 33)) $((RANDOM % 94 + 33)))")
		[[ $name == *=* ]] || names+=(-e "$name=got in")
	done
	for name in 'LANG ' ' LANG' 'LANG%' lang 'LC' 'XLC_ALL' $'LC\n_ALL' LANGUAGE LD_LC_ALL; do names+=(-e "$name=got in"); done
	run as_user alice attack_exec -E "${names[@]}" -e LANG=C.UTF-8 -e LC_ALL=C -- "$LAUNCH" 1 image=tiny cwd=no -- /usr/bin/env
	assert_success
	refute_match 'got in'
	assert_equal "$(cut -d= -f1 <<<"$output" | sort | xargs)" "BOXDO_ID BOXDO_IMAGE HOME LANG LC_ALL LOGNAME PATH USER container"
}

@test "10,000 variables are refused, not sorted for ever" {
	local many=() i
	for i in {1..10000}; do many+=(-e "V$i=x"); done
	refused timeout 100 "$TOP/tests/lib/as" alice attack_exec -E "${many[@]}" -- "$LAUNCH" 1 image=tiny -- /bin/true
	assert_match 'environment is too large'
}

@test "the time zone of the caller moves no hours of a rule" {
	local zone hour
	# Two hours, which are not over before the test is, and which the zones' offsets lead out of.
	hour=$(date -u +%H)
	policy "$(catalogue)
[allow now]
users = alice
images = tiny
timezone = UTC
hours = Mon-Sun $hour:00-$(printf %02d $(((10#$hour + 2) % 24))):00"
	for zone in UTC UTC+24 UTC-24 UTC+12 Pacific/Kiritimati :/etc/passwd :/dev/zero "$(printf 'A%.0s' {1..3000})"; do
		run as_user alice attack_exec -e "TZ=$zone" -- "$LAUNCH" 1 image=tiny -- /bin/true
		assert_success
	done
}

@test "a user namespace: nothing runs, nothing is on record, one clear line" {
	local before
	as_user alice unshare -Ur true 2>/dev/null || skip "user namespaces are closed to users here"
	before=$(on_record)
	run as_user alice unshare -Ur "$LAUNCH" 1 image=tiny -- /bin/true
	assert_status 125
	assert_one_line
	run as_user alice unshare -U "$LAUNCH" 1 image=tiny -- /bin/true
	assert_status 125
	assert_one_line
	assert_match 'set-user-id'
	# The host name in a UTS namespace of theirs names no host a rule knows (CVE-2025-32462).
	policy "$(catalogue)
[allow elsewhere]
users = alice
hosts = gpu9
images = tiny"
	run as_user alice unshare -Ur --uts sh -c "hostname gpu9 && exec $LAUNCH 1 image=tiny -- /bin/true"
	assert_status 125
	# A mount, PID and user namespace in which the caller made a policy of their own.
	run as_user alice unshare -Urm sh -c "mount -t tmpfs none /etc/boxdo && printf '[image tiny]\npath = /srv/images/tiny.sqfs\n[allow x]\nusers = *\nimages = *\n' >/etc/boxdo/policy.conf && exec $LAUNCH 1 image=tiny -- /bin/true"
	assert_status 125
	assert_equal "$(on_record)" "$before"
}

@test "no_new_privs and nosuid: one clear line" {
	local before
	before=$(on_record)
	run as_user alice attack_exec -n -- "$LAUNCH" 1 image=tiny -- /bin/true
	assert_status 125
	assert_one_line
	assert_match 'set-user-id bit is not in effect'
	mkdir /mnt/nosuid
	mount --bind /usr/libexec/boxdo /mnt/nosuid
	mount -o remount,bind,nosuid /mnt/nosuid
	run as_user alice /mnt/nosuid/boxdo-launch 1 image=tiny -- /bin/true
	umount /mnt/nosuid
	assert_status 125
	assert_one_line
	assert_equal "$(on_record)" "$before"
}

@test "a copy or a hard link of the helper gains nothing" {
	local place=/home/alice/copy trace=$BATS_TEST_TMPDIR/trace
	as_user alice sh -c "mkdir copy && cp $LAUNCH copy/mine && chmod 4755 copy/mine"
	run as_user alice "$place/mine" 1 image=tiny -- /bin/true
	assert_status 125
	assert_one_line
	run as_user alice ln "$LAUNCH" "$place/link"
	assert_status 1
	# Were one there nevertheless, with files of theirs beside it: it knows no place but its own files.
	cp "$LAUNCH" "$place/root"
	chmod 4755 "$place/root"
	as_user alice sh -c 'cd copy; for f in policy.conf libpam.so.0 libc.so.6 boxdo-log pam.d; do echo evil >$f; done'
	run launch_as mallory 1 image=tiny -- /bin/true
	assert_status 125
	chmod 755 /home/alice
	run as_user mallory "$place/root" 1 image=tiny -- /bin/true
	assert_status 125
	run env -C "$place" bash -c "source $TOP/tests/attack/attack.bash; traced $trace $place/root 1 image=tiny cwd=no -- /bin/true"
	assert_success
	run grep -E 'policy.conf|libpam|libc\.so|boxdo-log|pam\.d' <(grep 'copy/' "$trace")
	assert_status 1
	run readelf -d "$LAUNCH"
	refute_match 'RPATH|RUNPATH'
}
