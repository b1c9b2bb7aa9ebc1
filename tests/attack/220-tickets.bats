#!/usr/bin/env bats
# Tickets: what one authentication is good for, and what it is not (THREATS B27 to B32).
# timeout: 1500
# shellcheck disable=SC2154
load ../lib/common

setup_file() {
	cp $POLICY "$BATS_FILE_TMPDIR/policy"
	cp /etc/passwd /etc/shadow "$BATS_FILE_TMPDIR"
}

setup() {
	cp "$BATS_FILE_TMPDIR/policy" $POLICY
	cat "$BATS_FILE_TMPDIR/passwd" >/etc/passwd
	cat "$BATS_FILE_TMPDIR/shadow" >/etc/shadow
	sed -i 's/^users *= .*/users = alice bob #2003/; /^network/a password = yes' $POLICY
	sed -i '/^ticket/d; /^\[settings\]/a ticket = 15m' $POLICY
	grep -q '^ticket' $POLICY || sed -i '1i [settings]\nticket = 15m' $POLICY
	rm -rf /run/boxdo/tickets
}

# terminal SCRIPT: expect, with procedures for alice's terminals. `open NAME [USER]` starts a shell on a new
# one and makes it the current one; `at NAME` goes back; `types PASSWORD` launches and types it;
# `asks` and `passes`: a launch that may not ask is refused, runs.
terminal() {
	local head='
		set timeout 100
		proc want {what} {
			global expect_out spawn_id
			expect {
				-re $what {}
				timeout { puts "\nNOT SEEN: $what"; exit 1 }
				eof { puts "\nEOF INSTEAD OF: $what"; exit 1 }
			}
		}
		proc ready {} { send "PS1=\"% \"\r"; want "% $|% \\S*$"; send "echo up-\$((1+1))\r"; want "up-2\r\n% " }
		proc open_as {name args} {
			global spawn_id term
			spawn -noecho {*}$args
			set term($name) $spawn_id
			ready
		}
		proc open_new {name} { uplevel 1 [list open_as $name env TERM=dumb '"$TOP"'/tests/lib/as alice bash --norc --noprofile -i] }
		proc at {name} { global spawn_id term; set spawn_id $term($name) }
		proc types {password} {
			global spawn_id
			send "boxdo run tiny echo it-\$((1+1))\r"; want "assword.*: "; send "$password\r"; want "it-2\r\n"; want "% $"
		}
		proc asks {{command "boxdo run -n tiny true"}} {
			send "$command; echo status-\$?-\r"; want "a password is needed.*status-125-\r\n"; want "% $"
		}
		proc passes {{command "boxdo run -n tiny true"}} {
			send "$command; echo status-\$?-\r"
			expect {
				-re "a password is needed.*% $" { puts "\nASKED"; exit 1 }
				-re "status-0-\r\n" {}
				timeout { puts "\nNO END"; exit 1 }
			}
			want "% $"
		}
		open_new one
	'
	run timeout 600 expect -c "$head $1
		puts ALL-DONE; exit 0" </dev/null
	assert_success
	assert_match ALL-DONE # an error of Tcl ends with status 0, too
}
launched() { # FILTER
	records "select(.event == \"launch\") | $1" | tail -n 1
}
ticket() { # the one file there is
	find /run/boxdo/tickets -type f
}

@test "one authentication is good for the same terminal; its use is on record, and does not lengthen it" {
	terminal '
		asks
		types alice
		passes
		send "boxdo run tiny echo it-\$((2+1))\r"; want "it-3"
	'
	assert_equal "$(launched .auth)" '"ticket"'
	assert_equal "$(records 'select(.event == "launch") | .auth' | head -n 1)" '"password"'
	assert_equal "$(stat -c '%a %u %g' /run/boxdo/tickets /run/boxdo/tickets/2001 "$(ticket)" | xargs)" "700 0 0 700 0 0 600 0 0"
	as_user alice ls /run/boxdo/tickets && return 1
	rm -rf /run/boxdo/tickets
	# By the clock, and a use is none: the same ticket is none under a rule for the seconds that it is old by now.
	terminal '
		types alice
		set ticket [glob /run/boxdo/tickets/2001/*]
		exec cp $ticket /run/stage/ticket
		passes
		exec cmp $ticket /run/stage/ticket
		sleep 2
		exec sed -i {s/^ticket.*/ticket = 2s/} /etc/boxdo/policy.conf
		asks
		exec sed -i {s/^ticket.*/ticket = 7d/} /etc/boxdo/policy.conf
		passes
	'
	sed -i 's/^ticket.*/ticket = 0/' $POLICY
	terminal 'types alice; asks'
}

@test "no ticket of a wrong password, of one not asked for, or of one typed without a terminal" {
	terminal '
		send "boxdo run tiny true\r"; want "assword.*: "; send "wrong\r"; want "assword.*: "; send "\003"; want "% $"
		asks
	'
	as_user alice setsid -w sh -c 'echo alice | boxdo run -S tiny true'
	[[ -z $(ticket) ]]
	sed -i '/^password/d' $POLICY
	terminal 'passes'
	[[ -z $(ticket) ]]
}

@test "another terminal of the same user, the first one on descriptors 0 to 2, and no terminal at all: asked (B28)" {
	terminal '
		send "tty\r"; want "/dev/pts/\[0-9\]+"; set first $expect_out(0,string); want "% $"
		exec chown alice $first
		types alice
		open_new two
		asks
		asks "boxdo run -n tiny true <$first"
		send "boxdo run -n tiny true <$first >$first 2>$first; echo status-\$?-\r"; want "status-125-\r\n"; want "% $"
		at one
		send "echo sync-\$((1+1))\r"; want "sync-2\r\n"; want "% $"
		passes
		asks "setsid -w boxdo run -n tiny true"
		asks "setsid -w boxdo run -n tiny true <$first"
		send "setsid -w boxdo run -n tiny true <$first >$first 2>$first; echo status-\$?-\r"; want "status-125-\r\n"
	'
}

@test "another user in the same terminal, and the same one back: each their own (B31)" {
	terminal '
		types alice
		send "exec 9>/dev/null; python3 -c \"import pty\"; true\r"; want "% $"
	'
	# The session is root'"'"'s here, so that it can become both.
	terminal '
		open_as root env TERM=dumb bash --norc --noprofile -i
		send "'"$TOP"'/tests/lib/as alice boxdo run tiny echo it-\$((1+1))\r"; want "assword.*: "; send "alice\r"; want "it-2\r\n"; want "% $"
		passes "'"$TOP"'/tests/lib/as alice boxdo run -n tiny true"
		asks "'"$TOP"'/tests/lib/as bob boxdo run -n tiny true"
		passes "'"$TOP"'/tests/lib/as alice boxdo run -n tiny true"
	'
}

@test "names of the helper that look like other fields of /proc/PID/stat change nothing (B29)" {
	local directory=/home/alice/names
	as_user alice mkdir -p $directory
	local name
	for name in 'a 34 b' $'x)\n1 2' ') S 1 1 1 34816 34816' 'sixteen_characters_and_more' '((('; do
		as_user alice ln -sf $LAUNCH "$directory/$name"
	done
	cat >/home/alice/all-names <<-'END'
		for name in /home/alice/names/*; do
			"$name" 1 image=tiny prompt=never -- true 2>/dev/null; echo "status-$?"
		done | sort | uniq -c | xargs
	END
	terminal '
		types alice
		send "sh ~/all-names\r"; want "5 status-0\r\n"; want "% $"
		open_new two
		send "sh ~/all-names\r"; want "5 status-125\r\n"; want "% $"
	'
}

@test "the same number for session and terminal, another shell: asked (B32)" {
	[[ -w /proc/sys/kernel/ns_last_pid ]] || skip "this kernel does not let a test choose a pid"
	terminal '
		send "echo pid-\$\$-\$(tty)-\r"; want "pid-(\[0-9\]+)-(\[^-\]+)-\r\n"
		set pid $expect_out(1,string); set tty $expect_out(2,string); want "% $"
		types alice
		passes
		send "exit\r"; expect eof; wait
		set same 0
		for {set i 0} {$i < 400 && !$same} {incr i} {
			set last [open /proc/sys/kernel/ns_last_pid w]; puts $last [expr {$pid - 1 - $i % 4}]; close $last
			open_new again
			send "echo pid-\$\$-\$(tty)-\r"; want "pid-(\[0-9\]+)-(\[^-\]+)-\r\n"
			set same [expr {$expect_out(1,string) == $pid && $expect_out(2,string) eq $tty}]
			want "% $"
			if {!$same} { send "exit\r"; expect eof; wait }
		}
		if {!$same} { puts "NEVER THE SAME: $pid $tty"; exit 1 }
		asks
	'
	[[ -n $(ticket) ]]
}

@test "a name that looks like a path makes no file of that name (B30)" {
	sed -i 's,^mallory:,../../../etc/mal:,' /etc/passwd /etc/shadow
	terminal '
		open_as other env TERM=dumb setpriv --reuid 2003 --regid 2003 --clear-groups bash --norc --noprofile -i
		types mallory
		passes
	'
	[[ ! -e /etc/mal && ! -e /run/mal ]]
	run find /run/boxdo/tickets -mindepth 1 -printf '%P\n'
	assert_match '^2003'
	refute_match '[^0-9./'$'\n'']'
}

# A stopped shell with a ticket: each of these changes something about the file, and then it is none.
damaged() { # COMMAND with $file
	terminal '
		types alice
		passes
		exec bash -c {file=$(find /run/boxdo/tickets -type f); '"$1"'}
		asks
	'
}

@test "every field of a ticket counts; a ticket of the future, of another boot and of another target is none (B27, B31)" {
	local at
	# magic, boot id, uid, target, terminal, session, its start; the time (its highest byte: centuries ahead)
	for at in 0 8 43 48 52 56 60 64 79; do
		rm -rf /run/boxdo/tickets
		damaged "printf '\\x7e' | dd of=\$file bs=1 seek=$at conv=notrunc status=none"
	done
}

@test "forged, linked and odd files are no tickets, and hold nobody up" {
	local damage
	for damage in 'chown 2001 $file' 'chmod 0644 $file' 'ln $file $file.2' 'mv $file /tmp/t && ln -s /tmp/t $file' \
		'rm $file; mkfifo -m 0600 $file' 'rm $file; mkdir $file' 'truncate -s 79 $file' 'echo >>$file' \
		'chgrp 2001 $file' 'chmod 0755 /run/boxdo/tickets/2001' 'chown 2001 /run/boxdo/tickets/2001' \
		'mv /run/boxdo/tickets/2001 /tmp/d.$$ && ln -s /tmp/d.$$ /run/boxdo/tickets/2001' \
		'mv /run/boxdo/tickets /tmp/e.$$ && ln -s /tmp/e.$$ /run/boxdo/tickets'; do
		rm -rf /run/boxdo/tickets /tmp/t
		damaged "$damage"
	done
	# Where none can be written none is, and the password is still enough.
	rm -rf /run/boxdo/tickets
	echo >/run/boxdo/tickets
	terminal 'types alice; asks'
	rm /run/boxdo/tickets
}

@test "boxdo forget: the caller's tickets are gone, nobody else's, on record; root forgets for others" {
	terminal '
		open_as root env TERM=dumb bash --norc --noprofile -i
		send "'"$TOP"'/tests/lib/as bob boxdo run tiny echo it-\$((1+1))\r"; want "assword.*: "; send "bob\r"; want "it-2\r\n"; want "% $"
		set bob "'"$TOP"'/tests/lib/as bob boxdo run -n tiny true"
		at one
		types alice
		send "boxdo forget; echo status-\$?-\r"; want "status-0-"; want "% $"
		asks
		types alice; passes
		send "boxdo forget --user bob; echo status-\$?-\r"; want "only root may.*status-125-"; want "% $"
		send "boxdo forget --all; echo status-\$?-\r"; want "only root may.*status-125-"; want "% $"
		at root; passes $bob
		at one; exec boxdo forget --user alice; asks
		at root; passes $bob; exec boxdo forget --all; asks $bob
	'
	assert_equal "$(records 'select(.event == "auth" and .result == "revoked") | .user')" '"alice"'
}

@test "a deny written while the password is awaited counts" {
	terminal '
		send "boxdo run tiny touch ran; echo status-\$?-\r"; want "assword.*: "
		exec bash -c {printf "\[deny now\]\nusers = alice\n" | tr -d "\\\\" >/etc/boxdo/policy.d/now.conf}
		send "alice\r"; want "the policy changed while.*status-125-"
	'
	rm /etc/boxdo/policy.d/now.conf
	[[ ! -e /home/alice/ran && -z $(ticket) ]]
	every_launch_has_its_end
}

@test "a ticket for oneself is none for an account of a rule, nor that one for another, nor back (B31)" {
	local name
	for name in svc:2010 other:2011; do
		echo "${name%:*}:x:${name#*:}:${name#*:}::/srv/${name%:*}:/bin/sh" >>/etc/passwd
		echo "${name%:*}:!:20000::::::" >>/etc/shadow
		printf '\n[allow as-%s]\nusers = alice\nimages = tiny\nrun_as = %s\npassword = yes\n' "${name%:*}" "${name%:*}" >>$POLICY
	done
	terminal '
		types alice
		passes
		asks "boxdo run -n -u svc tiny true"
		send "boxdo run -u svc --contain tiny echo as-\$((1+1))\r"; want "assword.*: "; send "alice\r"; want "as-2\r\n"; want "% $"
		passes "boxdo run -n -u svc --contain tiny true"
		asks "boxdo run -n -u other --contain tiny true"
		passes
	'
	rm -rf /run/boxdo/tickets
	terminal '
		send "boxdo run -u svc --contain tiny echo as-\$((1+1))\r"; want "assword.*: "; send "alice\r"; want "as-2\r\n"; want "% $"
		asks
	'
}
