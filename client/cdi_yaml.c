/*
 * cdi_yaml.c: a CDI specification in YAML, as nvidia-ctk writes it, made into what JSON would have been
 *
 * Runs as an account that owns nothing; libyaml finds the words. Of YAML is taken what such files are made of: one
 * document of mappings, lists and scalars. Anchors and aliases (with which ten lines are gigabytes), tags, keys
 * that stand twice and whatever is not UTF-8 are refused, and so is nesting beyond what json-c takes.
 * Distrusts: everything in the text. Errors: cdi_fail.
 */
#include "client/cdi.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define CDI_YAML_DEPTH_MAX JSON_TOKENER_DEFAULT_DEPTH

struct cdi_yaml {
	const char *path;
	yaml_parser_t parser;
	yaml_event_t event; /* the one looked at */
};

static void __attribute__((noreturn)) cdi_yaml_fail(const struct cdi_yaml *in, const char *what)
{
	cdi_fail("%s, line %zu: %s", in->path, in->event.start_mark.line + 1, what);
}

static void
cdi_yaml_next(struct cdi_yaml *in)
{
	yaml_event_delete(&in->event);
	if (yaml_parser_parse(&in->parser, &in->event))
		return;
	if (in->parser.error == YAML_READER_ERROR)
		cdi_fail("%s is no YAML in UTF-8: %s, at byte %zu", in->path, in->parser.problem,
		    in->parser.problem_offset);
	cdi_fail("%s is no YAML: %s, in line %zu", in->path,
	    in->parser.problem ? in->parser.problem : "out of memory",
	    in->parser.problem_mark.line + 1);
}

static struct json_object *
cdi_yaml_made(const struct cdi_yaml *in, struct json_object *made)
{
	if (!made)
		cdi_fail("%s: out of memory", in->path);
	return made;
}

static bool
cdi_yaml_among(const char *text, const char *const *words)
{
	while (*words && strcasecmp(text, *words) != 0)
		words++;
	return *words != NULL;
}

/*
 * What stands without quotes may be no string, as in YAML 1.1, by which others read these files; where a string is
 * wanted it is then refused, instead of becoming 1 from 1.0 or true from yes. In all other numbers but plain ones
 * readers differ (0755): they are of no use as any.
 */
static struct json_object *
cdi_yaml_plain(const struct cdi_yaml *in, const char *text, size_t length)
{
	static const char *const nothing[] = {"", "~", "null", NULL};
	static const char *const truths[] = {
	    "true", "false", "yes", "no", "on", "off", "y", "n", NULL};
	const char *digits = text + (text[0] == '-');
	char *end;
	long long number;

	if (cdi_yaml_among(text, nothing))
		return NULL;
	if (cdi_yaml_among(text, truths))
		return cdi_yaml_made(in, json_object_new_boolean(true));
	errno = 0;
	number = strtoll(text, &end, 10);
	if (*end == '\0' && errno == 0 && digits[strspn(digits, "0123456789")] == '\0' &&
	    (digits[0] != '0' || digits[1] == '\0'))
		return cdi_yaml_made(in, json_object_new_int64(number));
	(void)strtod(text, &end);
	if (*end == '\0' || (text[0] == '0' && strchr("obOB", text[1])))
		return cdi_yaml_made(in, json_object_new_double(0.5));
	return cdi_yaml_made(in, json_object_new_string_len(text, (int)length));
}

static struct json_object *
cdi_yaml_scalar(const struct cdi_yaml *in)
{
	const char *text = (const char *)in->event.data.scalar.value;
	size_t length = in->event.data.scalar.length;

	if (in->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return cdi_yaml_plain(in, text, length);
	return cdi_yaml_made(in, json_object_new_string_len(text, (int)length));
}

/* An anchor or a tag at the value looked at. */
static bool
cdi_yaml_is_marked(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor || event->data.mapping_start.tag;
	default:
		return event->type == YAML_ALIAS_EVENT;
	}
}

static struct json_object *
cdi_yaml_value(struct cdi_yaml *in, int depth);

static struct json_object *
cdi_yaml_list(struct cdi_yaml *in, int depth)
{
	struct json_object *list = cdi_yaml_made(in, json_object_new_array());

	for (cdi_yaml_next(in); in->event.type != YAML_SEQUENCE_END_EVENT; cdi_yaml_next(in))
		if (json_object_array_add(list, cdi_yaml_value(in, depth)) != 0)
			cdi_fail("%s: out of memory", in->path);
	return list;
}

static struct json_object *
cdi_yaml_mapping(struct cdi_yaml *in, int depth)
{
	struct json_object *mapping = cdi_yaml_made(in, json_object_new_object());
	char *key;

	for (cdi_yaml_next(in); in->event.type != YAML_MAPPING_END_EVENT; cdi_yaml_next(in)) {
		if (in->event.type != YAML_SCALAR_EVENT || cdi_yaml_is_marked(&in->event))
			cdi_yaml_fail(in, "a key is no plain word");
		key = (char *)in->event.data.scalar.value;
		if (strlen(key) != in->event.data.scalar.length)
			cdi_yaml_fail(in, "a key holds a NUL");
		if (json_object_object_get_ex(mapping, key, NULL))
			cdi_yaml_fail(in, "a key stands there twice");
		key = strdup(key);
		cdi_yaml_next(in);
		if (!key || json_object_object_add(mapping, key, cdi_yaml_value(in, depth)) != 0)
			cdi_fail("%s: out of memory", in->path);
		free(key);
	}
	return mapping;
}

/* The value whose event is looked at, to its end. */
static struct json_object *
cdi_yaml_value(struct cdi_yaml *in, int depth)
{
	if (cdi_yaml_is_marked(&in->event))
		cdi_yaml_fail(in, "anchors, aliases and tags are not taken in a specification");
	if (in->event.type == YAML_SCALAR_EVENT)
		return cdi_yaml_scalar(in);
	if (depth == CDI_YAML_DEPTH_MAX)
		cdi_yaml_fail(in, "nested too deep");
	return in->event.type == YAML_SEQUENCE_START_EVENT ? cdi_yaml_list(in, depth + 1)
	                                                   : cdi_yaml_mapping(in, depth + 1);
}

/* %YAML and %TAG say nothing that is taken; libyaml compares each of them with all before it. */
static void
cdi_yaml_no_directives(const char *path, const char *text)
{
	for (const char *at = strchr(text, '%'); at; at = strchr(at + 1, '%'))
		if (at == text || at[-1] == '\n' || at[-1] == '\r')
			cdi_fail("%s: a line begins with %%: directives are not taken in a "
			         "specification",
			    path);
}

struct json_object *
cdi_yaml(const char *path, const char *text, size_t size)
{
	struct cdi_yaml in = {.path = path};
	struct json_object *made;

	cdi_yaml_no_directives(path, text);
	if (!yaml_parser_initialize(&in.parser))
		cdi_fail("%s: out of memory", path);
	/* Said, it is not guessed from the first bytes: UTF-16 is no specification. */
	yaml_parser_set_encoding(&in.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&in.parser, (const unsigned char *)text, size);
	cdi_yaml_next(&in); /* the stream begins */
	cdi_yaml_next(&in);
	if (in.event.type != YAML_DOCUMENT_START_EVENT)
		cdi_fail("%s is empty", path);
	cdi_yaml_next(&in);
	made = cdi_yaml_value(&in, 0);
	cdi_yaml_next(&in); /* the document's end */
	cdi_yaml_next(&in);
	if (in.event.type != YAML_STREAM_END_EVENT)
		cdi_yaml_fail(&in, "there is a second document");
	yaml_event_delete(&in.event);
	yaml_parser_delete(&in.parser);
	return made;
}
