/* The person's side of the device flow (RFC 8628 §3.3): type the code, see who asks for what, sign in, and say yes or
 * no. Runs on airlock-idp's workers. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "idp/change.h"
#include "idp/cookie.h"
#include "idp/event.h"
#include "idp/form.h"
#include "idp/page.h"
#include "idp/scope.h"
#include "idp/signin.h"

/* The two forms, so that neither counts as the other. */
#define CODE_FORM "device"
#define ALLOW_FORM "allow"

/* --- The code --- */

static void show_code_form(struct idp *idp, const struct request *request, int status, const char *problem,
                           struct answer *a)
{
    AUTO_FREE char *action = xasprintf("%s" DEVICE_PATH, request->base);
    AUTO_FREE char *ticket = NULL;
    AUTO_JSON json_t *nothing = json_object();
    const char *code = request_param(request, "user_code");
    struct error err = {0};

    if (form_seal(idp, request, CODE_FORM, nothing, &ticket, a, &err) != 0) {
        page_problem(a, 500, err.detail);
        return;
    }
    const struct device_page page = {
        .action = action,
        .ticket = ticket,
        .code = strlen(code) <= 2 * USER_CODE_SIZE ? code : "",
        .problem = problem,
    };
    page_device_code(a, status, &page);
}

void device_get(struct idp *idp, const struct request *request, struct answer *a)
{
    if (request_is_plain(request))
        show_code_form(idp, request, 200, "", a);
    else
        page_problem(a, 400, "The request names something twice.");
}

/* --- Who asks for what --- */

/* A grant that a person is looking at. */
struct allowing {
    struct idp *idp;
    const struct request *request;
    const json_t *content; /* of the form: "id", "code" */
    const json_t *asked;   /* by the program: "client_id", "scope" */
    const char *ticket;
    struct answer *answer;
};

static void show_allow_form(const struct allowing *allowing, const struct account *known, const char *username,
                            const char *problem, int status)
{
    AUTO_FREE char *action = xasprintf("%s" DEVICE_PATH, allowing->request->base);
    const struct device_page page = {
        .action = action,
        .ticket = allowing->ticket,
        .code = json_text(allowing->content, "code"),
        .problem = problem,
        .client_title = idp_client(allowing->idp, json_text(allowing->asked, "client_id"))->title,
        .scope = json_text(allowing->asked, "scope"),
        .username = strlen(username) <= ACCOUNT_TEXT_MAX ? username : "",
        .name = known ? known->name : NULL,
    };
    page_device_allow(allowing->answer, status, &page);
}

static const struct account *known_account(const struct allowing *allowing, struct session *ret)
{
    return session_find(allowing->idp, allowing->request, clock_now_s(), ret) ? session_account(allowing->request, ret)
                                                                              : NULL;
}

/* A wrong code: counted for the address, because codes are short enough to be guessed by who may try for ever. */
static void refuse_code(struct idp *idp, const struct request *request, const struct error *why, struct answer *a)
{
    const struct event event = {
        .kind = EVENT_REFUSED,
        .method = "device code",
        .address = request->address,
        .reason = "A device code is wrong",
    };
    struct error err = {0};

    (void)throttle_failed(idp->by_guesser, request->address, clock_mono_ms()); /* the next try meets it */
    log_warning("refused a device code from %s", request->address);
    if (event_record(idp, &event, &err) == 0)
        show_code_form(idp, request, 403, why->detail, a);
    else
        show_code_form(idp, request, 503, err.detail, a);
}

static void show_grant(struct idp *idp, const struct request *request, const char *id, const json_t *asked,
                       struct answer *a)
{
    char code[USER_CODE_SIZE];
    AUTO_FREE char *ticket = NULL;
    struct session session;
    struct error err = {0};

    (void)user_code_read(request_param(request, "user_code"), code); /* it was found, so it is one */
    AUTO_JSON json_t *content = json_pack("{s:s, s:s}", "id", id, "code", code);
    if (form_seal(idp, request, ALLOW_FORM, content, &ticket, a, &err) != 0) {
        page_problem(a, 500, err.detail);
        return;
    }
    const struct allowing allowing = {idp, request, content, asked, ticket, a};
    show_allow_form(&allowing, known_account(&allowing, &session), "", "", 200);
}

static void take_code(struct idp *idp, const struct request *request, struct answer *a)
{
    AUTO_JSON json_t *nothing = NULL;
    AUTO_JSON json_t *asked = NULL;
    char id[DEVICE_ID_SIZE];
    struct error err = {0};

    if (!form_is_ours(idp, request, CODE_FORM, &nothing, a))
        return;
    int64_t wait_ms = throttle_wait_ms(idp->by_guesser, request->address, clock_mono_ms());
    if (wait_ms > 0) {
        a->retry_after_s = (unsigned)((wait_ms + 999) / 1000);
        AUTO_FREE char *problem = xasprintf("Too many wrong codes; wait %u seconds", a->retry_after_s);
        show_code_form(idp, request, 429, problem, a);
        return;
    }
    if (device_find(idp->devices, request_param(request, "user_code"), clock_mono_ms(), id, &asked, &err) == 0)
        show_grant(idp, request, id, asked, a);
    else
        refuse_code(idp, request, &err, a);
}

/* --- The person's word --- */

/* One word, on record before the program hears it. result as in device_decide. */
static int decide(const struct allowing *allowing, const struct event *word, json_t *result, struct error *err)
{
    const char *id = json_text(allowing->content, "id");
    struct device_store *devices = allowing->idp->devices;

    int r = device_hold(devices, id, clock_mono_ms(), err);
    if (r != 0)
        return r;
    r = event_record(allowing->idp, word, err);
    if (r == 0)
        device_decide(devices, id, result);
    else
        device_release(devices, id);
    return r;
}

static struct event word_of(const struct allowing *allowing, enum event_kind kind, const char *subject,
                            const char *method)
{
    return (struct event){
        .kind = kind,
        .subject = subject,
        .method = method,
        .client = json_text(allowing->asked, "client_id"),
        .address = allowing->request->address,
    };
}

static void show_failure(const struct allowing *allowing, const struct error *err)
{
    page_problem(allowing->answer, error_http_status(err->code),
                 err->code == E_NOT_FOUND ? "The code is too old, was used already, or asks for what is not there."
                                          : err->detail);
}

static void allow(const struct allowing *allowing, const struct account *account, const struct session *session,
                  const char *method)
{
    AUTO_JSON json_t *meaning = NULL;
    AUTO_JSON json_t *result =
        json_pack("{s:s, s:s, s:s, s:I}", "oid", account->oid, "session", session->id, "scope",
                  json_text(allowing->asked, "scope"), "auth_time", (json_int_t)session->auth_time_s);
    const struct event word = word_of(allowing, EVENT_DEVICE, account->oid, method);
    struct idp *idp = allowing->idp;
    struct scope scope;
    struct error err = {0};

    int r = scope_parse(json_text(allowing->asked, "scope"), SCOPE_SEVERAL, &scope, &err);
    if (r == 0)
        r = idp->core.scope(idp->core.ctx, scope.resource, account->oid, &meaning, &err);
    if (r == 0)
        r = decide(allowing, &word, result, &err);
    if (r == 0)
        page_done(allowing->answer, "Done", "The program goes on by itself in a few seconds. You may close this page.");
    else
        show_failure(allowing, &err);
}

static void on_password(const struct allowing *allowing)
{
    const struct request *request = allowing->request;
    const struct signin signin = signin_of_form(request, json_text(allowing->asked, "client_id"));
    const struct account *account;
    struct session session;
    struct error err = {0};

    int r = signin_check(allowing->idp, &signin, &account, &allowing->answer->retry_after_s, &err);
    if (r != 0) {
        show_allow_form(allowing, NULL, signin.who, err.detail, signin_http_status(r));
        return;
    }
    if (account->must_change) { /* afterwards the code is typed again: it lives long enough */
        change_show(allowing->idp, request, NULL, signin.who, allowing->answer);
        return;
    }
    session_begin(allowing->idp, request, account, &session, allowing->answer);
    allow(allowing, account, &session, "password");
}

static void on_continue(const struct allowing *allowing)
{
    struct session session;
    const struct account *account = known_account(allowing, &session);

    if (account)
        allow(allowing, account, &session, "session");
    else
        show_allow_form(allowing, NULL, "", "The last sign-in is too long ago", 403);
}

static void on_other(const struct allowing *allowing)
{
    session_end(allowing->idp, allowing->request, allowing->answer);
    show_allow_form(allowing, NULL, "", "", 200);
}

static void on_deny(const struct allowing *allowing)
{
    struct session session;
    struct error err = {0};
    const struct account *account = known_account(allowing, &session);

    const struct event word = word_of(allowing, EVENT_DENIED, account ? account->oid : "", "");

    if (decide(allowing, &word, NULL, &err) == 0)
        page_done(allowing->answer, "Denied", "The program was told no. You may close this page.");
    else
        show_failure(allowing, &err);
}

/* The buttons of the form by their names; "Sign in and allow" has none. */
static const struct {
    const char *name;
    void (*run)(const struct allowing *allowing);
} BUTTONS[] = {
    {"deny", on_deny},
    {"continue", on_continue},
    {"other", on_other},
};

static void take_word(struct idp *idp, const struct request *request, struct answer *a)
{
    AUTO_JSON json_t *content = NULL;
    AUTO_JSON json_t *asked = NULL;
    struct error err = {0};

    if (!form_is_ours(idp, request, ALLOW_FORM, &content, a))
        return;
    struct allowing allowing = {idp, request, content, NULL, request_param(request, "ticket"), a};
    if (device_find_id(idp->devices, json_text(content, "id"), clock_mono_ms(), &asked, &err) != 0) {
        show_failure(&allowing, &err);
        return;
    }
    allowing.asked = asked;
    for (size_t i = 0; i < ARRAY_LEN(BUTTONS); i++)
        if (*request_param(request, BUTTONS[i].name)) {
            BUTTONS[i].run(&allowing);
            return;
        }
    on_password(&allowing);
}

void device_post(struct idp *idp, const struct request *request, struct answer *a)
{
    if (*request_param(request, "user_code"))
        take_code(idp, request, a);
    else
        take_word(idp, request, a);
}
