/* The operation table as a whole: exactly the operations that are offered get through, each row is alive, and what
 * would change a request's meaning is refused. */
#include "check.h"

#include "blob/operation.h"

static const enum http_method METHODS[] = {HTTP_GET,    HTTP_HEAD,  HTTP_PUT,     HTTP_POST,
                                           HTTP_DELETE, HTTP_PATCH, HTTP_OPTIONS, HTTP_OTHER};
static const enum location_level LEVELS[] = {LEVEL_ACCOUNT, LEVEL_CONTAINER, LEVEL_BLOB};
static const char *const RESTYPES[] = {"", "account", "container", "service", "Container", "x"};
static const char *const COMPS[] = {"",
                                    "list",
                                    "block",
                                    "blocklist",
                                    "properties",
                                    "metadata",
                                    "tags",
                                    "tier",
                                    "lease",
                                    "snapshot",
                                    "undelete",
                                    "copy",
                                    "page",
                                    "pagelist",
                                    "seal",
                                    "expiry",
                                    "legalhold",
                                    "query",
                                    "acl",
                                    "batch",
                                    "blobs",
                                    "Block",
                                    "blocklist ",
                                    "x",
                                    "appendblock",
                                    "incrementalcopy",
                                    "immutabilityPolicies"};
static const char *const TYPES[] = {"", "BlockBlob", "PageBlob", "AppendBlob", "blockblob", "x"};

/* Everything that is allowed, and nothing else. NULL: any text. */
static const struct allowed {
    enum http_method method;
    unsigned levels;
    const char *restype;
    const char *comp;
    const char *type;
    enum operation operation;
} ALLOWED[] = {
    {HTTP_GET, LEVEL_ACCOUNT | LEVEL_CONTAINER | LEVEL_BLOB, "account", "properties", NULL, OPERATION_ACCOUNT_INFO},
    {HTTP_HEAD, LEVEL_ACCOUNT | LEVEL_CONTAINER | LEVEL_BLOB, "account", "properties", NULL, OPERATION_ACCOUNT_INFO},
    {HTTP_GET, LEVEL_CONTAINER, "container", "list", NULL, OPERATION_LIST_BLOBS},
    {HTTP_PUT, LEVEL_BLOB, "", "", "BlockBlob", OPERATION_PUT_BLOB},
    {HTTP_PUT, LEVEL_BLOB, "", "block", NULL, OPERATION_PUT_BLOCK},
    {HTTP_PUT, LEVEL_BLOB, "", "blocklist", NULL, OPERATION_PUT_BLOCK_LIST},
    {HTTP_GET, LEVEL_BLOB, "", "blocklist", NULL, OPERATION_GET_BLOCK_LIST},
    {HTTP_GET, LEVEL_BLOB, "", "", NULL, OPERATION_GET_BLOB},
    {HTTP_HEAD, LEVEL_BLOB, "", "", NULL, OPERATION_HEAD_BLOB},
    {HTTP_DELETE, LEVEL_BLOB, "", "", NULL, OPERATION_DELETE_BLOB},
};

static bool fits(const char *pattern, const char *text)
{
    return !pattern || strcmp(pattern, text) == 0;
}

static const struct allowed *find_allowed(const struct operation_query *query)
{
    for (size_t i = 0; i < ARRAY_LEN(ALLOWED); i++)
        if (ALLOWED[i].method == query->method && (ALLOWED[i].levels & query->level) &&
            fits(ALLOWED[i].restype, query->restype) && fits(ALLOWED[i].comp, query->comp) &&
            fits(ALLOWED[i].type, query->blob_type))
            return &ALLOWED[i];
    return NULL;
}

static void check_query(const struct operation_query *query)
{
    const struct allowed *allowed = find_allowed(query);
    enum operation operation = OPERATION_COUNT;
    enum azure_code code = operation_find(query, &operation);

    if ((code == AZURE_OK) != (allowed != NULL) || (allowed && operation != allowed->operation))
        fail_msg("method %d, level %d, restype \"%s\", comp \"%s\", type \"%s\": code %d, operation %d",
                 (int)query->method, (int)query->level, query->restype, query->comp, query->blob_type, (int)code,
                 (int)operation);
    if (code != AZURE_OK)
        assert_true(azure_facts(code)->http >= 400 && azure_facts(code)->http <= 501);
}

static void test_walk(void **state UNUSED)
{
    size_t walked = 0;

    for (size_t m = 0; m < ARRAY_LEN(METHODS); m++)
        for (size_t l = 0; l < ARRAY_LEN(LEVELS); l++)
            for (size_t r = 0; r < ARRAY_LEN(RESTYPES); r++)
                for (size_t c = 0; c < ARRAY_LEN(COMPS); c++)
                    for (size_t t = 0; t < ARRAY_LEN(TYPES); t++, walked++)
                        check_query(&(struct operation_query){METHODS[m], LEVELS[l], RESTYPES[r], COMPS[c], TYPES[t]});
    assert_int_equal(walked, ARRAY_LEN(METHODS) * ARRAY_LEN(LEVELS) * ARRAY_LEN(RESTYPES) * ARRAY_LEN(COMPS) *
                                 ARRAY_LEN(TYPES));
}

/* Is there a request for which this row, and none above it, decides? */
static bool is_alive(const struct operation_route *routes, size_t row)
{
    for (size_t m = 0; m < ARRAY_LEN(METHODS); m++)
        for (size_t l = 0; l < ARRAY_LEN(LEVELS); l++) {
            const char *restype = routes[row].restype ? routes[row].restype : "x";
            const char *comp = routes[row].comp ? routes[row].comp : "x";
            const char *type = routes[row].blob_type ? routes[row].blob_type : "x";
            for (size_t i = 0; i <= row; i++) {
                bool fit = (routes[i].methods & 1u << METHODS[m]) && (routes[i].levels & LEVELS[l]) &&
                           fits(routes[i].restype, restype) && fits(routes[i].comp, comp) &&
                           fits(routes[i].blob_type, type);
                if (fit && i == row)
                    return true;
                if (fit)
                    break;
            }
        }
    return false;
}

static void test_rows_are_alive(void **state UNUSED)
{
    size_t count;
    const struct operation_route *routes = operation_routes(&count);

    for (size_t i = 0; i < count; i++)
        if (!is_alive(routes, i))
            fail_msg("row %zu of operation.def never decides", i);
}

static const struct {
    enum http_method method;
    enum location_level level;
    const char *restype, *comp, *type;
    int http;
    const char *code;
} REFUSED[] = {
    {HTTP_GET, LEVEL_CONTAINER, "container", "", "", 403, "AuthorizationPermissionMismatch"},
    {HTTP_HEAD, LEVEL_CONTAINER, "container", "", "", 403, "AuthorizationPermissionMismatch"},
    {HTTP_PUT, LEVEL_CONTAINER, "container", "", "", 403, "AuthorizationPermissionMismatch"},
    {HTTP_DELETE, LEVEL_CONTAINER, "container", "", "", 403, "AuthorizationPermissionMismatch"},
    {HTTP_PUT, LEVEL_CONTAINER, "container", "acl", "", 403, "AuthorizationPermissionMismatch"},
    {HTTP_GET, LEVEL_CONTAINER, "container", "metadata", "", 403, "AuthorizationPermissionMismatch"},
    {HTTP_GET, LEVEL_ACCOUNT, "", "list", "", 403, "AuthorizationPermissionMismatch"},
    {HTTP_POST, LEVEL_ACCOUNT, "service", "userdelegationkey", "", 403, "AuthorizationPermissionMismatch"},
    {HTTP_GET, LEVEL_CONTAINER, "", "", "", 400, "MissingRequiredQueryParameter"},
    {HTTP_PUT, LEVEL_BLOB, "", "", "", 400, "MissingRequiredHeader"},
    {HTTP_PUT, LEVEL_BLOB, "", "", "blockblob", 400, "InvalidHeaderValue"},
    {HTTP_PUT, LEVEL_BLOB, "", "", "PageBlob", 400, "InvalidHeaderValue"},
    {HTTP_PUT, LEVEL_BLOB, "", "metadata", "", 501, "NotImplemented"},
    {HTTP_PUT, LEVEL_BLOB, "", "properties", "", 501, "NotImplemented"},
    {HTTP_PUT, LEVEL_BLOB, "", "x", "", 400, "InvalidQueryParameterValue"},
    {HTTP_PUT, LEVEL_BLOB, "container", "", "BlockBlob", 400, "InvalidQueryParameterValue"},
    {HTTP_POST, LEVEL_BLOB, "", "", "BlockBlob", 405, "UnsupportedHttpVerb"},
    {HTTP_OTHER, LEVEL_BLOB, "", "", "", 405, "UnsupportedHttpVerb"},
    {HTTP_OPTIONS, LEVEL_BLOB, "", "", "", 403, "CorsPreflightFailure"},
};

static void test_known_refusals(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        enum operation operation;
        const struct operation_query query = {REFUSED[i].method, REFUSED[i].level, REFUSED[i].restype, REFUSED[i].comp,
                                              REFUSED[i].type};
        const struct azure_facts *facts = azure_facts(operation_find(&query, &operation));
        if (strcmp(facts->code, REFUSED[i].code) != 0 || facts->http != REFUSED[i].http)
            fail_msg("row %zu: %d %s", i, facts->http, facts->code);
    }
}

static enum azure_code check_inputs(const char *headers, const char *query)
{
    struct parsed_head parsed;
    struct http_params params;
    struct error err = {0};

    parse_head(&parsed, headers);
    assert_int_equal(http_params_parse(query, 64, false, &params, &err), 0);
    enum azure_code code = operation_check_inputs(&parsed.head, &params);
    http_params_done(&params);
    return code;
}

static void test_inputs(void **state UNUSED)
{
    assert_int_equal(check_inputs("", ""), AZURE_OK);
    assert_int_equal(check_inputs("x-ms-blob-type: BlockBlob\nx-ms-access-tier: Hot\n", "timeout=3&_=1"), AZURE_OK);
    assert_int_equal(check_inputs("x-ms-copy-source: http://h/a/b\n", ""), AZURE_NOT_IMPLEMENTED);
    assert_int_equal(check_inputs("X-MS-Copy-Source: http://h/a/b\n", ""), AZURE_NOT_IMPLEMENTED);
    assert_int_equal(check_inputs("x-ms-copy-source:\n", ""), AZURE_OK);
    assert_int_equal(check_inputs("x-ms-structured-body: XSM/1.0; properties=crc64\n", ""), AZURE_UNSUPPORTED_HEADER);
    assert_int_equal(check_inputs("x-ms-content-crc64: iJh5CoYUi64=\n", ""), AZURE_UNSUPPORTED_HEADER);
    assert_int_equal(check_inputs("x-ms-encryption-key: a\n", ""), AZURE_UNSUPPORTED_HEADER);
    assert_int_equal(check_inputs("x-ms-lease-id: a\n", ""), AZURE_LEASE_NOT_PRESENT);
    assert_int_equal(check_inputs("x-ms-tags: k=v\n", ""), AZURE_AUTHORIZATION_PERMISSION_MISMATCH);
    assert_int_equal(check_inputs("", "snapshot=2026-01-01"), AZURE_UNSUPPORTED_QUERY_PARAMETER);
    assert_int_equal(check_inputs("", "versionid=1"), AZURE_UNSUPPORTED_QUERY_PARAMETER);
    assert_int_equal(check_inputs("", "snapshot="), AZURE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_rows_are_alive),
        cmocka_unit_test(test_known_refusals),
        cmocka_unit_test(test_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
