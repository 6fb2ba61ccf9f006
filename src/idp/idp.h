/* The identity provider's state, as its endpoints see it. Settings, accounts and key never change after idp_new; the
 * rest is thread-safe by itself. */
#ifndef AIRLOCK_IDP_IDP_H
#define AIRLOCK_IDP_IDP_H

#include "base/jwk.h"
#include "idp/account.h"
#include "idp/client.h"
#include "idp/code.h"
#include "idp/password.h"
#include "idp/throttle.h"

#define IDP_KEY_SIZE 32

struct idp_settings {
    const char *public_url; /* without a slash at its end */
    const char *tenant;     /* first part of every path; a UUID, or "adfs" for clients that would else ask Microsoft */
    const char *api_url;
    const char *redirect_uris; /* with spaces between */
    const char *accounts_file;
    const char *key_file;
    int64_t token_lifetime_s;
    unsigned workers;
    bool behind_proxy; /* every client comes from the proxy's address */
};

/* Asks core what a scope means to a person: *ret is {"audience","workspace","roles"}. E_NOT_FOUND: no such scope. */
typedef int idp_scope_fn(void *ctx, const char *scope, const char *subject, json_t **ret, struct error *err);

struct idp {
    char *issuer; /* {public_url}/{tenant}/v2.0 */
    char *tenant;
    char *tenant_path; /* "/{tenant}" */
    char *tenant_url;  /* {public_url}/{tenant} */
    char *redirect_uris;
    char api_origin[ORIGIN_SIZE];
    struct redirect_policy redirects;
    bool https;
    int64_t token_lifetime_s;
    struct jwt_key *key;
    struct accounts *accounts;
    struct password_gate *gate;
    struct throttle *by_account;
    struct throttle *by_address;
    struct code_store *codes;
    unsigned char ticket_key[IDP_KEY_SIZE]; /* of forms and sessions; new at each start */
    idp_scope_fn *scope;
    void *scope_ctx;
};

/* Reads or makes accounts and key; seed_fd may be -1 and stays the caller's. scope is called by worker threads. */
int idp_new(const struct idp_settings *settings, int seed_fd, idp_scope_fn *scope, void *scope_ctx, struct idp **ret,
            struct error *err) MUST_USE;
void idp_free(struct idp *idp);

/* What core is told at each connection: {"issuer","keys","people"}; the caller's. */
json_t *idp_publication(const struct idp *idp);
json_t *idp_key_set(const struct idp *idp); /* {"keys":[…]}; the caller's */

#endif
