/* The accounts file: made from a seed once, read strictly ever after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "idp/account.h"

#define OID_1 "11111111-1111-4111-8111-111111111111"
#define OID_2 "22222222-2222-4222-8222-222222222222"
#define HASH "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA"

static char directory[] = "/tmp/airlock-account-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int drop_directory(void **state)
{
    (void)state;
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file_remove_tree(tmp, directory + sizeof "/tmp/" - 1, NULL);
}

static int parse(const char *text, struct accounts **ret, struct error *err)
{
    AUTO_JSON json_t *document = NULL;
    assert_int_equal(json_parse_object(text, strlen(text), &document, NULL), 0);
    return accounts_parse(document, ret, err);
}

static void look_ups(void **state)
{
    (void)state;
    struct accounts *accounts = NULL;
    assert_int_equal(
        parse("{\"accounts\":["
              "{\"oid\":\"" OID_1 "\",\"name\":\"alice\",\"email\":\"Alice@example.org\",\"client_id\":\"c1\"},"
              "{\"oid\":\"" OID_2 "\",\"name\":\"John\",\"email\":\"a@example.org\",\"disabled\":true},"
              "{\"oid\":\"33333333-3333-4333-8333-333333333333\",\"name\":\"john\",\"email\":\"b@example.org\"},"
              "{\"oid\":\"44444444-4444-4444-8444-444444444444\",\"name\":\"a@example.org\"}]}",
              &accounts, NULL),
        0);
    assert_int_equal(accounts_count(accounts), 4);
    assert_string_equal(accounts_by_login(accounts, "ALICE")->oid, OID_1);
    assert_string_equal(accounts_by_login(accounts, "alice@EXAMPLE.org")->oid, OID_1);
    assert_null(accounts_by_login(accounts, "john")); /* two people have that name */
    assert_string_equal(accounts_by_login(accounts, "a@example.org")->oid,
                        OID_2); /* an address is nobody else's name */
    assert_null(accounts_by_login(accounts, ""));
    assert_string_equal(accounts_by_client(accounts, "c1")->oid, OID_1);
    assert_null(accounts_by_client(accounts, "C1"));
    assert_null(accounts_by_client(accounts, ""));
    assert_true(accounts_by_oid(accounts, OID_2)->disabled);
    AUTO_JSON json_t *people = accounts_people(accounts);
    assert_int_equal(json_array_size(people), 4);
    assert_true(json_flag(json_array_get(people, 1), "disabled"));
    assert_null(json_object_get(json_array_get(people, 0), "password_hash"));
    accounts_unref(accounts);
}

static void bad_documents_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *field;
    } ROWS[] = {
        {"{}", "accounts"},
        {"{\"accounts\":{}}", "accounts"},
        {"{\"accounts\":[{}]}", "oid"},
        {"{\"accounts\":[1]}", "oid"},
        {"{\"accounts\":[{\"oid\":\"x\",\"name\":\"a\"}]}", "oid"},
        {"{\"accounts\":[{\"oid\":7,\"name\":\"a\"}]}", "oid"},
        {"{\"accounts\":[{\"oid\":\"" OID_1 "\"}]}", "name"},
        {"{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":[]}]}", "name"},
        {"{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"a\",\"password_hash\":\"secret\"}]}", "password_hash"},
        {"{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"a\",\"secret_hash\":\"$2b$x\"}]}", "secret_hash"},
        {"{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"a\",\"disabled\":\"maybe\"}]}", "disabled"},
        {"{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"a\"},{\"oid\":\"" OID_1 "\",\"name\":\"b\"}]}", "oid"},
        {"{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"a\",\"email\":\"x@y\"},"
         "{\"oid\":\"" OID_2 "\",\"name\":\"b\",\"email\":\"X@Y\"}]}",
         "email"},
        {"{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"a\",\"client_id\":\"c\"},"
         "{\"oid\":\"" OID_2 "\",\"name\":\"b\",\"client_id\":\"c\"}]}",
         "client_id"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct accounts *none = NULL;
        struct error err = {0};
        if (parse(ROWS[i].text, &none, &err) != E_INVALID || strcmp(err.field, ROWS[i].field) != 0)
            fail_msg("%s: %s", ROWS[i].text, err.detail);
        assert_null(none);
    }
}

static int seed_of(const char *text)
{
    int fd = memfd_create("seed", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)),
                     (ssize_t)strlen(text)); /* the offset stays at the end, on purpose */
    return fd;
}

static void seed_becomes_hashes_once(void **state)
{
    (void)state;
    AUTO_FREE char *path = xasprintf("%s/accounts.json", directory);
    AUTO_FREE char *text = NULL;
    size_t len;
    struct stat st;
    AUTO_FD int seed =
        seed_of("{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"alice\",\"email\":\"a@example.org\","
                "\"password\":\"open sesame\",\"client_id\":\"c1\",\"client_secret\":\"very secret\"}]}");
    AUTO_FD int other = seed_of("{\"accounts\":[]}");
    struct accounts *accounts = NULL, *again = NULL;
    struct error err = {0};

    assert_int_equal(accounts_load(path, seed, &accounts, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(file_read_secret(path, 65536, &text, &len, NULL), 0);
    assert_null(strstr(text, "sesame"));
    assert_null(strstr(text, "very"));
    assert_int_equal(accounts_load(path, other, &again, &err), 0); /* the file is there: no seed counts any more */
    assert_int_equal(accounts_count(again), 1);
    assert_string_equal(accounts_by_login(again, "alice")->password_hash,
                        accounts_by_login(accounts, "alice")->password_hash);
    accounts_unref(accounts);
    accounts_unref(again);
}

/* So that a seed that comes later is not too late. */
static void no_seed_writes_nothing(void **state)
{
    (void)state;
    AUTO_FREE char *path = xasprintf("%s/later.json", directory);
    AUTO_FD int seed = seed_of("{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"alice\",\"password\":\"x\"}]}");
    struct accounts *accounts = NULL, *later = NULL;

    assert_int_equal(accounts_load(path, -1, &accounts, NULL), 0);
    assert_int_equal(accounts_count(accounts), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(accounts_load(path, seed, &later, NULL), 0);
    assert_int_equal(accounts_count(later), 1);
    accounts_unref(accounts);
    accounts_unref(later);
}

static void bad_seed_writes_nothing(void **state)
{
    (void)state;
    static const char *const SEEDS[] = {
        "",
        "{\"accounts\":[{\"oid\":\"nonsense\",\"name\":\"a\",\"password\":\"x\"}]}",
        "{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"a\"},{\"oid\":\"" OID_1 "\",\"name\":\"b\"}]}",
    };
    AUTO_FREE char *path = xasprintf("%s/none.json", directory);
    for (size_t i = 0; i < ARRAY_LEN(SEEDS); i++) {
        AUTO_FD int seed = seed_of(SEEDS[i]);
        struct accounts *none = NULL;
        assert_true(accounts_load(path, seed, &none, NULL) < 0);
        assert_null(none);
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void files_others_can_read_are_refused(void **state)
{
    (void)state;
    AUTO_FREE char *path = xasprintf("%s/open.json", directory);
    struct accounts *none = NULL;
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "{\"accounts\":[]}", 15), 15);
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_int_equal(accounts_load(path, -1, &none, NULL), E_CONFIG);
    assert_null(none);
    assert_int_equal(fchmod(fd, 0600), 0);
    assert_int_equal(accounts_load(path, -1, &none, NULL), 0);
    accounts_unref(none);
}

static void an_end_kills_what_began_before_it(void **state)
{
    (void)state;
    const struct account account = {.valid_from = 100};
    const struct account disabled = {.disabled = true};

    assert_false(account_is_live(&account, 99));
    assert_true(account_is_live(&account, 100));
    assert_int_equal(account_begin(&account, 50), 100); /* a sign-in in the second of the change itself lives */
    assert_int_equal(account_begin(&account, 150), 150);
    assert_false(account_is_live(&disabled, 100));
    assert_false(account_is_live(NULL, 100));
}

static void services_have_no_password(void **state)
{
    (void)state;
    struct accounts *accounts = NULL;
    struct error err = {0};

    assert_int_equal(parse("{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"robot\",\"is_service\":true,"
                           "\"password_hash\":\"" HASH "\"}]}",
                           &accounts, &err),
                     E_INVALID);
    assert_string_equal(err.field, "password_hash");
    assert_int_equal(parse("{\"accounts\":[{\"oid\":\"" OID_1 "\",\"name\":\"robot\",\"is_service\":true,"
                           "\"client_id\":\"c\",\"secret_hash\":\"" HASH "\",\"valid_from\":7}]}",
                           &accounts, NULL),
                     0);
    assert_true(accounts_by_client(accounts, "c")->is_service);
    assert_int_equal(accounts_by_client(accounts, "c")->valid_from, 7);
    accounts_unref(accounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_ups),
        cmocka_unit_test(an_end_kills_what_began_before_it),
        cmocka_unit_test(services_have_no_password),
        cmocka_unit_test(bad_documents_are_refused),
        cmocka_unit_test(seed_becomes_hashes_once),
        cmocka_unit_test(no_seed_writes_nothing),
        cmocka_unit_test(bad_seed_writes_nothing),
        cmocka_unit_test(files_others_can_read_are_refused),
    };
    return cmocka_run_group_tests(tests, make_directory, drop_directory);
}
