/* What of a provider's discovery document is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "jwks/document.h"

#define ISSUER "https://login.example.org/tenant/v2.0"

static int keys_url(const char *issuer_said, const char *jwks_uri, char **ret, struct error *err)
{
    AUTO_JSON json_t *document = json_pack("{s:s, s:s?}", "issuer", issuer_said, "jwks_uri", jwks_uri);
    return document_keys_url(document, ISSUER, ret, err);
}

static void keys_on_the_issuers_host_are_believed(void **state)
{
    static const char *const GOOD[] = {"https://login.example.org/keys", "https://LOGIN.example.org:443/a?b=c"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
        AUTO_FREE char *url = NULL;
        assert_int_equal(keys_url(ISSUER, GOOD[i], &url, NULL), 0);
        assert_string_equal(url, GOOD[i]);
    }
}

static void anything_else_is_refused(void **state)
{
    static const struct {
        const char *issuer, *jwks_uri;
        int code;
    } ROWS[] = {
        {"https://login.example.org/tenant/v2.0/", "https://login.example.org/keys", E_PROTOCOL},
        {"https://LOGIN.example.org/tenant/v2.0", "https://login.example.org/keys", E_PROTOCOL},
        {"", "https://login.example.org/keys", E_PROTOCOL},
        {ISSUER, NULL, E_PROTOCOL},
        {ISSUER, "", E_PROTOCOL},
        {ISSUER, "http://login.example.org/keys", E_CONFIG},
        {ISSUER, "https://login.example.org:8443/keys", E_CONFIG},
        {ISSUER, "https://login.example.org.evil.example/keys", E_CONFIG},
        {ISSUER, "https://login.example.org@evil.example/keys", E_CONFIG},
        {ISSUER, "https://evil.example/login.example.org", E_CONFIG},
        {ISSUER, "http://127.0.0.1:80/keys", E_CONFIG},
        {ISSUER, "file:///etc/passwd", E_CONFIG},
        {ISSUER, "gopher://login.example.org/keys", E_CONFIG},
        {ISSUER, "//login.example.org/keys", E_CONFIG},
        {ISSUER, "keys", E_CONFIG},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_FREE char *url = NULL;
        struct error err = {0};
        assert_int_equal(keys_url(ROWS[i].issuer, ROWS[i].jwks_uri, &url, &err), ROWS[i].code);
        assert_null(url);
    }
}

static void addresses_are_https_or_on_loopback(void **state)
{
    static const char *const GOOD[] = {"https://a.example/x", "http://127.0.0.1:1234/", "http://[::1]:80/k",
                                       "http://localhost:8080/keys"};
    static const char *const BAD[] = {"http://a.example/x",       "http://127.0.0.1.evil.example/",
                                      "http://user@127.0.0.1/",   "https://user:x@a.example/",
                                      "ftp://a.example/",         "",
                                      "http://127.0.0.1@evil.example/"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_int_equal(document_check_url(GOOD[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_int_equal(document_check_url(BAD[i], NULL), E_CONFIG);
}

static void the_discovery_address_follows_the_issuer(void **state)
{
    AUTO_FREE char *plain = document_discovery_url(ISSUER);
    AUTO_FREE char *slash = document_discovery_url("https://a.example/");
    (void)state;
    assert_string_equal(plain, ISSUER "/.well-known/openid-configuration");
    assert_string_equal(slash, "https://a.example/.well-known/openid-configuration");
}

static void max_age_is_read_and_nothing_else(void **state)
{
    static const struct {
        const char *header;
        int64_t seconds;
    } ROWS[] = {
        {" public, max-age=600\r\n", 600},
        {"max-age=0", 0},
        {"s-maxage=10, Max-Age=7", 7},
        {"max-age=-1", 0},
        {"max-age=99999999999999999999", 0},
        {"no-store", 0},
        {"", 0},
        {"max-age=", 0},
        {",,,", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_int_equal(document_max_age(ROWS[i].header), ROWS[i].seconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_on_the_issuers_host_are_believed), cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(addresses_are_https_or_on_loopback),    cmocka_unit_test(the_discovery_address_follows_the_issuer),
        cmocka_unit_test(max_age_is_read_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
