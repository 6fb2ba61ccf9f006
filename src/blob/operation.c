/* Walks operation.def. Pure; runs in airlock-blob. Must never let a request through that no row names. */
#include "blob/operation.h"

#include <string.h>

#define V_GET (1u << HTTP_GET)
#define V_HEAD (1u << HTTP_HEAD)
#define V_PUT (1u << HTTP_PUT)
#define V_POST (1u << HTTP_POST)
#define V_DELETE (1u << HTTP_DELETE)
#define V_OPTIONS (1u << HTTP_OPTIONS)
#define V_KNOWN (V_GET | V_HEAD | V_PUT | V_DELETE)
#define V_ANY (~0u)
#define L_ANY (LEVEL_ACCOUNT | LEVEL_CONTAINER | LEVEL_BLOB)
#define ANY_TEXT NULL
#define SOURCE_ANY (SOURCE_URL | SOURCE_SYNC)

#define DO(name) .refusal = AZURE_OK, .operation = OPERATION_##name
#define REFUSE(name) .refusal = AZURE_##name

static const struct operation_route ROUTES[] = {
#define ROUTE(verbs, at, res, what, type, ...) \
    {.methods = (verbs), .levels = (at), .sources = ~0u, .restype = (res), .comp = (what), .blob_type = (type), \
     __VA_ARGS__},
#define FROM_SOURCE(source, what, type, ...)                                                                  \
    {.methods = V_PUT, .levels = LEVEL_BLOB, .sources = (source), .restype = "", .comp = (what), .blob_type = (type), \
     __VA_ARGS__},
#define NO_SOURCE_BELOW(...) {.methods = V_ANY, .levels = L_ANY, .sources = SOURCE_ANY, __VA_ARGS__},
#define REFUSED_HEADER(name, code)
#define REFUSED_PARAM(name, code)
#include "blob/operation.def"
#undef ROUTE
#undef FROM_SOURCE
#undef NO_SOURCE_BELOW
#undef REFUSED_HEADER
#undef REFUSED_PARAM
};

#define ROUTE(...)
#define FROM_SOURCE(...)
#define NO_SOURCE_BELOW(...)

static const struct operation_refusal REFUSED_HEADERS[] = {
#define REFUSED_HEADER(name, code) {name, AZURE_##code},
#define REFUSED_PARAM(name, code)
#include "blob/operation.def"
#undef REFUSED_HEADER
#undef REFUSED_PARAM
};

static const struct operation_refusal REFUSED_PARAMS[] = {
#define REFUSED_HEADER(name, code)
#define REFUSED_PARAM(name, code) {name, AZURE_##code},
#include "blob/operation.def"
#undef REFUSED_HEADER
#undef REFUSED_PARAM
};
#undef ROUTE
#undef FROM_SOURCE
#undef NO_SOURCE_BELOW

static bool fits(const char *pattern, const char *text)
{
    return !pattern || strcmp(pattern, text) == 0;
}

enum azure_code operation_find(const struct operation_query *query, enum operation *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(ROUTES); i++) {
        const struct operation_route *route = &ROUTES[i];
        if (!(route->methods & 1u << query->method) || !(route->levels & query->level) ||
            !(route->sources & query->source) || !fits(route->restype, query->restype) ||
            !fits(route->comp, query->comp) || !fits(route->blob_type, query->blob_type))
            continue;
        if (route->refusal == AZURE_OK)
            *ret = route->operation;
        return route->refusal;
    }
    return AZURE_UNSUPPORTED_HTTP_VERB;
}

enum azure_code operation_check_params(const struct http_params *params)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSED_PARAMS); i++) {
        const char *value = http_params_get(params, REFUSED_PARAMS[i].name);
        if (value && *value)
            return REFUSED_PARAMS[i].code;
    }
    return AZURE_OK;
}

enum azure_code operation_check_inputs(const struct http_head *head, const struct http_params *params)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSED_HEADERS); i++) {
        const char *value = http_header(head, REFUSED_HEADERS[i].name);
        if (value && *value)
            return REFUSED_HEADERS[i].code;
    }
    return operation_check_params(params);
}

const struct operation_route *operation_routes(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(ROUTES);
    return ROUTES;
}

const struct operation_refusal *operation_refused_headers(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(REFUSED_HEADERS);
    return REFUSED_HEADERS;
}

const struct operation_refusal *operation_refused_params(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(REFUSED_PARAMS);
    return REFUSED_PARAMS;
}
