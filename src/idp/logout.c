/* Signing out (OpenID Connect RP-Initiated Logout 1.0): ends the browser's session and the refresh tokens that came of
 * it. Another site cannot do that to a person: unless the program brings an id token of this very session, the browser
 * is asked first. Runs on airlock-idp's workers. */
#include <string.h>

#include "base/clock.h"
#include "base/jwt.h"
#include "base/log.h"
#include "idp/cookie.h"
#include "idp/event.h"
#include "idp/form.h"
#include "idp/page.h"

#define LOGOUT_FORM "logout"
#define STATE_MAX 2048

/* The claims of an id token of ours, however old; NULL for any other text. The caller's. */
static json_t *hint_claims(const struct idp *idp, const char *hint)
{
    AUTO_JSON json_t *keys = json_pack("{s:[o]}", "keys", jwt_key_public_jwk(idp->id_key));
    AUTO_JWK_SET struct jwk_set *set = NULL;
    AUTO_JSON json_t *claims = NULL;

    if (*hint == '\0' || jwk_set_parse(keys, &set, NULL) != 0 || jwt_verify(set, hint, &claims, NULL) != 0 ||
        strcmp(json_text(claims, "iss"), idp->issuer) != 0)
        return NULL;
    return TAKE_PTR(claims);
}

/* Where the browser goes afterwards; "" when it stays. Only where a sign-in of that client might go too. */
static const char *redirect_for(const struct idp *idp, const struct request *request, const json_t *claims)
{
    const char *uri = request_param(request, "post_logout_redirect_uri");
    const char *client_id = request_param(request, "client_id");
    const char *audience = json_text(claims, "aud");

    if (*client_id == '\0')
        client_id = audience;
    else if (*audience && strcmp(audience, client_id) != 0)
        return "";
    const struct client *client = idp_client(idp, client_id);
    return client && redirect_is_allowed(client, &idp->redirects, uri) ? uri : "";
}

/* What is asked, as an object (the caller's): redirect_uri, state, and from the hint oid and session. */
static json_t *logout_read(const struct idp *idp, const struct request *request)
{
    AUTO_JSON json_t *claims = hint_claims(idp, request_param(request, "id_token_hint"));
    const char *state = request_param(request, "state");
    AUTO_JSON json_t *text = strlen(state) <= STATE_MAX ? json_string(state) : NULL;

    return json_pack("{s:s, s:s, s:s, s:s}", "redirect_uri", redirect_for(idp, request, claims), "state",
                     text ? state : "", "oid", json_text(claims, "sub"), "session", json_text(claims, "sid"));
}

static void answer_done_page(const json_t *asked, struct answer *a)
{
    const char *uri = json_text(asked, "redirect_uri"), *state = json_text(asked, "state");
    AUTO_STR struct str location = STR_INIT(REDIRECT_URI_MAX + 4 * STATE_MAX);

    str_append(&location, uri);
    if (*state) {
        str_append(&location, strchr(uri, '?') ? "&state=" : "?state=");
        str_append_url(&location, state);
    }
    if (*uri == '\0' || location.overflow) {
        page_done(a, "Signed out", "You are signed out. You may close this page.");
        return;
    }
    a->status = 303;
    a->location = TAKE_PTR(location.p);
}

/* Ends one session: its refresh tokens, and the browser's part of it, wherever that browser is. It stands even when
 * core cannot be told: signing out must always work. */
static int end_session(struct idp *idp, const struct request *request, const char *oid, const char *session,
                       struct error *err)
{
    const struct event event = {.kind = EVENT_LOGOUT, .subject = oid, .address = request->address};
    unsigned ended;

    int r = refresh_end_session(idp->refreshes, oid, session, &ended, err);
    if (r != 0)
        return r;
    session_remove(idp->sessions, session);
    if (event_record(idp, &event, err) != 0)
        log_warning("%s signed out, and core could not be told: %s", oid, err->detail);
    return 0;
}

static void end(struct idp *idp, const struct request *request, const json_t *asked, struct answer *a)
{
    const char *hinted = json_text(asked, "session");
    struct session session = {.oid = ""};
    struct error err = {0};
    int r = 0;

    bool is_here = session_find(idp, request, clock_now_s(), &session);
    if (is_here)
        r = end_session(idp, request, session.oid, session.id, &err);
    if (r == 0 && *hinted && strcmp(hinted, session.id) != 0)
        r = end_session(idp, request, json_text(asked, "oid"), hinted, &err);
    if (r != 0) {
        page_problem(a, 503, "Signing out did not work just now. Try again in a moment.");
        return;
    }
    session_end(idp, request, a);
    answer_done_page(asked, a);
}

static void ask(struct idp *idp, const struct request *request, const json_t *asked, const struct account *account,
                struct answer *a)
{
    AUTO_FREE char *action = xasprintf("%s" LOGOUT_PATH, request->base);
    AUTO_FREE char *ticket = NULL;
    struct error err = {0};

    if (form_seal(idp, request, LOGOUT_FORM, asked, &ticket, a, &err) != 0) {
        page_problem(a, 400, err.detail);
        return;
    }
    page_logout(a, action, ticket, account ? account->name : NULL);
    (void)url_origin(json_text(asked, "redirect_uri"), a->form_target); /* none: the form leads nowhere else */
}

void logout_get(struct idp *idp, const struct request *request, struct answer *a)
{
    struct session session;

    if (!request_is_plain(request)) {
        page_problem(a, 400, "The request names something twice.");
        return;
    }
    AUTO_JSON json_t *asked = logout_read(idp, request);
    bool is_here = session_find(idp, request, clock_now_s(), &session);
    if (is_here && strcmp(json_text(asked, "session"), session.id) == 0)
        end(idp, request, asked, a);
    else
        ask(idp, request, asked, is_here ? session_account(request, &session) : NULL, a);
}

void logout_post(struct idp *idp, const struct request *request, struct answer *a)
{
    AUTO_JSON json_t *asked = NULL;

    if (*request_param(request, "ticket") == '\0')
        logout_get(idp, request, a);
    else if (form_is_ours(idp, request, LOGOUT_FORM, &asked, a))
        end(idp, request, asked, a);
}
