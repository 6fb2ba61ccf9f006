/* The demo's directory and the shape of what it says: tests outside the repository rely on that line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "airlockd/config.h"
#include "airlockd/demo.h"
#include "base/file.h"
#include "base/uuid.h"

static char base[] = "/tmp/airlock-demo-XXXXXX";
static char *dir; /* BASE/tre, made by the demo */

static struct demo *open_demo(void)
{
    struct demo *demo = NULL;
    struct error err = {0};
    if (demo_open(dir, 9100, &demo, &err) != 0)
        fail_msg("%s", err.detail);
    return demo;
}

static struct settings *read_settings(const struct demo *demo)
{
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    struct settings *settings = config_read(demo_config_file(demo), NULL, 0, &problems);
    assert_string_equal(str_text(&problems.text), "");
    return settings;
}

static const struct {
    const char *name;
    const char *roles; /* "tre|first workspace|second workspace", roles separated by commas */
} PEOPLE[] = {
    {"alice", "TREUser|WorkspaceResearcher|"},
    {"dave", "TREUser|WorkspaceResearcher|"},
    {"bob", "TREUser|AirlockManager|"},
    {"carol", "TREUser|WorkspaceOwner|"},
    {"mallory", "TREUser||WorkspaceResearcher,AirlockManager"},
    {"erin", "TREUser|WorkspaceResearcher,AirlockManager|"},
    {"admin", "TREUser,TREAdmin||"},
};

static void append_roles(struct str *out, const json_t *roles)
{
    json_t *role;
    size_t index;
    json_array_foreach((json_t *)(uintptr_t)roles, index, role)
        str_printf(out, "%s%s", index ? "," : "", json_string_value(role));
}

static void check_accounts(const json_t *line, const char *first, const char *second)
{
    const json_t *accounts = json_object_get(line, "accounts");
    assert_int_equal(json_array_size(accounts), ARRAY_LEN(PEOPLE));
    for (size_t i = 0; i < ARRAY_LEN(PEOPLE); i++) {
        const json_t *account = json_array_get(accounts, i);
        const json_t *roles = json_object_get(account, "roles");
        AUTO_STR struct str text = STR_INIT(1000);
        append_roles(&text, json_object_get(roles, "tre"));
        str_append_char(&text, '|');
        append_roles(&text, json_object_get(roles, first));
        str_append_char(&text, '|');
        append_roles(&text, json_object_get(roles, second));
        assert_string_equal(json_text(account, "name"), PEOPLE[i].name);
        assert_string_equal(str_text(&text), PEOPLE[i].roles);
        assert_true(strlen(json_text(account, "password")) >= 16);
        assert_true(strlen(json_text(account, "client_secret")) >= 16);
        assert_true(uuid_is_v4(json_text(account, "client_id")));
        assert_int_equal(json_object_size(account), 5);
    }
}

static void test_line(void **state)
{
    (void)state;
    struct demo *demo = open_demo();
    AUTO_SETTINGS struct settings *settings = read_settings(demo);
    AUTO_JSON json_t *line = demo_line(demo, settings);
    const json_t *workspaces = json_object_get(line, "workspaces");
    const json_t *blob = json_object_get(line, "blob");
    AUTO_FREE char *issuer = xasprintf("http://127.0.0.1:9104/%s/v2.0", settings_text(settings, SETTING_IDP_TENANT));
    AUTO_FREE char *token =
        xasprintf("http://127.0.0.1:9104/%s/oauth2/v2.0/token", settings_text(settings, SETTING_IDP_TENANT));
    AUTO_FREE char *scope = xasprintf("api://%s/.default", settings_text(settings, SETTING_AUTH_CORE_CLIENT_ID));

    assert_true(json_flag(line, "ready"));
    assert_int_equal(json_object_size(line), 8);
    assert_string_equal(json_text(line, "api"), "http://127.0.0.1:9100");
    assert_string_equal(json_text(blob, "external"), "http://127.0.0.1:9101");
    assert_string_equal(json_text(blob, "core"), "http://127.0.0.1:9102");
    assert_string_equal(json_text(blob, "workspace"), "http://127.0.0.1:9103");
    assert_string_equal(json_text(line, "issuer"), issuer);
    assert_string_equal(json_text(line, "token_endpoint"), token);
    assert_string_equal(json_text(line, "api_scope"), scope);
    assert_int_equal(json_array_size(workspaces), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(uuid_is_v4(json_text(json_array_get(workspaces, i), "id")));
        assert_true(str_starts(json_text(json_array_get(workspaces, i), "scope"), "api://"));
    }
    check_accounts(line, json_text(json_array_get(workspaces, 0), "id"),
                   json_text(json_array_get(workspaces, 1), "id"));
    demo_free(demo);
}

static void test_kept(void **state)
{
    (void)state;
    struct demo *demo = open_demo();
    AUTO_SETTINGS struct settings *settings = read_settings(demo);
    AUTO_JSON json_t *first = demo_line(demo, settings);
    demo_free(demo);
    demo = open_demo();
    AUTO_SETTINGS struct settings *again = read_settings(demo);
    AUTO_JSON json_t *second = demo_line(demo, again);
    demo_free(demo);
    assert_true(json_equal(first, second));
}

static void test_seeds(void **state)
{
    (void)state;
    struct demo *demo = open_demo();
    AUTO_JSON json_t *core = demo_seed(demo, PEER_CORE);
    AUTO_JSON json_t *idp = demo_seed(demo, PEER_IDP);
    AUTO_STR struct str core_text = STR_INIT(65536);

    json_append_value(&core_text, core);
    assert_null(strstr(str_text(&core_text), "password"));
    assert_null(strstr(str_text(&core_text), "secret"));
    assert_int_equal(json_array_size(json_object_get(core, "workspaces")), 2);
    assert_int_equal(json_array_size(json_object_get(core, "assignments")), 7 + 9);
    const json_t *everyone = json_array_get(json_object_get(core, "assignments"), 0);
    assert_true(json_is_null(json_object_get(everyone, "workspace")));
    assert_string_equal(json_text(everyone, "role"), "TREUser");
    assert_string_equal(json_text(everyone, "email"), "alice@example.org");
    assert_int_equal(json_array_size(json_object_get(idp, "accounts")), 7);
    assert_null(json_object_get(idp, "workspaces"));
    assert_null(demo_seed(demo, PEER_API));
    demo_free(demo);
}

static void test_private_files(void **state)
{
    (void)state;
    static const char *const FILES[] = {"demo.json", "secrets/sas.key", "secrets/webhook.key"};
    demo_free(open_demo());
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, FILES[i]);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void test_in_use(void **state)
{
    (void)state;
    struct demo *demo = open_demo();
    struct demo *second = NULL;
    struct error err = {0};
    assert_int_equal(demo_open(dir, 9200, &second, &err), E_CONFLICT);
    assert_non_null(strstr(err.detail, "in use by another airlockd"));
    demo_free(demo);
}

static void test_broken_ids(void **state)
{
    (void)state;
    struct demo *demo = NULL;
    struct error err = {0};
    AUTO_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(file_write(fd, "demo.json", "{\"tenant\":1}", 12, 0600, &err), 0);
    assert_int_equal(demo_open(dir, 9100, &demo, &err), E_CONFIG);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(base));
    dir = xasprintf("%s/tre", base);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    return file_remove_tree(tmp, base + strlen("/tmp/"), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),          cmocka_unit_test(test_kept),   cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_private_files), cmocka_unit_test(test_in_use), cmocka_unit_test(test_broken_ids),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
