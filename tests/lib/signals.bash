# A command that says which signals it hears, for the files about signals: load after common, with a `start` that sets $pid
# and writes to $out.
# shellcheck shell=bash disable=SC2154

# counter: /home/alice/count.py NUMBER: prints each signal as it comes; ends half a second after the last of so many.
counter() {
	cat >/home/alice/count.py <<-'END'
		import signal, sys
		for name in "SIGPIPE", "SIGXFSZ": # Python's own idea
		    signal.signal(getattr(signal, name), signal.SIG_DFL)
		those = set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}
		those -= {s for s in those if signal.getsignal(s) is signal.SIG_IGN}
		signal.pthread_sigmask(signal.SIG_BLOCK, those)
		print("ready", flush=True)
		left = int(sys.argv[1])
		while (info := signal.sigtimedwait(those, 60 if left > 0 else 0.5)):
		    number = info.si_signo
		    print(signal.Signals(number).name if number < 32 else number, flush=True)
		    left -= 1
	END
	chmod 644 /home/alice/count.py
}

# counts: it does. INIT tells by milliseconds whether a signal went to the group, too: of what is between the caller and
# the command nobody waits for a processor from here on. $init is INIT.
counts() {
	local each
	wait_for grep -q ready "$out"
	for each in $(below "$pid"); do
		case $(cat "/proc/$each/comm" 2>/dev/null) in
		python3) continue ;;
		boxdo-init) init=$each ;;
		esac
		chrt --fifo --pid 10 "$each" || [[ ! -e /proc/$each ]]
	done
}
below() { # PID: and its children, and theirs
	local child
	echo "$1"
	for child in $(pgrep -P "$1"); do
		below "$child"
	done
}
# sends NUMBER PERL: these signals, in one go; then it has heard so many in all.
sends() {
	# shellcheck disable=SC2016
	chrt --fifo 9 perl -e 'my ($pid) = @ARGV; '"$2" "$pid"
	wait_for told "$1"
}
told() {
	(($(wc -l <"$out") > $1))
}
# heard WANTED...: it ended and had heard exactly these.
heard() {
	wait "$pid"
	assert_equal "$(xargs <"$out")" "ready $*"
}
# settled: INIT has taken what was sent to the group, and holds it to be over.
settled() {
	wait_for nothing_pends
	sleep 0.3
}
nothing_pends() {
	grep -q '^ShdPnd:.0*$' "/proc/$init/status"
}
