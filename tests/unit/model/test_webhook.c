/* Receivers of webhooks, their keys, and lists of events' kinds, as settings write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "model/cloud_event.h"
#include "model/webhook.h"

#define KEY "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" /* 32 bytes */
#define SHORT "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY="           /* 23 bytes */
#define WORKSPACE "11111111-1111-4111-8111-111111111111"

static void keys_are_lines(void **state UNUSED)
{
    struct webhook_keys keys;
    assert_int_equal(webhook_keys_parse("whsec_" KEY, &keys, NULL), 0);
    assert_int_equal(keys.count, 1);
    assert_int_equal(keys.items[0].len, 32);
    assert_memory_equal(keys.items[0].bytes, "0123456789abcdef0123456789abcdef", 32);
    assert_int_equal(webhook_keys_parse(KEY "\r\nwhsec_" KEY "\n\n" KEY "\n", &keys, NULL), 0);
    assert_int_equal(keys.count, 3);
}

static void keys_that_are_none_are_refused(void **state UNUSED)
{
    static const char *const BAD[] = {
        "",
        "\n",
        "whsec_",
        "whsec_" SHORT,
        KEY " ",
        " " KEY,
        "whsec " KEY,
        KEY "\nwhsec_x\n",
        KEY "\n" KEY "\n" KEY "\n" KEY,
        "whsec_whsec_" KEY,
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct webhook_keys keys;
        struct error err = {0};
        assert_int_equal(webhook_keys_parse(BAD[i], &keys, &err), E_INVALID);
        assert_int_equal(keys.count, 0);
        assert_non_null(strstr(err.detail, "openssl rand"));
    }
}

static void receivers_are_read(void **state UNUSED)
{
    struct webhooks w;
    assert_int_equal(webhooks_parse("", &w, NULL), 0);
    assert_int_equal(w.count, 0);
    assert_int_equal(webhooks_parse("chat=*,https://chat.example.org/a?b=c  lab-1=" WORKSPACE
                                    ",http://127.0.0.1:9/,scan_result+blob_created",
                                    &w, NULL),
                     0);
    assert_int_equal(w.count, 2);
    assert_string_equal(w.items[0].name, "chat");
    assert_string_equal(w.items[0].workspace, "");
    assert_string_equal(w.items[0].url, "https://chat.example.org/a?b=c");
    assert_int_equal(w.items[0].kinds, CLOUD_EVENT_ALL);
    assert_string_equal(w.items[1].workspace, WORKSPACE);
    assert_int_equal(w.items[1].kinds, 1U << CLOUD_EVENT_SCAN_RESULT | 1U << CLOUD_EVENT_BLOB_CREATED);
}

static void bad_receivers_are_refused_by_name(void **state UNUSED)
{
    static const struct {
        const char *text, *says;
    } BAD[] = {
        {"chat", "NAME=WORKSPACE,URL"},
        {"chat=*", "NAME=WORKSPACE,URL"},
        {"mail=*,https://a.example.org", "calls a receiver \"mail\""},
        {"broker=*,https://a.example.org", "calls a receiver \"broker\""},
        {"webhook=*,https://a.example.org", "calls a receiver \"webhook\""},
        {"Chat=*,https://a.example.org", "calls a receiver \"Chat\""},
        {"a/../b=*,https://a.example.org", "calls a receiver"},
        {"a=*,https://a.example.org a=*,https://b.example.org", "names a twice"},
        {"a=x,https://a.example.org", "behind a= which workspace"},
        {"a=,https://a.example.org", "behind a= which workspace"},
        {"a=*,http://a.example.org", "give a an address"},
        {"a=*,https://user@a.example.org", "give a an address"},
        {"a=*,https://a.example.org,nothing", "names the event \"nothing\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct webhooks w;
        struct error err = {0};
        assert_int_equal(webhooks_parse(BAD[i].text, &w, &err), E_INVALID);
        if (!strstr(err.detail, BAD[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.detail, BAD[i].says);
    }
}

static void there_are_at_most_32(void **state UNUSED)
{
    struct webhooks w;
    char text[4000] = "";
    for (int i = 0; i < 33; i++) {
        if (i == 32)
            assert_int_equal(webhooks_parse(text, &w, NULL), 0);
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "a%d=*,https://a.example.org ", i);
    }
    assert_int_equal(webhooks_parse(text, &w, NULL), E_INVALID);
}

static void kinds_are_named(void **state UNUSED)
{
    unsigned kinds;
    enum cloud_event kind;
    assert_int_equal(cloud_event_kinds_parse("", " ", &kinds, NULL), 0);
    assert_int_equal(kinds, CLOUD_EVENT_ALL);
    assert_int_equal(cloud_event_kinds_parse("notification  step_result", " ", &kinds, NULL), 0);
    assert_int_equal(kinds, 1U << CLOUD_EVENT_NOTIFICATION | 1U << CLOUD_EVENT_STEP_RESULT);
    assert_int_equal(cloud_event_kinds_parse("Notification", " ", &kinds, NULL), E_INVALID);
    for (int i = 0; i < CLOUD_EVENT_COUNT; i++) {
        assert_true(cloud_event_by_name(cloud_event_name((enum cloud_event)i), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(cloud_event_by_name("", &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_lines),       cmocka_unit_test(keys_that_are_none_are_refused),
        cmocka_unit_test(receivers_are_read),   cmocka_unit_test(bad_receivers_are_refused_by_name),
        cmocka_unit_test(there_are_at_most_32), cmocka_unit_test(kinds_are_named),
    };
    return cmocka_run_group_tests_name("model/webhook", tests, NULL, NULL);
}
