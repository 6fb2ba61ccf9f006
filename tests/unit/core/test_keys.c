/* Keys of links: their change, their wrapping, and the time that links are judged by. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"
#include "core/keys.h"
#include "core/link.h"
#include "core/time.h"

#define HOUR_US INT64_C(3600000000)

static int64_t fake_offset_us;

static int64_t fake_wall(void)
{
    return clock_now_us() + fake_offset_us;
}

static int rotate(struct bench *b, const char *who, bool at_once, json_t **ret_ok)
{
    AUTO_FREE char *token = bench_token(b, who, "", 0);
    return bench_ask(b, PEER_API, MESSAGE_ADMIN_ROTATE_KEYS, json_pack("{s:s, s:b}", "token", token, "now", at_once),
                     ret_ok);
}

static int list(struct bench *b)
{
    return bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:i}", "maxresults", 10), NULL);
}

static const char *kid_of_link(const struct bench *b)
{
    return strstr(b->url, "si=") + strlen("si=");
}

static void draft_with_link(struct bench *b)
{
    bench_create(b, "alice", "export");
    bench_link(b, "alice");
}

static void housekeeping(struct bench *b, int64_t now)
{
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    assert_int_equal(link_keys_expire(&b->core, now, NULL), 0);
    assert_int_equal(links_prune(&b->core, now, NULL), 0);
    assert_int_equal(db_commit(b->core.db, NULL), 0);
}

static int64_t rows_of(struct bench *b, const char *link)
{
    AUTO_ROWS struct db_rows *row = NULL;
    return db_first(b->core.db, Q_LINK_GET, ARGS(DB_T(link)), &row, NULL);
}

static void a_new_key_signs_and_the_old_one_verifies_for_a_while(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    char old[4096];

    draft_with_link(b);
    assert_true(str_starts(kid_of_link(b), "k1-"));
    assert_true(str_copy(old, sizeof old, b->url));
    assert_int_equal(rotate(b, "admin", false, &ok), 0);
    assert_string_equal(json_text(ok, "keyId"), "k2");
    double ends = json_number_value(json_object_get(ok, "olderEndWhen"));
    assert_true(ends > (double)clock_now_s() + 3590 && ends < (double)clock_now_s() + 3610); /* one link lifetime */
    assert_int_equal(list(b), 0);
    bench_link(b, "alice");
    assert_true(str_starts(kid_of_link(b), "k2-"));
    assert_int_equal(list(b), 0);
    /* Retired, and kept only for what began before; then gone. */
    const char *kid = "k1";
    int64_t end = clock_now_us() + HOUR_US + 1000000;
    assert_null(link_keys_find(b->core.link_keys, kid, end, 0));
    assert_non_null(link_keys_find(b->core.link_keys, kid, end, TRANSFER_GRACE_S));
    housekeeping(b, end);
    assert_non_null(link_keys_find(b->core.link_keys, kid, end, TRANSFER_GRACE_S));
    housekeeping(b, end + TRANSFER_GRACE_US);
    assert_null(link_keys_find(b->core.link_keys, kid, 0, TRANSFER_GRACE_S));
    bench_take_link(b, old);
    assert_int_equal(list(b), E_SAS);
}

static void the_longest_link_of_any_workspace_counts(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);

    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE,
                               json_pack("{s:s, s:s, s:s, s:{s:{s:i}}}", "token", token, "workspace", WS2, "etag", "*",
                                         "body", "policy", "link_lifetime", 7200),
                               NULL),
                     0);
    assert_int_equal(rotate(b, "admin", false, &ok), 0);
    assert_true(json_number_value(json_object_get(ok, "olderEndWhen")) > (double)clock_now_s() + 7190);
}

static void a_second_change_ends_the_oldest_at_once(void **state)
{
    struct bench *b = *state;

    draft_with_link(b);
    assert_int_equal(rotate(b, "admin", false, NULL), 0);
    assert_int_equal(list(b), 0);
    assert_int_equal(rotate(b, "admin", false, NULL), 0);
    assert_int_equal(list(b), E_SAS);
    bench_link(b, "alice");
    assert_true(str_starts(kid_of_link(b), "k3-"));
    assert_int_equal(list(b), 0);
}

static void now_ends_every_link_and_drains_every_container(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE], first[UUID_TEXT_SIZE];

    draft_with_link(b);
    assert_true(str_copy(first, sizeof first, b->request));
    draft_with_link(b);
    assert_int_equal(rotate(b, "admin", true, NULL), 0);
    assert_int_equal(list(b), E_SAS);
    assert_int_equal(bench_put(b, "late.txt", 1, object), E_SAS);
    assert_int_equal(bench_count(b, "link.revoked"), 1); /* its generation rose, and its zone was told */
    (void)str_copy(b->request, sizeof b->request, first);
    assert_int_equal(bench_count(b, "link.revoked"), 1);
    bench_link(b, "alice");
    assert_int_equal(list(b), 0);
}

static void only_administrators_change_keys(void **state)
{
    struct bench *b = *state;
    static const char *const OTHERS[] = {"alice", "bob", "mallory"};

    draft_with_link(b);
    for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++)
        assert_int_equal(rotate(b, OTHERS[i], true, NULL), E_FORBIDDEN);
    assert_int_equal(bench_act(b, "carol", MESSAGE_ADMIN_ROTATE_KEYS, NULL, NULL), E_UNAUTHENTICATED);
    assert_int_equal(list(b), 0);
}

static void an_undone_change_leaves_the_old_key(void **state)
{
    struct bench *b = *state;
    const char *kid;
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    AUTO_JSON json_t *in = json_pack("{s:s, s:b}", "token", token, "now", 1);
    AUTO_JSON json_t *ok = NULL;
    struct call call = {
        .message = MESSAGE_ADMIN_ROTATE_KEYS, .from = PEER_API, .in = in, .now = clock_now_us(), .address = ""};

    draft_with_link(b);
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    assert_int_equal(admin_rotate_keys(&b->core, &call, &ok, NULL), 0);
    db_rollback(b->core.db); /* a commit that failed: the loop reads the keys again */
    b->core.effects.count = 0;
    assert_int_equal(link_keys_load(&b->core, NULL), 0);
    (void)link_keys_signing(b->core.link_keys, &kid);
    assert_string_equal(kid, "k1");
    assert_int_equal(list(b), 0);
}

static void keys_survive_a_restart_under_their_master_only(void **state)
{
    struct bench *b = *state;
    struct error err = {0};
    struct link_keys *before = b->core.link_keys;

    draft_with_link(b);
    b->core.link_keys = link_keys_new((const unsigned char *)"0123456789abcdef0123456789abcdeX");
    assert_int_equal(link_keys_start(&b->core, &err), E_CONFIG);
    assert_non_null(strstr(err.detail, "secrets.sas_key_file"));
    assert_non_null(strstr(err.detail, "Put that file back"));
    link_keys_free(b->core.link_keys);
    link_keys_free(before);
    b->core.link_keys = link_keys_new((const unsigned char *)"0123456789abcdef0123456789abcdef");
    assert_int_equal(link_keys_start(&b->core, &err), 0);
    assert_int_equal(list(b), 0);
}

/* T71: what has expired stays so when the clock is set back, also over a restart. */
static void t71_a_clock_set_back_revives_nothing(void **state)
{
    struct bench *b = *state;

    draft_with_link(b);
    b->core.time.wall = fake_wall;
    fake_offset_us = 2 * HOUR_US;
    assert_int_equal(list(b), E_SAS);
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    assert_int_equal(core_time_store(&b->core, NULL), 0);
    assert_int_equal(db_commit(b->core.db, NULL), 0);
    fake_offset_us = 0;
    assert_int_equal(list(b), E_SAS);
    b->core.time = (struct core_time){.wall = fake_wall}; /* the next life */
    assert_int_equal(core_time_start(&b->core, NULL), 0);
    assert_int_equal(list(b), E_SAS);
    int64_t now = core_now(&b->core);
    assert_true(now >= clock_now_us() + 2 * HOUR_US - 10000000);
    fake_offset_us = -1000 * HOUR_US;
    (void)usleep(2000);
    assert_true(core_now(&b->core) >= now + 2000); /* it does not stand still: a new link ends, too */
    fake_offset_us = 0;
}

static void the_mark_is_stored_once_a_minute(void **state)
{
    struct bench *b = *state;

    b->core.time.wall = fake_wall;
    fake_offset_us = 0;
    assert_int_equal(core_time_store(&b->core, NULL), 0);
    int64_t stored = b->core.time.stored;
    assert_int_equal(core_time_store(&b->core, NULL), 0);
    assert_int_equal(b->core.time.stored, stored);
    fake_offset_us = 61000000;
    assert_int_equal(core_time_store(&b->core, NULL), 0);
    assert_true(b->core.time.stored > stored);
    fake_offset_us = 0;
}

static void old_links_and_told_downloads_are_forgotten(void **state)
{
    struct bench *b = *state;
    AUTO_ROWS struct db_rows *row = NULL;
    char object[UUID_TEXT_SIZE], id[SAS_LINK_ID_DIGITS + 1];
    int64_t now = clock_now_us();

    draft_with_link(b);
    assert_int_equal(bench_put(b, "a.txt", 5, object), 0);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s, s:b}", "blob", "a.txt", "body", 1), NULL), 0);
    const char *at = strchr(strchr(kid_of_link(b), '-') + 1, '-') + 1;
    assert_true(snprintf(id, sizeof id, "%.16s", at) == 16);
    housekeeping(b, now + 24 * HOUR_US);
    assert_int_equal(rows_of(b, id), 1); /* not expired for a day yet */
    housekeeping(b, now + 26 * HOUR_US);
    assert_int_equal(rows_of(b, id), 0);
    housekeeping(b, now + 4 * 24 * HOUR_US);
    assert_int_equal(db_first(b->core.db, Q_USE_FIND,
                              ARGS(DB_T(id), DB_T("a.txt"), DB_T("127.0.0.1"), DB_I(now / 60000000)), &row, NULL),
                     0);
    assert_int_equal(list(b), E_SAS); /* without its record a link opens nothing */
}

static void a_host_style_address_takes_the_account_in(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;

    b->core.config.blob_url[ZONE_WORKSPACE] = "https://{account}.blob.airlock.example:8443";
    bench_create(b, "alice", "export");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK, NULL, &ok), 0);
    AUTO_FREE char *expected = xasprintf("https://stalexint11111111.blob.airlock.example:8443/%s?sv=", b->request);
    assert_true(str_starts(json_text(ok, "containerUrl"), expected));
    assert_non_null(strstr(json_text(ok, "containerUrl"), "&spr=https&"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(a_new_key_signs_and_the_old_one_verifies_for_a_while),
        T(the_longest_link_of_any_workspace_counts),
        T(a_second_change_ends_the_oldest_at_once),
        T(now_ends_every_link_and_drains_every_container),
        T(only_administrators_change_keys),
        T(an_undone_change_leaves_the_old_key),
        T(keys_survive_a_restart_under_their_master_only),
        T(t71_a_clock_set_back_revives_nothing),
        T(the_mark_is_stored_once_a_minute),
        T(old_links_and_told_downloads_are_forgotten),
        T(a_host_style_address_takes_the_account_in),
    };
    return cmocka_run_group_tests_name("core/keys", tests, NULL, NULL);
}
