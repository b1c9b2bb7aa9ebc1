# bench.json in, its "targets" out: what is wanted, what was measured, whether it is reached. A row whose peer is not
# installed has no figure, and no verdict.
def median($rows; $name): $rows | map(select(.name == $name))[0].median_usec;
def ratio($rows; $name; $base): median($rows; $name) as $a | median($rows; $base) as $b |
	if $a == null or $b == null or $b == 0 then null else ($a / $b * 100 | round / 100) end;
def at_most($what; $figure; $max; $unit): { what: $what, target: "≤ \($max)\($unit)", figure: $figure,
	verdict: (if $figure == null then "not measured" elif $figure <= $max then "reached" else "missed" end) };
def at_least($what; $figure; $min; $unit): { what: $what, target: "≥ \($min)\($unit)", figure: $figure,
	verdict: (if $figure == null then "not measured" elif $figure >= $min then "reached" else "missed" end) };
def beside($what; $figure): { what: $what, target: "–", figure: $figure, verdict: "" };
def used: "boxdo, SquashFS in use";
def fresh: "boxdo, SquashFS mounted for this launch";
def kept: "boxdo, SquashFS kept warm";
def quotient($a; $b): if $a == null or $b == null or $b == 0 then null else ($a / $b * 100 | round / 100) end;
. as $all | .true as $t | .python as $p | .throughput as $n | .many as $m | [
	at_most("`boxdo run tiny true` beside `sudo -n true`"; ratio($t; used; "sudo -n"); 0.70; " ×"),
	at_most("… beside sudo + crun"; ratio($t; used; "sudo -n crun run"); 0.30; " ×"),
	at_most("… beside bubblewrap"; ratio($t; used; "bubblewrap"); 0.95; " ×"),
	at_most("… beside the floor, a bound directory"; ratio($t; used; "floor"); 3.0; " ×"),
	at_most("… `audit = unconfirmed`, beside `sudo -n true`"; ratio($t; "boxdo, SquashFS in use, audit = unconfirmed"; "sudo -n"); 0.58; " ×"),
	at_most("what the client adds"; (median($t; used) as $a | median($t; "boxdo-launch alone, SquashFS in use") as $b |
		if $a and $b then (($a - $b) / 10 | round / 100) else null end); 0.15; " ms"),
	at_most("`python3 -c print(1)`, second launch on, beside the floor"; ratio($p; used; "floor"); 1.3; " ×"),
	at_most("… mounted for this launch, beside the floor's own loop mount"; ratio($p; fresh; "floor, SquashFS mounted for this launch"); 1.15; " ×"),
	at_most("… first launch of an image kept warm, beside the floor"; ratio($p; kept; "floor"); 1.3; " ×"),
	at_most("\($m.count // 200) at once: loop devices"; $m.loops; 1; ""),
	at_most("… KiB PSS each, all processes"; $m.pss_kib; 200; " KiB"),
	at_most("… ms each until it runs"; $m.ms_each; 4; " ms"),
	at_least("launches a second, 8 workers, beside `sudo -n true`"; (if $n.sudo then ($n.boxdo_8 / $n.sudo * 100 | round / 100) else null end); 1.0; " ×"),
	at_least("… beside sudo + crun"; (if $n.crun then ($n.boxdo_8 / $n.crun * 100 | round / 100) else null end); 2.5; " ×"),
	at_most("… launches that failed, 8 and 32 workers"; $n.failed; 0; ""),
	at_most("\(.crowd.count // 1000) at once: launches without an end"; .crowd.open; 0; ""),
	at_most("image of 8 GB beside 8 MB, pinned digest"; ratio(.sizes // []; "8 GB"; "8 MB"); 1.1; " ×"),
	at_most("\(.mounts.count // 5000) mounts on the host beside \(.mounts.before // 25)"; quotient(median(.mounts.many // []; used); median(.mounts.few // []; used)); 1.3; " ×"),
	beside("… the floor"; quotient(median(.mounts.many // []; "floor"); median(.mounts.few // []; "floor"))),
	beside("… bubblewrap"; quotient(median(.mounts.many // []; "bubblewrap"); median(.mounts.few // []; "bubblewrap"))),
	at_most("after 60 ms of quiet, in a v2 cgroup: more"; (median(.quiet // []; "at once") as $a | median(.quiet // []; "after 60 ms of quiet") as $b |
		if $a and $b then (($b - $a) / 10 | round / 100) else null end); 1; " ms"),
	at_least("standard input to standard output, beside a plain process"; quotient(.inside.pipe_mib.boxdo; .inside.pipe_mib.plain); 0.9; " ×"),
	at_least("reading a bound file, beside a plain process"; quotient(.inside.file_mib.boxdo; .inside.file_mib.plain); 0.9; " ×"),
	at_most("an allowed system call (getppid), beside one without a filter"; quotient(.inside.getppid_ns.boxdo; .inside.getppid_ns.plain); 1.3; " ×"),
	at_most("… read of one byte"; quotient(.inside.read_ns.boxdo; .inside.read_ns.plain); 1.3; " ×")
]
