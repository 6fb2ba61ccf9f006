/* The forms of webhooks' receivers and keys. Pure. */
#include "model/webhook.h"

#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "base/url.h"
#include "model/cloud_event.h"

#define KEY_PREFIX "whsec_"
#define LETTERS "abcdefghijklmnopqrstuvwxyz"

static bool key_read(const char *line, size_t len, struct webhook_keys *keys)
{
    size_t prefix = str_starts(line, KEY_PREFIX) ? strlen(KEY_PREFIX) : 0, key_len = 0;

    if (keys->count == WEBHOOK_KEYS_MAX || len < prefix ||
        !base64_decode(line + prefix, len - prefix, keys->items[keys->count].bytes, WEBHOOK_KEY_MAX, &key_len) ||
        key_len < WEBHOOK_KEY_MIN)
        return false;
    keys->items[keys->count++].len = key_len;
    return true;
}

int webhook_keys_parse(const char *text, struct webhook_keys *ret, struct error *err)
{
    bool good = true;

    *ret = (struct webhook_keys){0};
    for (text += strspn(text, "\r\n"); good && *text; text += strspn(text, "\r\n")) {
        size_t len = strcspn(text, "\r\n");
        good = key_read(text, len, ret);
        text += len;
    }
    if (good && ret->count > 0)
        return 0;
    webhook_keys_wipe(ret);
    return error_set(err, E_INVALID,
                     "must hold, in each of its one to %d lines, " KEY_PREFIX
                     " and %d to %d random bytes in base64, such "
                     "as `printf " KEY_PREFIX "; openssl rand -base64 32` makes",
                     WEBHOOK_KEYS_MAX, WEBHOOK_KEY_MIN, WEBHOOK_KEY_MAX);
}

void webhook_keys_wipe(struct webhook_keys *keys)
{
    secret_wipe(keys, sizeof *keys);
}

bool webhook_name_is_own(const char *name)
{
    static const char *const TAKEN[] = {"webhook", "broker", "mail", "off"};
    size_t len = strlen(name);

    for (size_t i = 0; i < ARRAY_LEN(TAKEN); i++)
        if (strcmp(TAKEN[i], name) == 0)
            return false;
    return len > 0 && len <= WEBHOOK_NAME_MAX && strchr(LETTERS, name[0]) && strspn(name, LETTERS "0123456789-") == len;
}

bool webhook_url_is_valid(const char *url)
{
    return url_is_private(url) && strlen(url) <= WEBHOOK_URL_MAX;
}

const struct webhook *webhooks_find(const struct webhooks *webhooks, const char *name)
{
    for (size_t i = 0; i < webhooks->count; i++)
        if (strcmp(webhooks->items[i].name, name) == 0)
            return &webhooks->items[i];
    return NULL;
}

static int read_name(const char *name, const struct webhooks *all, struct webhook *ret, struct error *err)
{
    if (!webhook_name_is_own(name))
        return error_set(
            err, E_INVALID,
            "calls a receiver \"%.60s\": a name has at most %d lower-case letters, digits and hyphens, begins "
            "with a letter, and is not webhook, broker, mail or off",
            name, WEBHOOK_NAME_MAX);
    if (webhooks_find(all, name))
        return error_set(err, E_INVALID, "names %s twice", name);
    (void)str_copy(ret->name, sizeof ret->name, name); /* it was measured */
    return 0;
}

static int read_workspace(const char *workspace, struct webhook *ret, struct error *err)
{
    if (strcmp(workspace, "*") != 0 && !uuid_is_v4(workspace))
        return error_set(err, E_INVALID, "must say behind %s= which workspace it is for: its id, or * for all of them",
                         ret->name);
    (void)str_copy(ret->workspace, sizeof ret->workspace, *workspace == '*' ? "" : workspace); /* a UUID fits */
    return 0;
}

/* One word, "NAME=WORKSPACE,URL,KIND+KIND", which is cut into its parts. A comma in the URL must be written %2C. */
static int parse_webhook(char *word, struct webhooks *all, struct error *err)
{
    struct webhook *webhook = &all->items[all->count];
    char *workspace = strchr(word, '='), *url = workspace ? strchr(workspace, ',') : NULL;

    if (!url)
        return error_set(err, E_INVALID, "must be NAME=WORKSPACE,URL[,KIND+KIND] with spaces between, not \"%.100s\"",
                         word);
    *workspace++ = *url++ = '\0';
    char *kinds = strchr(url, ',');
    if (kinds)
        *kinds++ = '\0';
    int r = read_name(word, all, webhook, err);
    if (r == 0)
        r = read_workspace(workspace, webhook, err);
    if (r != 0)
        return r;
    if (!webhook_url_is_valid(url))
        return error_set(
            err, E_INVALID,
            "must give %s an address that begins with https:// (http:// only on loopback), without a user, "
            "of at most %d bytes",
            word, WEBHOOK_URL_MAX);
    (void)str_copy(webhook->url, sizeof webhook->url, url); /* it was measured */
    r = cloud_event_kinds_parse(kinds ? kinds : "", "+", &webhook->kinds, err);
    if (r == 0)
        all->count++;
    return r;
}

int webhooks_parse(const char *text, struct webhooks *ret, struct error *err)
{
    AUTO_FREE char *list = xstrdup(text);
    char *rest = list;

    *ret = (struct webhooks){0};
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        if (ret->count == WEBHOOKS_MAX)
            return error_set(err, E_INVALID, "must not have more than %d receivers", WEBHOOKS_MAX);
        int r = parse_webhook(word, ret, err);
        if (r != 0)
            return r;
    }
    return 0;
}
