#!/usr/bin/env bats
# The audit trail: what is on record of a launch, and its end whatever becomes of journald meanwhile.
load ../lib/common
load ../attack/200-helpers
load ../attack/201-helpers

# --- what a record says ---------------------------------------------------------------------------------

@test "a launch record carries every field, with the right value" {
	job=/sys/fs/cgroup/system.slice/slurmstepd.scope/job_4711/step_3/user/task_0
	mkdir -p $job
	cat >"$POLICY" <<-'END'
		[image tiny]
		path = /srv/images/tiny.sqfs
		[allow lab]
		users = alice
		images = tiny
		binds = /data ~:rw .:rw
		devices = /dev/fuse
		network = host none
	END
	# As sshd or slurmd would leave it: a login uid, a terminal, the job's cgroup.
	run script -qec "sh -c 'echo \$\$ >$job/cgroup.procs; echo 2001 >/proc/self/loginuid 2>/dev/null
		cat /proc/self/loginuid /proc/self/sessionid >/run/stage/login
		cd /data/set1; exec setpriv --reuid 2001 --regid 2001 --init-groups -- \
		env -i PATH=/usr/bin:/bin boxdo run -v /data:/data:ro --device /dev/fuse --network none --name one tiny echo \"a b\" c'" /dev/null
	assert_success
	every_launch_has_its_end
	all=$(fields launch)
	has_field 'EVENT=launch'
	has_field 'ID=[0-9a-f]{32}'
	has_field 'RECORD=[0-9a-f]{32}'
	has_field 'SEQ=[1-9][0-9]*'
	has_field 'TIME=[0-9]{16}'
	has_field 'USER=alice'
	has_field 'UID=2001'
	has_field 'GID=2001'
	has_field 'RUNAS=alice'
	has_field 'HOST=gpu1'
	has_field 'TTY=pts/[0-9]+'
	has_field 'CWD=/data/set1'
	has_field "COMMAND=echo 'a b' c"
	has_field 'IMAGE=tiny'
	has_field 'IMAGE_PATH=/srv/images/tiny.sqfs'
	has_field 'IMAGE_SHA256=([0-9a-f]{64}|unknown)'
	has_field 'NAME=one'
	has_field 'RULE=allow lab \(/etc/boxdo/policy.conf:3\)'
	has_field "POLICY_SHA256=[0-9a-f]{64}"
	has_field 'BINDS=/data:/data:ro'
	has_field 'DEVICES=/dev/fuse'
	has_field 'NETWORK=none'
	has_field 'JOB=4711'
	has_field 'STEP=3'
	has_field 'CGROUP=.*/job_4711/step_3/user/task_0'
	has_field 'INIT_PID=[1-9][0-9]*'
	has_field 'AUDIT_MODE=confirmed'
	if [[ $(sed -n 1p /run/stage/login) == 2001* ]]; then
		has_field 'LOGINUID=2001'
		has_field 'SESSION=[0-9]+'
	fi
	rmdir -p $job 2>/dev/null || true
}

@test "what journald itself attests is root's, and shows no argument" {
	printf '\n[settings]\nredact = --token=* --password=*\n' >>"$POLICY"
	as_user alice boxdo run tiny echo --token=secret-word
	every_launch_has_its_end
	run raw_records BOXDO_EVENT=launch
	assert_match '"_UID":"0"'
	refute_match '"_CMDLINE":"[^"]*(secret-word|token)'
	refute_match 'secret-word'
	assert_match '"BOXDO_REDACTED":"1"'
	assert_equal "$(field COMMAND BOXDO_EVENT=launch)" "echo --token=xxxx"
}

@test "an end record carries the result and what it cost" {
	before=${EPOCHREALTIME/./}
	run as_user alice boxdo run tiny sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 0.3; exit 7'
	took=$((${EPOCHREALTIME/./} - before))
	assert_status 7
	every_launch_has_its_end
	all=$(fields end)
	has_field 'EXIT=7'
	lacks_field SIGNAL
	has_field 'REASON=command ended'
	has_field 'USER=alice'
	has_field 'IMAGE=tiny'
	has_field 'DURATION_USEC=[1-9][0-9]*'
	[[ $(field DURATION_USEC BOXDO_EVENT=end) -ge 300000 && $(field DURATION_USEC BOXDO_EVENT=end) -lt $took ]]
	[[ $(field CPU_USEC BOXDO_EVENT=end) -ge 50000 && $(field CPU_USEC BOXDO_EVENT=end) -lt $((took * $(nproc --all))) ]]
	[[ $(field MAXRSS_KIB BOXDO_EVENT=end) -gt 100 ]]
	[[ $(field SEQ BOXDO_EVENT=end) -gt $(field SEQ BOXDO_EVENT=launch) ]]
	assert_equal "$(field ID BOXDO_EVENT=end)" "$(field ID BOXDO_EVENT=launch)"
	run as_user alice boxdo run tiny sh -c 'kill -SEGV $$'
	every_launch_has_its_end
	all=$(fields end)
	has_field 'SIGNAL=11'
	lacks_field EXIT
}

@test "a refusal is on record with what was asked for, stage and reason" {
	run as_user mallory boxdo run -v /data:/mnt:rw --network none tiny echo "it's me"
	assert_status 125
	all=$(fields refuse)
	has_field 'USER=mallory'
	has_field 'UID=2003'
	has_field 'STAGE=policy'
	has_field 'REASON=.*not permitted.*'
	has_field "COMMAND=echo 'it'\\\\''s me'"
	has_field 'IMAGE=tiny'
	has_field 'IMAGE_PATH=/srv/images/tiny.sqfs'
	has_field 'BINDS=/data:/mnt:rw'
	has_field 'NETWORK=none'
	has_field 'POLICY_SHA256=[0-9a-f]{64}'
	lacks_field INIT_PID
	lacks_field RULE
}

@test "authentication is on record, each time: right, wrong, no terminal" {
	printf '\n[allow again]\nusers = alice\nimages = tiny\nbinds = ~:rw .:rw\npassword = yes\n' >>"$POLICY"
	sed -i '/^\[allow research\]/,/^network/s/^users.*/users = bob\npassword = yes/' "$POLICY"
	answer 'boxdo run tiny true' alice
	assert_success
	every_launch_has_its_end
	all=$(fields auth)
	has_field 'RESULT=success'
	has_field 'USER=alice'
	has_field 'RULE=allow again .*'
	has_field 'TTY=pts/[0-9]+'
	assert_equal "$(field ID BOXDO_EVENT=auth)" "$(field ID BOXDO_EVENT=launch)"

	before=$(total)
	answer 'boxdo run tiny true' bad worse wrong
	assert_status 125
	assert_equal "$(since)" 'auth refuse'
	all=$(fields auth)
	has_field 'RESULT=failure'
	has_field 'REASON=wrong password'
	run raw_records BOXDO_EVENT=auth
	refute_match '(worse|wrong")'

	before=$(total)
	run setsid "$TOP/tests/lib/as" alice boxdo run tiny true </dev/null
	assert_status 125
	assert_match 'there is no terminal'
	assert_equal "$(since)" 'auth refuse'
}

@test "every way out leaves its records: no more, no fewer" {
	way() { # RECORDS COMMAND...: as alice
		before=$(total)
		as_user alice "${@:2}" </dev/null >/dev/null 2>&1 || true
		every_launch_has_its_end
		[[ $(since) == "$1" ]] || { echo "$(since): ${*:2}" && return 1; }
	}
	way 'launch end' boxdo run tiny true
	way 'launch end' boxdo run tiny nosuch
	assert_equal "$(field EXIT BOXDO_EVENT=end)" 127
	way 'launch end' boxdo run tiny /etc
	assert_equal "$(field EXIT BOXDO_EVENT=end)" 126
	way 'launch end' boxdo run tiny sh -c 'kill -9 $$'
	assert_equal "$(field SIGNAL BOXDO_EVENT=end)" 9
	way 'refuse' boxdo run nosuch true
	way 'refuse' boxdo run /srv/images/nosuch true
	way 'refuse' boxdo run -v /root tiny true
	way 'refuse' boxdo run -v /nosuch tiny true
	# The helper itself, as no client would call it.
	way 'refuse' "$LAUNCH"
	way 'refuse' "$LAUNCH" --help
	way 'refuse' "$LAUNCH" 2 image=tiny -- true
	way 'refuse' "$LAUNCH" 1 image=tiny nosuch=key -- true
	way 'refuse' "$LAUNCH" 1 network=host image=tiny -- true
	way 'launch end' "$LAUNCH" 1 image=tiny -- ''
	assert_equal "$(field EXIT BOXDO_EVENT=end)" 127
	# A policy that cannot be read refuses everybody, and that is on record too.
	echo 'nonsense' >>"$POLICY"
	way 'refuse' boxdo run tiny true
	run field REASON BOXDO_EVENT=refuse
	assert_match 'policy.conf:[0-9]+'
	# Nobody's uid: no name, and yet on record.
	cat /run/stage/policy.conf >"$POLICY"
	before=$(total)
	run setpriv --reuid 31337 --regid 31337 --clear-groups -- boxdo run tiny true
	assert_status 125
	assert_equal "$(since)" refuse
	assert_equal "$(field UID BOXDO_EVENT=refuse)" 31337
	nothing_left
}

@test "a policy that is new leaves its text on record, once" {
	echo "# $RANDOM$RANDOM" >>"$POLICY"
	before=$(total)
	as_user alice boxdo run tiny true
	as_user alice boxdo run tiny true
	every_launch_has_its_end
	assert_equal "$(since)" 'policy launch end launch end'
	run field POLICY_TEXT BOXDO_EVENT=policy
	assert_match "$(tail -n 1 "$POLICY")"
	assert_match '\[allow research\]'
	assert_equal "$(field POLICY_SHA256 BOXDO_EVENT=policy)" "$(field POLICY_SHA256 BOXDO_EVENT=launch)"
	[[ $(field POLICY_OLD_SHA256 BOXDO_EVENT=policy) =~ ^[0-9a-f]{64}$ ]]
}

@test "records hold the bytes that were typed" {
	# The payload leaves its own argument vector: what the recorded text gives a shell must be the same.
	vector=(sh -c 'for a; do printf "%s\0" "$a"; done >$HOME/argv' sh $'line\nfeed' $'\e[2J\e]0;x\a' $'\xff\xfe\xc3' "it's"
		'' ' ' $'BOXDO_EVENT=end\nBOXDO_ID=1' '$(id)' '*' $'tab\tCR\r' $'\x7f' "ünïcödé")
	as_user alice boxdo run tiny "${vector[@]}"
	every_launch_has_its_end
	field COMMAND BOXDO_EVENT=launch >/tmp/recorded
	printf '%s\0' "${vector[@]:4}" >/tmp/wanted
	cmp /home/alice/argv /tmp/wanted
	(eval "vector=($(cat /tmp/recorded))" && printf '%s\0' "${vector[@]:4}") | cmp - /tmp/wanted
	run raw_records BOXDO_ID=1
	assert_output ''
	# What is shown is text.
	boxdo log >/tmp/shown
	boxdo log --json >>/tmp/shown
	! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' /tmp/shown
	iconv -f UTF-8 -t UTF-8 /tmp/shown >/dev/null
}

@test "128 KiB of arguments are on record whole; more is cut, with length and digest" {
	long=$(head -c 49140 /dev/urandom | base64 -w0)
	as_user alice boxdo run tiny sh -c 'exit ${#1}' sh "$long$long" || true
	every_launch_has_its_end
	field COMMAND BOXDO_EVENT=launch >/tmp/recorded
	assert_equal "$(cat /tmp/recorded)" "sh -c 'exit \${#1}' sh $long$long"
	as_user alice boxdo run tiny true "$long$long" "$long$long" "$long$long"
	every_launch_has_its_end
	assert_equal "$(field COMMAND BOXDO_EVENT=launch | wc -c)" $((256 * 1024 + 1))
	wanted="true $long$long $long$long $long$long"
	assert_equal "$(field COMMAND_LENGTH BOXDO_EVENT=launch)" ${#wanted}
	assert_equal "$(field COMMAND_SHA256 BOXDO_EVENT=launch)" "$(printf %s "$wanted" | sha256sum | cut -d' ' -f1)"
	# A refusal carries less.
	run as_user mallory boxdo run tiny true "$long$long"
	assert_equal "$(field COMMAND BOXDO_EVENT=refuse | wc -c)" $((16 * 1024 + 1))
	wanted="true $long$long"
	assert_equal "$(field COMMAND_SHA256 BOXDO_EVENT=refuse)" "$(printf %s "$wanted" | sha256sum | cut -d' ' -f1)"
}

# --- the end is on record, whatever becomes of journald meanwhile ------------------------------------------

# A container that runs until the file /home/alice/stop is there, as `boxdo run` in the background.
start_container() {
	rm -f /home/alice/stop /home/alice/started
	# shellcheck disable=SC2016
	as_user alice boxdo run tiny sh -c 'touch $HOME/started; until [ -e $HOME/stop ]; do sleep 0.05; done; exit 9' </dev/null 3>&- &
	container=$!
	wait_for test -e /home/alice/started
}
end_container() {
	local got=0
	touch /home/alice/stop
	wait "$container" || got=$?
	assert_equal "$got" 9
}
ended_with_9() {
	every_launch_has_its_end
	assert_equal "$(field EXIT BOXDO_EVENT=end)" 9
	one_of_each
	nothing_left
}

@test "journald killed and back while a container runs: its end is on record" {
	start_container
	journal_restart
	journal_restart
	end_container
	ended_with_9
}

# ends_at_once [COMMAND...]: with journald down, and after COMMAND; in less than a record's deadline. Who waits for that
# always does so, a machine that is busy for a moment not three times.
ends_at_once() {
	local begin took
	for _ in 1 2 3; do
		start_container
		journal_down
		"$@"
		begin=$EPOCHSECONDS
		end_container
		took=$((EPOCHSECONDS - begin))
		sleep 1
		journal_up
		ended_with_9
		((took > 2)) || return 0
	done
	echo "took $took s, three times" && return 1
}
@test "journald down when a container ends: the caller has the status at once, the record follows" {
	ends_at_once
}

@test "journald down with a full queue when a container ends: the status at once, the record follows" {
	ends_at_once fill_queue "$sockets/socket"
}

@test "journald stopped for longer than a deadline when a container ends: one end, not two" {
	start_container
	journal_hang
	end_container
	sleep 7
	journal_resume
	ended_with_9
}

@test "the journal rotated and its socket made anew while a container runs: its end is on record" {
	start_container
	journalctl --namespace=boxdo --rotate 2>/dev/null || kill -USR2 "$(journal_pid)"
	sleep 0.3
	end_container
	ended_with_9
}
