/* The table of routes and the search in it. Pure; part of airlock-api. */
#include "api/route.h"

#include <ctype.h>
#include <string.h>

/* clang-format off */
/* Each list ends in a row without a name, so that none is empty. */
#define LIST(name) static const struct route_field FIELDS_##name[] = {
#define FIELD(name, frame_name, kind, places, required, help) {name, frame_name, FIELD_##kind, places, required, help},
#define END {.name = NULL}};
#include "api/fields.def"
#undef LIST
#undef FIELD
#undef END

static const struct route ROUTES[] = {
#define ROUTE(id, method, pattern, answer, message, status, body, fields, member, schema, right, summary) \
    {id, HTTP_##method, pattern, ANSWER_##answer, message, status, BODY_##body, FIELDS_##fields, \
     ARRAY_LEN(FIELDS_##fields) - 1, member, schema, RIGHT_##right, summary},
#include "api/routes.def"
#undef ROUTE
};
/* clang-format on */

static const struct {
    enum http_method method;
    const char *name;
} METHODS[] = {
    {HTTP_GET, "GET"},     {HTTP_HEAD, "HEAD"},     {HTTP_POST, "POST"},
    {HTTP_PATCH, "PATCH"}, {HTTP_DELETE, "DELETE"}, {HTTP_PUT, "PUT"},
};

const struct route *route_table(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(ROUTES);
    return ROUTES;
}

/* Runs of slashes become one and a last one goes: a base URL that ends in a slash makes clients send such paths. */
static bool path_normalise(const char *path, char out[static ROUTE_PATH_MAX])
{
    size_t len = 0;

    for (const char *p = path; *p; p++) {
        if (*p == '/' && len > 0 && out[len - 1] == '/')
            continue;
        if (len + 1 >= ROUTE_PATH_MAX)
            return false;
        out[len++] = *p;
    }
    if (len > 1 && out[len - 1] == '/')
        len--;
    out[len] = '\0';
    return true;
}

/* Copies a path segment, in lower case, as some clients write UUIDs in upper case. What is too long is no UUID. */
static void take_id(const char *segment, size_t len, char out[static UUID_TEXT_SIZE])
{
    size_t used = 0;

    for (; used < len && used < UUID_TEXT_SIZE - 1; used++)
        out[used] = (char)tolower((unsigned char)segment[used]);
    out[len < UUID_TEXT_SIZE ? used : 0] = '\0';
}

static bool segment_fits(const char *pattern, size_t pattern_len, const char *segment, size_t len,
                         struct route_match *match)
{
    if (pattern[0] != '{')
        return pattern_len == len && memcmp(pattern, segment, len) == 0;
    if (len == 0)
        return false;
    take_id(segment, len,
            pattern[1] == 'w'   ? match->workspace
            : pattern[1] == 'u' ? match->user
            : pattern[1] == 'g' ? match->gate
            : pattern[1] == 'n' ? match->name
                                : match->request);
    return true;
}

static bool pattern_fits(const char *pattern, const char *path, struct route_match *match)
{
    match->workspace[0] = match->request[0] = match->user[0] = match->gate[0] = match->name[0] = '\0';
    for (;;) {
        size_t pattern_len = strcspn(pattern, "/"), len = strcspn(path, "/");
        if (!segment_fits(pattern, pattern_len, path, len, match))
            return false;
        if (pattern[pattern_len] != path[len])
            return false;
        if (path[len] == '\0')
            return true;
        pattern += pattern_len + 1;
        path += len + 1;
    }
}

static int check_ids(const struct route_match *match, struct error *err)
{
    const char *pattern = match->route->pattern;

    if (strstr(pattern, "{workspace}") && !uuid_is_v4(match->workspace))
        return error_set_field(err, E_INVALID, "workspace", "The workspace id in the path must be a UUID of version 4");
    if (strstr(pattern, "{request}") && !uuid_is_v4(match->request))
        return error_set_field(err, E_INVALID, "request", "The request id in the path must be a UUID of version 4");
    if (strstr(pattern, "{user}") && !uuid_is_v4(match->user))
        return error_set_field(err, E_INVALID, "user", "The user id in the path must be a UUID of version 4");
    if (strstr(pattern, "{gate}") && *match->gate == '\0')
        return error_set_field(err, E_INVALID, "gate", "The path must name a check");
    return 0;
}

int route_find(enum http_method method, const char *path, struct route_match *ret, struct error *err)
{
    struct route_match match = {0};
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;

    *ret = match;
    if (!path_normalise(path, match.path))
        return error_set(err, E_NOT_FOUND, "There is nothing at this address");
    for (size_t i = 0; i < ARRAY_LEN(ROUTES); i++) {
        struct route_match candidate = match;
        if (!pattern_fits(ROUTES[i].pattern, match.path, &candidate))
            continue;
        match.methods |= 1U << ROUTES[i].method | (ROUTES[i].method == HTTP_GET ? 1U << HTTP_HEAD : 0);
        if (ROUTES[i].method != wanted)
            continue;
        candidate.route = &ROUTES[i];
        candidate.methods = 0;
        *ret = candidate;
    }
    const struct route *route = ret->route;
    if (!route)
        *ret = match;
    ret->methods = match.methods;
    if (match.methods == 0)
        return error_set(err, E_NOT_FOUND, "There is nothing at this address");
    if (!route)
        return error_set(err, E_METHOD, "This address does not take that method");
    return check_ids(ret, err);
}

void route_append_methods(struct str *s, unsigned methods)
{
    const char *between = "";

    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
        if (!(methods & 1U << METHODS[i].method))
            continue;
        str_append(s, between);
        str_append(s, METHODS[i].name);
        between = ", ";
    }
}
