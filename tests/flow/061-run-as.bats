#!/usr/bin/env bats
# run_as: the command runs as the account a rule names, with that account's groups, home and files, and
# with nothing of the caller's but the terminal, the limits and the right to stop it.
load ../lib/common

setup_file() {
	printf '%s\n' 'svc:x:2010:2010::/srv/svc:/usr/sbin/nologin' 'other:x:2011:2011::/srv/other:/bin/sh' \
		'toor:x:0:0::/root:/bin/sh' 'svcalias:x:2010:2010::/srv/svc:/bin/sh' \
		'big:x:4000000000:4000000000::/home/big:/bin/sh' >>/etc/passwd
	printf '%s\n' 'svc:x:2010:' 'other:x:2011:' 'models:x:2110:svc,other' 'archive:x:2111:svc' 'big:x:4000000000:' >>/etc/group
	printf '%s\n' 'svc:!:20000::::::' 'other:!:20000::::::' 'big:!:20000::::::' >>/etc/shadow
	install -d -m 700 -o svc -g svc /srv/svc
	install -d -m 700 -o big -g big /home/big
	echo 'of svc' >/srv/svc/secret
	install -d -m 2770 -o root -g models /srv/models
	cp -a /etc/passwd /etc/group /etc/shadow /run/stage/
}

setup() {
	cp -a /run/stage/{passwd,group,shadow} /etc/
	rules '[allow nightly]' 'users = alice' 'run_as = svc' 'images = tiny dir' 'binds = ~:rw /srv/models:rw' 'env = LANG' \
		'[allow self]' 'users = alice bob' 'images = tiny' 'binds = ~:rw .:rw'
}

rules() { # TEXT...: the catalogue, then these lines
	policy "$(catalogue)" "$@"
}
last() { # EVENT FIELD
	records "select(.event == \"$1\") | .$2" | tail -n 1
}

@test "the command has the account's uid, gid and exactly its groups; so says the kernel of every id" {
	run as_user alice boxdo run --contain -u svc tiny sh -c 'id -u; id -g; grep -E "^(Uid|Gid|Groups|CapEff|NoNewPrivs)" /proc/self/status'
	assert_success
	groups=$(id -G svc | tr ' ' '\n' | sort -n | xargs)
	assert_equal "$(sed -n 1,2p <<<"$output" | xargs)" '2010 2010'
	assert_equal "$(awk '/^Uid|^Gid/ { print $2, $3, $4, $5 }' <<<"$output" | xargs)" '2010 2010 2010 2010 2010 2010 2010 2010'
	assert_equal "$(awk '/^Groups/ { $1 = ""; print }' <<<"$output" | xargs)" "$groups"
	assert_match 'CapEff:.0000000000000000'
	assert_match 'NoNewPrivs:.1'
}

@test "by name, by number, by #number, and with its own group: the same; HOME, USER, LOGNAME are its" {
	for user in svc 2010 '#2010' svc:svc svc:2010 2010:2010 2010:svc; do
		run as_user alice boxdo run --user "$user" tiny sh -c 'echo $USER $LOGNAME $HOME $(id -un) $(pwd)'
		# HANDLE's line and the command's come in any order.
		assert_equal "$(LC_ALL=C sort <<<"$output")" 'boxdo: /home/alice is not in the container (allow nightly (/etc/boxdo/policy.conf:7) does not grant it), so the command starts in /srv/svc
svc svc /srv/svc svc /srv/svc'
	done
}

@test "~ is its home, files are opened as the account: what the caller cannot read it can, and the reverse" {
	run as_user alice cat /srv/svc/secret
	assert_status 1
	run as_user alice boxdo run --contain -u svc -v /srv/svc tiny cat /srv/svc/secret
	assert_output 'of svc'
	run as_user alice boxdo run --contain -u svc -v /srv/models tiny sh -c 'umask; touch /srv/models/new && stat -c "%u %g %a" /srv/models/new'
	assert_output $'0022\n2010 2110 644'
	rules '[allow nightly]' 'users = alice' 'run_as = svc' 'images = tiny' 'binds = /home/alice /data/ml'
	for path in /home/alice /data/ml; do
		run as_user alice boxdo run --contain -u svc -v $path:$path tiny true
		assert_status 125
		assert_match "^boxdo: $path"
	done
}

@test "the caller's directory is there only if the rule grants it and the account can enter it" {
	rules '[allow nightly]' 'users = alice' 'run_as = svc' 'images = tiny' 'binds = ~ .'
	run as_user_in /data/set1 alice boxdo run -u svc tiny pwd
	assert_output /data/set1
	run as_user_in /data/ml alice boxdo run -u svc tiny pwd
	assert_match 'boxdo: /data/ml is not in the container .*so the command starts in /srv/svc'
}

@test "one's own name and number change nothing; another group than one's own is refused" {
	for user in alice 2001 '#2001' alice:alice 2001:2001; do
		run as_user alice boxdo run -u "$user" tiny id -u
		assert_output 2001
		assert_equal "$(last launch runas)" '"alice"'
	done
	run as_user alice boxdo run -u "$(id -u alice):$(id -g alice)" tiny sh -c 'grep Groups /proc/self/status'
	assert_equal "$(xargs <<<"$output")" 'Groups: 2001 2101'
}

@test "user x group: only the pairs that are so anyway" {
	for user in svc alice 2010 2001; do
		for group in ml phys models archive root 0 2101 2110 100 nosuch '#2010' -1 4294967295 4294967296 ' 2010' 02010 0x7da ''; do
			run as_user alice "$LAUNCH" 1 image=tiny "user=$user:$group" -- true
			assert_status 125
			assert_match '^boxdo: --user .*: groups are always those of the account'
		done
	done
}

@test "ids that are no ids, root under any name: refused, on record, nothing runs" {
	rules '[allow any]' 'users = *' 'images = *' 'binds = ~:rw' '[allow nightly]' 'users = *' 'run_as = toor' 'images = *'
	launches=$(count_records BOXDO_EVENT=launch)
	for user in '#-1' -1 '#4294967295' 4294967295 '#4294967296' 4294967296 18446744073709551615 99999999999999999999 \
		0x7da 02010 00 '#' '##2010' '+2010' ' 2010' '2010 ' 2010.0 '2 010' '%svc' '+svc' '!svc' '*' 'svc*' ~svc ../svc \
		root 0 '#0' toor root:root 0:0 ':svc' ':' nosuch 3999999999; do
		refusals=$(count_records BOXDO_EVENT=refuse)
		run as_user alice "$LAUNCH" 1 image=tiny "user=$user" -- touch /home/alice/ran
		assert_status 125
		assert_match '^boxdo: (--user|user) '
		assert_equal "$(count_records BOXDO_EVENT=refuse)" $((refusals + 1))
	done
	assert_equal "$(count_records BOXDO_EVENT=launch)" "$launches"
	[[ ! -e /home/alice/ran ]]
}

@test "a caller with a uid above 2^31 is nobody special" {
	run as_user big boxdo run tiny true
	assert_status 125
	assert_match 'not permitted to you'
	run as_user big boxdo run -u svc tiny true
	assert_status 125
	rules '[allow big]' 'users = #4000000000' 'images = tiny'
	run as_user big boxdo run --contain tiny id -u
	assert_output 4000000000
}

@test "no rule, no account: another one than the rule's, another user, an alias of its number" {
	run as_user alice boxdo run -u other tiny true
	assert_status 125
	assert_match '^boxdo: no rule lets you run this image as other$'
	assert_equal "$(last refuse runas)" '"other"'
	run as_user bob boxdo run -u svc tiny true
	assert_status 125
	assert_match '^boxdo: no rule lets you run this image as svc$'
	run as_user alice boxdo run dir true
	assert_match 'permits this image as svc only$'
	run as_user alice boxdo run -u svcalias tiny true
	assert_match '^boxdo: --user svcalias: that is account svc, under another name'
	printf '[deny it]\nrun_as = svc\n' >>$POLICY
	run as_user alice boxdo run -u svc tiny true
	assert_match 'denied by the rule deny it'
	run as_user alice boxdo run tiny true
	assert_success
}

@test "root is no target of a rule" {
	rules '[allow all]' 'users = alice' 'images = *' 'run_as = root'
	run as_user alice boxdo run tiny true
	assert_match "'root': nobody is root in a container, so no rule can permit it"
}

@test "the record names who asked and as whom" {
	as_user alice boxdo run --contain -u svc tiny true
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "launch") | [.user, .runas, .rule] | join(" ")' | tail -n 1 | cut -c1-24)" '"alice svc allow nightly'
	assert_equal "$(last end runas)" '"svc"'
	assert_equal "$(raw_records BOXDO_EVENT=launch | jq -r .MESSAGE | tail -n 1 | grep -c 'USER=svc ; ')" 1
}

@test "strict: only what env lists, never what changes programs; nothing over the image; the own path alone" {
	run as_user alice env LANG=C SLURM_JOB=1 PYTHONPATH=/x BASH_ENV=/x LD_PRELOAD=/x KRB5CCNAME=x boxdo run --contain -u svc tiny env
	assert_success
	assert_equal "$(cut -d= -f1 <<<"$output" | grep -v BOXDO_ | sort | xargs)" 'HOME LANG LOGNAME PATH USER container'
	for name in SLURM_JOB PYTHONPATH LD_PRELOAD BASH_ENV PATH PERL5LIB; do
		run as_user alice boxdo run --contain -e $name=x -u svc tiny true
		assert_status 125
		assert_match "variable $name is not granted"
	done
	for place in /bin /etc /usr /opt/other; do
		run as_user alice boxdo run --contain -u svc -v /srv/models:$place tiny true
		assert_status 125
	done
	run as_user alice boxdo run --contain -u svc --tmpfs /bin tiny true
	assert_status 125
	assert_match 'nothing may cover'
	mkdir -p /srv/models/part && chmod 755 /srv/models/part && chgrp models /srv/models/part
	run as_user alice boxdo run --contain -u svc -v /srv/models --tmpfs /srv/models/part tiny true
	assert_status 125
	assert_match 'nothing may cover'
	rules '[allow nightly]' 'users = alice' 'run_as = svc' 'images = tiny' 'env = *'
	run as_user alice boxdo run -u svc tiny true
	assert_match "a rule with command or run_as cannot let in env '[*]'"
}

@test "--entrypoint is a command" {
	rules '[allow nightly]' 'users = alice' 'run_as = svc' 'images = tiny' 'command = id -u'
	run as_user alice boxdo run --contain -u svc tiny id -u
	assert_output 2010
	run as_user alice boxdo run --contain -u svc --entrypoint sh tiny id -u
	assert_status 125
	run as_user alice boxdo run --contain -u svc --entrypoint id tiny -u
	assert_output 2010
}

@test "expired accounts start nothing: the caller's and the target's; an old password of the target does not matter" {
	chage_field() { # USER FIELD VALUE
		sed -i "s/^\($1:\([^:]*:\)\{$2\}\)[^:]*/\1$3/" /etc/shadow
	}
	chage_field svc 6 1
	run as_user alice boxdo run --contain -u svc tiny true
	assert_status 125
	assert_match 'not authenticated: .*expired'
	run as_user alice boxdo run --contain tiny true
	assert_success
	cp -a /run/stage/shadow /etc/
	chage_field svc 1 10
	chage_field svc 3 20
	run as_user alice boxdo run --contain -u svc tiny true
	assert_success
	cp -a /run/stage/shadow /etc/
	chage_field alice 6 1
	run as_user alice boxdo run --contain -u svc tiny true
	assert_status 125
}

@test "a password asked for is the caller's, not the account's" {
	rules '[allow nightly]' 'users = alice' 'run_as = svc' 'images = tiny' 'password = yes'
	run as_user alice setsid -w boxdo run -u svc tiny true
	assert_match 'this rule asks for a password, and there is no terminal'
}

@test "the caller stops it: a signal to the handle, to the group, SIGKILL to the handle" {
	for signal in TERM INT; do
		as_user alice setsid -w boxdo run --contain -u svc dir sh -c 'trap "exit 7" TERM INT; while :; do sleep 0.1; done' 3>&- &
		wait_for pgrep -u svc sleep
		as_user alice kill -$signal "$(pgrep -u alice -x boxdo)"
		status=0
		wait $! || status=$?
		assert_status 7
	done
	as_user alice setsid -w boxdo run --contain -u svc dir sleep 601 3>&- &
	wait_for pgrep -u svc -f 'sleep 601'
	# Nor does the caller's OPENER, whose place the account's took, stay a zombie.
	wait_for no_zombies "$(pgrep -P "$(pgrep -u alice -x boxdo)" -x boxdo-super)"
	as_user alice kill -KILL "$(pgrep -u alice -x boxdo)"
	wait $! || true
	run wait_for bash -c '! pgrep -u svc'
	assert_success
	every_launch_has_its_end
}

no_zombies() { # PID
	[[ -e /proc/$1 ]] && ! ps -o stat= --ppid "$1" | grep '^Z'
}

@test "max_runtime ends what runs as another account, too" {
	rules '[allow nightly]' 'users = alice' 'run_as = svc' 'images = tiny' 'max_runtime = 1s'
	run as_user alice boxdo run --contain -u svc tiny sleep 60
	assert_status 137
	every_launch_has_its_end
	assert_equal "$(last end reason)" '"max_runtime"'
}
