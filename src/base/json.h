/* JSON in by jansson, strictly (no duplicate keys, bounded depth and size); JSON out by appending to a struct str.
 * Getters name the field in the error they fill, so that a caller can return it as it is. */
#ifndef AIRLOCK_BASE_JSON_H
#define AIRLOCK_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define JSON_DEPTH_MAX 32

static inline void cleanup_json_(json_t **value)
{
    json_decref(*value);
}
#define AUTO_JSON CLEANUP(cleanup_json_)

/* Parses exactly len bytes; the root must be an object. E_BAD_REQUEST otherwise. */
int json_parse_object(const char *text, size_t len, json_t **ret_object, struct error *err) MUST_USE;

/* Fields of an object. A missing or null field leaves the default; a wrong type or length is E_INVALID naming it. */
int json_get_string(const json_t *object, const char *field, const char *fallback, size_t max_len, const char **ret,
                    struct error *err) MUST_USE; /* borrowed from object */
int json_get_int(const json_t *object, const char *field, int64_t fallback, int64_t min, int64_t max, int64_t *ret,
                 struct error *err) MUST_USE;
int json_get_bool(const json_t *object, const char *field, bool fallback, bool *ret, struct error *err) MUST_USE;
/* The same, but the field must be there. */
int json_need_string(const json_t *object, const char *field, size_t max_len, const char **ret, struct error *err)
    MUST_USE;
int json_need_int(const json_t *object, const char *field, int64_t min, int64_t max, int64_t *ret, struct error *err)
    MUST_USE;

/* Trusted look-ups for messages that were already checked: "" or 0 when absent. */
const char *json_text(const json_t *object, const char *field);
int64_t json_int(const json_t *object, const char *field);
bool json_flag(const json_t *object, const char *field);

/* Output: a quoted, escaped string (invalid UTF-8 becomes U+FFFD; C1 controls and bidi marks are \u-escaped). */
void json_append_string(struct str *s, const char *text);
/* Appends a whole value in compact form. */
void json_append_value(struct str *s, const json_t *value);

#endif
