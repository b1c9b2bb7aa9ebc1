#!/usr/bin/env bats
# The helper reads time zones with musl, boxdo-policy with glibc: both say the same of every moment, or `boxdo explain`
# and the launch were of two minds. Random zones, moments around every change of their clocks, now and far ahead,
# where only the rule at the end of the zone's file speaks.
load ../lib/common

zones() { # COUNT: random ones, and the system's
	find /usr/share/zoneinfo -type f ! -path '*/right/*' ! -path '*/posix/*' ! -name '*.*' -printf '%P\n' | grep -v '^posixrules$' |
		while read -r zone; do
			[[ $(head -c 4 "/usr/share/zoneinfo/$zone" | tr -d '\0') != TZif ]] || echo "$zone"
		done | shuf -n "$1"
	echo -
}
same() { # ZONES FIRST LAST MOMENTS
	build/agree/hours-launch "${@:2}" <"$1" >/tmp/launch
	build/agree/hours-tools "${@:2}" <"$1" >/tmp/tools
	[[ -s /tmp/launch ]]
	diff /tmp/launch /tmp/tools | head -n 6 >/tmp/differ
	[[ ! -s /tmp/differ ]] || { cat /tmp/differ && return 1; }
}
day() {
	date -u -d "$1" +%s
}

setup() {
	cd "$TOP"
	zones 40 >/tmp/zones
	[[ $(wc -l </tmp/zones) -eq 41 ]]
}

@test "2026 and 2027, every change of the clocks in forty zones" {
	same /tmp/zones "$(day 2026-01-01)" "$(day 2028-01-01)" 20
	[[ $(wc -l </tmp/launch) -gt 1000 ]]
	# Zones that do something else than others: half an hour, Ramadan, names without a rule, west of everything.
	printf '%s\n' Australia/Lord_Howe Africa/Casablanca Europe/Dublin America/Nuuk Antarctica/Troll Etc/GMT-14 EST5EDT Asia/Gaza >/tmp/zones
	same /tmp/zones "$(day 2026-01-01)" "$(day 2028-01-01)" 20
}

@test "2037 to 2040, 2099, and the last year that has four digits" {
	same /tmp/zones "$(day 2037-06-01)" "$(day 2038-12-01)" 20
	same /tmp/zones "$(day 2099-01-01)" "$(day 2100-01-01)" 20
	same /tmp/zones "$(day 9998-02-01)" "$(day 9998-12-01)" 20
}

@test "what the system's zone is does not depend on TZ, nor on where /etc/localtime points" {
	for zone in America/New_York Australia/Lord_Howe; do
		ln -sfn "/usr/share/zoneinfo/$zone" /etc/localtime
		echo - >/tmp/zones
		TZ=Asia/Tokyo same /tmp/zones "$(day 2026-01-01)" "$(day 2028-01-01)" 50
		mv /tmp/launch /tmp/system
		echo "$zone" >/tmp/zones
		same /tmp/zones "$(day 2026-01-01)" "$(day 2028-01-01)" 50
		assert_equal "$(cut -d' ' -f2- /tmp/system)" "$(cut -d' ' -f2- /tmp/launch)"
		# A copy instead of a link, as images of machines have it.
		cp --remove-destination "/usr/share/zoneinfo/$zone" /etc/localtime
		echo - >/tmp/zones
		same /tmp/zones "$(day 2026-01-01)" "$(day 2028-01-01)" 50
		assert_equal "$(cut -d' ' -f2- /tmp/system)" "$(cut -d' ' -f2- /tmp/launch)"
	done
}
