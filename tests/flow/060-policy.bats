#!/usr/bin/env bats
# The policy end to end: what a rule says is what happens, and who is refused reads why.
load ../lib/common

setup() {
	rm -rf /etc/boxdo/policy.d && mkdir -p /etc/boxdo/policy.d
	rm -f $POLICY
}

teardown() {
	chmod 644 $POLICY
}

rules() { # TEXT...: the catalogue, then these lines
	policy "$(catalogue)" "$@"
}
refused_with() { # REGEX, as alice running the tiny image
	run as_user alice boxdo run tiny touch /home/alice/ran
	assert_status 125
	assert_match "^boxdo: $1"
	[[ ! -e /home/alice/ran ]]
}

@test "a deny refuses wherever it stands, and is named with file and line" {
	rules '[allow all]' 'users = alice bob' 'images = *' 'binds = ~:rw .:rw'
	printf '[deny stop]\nusers = alice\nimages = tiny\n' >/etc/boxdo/policy.d/zz.conf
	refused_with 'denied by the rule deny stop \(/etc/boxdo/policy.d/zz.conf:1\)$'
	assert_equal "$(records 'select(.event == "refuse") | .rule' | tail -n 1)" '"deny stop (/etc/boxdo/policy.d/zz.conf:1)"'
	run as_user alice boxdo run dir true
	assert_success
	run as_user bob boxdo run tiny true
	assert_success
	mv /etc/boxdo/policy.d/zz.conf /etc/boxdo/policy.d/.zz.conf
	run as_user alice boxdo run tiny true
	assert_success
}

@test "a deny about data holds for the whole of it, what is implied included" {
	rules '[allow all]' 'users = alice' 'images = *' 'binds = /data ~:rw .:rw' 'network = host none' \
		'[deny leak]' 'users = *' 'images = *' 'binds = /data/set1' 'network = host'
	run as_user alice boxdo run -v /data tiny true
	assert_status 125
	assert_match 'denied by the rule deny leak'
	run as_user alice boxdo run --network=none -v /data tiny ls /data/set1
	assert_success
	run as_user_in /data/set1 alice boxdo run tiny true
	assert_status 125
	run as_user alice boxdo run tiny true
	assert_success
}

@test "network: the first is the default, others only where granted" {
	rules '[allow quiet]' 'users = alice' 'images = *' 'network = none' 'binds = ~:rw'
	run as_user alice boxdo run tiny ls /sys/class/net
	assert_output lo
	run as_user alice boxdo run --network=host tiny true
	assert_status 125
	assert_match '^boxdo: .*network.* host.*allow quiet'
	rules '[allow both]' 'users = alice' 'images = *' 'network = none host' 'binds = ~:rw'
	run as_user alice boxdo run --network=host tiny readlink /proc/self/ns/net
	assert_output "$(readlink /proc/self/ns/net)"
}

@test "password and limits of a rule passed over stay in force" {
	rules '[allow easy]' 'users = alice' 'images = *' 'binds = ~:rw' 'password = yes' 'max_runtime = 1s' \
		'[allow more]' 'users = alice' 'images = *' 'binds = ~:rw /data'
	run as_user alice setsid -w boxdo run -v /data tiny true
	assert_status 125
	assert_match 'this rule asks for a password, and there is no terminal'
}

@test "max_runtime ends the container, says so, and is on record" {
	rules '[allow short]' 'users = alice' 'images = *' 'binds = ~:rw' 'max_runtime = 1s'
	begin=$SECONDS
	run as_user alice boxdo run tiny sh -c 'trap "" TERM INT HUP; sleep 600 & sleep 600'
	((SECONDS - begin < 60))
	assert_status 137
	assert_match '^boxdo: stopped: max_runtime of allow short \(.*\) is over$'
	every_launch_has_its_end
	assert_equal "$(records 'select(.event == "end") | [.reason, .signal] | join(" ")' | tail -n 1)" '"max_runtime 9"'
	run pgrep -u alice sleep
	assert_status 1
	rules '[allow short]' 'users = alice' 'images = *' 'binds = ~:rw' 'max_runtime = 1m'
	run as_user alice boxdo run tiny sleep 0.2
	assert_success
}

@test "hours and days: outside of them no rule matches" {
	now=$(date +%a)
	other=$(date -d '+2 days' +%a)
	rules '[allow now]' 'users = alice' 'images = *' "hours = $now 00:00-24:00"
	run as_user alice boxdo run tiny true
	assert_success
	rules '[allow then]' 'users = alice' 'images = *' "hours = $other 00:00-24:00"
	refused_with 'image tiny is not permitted to you here and now'
	rules '[allow past]' 'users = alice' 'images = *' 'not_after = 2020-01-01'
	refused_with 'image tiny is not permitted to you here and now'
}

@test "hosts, groups and users" {
	for line in 'hosts = gpu1' 'hosts = gpu*' 'users = %ml' 'users = #2001' 'users = * !mallory'; do
		rules '[allow it]' "$([[ $line == users* ]] || echo users = alice)" 'images = *' "$line"
		run as_user alice boxdo run tiny true
		assert_success
	done
	for line in 'hosts = gpu2' 'users = %phys' 'users = * !alice' 'users = * !%ml' 'users = #2002'; do
		rules '[allow it]' "$([[ $line == users* ]] || echo users = alice)" 'images = *' "$line"
		refused_with 'image tiny is not permitted'
	done
}

@test "always: mounted without being asked for; grants add up" {
	rules '[allow base]' 'users = alice' 'images = *' 'always = /data' '[grant ml]' 'users = %ml' 'binds = ~:rw'
	run as_user alice boxdo run tiny cat /data/README
	assert_output 'what everyone may read'
	run as_user alice boxdo run -v /home/alice tiny cat /home/alice/hello.txt
	assert_output 'hello from alice'
}

@test "env narrows what comes from outside" {
	rules '[allow narrow]' 'users = alice' 'images = *' 'binds = ~:rw' 'env = LANG SLURM_*'
	run as_user alice env LANG=C SLURM_JOB=1 OTHER=x boxdo run tiny sh -c 'echo $LANG $SLURM_JOB [$OTHER] $HOME'
	assert_output 'C 1 [] /home/alice'
}

@test "a malformed policy refuses everybody, with file, line and reason; a bad drop-in does too" {
	rules '[allow all]' 'users = alice' 'images = *' 'colour = blue'
	line=$(grep -n colour $POLICY | cut -d: -f1)
	refused_with "the policy is not usable, so nothing is started: /etc/boxdo/policy.conf:$line:[0-9]+: unknown key 'colour'"
	assert_equal "$(records 'select(.event == "refuse") | .stage' | tail -n 1)" '"policy"'
	rules '[allow all]' 'users = alice' 'images = *'
	echo '[allow' >/etc/boxdo/policy.d/a.conf
	refused_with 'the policy is not usable, so nothing is started: /etc/boxdo/policy.d/a.conf:1'
	rm /etc/boxdo/policy.d/a.conf
	run as_user alice boxdo run tiny true
	assert_success
}

@test "a policy that others may write, that is missing, or a link: refused" {
	rules '[allow all]' 'users = alice' 'images = *'
	chmod 666 $POLICY
	refused_with 'the policy is not usable'
	chmod 644 $POLICY
	chown bob $POLICY
	refused_with 'the policy is not usable'
	chown root $POLICY
	chmod 777 /etc/boxdo
	refused_with 'the policy is not usable'
	chmod 755 /etc/boxdo
	mv $POLICY /etc/boxdo/elsewhere
	refused_with 'the policy is not usable'
	ln -s elsewhere $POLICY
	refused_with 'the policy is not usable'
	mv -T /etc/boxdo/elsewhere $POLICY
	run as_user alice boxdo run tiny true
	assert_success
}

@test "a policy for root's eyes alone: users learn nothing but 'not permitted'" {
	rules '[allow all]' 'users = alice' 'images = dir' 'binds = ~:rw'
	chmod 600 $POLICY
	run as_user alice boxdo run dir true
	assert_success
	run as_user alice boxdo run tiny true
	assert_status 125
	assert_output 'boxdo: not permitted'
	run as_user alice boxdo run -v /data dir true
	assert_output 'boxdo: not permitted'
	run as_user alice boxdo run nosuch true
	refute_match 'dir|tiny|python'
	chmod 644 $POLICY
	run as_user alice boxdo run tiny true
	assert_match 'you may run: dir$'
}

@test "an image asked for by path is its catalogue entry; other paths need a rule" {
	rules '[allow named]' 'users = alice' 'images = tiny' '[deny no]' 'users = *' 'images = dir'
	mkdir -p /srv/alias && ln -sf /srv/images/tiny.sqfs /srv/alias/link && ln -sfn /srv/images/dir /srv/alias/dir
	for path in /srv/images/tiny.sqfs /srv/images/../images/tiny.sqfs /srv/alias/link; do
		run as_user alice boxdo run "$path" true
		assert_success
	done
	run as_user alice boxdo run /srv/alias/dir true
	assert_status 125
	assert_match 'denied by the rule deny no'
	run as_user alice boxdo run /srv/images/python.sqfs true
	assert_status 125
	rules '[allow paths]' 'users = alice' 'images = /srv/images/*'
	cp /srv/images/tiny.sqfs /srv/images/uncatalogued.sqfs
	run as_user alice boxdo run /srv/images/uncatalogued.sqfs true
	assert_success
}

@test "a new policy is on record, with its text, once" {
	before=$(count_records BOXDO_EVENT=policy)
	rules '[allow distinct-name]' 'users = alice' 'images = *'
	as_user alice boxdo run tiny true
	as_user alice boxdo run tiny true
	assert_equal "$(count_records BOXDO_EVENT=policy)" $((before + 1))
	assert_equal "$(records 'select(.event == "policy") | .policy_text' | tail -n 1 | grep -c distinct-name)" 1
	assert_equal "$(records 'select(.event == "launch") | .policy_sha256' | tail -n 1)" \
		"$(records 'select(.event == "policy") | .policy_sha256' | tail -n 1)"
}
