#!/usr/bin/env bats
# timeout: 1200
# The helper called directly with what no client would send: exit 125, one clean line, one refusal on
# record, nothing run (B1, B12, B17, B36, B46, L5, L31, L44, L45, L51, L52; must hold 4).
load ../lib/common
load attack

# each VECTOR...: one vector a line of words, "refused" for alice; shows which one was not.
each() {
	local line words
	while IFS= read -r line; do
		[[ -n $line ]] || continue
		eval "words=($line)"
		refused launch_as alice "${words[@]}" || { echo "for: $line" && return 1; }
	done
}

many() { # COUNT TEXT: TEXT so often, as one word
	printf "%.0s$2" $(seq "$1")
}

@test "version, keys and order" {
	each <<'END'
""
2 image=tiny -- /bin/true
01 image=tiny -- /bin/true
"1 " image=tiny -- /bin/true
1.0 image=tiny -- /bin/true
-1 image=tiny -- /bin/true
--help
--version
-1
1
1 image=tiny
1 image=tiny /bin/true
1 -- /bin/true
1 image -- /bin/true
1 image= -- /bin/true
1 =tiny -- /bin/true
1 IMAGE=tiny -- /bin/true
1 " image=tiny" -- /bin/true
1 imag=tiny -- /bin/true
1 imagex=tiny -- /bin/true
1 image=tiny image=tiny -- /bin/true
1 name=x image=tiny -- /bin/true
1 image=tiny network=host bind=/data:/data -- /bin/true
1 image=tiny privileged=yes -- /bin/true
1 image=tiny uid=0 -- /bin/true
1 image=tiny '' -- /bin/true
1 image=tiny --- /bin/true
1 image=tiny $'bad\nkey'=x -- /bin/true
1 image=tiny $'\e]0;x\a'=x -- /bin/true
1 image=tiny $'\xff\xfe'=x -- /bin/true
1 image=tiny home=yes -- /bin/true
1 image=tiny cwd=maybe -- /bin/true
1 image=tiny network=bridge -- /bin/true
1 image=tiny network=host,none -- /bin/true
1 image=tiny ipc=container:x -- /bin/true
1 image=tiny hostname=a.b/c -- /bin/true
1 image=tiny hostname=-x -- /bin/true
END
}

@test "numbers" {
	each <<'END'
1 image=tiny shm-size=-1 -- /bin/true
1 image=tiny shm-size=0x10 -- /bin/true
1 image=tiny shm-size=01 -- /bin/true
1 image=tiny shm-size=1m -- /bin/true
1 image=tiny shm-size=18446744073709551616 -- /bin/true
1 image=tiny 'shm-size= 1' -- /bin/true
1 image=tiny shm-size=+1 -- /bin/true
1 image=tiny tmpfs=/t:size=-1 -- /bin/true
1 image=tiny tmpfs=/t:size=0 -- /bin/true
1 image=tiny tmpfs=/t:size=1:size=2 -- /bin/true
1 image=tiny ulimit=nofile=-1:-1 -- /bin/true
1 image=tiny ulimit=nofile=1 -- /bin/true
1 image=tiny ulimit=nofile=2:1 -- /bin/true
1 image=tiny ulimit=nothing=1:1 -- /bin/true
1 image=tiny ulimit=nofile=99999999999999999999:1 -- /bin/true
END
}

@test "too long and too many" {
	local words
	refused launch_as alice 1 "image=$(many 5000 a)" -- /bin/true
	refused launch_as alice 1 "image=/$(many 4095 /)" -- /bin/true
	refused launch_as alice 1 image=tiny "name=$(many 129 a)" -- /bin/true
	refused launch_as alice 1 image=tiny "bind=/data:/$(many 5000 a)" -- /bin/true
	refused launch_as alice 1 image=tiny "bind=$(many 120000 a):/x" -- /bin/true
	refused launch_as alice 1 image=tiny "$(many 100000 k)=x" -- /bin/true
	mapfile -t words < <(printf 'bind=/data:/b%d\n' {1..65})
	refused launch_as alice 1 image=tiny "${words[@]}" -- /bin/true
	mapfile -t words < <(printf 'tmpfs=/t%d\n' {1..17})
	refused launch_as alice 1 image=tiny "${words[@]}" -- /bin/true
	mapfile -t words < <(printf 'device=/dev/d%d\n' {1..33})
	refused launch_as alice 1 image=tiny "${words[@]}" -- /bin/true
	mapfile -t words < <(printf 'env=V%d\n' {1..10000})
	refused launch_as alice 1 image=tiny "${words[@]}" -- /bin/true
	mapfile -t words < <(printf 'key%d=x\n' {1..10000})
	refused launch_as alice 1 image=tiny "${words[@]}" -- /bin/true
	mapfile -t words < <(printf 'image=tiny%.0s\n' {1..10000})
	refused launch_as alice 1 "${words[@]}" -- /bin/true
}

@test "accounts: nobody becomes somebody else" {
	each <<'END'
1 image=tiny user=root -- /bin/true
1 image=tiny user=0 -- /bin/true
1 image=tiny user=00 -- /bin/true
1 image=tiny user=+0 -- /bin/true
1 image=tiny 'user= 0' -- /bin/true
1 image=tiny user=-1 -- /bin/true
1 image=tiny 'user=#-1' -- /bin/true
1 image=tiny 'user=#4294967295' -- /bin/true
1 image=tiny user=4294967295 -- /bin/true
1 image=tiny user=4294967296 -- /bin/true
1 image=tiny user=4294969297 -- /bin/true
1 image=tiny user=0x7d1 -- /bin/true
1 image=tiny user=bob -- /bin/true
1 image=tiny user=2002 -- /bin/true
1 image=tiny user=:0 -- /bin/true
1 image=tiny user= -- /bin/true
1 image=tiny user=alicex -- /bin/true
1 image=tiny user=alic -- /bin/true
1 image=tiny user=alice/../root -- /bin/true
END
	# Oneself is no change, whatever group is named behind.
	run launch_as alice 1 image=tiny user=alice:root bind=/data:/data -- /data/attack_inside ids
	if [[ $status -eq 0 ]]; then
		assert_match 'uid 2001 2001 2001 gid 2001 2001 2001 groups 2001 2101'
	else
		assert_status 125
	fi
}

@test "destinations that are the container's own, or no destination" {
	each <<'END'
1 image=tiny bind=/data:/ -- /bin/true
1 image=tiny bind=/data:// -- /bin/true
1 image=tiny bind=/data:/proc -- /bin/true
1 image=tiny bind=/data:/proc/ -- /bin/true
1 image=tiny bind=/data://proc//sys -- /bin/true
1 image=tiny bind=/data:/proc/self/attr -- /bin/true
1 image=tiny bind=/data:/sys/fs/cgroup -- /bin/true
1 image=tiny bind=/data:/sys/firmware -- /bin/true
1 image=tiny bind=/data:/dev -- /bin/true
1 image=tiny bind=/data:/dev/shm -- /bin/true
1 image=tiny bind=/data:/dev/pts/0 -- /bin/true
1 image=tiny bind=/data/README:/dev/null -- /bin/true
1 image=tiny bind=/data:/x/../proc -- /bin/true
1 image=tiny bind=/data:/x/./y -- /bin/true
1 image=tiny bind=/data:/.. -- /bin/true
1 image=tiny bind=/data:x -- /bin/true
1 image=tiny bind=/data: -- /bin/true
1 image=tiny bind=/data -- /bin/true
1 image=tiny bind=:/data -- /bin/true
1 image=tiny bind=/data:/x:rw,suid -- /bin/true
1 image=tiny bind=/data:/x:ro:rw -- /bin/true
1 image=tiny bind=/data:/x:/y -- /bin/true
1 image=tiny bind=/data:/x bind=/home/alice:/x -- /bin/true
1 image=tiny bind=/data:/x bind=/home/alice://x/ -- /bin/true
1 image=tiny bind=/data:/x tmpfs=/x -- /bin/true
1 image=tiny tmpfs=/proc -- /bin/true
1 image=tiny tmpfs=/ -- /bin/true
1 image=tiny workdir=x -- /bin/true
1 image=tiny device=/etc/passwd -- /bin/true
1 image=tiny device=/dev -- /bin/true
1 image=tiny device=/dev/../etc/passwd -- /bin/true
1 image=tiny device=/dev/shm/x -- /bin/true
1 image=tiny device=/dev/null -- /bin/true
1 image=tiny device=/dev/fuse -- /bin/true
1 image=tiny device=/dev/fd/0 -- /bin/true
1 image=tiny device=/dev/stdin -- /bin/true
END
}

@test "sources no rule grants, however they are written" {
	mkdir -p /data2 /data/link.d
	ln -s / /home/alice/root
	ln -s /data2 /home/alice/data
	ln -s /etc /data/etc
	each <<'END'
1 image=tiny bind=/:/x -- /bin/true
1 image=tiny bind=/etc:/x -- /bin/true
1 image=tiny bind=/etc/passwd:/x -- /bin/true
1 image=tiny bind=/data2:/x -- /bin/true
1 image=tiny bind=//data2:/x -- /bin/true
1 image=tiny bind=/data/../data2:/x -- /bin/true
1 image=tiny bind=/data/../etc:/x -- /bin/true
1 image=tiny bind=/data/etc:/x -- /bin/true
1 image=tiny bind=root:/x -- /bin/true
1 image=tiny bind=root/etc:/x -- /bin/true
1 image=tiny bind=/home/alice/data:/x -- /bin/true
1 image=tiny bind=../bob:/x -- /bin/true
1 image=tiny bind=/proc/self/root:/x -- /bin/true
1 image=tiny bind=/proc/self/root/etc:/x -- /bin/true
1 image=tiny bind=/proc/1/root:/x -- /bin/true
1 image=tiny bind=/proc/self/fd/0:/x -- /bin/true
1 image=tiny bind=/proc/self/fd/3:/x -- /bin/true
1 image=tiny bind=/proc:/x -- /bin/true
1 image=tiny bind=/sys/kernel:/x -- /bin/true
1 image=tiny bind=/dev:/x -- /bin/true
1 image=tiny bind=/run/boxdo:/x -- /bin/true
1 image=tiny bind=/run/systemd/journal.boxdo/socket:/x -- /bin/true
1 image=tiny bind=/data:/x:rw -- /bin/true
1 image=tiny bind=/data/ml/weights:/x:rw -- /bin/true
1 image=tiny bind=/nonexistent:/x -- /bin/true
1 image=tiny $'bind=/da\nta:/x' -- /bin/true
1 image=tiny bind=:/x -- /bin/true
END
	# What is granted is granted by any name, and only so far.
	run launch_as alice 1 image=tiny bind=/home/alice/../../data//set1:/x -- /bin/cat /x/numbers
	assert_success
	run launch_as alice 1 image=tiny bind=/data:/x -- /bin/sh -c 'echo >/x/new'
	assert_match 'Read-only file system'
}

@test "a refusal's line and record hold what was typed, and nothing that steers a terminal" {
	refused launch_as alice 1 image=$'no\nsuch\e[2J\x9b1m\xff' -- $'com\nmand' '' "it's" '%s%n'
	run journalctl --namespace=boxdo -q -o json -n 1 BOXDO_EVENT=refuse --all
	run jq -r '.BOXDO_IMAGE | if type == "array" then map([.] | implode) | join("") else . end | explode | map(tostring) | join(" ")' <<<"$output"
	assert_match '110 111 10 115 117 99 104 27 91 50 74'
	run boxdo log
	[[ $output != *$'\e'* && $output != *$'\x9b'* ]]
}

@test "an image by name: what is no catalogue name is no path either" {
	each <<'END'
1 image=../../etc -- /bin/true
1 image=./tiny -- /bin/true
1 image=tiny.sqfs -- /bin/true
1 image=tin? -- /bin/true
1 image=* -- /bin/true
1 image=TINY -- /bin/true
1 image=tiny@sha256:../../x -- /bin/true
1 image=tiny:latest -- /bin/true
1 image=docker://tiny -- /bin/true
1 image=/ -- /bin/true
1 image=/etc -- /bin/true
1 image=/proc/self/root -- /bin/true
1 image=/dev/loop0 -- /bin/true
1 image=/dev/zero -- /bin/true
1 image=/etc/passwd -- /bin/true
END
}

@test "missing, unreachable and forbidden images: one text, one exit code" {
	local secret other text
	install -d -m 700 /srv/secret
	cp /srv/images/tiny.sqfs /srv/secret/there.sqfs
	cp /srv/images/tiny.sqfs /srv/images/unlisted.sqfs
	policy "$(catalogue)
[image secret]
path = /srv/secret/there.sqfs
[allow a]
users = alice
images = tiny
[allow b]
users = bob
images = secret"
	# World-readable, the policy hides no names; the files are no less hidden.
	run launch_as alice 1 image=/srv/secret/missing.sqfs -- /bin/true
	text=${output//missing/NAME}
	run launch_as alice 1 image=/srv/secret/there.sqfs -- /bin/true
	assert_status 125
	assert_equal "${output//there/NAME}" "$text"
	chmod 600 "$POLICY"
	run launch_as alice 1 image=/srv/secret/missing.sqfs -- /bin/true
	text=${output//missing/NAME}
	assert_status 125
	for other in /srv/secret/there.sqfs /srv/nowhere/at.sqfs; do
		run launch_as alice 1 "image=$other" -- /bin/true
		assert_status 125
		assert_equal "${output//$other//srv/secret/NAME.sqfs}" "$text"
	done
	# By name: one that exists for others, and one that does not exist.
	run launch_as alice 1 image=secret -- /bin/true
	assert_status 125
	secret=$output
	run launch_as alice 1 image=absent -- /bin/true
	assert_status 125
	assert_equal "${secret//secret/NAME}" "${output//absent/NAME}"
	# And for who may run nothing at all.
	run launch_as mallory 1 image=tiny -- /bin/true
	secret=$output
	run launch_as mallory 1 image=absent -- /bin/true
	assert_equal "${secret//tiny/NAME}" "${output//absent/NAME}"
	run launch_as mallory 1 image=/srv/images/tiny.sqfs -- /bin/true
	other=$output
	run launch_as mallory 1 image=/srv/images/gone.sqfs -- /bin/true
	assert_equal "${other//tiny/NAME}" "${output//gone/NAME}"
}

@test "no shell is linked in" {
	run nm -D --undefined-only "$LAUNCH"
	refute_match ' (system|popen|wordexp|execlp|execl|dlopen)(@|$|'$'\n'')'
}
