/* x-ms-copy-source: only blobs of this very listener, under the names it goes by. */
#include "check.h"

#include "blob/source_url.h"

#define C "6f0c4a5e-7b1d-4a3e-9c55-2d1f8e0b7a10"
#define LINK "sv=2026-04-06&sr=c&sp=r&sig=abc%2B"

static const struct source_bases PATHS = {"http://127.0.0.1:8401", "http", "localhost:8401"};
static const struct source_bases HOSTS = {"https://{account}.blob.airlock.example", "https",
                                          "stalimex.blob.airlock.example"};

static const struct {
    const struct source_bases *bases;
    const char *url;
    const char *account; /* NULL: not ours */
    const char *blob;
} ROWS[] = {
    {&PATHS, "http://127.0.0.1:8401/stalimex/" C "/b?" LINK, "stalimex", "b"},
    {&PATHS, "HTTP://127.0.0.1:8401/stalimex/" C "/dir%2F%C3%BC%20+.txt?" LINK, "stalimex", "dir/\xc3\xbc +.txt"},
    {&PATHS, "http://localhost:8401/stalexapp/" C "/b?" LINK, "stalexapp", "b"}, /* as the request itself came */
    {&PATHS, "http://LOCALHOST:8401/stalexapp/" C "/b?" LINK, "stalexapp", "b"},
    {&HOSTS, "https://stalexapp.blob.airlock.example/" C "/b?" LINK, "stalexapp", "b"},
    {&HOSTS, "https://StalExApp.blob.AIRLOCK.example:443/" C "/b?" LINK, "stalexapp", "b"},

    {&PATHS, "https://127.0.0.1:8401/stalimex/" C "/b?" LINK, NULL, NULL}, /* another scheme */
    {&PATHS, "http://127.0.0.1:8402/stalimex/" C "/b?" LINK, NULL, NULL},  /* another zone's listener */
    {&PATHS, "http://127.0.0.1/stalimex/" C "/b?" LINK, NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401:80/stalimex/" C "/b?" LINK, NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401:/stalimex/" C "/b?" LINK, NULL, NULL},
    {&PATHS, "http://127.0.0.1:08401/stalimex/" C "/b?" LINK, NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401.example/stalimex/" C "/b?" LINK, NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401@example/stalimex/" C "/b?" LINK, NULL, NULL},
    {&PATHS, "http://169.254.169.254/stalimex/" C "/b?" LINK, NULL, NULL},
    {&PATHS, "http://[::ffff:127.0.0.1]:8401/stalimex/" C "/b?" LINK, NULL, NULL},
    {&PATHS, "file:///etc/passwd", NULL, NULL},
    {&PATHS, "/stalimex/" C "/b?" LINK, NULL, NULL},
    {&PATHS, "http:///stalimex/" C "/b", NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401?" LINK, NULL, NULL},
    {&PATHS, "", NULL, NULL},
    {&HOSTS, "https://blob.airlock.example/" C "/b?" LINK, NULL, NULL},
    {&HOSTS, "https://a.b.blob.airlock.example/" C "/b?" LINK, NULL, NULL},
    {&HOSTS, "https://stalexapp.blob.airlock.example.evil/" C "/b?" LINK, NULL, NULL},
    {&HOSTS, "https://stalexapp.blob.airlock.example:8443/" C "/b?" LINK, NULL, NULL},
    {&HOSTS, "http://stalexapp.blob.airlock.example/" C "/b?" LINK, NULL, NULL},

    /* ours, but no blob that can be copied */
    {&PATHS, "http://127.0.0.1:8401/stalimex/" C "?" LINK, NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401/stalimex/?" LINK, NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401/stalimex/" C "/b#x?" LINK, NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401/stalimex/" C "/b?" LINK "&snapshot=2026-11-22T00:00:00Z", NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401/stalimex/" C "/b?" LINK "&comp=metadata", NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401/stalimex/" C "/b?" LINK "&restype=container", NULL, NULL},
    {&PATHS, "http://127.0.0.1:8401/stalimex/" C "/%00?" LINK, NULL, NULL},
};

static void test_rows(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct source_url source = {0};
        struct error err = {0};
        enum azure_code code = source_url_parse(ROWS[i].bases, ROWS[i].url, &source, &err);
        if (!ROWS[i].account) {
            if (code == AZURE_OK)
                fail_msg("taken for ours: %s", ROWS[i].url);
            continue;
        }
        if (code != AZURE_OK)
            fail_msg("refused: %s", ROWS[i].url);
        assert_string_equal(source.location.account, ROWS[i].account);
        assert_string_equal(source.location.container, C);
        assert_string_equal(source.location.blob, ROWS[i].blob);
        assert_int_equal(json_array_size(source.sas), 4);
        source_url_done(&source);
    }
    (void)state;
}

/* What is shown of a source afterwards never holds its link. */
static void test_shown_without_link(void **state)
{
    struct source_url source = {0};
    struct error err = {0};

    assert_int_equal(source_url_parse(&PATHS, "http://127.0.0.1:8401/stalimex/" C "/b?" LINK, &source, &err), AZURE_OK);
    assert_string_equal(source.shown, "http://127.0.0.1:8401/stalimex/" C "/b");
    source_url_done(&source);
    (void)state;
}

/* A link's doubles go to core as they came: it is core that refuses them. */
static void test_doubles_reach_core(void **state)
{
    struct source_url source = {0};
    struct error err = {0};

    assert_int_equal(
        source_url_parse(&PATHS, "http://127.0.0.1:8401/stalimex/" C "/b?" LINK "&sp=w&SIG=x", &source, &err),
        AZURE_OK);
    assert_int_equal(json_array_size(source.sas), 6);
    source_url_done(&source);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_shown_without_link),
        cmocka_unit_test(test_doubles_reach_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
