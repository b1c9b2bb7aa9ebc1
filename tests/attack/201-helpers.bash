# The audit journal broken and mended: setup and teardown of the files about it; load after ../lib/common and 200-helpers.
# shellcheck shell=bash disable=SC2154

setup_file() {
	as_user alice boxdo run tiny true
	cp "$POLICY" /run/stage/policy.conf
}

setup() {
	machine=$(cat /etc/machine-id)
	files=/var/log/journal/$machine.boxdo
	sockets=/run/systemd/journal.boxdo
	cat /run/stage/policy.conf >"$POLICY"
	as_user alice boxdo run tiny true
	every_launch_has_its_end
	wait_for no_boxdo_processes
	begin_traces
	rm -f "$MARK"
}

# Whatever a test left of the journal: up and running again.
teardown() {
	touch /home/alice/stop # a container a test left running
	[[ ! -e $sockets/socket.kept ]] || mv -f "$sockets/socket.kept" "$sockets/socket"
	if [[ -e /run/stage/journald-boxdo.pid ]]; then journal_resume; else journal_up; fi
	if mountpoint -q "$files"; then
		umount -l "$files"
		journal_restart
	fi
	wait_for test -e "$files/system.journal"
}

# Killed, and started again by its holder.
journal_restart() {
	local old
	wait_for test -s /run/stage/journald-boxdo.pid
	old=$(journal_pid)
	kill -KILL "$old"
	wait_for another_journal "$old"
}
another_journal() {
	[[ -s /run/stage/journald-boxdo.pid && $(journal_pid) != "$1" ]]
}

# fields EVENT: the last record's fields of ours, one NAME=VALUE a line.
fields() {
	raw_records "BOXDO_EVENT=$1" | tail -n 1 |
		jq -r 'to_entries[] | select(.key | startswith("BOXDO_")) | .key[6:] as $key | .value |
			if type == "array" then .[] else . end | "\($key)=\(.)"' | sort
}
has_field() { # REGEX of a whole line
	grep -qxE -- "$1" <<<"$all" || { printf 'no field %s in:\n%s\n' "$1" "$all" && return 1; }
}
lacks_field() { # NAME
	! grep -q "^$1=" <<<"$all" || { printf 'unwanted field %s in:\n%s\n' "$1" "$all" && return 1; }
}

# total: how many records there are.
total() {
	raw_records | wc -l
}

# ends EVENT...: the events of the records made since $before there were.
since() {
	raw_records | tail -n "+$((before + 1))" | jq -r .BOXDO_EVENT | paste -sd' '
}

# answer COMMAND PASSWORD...: alice runs it in a terminal and answers the prompts.
answer() {
	local script="set timeout 100; spawn -noecho $TOP/tests/lib/as alice $1;" word
	for word in "${@:2}"; do script+=" expect -nocase password:; send \"$word\\r\";"; done
	run expect -c "$script expect eof; catch wait result; exit [lindex \$result 3]" </dev/null
}

# small_disk SIZE: the journal's directory becomes a disk of its own
small_disk() {
	truncate -s "$1" /run/stage/disk
	mkfs.ext4 -q -O ^has_journal -m 0 /run/stage/disk
	mount -o loop /run/stage/disk "$files"
	rm -rf "$files/lost+found"
	chgrp systemd-journal "$files"
	chmod 2755 "$files"
	journal_restart
	wait_for test -e "$files/system.journal"
}
