/* What a mail about one request says: the values that templates may name (notify/value.def). Part of airlock-core. */
#include <string.h>

#include "base/clock.h"
#include "core/link.h"
#include "core/notices.h"

#define LINK_TEXT_MAX 4096

char *notice_time(int64_t us)
{
    char iso[CLOCK_TEXT_MAX];

    clock_format_iso(us, iso); /* 2026-11-27T07:15:00Z */
    return xasprintf("%.10s %.5s UTC", iso, iso + 11);
}

char *notice_portal_url(const struct core *core, const char *workspace, const char *request)
{
    return xasprintf("%s/workspaces/%s/requests/%s", core->config.portal_url, workspace, request);
}

json_t *notice_pack(const struct recipient *who, const char *template, json_t *data_stolen)
{
    return json_pack("{s:{s:s, s:s}, s:s, s:o}", "to", "address", who->email, "name", who->name, "template", template,
                     "data", data_stolen);
}

static void set(json_t *data, const char *name, const char *value)
{
    json_object_set_new(data, name, json_string(value));
}

/* As stored in createdBy, updatedBy and reviews: a person has a token of somebody's, the system has none. */
static void set_name(json_t *data, const char *name, const char *stored)
{
    AUTO_JSON json_t *who = json_loads(stored, 0, NULL);
    set(data, name, *json_text(who, "audience") ? json_text(who, "name") : "airlock");
}

/* --- Who did it, and why --- */

/* The decision that a status follows from; NULL: none. */
static const char *decision_behind(enum status status)
{
    switch (status) {
    case STATUS_APPROVAL_IN_PROGRESS:
    case STATUS_APPROVED:
        return "approved";
    case STATUS_REJECTION_IN_PROGRESS:
    case STATUS_REJECTED:
        return "rejected";
    case STATUS_REVOKED:
        return "revoked";
    default:
        return NULL;
    }
}

/* 1: a reviewer, with their words. */
static int set_reviewer(struct core *core, const struct delivery *d, enum status status, json_t *data,
                        struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    const char *decision = decision_behind(status);
    int r = decision ? db_first(core->db, Q_REVIEW_LAST, ARGS(DB_T(d->request), DB_T(decision), DB_I(d->at)), &row, err) : 0;

    if (r != 1)
        return r;
    set_name(data, "actor", db_text(row, 0));
    set(data, "reason", db_text(row, 1));
    return 1;
}

/* Whoever brought about that version, which may be an older one by now. */
static int set_actor(struct core *core, const struct delivery *d, const struct request *req, json_t *data,
                     struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = 0;

    if (req->version == d->version)
        set_name(data, "actor", req->updated_by);
    else if ((r = db_first(core->db, Q_HISTORY_GET, ARGS(DB_T(req->id), DB_I(d->version)), &row, err)) == 1)
        set_name(data, "actor", db_text(row, 0));
    return r < 0 ? r : 0;
}

static int set_cause(struct core *core, const struct delivery *d, const struct request *req, enum status status,
                     const json_t *document, json_t *data, struct error *err)
{
    int r = set_reviewer(core, d, status, data, err);

    if (r != 0)
        return r < 0 ? r : 0;
    set(data, "reason", json_text(document, "status_message"));
    return set_actor(core, d, req, data, err);
}

/* --- The link of the final notice --- */

/* Only to the requestor, while it holds, and as the workspace allows. */
static int set_link(struct core *core, const struct call *call, const struct delivery *d, const struct request *req,
                    const struct workspace *w, const struct recipient *who, json_t *data, struct error *err)
{
    AUTO_STR struct str url = STR_INIT(LINK_TEXT_MAX);
    int64_t seconds = w->policy.notice_link_s;

    if (seconds == 0 || req->status != STATUS_APPROVED || req->version != d->version ||
        strcmp(who->subject, req->creator) != 0)
        return 0;
    int r = link_for_notice(core, call, req, seconds, &url, err);
    if (r != 0 || url.len == 0)
        return r;
    AUTO_FREE char *until = notice_time(call->now + seconds * SECOND_US);
    set(data, "link", str_text(&url));
    set(data, "link_expires", until);
    return 0;
}

/* --- The whole --- */

static const char *role_words(unsigned whom)
{
    switch (whom) {
    case NOTIFY_MANAGERS:
        return role_display_name(ROLE_MANAGER);
    case NOTIFY_OWNERS:
        return role_display_name(ROLE_OWNER);
    case NOTIFY_RESEARCHERS:
        return role_display_name(ROLE_RESEARCHER);
    default:
        return "requestor";
    }
}

static json_t *data_of(const struct core *core, const struct delivery *d, const struct request *req,
                       const struct workspace *w, enum status status, unsigned whom)
{
    AUTO_FREE char *url = notice_portal_url(core, w->id, req->id);
    json_t *data = json_object();

    set(data, "request_id", req->id);
    set(data, "title", req->title);
    set(data, "workspace", w->display_name);
    set(data, "workspace_id", w->id);
    set(data, "direction", request_type_name(req->type));
    set(data, "status", status_name(status));
    set(data, "status_text", notice_status_words(status));
    set(data, "what_next", notice_next(status, req->type, whom));
    set(data, "portal_url", url);
    set(data, "role", role_words(whom));
    set_name(data, "requestor", req->created_by);
    if (status == STATUS_IN_REVIEW) {
        AUTO_FREE char *since = notice_time(d->at);
        set(data, "waiting_since", since);
    }
    return data;
}

static void set_files(const json_t *document, json_t *data)
{
    int64_t count = json_int(json_object_get(document, "request"), "file_count");
    AUTO_FREE char *text = xasprintf("%lld", (long long)count);

    set(data, "files", count ? text : "");
}

int notice_mail(struct core *core, const struct call *call, const struct delivery *delivery, const struct request *req,
                const struct notice_detail *detail, const struct recipient *who, json_t **ret_mail, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    AUTO_JSON json_t *document = json_loads(delivery->document, 0, NULL);
    enum status status = req->status;
    int r = workspace_load(core, req->workspace, &w, err);

    if (r != 0)
        return r;
    (void)status_by_name(json_text(document, "status"), &status); /* the event's, which may be over */
    AUTO_JSON json_t *data = data_of(core, delivery, req, &w, status, detail->whom);
    set_files(document, data);
    r = set_cause(core, delivery, req, status, document, data, err);
    if (r == 0 && status == STATUS_APPROVED)
        r = set_link(core, call, delivery, req, &w, who, data, err);
    if (r == 0)
        *ret_mail = notice_pack(who, detail->template, json_incref(data));
    return r;
}
