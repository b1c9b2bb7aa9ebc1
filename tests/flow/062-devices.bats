#!/usr/bin/env bats
# Devices by CDI names: nodes, mounts, variables, and the effect of hooks that never run; denies by either name.
load ../lib/common

setup_file() {
	local lib=/usr/lib/acme
	for node in acme0 acme1 acmectl other0; do
		mknod -m 666 /dev/$node c 1 3
	done
	mkdir -p $lib
	cp -L "$(ldconfig -p | sed -n 's,.*libz\.so\.1 .*=> ,,p' | head -n 1)" $lib/libacme.so.550.1
	ln -s libacme.so.550.1 $lib/libacme.so.1
	echo 'a firmware' >$lib/firmware.bin
	mkdir -p /etc/cdi
	cat >/run/stage/acme.json <<'END'
{ "cdiVersion": "0.6.0", "kind": "acme.example/gpu",
  "annotations": { "made": "up" },
  "devices": [
    { "name": "0", "containerEdits": { "deviceNodes": [ { "path": "/dev/acme0", "permissions": "rw" } ], "env": [ "ACME_FIRST=0" ] } },
    { "name": "1", "containerEdits": { "deviceNodes": [ { "path": "/dev/acme-one", "hostPath": "/dev/acme1", "type": "c", "major": 1, "minor": 3 } ] } },
    { "name": "all", "containerEdits": { "deviceNodes": [ { "path": "/dev/acme0" }, { "path": "/dev/acme-one", "hostPath": "/dev/acme1" } ] } }
  ],
  "containerEdits": {
    "env": [ "ACME=yes", "PATH_OF_ACME=/usr/lib/acme" ],
    "deviceNodes": [ { "path": "/dev/acmectl" } ],
    "mounts": [
      { "hostPath": "/usr/lib/acme/libacme.so.550.1", "containerPath": "/usr/lib/x86_64-linux-gnu/libacme.so.550.1", "options": [ "ro", "nosuid", "nodev", "bind" ] },
      { "hostPath": "/usr/lib/acme/firmware.bin", "containerPath": "/usr/share/acme/firmware.bin", "options": [ "ro" ] }
    ],
    "hooks": [
      { "hookName": "createContainer", "path": "/usr/bin/acme-hook", "args": [ "acme-ctk", "hook", "create-symlinks", "--link", "libacme.so.1::/usr/lib/x86_64-linux-gnu/libacme.so", "--link=../acme/firmware.bin::/usr/share/acme2/firmware" ] },
      { "hookName": "createContainer", "path": "/usr/bin/acme-hook", "args": [ "acme-ctk", "hook", "update-ldcache", "--folder", "/usr/lib/x86_64-linux-gnu" ] },
      { "hookName": "createContainer", "path": "/usr/bin/acme-hook", "args": [ "acme-ctk", "hook", "chmod", "--mode", "755", "--path", "/dev/dri" ] }
    ] } }
END
	# The same as nvidia-ctk 1.20 writes it, with what it adds on a host with /dev/dri: names of links, groups, a hook.
	cat >/run/stage/acme.yaml <<'END'
---
cdiVersion: 0.6.0
kind: acme.example/gpu
annotations:
    made: up
devices:
    - name: "0"
      containerEdits:
        deviceNodes:
            - path: /dev/acme0
              major: 1
              minor: 3
              fileMode: 438
              permissions: rwm
        env:
            - ACME_FIRST=0
        hooks:
            - hookName: createContainer
              path: /usr/bin/acme-hook
              args:
                - acme-ctk
                - create-symlinks
                - --link
                - ../acme0::/dev/dri/by-path/pci-0000:00:04.0-card
              env:
                - ACME_CTK_DEBUG=false
        additionalGids:
            - 39
    - name: "1"
      containerEdits:
        deviceNodes:
            - path: /dev/acme-one
              hostPath: /dev/acme1
              major: 1
              minor: 3
    - name: all
      containerEdits:
        deviceNodes:
            - path: /dev/acme0
            - path: /dev/acme-one
              hostPath: /dev/acme1
containerEdits:
    env:
        - ACME=yes
        - PATH_OF_ACME=/usr/lib/acme
    deviceNodes:
        - path: /dev/acmectl
    hooks:
        - hookName: createContainer
          path: /usr/bin/acme-hook
          args:
            - acme-ctk
            - hook
            - create-symlinks
            - --link
            - libacme.so.1::/usr/lib/x86_64-linux-gnu/libacme.so
            - --link=../acme/firmware.bin::/usr/share/acme2/firmware
          env:
            - ACME_CTK_DEBUG=false
        - hookName: createContainer
          path: /usr/bin/acme-hook
          args:
            - acme-ctk
            - update-ldcache
            - --ldconfig-path
            - /sbin/ldconfig
            - --folder
            - /usr/lib/x86_64-linux-gnu
        - hookName: createContainer
          path: /usr/bin/acme-hook
          args:
            - acme-ctk
            - enable-cuda-compat
            - --host-driver-version=550.1
        - hookName: createContainer
          path: /usr/bin/acme-hook
          args:
            - acme-ctk
            - update-application-profile
    mounts:
        - hostPath: /usr/lib/acme/libacme.so.550.1
          containerPath: /usr/lib/x86_64-linux-gnu/libacme.so.550.1
          options:
            - ro
            - nosuid
            - nodev
            - rbind
            - rprivate
        - hostPath: /usr/lib/acme/firmware.bin
          containerPath: /usr/share/acme/firmware.bin
          options:
            - ro
END
	# Were it run, by whomever, it would show.
	printf '#!/bin/sh\ntouch /tmp/hook-ran /run/hook-ran\n' >/usr/bin/acme-hook
	chmod 755 /usr/bin/acme-hook
}

setup() {
	rm -rf /etc/cdi /run/cdi && mkdir /etc/cdi
	cp /run/stage/acme.json /etc/cdi/
	rules '[allow gpus]' 'users = alice' 'images = *' 'devices = acme.example/gpu=*' 'binds = ~:rw'
}

rules() { # TEXT...: the catalogue, then these lines
	policy "$(catalogue)" "$@"
}
run_with() { # DEVICE COMMAND...: alice in the tiny image
	run as_user alice boxdo run --device "$1" tiny "${@:2}"
}
change() { # JQ-FILTER [SUFFIX]: the specification; what jq writes is YAML, too
	jq "$1" /run/stage/acme.json >"/etc/cdi/acme.${2-json}"
}
in_yaml() { # TEXT or, without, standard input: the only specification
	rm -f /etc/cdi/*
	if (($#)); then printf '%b' "$1"; else cat; fi >/etc/cdi/acme.yaml
}

@test "one device: its nodes, those of all, mounts, variables, links; no hook has run" {
	run_with acme.example/gpu=0 sh -c 'ls /dev | grep -E "acme|other" | xargs; echo $ACME $ACME_FIRST $PATH_OF_ACME; cat /usr/share/acme/firmware.bin; readlink /usr/lib/x86_64-linux-gnu/libacme.so; cat /usr/share/acme2/firmware; echo x >/dev/acme0 && echo wrote; echo x >/usr/share/acme/firmware.bin'
	assert_equal "${lines[0]}" 'acme0 acmectl'
	assert_equal "${lines[1]}" 'yes 0 /usr/lib/acme'
	assert_equal "${lines[2]}" 'a firmware'
	assert_equal "${lines[3]}" 'libacme.so.1'
	assert_equal "${lines[4]}" 'a firmware'
	assert_equal "${lines[5]}" wrote
	assert_match 'Read-only file system'
	[[ ! -e /tmp/hook-ran && ! -e /run/hook-ran ]]
}

@test "a host's node appears where the specification says; several devices, and all, add up" {
	run_with acme.example/gpu=1 sh -c 'ls /dev | grep acme | xargs'
	assert_output 'acme-one acmectl'
	run as_user alice boxdo run --device acme.example/gpu=0 --device=acme.example/gpu=1 tiny sh -c 'ls /dev | grep acme | xargs'
	assert_output 'acme-one acme0 acmectl'
	run_with acme.example/gpu=all sh -c 'ls /dev | grep acme | xargs'
	assert_output 'acme-one acme0 acmectl'
}

@test "the library is found by its soname, without ldconfig, and -e LD_LIBRARY_PATH still counts" {
	[[ ! -e /srv/images/python.is-busybox ]] || skip "no Python image here"
	run as_user alice boxdo run --device acme.example/gpu=0 python python3 -c '
import ctypes, os
for name in "libacme.so.1", "libacme.so.550.1":
    ctypes.CDLL(name).zlibVersion
print(os.environ["LD_LIBRARY_PATH"])'
	assert_output /run/boxdo-cdi
	run as_user alice boxdo run -e LD_LIBRARY_PATH=/opt/lib --device acme.example/gpu=0 python sh -c 'echo $LD_LIBRARY_PATH'
	assert_output /opt/lib:/run/boxdo-cdi
	run as_user alice boxdo run python python3 -c 'import ctypes; ctypes.CDLL("libacme.so.1")'
	assert_status 1
}

@test "what is granted is the name: a node's path is not enough, nor the other way round" {
	run as_user alice boxdo run --device /dev/acme0 tiny true
	assert_status 125
	assert_match 'device /dev/acme0 is not granted by allow gpus'
	rules '[allow nodes]' 'users = alice' 'images = *' 'devices = /dev/acme*'
	run_with acme.example/gpu=0 true
	assert_status 125
	assert_match 'device acme.example/gpu=0 is not granted by allow nodes'
	rules '[allow one]' 'users = alice' 'images = *' 'devices = acme.example/gpu=[01]'
	run_with acme.example/gpu=1 true
	assert_success
	run_with acme.example/gpu=all true
	assert_status 125
	rules '[allow any]' 'users = alice' 'images = *' 'devices = *'
	run_with acme.example/gpu=all true
	assert_success
}

@test "a deny of the CDI name catches the node, all, and every name the node has; others pass" {
	rules '[allow gpus]' 'users = alice' 'images = *' 'devices = *' '[deny first]' 'users = *' 'devices = acme.example/gpu=0'
	for device in acme.example/gpu=0 acme.example/gpu=all /dev/acme0; do
		run_with $device true
		assert_status 125
		assert_match 'denied by the rule deny first'
	done
	for device in acme.example/gpu=1 /dev/acme1 /dev/other0 /dev/acmectl; do
		run_with $device true
		assert_success
	done
	ln -sf acme0 /dev/link0
	run_with /dev/link0 true
	assert_match 'denied by the rule deny first'
	rm /dev/link0
}

@test "a deny of the node, or of what is mounted along, catches the CDI name" {
	for line in 'devices = /dev/acme0' 'devices = /dev/acme*' 'devices = *' 'binds = /usr/lib/acme'; do
		rules '[allow gpus]' 'users = alice' 'images = *' 'devices = *' '[deny it]' 'users = *' "$line"
		run_with acme.example/gpu=0 true
		assert_status 125
		assert_match 'denied by the rule deny it'
	done
	rules '[allow gpus]' 'users = alice' 'images = *' 'devices = *' '[deny it]' 'users = *' 'devices = /dev/acme0'
	run_with acme.example/gpu=1 true
	assert_success
}

@test "a deny by CDI name refuses when the specifications cannot be read, whatever is asked for" {
	rules '[allow gpus]' 'users = alice' 'images = *' 'devices = *' '[deny first]' 'users = *' 'devices = acme.example/gpu=0'
	echo '{' >/etc/cdi/broken.json
	run_with /dev/acme0 true
	assert_status 125
	assert_match '^boxdo: /etc/cdi/broken.json is no JSON'
	rm /etc/cdi/broken.json
	run_with /dev/other0 true
	assert_success
}

@test "specifications that are not root's alone count for nothing" {
	chmod 666 /etc/cdi/acme.json
	run_with acme.example/gpu=0 true
	assert_match '/etc/cdi/acme.json must not be writable by group or others'
	chmod 644 /etc/cdi/acme.json
	chown alice /etc/cdi/acme.json
	run_with acme.example/gpu=0 true
	assert_match '/etc/cdi/acme.json must belong to root'
	chown root /etc/cdi/acme.json
	chmod 777 /etc/cdi
	run_with acme.example/gpu=0 true
	assert_match '/etc/cdi must not be writable'
	chmod 755 /etc/cdi
	mv /etc/cdi/acme.json /etc/cdi/.real
	ln -s .real /etc/cdi/acme.json
	run_with acme.example/gpu=0 true
	assert_status 125
	run_with acme.example/gpu=0 true
	assert_status 125
}

@test "what is not understood refuses, in JSON and in YAML: fields, hooks, types, paths" {
	for filter in '.surprise = 1' '.devices[0].containerEdits.surprise = 1' '.containerEdits.mounts[0].surprise = 1' \
		'.containerEdits.hooks[0].args = ["acme-ctk", "hook", "reboot"]' '.containerEdits.hooks[0].args = []' \
		'.containerEdits.intelRdt = {}' '.containerEdits.netDevices = []' \
		'.containerEdits.mounts[0].type = "tmpfs"' '.cdiVersion = "9.0"' '.kind = "acme"' '.devices = []' \
		'.containerEdits.mounts[0].containerPath = "relative"' '.containerEdits.mounts[0].containerPath = "/a/../etc"' \
		'.containerEdits.mounts[0].containerPath = "/proc/x"' '.containerEdits.mounts[0].containerPath = "/dev/x"' \
		'.containerEdits.mounts[0].hostPath = "/usr/lib/acme/\u0009x"' '.containerEdits.env = ["=x"]' '.containerEdits.env = ["A=\n"]' \
		'.devices[0].containerEdits.deviceNodes[0].path = "/etc/shadow"' '.devices[0].containerEdits.deviceNodes[0].path = "/dev/pts/9"' \
		'.devices[0].containerEdits.deviceNodes[0].hostPath = "/usr/lib/acme/firmware.bin"' \
		'.devices[0].containerEdits.deviceNodes[0].hostPath = "/dev/absent"' '.containerEdits.mounts[0].hostPath = "/root"' \
		'.containerEdits.hooks[0].args[4] = "nothing"'; do
		for kind in json yaml; do
			rm /etc/cdi/*
			change "$filter" $kind
			run_with acme.example/gpu=0 true
			assert_status 125
			[[ ${#lines[@]} -eq 1 ]]
		done
	done
	rm /etc/cdi/*
	cp /run/stage/acme.json /etc/cdi/
	printf '{"a":%.0s' {1..5000} >/etc/cdi/deep.json
	run_with acme.example/gpu=0 true
	assert_status 125
	rm /etc/cdi/deep.json
	run_with acme.example/gpu=7 true
	assert_match 'device acme.example/gpu=7 is in no CDI specification of this host'
	: >/etc/cdi/nvidia.yml
	run_with nvidia.com/gpu=7 true
	assert_match 'files named .yml are not read, only .json and .yaml'
}

@test "YAML as nvidia-ctk writes it says what the same in JSON says, and serves alone" {
	for device in 0 1 all; do
		rm -f /etc/cdi/*
		cp /run/stage/acme.json /etc/cdi/
		/usr/libexec/boxdo/boxdo-cdi acme.example/gpu=$device >/run/stage/json
		rm /etc/cdi/*
		cp /run/stage/acme.yaml /etc/cdi/
		/usr/libexec/boxdo/boxdo-cdi acme.example/gpu=$device >/run/stage/yaml
		diff /run/stage/json /run/stage/yaml
		[[ $(tail -n 1 /run/stage/yaml) == done ]]
	done
	run_with acme.example/gpu=0 sh -c 'ls /dev | grep -E "acme|dri" | xargs; echo $ACME $ACME_FIRST; readlink /usr/lib/x86_64-linux-gnu/libacme.so; cat /usr/share/acme2/firmware; id -G'
	assert_equal "${lines[0]}" 'acme0 acmectl'
	assert_equal "${lines[1]}" 'yes 0'
	assert_equal "${lines[2]}" 'libacme.so.1'
	assert_equal "${lines[3]}" 'a firmware'
	assert_equal "${lines[4]}" "$(as_user alice id -G)"
	[[ ! -e /tmp/hook-ran && ! -e /run/hook-ran ]]
	run as_user alice boxdo explain --device acme.example/gpu=0 tiny true
	assert_success
	rules '[allow gpus]' 'users = alice' 'images = *' 'devices = *' '[deny first]' 'users = *' 'devices = acme.example/gpu=0'
	run_with /dev/acme0 true
	assert_match 'denied by the rule deny first'
	cp /run/stage/acme.json /etc/cdi/
	rules '[allow gpus]' 'users = alice' 'images = *' 'devices = acme.example/gpu=*'
	run_with acme.example/gpu=0 true
	assert_match 'is in /etc/cdi/acme.json and in /etc/cdi/acme.yaml'
}

@test "YAML that is more than a specification is refused at once, and said where" {
	local good='cdiVersion: 0.6.0\nkind: acme.example/gpu\ndevices: [{name: all}]\n' head='cdiVersion: 0.6.0\nkind: acme.example/gpu\n'
	in_yaml "$good"
	run_with acme.example/gpu=all true
	assert_success
	while IFS='|' read -r text reason; do
		in_yaml "${text//;/$good}"
		run_with acme.example/gpu=all true
		assert_status 125
		[[ ${#lines[@]} -eq 1 ]]
		assert_match "^boxdo: /etc/cdi/acme.yaml$reason"
	done < <(sed "s,^HEAD,${head//\\/\\\\}," <<'END'
;kind: acme.example/gpu\n|, line 4: a key stands there twice
HEADdevices: [{name: all, "name": all}]\n|, line 3: a key stands there twice
;annotations: &a {b: c}\n|, line 4: anchors, aliases and tags are not taken
;annotations: *a\n|, line 4: anchors, aliases and tags are not taken
;annotations: !!str b\n|, line 4: anchors, aliases and tags are not taken
;annotations: !<tag:yaml.org,2002:python/object/apply:os.system> [id]\n|, line 4: anchors, aliases and tags are not taken
;&a annotations: b\n|, line 4: a key is no plain word
;? [a]\n: b\n|, line 4: a key is no plain word
;"a\\0b": c\n|, line 4: a key holds a NUL
;---\n;|, line 4: there is a second document
%TAG ! !\n---\n;|: a line begins with %: directives are not taken
# nothing\n| is empty
~\n|: the specification is no object
- a\n|: the specification is no object
;annotations: b: c\n| is no YAML: mapping values are not allowed in this context, in line 4
;\tannotations: b\n| is no YAML: found character that cannot start any token, in line 4
;annotations: {\n| is no YAML: did not find expected node content, in line 5
;annotations: "\xe4"\n| is no YAML in UTF-8: invalid trailing UTF-8 octet, at byte 79
;annotations: "\x01"\n| is no YAML in UTF-8: control characters are not allowed, at byte
\xff\xfea\x00:\x00 \x00b\x00| is no YAML in UTF-8: invalid leading UTF-8 octet, at byte 0
cdiVersion: 0.6\nkind: acme.example/gpu\ndevices: [{name: all}]\n|: cdiVersion is no string; it may want quotes
HEADdevices: [{name: 0}]\n|: name is no string; it may want quotes
HEADdevices: [{name: on}]\n|: name is no string; it may want quotes
HEADdevices: [{name: 0x1F}]\n|: name is no string; it may want quotes
HEADdevices: [{name: 0o17}]\n|: name is no string; it may want quotes
HEADdevices: [{name: }]\n|: name is no string; it may want quotes
HEADdevices: [{name: "a\\nb"}]\n|: name holds a control character
END
	)
}

@test "YAML that would be gigabytes, or endless, costs nothing" {
	{ # a billion laughs
		echo 'a: &a ["lol","lol","lol","lol","lol","lol","lol","lol","lol"]'
		for pair in ab bc cd de ef fg gh hi; do
			echo "${pair:1}: &${pair:1} [*${pair:0:1},*${pair:0:1},*${pair:0:1},*${pair:0:1},*${pair:0:1},*${pair:0:1},*${pair:0:1}]"
		done
	} | in_yaml
	run_with acme.example/gpu=all true
	assert_match 'line 1: anchors, aliases and tags are not taken'
	for text in '[' '{a: ' '- ' '{? [' ' '; do
		yes -- "$text" | tr -d '\n' | head -c 8000000 | in_yaml
		run_with acme.example/gpu=all true
		assert_status 125
		assert_match 'line 1: nested too deep|line 1: a key is no plain word|is empty'
	done
	yes '%TAG !a! b' | head -c 8000000 | in_yaml
	run_with acme.example/gpu=all true
	assert_match 'directives are not taken'
	head -c 9000000 /dev/zero | tr '\0' '#' | in_yaml
	run_with acme.example/gpu=all true
	assert_match 'acme.yaml is no regular file, or too large'
}

@test "/run/cdi counts before /etc/cdi; one name twice in one place is an error" {
	mkdir -p /run/cdi
	jq '.devices[0].containerEdits.env = ["ACME_FIRST=run"]' /run/stage/acme.json >/run/cdi/acme.json
	run_with acme.example/gpu=0 sh -c 'echo $ACME_FIRST'
	assert_output run
	cp /run/stage/acme.json /etc/cdi/again.json
	rm -r /run/cdi
	run_with acme.example/gpu=0 true
	assert_match 'is in /etc/cdi/acme.json and in /etc/cdi/again.json'
}

@test "names on the command line: --gpus, and what is no name" {
	sed 's,acme.example/gpu,nvidia.com/gpu,' /run/stage/acme.json >/etc/cdi/acme.json
	rules '[allow gpus]' 'users = alice' 'images = *' 'devices = nvidia.com/gpu=*'
	run as_user alice boxdo run --contain --gpus all tiny sh -c 'ls /dev | grep acme | xargs'
	assert_output 'acme-one acme0 acmectl'
	run as_user alice boxdo run --contain --gpus '"device=0,1"' tiny sh -c 'ls /dev | grep acme | xargs'
	assert_output 'acme-one acme0 acmectl'
	run as_user alice boxdo run --contain --gpus=device=1 tiny sh -c 'ls /dev | grep acme | xargs'
	assert_output 'acme-one acmectl'
	run as_user alice boxdo run --gpus 2 tiny true
	assert_status 125
	for name in 'a/b' 'a=b' '/=b' 'a/=b' 'a/b=' 'a/b=c d' $'a/b=c\td' 'a/../b=c' '-a/b=c' 'a/b=*' 'a/b=c/d' '../dev/null=x'; do
		run as_user alice "$LAUNCH" 1 image=tiny "device=$name" -- true
		assert_status 125
		assert_match '^boxdo: device '
	done
}

@test "the record has the name asked for, the nodes and the mounts" {
	as_user alice boxdo run --device acme.example/gpu=1 tiny true
	run bash -c "journalctl --namespace=boxdo --output=export BOXDO_EVENT=launch | grep -aE '^BOXDO_(DEVICES|BINDS)=' | tail -n 6"
	assert_match 'BOXDO_DEVICES=acme.example/gpu=1'
	assert_match 'BOXDO_DEVICES=/dev/acme-one'
	assert_match 'BOXDO_DEVICES=/dev/acmectl'
	assert_match 'BOXDO_BINDS=/usr/lib/acme/firmware.bin:/usr/share/acme/firmware.bin:ro'
}

@test "neither JSON nor YAML is parsed as root, or by a process that the caller could touch" {
	timeout 200 strace -f -u alice -o /run/stage/trace -e trace=execve,setresuid,openat \
		"$LAUNCH" 1 image=tiny device=acme.example/gpu=0 -- true
	pid=$(awk '/execve\("\/usr\/libexec\/boxdo\/boxdo-cdi"/ { print $1 }' /run/stage/trace)
	[[ $pid =~ ^[0-9]+$ ]]
	run awk -v pid="$pid" '$1 == pid' /run/stage/trace
	assert_match 'setresuid\(65534, 65534, 65534'
	assert_match 'openat\([0-9]+, "acme.json"'
	assert_equal "$(grep -c '"acme.json"' /run/stage/trace)" 1
}
