/* The route table: what it must be, and what a path finds in it. */
#include "../check.h"

#include "api/route.h"
#include "api/schema.h"

#define W "3a1c9d52-0f4e-4b6a-9c11-5d7e8f902134"
#define R "7b2d8e63-1a5f-4c7b-8d22-6e8f90a13245"

static bool has_text(const char *text)
{
    return text && text[0] != '\0';
}

/* A row nobody thought about does not pass: roles, schema, message, fields. */
static void test_table(void **state)
{
    (void)state;
    size_t count;
    const struct route *routes = route_table(&count);

    for (size_t i = 0; i < count; i++) {
        const struct route *r = &routes[i];
        assert_true(has_text(r->id) && has_text(r->summary));
        assert_true(r->pattern[0] == '/');
        assert_true(r->status >= 200 && r->status < 300);
        if (!schema_exists(r->schema))
            fail_msg("%s: no schema %s", r->id, r->schema);
        if (r->message != ROUTE_ASKS_NOBODY)
            assert_true(message_allowed(r->message, PEER_API, PEER_CORE));
        assert_int_equal(r->message == ROUTE_ASKS_NOBODY,
                         r->answer == ANSWER_PING || r->answer == ANSWER_ALIVE || r->answer == ANSWER_OPENAPI ||
                             r->answer == ANSWER_DOCS || r->answer == ANSWER_EVENT_SCHEMAS ||
                             r->answer == ANSWER_EVENT_SCHEMA);
        bool body_fields = false;
        for (size_t f = 0; f < r->field_count; f++) {
            assert_true(has_text(r->fields[f].name) && has_text(r->fields[f].help));
            body_fields |= r->fields[f].places & PLACE_BODY;
        }
        assert_true(r->body == BODY_NONE || body_fields);
        for (size_t k = i + 1; k < count; k++) {
            assert_string_not_equal(r->id, routes[k].id);
            assert_false(strcmp(r->pattern, routes[k].pattern) == 0 && r->method == routes[k].method);
        }
    }
}

/* Every message that airlock-api may send is behind some route. */
static void test_every_message_is_used(void **state)
{
    (void)state;
    size_t count;
    const struct route *routes = route_table(&count);

    for (int m = 0; m < MESSAGE_COUNT; m++) {
        bool used = false;
        if (!message_allowed((enum message)m, PEER_API, PEER_CORE))
            continue;
        for (size_t i = 0; i < count; i++)
            used |= routes[i].message == (enum message)m;
        if (!used)
            fail_msg("%s is behind no route", message_op((enum message)m));
    }
}

struct row {
    enum http_method method;
    const char *path;
    const char *id; /* NULL: refused */
    int code;
    const char *more; /* methods for 405, field for 422 */
};

static const struct row ROWS[] = {
    {HTTP_GET, "/api/workspaces", "listWorkspaces", 0, ""},
    {HTTP_HEAD, "/api/workspaces", "listWorkspaces", 0, ""},
    {HTTP_POST, "/api/workspaces", "createWorkspace", 0, ""},
    {HTTP_GET, "/api/workspaces/", "listWorkspaces", 0, ""},
    {HTTP_GET, "//api/workspaces", "listWorkspaces", 0, ""},
    {HTTP_GET, "/api//workspaces///" W "//requests", "listRequests", 0, ""},
    {HTTP_GET, "/api/workspaces/" W, "getWorkspace", 0, ""},
    {HTTP_PATCH, "/api/workspaces/" W, "updateWorkspace", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/scopeid", "getScope", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/users", "listUsers", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/roles", "listRoles", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/assignable-users", "listAssignableUsers", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/users/assign", "assignUsers", 0, ""},
    {HTTP_DELETE, "/api/workspaces/" W "/users/assign", "unassignUser", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/requests", "createRequest", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/requests", "listRequests", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/requests/" R, "getRequest", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/requests/" R "/submit", "submitRequest", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/requests/" R "/cancel", "cancelRequest", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/requests/" R "/review", "reviewRequest", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/requests/" R "/revoke", "revokeRequest", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/requests/" R "/link", "getLink", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/requests/" R "/link", "createLink", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/requests/" R "/link/revoke-all", "revokeLinks", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/requests/" R "/review-user-resource", "createReviewResource", 0, ""},
    {HTTP_GET, "/api/requests", "listAllRequests", 0, ""},
    {HTTP_POST, "/api/admin/requests/" R "/retry", "retryRequest", 0, ""},
    {HTTP_GET, "/api/admin/audit", "listAudit", 0, ""},
    {HTTP_GET, "/api/admin/jobs", "listJobs", 0, ""},
    {HTTP_GET, "/api/health", "getHealth", 0, ""},
    {HTTP_GET, "/health", "getRootHealth", 0, ""},
    {HTTP_GET, "/healthz", "getAlive", 0, ""},
    {HTTP_GET, "/readyz", "getReady", 0, ""},
    {HTTP_GET, "/ping", "getPing", 0, ""},
    {HTTP_GET, "/api/ping", "getApiPing", 0, ""},
    {HTTP_GET, "/", "getRoot", 0, ""},
    {HTTP_GET, "//", "getRoot", 0, ""},
    {HTTP_GET, "/api/", "getApiRoot", 0, ""},
    {HTTP_GET, "/.metadata", "getMetadata", 0, ""},
    {HTTP_GET, "/api/.metadata", "getApiMetadata", 0, ""},
    {HTTP_GET, "/api/openapi.json", "getOpenApi", 0, ""},
    {HTTP_GET, "/api/events/schemas", "listEventSchemas", 0, ""},
    {HTTP_GET, "/api/events/schemas/step_result.v1.json", "getEventSchema", 0, ""},
    {HTTP_GET, "/api/admin/metrics", "getMetrics", 0, ""},

    {HTTP_GET, "/api/operations", "listOperations", 0, ""},
    {HTTP_GET, "//api//operations/", "listOperations", 0, ""},
    {HTTP_GET, "/api/shared-services", "listSharedServices", 0, ""},
    {HTTP_GET, "/api/workspace-templates", "listWorkspaceTemplates", 0, ""},
    {HTTP_GET, "/api/workspace-service-templates", "listWorkspaceServiceTemplates", 0, ""},
    {HTTP_GET, "/api/shared-service-templates", "listSharedServiceTemplates", 0, ""},
    {HTTP_GET, "/api/costs", "getCosts", 0, ""},
    {HTTP_POST, "/api/migrations", "runMigrations", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/workspace-services", "listWorkspaceServices", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/workspace-service-templates", "listTemplatesOfWorkspace", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/operations", "listWorkspaceOperations", 0, ""},
    {HTTP_GET, "/api/workspaces/" W "/history", "getWorkspaceHistory", 0, ""},
    {HTTP_GET, "//api/workspaces/" W "//costs", "getWorkspaceCosts", 0, ""},
    {HTTP_GET, "/api/docs", "getDocs", 0, ""},

    {HTTP_GET, "/api/operations/" R, NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "/api/shared-services/" R, NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "/api/workspaces/" W "/workspace-services/" R, NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "/nowhere", NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "", NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "*", NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "/API/workspaces", NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "/api/workspaces/../requests", NULL, E_INVALID, "workspace"},
    {HTTP_GET, "/api/%77orkspaces", NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "/api/workspaces/" W "/nothing", NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "/api/workspaces/" W "/requests/" R "/link/more", NULL, E_NOT_FOUND, ""},
    {HTTP_GET, "/api/workspaces/" W "/requests/" R "/files", NULL, E_NOT_FOUND, ""},

    {HTTP_DELETE, "/api/workspaces/" W "/requests", NULL, E_METHOD, "GET, HEAD, POST"},
    {HTTP_PUT, "/api/workspaces/" W, NULL, E_METHOD, "GET, HEAD, PATCH"},
    {HTTP_OPTIONS, "/api/requests", NULL, E_METHOD, "GET, HEAD"},
    {HTTP_OTHER, "/api/requests", NULL, E_METHOD, "GET, HEAD"},
    {HTTP_HEAD, "/api/workspaces/" W "/requests/" R "/submit", NULL, E_METHOD, "POST"},
    {HTTP_GET, "/api/workspaces/" W "/users/assign", NULL, E_METHOD, "POST, DELETE"},
    {HTTP_DELETE, "/api/workspaces/not-an-id", NULL, E_METHOD, "GET, HEAD, PATCH"},

    {HTTP_GET, "/api/workspaces/not-an-id", NULL, E_INVALID, "workspace"},
    {HTTP_GET, "/api/workspaces/3a1c9d52-0f4e-1b6a-9c11-5d7e8f902134", NULL, E_INVALID, "workspace"},
    {HTTP_GET, "/api/workspaces/" W "x", NULL, E_INVALID, "workspace"},
    {HTTP_GET, "/api/workspaces/" W W, NULL, E_INVALID, "workspace"},
    {HTTP_GET, "/api/workspaces/" W "/requests/not-an-id", NULL, E_INVALID, "request"},
    {HTTP_GET, "/api/workspaces/" W "/requests/%2e%2e", NULL, E_INVALID, "request"},
    {HTTP_POST, "/api/admin/requests/x/retry", NULL, E_INVALID, "request"},
};

static void test_find(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct row *row = &ROWS[i];
        struct route_match match;
        struct error err = {0};
        AUTO_STR struct str methods = STR_INIT(128);
        int got = route_find(row->method, row->path, &match, &err);
        if (got != row->code)
            fail_msg("%s: %s", row->path, error_name(got));
        if (row->id)
            assert_string_equal(match.route->id, row->id);
        route_append_methods(&methods, match.methods);
        if (got == E_METHOD)
            assert_string_equal(str_text(&methods), row->more);
        if (got == E_INVALID)
            assert_string_equal(err.field, row->more);
    }
}

static void test_ids(void **state)
{
    (void)state;
    struct route_match match;

    assert_int_equal(route_find(HTTP_GET, "//api/workspaces/" W "/requests/" R "/link/", &match, NULL), 0);
    assert_string_equal(match.workspace, W);
    assert_string_equal(match.request, R);
    assert_string_equal(match.path, "/api/workspaces/" W "/requests/" R "/link");
    assert_int_equal(route_find(HTTP_GET, "/api/workspaces/3A1C9D52-0F4E-4B6A-9C11-5D7E8F902134", &match, NULL), 0);
    assert_string_equal(match.workspace, W);
    assert_string_equal(match.request, "");
}

static void test_long_path(void **state)
{
    (void)state;
    struct route_match match;
    char path[ROUTE_PATH_MAX * 2];

    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    assert_refused(route_find(HTTP_GET, path, &match, err), E_NOT_FOUND, "nothing at this address");
    assert_null(match.route);
    memset(path, '/', sizeof path - 1);
    assert_int_equal(route_find(HTTP_GET, path, &match, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),     cmocka_unit_test(test_every_message_is_used),
        cmocka_unit_test(test_find),      cmocka_unit_test(test_ids),
        cmocka_unit_test(test_long_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
