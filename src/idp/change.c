/* Changing a password. Runs on airlock-idp's workers; neither password is kept or logged. */
#include "idp/change.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "idp/event.h"
#include "idp/form.h"
#include "idp/ledger.h"
#include "idp/login.h"
#include "idp/page.h"
#include "idp/signin.h"

#define CHANGE_FORM "change"

/* What people choose first when twelve characters are asked for. Letter case does not matter. */
static const char *const COMMON[] = {
    "123456789012",     "1234567890123",
    "1234567890ab",     "123123123123",
    "1q2w3e4r5t6y",     "1qaz2wsx3edc",
    "abc123abc123",     "abcdefghijkl",
    "administrator",    "administrator1",
    "adminadmin12",     "asdfghjkl123",
    "changeme1234",     "correcthorsebatterystaple",
    "dragondragon",     "football1234",
    "iloveyou1234",     "letmeinletmein",
    "monkeymonkey",     "p@ssw0rd1234",
    "passw0rd1234",     "password1234",
    "password12345",    "password123456",
    "passwordpassword", "qwerty123456",
    "qwertyqwerty",     "qwertyuiop12",
    "qwertyuiop123",    "superman1234",
    "trustno1trustno1", "welcome12345",
    "zaq12wsxcde3",
};

/* --- What may be a password --- */

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80; /* a character's first byte */
    return count;
}

static bool is_common(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(COMMON); i++)
        if (strcasecmp(COMMON[i], text) == 0)
            return true;
    return strspn(text, (const char[]){text[0], '\0'}) == strlen(text); /* one character over and over */
}

const char *change_problem(const struct account *account, const char *before, const char *next, const char *again)
{
    if (strcmp(next, again) != 0)
        return "The two new passwords are not the same";
    if (characters(next) < PASSWORD_MIN)
        return "The new password must have at least 12 characters";
    if (strlen(next) > PASSWORD_MAX)
        return "The new password is too long: at most 1024 bytes";
    if (strcmp(next, before) == 0)
        return "The new password must not be the old one";
    if (strcasecmp(next, account->name) == 0 || strcasecmp(next, account->email) == 0)
        return "The new password must not be your name or e-mail address";
    if (is_common(next))
        return "The new password is one of those that are guessed first";
    return NULL;
}

/* --- The form --- */

/* A change under way. */
struct change {
    struct idp *idp;
    const struct request *request;
    json_t *content;    /* of the form: "asked" where a login goes on afterwards */
    const char *ticket; /* content, sealed */
    struct answer *answer;
};

static void show(const struct change *change, const char *username, const char *problem, int status)
{
    AUTO_FREE char *action = xasprintf("%s" PASSWORD_PATH, change->request->base);
    const json_t *asked = json_object_get(change->content, "asked");
    char destination[ORIGIN_SIZE] = "";

    if (asked)
        (void)url_origin(json_text(asked, "redirect_uri"), destination); /* it was checked when it was asked */
    const struct change_page page = {
        .action = action,
        .ticket = change->ticket,
        .destination = destination,
        .username = strlen(username) <= ACCOUNT_TEXT_MAX ? username : "",
        .problem = problem,
        .is_first = asked != NULL,
    };
    page_change(change->answer, status, &page);
}

void change_show(struct idp *idp, const struct request *request, const json_t *asked, const char *username,
                 struct answer *a)
{
    AUTO_JSON json_t *content = json_object();
    AUTO_FREE char *ticket = NULL;
    struct error err = {0};

    if (asked)
        json_object_set_new(content, "asked", json_deep_copy(asked));
    if (form_seal(idp, request, CHANGE_FORM, content, &ticket, a, &err) != 0) {
        page_problem(a, 400, err.detail);
        return;
    }
    const struct change change = {idp, request, content, ticket, a};
    show(&change, username, "", 200);
}

void password_get(struct idp *idp, const struct request *request, struct answer *a)
{
    if (request_is_plain(request))
        change_show(idp, request, NULL, "", a);
    else
        page_problem(a, 400, "The request names something twice.");
}

/* --- Taking it back --- */

/* On record before it happens, as every sign-in is. */
static int put(const struct change *change, const struct account *account, const char *next, struct error *err)
{
    const struct event event = {
        .kind = EVENT_PASSWORD,
        .subject = account->oid,
        .method = "password",
        .address = change->request->address,
    };
    int r = event_record(change->idp, &event, err);
    return r ? r : ledger_set_password(change->idp, account->oid, account->password_hash, next, err);
}

static void finish(const struct change *change, const char *oid)
{
    AUTO_ACCOUNTS struct accounts *accounts = idp_accounts(change->idp);
    const struct account *account = accounts_by_oid(accounts, oid);
    json_t *asked = json_object_get(change->content, "asked");

    log_info("%s changed the password", oid);
    if (asked && account && !account->disabled)
        login_finish(change->idp, change->request, asked, account, change->answer);
    else
        page_done(change->answer, "Password changed",
                  "Every older sign-in has ended. Go back to where you came from and sign in with the new password.");
}

void password_post(struct idp *idp, const struct request *request, struct answer *a)
{
    AUTO_JSON json_t *content = NULL;
    const struct account *account;
    struct error err = {0};

    if (!form_is_ours(idp, request, CHANGE_FORM, &content, a))
        return;
    const struct change change = {idp, request, content, request_param(request, "ticket"), a};
    const struct signin signin = signin_of_form(request, json_text(json_object_get(content, "asked"), "client_id"));
    const char *next = request_param(request, "new_password");
    int r = signin_check(idp, &signin, &account, &a->retry_after_s, &err);
    if (r != 0) {
        show(&change, signin.who, err.detail, signin_http_status(r));
        return;
    }
    const char *problem = change_problem(account, signin.secret, next, request_param(request, "new_password_again"));
    if (problem)
        show(&change, signin.who, problem, 422);
    else if ((r = put(&change, account, next, &err)) != 0)
        show(&change, signin.who, err.detail, error_http_status(r));
    else
        finish(&change, account->oid);
}
