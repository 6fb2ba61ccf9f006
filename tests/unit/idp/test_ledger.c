/* Changing accounts: durably, one at a time, with secrets that stand nowhere in clear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "idp/ledger.h"
#include "idp/orders.h"

static char directory[32];
static char *path;
static struct idp idp; /* as much of one as accounts need */

static int begin(void **state)
{
    (void)state;
    (void)strcpy(directory, "/tmp/airlock-ledger-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    path = xasprintf("%s/accounts.json", directory);
    idp = (struct idp){.issuer = NULL};
    pthread_mutex_init(&idp.accounts_lock, NULL);
    return accounts_load(path, -1, &idp.accounts_now, NULL) || ledger_open(path, &idp.ledger, NULL) ||
           password_gate_new(4, 1000, &idp.gate, NULL);
}

static int end(void **state)
{
    (void)state;
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ledger_close(idp.ledger);
    accounts_unref(idp.accounts_now);
    password_gate_free(idp.gate);
    free(path);
    return file_remove_tree(tmp, directory + sizeof "/tmp/" - 1, NULL);
}

static json_t *add(const char *name, const char *email, bool is_service, struct new_secrets *secrets)
{
    json_t *account = NULL;
    struct error err = {0};
    if (ledger_add(&idp, &(struct new_account){name, email, is_service}, secrets, &account, &err) != 0)
        fail_msg("%s", err.detail);
    return account;
}

static bool fits(const char *hash, const char *secret)
{
    bool yes = false;
    assert_int_equal(password_check(idp.gate, hash, secret, &yes, NULL), 0);
    return yes;
}

/* What a restarted process would read. */
static struct accounts *on_disk(void)
{
    struct accounts *accounts = NULL;
    assert_int_equal(accounts_load(path, -1, &accounts, NULL), 0);
    return accounts;
}

static void a_person_gets_a_password_for_one_time(void **state)
{
    (void)state;
    struct new_secrets secrets;
    AUTO_JSON json_t *account = add("eve", "eve@example.org", false, &secrets);
    assert_int_equal(strlen(secrets.password), ONE_TIME_SIZE - 1);
    assert_string_equal(secrets.client_secret, "");
    AUTO_ACCOUNTS struct accounts *now = idp_accounts(&idp);
    AUTO_ACCOUNTS struct accounts *later = on_disk();
    assert_true(fits(accounts_by_login(now, "EVE")->password_hash, secrets.password));
    assert_true(accounts_by_login(now, "eve")->must_change);
    assert_string_equal(accounts_by_oid(later, json_text(account, "oid"))->password_hash,
                        accounts_by_login(now, "eve")->password_hash);

    AUTO_FREE char *text = NULL;
    size_t len;
    assert_int_equal(file_read_secret(path, ACCOUNTS_FILE_MAX, &text, &len, NULL), 0); /* and nobody else may */
    assert_null(strstr(text, secrets.password));
}

static void a_service_gets_a_client_and_no_password(void **state)
{
    (void)state;
    struct new_secrets secrets, next;
    AUTO_JSON json_t *account = add("robot", "", true, &secrets);
    assert_string_equal(secrets.password, "");
    assert_int_equal(strlen(secrets.client_secret), CLIENT_SECRET_TEXT_SIZE - 1);
    AUTO_JSON json_t *reset = NULL;
    assert_int_equal(ledger_reset(&idp, json_text(account, "oid"), &next, &reset, NULL), 0);
    AUTO_ACCOUNTS struct accounts *now = idp_accounts(&idp);
    const struct account *robot = accounts_by_client(now, json_text(account, "client_id"));
    assert_true(robot->is_service);
    assert_string_equal(robot->password_hash, "");
    assert_false(fits(robot->secret_hash, secrets.client_secret)); /* the old one stopped */
    assert_true(fits(robot->secret_hash, next.client_secret));
}

static void one_name_is_one_account(void **state)
{
    (void)state;
    static const struct new_account TAKEN[] = {
        {"EVE", "other@example.org", false}, {"other", "Eve@example.org", false}, {"eve@example.org", "o@x", false}};
    struct new_secrets secrets;
    AUTO_JSON json_t *account = add("eve", "eve@example.org", false, &secrets);
    for (size_t i = 0; i < ARRAY_LEN(TAKEN); i++) {
        json_t *none = NULL;
        struct error err = {0};
        assert_int_equal(ledger_add(&idp, &TAKEN[i], &secrets, &none, &err), E_EXISTS);
        assert_non_null(strstr(err.detail, json_text(account, "oid"))); /* so that a repeat finds what it made */
    }
    AUTO_ACCOUNTS struct accounts *now = on_disk();
    assert_int_equal(accounts_count(now), 1);
}

static void ends_are_in_force_at_once(void **state)
{
    (void)state;
    struct new_secrets secrets;
    AUTO_JSON json_t *account = add("eve", "eve@example.org", false, &secrets);
    const char *oid = json_text(account, "oid");
    int64_t begun_s = clock_now_s();
    AUTO_ACCOUNTS struct accounts *before = idp_accounts(&idp);

    AUTO_JSON json_t *off = NULL;
    AUTO_JSON json_t *on = NULL;
    assert_int_equal(ledger_set_disabled(&idp, oid, true, &off, NULL), 0);
    AUTO_ACCOUNTS struct accounts *disabled = idp_accounts(&idp);
    assert_false(account_is_live(accounts_by_oid(disabled, oid), clock_now_s() + 100));
    assert_int_equal(ledger_set_disabled(&idp, oid, false, &on, NULL), 0);
    AUTO_ACCOUNTS struct accounts *enabled = idp_accounts(&idp);
    const struct account *eve = accounts_by_oid(enabled, oid);
    assert_false(account_is_live(eve, begun_s)); /* nothing old comes back */
    assert_true(account_is_live(eve, account_begin(eve, clock_now_s())));
    assert_false(accounts_by_oid(before, oid)->disabled); /* who reads an older snapshot goes on with it */
}

static void a_changed_password_is_only_changed_from_what_was_checked(void **state)
{
    (void)state;
    struct new_secrets secrets;
    AUTO_JSON json_t *account = add("eve", "eve@example.org", false, &secrets);
    AUTO_ACCOUNTS struct accounts *before = idp_accounts(&idp);
    const struct account *eve = accounts_by_login(before, "eve");

    assert_int_equal(ledger_set_password(&idp, eve->oid, eve->password_hash, "a better password", NULL), 0);
    assert_int_equal(ledger_set_password(&idp, eve->oid, eve->password_hash, "of a second thief", NULL), E_STALE);
    AUTO_ACCOUNTS struct accounts *now = on_disk();
    assert_true(fits(accounts_by_login(now, "eve")->password_hash, "a better password"));
    assert_false(accounts_by_login(now, "eve")->must_change);
}

static void what_cannot_be_written_did_not_happen(void **state)
{
    (void)state;
    struct new_secrets secrets;
    AUTO_JSON json_t *account = add("eve", "eve@example.org", false, &secrets);
    json_t *none = NULL;

    ledger_close(idp.ledger);
    AUTO_FREE char *gone = xasprintf("%s/gone", directory);
    AUTO_FREE char *gone_file = xasprintf("%s/accounts.json", gone);
    assert_int_equal(mkdir(gone, 0700), 0);
    assert_int_equal(ledger_open(gone_file, &idp.ledger, NULL), 0);
    assert_int_equal(rmdir(gone), 0);
    assert_true(ledger_set_disabled(&idp, json_text(account, "oid"), true, &none, NULL) < 0);
    AUTO_ACCOUNTS struct accounts *now = idp_accounts(&idp);
    assert_false(accounts_by_login(now, "eve")->disabled);
}

static void orders_tell_what_came_of_them(void **state)
{
    (void)state;
    AUTO_JSON json_t *order =
        json_pack("{s:i, s:s, s:s, s:s}", "relay", 5, "action", "add", "name", "eve", "email", "eve@example.org");
    AUTO_JSON json_t *done = orders_do(&idp, order);
    assert_string_equal(json_text(done, "outcome"), "ok");
    assert_int_equal(json_int(done, "relay"), 5);
    AUTO_ACCOUNTS struct accounts *now = idp_accounts(&idp);
    assert_true(fits(accounts_by_login(now, "eve")->password_hash, json_text(done, "password")));
    orders_wipe(done);
    assert_string_equal(json_text(done, "password"), "");

    AUTO_JSON json_t *again = orders_do(&idp, order);
    assert_string_equal(json_text(again, "outcome"), "exists");
    AUTO_JSON json_t *unknown = json_pack("{s:i, s:s}", "relay", 6, "action", "promote");
    AUTO_JSON json_t *refused = orders_do(&idp, unknown);
    assert_string_equal(json_text(refused, "outcome"), "invalid");
}

static void *add_some(void *arg)
{
    for (int i = 0; i < 4; i++) {
        struct new_secrets secrets;
        AUTO_FREE char *name = xasprintf("%s%d", (const char *)arg, i);
        AUTO_FREE char *email = xasprintf("%s@example.org", name);
        json_decref(add(name, email, false, &secrets));
    }
    return NULL;
}

static void writers_take_turns(void **state)
{
    (void)state;
    static char NAMES[][2] = {"a", "b", "c"};
    pthread_t threads[ARRAY_LEN(NAMES)];
    int files = 0;

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_some, NAMES[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    AUTO_ACCOUNTS struct accounts *now = on_disk();
    assert_int_equal(accounts_count(now), 12);
    DIR *dir = opendir(directory);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        files += entry->d_name[0] != '.';
    assert_int_equal(closedir(dir), 0);
    assert_int_equal(files, 1); /* no half-made file stays */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_person_gets_a_password_for_one_time),
        TEST(a_service_gets_a_client_and_no_password),
        TEST(one_name_is_one_account),
        TEST(ends_are_in_force_at_once),
        TEST(a_changed_password_is_only_changed_from_what_was_checked),
        TEST(what_cannot_be_written_did_not_happen),
        TEST(orders_tell_what_came_of_them),
        TEST(writers_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
