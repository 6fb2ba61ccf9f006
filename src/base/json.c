/* The thin wrapper around jansson and the JSON writer. Linked into every program; no I/O. */
#include "base/json.h"

#include <string.h>

static int json_depth(const json_t *value, int depth)
{
    if (depth > JSON_DEPTH_MAX)
        return depth;
    int deepest = depth;
    const char *key;
    json_t *child;
    size_t index;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, child)
        {
            int d = json_depth(child, depth + 1);
            deepest = d > deepest ? d : deepest;
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, child)
        {
            int d = json_depth(child, depth + 1);
            deepest = d > deepest ? d : deepest;
        }
    }
    return deepest;
}

int json_parse_object(const char *text, size_t len, json_t **ret_object, struct error *err)
{
    json_error_t why;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

    if (!root)
        return error_set(err, E_BAD_REQUEST, "The JSON is not valid (line %d, column %d): %s", why.line, why.column,
                         why.text);
    if (!json_is_object(root) || json_depth(root, 1) > JSON_DEPTH_MAX) {
        json_decref(root);
        return error_set(err, E_BAD_REQUEST, "The JSON must be an object, nested at most %d deep", JSON_DEPTH_MAX);
    }
    *ret_object = root;
    return 0;
}

static const json_t *json_present(const json_t *object, const char *field)
{
    const json_t *value = json_object_get(object, field);
    return json_is_null(value) ? NULL : value;
}

int json_get_string(const json_t *object, const char *field, const char *fallback, size_t max_len, const char **ret,
                    struct error *err)
{
    const json_t *value = json_present(object, field);

    if (!value) {
        *ret = fallback;
        return 0;
    }
    if (!json_is_string(value))
        return error_set_field(err, E_INVALID, field, "\"%s\" must be a string", field);
    if (json_string_length(value) > max_len)
        return error_set_field(err, E_INVALID, field, "\"%s\" is longer than %zu bytes", field, max_len);
    if (strlen(json_string_value(value)) != json_string_length(value))
        return error_set_field(err, E_INVALID, field, "\"%s\" contains a NUL character", field);
    *ret = json_string_value(value);
    return 0;
}

int json_get_int(const json_t *object, const char *field, int64_t fallback, int64_t min, int64_t max, int64_t *ret,
                 struct error *err)
{
    const json_t *value = json_present(object, field);

    if (!value) {
        *ret = fallback;
        return 0;
    }
    if (!json_is_integer(value))
        return error_set_field(err, E_INVALID, field, "\"%s\" must be a whole number", field);
    json_int_t number = json_integer_value(value);
    if (number < min || number > max)
        return error_set_field(err, E_INVALID, field, "\"%s\" must be between %lld and %lld", field, (long long)min,
                               (long long)max);
    *ret = number;
    return 0;
}

int json_get_bool(const json_t *object, const char *field, bool fallback, bool *ret, struct error *err)
{
    const json_t *value = json_present(object, field);

    if (!value)
        *ret = fallback;
    else if (json_is_boolean(value))
        *ret = json_is_true(value);
    else if (json_is_string(value) && strcasecmp(json_string_value(value), "true") == 0)
        *ret = true; /* AzureTRE's own clients send "True" and "False" */
    else if (json_is_string(value) && strcasecmp(json_string_value(value), "false") == 0)
        *ret = false;
    else
        return error_set_field(err, E_INVALID, field, "\"%s\" must be true or false", field);
    return 0;
}

static int json_need(const json_t *object, const char *field, struct error *err)
{
    if (json_present(object, field))
        return 0;
    return error_set_field(err, E_INVALID, field, "\"%s\" is missing", field);
}

int json_need_string(const json_t *object, const char *field, size_t max_len, const char **ret, struct error *err)
{
    int r = json_need(object, field, err);
    return r ? r : json_get_string(object, field, NULL, max_len, ret, err);
}

int json_need_int(const json_t *object, const char *field, int64_t min, int64_t max, int64_t *ret, struct error *err)
{
    int r = json_need(object, field, err);
    return r ? r : json_get_int(object, field, 0, min, max, ret, err);
}

const char *json_text(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));
    return text ? text : "";
}

int64_t json_int(const json_t *object, const char *field)
{
    return json_integer_value(json_object_get(object, field));
}

bool json_flag(const json_t *object, const char *field)
{
    return json_is_true(json_object_get(object, field));
}

/* Length of the valid UTF-8 sequence at p (1 to 4) and its code point, or 0. */
static size_t utf8_sequence(const unsigned char *p, uint32_t *ret_point)
{
    size_t len = p[0] < 0x80 ? 1 : (p[0] >> 5) == 6 ? 2 : (p[0] >> 4) == 14 ? 3 : (p[0] >> 3) == 30 ? 4 : 0;
    static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    if (len == 0)
        return 0;
    uint32_t point = len == 1 ? p[0] : p[0] & (0x7FU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (p[i] & 0x3FU);
    }
    if (point < SMALLEST[len] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return 0;
    *ret_point = point;
    return len;
}

/* Characters that could steer a terminal or reorder what a person reads. */
static bool is_treacherous(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x200B && point <= 0x200F) ||
           (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) || point == 0xFEFF;
}

void json_append_string(struct str *s, const char *text)
{
    str_append_char(s, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        uint32_t point = 0xFFFD;
        size_t len = utf8_sequence(p, &point);
        if (len == 0)
            str_append(s, "\\ufffd");
        else if (point == '"' || point == '\\')
            str_printf(s, "\\%c", (char)point);
        else if (point == '\n')
            str_append(s, "\\n");
        else if (is_treacherous(point))
            str_printf(s, "\\u%04x", (unsigned)point);
        else
            str_append_len(s, p, len);
        p += len ? len : 1;
    }
    str_append_char(s, '"');
}

static int append_dump(const char *buffer, size_t size, void *s)
{
    str_append_len(s, buffer, size);
    return 0;
}

void json_append_value(struct str *s, const json_t *value)
{
    if (json_dump_callback(value, append_dump, s, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        s->overflow = true;
}
