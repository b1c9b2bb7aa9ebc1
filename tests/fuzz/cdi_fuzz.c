/*
 * libFuzzer: bytes as a CDI specification in YAML.
 *
 *	clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -I. -o build/cdi_fuzz tests/fuzz/cdi_fuzz.c -ljson-c -lyaml
 *	build/cdi_fuzz -max_total_time=60
 *
 * Checked besides memory: what is taken is no deeper than JSON could be; and where the bytes are a line of JSON too, its
 * strings, lists and objects are the same.
 */
#include <json-c/json.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "tests/fuzz/require.h"

/* boxdo-cdi ends where it refuses, and leaves what it has to the kernel; here it must be freed. */
static struct {
	jmp_buf refused;
	yaml_parser_t *parser;
	struct json_object *loose[128]; /* made, and in nothing yet */
	size_t count;
} fuzz;

static struct json_object *
fuzz_made(struct json_object *object)
{
	fuzz_require(fuzz.count < 128);
	return fuzz.loose[fuzz.count++] = object;
}

static int
fuzz_inside(struct json_object *object, int added)
{
	for (size_t i = 0; object && i < fuzz.count; i++)
		if (fuzz.loose[i] == object) {
			fuzz.loose[i] = fuzz.loose[--fuzz.count];
			break;
		}
	return added;
}

static struct json_object *fuzz_value;
#define json_object_new_array() fuzz_made(json_object_new_array())
#define json_object_new_object() fuzz_made(json_object_new_object())
#define json_object_new_boolean(a) fuzz_made(json_object_new_boolean(a))
#define json_object_new_int64(a) fuzz_made(json_object_new_int64(a))
#define json_object_new_double(a) fuzz_made(json_object_new_double(a))
#define json_object_new_string_len(a, b) fuzz_made(json_object_new_string_len(a, b))
#define json_object_array_add(a, b)                                                                \
	(fuzz_value = (b), fuzz_inside(fuzz_value, json_object_array_add(a, fuzz_value)))
#define json_object_object_add(a, b, c)                                                            \
	(fuzz_value = (c), fuzz_inside(fuzz_value, json_object_object_add(a, b, fuzz_value)))
#define yaml_parser_initialize(a) yaml_parser_initialize(fuzz.parser = (a))
#include "client/cdi_yaml.c"
#undef yaml_parser_initialize

void
cdi_fail(const char *format, ...)
{
	struct cdi_yaml *in =
	    (void *)((char *)fuzz.parser - (fuzz.parser ? offsetof(struct cdi_yaml, parser) : 0));

	fuzz_require(format[0] != '\0');
	if (in) {
		yaml_event_delete(&in->event);
		yaml_parser_delete(&in->parser);
	}
	while (fuzz.count > 0)
		json_object_put(fuzz.loose[--fuzz.count]);
	longjmp(fuzz.refused, 1);
}

/* Numbers and truths apart, of which nothing is taken. */
static bool
fuzz_same(struct json_object *a, struct json_object *b)
{
	if (!json_object_is_type(a, json_object_get_type(b)))
		return json_object_is_type(b, json_type_double) ||
		       json_object_is_type(b, json_type_int);
	if (json_object_is_type(a, json_type_string))
		return json_object_equal(a, b);
	if (json_object_is_type(a, json_type_array)) {
		size_t length = json_object_array_length(a);

		if (length != json_object_array_length(b))
			return false;
		for (size_t i = 0; i < length; i++)
			if (!fuzz_same(
			        json_object_array_get_idx(a, i), json_object_array_get_idx(b, i)))
				return false;
	}
	if (json_object_is_type(a, json_type_object)) {
		if (json_object_object_length(a) != json_object_object_length(b))
			return false;
		json_object_object_foreach(a, key, value)
		{
			struct json_object *other;

			if (!json_object_object_get_ex(b, key, &other) || !fuzz_same(value, other))
				return false;
		}
	}
	return true;
}

/* In YAML a break within quotes is a space; json-c takes it as it is. */
static bool
fuzz_is_one_line(const char *text)
{
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20)
			return false;
	return !strstr(text, "\xc2\x85") && !strstr(text, "\xe2\x80\xa8") &&
	       !strstr(text, "\xe2\x80\xa9");
}

static int
fuzz_depth(struct json_object *value)
{
	int deepest = 0, depth;

	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			depth = fuzz_depth(json_object_array_get_idx(value, i));
			deepest = depth > deepest ? depth : deepest;
		}
	else if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, inner)
		{
			(void)key;
			depth = fuzz_depth(inner);
			deepest = depth > deepest ? depth : deepest;
		}
	} else
		return 0;
	return deepest + 1;
}

const char *
__asan_default_options(void);
/* The key before a value that is refused is not freed. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *volatile yaml = NULL;
	struct json_object *json;

	if (!text || !tokener)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	fuzz.parser = NULL;
	fuzz.count = 0;
	if (setjmp(fuzz.refused) == 0) {
		yaml = cdi_yaml("/etc/cdi/x.yaml", text, size);
		fuzz_require(fuzz_depth(yaml) <= JSON_TOKENER_DEFAULT_DEPTH);
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		json = json_tokener_parse_ex(tokener, text, (int)size + 1);
		if (json_tokener_get_error(tokener) == json_tokener_success &&
		    fuzz_is_one_line(text))
			fuzz_require(fuzz_same(yaml, json));
		json_object_put(json);
		json_object_put(yaml);
	}
	json_tokener_free(tokener);
	free(text);
	return 0;
}
