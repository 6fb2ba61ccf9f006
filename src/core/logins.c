/* Writes log-ins into the audit log. Part of airlock-core; decides nothing about them. */
#include "core/logins.h"

#include <string.h>

#include "core/audit.h"

/* What happened there and what it is called here. Without a kind it is a refusal of somebody whom nobody knows, and
 * counted as those are. */
static const struct {
    const char *event;
    const char *kind;
} EVENTS[] = {
    {"signin", "login"},
    {"refused", NULL},
    {"lockout", "login.locked"},
    {"device", "login.device"},
    {"denied", "login.denied"},
    {"reuse", "login.token_reused"},
    {"replay", "login.code_reused"},
    {"revoked", "login.token_revoked"},
    {"logout", "logout"},
    {"password", "login.password_changed"},
};

static const char *const DETAILS[] = {"method", "client", "reason"};

static int login_add(struct core *core, const struct call *call, const char *kind, struct error *err)
{
    json_t *detail = json_object();
    for (size_t i = 0; i < ARRAY_LEN(DETAILS); i++)
        if (*json_text(call->in, DETAILS[i]))
            json_object_set(detail, DETAILS[i], json_object_get(call->in, DETAILS[i]));
    return audit_add(core, call, kind, json_text(call->in, "subject"), detail, err);
}

static int login_refused(struct core *core, const struct call *call, struct error *err)
{
    struct error why = {0};
    (void)error_set(&why, E_UNAUTHENTICATED, "%s", json_text(call->in, "reason"));
    return audit_refusal(core, call, &why, err);
}

/* A lock of an account is told each time: the lock itself bounds how often. One of an address alone is a refusal. */
static bool is_counted(const struct call *call, const char *kind)
{
    return !kind || (strcmp(kind, "login.locked") == 0 && *json_text(call->in, "subject") == '\0');
}

int idp_event(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    const char *event = json_text(call->in, "event");

    for (size_t i = 0; i < ARRAY_LEN(EVENTS); i++) {
        if (strcmp(EVENTS[i].event, event) != 0)
            continue;
        int r = is_counted(call, EVENTS[i].kind) ? login_refused(core, call, err)
                                                 : login_add(core, call, EVENTS[i].kind, err);
        if (r == 0)
            *ret_ok = json_object();
        return r;
    }
    return error_set(err, E_INVALID, "There is no such event");
}
