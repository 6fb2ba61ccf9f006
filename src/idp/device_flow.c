/* The program's side of the device flow (RFC 8628): it is given a code to show, and asks until the person has spoken.
 * Runs on airlock-idp's workers. */
#include "base/clock.h"
#include "idp/event.h"
#include "idp/grant.h"
#include "idp/scope.h"
#include "idp/token.h"

static void answer_codes(const struct idp *idp, const struct request *request, const char *device_code,
                         const char *user_code, struct answer *a)
{
    AUTO_FREE char *page = xasprintf("%s%s" DEVICE_PATH, idp->public_url, request->base);

    answer_json(a, 200,
                json_pack("{s:s, s:s, s:s, s:o, s:i, s:i, s:o}", "device_code", device_code, "user_code", user_code,
                          "verification_uri", page, "verification_uri_complete",
                          json_sprintf("%s?user_code=%s", page, user_code), "expires_in", DEVICE_LIFETIME_S, "interval",
                          DEVICE_INTERVAL_S, "message",
                          json_sprintf("To sign in, use a web browser to open the page %s and enter the code %s to "
                                       "authenticate.",
                                       page, user_code)));
}

void devicecode_post(struct idp *idp, const struct request *request, struct answer *a)
{
    const char *asked_scope = request_param(request, "scope");
    AUTO_FREE char *device_code = NULL;
    char user_code[USER_CODE_SIZE];
    struct credentials credentials;
    struct scope scope;
    struct error err = {0};

    if (!credentials_read_public(idp, request, &credentials, a))
        return;
    if (scope_parse(asked_scope, SCOPE_SEVERAL, &scope, &err) != 0) {
        answer_oauth_error(a, 400, "invalid_scope", err.detail);
        return;
    }
    AUTO_JSON json_t *asked = json_pack("{s:s, s:s}", "client_id", credentials.id, "scope", asked_scope);
    if (device_begin(idp->devices, asked, request->address, clock_mono_ms(), &device_code, user_code, &err) == 0)
        answer_codes(idp, request, device_code, user_code, a);
    else
        answer_failure(a, &err);
}

/* --- The grant --- */

/* What is answered while there is no token (RFC 8628 §3.5). */
static const struct {
    const char *error;
    const char *description;
} NO_TOKEN[] = {
    [DEVICE_UNKNOWN] = {"invalid_grant", "The device code is unknown, was used, or belongs to another client"},
    [DEVICE_PENDING] = {"authorization_pending", "The person has not spoken yet"},
    [DEVICE_TOO_FAST] = {"slow_down", "Wait 5 seconds longer between two questions"},
    [DEVICE_EXPIRED] = {"expired_token", "The code is too old: begin again"},
    [DEVICE_DENIED] = {"access_denied", "The person said no"},
};

static void answer_approved(struct idp *idp, const struct request *request, const struct credentials *credentials,
                            const json_t *result, struct answer *a)
{
    const char *asked_scope = json_text(result, "scope");
    struct scope scope;

    const struct account *account = accounts_by_oid(request->accounts, json_text(result, "oid"));
    if (!account_is_live(account, json_int(result, "auth_time")) ||
        scope_parse(asked_scope, SCOPE_SEVERAL, &scope, NULL) != 0) {
        answer_oauth_error(a, 400, "invalid_grant", "The person may not sign in any more");
        return;
    }
    const struct token_order order = {
        .account = account,
        .client_id = credentials->id,
        .scope = &scope,
        .session = json_text(result, "session"),
        .offline_scope = scope.offline ? asked_scope : NULL,
        .auth_time_s = json_int(result, "auth_time"),
    };
    token_answer(idp, &order, a);
}

void grant_device_code(struct idp *idp, const struct request *request, const struct credentials *credentials,
                       struct answer *a)
{
    const char *code = request_param(request, "device_code");
    AUTO_JSON json_t *result = NULL;

    if (!credentials_are_public(idp, credentials, a))
        return;
    if (*code == '\0')
        code = request_param(request, "code"); /* as older Microsoft libraries call it */
    enum device_state state = device_poll(idp->devices, code, credentials->id, clock_mono_ms(), &result);
    if (state == DEVICE_APPROVED)
        answer_approved(idp, request, credentials, result, a);
    else
        answer_oauth_error(a, 400, NO_TOKEN[state].error, NO_TOKEN[state].description);
}
