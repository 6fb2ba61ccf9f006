/* The demo's directory, ids and settings. Runs in airlockd before any child. */
#include "airlockd/demo.h"

#include <fcntl.h>
#include <string.h>

#include "airlockd/demo_people.h"
#include "airlockd/layout.h"
#include "base/crypto.h"
#include "base/file.h"

#define DEMO_FILE "demo.json"
#define DEMO_FILE_MAX (64 * 1024)
#define CONFIG_FILE "airlock.conf"
#define CONFIG_FILE_MAX (16 * 1024)
#define SAS_KEY_FILE "secrets/sas.key"
#define WEBHOOK_KEY_FILE "secrets/webhook.key"
#define SAS_KEY_SIZE 32
#define DEMO_RESERVE_BYTES (64 * 1024 * 1024)

struct demo {
    char *dir; /* absolute */
    char *config_file;
    int dirfd;
    int lock;
    json_t *ids; /* see demo_people.h */
};

static int demo_ids(struct demo *demo, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", demo->dir, DEMO_FILE);
    AUTO_FREE char *text = NULL;
    size_t len = 0;

    int r = file_read_secret(path, DEMO_FILE_MAX, &text, &len, err);
    if (r == E_NOT_FOUND) {
        AUTO_STR struct str made = STR_INIT(DEMO_FILE_MAX);
        demo->ids = people_new_ids();
        json_append_value(&made, demo->ids);
        str_append_char(&made, '\n');
        return file_write(demo->dirfd, DEMO_FILE, made.p, made.len, 0600, err);
    }
    if (r == 0)
        r = json_parse_object(text, len, &demo->ids, err);
    if (r == 0)
        r = people_check_ids(demo->ids, err);
    return r == 0 ? 0 : error_set(err, E_CONFIG, "%s cannot be used; remove the directory to begin anew", path);
}

/* A file with a secret of its own, unless it is there. text is what a new one holds; it is wiped. */
static int demo_secret(const struct demo *demo, const char *path, char *text, struct error *err)
{
    AUTO_FD int there = file_open_beneath(demo->dirfd, path, O_RDONLY, 0, NULL);
    AUTO_FD int dir = there < 0 ? file_make_dirs(demo->dirfd, "secrets", 0700, err) : -1;

    if (there < 0 && dir < 0)
        return dir;
    int r = there >= 0 ? 0 : file_write(demo->dirfd, path, text, strlen(text), 0600, err);
    secret_wipe(text, strlen(text));
    return r;
}

static int demo_secrets(const struct demo *demo, struct error *err)
{
    unsigned char key[SAS_KEY_SIZE];
    char hex[2 * SAS_KEY_SIZE + 1];
    AUTO_STR struct str webhook = STR_INIT(200);

    random_fill(key, sizeof key);
    hex_encode(key, sizeof key, hex);
    int r = demo_secret(demo, SAS_KEY_FILE, hex, err);
    random_fill(key, sizeof key);
    str_append(&webhook, "whsec_");
    base64_append(&webhook, key, sizeof key);
    secret_wipe(key, sizeof key);
    return r ? r : demo_secret(demo, WEBHOOK_KEY_FILE, webhook.p, err);
}

static void append_setting(struct str *out, enum setting id, const char *value)
{
    str_printf(out, "%s = %s\n", setting_name(id), value);
}

static void append_paths(struct str *out, const char *dir)
{
    static const struct {
        enum setting id;
        const char *before, *below;
    } PATHS[] = {
        /* clang-format off */
        {SETTING_DB_URL, "sqlite:", "state/airlock.db"},
        {SETTING_STORAGE_ROOT, "", "storage"},
        {SETTING_SECRETS_SAS_KEY_FILE, "", SAS_KEY_FILE},
        {SETTING_GATES_EXTERNAL_SECRET_FILE, "", WEBHOOK_KEY_FILE},
        {SETTING_EVENTS_WEBHOOK_SECRET_FILE, "", WEBHOOK_KEY_FILE},
        {SETTING_IDP_ACCOUNTS_FILE, "", "idp/accounts.json"},
        {SETTING_IDP_KEY_FILE, "", "idp/signing.key"},
        /* clang-format on */
    };

    for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
        AUTO_FREE char *value = xasprintf("%s%s/%s", PATHS[i].before, dir, PATHS[i].below);
        append_setting(out, PATHS[i].id, value);
    }
}

static void append_listeners(struct str *out, unsigned port_base)
{
    static const enum setting LISTENERS[DEMO_PORTS] = {SETTING_API_LISTEN, SETTING_BLOB_EXTERNAL_LISTEN,
                                                       SETTING_BLOB_CORE_LISTEN, SETTING_BLOB_WORKSPACE_LISTEN,
                                                       SETTING_IDP_LISTEN};

    for (unsigned i = 0; i < DEMO_PORTS; i++) {
        AUTO_FREE char *value = xasprintf("127.0.0.1:%u", port_base + i);
        append_setting(out, LISTENERS[i], value);
    }
}

static int demo_config(const struct demo *demo, unsigned port_base, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(CONFIG_FILE_MAX);
    AUTO_FREE char *reserve = xasprintf("%d", DEMO_RESERVE_BYTES);

    str_append(&text, "# Made by airlockd --demo, anew at every start of it. `airlockd --config` takes it, too.\n");
    append_listeners(&text, port_base);
    append_setting(&text, SETTING_IDP_TENANT, json_text(demo->ids, "tenant"));
    append_setting(&text, SETTING_AUTH_CORE_CLIENT_ID, json_text(demo->ids, "core_client_id"));
    append_paths(&text, demo->dir);
    append_setting(&text, SETTING_STORAGE_RESERVE_BYTES, reserve);
    append_setting(&text, SETTING_SCAN_ALLOW_UNDATED, "true");
    append_setting(&text, SETTING_MAIL_FROM, "airlock@example.org");
    if (text.overflow)
        return error_set(err, E_LIMIT, "The path of the directory is too long");
    return file_write(demo->dirfd, CONFIG_FILE, text.p, text.len, 0644, err);
}

static int demo_fill(struct demo *demo, const char *dir, unsigned port_base, struct error *err)
{
    demo->dirfd = layout_make_dir(dir, 0755, err);
    if (demo->dirfd < 0)
        return demo->dirfd;
    demo->dir = layout_path_of(demo->dirfd);
    if (!demo->dir)
        return error_set(err, E_CONFIG, "The path of %s cannot be told; is /proc there?", dir);
    demo->config_file = xasprintf("%s/%s", demo->dir, CONFIG_FILE);
    demo->lock = layout_lock(demo->dir, err);
    if (demo->lock < 0)
        return demo->lock;
    int r = demo_ids(demo, err);
    if (r == 0)
        r = demo_secrets(demo, err);
    return r ? r : demo_config(demo, port_base, err);
}

int demo_open(const char *dir, unsigned port_base, struct demo **ret, struct error *err)
{
    struct demo *demo = xcalloc(1, sizeof *demo);

    demo->dirfd = demo->lock = -1;
    int r = demo_fill(demo, dir, port_base, err);
    if (r != 0) {
        demo_free(demo);
        return r;
    }
    *ret = demo;
    return 0;
}

void demo_free(struct demo *demo)
{
    if (!demo)
        return;
    json_decref(demo->ids);
    if (demo->lock >= 0)
        (void)close(demo->lock);
    if (demo->dirfd >= 0)
        (void)close(demo->dirfd);
    free(demo->config_file);
    free(demo->dir);
    free(demo);
}

const char *demo_config_file(const struct demo *demo)
{
    return demo->config_file;
}

json_t *demo_seed(const struct demo *demo, enum peer peer)
{
    if (peer == PEER_CORE)
        return people_core_seed(demo->ids);
    return peer == PEER_IDP ? people_idp_seed(demo->ids) : NULL;
}

json_t *demo_line(const struct demo *demo, const struct settings *settings)
{
    AUTO_FREE char *token = xasprintf("%s/%s/oauth2/v2.0/token", settings_text(settings, SETTING_IDP_PUBLIC_URL),
                                      settings_text(settings, SETTING_IDP_TENANT));
    AUTO_FREE char *scope = people_scope(settings_text(settings, SETTING_AUTH_CORE_CLIENT_ID));

    return json_pack("{s:b, s:s, s:{s:s, s:s, s:s}, s:s, s:s, s:s, s:o, s:o}", "ready", 1, "api",
                     settings_text(settings, SETTING_API_PUBLIC_URL), "blob", "external",
                     settings_text(settings, SETTING_BLOB_EXTERNAL_PUBLIC_URL), "core",
                     settings_text(settings, SETTING_BLOB_CORE_PUBLIC_URL), "workspace",
                     settings_text(settings, SETTING_BLOB_WORKSPACE_PUBLIC_URL), "issuer",
                     settings_text(settings, SETTING_AUTH_ISSUER), "token_endpoint", token, "api_scope", scope,
                     "workspaces", people_line_workspaces(demo->ids), "accounts", people_line_accounts(demo->ids));
}
