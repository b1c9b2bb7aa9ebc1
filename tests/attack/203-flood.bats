#!/usr/bin/env bats
# Floods: of log messages, of launches and of large refusals at once, in the same cgroup as somebody else's launches.
# timeout: 900
load ../lib/common
load 200-helpers

setup_file() {
	as_user alice boxdo run tiny true
	every_launch_has_its_end
}

# used: how many bytes of the journal's files hold something.
used() {
	journalctl --namespace=boxdo --quiet --sync 2>/dev/null || true
	perl -e 'my ($sum, $h) = 0; for (glob("/var/log/journal/*.boxdo/*.journal*")) { open(my $f, "<", $_) or next; binmode($f);
		# tail_object_offset: where the last object begins
		read($f, $h, 256) == 256 and $sum += unpack("Q<", substr($h, 136, 8)) } print "$sum\n"'
}

@test "what a launch and a refusal take of the journal" {
	before=$(used)
	for _ in {1..50}; do as_user alice boxdo run tiny true; done
	every_launch_has_its_end
	launch=$((($(used) - before) / 50))
	before=$(used)
	for _ in {1..50}; do as_user mallory boxdo run tiny true 2>/dev/null || true; done
	refusal=$((($(used) - before) / 50))
	echo "# a launch with its end: $launch bytes; a refusal: $refusal bytes" >&3
	# As boxdo-audit(7) says.
	[[ $launch -gt 1000 && $launch -le 6144 ]]
	[[ $refusal -gt 500 && $refusal -le 4096 ]]
}

# flood COMMAND: as mallory or alice, in alice's cgroup, as fast as it goes until /run/stage/calm is there.
flood() { # USER COMMAND
	(
		echo $BASHPID >/sys/fs/cgroup/user.slice/alice/cgroup.procs
		# shellcheck disable=SC2016
		exec setpriv --reuid "$1" --regid "$1" --clear-groups -- env -i PATH=/usr/bin:/bin HOME=/ \
			bash -c 'n=0; while [[ ! -e /run/stage/calm ]]; do '"$2"'; n=$((n + 1)); done >/dev/null 2>&1; exit 0'
	) </dev/null >/dev/null 2>&1 3>&- &
}

# Each flood has begun: alice's launches are on record, mallory's refusals, and her noise in the main journal.
all_flooding() {
	[[ $(count_records BOXDO_EVENT=launch BOXDO_USER=alice) -gt $launched && $(count_records BOXDO_EVENT=refuse BOXDO_USER=mallory) -gt $refused ]] &&
		journalctl --quiet --lines=1 --output=cat -t boxdo --grep='^xxx' && journalctl --quiet --lines=1 --output=cat -t boxdo --grep=noise
}

# In time is what the helper itself says: what it cannot record in five seconds it refuses.
@test "all at once, at full speed: every launch of another's is on record, and in time" {
	printf '\n[settings]\nrecord_burst = 8M\n' >>"$POLICY"
	as_user bob boxdo run tiny true
	every_launch_has_its_end
	first=$(raw_records | head -n 1 | jq -r .BOXDO_RECORD)
	rm -f /run/stage/calm
	launched=$(count_records BOXDO_EVENT=launch BOXDO_USER=alice)
	refused=$(count_records BOXDO_EVENT=refuse BOXDO_USER=mallory)
	flood 2003 'logger -t boxdo -- "$(head -c 4000 /dev/zero | tr "\0" x)"' # the main journal
	flood 2003 'yes "BOXDO_EVENT=launch noise" | head -n 20000 | systemd-cat -t boxdo'
	flood 2003 'a=$(head -c 130000 /dev/zero | tr "\0" y); boxdo run tiny "$a" "$a" "$a" "$a" "$a" "$a" "$a" "$a"' # 1 MB each
	flood 2003 '/usr/libexec/boxdo/boxdo-launch'
	flood 2001 'boxdo run tiny true'
	flood 2001 'boxdo run tiny true'
	wait_for all_flooding
	slowest=0
	for i in {1..15}; do
		begin=${EPOCHREALTIME/./}
		# bob's, in the same cgroup
		(echo $BASHPID >/sys/fs/cgroup/user.slice/alice/cgroup.procs && exec setpriv --reuid 2002 --regid 2002 --init-groups -- \
			env -i PATH=/usr/bin:/bin HOME=/home/bob boxdo run tiny true "bob-$i") </dev/null 3>&- || { touch /run/stage/calm && return 1; }
		took=$(((${EPOCHREALTIME/./} - begin) / 1000))
		((took <= slowest)) || slowest=$took
	done
	touch /run/stage/calm
	wait
	echo "# the slowest of bob's launches took $slowest ms; of others' there are $(raw_records | wc -l) records" >&3
	wait_for -t 120 no_boxdo_processes
	one_of_each
	for i in {1..15}; do
		[[ $(raw_records BOXDO_EVENT=launch BOXDO_USER=bob | grep -c "\"true bob-$i\"") -eq 1 ]]
	done
	# Nothing was pushed out, and no number is missing.
	assert_equal "$(raw_records | head -n 1 | jq -r .BOXDO_RECORD)" "$first"
	run sh -c "journalctl --namespace=boxdo -q -o json | jq -r 'select(.BOXDO_EVENT).BOXDO_SEQ' | sort -nu |
		awk 'NR > 1 && \$1 != last + 1 { print \"hole before \" \$1 } { last = \$1 }'"
	assert_output ''
	run journalctl --namespace=boxdo --quiet --output=cat
	refute_match noise
}
