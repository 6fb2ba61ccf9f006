/* Properties and metadata out of request headers. */
#include "check.h"

#include "blob/properties.h"

#define MD5_EMPTY "1B2M2Y8AsgTpgAmY7PhCfg=="
#define MD5_HELLO "XUFAKrxLKna5cZ2REBfFkg=="

static enum azure_code read_properties(const char *headers, bool is_content, json_t **ret)
{
    struct parsed_head parsed;
    parse_head(&parsed, headers);
    return properties_from_head(&parsed.head, is_content, ret);
}

static enum azure_code read_metadata(const char *headers, json_t **ret)
{
    struct parsed_head parsed;
    parse_head(&parsed, headers);
    return metadata_from_head(&parsed.head, ret);
}

static void assert_properties(const char *headers, bool is_content, const char *json)
{
    AUTO_JSON json_t *got = NULL;
    AUTO_JSON json_t *wanted = json_loads(json, 0, NULL);

    assert_int_equal(read_properties(headers, is_content, &got), AZURE_OK);
    if (!json_equal(got, wanted))
        fail_msg("%s is not %s", json_dumps(got, 0), json);
}

static void test_properties(void **state UNUSED)
{
    assert_properties("", true, "{\"contentType\":\"application/octet-stream\"}");
    assert_properties("Content-Type: text/x\n", true, "{\"contentType\":\"text/x\"}");
    assert_properties("Content-Type: text/x\n", false, "{\"contentType\":\"application/octet-stream\"}");
    assert_properties("Content-Type: a/b\nx-ms-blob-content-type: text/plain\n", true,
                      "{\"contentType\":\"text/plain\"}");
    assert_properties("x-ms-blob-cache-control: no-cache\nx-ms-blob-content-disposition: attachment; "
                      "filename=\"x.txt\"\nx-ms-blob-content-encoding: gzip\nx-ms-blob-content-language: en\n"
                      "x-ms-blob-content-md5: " MD5_HELLO "\nx-ms-blob-content-type: a/b\n",
                      false,
                      "{\"contentType\":\"a/b\",\"contentEncoding\":\"gzip\",\"contentLanguage\":\"en\","
                      "\"contentDisposition\":\"attachment; filename=\\\"x.txt\\\"\",\"cacheControl\":\"no-cache\","
                      "\"contentMd5\":\"" MD5_HELLO "\"}");
    assert_properties("x-ms-blob-cache-control:\nx-ms-blob-content-encoding: \n", false,
                      "{\"contentType\":\"application/octet-stream\"}");
    assert_properties("Content-MD5: " MD5_EMPTY "\n", true,
                      "{\"contentType\":\"application/octet-stream\",\"contentMd5\":\"" MD5_EMPTY "\"}");
    assert_properties("Content-MD5: " MD5_EMPTY "\n", false, "{\"contentType\":\"application/octet-stream\"}");
}

static void test_refused_properties(void **state UNUSED)
{
    AUTO_STR struct str longest = STR_INIT(4096);
    json_t *got;

    assert_int_equal(read_properties("Content-MD5: nonsense\n", true, &got), AZURE_INVALID_MD5);
    assert_int_equal(read_properties("x-ms-blob-content-md5: YQ==\n", false, &got), AZURE_INVALID_MD5);
    assert_int_equal(read_properties("x-ms-blob-content-type: t\xc3\xbc\n", false, &got), AZURE_INVALID_HEADER_VALUE);
    str_append(&longest, "x-ms-blob-content-type: ");
    for (unsigned i = 0; i <= PROPERTIES_BYTES_MAX; i++)
        str_append_char(&longest, 'a');
    str_append(&longest, "\n");
    assert_int_equal(read_properties(str_text(&longest), false, &got), AZURE_INVALID_HEADER_VALUE);
}

static void test_metadata(void **state UNUSED)
{
    AUTO_JSON json_t *got = NULL;

    assert_int_equal(read_metadata("x-ms-meta-Foo: bar baz\nX-MS-META-x_1: v\nx-ms-meta-empty:\nother: 1\n", &got),
                     AZURE_OK);
    AUTO_JSON json_t *wanted = json_pack("{s:s, s:s, s:s}", "Foo", "bar baz", "x_1", "v", "empty", "");
    assert_true(json_equal(got, wanted));
}

static void test_refused_metadata(void **state UNUSED)
{
    json_t *got;

    assert_int_equal(read_metadata("x-ms-meta-a-b: v\n", &got), AZURE_INVALID_METADATA);
    assert_int_equal(read_metadata("x-ms-meta-1a: v\n", &got), AZURE_INVALID_METADATA);
    assert_int_equal(read_metadata("x-ms-meta-: v\n", &got), AZURE_INVALID_METADATA);
    assert_int_equal(read_metadata("x-ms-meta-a: \xc3\xbc\n", &got), AZURE_INVALID_METADATA);
    assert_int_equal(read_metadata("x-ms-meta-a: v\nx-ms-meta-A: w\n", &got), AZURE_INVALID_METADATA);
}

static void test_type(void **state UNUSED)
{
    AUTO_JSON json_t *properties = json_pack("{s:s}", "contentType", "text/html");
    AUTO_JSON json_t *override = json_pack("{s:s}", "contentType", "text/plain");
    AUTO_JSON json_t *evil = json_pack("{s:s}", "contentType", "text/plain\r\nSet-Cookie: a=b");
    AUTO_JSON json_t *nothing = json_object();

    assert_string_equal(properties_type(properties, NULL), "text/html");
    assert_string_equal(properties_type(properties, nothing), "text/html");
    assert_string_equal(properties_type(properties, override), "text/plain");
    assert_string_equal(properties_type(properties, evil), "text/html");
    assert_string_equal(properties_type(evil, NULL), "application/octet-stream");
    assert_string_equal(properties_type(nothing, NULL), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties), cmocka_unit_test(test_refused_properties),
        cmocka_unit_test(test_metadata),   cmocka_unit_test(test_refused_metadata),
        cmocka_unit_test(test_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
