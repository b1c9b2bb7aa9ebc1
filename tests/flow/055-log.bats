#!/usr/bin/env bats
# boxdo log: what can be asked, a launch as a page, its forms, gaps, open launches, retention, verification, access.
load ../lib/common
load ../attack/200-helpers

setup_file() {
	cat >"$POLICY" <<-'END'
		[image tiny]
		path = /srv/images/tiny.sqfs
		[image python]
		path = /srv/images/python.sqfs

		# the first
		[allow ml]
		users = alice
		images = tiny
		binds = /data ~:rw .:rw
		devices = /dev/fuse
		network = host none

		[allow lab]
		users = bob
		images = tiny python
		binds = /data/ml
	END
	cp "$POLICY" /run/stage/before
	as_user alice boxdo run tiny true
	as_user alice boxdo run -v /data:/data --device /dev/fuse --network none tiny sh -c 'exit 3' || true
	as_user_in / bob boxdo run -v /data/ml:/data/ml tiny echo one
	as_user_in / bob boxdo run python true
	as_user mallory boxdo run tiny id 2>/dev/null || true
	job=/sys/fs/cgroup/system.slice/slurmstepd.scope/job_4711/step_3/user/task_0
	mkdir -p $job
	sh -c "echo \$\$ >$job/cgroup.procs; cd /home/alice; exec setpriv --reuid 2001 --regid 2001 --init-groups boxdo run tiny true job"
	rmdir -p $job 2>/dev/null || true
	every_launch_has_its_end
}

commands() { # OPTIONS...: the commands shown, in one line
	boxdo log --event launch --event refuse --json --fields command "$@" | jq -r .command | paste -sd,
}

@test "every key selects what it says" {
	all=$(commands)
	assert_equal "$all" "true,sh -c 'exit 3',echo one,true,id,true job"
	assert_equal "$(commands --user alice)" "true,sh -c 'exit 3',true job"
	assert_equal "$(commands --uid 2002 --user mallory)" ""
	assert_equal "$(commands --user mallory --user 2002)" "echo one,true,id"
	assert_equal "$(commands --image python)" true
	assert_equal "$(commands --image '/srv/images/p*')" true
	assert_equal "$(commands --image 't*' --user bob)" 'echo one'
	assert_equal "$(commands --image nosuch)" ''
	assert_equal "$(commands --host gpu1)" "$all"
	assert_equal "$(commands --host 'gpu[2-9]')" ''
	assert_equal "$(commands --rule lab)" 'echo one,true'
	assert_equal "$(commands --rule 'allow l*')" 'echo one,true'
	assert_equal "$(commands --command 'sh -c *')" "sh -c 'exit 3'"
	assert_equal "$(commands --command id --command echo)" 'echo one,id'
	assert_equal "$(commands --bind /data/ml/x)" "sh -c 'exit 3',echo one"
	assert_equal "$(commands --bind /data)" "sh -c 'exit 3',echo one"
	assert_equal "$(commands --bind /data2)" ''
	assert_equal "$(commands --bind '/data/*')" 'echo one'
	assert_equal "$(commands --bind /home/alice/secret)" "true,sh -c 'exit 3',true job"
	assert_equal "$(commands --device '/dev/f*')" "sh -c 'exit 3'"
	assert_equal "$(commands --job 4711)" 'true job'
	assert_equal "$(commands --session 4711)" ''
	assert_equal "$(commands --refused)" "$(commands --event refuse)"
	assert_equal "$(commands --since -1h --until now)" "$all"
	assert_equal "$(commands --since tomorrow)" ''
	assert_equal "$(boxdo log --digest 00ff --json)" ''
	# All at once, also where records are compared one by one (-f cannot use the index).
	assert_equal "$(commands --user alice --image 't*' --rule ml --bind /data --device '*' --host 'g*' --command '*3*' --since -1h)" "sh -c 'exit 3'"
	boxdo log -f -n 50 --json --fields command --event launch --bind /data/ml --image 't*' >/run/stage/followed 3>&- &
	follows() { [[ $(jq -r .command /run/stage/followed | paste -sd,) == "sh -c 'exit 3',echo one" ]]; }
	wait_for follows
	kill $!
	wait $! || true
	follows
	assert_equal "$(boxdo log -n 1 --user bob --json --fields event | jq -r .event)" end
	boxdo log -r -n 2 >/dev/null
	assert_equal "$(boxdo log --directory "$(echo /var/log/journal/*.boxdo)" --user bob --event launch --image python --json | wc -l)" 1
	assert_equal "$(boxdo log --merge --user bob --event launch --json | wc -l)" 2
}

@test "a launch as a page: its rule as it stood then; an id may be cut short" {
	id=$(boxdo log --user alice --command 'sh *' --json --fields id | jq -r .id)
	# The policy is another one since, and the rule somewhere else.
	sed 's/^users = alice$/users = alice mallory/; s/^# the first/# the first\n# moved/' /run/stage/before >"$POLICY"
	as_user mallory boxdo run tiny true now
	every_launch_has_its_end
	for prefix in "$id" "${id:0:12}" "$(tr a-f A-F <<<"${id:0:12}")"; do
		run boxdo log "$prefix"
		assert_success
		assert_match "Id +$id"
		assert_match 'User +alice, uid 2001'
		assert_match "Command +sh -c 'exit 3'"
		assert_match $'\\[allow ml\\]\n +users = alice\n +images = tiny\n'
		refute_match 'mallory'
		assert_match 'Binds .*/data:/data:ro'
		assert_match 'Devices +/dev/fuse'
		assert_match 'Network +none'
		assert_match 'end: exit 3'
	done
	run boxdo log "$(boxdo log --user mallory --event launch --json --fields id | jq -r .id)"
	assert_match $'\\[allow ml\\]\n +users = alice mallory\n'
	run boxdo log "$(boxdo log --user mallory --refused --json --fields id | jq -r .id)"
	assert_match 'Status +refused'
	assert_match 'not permitted'
	# Every first digit that two ids share.
	first=$(boxdo log --json --fields id | jq -r .id | sort -u | cut -c1 | uniq -d | head -n 1)
	if [[ -n $first ]]; then
		run boxdo log "$first"
		assert_status 1
		assert_match 'several ids'
	fi
	run boxdo log 0123456789abcdef0123456789abcdef
	assert_status 1
	assert_match '^boxdo: there is no record'
	cp /run/stage/before "$POLICY"
}

# --- exactness ------------------------------------------------------------------------------------------

@test "every byte from 1 to 255: JSON and CSV give it back, the table is one line a record" {
	# shellcheck disable=SC2016
	make='srand($ARGV[0]); print join("", map { chr(1 + int(rand 255)) } 1..$ARGV[1])'
	rm -rf /tmp/exact && mkdir /tmp/exact
	for i in {1..12}; do
		perl -e "$make" "$i" $((i * 40)) >/tmp/exact/$i.a
		printf '%s' "$(printf '=+-@\t'"'" | cut -c$((i % 6 + 1)))" >/tmp/exact/$i.b
		as_user alice boxdo run tiny true "exact$i" "$(cat /tmp/exact/$i.a; echo .)" "$(cat /tmp/exact/$i.b; echo .)"
	done
	every_launch_has_its_end
	boxdo log --event launch --command 'true exact*' --json --fields command >/tmp/exact/json
	boxdo log --event launch --command 'true exact*' --csv --fields command,time >/tmp/exact/csv
	boxdo log --event launch --command 'true exact*' >/tmp/exact/table
	# jq takes it, and what a shell makes of it is what was typed.
	assert_equal "$(jq -s length /tmp/exact/json)" 12
	for i in {1..12}; do
		jq -j -s ".[$i - 1].command | if type == \"object\" then .bytes else @base64 end" /tmp/exact/json | base64 -d >/tmp/exact/command
		bash -c 'eval "set -- $(cat /tmp/exact/command)"; printf %s "$3" >/tmp/exact/got.a; printf %s "$4" >/tmp/exact/got.b'
		cmp /tmp/exact/got.a <(cat /tmp/exact/$i.a; printf .)
		cmp /tmp/exact/got.b <(cat /tmp/exact/$i.b; printf .)
		# CSV, undone as boxdo-audit(7) says, gives the same bytes.
		perl -e '$_ = (split /\r\n/, do { local $/; <STDIN> })[$ARGV[0]]; s/^"((?:[^"]|"")*)".*/$1/s; s/""/"/g; s/^\x27//;
			s/#([0-7]{3})/chr oct $1/ge; print' "$i" </tmp/exact/csv | cmp - /tmp/exact/command
	done
	assert_equal "$(wc -l </tmp/exact/table)" 13
	assert_equal "$(wc -l </tmp/exact/csv)" 13
	! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' /tmp/exact/table
	tr -d '\r' </tmp/exact/csv | (! LC_ALL=C grep -q $'[\x01-\x09\x0b-\x1f\x7f]')
	iconv -f UTF-8 -t UTF-8 /tmp/exact/table /tmp/exact/csv /tmp/exact/json >/dev/null
	rm -rf /tmp/exact
}

@test "a journal file made by hand steers no terminal and breaks no line of JSON" {
	as_user alice boxdo run tiny true byhand
	every_launch_has_its_end
	rm -rf /tmp/byhand && mkdir -m 700 /tmp/byhand
	cp /var/log/journal/*.boxdo/*.journal /tmp/byhand/
	perl -pi -e 's/BOXDO_GID=/BOXDO_G\e"=/g; s/BOXDO_EXIT=0/BOXDO_EXIT=\e/g; s/BOXDO_SEQ=\d/BOXDO_SEQ=\e/g' /tmp/byhand/*.journal
	grep -q $'BOXDO_EXIT=\e' /tmp/byhand/*.journal
	local id
	id=$(boxdo log --directory /tmp/byhand --event launch --command 'true byhand' --json | jq -r .id)
	[[ -n $id ]]
	for words in '' --json --csv "$id" '--csv --fields status,seq' --gaps --open; do
		# shellcheck disable=SC2086
		run boxdo log --directory /tmp/byhand $words
		[[ -n $output || $words == --open ]]
		refute_match $'\e'
		[[ $words != --json ]] || jq -es . <<<"$output" >/dev/null
	done
	rm -r /tmp/byhand
	# Nor does the name of a file that is not believed.
	as_user mallory touch $'/tmp/x\e[2J\xc2\x9b31m.journal'
	run boxdo log --directory /tmp
	rm -f /tmp/x*.journal
	assert_status 1
	assert_match 'belongs to neither root nor you'
	[[ $output != *$'\e'* && $output != *$'\xc2'* ]]
}

@test "no cell of the CSV is a formula, and it can be told from one that begins with '" {
	for word in '=1+1' '+1' '-1' '@SUM(1)' $'\t=1' $'\r=1' '＝1' "'=1" 'x=1'; do
		as_user mallory boxdo run "$word" true 2>/dev/null || true
	done
	boxdo log --user mallory --refused -n 9 --csv --fields image,user | tail -n 9 | tr -d '\r' >/tmp/csv
	assert_equal "$(cat /tmp/csv)" "$(printf '"%s","mallory"\n' "'=1+1" "'+1" "'-" "'@SUM(1)" "'#011=1" "'#015=1" "'＝1" "''=1" 'x=1')"
}

# --- gaps, open launches --------------------------------------------------------------------------------

collected() { # FILTER...: records of 40 hosts, as a filter of the export format leaves them, in /run/stage/collected
	rm -rf /run/stage/collected && mkdir /run/stage/collected
	"$TOP/bench/records" 600 | "$@" |
		/usr/lib/systemd/systemd-journal-remote --split-mode=none -o /run/stage/collected/all.journal - 2>/dev/null
}

@test "--gaps: no hole on a host nor among many; one that is made is found" {
	run boxdo log --gaps
	assert_success
	assert_match 'none is missing'
	collected cat
	run boxdo log --gaps --directory /run/stage/collected
	assert_success
	refute_match ' missing: '
	collected awk 'BEGIN {RS = ""; ORS = "\n\n"} !/BOXDO_SEQ=7\n/ || !/BOXDO_HOST=gpu17\n/'
	run boxdo log --gaps --directory /run/stage/collected
	assert_status 2
	assert_match $'gpu17, boot [0-9a-f]+: [0-9]+ records, numbers 1 to [0-9]+\n  missing: 7, between 20'
	[[ $(grep -c '^  missing: ' <<<"$output") -eq 1 ]]
	run boxdo log --gaps --directory /run/stage/collected --host gpu18
	assert_success
	# The beginning of a host's oldest boot may be gone; that of a later one may not.
	collected awk 'BEGIN {RS = ""; ORS = "\n\n"} !/BOXDO_SEQ=[123]\n/'
	run boxdo log --gaps --directory /run/stage/collected
	assert_success
	assert_match 'begins there'
	collected awk 'BEGIN {RS = ""; ORS = "\n\n"} NR > 400 {sub(/_BOOT_ID=..../, "_BOOT_ID=ffff")} 1'
	run boxdo log --gaps --directory /run/stage/collected --host gpu03
	assert_status 2
	assert_match 'missing: 1 to [0-9]+, between the beginning and'
}

# both_ways ARGUMENTS: the short way to the numbers says what libsystemd says, asked with a filter that takes everything.
both_ways() {
	local short code=0
	short=$(boxdo log --gaps "$@") || code=$?
	run boxdo log --gaps --event launch --event refuse --event end --event auth --event policy "$@"
	assert_status $code
	assert_equal "$short" "$output"
}

@test "--gaps reads the files by itself, and finds what libsystemd finds: in each kind of file, and in one cut short" {
	local kind file=/run/stage/collected/all.journal
	as_user alice boxdo run tiny true "$(head -c 90000 /dev/zero | tr '\0' a)" # compressed
	journalctl --namespace=boxdo --rotate 2>/dev/null || kill -USR2 "$(journal_pid)"
	wait_for compgen -G '/var/log/journal/*.boxdo/system@*.journal'
	both_ways
	assert_match 'none is missing'
	rm -rf /run/stage/copy && mkdir /run/stage/copy
	cp /var/log/journal/*.boxdo/*.journal /run/stage/copy/
	both_ways --directory /run/stage/copy # sent twice, as it were
	cp "$(find /run/stage/copy -name '*.journal' | head -n 1)" /run/stage/copy/again.journal
	both_ways --directory /run/stage/copy
	for kind in SYSTEMD_JOURNAL_COMPACT=0 SYSTEMD_JOURNAL_COMPACT=1 SYSTEMD_JOURNAL_COMPRESS=0 SYSTEMD_JOURNAL_KEYED_HASH=0; do
		export "${kind?}"
		collected awk 'BEGIN {RS = ""; ORS = "\n\n"} !/BOXDO_SEQ=7\n/ || !/BOXDO_HOST=gpu17\n/'
		unset "${kind%=*}"
		both_ways --directory /run/stage/collected
		assert_status 2
		assert_match ' missing: 7,'
	done
	# Others' records, and what is in no sender's power: neither counts.
	collected sed 's/^_UID=0$/_UID=1000/; s/^BOXDO_HOST=gpu03$/&\n_TRANSPORT=stdout/'
	both_ways --directory /run/stage/collected
	assert_output ''
	collected sed '/^_NAMESPACE=/d; s/^_EXE=.*/_EXE=\/usr\/bin\/dockerd/'
	both_ways --directory /run/stage/collected
	assert_output ''
	collected sed '/^BOXDO_HOST=gpu05$/{s/^/BOXDO_NOT/}; /^BOXDO_SEQ=3$/d; s/^MESSAGE_ID=d19f.*/MESSAGE_ID=0159e7bab49e4b418ea3081115403feb/'
	both_ways --directory /run/stage/collected
	assert_match 'records have no number'
	collected cat
	truncate -s 700000 "$file"
	run boxdo log --gaps --directory /run/stage/collected
	[[ $status -le 2 ]]
}

@test "--open: running, killed by root, machine went down, not known" {
	run boxdo log --open
	assert_success
	assert_output ''
	as_user alice boxdo run tiny sleep 600 3>&- &
	as_user alice boxdo run tiny sleep 601 3>&- &
	wait_for sh -c 'test "$(boxdo log --running --json | wc -l)" = 2'
	pid=$(boxdo log --running --command 'sleep 601' --json | jq -r ._PID)
	kill -KILL "$pid"
	pkill -f 'sleep 601' || true
	wait_for sh -c '! boxdo log --running | grep -q "sleep 601"'
	run boxdo log --open
	assert_status 2
	assert_match 'running +alice .*sleep 600'
	assert_match 'killed by root +alice .*sleep 601'
	pkill -f 'sleep 600' || true
	wait
	wait_for sh -c '! boxdo log --open | grep -q "sleep 600"'
	# On the collecting host. Host gpu03 was started again since, gpu04 perhaps still runs.
	collected awk 'BEGIN {RS = ""; ORS = "\n\n"} !/BOXDO_EVENT=end/ || !/HOST=gpu0[34]\n/ {
		if (NR > 300 && /HOST=gpu03\n/) sub(/_BOOT_ID=..../, "_BOOT_ID=ffff"); print}'
	run boxdo log --open --directory /run/stage/collected
	assert_status 2
	assert_match 'machine went down +user[0-9]+ +gpu03'
	assert_match 'not known here +user[0-9]+ +gpu04'
	refute_match 'gpu05'
}

# --- retention, verification --------------------------------------------------------------------------------

@test "--retention: days at this rate, and at the worst a user can do" {
	worst() { boxdo log --retention | sed -n 's/^the worst .*): \([0-9]*\) \(days\|h\).*/\1\2/p'; }
	run boxdo log --retention
	assert_success
	assert_match 'records, .*B a record'
	assert_match 'kept: the newest 4.0 GiB'
	assert_match 'at the present rate, .* a day: [0-9]+ days'
	assert_equal "$(worst)" 2days
	printf '[settings]\nrecord_rate = 1K\n' | cat - /run/stage/before >"$POLICY"
	assert_equal "$(worst)" 46days
	cp /run/stage/before "$POLICY"
	mkdir -p '/etc/systemd/journald@boxdo.conf.d'
	printf '[Journal]\nMaxRetentionSec=20day\n' >'/etc/systemd/journald@boxdo.conf.d/50.conf'
	mkdir -p /etc/systemd/system/boxdo-retention.service.d
	printf '[Service]\nEnvironment="KEEP=40G"\n' >/etc/systemd/system/boxdo-retention.service.d/override.conf
	assert_equal "$(worst)" 20days
	run boxdo log --retention
	assert_match 'kept: the newest 40.0 GiB \(boxdo-retention.service\)'
	# Who sets a limit of journald's has that.
	printf '[Journal]\nSystemMaxUse=1G\n' >'/etc/systemd/journald@boxdo.conf.d/50.conf'
	run boxdo log --retention
	assert_match 'kept: the newest 1.0 GiB \(SystemMaxUse\)'
	rm -r '/etc/systemd/journald@boxdo.conf.d' /etc/systemd/system/boxdo-retention.service.d
}

@test "files that cannot be read are named, and the others shown" {
	local copy=/run/stage/copy cut whole shown
	rm -rf $copy && mkdir $copy
	cp /var/log/journal/*.boxdo/system.journal $copy/
	shown=$(boxdo log --directory $copy --json | wc -l)
	[[ $shown -gt 0 ]]
	# What a journald leaves that was killed as it made a file.
	: >"$copy/system@0006613a2195e1ad-0006613a2195e1ad.journal~"
	assert_equal "$(boxdo log --directory $copy --json 2>&1 | wc -l)" "$shown"
	# What the power going can leave: the file is shorter than it says.
	cut=$copy/system@0006613a2195e1ad-0006613a2195e1ae.journal~
	cp $copy/system.journal "$cut"
	whole=$(stat -c %s "$cut")
	truncate -s $((whole - 4096)) "$cut"
	run boxdo log --directory $copy --gaps
	assert_success
	assert_match "${cut//[@.]/.} was cut off, and its records are not shown; .truncate -s $whole. makes a copy of it readable"
	assert_match 'none is missing'
	assert_equal "$(boxdo log --directory $copy --json 2>/dev/null | wc -l)" "$shown"
	rm $copy/system.journal
	run boxdo log --directory $copy
	assert_status 1
	assert_match "no record can be read there, and this is damaged: $copy/.*; .truncate -s $whole. makes a copy readable"
	truncate -s "$whole" "$cut"
	assert_equal "$(boxdo log --directory $copy --json 2>&1 | wc -l)" "$shown"
	# This host's.
	cp "$cut" /var/log/journal/*.boxdo/
	truncate -s $((whole - 4096)) /var/log/journal/*.boxdo/*.journal~
	run boxdo log --open
	rm /var/log/journal/*.boxdo/*.journal~
	assert_match 'was cut off, and its records are not shown'
	refute_match 'cannot be opened'
	run boxdo log
	refute_match 'was cut off'
}

@test "--verify: whole; damaged" {
	run boxdo log --verify
	assert_success
	assert_match 'whole, not sealed'
	rm -rf /run/stage/copy && mkdir /run/stage/copy
	cp /var/log/journal/*.boxdo/system.journal /run/stage/copy/
	run boxdo log --verify --directory /run/stage/copy
	assert_success
	# One byte of a record.
	at=$(grep -abo 'BOXDO_USER=mallory' /run/stage/copy/system.journal | head -n 1 | cut -d: -f1)
	printf X | dd of=/run/stage/copy/system.journal bs=1 seek=$((at + 12)) conv=notrunc status=none
	run boxdo log --verify --directory /run/stage/copy
	assert_status 2
	assert_match 'DAMAGED OR CHANGED'
}

# --- who may read, and the manual ------------------------------------------------------------------------------

@test "systemd-journal and boxdo-audit read the trail without root; others nothing; nobody writes" {
	journal=$(echo /var/log/journal/*.boxdo)
	audit=$(getent group boxdo-audit | cut -d: -f3)
	audit() { setpriv --reuid 65534 --regid 65534 --groups "$audit" "$@"; }
	for who in 'as_user auditor' audit; do
		run $who boxdo log --event launch
		assert_success
		assert_match 'alice'
		run $who boxdo log --gaps
		assert_match 'records'
		run $who boxdo report
		assert_success
		run $who sh -c "echo >>$journal/system.journal"
		[[ $status -ne 0 ]]
		run $who sh -c "touch $journal/x.journal || rm -f $journal/system.journal"
		[[ $status -ne 0 && -e $journal/system.journal ]]
	done
	# That group has this trail alone.
	run audit sh -c 'cat /var/log/journal/*[0-9a-f]/system.journal >/dev/null'
	[[ $status -ne 0 ]]
	for program in log report 'log --gaps' 'log --open' 'log --verify' 'log --retention' 'log 0123'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo $program
		assert_status 1
		assert_output 'boxdo: you may not read the audit journal; members of group systemd-journal (or boxdo-audit) may'
	done
}

@test "every command under QUESTIONS in boxdo-audit(7) runs" {
	count=0
	while IFS= read -r command; do
		count=$((count + 1))
		echo "# $command"
		run bash -c "set -o pipefail; $command"
		[[ $status -eq 0 || ( $status -eq 2 && $command == *--[gov]* ) ]] || { echo "status $status: $output" && return 1; }
		refute_match '^boxdo: '
	done < <(sed -n '/^\.Sh QUESTIONS/,/^\.Sh EVENTS/s/^\.Dl # //p' "$TOP/man/boxdo-audit.7" | sed 's/\\(dq/"/g')
	[[ $count -ge 15 ]]
}

@test "the command for collectors in boxdo-audit(7): each record once, from one run to the next, also over a rotation" {
	command=$(sed -n 's/^\.Dl \(journalctl .*--cursor-file\)/\1/p' "$TOP/man/boxdo-audit.7")
	command=${command/\/var\/lib\/COLLECTOR//run/stage}
	collect() { bash -c "$command" | jq -r 'select(.BOXDO_EVENT).BOXDO_RECORD'; }
	all() { raw_records | jq -r .BOXDO_RECORD; }
	rm -f /run/stage/boxdo.cursor
	assert_equal "$(collect)" "$(all)"
	assert_equal "$(collect)" ''
	before=$(all | wc -l)
	has_more() { [[ $(all | wc -l) -ge $((before + $1)) ]]; }
	as_user alice boxdo run tiny true
	wait_for has_more 2
	journalctl --namespace=boxdo --rotate 2>/dev/null || kill -USR2 "$(journal_pid)"
	as_user alice boxdo run tiny true
	wait_for has_more 4
	assert_equal "$(collect)" "$(all | tail -n "+$((before + 1))")"
}

@test "journalctl -x explains each kind of record" {
	journalctl --update-catalog
	for event in launch refuse end policy; do
		run journalctl --namespace=boxdo --quiet -x -n 1 BOXDO_EVENT=$event
		assert_match 'Subject: '
		assert_match 'man:boxdo-audit'
		refute_match 'Subject:.*@BOXDO_(USER|ID)@'
	done
}

@test "on a terminal: a pager and colours as journalctl; none elsewhere" {
	on_terminal() { script -qec "stty cols 120 rows 50; $1" /dev/null | tr -d '\r'; }
	refused='TERM=xterm LC_ALL=C.UTF-8 boxdo log --refused -n 1'
	as="$TOP/tests/lib/as auditor env"
	run on_terminal "$as SYSTEMD_PAGER='sed s/^/P:/' $refused"
	assert_match $'P:TIME.*\nP:.*\e\\[31mrefuse'
	run on_terminal "$as SYSTEMD_PAGER= PAGER='sed s/^/P:/' $refused"
	refute_match 'P:'
	run on_terminal "$as PAGER='sed s/^/P:/' $refused"
	assert_match 'P:TIME'
	run on_terminal "$as SYSTEMD_PAGER=cat NO_COLOR=1 $refused"
	refute_match $'\e\\['
	run on_terminal "$as SYSTEMD_COLORS=0 SYSTEMD_PAGER=cat $refused"
	refute_match $'\e\\['
	# As root no program is run that the environment names.
	run on_terminal "env SYSTEMD_PAGER='touch /run/stage/pwned' LESSOPEN='|touch /run/stage/pwned' $refused"
	[[ ! -e /run/stage/pwned ]]
	run boxdo log --refused -n 1
	refute_match $'\e'
}

@test "boxdo report counts what is on record; nothing a user typed is markup in its page" {
	as_user mallory boxdo run '<script>alert(1)</script>' true 2>/dev/null || true
	as_user mallory boxdo run $'"><img src=x onerror=alert(1)>\e[2J&\xff' true 2>/dev/null || true
	run boxdo report --top 50
	assert_success
	assert_match "$(records 'select(.event == "launch")' | wc -l) launches, $(records 'select(.event == "end" and .exit != 0)' | wc -l) failed, $(records 'select(.event == "refuse")' | wc -l) refused"
	refute_match $'\e'
	boxdo report --html /tmp/report.html --top 50
	assert_equal "$(stat -c %a /tmp/report.html)" 600
	run cat /tmp/report.html
	assert_match '&#60;script&#62;alert'
	refute_match '<(script|img|iframe|link rel="style|a )'
	refute_match 'https?://'
	refute_match $'[\x01-\x08\x0b-\x1f]'
	assert_match "default-src 'none'"
	# What others put there before: a link to a file of root's, a file of theirs.
	echo kept >/etc/boxdo.kept
	rm -rf /home/mallory/put && as_user mallory mkdir /home/mallory/put
	as_user mallory ln -s /etc/boxdo.kept /home/mallory/put/link
	as_user mallory touch /home/mallory/put/theirs
	for file in link theirs; do
		run boxdo report --html /home/mallory/put/$file
		assert_status 1
	done
	assert_equal "$(cat /etc/boxdo.kept)" kept
	[[ ! -s /home/mallory/put/theirs ]]
	rm -r /etc/boxdo.kept /home/mallory/put
	boxdo report --html /tmp/report.html --top 50
	assert_equal "$(boxdo report --html - | head -c 15)" '<!DOCTYPE html>'
	run boxdo report --html /nosuch/x
	assert_status 1
	run boxdo report --top 0
	assert_status 125
}

@test "--verify of sealed files: with the key, without it, with a wrong one, with a file put in their place" {
	# As boxdo-audit(7) says: a key that no other journal uses.
	collected cat
	mkdir -p /run/stage/copy
	journalctl --setup-keys --force --interval=1h >/run/stage/key 2>/dev/null ||
		skip 'this journalctl makes no keys'
	sed -i 's/^Seal=no/Seal=yes/' '/etc/systemd/journald@boxdo.conf'
	kill -USR1 "$(cat /run/stage/hold-journald.pid)"
	kill -KILL "$(main_journal_pid)"
	journal_down
	rm -rf /var/log/journal/*.boxdo/*
	journal_up
	rm -f /run/boxdo/policy
	as_user alice boxdo run tiny true sealed
	every_launch_has_its_end
	journalctl --namespace=boxdo --rotate 2>/dev/null || kill -USR2 "$(journal_pid)"
	wait_for sh -c 'ls /var/log/journal/*.boxdo/system@*.journal'
	run boxdo log --verify
	assert_status 2
	assert_match 'sealed: not checked, that takes its key'
	run boxdo log --verify --verify-key /run/stage/key
	assert_success
	assert_match 'whole and sealed: as it was written'
	sed 's/^\(.\)/\1/; s/^......../0123-456/' /run/stage/key >/run/stage/wrong
	run boxdo log --verify --verify-key /run/stage/wrong
	assert_status 2
	# A file that is not sealed, put in place of one that is.
	rm -rf /run/stage/copy/* && cp /var/log/journal/*.boxdo/*.journal /run/stage/copy/
	cp /run/stage/collected/all.journal /run/stage/copy/other.journal
	run boxdo log --verify --verify-key /run/stage/key --directory /run/stage/copy
	assert_status 2
	assert_match 'other.journal: NOT SEALED'
}
