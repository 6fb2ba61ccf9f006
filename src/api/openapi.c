/* The OpenAPI 3.1 description, made from the route table. Pure; part of airlock-api. */
#include "api/openapi.h"

#include <string.h>
#include <strings.h>

#include "api/route.h"
#include "api/schema.h"

static const char *method_name(enum http_method method)
{
    switch (method) {
    case HTTP_GET:
        return "get";
    case HTTP_POST:
        return "post";
    case HTTP_PATCH:
        return "patch";
    case HTTP_DELETE:
        return "delete";
    default:
        return "put";
    }
}

static json_t *field_type(const struct route_field *field)
{
    switch (field->kind) {
    case FIELD_NUMBER:
        return json_pack("{s:s}", "type", "integer");
    case FIELD_FLAG:
        return json_pack("{s:s}", "type", "boolean");
    case FIELD_UUID:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    case FIELD_OBJECT:
        return json_pack("{s:s}", "type", "object");
    case FIELD_ARRAY:
        return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
    case FIELD_TEXT:
    case FIELD_ONE_OF_ARRAY:
        break;
    }
    return json_pack("{s:s}", "type", "string");
}

/* format: NULL for any text. */
static void add_path_parameter(json_t *parameters, const char *pattern, const char *name, const char *format)
{
    AUTO_FREE char *placeholder = xasprintf("{%s}", name);

    if (strstr(pattern, placeholder))
        json_array_append_new(parameters, json_pack("{s:s, s:s, s:b, s:{s:s, s:s*}}", "name", name, "in", "path",
                                                    "required", 1, "schema", "type", "string", "format", format));
}

static json_t *render_parameters(const struct route *route)
{
    json_t *parameters = json_array();

    add_path_parameter(parameters, route->pattern, "workspace", "uuid");
    add_path_parameter(parameters, route->pattern, "request", "uuid");
    add_path_parameter(parameters, route->pattern, "user", "uuid");
    add_path_parameter(parameters, route->pattern, "gate", NULL);
    add_path_parameter(parameters, route->pattern, "name", NULL);
    for (size_t i = 0; i < route->field_count; i++) {
        const struct route_field *f = &route->fields[i];
        if (!(f->places & (unsigned)(PLACE_QUERY | PLACE_HEADER)))
            continue;
        json_array_append_new(parameters, json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", f->name, "in",
                                                    f->places & PLACE_QUERY ? "query" : "header", "required",
                                                    f->required, "description", f->help, "schema", field_type(f)));
    }
    return parameters;
}

static json_t *render_body(const struct route *route)
{
    json_t *properties = json_object();

    for (size_t i = 0; i < route->field_count; i++) {
        const struct route_field *f = &route->fields[i];
        if (!(f->places & PLACE_BODY))
            continue;
        json_t *type = field_type(f);
        json_object_set_new(type, "description", json_string(f->help));
        json_object_set_new(properties, f->name, type);
    }
    json_t *schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
    if (route->body == BODY_CLOSED)
        json_object_set_new(schema, "additionalProperties", json_false());
    return json_pack("{s:b, s:{s:{s:o}}}", "required", route->body != BODY_OPTIONAL, "content", "application/json",
                     "schema", schema);
}

static json_t *render_responses(const struct route *route)
{
    AUTO_FREE char *status = xasprintf("%d", route->status);
    const char *type = route->answer == ANSWER_METRICS ? "text/plain"
                       : route->answer == ANSWER_FEED  ? "text/event-stream"
                                                       : "application/json";
    return json_pack("{s:{s:s, s:{s:{s:o}}}, s:{s:s, s:{s:{s:o}}}}", status, "description", "Done", "content", type,
                     "schema", schema_reference(route->schema), "default", "description",
                     "A problem", "content", "application/problem+json", "schema", schema_reference("Problem"));
}

/* For programs: which token, and which roles of it open the route. "rule" says that more is judged, as it stands in
 * the description. */
static json_t *render_right(enum right right)
{
    const struct right_facts *facts = right_facts(right);
    return json_pack("{s:s, s:s, s:o, s:o, s:b}", "name", facts->name, "token", right_token_name(facts->token),
                     "workspaceRoles", role_names(facts->workspace_roles), "treRoles", role_names(facts->tre_roles),
                     "rule", facts->rule != RULE_ALONE);
}

static json_t *render_operation(const struct route *route)
{
    bool open = route->right != RIGHT_OF_NOBODY && right_facts(route->right)->token == TOKEN_NONE;
    AUTO_STR struct str who = STR_INIT(256);
    str_append(&who, "Who may: ");
    right_append_who(&who, route->right);
    str_append_char(&who, '.');
    json_t *operation =
        json_pack("{s:s, s:s, s:s, s:o, s:o}", "operationId", route->id, "summary", route->summary, "description",
                  str_text(&who), "parameters", render_parameters(route), "responses", render_responses(route));

    if (route->body != BODY_NONE)
        json_object_set_new(operation, "requestBody", render_body(route));
    json_object_set_new(operation, "security", open ? json_array() : json_pack("[{s:[]}]", "bearer"));
    json_object_set_new(operation, "x-airlock-right", render_right(route->right));
    return operation;
}

static json_t *render_paths(void)
{
    size_t count;
    const struct route *routes = route_table(&count);
    json_t *paths = json_object();

    for (size_t i = 0; i < count; i++) {
        json_t *path = json_object_get(paths, routes[i].pattern);
        if (!path) {
            path = json_object();
            json_object_set_new(paths, routes[i].pattern, path);
        }
        json_object_set_new(path, method_name(routes[i].method), render_operation(&routes[i]));
    }
    return paths;
}

json_t *openapi_render(const char *version)
{
    return json_pack("{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:{s:{s:s, s:s, s:s}}}}", "openapi", "3.1.0", "info",
                     "title", "airlock", "version", version, "description",
                     "The airlock of a Trusted Research Environment. Compatible with AzureTRE's airlock API.", "paths",
                     render_paths(), "components", "schemas", schema_components(), "securitySchemes", "bearer", "type",
                     "http", "scheme", "bearer", "bearerFormat", "JWT");
}
