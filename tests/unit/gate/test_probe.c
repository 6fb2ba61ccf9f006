/* Probes tell a clamd that can be relied on from one that cannot: tried on real ones. */
#include "gate/probe.h"

#include "../check.h"
#include "clamd_rig.h"
#include "gate/clamd.h"

/* The first probe that this clamd does not pass, or PROBE_COUNT. */
static enum probe run(const struct clamd_rig *rig, const struct probes *probes, struct error *err)
{
    AUTO_FD int fd = rig_connect(rig);
    AUTO_CLAMD struct clamd *clamd = clamd_new(fd);

    for (int i = 0; i < PROBE_COUNT; i++) {
        struct clamd_answer answer;
        assert_int_equal(clamd_ask_scan(clamd, probes_fd(probes, (enum probe)i), err), 0);
        assert_int_equal(clamd_wait(clamd, 60000, &answer, err), 1);
        assert_int_equal(answer.question, CLAMD_SCAN);
        if (probe_judge((enum probe)i, &answer.reply, err) != 0)
            return (enum probe)i;
    }
    return PROBE_COUNT;
}

static void fails(const char *settings, enum probe wanted, const char *remedy)
{
    struct clamd_rig rig;
    struct probes *probes;
    struct error err = {0};

    assert_int_equal(probes_new(NULL, 0, &probes, &err), 0);
    rig_start(&rig, settings);
    enum probe failed = run(&rig, probes, &err);
    rig_stop(&rig);
    probes_free(probes);
    assert_int_equal(failed, wanted);
    assert_int_equal(err.code, E_UNAVAILABLE);
    assert_non_null(strstr(err.detail, remedy));
}

static void a_strict_clamd_passes(void **state)
{
    struct clamd_rig rig;
    struct probes *probes;
    struct error err = {0};

    (void)state;
    assert_int_equal(probes_new(NULL, 0, &probes, &err), 0);
    rig_start(&rig, RIG_STRICT);
    enum probe failed = run(&rig, probes, &err);
    if (failed != PROBE_COUNT)
        fail_msg("%s", err.detail);
    rig_stop(&rig);
    probes_free(probes);
}

static void t36_a_clamd_that_calls_the_deep_clean_fails(void **state)
{
    (void)state;
    fails("AlertEncrypted yes\n", PROBE_NESTED, "AlertExceedsMax yes");
}

/* With this recursion it looks into all 17, so that only the size tells. */
static void t39_a_clamd_that_calls_the_large_clean_fails(void **state)
{
    (void)state;
    fails("AlertEncrypted yes\nMaxRecursion 30\n", PROBE_LARGE, "AlertExceedsMax yes");
}

static void t37_a_clamd_that_calls_the_encrypted_clean_fails(void **state)
{
    (void)state;
    fails("AlertExceedsMax yes\n", PROBE_ENCRYPTED, "AlertEncrypted yes");
}

static void a_clamd_without_the_marker_fails(void **state)
{
    struct clamd_rig rig;
    struct probes *own, *eicar;
    struct error err = {0};
    static const char MARKER[] = "the marker of this organisation";

    (void)state;
    assert_int_equal(probes_new(MARKER, strlen(MARKER), &own, &err), 0);
    assert_int_equal(probes_new(NULL, 0, &eicar, &err), 0);
    rig_start_with(&rig, RIG_STRICT, "Own", MARKER, strlen(MARKER));
    assert_int_equal(run(&rig, eicar, &err), PROBE_PLAIN);
    assert_non_null(strstr(err.detail, "scan.probe_marker"));
    assert_int_equal(run(&rig, own, &err), PROBE_COUNT);
    rig_stop(&rig);
    probes_free(own);
    probes_free(eicar);
}

static void a_clamd_that_finds_everything_fails(void **state)
{
    struct clamd_rig rig;
    struct probes *probes;
    struct error err = {0};

    (void)state;
    assert_int_equal(probes_new(NULL, 0, &probes, &err), 0);
    rig_start_with(&rig, RIG_STRICT, "Everything", "harmless", 8);
    assert_int_equal(run(&rig, probes, &err), PROBE_HARMLESS);
    assert_non_null(strstr(err.detail, "Everything.UNOFFICIAL"));
    rig_stop(&rig);
    probes_free(probes);
}

static void only_the_right_answer_proves(void **state)
{
    static const enum reply_kind NEVER[] = {REPLY_ERROR, REPLY_NONSENSE};
    struct error err = {0};

    (void)state;
    for (int probe = 0; probe < PROBE_COUNT; probe++) {
        for (size_t i = 0; i < ARRAY_LEN(NEVER); i++)
            assert_int_equal(probe_judge((enum probe)probe, &(struct reply){.kind = NEVER[i]}, &err), E_UNAVAILABLE);
        int clean = probe_judge((enum probe)probe, &(struct reply){.kind = REPLY_CLEAN}, &err);
        assert_int_equal(clean, probe == PROBE_HARMLESS ? 0 : E_UNAVAILABLE);
    }
    /* a limit where the marker lies open: nothing was looked at */
    assert_int_equal(probe_judge(PROBE_PLAIN, &(struct reply){.kind = REPLY_LIMIT}, &err), E_UNAVAILABLE);
    assert_int_equal(probe_judge(PROBE_PLAIN, &(struct reply){.kind = REPLY_ENCRYPTED}, &err), E_UNAVAILABLE);
    assert_int_equal(probe_judge(PROBE_ENCRYPTED, &(struct reply){.kind = REPLY_LIMIT}, &err), E_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strict_clamd_passes),
        cmocka_unit_test(t36_a_clamd_that_calls_the_deep_clean_fails),
        cmocka_unit_test(t39_a_clamd_that_calls_the_large_clean_fails),
        cmocka_unit_test(t37_a_clamd_that_calls_the_encrypted_clean_fails),
        cmocka_unit_test(a_clamd_without_the_marker_fails),
        cmocka_unit_test(a_clamd_that_finds_everything_fails),
        cmocka_unit_test(only_the_right_answer_proves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
