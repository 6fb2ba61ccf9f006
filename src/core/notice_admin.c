/* Rules tried out, for administrators, and each person's own choice. Part of airlock-core. */
#include <string.h>

#include "core/audit.h"
#include "core/notices.h"

#define ROWS_MAX 2000 /* in an answer */
#define CHOICE_MAX 20

/* --- Rules tried out --- */

static json_t *notice_row(const struct request *req, const struct notice *notice)
{
    const struct rule *rule = notice->rule;
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:s, s:s}", "status", status_name(req->status), "type",
                            request_type_name(req->type), "role", rule_whom_name(rule->whom), "channel", rule->channel,
                            "template", strcmp(rule->channel, RULE_MAIL) == 0 ? rule->template : "", "delaySeconds",
                            (json_int_t)rule->delay_s, "mandatory", rule_is_mandatory(req->status, rule->whom),
                            "outcome", notice_outcome_name(notice->outcome), "detail",
                            notice_outcome_words(notice->outcome));
    if (notice->has_person)
        json_object_set_new(row, "person",
                            json_pack("{s:s, s:s, s:s}", "id", notice->who.subject, "name", notice->who.name, "email",
                                      notice->who.email));
    return row;
}

static int rows_add(struct core *core, const struct request *req, json_t *rows, bool *more, struct error *err)
{
    AUTO_PLAN struct notice_plan plan = {0};
    int r = notice_plan_make(core, req, &plan, err);

    for (size_t i = 0; r == 0 && i < plan.count; i++) {
        *more = *more || json_array_size(rows) == ROWS_MAX;
        if (!*more)
            json_array_append_new(rows, notice_row(req, &plan.items[i]));
    }
    return r;
}

/* What is asked for. type: REQUEST_TYPE_COUNT is both. */
struct question {
    struct request req; /* one that there is, or one that is imagined */
    int first, last;    /* types */
};

static int question_read_type(const char *type, struct question *q, struct error *err)
{
    enum request_type one;

    q->last = REQUEST_TYPE_COUNT - 1;
    if (*type == '\0')
        return 0;
    if (!request_type_by_name(type, &one))
        return error_set_field(err, E_INVALID, "type", "type must be import or export");
    q->first = q->last = one;
    return 0;
}

/* Of a request, or of any in a workspace, or anywhere. */
static int question_read_place(struct core *core, const char *workspace, const char *request, struct question *q,
                               struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};

    if (*workspace && *request)
        return error_set_field(err, E_INVALID, "request", "Say a workspace, or a request, not both");
    if (*request) {
        int r = request_load_by_id(core, request, &q->req, err);
        q->first = q->last = q->req.type;
        return r;
    }
    int r = *workspace ? workspace_load(core, workspace, &w, err) : 0;
    (void)str_copy(q->req.workspace, sizeof q->req.workspace, w.id); /* an id fits */
    return r;
}

static int question_read(struct core *core, const struct call *call, struct question *q, struct error *err)
{
    const char *status = "", *type = "", *workspace = "", *request = "";
    enum status wanted = STATUS_DRAFT;
    int r = json_need_string(call->in, "status", 40, &status, err);

    if (r == 0)
        r = json_get_string(call->in, "type", "", 20, &type, err);
    if (r == 0)
        r = json_get_string(call->in, "of_workspace", "", UUID_TEXT_SIZE, &workspace, err);
    if (r == 0)
        r = json_get_string(call->in, "of_request", "", UUID_TEXT_SIZE, &request, err);
    if (r == 0 && !status_by_name(status, &wanted))
        r = error_set_field(err, E_INVALID, "status", "There is no status \"%.40s\"", status);
    if (r == 0)
        r = question_read_type(type, q, err);
    if (r == 0)
        r = question_read_place(core, workspace, request, q, err);
    q->req.status = wanted;
    return r;
}

static int question_answer(struct core *core, struct question *q, json_t **ret_ok, struct error *err)
{
    AUTO_JSON json_t *rows = json_array();
    bool more = false;
    int r = 0;

    for (int type = q->first; r == 0 && type <= q->last; type++) {
        q->req.type = (enum request_type)type;
        r = rows_add(core, &q->req, rows, &more, err);
    }
    if (r == 0)
        *ret_ok = json_pack("{s:O, s:b}", "notices", rows, "more", more);
    return r;
}

int admin_rules_test(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    struct question q = {0};
    int r = question_read(core, call, &q, err);

    if (r == 0)
        r = question_answer(core, &q, ret_ok, err);
    request_done(&q.req);
    return r;
}

/* --- Each person's own choice --- */

int caller_notices(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_NOTICE_CHOICE_GET, ARGS(DB_T(call->who.subject)), &row, err);

    if (r < 0)
        return r;
    *ret_ok = json_pack("{s:s}", "choice", r == 1 ? db_text(row, 0) : notice_choice_name(NOTICE_IMMEDIATE));
    return 0;
}

int caller_set_notices(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    const char *text = "";
    enum notice_choice choice;
    int r = json_need_string(call->in, "choice", CHOICE_MAX, &text, err);

    if (r == 0 && !notice_choice_by_name(text, &choice))
        r = error_set_field(err, E_INVALID, "choice", "choice must be immediate, digest or off");
    if (r == 0)
        r = db_exec(core->db, Q_NOTICE_CHOICE_PUT, ARGS(DB_T(call->who.subject), DB_T(text)), err);
    if (r >= 0)
        r = audit_add(core, call, "notice.chosen", "", json_pack("{s:s}", "choice", text), err);
    return r < 0 ? r : caller_notices(core, call, ret_ok, err);
}
