/* Telling core about log-ins. Runs on airlock-idp's workers; names no secret. */
#include "idp/event.h"

static const char *const NAMES[EVENT_KINDS] = {
    [EVENT_SIGNIN] = "signin",     [EVENT_REFUSED] = "refused", [EVENT_LOCKOUT] = "lockout", [EVENT_DEVICE] = "device",
    [EVENT_DENIED] = "denied",     [EVENT_REUSE] = "reuse",     [EVENT_REVOKED] = "revoked", [EVENT_LOGOUT] = "logout",
    [EVENT_PASSWORD] = "password", [EVENT_REPLAY] = "replay",
};

/* Texts may come from outside: what is not UTF-8 is left out. */
static void set_text(json_t *fields, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(fields, name, json_string(text));
}

int event_record(struct idp *idp, const struct event *event, struct error *err)
{
    json_t *fields = json_pack("{s:s}", "event", NAMES[event->kind]);

    set_text(fields, "subject", event->subject);
    set_text(fields, "method", event->method);
    set_text(fields, "client", event->client);
    set_text(fields, "address", event->address);
    set_text(fields, "reason", event->reason);
    return idp->core.event(idp->core.ctx, fields, err);
}
