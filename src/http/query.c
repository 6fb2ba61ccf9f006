/* Percent-decoding and query or form parameters. Pure; every process that faces HTTP. Decodes once, never twice. */
#include <string.h>

#include "base/num.h"
#include "http/http.h"

static bool decode(const char *text, size_t len, bool form, char *out, size_t out_size)
{
    size_t used = 0;

    if (out_size == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint64_t byte = (unsigned char)text[i];
        if (text[i] == '%') {
            if (len - i < 3 || !num_parse_hex_len(text + i + 1, 2, 255, &byte))
                return false;
            i += 2;
        } else if (form && text[i] == '+') {
            byte = ' ';
        }
        if (byte == 0 || used + 1 >= out_size)
            return false;
        out[used++] = (char)byte;
    }
    out[used] = '\0';
    return true;
}

bool http_decode(const char *text, size_t len, char *out, size_t out_size)
{
    return decode(text, len, false, out, out_size);
}

bool http_decode_form(const char *text, size_t len, char *out, size_t out_size)
{
    return decode(text, len, true, out, out_size);
}

/* One piece "name=value" or "name". Name and value share one allocation: the name's. */
static bool param_decode(const char *piece, size_t len, bool form, struct http_param *ret)
{
    const char *equals = memchr(piece, '=', len);
    size_t name_len = equals ? (size_t)(equals - piece) : len;
    size_t value_len = equals ? len - name_len - 1 : 0;
    char *name = xmalloc(len + 2);
    char *value = name + name_len + 1;

    *value = '\0';
    if (!decode(piece, name_len, form, name, name_len + 1) ||
        !decode(piece + len - value_len, value_len, form, value, value_len + 1)) {
        free(name);
        return false;
    }
    *ret = (struct http_param){name, value};
    return true;
}

int http_params_parse(const char *text, size_t max, bool form, struct http_params *ret, struct error *err)
{
    struct http_params params = {0};
    params.items = xcalloc(max, sizeof *params.items);

    for (const char *piece = text;; piece++) {
        size_t len = strcspn(piece, "&");
        if (len > 0 && params.count == max) {
            http_params_done(&params);
            return error_set(err, E_BAD_REQUEST, "There must be at most %zu parameters", max);
        }
        if (len > 0 && !param_decode(piece, len, form, &params.items[params.count++])) {
            params.count--;
            http_params_done(&params);
            return error_set(err, E_BAD_REQUEST, "A parameter has a malformed percent-escape");
        }
        piece += len;
        if (!*piece)
            break;
    }
    *ret = params;
    return 0;
}

void http_params_done(struct http_params *params)
{
    for (size_t i = 0; i < params->count; i++)
        free(params->items[i].name);
    free(params->items);
    *params = (struct http_params){0};
}

const char *http_params_get(const struct http_params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++)
        if (strcmp(params->items[i].name, name) == 0)
            return params->items[i].value;
    return NULL;
}

size_t http_params_count(const struct http_params *params, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < params->count; i++)
        count += strcmp(params->items[i].name, name) == 0;
    return count;
}
