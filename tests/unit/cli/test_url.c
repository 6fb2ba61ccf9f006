/* URLs: which may carry secrets, links, blob URLs, paging. */
#include "cli_test.h"

#include "base/macros.h"
#include "cli/api.h"
#include "cli/url.h"

static void keeps_secrets_off_the_network(void **state)
{
    static const char *const GOOD[] = {"https://airlock.example.org", "https://h:8443/x",   "http://127.0.0.1:8400",
                                       "http://127.9.9.9/",           "http://localhost:1", "http://[::1]:8400/x"};
    static const char *const BAD[] = {"http://airlock.example.org",
                                      "http://127.evil.example",
                                      "http://127.0.0.1.evil.example",
                                      "http://localhost.evil.example",
                                      "http://127.0.0.1@evil.example/",
                                      "https://user@host/",
                                      "ftp://127.0.0.1/",
                                      "https://",
                                      "//x",
                                      "",
                                      "http://127.0.1",
                                      "http://[::2]/",
                                      "file:///etc/passwd",
                                      "http://0x7f.0.0.1/"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_int_equal(url_check_private(GOOD[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_int_equal(url_check_private(BAD[i], NULL), E_CONFIG);
}

static void normalises_servers(void **state)
{
    AUTO_FREE char *url = NULL;

    (void)state;
    assert_int_equal(url_normalise("https://h/base///", &url, NULL), 0);
    assert_string_equal(url, "https://h/base");
    assert_int_equal(url_normalise("https://h/?x=1", &url, NULL), E_USAGE);
}

static void builds_blob_urls(void **state)
{
    struct link link = {0};
    AUTO_STR struct str url = STR_INIT(4096);
    struct error err = {0};

    (void)state;
    assert_int_equal(link_parse("http://127.0.0.1:8401/stalimex/id/?sv=1&sig=a%2Bb", &link, NULL), 0);
    link_append_url(&url, &link, "dir/a b+é%.txt", "comp=block");
    assert_string_equal(str_text(&url),
                        "http://127.0.0.1:8401/stalimex/id/dir/a%20b%2B%C3%A9%25.txt?comp=block&sv=1&sig=a%2Bb");
    str_reset(&url);
    link_append_url(&url, &link, "", "");
    assert_string_equal(str_text(&url), "http://127.0.0.1:8401/stalimex/id?sv=1&sig=a%2Bb");
    link_done(&link);
    assert_int_equal(link_parse("https://h/c", &link, NULL), E_PROTOCOL);
    assert_int_equal(link_parse("http://evil.example/c?sig=hunter2", &link, &err), E_CONFIG);
    assert_null(strstr(err.detail, "hunter2"));
}

static void reads_queries(void **state)
{
    char value[8];

    (void)state;
    assert_true(query_get("a=1&code=x%2Fy+z&b", "code", value, sizeof value));
    assert_string_equal(value, "x/y z");
    assert_false(query_get("xcode=1", "code", value, sizeof value));
    assert_false(query_get("code=%2", "code", value, sizeof value));
    assert_false(query_get("code=%00", "code", value, sizeof value));
    assert_false(query_get("code=12345678", "code", value, sizeof value));
    assert_true(query_get("code=1234567", "code", value, sizeof value));
}

static void follows_only_its_own_pages(void **state)
{
    static const struct {
        const char *header;
        const char *path;
    } ROWS[] = {
        {"</api/requests?cursor=a%2Cb>; rel=\"next\"", "/requests?cursor=a%2Cb"},
        {"</api/x>; rel=\"prev\", </api/y?c=1>; rel=\"next\"", "/y?c=1"},
        {"<https://evil.example/api/x>; rel=\"next\"", NULL},
        {"<//evil.example/api/x>; rel=\"next\"", NULL},
        {"</api/x>; rel=\"prev\"", NULL},
        {"</api/x", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_FREE char *path = api_next_path(ROWS[i].header);
        if (ROWS[i].path)
            assert_string_equal(path, ROWS[i].path);
        else
            assert_null(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_secrets_off_the_network),
        cmocka_unit_test(normalises_servers),
        cmocka_unit_test(builds_blob_urls),
        cmocka_unit_test(reads_queries),
        cmocka_unit_test(follows_only_its_own_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
