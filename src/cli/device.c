/* The device authorization grant. Must never print the device code: who holds it gets the person's token. */
#include "cli/device.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/oauth.h"
#include "cli/text.h"
#include "cli/url.h"

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"
#define INTERVAL_DEFAULT_S 5 /* RFC 8628 section 3.2 */
#define INTERVAL_MAX_S 60
#define SLOWER_BY_S 5 /* section 3.5 */
#define LIFE_MAX_S 3600
#define DEVICE_CODE_MAX 4096
#define USER_CODE_MAX 64
#define PROMPT_MAX (4 * URL_MAX)

struct offer {
    json_t *answer; /* what the provider said, as far as it was checked */
    int64_t life_s;
    int64_t interval_s;
};

static int read_offer(const struct web_answer *answer, struct offer *offer, struct error *err)
{
    const char *text;

    int r = json_parse_object(str_text(&answer->body), answer->body.len, &offer->answer, err);
    if (!r)
        r = json_need_string(offer->answer, "device_code", DEVICE_CODE_MAX, &text, err);
    if (!r)
        r = json_need_string(offer->answer, "user_code", USER_CODE_MAX, &text, err);
    if (!r)
        r = json_need_string(offer->answer, "verification_uri", URL_MAX, &text, err);
    if (!r)
        r = json_need_int(offer->answer, "expires_in", 1, INT32_MAX, &offer->life_s, err);
    if (!r)
        r = json_get_int(offer->answer, "interval", INTERVAL_DEFAULT_S, 0, INTERVAL_MAX_S, &offer->interval_s, err);
    return r ? error_set(err, E_PROTOCOL, "The identity provider's answer holds no usable code") : 0;
}

static int ask_code(struct web *web, const json_t *login, const char *scope, struct offer *offer, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    AUTO_STR struct str form = STR_INIT(OAUTH_FORM_MAX);
    char code[OAUTH_CODE_MAX];

    oauth_form_add_scope(&form, login, scope, true);
    int r = oauth_post(web, login, json_text(login, "device_authorization_endpoint"), &form, &answer, err);
    if (r)
        return r;
    if (answer.status != 200)
        return oauth_refused(&answer, code, err);
    r = read_offer(&answer, offer, err);
    return r ? r : url_check_private(json_text(offer->answer, "verification_uri"), err);
}

/* Everything here comes from the provider and goes to a terminal. */
static void show_code(const json_t *answer)
{
    AUTO_STR struct str text = STR_INIT(PROMPT_MAX);
    const char *whole = json_text(answer, "verification_uri_complete");

    str_append(&text, "Open this address in a browser, on any device:\n\n  ");
    text_append_safe(&text, json_text(answer, "verification_uri"));
    str_append(&text, "\n\nand enter the code\n\n  ");
    text_append_safe(&text, json_text(answer, "user_code"));
    if (*whole && strlen(whole) < URL_MAX && url_check_private(whole, NULL) == 0) {
        str_append(&text, "\n\nor open this one and compare the code:\n\n  ");
        text_append_safe(&text, whole);
    }
    str_append(&text, "\n\nWaiting; Ctrl-C gives up.\n");
    (void)fputs(str_text(&text), stderr);
}

enum device_step device_judge(int error, const char *code)
{
    if (strcmp(code, "authorization_pending") == 0)
        return DEVICE_AGAIN;
    if (strcmp(code, "slow_down") == 0 || error == E_UNAVAILABLE || error == E_RATE)
        return DEVICE_SLOWER;
    return DEVICE_OVER;
}

static int explain_end(int error, const char *code, struct error *err)
{
    if (strcmp(code, "access_denied") == 0)
        return error_set(err, E_UNAUTHENTICATED, "The login was refused in the browser");
    if (strcmp(code, "expired_token") == 0)
        return error_set(err, E_UNAUTHENTICATED, "Nobody entered the code in time");
    return error; /* err has the provider's own words */
}

static int poll_once(struct web *web, const json_t *login, const char *scope, const char *device_code, json_t **ret,
                     char code[static OAUTH_CODE_MAX], struct error *err)
{
    AUTO_STR struct str form = STR_INIT(OAUTH_FORM_MAX);
    AUTO_FREE char *resource = oauth_resource(login, scope);

    oauth_form_add(&form, "grant_type", DEVICE_GRANT);
    oauth_form_add(&form, "device_code", device_code);
    if (resource)
        oauth_form_add(&form, "resource", resource);
    return oauth_token(web, login, &form, ret, code, err);
}

static int await_person(struct web *web, const json_t *login, const char *scope, const struct offer *offer,
                        json_t **ret, struct error *err)
{
    int64_t life_s = offer->life_s < LIFE_MAX_S ? offer->life_s : LIFE_MAX_S;
    int64_t deadline = clock_mono_ms() + life_s * 1000;
    int64_t interval_s = offer->interval_s > 0 ? offer->interval_s : 1;
    char code[OAUTH_CODE_MAX];

    while (clock_mono_ms() + interval_s * 1000 < deadline) {
        struct timespec wait = {.tv_sec = (time_t)interval_s};
        (void)nanosleep(&wait, NULL); /* a stopped and continued program asks a little early: harmless */
        int r = poll_once(web, login, scope, json_text(offer->answer, "device_code"), ret, code, err);
        if (!r)
            return 0;
        enum device_step step = device_judge(r, code);
        if (step == DEVICE_OVER)
            return explain_end(r, code, err);
        if (step == DEVICE_SLOWER && interval_s < INTERVAL_MAX_S)
            interval_s += SLOWER_BY_S;
    }
    return explain_end(E_UNAUTHENTICATED, "expired_token", err);
}

int device_login(struct web *web, const json_t *login, const char *scope, json_t **ret, struct error *err)
{
    struct offer offer = {0};

    if (!*json_text(login, "device_authorization_endpoint"))
        return error_set(err, E_CONFIG,
                         "The identity provider offers no login by a code on another device: use --browser");
    int r = ask_code(web, login, scope, &offer, err);
    if (!r)
        show_code(offer.answer);
    if (!r)
        r = await_person(web, login, scope, &offer, ret, err);
    json_decref(offer.answer);
    return r;
}
