/* Where listeners listen: the form of the text, and that a socket is bound to the interface it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "airlockd/endpoint.h"
#include "base/macros.h"
#include "base/str.h"

#define NO_INTERFACE "air-no-such-if"

static const struct {
    const char *text;
    const char *interface; /* NULL: the text is refused */
    bool loopback;
} TEXTS[] = {
    {"127.0.0.1:8400", "", true},
    {"127.255.0.1:1", "", true},
    {"10.1.0.1:65535", "", false},
    {"[::1]:8400", "", true},
    {"[2001:db8::1]:8400", "", false},
    {"10.1.0.1:8400@eth0", "eth0", false},
    {"[fe80::1]:8400@br-core", "br-core", false},
    {"10.1.0.1:8400@vlan.12_3456789", "vlan.12_3456789", false}, /* 15 bytes: the longest */
    {"10.1.0.1:8400@a@b", "a@b", false},                         /* odd, and Linux takes it */
    {"10.1.0.1:8400@vlan.12_34567890", NULL, false},
    {"10.1.0.1:8400@", NULL, false},
    {"10.1.0.1:8400@.", NULL, false},
    {"10.1.0.1:8400@..", NULL, false},
    {"10.1.0.1:8400@eth 0", NULL, false},
    {"10.1.0.1:8400@eth0:1", NULL, false},
    {"10.1.0.1:8400@../eth0", NULL, false},
    {"@eth0", NULL, false},
    {"10.1.0.1@eth0", NULL, false},
    {"10.1.0.1:0@eth0", NULL, false},
    {"10.1.0.1@eth0:8400", NULL, false},
    {"[fe80::1%eth0]:8400", NULL, false},
    {"localhost:8400@lo", NULL, false},
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct endpoint endpoint;
        struct error err = {0};
        int r = endpoint_parse(TEXTS[i].text, &endpoint, &err);
        if (r != (TEXTS[i].interface ? 0 : E_INVALID))
            fail_msg("%s: %d %s", TEXTS[i].text, r, err.detail);
        if (!TEXTS[i].interface)
            continue;
        assert_string_equal(endpoint.interface, TEXTS[i].interface);
        assert_int_equal(endpoint.loopback, TEXTS[i].loopback);
    }
}

static void test_an_interface_must_be_there(void **state)
{
    (void)state;
    struct endpoint endpoint;
    struct error err = {0};

    assert_int_equal(endpoint_parse("127.0.0.1:8400@lo", &endpoint, &err), 0);
    assert_int_equal(endpoint_check_interface(&endpoint, &err), 0);
    assert_int_equal(endpoint_parse("127.0.0.1:8400", &endpoint, &err), 0);
    assert_int_equal(endpoint_check_interface(&endpoint, &err), 0);
    assert_int_equal(endpoint_parse("127.0.0.1:8400@" NO_INTERFACE, &endpoint, &err), 0);
    assert_int_equal(endpoint_check_interface(&endpoint, &err), E_INVALID);
    assert_non_null(strstr(err.detail, NO_INTERFACE));
}

static void test_a_url_has_no_interface(void **state)
{
    (void)state;
    AUTO_FREE char *with = endpoint_authority("[::1]:8400@lo");
    AUTO_FREE char *without = endpoint_authority("127.0.0.1:8400");
    assert_string_equal(with, "[::1]:8400");
    assert_string_equal(without, "127.0.0.1:8400");
}

/* A free port of loopback; another process may take it meanwhile, which the wait in endpoint_listen forgives. */
static unsigned free_port(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
    return ntohs(any.sin_port);
}

static void check_bound(const char *suffix, const char *interface)
{
    AUTO_FREE char *text = xasprintf("127.0.0.1:%u%s", free_port(), suffix);
    char bound[IFNAMSIZ] = "";
    socklen_t len = sizeof bound;
    struct error err = {0};

    AUTO_FD int fd = endpoint_listen(text, &err);
    if (fd < 0)
        fail_msg("%s: %s", text, err.detail);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bound, &len), 0);
    assert_string_equal(len ? bound : "", interface);
}

static void test_a_socket_is_bound_to_its_interface(void **state)
{
    (void)state;
    check_bound("@lo", "lo");
    check_bound("", "");
}

static void test_no_socket_without_its_interface(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(endpoint_listen("127.0.0.1:8400@" NO_INTERFACE, &err), E_UNAVAILABLE);
    assert_non_null(strstr(err.detail, NO_INTERFACE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_an_interface_must_be_there),
        cmocka_unit_test(test_a_url_has_no_interface),
        cmocka_unit_test(test_a_socket_is_bound_to_its_interface),
        cmocka_unit_test(test_no_socket_without_its_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
