/* The table of rights: what it must be, how it reads, and that its check finds mistakes. */
#include "../check.h"

#include "model/right.h"

static void test_table(void **state)
{
    (void)state;
    struct error err = {0};

    if (right_self_check(&err) != 0)
        fail_msg("%s", err.detail);
    for (int i = 0; i < RIGHT_COUNT; i++) {
        AUTO_STR struct str who = STR_INIT(256);
        right_append_who(&who, (enum right)i);
        assert_true(who.len > 0);
        for (int k = i + 1; k < RIGHT_COUNT; k++)
            assert_string_not_equal(right_name((enum right)i), right_name((enum right)k));
    }
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        struct right_facts facts;
        const char *says;
    } ROWS[] = {
        {{.token = TOKEN_NONE, .tre_roles = ROLE_TRE_USER}, "roles without a token"},
        {{.token = TOKEN_NONE, .rule = RULE_LINK}, "roles without a token"},
        {{.token = TOKEN_CORE}, "must ask for TRE roles"},
        {{.token = TOKEN_CORE, .tre_roles = ROLE_TRE_USER, .workspace_roles = ROLE_OWNER}, "must ask for TRE roles"},
        {{.token = TOKEN_CORE, .tre_roles = ROLE_OWNER}, "mixes roles"},
        {{.token = TOKEN_WORKSPACE}, "none of its roles"},
        {{.token = TOKEN_WORKSPACE, .tre_roles = ROLE_TRE_ADMIN}, "none of its roles"},
        {{.token = TOKEN_WORKSPACE, .workspace_roles = ROLE_OWNER | ROLE_TRE_USER}, "mixes roles"},
        {{.token = TOKEN_WORKSPACE, .workspace_roles = ROLE_OWNER, .rule = RULE_EVENT, .event = EVENT_SUBMIT},
         "shuts out who may cause \"submit\""},
        {{.token = TOKEN_WORKSPACE, .workspace_roles = ROLE_WORKSPACE_ALL, .rule = RULE_EVENT, .event = EVENT_CANCEL},
         "shuts out who may cause \"cancel\""},
        {{.token = TOKEN_WORKSPACE, .workspace_roles = ROLE_OWNER, .rule = RULE_EVENT, .event = EVENT_MOVED},
         "no person causes"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct right_facts facts = ROWS[i].facts;
        facts.name = "SEEDED";
        assert_refused(right_check(&facts, err), E_INTERNAL, ROWS[i].says);
    }
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        enum right right;
        const char *who;
    } ROWS[] = {
        {RIGHT_OF_NOBODY, "nobody"},
        {RIGHT_ANYTHING_OPEN, "anyone"},
        {RIGHT_ADMINISTER, "TREAdmin"},
        {RIGHT_READ, "WorkspaceOwner, WorkspaceResearcher, AirlockManager, TREAdmin"},
        {RIGHT_SUBMIT, "requestor, as WorkspaceOwner, WorkspaceResearcher"},
        {RIGHT_CANCEL, "requestor, TREAdmin, WorkspaceOwner"},
        {RIGHT_REVIEW, "AirlockManager who is not the requestor"},
        {RIGHT_SEE_WORKSPACE, "WorkspaceOwner, WorkspaceResearcher, AirlockManager, TREAdmin, TREUser who is a member"},
        {RIGHT_END_LINKS, "requestor, TREAdmin, WorkspaceOwner, AirlockManager"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_STR struct str who = STR_INIT(256);
        right_append_who(&who, ROWS[i].right);
        assert_string_equal(str_text(&who), ROWS[i].who);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("model/right", tests, NULL, NULL);
}
