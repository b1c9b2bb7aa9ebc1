#!/usr/bin/perl
# exact.pl: random bytes as arguments, directories and image names; what stands in the records is held against them.
#
#   exact.pl ROUNDS [SEED]      root, in a stage; alice may run tiny, mallory nothing
#
# BOXDO_COMMAND is given to a POSIX shell, which must make the same vector of it; or it is cut, and then its length
# and digest are those of what stands behind the cut as well. One line for each kind of check; "WRONG ..." is a failure.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

my ($rounds, $seed) = (@ARGV, 42);
srand($seed);
my $launch = "/usr/libexec/boxdo/boxdo-launch";
my %ids = (alice => 2001, mallory => 2003);
my ($failed, %count) = (0);
sub wrong { print "WRONG: @_\n"; $failed = 1; }

# Every byte but NUL; or those a shell, journald or a terminal cares about; or text.
my @special = ("'", "\"", "\\", "\n", "\r", "\t", " ", "\$(id)", "`", "!", "*", "~", "=", "\e[2J", "\x7f", "\xff", "\xc3", "\xc3\xa9", "\xe2\x80\xae", "\xc2\x9b", "\nBOXDO_EVENT=end\n", "-", "#");
sub bytes {
	my ($length, $not) = @_;
	my $kind = int(rand(3));
	my $text = "";
	$text .= $kind == 0 ? chr(1 + int(rand(255))) : $kind == 1 ? $special[rand(@special)] : chr(97 + int(rand(26))) while length($text) < $length;
	$text =~ s/$not/_/g if defined $not;
	return substr($text, 0, $length);
}
sub vector {
	my ($round) = @_;
	my $kind = $round % 20 == 5 ? 1 : rand(); # one in twenty is long for certain
	return map { bytes(int(rand(12))) } 1 .. rand(20) if $kind < 0.5;
	return map { bytes(int(rand(400))) } 1 .. rand(60) if $kind < 0.8;
	return map { bytes(1000 + int(rand(20000))) } 1 .. 1 + rand(8) if $kind < 0.93;
	return map { chr(1 + $_) } 0 .. 254 if $kind < 0.95;
	return map { bytes(100000 + int(rand(31000))) } 1 .. 3 + rand(11); # up to 1.8 MB
}
# As boxdo-audit(7) says it is quoted; for what is cut. What is whole goes through a shell.
sub quoted {
	my ($first, @words) = @_;
	my @all = ($first =~ m{^[\w@%+:,./-]+$} ? $first : "'" . $first =~ s/'/'\\''/gr . "'");
	push @all, m{^[\w@%+=:,./-]+\z}a ? $_ : "'" . s/'/'\\''/gr . "'" for @words;
	return join(" ", @all);
}

sub become {
	my ($user) = @_;
	$) = "$ids{$user} $ids{$user}" . ($user eq "alice" ? " 2101" : ""); $( = $ids{$user}; ($<, $>) = ($ids{$user}) x 2;
	%ENV = (PATH => "/usr/bin:/bin", HOME => "/home/$user");
}
sub start {
	my ($user, $dir, @argv) = @_;
	my $pid = fork() // die;
	if (!$pid) {
		open(STDIN, "<", "/dev/null"); open(STDOUT, ">", "/tmp/exact.out"); open(STDERR, ">", "/tmp/exact.err");
		become($user);
		chdir($dir) or die "chdir: $!";
		exec(@argv) or die "exec: $!\n";
	}
	waitpid($pid, 0);
	return $?;
}

# The last record of that event: its fields, each the last of its name.
sub record {
	my ($event) = @_;
	open(my $journal, "-|", "journalctl", "--namespace=boxdo", "-q", "-a", "-n", 1, "-o", "export", "BOXDO_EVENT=$event") or die;
	binmode($journal);
	my %entry;
	while (defined(my $line = <$journal>)) {
		chomp($line);
		if ($line =~ /^([A-Z0-9_]+)=(.*)$/s) { $entry{$1} = $2; }
		elsif ($line ne "") { read($journal, my $size, 8); read($journal, $entry{$line}, unpack("Q<", $size)); read($journal, my $newline, 1); }
	}
	return \%entry;
}

sub compare {
	my ($what, $record, $max, @vector) = @_;
	my $text = $record->{BOXDO_COMMAND};
	my $wanted = quoted(@vector);
	if (defined $record->{BOXDO_COMMAND_LENGTH}) {
		$count{"$what, cut"}++;
		wrong("$what: cut at " . length($text)) if length($text) != $max;
		wrong("$what: cut is no beginning") if substr($wanted, 0, $max) ne $text;
		wrong("$what: length $record->{BOXDO_COMMAND_LENGTH}, not " . length($wanted)) if $record->{BOXDO_COMMAND_LENGTH} != length($wanted);
		wrong("$what: digest") if $record->{BOXDO_COMMAND_SHA256} ne sha256_hex($wanted);
		return;
	}
	$count{"$what, whole"}++;
	open(my $file, ">", "/tmp/exact.sh"); binmode($file);
	print $file "printf '%s\\0' " . $text; close($file);
	my $got = do { local $/; open(my $shell, "-|", "sh", "/tmp/exact.sh") or die; binmode($shell); <$shell> } // "";
	my $same = join("", map { "$_\0" } @vector);
	wrong("$what: the shell makes something else of " . unpack("H*", substr($text, 0, 200))) if $got ne $same;
	# The quoting above is the one of the page, or what was cut was compared with something else.
	wrong("$what: quoted otherwise than documented") if $text ne $wanted;
}
sub field {
	my ($what, $record, $name, $wanted) = @_;
	$count{$what}++;
	my $got = $record->{"BOXDO_$name"} // "";
	wrong("$what: " . unpack("H*", $got) . ", not " . unpack("H*", $wanted)) if $got ne $wanted;
}

my $home = "/home/alice/exact";
mkdir($home); chown(2001, 2001, $home);
for my $round (1 .. $rounds) {
	my @vector = vector($round);
	# busybox's "true" takes any arguments; and the payload's own view of them, by /bin/sh.
	my @command = ("sh", "-c", 'for a; do printf "%s\0" "$a"; done', "sh", @vector);
	my $dir = "$home/" . bytes(1 + int(rand(200)), qr{/|^\.+$});
	mkdir($dir) or die "mkdir: $!"; chown(2001, 2001, $dir);
	my $name = "n" . bytes(int(rand(40)), qr{[^a-zA-Z0-9_.-]});
	my $status = start("alice", $dir, $launch, "1", "image=tiny", "name=$name", "--", @command);
	wrong("round $round: status $status: " . do { local $/; open(my $e, "<", "/tmp/exact.err"); <$e> }) if $status;
	my $saw = do { local $/; open(my $o, "<", "/tmp/exact.out"); binmode($o); <$o> } // "";
	wrong("round $round: the command saw other arguments") if $saw ne join("", map { "$_\0" } @vector);
	my $record = record("launch");
	compare("launch", $record, 256 * 1024, @command);
	field("working directory", $record, "CWD", $dir);
	# Refused: by the policy; and an image name of any bytes.
	$status = start("mallory", "/", $launch, "1", "image=tiny", "--", @command);
	wrong("round $round: mallory: status $status") if $status != 125 << 8;
	compare("refusal", record("refuse"), 16 * 1024, @command);
	my $image = "x" . bytes(int(rand(rand() < 0.9 ? 60 : 4000)));
	$status = start("alice", "/", $launch, "1", "image=$image", "--", "true", $vector[0] // "");
	wrong("round $round: image: status $status") if $status != 125 << 8;
	$record = record("refuse");
	if (defined $record->{BOXDO_IMAGE}) { field("image name", $record, "IMAGE", $image); }
	# Not understood: then all that was typed stands in COMMAND.
	else { compare("request", $record, 16 * 1024, "1", "image=$image", "--", "true", $vector[0] // ""); }
	rmdir($dir);
}
print "$_: $count{$_}\n" for sort keys %count;
exit($failed);
