/* The configuration file: what is right, and for each mistake the line and the words that tell it. */
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
#include "base/file.h"

#define UUID_A "1b4e28ba-2fa1-41d2-883f-0016d3cca427"

static char dir[] = "/tmp/airlock-config-XXXXXX";
static char *file;        /* DIR/airlock.conf */
static char *secret;      /* DIR/key, 0600 */
static char *open_secret; /* DIR/open-key, readable by all */

/* What a file must say; the tests put their line in front of it, so that it is line 1. */
static char *complete(const char *first_line)
{
    return xasprintf("%s\n[idp]\ntenant = " UUID_A "\naccounts_file = /x/accounts\nkey_file = /x/key\n[auth]\n"
                     "core_client_id = " UUID_A "\n[db]\nurl = sqlite:/x/db\n[storage]\nroot = /x/storage\n"
                     "[secrets]\nsas_key_file = %s\n",
                     first_line, secret);
}

static struct settings *read_text(const char *text, const char *set, struct problems *problems)
{
    AUTO_FD int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(file_write_all(fd, text, strlen(text), NULL), 0);
    return config_read(file, &set, set ? 1 : 0, problems);
}

static const struct {
    const char *line;
    const char *set;     /* --set, or NULL */
    const char *problem; /* what is told behind "FILE:1: ", or behind "" when it begins with - */
} MISTAKES[] = {
    {"nothing.known = 1", NULL, "there is no setting nothing.known"},
    {"buffers = 1", NULL, "there is no setting buffers"},
    {"http.buffers = many", NULL, "http.buffers must be a whole number in digits"},
    {"http.buffers = -5", NULL, "http.buffers must be a whole number in digits"},
    {"http.buffers = 99999999999999999999", NULL, "http.buffers must be a whole number in digits"},
    {"http.buffers = 3", NULL, "http.buffers must be between 4 and 4096"},
    {"http.buffers = 4097", NULL, "http.buffers must be between 4 and 4096"},
    {"http.buffers =", NULL, "http.buffers must be a whole number in digits"},
    {"http.behind_proxy = yes", NULL, "http.behind_proxy must be true or false"},
    {"tre.id = toolongid", NULL, "tre.id must be at most 8 characters long"},
    {"tre.id = My-TRE", NULL, "tre.id must consist of lower-case letters and digits"},
    {"tre.id =", NULL, "tre.id must not be empty"},
    {"api.listen = localhost:80", NULL, "api.listen must be a numeric address and a port"},
    {"api.listen = 127.0.0.1", NULL, "api.listen must be a numeric address and a port"},
    {"api.listen = 127.0.0.1:0", NULL, "api.listen must be a numeric address and a port"},
    {"api.listen = 127.0.0.1:65536", NULL, "api.listen must be a numeric address and a port"},
    {"api.listen = ::1:80", NULL, "api.listen must be a numeric address and a port"},
    {"api.listen = 127.0.0.1:80@", NULL, "api.listen must have the name of a network interface behind @"},
    {"api.listen = 127.0.0.1:80@air-no-such-if", NULL, "api.listen names the network interface air-no-such-if, which"},
    {"api.listen = 10.0.0.1:80@lo", NULL, "api.listen is not a loopback address"},
    {"api.listen = 0.0.0.0:80", NULL, "api.listen is not a loopback address"},
    {"api.listen = [::]:80", NULL, "api.listen is not a loopback address"},
    {"tls.certificate_file = /c.pem", NULL, "tls.certificate_file is set, so tls.key_file must be set as well"},
    {"tls.key_file = /c.key", NULL, "tls.key_file is set, so tls.certificate_file must be set as well"},
    {"http.proxies = 10.0.0.0/8 10.1.1.1", NULL, "http.proxies must be networks separated by spaces"},
    {"http.proxies = 10.0.0.1/8", NULL, "http.proxies must be networks separated by spaces"},
    {"idp.listen = 127.0.0.1:8400", NULL, "idp.listen is the same as api.listen"},
    {"api.public_url = ftp://x", NULL, "api.public_url must be http://HOST[:PORT]"},
    {"api.public_url = http://x/", NULL, "api.public_url must be http://HOST[:PORT]"},
    {"auth.issuer = x", NULL, "auth.issuer must be an http or https address"},
    {"auth.leeway = 61", NULL, "auth.leeway must be between 0 and 60"},
    {"auth.roles_from = thin air", NULL, "auth.roles_from must be assignments or claim"},
    {"log.level = loud", NULL, "log.level must be debug, info, warning or error"},
    {"scan.clamd_socket = /run/clamd clamd2", NULL, "scan.clamd_socket must be absolute paths separated by spaces"},
    {"gates.export = disclosure", NULL, "gates.export must hold NAME=VALUE with spaces between"},
    {"gates.import = commands=rules", NULL, "gates.import names the program rules, which gates.commands does not have"},
    {"gates.import = threshold=2000", NULL, "gates.import \"threshold\" (the smallest count"},
    {"gates.export = external=ethics", NULL, "gates.export names the check ethics, which gates.external does not have"},
    {"gates.export = external=malware", NULL, "gates.export \"external\" (external checks"},
    {"gates.external = ethics", NULL, "gates.external must be NAME=SUBJECT,URL"},
    {"gates.external = malware=robot,https://a.example", NULL, "gates.external calls a check \"malware\""},
    {"gates.external = ethics=robot,http://10.0.0.1/", NULL, "gates.external must give ethics an address"},
    {"gates.external = ethics=robot,http://127.0.0.1@a.example/", NULL, "gates.external must give ethics an address"},
    {"gates.external = ethics=,https://a.example", NULL, "gates.external must say behind ethics= which account"},
    {"gates.external = a=r,https://a.example a=r,https://b.example", NULL, "gates.external names a twice"},
    {"gates.external = ethics=robot,https://a.example", NULL,
     "gates.external is set, so gates.external_secret_file must be set as well"},
    {"events.webhook_url = http://a.example/", NULL, "events.webhook_url must begin with https://"},
    {"events.webhook_url = https://a.example/", NULL,
     "events.webhook_url is set, so events.webhook_secret_file must be set as well"},
    {"events.webhook_types = nothing", NULL, "events.webhook_types names the event \"nothing\", which there is not"},
    {"events.webhook_mode = both", NULL, "events.webhook_mode must be structured or binary"},
    {"events.webhooks = chat=*,https://a.example", NULL,
     "events.webhooks is set, so events.webhook_secrets must be set as well"},
    {"events.webhooks = chat=*,https://a.example\nevents.webhook_secrets = /nowhere", NULL,
     "events.webhooks names chat, whose key /nowhere/chat.key: cannot be used"},
    {"events.webhooks = mail=*,https://a.example", NULL, "events.webhooks calls a receiver \"mail\""},
    {"mail.smtp_url = http://mail.example.org", NULL, "mail.smtp_url must be smtp://HOST[:PORT] or smtps://HOST[:PORT]"},
    {"mail.smtp_url = smtp://user:word@mail.example.org", NULL, "mail.smtp_url must be smtp://HOST[:PORT]"},
    {"mail.smtp_url = smtp://mail.example.org", NULL, "mail.smtp_url is set, so mail.from must be set as well"},
    {"mail.from = airlock", NULL, "mail.from must be ADDRESS or NAME <ADDRESS>"},
    {"mail.username = airlock", NULL, "mail.username is set, so mail.password_file must be set as well"},
    {"mail.password_file = /nowhere", NULL, "mail.password_file cannot be used"},
    {"mail.templates = templates", NULL, "mail.templates must be an absolute path"},
    {"mail.templates = /nowhere", NULL, "mail.templates cannot be used: /nowhere: the directory cannot be read"},
    {"mail.portal_url = portal", NULL, "mail.portal_url must be an http or https address without a query"},
    {"mail.digest_at = 7", NULL, "mail.digest_at must be a time as 07:00 or 23:59"},
    {"mail.digest_at = 24:00", NULL, "mail.digest_at must be a time as 07:00 or 23:59"},
    {"mail.digest_every = 0", NULL, "mail.digest_every must be between 1 and 2592000"},
    {"policy.notice_link = 901", NULL, "policy.notice_link must be between 0 and 900"},
    {"notify.rules = defaults", NULL, "notify.rules must be default, or STATUS:DIRECTION:ROLE=CHANNEL"},
    {"notify.rules = default reviewed:*:owners=mail", NULL, "notify.rules names the status \"reviewed\", which there is not"},
    {"notify.rules = default approved:*:owners=chat", NULL,
     "notify.rules tells somebody through chat, which events.webhooks does not have"},
    {"notify.rules = approved:*:owners=mail/house", NULL,
     "notify.rules names the template house, which is not built in, and mail.templates has no house.subject"},
    {"flow.steps = approve", NULL, "flow.steps must be submit:NAME approve:NAME,NAME"},
    {"flow.steps = review:ethics", NULL, "flow.steps must be submit:NAME approve:NAME,NAME"},
    {"flow.steps = approve:", NULL, "flow.steps must name checks of your own behind approve:"},
    {"flow.steps = submit:ethics", NULL,
     "flow.steps names the check ethics, which neither gates.external nor gates.commands has"},
    {"flow.steps = approve:a reject:a approve:a", NULL, "flow.steps has approve: twice"},
    {"flow.steps = reject:ethics", NULL, "flow.steps names the check ethics, which neither"},
    {"idp.enabled = false", NULL, "idp.enabled = false needs auth.issuer"},
    {"auth.issuer = http://127.0.0.1:80@evil.example/\nidp.enabled = false", NULL,
     "auth.issuer must begin with https:// (or be on loopback)"},
    {"auth.jwks_url = http://localhost:80@evil.example/\nauth.issuer = https://a.example\nidp.enabled = false", NULL,
     "auth.jwks_url must begin with https:// (or be on loopback)"},
    {"auth.audiences = two", NULL, "auth.audiences must be per_workspace or one"},
    {"auth.group_roles = admins", NULL, "auth.group_roles must be GROUP=ROLE or GROUP=WORKSPACE-ID/ROLE"},
    {"auth.group_roles = admins=WorkspaceOwner", NULL,
     "auth.group_roles gives \"WorkspaceOwner\", which is no role in the"},
    {"no equals sign", NULL, "this line is neither NAME = VALUE nor [SECTION]"},
    {"[unclosed", NULL, "this line is neither NAME = VALUE nor [SECTION]"},
    {"", "log.level=loud", "---set log.level: log.level must be"},
    {"", "log.level", "---set: log.level is not NAME=VALUE"},
    {"", "what=ever", "---set what: there is no setting what"},
    {"", "scan.clamd_socket=clamd", "---set scan.clamd_socket: scan.clamd_socket must be absolute paths"},
    {"", "db.url=postgresql://host/db", "---set db.url: db.url cannot be PostgreSQL in this release"},
    {"", "db.url=sqlite:relative", "---set db.url: db.url must be sqlite:/absolute/path"},
    {"", "storage.root=relative", "---set storage.root: storage.root must be an absolute path"},
    {"", "idp.tenant=me", "---set idp.tenant: idp.tenant must be a UUID"},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(MISTAKES); i++) {
        AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
        AUTO_FREE char *text = complete(MISTAKES[i].line);
        bool exact = MISTAKES[i].problem[0] == '-';
        AUTO_FREE char *expected =
            exact ? xstrdup(MISTAKES[i].problem + 1) : xasprintf("%s:1: %s", file, MISTAKES[i].problem);
        settings_free(read_text(text, MISTAKES[i].set, &problems));
        if (problems.count != 1 || !str_starts(str_text(&problems.text), expected))
            fail_msg("'%s' %s: expected one problem '%s', got %u: %s", MISTAKES[i].line,
                     MISTAKES[i].set ? MISTAKES[i].set : "", expected, problems.count, str_text(&problems.text));
    }
}

/* Two problems: nobody knows which of the two is meant, and nothing signs the calls. */
static void a_step_names_one_check(void **state)
{
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_FREE char *text = complete("flow.steps = submit:ethics\n[gates]\ncommands = ethics=/bin/true\n"
                                    "external = ethics=a,https://a.example/");

    (void)state;
    settings_free(read_text(text, NULL, &problems));
    assert_int_equal(problems.count, 2);
    assert_non_null(strstr(str_text(&problems.text),
                           "flow.steps names the check ethics, which both gates.external and gates.commands have: rename one"));
}

static void expect_line(const struct problems *problems, unsigned line, const char *message)
{
    AUTO_FREE char *expected = xasprintf("%s:%u: %s", file, line, message);
    if (!strstr(str_text(&problems->text), expected))
        fail_msg("missing '%s' in %s", expected, str_text(&problems->text));
}

/* One run tells everything, each with its own line, comments and sections counted. */
static void test_all_at_once(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_FREE char *text = xasprintf("# a comment\n\nlog.level = loud\n[http]\nbuffers = 5 ; why not\nbuffers = 6\n"
                                     "[secrets]\nsas_key_file = %s\nnonsense\n",
                                     open_secret);
    settings_free(read_text(text, NULL, &problems));

    expect_line(&problems, 3, "log.level must be");
    expect_line(&problems, 6, "http.buffers is set a second time; the first is at");
    expect_line(&problems, 8, "secrets.sas_key_file cannot be used: The secret file");
    expect_line(&problems, 9, "this line is neither");
    assert_non_null(strstr(str_text(&problems.text), "airlock.conf: storage.root must be set\n"));
    assert_non_null(strstr(str_text(&problems.text), "airlock.conf: idp.tenant must be set\n"));
}

static void test_missing_secret(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    settings_free(read_text("\nsecrets.sas_key_file = /no/such/key", NULL, &problems));
    expect_line(&problems, 2, "secrets.sas_key_file cannot be used: Cannot open the secret file /no/such/key");
}

static void test_missing_file(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    settings_free(config_read("/no/such/file", NULL, 0, &problems));
    assert_int_equal(problems.count, 1);
    assert_string_equal(str_text(&problems.text), "/no/such/file: cannot be opened: No such file or directory\n");
}

static void test_long_line(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_STR struct str text = STR_INIT(3 * CONFIG_LINE_MAX);
    str_append(&text, "log.level = debug\nidp.redirect_uris = ");
    for (size_t i = 0; i < CONFIG_LINE_MAX; i++)
        str_append_char(&text, 'x');
    str_append(&text, "\nhttp.buffers = none\n");
    AUTO_SETTINGS struct settings *settings = read_text(str_text(&text), NULL, &problems);
    expect_line(&problems, 2, "this line is too long or not text");
    expect_line(&problems, 3, "http.buffers must be");
    assert_string_equal(settings_text(settings, SETTING_LOG_LEVEL), "debug");
}

static void test_valid(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_FREE char *text = complete("[http]\nbuffers=50\n[]\napi.listen = 127.0.0.1:9999@lo\nlog.level: debug");
    AUTO_SETTINGS struct settings *settings = read_text(text, "http.buffers=60", &problems);

    assert_string_equal(str_text(&problems.text), "");
    AUTO_JSON json_t *api = settings_for(settings, PEER_API);
    assert_int_equal(json_int(api, "http.buffers"), 60);
    assert_string_equal(json_text(api, "api.public_url"), "http://127.0.0.1:9999");
    assert_string_equal(json_text(api, "log.level"), "debug");
    assert_true(json_is_false(json_object_get(api, "sandbox.reduced")));
}

static void test_behind_proxy(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_FREE char *text = complete("http.behind_proxy = true\napi.listen = 10.0.0.1:80");
    settings_free(read_text(text, NULL, &problems));
    assert_string_equal(str_text(&problems.text), "");
}

/* The sample that is handed out is right, but for the secret that nobody can hand out. */
static void test_sample(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_FREE char *set = xasprintf("secrets.sas_key_file=%s", secret);
    const char *const sets[] = {set};
    settings_free(config_read(SAMPLE, sets, 1, &problems));
    assert_int_equal(problems.count, 1);
    assert_non_null(strstr(str_text(&problems.text), "secrets.sas_key_file cannot be used"));
}

/* The sample with every "# name = value" taken in: each of them is a setting, with a value that it may have. */
static void test_commented_samples(void **state)
{
    (void)state;
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_FREE char *sample = NULL;
    AUTO_STR struct str text = STR_INIT(1 << 20);
    size_t len;

    AUTO_FD int fd = open(SAMPLE, O_RDONLY | O_CLOEXEC);
    assert_int_equal(file_read_fd(fd, SAMPLE, 1 << 20, &sample, &len, NULL), 0);
    for (const char *line = sample; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t name = str_starts(line, "# ") ? strspn(line + 2, "abcdefghijklmnopqrstuvwxyz_") : 0;
        const char *from = name > 0 && str_starts(line + 2 + name, " = ") ? line + 2 : line;
        str_append_len(&text, from, strcspn(from, "\n"));
        str_append_char(&text, '\n');
    }
    settings_free(read_text(str_text(&text), NULL, &problems));
    assert_null(strstr(str_text(&problems.text), "there is no setting"));
    assert_null(strstr(str_text(&problems.text), " must be"));
}

static char *make_file(const char *name, mode_t mode)
{
    char *path = xasprintf("%s/%s", dir, name);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    file = make_file("airlock.conf", 0600);
    secret = make_file("key", 0600);
    open_secret = make_file("open-key", 0644);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(file);
    free(secret);
    free(open_secret);
    return file_remove_tree(tmp, dir + strlen("/tmp/"), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(a_step_names_one_check),          cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_missing_secret),    cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_long_line),         cmocka_unit_test(test_valid),
        cmocka_unit_test(test_behind_proxy),      cmocka_unit_test(test_sample),
        cmocka_unit_test(test_commented_samples),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
