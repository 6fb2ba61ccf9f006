/* Networks and addresses: what parses, what contains what, what overlaps. */
#include "../check.h"

#include "base/network.h"

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *formatted; /* NULL: refused */
    } ROWS[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"192.168.1.7/32", "192.168.1.7/32"},
        {"10.128.0.0/9", "10.128.0.0/9"},
        {"2001:db8::/32", "2001:db8::/32"},
        {"2001:DB8:0:0::/64", "2001:db8::/64"},
        {"::/0", "::/0"},
        {"::1/128", "::1/128"},
        {"10.0.0.0", NULL},
        {"10.0.0.1/8", NULL},
        {"10.192.0.0/9", NULL},
        {"10.0.0.0/33", NULL},
        {"2001:db8::/129", NULL},
        {"2001:db8::1/64", NULL},
        {"10.0.0.0/08", NULL},
        {"10.0.0.0/", NULL},
        {"/8", NULL},
        {"", NULL},
        {"10.0.0.0/-1", NULL},
        {"10.0.0.0/8 ", NULL},
        {" 10.0.0.0/8", NULL},
        {"10.0.0/8", NULL},
        {"010.0.0.0/8", NULL},
        {"10.0.0.0/0008", NULL},
        {"::ffff:10.0.0.0/104", NULL},
        {"example.org/8", NULL},
        {"10.0.0.0/8/8", NULL},
        {"[::1]/128", NULL},
        {"fe80::1%eth0/64", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct network network;
        char text[NETWORK_TEXT_MAX];
        if (!ROWS[i].formatted) {
            assert_refused_field(network_parse(ROWS[i].text, &network, err), E_INVALID, "networks");
            continue;
        }
        assert_int_equal(network_parse(ROWS[i].text, &network, NULL), 0);
        network_format(&network, text);
        assert_string_equal(text, ROWS[i].formatted);
    }
}

static void test_contains(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        const char *address;
        bool inside;
    } ROWS[] = {
        {"10.0.0.0/8", "10.0.0.0", true},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"10.128.0.0/9", "10.127.255.255", false},
        {"10.128.0.0/9", "10.128.0.0", true},
        {"192.168.1.4/30", "192.168.1.7", true},
        {"192.168.1.4/30", "192.168.1.8", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "203.0.113.9", false},
        {"127.0.0.0/8", "::ffff:127.0.0.1", true},
        {"::/0", "::ffff:127.0.0.1", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"10.0.0.1/32", "10.0.0.1", true},
        {"10.0.0.1/32", "10.0.0.2", false},
        {"0.0.0.0/0", "", false},
        {"0.0.0.0/0", "localhost", false},
        {"0.0.0.0/0", "1.2.3.4:80", false},
        {"0.0.0.0/0", "1.2.3", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct network network;
        assert_int_equal(network_parse(ROWS[i].network, &network, NULL), 0);
        assert_int_equal(network_contains_text(&network, ROWS[i].address), ROWS[i].inside);
    }
}

static void test_overlaps(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool overlap;
    } ROWS[] = {
        {"10.0.0.0/8", "10.1.0.0/16", true},
        {"10.0.0.0/8", "10.0.0.0/8", true},
        {"10.0.0.0/9", "10.128.0.0/9", false},
        {"0.0.0.0/0", "10.0.0.0/8", true},
        {"0.0.0.0/0", "::/0", false},
        {"2001:db8::/32", "2001:db8:1::/48", true},
        {"2001:db8::/48", "2001:db8:1::/48", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct network a, b;
        assert_int_equal(network_parse(ROWS[i].a, &a, NULL), 0);
        assert_int_equal(network_parse(ROWS[i].b, &b, NULL), 0);
        assert_int_equal(network_overlaps(&a, &b), ROWS[i].overlap);
        assert_int_equal(network_overlaps(&b, &a), ROWS[i].overlap);
    }
}

static void test_compare(void **state)
{
    (void)state;
    static const char *const SORTED[] = {"0.0.0.0", "10.0.0.1", "10.0.0.2", "255.0.0.0", "::", "::1", "ffff::"};
    for (size_t i = 0; i < ARRAY_LEN(SORTED); i++)
        for (size_t k = 0; k < ARRAY_LEN(SORTED); k++) {
            struct address a, b;
            assert_true(address_parse(SORTED[i], &a));
            assert_true(address_parse(SORTED[k], &b));
            assert_int_equal(address_compare(&a, &b), i < k ? -1 : i > k);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_contains),
        cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
