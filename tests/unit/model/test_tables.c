/* The smaller tables: accounts and their names, statuses, roles, policy. */
#include "../check.h"

#include "base/str.h"
#include "model/account.h"
#include "model/policy.h"
#include "model/role.h"
#include "model/status.h"

static const struct {
    enum account account;
    const char *prefix;
    const char *zone;
    bool tre;
    bool draft;
} ACCOUNTS[] = {
    {ACCOUNT_IMEX, "stalimex", "external", true, true},
    {ACCOUNT_IMIP, "stalimip", "core", true, false},
    {ACCOUNT_IMREJ, "stalimrej", "core", true, false},
    {ACCOUNT_IMBLOCKED, "stalimblocked", "core", true, false},
    {ACCOUNT_IMAPP, "stalimapp", "workspace", false, false},
    {ACCOUNT_EXINT, "stalexint", "workspace", false, true},
    {ACCOUNT_EXIP, "stalexip", "workspace", false, false},
    {ACCOUNT_EXREJ, "stalexrej", "workspace", false, false},
    {ACCOUNT_EXBLOCKED, "stalexblocked", "workspace", false, false},
    {ACCOUNT_EXAPP, "stalexapp", "external", true, false},
};

static void test_account_facts(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(ACCOUNTS), ACCOUNT_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(ACCOUNTS); i++) {
        const struct account_facts *facts = account_facts(ACCOUNTS[i].account);
        assert_string_equal(facts->prefix, ACCOUNTS[i].prefix);
        assert_string_equal(zone_name(facts->zone), ACCOUNTS[i].zone);
        assert_int_equal(facts->scope == SCOPE_TRE, ACCOUNTS[i].tre);
        assert_int_equal(facts->use == USE_DRAFT, ACCOUNTS[i].draft);
    }
}

static void test_account_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ACCOUNTS); i++) {
        const char *tre = "abcdefghij1", *digits = "0123abcd", *suffix;
        char name[ACCOUNT_NAME_MAX + 1];
        enum account account;
        assert_int_equal(account_name_format(ACCOUNTS[i].account, tre, digits, name, NULL), 0);
        assert_true(strlen(name) >= 3 && strlen(name) <= 24);
        assert_true(account_by_name(name, &account, &suffix));
        assert_int_equal(account, ACCOUNTS[i].account);
        assert_string_equal(suffix, ACCOUNTS[i].tre ? tre : digits);
    }
}

static void test_account_name_refusals(void **state)
{
    (void)state;
    char name[ACCOUNT_NAME_MAX + 1];
    static const char *const BAD_TRE[] = {"", "abcdefghijk1", "Tre", "tre-1", "tré", "a b"};
    static const char *const BAD_DIGITS[] = {"", "0123abc", "0123abcde", "0123ABCD", "0123abcg"};

    for (size_t i = 0; i < ARRAY_LEN(BAD_TRE); i++) {
        assert_refused_field(account_check_tre_id(BAD_TRE[i], err), E_INVALID, "tre_id");
        assert_refused_field(account_name_format(ACCOUNT_IMEX, BAD_TRE[i], "0123abcd", name, err), E_INVALID, "tre_id");
    }
    assert_refused_field(account_name_format(ACCOUNT_IMEX, NULL, "0123abcd", name, err), E_INVALID, "tre_id");
    for (size_t i = 0; i < ARRAY_LEN(BAD_DIGITS); i++)
        assert_refused_field(account_name_format(ACCOUNT_EXIP, "demo", BAD_DIGITS[i], name, err), E_INVALID,
                             "workspace");
    assert_refused_field(account_name_format(ACCOUNT_EXIP, "demo", NULL, name, err), E_INVALID, "workspace");
}

static void test_account_by_name_refusals(void **state)
{
    (void)state;
    static const char *const NOT_OURS[] = {"",
                                           "stalimex",
                                           "stalim",
                                           "stalimexDEMO",
                                           "stalexip",
                                           "stalexipdemo",
                                           "stalexip0123abcde",
                                           "stalexyz0123abcd",
                                           "Stalimexdemo",
                                           "stalimapp0123ABCD",
                                           "stalimexabcdefghijk1"};
    for (size_t i = 0; i < ARRAY_LEN(NOT_OURS); i++) {
        enum account account;
        const char *suffix;
        assert_false(account_by_name(NOT_OURS[i], &account, &suffix));
    }
}

static void test_zones(void **state)
{
    (void)state;
    enum zone zone;
    for (int i = 0; i < ZONE_COUNT; i++) {
        assert_true(zone_by_name(zone_name((enum zone)i), &zone));
        assert_int_equal(zone, i);
    }
    assert_false(zone_by_name("internet", &zone));
}

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum account import, export;
        bool terminal;
        unsigned notify;
    } ROWS[] = {
        {"draft", ACCOUNT_IMEX, ACCOUNT_EXINT, false, NOTIFY_REQUESTOR},
        {"submitted", ACCOUNT_IMIP, ACCOUNT_EXIP, false, NOTIFY_REQUESTOR},
        {"in_review", ACCOUNT_IMIP, ACCOUNT_EXIP, false, NOTIFY_MANAGERS | NOTIFY_OWNERS},
        {"approval_in_progress", ACCOUNT_MOVING, ACCOUNT_MOVING, false, NOTIFY_REQUESTOR},
        {"approved", ACCOUNT_IMAPP, ACCOUNT_EXAPP, false, NOTIFY_REQUESTOR},
        {"rejection_in_progress", ACCOUNT_MOVING, ACCOUNT_MOVING, false, NOTIFY_REQUESTOR},
        {"rejected", ACCOUNT_IMREJ, ACCOUNT_EXREJ, true, NOTIFY_REQUESTOR},
        {"blocking_in_progress", ACCOUNT_MOVING, ACCOUNT_MOVING, false, 0},
        {"blocked_by_scan", ACCOUNT_IMBLOCKED, ACCOUNT_EXBLOCKED, true, NOTIFY_REQUESTOR | NOTIFY_OWNERS},
        {"cancelled", ACCOUNT_NONE, ACCOUNT_NONE, true, NOTIFY_REQUESTOR},
        {"failed", ACCOUNT_STAYS, ACCOUNT_STAYS, true, NOTIFY_REQUESTOR | NOTIFY_OWNERS},
        {"revoked", ACCOUNT_NONE, ACCOUNT_NONE, true, NOTIFY_REQUESTOR | NOTIFY_MANAGERS},
    };
    enum status status;

    assert_int_equal(ARRAY_LEN(ROWS), STATUS_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_true(status_by_name(ROWS[i].name, &status));
        assert_string_equal(status_name(status), ROWS[i].name);
        assert_int_equal(status_account(status, REQUEST_IMPORT), ROWS[i].import);
        assert_int_equal(status_account(status, REQUEST_EXPORT), ROWS[i].export);
        assert_int_equal(status_is_terminal(status), ROWS[i].terminal);
        assert_int_equal(status_facts(status)->notify, ROWS[i].notify);
    }
    assert_false(status_by_name("blocked", &status));
    assert_false(status_by_name("none", &status));
    assert_string_equal(status_name(STATUS_NONE), "none");
    assert_string_equal(status_name(STATUS_FAILED_FROM), "failed_from");
    assert_false(status_is_terminal(STATUS_NONE));
}

static void test_request_types(void **state)
{
    (void)state;
    enum request_type type;
    assert_true(request_type_by_name("import", &type));
    assert_int_equal(type, REQUEST_IMPORT);
    assert_true(request_type_by_name("export", &type));
    assert_string_equal(request_type_name(type), "export");
    assert_false(request_type_by_name("Import", &type));
}

static void test_roles(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"TREAdmin", "TREUser", "WorkspaceOwner", "WorkspaceResearcher",
                                        "AirlockManager"};
    enum role role;
    unsigned all = 0;

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        assert_true(role_by_name(NAMES[i], &role));
        assert_string_equal(role_name(role), NAMES[i]);
        assert_true(role_display_name(role)[0] != '\0');
        assert_int_equal(all & role, 0);
        all |= role;
    }
    assert_int_equal(all, ROLE_TRE_ALL | ROLE_WORKSPACE_ALL);
    assert_false(role_by_name("Root", &role));
    assert_string_equal(role_name((enum role)0x400), "");
    assert_string_equal(role_display_name((enum role)0x400), "");

    AUTO_STR struct str s = STR_INIT(256);
    role_append_missing(&s, ROLE_RESEARCHER | ROLE_OWNER);
    assert_string_equal(str_text(&s), "The user is missing a required role: ['WorkspaceOwner', 'WorkspaceResearcher']");
    str_reset(&s);
    role_append_json(&s, ROLE_MANAGER | ROLE_TRE_USER);
    assert_string_equal(str_text(&s), "\"TREUser\",\"AirlockManager\"");
}

static void test_policy(void **state)
{
    (void)state;
    struct policy policy;

    policy_init(&policy);
    assert_int_equal(policy.max_files, 1);
    assert_int_equal(policy.link_lifetime_s, 3600);
    for (int i = 0; i < POLICY_COUNT; i++) {
        const struct policy_facts *facts = policy_facts((enum policy_row)i);
        assert_int_equal(policy_get(&policy, (enum policy_row)i), facts->fallback);
        assert_true(facts->min <= facts->fallback && facts->fallback <= facts->max);
        assert_int_equal(policy_set(&policy, (enum policy_row)i, facts->max, NULL), 0);
        assert_int_equal(policy_get(&policy, (enum policy_row)i), facts->max);
        assert_refused_field(policy_set(&policy, (enum policy_row)i, facts->max + 1, err), E_INVALID, facts->name);
        assert_refused_field(policy_set(&policy, (enum policy_row)i, facts->min - 1, err), E_INVALID, facts->name);
        assert_int_equal(policy_get(&policy, (enum policy_row)i), facts->max);
    }
}

static void test_policy_submit(void **state)
{
    (void)state;
    struct policy policy;

    policy_init(&policy);
    assert_int_equal(policy_check_submit(&policy, 1, 0, NULL), 0);
    assert_int_equal(policy_check_submit(&policy, 1, policy.max_bytes, NULL), 0);
    assert_refused(policy_check_submit(&policy, 0, 0, err), E_CONFLICT, "Request did not contain any files.");
    assert_refused(policy_check_submit(&policy, 2, 5, err), E_CONFLICT, "Request contained more than 1 file.");
    assert_refused(policy_check_submit(&policy, 1, policy.max_bytes + 1, err), E_CONFLICT, "bytes");
    assert_int_equal(policy_set(&policy, POLICY_MAX_FILES, 3, NULL), 0);
    assert_int_equal(policy_check_submit(&policy, 3, 5, NULL), 0);
    assert_refused(policy_check_submit(&policy, 4, 5, err), E_CONFLICT, "Request contained more than 3 files.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_facts),
        cmocka_unit_test(test_account_names),
        cmocka_unit_test(test_account_name_refusals),
        cmocka_unit_test(test_account_by_name_refusals),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_request_types),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_policy_submit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
