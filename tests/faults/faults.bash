# Launches in which one system call fails: load after ../lib/common and ../attack/200-helpers.
# shellcheck shell=bash
#
# strace, as root, starts the helper as alice (-u: set-user-id works under it) and makes the Nth call of one
# kind fail in each process of the launch. No call is made with a wrong result: what is injected is an error
# the kernel could give. Left out are close(), which on Linux has always closed, and what cannot fail: getuid()
# and its like, umask(), alarm().
#
# What strace fails, it makes system call -1, and a seccomp filter looks after that: SUPERVISOR's would kill
# it, which no error of the kernel's does. So where the call is one that SUPERVISOR makes behind its filter,
# the filters are not loaded (their system call says "done"); the other calls fail with all filters there.

# What the payload says of itself: the same, line by line, in every launch in which it ran at all.
# shellcheck disable=SC2016
PAYLOAD='exec >"$1"; grep -E "^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):" /proc/self/status; ls /proc/self/fd'

FAULTS_REQUEST=(image=tiny network=none)

# helper_under TIME-LIMIT MARK STRACE-OPTION...
helper_under() {
	(cd /home/alice && timeout -k 1 "$1" strace -u alice -f -qq -o /dev/null "${@:3}" \
		"$LAUNCH" 1 "${FAULTS_REQUEST[@]}" -- sh -c "$PAYLOAD" sh "$2") </dev/null >/run/stage/output 2>&1
}

# For a clean run: which calls there are, and how many one process makes at most: "CALL COUNT" lines.
count_calls() {
	(cd /home/alice && strace -u alice -f -qq -o /run/stage/calls "$LAUNCH" 1 "${FAULTS_REQUEST[@]}" -- \
		sh -c "$PAYLOAD" sh /home/alice/m.clean) </dev/null
	# Those of the command itself, after its execve, are not ours.
	awk '$2 ~ /^execve\("\/(usr\/)?bin\/sh/ { payload[$1] = 1 }
		payload[$1] { next }
		match($2, /^[a-z0-9_]+\(/) { call = substr($2, 1, RLENGTH - 1); n = ++count[$1, call]; if (n > most[call]) most[call] = n }
		END { for (call in most) print call, most[call] }' /run/stage/calls | grep -vE '^(close|exit|exit_group|rt_sigreturn|execve|vfork|get(e?[ug]id|p?pid|tid)|umask|alarm) ' | sort
}

faults_setup() {
	printf '\n[settings]\nrecord_rate = 100M\nrecord_burst = 1G\n' >>"$POLICY"
	as_user alice boxdo run tiny true
	count_calls >/run/stage/counts
	sort -u /home/alice/m.clean >/run/stage/clean
	sed 's/^\(Seccomp:.\)2$/\10/' /run/stage/clean | sort -u >/run/stage/clean.unfiltered
	rm -f /home/alice/m.*
	every_launch_has_its_end
	wait_for no_boxdo_processes
	begin_traces
	raw_records | wc -l >/run/stage/before
}

behind_filter() { # CALL
	sed -n 's/^allow //p' "$TOP/broker/filter/supervisor.list" | grep -qw -- "$1"
}

# inject CALL NUMBER ERROR: one launch. Whatever becomes of it, it ends soon, and nothing is left of it.
inject() {
	local begin=$SECONDS filters=()
	! behind_filter "$1" || filters=(-e inject=seccomp:retval=0)
	helper_under 120 "/home/alice/m.$1.$2.$3" -e "trace=$1,seccomp" -e "inject=$1:error=$3:when=$2" "${filters[@]}" || true
	((SECONDS - begin < 120)) || echo "hangs: $1 $2 $3" >>/run/stage/wrong
	wait_for no_boxdo_processes >/dev/null || {
		echo "left by $1 $2 $3: $(boxdo_processes)" >>/run/stage/wrong
		boxdo_processes | sed -n 's,^/proc/\([0-9]*\).*,\1,p' | xargs -r kill -KILL
	}
}

# some: each call that matches is made to fail, the first three of each kind, then ever fewer; and then all is well.
some() { # CALL-PATTERN ERROR
	local call count number
	while read -r call count; do
		[[ $call =~ ^($1)$ ]] || continue
		for number in 1 2 3 5 8 13 21 34; do
			[[ $number -gt $count ]] || inject "$call" $number "$2"
		done
	done </run/stage/counts
	faults_agree
}

# faults_agree: no command ran without its record, none as anybody but what it should be, and no launch lacks its end.
faults_agree() {
	local mark call clean
	[[ ! -s /run/stage/wrong ]] || { cat /run/stage/wrong && rm /run/stage/wrong && return 1; }
	nothing_left
	one_of_each
	find /home/alice -name 'm.*' -printf '%f\n' | sort >/tmp/marks
	raw_records BOXDO_EVENT=launch | jq -r .BOXDO_COMMAND | grep -o 'm\.[0-9a-zA-Z_.]*' | sort >/tmp/recorded
	assert_equal "$(comm -23 /tmp/marks /tmp/recorded)" ''
	for mark in /home/alice/m.*; do
		call=${mark#*/m.} clean=/run/stage/clean
		! behind_filter "${call%%.*}" || clean=/run/stage/clean.unfiltered
		[[ -z $(sort -u "$mark" | comm -23 - $clean) ]] || {
			echo "in $mark:" && diff $clean "$mark"
			return 1
		}
		assert_equal "$(stat -c %u "$mark")" 2001
	done
	rm -f /home/alice/m.*
}
