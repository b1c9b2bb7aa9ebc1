#!/usr/bin/env bats
# timeout: 900
# The admin's tools attacked: editors, directories and texts of somebody else's, questions about others.
load ../lib/common

setup() {
	rm -rf /etc/boxdo /etc/boxdo.* && mkdir -p /etc/boxdo/policy.d && chmod 755 /etc/boxdo /etc/boxdo/policy.d
	{ [[ $(stat -f -c %T /var/log/journal) != tmpfs ]] || printf '[settings]\nvolatile = yes\n'; } >$POLICY
	catalogue >>$POLICY
	printf '[allow a]\nusers = alice\nimages = *\n' >>$POLICY
	digest=$(boxdo policy digest)
}
editor() {
	printf '#!/bin/bash\n%s\n' "$*" >/tmp/editor
	chmod 755 /tmp/editor
}
edit() {
	SUDO_UID=2003 EDITOR=${editor-/tmp/editor} boxdo policy edit "$@" 2>&1 </dev/null
}

@test "an editor is the admin's: no root, no root's files, whatever it does" {
	editor 'cat /etc/shadow >/tmp/stolen; echo x >/etc/boxdo/policy.d/x.conf; setpriv --reuid 0 id >/tmp/stolen2; ls -l /proc/self/fd >/tmp/fds; exit 0'
	run edit
	[[ ! -s /tmp/stolen && ! -e /etc/boxdo/policy.d/x.conf ]]
	! grep -q 'uid=0' /tmp/stolen2
	! grep -qE 'boxdo|policy' /tmp/fds
	assert_equal "$(stat -c %u /tmp/fds)" 2003
}

@test "EDITOR is a vector of words; '--' in it is refused" {
	for editor in 'vi -- /etc/shadow' '-- /etc/shadow' 'vi "--" /etc/shadow'; do
		run edit
		assert_status 125
		assert_match "'--'"
	done
	editor='sh -c "touch /tmp/injected" x; touch /tmp/injected2'
	run edit
	[[ ! -e /tmp/injected2 ]]
	editor=$(printf '/tmp/no\033[31msuch')
	run edit
	assert_status 125
	refute_match $'\033\\[31m'
}

@test "what the editor leaves is read as the admin: links, pipes, directories are nothing" {
	# shellcheck disable=SC2016
	for what in 'ln -sf /etc/shadow "$1"' 'rm "$1"; mkfifo "$1"' 'rm "$1"; mkdir "$1"' 'rm "$1"' \
		'd=$(dirname "$1"); mv "$d" "$d.x"; ln -s /root "$d"'; do
		editor "$what"
		run timeout 200 bash -c "$(declare -f edit); edit"
		[[ $status -ne 0 && $status -ne 124 ]] || { echo "$what: $output" && false; }
		refute_match 'root:'
		assert_equal "$(boxdo policy digest)" "$digest"
	done
}

@test "a policy's text never reaches the terminal as a command" {
	printf '[allow \033]0;x\007a]\nusers = \033[2Jbob\nimages = \xff\xfe\n' >/tmp/p.conf
	for words in 'check /tmp/p.conf' 'check --json /tmp/p.conf' 'test /tmp/p.conf'; do
		# shellcheck disable=SC2086
		run boxdo policy $words
		[[ $status -ne 0 ]]
		refute_match $'\033' && refute_match $'\xff' && refute_match $'\007'
	done
	printf '[grant g]\nusers = "%%\xc3\xa9\xc2\x9b2J" alice\nbinds = "/d\xc2\x9b31m"\n' >/etc/boxdo/policy.d/g.conf
	for words in 'explain --user alice tiny' 'list -U alice' images 'policy check'; do
		# shellcheck disable=SC2086
		run boxdo $words
		[[ $output != *$'\xc2'* && $output != *$'\x9b'* && $output == *'?'* || $words == images ]]
		[[ $words == policy* || $status -eq 0 ]]
	done
	run as_user alice boxdo explain tiny $'\033[31mred' $'two\nlines'
	refute_match $'\033'
}

@test "a directory of somebody else's: links are not followed, writers are refused" {
	mkdir -p /tmp/d/policy.d && cp $POLICY /tmp/d/policy.conf
	ln -s /etc/shadow /tmp/d/policy.d/s.conf
	for words in 'install /tmp/d' 'check /tmp/d' 'digest /tmp/d'; do
		# shellcheck disable=SC2086
		run boxdo policy $words
		[[ $status -ne 0 ]]
		refute_match 'root:'
	done
	rm /tmp/d/policy.d/s.conf && mkfifo /tmp/d/policy.d/s.conf
	run timeout 100 boxdo policy install /tmp/d
	assert_status 125
	rm /tmp/d/policy.d/s.conf
	rm -r /tmp/d/policy.d && ln -s /etc/boxdo/policy.d /tmp/d/policy.d
	run boxdo policy install /tmp/d
	assert_status 125
	rm /tmp/d/policy.d
	chmod 777 /tmp/d
	run boxdo policy install /tmp/d
	assert_status 125
	assert_match 'can be written by group or others'
	chmod 755 /tmp/d && chown 2003 /tmp/d/policy.conf
	run boxdo policy install /tmp/d
	assert_match 'belongs to uid 2003'
	run env SUDO_UID=2001 boxdo policy install /tmp/d
	assert_match 'belongs to uid 2003'
	assert_equal "$(boxdo policy digest)" "$digest"
}

@test "explain is no way to see what one cannot: no privilege, no other's eyes" {
	[[ -z $(find /usr/libexec/boxdo -name 'boxdo-*' -not -name boxdo-launch -perm /6000) ]]
	for words in '--user bob tiny' '--uid 0 tiny' '--group phys tiny'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo explain $words
		assert_status 125
		assert_match 'only root'
	done
	# one answer for what is there and what is not, below a directory that is closed to alice
	for name in auditor-has nobody-has; do
		touch /home/auditor/auditor-has
		run as_user alice boxdo explain -v /home/auditor/$name:/x tiny
		assert_status 1
		assert_match "/home/auditor/$name cannot be bound: Permission denied"
	done
	# for root, who asks about alice, they are alice's eyes
	run boxdo explain --user alice -v /home/auditor/auditor-has:/x tiny
	assert_status 1
	assert_match 'cannot be bound: Permission denied'
	run boxdo explain --user alice -v /fuse/alice/secret:/x tiny
	assert_match 'bind /fuse/alice/secret is not granted'
}

@test "explain about somebody: what runs as them has nothing of root's terminal" {
	# What alice could trace: the program behind CDI names says what it holds.
	printf '#!/bin/bash\nls -l /proc/$$/fd >/tmp/held; (: </dev/tty) 2>/dev/null && echo terminal >>/tmp/held; id -u >>/tmp/held\n' >/tmp/probe
	chmod 755 /tmp/probe && rm -f /tmp/held
	mount --bind /tmp/probe /usr/libexec/boxdo/boxdo-cdi
	script -qec 'boxdo explain --user alice --device acme.example/gpu=0 tiny' /dev/null 3>&- || true
	umount /usr/libexec/boxdo/boxdo-cdi
	run cat /tmp/held
	assert_match '(^|\s)2001$'
	refute_match 'pts|terminal'
}

@test "a file's name never reaches the terminal as a command" {
	mkdir -p /tmp/names/policy.d && cp $POLICY /tmp/names/policy.conf
	: >/tmp/names/policy.d/$'x\xc2\x9b31m\xe2\x80\xae.conf'
	for words in 'check /tmp/names' 'digest /tmp/names' 'install /tmp/names'; do
		# shellcheck disable=SC2086
		run boxdo policy $words
		[[ $status -ne 0 ]]
		assert_match 'is empty'
		[[ $output != *$'\xc2'* && $output != *$'\xe2'* ]]
	done
}

@test "names of files for edit stay in policy.d; a foreign SUDO_UID is nobody" {
	editor true
	for name in ../policy.conf /etc/passwd .hidden -x 'a b' $'a\nb' ''; do
		run edit "$name"
		assert_status 125
	done
	run env SUDO_UID=99999 boxdo policy edit
	assert_status 125
	run as_user alice boxdo policy edit
	assert_status 125
	assert_match "the policy is root's"
}
