/* Reading and making cookies. Runs on airlock-idp's workers. */
#include "idp/cookie.h"

#include <string.h>

#include "base/crypto.h"
#include "idp/ticket.h"

#define BROWSER_COOKIE "airlock_browser"
#define SESSION_COOKIE "airlock_session"
#define SESSION_BINDING "session" /* a browser's value is hex, so it is never this */
#define SESSION_TEXT_MAX 1024

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
static void cookie_set(const struct idp *idp, const char *name, const char *value, int max_age, struct answer *a)
{
    AUTO_FREE char *age = max_age < 0 ? xstrdup("") : xasprintf("; Max-Age=%d", max_age);
    free(a->cookie);
    a->cookie = xasprintf("%s=%s; Path=%s" AUTHORIZE_PATH "; HttpOnly; SameSite=Strict%s%s", name, value,
                          idp->tenant_path, idp->https ? "; Secure" : "", age);
}

void browser_read(const char *cookies, char out[static BROWSER_SIZE])
{
    unsigned char bytes[BROWSER_SIZE / 2];

    if (!cookie_find(cookies, BROWSER_COOKIE, out, BROWSER_SIZE) || !hex_decode(out, bytes, sizeof bytes))
        out[0] = '\0';
}

void browser_renew(const struct idp *idp, const char *cookies, char out[static BROWSER_SIZE], struct answer *a)
{
    unsigned char bytes[BROWSER_SIZE / 2];

    browser_read(cookies, out);
    if (*out == '\0') {
        random_fill(bytes, sizeof bytes);
        hex_encode(bytes, sizeof bytes, out);
    }
    cookie_set(idp, BROWSER_COOKIE, out, FORM_LIFETIME_S, a);
}

void session_begin(const struct idp *idp, const struct account *account, int64_t auth_time_s, struct answer *a)
{
    AUTO_JSON json_t *content = json_pack("{s:s, s:I}", "oid", account->oid, "auth_time", (json_int_t)auth_time_s);
    AUTO_FREE char *text = NULL;

    if (ticket_seal(idp->ticket_key, SESSION_BINDING, content, auth_time_s + SESSION_LIFETIME_S, &text, NULL) == 0)
        cookie_set(idp, SESSION_COOKIE, text, -1, a); /* without it the next token takes a password again */
}

void session_end(const struct idp *idp, struct answer *a)
{
    cookie_set(idp, SESSION_COOKIE, "", 0, a);
}

const struct account *session_find(const struct idp *idp, const char *cookies, int64_t now_s, int64_t *ret_auth_time_s)
{
    char text[SESSION_TEXT_MAX];
    AUTO_JSON json_t *content = NULL;

    if (!cookie_find(cookies, SESSION_COOKIE, text, sizeof text) ||
        ticket_open(idp->ticket_key, SESSION_BINDING, text, now_s, &content, NULL) != 0)
        return NULL;
    const struct account *account = accounts_by_oid(idp->accounts, json_text(content, "oid"));
    if (!account || account->disabled)
        return NULL;
    *ret_auth_time_s = json_int(content, "auth_time");
    return account;
}
