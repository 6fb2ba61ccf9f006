/* Which addresses airlock-notify connects to. */
#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "notify/reach.h"

static bool allows(const struct reach *reach, bool local, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return reach_allows(reach, local, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return reach_allows(reach, local, (const struct sockaddr *)&v6);
}

static void t64_private_addresses_are_refused(void **state)
{
    static const char *const REFUSED[] = {
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
    };
    struct reach reach;
    (void)state;

    assert_int_equal(reach_parse("a.setting", "", &reach, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++)
        if (allows(&reach, false, REFUSED[i]))
            fail_msg("%s is allowed", REFUSED[i]);
    assert_true(allows(&reach, false, "93.184.216.34"));
    assert_true(allows(&reach, false, "172.32.0.1"));
    assert_true(allows(&reach, false, "2606:2800:220:1::1"));
}

static void a_network_of_the_operators_is_allowed(void **state)
{
    struct reach reach;
    (void)state;

    assert_int_equal(reach_parse("a.setting", "10.2.0.0/16 fd00:1::/32", &reach, NULL), 0);
    assert_true(allows(&reach, false, "10.2.3.4"));
    assert_true(allows(&reach, false, "::ffff:10.2.3.4"));
    assert_true(allows(&reach, false, "fd00:1::5"));
    assert_false(allows(&reach, false, "10.3.0.1"));
    assert_int_equal(reach_parse("a.setting", "0.0.0.0/0", &reach, NULL), 0);
    assert_false(allows(&reach, false, "127.0.0.1")); /* this machine only by its own name */
    assert_int_equal(reach_parse("a.setting", "10.2.0.1/16", &reach, NULL), E_INVALID);
}

static void a_url_of_this_machine_leads_nowhere_else(void **state)
{
    struct reach reach;
    (void)state;

    assert_int_equal(reach_parse("a.setting", "10.2.0.0/16", &reach, NULL), 0);
    assert_true(allows(&reach, true, "127.0.0.1"));
    assert_true(allows(&reach, true, "::1"));
    assert_false(allows(&reach, true, "10.2.3.4"));
    assert_false(allows(&reach, true, "93.184.216.34"));
    assert_true(reach_url_is_local("http://127.0.0.1:80/x"));
    assert_true(reach_url_is_local("https://localhost"));
    assert_true(reach_url_is_local("http://[::1]:8/"));
    assert_false(reach_url_is_local("https://localhost.example.org/"));
    assert_false(reach_url_is_local("https://127.0.0.1.example.org/"));
    assert_false(reach_url_is_local("https://example.org/?http://127.0.0.1/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t64_private_addresses_are_refused),
        cmocka_unit_test(a_network_of_the_operators_is_allowed),
        cmocka_unit_test(a_url_of_this_machine_leads_nowhere_else),
    };
    return cmocka_run_group_tests_name("notify/reach", tests, NULL, NULL);
}
