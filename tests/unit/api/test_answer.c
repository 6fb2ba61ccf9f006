/* Bodies, paging links, problems, and the OpenAPI description. */
#include "../check.h"

#include "api/answer.h"
#include "api/openapi.h"
#include "api/schema.h"

#define W "3a1c9d52-0f4e-4b6a-9c11-5d7e8f902134"

static int render(const char *path, const char *query, const char *result, struct str *body, struct str *link,
                  struct error *err)
{
    struct route_match match;
    AUTO_JSON json_t *value = json_loads(result, 0, NULL);

    assert_non_null(value);
    assert_int_equal(route_find(HTTP_GET, path, &match, NULL), 0);
    return answer_render(&match, query, value, body, link, err);
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *path, *query, *result, *body, *link;
    } ROWS[] = {
        {"/api/workspaces", "", "{\"workspaces\":[]}", "{\"workspaces\":[]}", ""},
        {"//api/workspaces/" W "/requests", "limit=2&order_by=title",
         "{\"airlockRequests\":[1],\"nextCursor\":\"a+b/\"}", "{\"airlockRequests\":[1]}",
         "</api/workspaces/" W "/requests?limit=2&order_by=title&cursor=a%2Bb%2F>; rel=\"next\""},
        {"/api/requests", "cursor=old&type=import&x=%3E%22", "{\"requests\":[{\"id\":\"1\"}],\"nextCursor\":\"new\"}",
         "[{\"id\":\"1\"}]", "</api/requests?type=import&cursor=new>; rel=\"next\""},
        {"/api/requests", "cursor=old", "{\"requests\":[]}", "[]", ""},
        {"/api/admin/audit", "limit=1", "{\"entries\":[],\"nextCursor\":\"7\"}",
         "{\"entries\":[],\"nextCursor\":\"7\"}", "</api/admin/audit?limit=1&cursor=7>; rel=\"next\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_STR struct str body = STR_INIT(4096);
        AUTO_STR struct str link = STR_INIT(4096);
        assert_int_equal(render(ROWS[i].path, ROWS[i].query, ROWS[i].result, &body, &link, NULL), 0);
        assert_string_equal(str_text(&body), ROWS[i].body);
        assert_string_equal(str_text(&link), ROWS[i].link);
    }
}

static void test_empty_lists(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *facts, *body;
    } ROWS[] = {
        {"OperationList", "{}", "{\"operations\":[]}"},
        {"OperationList", "{\"id\":\"1\",\"name\":\"n\",\"operations\":[1]}", "{\"operations\":[]}"},
        {"WorkspaceCosts", "{\"id\":\"1\",\"name\":\"n\",\"more\":2}",
         "{\"id\":\"1\",\"name\":\"n\",\"costs\":[],\"workspace_services\":[]}"},
        {"Costs", "{}", "{\"core_services\":[],\"shared_services\":[],\"workspaces\":[]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_JSON json_t *facts = json_loads(ROWS[i].facts, 0, NULL);
        AUTO_JSON json_t *value = schema_empty(ROWS[i].schema, facts);
        AUTO_FREE char *text = json_dumps(value, JSON_COMPACT);
        assert_string_equal(text, ROWS[i].body);
    }
}

static void test_body_failures(void **state)
{
    (void)state;
    AUTO_STR struct str body = STR_INIT(4096);
    AUTO_STR struct str link = STR_INIT(4096);
    AUTO_STR struct str small = STR_INIT(8);

    assert_refused(render("/api/requests", "", "{\"other\":1}", &body, &link, err), E_INTERNAL, "has no \"requests\"");
    assert_refused(render("/api/workspaces", "", "{\"workspaces\":[]}", &small, &link, err), E_INTERNAL, "too long");
    str_reset(&small);
    assert_refused(render("/api/requests", "", "{\"requests\":[],\"nextCursor\":\"x\"}", &body, &small, err),
                   E_INTERNAL, "next page is too long");
    assert_refused(render("/api/requests", "%zz", "{\"requests\":[],\"nextCursor\":\"x\"}", &body, &link, err),
                   E_BAD_REQUEST, "escape");
}

static void test_problems(void **state)
{
    (void)state;
    static const struct {
        struct error err;
        const char *body;
    } ROWS[] = {
        {{E_NOT_FOUND, "", "Airlock request does not exist", 0},
         "{\"type\":\"urn:airlock:error:not-found\",\"title\":\"Not found\",\"status\":404,"
         "\"detail\":\"Airlock request does not exist\"}"},
        {{E_INVALID, "title", "\"title\" must be a string", 0},
         "{\"type\":\"urn:airlock:error:invalid\",\"title\":\"A value is not valid\",\"status\":422,"
         "\"detail\":\"\\\"title\\\" must be a string\",\"field\":\"title\"}"},
        {{E_INTERNAL, "", "secret path /srv/x", 0},
         "{\"type\":\"urn:airlock:error:internal\",\"title\":\"Something went wrong inside airlock\",\"status\":500,"
         "\"detail\":\"Unable to process request\"}"},
        {{E_INVALID, "a\xff<>\x1b", "x\ny", 0},
         "{\"type\":\"urn:airlock:error:invalid\",\"title\":\"A value is not valid\",\"status\":422,"
         "\"detail\":\"x\\ny\",\"field\":\"a\\ufffd<>\\u001b\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_STR struct str body = STR_INIT(4096);
        answer_problem(&ROWS[i].err, &body);
        assert_string_equal(str_text(&body), ROWS[i].body);
        AUTO_JSON json_t *parsed = json_loads(str_text(&body), 0, NULL);
        assert_non_null(parsed);
    }
    AUTO_STR struct str refusal = STR_INIT(4096);
    answer_refusal(431, "The head is too long", &refusal);
    assert_string_equal(str_text(&refusal),
                        "{\"type\":\"urn:airlock:error:http\",\"title\":\"The request was not taken\","
                        "\"status\":431,\"detail\":\"The head is too long\"}");
    assert_true(answer_hides_detail(E_IO));
    assert_false(answer_hides_detail(E_UNAVAILABLE));
    assert_false(answer_hides_detail(E_NO_SPACE));
}

/* Every reference in the description leads somewhere. */
static void check_references(const json_t *value, const json_t *schemas)
{
    const char *key;
    json_t *child;
    size_t index;
    const char *reference = json_string_value(json_object_get(value, "$ref"));

    if (reference) {
        static const char PREFIX[] = "#/components/schemas/";
        assert_int_equal(strncmp(reference, PREFIX, strlen(PREFIX)), 0);
        if (!json_object_get(schemas, reference + strlen(PREFIX)))
            fail_msg("%s leads nowhere", reference);
    }
    json_object_foreach((json_t *)value, key, child)
    {
        check_references(child, schemas);
    }
    json_array_foreach(value, index, child)
    {
        check_references(child, schemas);
    }
}

static void test_openapi(void **state)
{
    (void)state;
    AUTO_JSON json_t *api = openapi_render("1.2.3");
    size_t count;
    const struct route *routes = route_table(&count);
    const json_t *paths = json_object_get(api, "paths");
    const json_t *schemas = json_object_get(json_object_get(api, "components"), "schemas");

    assert_string_equal(json_text(api, "openapi"), "3.1.0");
    assert_string_equal(json_text(json_object_get(api, "info"), "version"), "1.2.3");
    for (size_t i = 0; i < count; i++) {
        const json_t *path = json_object_get(paths, routes[i].pattern);
        const char *method;
        json_t *operation;
        bool found = false;
        json_object_foreach((json_t *)path, method, operation)
        {
            found |= strcmp(json_text(operation, "operationId"), routes[i].id) == 0;
        }
        if (!found)
            fail_msg("%s is not described", routes[i].id);
    }
    check_references(api, schemas);
    const json_t *statuses = json_object_get(json_object_get(schemas, "Status"), "enum");
    assert_int_equal(json_array_size(statuses), 12);
    assert_string_equal(json_string_value(json_array_get(statuses, 2)), "in_review");
    const json_t *review =
        json_object_get(json_object_get(paths, "/api/workspaces/{workspace}/requests/{request}/review"), "post");
    assert_int_equal(json_array_size(json_object_get(review, "parameters")), 2);
    assert_non_null(json_object_get(review, "requestBody"));
    assert_int_equal(json_array_size(json_object_get(review, "security")), 1);
}

static void test_schemas(void **state)
{
    (void)state;
    assert_true(schema_has("AuditPage", "nextCursor"));
    assert_false(schema_has("EnvelopeList", "nextCursor"));
    assert_false(schema_has("Nothing", "nextCursor"));
    assert_true(schema_exists("[AirlockRequest"));
    assert_true(schema_exists("Status"));
    assert_false(schema_exists("Nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),  cmocka_unit_test(test_body_failures), cmocka_unit_test(test_problems),
        cmocka_unit_test(test_openapi), cmocka_unit_test(test_schemas),       cmocka_unit_test(test_empty_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
