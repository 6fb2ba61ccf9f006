/* Checks of the forms of settings, one row a form. Runs in airlockd. */
#include "airlockd/form.h"

#include <stdint.h>
#include <string.h>

#include "airlockd/endpoint.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/network.h"
#include "base/num.h"
#include "base/url.h"
#include "base/uuid.h"
#include "model/cloud_event.h"
#include "model/external.h"
#include "model/gate_policy.h"
#include "model/group_role.h"
#include "model/manifest.h"
#include "model/name.h"
#include "model/rule.h"
#include "model/webhook.h"
#include "notify/mailbox.h"
#include "notify/templates.h"

#define ORIGINS_MAX 16
#define SECRET_FILE_MAX 4096
#define COMMAND_NAME_MAX 40 /* gate/command.h */
#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define URL_HOST_CHARACTERS LOWER_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:[]"

static int check_text(const char *text, struct error *err)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            return error_set(err, E_INVALID, "must not contain control characters");
    return 0;
}

static int check_number(const char *text, struct error *err)
{
    uint64_t value;
    if (!num_parse(text, 0, INT64_MAX, &value))
        return error_set(err, E_INVALID, "must be a whole number in digits");
    return 0;
}

static int check_bool(const char *text, struct error *err)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return error_set(err, E_INVALID, "must be true or false");
    return 0;
}

static int check_tre_id(const char *text, struct error *err)
{
    if (text[strspn(text, LOWER_DIGITS)] != '\0')
        return error_set(err, E_INVALID, "must consist of lower-case letters and digits");
    return 0;
}

static int check_uuid(const char *text, struct error *err)
{
    if (!uuid_is_v4(text))
        return error_set(err, E_INVALID, "must be a UUID of version 4 in lower case");
    return 0;
}

static int check_listen(const char *text, struct error *err)
{
    struct endpoint endpoint;
    int r = endpoint_parse(text, &endpoint, err);
    return r ? r : endpoint_check_interface(&endpoint, err);
}

/* The part behind the scheme, or NULL. */
static const char *url_rest(const char *text)
{
    static const char *const SCHEMES[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++)
        if (str_starts(text, SCHEMES[i]))
            return text + strlen(SCHEMES[i]);
    return NULL;
}

static int check_url(const char *text, struct error *err)
{
    const char *rest = url_rest(text);
    if (!rest || *rest == '\0' || rest[strspn(rest, URL_HOST_CHARACTERS)] != '\0')
        return error_set(err, E_INVALID, "must be http://HOST[:PORT] or https://HOST[:PORT], with nothing behind it");
    return 0;
}

/* A URL whose host name may begin with {account}: links are then host-style. */
static int check_blob_url(const char *text, struct error *err)
{
    static const char MARK[] = "{account}.blob.";
    const char *rest = url_rest(text);

    if (!rest || !strpbrk(rest, "{}"))
        return check_url(text, err);
    if (str_starts(rest, MARK)) {
        rest += strlen(MARK);
        if (*rest && *rest != '.' && *rest != ':' && rest[strspn(rest, URL_HOST_CHARACTERS)] == '\0')
            return 0;
    }
    return error_set(err, E_INVALID,
                     "must be http://HOST[:PORT] or https://HOST[:PORT]; where HOST names the account, it must be "
                     "{account}.blob.SUFFIX");
}

/* At most so many as airlock-blob keeps (blob/cors.h). */
static int check_origins(const char *text, struct error *err)
{
    size_t count = 0;

    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t len = strcspn(text, " ");
        AUTO_FREE char *origin = xstrndup(text, len);
        int r = check_url(origin, err);
        if (r != 0)
            return r;
        if (++count > ORIGINS_MAX)
            return error_set(err, E_INVALID, "must be at most %d origins", ORIGINS_MAX);
        text += len;
    }
    return 0;
}

static int check_url_path(const char *text, struct error *err)
{
    const char *rest = url_rest(text);
    if (!rest || strspn(rest, URL_HOST_CHARACTERS) == 0 || strpbrk(rest, " ?#\"<>\\"))
        return error_set(err, E_INVALID, "must be an http or https address without a query");
    return check_text(text, err);
}

static int check_path(const char *text, struct error *err)
{
    if (text[0] != '/')
        return error_set(err, E_INVALID, "must be an absolute path");
    return check_text(text, err);
}

static int check_secret(const char *text, struct error *err)
{
    AUTO_FREE char *secret = NULL;
    struct error why = {0};
    size_t len = 0;

    int r = check_path(text, err);
    if (r != 0)
        return r;
    if (file_read_secret(text, SECRET_FILE_MAX, &secret, &len, &why) != 0)
        return error_set(err, E_INVALID, "cannot be used: %s", why.detail);
    secret_wipe(secret, len);
    return 0;
}

static int check_paths(const char *text, struct error *err)
{
    AUTO_FREE char *list = xstrdup(text);
    char *rest = list;

    for (const char *word; (word = strtok_r(rest, " ", &rest));)
        if (check_path(word, err) != 0)
            return error_set(err, E_INVALID, "must be absolute paths separated by spaces");
    return 0;
}

static int check_networks(const char *text, struct error *err)
{
    AUTO_FREE char *list = xstrdup(text);
    struct error why = {0};
    struct network network;
    char *rest = list;

    for (const char *word; (word = strtok_r(rest, " ", &rest));)
        if (network_parse(word, &network, &why) != 0)
            return error_set(err, E_INVALID, "must be networks separated by spaces: %s", why.detail);
    return check_text(text, err);
}

static int check_database(const char *text, struct error *err)
{
    if (str_starts(text, "postgresql:") || str_starts(text, "postgres:"))
        return error_set(err, E_INVALID, "cannot be PostgreSQL in this release; use sqlite:/absolute/path");
    if (!str_starts(text, DATABASE_SQLITE "/") || text[strlen(text) - 1] == '/')
        return error_set(err, E_INVALID, "must be sqlite:/absolute/path");
    return check_text(text, err);
}

static int check_roles_from(const char *text, struct error *err)
{
    if (strcmp(text, "assignments") != 0 && strcmp(text, "claim") != 0)
        return error_set(err, E_INVALID, "must be assignments or claim");
    return 0;
}

static int check_audiences(const char *text, struct error *err)
{
    if (strcmp(text, "per_workspace") != 0 && strcmp(text, "one") != 0)
        return error_set(err, E_INVALID, "must be per_workspace or one");
    return 0;
}

static int check_group_roles(const char *text, struct error *err)
{
    struct group_role row;
    int r;

    while ((r = group_role_next(&text, &row, err)) == 1)
        ;
    return r;
}

static int check_level(const char *text, struct error *err)
{
    enum log_level level;
    if (log_level_by_name(text, &level))
        return 0;
    return error_set(err, E_INVALID, "must be debug, info, warning or error");
}

static int check_storage_io(const char *text, struct error *err)
{
    if (strcmp(text, "auto") != 0 && strcmp(text, "uring") != 0 && strcmp(text, "threads") != 0)
        return error_set(err, E_INVALID, "must be auto, uring or threads");
    return 0;
}

static int check_metadata_names(const char *text, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(text);
    char *rest = copy;
    int count = 0;

    for (const char *name = strsep(&rest, " ,"); name; name = strsep(&rest, " ,")) {
        if (*name && !name_is_metadata(name))
            return error_set(err, E_INVALID, "must be names of letters, digits and _, separated by spaces");
        count += *name != '\0';
    }
    if (count > MANIFEST_METADATA_MAX)
        return error_set(err, E_INVALID, "must not have more than %d names", MANIFEST_METADATA_MAX);
    return 0;
}

static int check_gate_policy(const char *text, struct error *err)
{
    AUTO_JSON json_t *object = NULL;
    return gate_policy_parse(text, &object, err);
}

/* Whether each can be executed, and by what, airlock-gate looks at its start. */
static int check_commands(const char *text, struct error *err)
{
    AUTO_FREE char *list = xstrdup(text);
    char *rest = list;

    for (const char *word; (word = strtok_r(rest, " ", &rest));) {
        size_t len = strspn(word, LOWER_DIGITS "-");
        AUTO_FREE char *name = xstrndup(word, len);
        if (!gate_name_is_own(name))
            return error_set(err, E_INVALID, "gives a program the name \"%.60s\": it must begin with a letter, and be no "
                             "gate's of airlock's own", name);
        if (len == 0 || len > COMMAND_NAME_MAX || word[len] != '=' || word[len + 1] != '/')
            return error_set(
                err, E_INVALID,
                "must be NAME=/absolute/program, with spaces between; a name has lower-case letters, digits "
                "and -, at most %d",
                COMMAND_NAME_MAX);
    }
    return check_text(text, err);
}

static int check_external_gates(const char *text, struct error *err)
{
    struct external_gates gates;
    return external_gates_parse(text, &gates, err);
}

static int check_flow_steps(const char *text, struct error *err)
{
    struct flow_steps steps;
    return flow_steps_parse(text, &steps, err);
}

static int check_webhook_secret(const char *text, struct error *err)
{
    AUTO_FREE char *secret = NULL;
    struct webhook_keys keys;
    struct error why = {0};
    size_t len = 0;

    int r = check_secret(text, err);
    if (r == 0)
        r = file_read_secret(text, WEBHOOK_KEY_FILE_MAX, &secret, &len, err);
    if (r != 0)
        return r;
    r = webhook_keys_parse(secret, &keys, &why);
    secret_wipe(secret, len);
    webhook_keys_wipe(&keys);
    return r ? error_set(err, E_INVALID, "names a file that %s", why.detail) : 0;
}

static int check_webhook_url(const char *text, struct error *err)
{
    if (!webhook_url_is_valid(text))
        return error_set(err, E_INVALID, "must begin with https:// (http:// only on loopback), without a user");
    return 0;
}

static int check_webhooks(const char *text, struct error *err)
{
    struct webhooks webhooks;
    return webhooks_parse(text, &webhooks, err);
}

static int check_webhook_mode(const char *text, struct error *err)
{
    if (strcmp(text, "structured") != 0 && strcmp(text, "binary") != 0)
        return error_set(err, E_INVALID, "must be structured or binary");
    return 0;
}

static int check_broker_url(const char *text, struct error *err)
{
    struct broker_url url;
    if (!broker_url_parse(text, &url))
        return error_set(err, E_INVALID,
                         "must be amqps://USER@HOST[:PORT][/VHOST] (amqp:// only on loopback), without a password");
    return 0;
}

static int check_event_kinds(const char *text, struct error *err)
{
    unsigned kinds;
    return cloud_event_kinds_parse(text, " ", &kinds, err);
}

static int check_smtp_url(const char *text, struct error *err)
{
    enum smtp_security security;
    if (!smtp_url_parse(text, &security))
        return error_set(err, E_INVALID, "must be smtp://HOST[:PORT] or smtps://HOST[:PORT], without a user");
    return 0;
}

static int check_mailbox(const char *text, struct error *err)
{
    struct mailbox mailbox;
    return mailbox_parse(text, &mailbox, err);
}

static int check_templates(const char *text, struct error *err)
{
    struct templates *templates = NULL;
    struct error why = {0};

    int r = check_path(text, err);
    if (r == 0 && templates_load(text, &templates, &why) != 0)
        r = error_set(err, E_INVALID, "cannot be used: %s", why.detail);
    templates_free(templates);
    return r;
}

static int check_time_of_day(const char *text, struct error *err)
{
    int64_t seconds;
    if (!clock_parse_time_of_day(text, &seconds))
        return error_set(err, E_INVALID, "must be a time as 07:00 or 23:59");
    return 0;
}

static int check_notice_rules(const char *text, struct error *err)
{
    struct rules rules;
    return rules_parse(text, &rules, err);
}

static const struct {
    const char *name;
    int (*check)(const char *text, struct error *err);
} FORMS[FORM_COUNT] = {
    [FORM_TEXT] = {"text", check_text},
    [FORM_NUMBER] = {"number", check_number},
    [FORM_BOOL] = {"true or false", check_bool},
    [FORM_TRE_ID] = {"letters and digits", check_tre_id},
    [FORM_UUID] = {"UUID", check_uuid},
    [FORM_LISTEN] = {"address:port or address:port@interface", check_listen},
    [FORM_URL] = {"URL without path", check_url},
    [FORM_ORIGINS] = {"origins", check_origins},
    [FORM_URL_PATH] = {"URL", check_url_path},
    [FORM_BLOB_URL] = {"URL without path, maybe with {account}", check_blob_url},
    [FORM_PATH] = {"absolute path", check_path},
    [FORM_PATHS] = {"absolute paths", check_paths},
    [FORM_SECRET] = {"path of a secret", check_secret},
    [FORM_DATABASE] = {"database", check_database},
    [FORM_NETWORKS] = {"networks", check_networks},
    [FORM_ROLES_FROM] = {"assignments or claim", check_roles_from},
    [FORM_AUDIENCES] = {"per_workspace or one", check_audiences},
    [FORM_GROUP_ROLES] = {"roles of groups", check_group_roles},
    [FORM_LEVEL] = {"log level", check_level},
    [FORM_METADATA_NAMES] = {"names of metadata", check_metadata_names},
    [FORM_STORAGE_IO] = {"auto, uring or threads", check_storage_io},
    [FORM_GATE_POLICY] = {"policy of gates", check_gate_policy},
    [FORM_COMMANDS] = {"names and programs", check_commands},
    [FORM_EXTERNAL_GATES] = {"NAME=SUBJECT,URL", check_external_gates},
    [FORM_FLOW_STEPS] = {"STEP:NAME,NAME", check_flow_steps},
    [FORM_WEBHOOK_SECRET] = {"path of a secret", check_webhook_secret},
    [FORM_WEBHOOK_URL] = {"URL", check_webhook_url},
    [FORM_WEBHOOKS] = {"NAME=WORKSPACE,URL,KIND+KIND", check_webhooks},
    [FORM_WEBHOOK_MODE] = {"structured or binary", check_webhook_mode},
    [FORM_EVENT_KINDS] = {"kinds of events", check_event_kinds},
    [FORM_BROKER_URL] = {"amqps://USER@HOST", check_broker_url},
    [FORM_SMTP_URL] = {"smtp://HOST or smtps://HOST", check_smtp_url},
    [FORM_MAILBOX] = {"mail address, maybe with a name", check_mailbox},
    [FORM_TEMPLATES] = {"directory of templates", check_templates},
    [FORM_TIME_OF_DAY] = {"HH:MM", check_time_of_day},
    [FORM_NOTICE_RULES] = {"rules of notices", check_notice_rules},
};

const char *form_name(enum form form)
{
    return FORMS[form].name;
}

int form_check(enum form form, const char *text, struct error *err)
{
    return FORMS[form].check(text, err);
}
