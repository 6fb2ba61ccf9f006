/* Request bodies: defaults, limits, and that every refusal names its field. */
#include "../check.h"

#include <stdio.h>

#include "base/str.h"
#include "model/validate.h"

static json_t *object(const char *text)
{
    json_t *body = NULL;
    struct error err = {0};
    if (json_parse_object(text, strlen(text), &body, &err) != 0)
        fail_msg("%s: %s", text, err.detail);
    return body;
}

struct row {
    const char *body;
    const char *field; /* NULL: fine */
};

static int request_code(const char *text, struct error *err)
{
    struct request_input input;
    AUTO_JSON json_t *body = object(text);
    return validate_request(body, &input, err);
}

static void test_request(void **state)
{
    (void)state;
    static const struct row ROWS[] = {
        {"{\"type\":\"import\"}", NULL},
        {"{\"type\":\"export\",\"title\":\"t\",\"businessJustification\":\"j\",\"properties\":{},\"more\":1}", NULL},
        {"{\"type\":\"export\",\"title\":null}", NULL},
        {"{\"type\":\"export\",\"businessJustification\":\"line\\nline\\ttab\"}", NULL},
        {"{}", "type"},
        {"{\"type\":null}", "type"},
        {"{\"type\":\"both\"}", "type"},
        {"{\"type\":\"Import\"}", "type"},
        {"{\"type\":1}", "type"},
        {"{\"type\":\"importimportimport\"}", "type"},
        {"{\"type\":\"import\",\"title\":\"\"}", "title"},
        {"{\"type\":\"import\",\"title\":5}", "title"},
        {"{\"type\":\"import\",\"title\":\"two\\nlines\"}", "title"},
        {"{\"type\":\"import\",\"title\":\"\\u001b\"}", "title"},
        {"{\"type\":\"import\",\"title\":\"\\u0085\"}", "title"},
        {"{\"type\":\"import\",\"title\":\"\\u007f\"}", "title"},
        {"{\"type\":\"import\",\"businessJustification\":[]}", "businessJustification"},
        {"{\"type\":\"import\",\"businessJustification\":\"\\u0007\"}", "businessJustification"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (ROWS[i].field)
            assert_refused_field(request_code(ROWS[i].body, err), E_INVALID, ROWS[i].field);
        else
            assert_int_equal(request_code(ROWS[i].body, NULL), 0);
    }
}

static void test_request_defaults(void **state)
{
    (void)state;
    AUTO_JSON json_t *body = object("{\"type\":\"import\"}");
    struct request_input input;

    assert_int_equal(validate_request(body, &input, NULL), 0);
    assert_int_equal(input.type, REQUEST_IMPORT);
    assert_string_equal(input.title, "Airlock Request");
    assert_string_equal(input.justification, "Business Justifications");
}

/* Limits count characters, not bytes. */
static void test_request_lengths(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT(1 << 20);

    for (int title = 200; title <= 201; title++) {
        str_reset(&text);
        str_append(&text, "{\"type\":\"import\",\"title\":\"");
        for (int i = 0; i < title; i++)
            str_append(&text, "\xc3\xa9");
        str_append(&text, "\"}");
        if (title == 200)
            assert_int_equal(request_code(str_text(&text), NULL), 0);
        else
            assert_refused_field(request_code(str_text(&text), err), E_INVALID, "title");
    }
    for (int length = 10000; length <= 10001; length++) {
        str_reset(&text);
        str_append(&text, "{\"type\":\"import\",\"businessJustification\":\"");
        for (int i = 0; i < length; i++)
            str_append(&text, "\xf0\x9f\x98\x80");
        str_append(&text, "\"}");
        if (length == 10000)
            assert_int_equal(request_code(str_text(&text), NULL), 0);
        else
            assert_refused_field(request_code(str_text(&text), err), E_INVALID, "businessJustification");
    }
}

static int review_code(const char *text, struct error *err)
{
    struct review_input input;
    AUTO_JSON json_t *body = object(text);
    return validate_review(body, &input, err);
}

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_review(void **state)
{
    (void)state;
    static const struct row ROWS[] = {
        {"{\"approval\":true}", NULL},
        {"{\"approval\":\"True\"}", NULL},
        {"{\"approval\":\"false\",\"decisionExplanation\":\"\"}", NULL},
        {"{\"approval\":true,\"manifestDigest\":\"" DIGEST "\"}", NULL},
        {"{\"approval\":true,\"manifestDigest\":null}", NULL},
        {"{}", "approval"},
        {"{\"approval\":null}", "approval"},
        {"{\"approval\":\"yes\"}", "approval"},
        {"{\"approval\":1}", "approval"},
        {"{\"approval\":true,\"decisionExplanation\":7}", "decisionExplanation"},
        {"{\"approval\":true,\"manifestDigest\":\"abc\"}", "manifestDigest"},
        {"{\"approval\":true,\"manifestDigest\":\"\"}", "manifestDigest"},
        {"{\"approval\":true,\"manifestDigest\":5}", "manifestDigest"},
        {"{\"approval\":true,\"manifestDigest\":\"E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}",
         "manifestDigest"},
    };
    struct review_input input;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (ROWS[i].field)
            assert_refused_field(review_code(ROWS[i].body, err), E_INVALID, ROWS[i].field);
        else
            assert_int_equal(review_code(ROWS[i].body, NULL), 0);
    }
    AUTO_JSON json_t *body = object("{\"approval\":\"True\"}");
    assert_int_equal(validate_review(body, &input, NULL), 0);
    assert_true(input.approve);
    assert_null(input.manifest_digest);
    assert_string_equal(input.explanation, "Decision Explanation");
}

static void test_revoke(void **state)
{
    (void)state;
    static const struct row ROWS[] = {
        {"{\"reason\":\"wrong file\"}", NULL}, {"{}", "reason"},
        {"{\"reason\":\"\"}", "reason"},       {"{\"reason\":true}", "reason"},
        {"{\"reason\":null}", "reason"},       {"{\"reason\":\"\\u0000\"}", "reason"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const char *reason;
        json_error_t why;
        AUTO_JSON json_t *body = json_loads(ROWS[i].body, JSON_ALLOW_NUL, &why);
        assert_non_null(body);
        if (ROWS[i].field)
            assert_refused_field(validate_revoke(body, &reason, err), E_INVALID, ROWS[i].field);
        else
            assert_int_equal(validate_revoke(body, &reason, NULL), 0);
    }
}

static int create_code(const char *text, struct error *err)
{
    struct workspace_input input;
    AUTO_JSON json_t *body = object(text);
    return validate_workspace_create(body, &input, err);
}

static void test_workspace_create(void **state)
{
    (void)state;
    static const struct row ROWS[] = {
        {"{\"display_name\":\"W\"}", NULL},
        {"{\"display_name\":\"W\",\"networks\":[\"10.0.0.0/8\",\"2001:db8::/32\"],\"policy\":{\"max_files\":5}}", NULL},
        {"{\"display_name\":\"W\",\"networks\":[],\"policy\":{\"max_files\":null},\"enable_airlock\":\"false\"}", NULL},
        {"{}", "display_name"},
        {"{\"display_name\":\"\"}", "display_name"},
        {"{\"display_name\":7}", "display_name"},
        {"{\"display_name\":\"W\",\"colour\":\"red\"}", "colour"},
        {"{\"display_name\":\"W\",\"description\":7}", "description"},
        {"{\"display_name\":\"W\",\"enable_airlock\":\"maybe\"}", "enable_airlock"},
        {"{\"display_name\":\"W\",\"networks\":\"10.0.0.0/8\"}", "networks"},
        {"{\"display_name\":\"W\",\"networks\":[7]}", "networks"},
        {"{\"display_name\":\"W\",\"networks\":[\"10.0.0.1/8\"]}", "networks"},
        {"{\"display_name\":\"W\",\"policy\":5}", "policy"},
        {"{\"display_name\":\"W\",\"policy\":{\"max_files\":0}}", "max_files"},
        {"{\"display_name\":\"W\",\"policy\":{\"max_files\":\"5\"}}", "max_files"},
        {"{\"display_name\":\"W\",\"policy\":{\"max_bytes\":0}}", "max_bytes"},
        {"{\"display_name\":\"W\",\"policy\":{\"link_lifetime\":5}}", "link_lifetime"},
        {"{\"display_name\":\"W\",\"policy\":{\"max_cats\":5}}", "max_cats"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (ROWS[i].field)
            assert_refused_field(create_code(ROWS[i].body, err), E_INVALID, ROWS[i].field);
        else
            assert_int_equal(create_code(ROWS[i].body, NULL), 0);
    }
}

static void test_workspace_networks_limit(void **state)
{
    (void)state;
    for (int count = VALIDATE_NETWORKS_MAX; count <= VALIDATE_NETWORKS_MAX + 1; count++) {
        AUTO_STR struct str text = STR_INIT(4096);
        str_append(&text, "{\"display_name\":\"W\",\"networks\":[");
        for (int i = 0; i < count; i++)
            str_printf(&text, "%s\"10.%d.0.0/16\"", i ? "," : "", i);
        str_append(&text, "]}");
        if (count == VALIDATE_NETWORKS_MAX)
            assert_int_equal(create_code(str_text(&text), NULL), 0);
        else
            assert_refused_field(create_code(str_text(&text), err), E_INVALID, "networks");
    }
}

static void test_workspace_patch(void **state)
{
    (void)state;
    struct workspace_input input;
    AUTO_JSON json_t *empty = object("{}");
    AUTO_JSON json_t *some =
        object("{\"enable_airlock\":false,\"policy\":{\"max_files\":9},\"networks\":[\"10.0.0.0/8\"]}");
    AUTO_JSON json_t *unknown = object("{\"isEnabled\":false}");

    assert_int_equal(validate_workspace_patch(empty, &input, NULL), 0);
    assert_null(input.display_name);
    assert_null(input.description);
    assert_false(input.has_enable_airlock);
    assert_true(input.enable_airlock);
    assert_false(input.has_networks);
    assert_int_equal(input.policy_given, 0);
    assert_int_equal(validate_workspace_patch(some, &input, NULL), 0);
    assert_true(input.has_enable_airlock);
    assert_false(input.enable_airlock);
    assert_int_equal(input.network_count, 1);
    assert_int_equal(input.policy_given, 1U << POLICY_MAX_FILES);
    assert_int_equal(input.policy.max_files, 9);
    assert_refused_field(validate_workspace_patch(unknown, &input, err), E_INVALID, "isEnabled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),         cmocka_unit_test(test_request_defaults),
        cmocka_unit_test(test_request_lengths), cmocka_unit_test(test_review),
        cmocka_unit_test(test_revoke),          cmocka_unit_test(test_workspace_create),
        cmocka_unit_test(test_workspace_patch), cmocka_unit_test(test_workspace_networks_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
