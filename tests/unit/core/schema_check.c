/* The few words of JSON Schema that events use. Tests only. */
#include "schema_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/uuid.h"

static void fits(const json_t *schema, const json_t *value, const char *place);

static bool type_fits(const char *type, const json_t *value)
{
    return *type == '\0' || (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value));
}

static bool is_one_of(const json_t *names, const json_t *value)
{
    size_t i;
    const json_t *each;
    json_array_foreach(names, i, each)
    {
        if (json_equal(each, value))
            return true;
    }
    return names == NULL;
}

static void object_fits(const json_t *schema, const json_t *value, const char *place)
{
    const json_t *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *each;
    size_t i;
    json_array_foreach(json_object_get(schema, "required"), i, each)
    {
        if (!json_object_get(value, json_string_value(each)))
            fail_msg("%s has no %s", place, json_string_value(each));
    }
    json_object_foreach((json_t *)value, name, each)
    {
        AUTO_FREE char *below = xasprintf("%s.%s", place, name);
        if (!json_object_get(properties, name))
            fail_msg("%s is in no table", below);
        fits(json_object_get(properties, name), each, below);
    }
}

static void text_fits(const json_t *schema, const char *text, const char *place)
{
    if (strcmp(json_text(schema, "format"), "uuid") == 0 && !uuid_is_v4(text))
        fail_msg("%s is no UUID: %s", place, text);
    if (*json_text(schema, "pattern") && (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64))
        fail_msg("%s is no digest: %s", place, text); /* the only pattern there is */
}

static void fits(const json_t *schema, const json_t *value, const char *place)
{
    size_t i;
    const json_t *each;
    if (!type_fits(json_text(schema, "type"), value) || !is_one_of(json_object_get(schema, "enum"), value)) {
        AUTO_FREE char *text = json_dumps(value, JSON_ENCODE_ANY);
        fail_msg("%s must not be %s", place, text);
    }
    if (json_is_object(value))
        object_fits(schema, value, place);
    if (json_is_string(value))
        text_fits(schema, json_string_value(value), place);
    if (json_is_array(value) && json_int(schema, "maxItems") < (int64_t)json_array_size(value))
        fail_msg("%s is too long", place);
    json_array_foreach(value, i, each)
    {
        fits(json_object_get(schema, "items"), each, place);
    }
}

void assert_fits_schema(const json_t *schema, const json_t *value)
{
    fits(schema, value, json_text(schema, "title"));
}
