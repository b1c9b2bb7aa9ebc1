#!/usr/bin/env bats
# timeout: 900
# Whose a policy must be, and what a broken one does: it never permits (B18, B20, B59, B60, B61; must hold 6).
load ../lib/common
load attack

teardown() {
	umount /etc/boxdo 2>/dev/null || true
	chown root:root /etc /etc/boxdo /etc/boxdo/policy.d
	chmod 755 /etc /etc/boxdo /etc/boxdo/policy.d
}

# The policy as it stands permits nothing and says which file is the matter; and on record.
unusable() { # REGEX
	refused launch_as alice 1 image=tiny -- /bin/true
	assert_match '^boxdo: the policy is not usable, so nothing is started: .*'"$1"
}
usable() {
	run launch_as alice 1 image=tiny -- /bin/true
	assert_success
}

@test "mode and owner of the file" {
	local mode owner
	for mode in 660 666 646 622 604 640 600 400 444 644 755; do
		chmod $mode "$POLICY"
		if (((8#$mode & 8#022) == 0)); then usable; else unusable policy.conf; fi
	done
	restore_policy
	for owner in alice:root mallory:root nobody:nogroup 4711:0; do
		chown $owner "$POLICY"
		unusable policy.conf
	done
	# Another group is no matter while it cannot write.
	chown root:alice "$POLICY"
	chmod 640 "$POLICY"
	usable
	chmod 660 "$POLICY"
	unusable policy.conf
	setfacl -m u:alice:rw "$POLICY" 2>/dev/null || return 0
	unusable policy.conf
	setfacl -b "$POLICY"
}

@test "mode and owner of every directory above" {
	local dir
	for dir in /etc/boxdo /etc; do
		chmod 777 $dir
		unusable $dir
		chmod 1777 $dir
		unusable $dir
		chmod 775 $dir
		unusable $dir
		chmod 755 $dir
		chown alice $dir
		unusable $dir
		chown root $dir
	done
	chmod 777 /etc/boxdo/policy.d
	unusable policy.d
	chmod 755 /etc/boxdo/policy.d
	chown alice /etc/boxdo/policy.d
	unusable policy.d
	chown root /etc/boxdo/policy.d
	usable
}

@test "the file is no link, device, pipe, directory or socket" {
	local file
	for file in "$POLICY" /etc/boxdo/policy.d/50-x.conf; do
		rm -rf "$file"
		ln -sT /run/stage/policy.kept "$file" && unusable "$(basename "$file")"
		rm "$file"
		ln -sT /home/alice/policy "$file" && unusable "$(basename "$file")"
		rm "$file"
		mkfifo -m 644 "$file" && unusable "$(basename "$file")"
		rm "$file"
		mknod -m 644 "$file" c 1 5 && unusable "$(basename "$file")"
		rm "$file"
		mkdir "$file" && unusable "$(basename "$file")"
		rmdir "$file"
		restore_policy
	done
	# Nor is the directory a link.
	mv /etc/boxdo/policy.d /etc/boxdo/elsewhere
	ln -sT elsewhere /etc/boxdo/policy.d
	unusable policy.d
	rm /etc/boxdo/policy.d
	mv /etc/boxdo/elsewhere /etc/boxdo/policy.d
	usable
}

@test "missing or empty: nobody is permitted anything" {
	rm "$POLICY"
	unusable policy.conf
	: >"$POLICY"
	chmod 644 "$POLICY"
	refused launch_as alice 1 image=tiny -- /bin/true
	printf '# nothing\n' >"$POLICY"
	refused launch_as alice 1 image=tiny -- /bin/true
	# Fragments alone are no policy either.
	rm "$POLICY"
	cp /run/stage/policy.kept /etc/boxdo/policy.d/10.conf
	unusable policy.conf
}

@test "broken: truncated, BOM, CRLF, NUL, duplicate, unknown, over-long, and each byte of it cut off" {
	local kept length n
	kept=$(cat /run/stage/policy.kept)
	policy $'\xef\xbb\xbf'"$kept" && unusable 'policy.conf'
	sed 's/$/\r/' /run/stage/policy.kept >"$POLICY" && unusable policy.conf
	printf '%s\n[allow x]\nusers = al\0ice\nimages = *\n' "$kept" >"$POLICY" && unusable policy.conf
	policy "$kept"$'\nusers = mallory' && unusable policy.conf
	policy "$kept"$'\n[allow research]\nusers = mallory\nimages = *' && unusable policy.conf
	policy "$kept"$'\n[permit x]\nusers = *' && unusable policy.conf
	policy "$kept"$'\n[allow x]\nuser = *\nimages = *' && unusable policy.conf
	policy "$kept"$'\n[allow x]\nusers = alice\nimages = *\nbinds = '"$(printf 'x%.0s' {1..70000})" && unusable policy.conf
	policy "$kept"$'\n[allow x]\nusers: alice\nimages = *' && unusable policy.conf
	policy "$kept"$'\n [allow x\nusers = alice' && unusable policy.conf
	# A fragment that is broken refuses everything too.
	restore_policy
	printf '[deny x\n' >/etc/boxdo/policy.d/90.conf && unusable '90.conf'
	rm /etc/boxdo/policy.d/90.conf
	# Cut anywhere, it never permits what it did not permit in full: mallory stays out, and no bind is added.
	length=$(wc -c </run/stage/policy.kept)
	for ((n = 1; n < length; n += 23)); do
		head -c $n /run/stage/policy.kept >"$POLICY"
		run launch_as mallory 1 image=tiny -- /bin/true
		assert_status 125
		run launch_as alice 1 image=tiny bind=/etc:/x -- /bin/true
		assert_status 125
	done
}

@test "a policy exchanged while launches read it: the old one or the new one, never a third" {
	printf '\n[deny all]\nusers = *\nimages = *\n' | cat "$POLICY" - >/etc/boxdo/.b
	attack_swap 10000 "$POLICY" /etc/boxdo/.b >/dev/null 3>&- &
	local runs=0 all=$BATS_TEST_TMPDIR/all
	: >"$all"
	# Until both were met, each half of the time.
	until ((runs >= 60)) && grep -q ran "$all" && grep -q 'deny all' "$all"; do
		((runs++ < 2000))
		launch_as alice 1 image=tiny -- /bin/echo ran >>"$all" 2>&1 || true
		launch_as mallory 1 image=tiny -- /bin/echo RAN >>"$all" 2>&1 || true
	done
	pkill -x attack_swap
	rm -f /etc/boxdo/.b
	run sort -u "$all"
	refute_match 'RAN'
}

@test "a pattern crosses neither an argument nor a slash" {
	policy "$(catalogue)
[allow a]
users = alice
images = tiny /srv/images/s*.sqfs
command = /bin/echo foo*
command = /bin/echo a * ..."
	run launch_as alice 1 image=tiny home=no cwd=no -- /bin/echo foobar
	assert_output foobar
	refused launch_as alice 1 image=tiny home=no cwd=no -- /bin/echo foo extra
	refused launch_as alice 1 image=tiny home=no cwd=no -- /bin/echo 'x foo'
	refused launch_as alice 1 image=tiny home=no cwd=no -- '/bin/echo foo'
	refused launch_as alice 1 image=tiny home=no cwd=no -- /bin/echo
	refused launch_as alice 1 image=tiny home=no cwd=no -- /bin/echo a
	refused launch_as alice 1 image=tiny home=no cwd=no -- echo foobar
	refused launch_as alice 1 image=tiny home=no cwd=no -- /bin/../bin/echo foobar
	refused launch_as alice 1 image=tiny home=no cwd=no entrypoint=/bin/sh -- foobar
	refused launch_as alice 1 image=tiny home=no cwd=no
	mkdir -p /srv/images/sub
	cp /srv/images/tiny.sqfs /srv/images/sub/x.sqfs
	refused launch_as alice 1 image=/srv/images/sub/x.sqfs home=no cwd=no -- /bin/echo foobar
}

@test "a policy that only root may read tells nobody anything" {
	chmod 600 "$POLICY"
	refused launch_as mallory 1 image=tiny -- /bin/true
	assert_output 'boxdo: not permitted'
	refused launch_as alice 1 image=tiny bind=/etc:/x -- /bin/true
	assert_output 'boxdo: not permitted'
	usable
}

# The digest of policy.conf as an auditor computes it (no policy.d), and the one on record of the last launch.
digest_by_hand() {
	{
		echo "$POLICY $(stat -c %s "$POLICY")"
		cat "$POLICY"
	} | sha256sum | cut -d' ' -f1
}
digest_on_record() {
	raw_records BOXDO_EVENT=launch | tail -n 1 | jq -r .BOXDO_POLICY_SHA256
}

@test "the digest on record is that of the bytes that decided, whatever the file's times say" {
	local old
	rm -f /etc/boxdo/policy.d/*
	echo '# one' >>"$POLICY"
	touch -d '2020-01-01' "$POLICY"
	usable
	assert_equal "$(digest_on_record)" "$(digest_by_hand)"
	# Settled, and kept: believed from then on while the files are the same.
	sleep 5
	usable
	usable
	run cat /run/boxdo/policy
	assert_match "^$(digest_by_hand) [0-9a-f]{64}\$"
	assert_equal "$(digest_on_record)" "$(digest_by_hand)"
	assert_equal "$(stat -c %U:%a /run/boxdo/policy)" root:600
	# Other bytes, the same length, the same time, in the same inode.
	old=$(digest_by_hand)
	printf two | dd of="$POLICY" conv=notrunc bs=1 seek=$(($(stat -c %s "$POLICY") - 4)) status=none
	touch -d '2020-01-01' "$POLICY"
	[[ $(digest_by_hand) != "$old" ]]
	usable
	assert_equal "$(digest_on_record)" "$(digest_by_hand)"
	# And back again at once, within one tick of the clock if it can be.
	printf one | dd of="$POLICY" conv=notrunc bs=1 seek=$(($(stat -c %s "$POLICY") - 4)) status=none
	touch -d '2020-01-01' "$POLICY"
	usable
	assert_equal "$(digest_on_record)" "$old"
	# What is kept is no word of anybody's: garbage in its place is nothing.
	for text in '' garbage "$(printf '%0130d' 0)" "$(printf '%064d -' 0)"; do
		printf %s "$text" >/run/boxdo/policy
		usable
		assert_equal "$(digest_on_record)" "$(digest_by_hand)"
	done
}
