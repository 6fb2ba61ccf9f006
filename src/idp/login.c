/* The login pages behind the authorization endpoint: show a form, take it back, find out who it is, and send the
 * browser on with a code. Runs on airlock-idp's workers. */
#include <string.h>

#include "base/clock.h"
#include "idp/authorize.h"
#include "idp/change.h"
#include "idp/cookie.h"
#include "idp/event.h"
#include "idp/form.h"
#include "idp/login.h"
#include "idp/page.h"
#include "idp/scope.h"
#include "idp/signin.h"

#define FORM_PAGE "login"

/* A login under way. */
struct login {
    struct idp *idp;
    const struct request *request;
    json_t *asked;      /* see authorize_read */
    const char *ticket; /* asked, sealed for the form */
    struct answer *answer;
};

/* --- Showing --- */

/* The account this browser may go on with, unless the request wants a password that is younger than that. */
static const struct account *known_account(const struct login *login, struct session *ret)
{
    int64_t now_s = clock_now_s(), max_age = json_int(login->asked, "max_age");
    if (!session_find(login->idp, login->request, now_s, ret) || (max_age >= 0 && now_s - ret->auth_time_s >= max_age))
        return NULL;
    return session_account(login->request, ret);
}

static void show_form(const struct login *login, const struct account *known, const char *username, const char *problem,
                      int status)
{
    AUTO_FREE char *action = xasprintf("%s" AUTHORIZE_PATH, login->request->base);
    AUTO_FREE char *password = xasprintf("%s" PASSWORD_PATH, login->request->base);
    char destination[ORIGIN_SIZE] = "";

    (void)url_origin(json_text(login->asked, "redirect_uri"), destination); /* it was checked when it was asked */
    const struct login_page page = {
        .action = action,
        .client_title = idp_client(login->idp, json_text(login->asked, "client_id"))->title,
        .destination = destination,
        .ticket = login->ticket,
        .username = strlen(username) <= ACCOUNT_TEXT_MAX ? username : "",
        .problem = problem,
        .password_path = password,
    };
    if (known)
        page_continue(login->answer, &page, known->name);
    else
        page_login(login->answer, status, &page);
}

void authorize_get(struct idp *idp, const struct request *request, struct answer *a)
{
    AUTO_JSON json_t *asked = authorize_read(idp, request, a);
    AUTO_FREE char *ticket = NULL;
    struct session session;
    struct error err = {0};

    if (!asked)
        return;
    if (form_seal(idp, request, FORM_PAGE, asked, &ticket, a, &err) != 0) {
        page_problem(a, 400, err.detail);
        return;
    }
    const struct login login = {idp, request, asked, ticket, a};
    show_form(&login, known_account(&login, &session), request_param(request, "login_hint"), "", 200);
}

/* --- Taking back --- */

/* Does core know the scope? Asked only for people who have shown who they are. */
static int scope_check(const struct login *login, const struct account *account, struct error *err)
{
    AUTO_JSON json_t *meaning = NULL;
    struct scope scope;

    int r = scope_parse(json_text(login->asked, "scope"), SCOPE_SEVERAL, &scope, err);
    return r ? r : login->idp->core.scope(login->idp->core.ctx, scope.resource, account->oid, &meaning, err);
}

static void send_code(const struct login *login, const struct account *account, const struct session *session)
{
    char code[SECRET_SIZE];
    struct error err = {0};

    json_object_set_new(login->asked, "oid", json_string(account->oid));
    json_object_set_new(login->asked, "auth_time", json_integer(session->auth_time_s));
    json_object_set_new(login->asked, "session", json_string(session->id));
    int r = scope_check(login, account, &err);
    if (r != 0) {
        authorize_back(login->idp, login->asked, "error", oauth_error_for(r),
                       r == E_NOT_FOUND ? "The scope is not known" : "", login->answer);
        return;
    }
    code_issue(login->idp->codes, login->asked, clock_mono_ms(), code);
    authorize_back(login->idp, login->asked, "code", code, "", login->answer);
}

void login_finish(struct idp *idp, const struct request *request, json_t *asked, const struct account *account,
                  struct answer *a)
{
    const struct login login = {idp, request, asked, "", a};
    struct session session;

    session_begin(idp, request, account, &session, a);
    send_code(&login, account, &session);
}

static void on_password(const struct login *login)
{
    const struct request *request = login->request;
    const struct signin signin = signin_of_form(request, json_text(login->asked, "client_id"));
    const struct account *account;
    struct error err = {0};

    int r = signin_check(login->idp, &signin, &account, &login->answer->retry_after_s, &err);
    if (r != 0) {
        show_form(login, NULL, signin.who, err.detail, signin_http_status(r));
        return;
    }
    if (account->must_change)
        change_show(login->idp, request, login->asked, signin.who, login->answer);
    else
        login_finish(login->idp, request, login->asked, account, login->answer);
}

static void on_continue(const struct login *login)
{
    struct session session;
    struct error err = {0};
    const struct account *account = known_account(login, &session);

    if (!account) {
        show_form(login, NULL, "", "The last sign-in is too long ago", 403);
        return;
    }
    const struct event event = {
        .kind = EVENT_SIGNIN,
        .subject = account->oid,
        .method = "session",
        .client = json_text(login->asked, "client_id"),
        .address = login->request->address,
    };
    if (event_record(login->idp, &event, &err) == 0)
        send_code(login, account, &session);
    else
        show_form(login, account, "", err.detail, 503);
}

static void on_other(const struct login *login)
{
    session_end(login->idp, login->request, login->answer);
    show_form(login, NULL, "", "", 200);
}

static void on_cancel(const struct login *login)
{
    authorize_back(login->idp, login->asked, "error", "access_denied", "The person did not sign in", login->answer);
}

/* The buttons of the two forms by their names; "Sign in" has none. */
static const struct {
    const char *name;
    void (*run)(const struct login *login);
} BUTTONS[] = {
    {"cancel", on_cancel},
    {"continue", on_continue},
    {"other", on_other},
};

void authorize_post(struct idp *idp, const struct request *request, struct answer *a)
{
    AUTO_JSON json_t *asked = NULL;
    const char *ticket = request_param(request, "ticket");

    if (*ticket == '\0') {
        authorize_get(idp, request, a);
        return;
    }
    if (!form_is_ours(idp, request, FORM_PAGE, &asked, a))
        return;
    const struct login login = {idp, request, asked, ticket, a};
    for (size_t i = 0; i < ARRAY_LEN(BUTTONS); i++)
        if (*request_param(request, BUTTONS[i].name)) {
            BUTTONS[i].run(&login);
            return;
        }
    on_password(&login);
}
