/* Which URLs are private, by every trick that makes two readers see two hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/url.h"

static void tls_and_this_machine_are_private(void **state)
{
    static const char *const GOOD[] = {
        "https://a.example",
        "https://a.example/",
        "https://a.example:8443/x?y=z#w",
        "HTTPS://A.example/x",
        "https://a.example/user@b",
        "https://10.0.0.1/keys",
        "https://[2001:db8::1]:443/keys",
        "https://a.example?x",
        "http://127.0.0.1:1234/",
        "http://127.0.0.1",
        "http://[::1]:80/k",
        "http://[::1]/",
        "http://localhost:8080/key",
        "http://LOCALHOST/",
        "http://localhost/a@b",
        "https://a.example#x",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        if (!url_is_private(GOOD[i]))
            fail_msg("%s", GOOD[i]);
}

static void everything_else_is_not(void **state)
{
    static const char *const BAD[] = {
        "",
        "x",
        "https:",
        "https://",
        "https:///x",
        "https://:443/",
        "//a.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://a.example/x",
        "http://127.0.0.1:80@evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://localhost:80@evil.example/",
        "http://[::1]:80@evil.example/",
        "http://user@127.0.0.1/",
        "https://user@a.example/",
        "https://user:x@a.example/",
        "https://@a.example/",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.1\\@evil.example/",
        "http://127.0.0.1\\.evil.example/",
        "http://127.0.0.1%2eevil.example/",
        "http://127.0.0.1:80.evil.example/",
        "http://127.0.0.1:",
        "http://127.0.0.1:/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:+80/",
        "http://127.0.0.1 /",
        "http://127.0.0.1\t/",
        "http://127.0.0.1\n/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://127.0.0.2/",
        "http://0.0.0.0/",
        "http://[::1/",
        "http://[::1]evil.example/",
        "http://[::1%25lo]/",
        "http://[::ffff:127.0.0.1]/",
        "http://::1/",
        "http://localhost./",
        "https://a.ex\xc3\xa4mple/",
        " https://a.example/",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (url_is_private(BAD[i]))
            fail_msg("%s", BAD[i]);
}

static void a_brokers_url_is_read_in_parts(void **state)
{
    struct broker_url u;
    (void)state;

    assert_true(broker_url_parse("amqps://airlock@mq.example.org", &u));
    assert_true(u.tls);
    assert_int_equal(u.port, 5671);
    assert_string_equal(u.user, "airlock");
    assert_string_equal(u.host, "mq.example.org");
    assert_string_equal(u.vhost, "/");
    assert_true(broker_url_parse("amqp://a%40b@[::1]:5673/t%2Fre", &u));
    assert_false(u.tls);
    assert_int_equal(u.port, 5673);
    assert_string_equal(u.user, "a@b");
    assert_string_equal(u.host, "::1");
    assert_string_equal(u.vhost, "t/re");
    assert_true(broker_url_parse("amqp://a@localhost/", &u));
    assert_int_equal(u.port, 5672);
    assert_string_equal(u.vhost, "/");
}

static void a_brokers_url_of_another_form_is_refused(void **state)
{
    static const char *const BAD[] = {
        "",
        "amqps://mq.example.org/",
        "amqps://@mq.example.org/",
        "amqps://airlock:secret@mq.example.org/",
        "amqp://airlock@mq.example.org/",
        "amqp://airlock@127.0.0.1.example.org/",
        "https://airlock@mq.example.org/",
        "amqps://airlock@/",
        "amqps://airlock@mq.example.org:0/",
        "amqps://airlock@mq.example.org:65536/",
        "amqps://airlock@mq.example.org:/",
        "amqps://airlock@mq.example.org/a/b",
        "amqps://airlock@mq.example.org/a?b=c",
        "amqps://airlock@mq.example.org?b=c",
        "amqps://airlock@mq.example.org/%",
        "amqps://airlock@mq.example.org/%2",
        "amqps://airlock@mq.example.org/%00",
        "amqps://air%zzlock@mq.example.org/",
        "amqps://air lock@mq.example.org/",
    };
    AUTO_FREE char *long_user = xcalloc(1, 1000);
    struct broker_url u;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (broker_url_parse(BAD[i], &u))
            fail_msg("%s", BAD[i]);
    memset(long_user, 'a', 400);
    memcpy(long_user, "amqps://", 8);
    memcpy(long_user + 400, "@h", 2);
    assert_false(broker_url_parse(long_user, &u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_and_this_machine_are_private),
        cmocka_unit_test(everything_else_is_not),
        cmocka_unit_test(a_brokers_url_is_read_in_parts),
        cmocka_unit_test(a_brokers_url_of_another_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
