#!/usr/bin/env bats
# What a launch costs, counted and not timed: system calls of all its processes, page faults, objects that are
# loaded, bytes it adds to the journal. A number that grows is a decision: it is changed here, with the reason in
# the commit.
load ../lib/common

# The calls until the command's own program begins and after it ended, of every process but PAM's; what is repeated
# while something is awaited (polling, pauses, the look-ups between them) counts once.
CALLS_MAX=935
CALLS_ASK_MAX=225
FAULTS_MAX=320
BYTES_MAX=3300
WAITING_MAX=160 # KiB
READING_MAX=512 # KiB; the kernel's own count is off by up to 256

setup_file() {
	as_user alice boxdo run dir true # the policy's own record, directories and files that the first launch makes
	export TRACE=$BATS_FILE_TMPDIR/trace
	# What is looked at again while a busy machine keeps somebody waiting is no cost of the launch: the least of five.
	for i in {1..5}; do
		(cd /home/alice && strace -f -o "$TRACE.$i" -e 'trace=!poll,recvmsg,clock_nanosleep,pread64' -u alice /usr/bin/boxdo run dir true)
	done
	mv "$(wc -l "$TRACE".? | sort -n | awk '{ print $2; exit }')" "$TRACE"
}

# calls ASK(yes|no): NUMBER NAME, a line a call, of the processes that did or did not execute boxdo-ask
calls() {
	awk -v want="$1" '
		{ pid = $1; line = $0; sub(/^[0-9]+ +/, "", line) }
		line ~ /^(\+\+\+|---|<\.\.\.)/ { next }
		line ~ /^execve\("\/usr\/libexec\/boxdo\/boxdo-ask"/ { ask[pid] = 1 }
		line ~ /^execve\("[^"]*\/true"/ { payload[pid] = 1 }
		payload[pid] { next }
		{ name = line; sub(/\(.*/, "", name); what = line; sub(/[{<].*/, "", what)
			again = name ~ /^(fstat|newfstatat)$/ && (what == last[pid, 1] || what == last[pid, 2] || what == last[pid, 3])
			last[pid, 3] = last[pid, 2]; last[pid, 2] = last[pid, 1]; last[pid, 1] = what }
		again { next } # the journal looked at again
		{ count[pid, name]++; pids[pid]; names[name] }
		END { for (p in pids) if ((p in ask) == (want == "yes")) for (n in names) sum[n] += count[p, n]
			for (n in sum) if (sum[n]) print sum[n], n }' "$TRACE" | sort -k1,1nr -k2
}

# within WHAT NUMBER MAX DETAILS
within() {
	[[ $2 -le $3 ]] || { echo "$1: $2, at most $3 wanted" && echo "$4" && return 1; }
	echo "# $1: $2 (at most $3)" >&3
}

@test "system calls of the helper's processes" {
	local all
	all=$(calls no)
	within 'system calls' "$(awk '{ sum += $1 } END { print sum }' <<<"$all")" $CALLS_MAX "$all"
}

@test "system calls of PAM's process" {
	local all
	all=$(calls yes)
	within "system calls of boxdo-ask" "$(awk '{ sum += $1 } END { print sum }' <<<"$all")" $CALLS_ASK_MAX "$all"
}

@test "the helper loads nothing" {
	run grep -E '"[^"]*/(libc|libpam|ld-)[^"]*"' <(awk '/execve\("\/usr\/libexec\/boxdo\/boxdo-ask"/ { ask[$1] = 1 } !($1 in ask)' "$TRACE")
	assert_equal "$output" ""
}

@test "page faults of all processes" {
	local faults
	printf 'launch|alice|1||boxdo run dir true\n' >"$BATS_TEST_TMPDIR/specs"
	faults=$("$TOP/build/bench/timer" 11 /home/alice "$BATS_TEST_TMPDIR/specs" | cut -f 8)
	within 'page faults' "$faults" $FAULTS_MAX ''
}

@test "memory of the three that wait" {
	local pid sum=0
	as_user alice boxdo run dir sh -c 'touch started; exec sleep 777' </dev/null >/dev/null 2>&1 3>&- &
	wait_for test -e /home/alice/started
	wait_for pgrep -f '^sleep 777'
	for pid in $(pgrep -x boxdo) $(pgrep -x boxdo-super) $(pgrep -x boxdo-init); do
		sum=$((sum + $(awk '/^Private_Dirty:/ { print $2 }' "/proc/$pid/smaps_rollup")))
	done
	pkill -KILL -x boxdo
	rm /home/alice/started
	[[ $sum -gt 0 ]]
	within 'KiB of their own of HANDLE, SUPERVISOR, INIT' $sum $WAITING_MAX ''
}

@test "bytes of records" {
	local before after
	every_launch_has_its_end # those of the tests before
	before=$(journalctl --namespace=boxdo -o export | wc -c)
	as_user alice boxdo run dir true
	every_launch_has_its_end
	after=$(journalctl --namespace=boxdo -o export | wc -c)
	within 'bytes of records' $((after - before)) $BYTES_MAX "$(journalctl --namespace=boxdo -o export -n 2)"
}

@test "memory that reading the policy takes does not grow with the rules of others" {
	local rules first before later
	cp "$TOP/build/bench/load" /run/load
	for rules in 10 100000; do
		awk -v n=$rules 'BEGIN { for (i = 0; i < n; i++) printf "[allow r%d]\nusers = user%d\nimages = prog\n\n", i, i }' >/etc/boxdo/policy.d/others.conf
		touch -d '2020-01-01' /etc/boxdo/policy.conf /etc/boxdo/policy.d/others.conf
		before=${later-}
		sleep 4 # what changed just now is not believed to be the same
		read -r _ first _ later < <(/run/load /etc/boxdo 3)
	done
	rm /etc/boxdo/policy.d/others.conf
	# The first reading, of files that are new, keeps a few bytes a section.
	[[ $first -gt $((later + READING_MAX)) ]]
	within 'more KiB for 100,000 rules' $((later - before)) $READING_MAX ''
}
