#!/usr/bin/env bats
# A Debian image in three layers, as docker's archive: each peer's command line runs it, as an image of alice's own and as
# one of the catalogue; and what Nextflow 24, Snakemake 8 and Cromwell really type, under the names they call.
# shellcheck disable=SC2016,SC2154 # scripts for other shells; stderr is set by run --separate-stderr
load ../lib/common
bats_require_minimum_version 1.5.0

add() { # TAR-OPTIONS...: one more layer
	tar --numeric-owner -cf "$BATS_FILE_TMPDIR/layer.tar" "$@"
	umoci raw add-layer --image "$BATS_FILE_TMPDIR/oci:t" "$BATS_FILE_TMPDIR/layer.tar"
}

setup_file() {
	local root=$BATS_FILE_TMPDIR/root top=$BATS_FILE_TMPDIR/top name
	chmod 755 "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	unsquashfs -quiet -no-progress -d "$root" /srv/images/python.sqfs >/dev/null
	mkdir -p "$top"/{usr/local/bin,srv}
	printf '#!/bin/sh\nprintf "tool %%s in %%s as %%s: %%s" "$VERSION" "$PWD" "$(id -u)" "$*"\n' >"$top/usr/local/bin/tool"
	chmod 755 "$top/usr/local/bin/tool"
	umoci init --layout "$BATS_FILE_TMPDIR/oci"
	umoci new --image "$BATS_FILE_TMPDIR/oci:t"
	add -C "$root" --exclude=./usr/share --exclude=./var/lib --exclude=./var/cache --exclude="./usr/lib/*/perl*" --exclude="./usr/lib/python3*" --exclude="./usr/bin/py*" --exclude="./usr/bin/perl*" .
	touch "$top/srv/below"
	add -C "$top" srv
	# What the layers below have goes, and something else comes.
	rm "$top/srv/below"
	touch "$top/srv/.wh.below"
	add -C "$top" srv usr
	umoci config --image "$BATS_FILE_TMPDIR/oci:t" --config.entrypoint tool --config.entrypoint -- --config.cmd by --config.cmd default \
		--config.env VERSION=3 --config.env PATH=/usr/local/bin:/usr/bin:/bin --config.workingdir /srv --config.user 33
	skopeo copy --quiet "oci:$BATS_FILE_TMPDIR/oci:t" "docker-archive:/srv/tool.tar:lab/tool:1"
	chmod 644 /srv/tool.tar
	rm -rf "$root"
	as_user alice boxdo import docker-archive:/srv/tool.tar /home/alice/tool.img
	boxdo image add --from /home/alice/tool.img tool
	sed -i '/^\[image tool\]/a ref = lab/tool:* docker.io/lab/tool:*' /etc/boxdo/policy.d/images.conf
	printf '\n[image debian]\npath = /srv/images/python.sqfs\nref = debian:12\n\n[allow lab]\nusers = alice\nimages = tool debian\nuser_images = yes\nbinds = ~:rw .:rw /data\nnetwork = host none\n' >>$POLICY
	mkdir -p /opt/shims
	for name in docker podman nerdctl apptainer singularity; do
		ln -sf /usr/bin/boxdo /opt/shims/$name
	done
	as_user alice mkdir -p /home/alice/work/ab/c1
	as_user alice cp /data/README /home/alice/work/ab/c1/in.txt
}

as_pipeline() { # COMMAND...
	as_user alice env PATH=/opt/shims:/usr/bin:/bin "$@"
}

@test "each peer's command line: the image's command, another one, another entrypoint" {
	local image line
	# What docker's family calls an image is the catalogue's ref, or a file of one's own.
	for image in lab/tool:1 docker.io/lab/tool:1 /home/alice/tool.img; do
		for line in docker podman nerdctl; do
			run as_user alice boxdo $line run --rm $image
			assert_output 'tool 3 in /srv as 2001: -- by default'
			run as_user alice boxdo $line run --rm -w / $image typed words
			assert_output 'tool 3 in / as 2001: -- typed words'
			run as_user alice boxdo $line run --rm --entrypoint /bin/bash $image -c 'echo ${BASH_VERSION%%.*} $(ls -A /srv); stat -c %u /usr/local/bin/tool'
			assert_output $'5\n0'
		done
	done
	# Apptainer's and enroot's: the caller's directory; exec and shell are commands of their own.
	for image in docker://lab/tool:1 tool ./tool.img; do
		for line in apptainer singularity; do
			run as_user alice boxdo $line run $image
			assert_output 'tool 3 in /home/alice as 2001: -- by default'
			run as_user alice boxdo $line run $image typed words
			assert_output 'tool 3 in /home/alice as 2001: -- typed words'
			run as_user alice boxdo $line exec $image sh -c 'echo $VERSION; pwd'
			assert_output $'3\n/home/alice'
			run as_user alice bash -c "echo 'echo \$VERSION \$(id -u)' | boxdo $line shell $image"
			assert_output '3 2001'
		done
	done
	for image in tool ./tool.img; do
		run as_user alice boxdo enroot start $image
		assert_output 'tool 3 in /srv as 2001: -- by default'
	done
	every_launch_has_its_end
}

@test "a Debian image of root's by each of them" {
	local line
	for line in 'docker run debian:12' 'podman run debian:12' 'nerdctl run debian:12' 'apptainer exec docker://debian:12' 'apptainer run debian' \
		'singularity exec debian' 'singularity run docker://debian:12' 'enroot start debian'; do
		# shellcheck disable=SC2086
		run as_user alice boxdo $line cat /etc/debian_version
		assert_success
		assert_match '^12\.'
	done
	run as_user alice bash -c 'echo "cat /etc/debian_version" | boxdo apptainer shell docker://debian:12'
	assert_match '^12\.'
}

# The parts of Nextflow's .command.run that call docker or podman.
nextflow_docker() { # ENGINE RUN-OPTIONS
	cat >/home/alice/work/ab/c1/.command.run <<-END
		NXF_TASK_WORKDIR=/home/alice/work/ab/c1
		export NXF_TASK_WORKDIR
		NXF_BOXID="nxf-\$(dd bs=18 count=1 if=/dev/urandom 2>/dev/null | base64 | tr +/ 0A | tr -d '\r\n')"
		nxf_container_env() {
		cat << EOF
		export GREETING="hello there"
		EOF
		}
		on_exit() {
		    exit_status=\${nxf_main_ret:=\$?}
		    printf -- \$exit_status >\$NXF_TASK_WORKDIR/.exitcode
		    set +u
		    $1 rm \$NXF_BOXID &>/dev/null || true
		    exit \$exit_status
		}
		on_term() {
		    set +e
		    $1 stop \$NXF_BOXID
		}
		trap on_exit EXIT
		trap on_term TERM INT USR2
		trap '' USR1
		$1 run -i --cpu-shares 1024 --memory 2048m -e "NXF_TASK_WORKDIR" -v /home/alice/work:/home/alice/work -w "\$NXF_TASK_WORKDIR" $2 --name \$NXF_BOXID lab/tool:1 "\${@}" &
		wait \$! || nxf_main_ret=\$?
		wait \$! 2>/dev/null
		nxf_main_ret=\$?
	END
	chown alice /home/alice/work/ab/c1/.command.run
}

@test "Nextflow with docker and podman: the command, its environment, an entrypoint, its own user" {
	printf 'echo "$PWD; $(cat in.txt); ${GREETING-}; $(id -u)"\ntouch out.txt\nexit 3\n' | as_user alice tee /home/alice/work/ab/c1/.command.sh >/dev/null
	local engine
	for engine in docker podman; do
		nextflow_docker $engine '-u $(id -u):$(id -g) --entrypoint ""'
		run --separate-stderr as_pipeline bash /home/alice/work/ab/c1/.command.run /bin/bash -ue /home/alice/work/ab/c1/.command.sh
		assert_status 3
		assert_output "/home/alice/work/ab/c1; $(cat /data/README); ; 2001"
		[[ $stderr == *'limits of'* ]]
		assert_equal "$(cat /home/alice/work/ab/c1/.exitcode; stat -c %U /home/alice/work/ab/c1/out.txt)" 3alice
		rm /home/alice/work/ab/c1/{.exitcode,out.txt}
		# With an env scope in its configuration, the shell is an entrypoint or the command.
		nextflow_docker $engine '--entrypoint /bin/bash'
		run --separate-stderr as_pipeline bash /home/alice/work/ab/c1/.command.run \
			-c 'eval "$(echo export GREETING=\"hello there\")"; /bin/bash -ue /home/alice/work/ab/c1/.command.sh'
		assert_status 3
		assert_output "/home/alice/work/ab/c1; $(cat /data/README); hello there; 2001"
	done
}

@test "Nextflow ends a task: docker stop by the name it gave, then docker rm" {
	printf 'trap "echo ended >ended; exit 9" TERM\ntouch began\nwhile :; do sleep 0.1; done\n' | as_user alice tee /home/alice/work/ab/c1/.command.sh >/dev/null
	local engine pid
	for engine in docker podman; do
		nextflow_docker $engine '--entrypoint ""'
		rm -f /home/alice/work/ab/c1/{began,ended,.exitcode}
		as_pipeline bash -c 'echo $$ >/home/alice/pid; exec bash /home/alice/work/ab/c1/.command.run /bin/bash -ue /home/alice/work/ab/c1/.command.sh' >/dev/null 2>&1 3>&- &
		pid=$!
		wait_for test -e /home/alice/work/ab/c1/began
		as_user alice kill -TERM "$(cat /home/alice/pid)"
		wait $pid || true
		assert_equal "$(cat /home/alice/work/ab/c1/ended /home/alice/work/ab/c1/.exitcode)" $'ended\n9'
		assert_equal "$(as_user alice boxdo ps -q)" ''
	done
}

@test "Nextflow with singularity: pulled under the name it looks for, then run with an empty environment" {
	as_user alice mkdir -p /home/alice/work/singularity
	run as_pipeline bash -c 'cd work/singularity && singularity pull --name lab-tool-1.img.pulling.1732665600000 docker-archive:/srv/tool.tar >/dev/null'
	assert_success
	as_user alice mv /home/alice/work/singularity/lab-tool-1.img{.pulling.1732665600000,}
	printf 'echo "$PWD; $(cat in.txt); ${GREETING-}; $(id -u); ${HOST_ONLY-}; $VERSION; ${TMPDIR-}"\nls -d /home/alice/.bashrc 2>/dev/null || echo no home\n' |
		as_user alice tee /home/alice/work/ab/c1/.command.sh >/dev/null
	local engine prefix
	for engine in singularity apptainer; do
		prefix=${engine^^}ENV
		printf '%s\n' 'export NXF_TASK_WORKDIR=/home/alice/work/ab/c1' 'nxf_container_env() {' 'cat << EOF' 'export GREETING="hello"' EOF '}' \
			"set +u; env - PATH=\"\$PATH\" \${TMP:+${prefix}_TMP=\"\$TMP\"} \${TMPDIR:+${prefix}_TMPDIR=\"\$TMPDIR\"} \${NXF_TASK_WORKDIR:+${prefix}_NXF_TASK_WORKDIR=\"\$NXF_TASK_WORKDIR\"} $engine exec --no-home --pid -B /home/alice/work /home/alice/work/singularity/lab-tool-1.img /bin/bash -c \"cd \$NXF_TASK_WORKDIR; eval \$(nxf_container_env); /bin/bash -ue /home/alice/work/ab/c1/.command.sh\"" |
			as_user alice tee /home/alice/work/ab/c1/.command.run >/dev/null
		as_user alice touch /home/alice/.bashrc
		run --separate-stderr as_pipeline env HOST_ONLY=1 TMPDIR=/tmp bash -c 'cd work/ab/c1 && bash .command.run'
		assert_success
		assert_output "/home/alice/work/ab/c1; $(cat /data/README); hello; 2001; ; 3; /tmp"$'\nno home'
	done
}

@test "Snakemake: asks for the version, pulls under a hash, gives the image a home of its own" {
	run as_pipeline singularity --version
	assert_match '^singularity-ce version [0-9]+\.[0-9]+\.[0-9]+$'
	as_user alice mkdir -p /home/alice/flow/.snakemake/singularity /home/alice/.cache/snakemake/source-cache
	run as_pipeline bash -c 'cd flow/.snakemake/singularity && singularity pull --name d41d8cd98f00b204e9800998ecf8427e.simg docker-archive:/srv/tool.tar'
	assert_success
	[[ -f /home/alice/flow/.snakemake/singularity/d41d8cd98f00b204e9800998ecf8427e.simg ]]
	run --separate-stderr as_pipeline bash -c "cd flow;  SINGULARITYENV_A=1 SINGULARITYENV_B=two singularity --quiet --silent exec --home '/home/alice/flow' --bind /home/alice/.cache/snakemake/source-cache --pwd '/home/alice/flow' /home/alice/flow/.snakemake/singularity/d41d8cd98f00b204e9800998ecf8427e.simg bash -c 'set -euo pipefail;  echo '\\''it is'\\'' \$A \$B \$HOME \$PWD >out.txt; cd; pwd'"
	assert_success
	assert_output /home/alice/flow
	assert_equal "$(cat /home/alice/flow/out.txt)" 'it is 1 two /home/alice/flow /home/alice/flow'
}

# cromwell_submits SCRIPT: as Cromwell 87 has it in reference_local_provider_config.inc.conf, with what it puts for its variables.
cromwell_submits() {
	local cwd=/home/alice/work/ab/c1 docker_cwd=/cromwell-executions/w/5b7c024b/call-task
	as_user alice mkdir -p $cwd/execution
	printf '%s\n' "$1" | as_user alice tee $cwd/execution/script >/dev/null
	as_user alice tee $cwd/execution/script.submit >/dev/null <<END
#!/bin/bash
  # make sure there is no preexisting Docker CID file
  rm -f $cwd/execution/docker_cid
  # run as in the original configuration without --rm flag (will remove later)
  docker run \\
    --cidfile $cwd/execution/docker_cid \\
    -i \\
     \\
    --entrypoint /bin/bash \\
    -v $cwd:$docker_cwd \\
    lab/tool:1 $docker_cwd/execution/script

  # get the return code (working even if the container was detached)
  rc=\$(docker wait \`cat $cwd/execution/docker_cid\`)

  # remove the container after waiting
  docker rm \`cat $cwd/execution/docker_cid\`

  # return exit code
  exit \$rc
END
	as_pipeline bash $cwd/execution/script.submit
}

@test "Cromwell: docker as its own configuration has it, and singularity as its example" {
	local cwd=/home/alice/work/ab/c1 cid
	run --separate-stderr cromwell_submits 'cd /cromwell-executions/w/5b7c024b/call-task; echo in $PWD; cat in.txt'
	assert_success
	cid=$(<$cwd/execution/docker_cid)
	assert_output "in /cromwell-executions/w/5b7c024b/call-task"$'\n'"$(cat /data/README)"$'\n'"$cid"
	assert_equal "$stderr" ''
	run cromwell_submits 'exit 3'
	assert_status 3
	# What it cannot have is no success.
	run cromwell_submits 'kill -KILL $$'
	assert_status 137
	mv $cwd $cwd.away
	run as_pipeline bash $cwd.away/execution/script.submit
	[[ $status -ne 0 ]]
	mv $cwd.away $cwd
	# kill-docker
	cromwell_submits 'echo begun >/cromwell-executions/w/5b7c024b/call-task/begun; sleep 60' >/dev/null 3>&- &
	wait_for -t 20 test -s $cwd/begun
	run as_pipeline bash -c "docker kill \`cat $cwd/execution/docker_cid\`"
	assert_success
	wait $! || [[ $? =~ ^1(37|43)$ ]]
	# The list of what is left of it is empty.
	[[ -z $(find /tmp/boxdo-2001 /run/user/2001/boxdo -type f 2>/dev/null) ]]
	printf 'echo in $PWD; cat in.txt\n' | as_user alice tee $cwd/script >/dev/null
	run --separate-stderr as_pipeline singularity exec --bind $cwd:/cromwell-executions docker://lab/tool:1 /bin/bash -c 'cd /cromwell-executions; . ./script'
	assert_success
	assert_output "in /cromwell-executions"$'\n'"$(cat /data/README)"
}

@test "Caper and Janis on Cromwell: the same with an account, a label on the volume, and --rm" {
	local cwd=/home/alice/work/ab/c1
	printf 'id -u\nexit 4\n' | as_user alice tee $cwd/script >/dev/null
	run --separate-stderr as_pipeline bash -c "rm -f $cwd/cid; docker run -i --cidfile=$cwd/cid --user=\$EUID --entrypoint=/bin/bash --volume=$cwd:/c:delegated lab/tool:1 /c/script
		rc=\$(docker wait \`cat $cwd/cid\`)
		docker rm \`cat $cwd/cid\` >/dev/null
		exit \$rc"
	assert_status 4
	assert_output 2001
	run --separate-stderr as_pipeline bash -c "rm -f $cwd/cid; docker container run --cidfile $cwd/cid --rm --interactive --volume $cwd:/c lab/tool:1 /bin/bash < $cwd/script"
	assert_output 'tool 3 in /srv as 2001: -- /bin/bash'
}
