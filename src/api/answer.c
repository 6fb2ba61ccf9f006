/* Rendering of answers. Pure; part of airlock-api. */
#include "api/answer.h"

#include <string.h>

#include "api/input.h"
#include "api/schema.h"

/* Parameters that the route does not take meant nothing, and nothing bounds them: no link repeats them. */
static bool link_keeps(const struct route *route, const char *name)
{
    for (size_t i = 0; i < route->field_count; i++)
        if (strcmp(route->fields[i].name, name) == 0)
            return strcmp(name, "cursor") != 0;
    return false;
}

/* The same path and parameters, another cursor. */
static int render_link(const struct route_match *match, const char *query, const char *cursor, struct str *link,
                       struct error *err)
{
    struct http_params params = {0};

    int r = http_params_parse(query, INPUT_PARAMS_MAX, true, &params, err);
    if (r < 0)
        return r;
    str_append(link, "<");
    str_append(link, match->path);
    str_append(link, "?");
    for (size_t i = 0; i < params.count; i++) {
        if (!link_keeps(match->route, params.items[i].name))
            continue;
        str_append_url(link, params.items[i].name);
        str_append(link, "=");
        str_append_url(link, params.items[i].value);
        str_append(link, "&");
    }
    http_params_done(&params);
    str_append(link, "cursor=");
    str_append_url(link, cursor);
    str_append(link, ">; rel=\"next\"");
    return link->overflow ? error_set(err, E_INTERNAL, "The link to the next page is too long") : 0;
}

int answer_render(const struct route_match *match, const char *query, const json_t *result, struct str *body,
                  struct str *link, struct error *err)
{
    const struct route *route = match->route;
    const char *cursor = json_text(result, "nextCursor");
    AUTO_JSON json_t *shown = json_copy((json_t *)result);

    if (cursor[0] != '\0') {
        int r = render_link(match, query, cursor, link, err);
        if (r < 0)
            return r;
    }
    if (!schema_has(route->schema, "nextCursor"))
        json_object_del(shown, "nextCursor");
    const json_t *value = route->member[0] != '\0' ? json_object_get(shown, route->member) : shown;
    if (!value)
        return error_set(err, E_INTERNAL, "Core's answer to %s has no \"%s\"", route->id, route->member);
    json_append_value(body, value);
    return body->overflow ? error_set(err, E_INTERNAL, "Core's answer to %s is too long", route->id) : 0;
}

static void append_problem(struct str *body, const char *type, const char *title, int status, const char *detail,
                           const char *field)
{
    str_append(body, "{\"type\":\"urn:airlock:error:");
    str_append(body, type);
    str_append(body, "\",\"title\":");
    json_append_string(body, title);
    str_printf(body, ",\"status\":%d,\"detail\":", status);
    json_append_string(body, detail);
    if (field[0] != '\0') {
        str_append(body, ",\"field\":");
        json_append_string(body, field);
    }
    str_append(body, "}");
}

bool answer_hides_detail(int code)
{
    return error_http_status(code) == 500;
}

void answer_problem(const struct error *problem, struct str *body)
{
    const char *detail = answer_hides_detail(problem->code) ? "Unable to process request" : problem->detail;

    append_problem(body, error_name(problem->code), error_title(problem->code), error_http_status(problem->code),
                   detail, problem->field);
}

void answer_refusal(int status, const char *detail, struct str *body)
{
    bool too_often = status == error_http_status(E_RATE);

    append_problem(body, too_often ? error_name(E_RATE) : "http",
                   too_often ? error_title(E_RATE) : "The request was not taken", status, detail, "");
}
