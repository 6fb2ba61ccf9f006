/* The settings table: every row keeps its own bounds, travels in its own type, and goes to whom it should; the
 * committed reference page is the table's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "airlockd/form.h"
#include "airlockd/settings.h"
#include "base/file.h"

static const struct {
    enum setting id;
    enum form form;
    const char *fallback;
    int64_t min, max;
    unsigned receivers;
} ROWS[] = {
#define X(id, name, form, fallback, min, max, receivers, help) \
    {SETTING_##id, FORM_##form, fallback, min, max, receivers},
#include "airlockd/settings.def"
#undef X
};

static int set_number(struct settings *settings, enum setting id, int64_t value)
{
    AUTO_FREE char *text = xasprintf("%" PRId64, value);
    struct error err;
    return settings_set(settings, id, text, "test", &err);
}

static void test_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_SETTINGS struct settings *settings = settings_new();
        if (ROWS[i].form != FORM_NUMBER)
            continue;
        assert_int_equal(set_number(settings, ROWS[i].id, ROWS[i].min), 0);
        assert_int_equal(set_number(settings, ROWS[i].id, ROWS[i].max), 0);
        assert_int_equal(set_number(settings, ROWS[i].id, ROWS[i].max + 1), E_INVALID);
        assert_int_equal(set_number(settings, ROWS[i].id, ROWS[i].min - 1), E_INVALID);
    }
}

static void test_defaults_pass_their_own_check(void **state)
{
    (void)state;
    AUTO_SETTINGS struct settings *settings = settings_new();
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct error err = {0};
        if (*ROWS[i].fallback && settings_set(settings, ROWS[i].id, ROWS[i].fallback, "test", &err) != 0)
            fail_msg("%s", err.detail);
    }
}

static void test_types_and_receivers(void **state)
{
    (void)state;
    static const enum peer PEERS[] = {PEER_CORE,  PEER_API, PEER_BLOB_EXTERNAL, PEER_BLOB_CORE, PEER_BLOB_WORKSPACE,
                                      PEER_MOVER, PEER_IDP};
    AUTO_SETTINGS struct settings *settings = settings_new();

    for (size_t p = 0; p < ARRAY_LEN(PEERS); p++) {
        AUTO_JSON json_t *object = settings_for(settings, PEERS[p]);
        for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
            const json_t *value = json_object_get(object, setting_name(ROWS[i].id));
            bool told = (ROWS[i].receivers & PEERS[p]) != 0;
            assert_int_equal(value != NULL, told);
            if (told && ROWS[i].form == FORM_NUMBER)
                assert_true(json_is_integer(value));
            else if (told && ROWS[i].form == FORM_BOOL)
                assert_true(json_is_boolean(value));
            else if (told)
                assert_true(json_is_string(value));
        }
    }
}

/* Only core learns where the database and the keys are; only the identity provider where its own are; only airlock-notify
 * what it signs in with elsewhere. */
static void test_secrets_stay_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        bool outside = ROWS[i].id == SETTING_EVENTS_BROKER_PASSWORD_FILE ||
                       ROWS[i].id == SETTING_MAIL_PASSWORD_FILE; /* for a server that is not ours */
        if (ROWS[i].form == FORM_SECRET || ROWS[i].form == FORM_DATABASE)
            assert_int_equal(ROWS[i].receivers, outside ? PEER_NOTIFY : PEER_CORE);
        if (ROWS[i].id == SETTING_IDP_KEY_FILE || ROWS[i].id == SETTING_IDP_ACCOUNTS_FILE)
            assert_int_equal(ROWS[i].receivers, PEER_IDP);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        enum setting id;
        assert_true(setting_by_name(setting_name(ROWS[i].id), &id));
        assert_int_equal(id, ROWS[i].id); /* also: no name twice */
    }
}

/* Addresses of the data plane may name the account, at one place; no other address may. */
static void test_account_in_addresses(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"https://{account}.blob.airlock.example:8443", "http://{account}.blob.localhost",
                                       "https://blob.example", "http://[::1]:8401"};
    static const char *const BAD[] = {"https://{account}.example",       "https://{account}.blob.",
                                      "https://{account}.blob.:8443",    "https://x.{account}.blob.example",
                                      "https://{account}.blob.{account}", "https://{Account}.blob.example",
                                      "https://{account}.blob.example/", "https://blob.example/{account}",
                                      "{account}.blob.example",          "https://{account.blob.example"};
    struct error err;

    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_int_equal(form_check(FORM_BLOB_URL, GOOD[i], &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_int_equal(form_check(FORM_BLOB_URL, BAD[i], &err), E_INVALID);
    assert_int_equal(form_check(FORM_URL, GOOD[0], &err), E_INVALID);
}

/* Made anew by `airlockd --print-settings`. */
static void test_reference_is_fresh(void **state)
{
    (void)state;
    AUTO_STR struct str page = STR_INIT(1024 * 1024);
    AUTO_FREE char *committed = NULL;
    size_t len;
    AUTO_FD int docs = open(DOCS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    settings_print(&page);
    assert_int_equal(file_read(docs, "generated/settings.md", 1024 * 1024, &committed, &len, NULL), 0);
    assert_string_equal(str_text(&page), committed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_defaults_pass_their_own_check),
        cmocka_unit_test(test_types_and_receivers),
        cmocka_unit_test(test_secrets_stay_apart),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_account_in_addresses),
        cmocka_unit_test(test_reference_is_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
