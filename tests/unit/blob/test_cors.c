/* Which origins a browser may use links from, and what for. */
#include "check.h"

#include "blob/cors.h"

#define WEB "https://airlock.example:8400"

static struct cors *make_cors(const char *more)
{
    struct cors *cors = NULL;
    struct error err = {0};

    if (cors_new(WEB, more, &cors, &err) != 0)
        fail_msg("%s", err.detail);
    return cors;
}

static void test_origins(void **state UNUSED)
{
    struct cors *cors = make_cors("  https://portal.example http://127.0.0.1:3000 ");

    assert_true(cors_allows_origin(cors, WEB));
    assert_true(cors_allows_origin(cors, "HTTPS://Portal.Example"));
    assert_true(cors_allows_origin(cors, "http://127.0.0.1:3000"));
    static const char *const STRANGERS[] = {"",
                                            "null",
                                            "*",
                                            "https://airlock.example",
                                            "https://airlock.example:84000",
                                            "https://airlock.example:8400/",
                                            "http://airlock.example:8400",
                                            "https://evil.airlock.example:8400",
                                            "https://portal.example.evil",
                                            "https://portal.example, " WEB};
    for (size_t i = 0; i < ARRAY_LEN(STRANGERS); i++)
        if (cors_allows_origin(cors, STRANGERS[i]))
            fail_msg("%s is allowed", STRANGERS[i]);
    cors_free(cors);
}

static void test_bad_settings(void **state UNUSED)
{
    static const char *const BAD[] = {"*",         "portal.example",          "https://",
                                      "ftp://x",   "https://portal.example/", "https://*.example",
                                      "https://a?", "https://user@a",          "null"};

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct cors *cors = NULL;
        struct error err = {0};
        if (cors_new(WEB, BAD[i], &cors, &err) != E_CONFIG)
            fail_msg("%s was taken", BAD[i]);
        assert_null(cors);
    }
}

static const struct {
    const char *origin, *method, *headers;
    enum azure_code code;
} PREFLIGHTS[] = {
    {WEB, "PUT", "x-ms-blob-type,content-type,x-ms-version", AZURE_OK},
    {WEB, "GET", NULL, AZURE_OK},
    {WEB, "HEAD", "X-Ms-Range, If-Match", AZURE_OK},
    {WEB, "DELETE", "", AZURE_OK},
    {WEB, "PUT", "x-ms-meta-anything,Content-MD5,Range", AZURE_OK},
    {NULL, "PUT", NULL, AZURE_INVALID_HEADER_VALUE},
    {WEB, NULL, "content-type", AZURE_INVALID_HEADER_VALUE},
    {"https://evil.example", "PUT", NULL, AZURE_CORS_PREFLIGHT_FAILURE},
    {WEB, "POST", NULL, AZURE_CORS_PREFLIGHT_FAILURE},
    {WEB, "put", NULL, AZURE_CORS_PREFLIGHT_FAILURE},
    {WEB, "PUT", "authorization", AZURE_CORS_PREFLIGHT_FAILURE},
    {WEB, "PUT", "content-type, cookie", AZURE_CORS_PREFLIGHT_FAILURE},
    {WEB, "PUT", "x-ms-", AZURE_CORS_PREFLIGHT_FAILURE},
    {WEB, "PUT", "ranges", AZURE_CORS_PREFLIGHT_FAILURE},
};

static void test_preflights(void **state UNUSED)
{
    struct cors *cors = make_cors("");

    for (size_t i = 0; i < ARRAY_LEN(PREFLIGHTS); i++) {
        enum azure_code code =
            cors_check_preflight(cors, PREFLIGHTS[i].origin, PREFLIGHTS[i].method, PREFLIGHTS[i].headers);
        if (code != PREFLIGHTS[i].code)
            fail_msg("row %zu: code %d", i, (int)code);
    }
    cors_free(cors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_preflights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
