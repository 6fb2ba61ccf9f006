/* Audit rows and the counting of anonymous refusals. Part of airlock-core. */
#include "core/audit.h"

#include <stdio.h>
#include <string.h>

#define REFUSALS_MAX 512
#define MINUTE_US 60000000

/* Refusals of one reason and address prefix in one minute: without a valid credential, by one link, or of one person
 * who came too often. */
struct refusal_count {
    int64_t minute;
    int code;
    enum message message;
    char prefix[ADDRESS_MAX];
    char link_id[SAS_LINK_ID_DIGITS + 1];
    char subject[SUBJECT_MAX]; /* who came too often */
    char workspace[UUID_TEXT_SIZE];
    char request[UUID_TEXT_SIZE];
    int64_t count; /* beyond the one that was written at once */
};

struct refusals {
    struct refusal_count rows[REFUSALS_MAX];
};

struct refusals *refusals_new(void)
{
    return xcalloc(1, sizeof(struct refusals));
}

void refusals_free(struct refusals *refusals)
{
    free(refusals);
}

static int audit_insert(struct core *core, const struct call *call, const char *kind, const char *subject,
                        const char *address, const json_t *detail, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(1 << 20);

    if (detail)
        json_append_value(&text, detail);
    else
        str_append(&text, "{}");
    int r =
        db_exec(core->db, Q_AUDIT_ADD,
                ARGS(DB_I(call->now), DB_T(kind), DB_T(*call->workspace ? call->workspace : NULL),
                     DB_T(*call->request ? call->request : NULL), DB_T(subject), DB_T(address), DB_T(str_text(&text))),
                err);
    return r < 0 ? r : 0;
}

int audit_add(struct core *core, const struct call *call, const char *kind, const char *subject, json_t *detail_stolen,
              struct error *err)
{
    AUTO_JSON json_t *detail = detail_stolen;

    if (!*subject)
        subject = call->who.known ? call->who.subject : "";
    if (detail && *call->link_id)
        json_object_set_new(detail, "link", json_string(call->link_id));
    return audit_insert(core, call, kind, subject, call->address, detail, err);
}

void call_about(const struct call *call, const char *workspace, const char *request, struct call *ret)
{
    *ret = *call;
    (void)str_copy(ret->workspace, sizeof ret->workspace, workspace); /* ids fit */
    (void)str_copy(ret->request, sizeof ret->request, request);
}

bool audit_is_refusal(int code)
{
    switch (code) {
    case E_UNAUTHENTICATED:
    case E_FORBIDDEN:
    case E_NOT_FOUND:
    case E_DISABLED:
    case E_CONFLICT:
    case E_TOO_LARGE:
    case E_STALE:
    case E_RATE:
    case E_SAS:
    case E_SAS_PERMISSION:
    case E_SAS_PROTOCOL:
    case E_SAS_ADDRESS:
    case E_ZONE:
    case E_NO_CREDENTIALS:
        return true;
    default:
        return false;
    }
}

/* /24 of an IPv4 address, the first 20 characters of anything else. */
static void address_prefix(const char *address, char out[static ADDRESS_MAX])
{
    const char *last = strrchr(address, '.');
    size_t len = last ? (size_t)(last - address) : strnlen(address, 20);
    (void)snprintf(out, ADDRESS_MAX, "%.*s", (int)len, address);
}

/* Who came too often; other refusals of a person are not counted but written. */
static const char *refused_too_often(const struct call *call, int code)
{
    return code == E_RATE && call->who.known ? call->who.subject : "";
}

static bool refusal_is_like(const struct refusal_count *row, const struct call *call, int code, const char *prefix)
{
    return row->minute == call->now / MINUTE_US && row->code == code && row->message == call->message &&
           strcmp(row->prefix, prefix) == 0 && strcmp(row->link_id, call->link_id) == 0 &&
           strcmp(row->subject, refused_too_often(call, code)) == 0;
}

/* true: this one is the first of its kind in this minute and is written at once. */
static bool refusal_is_first(struct refusals *refusals, const struct call *call, int code)
{
    struct refusal_count *empty = NULL;
    char prefix[ADDRESS_MAX];

    address_prefix(call->address, prefix);
    for (size_t i = 0; i < REFUSALS_MAX; i++) {
        struct refusal_count *row = &refusals->rows[i];
        if (row->minute == 0)
            empty = row;
        else if (refusal_is_like(row, call, code, prefix)) {
            row->count++;
            return false;
        }
    }
    if (!empty)
        return *call->link_id; /* a flood from everywhere: the table bounds what strangers can write */
    *empty = (struct refusal_count){.minute = call->now / MINUTE_US, .code = code, .message = call->message};
    (void)str_copy(empty->prefix, sizeof empty->prefix, prefix); /* the sizes are the same on both sides */
    (void)str_copy(empty->link_id, sizeof empty->link_id, call->link_id);
    (void)str_copy(empty->subject, sizeof empty->subject, refused_too_often(call, code));
    (void)str_copy(empty->workspace, sizeof empty->workspace, call->workspace);
    (void)str_copy(empty->request, sizeof empty->request, call->request);
    return true;
}

int audit_refusal(struct core *core, const struct call *call, const struct error *why, struct error *err)
{
    const char *account = json_text(call->in, "account");

    bool counted = !call->who.known || why->code == E_RATE;

    if (counted && !refusal_is_first(core->refusals, call, why->code))
        return 0;
    AUTO_JSON json_t *detail = json_pack("{s:s, s:s}", "op", message_op(call->message), "code", error_name(why->code));
    json_t *reason = json_string(why->detail); /* NULL when cut inside a character */
    if (reason)
        json_object_set_new(detail, "reason", reason);
    if (*account)
        json_object_set_new(detail, "account", json_string(account));
    if (*call->link_id)
        json_object_set_new(detail, "link", json_string(call->link_id));
    return audit_insert(core, call, "refused", call->who.known ? call->who.subject : "", call->address, detail, err);
}

static int refusal_tell(struct core *core, const struct refusal_count *row, int64_t now, struct error *err)
{
    struct call call = {.now = now};
    AUTO_JSON json_t *detail =
        json_pack("{s:s, s:s, s:I, s:I}", "op", message_op(row->message), "code", error_name(row->code), "minute",
                  (json_int_t)row->minute, "more", (json_int_t)row->count);

    if (*row->link_id)
        json_object_set_new(detail, "link", json_string(row->link_id));
    (void)str_copy(call.workspace, sizeof call.workspace, row->workspace);
    (void)str_copy(call.request, sizeof call.request, row->request);
    return audit_insert(core, &call, "refused", row->subject, row->prefix, detail, err);
}

int audit_flush_refusals(struct core *core, int64_t now, struct error *err)
{
    for (size_t i = 0; i < REFUSALS_MAX; i++) {
        struct refusal_count *row = &core->refusals->rows[i];
        if (row->minute == 0 || row->minute == now / MINUTE_US)
            continue;
        int r = row->count > 0 ? refusal_tell(core, row, now, err) : 0;
        if (r != 0)
            return r;
        *row = (struct refusal_count){0};
    }
    return 0;
}
