/* Reading workspaces, accounts and assignments of a seed, one function for each. Runs in airlockd. */
#include "airlockd/seed_people.h"

#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/uuid.h"
#include "model/role.h"
#include "model/validate.h"

#define FIELDS_MAX 8

struct reading {
    const struct settings *settings;
    json_t *seed; /* the lists as far as they were read */
};

static int check_fields(const json_t *object, const char *const known[static FIELDS_MAX], struct error *err)
{
    const char *field;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, field, value)
    {
        bool found = false;
        for (size_t i = 0; i < FIELDS_MAX && known[i] && !found; i++)
            found = strcmp(known[i], field) == 0;
        if (!found)
            return error_set_field(err, E_INVALID, field, "\"%.64s\" is no field of a seed", field);
    }
    return 0;
}

static int need_text(const json_t *item, const char *field, const char **ret, struct error *err)
{
    int r = json_need_string(item, field, SEED_TEXT_MAX, ret, err);
    if (r == 0 && **ret == '\0')
        r = error_set_field(err, E_INVALID, field, "\"%s\" must not be empty", field);
    return r;
}

/* "" where there is none. */
static int get_uuid(const json_t *item, const char *field, char ret[static UUID_TEXT_SIZE], struct error *err)
{
    const char *text;

    int r = json_get_string(item, field, NULL, SEED_TEXT_MAX, &text, err);
    if (r == 0 && text && !uuid_is_v4(text))
        r = error_set_field(err, E_INVALID, field, "\"%s\" must be a UUID of version 4 in lower case", field);
    if (r == 0)
        (void)str_copy(ret, UUID_TEXT_SIZE, text ? text : "");
    return r;
}

/* A subject as a provider gives it: another one's need not be a UUID, but it fits into core and has no spaces or
 * controls that nobody sees. "" where there is none. */
static int get_subject(const json_t *item, const char **ret, struct error *err)
{
    int r = json_get_string(item, "subject", "", SEED_TEXT_MAX, ret, err);

    if (r != 0)
        return r;
    bool plain = true;
    for (const char *c = *ret; *c; c++)
        plain = plain && *c > ' ' && *c < 0x7f;
    if (!plain || strlen(*ret) > SEED_SUBJECT_MAX)
        return error_set_field(err, E_INVALID, "subject",
                               "\"subject\" must be at most %d visible ASCII characters, as the provider's tokens "
                               "have it",
                               SEED_SUBJECT_MAX);
    return 0;
}

/* The one of the list that has this text there, whatever its letter case; NULL for none, and for "". */
static const json_t *find_item(const struct reading *reading, const char *list, const char *field, const char *text)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(reading->seed, list), i, item)
    {
        if (*text && strcasecmp(json_text(item, field), text) == 0)
            return item;
    }
    return NULL;
}

static int check_unique(const struct reading *reading, const char *list, const json_t *item,
                        const char *const fields[static FIELDS_MAX], struct error *err)
{
    for (size_t i = 0; i < FIELDS_MAX && fields[i]; i++)
        if (find_item(reading, list, fields[i], json_text(item, fields[i])))
            return error_set_field(err, E_INVALID, fields[i], "\"%s\" is that of another one before it", fields[i]);
    return 0;
}

/* --- Workspaces --- */

static int check_audience(const struct reading *reading, const char *client_id, struct error *err)
{
    if (strcmp(client_id, settings_text(reading->settings, SETTING_AUTH_CORE_CLIENT_ID)) != 0)
        return 0;
    return error_set_field(err, E_INVALID, "client_id", "\"client_id\" is auth.core_client_id, which is the TRE's own");
}

static int read_workspace(const struct reading *reading, const json_t *item, json_t **ret, struct error *err)
{
    static const char *const UNIQUE[FIELDS_MAX] = {"id", "client_id"};
    AUTO_JSON json_t *properties = json_copy((json_t *)(uintptr_t)item);
    struct workspace_input input;
    char id[UUID_TEXT_SIZE], client_id[UUID_TEXT_SIZE];
    int r;

    (void)json_object_del(properties, "id");
    (void)json_object_del(properties, "client_id");
    if ((r = validate_workspace_create(properties, &input, err)) || (r = get_uuid(item, "id", id, err)) ||
        (r = get_uuid(item, "client_id", client_id, err)) || (r = check_audience(reading, client_id, err)))
        return r;
    if (*id == '\0')
        uuid_new(id);
    if (*client_id == '\0')
        uuid_new(client_id);
    const json_t *networks = json_object_get(item, "networks");
    *ret = json_pack("{s:s, s:s, s:s, s:o, s:b}", "id", id, "client_id", client_id, "display_name", input.display_name,
                     "networks", input.has_networks ? json_deep_copy(networks) : json_array(), "enable_airlock",
                     input.enable_airlock);
    return check_unique(reading, "workspaces", *ret, UNIQUE, err);
}

/* --- Accounts --- */

static int check_log_in(const char *password, const char *client_id, const char *client_secret, struct error *err)
{
    if ((*client_id == '\0') != (*client_secret == '\0'))
        return error_set_field(err, E_INVALID, "client_secret",
                               "\"client_id\" and \"client_secret\" are of use together only");
    if (*password == '\0' && *client_secret == '\0')
        return error_set_field(err, E_INVALID, "password",
                               "\"password\" is missing, and so are \"client_id\" and \"client_secret\": nobody could "
                               "log in with this account");
    return 0;
}

static void oid_derive(const char *tenant, const char *name, char ret[static UUID_TEXT_SIZE])
{
    unsigned char mac[SHA256_SIZE];

    hmac_sha256(tenant, strlen(tenant), name, strlen(name), mac);
    uuid_from_bytes(mac, ret);
}

static int read_account(const struct reading *reading, const json_t *item, json_t **ret, struct error *err)
{
    static const char *const UNIQUE[FIELDS_MAX] = {"name", "email", "oid", "client_id"};
    char oid[UUID_TEXT_SIZE], client_id[UUID_TEXT_SIZE];
    const char *name, *email, *password, *client_secret;
    int r;

    if ((r = need_text(item, "name", &name, err)) ||
        (r = json_get_string(item, "email", "", SEED_TEXT_MAX, &email, err)) || (r = get_uuid(item, "oid", oid, err)) ||
        (r = json_get_string(item, "password", "", SEED_SECRET_MAX, &password, err)) ||
        (r = get_uuid(item, "client_id", client_id, err)) ||
        (r = json_get_string(item, "client_secret", "", SEED_SECRET_MAX, &client_secret, err)) ||
        (r = check_log_in(password, client_id, client_secret, err)))
        return r;
    if (*oid == '\0')
        oid_derive(settings_text(reading->settings, SETTING_IDP_TENANT), name, oid);
    *ret = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "oid", oid, "name", name, "email", email, "password", password,
                     "client_id", client_id, "client_secret", client_secret);
    return check_unique(reading, "accounts", *ret, UNIQUE, err);
}

/* --- Assignments --- */

static int check_workspace(const struct reading *reading, const char *workspace, struct error *err)
{
    if (*workspace == '\0' || find_item(reading, "workspaces", "id", workspace))
        return 0;
    return error_set_field(err, E_INVALID, "workspace",
                           "\"workspace\" must be the \"id\" of one of the workspaces, or null for the TRE");
}

static int get_role(const json_t *item, bool in_workspace, const char **ret, struct error *err)
{
    unsigned fitting = in_workspace ? ROLE_WORKSPACE_ALL : ROLE_TRE_ALL;
    AUTO_STR struct str names = STR_INIT(SEED_TEXT_MAX);
    enum role role;

    int r = need_text(item, "role", ret, err);
    if (r != 0 || (role_by_name(*ret, &role) && (role & fitting)))
        return r;
    role_append_json(&names, fitting);
    return error_set_field(err, E_INVALID, "role", "\"role\" must be one of %s: this assignment names %s workspace",
                           str_text(&names), in_workspace ? "a" : "no");
}

/* Whom an assignment means: by subject, or else the account of that name; what it does not say the account does. */
static int get_person(const struct reading *reading, const json_t *item, json_t *assignment, struct error *err)
{
    const char *subject, *name, *email;
    int r;

    if ((r = get_subject(item, &subject, err)) || (r = json_get_string(item, "name", "", SEED_TEXT_MAX, &name, err)) ||
        (r = json_get_string(item, "email", "", SEED_TEXT_MAX, &email, err)))
        return r;
    const json_t *account = find_item(reading, "accounts", *subject ? "oid" : "name", *subject ? subject : name);
    if (*subject == '\0' && !account)
        return error_set_field(err, E_INVALID, "name",
                               "\"name\" must be that of one of the accounts where there is no \"subject\"");
    name = *name ? name : json_text(account, "name");
    email = *email ? email : json_text(account, "email");
    if (*name == '\0')
        return error_set_field(err, E_INVALID, "name", "\"name\" is missing, and no account has this \"subject\"");
    json_object_set_new(assignment, "subject", json_string(*subject ? subject : json_text(account, "oid")));
    json_object_set_new(assignment, "name", json_string(name));
    json_object_set_new(assignment, "email", json_string(email));
    return 0;
}

static int read_assignment(const struct reading *reading, const json_t *item, json_t **ret, struct error *err)
{
    char workspace[UUID_TEXT_SIZE];
    const char *role;
    int r;

    if ((r = get_uuid(item, "workspace", workspace, err)) || (r = check_workspace(reading, workspace, err)) ||
        (r = get_role(item, *workspace != '\0', &role, err)))
        return r;
    *ret = json_pack("{s:s?, s:s}", "workspace", *workspace ? workspace : NULL, "role", role);
    return get_person(reading, item, *ret, err);
}

/* --- The whole --- */

/* In the order in which they are read: assignments look the others up. */
static const struct list {
    const char *name;
    size_t max;
    const char *fields[FIELDS_MAX];
    int (*read)(const struct reading *reading, const json_t *item, json_t **ret, struct error *err);
} LISTS[] = {
    /* clang-format off */
    {"workspaces", SEED_WORKSPACES_MAX, {"id", "client_id", "display_name", "networks", "enable_airlock"},
     read_workspace},
    {"accounts", SEED_ACCOUNTS_MAX, {"oid", "name", "email", "password", "client_id", "client_secret"}, read_account},
    {"assignments", SEED_ASSIGNMENTS_MAX, {"workspace", "subject", "name", "email", "role"}, read_assignment},
    /* clang-format on */
};

static int read_item(const struct reading *reading, const struct list *list, const json_t *item, struct error *err)
{
    AUTO_JSON json_t *complete = NULL;

    if (!json_is_object(item))
        return error_set(err, E_INVALID, "it must be an object");
    int r = check_fields(item, list->fields, err);
    if (r == 0)
        r = list->read(reading, item, &complete, err);
    if (r == 0)
        (void)json_array_append(json_object_get(reading->seed, list->name), complete);
    return r;
}

static void read_list(const struct reading *reading, const struct list *list, const json_t *items, const char *file,
                      struct problems *problems)
{
    const json_t *item;
    size_t i;

    json_object_set_new(reading->seed, list->name, json_array());
    if (!items || json_is_null(items))
        return;
    if (!json_is_array(items) || json_array_size(items) > list->max) {
        problems_add(problems, file, "%s: it must be an array of at most %zu", list->name, list->max);
        return;
    }
    json_array_foreach(items, i, item)
    {
        struct error err = {0};
        if (read_item(reading, list, item, &err) != 0)
            problems_add(problems, file, "%s[%zu]%s%s: %s", list->name, i, *err.field ? "." : "", err.field,
                         err.detail);
    }
}

json_t *seed_people_read(const json_t *document, const struct settings *settings, const char *file,
                         struct problems *problems)
{
    struct reading reading = {.settings = settings, .seed = json_object()};
    const char *known[FIELDS_MAX] = {NULL};
    unsigned before = problems->count;
    struct error err = {0};

    for (size_t i = 0; i < ARRAY_LEN(LISTS); i++)
        known[i] = LISTS[i].name;
    if (check_fields(document, known, &err) != 0)
        problems_add(problems, file, "%s", err.detail);
    /* What is wrong in one list is not told again by those who look it up. */
    for (size_t i = 0; i < ARRAY_LEN(LISTS) && problems->count == before; i++)
        read_list(&reading, &LISTS[i], json_object_get(document, LISTS[i].name), file, problems);
    return reading.seed;
}
