/* The seed file: what it may leave out, who is told what, and for each mistake the field and the words that tell it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "airlockd/seed_file.h"
#include "airlockd/seed_people.h"
#include "base/file.h"
#include "base/uuid.h"

#define TENANT "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
#define CORE_CLIENT "2b4e28ba-2fa1-41d2-883f-0016d3cca427"
#define ID_A "11111111-1111-4111-8111-111111111111"
#define ID_B "22222222-2222-4222-8222-222222222222"
#define WORKSPACE_A "{'id':'" ID_A "','display_name':'A'}"
#define ALICE "{'name':'Alice','password':'p'}"

static char dir[] = "/tmp/airlock-seed-XXXXXX";
static char *file; /* DIR/seed.json */

static void set(struct settings *settings, enum setting id, const char *text)
{
    struct error err = {0};
    if (settings_set(settings, id, text, "airlock.conf:1", &err) != 0)
        fail_msg("%s", err.detail);
}

static struct settings *make_settings(const char *tenant)
{
    struct settings *settings = settings_new();
    AUTO_FREE char *accounts = xasprintf("%s/accounts.json", dir);
    AUTO_FREE char *database = xasprintf("sqlite:%s/airlock.db", dir);

    set(settings, SETTING_IDP_TENANT, tenant);
    set(settings, SETTING_AUTH_CORE_CLIENT_ID, CORE_CLIENT);
    set(settings, SETTING_IDP_ACCOUNTS_FILE, accounts);
    set(settings, SETTING_DB_URL, database);
    set(settings, SETTING_SEED_FILE, file);
    return settings;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(file_write_all(fd, text, strlen(text), NULL), 0);
    assert_int_equal(fchmod(fd, mode), 0);
}

/* JSON with ' for ", as the rows below have it. */
static void write_seed(const char *text)
{
    AUTO_FREE char *json = xstrdup(text);
    for (char *p = json; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    write_file("seed.json", json, 0600);
}

static json_t *read_seed(const char *text, struct problems *problems)
{
    AUTO_SETTINGS struct settings *settings = make_settings(TENANT);
    write_seed(text);
    return seed_file_read(settings, problems);
}

static const struct {
    const char *text;
    const char *problem; /* what is told behind "FILE: " */
} MISTAKES[] = {
    {"{'people':[]}", "\"people\" is no field of a seed"},
    {"{'accounts':{}}", "accounts: it must be an array of at most 50"},
    {"{'accounts':['Alice']}", "accounts[0]: it must be an object"},
    {"{'accounts':[" ALICE ",{}]}", "accounts[1].name: \"name\" is missing"},
    {"{'accounts':[{'name':'','password':'p'}]}", "accounts[0].name: \"name\" must not be empty"},
    {"{'accounts':[{'name':7,'password':'p'}]}", "accounts[0].name: \"name\" must be a string"},
    {"{'accounts':[{'name':'a','pasword':'p'}]}", "accounts[0].pasword: \"pasword\" is no field of a seed"},
    {"{'accounts':[{'name':'a'}]}", "accounts[0].password: \"password\" is missing, and so are"},
    {"{'accounts':[{'name':'a','password':true}]}", "accounts[0].password: \"password\" must be a string"},
    {"{'accounts':[{'name':'a','client_id':'" ID_A "'}]}", "accounts[0].client_secret: \"client_id\" and"},
    {"{'accounts':[{'name':'a','client_secret':'s'}]}", "accounts[0].client_secret: \"client_id\" and"},
    {"{'accounts':[{'name':'a','password':'p','client_id':'me'}]}",
     "accounts[0].client_id: \"client_id\" must be a UUID"},
    {"{'accounts':[{'name':'a','password':'p','oid':'1'}]}", "accounts[0].oid: \"oid\" must be a UUID of version 4"},
    {"{'accounts':[{'name':'a','password':'p','email':[]}]}", "accounts[0].email: \"email\" must be a string"},
    {"{'accounts':[" ALICE ",{'name':'ALICE','password':'p'}]}", "accounts[1].name: \"name\" is that of another"},
    {"{'accounts':[{'name':'a','password':'p','email':'x@y'},{'name':'b','password':'p','email':'X@Y'}]}",
     "accounts[1].email: \"email\" is that of another"},
    {"{'accounts':[{'name':'a','password':'p','oid':'" ID_A "'},{'name':'b','password':'p','oid':'" ID_A "'}]}",
     "accounts[1].oid: \"oid\" is that of another"},
    {"{'accounts':[{'name':'a','client_id':'" ID_A "','client_secret':'s'},"
     "{'name':'b','client_id':'" ID_A "','client_secret':'s'}]}",
     "accounts[1].client_id: \"client_id\" is that of another"},
    {"{'workspaces':[{}]}", "workspaces[0].display_name: \"display_name\" is missing"},
    {"{'workspaces':[{'display_name':''}]}", "workspaces[0].display_name: \"display_name\" must not be empty"},
    {"{'workspaces':[{'display_name':'A','name':'B'}]}", "workspaces[0].name: \"name\" is no field of a seed"},
    {"{'workspaces':[{'display_name':'A','id':'a'}]}", "workspaces[0].id: \"id\" must be a UUID"},
    {"{'workspaces':[{'display_name':'A','networks':'10.0.0.0/8'}]}", "workspaces[0].networks: \"networks\" must be"},
    {"{'workspaces':[{'display_name':'A','networks':['10.0.0.1/8']}]}",
     "workspaces[0].networks: \"10.0.0.1/8\" has bits set behind its prefix"},
    {"{'workspaces':[{'display_name':'A','enable_airlock':1}]}",
     "workspaces[0].enable_airlock: \"enable_airlock\" must be"},
    {"{'workspaces':[" WORKSPACE_A "," WORKSPACE_A "]}", "workspaces[1].id: \"id\" is that of another"},
    {"{'workspaces':[{'display_name':'A','client_id':'" ID_A "'},{'display_name':'B','client_id':'" ID_A "'}]}",
     "workspaces[1].client_id: \"client_id\" is that of another"},
    {"{'workspaces':[{'display_name':'A','client_id':'" CORE_CLIENT "'}]}",
     "workspaces[0].client_id: \"client_id\" is auth.core_client_id"},
    {"{'assignments':[{'role':'TREAdmin'}]}", "assignments[0].name: \"name\" must be that of one of the accounts"},
    {"{'assignments':[{'name':'Bob','role':'TREAdmin'}]}", "assignments[0].name: \"name\" must be that of one"},
    {"{'assignments':[{'subject':'" ID_A "','role':'TREAdmin'}]}", "assignments[0].name: \"name\" is missing, and no"},
    {"{'assignments':[{'subject':'a b','name':'Me','role':'TREAdmin'}]}",
     "assignments[0].subject: \"subject\" must be at most 127"},
    {"{'assignments':[{'subject':'\xc3\xa9','name':'Me','role':'TREAdmin'}]}",
     "assignments[0].subject: \"subject\" must be at most 127"},
    {"{'accounts':[" ALICE "],'assignments':[{'name':'Alice'}]}", "assignments[0].role: \"role\" is missing"},
    {"{'accounts':[" ALICE "],'assignments':[{'name':'Alice','role':'King'}]}",
     "assignments[0].role: \"role\" must be one of \"TREAdmin\",\"TREUser\": this assignment names no workspace"},
    {"{'accounts':[" ALICE "],'assignments':[{'name':'Alice','role':'AirlockManager'}]}",
     "assignments[0].role: \"role\" must be one of \"TREAdmin\",\"TREUser\""},
    {"{'workspaces':[" WORKSPACE_A "],'accounts':[" ALICE "],"
     "'assignments':[{'workspace':'" ID_A "','name':'Alice','role':'TREAdmin'}]}",
     "assignments[0].role: \"role\" must be one of \"WorkspaceOwner\","},
    {"{'accounts':[" ALICE "],'assignments':[{'workspace':'" ID_A "','name':'Alice','role':'WorkspaceOwner'}]}",
     "assignments[0].workspace: \"workspace\" must be the \"id\" of one of the workspaces"},
    {"{'accounts':[" ALICE "],'assignments':[{'workspace':'A','name':'Alice','role':'WorkspaceOwner'}]}",
     "assignments[0].workspace: \"workspace\" must be a UUID"},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(MISTAKES); i++) {
        AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
        AUTO_FREE char *expected = xasprintf("%s: %s", file, MISTAKES[i].problem);
        assert_null(read_seed(MISTAKES[i].text, &problems));
        if (problems.count != 1 || !str_starts(str_text(&problems.text), expected))
            fail_msg("%s: expected one problem '%s', got %u: %s", MISTAKES[i].text, expected, problems.count,
                     str_text(&problems.text));
    }
}

/* Mistakes of the file as a whole are told at the setting's own place. */
static void expect_unusable(const char *why)
{
    AUTO_SETTINGS struct settings *settings = make_settings(TENANT);
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_FREE char *expected = xasprintf("airlock.conf:1: seed.file cannot be used: %s", why);

    assert_null(seed_file_read(settings, &problems));
    if (problems.count != 1 || !str_starts(str_text(&problems.text), expected))
        fail_msg("expected '%s', got %s", expected, str_text(&problems.text));
}

static void test_unusable_files(void **state)
{
    (void)state;
    AUTO_FREE char *large = xcalloc(1, SEED_FILE_MAX + 2);

    write_seed("{'accounts':[],'accounts':[]}");
    expect_unusable("The JSON is not valid (line 1, column");
    write_seed("[]");
    expect_unusable("The JSON must be an object");
    write_seed("");
    expect_unusable("The JSON is not valid");
    memset(large, ' ', SEED_FILE_MAX + 1);
    write_file("seed.json", large, 0600);
    expect_unusable("");
    write_file("seed.json", "{}", 0640);
    expect_unusable("The secret file ");
    assert_int_equal(unlink(file), 0);
    expect_unusable("Cannot open the secret file ");
}

/* Once the first start has left its traces the file may go; before that its absence is a mistake. */
static void test_gone_after_use(void **state)
{
    (void)state;
    AUTO_SETTINGS struct settings *settings = make_settings(TENANT);
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;

    (void)unlink(file);
    write_file("accounts.json", "", 0600);
    expect_unusable("Cannot open");
    write_file("airlock.db", "", 0600);
    assert_true(seed_file_is_used(settings));
    assert_null(seed_file_read(settings, &problems));
    assert_int_equal(problems.count, 0);
}

static void test_nothing_set(void **state)
{
    (void)state;
    AUTO_SETTINGS struct settings *settings = settings_new();
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    assert_null(seed_file_read(settings, &problems));
    assert_int_equal(problems.count, 0);
    assert_null(seed_file_part(NULL, PEER_CORE));
}

static void append_long_text(struct str *out, const char *field)
{
    str_printf(out, ",'%s':'", field);
    for (size_t i = 0; i < SEED_TEXT_MAX; i++)
        str_append(out, "\\'"); /* a quotation mark, told as two bytes */
    str_append(out, "'");
}

/* A file within its bound that grows beyond what a process takes: each assignment is told with name and address. */
static void test_too_much(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_STR struct str text = STR_INIT(SEED_FILE_MAX);
    AUTO_FREE char *expected = xasprintf("%s: this is too much for a seed\n", file);

    str_append(&text, "{'accounts':[{'password':'p','oid':'" ID_A "'");
    append_long_text(&text, "name");
    append_long_text(&text, "email");
    str_append(&text, "}],'assignments':[{'subject':'" ID_A "','role':'TREUser'}");
    for (size_t i = 1; i < SEED_ASSIGNMENTS_MAX; i++)
        str_append(&text, ",{'subject':'" ID_A "','role':'TREUser'}");
    str_append(&text, "]}");
    AUTO_JSON json_t *seed = read_seed(str_text(&text), &problems);
    assert_null(seed);
    assert_string_equal(str_text(&problems.text), expected);
}

/* What is left out: ids are drawn, an account's name stands for its oid, its name and address are taken over. */
static void test_defaults(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_JSON json_t *seed = read_seed("{'workspaces':[{'display_name':'A'}],"
                                       "'accounts':[{'name':'Alice','email':'a@x','password':'p','client_id':null}],"
                                       "'assignments':[{'workspace':null,'name':'alice','role':'TREAdmin'}]}",
                                       &problems);
    assert_string_equal(str_text(&problems.text), "");
    const json_t *workspace = json_array_get(json_object_get(seed, "workspaces"), 0);
    const json_t *account = json_array_get(json_object_get(seed, "accounts"), 0);
    const json_t *assignment = json_array_get(json_object_get(seed, "assignments"), 0);

    assert_true(uuid_is_v4(json_text(workspace, "id")));
    assert_true(uuid_is_v4(json_text(workspace, "client_id")));
    assert_int_equal(json_array_size(json_object_get(workspace, "networks")), 0);
    assert_true(json_flag(workspace, "enable_airlock"));
    assert_true(uuid_is_v4(json_text(account, "oid")));
    assert_string_equal(json_text(account, "client_id"), "");
    assert_true(json_is_null(json_object_get(assignment, "workspace")));
    assert_string_equal(json_text(assignment, "subject"), json_text(account, "oid"));
    assert_string_equal(json_text(assignment, "email"), "a@x");
}

/* People of another identity provider have ids of its making, and no account here. */
static void test_people_of_another_provider(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_STR struct str text = STR_INIT(4096);
    char subject[SEED_SUBJECT_MAX + 2];

    (void)memset(subject, 's', sizeof subject);
    subject[SEED_SUBJECT_MAX] = '\0';
    str_printf(&text, "{'assignments':[{'subject':'%s','name':'A','role':'TREUser'},", subject);
    str_printf(&text, "{'subject':'auth0|5f7c8ec7c33c6c004bbafe82','name':'B','role':'TREAdmin'}]}");
    AUTO_JSON json_t *seed = read_seed(str_text(&text), &problems);
    assert_string_equal(str_text(&problems.text), "");
    const json_t *assignments = json_object_get(seed, "assignments");
    assert_string_equal(json_text(json_array_get(assignments, 0), "subject"), subject);
    assert_string_equal(json_text(json_array_get(assignments, 1), "subject"), "auth0|5f7c8ec7c33c6c004bbafe82");

    subject[SEED_SUBJECT_MAX] = 's';
    subject[SEED_SUBJECT_MAX + 1] = '\0';
    AUTO_STR struct str longer = STR_INIT(4096);
    str_printf(&longer, "{'assignments':[{'subject':'%s','name':'A','role':'TREUser'}]}", subject);
    json_decref(read_seed(str_text(&longer), &problems));
    assert_non_null(strstr(str_text(&problems.text), "at most 127"));
}

static char *oid_of(const char *text, const char *tenant)
{
    AUTO_SETTINGS struct settings *settings = make_settings(tenant);
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    write_seed(text);
    AUTO_JSON json_t *seed = seed_file_read(settings, &problems);
    assert_string_equal(str_text(&problems.text), "");
    return xstrdup(json_text(json_array_get(json_object_get(seed, "accounts"), 0), "oid"));
}

/* core and the identity provider may take the same seed at two starts. */
static void test_oid_is_stable(void **state)
{
    (void)state;
    AUTO_FREE char *first = oid_of("{'accounts':[" ALICE "]}", TENANT);
    AUTO_FREE char *again = oid_of("{'accounts':[{'name':'Alice','password':'other','email':'a@x'}]}", TENANT);
    AUTO_FREE char *other = oid_of("{'accounts':[{'name':'Bob','password':'p'}]}", TENANT);
    AUTO_FREE char *elsewhere = oid_of("{'accounts':[" ALICE "]}", CORE_CLIENT);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_string_not_equal(first, elsewhere);
}

static void test_parts(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_STR struct str text = STR_INIT(65536);
    AUTO_JSON json_t *seed =
        read_seed("{'workspaces':[" WORKSPACE_A "],"
                  "'accounts':[{'oid':'" ID_B "','name':'Alice','password':'sesame',"
                  "'client_id':'" ID_A "','client_secret':'sesame'}],"
                  "'assignments':[{'workspace':'" ID_A "','subject':'" ID_B "','role':'WorkspaceOwner'}]}",
                  &problems);
    AUTO_JSON json_t *core = seed_file_part(seed, PEER_CORE);
    AUTO_JSON json_t *idp = seed_file_part(seed, PEER_IDP);

    assert_string_equal(str_text(&problems.text), "");
    json_append_value(&text, core);
    assert_null(strstr(str_text(&text), "sesame"));
    assert_null(json_object_get(core, "accounts"));
    assert_string_equal(json_text(json_array_get(json_object_get(core, "assignments"), 0), "name"), "Alice");
    assert_int_equal(json_object_size(idp), 1);
    assert_string_equal(json_text(json_array_get(json_object_get(idp, "accounts"), 0), "password"), "sesame");
    assert_null(seed_file_part(seed, PEER_API));
    AUTO_JSON json_t *nobody = read_seed("{'workspaces':[" WORKSPACE_A "]}", &problems);
    assert_null(seed_file_part(nobody, PEER_IDP)); /* no accounts file without accounts */
}

/* Each test begins in an empty directory. */
static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    file = xasprintf("%s/seed.json", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = file_remove_tree(tmp, dir + strlen("/tmp/"), NULL);
    free(file);
    memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
    return r;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mistakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unusable_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gone_after_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_much, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_people_of_another_provider, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_oid_is_stable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
