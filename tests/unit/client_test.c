/* with: broker/request.c client/boxdo_run.c client/boxdo_cid.c client/boxdo_options.c client/boxdo_values.c client/boxdo_env.c -Wl,--wrap=execve */
/*
 * boxdo run: docker's command lines in, vectors out. Each vector is also given to the helper's parser,
 * which must accept whatever the client makes.
 */
#include "tests/unit/client_test.h"

static void
grammar(void **state)
{
	(void)state;
	gives("pytorch", "[image=pytorch][--]");
	gives("pytorch python3 -c x", "[image=pytorch][--][python3][-c][x]");
	gives("--rm -it i", "[image=i][--]");
	gives("-i -t --rm=true --init i", "[image=i][--]");
	gives("-itv /a:/b i", "[image=i][bind=/a:/b][--]");
	gives("-itv/a:/b i", "[image=i][bind=/a:/b][--]");
	gives("-it=true i", "[image=i][--]");
	gives("-v=/a:/b i", "[image=i][bind=/a:/b][--]");
	gives("--volume=/a:/b --volume /c i", "[image=i][bind=/a:/b][bind=/c:/c][--]");
	gives("-- i", "[image=i][--]");
	gives("i --rm -v /a", "[image=i][--][--rm][-v][/a]");
	gives("i -- x", "[image=i][--][--][x]");
	gives("--name a --name b i", "[image=i][name=b][--]");
	says("", "no image");
	says("--rm", "no image");
	says("-v", "needs a value");
	says("--env", "needs a value");
	says("-it=perhaps i", "neither true nor false");
	says("--interactiv i", "did you mean --interactive");
	says("--volum=/a i", "did you mean --volume");
	says("--completely-unknown i", "unknown option --completely-unknown;");
	says("-Z i", "unknown option -Z");
	says("-itZ i", "unknown option -Z");
	assert_int_equal(returned, BOXDO_EXIT_CLIENT);
}

static void
keys_in_the_order_of_the_table(void **state)
{
	(void)state;
	gives("--contain --ulimit nofile=1:2 --shm-size 1g -h box --entrypoint sh --ipc host --net "
	      "none -w /w"
	      " --device /dev/null --tmpfs /t -v /a -v /b:ro --name n -u alice i true",
	    "[image=i][user=alice][name=n][bind=/a:/a][bind=/b:/b:ro][tmpfs=/t][device=/dev/"
	    "null][workdir=/w]"
	    "[network=none][ipc=host][entrypoint=sh][hostname=box][shm-size=1073741824][ulimit="
	    "nofile=1:2]"
	    "[home=no][cwd=no][--][true]");
}

static void
words_stay_words(void **state)
{
	static const char *const words[] = {"a b", "", "\n", "'\"$x`", "\xff\xfe", "--", "x=y"};
	char expected[128];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_int_equal(run_words("i cmd %s z", words[i]), 0);
		snprintf(expected, sizeof(expected), "[image=i][--][cmd][%s][z]", words[i]);
		assert_string_equal(vector, expected);
	}
}

static void
volumes(void **state)
{
	char here[4096], expected[4200];

	(void)state;
	gives("-v /a:/b:ro,z i", "[image=i][bind=/a:/b:ro][--]");
	gives("-v /a:/b:Z,rw i", "[image=i][bind=/a:/b:rw][--]");
	gives("-v ./a:/b i", "[image=i][bind=./a:/b][--]");
	gives("-v ../a:/b i", "[image=i][bind=../a:/b][--]");
	says("-v data:/b i", "docker volume");
	says("-v data i", "docker volume");
	says("-v ~/x:/y i", "$HOME");
	says("-v :/y i", "docker volume");
	says("-v /a:b i", "'b' is not known");
	says("-v /a:/b:shared i", "'shared' is not known");
	says("-v /a:/b:ro:rw i", "is not SOURCE");
	says("-v /a: i", "is not SOURCE");
	says("-v /a:/b: i", "is not SOURCE");
	says("-v /a::ro i", "is not SOURCE");
	says("-v ..:ro i", "where it is to appear");
	assert_int_equal(chdir("/usr"), 0);
	gives("-v . i", "[image=i][bind=.:/usr][--]");
	gives("-v ./lib//x/:ro i", "[image=i][bind=./lib//x/:/usr/lib/x:ro][--]");
	gives("-v .x i", "[image=i][bind=.x:/usr/.x][--]");
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "[image=%s/x.sif][--]", here);
	gives("./x.sif", expected);
	gives("/srv/x.sif", "[image=/srv/x.sif][--]");
}

static void
mounts(void **state)
{
	(void)state;
	gives("--mount type=bind,source=/a,target=/b i", "[image=i][bind=/a:/b][--]");
	gives("--mount readonly,dst=/b,src=/a,type=bind i", "[image=i][bind=/a:/b:ro][--]");
	gives("--mount type=bind,src=./a,destination=/b,ro=true,bind-propagation=rprivate i",
	    "[image=i][bind=./a:/b:ro][--]");
	gives("--mount type=tmpfs,target=/t i", "[image=i][tmpfs=/t][--]");
	gives("--mount type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1777 i",
	    "[image=i][tmpfs=/t:size=67108864][--]");
	says("--mount type=volume,source=d,target=/b i", "type=volume");
	says("--mount source=/a,target=/b i", "needs type=bind");
	says("--mount type=bind,target=/b i", "needs type=bind");
	says("--mount type=bind,source=/a,target=b i", "absolute path");
	says("--mount type=bind,source=/a,target=/b,bind-propagation=shared i",
	    "bind-propagation=shared");
	says("--mount type=bind,source=/a:x,target=/b i", "with a ':'");
	says("--mount type=tmpfs,target=/b,readonly i", "no source");
	says("--mount \"type=bind\" i", "quotes");
	gives("--tmpfs /run:rw,noexec,nosuid,size=65536k i",
	    "[image=i][tmpfs=/run:size=67108864][--]");
	says("--tmpfs run i", "absolute path");
	says("--tmpfs /run:size=10% i", "no size");
	says("--tmpfs /run:huge=always i", "'huge=always' is not known");
}

static void
sizes_limits_and_devices(void **state)
{
	(void)state;
	gives("--shm-size 16g i", "[image=i][shm-size=17179869184][--]");
	gives("--shm-size 1GiB i", "[image=i][shm-size=1073741824][--]");
	gives("--shm-size 512KB i", "[image=i][shm-size=524288][--]");
	gives("--shm-size=100b i", "[image=i][shm-size=100][--]");
	gives("--scratch i", "[image=i][scratch=yes][--]");
	gives("--scratch=2g i", "[image=i][scratch=2147483648][--]");
	gives("--scratch=true --scratch=4096 i", "[image=i][scratch=4096][--]");
	gives("--scratch --read-only i", "[image=i][--]");
	gives("--read-only --scratch=1g --shm-size 1k --ulimit core=1 i",
	    "[image=i][shm-size=1024][ulimit=core=1:1][--]");
	gives("--scratch=false i", "[image=i][--]");
	gives("--scratch 2g", "[image=2g][scratch=yes][--]");
	says("--scratch=much i", "no size");
	says("--shm-size=0 i", "no size");
	says("--shm-size=g i", "no size");
	says("--shm-size=1x i", "no size");
	says("--shm-size=-1 i", "no size");
	says("--shm-size=99999999999999999999 i", "no size");
	says("--shm-size=20000000t i", "no size");
	gives("--ulimit memlock=-1 i", "[image=i][ulimit=memlock=unlimited:unlimited][--]");
	gives("--ulimit stack=67108864 i", "[image=i][ulimit=stack=67108864:67108864][--]");
	gives("--ulimit core=0:-1 --ulimit core=007 i", "[image=i][ulimit=core=7:7][--]");
	gives("--ulimit core=1 --ulimit cpu=1 --ulimit core=2 i",
	    "[image=i][ulimit=cpu=1:1][ulimit=core=2:2][--]");
	says("--ulimit nofile i", "NAME=SOFT");
	says("--ulimit nofile=1:2:3 i", "NAME=SOFT");
	says("--ulimit nofile=x i", "NAME=SOFT");
	gives("--device /dev/fuse i", "[image=i][device=/dev/fuse][--]");
	gives("--device /dev/fuse:/dev/fuse i", "[image=i][device=/dev/fuse][--]");
	gives("--device=/dev/fuse:/dev/fuse:rwm i", "[image=i][device=/dev/fuse][--]");
	gives("--device /dev/fuse:rw i", "[image=i][device=/dev/fuse][--]");
	says("--device /dev/fuse:/dev/other i", "same path");
	says("--device /dev/fuse:/dev/fuse:x i", "r, w and m");
	gives("--device nvidia.com/gpu=all i", "[image=i][device=nvidia.com/gpu=all][--]");
	gives("--gpus all i", "[image=i][device=nvidia.com/gpu=all][--]");
	gives("--gpus=device=0,1 i",
	    "[image=i][device=nvidia.com/gpu=0][device=nvidia.com/gpu=1][--]");
	says("--device nvidia0 i", "CDI");
}

static void
refused_by_name(void **state)
{
	(void)state;
	says("--privileged i", "never has more rights than you");
	says("--cap-add SYS_ADMIN i", "never has more rights than you");
	says("-p 80:80 i", "this host's");
	says("-P i", "this host's");
	says("-d i", "with &");
	says("-itd i", "with &");
	says("--gpus 2 i", "type all, or device=");
	says("-m 4g i", "limits");
	says("--restart always i", "--restart=always");
	says("--network bridge i", "host (this host's own) or none");
	says("--ipc container:x i", "private, or host");
	says("--pull always i", "catalogue");
	says("--security-opt seccomp=unconfined i", "seccomp");
	says("--userns=auto i", "who you are outside");
	gives("--privileged=false -d=false --pull never --restart no --cap-drop ALL --security-opt "
	      "no-new-privileges"
	      " --userns=host --pids-limit=-1 --platform linux/amd64 --read-only i",
	    "[image=i][--]");
}

static void
variables(void **state)
{
	(void)state;
	setenv("HERE", "is set", 1);
	setenv("BOXDO_ENV_FORGED", "x", 1);
	unsetenv("GONE");
	gives("-e A=1 -e B= -e HERE -e GONE i", "[image=i][env=A][env=B][env=HERE][--]");
	assert_string_equal(given, "[A=1][B=][HERE=is set]");
	gives("-e A=1 --env=A=2 -eA=3=4 i", "[image=i][env=A][--]");
	assert_string_equal(given, "[A=3=4]");
	gives("-e A=1 -e A i", "[image=i][--]"); /* A is not set here */
	says("-e =x i", "no name of a variable");
	says("-e 1A=x i", "no name of a variable");
	says("-e a-b=x i", "no name of a variable");
	unsetenv("BOXDO_ENV_FORGED");
}

static char *
file_with(const char *text, size_t length)
{
	static char path[] = "/tmp/client_test.XXXXXX";
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	close(fd);
	return path;
}

static void
variable_files(void **state)
{
	static const char good[] =
	    "\xef\xbb\xbf# a comment\n\nA=1\n  B=two words # kept \r\nHERE\nGONE\nC='q'\nD=last";
	static const struct {
		const char *text, *error;
	} bad[] = {{"A=1\nB C=2\n", ":2: 'B C'"}, {"=x\n", ":1: ''"}, {"A =1", ":1: 'A '"}};
	char *path, line[256];

	(void)state;
	setenv("HERE", "is set", 1);
	unsetenv("GONE");
	path = file_with(good, sizeof(good) - 1);
	snprintf(line, sizeof(line), "-e A=mine --env-file %s i", path);
	gives(line, "[image=i][env=A][env=B][env=HERE][env=C][env=D][--]");
	assert_string_equal(given, "[A=mine][B=two words # kept ][HERE=is set][C='q'][D=last]");
	unlink(path);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		path = file_with(bad[i].text, strlen(bad[i].text));
		snprintf(line, sizeof(line), "--env-file=%s i", path);
		says(line, bad[i].error);
		unlink(path);
	}
	path = file_with("A=x\0y\n", 6);
	snprintf(line, sizeof(line), "--env-file=%s i", path);
	says(line, "NUL");
	unlink(path);
	says("--env-file /nonexistent i", "No such file");
	says("--env-file / i", "--env-file /");
}

static void
too_many(void **state)
{
	char *line = malloc(100000);

	(void)state;
	assert_non_null(line);
	line[0] = '\0';
	for (int i = 0; i <= REQUEST_BINDS_MAX; i++)
		sprintf(line + strlen(line), "-v /a:/b%d ", i);
	strcat(line, "i");
	says(line, "can have 64 of bind");
	line[0] = '\0';
	for (int i = 0; i <= REQUEST_ENVS_MAX; i++)
		sprintf(line + strlen(line), "-e A%d=x ", i);
	strcat(line, "i");
	says(line, "more than 1024 variables");
	line[0] = '\0';
	strcat(line, "--name ");
	memset(line + 7, 'a', 200);
	strcpy(line + 207, " i");
	says(line, "longer than 128");
	free(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(grammar),
	    cmocka_unit_test(keys_in_the_order_of_the_table),
	    cmocka_unit_test(words_stay_words),
	    cmocka_unit_test(volumes),
	    cmocka_unit_test(mounts),
	    cmocka_unit_test(sizes_limits_and_devices),
	    cmocka_unit_test(refused_by_name),
	    cmocka_unit_test(variables),
	    cmocka_unit_test(variable_files),
	    cmocka_unit_test(too_many),
	};

	entry = boxdo_run;
	entry_name = "run";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
