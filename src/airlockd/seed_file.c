/* Reading the seed file and dividing it. Runs in airlockd, before any child. */
#include "airlockd/seed_file.h"

#include <string.h>
#include <sys/stat.h>

#include "airlockd/form.h"
#include "airlockd/resources.h"
#include "airlockd/seed_people.h"
#include "base/file.h"

static bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool seed_file_is_used(const struct settings *settings)
{
    const char *database = settings_text(settings, SETTING_DB_URL);

    return file_exists(settings_text(settings, SETTING_IDP_ACCOUNTS_FILE)) && str_starts(database, DATABASE_SQLITE) &&
           file_exists(database + strlen(DATABASE_SQLITE));
}

static int read_document(const char *path, json_t **ret, struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t len = 0;

    int r = file_read_secret(path, SEED_FILE_MAX, &text, &len, err);
    if (r != 0)
        return r;
    r = json_parse_object(text, len, ret, err);
    secret_wipe(text, len);
    return r;
}

/* Does what core and the identity provider will be told fit into what they take? */
static void check_size(const json_t *seed, const char *path, struct problems *problems)
{
    static const enum peer RECEIVERS[] = {PEER_CORE, PEER_IDP};

    for (size_t i = 0; i < ARRAY_LEN(RECEIVERS); i++) {
        AUTO_STR struct str text = STR_INIT(SEED_MAX);
        AUTO_JSON json_t *part = seed_file_part(seed, RECEIVERS[i]);
        if (part) /* nobody is told of accounts where there are none */
            json_append_value(&text, part);
        if (text.overflow)
            problems_add(problems, path, "this is too much for a seed");
        if (text.p)
            secret_wipe(text.p, text.len);
    }
}

json_t *seed_file_read(const struct settings *settings, struct problems *problems)
{
    const char *path = settings_text(settings, SETTING_SEED_FILE);
    AUTO_JSON json_t *document = NULL;
    unsigned before = problems->count;
    struct error err = {0};

    if (*path == '\0')
        return NULL;
    int r = read_document(path, &document, &err);
    if (r == E_NOT_FOUND && seed_file_is_used(settings))
        return NULL;
    if (r != 0) {
        problems_add(problems, settings_where(settings, SETTING_SEED_FILE), "seed.file cannot be used: %s", err.detail);
        return NULL;
    }
    AUTO_JSON json_t *seed = seed_people_read(document, settings, path, problems);
    if (problems->count == before)
        check_size(seed, path, problems);
    return problems->count == before ? json_incref(seed) : NULL;
}

json_t *seed_file_part(const json_t *seed, enum peer peer)
{
    json_t *accounts = json_object_get(seed, "accounts");

    if (seed && peer == PEER_CORE)
        return json_pack("{s:O, s:O}", "workspaces", json_object_get(seed, "workspaces"), "assignments",
                         json_object_get(seed, "assignments"));
    /* An accounts file without accounts would leave no place for later ones. */
    return json_array_size(accounts) > 0 && peer == PEER_IDP ? json_pack("{s:O}", "accounts", accounts) : NULL;
}
