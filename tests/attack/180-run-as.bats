#!/usr/bin/env bats
# timeout: 900
# run_as attacked from both sides: the caller must not get hold of what runs as the account, and the account
# must not get hold of the caller's process of the launch (B12, B13, B16, B17, L51, CVE-2026-46333).
load ../lib/common
load attack

setup_file() {
	printf '%s\n' 'svc:x:2010:2010::/srv/svc:/usr/sbin/nologin' >>/etc/passwd
	printf '%s\n' 'svc:x:2010:' 'archive:x:2111:svc' >>/etc/group
	printf '%s\n' 'svc:!:20000::::::' >>/etc/shadow
	install -d -m 700 -o svc -g svc /srv/svc
	policy "$(catalogue)" '[allow nightly]' 'users = alice' 'run_as = svc' 'images = tiny' 'binds = /data .:rw'
	arm
}

# As the service account itself, somebody having taken it over.
as_svc() {
	setpriv --reuid 2010 --regid 2010 --init-groups -- "$@"
}
start() { # a container of alice's that runs as svc
	as_user alice boxdo run --contain -u svc tiny sleep 600 3>&- 2>/dev/null &
	wait_for pgrep -u svc -x sleep
}
stop() {
	as_user alice kill -TERM "$(pgrep -u alice -x boxdo)"
	wait || true
}

@test "the caller gets hold of no process that runs as the account, the command included, and signals none" {
	start
	read -ra pids < <(pgrep -u svc | xargs)
	[[ ${#pids[@]} -eq 2 ]]
	run as_user alice attack_hunt pids "${pids[@]}"
	assert_success
	assert_match ' 0 worked$'
	for pid in "${pids[@]}"; do
		for signal in 0 TERM KILL STOP; do
			run as_user alice kill -$signal "$pid"
			assert_status 1
		done
		for file in environ mem maps auxv stack syscall fd/0 cwd root; do
			run as_user alice head -c 1 "/proc/$pid/$file"
			assert_status 1
		done
		run as_user alice sh -c "echo 1000 >/proc/$pid/oom_score_adj"
		((status != 0))
	done
	stop
}

@test "the account, taken over, gets hold of neither HANDLE nor SUPERVISOR nor INIT" {
	start
	read -ra pids < <(pgrep -x 'boxdo.*' | xargs)
	[[ ${#pids[@]} -ge 3 ]]
	run as_svc attack_hunt pids "${pids[@]}"
	assert_success
	assert_match ' 0 worked$'
	run as_svc kill -TERM "$(pgrep -u alice -x boxdo)"
	assert_status 1
	run as_svc kill -KILL "$(pgrep -x boxdo-super)"
	assert_status 1
	# Its own it may kill; the launch ends, and that is on record.
	as_svc kill -KILL "$(pgrep -u svc -x boxdo-init)"
	wait || true
	every_launch_has_its_end
}

@test "launches, attacked all the while by caller and account: nothing was got" {
	as_svc attack_hunt launches 40 "$LAUNCH" 1 image=tiny user=svc -- /no/such/command >/run/stage/svc.log 2>&1 &
	run as_user alice attack_hunt launches 60 "$LAUNCH" 1 image=tiny user=svc home=no cwd=no -- /no/such/command
	assert_success
	assert_match '^60 launches, .* 0 worked$'
	wait || true
	run cat /run/stage/svc.log
	[[ $output != *'got: '*' of '* ]] || { echo "$output" && return 1; }
}

@test "when ids become the account's nothing of root's is open, and the caller's keys stay behind" {
	timeout 200 strace -f -u alice -o /run/stage/trace -e trace=close_range,setresuid,keyctl \
		"$LAUNCH" 1 image=tiny user=svc home=no cwd=no -- true
	# INIT and the OPENER of the account: close_range to the highest there can be, then setresuid, then a keyring of its own.
	for pid in $(awk '/setresuid\(2010, 2010, 2010\)/ { print $1 }' /run/stage/trace); do
		run awk -v pid="$pid" '$1 == pid' /run/stage/trace
		assert_match 'close_range\([0-9]+, 2147483646, 0\) += 0'
		[[ ${output%%setresuid(2010*} == *'close_range('*', 2147483646, 0)'* ]]
		[[ ${output##*setresuid(2010, 2010, 2010)} == *'keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL) = '[1-9]* ]]
		refute_match 'setresuid\(2001'
	done
	assert_equal "$(grep -c 'setresuid(2010, 2010, 2010)' /run/stage/trace)" 2
}

@test "no core of the account's memory where the caller works; the caller's umask opens nothing" {
	as_user alice mkdir -p /home/alice/work
	chmod 755 /home/alice
	chmod 777 /home/alice/work
	run as_user_in /home/alice/work alice sh -c \
		'ulimit -c unlimited; umask 0; exec boxdo run -u svc tiny sh -c "ulimit -c; ulimit -H -c; umask; touch made; kill -SEGV \$\$"'
	assert_match $'^0\n0\n0022'
	assert_equal "$(stat -c %U%a /home/alice/work/made)" svc644
	assert_equal "$(ls /home/alice/work)" made
	run as_user_in /home/alice/work alice boxdo run --ulimit core=-1 -u svc tiny true
	assert_status 125
	chmod 700 /home/alice
}

@test "a planted link in the caller's directory leads the account nowhere but where its rule says" {
	echo private >/srv/svc/private
	chown svc /srv/svc/private
	as_user alice mkdir -p /home/alice/work
	chmod 755 /home/alice
	as_user alice ln -sfn /srv/svc /home/alice/work/data
	run as_user_in /home/alice/work alice boxdo run -u svc -v ./data:/data2 tiny cat /data2/private
	assert_status 125
	assert_match 'bind ./data, which is /srv/svc is not granted'
	chmod 700 /home/alice
}

@test "nothing is pushed into the caller's terminal by the account" {
	run as_user alice script -qec \
		"$LAUNCH 1 image=tiny user=svc bind=/data:/data home=no cwd=no -- /data/attack_inside push x" /dev/null
	assert_success
	assert_output ''
}

@test "DIRECTORY killed at any moment starts nothing as anybody, and with no other groups" {
	for _ in {1..30}; do
		as_user alice sh -c 'for i in 1 2 3 4 5 6 7 8; do pkill -KILL -U alice -x boxdo-super; done' &
		run as_user alice boxdo run --contain -u svc tiny sh -c 'id -u; grep Groups /proc/self/status'
		((status != 0)) || assert_match $'^2010\nGroups:.2010 2111'
		wait || true
	done
	every_launch_has_its_end
}
