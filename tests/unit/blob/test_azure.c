/* Azure's error codes: the table is whole, every error of airlock's has an answer, the body is what SDKs read. */
#include "check.h"

#include <expat.h>

#include "blob/azure.h"

static void test_table(void **state UNUSED)
{
    for (enum azure_code code = AZURE_OK + 1; code < AZURE_COUNT; code++) {
        const struct azure_facts *facts = azure_facts(code);
        assert_non_null(facts->code);
        assert_true(facts->http == 304 || (facts->http >= 400 && facts->http < 600));
        assert_true(strlen(facts->message) > 10);
        for (enum azure_code other = AZURE_OK + 1; other < code; other++)
            if (strcmp(azure_facts(other)->code, facts->code) == 0)
                assert_int_not_equal(facts->http, azure_facts(other)->http); /* ConditionNotMet has two states */
    }
}

/* Errors of people must not look like our failures, and the other way round. */
static void test_every_error_is_answered(void **state UNUSED)
{
    for (int row = 0; row < ERROR_ROW_COUNT; row++) {
        int code = -1 - row;
        enum azure_code azure = azure_from_error(code);
        assert_true(azure > AZURE_OK && azure < AZURE_COUNT);
        bool is_ours = error_http_status(code) >= 500;
        bool is_said_ours = azure_facts(azure)->http >= 500;
        if (code != E_PROTOCOL && code != E_USAGE && code != E_RATE && is_ours != is_said_ours)
            fail_msg("%s is answered %s", error_name(code), azure_facts(azure)->code);
    }
    assert_int_equal(azure_from_error(0), AZURE_INTERNAL_ERROR);
    assert_int_equal(azure_from_error(-10000), AZURE_INTERNAL_ERROR);
}

static const struct {
    int error;
    int http;
    const char *code;
} WANTED[] = {
    {E_SAS, 403, "AuthenticationFailed"},
    {E_SAS_PERMISSION, 403, "AuthorizationPermissionMismatch"},
    {E_SAS_PROTOCOL, 403, "AuthorizationProtocolMismatch"},
    {E_SAS_ADDRESS, 403, "AuthorizationSourceIPMismatch"},
    {E_ZONE, 403, "AuthorizationFailure"},
    {E_NO_CREDENTIALS, 401, "NoAuthenticationInformation"},
    {E_BLOB_NOT_FOUND, 404, "BlobNotFound"},
    {E_CONTAINER_NOT_FOUND, 404, "ContainerNotFound"},
    {E_BLOB_EXISTS, 409, "BlobAlreadyExists"},
    {E_CONDITION, 412, "ConditionNotMet"},
    {E_NOT_MODIFIED, 304, "ConditionNotMet"},
    {E_CONDITION_UNSATISFIABLE, 400, "UnsatisfiableCondition"},
    {E_CONDITION_MULTIPLE, 400, "MultipleConditionHeadersNotSupported"},
    {E_BLOCK_LIST, 400, "InvalidBlockList"},
    {E_BLOCK_ID, 400, "InvalidBlobOrBlock"},
    {E_BLOCK_COUNT, 409, "BlockCountExceedsLimit"},
    {E_TOO_LARGE, 413, "RequestBodyTooLarge"},
    {E_NO_SPACE, 507, "InsufficientStorage"},
    {E_UNKNOWN, 503, "ServerBusy"},
    {E_UNAVAILABLE, 503, "ServerBusy"},
    {E_CONFLICT, 409, "InvalidOperation"},
    {E_IO, 500, "InternalError"},
};

static void test_known_answers(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(WANTED); i++) {
        const struct azure_facts *facts = azure_facts(azure_from_error(WANTED[i].error));
        assert_string_equal(facts->code, WANTED[i].code);
        assert_int_equal(facts->http, WANTED[i].http);
    }
}

static void test_layer_refusals(void **state UNUSED)
{
    static const int STATES[] = {400, 408, 413, 414, 431, 501, 503, 505};
    for (size_t i = 0; i < ARRAY_LEN(STATES); i++)
        assert_int_equal(azure_facts(azure_from_status(STATES[i]))->http, STATES[i]);
    assert_int_equal(azure_facts(azure_from_status(499))->http, 400);
    assert_int_equal(azure_facts(azure_from_status(599))->http, 500);
}

static void assert_well_formed(const struct str *xml)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    if (XML_Parse(parser, str_text(xml), (int)xml->len, 1) != XML_STATUS_OK)
        fail_msg("not XML: %s", str_text(xml));
    XML_ParserFree(parser);
}

static void test_body(void **state UNUSED)
{
    AUTO_STR struct str out = STR_INIT(8192);

    azure_render(AZURE_BLOB_NOT_FOUND, "ID", "", &out);
    assert_well_formed(&out);
    assert_true(str_starts(str_text(&out), "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobNotFound</Code>"
                                           "<Message>The specified blob does not exist.\nRequestId:ID\nTime:20"));
    assert_non_null(strstr(str_text(&out), "Z</Message></Error>"));
}

static void test_detail(void **state UNUSED)
{
    AUTO_STR struct str out = STR_INIT(8192);

    azure_render(AZURE_INVALID_INPUT, "ID", "<script>&\x01", &out);
    assert_well_formed(&out);
    assert_non_null(strstr(str_text(&out), "\n&lt;script&gt;&amp;?\nRequestId:ID"));

    str_reset(&out);
    azure_render(AZURE_AUTHENTICATION_FAILED, "ID", "Signature did not match", &out);
    assert_well_formed(&out);
    assert_non_null(strstr(str_text(&out), "</Message><AuthenticationErrorDetail>Signature did not match"
                                           "</AuthenticationErrorDetail></Error>"));

    str_reset(&out);
    azure_render(AZURE_BLOB_NOT_FOUND, "ID", "The specified blob does not exist", &out);
    assert_non_null(strstr(str_text(&out), "<Message>The specified blob does not exist.\nRequestId:ID"));

    str_reset(&out);
    azure_render(AZURE_INTERNAL_ERROR, "ID", "secret detail", &out);
    assert_null(strstr(str_text(&out), "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),         cmocka_unit_test(test_every_error_is_answered),
        cmocka_unit_test(test_known_answers), cmocka_unit_test(test_layer_refusals),
        cmocka_unit_test(test_body),          cmocka_unit_test(test_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
