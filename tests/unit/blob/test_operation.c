/* The operation table as a whole: exactly the operations that are offered get through, each row is alive, and what
 * would change a request's meaning is refused. */
#include "check.h"

#include "base/str.h"
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
static const enum copy_source SOURCES[] = {SOURCE_NONE, SOURCE_URL, SOURCE_SYNC};

/* --- The written expectation: what each request is, "" and an operation or a code. --- */

struct expected {
    const char *code; /* "": operation */
    enum operation operation;
};

static struct expected refused(const char *code)
{
    return (struct expected){code, OPERATION_COUNT};
}

static struct expected allowed(enum operation operation)
{
    return (struct expected){"", operation};
}

static bool is_one_of(const char *text, const char *list)
{
    AUTO_FREE char *word = xasprintf(" %s ", text);
    return strstr(list, word) != NULL;
}

static bool is_read(const struct operation_query *q)
{
    return q->method == HTTP_GET || q->method == HTTP_HEAD;
}

static bool is_known(const struct operation_query *q)
{
    return is_read(q) || q->method == HTTP_PUT || q->method == HTTP_DELETE;
}

static struct expected expect_copy(const struct operation_query *q)
{
    if (q->method != HTTP_PUT || q->level != LEVEL_BLOB || *q->restype || !is_one_of(q->comp, "  block "))
        return refused("UnsupportedHeader");
    if (*q->comp)
        return allowed(OPERATION_PUT_BLOCK_FROM_URL);
    if (q->source == SOURCE_SYNC || !*q->blob_type)
        return allowed(OPERATION_COPY_BLOB);
    return strcmp(q->blob_type, "BlockBlob") == 0 ? allowed(OPERATION_PUT_BLOB_FROM_URL)
                                                  : refused("InvalidHeaderValue");
}

static struct expected expect_of_account(const struct operation_query *q)
{
    if (!is_known(q))
        return refused(q->method == HTTP_POST && strcmp(q->comp, "batch") == 0 ? "NotImplemented"
                                                                               : "UnsupportedHttpVerb");
    if (is_read(q) && !*q->restype && strcmp(q->comp, "list") == 0)
        return refused("AuthorizationPermissionMismatch");
    if (q->method == HTTP_GET && !*q->restype && strcmp(q->comp, "blobs") == 0)
        return refused("NotImplemented");
    return refused("InvalidQueryParameterValue");
}

static struct expected expect_of_container(const struct operation_query *q)
{
    if (!is_known(q))
        return refused(q->method == HTTP_POST && strcmp(q->comp, "batch") == 0 ? "NotImplemented"
                                                                               : "UnsupportedHttpVerb");
    if (!*q->restype)
        return refused("MissingRequiredQueryParameter");
    if (strcmp(q->restype, "container") != 0)
        return refused("InvalidQueryParameterValue");
    if (q->method == HTTP_GET && strcmp(q->comp, "list") == 0)
        return allowed(OPERATION_LIST_BLOBS);
    if (is_read(q) && is_one_of(q->comp, "  metadata "))
        return allowed(OPERATION_CONTAINER_PROPERTIES);
    return refused("AuthorizationPermissionMismatch");
}

static struct expected expect_put(const struct operation_query *q)
{
    static const struct {
        const char *comp;
        enum operation operation;
    } BY_COMP[] = {{"block", OPERATION_PUT_BLOCK},
                   {"blocklist", OPERATION_PUT_BLOCK_LIST},
                   {"metadata", OPERATION_SET_METADATA},
                   {"properties", OPERATION_SET_PROPERTIES},
                   {"copy", OPERATION_ABORT_COPY}};

    for (size_t i = 0; i < ARRAY_LEN(BY_COMP); i++)
        if (strcmp(q->comp, BY_COMP[i].comp) == 0)
            return allowed(BY_COMP[i].operation);
    if (!*q->comp && strcmp(q->blob_type, "BlockBlob") == 0)
        return allowed(OPERATION_PUT_BLOB);
    if (!*q->comp)
        return refused(*q->blob_type ? "InvalidHeaderValue" : "MissingRequiredHeader");
    if (is_one_of(q->comp, " tags tier lease snapshot undelete incrementalcopy page appendblock seal expiry "
                           "immutabilityPolicies legalhold "))
        return refused("NotImplemented");
    return refused("InvalidQueryParameterValue");
}

static struct expected expect_read(const struct operation_query *q)
{
    if (!*q->comp)
        return allowed(q->method == HTTP_GET ? OPERATION_GET_BLOB : OPERATION_HEAD_BLOB);
    if (strcmp(q->comp, "metadata") == 0)
        return allowed(OPERATION_GET_METADATA);
    if (q->method == HTTP_GET && strcmp(q->comp, "blocklist") == 0)
        return allowed(OPERATION_GET_BLOCK_LIST);
    if (q->method == HTTP_GET && is_one_of(q->comp, " tags pagelist "))
        return refused("NotImplemented");
    return refused("InvalidQueryParameterValue");
}

static struct expected expect_of_blob(const struct operation_query *q)
{
    if (!is_known(q))
        return refused(q->method == HTTP_POST && !*q->restype && strcmp(q->comp, "query") == 0 ? "NotImplemented"
                                                                                               : "UnsupportedHttpVerb");
    if (*q->restype)
        return refused("InvalidQueryParameterValue");
    if (q->method == HTTP_PUT)
        return expect_put(q);
    if (is_read(q))
        return expect_read(q);
    if (!*q->comp)
        return allowed(OPERATION_DELETE_BLOB);
    return refused(strcmp(q->comp, "immutabilityPolicies") == 0 ? "NotImplemented" : "InvalidQueryParameterValue");
}

static struct expected expect(const struct operation_query *q)
{
    if (q->method == HTTP_OPTIONS)
        return allowed(OPERATION_PREFLIGHT);
    if (q->source != SOURCE_NONE)
        return expect_copy(q);
    if (strcmp(q->restype, "account") == 0)
        return is_read(q) && strcmp(q->comp, "properties") == 0 ? allowed(OPERATION_ACCOUNT_INFO)
                                                                : refused("InvalidQueryParameterValue");
    if (strcmp(q->restype, "service") == 0)
        return refused("AuthorizationPermissionMismatch");
    if (q->level == LEVEL_ACCOUNT)
        return expect_of_account(q);
    return q->level == LEVEL_CONTAINER ? expect_of_container(q) : expect_of_blob(q);
}

/* --- The walk --- */

static void check_query(const struct operation_query *query)
{
    struct expected wanted = expect(query);
    enum operation operation = OPERATION_COUNT;
    enum azure_code code = operation_find(query, &operation);
    const char *text = code == AZURE_OK ? "" : azure_facts(code)->code;

    if (strcmp(text, wanted.code) != 0 || operation != wanted.operation)
        fail_msg("method %d, level %d, restype \"%s\", comp \"%s\", type \"%s\", source %d: code \"%s\", "
                 "operation %d; expected \"%s\", %d",
                 (int)query->method, (int)query->level, query->restype, query->comp, query->blob_type,
                 (int)query->source, text, (int)operation, wanted.code, (int)wanted.operation);
    if (code != AZURE_OK)
        assert_true(azure_facts(code)->http >= 400 && azure_facts(code)->http <= 501);
}

static void walk_types(enum http_method method, enum location_level level, const char *restype, const char *comp)
{
    for (size_t t = 0; t < ARRAY_LEN(TYPES); t++)
        for (size_t s = 0; s < ARRAY_LEN(SOURCES); s++)
            check_query(&(struct operation_query){method, level, restype, comp, TYPES[t], SOURCES[s]});
}

static void test_walk(void **state UNUSED)
{
    size_t walked = 0;

    for (size_t m = 0; m < ARRAY_LEN(METHODS); m++)
        for (size_t l = 0; l < ARRAY_LEN(LEVELS); l++)
            for (size_t r = 0; r < ARRAY_LEN(RESTYPES); r++)
                for (size_t c = 0; c < ARRAY_LEN(COMPS); c++, walked++)
                    walk_types(METHODS[m], LEVELS[l], RESTYPES[r], COMPS[c]);
    assert_int_equal(walked, ARRAY_LEN(METHODS) * ARRAY_LEN(LEVELS) * ARRAY_LEN(RESTYPES) * ARRAY_LEN(COMPS));
}

static bool fits(const char *pattern, const char *text)
{
    return !pattern || strcmp(pattern, text) == 0;
}

static bool row_fits(const struct operation_route *row, const struct operation_query *q)
{
    return (row->methods & 1u << q->method) && (row->levels & q->level) && (row->sources & q->source) &&
           fits(row->restype, q->restype) && fits(row->comp, q->comp) && fits(row->blob_type, q->blob_type);
}

static bool decides(const struct operation_route *routes, size_t row, const struct operation_query *q)
{
    for (size_t i = 0; i < row; i++)
        if (row_fits(&routes[i], q))
            return false;
    return row_fits(&routes[row], q);
}

/* Is there a request for which this row, and none above it, decides? */
static bool is_alive(const struct operation_route *routes, size_t row)
{
    struct operation_query q = {.restype = routes[row].restype ? routes[row].restype : "x",
                                .comp = routes[row].comp ? routes[row].comp : "x",
                                .blob_type = routes[row].blob_type ? routes[row].blob_type : "x"};

    for (size_t m = 0; m < ARRAY_LEN(METHODS); m++)
        for (size_t l = 0; l < ARRAY_LEN(LEVELS); l++)
            for (size_t s = 0; s < ARRAY_LEN(SOURCES); s++) {
                q.method = METHODS[m];
                q.level = LEVELS[l];
                q.source = SOURCES[s];
                if (decides(routes, row, &q))
                    return true;
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
    assert_int_equal(check_inputs("x-ms-structured-body: XSM/1.0; properties=crc64\n", ""), AZURE_UNSUPPORTED_HEADER);
    assert_int_equal(check_inputs("x-ms-content-crc64: iJh5CoYUi64=\n", ""), AZURE_OK);
    assert_int_equal(check_inputs("x-ms-blob-content-length: 512\n", ""), AZURE_UNSUPPORTED_HEADER);
    assert_int_equal(check_inputs("X-MS-Lease-Id: a\n", ""), AZURE_LEASE_NOT_PRESENT);
    assert_int_equal(check_inputs("x-ms-lease-id:\n", ""), AZURE_OK);
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
        cmocka_unit_test(test_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
