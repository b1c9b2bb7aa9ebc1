#!/usr/bin/env bats
# Whose a policy must be, and what a broken one does: it never permits (B18, B20, B59, B60, B61; must hold 6).
load ../lib/common
load attack

setup_file() {
	arm
}
setup() {
	restore_policy
}
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
	attack_swap 5 "$POLICY" /etc/boxdo/.b >/dev/null 3>&- &
	local end=$((SECONDS + 4))
	while ((SECONDS < end)); do
		launch_as alice 1 image=tiny -- /bin/echo ran || true
		launch_as mallory 1 image=tiny -- /bin/echo RAN || true
	done >"$BATS_TEST_TMPDIR/all" 2>&1
	pkill -x attack_swap || true
	rm -f /etc/boxdo/.b
	run sort -u "$BATS_TEST_TMPDIR/all"
	assert_match 'ran'
	assert_match 'deny all'
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
