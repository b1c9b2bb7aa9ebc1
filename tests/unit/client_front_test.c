/* with: broker/request.c client/boxdo_run.c client/boxdo_cid.c client/boxdo_options.c client/boxdo_values.c client/boxdo_env.c client/boxdo_front.c client/boxdo_docker.c client/boxdo_docker_run.c client/boxdo_exec.c client/boxdo_wait.c client/boxdo_apptainer.c client/boxdo_apptainer_run.c client/boxdo_enroot.c -Wl,--wrap=execve */
/*
 * boxdo docker, podman, nerdctl, apptainer, singularity and enroot: their command lines in, the vectors of
 * boxdo run out. Each vector is also given to the helper's parser, which must accept it.
 */
#include "tests/unit/client_test.h"

#include <fcntl.h>

static char *nothing[] = {NULL, NULL}; /* an environment, but for what cmocka wants to know */
static char line_said[1024];           /* on standard output */
static char other[1024];               /* the program it became, in brackets */

int
boxdo_say_line(const char *line)
{
	snprintf(line_said, sizeof(line_said), "%s", line);
	return 0;
}

int
boxdo_other(char **argv)
{
	other[0] = '\0';
	for (; *argv != NULL; argv++)
		append(other, sizeof(other), *argv);
	return 0;
}

static int
front(int argc, char **argv)
{
	return boxdo_front(boxdo_front_named(argv[0]), argc, argv);
}

static void
is(const char *name)
{
	entry = front;
	entry_name = name;
}

static void
docker_goes_in_as_docker_does(void **state)
{
	(void)state;
	is("docker");
	gives("run --rm -it -v /data:/work:ro -w /work pytorch/pytorch:2.4 python3 -c x",
	    "[image=pytorch/pytorch:2.4][bind=/data:/work:ro][workdir=/"
	    "work][scratch=granted][home=no][cwd=no][--][python3][-c][x]");
	gives("container run i", "[image=i][scratch=granted][home=no][cwd=no][--]");
	gives("--log-level debug -D run i", "[image=i][scratch=granted][home=no][cwd=no][--]");
	gives("run --read-only i", "[image=i][home=no][cwd=no][--]");
	gives("run --read-only=false i", "[image=i][scratch=granted][home=no][cwd=no][--]");
	gives("run --storage-opt size=1G i", "[image=i][scratch=1073741824][home=no][cwd=no][--]");
	says("run --storage-opt overlay.x=1 i", "type size=SIZE");
	says("run --scratch i", "unknown option --scratch");
	says("-H tcp://x run i", "no daemon");
	assert_int_equal(returned, BOXDO_EXIT_CLIENT);
	says("run", "no image is named: boxdo docker run");
	says("run --contain i", "unknown option --contain");
	says("run --privileged i", "--privileged is refused");
	says("run -d i", "--detach is refused");
	says("nonsense", "docker nonsense is not known here");
	says("build -t x .", "docker build is not had here: build with 'podman build'");
	says("compose up", "compose is not had here");
}

/* As Nextflow and Snakemake write them. */
static void
pipelines(void **state)
{
	(void)state;
	is("docker");
	gives("run -i --cpus 1.0 --memory 2048m -e NXF_DEBUG -v /work/1:/work/1 -w /work/1 --name "
	      "nxf-1 quay.io/x/y:1 "
	      "/bin/bash -ue /work/1/.command.sh",
	    "[image=quay.io/x/y:1][name=nxf-1][bind=/work/1:/work/1][workdir=/work/"
	    "1][scratch=granted][home=no][cwd=no][--]"
	    "[/bin/bash][-ue][/work/1/.command.sh]");
	assert_non_null(strstr(noted, "limits of memory"));
	line_said[0] = '\0';
	says("rm nxf-1", "");
	assert_int_equal(returned, 0);
	assert_string_equal(line_said, "nxf-1");
	says("stop -t 3 nxf-1", "");
	assert_string_equal(other, "[stop][-t][3][nxf-1]");
	says("stop nxf-1", "");
	assert_string_equal(other, "[stop][-t][10][nxf-1]");
	says("kill nxf-1", "");
	assert_string_equal(other, "[stop][-t][0][nxf-1]");
	says("kill -s KILL nxf-1", "");
	assert_string_equal(other, "[stop][-t][0][nxf-1]");
	says("kill --signal=HUP nxf-1", "kill -HUP PID");
	says("ps -a -q", "");
	assert_string_equal(other, "[ps][-q]");
	is("singularity");
	setenv("SINGULARITYENV_TMP", "/tmp", 1);
	setenv("SINGULARITYENV_NXF_TASK_WORKDIR", "/work/1", 1);
	gives("exec --no-home --pid -B /work/1 /img/y.img /bin/bash -c x",
	    "[image=/img/y.img][bind=/work/1:/work/1][env=TMP][env=NXF_TASK_WORKDIR][entrypoint=/"
	    "bin/bash][home=no][--][-c][x]");
}

static void
pipelines_in_order(void **state)
{
	(void)state;
	is("singularity");
	setenv("SINGULARITYENV_A", "1", 1);
	gives("--quiet --silent exec --home /work /img/y.simg sh -c x",
	    "[image=/img/y.simg][bind=/work:/"
	    "work][env=A][env=HOME][entrypoint=sh][home=no][--][-c][x]");
	assert_string_equal(given, "[A=1][HOME=/work]");
	unsetenv("SINGULARITYENV_A");
	says("pull --name /c/h.simg docker://quay.io/x/y:1", "");
	assert_string_equal(other, "[import][docker://quay.io/x/y:1][/c/h.simg]");
	says("pull /c/h.simg docker://quay.io/x/y:1", "");
	assert_string_equal(other, "[import][docker://quay.io/x/y:1][/c/h.simg]");
	says("pull docker://quay.io/x/y:1", "");
	assert_string_equal(other, "[import][docker://quay.io/x/y:1]");
	/* Exactly this file is looked for afterwards. */
	says("pull --name h.simg docker://quay.io/x/y:1", "");
	assert_string_equal(other, "[import][docker://quay.io/x/y:1][./h.simg]");
	says("pull --nohttps --name x-y.img.pulling.17 docker://x/y", "");
	assert_string_equal(other, "[import][docker://x/y][./x-y.img.pulling.17]");
	says("pull --force --dir /c --arch amd64 h.sif docker://x/y", "");
	assert_string_equal(other, "[import][--force][docker://x/y][/c/h.sif]");
}

static void
podman_and_nerdctl(void **state)
{
	(void)state;
	is("podman");
	gives(
	    "run --rm --userns=keep-id --tz=Europe/Paris --pull=never --replace --timeout 0 i true",
	    "[image=i][env=TZ][scratch=granted][home=no][cwd=no][--][true]");
	assert_string_equal(given, "[TZ=Europe/Paris]");
	gives("--root /x --storage-driver overlay run --arch amd64 i",
	    "[image=i][scratch=granted][home=no][cwd=no][--]");
	says("run --pod x i", "there are no pods");
	says("run --secret x i", "bind the file");
	says("run --umask 077 i", "umask MODE");
	says("run --arch arm64 i", "only amd64");
	is("nerdctl");
	gives("-n k8s.io run --systemd=false --verify none i",
	    "[image=i][scratch=granted][home=no][cwd=no][--]");
	says("run --cosign-key x i", "images come from the catalogue");
	says("run --tz x i", "unknown option --tz");
}

static void
apptainer_options(void **state)
{
	(void)state;
	is("apptainer");
	gives("exec i true", "[image=i][entrypoint=true][--]");
	gives("run i a b", "[image=i][--][a][b]");
	gives("exec docker://pytorch/pytorch:2.4 true",
	    "[image=pytorch/pytorch:2.4][entrypoint=true][--]");
	gives("exec -c -B /a,/b:/c:ro,/d i true", "[image=i][bind=/a:/a][bind=/b:/c:ro][bind=/d:/"
	                                          "d][entrypoint=true][home=no][cwd=no][--]");
	gives("exec --env A=1,B=2 --env C=x,y i true",
	    "[image=i][env=A][env=B][env=C][entrypoint=true][--]");
	assert_string_equal(given, "[A=1][B=2][C=x,y]");
	gives("exec --net --network none --pwd /w i true",
	    "[image=i][workdir=/w][network=none][entrypoint=true][--]");
	gives("exec -S /s1,/s2 i true", "[image=i][tmpfs=/s1][tmpfs=/s2][entrypoint=true][--]");
	gives("exec --no-mount home,cwd i true", "[image=i][entrypoint=true][home=no][cwd=no][--]");
	gives("shell --shell /bin/zsh i", "[image=i][entrypoint=/bin/zsh][--]");
	gives("-d -q exec --memory 1G -ip i true", "[image=i][entrypoint=true][--]");
	assert_non_null(strstr(vector, "[image=i]"));
	gives("exec --writable-tmpfs i true", "[image=i][entrypoint=true][scratch=yes][--]");
	gives("exec --compat i true",
	    "[image=i][entrypoint=true][scratch=granted][home=no][cwd=no][--]");
	gives("exec --writable-tmpfs --compat i true",
	    "[image=i][entrypoint=true][scratch=yes][home=no][cwd=no][--]");
	says("exec --writable-tmpfs=2g i true", "on or off");
	says("exec --writable i true", "--writable is refused");
	says("exec i", "no command is named");
	says("exec", "no image is named");
	says("exec --net i true", "no bridges");
	says("exec --network=bridge i true", "this host's network");
	says("exec --fakeroot i true", "--fakeroot is refused");
	says("exec --no-mount proc i true", "always there");
	says("exec library://x/y i", "only docker://REFERENCE");
	says("build x y", "apptainer build is not had here");
	says("instance start x y", "actions/start & runs the image's startscript");
}

static void
apptainer_variables_count(void **state)
{
	(void)state;
	is("apptainer");
	setenv("APPTAINER_BIND", "/a,/b:/c", 1);
	setenv("SINGULARITY_CONTAIN", "1", 1);
	setenv("APPTAINER_NO_HOME", "false", 1);
	setenv("APPTAINERENV_X", "in side", 1);
	setenv("APPTAINERENV_0bad", "x", 1);
	setenv("APPTAINER_WRITABLE_TMPFS", "1", 1);
	gives("exec -B /d i true", "[image=i][bind=/a:/a][bind=/b:/c][bind=/d:/"
	                           "d][env=X][entrypoint=true][scratch=yes][home=no][cwd=no][--]");
	unsetenv("APPTAINER_WRITABLE_TMPFS");
	assert_string_equal(given, "[X=in side]");
	unsetenv("APPTAINER_BIND");
	unsetenv("SINGULARITY_CONTAIN");
	unsetenv("APPTAINER_NO_HOME");
	unsetenv("APPTAINERENV_X");
	unsetenv("APPTAINERENV_0bad");
}

static int
no_variables(void **state)
{
	(void)state;
	environ = nothing;
	return 0;
}

/* A file that is there is meant before a name of the catalogue; and only then. */
static void
images_that_are_files(void **state)
{
	char dir[] = "/tmp/front-test.XXXXXX", expected[128];
	int here = open(".", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(close(creat("x.sif", 0600)), 0);
	is("apptainer");
	snprintf(expected, sizeof(expected), "[image=%s/x.sif][entrypoint=true][--]", dir);
	gives("exec x.sif true", expected);
	gives("exec y.sif true", "[image=y.sif][entrypoint=true][--]");
	is("enroot");
	snprintf(expected, sizeof(expected),
	    "[image=%s/x.sif][bind=.:/mnt][home=no][cwd=no][--][true]", dir);
	gives("start -m .:mnt x.sif true", expected);
	is("docker");
	gives("run x.sif true", "[image=x.sif][scratch=granted][home=no][cwd=no][--][true]");
	unlink("x.sif");
	assert_int_equal(fchdir(here), 0);
	rmdir(dir);
	close(here);
}

static void
enroot(void **state)
{
	(void)state;
	is("enroot");
	gives("start -e A=1 -m /a:/b:none:bind,ro --mount /c:d img sh -c x",
	    "[image=img][bind=/a:/b:ro][bind=/c:/d][env=A][home=no][cwd=no][--][sh][-c][x]");
	gives("start --rw img", "[image=img][scratch=yes][home=no][cwd=no][--]");
	says("start --root img", "no more rights");
	says("start -m /a img", "type SOURCE:DESTINATION");
	says("start -m t:/t:tmpfs img", "only directories and files");
	says("create x", "enroot create is not had here");
	says("start", "no image is named");
}

#define ID "0123456789abcdef0123456789abcdef"

static void
into_a_container(void **state)
{
	(void)state;
	is("docker");
	says("inspect -f {{.Id}} x", "");
	assert_string_equal(other, "[inspect][-f][{{.Id}}][x]");
	says("image inspect -s x y", "");
	assert_string_equal(other, "[inspect][--type][image][x][y]");
	gives("exec -it -e A=1 -w /w " ID " sh -c x",
	    "[image=-][workdir=/w][env=A][join=" ID "][--][sh][-c][x]");
	gives("container exec " ID " id", "[image=-][join=" ID "][--][id]");
	gives("exec --user 7 " ID " id -u", "[image=-][user=7][join=" ID "][--][id][-u]");
	says("exec -d " ID " id", "--detach is refused");
	says("exec " ID, "no command is named");
	says("exec", "no container is named");
	says("exec -v /a:/b " ID " id", "unknown option -v");
	is("podman");
	gives("exec --preserve-fds 0 " ID " id", "[image=-][join=" ID "][--][id]");
	says("exec --latest id", "--latest is refused");
	is("nerdctl");
	gives("exec -i " ID " id", "[image=-][join=" ID "][--][id]");
}

static void
versions(void **state)
{
	(void)state;
	is("singularity");
	says("version", "");
	assert_string_equal(line_said, "4.0.0");
	is("docker");
	says("version", "");
	assert_non_null(strstr(line_said, "Docker version 28"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(docker_goes_in_as_docker_does, no_variables),
	    cmocka_unit_test_setup(pipelines_in_order, no_variables),
	    cmocka_unit_test_setup(into_a_container, no_variables),
	    cmocka_unit_test_setup(pipelines, no_variables),
	    cmocka_unit_test_setup(podman_and_nerdctl, no_variables),
	    cmocka_unit_test_setup(apptainer_variables_count, no_variables),
	    cmocka_unit_test_setup(versions, no_variables),
	    cmocka_unit_test_setup(images_that_are_files, no_variables),
	    cmocka_unit_test_setup(enroot, no_variables),
	    cmocka_unit_test_setup(apptainer_options, no_variables),
	};

	for (char **variable = environ; *variable != NULL; variable++)
		if (strncmp(*variable, "CMOCKA_", 7) == 0)
			nothing[0] = *variable;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
