#!/usr/bin/perl
# storm.pl: launches by the thousand while processes are killed and the journal is broken and mended; then both
# sides are counted, each by itself: what ran left a mark outside, what was asked stands in the ledger of whoever
# asked, and the records are read back from the journal.
#
#   storm.pl COUNT [SEED [CHAOS...]]      root, in a stage. CHAOS: kill hang down long rotate disk cgroup (all but disk, long)
#
# Says what it counted, one line each; a line that begins with "WRONG" is a failure, and the exit status 1.
use strict;
use warnings;
use POSIX qw(WNOHANG setsid);
use Time::HiRes qw(sleep time);
use Fcntl qw(:flock);

my ($count, $seed, @chaos) = @ARGV;
$seed //= 4711;
@chaos = qw(kill hang down rotate cgroup) unless @chaos;
my %chaos = map { $_ => 1 } @chaos;
my $workers = $ENV{STORM_WORKERS} // 4;
my $launch = "/usr/libexec/boxdo/boxdo-launch";
my $work = "/run/stage/storm";
my %ids = (alice => 2001, bob => 2002, mallory => 2003);
my %groups = (alice => "2001 2001 2101", bob => "2002 2002 2101 2102", mallory => "2003 2003");

sub slurp { my ($path) = @_; open(my $f, "<", $path) or return ""; local $/; my $text = <$f>; return $text // ""; }
sub slurp_of { open(my $f, "-|", @_) or return ""; local $/; my $text = <$f>; close($f); return $text // ""; }
sub spit { my ($path, $text) = @_; open(my $f, ">", $path) or return 0; my $ok = print $f $text; return close($f) && $ok; }

# Becomes a user for good: all ids, home, a plain environment, and a cgroup of the user's where there is one.
sub become {
	my ($user, $cgroup) = @_;
	$cgroup //= "/sys/fs/cgroup/user.slice/$user";
	spit("$cgroup/cgroup.procs", $$) if -d $cgroup;
	chdir("/home/$user");
	$) = $groups{$user}; $( = $ids{$user}; ($<, $>) = ($ids{$user}, $ids{$user});
	%ENV = (PATH => "/usr/bin:/bin", HOME => "/home/$user", USER => $user);
}

# As the user, so that the kernel decides whom it may hit.
sub as_user_kill {
	my ($user, $signal, @pids) = @_;
	my $pid = fork() // die;
	if (!$pid) { become($user); kill($signal, @pids); POSIX::_exit(0); }
	waitpid($pid, 0);
}

# What there is of boxdo and in its containers, SUPERVISORs too: any process younger than the launch.
sub victims {
	my ($above) = @_;
	opendir(my $dir, "/proc") or return ();
	return grep { /^\d+$/ && $_ >= $above && slurp("/proc/$_/comm") =~ /^(boxdo|sh$|sleep$)/ } readdir($dir);
}

# --- one request -----------------------------------------------------------------------------------------

# [kind, user, the command line behind "boxdo", or a vector for the helper]. Each carries its mark, in the clear.
sub request {
	my ($mark) = @_;
	my $do = ': >$HOME/marks/' . $mark . ' || exit 99;';
	my $user = rand() < 0.7 ? "alice" : "bob";
	my $kind = rand();
	return ("refused", "mallory", "boxdo", "run", "tiny", "sh", "-c", $do) if $kind < 0.05;
	return ("refused", $user, "boxdo", "run", "-v", "/etc:/mnt:rw", "tiny", "sh", "-c", $do) if $kind < 0.10;
	return ("refused", $user, $launch, "1", "network=host", "image=tiny", "--", "sh", "-c", $do) if $kind < 0.13;
	return ("refused", $user, $launch, "1", "image=no-such-image", "--", "sh", "-c", $do) if $kind < 0.16;
	return ("runs", $user, $launch, "1", "image=dir", "--", "sh", "-c", $do) if $kind < 0.30;
	return ("runs", $user, "boxdo", "run", "tiny", "sh", "-c", "$do exit " . int(rand(100))) if $kind < 0.60;
	return ("runs", $user, "boxdo", "run", "tiny", "sh", "-c", "$do sleep 0.0" . int(rand(10))) if $kind < 0.75;
	return ("runs", $user, "boxdo", "run", "tiny", "sh", "-c", "$do (sleep 5) & (sleep 5) & sleep 0.05") if $kind < 0.85;
	return ("runs", $user, "boxdo", "run", "tiny", "sh", "-c", "$do kill -" . (9, 15, 11, 6)[int(rand(4))] . ' $$') if $kind < 0.95;
	return ("runs", $user, "boxdo", "run", "tiny", "no-such-command", $mark);
}

# One request, and what happens to it on the way. Returns a line for the ledger.
sub one {
	my ($mark, $number) = @_;
	my ($kind, $user, @argv) = request($mark);
	my $action = rand();
	my $sub;
	if ($chaos{cgroup} && $user eq "alice" && $action > 0.92) {
		$sub = "/sys/fs/cgroup/user.slice/alice/storm.$number";
		mkdir($sub) and chown(2001, 2001, $sub, glob("$sub/cgroup.{procs,kill,freeze}")) or undef $sub;
	}
	my $pid = fork() // die "fork: $!";
	if (!$pid) {
		open(STDIN, "<", "/dev/null"); open(STDOUT, ">", "/dev/null"); open(STDERR, ">", "$work/errors/$mark");
		become($user, $sub);
		exec(@argv) or POSIX::_exit(98);
	}
	my $end = time() + 300;
	if ($action > 0.45) {
		sleep(rand(rand() < 0.7 ? 0.02 : 0.15));
		if ($sub) {
			spit("$sub/cgroup.freeze", 1) if rand() < 0.3;
			sleep(rand(0.02));
			spit("$sub/cgroup.kill", 1);
			spit("$sub/cgroup.freeze", 0);
		} elsif ($action < 0.60) {
			as_user_kill($user, 9, $pid);
		} elsif ($action < 0.70) {
			as_user_kill($user, (1, 2, 15, 20, 19)[int(rand(5))], $pid);
		} else {
			my @there = victims($pid);
			as_user_kill($user, 9, $there[int(rand(@there))]) if @there;
		}
	}
	my $status;
	for (;;) {
		my $got = waitpid($pid, WNOHANG);
		if ($got == $pid) { $status = $?; last; }
		kill(18, $pid); # whoever was stopped goes on
		if (time() > $end) { $status = "hangs"; last; }
		sleep(0.002);
	}
	for (1 .. 500) { last if !$sub || rmdir($sub); spit("$sub/cgroup.kill", 1) if $_ > 250; sleep(0.01); }
	return "$mark $kind $user $status\n";
}

sub worker {
	my ($number, $share) = @_;
	srand($seed * 1000 + $number);
	open(my $ledger, ">>", "$work/ledger.$number") or die;
	$ledger->autoflush(1);
	print $ledger one(sprintf("m%d-%05d", $number, $_), $number) for 1 .. $share;
	POSIX::_exit(0);
}

# --- the journal -----------------------------------------------------------------------------------------

sub journald { return slurp("/run/stage/journald-boxdo.pid") =~ /^(\d+)/ ? $1 : 0; }
sub holder { return slurp("/run/stage/hold-journald-boxdo.pid") + 0; }

sub down {
	my ($seconds) = @_;
	kill("USR1", holder());
	my $pid = journald();
	kill(9, $pid) if $pid;
	sleep($seconds);
	kill("USR2", holder());
}

sub disk {
	my ($files) = glob("/var/log/journal/*.boxdo");
	my ($free) = slurp_of("df", "--output=avail", "-B1M", $files) =~ /(\d+)\s*\z/;
	# Most of it at once and unwritten, what is left byte by byte, as a user would.
	system("fallocate", "-l", $free - 64 . "M", "$files/filler") if $free > 64;
	open(my $filler, ">>", "$files/filler") or return;
	$filler->autoflush(1);
	my $block = "\0" x 65536;
	while (syswrite($filler, $block)) {}
	while (syswrite($filler, "\0" x 4096)) {}
	sleep(1 + rand(2));
	close($filler);
	unlink("$files/filler");
	# A journald whose disk was full may store nothing until it is started again (systemd 252).
	my $pid = journald();
	kill(9, $pid) if $pid;
}

sub chaos {
	my $stop = 0;
	local $SIG{TERM} = sub { $stop = 1 };
	my %did;
	srand($seed);
	while (!$stop) {
		sleep(0.1 + rand(0.8));
		my $what = $chaos[int(rand(@chaos))];
		next if ($what eq "long" || $what eq "disk") && rand() > 0.3;
		my $pid = journald();
		if ($what eq "kill") { kill(9, $pid) if $pid; }
		elsif ($what eq "rotate") { kill("USR2", $pid) if $pid; }
		elsif ($what eq "hang") { next if !$pid; kill("STOP", $pid); sleep(rand(2)); kill("CONT", $pid); }
		elsif ($what eq "down") { down(0.1 + rand(2)); }
		elsif ($what eq "long") { down(7 + rand(7)); }
		elsif ($what eq "disk") { disk(); }
		$did{$what}++ if $what ne "cgroup";
	}
	kill("USR2", holder());
	my $pid = journald();
	kill("CONT", $pid) if $pid;
	spit("$work/chaos", join(", ", map { "$_ $did{$_}" } sort keys %did));
	POSIX::_exit(0);
}

# --- counting --------------------------------------------------------------------------------------------

my @wrong;
sub wrong { my ($text) = @_; push @wrong, $text; print "WRONG: $text\n" if @wrong <= 20; }

# Every record, from journalctl, whatever boxdo's own reader would say: a hash of fields each, by BOXDO_RECORD.
sub read_records {
	my (%records, $copies);
	open(my $journal, "-|", "journalctl", "--namespace=boxdo", "--quiet", "--all", "-o", "export") or die;
	binmode($journal);
	my %entry;
	while (defined(my $line = <$journal>)) {
		chomp($line);
		if ($line eq "") {
			if ($entry{BOXDO_RECORD} && $entry{_UID} eq "0") { $copies++; $records{$entry{BOXDO_RECORD}} = {%entry}; }
			%entry = ();
		} elsif ($line =~ /^([A-Z0-9_]+)=(.*)$/s) { $entry{$1} = $2; }
		else { read($journal, my $size, 8); my $n = unpack("Q<", $size); read($journal, $entry{$line}, $n); read($journal, my $newline, 1); }
	}
	close($journal) or wrong("journalctl: status $?");
	return (\%records, $copies);
}

sub running {
	opendir(my $dir, "/proc") or die;
	return grep { /^\d+$/ && (readlink("/proc/$_/exe") // "") =~ /^\Q$launch\E/ } readdir($dir);
}

sub agree {
	my %asked;
	for my $file (glob("$work/ledger.*")) { for (split(/\n/, slurp($file))) { my @f = split; $asked{$f[0]} = {kind => $f[1], status => $f[3], user => $f[2]}; } }
	my %marks = map { m{([^/]+)$}; ($1 => 1) } glob("/home/{alice,bob,mallory}/marks/*");
	my ($records, $copies) = read_records();
	my (%launch, %end, %refuse, %seq, %launched, %refused, %word);
	for my $r (values %$records) {
		my ($event, $id) = @$r{qw(BOXDO_EVENT BOXDO_ID)};
		push @{$seq{$r->{BOXDO_SEQ}}}, $event;
		my ($mark) = ($r->{BOXDO_COMMAND} // "") =~ /(m\d+-\d{5})/;
		if ($event eq "launch") { wrong("two launch records of $id") if $launch{$id}++; $launched{$mark}{$id} = 1 if $mark; }
		elsif ($event eq "end") { wrong("two ends of $id") if $end{$id}; $end{$id} = $r; $word{$r->{BOXDO_ENDED} // "none"}++; }
		elsif ($event eq "refuse") { $refuse{$id}++; $refused{$mark}{$id} = 1 if $mark; }
	}
	$launch{$_} && !$end{$_} and wrong("launch $_ has no end") for keys %launch;
	$launch{$_} or wrong("end $_ has no launch") for keys %end;
	# What ran is on record, once.
	for my $mark (keys %marks) {
		wrong("$mark ran and " . scalar(keys %{$launched{$mark} // {}}) . " launch records say so") if keys %{$launched{$mark} // {}} != 1;
	}
	my ($unheard, $killed) = (0, 0);
	for my $mark (keys %asked) {
		my $request = $asked{$mark};
		my ($launches, $refusals) = (scalar keys %{$launched{$mark} // {}}, scalar keys %{$refused{$mark} // {}});
		my $status = $request->{status};
		if ($status eq "hangs") { wrong("$mark hangs"); next; }
		wrong("$mark: $launches launches and $refusals refusals on record") if $launches + $refusals > 1;
		wrong("$mark was to be refused and is on record as a launch") if $request->{kind} eq "refused" && $launches;
		# SIGKILL may come before the program has begun: then nothing is on record, and nothing ran.
		if (($status & 127) == 9) { $killed++; next; }
		my $error = slurp("$work/errors/$mark");
		# Likewise by another signal that nobody handles yet.
		if ($launches + $refusals == 0) {
			$unheard++;
			wrong("$mark (status $status, $request->{kind}) is not on record: $error") if !($status & 127) || $error ne "";
		}
		my ($end) = map { $end{$_} } keys %{$launched{$mark} // {}};
		wrong("$mark ended with 0 and left no mark") if $end && ($end->{BOXDO_EXIT} // "") eq "0" && !$marks{$mark};
		wrong("$mark: refused, and left a mark") if $refusals && $marks{$mark};
		wrong("$mark: not started, and left a mark") if $end && $end->{BOXDO_ENDED} eq "not-started" && $marks{$mark};
	}
	my ($last) = sort { $b <=> $a } keys %seq;
	my @holes = grep { !$seq{$_} } 1 .. $last // 0;
	my @twice = grep { @{$seq{$_}} > 1 } keys %seq;
	wrong(scalar(@holes) . " holes in SEQ: @holes[0 .. ($#holes > 9 ? 9 : $#holes)] to $holes[-1]") if @holes;
	wrong("SEQ twice: @twice") if @twice;
	reader_agrees(scalar keys %$records, $last // 0, scalar @holes, scalar grep { !$end{$_} } keys %launch);
	printf("asked %d, of which killed %d, and %d by a signal before they had begun; marks left %d\n", scalar keys %asked, $killed, $unheard, scalar keys %marks);
	printf("records %d (sent again: %d): launch %d, end %d, refuse %d; SEQ 1 to %d, holes %d\n", scalar keys %$records, $copies - keys %$records,
		scalar keys %launch, scalar keys %end, scalar keys %refuse, $last // 0, scalar @holes);
	printf("ends: %s\n", join(", ", map { "$_ $word{$_}" } sort keys %word));
	my @files = glob("/var/log/journal/*.boxdo/*.journal*");
	my ($used, $free) = slurp_of("df", "--output=pcent,avail", "-BM", (glob("/var/log/journal/*.boxdo"))[0]) =~ /(\d+%)\s+(\d+M)/;
	printf("journal: %s; files %d, its disk filled to %s, %s free\n", slurp("$work/chaos"), scalar @files, $used, $free);
}

# What boxdo's own reader says of it. Every launch has its end here, or that was said above.
sub reader_agrees {
	my ($count, $last, $holes, $open) = @_;
	my $shown = () = slurp_of("boxdo", "log", "--json") =~ /^\{/mg;
	wrong("boxdo log shows $shown records of $count") if $shown != $count;
	my $gaps = slurp_of("boxdo", "log", "--gaps");
	wrong("boxdo log --gaps: $gaps") if $gaps !~ /: $count records, numbers 1 to $last\n/ || ($gaps =~ /none is missing/) != !$holes;
	my $lines = () = slurp_of("boxdo", "log", "--open", "--json") =~ /^\{/mg;
	wrong("boxdo log --open shows $lines, not $open") if $lines != $open;
}

# --- all of it -------------------------------------------------------------------------------------------

$| = 1;
system("rm", "-rf", $work);
mkdir($work); mkdir("$work/errors"); chmod(0711, $work); chmod(0777, "$work/errors");
for my $user (keys %ids) { mkdir("/home/$user/marks"); chown($ids{$user}, $ids{$user}, "/home/$user/marks"); unlink(glob("/home/$user/marks/*")); }
my $begin = time();
my %workers;
for my $number (1 .. $workers) {
	my $pid = fork() // die;
	worker($number, int($count / $workers) + ($number <= $count % $workers)) if !$pid;
	$workers{$pid} = 1;
}
my $chaos = fork() // die;
chaos() if !$chaos;
for my $pid (keys %workers) { waitpid($pid, 0); wrong("a worker ended with $?") if $?; }
kill("TERM", $chaos);
waitpid($chaos, 0);
printf("%d requests in %.0f s\n", $count, time() - $begin);
# What is owed comes now, with pauses of eight seconds at most.
my $end = time() + 300;
sleep(0.2) while running() && time() < $end;
wrong("still there: " . join(" ", map { "$_ (" . slurp("/proc/$_/cmdline") =~ tr/\0/ /r . ")" } running())) if running();
agree();
exit(@wrong ? 1 : 0);
