/* Rules of notices: the defaults, every form of a rule, and every refusal. */
#include "../check.h"

#include <string.h>

#include "base/str.h"
#include "model/rule.h"

/* Who is told by mail, with the bits of notify_bits. */
static unsigned told(const struct rules *rules, enum status status, enum request_type type)
{
    unsigned whom = 0;
    size_t at = 0;

    for (const struct rule *rule; (rule = rules_next(rules, status, type, &at));)
        whom |= strcmp(rule->channel, RULE_MAIL) == 0 ? rule->whom : 0;
    return whom;
}

static void parse(const char *text, struct rules *ret)
{
    struct error err = {0};
    if (rules_parse(text, ret, &err) != 0)
        fail_msg("\"%s\": %s", text, err.detail);
}

/* The mails that the product was asked for, spelled out: nobody else hears of anything. */
static const struct {
    enum status status;
    unsigned whom, mandatory; /* bits; the first have a default rule, the second cannot choose */
} SEED[STATUS_COUNT] = {
    {STATUS_DRAFT, NOTIFY_REQUESTOR, 0},
    {STATUS_SUBMITTED, NOTIFY_REQUESTOR, 0},
    {STATUS_IN_REVIEW, NOTIFY_MANAGERS | NOTIFY_OWNERS, NOTIFY_MANAGERS | NOTIFY_OWNERS},
    {STATUS_APPROVAL_IN_PROGRESS, NOTIFY_REQUESTOR, 0},
    {STATUS_APPROVED, NOTIFY_REQUESTOR, NOTIFY_REQUESTOR},
    {STATUS_REJECTION_IN_PROGRESS, NOTIFY_REQUESTOR, 0},
    {STATUS_REJECTED, NOTIFY_REQUESTOR, NOTIFY_REQUESTOR},
    {STATUS_BLOCKING_IN_PROGRESS, 0, 0},
    {STATUS_BLOCKED_BY_SCAN, NOTIFY_REQUESTOR | NOTIFY_OWNERS, NOTIFY_REQUESTOR | NOTIFY_OWNERS},
    {STATUS_CANCELLED, NOTIFY_REQUESTOR, 0},
    {STATUS_FAILED, NOTIFY_REQUESTOR | NOTIFY_OWNERS, NOTIFY_REQUESTOR | NOTIFY_OWNERS},
    {STATUS_REVOKED, NOTIFY_REQUESTOR | NOTIFY_MANAGERS, NOTIFY_REQUESTOR | NOTIFY_MANAGERS},
};
static const unsigned EVERYBODY[] = {NOTIFY_REQUESTOR, NOTIFY_MANAGERS, NOTIFY_OWNERS, NOTIFY_RESEARCHERS};

static void the_defaults_are_the_seeds(void **state)
{
    struct rules rules;

    (void)state;
    assert_int_equal(rules_self_check(NULL), 0);
    parse("default", &rules);
    for (size_t i = 0; i < STATUS_COUNT; i++)
        for (int type = 0; type < REQUEST_TYPE_COUNT; type++)
            assert_int_equal(told(&rules, SEED[i].status, (enum request_type)type), SEED[i].whom);
}

static void what_must_be_known_is_mandatory(void **state)
{
    (void)state;
    for (size_t i = 0; i < STATUS_COUNT; i++)
        for (size_t j = 0; j < ARRAY_LEN(EVERYBODY); j++)
            assert_int_equal(rule_is_mandatory(SEED[i].status, EVERYBODY[j]), (SEED[i].mandatory & EVERYBODY[j]) != 0);
}

static void a_rule_adds(void **state)
{
    struct rules rules;
    size_t at = 0;

    (void)state;
    parse("approved:export:researchers=mail/house+2h *:*:owners=chat in_review:import:managers=mail+3d", &rules);
    const struct rule *rule = rules_next(&rules, STATUS_APPROVED, REQUEST_EXPORT, &at);
    assert_int_equal(rule->whom, NOTIFY_RESEARCHERS);
    assert_string_equal(rule->template, "house");
    assert_int_equal(rule->delay_s, 7200);
    rule = rules_next(&rules, STATUS_APPROVED, REQUEST_EXPORT, &at);
    assert_string_equal(rule->channel, "chat");
    assert_null(rules_next(&rules, STATUS_APPROVED, REQUEST_EXPORT, &at));
    at = 0;
    rule = rules_next(&rules, STATUS_IN_REVIEW, REQUEST_IMPORT, &at);
    assert_string_equal(rule->channel, "chat");
    rule = rules_next(&rules, STATUS_IN_REVIEW, REQUEST_IMPORT, &at);
    assert_int_equal(rule->delay_s, 3 * 24 * 3600);
    assert_string_equal(rule->template, RULE_TEMPLATE);
    assert_int_equal(told(&rules, STATUS_IN_REVIEW, REQUEST_EXPORT), 0);
}

static void off_takes_back_what_was_said_before(void **state)
{
    struct rules rules;

    (void)state;
    parse("default in_review:*:owners=off draft:import:requestor=off", &rules);
    assert_int_equal(told(&rules, STATUS_IN_REVIEW, REQUEST_EXPORT), NOTIFY_MANAGERS);
    assert_int_equal(told(&rules, STATUS_DRAFT, REQUEST_IMPORT), 0);
    assert_int_equal(told(&rules, STATUS_DRAFT, REQUEST_EXPORT), NOTIFY_REQUESTOR);
    assert_int_equal(told(&rules, STATUS_FAILED, REQUEST_EXPORT), NOTIFY_REQUESTOR | NOTIFY_OWNERS);
    parse("*:*:owners=mail approved:export:owners=off approved:*:owners=chat", &rules);
    assert_int_equal(told(&rules, STATUS_APPROVED, REQUEST_EXPORT), 0);
    assert_int_equal(told(&rules, STATUS_APPROVED, REQUEST_IMPORT), NOTIFY_OWNERS);
    assert_int_equal(told(&rules, STATUS_REJECTED, REQUEST_EXPORT), NOTIFY_OWNERS);
    parse("", &rules);
    assert_int_equal(told(&rules, STATUS_APPROVED, REQUEST_EXPORT), 0);
}

static void bad_rules_are_refused_by_name(void **state)
{
    static const struct {
        const char *text, *says;
    } BAD[] = {
        {"defaults", "must be default, or STATUS:DIRECTION:ROLE=CHANNEL"},
        {"approved:export:owners", "must be default, or"},
        {"approved:owners=mail", "must be default, or"},
        {"reviewed:*:owners=mail", "names the status \"reviewed\", which there is not"},
        {"approved:both:owners=mail", "must say import, export or * where it says \"both\""},
        {"approved:*:owner=mail", "must say requestor, managers, owners or researchers where it says \"owner\""},
        {"approved:*:owners=", "must say mail, or the name of a receiver"},
        {"approved:*:owners=Mail", "must say mail, or the name of a receiver"},
        {"approved:*:owners=mail/", "must say mail, or the name of a receiver"},
        {"approved:*:owners=mail/../x", "must say mail, or the name of a receiver"},
        {"approved:*:owners=chat/house", "names a template for chat: only mail has templates"},
        {"approved:*:owners=off/house", "must not say more behind =off"},
        {"approved:*:owners=off+3d", "must not say more behind =off"},
        {"approved:*:owners=mail/digest", "names the template digest, which is of summaries"},
        {"approved:*:owners=mail+", "must say how long to wait"},
        {"approved:*:owners=mail+3", "must say how long to wait"},
        {"approved:*:owners=mail+0h", "must say how long to wait"},
        {"approved:*:owners=mail+367d", "must say how long to wait"},
        {"approved:*:owners=mail+3dd", "must say how long to wait"},
        {"approved:*:owners=mail+99999999999999999999s", "must say how long to wait"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct rules rules = {.count = 7};
        struct error err = {0};
        assert_int_equal(rules_parse(BAD[i].text, &rules, &err), E_INVALID);
        assert_int_equal(rules.count, 7); /* untouched */
        if (!strstr(err.detail, BAD[i].says))
            fail_msg("\"%s\": %s", BAD[i].text, err.detail);
    }
}

static void there_is_an_end_of_rules(void **state)
{
    AUTO_STR struct str text = STR_INIT(65536);
    struct rules rules;

    (void)state;
    for (int i = 0; i <= RULES_MAX; i++)
        str_append(&text, "approved:*:owners=mail ");
    assert_int_equal(rules_parse(str_text(&text), &rules, NULL), E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_the_seeds),         cmocka_unit_test(what_must_be_known_is_mandatory),
        cmocka_unit_test(a_rule_adds),                        cmocka_unit_test(off_takes_back_what_was_said_before),
        cmocka_unit_test(bad_rules_are_refused_by_name),      cmocka_unit_test(there_is_an_end_of_rules),
    };
    return cmocka_run_group_tests_name("model/rule", tests, NULL, NULL);
}
