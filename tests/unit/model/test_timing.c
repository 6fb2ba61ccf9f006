/* T55: the time of a comparison with a secret tells nothing of the secret. Not measured, which a busy machine would
 * blur, but counted: a child runs the comparison one machine instruction after the other, and the number of them must
 * not depend on how much of a guess is right. That an early exit shows in the count is tried first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "model/sas.h"

#define KEYS 1200 /* so many random keys bring some whose first byte fits by chance */

/* Instructions between two stops of a child that runs fn(arg). */
static long instructions(void (*fn)(const void *arg), const void *arg)
{
    int status = 0;
    long count = 0;

    fn(arg); /* what is done at a first use only is done here */
    pid_t child = fork();
    if (child == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
        fn(arg);
        (void)raise(SIGSTOP);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    do {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        count++;
    } while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return count;
}

struct pair {
    unsigned char secret[SHA256_SIZE], guess[SHA256_SIZE];
};

/* The mistake that this test is for. */
static void compare_until_different(const void *arg)
{
    const struct pair *pair = arg;
    const volatile unsigned char *a = pair->secret, *b = pair->guess;

    for (size_t i = 0; i < SHA256_SIZE; i++)
        if (a[i] != b[i])
            return;
}

static void compare_ours(const void *arg)
{
    const struct pair *pair = arg;
    (void)equal_constant_time(pair->secret, pair->guess, SHA256_SIZE);
}

/* The guess fits so many bytes from the start. */
static long count_fitting(void (*fn)(const void *arg), size_t bytes)
{
    struct pair pair;

    for (size_t i = 0; i < SHA256_SIZE; i++) {
        pair.secret[i] = (unsigned char)(i * 37 + 11);
        pair.guess[i] = i < bytes ? pair.secret[i] : (unsigned char)~pair.secret[i];
    }
    return instructions(fn, &pair);
}

static void t55_an_early_exit_would_show(void **state)
{
    (void)state;
    assert_true(count_fitting(compare_until_different, 0) < count_fitting(compare_until_different, 1));
    assert_true(count_fitting(compare_until_different, 1) < count_fitting(compare_until_different, 31));
}

static void t55_a_comparison_takes_the_same_steps_however_much_fits(void **state)
{
    long first = count_fitting(compare_ours, 0);
    (void)state;
    for (size_t bytes = 0; bytes <= SHA256_SIZE; bytes++)
        assert_int_equal(count_fitting(compare_ours, bytes), first);
}

/* --- A link's signature --- */

#define ACCOUNT "stalexint0123abcd"
#define CONTAINER "11111111-1111-4111-8111-111111111111"

static const struct sas_fields FIELDS = {.sv = "2020-12-06",
                                         .sp = "r",
                                         .sr = "c",
                                         .se = "2030-01-01T00:00:00Z",
                                         .si = "1",
                                         .spr = "https",
                                         .sig = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
                                         .st = "",
                                         .sip = "",
                                         .rscc = "",
                                         .rscd = "",
                                         .rsce = "",
                                         .rscl = "",
                                         .rsct = ""};

static void verify(const void *key)
{
    struct error err = {0};
    (void)!sas_verify(key, &FIELDS, ACCOUNT, CONTAINER, &err);
}

/* How many bytes of the guess above are right under a key. */
static size_t fitting(const unsigned char *key)
{
    AUTO_STR struct str to_sign = STR_INIT(SAS_SIGNED_MAX);
    unsigned char mac[SHA256_SIZE];
    size_t bytes = 0;

    sas_string_to_sign(&FIELDS, ACCOUNT, CONTAINER, &to_sign);
    hmac_sha256(key, SAS_KEY_SIZE, str_text(&to_sign), to_sign.len, mac);
    while (bytes < SHA256_SIZE && mac[bytes] == bytes + 1)
        bytes++;
    return bytes;
}

static void t55_a_links_check_takes_the_same_steps_under_every_key(void **state)
{
    unsigned char keys[KEYS][SAS_KEY_SIZE];
    size_t count = 0, close = 0;
    long wanted = 0;
    (void)state;

    for (unsigned i = 0; i < KEYS; i++) {
        unsigned char *key = keys[count];
        memset(key, 0, SAS_KEY_SIZE);
        key[0] = (unsigned char)i;
        key[1] = (unsigned char)(i >> 8);
        close += fitting(key) > 0;
        count += fitting(key) > 0 || count < 3; /* three that are all wrong are enough */
    }
    assert_true(close > 0);
    for (size_t i = 0; i < count; i++) {
        long steps = instructions(verify, keys[i]);
        wanted = wanted ? wanted : steps;
        assert_int_equal(steps, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t55_an_early_exit_would_show),
        cmocka_unit_test(t55_a_comparison_takes_the_same_steps_however_much_fits),
        cmocka_unit_test(t55_a_links_check_takes_the_same_steps_under_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
