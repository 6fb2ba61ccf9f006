/* Links: the whole matrix of status, type, roles and relation against a rule written by hand; permission letters. */
#include "../check.h"

#include "model/authz.h"

enum { R = PERM_READ, C = PERM_CREATE, W = PERM_WRITE, D = PERM_DELETE, L = PERM_LIST };

/* The most the actor may have; 0: forbidden. Written from the design, not from the table. */
static unsigned expected_permissions(const char *status, bool import, bool requestor, bool researcher, bool owner,
                                     bool manager)
{
    if (strcmp(status, "draft") == 0)
        return requestor && (researcher || owner) ? R | C | W | D | L : 0;
    if (strcmp(status, "in_review") == 0)
        return manager || owner ? R | L : 0;
    bool reader = owner || (requestor && researcher) || (import && researcher);
    return reader ? R | L : 0;
}

static bool has_links(const char *status)
{
    return strcmp(status, "draft") == 0 || strcmp(status, "in_review") == 0 || strcmp(status, "approved") == 0;
}

static void check_one(enum status status, enum request_type type, const struct actor *a)
{
    unsigned permissions = 0;
    struct error err = {0};
    bool researcher = a->roles & ROLE_RESEARCHER, owner = a->roles & ROLE_OWNER, manager = a->roles & ROLE_MANAGER;
    const char *name = status_name(status);
    unsigned most = expected_permissions(name, type == REQUEST_IMPORT, a->is_requestor, researcher, owner, manager);

    int got = authz_link(status, type, a, &permissions, &err);
    if (a->is_system || !(researcher || owner || manager)) {
        assert_int_equal(got, E_FORBIDDEN);
    } else if (!has_links(name)) {
        assert_int_equal(got, E_CONFLICT);
        assert_non_null(strstr(err.detail, name));
    } else if (most == 0) {
        assert_int_equal(got, E_FORBIDDEN);
        assert_non_null(strstr(err.detail, "only"));
    } else {
        assert_int_equal(got, 0);
        assert_int_equal(permissions, most);
        return;
    }
    assert_int_equal(permissions, 0);
}

static void test_matrix(void **state)
{
    (void)state;
    for (int status = 0; status < STATUS_COUNT; status++)
        for (int type = 0; type < REQUEST_TYPE_COUNT; type++)
            for (unsigned roles = 0; roles < 32; roles++)
                for (unsigned who = 0; who < 4; who++) {
                    struct actor a = {.roles = roles, .is_requestor = who & 1, .is_system = who & 2};
                    check_one((enum status)status, (enum request_type)type, &a);
                }
}

static void test_refusals_name_the_rule(void **state)
{
    (void)state;
    unsigned permissions;
    struct actor researcher = {.roles = ROLE_RESEARCHER};
    struct actor manager = {.roles = ROLE_MANAGER};

    assert_refused(authz_link(STATUS_DRAFT, REQUEST_EXPORT, &researcher, &permissions, err), E_FORBIDDEN,
                   "in status draft only the requestor may have a link");
    assert_refused(authz_link(STATUS_IN_REVIEW, REQUEST_EXPORT, &researcher, &permissions, err), E_FORBIDDEN,
                   "only an Airlock Manager or a Workspace Owner may");
    assert_refused(authz_link(STATUS_APPROVED, REQUEST_EXPORT, &researcher, &permissions, err), E_FORBIDDEN,
                   "only the requestor or a Workspace Owner may");
    assert_refused(authz_link(STATUS_APPROVED, REQUEST_IMPORT, &manager, &permissions, err), E_FORBIDDEN,
                   "or a researcher of the workspace may");
    assert_refused(authz_link(STATUS_SUBMITTED, REQUEST_IMPORT, &manager, &permissions, err), E_CONFLICT, "submitted");
}

static void test_letters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *formatted; /* NULL: refused */
    } ROWS[] = {
        {"r", "r"},       {"rl", "rl"},           {"lr", "rl"}, {"rcwdl", "rcwdl"}, {"ldwcr", "rcwdl"},
        {"rwdl", "rwdl"}, {"racwdl", "racwdl"},   {"a", "a"},   {"", NULL},         {"rr", NULL},
        {"x", NULL},      {"rlx", NULL},          {"R", NULL},  {"r l", NULL},      {"rlt", NULL},
        {"rlm", NULL},    {"racwdxltmeop", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        unsigned permissions = 0;
        char text[PERMISSION_TEXT_MAX];
        if (!ROWS[i].formatted) {
            assert_refused_field(permission_parse(ROWS[i].text, &permissions, err), E_INVALID, "permissions");
            continue;
        }
        assert_int_equal(permission_parse(ROWS[i].text, &permissions, NULL), 0);
        permission_format(permissions, text);
        assert_string_equal(text, ROWS[i].formatted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_refusals_name_the_rule),
        cmocka_unit_test(test_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
