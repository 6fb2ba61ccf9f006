/* Frames: what of a request reaches core, and what is refused before. */
#include "../check.h"

#include "api/input.h"

#define W "3a1c9d52-0f4e-4b6a-9c11-5d7e8f902134"
#define R "7b2d8e63-1a5f-4c7b-8d22-6e8f90a13245"
#define REQUESTS "/api/workspaces/" W "/requests"

struct row {
    enum http_method method;
    const char *path, *query, *body;
    const char *expected; /* the frame without token and address, keys sorted; NULL: refused */
    int code;
    const char *field;
};

static const struct row ROWS[] = {
    {HTTP_GET, "/api/workspaces", "", NULL, "{}", 0, ""},
    {HTTP_GET, "/api/workspaces/" W, "", NULL, "{\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_POST, REQUESTS, "", "{\"type\":\"export\",\"title\":\"T\",\"token\":\"x\",\"workspace\":\"y\",\"more\":1}",
     "{\"title\":\"T\",\"type\":\"export\",\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_POST, REQUESTS, "", "{\"type\":5,\"title\":null}", "{\"type\":5,\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_POST, REQUESTS, "type=export", NULL, "{\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_POST, REQUESTS, "", "", "{\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_GET, REQUESTS, "limit=5&order_ascending=False&status=draft&order_by=title&unknown=1&unknown=2", NULL,
     "{\"limit\":5,\"order_ascending\":false,\"order_by\":\"title\",\"status\":\"draft\",\"workspace\":\"" W "\"}", 0,
     ""},
    {HTTP_GET, REQUESTS, "creator_user_id=a%20b+c&cursor=x%2By", NULL,
     "{\"creator_user_id\":\"a b c\",\"cursor\":\"x+y\",\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_GET, "/api/requests", "airlock_manager=true", NULL, "{\"airlock_manager\":true}", 0, ""},
    {HTTP_POST, REQUESTS "/" R "/submit", "", "not json at all", "{\"request\":\"" R "\",\"workspace\":\"" W "\"}", 0,
     ""},
    {HTTP_POST, REQUESTS "/" R "/review", "", "{\"approval\":\"True\",\"decisionExplanation\":\"x\"}",
     "{\"approval\":\"True\",\"decisionExplanation\":\"x\",\"request\":\"" R "\",\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_POST, REQUESTS "/" R "/link", "", NULL, "{\"request\":\"" R "\",\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_POST, REQUESTS "/" R "/link", "permissions=rl", "{\"expiresIn\":60}",
     "{\"expiresIn\":60,\"permissions\":\"rl\",\"request\":\"" R "\",\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_GET, REQUESTS "/" R "/link", "permissions=rl&expiresIn=60", NULL,
     "{\"expiresIn\":60,\"permissions\":\"rl\",\"request\":\"" R "\",\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_POST, "/api/workspaces", "", "{\"templateName\":\"t\",\"properties\":{\"display_name\":\"W\"}}",
     "{\"body\":{\"display_name\":\"W\"}}", 0, ""},
    {HTTP_POST, "/api/workspaces/" W "/users/assign", "", "{\"user_ids\":[\"a\",\"b\"],\"role_id\":\"r\"}",
     "{\"role_id\":\"r\",\"user_ids\":[\"a\",\"b\"],\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_DELETE, "/api/workspaces/" W "/users/assign", "user_id=a&role_id=r", NULL,
     "{\"role_id\":\"r\",\"user_ids\":[\"a\"],\"workspace\":\"" W "\"}", 0, ""},
    {HTTP_GET, "/api/admin/audit", "request=" R "&limit=3", NULL, "{\"limit\":3,\"request\":\"" R "\"}", 0, ""},

    {HTTP_POST, REQUESTS, "", "{", NULL, E_BAD_REQUEST, ""},
    {HTTP_POST, REQUESTS, "", "[]", NULL, E_BAD_REQUEST, ""},
    {HTTP_POST, REQUESTS, "", "null", NULL, E_BAD_REQUEST, ""},
    {HTTP_POST, REQUESTS, "", "{\"type\":\"export\",\"type\":\"import\"}", NULL, E_BAD_REQUEST, ""},
    {HTTP_POST, REQUESTS, "", "{\"type\":\"export\"} x", NULL, E_BAD_REQUEST, ""},
    {HTTP_GET, REQUESTS, "limit=abc", NULL, NULL, E_INVALID, "limit"},
    {HTTP_GET, REQUESTS, "limit=-1", NULL, NULL, E_INVALID, "limit"},
    {HTTP_GET, REQUESTS, "limit=", NULL, NULL, E_INVALID, "limit"},
    {HTTP_GET, REQUESTS, "limit=99999999999999999999", NULL, NULL, E_INVALID, "limit"},
    {HTTP_GET, REQUESTS, "limit=1&limit=2", NULL, NULL, E_INVALID, "limit"},
    {HTTP_GET, REQUESTS, "order_ascending=perhaps", NULL, NULL, E_INVALID, "order_ascending"},
    {HTTP_GET, REQUESTS, "cursor=%00zz", NULL, NULL, E_INVALID, "query"},
    {HTTP_GET, REQUESTS, "cursor=%zz", NULL, NULL, E_INVALID, "query"},
    {HTTP_GET, REQUESTS, "cursor=%ff", NULL, NULL, E_INVALID, "cursor"},
    {HTTP_GET, REQUESTS "/" R "/link", "expiresIn=soon", NULL, NULL, E_INVALID, "expiresIn"},
    {HTTP_GET, REQUESTS "/" R "/link", "permissions=rl&permissions=rw", NULL, NULL, E_INVALID, "permissions"},
    {HTTP_POST, REQUESTS "/" R "/link", "permissions=rl", "{\"permissions\":\"r\"}", NULL, E_INVALID, "permissions"},
    {HTTP_POST, "/api/workspaces", "", NULL, NULL, E_INVALID, "properties"},
    {HTTP_POST, "/api/workspaces", "", "{\"properties\":[]}", NULL, E_INVALID, "properties"},
    {HTTP_PATCH, "/api/workspaces/" W, "", "{\"properties\":{}}", NULL, E_INVALID, "etag"},
    {HTTP_PATCH, "/api/workspaces/" W, "", "{\"properties\":{},\"isEnabled\":false}", NULL, E_INVALID, "isEnabled"},
    {HTTP_PATCH, "/api/workspaces/" W, "", "{\"etag\":\"*\"}", NULL, E_INVALID, "etag"},
    {HTTP_POST, "/api/workspaces/" W "/users/assign", "", "{\"user_ids\":\"a\",\"role_id\":\"r\"}", NULL, E_INVALID,
     "user_ids"},
    {HTTP_POST, "/api/workspaces/" W "/users/assign", "", "{\"user_ids\":[\"a\"]}", NULL, E_INVALID, "role_id"},
    {HTTP_DELETE, "/api/workspaces/" W "/users/assign", "role_id=r", NULL, NULL, E_INVALID, "user_id"},
    {HTTP_DELETE, "/api/workspaces/" W "/users/assign", "user_id=%ff&role_id=r", NULL, NULL, E_INVALID, "user_id"},
    {HTTP_GET, "/api/admin/audit", "request=x", NULL, NULL, E_INVALID, "request"},
};

static int make_frame(const struct row *row, const struct http_head *head, json_t **ret, struct error *err)
{
    struct route_match match;
    const struct input input = {.query = row->query,
                                .token = "TOKEN",
                                .address = "192.0.2.7",
                                .head = head,
                                .body = row->body,
                                .body_len = row->body ? strlen(row->body) : 0};

    assert_int_equal(route_find(row->method, row->path, &match, NULL), 0);
    return input_frame(&match, &input, ret, err);
}

static void assert_frame(json_t *frame, const char *expected)
{
    assert_string_equal(json_text(frame, "token"), "TOKEN");
    assert_string_equal(json_text(frame, "address"), "192.0.2.7");
    json_object_del(frame, "token");
    json_object_del(frame, "address");
    AUTO_FREE char *text = json_dumps(frame, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, expected);
}

static void test_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_JSON json_t *frame = NULL;
        struct error err = {0};
        int got = make_frame(&ROWS[i], NULL, &frame, &err);
        if (got != ROWS[i].code)
            fail_msg("%s?%s %s: %s", ROWS[i].path, ROWS[i].query, ROWS[i].body ? ROWS[i].body : "", error_name(got));
        assert_string_equal(err.field, ROWS[i].field);
        if (ROWS[i].expected)
            assert_frame(frame, ROWS[i].expected);
    }
}

static void test_too_many_parameters(void **state)
{
    (void)state;
    AUTO_STR struct str query = STR_INIT(4096);
    AUTO_JSON json_t *frame = NULL;

    for (int i = 0; i <= INPUT_PARAMS_MAX; i++)
        str_append(&query, "a=b&");
    struct row row = {HTTP_GET, "/api/requests", str_text(&query), NULL, NULL, 0, ""};
    assert_refused_field(make_frame(&row, NULL, &frame, err), E_INVALID, "query");
}

static void test_etag(void **state)
{
    (void)state;
    struct http_head head = {.header_count = 1, .headers = {{"ETag", "\"4\""}}};
    struct row row = {HTTP_PATCH, "/api/workspaces/" W, "", "{\"properties\":{\"a\":1}}", NULL, 0, ""};
    AUTO_JSON json_t *frame = NULL;

    assert_int_equal(make_frame(&row, &head, &frame, NULL), 0);
    assert_frame(frame, "{\"body\":{\"a\":1},\"etag\":\"\\\"4\\\"\",\"workspace\":\"" W "\"}");
    head.header_count = 2;
    head.headers[1] = (struct http_header){"etag", "*"};
    assert_refused_field(make_frame(&row, &head, &frame, err), E_INVALID, "etag");
}

/* A token that cannot be put into a frame is no token. */
static void test_token_is_text(void **state)
{
    (void)state;
    struct route_match match;
    AUTO_JSON json_t *frame = NULL;
    const struct input input = {.query = "", .token = "\xff\xfe", .address = "192.0.2.7"};

    assert_int_equal(route_find(HTTP_GET, "/api/requests", &match, NULL), 0);
    assert_refused(input_frame(&match, &input, &frame, err), E_UNAUTHENTICATED, "Could not validate credentials");
}

static void test_bearer(void **state)
{
    (void)state;
    static const struct {
        const char *header, *token;
    } TOKENS[] = {
        {NULL, ""},        {"", ""},           {"Bearer abc", "abc"}, {"bearer abc", "abc"}, {"Bearer   abc", "abc"},
        {"Bearerabc", ""}, {"Basic YTpi", ""}, {"Bearer", ""},        {"Bearer ", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(TOKENS); i++)
        assert_string_equal(input_bearer(TOKENS[i].header), TOKENS[i].token);
}

static void test_json_type(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"application/json", "Application/JSON", "application/json; charset=utf-8",
                                       "application/json;charset=\"UTF-8\"", "application/json ; charset=utf8"};
    static const char *const BAD[] = {"",
                                      "text/plain",
                                      "application/jsonp",
                                      "application/json; charset=utf-16",
                                      "application/x-www-form-urlencoded",
                                      "multipart/form-data"};
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_true(input_is_json(GOOD[i]));
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_false(input_is_json(BAD[i]));
    assert_false(input_is_json(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames), cmocka_unit_test(test_too_many_parameters),
        cmocka_unit_test(test_etag),   cmocka_unit_test(test_token_is_text),
        cmocka_unit_test(test_bearer), cmocka_unit_test(test_json_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
