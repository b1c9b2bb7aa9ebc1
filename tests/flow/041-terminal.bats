#!/usr/bin/env bats
# In a real terminal: ^C, ^Z, fg, bg, window size, hang-up, an interactive shell with its own jobs.
load ../lib/common
load ../lib/terminal

setup_file() {
	cat >/home/alice/count.py <<-'END'
		import signal, time
		seen, end = [], time.monotonic() + 60
		def hear(number, _):
		    global end
		    seen.append(signal.Signals(number).name)
		    end = time.monotonic() + 0.5
		for name in "SIGINT", "SIGQUIT", "SIGWINCH", "SIGTERM", "SIGHUP":
		    signal.signal(getattr(signal, name), hear)
		print("ready", flush=True)
		while time.monotonic() < end:
		    time.sleep(0.05)
		print("in all", *seen, flush=True)
	END
	chmod 644 /home/alice/count.py
	# The keys are for a command that runs: it says so, and is executed by what said it.
	printf 'echo is-running\nexec "$@"\n' >/home/alice/says
	printf 'echo is-running\nsleep 4\nexit 9\n' >/home/alice/slow
	printf 'echo is-running\nwhile :; do echo x >>beat; sleep 0.1; done\n' >/home/alice/beats
}

# terminal SCRIPT: an expect script that talks to alice's own interactive bash. `job STATE`: process $pid of the shell becomes so.
# /proc is asked, for bash 5.2 may miss a SIGCHLD, of any command, until `fg` waits.
terminal() {
	talk 'set stty_init "rows 24 cols 80"; set first "; stty -echo"' '
		proc job {state} {
			send "while \[ -e /proc/\$pid \] && ! grep -q \"^State:.\[$state]\" /proc/\$pid/status; do sleep 0.1; done; echo job-\$((1+1))\r"
			want "job-2\r\n.*% "
		}
		'"$1"
}

@test "^C reaches the command once, ^\\ too, and a new window size" {
	terminal '
		send "boxdo run -it python python3 -u count.py\r"; want "ready"
		send "\003"; want "in all SIGINT\r\n.*% "
		send "boxdo run -it python python3 -u count.py\r"; want "ready"
		send "\034"; want "in all SIGQUIT\r\n.*% "
		send "boxdo run -it python python3 -u count.py\r"; want "ready"
		stty rows 30 < $spawn_out(slave,name); want "in all SIGWINCH\r\n.*% "
		send "boxdo run tiny stty size; echo\r"; want "30 80"
	'
}

@test "^C ends a command that does not care, with 130, and the shell goes on" {
	terminal '
		send "boxdo run -it tiny sh says sleep 600; echo status \$?\r"; want "is-running"
		send "\003"; want "% "
		send "echo status \$?\r"; want "status 130"
		send "for i in 1 2 3; do boxdo run tiny sh says sleep 600; done; echo never-\$((1+1))\r"; want "is-running"; send "\003"; want "% "
		send "echo after-\$((1+1))\r"; want "after-2"
		send "boxdo run tiny sh says sleep 600 | cat\r"; want "is-running"; send "\003"; want "% "
	'
	refute_match 'never-2'
	every_launch_has_its_end
}

@test "^Z stops it, fg and bg go on, jobs tells" {
	terminal '
		send "boxdo run -it python python3 -uc \"import time\nfor i in range(80): print(1000+i); time.sleep(0.1)\"; echo status \$?\r"; want "1002"
		send "\032"; want "Stopped.*% "
		send "jobs\r"; want "Stopped .*boxdo run"
		after 2500
		send "bg\r"; want "10\[0-7]\[0-9]"
		after 300
		send "fg\r"; want "1079\r\n.*% "
		send "boxdo run tiny sh slow\r"; want "is-running"; send "\032"; want "Stopped.*% "
		send "fg; echo status \$?\r"; want "status 9"
		send "boxdo run tiny sh says sleep 600\r"; want "is-running"; send "\032"; want "Stopped.*% "
		send "kill %1; fg; echo status \$?\r"; want "status 143"
		send "boxdo run tiny sh says sleep 600\r"; want "is-running"; send "\032"; want "Stopped.*% "
		send "pid=\$(jobs -p); kill -9 %1\r"; job ZX; send "fg; echo over-\$((1+1))\r"; want "over-2"
	'
	every_launch_has_its_end
	run pgrep -u alice sleep
	assert_status 1
}

@test "while it is stopped nothing runs: the clock of the command stands" {
	terminal '
		send "boxdo run tiny sh beats\r"; want "is-running"; after 300; send "\032"; want "Stopped.*% "
		send "a=\$(wc -l <beat); sleep 1; b=\$(wc -l <beat); echo moved \$((b-a))\r"; want "moved 0"
		send "pid=\$(jobs -p); kill -9 %1\r"; job ZX; send "fg; echo over-\$((1+1))\r"; want "over-2"
	'
}

@test "a job in the background that reads the terminal stops, as any" {
	terminal '
		send "boxdo run -i tiny cat & pid=\$!\r"; want "% "
		job T
		send "fg\r"; after 200; send "line-of-text\r"; want "line-of-text"; send "\004"; want "% "
	'
}

@test "the terminal hangs up: the container ends" {
	# The kernel tells the session leader alone: here HANDLE, below a shell.
	for leader in '' 'bash --norc -ic'; do
		run timeout 100 expect -c '
			set timeout 60
			set leader {'"$leader"'}
			set command {boxdo run -it tiny sh -c "echo up; exec sleep 60"}
			eval spawn -noecho '"$TOP"'/tests/lib/as alice $leader [expr {$leader eq "" ? $command : "{$command; true}"}]
			expect up
			close; wait' </dev/null
		assert_success
		wait_for sh -c '! pgrep -u alice sleep'
	done
	every_launch_has_its_end
}

@test "an interactive shell inside: prompt, line editing, its own jobs, its own ^C and ^Z" {
	terminal '
		send "boxdo run -it -e PS1=INSIDE:\\  python bash --norc --noprofile\r"; want "INSIDE: "
		send "tty; test -t 0 && echo is-\$((1+1))\r"; want "is-2"
		send "sh says sleep 600\r"; want "is-running"; send "\003"; want "INSIDE: "
		send "echo status \$?\r"; want "status 130"
		send "sh says sleep 601\r"; want "is-running"; send "\032"; want "Stopped.*INSIDE: "
		send "jobs; kill %1; fg; echo over-\$((1+1))\r"; want "over-2"
		send "exit 7\r"; want "% "
		send "echo status \$?\r"; want "status 7"
		send "stty -a | grep -o \" -\\?icanon\" | xargs\r"; want "icanon"
	'
	refute_match 'no job control|cannot set terminal'
}

@test "script and a shell in it, in an image" {
	terminal '
		send "boxdo run -it python script -qec \"stty size; tty\" /dev/null\r"; want "24 80\r\n/dev/pts/0\r\n.*% "
	'
}

@test "in tmux" {
	as_user alice tmux -f /dev/null -L boxdo new-session -d -x 80 -y 24 'boxdo run -it python bash --norc'
	wait_for sees 'bash-5.*\$'
	as_user alice tmux -L boxdo send-keys 'sleep 600' Enter
	wait_for pgrep -u alice -x sleep
	as_user alice tmux -L boxdo send-keys C-z
	wait_for sees Stopped
	as_user alice tmux -L boxdo send-keys 'fg' Enter
	wait_for eval '[[ $(ps -o stat= -p "$(pgrep -u alice -x sleep)") == S*+ ]]'
	as_user alice tmux -L boxdo send-keys C-c
	as_user alice tmux -L boxdo send-keys 'echo status $?' Enter
	wait_for sees 'status 130'
	as_user alice tmux -L boxdo resize-window -x 100 -y 30
	as_user alice tmux -L boxdo send-keys 'stty size' Enter
	wait_for sees '30 100'
	as_user alice tmux -L boxdo kill-session
	every_launch_has_its_end
}
sees() {
	as_user alice tmux -L boxdo capture-pane -p | grep -q "$1"
}

@test "with --cidfile, where one more process of alice's stands before it: ^C once, ^Z, fg, and how it ends" {
	terminal '
		send "rm -f c; boxdo run --cidfile c -it python python3 -u count.py\r"; want "ready"
		send "\003"; want "in all SIGINT\r\n.*% "
		send "rm -f c; boxdo run --cidfile c tiny sh -c \"echo be\\\"\\\"gun; read x; exit 9\"\r"; want "begun"
		send "\032"; want "Stopped.*% "
		send "jobs\r"; want "Stopped .*boxdo run"
		send "fg\r"; want "boxdo run"; send "x\r"; want "% "
		send "echo status \$? kept \$(boxdo wait \$(cat c))\r"; want "status 9 kept 9"
		send "rm -f c; boxdo run --cidfile c tiny sh -c \"echo be\\\"\\\"gun; exec sleep 60\"\r"; want "begun"
		send "\003"; want "% "
		send "echo status \$? kept \$(boxdo wait \$(cat c))\r"; want "status 130 kept 130"
	'
	every_launch_has_its_end
}
