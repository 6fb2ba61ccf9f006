/* Password hashes: the right one fits, nothing else does, and no more than two are checked at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "idp/password.h"

static struct password_gate *open_gate(unsigned max_waiting, unsigned wait_ms)
{
    struct password_gate *gate = NULL;
    assert_int_equal(password_gate_new(max_waiting, wait_ms, &gate, NULL), 0);
    return gate;
}

static bool fits(struct password_gate *gate, const char *encoded, const char *secret)
{
    bool ok = true;
    assert_int_equal(password_check(gate, encoded, secret, &ok, NULL), 0);
    return ok;
}

static void only_the_password_fits(void **state)
{
    (void)state;
    struct password_gate *gate = open_gate(1, 1000);
    AUTO_FREE char *one = NULL, *two = NULL;

    assert_int_equal(password_hash("correct horse", &one, NULL), 0);
    assert_int_equal(password_hash("correct horse", &two, NULL), 0);
    assert_string_not_equal(one, two);
    assert_true(str_starts(one, "$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_null(strstr(one, "horse"));
    assert_true(fits(gate, one, "correct horse"));
    assert_true(fits(gate, two, "correct horse"));
    assert_false(fits(gate, one, "correct horse "));
    assert_false(fits(gate, one, "Correct horse"));
    assert_false(fits(gate, one, ""));
    password_gate_free(gate);
}

static void nobody_has_no_password(void **state)
{
    (void)state;
    struct password_gate *gate = open_gate(1, 1000);
    assert_false(fits(gate, NULL, "x"));
    assert_false(fits(gate, "", ""));
    password_gate_free(gate);
}

/* The work for somebody unknown is the work for somebody known. The bounds are wide: machines are busy. */
static void unknown_people_take_as_long(void **state)
{
    (void)state;
    struct password_gate *gate = open_gate(1, 1000);
    AUTO_FREE char *hash = NULL;
    int64_t times[2] = {0};

    assert_int_equal(password_hash("x", &hash, NULL), 0);
    for (int i = 0; i < 8; i++) {
        int64_t start = clock_now_us();
        assert_false(fits(gate, i % 2 ? hash : NULL, "y"));
        times[i % 2] += clock_now_us() - start;
    }
    assert_true(times[0] > times[1] / 4 && times[1] > times[0] / 4);
    password_gate_free(gate);
}

static void secrets_have_bounds(void **state)
{
    (void)state;
    struct password_gate *gate = open_gate(1, 1000);
    AUTO_FREE char *longest = xcalloc(1, PASSWORD_MAX + 2), *hash = NULL;
    char *none = NULL;

    memset(longest, 'a', PASSWORD_MAX + 1);
    assert_int_equal(password_hash(longest, &none, NULL), E_INVALID);
    assert_int_equal(password_hash("", &none, NULL), E_INVALID);
    assert_null(none);
    longest[PASSWORD_MAX] = '\0';
    assert_int_equal(password_hash(longest, &hash, NULL), 0);
    assert_true(fits(gate, hash, longest));
    longest[PASSWORD_MAX] = 'a';
    assert_false(fits(gate, hash, longest));
    password_gate_free(gate);
}

static void hashes_of_a_file_have_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *hash;
        bool known;
    } ROWS[] = {
        {"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA", true},
        {"$argon2id$v=19$m=311296,t=32,p=4$c2FsdHNhbHQ$aGFzaA", true},
        {"$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaA", false},
        {"$argon2id$v=19$m=19456,t=1000,p=1$c2FsdHNhbHQ$aGFzaA", false},
        {"$argon2id$v=19$m=19456,t=2,p=100$c2FsdHNhbHQ$aGFzaA", false},
        {"$argon2id$v=19$m=99999999999999999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA", false},
        {"$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA", false},
        {"$argon2id$v=16$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA", false},
        {"$argon2id$v=19$", false},
        {"$2b$12$abcdefghijklmnopqrstuv", false},
        {"password", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (password_hash_is_known(ROWS[i].hash) != ROWS[i].known)
            fail_msg("%s", ROWS[i].hash);
}

struct crowd {
    struct password_gate *gate;
    const char *hash;
    atomic_int served;
    atomic_int refused;
};

static void *one_of_the_crowd(void *arg)
{
    struct crowd *crowd = arg;
    bool ok = false;
    int r = password_check(crowd->gate, crowd->hash, "x", &ok, NULL);
    if (r == 0 && ok)
        atomic_fetch_add(&crowd->served, 1);
    else if (r == E_UNAVAILABLE)
        atomic_fetch_add(&crowd->refused, 1);
    return NULL;
}

static void run_crowd(struct crowd *crowd)
{
    pthread_t threads[12];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, one_of_the_crowd, crowd), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd->served + crowd->refused, (int)ARRAY_LEN(threads));
}

static void a_crowd_waits_or_is_turned_away(void **state)
{
    (void)state;
    AUTO_FREE char *hash = NULL;
    assert_int_equal(password_hash("x", &hash, NULL), 0);

    struct crowd patient = {.gate = open_gate(12, 20000), .hash = hash};
    run_crowd(&patient);
    assert_int_equal(patient.refused, 0);
    password_gate_free(patient.gate);

    struct crowd refused = {.gate = open_gate(0, 20000), .hash = hash};
    run_crowd(&refused);
    assert_true(refused.served >= 1);
    password_gate_free(refused.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_password_fits),       cmocka_unit_test(nobody_has_no_password),
        cmocka_unit_test(unknown_people_take_as_long),  cmocka_unit_test(secrets_have_bounds),
        cmocka_unit_test(hashes_of_a_file_have_bounds), cmocka_unit_test(a_crowd_waits_or_is_turned_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
