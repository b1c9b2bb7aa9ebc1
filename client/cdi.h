/* boxdo-cdi's parts: values of a specification, checked, and what they mean for a container. */
#ifndef BOXDO_CDI_H
#define BOXDO_CDI_H

#include <json-c/json.h>
#include <stddef.h>

/* A line "error TEXT"; ends the program. */
void
cdi_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* cdi_yaml.c: text (size bytes of the file at path, a NUL behind them) as JSON would say it; NULL: null. */
struct json_object *
cdi_yaml(const char *path, const char *text, size_t size);

/*
 * cdi_value.c. path: the file, for the error. object holds no field but those of known (what: how it is called).
 */
void
cdi_value_known(
    const char *path, struct json_object *object, const char *what, const char *const *known);
/* A string without control characters, an absolute path; NULL: not there. */
const char *
cdi_value_text(const char *path, struct json_object *object, const char *key);
const char *
cdi_value_path(const char *path, struct json_object *object, const char *key);
/* The list behind key, or NULL; how long it is; a string in it. */
struct json_object *
cdi_value_list(const char *path, struct json_object *object, const char *key);
size_t
cdi_value_length(struct json_object *list);
const char *
cdi_value_item(const char *path, struct json_object *list, size_t i);

/* cdi_effect.c: all that these containerEdits mean. */
void
cdi_effect(const char *path, struct json_object *edits);
/* Their device nodes alone: of a device of this name as "is" lines, or with NULL as "node" lines. */
void
cdi_effect_nodes(const char *path, struct json_object *edits, const char *name);

#endif
