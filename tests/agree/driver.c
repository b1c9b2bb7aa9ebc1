/*
 * Policies and questions over a pipe, decided by policy/: one half of tests/agree (which says what
 * the lines are). Reads lines "KEY WORD...", each word with %XX for what is not plain, until "?";
 * answers with one line. What is not said again stays as it was.
 */
#include "tests/agree/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define LIST_MAX 64

static char *words[LIST_MAX];
static size_t word_count;

static struct policy_who who;
static gid_t groups[LIST_MAX];
static struct named {
	char *name;
	int found;
	gid_t gid;
} named[LIST_MAX], netgroups[LIST_MAX];
static size_t named_count, netgroup_count, look_ups;
static gid_t members[LIST_MAX];
static size_t member_count;
static struct policy_question question;
static struct policy_bind binds[LIST_MAX];
static const char *devices[LIST_MAX], *command[LIST_MAX], *envs[LIST_MAX];
static const char *cdi[LIST_MAX], *brought[LIST_MAX];
static struct policy_cdi cdi_names[LIST_MAX];
static struct {
	char *written, *opened;
} opened[LIST_MAX];
static size_t opened_count;
static char *image;

static char *
decode(const char *text)
{
	char *copy = malloc(strlen(text) + 1), *to = copy;
	unsigned byte;

	for (; *text != '\0'; text++)
		if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			text += 2;
		} else {
			*to++ = *text;
		}
	*to = '\0';
	return copy;
}

/* "-" is NULL */
static char *
text_or_null(size_t i)
{
	return strcmp(words[i], "-") == 0 ? NULL : words[i];
}

static int
find(const struct named *list, size_t count, const char *name, gid_t *gid)
{
	look_ups++;
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0) {
			if (gid != NULL)
				*gid = list[i].gid;
			return list[i].found;
		}
	return 0;
}

static int
ask_group(void *context, const char *name, gid_t *gid)
{
	(void)context;
	return find(named, named_count, name, gid);
}

static int
ask_member(void *context, gid_t gid)
{
	(void)context;
	for (size_t i = 0; i < member_count; i++)
		if (members[i] == gid)
			return 1;
	return 0;
}

static int
ask_netgroup(void *context, const char *name)
{
	(void)context;
	return find(netgroups, netgroup_count, name, NULL);
}

static struct policy_place
place(void)
{
	return (struct policy_place){.typed = text_or_null(1),
	    .path = text_or_null(2),
	    .wanted = atoi(words[3]) != 0,
	    .owned = atoi(words[4]) != 0};
}

/* Everything about one pair is given back with the process's end; a run is short. */
static void
take(void)
{
	const char *key = words[0];

	if (strcmp(key, "policy") == 0) {
		memory_count = 0;
	} else if (strcmp(key, "file") == 0) {
		struct memory_file *file = &memory_files[memory_count++];

		free((void *)(uintptr_t)file->data);
		snprintf(file->path, sizeof(file->path), "%s", words[1]);
		file->data = words[2];
		file->size = strlen(file->data);
	} else if (strcmp(key, "who") == 0) {
		who.uid = (uid_t)atol(words[1]);
		who.gid = (gid_t)atol(words[2]);
		who.name = words[3];
		who.home = words[4];
		who.host = words[5];
		who.now = atol(words[6]);
		who.groups = groups;
		for (who.group_count = 0; who.group_count + 7 < word_count; who.group_count++)
			groups[who.group_count] = (gid_t)atol(words[7 + who.group_count]);
	} else if (strcmp(key, "nss") == 0) {
		named_count = netgroup_count = member_count = 0;
	} else if (strcmp(key, "group") == 0) {
		named[named_count++] =
		    (struct named){words[1], atoi(words[2]), (gid_t)atol(words[3])};
	} else if (strcmp(key, "netgroup") == 0) {
		netgroups[netgroup_count++] = (struct named){words[1], atoi(words[2]), 0};
	} else if (strcmp(key, "member") == 0) {
		members[member_count++] = (gid_t)atol(words[1]);
	} else if (strcmp(key, "question") == 0) {
		memset(&question, 0, sizeof(question));
		opened_count = 0;
		image = NULL;
		memset(command, 0, sizeof(command));
		question.binds = binds;
		question.devices = devices;
		question.command = command;
		question.envs = envs;
		question.cdi = cdi;
		question.brought = brought;
		question.cdi_names = cdi_names;
	} else if (strcmp(key, "image") == 0) {
		image = text_or_null(1);
		question.image_path = text_or_null(2);
		question.image_sha256 = text_or_null(3);
		question.user_image = atoi(words[4]) != 0;
	} else if (strcmp(key, "bind") == 0) {
		binds[question.bind_count++] = (struct policy_bind){.typed = words[1],
		    .path = words[2],
		    .destination = words[3],
		    .mode = (enum policy_mode)atoi(words[4])};
	} else if (strcmp(key, "home") == 0) {
		question.home = place();
	} else if (strcmp(key, "cwd") == 0) {
		question.cwd = place();
	} else if (strcmp(key, "opened") == 0) {
		opened[opened_count].written = words[1];
		opened[opened_count++].opened = text_or_null(2);
	} else if (strcmp(key, "device") == 0) {
		devices[question.device_count++] = words[1];
	} else if (strcmp(key, "cdi") == 0) {
		cdi[question.cdi_count++] = words[1];
	} else if (strcmp(key, "brought") == 0) {
		brought[question.brought_count++] = words[1];
	} else if (strcmp(key, "cdi_name") == 0) {
		cdi_names[question.cdi_name_count++] = (struct policy_cdi){words[1], words[2]};
	} else if (strcmp(key, "env") == 0) {
		envs[question.env_count++] = words[1];
	} else if (strcmp(key, "network") == 0) {
		question.network = words[1];
	} else if (strcmp(key, "ipc") == 0) {
		question.ipc_host = true;
	} else if (strcmp(key, "scratch") == 0) {
		question.scratch = (enum policy_scratch)atoi(words[1]);
		question.scratch_size = strtoull(words[2], NULL, 10);
	} else if (strcmp(key, "run_as") == 0) {
		question.run_as = words[1];
	} else if (strcmp(key, "command") == 0) {
		for (size_t i = 1; i < word_count; i++)
			command[i - 1] = words[i];
	} else {
		fprintf(stderr, "driver: %s?\n", key);
		exit(99);
	}
}

/* The paths the rules name, as the caller would find them: as they are, unless said otherwise. */
static const char **
open_paths(const struct policy *policy)
{
	size_t count, i, j;
	const char *const *paths = policy_paths(policy, &count);
	const char **result = calloc(count + 1, sizeof(*result));

	for (i = 0; i < count; i++) {
		result[i] = paths[i];
		for (j = 0; j < opened_count; j++)
			if (strcmp(opened[j].written, paths[i]) == 0)
				result[i] = opened[j].opened;
	}
	return result;
}

static void
say(const char *text)
{
	for (; *text != '\0'; text++)
		if (isalnum((unsigned char)*text) || strchr("/._-", *text) != NULL)
			putchar(*text);
		else
			printf("%%%02x", (unsigned char)*text);
}

static void
answer(void)
{
	static struct policy_decision d;
	const struct policy_lookup lookup = {
	    .group = ask_group, .member = ask_member, .netgroup = ask_netgroup};
	struct policy_error error = {.count = 0};
	static unsigned asked;
	struct policy_lookup later = lookup;
	struct policy_digest digest;
	struct policy *policy;
	const char **paths;

	look_ups = 0;
	policy = policy_load("/etc/boxdo", &who, &lookup, &error);
	if (policy == NULL) {
		printf("error ");
		say(error.text);
		putchar('\n');
		return;
	}
	/* Every other one as a second launch reads it, which passes over what is others'. */
	if (asked++ % 2 != 0) {
		digest = *policy_digest(policy);
		later.known = &digest;
		policy_free(policy);
		look_ups = 0;
		policy = policy_load("/etc/boxdo", &who, &later, &error);
		if (policy == NULL || digest.key[0] == '\0') {
			printf("BUG\n");
			exit(99);
		}
	}
	question.image = image != NULL ? policy_image_named(policy, image) : NULL;
	if (image != NULL && question.image == NULL) {
		/* As a launch does: nothing is decided about what does not exist. */
		printf("refuse - none 0 0 0 0 0 0 0 0 0 0 %zu no%%20such%%20image\n", look_ups);
		policy_free(policy);
		return;
	}
	if (question.cdi_count == 0 && !policy_denies_cdi(policy))
		question.cdi_name_count = 0;
	question.paths = paths = open_paths(policy);
	policy_decide(policy, &question, &d);
	printf("%s ", d.verdict == POLICY_ALLOW    ? "allow"
	              : d.verdict == POLICY_REFUSE ? "refuse"
	                                           : "BUG");
	say(d.rule[0] != '\0' ? d.rule : "-");
	printf(" %s %d %llu %lld %u", d.network, d.password, (unsigned long long)d.max_runtime,
	    (long long)d.not_after, d.max_running);
	for (int unit = 0; unit < POLICY_UNITS; unit++)
		printf(" %u", d.max_launches[unit]);
	printf(" %d %d %llu %zu ", d.user_image, d.strict, (unsigned long long)d.scratch, look_ups);
	say(d.reason[0] != '\0' ? d.reason : "-");
	for (size_t i = 0; i < d.mount_count; i++) {
		printf(" mount ");
		say(d.mounts[i].path);
		printf(" ");
		say(d.mounts[i].destination);
		printf(" %d", d.mounts[i].writable);
	}
	for (size_t i = 0; d.verdict == POLICY_ALLOW && d.env != NULL; i++) {
		printf(" env ");
		if (d.env[i] == NULL)
			break;
		say(d.env[i]);
	}
	putchar('\n');
	free(paths);
	policy_free(policy);
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, stdin)) > 0) {
		line[length - 1] = '\0';
		word_count = 0;
		for (char *at = strtok(line, " "); at != NULL && word_count < LIST_MAX;
		     at = strtok(NULL, " "))
			words[word_count++] = decode(at);
		if (word_count == 0)
			continue;
		if (strcmp(words[0], "?") != 0) {
			take();
			continue;
		}
		answer();
		fflush(stdout);
	}
	return 0;
}
