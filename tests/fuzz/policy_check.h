/*
 * What must hold of any bytes given to the policy's reader. Used by the fuzzer and, with files it
 * mutates itself, by the unit test.
 *
 *  - An error is one printable line, and there is a policy or an error, never both.
 *  - Whether a file is well formed, and what is wrong with it, does not depend on who asks, nor on
 *    the pieces it is read in: rules of others are checked like one's own.
 *  - Of a policy that was in order and has not changed, less is read: the same rules are kept.
 *  - What is accepted inih, left alone with the file, reads to the same sections, keys and values,
 *    in the same order.
 */
#ifndef BOXDO_TESTS_POLICY_CHECK_H
#define BOXDO_TESTS_POLICY_CHECK_H

#include <ini.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/prepass.h"
#include "policy/rule.h"
#include "tests/agree/memory.h"

static inline void
check_require(bool holds)
{
	if (!holds)
		abort();
}

/* --- who asks ---------------------------------------------------------------------------------- */

static inline int
check_group(void *context, const char *name, gid_t *gid)
{
	(void)context;
	*gid = 100;
	return name[0] == 'g';
}

static inline int
check_member(void *context, gid_t gid)
{
	(void)context;
	return gid == 100;
}

static inline int
check_netgroup(void *context, const char *name)
{
	(void)context;
	return name[0] == 'n';
}

struct check_errors {
	uint64_t hash;
	unsigned count;
};

static inline void
check_note(void *context, const struct policy_mistake *mistake)
{
	struct check_errors *errors = context;
	const char *at;

	check_require(mistake->text[0] != '\0' && mistake->file[0] != '\0');
	for (at = mistake->text; *at != '\0'; at++) {
		check_require(*at >= ' ' && *at <= '~');
		errors->hash = errors->hash * 31 + (unsigned char)*at;
	}
	errors->hash = errors->hash * 31 + mistake->line * 1000 + mistake->column;
	errors->count++;
}

/* Reads what is in memory as this caller. */
static inline struct policy *
check_load(
    const struct policy_who *who, struct check_errors *errors, const struct policy_digest *known)
{
	const struct policy_lookup lookup = {.group = check_group,
	    .member = check_member,
	    .netgroup = check_netgroup,
	    .known = known};
	struct policy_error error = {.each = check_note, .context = errors};
	struct policy *policy = policy_load("/etc/boxdo", who, &lookup, &error);
	const char *at;

	check_require((policy == NULL) == (error.count != 0) && error.count == errors->count);
	check_require((error.text[0] == '\0') == (error.count == 0));
	for (at = error.text; *at != '\0'; at++)
		check_require(*at >= ' ' && *at <= '~');
	return policy;
}

/* What a second launch keeps is what the first one did. */
static inline void
check_known(const struct policy_who *who, const struct policy *first)
{
	struct check_errors errors = {0, 0};
	struct policy *policy = check_load(who, &errors, policy_digest(first));

	check_require(policy != NULL && policy_digest(first)->key[0] != '\0');
	for (int kind = 0; kind < RULE_KINDS; kind++) {
		const struct rule *a = first->rules[kind], *b = policy->rules[kind];

		for (; a != NULL && b != NULL; a = a->next, b = b->next)
			check_require(a->line == b->line && strcmp(a->name, b->name) == 0 &&
			              a->users.count == b->users.count &&
			              a->bind_count == b->bind_count);
		check_require(a == NULL && b == NULL);
	}
	check_require(
	    first->image_count == policy->image_count && first->path_count == policy->path_count);
	policy_free(policy);
}

static inline void
check_decide(const struct policy *policy)
{
	static struct policy_decision d;
	static const char *const command[] = {"/bin/x", "y", NULL}, *const devices[] = {
	                                                                "/dev/null"};
	static const struct policy_bind bind = {
	    .typed = "/data", .path = "/data", .destination = "/x", .mode = POLICY_AS_GRANTED};
	size_t count;
	const struct policy_question q = {.image_path = "/srv/x",
	    .image = policy_images(policy, &count),
	    .binds = &bind,
	    .bind_count = 1,
	    .paths = policy_paths(policy, &(size_t){0}),
	    .home = {"/home/a", "/home/a", true, true},
	    .cwd = {"/tmp", "/tmp", true, true},
	    .devices = devices,
	    .device_count = 1,
	    .command = command};
	char text[64];

	struct policy_question asked = q;

	if (count == 0)
		asked.image = NULL;
	policy_decide(policy, &asked, &d);
	check_require(d.verdict == POLICY_ALLOW || d.verdict == POLICY_REFUSE);
	check_require((d.verdict == POLICY_ALLOW) == (d.reason[0] == '\0'));
	policy_runnable(policy, text, sizeof(text));
}

/* --- inih alone -------------------------------------------------------------------------------- */

/* Everything handed on, as "section\nkey\nvalue\n"... */
struct check_text {
	char *data;
	size_t length, room;
};

static inline void
check_add(struct check_text *text, const char *bytes, size_t length)
{
	while (text->length + length + 1 > text->room) {
		text->room = 2 * text->room + 256;
		text->data = realloc(text->data, text->room);
		check_require(text->data != NULL);
	}
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length++] = '\n';
}

struct check_stream {
	const char *data;
	size_t size, at;
};

static inline char *
check_gets(char *buffer, int size, void *context)
{
	struct check_stream *stream = context;
	int length = 0;

	while (stream->at < stream->size && length < size - 1) {
		buffer[length++] = stream->data[stream->at++];
		if (buffer[length - 1] == '\n')
			break;
	}
	buffer[length] = '\0';
	return length > 0 ? buffer : NULL;
}

static inline int
check_inih(void *context, const char *section, const char *key, const char *value)
{
	check_add(context, section, strlen(section));
	check_add(context, key, strlen(key));
	check_add(context, value, strlen(value));
	return 1;
}

/* The same by prepass.c. */
static inline void
check_ours(const char *data, size_t size, struct check_text *text)
{
	struct policy_error error = {.count = 0};
	struct place place = {"x", 0, &error};
	struct prepass p = {.kind = PREPASS_NONE};
	const char *section = "", *end;
	size_t section_length = 0, at, length;

	for (at = 0; at < size; at += length + 1) {
		end = memchr(data + at, '\n', size - at);
		check_require(end != NULL);
		length = (size_t)(end - (data + at));
		place.line++;
		check_require(prepass_line(&p, data + at, length, PREPASS_LINE_MAX, &place) == 0);
		if (p.kind == PREPASS_SECTION) {
			section = p.text;
			section_length = p.length;
		} else if (p.kind != PREPASS_NONE) {
			check_add(text, section, section_length);
			check_add(text, p.key, strlen(p.key));
			check_add(text, p.text, p.length);
		}
	}
}

static inline void
check_as_inih(const char *data, size_t size)
{
	struct check_text ours = {NULL, 0, 0}, theirs = {NULL, 0, 0};
	struct check_stream stream = {data, size, 0};

	check_require(ini_parse_stream(check_gets, &stream, check_inih, &theirs) == 0);
	check_ours(data, size, &ours);
	check_require(ours.length == theirs.length &&
	              (ours.length == 0 || memcmp(ours.data, theirs.data, ours.length) == 0));
	free(ours.data);
	free(theirs.data);
}

/* --- all of it --------------------------------------------------------------------------------- */

/* true: it is a policy. */
static inline bool
check_bytes(const char *data, size_t size)
{
	static const gid_t groups[] = {100, 7};
	static const struct policy_who whose[] = {
	    {.uid = 1000,
	        .gid = 7,
	        .groups = groups,
	        .group_count = 2,
	        .name = "alice",
	        .home = "/home/a",
	        .host = "gpu1.x",
	        .now = 1800000000},
	    {.uid = 4000000000U, .gid = 8, .name = "zz", .home = "", .host = "other", .now = 1},
	};
	struct check_errors errors[2] = {{0, 0}, {0, 0}}, pieces = {0, 0};
	struct policy *policy[2], *again;

	memory_count = 1;
	memory_files[0] = (struct memory_file){"/etc/boxdo/policy.conf", data, size, 0};
	memory_piece = 65536;
	for (int i = 0; i < 2; i++)
		policy[i] = check_load(&whose[i], &errors[i], NULL);
	memory_piece = 1 + size % 7;
	again = check_load(&whose[0], &pieces, NULL);
	check_require((policy[0] == NULL) == (policy[1] == NULL));
	check_require(errors[0].hash == errors[1].hash && errors[0].hash == pieces.hash);
	if (policy[0] != NULL) {
		check_require(strcmp(policy_sha256(policy[0]), policy_sha256(again)) == 0);
		check_decide(policy[0]);
		check_decide(policy[1]);
		check_known(&whose[0], policy[0]);
		check_known(&whose[1], policy[1]);
		check_as_inih(data, size);
	}
	policy_free(again);
	policy_free(policy[1]);
	policy_free(policy[0]);
	return errors[0].count == 0;
}

#endif
