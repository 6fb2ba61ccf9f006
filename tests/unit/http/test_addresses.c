/* The count of connections for each client address. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "http/internal.h"

static struct sockaddr_storage peer(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        storage.ss_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
        storage.ss_family = AF_INET6;
    }
    return storage;
}

static bool enter(struct http_addresses *a, const char *text, struct http_address **ret)
{
    struct sockaddr_storage storage = peer(text);
    return http_addresses_enter(a, &storage, ret);
}

/* Two texts of one client, or of two. */
static const struct {
    const char *first;
    const char *second;
    bool same;
} ROWS[] = {
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"192.0.2.1", "::ffff:192.0.2.1", true},
    {"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
    {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
    {"::1", "0.0.0.0", false},
};

static void test_who_is_one_client(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct http_addresses *a = http_addresses_new(1, 10);
        struct http_address *first = NULL;
        struct http_address *second = NULL;
        assert_true(enter(a, ROWS[i].first, &first));
        if (enter(a, ROWS[i].second, &second) == ROWS[i].same)
            fail_msg("%s and %s", ROWS[i].first, ROWS[i].second);
        http_addresses_leave(first);
        http_addresses_leave(second);
        http_addresses_free(a);
    }
}

static void test_leaving_makes_room(void **state)
{
    struct http_addresses *a = http_addresses_new(2, 10);
    struct http_address *held[3];
    (void)state;
    assert_true(enter(a, "192.0.2.1", &held[0]));
    assert_true(enter(a, "192.0.2.1", &held[1]));
    assert_false(enter(a, "192.0.2.1", &held[2]));
    http_addresses_leave(held[0]);
    assert_true(enter(a, "192.0.2.1", &held[0]));
    http_addresses_leave(held[0]);
    http_addresses_leave(held[1]);
    http_addresses_free(a);
}

static void test_not_counted(void **state)
{
    struct http_addresses *a = http_addresses_new(1, 10);
    struct http_addresses *uncapped = http_addresses_new(0, 10);
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    struct http_address *address;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(http_addresses_enter(a, &local, &address));
        assert_null(address);
        assert_true(enter(uncapped, "192.0.2.1", &address));
        assert_null(address);
    }
    http_addresses_leave(NULL);
    http_addresses_free(a);
    http_addresses_free(uncapped);
}

static void test_many(void **state)
{
    enum { COUNT = 3000 };
    struct http_addresses *a = http_addresses_new(1, COUNT);
    struct http_address *held[COUNT];
    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        AUTO_FREE char *text = xasprintf("10.0.%u.%u", i / 256, i % 256);
        assert_true(enter(a, text, &held[i]));
    }
    for (unsigned i = 0; i < COUNT; i++)
        http_addresses_leave(held[i]);
    http_addresses_free(a);
}

static void test_format(void **state)
{
    static const char *const TEXTS[][2] = {
        {"192.0.2.1", "192.0.2.1"}, {"2001:db8::1", "2001:db8::1"}, {"::ffff:192.0.2.1", "192.0.2.1"}};
    char text[INET6_ADDRSTRLEN];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct sockaddr_storage storage = peer(TEXTS[i][0]);
        http_address_format(&storage, text);
        assert_string_equal(text, TEXTS[i][1]);
    }
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    http_address_format(&local, text);
    assert_string_equal(text, "");
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(test_who_is_one_client),
        cmocka_unit_test(test_leaving_makes_room),
        cmocka_unit_test(test_not_counted),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
