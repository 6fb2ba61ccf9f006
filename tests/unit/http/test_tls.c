/* The server under TLS, met by an OpenSSL client: versions and suites, bodies both ways, records that come in pieces, a
 * certificate that changes, and PROXY headers in front of it all. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "harness.h"

#define HOST "Host: a\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"
#define V4_HEADER "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x0a\x01\x02\x03\x7f\x00\x00\x01\x30\x39\x01\xbb"

static struct fixture fixture;
static struct network proxies[1];

/* --- Certificates --- */

struct pem {
    char *chain, *key;
    struct http_certificate pair;
};

static char *text_of(BIO *bio)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = xstrndup(bytes, (size_t)len);
    BIO_free(bio);
    return text;
}

/* Signed by itself; the serial number tells them apart. */
static void pem_make(struct pem *pem, long serial)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    assert_true(key && x);
    (void)X509_set_version(x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"a", -1, -1, 0);
    (void)X509_set_issuer_name(x, name);
    (void)X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    BIO *chain = BIO_new(BIO_s_mem());
    BIO *secret = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(chain, x), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    pem->chain = text_of(chain);
    pem->key = text_of(secret);
    pem->pair = (struct http_certificate){pem->chain, strlen(pem->chain), pem->key, strlen(pem->key)};
}

static void pem_done(struct pem *pem)
{
    free(pem->chain);
    free(pem->key);
}

/* --- The client --- */

struct client {
    SSL_CTX *context;
    SSL *tls;
    int fd;
};

static struct client client_new(int version)
{
    struct client c = {.context = SSL_CTX_new(TLS_client_method()), .fd = client_open(&fixture)};
    assert_non_null(c.context);
    SSL_CTX_set_security_level(c.context, 0); /* so that it offers what the server must refuse */
    assert_int_equal(SSL_CTX_set_min_proto_version(c.context, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(c.context, version), 1);
    return c;
}

/* 1: the handshake succeeded. */
static int client_begin(struct client *c)
{
    c->tls = SSL_new(c->context);
    assert_non_null(c->tls);
    assert_int_equal(SSL_set_fd(c->tls, c->fd), 1);
    ERR_clear_error();
    return SSL_connect(c->tls);
}

static struct client client_connect(int version)
{
    struct client c = client_new(version);
    assert_int_equal(client_begin(&c), 1);
    return c;
}

static void client_end(struct client *c)
{
    SSL_free(c->tls);
    SSL_CTX_free(c->context);
    (void)close(c->fd);
}

static void say(struct client *c, const void *bytes, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t n = 0;
        assert_int_equal(SSL_write_ex(c->tls, (const char *)bytes + at, len - at, &n), 1);
        at += n;
    }
}

/* One answer's status; its body goes to body. 0: the connection ended. */
static int hear(struct client *c, struct str *body)
{
    AUTO_STR struct str head = STR_INIT(65536);
    char piece[65536];
    size_t n;
    while (head.len < 4 || memcmp(head.p + head.len - 4, "\r\n\r\n", 4) != 0) {
        if (SSL_read_ex(c->tls, piece, 1, &n) != 1)
            return 0;
        str_append_char(&head, piece[0]);
    }
    const char *at = strstr(head.p, "\r\nContent-Length: ");
    size_t left = at ? strtoul(at + 18, NULL, 10) : 0;
    str_reset(body);
    while (left > 0) {
        if (SSL_read_ex(c->tls, piece, left < sizeof piece ? left : sizeof piece, &n) != 1)
            return 0;
        str_append_len(body, piece, n);
        left -= n;
    }
    return (int)strtol(head.p + 9, NULL, 10);
}

static void assert_hello(struct client *c)
{
    AUTO_STR struct str body = STR_INIT(1024);
    say(c, HELLO, sizeof HELLO - 1);
    assert_int_equal(hear(c, &body), 200);
    assert_string_equal(str_text(&body), "hello");
}

static long serial_of(const struct client *c)
{
    X509 *x = SSL_get1_peer_certificate(c->tls);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(x));
    X509_free(x);
    return serial;
}

/* --- Set-up --- */

static int start_with(void **state, const struct network *networks, size_t count)
{
    struct http_settings settings = fixture_settings();
    struct pem pem;
    (void)signal(SIGPIPE, SIG_IGN);
    pem_make(&pem, 1);
    settings.head_deadline_ms = 600;
    settings.proxies = networks;
    settings.proxy_count = count;
    fixture.certificate = &pem.pair;
    fixture.limits = (struct http_stream_limits){.waiting_max = (size_t)8 * 1024 * 1024,
                                                 .stall_ms = 5000,
                                                 .life_ms = 60000,
                                                 .heartbeat = ":\n\n",
                                                 .heartbeat_ms = 60000};
    fixture_start(&fixture, &settings);
    pem_done(&pem);
    *state = &fixture;
    return 0;
}

static int start(void **state)
{
    return start_with(state, NULL, 0);
}

static int start_behind_proxy(void **state)
{
    assert_int_equal(network_parse("127.0.0.0/8", &proxies[0], NULL), 0);
    fixture.address = "10.1.2.3"; /* as V4_HEADER names it */
    return start_with(state, proxies, 1);
}

static int stop(void **state)
{
    fixture_stop(*state, 2000);
    return 0;
}

/* --- Tests --- */

static void test_both_versions(void **state)
{
    static const int VERSIONS[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(VERSIONS); i++) {
        struct client c = client_connect(VERSIONS[i]);
        assert_int_equal(SSL_version(c.tls), VERSIONS[i]);
        for (int request = 0; request < 20; request++)
            assert_hello(&c);
        client_end(&c);
    }
}

static void test_old_versions_and_suites_are_refused(void **state)
{
    static const struct {
        int version;
        const char *suites;
        int alert; /* the server's own word, so that it is not the client who refuses */
    } ROWS[] = {
        {TLS1_VERSION, "ALL:@SECLEVEL=0", SSL_R_TLSV1_ALERT_PROTOCOL_VERSION},
        {TLS1_1_VERSION, "ALL:@SECLEVEL=0", SSL_R_TLSV1_ALERT_PROTOCOL_VERSION},
        /* CBC, and no forward secrecy */
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA", SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE},
        {TLS1_2_VERSION, "AES128-GCM-SHA256", SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct client c = client_new(ROWS[i].version);
        assert_int_equal(SSL_CTX_set_cipher_list(c.context, ROWS[i].suites), 1);
        assert_int_not_equal(client_begin(&c), 1);
        assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), ROWS[i].alert);
        client_end(&c);
    }
    assert_int_equal(fixture.handled, 0);
}

static void test_protocols(void **state)
{
    static const unsigned char BOTH[] = "\x02h2\x08http/1.1";
    static const unsigned char OTHER[] = "\x02h2";
    const unsigned char *chosen = NULL;
    unsigned len = 0;
    (void)state;

    struct client c = client_new(TLS1_3_VERSION);
    assert_int_equal(SSL_CTX_set_alpn_protos(c.context, BOTH, sizeof BOTH - 1), 0);
    assert_int_equal(client_begin(&c), 1);
    SSL_get0_alpn_selected(c.tls, &chosen, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    client_end(&c);

    c = client_new(TLS1_3_VERSION);
    assert_int_equal(SSL_CTX_set_alpn_protos(c.context, OTHER, sizeof OTHER - 1), 0);
    assert_int_not_equal(client_begin(&c), 1);
    client_end(&c);
}

/* Several requests in one record, and the rest of a body with the next head behind it: what is inside already wakes
 * nobody by itself. */
static void test_requests_in_one_record(void **state)
{
    AUTO_STR struct str body = STR_INIT(1024);
    static const char TWO[] = "PUT /refuse HTTP/1.1\r\n" HOST "Content-Length: 8\r\n\r\n";
    static const char REST[] = "12345678" HELLO HELLO "GET /hello HT";
    (void)state;
    struct client c = client_connect(TLS1_3_VERSION);
    say(&c, TWO, sizeof TWO - 1);
    assert_int_equal(hear(&c, &body), 403);
    say(&c, REST, sizeof REST - 1);
    assert_int_equal(hear(&c, &body), 200);
    assert_int_equal(hear(&c, &body), 200);
    say(&c, "TP/1.1\r\n" HOST "\r\n", 19);
    assert_int_equal(hear(&c, &body), 200);
    client_end(&c);
}

static void test_large_head(void **state)
{
    AUTO_FREE char *head = xmalloc(30000);
    AUTO_STR struct str body = STR_INIT(1024);
    int len = snprintf(head, 30000, "GET /hello HTTP/1.1\r\n" HOST "X-Long: %015000d\r\n\r\n", 0);
    (void)state;
    struct client c = client_connect(TLS1_3_VERSION);
    say(&c, head, (size_t)len); /* one record, several reads */
    assert_int_equal(hear(&c, &body), 200);
    client_end(&c);
}

static void test_large_upload(void **state)
{
    AUTO_STR struct str body = STR_INIT(1024);
    size_t len = (size_t)20 * 1024 * 1024;
    AUTO_FREE char *bytes = xcalloc(1, len);
    static const char HEAD[] = "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 20971520\r\n\r\n";
    (void)state;
    struct client c = client_connect(TLS1_3_VERSION);
    say(&c, HEAD, sizeof HEAD - 1);
    say(&c, bytes, len);
    assert_int_equal(hear(&c, &body), 201);
    assert_int_equal(strncmp(str_text(&body), "20971520 ", 9), 0);
    assert_hello(&c);
    client_end(&c);
}

static void assert_pattern(const struct str *body, size_t len)
{
    assert_int_equal(body->len, len);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)body->p[i] != file_byte(i))
            fail_msg("byte %zu differs", i);
}

/* From a file and from memory, to a client that reads and to one that keeps the server waiting in mid-record. */
static void test_large_downloads(void **state)
{
    AUTO_STR struct str body = STR_INIT(2 * BYTES_SIZE);
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        struct client c = client_connect(slow ? TLS1_2_VERSION : TLS1_3_VERSION);
        static const char FILES[] = "GET /file HTTP/1.1\r\n" HOST "\r\nGET /bytes HTTP/1.1\r\n" HOST "\r\n"
                                    "GET /large HTTP/1.1\r\n" HOST "\r\n";
        say(&c, FILES, sizeof FILES - 1);
        (void)usleep(slow ? 300000 : 0);
        assert_int_equal(hear(&c, &body), 200);
        assert_pattern(&body, FILE_SIZE);
        assert_int_equal(hear(&c, &body), 200);
        assert_pattern(&body, BYTES_SIZE);
        (void)usleep(slow ? 300000 : 0);
        assert_int_equal(hear(&c, &body), 200);
        assert_int_equal(body.len, LARGE);
        assert_hello(&c);
        client_end(&c);
    }
    wait_for(&fixture.done, 4);
}

/* Everything of one stream until its end, whose bytes are more than sockets take at once. */
static void hear_stream(struct client *c, struct str *all)
{
    char piece[4096];
    size_t n;
    while (SSL_read_ex(c->tls, piece, sizeof piece, &n) == 1)
        str_append_len(all, piece, n);
    assert_int_equal(SSL_get_error(c->tls, 0), SSL_ERROR_ZERO_RETURN);
}

/* What waits for a reader who is late is sent when there is room again, and what a client says in between is heard by
 * nobody. The end is an orderly one. */
static void test_stream(void **state)
{
    static const char ASK[] = "GET /stream HTTP/1.1\r\n" HOST "\r\n";
    size_t len = (size_t)4 * 1024 * 1024;
    AUTO_FREE char *bytes = xmalloc(len);
    (void)state;
    memset(bytes, 's', len);
    for (int slow = 0; slow < 2; slow++) {
        AUTO_STR struct str all = STR_INIT(2 * len);
        struct client c = client_connect(slow ? TLS1_2_VERSION : TLS1_3_VERSION);
        say(&c, ASK, sizeof ASK - 1);
        assert_int_equal(hear(&c, &all), 200);
        wait_for(&fixture.opened, slow + 1);
        say(&c, HELLO, sizeof HELLO - 1);
        assert_true(fixture_say(&fixture, (size_t)slow, "begin", 5));
        assert_true(fixture_say(&fixture, (size_t)slow, bytes, len));
        (void)usleep(slow ? 300000 : 0);
        fixture_end(&fixture, (size_t)slow);
        hear_stream(&c, &all);
        assert_in_range(all.len, len + 5, len + 200);
        assert_memory_equal(all.p + all.len - 5, "0\r\n\r\n", 5);
        client_end(&c);
    }
    struct client c = client_connect(TLS1_3_VERSION);
    say(&c, ASK, sizeof ASK - 1);
    wait_for(&fixture.opened, 3);
    client_end(&c);
    wait_for(&fixture.destroyed, 3);
    assert_int_equal(fixture.handled, 3);
}

/* An orderly end is told; one in the middle of a body is not, so that nobody takes it for a whole. */
static void test_ends(void **state)
{
    AUTO_STR struct str body = STR_INIT(2 * FILE_SIZE);
    static const char LAST[] = "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
    static const char BROKEN[] = "GET /broken-file HTTP/1.1\r\n" HOST "\r\n";
    char byte;
    size_t n;
    (void)state;

    struct client c = client_connect(TLS1_3_VERSION);
    say(&c, LAST, sizeof LAST - 1);
    assert_int_equal(hear(&c, &body), 200);
    assert_int_equal(SSL_read_ex(c.tls, &byte, 1, &n), 0);
    assert_int_equal(SSL_get_error(c.tls, 0), SSL_ERROR_ZERO_RETURN);
    client_end(&c);

    c = client_connect(TLS1_3_VERSION);
    say(&c, BROKEN, sizeof BROKEN - 1);
    assert_int_equal(hear(&c, &body), 0);
    assert_int_not_equal(SSL_get_error(c.tls, 0), SSL_ERROR_ZERO_RETURN);
    client_end(&c);
}

static void test_slow_handshake_is_cut_at_the_head_deadline(void **state)
{
    static const char START[] = "\x16\x03\x01\x02\x00\x01";
    int64_t began = clock_mono_ms();
    int fd = client_open(*state);
    bool closed = false;
    for (size_t i = 0; i < sizeof START - 1 && !closed; i++) {
        client_send_len(fd, START + i, 1);
        closed = client_closed(fd, 50);
    }
    assert_true(closed || client_closed(fd, 3000));
    assert_in_range(clock_mono_ms() - began, 500, 2500);
    (void)close(fd);

    struct client c = client_connect(TLS1_3_VERSION); /* and one that says nothing after it */
    assert_true(client_closed(c.fd, 3000));
    client_end(&c);
    c = client_connect(TLS1_3_VERSION);
    assert_hello(&c);
    client_end(&c);
}

static void test_plain_http_is_refused(void **state)
{
    AUTO_STR struct str all = STR_INIT(4096);
    int fd = client_open(*state);
    client_send(fd, HELLO);
    client_drain(fd, &all);
    assert_non_null(strstr(str_text(&all), "HTTP/1.1 400 Bad Request\r\n"));
    assert_non_null(strstr(str_text(&all), "TLS"));
    (void)close(fd);
    fd = client_open(*state);
    client_send(fd, "nonsense of the plainest kind\r\n\r\n");
    assert_true(client_closed(fd, 2000));
    (void)close(fd);
    assert_int_equal(fixture.handled, 0);
}

static void test_new_certificate(void **state)
{
    struct pem second;
    struct pem third;
    struct error err = {0};
    (void)state;
    pem_make(&second, 2);
    pem_make(&third, 3);
    struct client old = client_connect(TLS1_3_VERSION);
    assert_int_equal(serial_of(&old), 1);

    assert_int_equal(http_server_set_certificate(fixture.server, &second.pair, &err), 0);
    struct client new = client_connect(TLS1_3_VERSION);
    assert_int_equal(serial_of(&new), 2);
    assert_hello(&old);
    assert_hello(&new);
    client_end(&new);

    struct http_certificate mixed = {second.chain, strlen(second.chain), third.key, strlen(third.key)};
    assert_int_equal(http_server_set_certificate(fixture.server, &mixed, &err), E_CONFIG);
    struct http_certificate broken = {"no", 2, third.key, strlen(third.key)};
    assert_int_equal(http_server_set_certificate(fixture.server, &broken, &err), E_CONFIG);
    new = client_connect(TLS1_3_VERSION);
    assert_int_equal(serial_of(&new), 2);
    client_end(&new);
    assert_hello(&old);
    client_end(&old);
    pem_done(&second);
    pem_done(&third);
}

/* Before TLS, and only from a proxy. */
static void test_proxy_header(void **state)
{
    static const char HEADER[] = V4_HEADER;
    struct client c = client_new(TLS1_3_VERSION);
    for (size_t i = 0; i < sizeof HEADER - 1; i++) /* byte by byte: nothing of the handshake is taken with it */
        client_send_len(c.fd, HEADER + i, 1);
    assert_int_equal(client_begin(&c), 1);
    assert_hello(&c);
    client_end(&c);

    c = client_new(TLS1_3_VERSION);
    assert_int_not_equal(client_begin(&c), 1); /* a proxy that does not say for whom */
    client_end(&c);

    int fd = client_open(*state);
    client_send_len(fd, HEADER, 20); /* and one that never ends its header */
    assert_true(client_closed(fd, 3000));
    (void)close(fd);
}

static void test_proxy_header_from_others(void **state)
{
    static const char HEADER[] = V4_HEADER;
    (void)state;
    struct client c = client_new(TLS1_3_VERSION);
    client_send_len(c.fd, HEADER, sizeof HEADER - 1);
    assert_int_not_equal(client_begin(&c), 1);
    client_end(&c);
    assert_int_equal(fixture.handled, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest TESTS[] = {
        TEST(test_both_versions),
        TEST(test_old_versions_and_suites_are_refused),
        TEST(test_protocols),
        TEST(test_requests_in_one_record),
        TEST(test_large_head),
        TEST(test_large_upload),
        TEST(test_large_downloads),
        TEST(test_stream),
        TEST(test_ends),
        TEST(test_slow_handshake_is_cut_at_the_head_deadline),
        TEST(test_plain_http_is_refused),
        TEST(test_new_certificate),
        cmocka_unit_test_setup_teardown(test_proxy_header, start_behind_proxy, stop),
        TEST(test_proxy_header_from_others),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
