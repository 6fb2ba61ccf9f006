/* The token endpoint: each grant proves who asks, then token_answer does the rest. Runs on airlock-idp's workers. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "idp/event.h"
#include "idp/grant.h"
#include "idp/signin.h"
#include "idp/token.h"

static void grant_client_credentials(struct idp *idp, const struct request *request,
                                     const struct credentials *credentials, struct answer *a)
{
    const struct signin signin = {
        .kind = SIGNIN_CLIENT_SECRET,
        .accounts = request->accounts,
        .who = credentials->id,
        .secret = credentials->secret,
        .client_id = credentials->id,
        .address = request->address,
    };
    const struct account *account;
    struct scope scope;
    struct error err = {0};

    if (scope_parse(request_param(request, "scope"), SCOPE_ONE, &scope, &err) != 0 || !scope.app_default) {
        answer_oauth_error(a, 400, "invalid_scope", "Ask for one scope of the form api://ID/.default");
        return;
    }
    int r = signin_check(idp, &signin, &account, &a->retry_after_s, &err);
    if (r == E_UNAUTHENTICATED)
        answer_invalid_client(credentials, a);
    else if (r != 0)
        answer_failure(a, &err);
    if (r != 0)
        return;
    const struct token_order order = {
        .account = account,
        .client_id = credentials->id,
        .scope = &scope,
        .app = true,
        .nonce = "",
    };
    token_answer(idp, &order, a);
}

/* A scope at the token endpoint may repeat what was granted, not ask for more (RFC 6749 §3.3). */
static bool scope_is_within(const char *asked, const struct scope *granted)
{
    struct scope scope;
    return *asked == '\0' || scope_is_identity(asked) ||
           (scope_parse(asked, SCOPE_ONE, &scope, NULL) == 0 && strcmp(scope.resource, granted->resource) == 0);
}

static void answer_code_refused(struct answer *a)
{
    answer_oauth_error(a, 400, "invalid_grant",
                       "The code is spent, expired, or belongs to another client, redirect or verifier");
}

/* A spent code came again: one of its two users stole it, so what the first one was given ends (RFC 6749 §4.1.2). */
static void refuse_replay(struct idp *idp, const struct request *request, const json_t *grant, const char *family,
                          struct answer *a)
{
    const struct event event = {
        .kind = EVENT_REPLAY,
        .subject = json_text(grant, "oid"),
        .client = json_text(grant, "client_id"),
        .address = request->address,
    };
    struct error err = {0};

    log_warning("a code of %s that was spent already came again from %s", event.subject, request->address);
    int r = refresh_end_family(idp->refreshes, family, &err);
    if (r == 0)
        r = event_record(idp, &event, &err);
    if (r != 0) {
        answer_failure(a, &err);
        return;
    }
    code_forget(idp->codes, request_param(request, "code"), clock_mono_ms());
    answer_code_refused(a);
}

/* Spends the code. What it stood for is the caller's; NULL: it is refused, and a is the answer. */
static json_t *redeem(struct idp *idp, const struct request *request, struct answer *a)
{
    const struct code_proof proof = {
        .code = request_param(request, "code"),
        .client_id = request_param(request, "client_id"),
        .redirect_uri = request_param(request, "redirect_uri"),
        .verifier = request_param(request, "code_verifier"),
    };
    AUTO_JSON json_t *grant = NULL;
    char family[SHA256_HEX_SIZE];

    int r = code_redeem(idp->codes, &proof, clock_mono_ms(), &grant, family, NULL);
    if (r == 0)
        return TAKE_PTR(grant);
    if (r == E_STALE)
        refuse_replay(idp, request, grant, family, a);
    else
        answer_code_refused(a);
    return NULL;
}

/* Answers with the tokens, unless the code has come again while they were made. */
static void answer_redeemed(struct idp *idp, const struct request *request, const struct token_order *order,
                            struct answer *a)
{
    AUTO_JSON json_t *body = NULL;
    char family[SHA256_HEX_SIZE];
    struct error err = {0};

    int r = token_make(idp, order, &body, &err);
    if (r == 0) {
        refresh_family_of(json_text(body, "refresh_token"), family);
        if (code_settle(idp->codes, request_param(request, "code"), family, clock_mono_ms())) {
            answer_json(a, 200, TAKE_PTR(body));
            return;
        }
        r = refresh_end_family(idp->refreshes, family, &err);
    }
    if (r == 0)
        answer_code_refused(a);
    else
        answer_failure(a, &err);
}

static void grant_authorization_code(struct idp *idp, const struct request *request,
                                     const struct credentials *credentials, struct answer *a)
{
    struct scope scope;

    if (!credentials_are_public(idp, credentials, a))
        return;
    AUTO_JSON json_t *grant = redeem(idp, request, a);
    if (!grant)
        return;
    const struct account *account = accounts_by_oid(request->accounts, json_text(grant, "oid"));
    if (!account_is_live(account, json_int(grant, "auth_time"))) {
        answer_oauth_error(a, 400, "invalid_grant", "The person may not sign in any more");
        return;
    }
    if (scope_parse(json_text(grant, "scope"), SCOPE_SEVERAL, &scope, NULL) != 0 ||
        !scope_is_within(request_param(request, "scope"), &scope)) {
        answer_oauth_error(a, 400, "invalid_scope", "The code was made for another scope");
        return;
    }
    const struct token_order order = {
        .account = account,
        .client_id = credentials->id,
        .scope = &scope,
        .nonce = json_text(grant, "nonce"),
        .session = json_text(grant, "session"),
        .offline_scope = scope.offline ? json_text(grant, "scope") : NULL,
        .auth_time_s = json_int(grant, "auth_time"),
    };
    answer_redeemed(idp, request, &order, a);
}

static const struct {
    const char *type;
    grant_fn *run;
} GRANTS[] = {
    {"client_credentials", grant_client_credentials},
    {"authorization_code", grant_authorization_code},
    {"refresh_token", grant_refresh_token},
    {"urn:ietf:params:oauth:grant-type:device_code", grant_device_code},
    {"device_code", grant_device_code}, /* as older Microsoft libraries call it */
};

void token_post(struct idp *idp, const struct request *request, struct answer *a)
{
    const char *type = request_param(request, "grant_type");
    struct credentials credentials;

    if (!request_is_plain(request) || *type == '\0') {
        answer_oauth_error(a, 400, "invalid_request", "grant_type is missing, or a parameter stands twice");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(GRANTS); i++) {
        if (strcmp(GRANTS[i].type, type) != 0)
            continue;
        if (credentials_read(request, &credentials))
            GRANTS[i].run(idp, request, &credentials, a);
        else
            answer_unnamed_client(a);
        secret_wipe(&credentials, sizeof credentials);
        return;
    }
    answer_oauth_error(a, 400, "unsupported_grant_type",
                       "Offered are authorization_code, device_code, refresh_token and client_credentials");
}
