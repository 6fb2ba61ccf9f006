/* The table behind codes and sessions: bounds per person and together, and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "idp/secrets.h"
#include "idp/session.h"

static void add(struct secrets *secrets, const char *oid, int64_t now, char ret[static SECRET_SIZE])
{
    secret_add(secrets, oid, xstrdup(oid), now, now + 100000, ret);
}

static void a_secret_is_found_until_it_expires(void **state)
{
    (void)state;
    struct secrets *secrets = secrets_new(free);
    char one[SECRET_SIZE], other[SECRET_SIZE];
    add(secrets, "alice", 0, one);
    add(secrets, "alice", 0, other);
    assert_int_equal(strlen(one), SECRET_SIZE - 1);
    assert_string_not_equal(one, other);
    assert_string_equal(secret_find(secrets, one, 99999)->content, "alice");
    assert_null(secret_find(secrets, one, 100000));
    assert_null(secret_find(secrets, "", 0));
    secret_end(secrets, secret_find(secrets, one, 0));
    assert_null(secret_find(secrets, one, 0));
    assert_non_null(secret_find(secrets, other, 0));
    secrets_free(secrets);
}

/* One person fills the table as often as they like: only their own oldest go. */
static void nobody_pushes_others_out(void **state)
{
    (void)state;
    struct secrets *secrets = secrets_new(free);
    char bob[SECRET_SIZE], first[SECRET_SIZE], second[SECRET_SIZE], last[SECRET_SIZE];
    add(secrets, "bob", 0, bob);
    add(secrets, "alice", 1, first);
    add(secrets, "alice", 2, second);
    for (int i = 2; i < SECRETS_PER_PERSON; i++)
        add(secrets, "alice", 1 + i, last);
    assert_non_null(secret_find(secrets, first, 50));
    add(secrets, "alice", 50, last);
    assert_null(secret_find(secrets, first, 50));
    assert_non_null(secret_find(secrets, second, 50));
    for (int i = 0; i < 2 * SECRETS_MAX; i++)
        add(secrets, "alice", 100 + i, last);
    assert_null(secret_find(secrets, second, 100));
    assert_non_null(secret_find(secrets, bob, 100));
    assert_non_null(secret_find(secrets, last, 100));
    secrets_free(secrets);
}

static void in_a_full_table_the_oldest_gives_way(void **state)
{
    (void)state;
    struct secrets *secrets = secrets_new(free);
    char first[SECRET_SIZE], second[SECRET_SIZE], one[SECRET_SIZE];
    add(secrets, "first", 0, first);
    add(secrets, "second", 1, second);
    for (int i = 2; i < SECRETS_MAX; i++) {
        AUTO_FREE char *who = xasprintf("person %d", i / 16);
        add(secrets, who, 2, one);
    }
    assert_non_null(secret_find(secrets, first, 3));
    add(secrets, "another", 3, one);
    assert_null(secret_find(secrets, first, 3));
    assert_non_null(secret_find(secrets, second, 3));
    assert_non_null(secret_find(secrets, one, 3));
    secrets_free(secrets);
}

static void a_person_has_so_many_sessions(void **state)
{
    (void)state;
    struct secrets *sessions = session_store_new();
    char bob[SECRET_SIZE], first[SECRET_SIZE], last[SECRET_SIZE];
    struct session session;
    session_add(sessions, "bob", 1000, bob, &session);
    session_add(sessions, "alice", 1000, first, &session);
    for (int i = 0; i < SECRETS_PER_PERSON; i++)
        session_add(sessions, "alice", 1001, last, &session);
    assert_false(session_by_secret(sessions, first, 1001, &session));
    assert_true(session_by_secret(sessions, last, 1001, &session));
    assert_string_equal(session.oid, "alice");
    assert_int_equal(session.auth_time_s, 1001);
    session_remove(sessions, session.id);
    assert_false(session_by_secret(sessions, last, 1001, &session));
    assert_true(session_by_secret(sessions, bob, 1000 + SESSION_LIFETIME_S - 1, &session));
    assert_false(session_by_secret(sessions, bob, 1000 + SESSION_LIFETIME_S, &session));
    secrets_free(sessions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_found_until_it_expires),
        cmocka_unit_test(nobody_pushes_others_out),
        cmocka_unit_test(in_a_full_table_the_oldest_gives_way),
        cmocka_unit_test(a_person_has_so_many_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
