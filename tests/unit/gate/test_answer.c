/* What children say, and how much of it is believed. */
#include "../check.h"

#include <string.h>

#include "gate/answer.h"

#define GATES (1U << GATE_ARCHIVE | 1U << GATE_IDENTIFIERS)
#define ARCHIVE_PASSES "{\"gate\":\"archive\",\"verdict\":\"pass\",\"findings\":[],\"omitted\":0}"
#define IDENTIFIERS(verdict, findings) \
    "{\"gate\":\"identifiers\",\"verdict\":\"" verdict "\",\"findings\":[" findings "],\"omitted\":0}"
#define BOTH(part) "{\"gates\":[" ARCHIVE_PASSES "," part "]}"

static struct gate_policy policy;

static int begin(void **state UNUSED)
{
    gate_policy_init(&policy);
    policy.number[GATE_POLICY_FINDINGS] = 3;
    return 0;
}

static int end(void **state UNUSED)
{
    gate_policy_done(&policy);
    return 0;
}

static int take(const char *text, struct answer *ret)
{
    return answer_read(text, strlen(text), GATES, &policy, ret, NULL);
}

static void expect_nonsense(const char *text)
{
    AUTO_ANSWER struct answer answer = {0};
    if (take(text, &answer) != E_PROTOCOL)
        fail_msg("this was taken: %.200s", text);
}

static void what_an_honest_child_says_is_taken(void **state UNUSED)
{
    AUTO_ANSWER struct answer answer = {0};

    assert_int_equal(take(BOTH(IDENTIFIERS("warn", "{\"code\":\"secret\",\"verdict\":\"warn\",\"row\":4,\"column\":"
                                                   "\"key\",\"member\":\"a!/b\",\"count\":2,\"detail\":\"x\"}")),
                          &answer),
                     0);
    assert_int_equal(answer.parts[GATE_ARCHIVE].verdict, VERDICT_PASS);
    assert_int_equal(answer.parts[GATE_IDENTIFIERS].verdict, VERDICT_WARN);
    assert_false(answer.parts[GATE_MALWARE].there);
    AUTO_STR struct str text = STR_INIT(1000);
    json_append_value(&text, answer.parts[GATE_IDENTIFIERS].file);
    assert_string_equal(
        str_text(&text),
        "{\"verdict\":\"warn\",\"findings\":[{\"code\":\"secret\",\"verdict\":\"warn\",\"member\":\"a!/b\","
        "\"row\":4,\"column\":\"key\",\"count\":2,\"detail\":\"x\"}],\"omitted\":0}");
}

static void the_report_of_a_child_is_understood(void **state UNUSED)
{
    AUTO_REPORT struct report *report = report_new(&policy);
    AUTO_ANSWER struct answer answer = {0};
    AUTO_STR struct str text = STR_INIT(REPORT_JSON_MAX);
    char name[2 * REPORT_NAME_MAX];

    memset(name, '\xE4', sizeof name); /* as long as it may be, and no UTF-8 at all */
    name[sizeof name - 1] = '\0';
    report_ran(report, GATE_IDENTIFIERS);
    for (int i = 0; i < 5; i++)
        report_add(report, FINDING_ARCHIVE_ESCAPE, &(struct spot){.member = name, .column = name}, "%s", name);
    report_member(report, name, 77, "text/csv");
    AUTO_JSON json_t *all = json_pack("{s:o}", "gates", report_render(report));
    json_append_value(&text, all);
    assert_int_equal(take(str_text(&text), &answer), 0);
    const json_t *file = answer.parts[GATE_ARCHIVE].file;
    assert_int_equal(answer.parts[GATE_ARCHIVE].verdict, VERDICT_BLOCK);
    assert_int_equal(json_array_size(json_object_get(file, "findings")), 3);
    assert_int_equal(json_int(file, "omitted"), 2);
    assert_int_equal(json_int(json_array_get(json_object_get(file, "members"), 0), "size"), 77);
}

static void t44_a_verdict_is_judged_anew(void **state UNUSED)
{
    AUTO_ANSWER struct answer answer = {0};

    policy.number[GATE_POLICY_IDENTIFIERS] = GATE_BLOCK;
    assert_int_equal(take(BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"verdict\":\"pass\"}")), &answer), 0);
    assert_int_equal(answer.parts[GATE_IDENTIFIERS].verdict, VERDICT_BLOCK);
    assert_string_equal(json_text(answer.parts[GATE_IDENTIFIERS].file, "verdict"), "block");
}

static void t44_what_is_not_in_the_tables_is_dropped(void **state UNUSED)
{
    AUTO_ANSWER struct answer answer = {0};

    assert_int_equal(
        take("{\"gates\":[{\"gate\":\"archive\",\"verdict\":\"pass\",\"findings\":[],\"omitted\":0,\"type\":"
             "\"x\",\"engine\":{\"a\":1},\"blob\":7,\"surprise\":[]}," IDENTIFIERS(
                 "pass", "{\"code\":\"email-address\",\"link\":\"http://x\"}") "],\"op\":\"job.result\"}",
             &answer),
        0);
    assert_int_equal(json_object_size(answer.parts[GATE_ARCHIVE].file), 3);
    assert_null(answer.parts[GATE_ARCHIVE].engine);
    assert_int_equal(
        json_object_size(json_array_get(json_object_get(answer.parts[GATE_IDENTIFIERS].file, "findings"), 0)), 2);
}

static void t44_nonsense_is_no_answer(void **state UNUSED)
{
    static const char *const WORDS[] = {
        "",
        "[]",
        "null",
        "clean",
        "{}",
        "{\"gates\":{}}",
        "{\"gates\":[]}",                   /* nothing about gates that were to run */
        "{\"gates\":[" ARCHIVE_PASSES "]}", /* nothing about one of them */
        BOTH(ARCHIVE_PASSES),               /* one twice */
        BOTH(IDENTIFIERS("pass", "")) "{}", /* something behind it */
        BOTH(IDENTIFIERS("clean", "")),
        BOTH(IDENTIFIERS("", "")),
        BOTH(IDENTIFIERS("pass", "7")),
        BOTH(IDENTIFIERS("pass", "{}")),
        BOTH(IDENTIFIERS("pass", "{\"code\":\"no-such-code\"}")),
        BOTH(IDENTIFIERS("pass", "{\"code\":\"archive-escape\"}")), /* another gate's */
        BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"row\":-1}")),
        BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"row\":1.5}")),
        BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"row\":99999999999999999}")),
        BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"column\":7}")),
        BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"column\":\"a\\u0000b\"}")),
        BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"column\":\"\xFF\"}")),
        BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"code\":\"email-address\"}")),
        BOTH(IDENTIFIERS("pass",
                         "{\"code\":\"secret\"},{\"code\":\"secret\"},{\"code\":\"secret\"},{\"code\":\"secret\"}")),
        BOTH("{\"gate\":\"identifiers\",\"verdict\":\"pass\",\"omitted\":0}"),
        BOTH("{\"gate\":\"identifiers\",\"verdict\":\"pass\",\"findings\":{},\"omitted\":0}"),
        BOTH("{\"gate\":\"identifiers\",\"verdict\":\"pass\",\"findings\":[],\"omitted\":\"0\"}"),
        BOTH("{\"gate\":\"malware\",\"verdict\":\"pass\",\"findings\":[],\"omitted\":0}"), /* not asked for */
        BOTH("{\"gate\":\"surprise\",\"verdict\":\"pass\",\"findings\":[],\"omitted\":0}"),
    };

    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
        expect_nonsense(WORDS[i]);
}

static void t44_texts_are_bounded(void **state UNUSED)
{
    AUTO_FREE char *big = xcalloc(1, 5 * REPORT_NAME_MAX);
    memset(big, 'a', 4 * REPORT_NAME_MAX);
    AUTO_FREE char *column = xasprintf(BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"column\":\"%s\"}")), big);
    AUTO_FREE char *detail = xasprintf(BOTH(IDENTIFIERS("pass", "{\"code\":\"secret\",\"detail\":\"%s\"}")), big);

    expect_nonsense(column);
    expect_nonsense(detail);
}

static int take_command(const char *text, struct answer_part *ret)
{
    return answer_read_command(text, strlen(text), &policy, ret, NULL);
}

static void an_organisations_own_check_has_its_own_codes(void **state UNUSED)
{
    struct answer_part part;

    assert_int_equal(take_command("{\"verdict\":\"block\",\"findings\":[{\"code\":\"house-rule-7\",\"row\":2,\"x\":1},"
                                  "{\"code\":\"b\"},{\"code\":\"c\"},{\"code\":\"d\"}]}",
                                  &part),
                     0);
    assert_int_equal(part.verdict, VERDICT_BLOCK);
    assert_int_equal(json_array_size(json_object_get(part.file, "findings")), 3);
    assert_int_equal(json_int(part.file, "omitted"), 1);
    const json_t *first = json_array_get(json_object_get(part.file, "findings"), 0);
    assert_string_equal(json_text(first, "code"), "house-rule-7");
    assert_string_equal(json_text(first, "verdict"), "block");
    assert_int_equal(json_object_size(first), 3);
    answer_part_done(&part);
}

static void t41_an_own_check_that_babbles_gives_no_verdict(void **state UNUSED)
{
    static const char *const WORDS[] = {
        "",
        "OK",
        "{}",
        "{\"verdict\":\"pass\"}",
        "{\"verdict\":\"unsure\",\"findings\":[]}",
        "{\"verdict\":\"fine\",\"findings\":[]}",
        "{\"verdict\":\"pass\",\"findings\":[{}]}",
        "{\"verdict\":\"pass\",\"findings\":[7]}",
        "{\"verdict\":\"pass\",\"findings\":[{\"code\":\"\"}]}",
        "{\"verdict\":\"pass\",\"findings\":[{\"code\":\"a\",\"row\":\"7\"}]}",
        "{\"verdict\":\"pass\",\"findings\":[{\"code\":"
        "\"a123456789012345678901234567890123456789012345678901234567890\"}]}",
        "{\"verdict\":\"pass\",\"findings\":[]}{}",
    };

    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        struct answer_part part;
        if (take_command(WORDS[i], &part) != E_PROTOCOL)
            fail_msg("this was taken: %s", WORDS[i]);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_an_honest_child_says_is_taken),
        TEST(the_report_of_a_child_is_understood),
        TEST(t44_a_verdict_is_judged_anew),
        TEST(t44_what_is_not_in_the_tables_is_dropped),
        TEST(t44_nonsense_is_no_answer),
        TEST(t44_texts_are_bounded),
        TEST(an_organisations_own_check_has_its_own_codes),
        TEST(t41_an_own_check_that_babbles_gives_no_verdict),
    };
    return cmocka_run_group_tests_name("gate/answer", tests, NULL, NULL);
}
