/* Reading and making cookies. Runs on airlock-idp's workers. */
#include "idp/cookie.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"

#define BROWSER_COOKIE "airlock_browser"
#define SESSION_COOKIE "airlock_session"

/* Copies the value of a cookie; false when it is not there or does not fit. The first of a name counts. */
static bool cookie_find(const char *cookies, const char *name, char *out, size_t out_size)
{
    size_t name_len = strlen(name), len;

    for (const char *at = cookies; *at; at += len + strspn(at + len, "; ")) {
        len = strcspn(at, "; ");
        if (len <= name_len || memcmp(at, name, name_len) != 0 || at[name_len] != '=')
            continue;
        AUTO_FREE char *value = xstrndup(at + name_len + 1, len - name_len - 1);
        return str_copy(out, out_size, value);
    }
    return false;
}

/* max_age below 0: until the browser closes. */
static void cookie_set(const struct idp *idp, const struct request *request, const char *name, const char *value,
                       int max_age, struct answer *a)
{
    AUTO_FREE char *age = max_age < 0 ? xstrdup("") : xasprintf("; Max-Age=%d", max_age);
    free(a->cookie);
    a->cookie = xasprintf("%s=%s; Path=%s; HttpOnly; SameSite=Strict%s%s", name, value, request->base,
                          idp->https ? "; Secure" : "", age);
}

void browser_read(const char *cookies, char out[static BROWSER_SIZE])
{
    unsigned char bytes[BROWSER_SIZE / 2];

    if (!cookie_find(cookies, BROWSER_COOKIE, out, BROWSER_SIZE) || !hex_decode(out, bytes, sizeof bytes))
        out[0] = '\0';
}

void browser_renew(const struct idp *idp, const struct request *request, char out[static BROWSER_SIZE],
                   struct answer *a)
{
    unsigned char bytes[BROWSER_SIZE / 2];

    browser_read(request->cookie, out);
    if (*out == '\0') {
        random_fill(bytes, sizeof bytes);
        hex_encode(bytes, sizeof bytes, out);
    }
    cookie_set(idp, request, BROWSER_COOKIE, out, FORM_LIFETIME_S, a);
}

void session_begin(struct idp *idp, const struct request *request, const struct account *account, struct session *ret,
                   struct answer *a)
{
    char secret[SECRET_SIZE];

    session_add(idp->sessions, account->oid, account_begin(account, request->arrived_s), secret, ret);
    cookie_set(idp, request, SESSION_COOKIE, secret, -1, a);
    secret_wipe(secret, sizeof secret);
}

bool session_find(struct idp *idp, const struct request *request, int64_t now_s, struct session *ret)
{
    char secret[SECRET_SIZE];
    return cookie_find(request->cookie, SESSION_COOKIE, secret, sizeof secret) &&
           session_by_secret(idp->sessions, secret, now_s, ret);
}

void session_end(struct idp *idp, const struct request *request, struct answer *a)
{
    struct session session;

    if (session_find(idp, request, clock_now_s(), &session))
        session_remove(idp->sessions, session.id);
    cookie_set(idp, request, SESSION_COOKIE, "", 0, a);
}

const struct account *session_account(const struct request *request, const struct session *session)
{
    const struct account *account = accounts_by_oid(request->accounts, session->oid);
    return account_is_live(account, session->auth_time_s) ? account : NULL;
}
