/*
 * cdi_value.c: values out of a CDI specification
 *
 * Runs as an account that owns nothing. Distrusts: types, lengths and characters: a value becomes part of a line that the
 * helper reads. Errors: cdi_fail.
 */
#include "client/cdi.h"

#include <string.h>

/* What is not known is not skipped: it may be what makes the device safe to use. */
void
cdi_value_known(
    const char *path, struct json_object *object, const char *what, const char *const *known)
{
	if (!json_object_is_type(object, json_type_object))
		cdi_fail("%s: %s is no object", path, what);
	json_object_object_foreach(object, key, value)
	{
		size_t i = 0;

		(void)value;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			cdi_fail(
			    "%s: %s has a field that is not known here: %.60s", path, what, key);
	}
}

static const char *
cdi_value_string(const char *path, struct json_object *value, const char *what)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		cdi_fail("%s: %s is no string; it may want quotes", path, what);
	text = json_object_get_string(value);
	if (strlen(text) != (size_t)json_object_get_string_len(value) || strlen(text) > 4000)
		cdi_fail("%s: %s is too long, or holds a NUL", path, what);
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			cdi_fail("%s: %s holds a control character", path, what);
	return text;
}

/* A string without control characters; NULL: not there. */
const char *
cdi_value_text(const char *path, struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value))
		return NULL;
	return cdi_value_string(path, value, key);
}

const char *
cdi_value_path(const char *path, struct json_object *object, const char *key)
{
	const char *text = cdi_value_text(path, object, key);

	if (text && text[0] != '/')
		cdi_fail("%s: %s must be an absolute path, not '%s'", path, key, text);
	return text;
}

/* The list behind key, or NULL. */
struct json_object *
cdi_value_list(const char *path, struct json_object *object, const char *key)
{
	struct json_object *list;

	if (!json_object_object_get_ex(object, key, &list) || !list)
		return NULL;
	if (!json_object_is_type(list, json_type_array))
		cdi_fail("%s: %s is no list", path, key);
	return list;
}

size_t
cdi_value_length(struct json_object *list)
{
	return list ? json_object_array_length(list) : 0;
}

const char *
cdi_value_item(const char *path, struct json_object *list, size_t i)
{
	return cdi_value_string(path, json_object_array_get_idx(list, i), "an item of a list");
}
