/* Gates, findings and policies: the tables agree with one another, and what somebody sets is checked. */
#include "../check.h"
#include "model/gate.h"

static void the_tables_agree(void **state)
{
    struct gate_policy policy;
    enum finding finding;
    enum gate gate;

    (void)state;
    gate_policy_init(&policy);
    for (int i = 0; i < GATE_COUNT; i++) {
        assert_true(gate_by_name(gate_facts((enum gate)i)->name, &gate));
        assert_int_equal(gate, i);
        assert_int_equal(gate_policy_facts(gate_facts(gate)->action)->kind, GATE_POLICY_ACTION);
    }
    for (int i = 0; i < FINDING_COUNT; i++) {
        assert_true(finding_by_name(finding_facts((enum finding)i)->name, &finding));
        assert_int_equal(finding, i);
    }
    assert_false(gate_by_name("nothing", &gate));
    assert_false(finding_by_name("", &finding));
    gate_policy_done(&policy);
}

static void a_policy_decides_what_a_finding_does(void **state)
{
    struct gate_policy policy;

    (void)state;
    gate_policy_init(&policy);
    assert_int_equal(finding_verdict(FINDING_SMALL_COUNT, &policy), VERDICT_WARN);
    assert_int_equal(gate_policy_set(&policy, GATE_POLICY_DISCLOSURE, "block", NULL), 0);
    assert_int_equal(finding_verdict(FINDING_SMALL_COUNT, &policy), VERDICT_BLOCK);
    assert_int_equal(gate_policy_set(&policy, GATE_POLICY_DISCLOSURE, "off", NULL), 0);
    assert_int_equal(finding_verdict(FINDING_SMALL_COUNT, &policy), VERDICT_PASS);
    assert_int_equal(finding_verdict(FINDING_NOT_READ, &policy), VERDICT_PASS);
    /* no policy makes malware pass */
    assert_int_equal(gate_policy_set(&policy, GATE_POLICY_MALWARE, "off", NULL), 0);
    assert_int_equal(finding_verdict(FINDING_MALWARE, &policy), VERDICT_BLOCK);
    gate_policy_done(&policy);
}

static void a_setting_says_what_its_object_says(void **state)
{
    AUTO_JSON json_t *object = NULL;
    struct gate_policy policy;

    (void)state;
    gate_policy_init(&policy);
    assert_int_equal(gate_policy_parse(" disclosure=block  threshold=7 types_refused=text/html,image/* ", &object, NULL), 0);
    assert_int_equal(gate_policy_apply(&policy, object, NULL), 0);
    assert_int_equal(gate_policy_action(&policy, GATE_POLICY_DISCLOSURE), GATE_BLOCK);
    assert_int_equal(policy.number[GATE_POLICY_THRESHOLD], 7);
    assert_true(gate_policy_lists(&policy, GATE_POLICY_TYPES_REFUSED, "text/HTML"));
    assert_true(gate_policy_lists(&policy, GATE_POLICY_TYPES_REFUSED, "image/png"));
    assert_false(gate_policy_lists(&policy, GATE_POLICY_TYPES_REFUSED, "text/html5"));
    assert_false(gate_policy_lists(&policy, GATE_POLICY_TYPES_REFUSED, "text/csv"));
    assert_false(gate_policy_lists(&policy, GATE_POLICY_TYPES_ALLOWED, "text/csv"));

    /* what is rendered can be applied again, and is the same */
    struct gate_policy copy;
    AUTO_JSON json_t *rendered = gate_policy_render(&policy);
    gate_policy_init(&copy);
    assert_int_equal(gate_policy_apply(&copy, rendered, NULL), 0);
    AUTO_JSON json_t *again = gate_policy_render(&copy);
    assert_true(json_equal(rendered, again));
    gate_policy_done(&copy);
    gate_policy_done(&policy);
}

static void mistakes_are_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } BAD[] = {
        {"disclosure", "NAME=VALUE"},
        {"=block", "NAME=VALUE"},
        {"disclosure=never", "must be warn, block or off"},
        {"malware=warn", "must be block or off"},
        {"threshold=-1", "must be a number"},
        {"threshold=1001", "between 0 and 1000"},
        {"threshold=7x", "must be a number"},
        {"archive=3", "must be a text"},
        {"types_allowed=text", "types such as"},
        {"types_allowed=text/", "types such as"},
        {"types_allowed=*/csv", "types such as"},
        {"mallware=off", "nothing that a policy of gates has"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        json_t *object = NULL;
        assert_refused(gate_policy_parse(BAD[i].text, &object, err), E_INVALID, BAD[i].says);
        assert_null(object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_agree),
        cmocka_unit_test(a_policy_decides_what_a_finding_does),
        cmocka_unit_test(a_setting_says_what_its_object_says),
        cmocka_unit_test(mistakes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
