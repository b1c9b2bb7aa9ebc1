# What the files with a real terminal share: load it after common.
# shellcheck shell=bash

# talk SETTINGS SCRIPT: expect talks to alice's own interactive bash, whose prompt is "% "; ends well when every
# `want REGEX` of SCRIPT was seen in its order. SETTINGS: before the shell begins, and what is typed first.
talk() {
	run timeout 280 expect -c '
		set timeout 60
		proc want {what} {
			expect {
				-re $what {}
				timeout { puts "\nNOT SEEN: $what"; exit 1 }
				eof { puts "\nEOF INSTEAD OF: $what"; exit 1 }
			}
		}
		'"$1"'
		spawn -noecho env TERM=dumb '"$TOP"'/tests/lib/as alice bash --norc --noprofile -i
		send "PS1=\"% \"$first\r"; want "% $|% \\S*$"; send "echo up-\$((1+1))\r"; want "up-2\r\n% "
		'"$2"'
		send "exit\r"
		expect {
			eof {}
			timeout { puts "\nNO END"; exit 1 }
		}
		puts ALL-DONE; exit 0' </dev/null
	assert_success
	assert_match ALL-DONE # an error of Tcl ends with status 0, too
}
