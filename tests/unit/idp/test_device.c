/* Device grants: codes, who may ask when, one word that counts, one answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "idp/device.h"

#define NOW 1000000
#define LIFE (1000LL * DEVICE_LIFETIME_S)

static struct device_store *store;
static char *code;
static char user_code[USER_CODE_SIZE];

static int begin_for(const char *address, int64_t now_ms, char **ret_code)
{
    AUTO_JSON json_t *asked = json_pack("{s:s, s:s}", "client_id", "airlock-cli", "scope", "api://a/.default");
    return device_begin(store, asked, address, now_ms, ret_code, user_code, NULL);
}

static int begin(void **state)
{
    (void)state;
    store = device_store_new(4);
    return begin_for("192.0.2.1", NOW, &code);
}

static int end(void **state)
{
    (void)state;
    free(TAKE_PTR(code));
    device_store_free(store);
    return 0;
}

static enum device_state poll_at(int64_t now_ms)
{
    AUTO_JSON json_t *result = NULL;
    return device_poll(store, code, "airlock-cli", now_ms, &result);
}

static void decide(bool yes, int64_t now_ms, int wanted)
{
    AUTO_JSON json_t *asked = NULL;
    AUTO_JSON json_t *result = yes ? json_pack("{s:s}", "oid", "alice") : NULL;
    char id[DEVICE_ID_SIZE];
    int r = device_find(store, user_code, now_ms, id, &asked, NULL);
    if (r == 0)
        r = device_hold(store, id, now_ms, NULL);
    assert_int_equal(r, wanted);
    if (r == 0)
        device_decide(store, id, result);
}

static void codes_are_short_and_plain(void **state)
{
    (void)state;
    assert_int_equal(strlen(user_code), 9);
    assert_int_equal(user_code[4], '-');
    assert_int_equal(strspn(user_code, "BCDFGHJKLMNPQRSTVWXZ-"), 9);
    assert_int_equal(strlen(code), 43);
}

static void a_code_may_be_typed_in_many_ways(void **state)
{
    (void)state;
    char lower[USER_CODE_SIZE], bare[USER_CODE_SIZE], id[DEVICE_ID_SIZE];
    for (size_t i = 0; i < sizeof lower; i++)
        lower[i] = (char)(user_code[i] >= 'A' ? user_code[i] + 32 : user_code[i]);
    (void)snprintf(bare, sizeof bare, "%.4s%s", user_code, user_code + 5);
    AUTO_FREE char *spaced = xasprintf("  %.4s  %s ", lower, lower + 5);
    const char *const good[] = {user_code, lower, bare, spaced};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        AUTO_JSON json_t *asked = NULL;
        assert_int_equal(device_find(store, good[i], NOW, id, &asked, NULL), 0);
        assert_string_equal(json_text(asked, "client_id"), "airlock-cli");
    }
    AUTO_FREE char *longer = xasprintf("%sB", user_code);
    const char *const bad[] = {"", "BBBB", "AEIO-UAEI", longer, "BCDF-GHJ\xc3", "0000-0000"};
    json_t *none = NULL;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(device_find(store, bad[i], NOW, id, &none, NULL), E_NOT_FOUND);
}

static void the_program_waits_and_is_answered_once(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    json_t *none = NULL;
    assert_int_equal(poll_at(NOW), DEVICE_PENDING);
    decide(true, NOW + 1000, 0);
    assert_int_equal(device_poll(store, code, "airlock-web", NOW + 5000, &none), DEVICE_UNKNOWN);
    assert_int_equal(device_poll(store, code, "airlock-cli", NOW + 5000, &result), DEVICE_APPROVED);
    assert_string_equal(json_text(result, "oid"), "alice");
    assert_int_equal(device_poll(store, code, "airlock-cli", NOW + 10000, &none), DEVICE_UNKNOWN);
    assert_int_equal(device_poll(store, "nonsense", "airlock-cli", NOW, &none), DEVICE_UNKNOWN);
    assert_null(none);
}

static void who_asks_too_fast_waits_longer(void **state)
{
    (void)state;
    assert_int_equal(poll_at(NOW), DEVICE_PENDING);
    assert_int_equal(poll_at(NOW + 1000), DEVICE_TOO_FAST); /* from now on 10 s */
    assert_int_equal(poll_at(NOW + 7000), DEVICE_TOO_FAST); /* 15 s */
    assert_int_equal(poll_at(NOW + 22000), DEVICE_PENDING);
    assert_int_equal(poll_at(NOW + 36600), DEVICE_PENDING); /* a little early is in time */
}

static void one_word_counts(void **state)
{
    (void)state;
    decide(false, NOW, 0);
    decide(true, NOW, E_NOT_FOUND);
    assert_int_equal(poll_at(NOW), DEVICE_DENIED);
    assert_int_equal(device_hold(store, "nonsense", NOW, NULL), E_NOT_FOUND);
}

static void a_held_code_is_nobody_elses(void **state)
{
    (void)state;
    AUTO_JSON json_t *asked = NULL;
    char id[DEVICE_ID_SIZE];
    assert_int_equal(device_find(store, user_code, NOW, id, &asked, NULL), 0);
    assert_int_equal(device_hold(store, id, NOW, NULL), 0);
    assert_int_equal(device_hold(store, id, NOW, NULL), E_NOT_FOUND);
    assert_int_equal(poll_at(NOW), DEVICE_PENDING);
    device_release(store, id);
    decide(true, NOW, 0);
    device_release(store, id); /* too late */
    assert_int_equal(poll_at(NOW + 5000), DEVICE_APPROVED);
}

static void codes_expire(void **state)
{
    (void)state;
    assert_int_equal(poll_at(NOW + LIFE - 1), DEVICE_PENDING);
    decide(true, NOW + LIFE, E_NOT_FOUND);
    assert_int_equal(poll_at(NOW + LIFE), DEVICE_EXPIRED);
}

static void an_approval_expires_too(void **state)
{
    (void)state;
    decide(true, NOW, 0);
    assert_int_equal(poll_at(NOW + LIFE), DEVICE_EXPIRED);
}

static void an_address_has_its_share(void **state)
{
    (void)state;
    char *other = NULL;
    for (int i = 1; i < 4; i++) {
        assert_int_equal(begin_for("192.0.2.1", NOW, &other), 0);
        free(other);
    }
    assert_int_equal(begin_for("192.0.2.1", NOW, &other), E_RATE);
    assert_int_equal(begin_for("192.0.2.2", NOW, &other), 0);
    free(other);
    assert_int_equal(begin_for("192.0.2.1", NOW + LIFE, &other), 0);
    free(other);
}

static void the_store_is_bounded(void **state)
{
    (void)state;
    char *other = NULL;
    for (int i = 1; i < DEVICES_MAX; i++) {
        AUTO_FREE char *address = xasprintf("a%d", i);
        assert_int_equal(begin_for(address, NOW, &other), 0);
        free(other);
    }
    assert_int_equal(begin_for("b", NOW, &other), E_UNAVAILABLE);
    assert_int_equal(begin_for("b", NOW + LIFE, &other), 0); /* what is over gives way */
    free(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(codes_are_short_and_plain),
        TEST(a_code_may_be_typed_in_many_ways),
        TEST(the_program_waits_and_is_answered_once),
        TEST(who_asks_too_fast_waits_longer),
        TEST(one_word_counts),
        TEST(a_held_code_is_nobody_elses),
        TEST(codes_expire),
        TEST(an_approval_expires_too),
        TEST(an_address_has_its_share),
        TEST(the_store_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
