#!/usr/bin/env bats
# SIF: the primary partition mounted at its offset; every rule of the reader broken once.
load ../lib/common

setup_file() {
	cp -a /srv/images/dir "$BATS_FILE_TMPDIR/root"
	mkdir -p "$BATS_FILE_TMPDIR/root/.singularity.d"/{actions,env}
	cat >"$BATS_FILE_TMPDIR/root/.singularity.d/actions/exec" <<-'END'
		#!/bin/sh
		for script in /.singularity.d/env/*.sh; do
			if [ -f "$script" ]; then
				. "$script"
			fi
		done
		exec "$@"
	END
	printf 'export FROM_IMAGE="set by the image"\n' >"$BATS_FILE_TMPDIR/root/.singularity.d/env/90-environment.sh"
	printf '#!/bin/sh\necho "started: $FROM_IMAGE"\n' >"$BATS_FILE_TMPDIR/root/.singularity.d/startscript"
	printf '#!/bin/sh\n. /.singularity.d/env/90-environment.sh\nexec sh /.singularity.d/startscript\n' >"$BATS_FILE_TMPDIR/root/.singularity.d/actions/start"
	printf '{"org.label-schema.version": "2.4", "Maintainer": "lab \\u001b[31m", "odd": {"a": 1}, "n": 5}' >"$BATS_FILE_TMPDIR/root/.singularity.d/labels.json"
	printf '#!/bin/sh\necho "runscript: $FROM_IMAGE: $*"\n' >"$BATS_FILE_TMPDIR/root/.singularity.d/runscript"
	chmod 755 "$BATS_FILE_TMPDIR/root/.singularity.d"/{actions/exec,actions/start,runscript,startscript}
	mksquashfs "$BATS_FILE_TMPDIR/root" "$BATS_FILE_TMPDIR/root.sqfs" -noappend -comp zstd -no-progress -quiet
	printf '\n[image sif]\npath = /srv/images/test.sif\n[allow sif]\nusers = *\nimages = sif /srv/images/*.sif\nbinds = ~:rw .:rw\n' >>$POLICY
}

sif() { # [FIELD=VALUE...]: /srv/images/test.sif, anew: a loop device is found by inode
	rm -f /srv/images/test.sif
	"$TOP/tests/lib/mksif" "$BATS_FILE_TMPDIR/root.sqfs" /srv/images/test.sif "$@"
}
no_loop() {
	! losetup --noheadings --list --output BACK-INO | grep -qx " *$(stat -c %i /srv/images/test.sif)"
}

@test "a SIF image runs, by name and by path, at its offset" {
	for fields in '' 'label=1' 'lead=65536' 'label=1 lead=4096'; do
		# shellcheck disable=SC2086
		sif $fields
		for name in sif /srv/images/test.sif; do
			run as_user alice boxdo run $name cat /etc/os-release
			assert_success
			assert_output ID=tiny
		done
	done
	run as_user alice boxdo run sif sh -c 'grep " / " /proc/mounts; touch /x'
	assert_match 'squashfs ro,nosuid,nodev|overlay ro'
	assert_match 'Read-only'
	wait_for no_loop
}

@test "two containers of one share the loop device; another offset is another device" {
	sif
	as_user alice boxdo run sif sh -c 'touch up; until [ -e over ]; do sleep 0.05; done' 3>&- &
	wait_for test -e /home/alice/up
	busy
	as_user alice boxdo run sif true
	assert_equal "$(losetup --noheadings --list --output BACK-INO,OFFSET | grep -c " *$(stat -c %i /srv/images/test.sif) *32768")" 1
	touch /home/alice/over
	wait
}
busy() {
	! no_loop
}

@test "each rule of the reader, broken once: refused in a line, nothing mounted" {
	while read -r fields why; do
		[[ -n $fields ]] || continue
		# shellcheck disable=SC2086
		sif ${fields//,/ }
		run as_user alice boxdo run sif true
		echo "$fields: $output"
		assert_status 125
		assert_match "^boxdo: [^"$'\n'"]*test.sif $why"
		no_loop
	done <<-'END'
		version=02 is.a.SIF.image.of.another.version
		cut=100 is.a.SIF.image.of.another.version
		total=1025 has.a.damaged.table
		total=-1 has.a.damaged.table
		total=0x7fffffffffffffff has.a.damaged.table
		total=47 has.a.damaged.table
		table_size=0 has.a.damaged.table
		table_size=-1 has.a.damaged.table
		table=-1 has.a.damaged.table
		table=0 has.a.damaged.table
		table=127 has.a.damaged.table
		table=0x7ffffffffffff000 has.a.damaged.table
		cut=20000 has.a.damaged.table
		type=0x4005 holds.no.root
		used=0 holds.no.root
		used=2 holds.no.root
		parttype=1 holds.no.root
		parttype=4 holds.no.root
		second=1 holds.two.root
		fstype=2 holds.no.SquashFS
		fstype=3 holds.no.SquashFS
		fstype=5 is.encrypted
		fstype=-1 holds.no.SquashFS
		arch=00 was.built.for.another
		arch=01 was.built.for.another
		arch=13 was.built.for.another
		offset=-4096 says.that.its.root
		offset=0x7ffffffffffff000 says.that.its.root
		offset=0 says.that.its.root
		offset=4096 says.that.its.root
		offset=32769 says.that.its.root
		size=-1 says.that.its.root
		size=0x7fffffffffffffff says.that.its.root
		offset=36864,size=8192 holds.no.SquashFS.where
		size=0 holds.no.SquashFS.where
		size=95 holds.no.SquashFS.where
		size=4096 holds.a.SquashFS.that.is.cut
		cut=500000 says.that.its.root
	END
	sif magic=SIF_MAGIX
	run as_user alice boxdo run sif true
	assert_status 125
	assert_match 'neither a directory nor'
}

@test "taken into the store, Apptainer's scripts in it are honoured, and on record" {
	sif label=1
	run boxdo image add /srv/images/test.sif apt
	assert_success
	assert_match 'apt: SIF'
	sed -i 's/^images = sif /&apt /' $POLICY
	run as_user alice boxdo run apt
	assert_output 'runscript: set by the image: '
	run as_user alice boxdo run apt sh -c 'echo $FROM_IMAGE'
	assert_output 'set by the image'
	assert_equal "$(raw_records BOXDO_EVENT=launch BOXDO_IMAGE=apt | jq -r .BOXDO_COMMAND)" \
		$'/.singularity.d/actions/exec /.singularity.d/runscript\n/.singularity.d/actions/exec sh -c \'echo $FROM_IMAGE\''
	run boxdo image show apt
	assert_match 'start +/.singularity.d/startscript'
	assert_match 'label +org.label-schema.version=2.4'$'\n''label +Maintainer=lab \?\[31m$'
	# What Apptainer would do with the startscript: refused by name, and what to do instead works.
	run as_user alice boxdo apptainer instance start apt web
	assert_status 125
	assert_match 'apptainer instance is not had here: .*exec IMAGE /.singularity.d/actions/start &'
	run as_user alice boxdo apptainer exec apt /.singularity.d/actions/start
	assert_output 'started: set by the image'
	for labels in '' '[1]' '{"a":' 'nonsense' "$(printf '[%.0s' {1..5000})"; do
		rm -rf "$BATS_TEST_TMPDIR/root"
		cp -a "$BATS_FILE_TMPDIR/root" "$BATS_TEST_TMPDIR/root"
		printf '%s' "$labels" >"$BATS_TEST_TMPDIR/root/.singularity.d/labels.json"
		mksquashfs "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/odd.sqfs" -noappend -no-progress -quiet
		boxdo image add "$BATS_TEST_TMPDIR/odd.sqfs" odd >/dev/null
		run boxdo image show odd
		assert_match 'cmd +/.singularity.d/runscript'
		refute_match 'label'
		boxdo image remove odd
	done
	sif size=4096
	run boxdo image add /srv/images/test.sif bad
	assert_status 1
	assert_match 'cut short'
}
