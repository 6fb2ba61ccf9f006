/* Building the state from the settings. Runs in airlock-idp, before it confines itself. */
#include "idp/idp.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/str.h"
#include "idp/ledger.h"
#include "idp/state.h"

#define GATE_WAIT_MS 3000

static const struct throttle_rule BY_ACCOUNT = {.free = 5, .first_ms = 1000, .max_ms = 60000, .fade_ms = 60000};
/* Many people may stand behind one address: it bears more and forgets faster. */
static const struct throttle_rule BY_ADDRESS = {.free = 30, .first_ms = 1000, .max_ms = 30000, .fade_ms = 5000};
/* Behind a proxy everybody does, and the proxy sees who is who: this only keeps a flood from costing all our time. */
static const struct throttle_rule BY_PROXY = {.free = 500, .first_ms = 1000, .max_ms = 5000, .fade_ms = 500};

/* A device code has 34 bits and lives 15 minutes: so many guesses find none. */
static const struct throttle_rule BY_GUESSER = {.free = 10, .first_ms = 1000, .max_ms = 60000, .fade_ms = 60000};

#define DEVICES_PER_ADDRESS 64

static bool is_tenant(const char *text)
{
    return *text && text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* A configured redirect is sent in a header as it is, so it must be one plain absolute URL. */
static int check_redirect_uris(const char *list, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(list);
    char *rest = copy;
    char origin[ORIGIN_SIZE];

    for (char *uri = strsep(&rest, " "); uri; uri = strsep(&rest, " ")) {
        bool plain = strlen(uri) <= REDIRECT_URI_MAX && !strpbrk(uri, "#\"'<>\\@");
        for (const char *c = uri; *c; c++)
            plain = plain && *c > ' ' && *c < 0x7F;
        if (*uri && (!plain || !url_origin(uri, origin)))
            return error_set_field(err, E_CONFIG, "idp.redirect_uris",
                                   "%s is not an absolute URL that a login may end at", uri);
    }
    return 0;
}

static int idp_read_settings(struct idp *idp, const struct idp_settings *settings, struct error *err)
{
    char origin[ORIGIN_SIZE];

    if (!url_origin(settings->public_url, origin))
        return error_set_field(err, E_CONFIG, "idp.public_url", "idp.public_url must begin with http:// or https://");
    if (!url_origin(settings->api_url, idp->api_origin))
        return error_set_field(err, E_CONFIG, "api.public_url", "api.public_url must begin with http:// or https://");
    if (!is_tenant(settings->tenant))
        return error_set_field(err, E_CONFIG, "idp.tenant", "idp.tenant must be a UUID or a plain word");
    int r = check_redirect_uris(settings->redirect_uris, err);
    if (r != 0)
        return r;
    idp->tenant = xstrdup(settings->tenant);
    idp->tenant_path = xasprintf("/%s", settings->tenant);
    idp->public_url = xstrdup(settings->public_url);
    idp->issuer = xasprintf("%s/%s/v2.0", settings->public_url, settings->tenant);
    idp->core_client_id = xstrdup(settings->core_client_id);
    idp->core_client = (struct client){idp->core_client_id, "the tools of this research environment",
                                       REDIRECT_LOOPBACK | REDIRECT_API | REDIRECT_CONFIGURED};
    idp->redirect_uris = xstrdup(settings->redirect_uris);
    idp->redirects = (struct redirect_policy){idp->api_origin, idp->redirect_uris};
    idp->https = str_starts(settings->public_url, "https://");
    idp->token_lifetime_s = settings->token_lifetime_s;
    idp->refresh_lifetime_s = settings->refresh_lifetime_s;
    return 0;
}

/* Both keys; the second has a name made from the first's. */
static int idp_load_keys(struct idp *idp, const char *key_file, struct error *err)
{
    AUTO_FREE char *id_key_file = xasprintf("%s.id", key_file);
    int r = state_load_key(key_file, &idp->key, err);
    return r ? r : state_load_key(id_key_file, &idp->id_key, err);
}

/* The journal stands beside the accounts. */
static int idp_load_refreshes(struct idp *idp, const char *accounts_file, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s.refresh", accounts_file);
    bool forgotten = false;

    int r = refresh_store_open(path, clock_now_s(), &idp->refreshes, &forgotten, err);
    if (forgotten)
        log_error("the journal of refresh tokens %s was damaged: all are void, people must sign in again", path);
    return r;
}

int idp_new(const struct idp_settings *settings, int seed_fd, const struct idp_core *core, struct idp **ret,
            struct error *err)
{
    struct idp *idp = xcalloc(1, sizeof *idp);

    idp->core = *core;
    pthread_mutex_init(&idp->accounts_lock, NULL);
    random_fill(idp->ticket_key, sizeof idp->ticket_key);
    idp->by_account = throttle_new(&BY_ACCOUNT);
    idp->by_address = throttle_new(settings->behind_proxy ? &BY_PROXY : &BY_ADDRESS);
    idp->by_guesser = throttle_new(settings->behind_proxy ? &BY_PROXY : &BY_GUESSER);
    idp->codes = code_store_new();
    idp->devices = device_store_new(settings->behind_proxy ? DEVICES_MAX : DEVICES_PER_ADDRESS);
    idp->sessions = session_store_new();
    int r = idp_read_settings(idp, settings, err);
    if (r == 0)
        r = idp_load_keys(idp, settings->key_file, err);
    if (r == 0)
        r = accounts_load(settings->accounts_file, seed_fd, &idp->accounts_now, err);
    if (r == 0)
        r = ledger_open(settings->accounts_file, &idp->ledger, err);
    if (r == 0)
        r = idp_load_refreshes(idp, settings->accounts_file, err);
    if (r == 0)
        r = password_gate_new(settings->workers, GATE_WAIT_MS, &idp->gate, err);
    if (r != 0) {
        idp_free(idp);
        return r;
    }
    *ret = idp;
    return 0;
}

void idp_free(struct idp *idp)
{
    if (!idp)
        return;
    jwt_key_free(idp->key);
    jwt_key_free(idp->id_key);
    accounts_unref(idp->accounts_now);
    ledger_close(idp->ledger);
    pthread_mutex_destroy(&idp->accounts_lock);
    password_gate_free(idp->gate);
    throttle_free(idp->by_account);
    throttle_free(idp->by_address);
    throttle_free(idp->by_guesser);
    secrets_free(idp->codes);
    device_store_free(idp->devices);
    refresh_store_close(idp->refreshes);
    secrets_free(idp->sessions);
    secret_wipe(idp->ticket_key, sizeof idp->ticket_key);
    free(idp->issuer);
    free(idp->tenant);
    free(idp->tenant_path);
    free(idp->public_url);
    free(idp->core_client_id);
    free(idp->redirect_uris);
    free(idp);
}

json_t *idp_key_set(const struct idp *idp)
{
    return json_pack("{s:[o, o]}", "keys", jwt_key_public_jwk(idp->key), jwt_key_public_jwk(idp->id_key));
}

const struct client *idp_client(const struct idp *idp, const char *id)
{
    return strcmp(id, idp->core_client_id) == 0 ? &idp->core_client : client_find(id);
}

struct accounts *idp_accounts(struct idp *idp)
{
    pthread_mutex_lock(&idp->accounts_lock);
    struct accounts *accounts = accounts_ref(idp->accounts_now);
    pthread_mutex_unlock(&idp->accounts_lock);
    return accounts;
}

void idp_set_accounts(struct idp *idp, struct accounts *accounts_stolen)
{
    pthread_mutex_lock(&idp->accounts_lock);
    struct accounts *before = idp->accounts_now;
    idp->accounts_now = accounts_stolen;
    pthread_mutex_unlock(&idp->accounts_lock);
    accounts_unref(before);
}

json_t *idp_publication(struct idp *idp)
{
    AUTO_ACCOUNTS struct accounts *accounts = idp_accounts(idp);
    json_t *keys = json_pack("{s:[o]}", "keys", jwt_key_public_jwk(idp->key));
    return json_pack("{s:s, s:o, s:o}", "issuer", idp->issuer, "keys", keys, "people", accounts_people(accounts));
}
