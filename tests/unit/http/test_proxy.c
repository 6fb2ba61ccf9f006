/* The PROXY protocol v2 header by itself: what names a client, what names nobody, what is no such header. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "http/internal.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 SIGNATURE "\x21\x11\x00\x0c\x0a\x01\x02\x03\x7f\x00\x00\x01\x30\x39\x01\xbb"
#define V6                                                                                                           \
    SIGNATURE "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
              "\x30\x39\x01\xbb"
#define LOCAL SIGNATURE "\x20\x00\x00\x00"
#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    int rc;
    size_t size; /* where rc is 0 or 1 */
    const char *client;
} ROWS[] = {
    {"IPv4", BYTES(V4), 1, 28, "10.1.2.3"},
    {"IPv6", BYTES(V6), 1, 52, "2001:db8::7"},
    {"what follows stays", BYTES(V4 "GET"), 1, 28, "10.1.2.3"},
    {"LOCAL keeps the proxy's own address", BYTES(LOCAL), 1, 16, "192.0.2.1"},
    {"LOCAL with addresses that do not count",
     BYTES(SIGNATURE "\x20\x11\x00\x0c\x0a\x01\x02\x03\x7f\x00\x00\x01\x30\x39\x01\xbb"), 1, 28, "192.0.2.1"},
    {"TLVs are skipped",
     BYTES(SIGNATURE "\x21\x11\x00\x10\x0a\x01\x02\x03\x7f\x00\x00\x01\x30\x39\x01\xbb\x04\x00\x01\x00"), 1, 32,
     "10.1.2.3"},
    {"nothing yet", BYTES(""), 0, 16, "192.0.2.1"},
    {"half a signature", BYTES("\r\n\r\n"), 0, 16, "192.0.2.1"},
    {"half of the addresses", V4, 20, 0, 28, "192.0.2.1"},
    {"no signature", BYTES("GET / HTTP/1.1\r\n"), E_PROTOCOL, 0, "192.0.2.1"},
    {"a wrong byte in it", BYTES("\r\n\r\n\0\r\nQUIT\r"), E_PROTOCOL, 0, "192.0.2.1"},
    {"version 1 in text", BYTES("PROXY TCP4 10.1.2.3"), E_PROTOCOL, 0, "192.0.2.1"},
    {"another version", BYTES(SIGNATURE "\x11\x11\x00\x0c"), E_PROTOCOL, 0, "192.0.2.1"},
    {"another command", BYTES(SIGNATURE "\x22\x11\x00\x0c"), E_PROTOCOL, 0, "192.0.2.1"},
    {"too long", BYTES(SIGNATURE "\x21\x11\x08\x00"), E_PROTOCOL, 0, "192.0.2.1"},
    {"too short for IPv4", BYTES(SIGNATURE "\x21\x11\x00\x04\x0a\x01\x02\x03"), E_PROTOCOL, 0, "192.0.2.1"},
    {"too short for IPv6", BYTES(SIGNATURE "\x21\x21\x00\x04\x0a\x01\x02\x03"), E_PROTOCOL, 0, "192.0.2.1"},
    {"datagrams", BYTES(SIGNATURE "\x21\x12\x00\x0c\x0a\x01\x02\x03\x7f\x00\x00\x01\x30\x39\x01\xbb"), E_PROTOCOL, 0,
     "192.0.2.1"},
    {"unspecified", BYTES(SIGNATURE "\x21\x00\x00\x00"), E_PROTOCOL, 0, "192.0.2.1"},
};

static struct sockaddr_storage from(const char *text)
{
    struct sockaddr_storage peer = {.ss_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, text, &((struct sockaddr_in *)&peer)->sin_addr), 1);
    return peer;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct sockaddr_storage peer = from("192.0.2.1");
        char client[INET6_ADDRSTRLEN];
        size_t size = 0;
        int rc = http_proxy_parse(ROWS[i].bytes, ROWS[i].len, &size, &peer);
        http_address_format(&peer, client);
        if (rc != ROWS[i].rc || (rc >= 0 && size != ROWS[i].size) || strcmp(client, ROWS[i].client) != 0)
            fail_msg("%s: %d, %zu bytes, %s", ROWS[i].name, rc, size, client);
    }
}

/* However the bytes come, the answer is the same, and nothing behind len is looked at. */
static void test_byte_by_byte(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof V6 - 1; len++) {
        char *bytes = xmalloc(len + 1);
        struct sockaddr_storage peer = from("192.0.2.1");
        size_t size = 0;
        memcpy(bytes, V6, len);
        assert_int_equal(http_proxy_parse(bytes, len, &size, &peer), 0);
        assert_true(size > len);
        free(bytes);
    }
}

static void test_only_configured_networks(void **state)
{
    struct network networks[2];
    struct http_settings settings = {.proxies = networks, .proxy_count = ARRAY_LEN(networks)};
    struct sockaddr_storage in = from("10.0.0.7");
    struct sockaddr_storage out = from("10.0.0.8");
    (void)state;
    assert_int_equal(network_parse("192.168.0.0/16", &networks[0], NULL), 0);
    assert_int_equal(network_parse("10.0.0.0/29", &networks[1], NULL), 0);
    assert_true(http_is_proxy(&settings, &in));
    assert_false(http_is_proxy(&settings, &out));
    settings.proxy_count = 0;
    assert_false(http_is_proxy(&settings, &in));
}

int main(void)
{
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_only_configured_networks),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
