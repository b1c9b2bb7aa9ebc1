#!/usr/bin/env bats
# timeout: 600
# What a sixth review looked for, of a launch that leaves to later what nobody waits for.
load ../lib/common
load attack

@test "a command whose execution hangs: SUPERVISOR has its filter, and who asked has ended, all the same" {
	local super
	rm -f /home/alice/ran
	strace -u alice -f -qq -o /run/stage/trace -e trace=execve -e inject=execve:delay_enter=4000000 \
		"$LAUNCH" 1 image=tiny -- /bin/touch /home/alice/ran 3>&- &
	local run=$!
	# The third to execute something, behind the helper and AUTH, is the command.
	wait_for eval '[[ $(grep -c execve /run/stage/trace) -ge 3 ]]'
	sleep 0.5
	super=$(pgrep -x boxdo-super)
	grep -P 'Seccomp:\t2' "/proc/$super/status"
	grep -P 'CapEff:\t0000000000000020' "/proc/$super/status"
	run pgrep 'boxdo-(a|o)'
	assert_output ''
	# And it had not begun.
	[[ ! -e /home/alice/ran ]]
	wait $run
	[[ -e /home/alice/ran ]]
	every_launch_has_its_end
}

@test "descriptors for no more than a refusal (ulimit -n 12): it is on record" {
	local refusals launches
	read -r refusals launches <<<"$(on_record)"
	run as_user alice sh -c "ulimit -n 12; $LAUNCH 1 image=tiny -- /bin/echo hi"
	assert_status 125
	# HANDLE may be gone before SUPERVISOR knows that nobody opens what alice named.
	wait_for eval '[[ $(on_record) == "$((refusals + 1)) $launches" ]]'
}

@test "the supervisors' cgroup was emptied by cgroup.kill once: launches go on, and live in it" {
	as_user alice boxdo run tiny sleep 600 </dev/null >/dev/null 2>&1 3>&- &
	wait_for pgrep -x boxdo-init
	echo 1 >/sys/fs/cgroup/system.slice/boxdo.service/supervisors/cgroup.kill
	wait_for eval '! pgrep boxdo-'
	for _ in 1 2 3; do
		run as_user alice boxdo run tiny echo goes on
		assert_success
		assert_output 'goes on'
	done
	as_user alice boxdo run tiny sleep 600 </dev/null >/dev/null 2>&1 3>&- &
	wait_for pgrep -x boxdo-init
	grep -x 0::/system.slice/boxdo.service/supervisors "/proc/$(pgrep -x boxdo-super)/cgroup"
	pkill -u alice -x sleep
	wait_for eval '! pgrep boxdo-'
}

@test "who may not look into a directory of an image may not because a mount point was made in it" {
	local image=/srv/shared option
	mkdir -p $image/{secret,group,plain} && cp -a /srv/images/dir/bin $image/
	mkdir -p $image/etc && touch $image/etc/{passwd,group,hosts,localtime,resolv.conf} /data/f
	for directory in secret group etc; do echo hidden >$image/$directory/file; done
	# Named in a list; and of a group whose bits in the mode are the list's mask, and more than the group has.
	setfacl -m u:alice:--- $image/secret $image/etc
	chmod 700 $image/group && chgrp ml $image/group && setfacl -m u:bob:rwx $image/group
	[[ $(stat -c %a $image/group) == 770 ]]
	as_user bob grep hidden $image/group/file
	run as_user alice cat $image/{secret,group,etc}/file
	refute_match hidden
	policy "[settings]
image_owners = root
[allow a]
users = alice bob
images = $image
scratch = 4M
binds = /data ~:rw"
	for option in --read-only --scratch --no-home; do
		for place in /plain /secret/new /group/new/below /etc/new; do
			run as_user alice boxdo run $option -v "/data/f:$place/f" $image sh -c 'cat /secret/file /group/file /etc/file; echo ran'
			assert_success
			assert_match 'ran$'
			refute_match hidden
		done
	done
	# And who may, still may.
	run as_user bob boxdo run -v /data/f:/group/new/f $image cat /group/file
	assert_output hidden
	rm -rf $image /data/f
}

@test "SUPERVISOR killed while it is born: no launch without a record, and none that hangs" {
	local i
	for i in {1..40}; do
		as_user alice timeout 60 boxdo run tiny touch "/home/alice/m.$i" </dev/null >/dev/null 2>&1 3>&- &
		# As soon as there is one.
		perl -e 'for (1 .. 20000) { for (</sys/fs/cgroup/system.slice/boxdo.service/supervisors/cgroup.procs>) { open(my $f, "<", $_) or next;
			while (<$f>) { chomp; if ($_ > 1) { select(undef, undef, undef, rand() / 2000); kill 9, $_; exit } } } }'
		wait $! || true
	done
	# What ran is on record; how it ended a killed SUPERVISOR cannot say.
	run sh -c 'ls /home/alice/m.* 2>/dev/null | wc -l'
	[[ $output -le $(journalctl --namespace=boxdo -q -o cat --output-fields=BOXDO_ID BOXDO_EVENT=launch | sort -u | wc -l) ]]
	rm -f /home/alice/m.*
	wait_for eval '! pgrep boxdo-'
}
