# Helpers for bats files, which run as root in a stage of their own: `load ../lib/common`.
# shellcheck shell=bash

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd -P)
export TOP
LAUNCH=/usr/libexec/boxdo/boxdo-launch
POLICY=/etc/boxdo/policy.conf
export LAUNCH POLICY

# as_user USER COMMAND...: all ids, at home, clean environment; alice from her delegated cgroup.
as_user() {
	"$TOP/tests/lib/as" "$@"
}

# as_user_in DIRECTORY USER COMMAND...
as_user_in() {
	BOXDO_AS_CWD=$1 "$TOP/tests/lib/as" "${@:2}"
}

# wait_for [-t SECONDS] COMMAND...: until it succeeds; fails after a minute (or SECONDS), which no machine is too slow for.
wait_for() {
	local seconds=60 end tries=0
	[[ $1 != -t ]] || { seconds=$2 && shift 2; }
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		# Nor is one that stood still meanwhile, and looked once or twice in all that time.
		if ((++tries > 2 * seconds && SECONDS >= end)); then
			echo "not within $seconds s: $*"
			return 1
		fi
		sleep 0.02
	done
}

# records [JQ-FILTER]: what boxdo log shows, one JSON object a line. A filter narrows it:
#	records 'select(.event == "end" and .user == "alice")'
records() {
	boxdo log --json | jq -c "${1-.}"
}

# raw_records [MATCH...]: the same from the journal itself, by journalctl (BOXDO_EVENT=launch ...).
raw_records() {
	journalctl --namespace=boxdo --quiet --all --output=json "$@" | jq -c 'select(.BOXDO_EVENT)'
}

# count_records MATCH...
count_records() {
	raw_records "$@" | wc -l
}

# Every launch has exactly one end (duplicates joined), soon.
every_launch_has_its_end() {
	wait_for no_open_launch
}
no_open_launch() {
	[[ -z $(comm -3 <(ids launch) <(ids end)) ]]
}
ids() { # EVENT: of the launches that have such a record
	journalctl --namespace=boxdo --quiet --output=cat --output-fields=BOXDO_ID "BOXDO_EVENT=$1" | sort -u
}

# policy TEXT: writes the whole policy, from standard input when there is no TEXT.
policy() {
	if (($#)); then printf '%s\n' "$@"; else cat; fi >"$POLICY"
}
catalogue() { # the stage's three images, to put before rules of a test's own
	printf '[image %s]\npath = %s\n' tiny /srv/images/tiny.sqfs python /srv/images/python.sqfs dir /srv/images/dir
}

# --- assertions: say what was there instead ---------------------------------------------------------

assert_status() { # WANTED, after `run`
	# shellcheck disable=SC2154
	[[ $status -eq $1 ]] || { echo "status $status, not $1; output: $output" && return 1; }
}
assert_success() {
	assert_status 0
}
assert_equal() { # GOT WANTED
	[[ $1 == "$2" ]] || { printf 'got:    %q\nwanted: %q\n' "$1" "$2" && return 1; }
}
assert_output() { # TEXT, after `run`
	assert_equal "$output" "$1"
}
assert_match() { # REGEX, after `run`
	[[ $output =~ $1 ]] || { printf 'no match for %s in:\n%s\n' "$1" "$output" && return 1; }
}
refute_match() { # REGEX, after `run`
	[[ ! $output =~ $1 ]] || { printf 'unwanted match for %s in:\n%s\n' "$1" "$output" && return 1; }
}

# --- what a launch may not leave behind ----------------------------------------------------------------

# leftovers: processes of boxdo, mounts, loop devices, cgroups; compare before and after. What launches before left on its
# way out must not be taken for what is there: settled first.
leftovers() {
	pgrep -a boxdo-launch
	sed 's/^[^ ]* [^ ]* //' /proc/1/mountinfo | sort
	# Where supervisors live stays, from the first launch on.
	find /sys/fs/cgroup -mindepth 2 -type d -path '*boxdo*' ! -name boxdo.service ! -name supervisors
	own_loops
	return 0
}
# Other stages use the same loop devices and names, but not the same files.
own_loops() {
	awk 'NR == FNR { own[$1]; next } $1 in own' <(find /srv -xdev -type f -printf '%i\n') \
		<(losetup --noheadings --list --output BACK-INO,BACK-FILE) | sort
}
# settled: until nothing of any launch is there, nor an image in use.
settled() {
	wait_for nothing_runs
}
nothing_runs() {
	[[ -z $(pgrep -x 'boxdo.*') && -z $(own_loops) ]]
}

# --- the journals -------------------------------------------------------------------------------------

# journal_pid / main_journal_pid: the journald now running. The holder keeps its sockets and starts
# it again when it dies, as PID 1 would.
journal_pid() {
	cat /run/stage/journald-boxdo.pid
}
main_journal_pid() {
	cat /run/stage/journald.pid
}
# journal_down: killed and not started again; its sockets stay and fill up.
journal_down() {
	kill -USR1 "$(cat /run/stage/hold-journald-boxdo.pid)"
	kill -KILL "$(journal_pid)"
	wait_for test ! -e /run/stage/journald-boxdo.pid
}
journal_up() {
	kill -USR2 "$(cat /run/stage/hold-journald-boxdo.pid)"
	wait_for test -e /run/stage/journald-boxdo.pid
}
# journal_hang / journal_resume: alive, but reads nothing.
journal_hang() {
	kill -STOP "$(journal_pid)"
}
journal_resume() {
	kill -CONT "$(journal_pid)"
}
