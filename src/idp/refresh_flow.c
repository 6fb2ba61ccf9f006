/* Refreshing, and giving a refresh token back (RFC 6749 §6, RFC 7009). Runs on airlock-idp's workers. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "idp/event.h"
#include "idp/grant.h"
#include "idp/scope.h"
#include "idp/token.h"

static void answer_invalid_grant(struct answer *a)
{
    answer_oauth_error(a, 400, "invalid_grant", "The refresh token is spent, expired, revoked, or another client's");
}

/* Tells core what became of a family; when core is away, a is the answer. */
static bool record(struct idp *idp, const struct request *request, enum event_kind kind,
                   const struct refresh_grant *grant, struct answer *a)
{
    struct error err = {0};
    const struct event event = {
        .kind = kind,
        .subject = grant->oid,
        .client = grant->client_id,
        .address = request->address,
    };
    if (event_record(idp, &event, &err) == 0)
        return true;
    answer_failure(a, &err);
    return false;
}

/* No token comes of it. */
static void refuse(struct idp *idp, const struct request *request, const struct refresh_grant *grant,
                   const struct error *err, struct answer *a)
{
    if (err->code == E_STALE)
        log_warning("a refresh token of %s that was spent already came again from %s: its family is dead", grant->oid,
                    request->address);
    if (err->code == E_STALE && !record(idp, request, EVENT_REUSE, grant, a))
        return;
    if (err->code == E_STALE || err->code == E_INVALID) /* the latter: it ended while this was under way */
        answer_invalid_grant(a);
    else
        answer_failure(a, err);
}

/* The scope of a refresh: any that core knows, or what was granted at the start. */
static int scope_for(const struct request *request, const struct refresh_grant *grant, struct scope *ret,
                     struct error *err)
{
    const char *asked = request_param(request, "scope");
    return *asked ? scope_parse(asked, SCOPE_ONE, ret, err) : scope_parse(grant->scope, SCOPE_SEVERAL, ret, err);
}

void grant_refresh_token(struct idp *idp, const struct request *request, const struct credentials *credentials,
                         struct answer *a)
{
    const char *token = request_param(request, "refresh_token");
    const struct refresh_now now = {clock_now_s(), clock_mono_ms()};
    struct refresh_grant grant = {.oid = ""};
    struct scope scope;
    struct error err = {0};

    if (!credentials_are_public(idp, credentials, a))
        return;
    if (refresh_check(idp->refreshes, token, credentials->id, now, &grant, &err) != 0) {
        refuse(idp, request, &grant, &err, a);
        return;
    }
    const struct account *account = accounts_by_oid(request->accounts, grant.oid);
    if (!account_is_live(account, grant.auth_time_s)) {
        answer_invalid_grant(a);
        return;
    }
    if (scope_for(request, &grant, &scope, &err) != 0) {
        answer_oauth_error(a, 400, "invalid_scope", err.detail);
        return;
    }
    const struct token_order order = {
        .account = account,
        .client_id = credentials->id,
        .scope = &scope,
        .session = grant.session,
        .spends = token,
        .auth_time_s = grant.auth_time_s,
    };
    json_t *body = NULL;
    if (token_make(idp, &order, &body, &err) == 0)
        answer_json(a, 200, body);
    else
        refuse(idp, request, &grant, &err, a);
}

/* A token that is unknown, or no refresh token at all, is answered like one that was revoked (RFC 7009 §2.2). */
void revoke_post(struct idp *idp, const struct request *request, struct answer *a)
{
    struct credentials credentials;
    struct refresh_grant grant;
    struct error err = {0};

    if (!credentials_read_public(idp, request, &credentials, a))
        return;
    if (*request_param(request, "token") == '\0') {
        answer_oauth_error(a, 400, "invalid_request", "token is missing");
        return;
    }
    int r = refresh_revoke(idp->refreshes, request_param(request, "token"), credentials.id, &grant, &err);
    if (r == E_INVALID)
        answer_oauth_error(a, 400, "invalid_grant", err.detail);
    else if (r != 0 && r != E_NOT_FOUND)
        answer_failure(a, &err);
    else if (r == E_NOT_FOUND || record(idp, request, EVENT_REVOKED, &grant, a))
        a->status = 200;
}
