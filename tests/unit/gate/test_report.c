/* What a child reports: bounded, clean of the file's bytes, and judged by the policy. */
#include "../check.h"
#include "gate/report.h"
#include "policy.h"

static void only_what_ran_is_reported(void **state)
{
    AUTO_REPORT struct report *report = report_new(&policy);
    (void)state;
    report_ran(report, GATE_TYPES);
    report_type(report, "text/csv");
    AUTO_JSON json_t *shown = report_render(report);
    assert_int_equal(json_array_size(shown), 1);
    assert_string_equal(json_text(json_array_get(shown, 0), "gate"), "types");
    assert_string_equal(json_text(json_array_get(shown, 0), "verdict"), "pass");
    assert_string_equal(json_text(json_array_get(shown, 0), "type"), "text/csv");
}

static void the_heaviest_finding_is_the_verdict(void **state)
{
    AUTO_REPORT struct report *report = report_new(&policy);
    (void)state;
    report_add(report, FINDING_TYPE_MISMATCH, NULL, NULL);
    assert_int_equal(report_verdict(report, GATE_TYPES), VERDICT_WARN);
    report_add(report, FINDING_TYPE_REFUSED, NULL, "%s", "image/png");
    report_add(report, FINDING_TYPE_MISMATCH, NULL, NULL);
    assert_int_equal(report_verdict(report, GATE_TYPES), VERDICT_BLOCK);
    report_unsure(report, GATE_TYPES, "no more memory");
    assert_int_equal(report_verdict(report, GATE_TYPES), VERDICT_UNSURE);
}

static void past_the_bound_findings_are_counted(void **state)
{
    AUTO_REPORT struct report *report = report_new(&policy);
    (void)state;
    policy.number[GATE_POLICY_FINDINGS] = 3;
    for (int row = 1; row <= 10; row++)
        report_add(report, FINDING_SMALL_COUNT, &(struct spot){.row = row, .column = "n"}, NULL);
    AUTO_JSON json_t *shown = report_render(report);
    const json_t *part = json_array_get(shown, 0);
    assert_int_equal(json_array_size(json_object_get(part, "findings")), 3);
    assert_int_equal(json_int(part, "omitted"), 7);
    assert_int_equal(report_count(report, FINDING_SMALL_COUNT), 10);
    policy.number[GATE_POLICY_FINDINGS] = 200;
}

static void names_are_cut_and_made_valid(void **state)
{
    AUTO_REPORT struct report *report = report_new(&policy);
    char name[5000];
    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    name[0] = (char)0xff;
    report_member(report, name, 7, "text/plain");
    report_add(report, FINDING_ARCHIVE_ESCAPE, &(struct spot){.member = name}, NULL);
    AUTO_JSON json_t *shown = report_render(report);
    const char *member = json_text(json_array_get(json_object_get(json_array_get(shown, 0), "members"), 0), "name");
    assert_true(strlen(member) <= REPORT_NAME_MAX + 3);
    assert_memory_equal(member, "\xef\xbf\xbdxxx", 6);
    AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);
    assert_non_null(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_ran_is_reported),
        cmocka_unit_test(the_heaviest_finding_is_the_verdict),
        cmocka_unit_test(past_the_bound_findings_are_counted),
        cmocka_unit_test(names_are_cut_and_made_valid),
    };
    return cmocka_run_group_tests(tests, policy_begin, policy_end);
}
