/* The identity provider's state, as its endpoints see it. Settings and keys never change after idp_new; accounts are
 * read through snapshots; the rest is thread-safe by itself. */
#ifndef AIRLOCK_IDP_IDP_H
#define AIRLOCK_IDP_IDP_H

#include <pthread.h>

#include "base/jwk.h"
#include "idp/account.h"
#include "idp/client.h"
#include "idp/code.h"
#include "idp/device.h"
#include "idp/password.h"
#include "idp/refresh.h"
#include "idp/session.h"
#include "idp/throttle.h"

#define IDP_KEY_SIZE 32

struct idp_settings {
    const char *public_url; /* without a slash at its end */
    const char *tenant;     /* first part of every path; a UUID, or "adfs" for clients that would else ask Microsoft */
    const char *api_url;
    const char *redirect_uris;  /* with spaces between */
    const char *core_client_id; /* a public client too, because AzureTRE's programs sign in as it */
    const char *accounts_file;
    const char *key_file;
    int64_t token_lifetime_s;
    int64_t refresh_lifetime_s; /* since the sign-in; 0: no refresh tokens */
    unsigned workers;
    bool behind_proxy; /* every client comes from the proxy's address */
};

/* Asks core what a scope means to a person: *ret is {"audience","workspace","roles"}. E_NOT_FOUND: no such scope. */
typedef int idp_scope_fn(void *ctx, const char *scope, const char *subject, json_t **ret, struct error *err);
/* Tells core about a log-in (see event.h); fields is stolen. 0 once it is on record. */
typedef int idp_event_fn(void *ctx, json_t *fields, struct error *err);

/* Core, as worker threads ask it. */
struct idp_core {
    idp_scope_fn *scope;
    idp_event_fn *event;
    void *ctx;
};

struct ledger; /* idp/ledger.h */

struct idp {
    char *issuer; /* {public_url}/{tenant}/v2.0 */
    char *tenant;
    char *tenant_path; /* "/{tenant}" */
    char *public_url;
    char *core_client_id;
    struct client core_client;
    char *redirect_uris;
    char api_origin[ORIGIN_SIZE];
    struct redirect_policy redirects;
    bool https;
    int64_t token_lifetime_s;
    int64_t refresh_lifetime_s;
    struct jwt_key *key;    /* of access tokens: the one that core takes */
    struct jwt_key *id_key; /* of id tokens: so none of them opens anything at core, whatever its audience */
    pthread_mutex_t accounts_lock;
    struct ledger *ledger;         /* the accounts file */
    struct accounts *accounts_now; /* behind the lock: idp_accounts, idp_set_accounts */
    struct password_gate *gate;
    struct throttle *by_account;
    struct throttle *by_address;
    struct throttle *by_guesser; /* addresses that type device codes which do not exist */
    struct secrets *codes;
    struct device_store *devices;
    struct refresh_store *refreshes;
    struct secrets *sessions;
    unsigned char ticket_key[IDP_KEY_SIZE]; /* of forms; new at each start */
    struct idp_core core;
};

/* Reads or makes accounts, keys and the journal of refresh tokens; seed_fd may be -1 and stays the caller's. */
int idp_new(const struct idp_settings *settings, int seed_fd, const struct idp_core *core, struct idp **ret,
            struct error *err) MUST_USE;
void idp_free(struct idp *idp);

/* A public client by its id; NULL: no such one. */
const struct client *idp_client(const struct idp *idp, const char *id);

/* A reference to the accounts as they are now: for AUTO_ACCOUNTS. Each struct account is borrowed from it. */
struct accounts *idp_accounts(struct idp *idp) MUST_USE;
/* From now on these; who holds the ones before goes on with those. */
void idp_set_accounts(struct idp *idp, struct accounts *accounts_stolen);

/* What core is told at each connection: {"issuer","keys","people"}; the caller's. */
json_t *idp_publication(struct idp *idp);
json_t *idp_key_set(const struct idp *idp); /* {"keys":[…]}; the caller's */

#endif
