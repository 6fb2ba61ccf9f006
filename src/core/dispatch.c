/* One frame, one savepoint, one answer. Part of airlock-core. */
#include "core/dispatch.h"

#include <string.h>

#include "base/log.h"
#include "core/actions.h"
#include "core/admin.h"
#include "core/audit.h"
#include "core/blobs.h"
#include "core/caller.h"
#include "core/drain.h"
#include "core/events.h"
#include "core/external.h"
#include "core/gates.h"
#include "core/identity.h"
#include "core/jobs.h"
#include "core/keys.h"
#include "core/link.h"
#include "core/logins.h"
#include "core/nothing.h"
#include "core/notices.h"
#include "core/provider_keys.h"
#include "core/request.h"
#include "core/time.h"
#include "core/users.h"

/* Who answers what, and for a person's message the right it takes (model/right.def). */
static const struct {
    call_handler *handle;
    enum right right;
} HANDLERS[MESSAGE_COUNT] = {
    /* people, through airlock-api */
    [MESSAGE_CORE_HEALTH] = {core_health, RIGHT_ANYTHING_OPEN},
    [MESSAGE_CORE_METADATA] = {core_metadata, RIGHT_ANYTHING_OPEN},
    [MESSAGE_CALLER_GET] = {caller_get, RIGHT_LOOK_AROUND},
    [MESSAGE_CALLER_IN_WORKSPACE] = {caller_get, RIGHT_READ},
    [MESSAGE_CALLER_NOTICES] = {caller_notices, RIGHT_LOOK_AROUND},
    [MESSAGE_CALLER_SET_NOTICES] = {caller_set_notices, RIGHT_LOOK_AROUND},
    [MESSAGE_WORKSPACE_LIST] = {workspace_list, RIGHT_LOOK_AROUND},
    [MESSAGE_WORKSPACE_GET] = {workspace_get, RIGHT_SEE_WORKSPACE},
    [MESSAGE_WORKSPACE_SCOPE] = {workspace_scope, RIGHT_SEE_WORKSPACE},
    [MESSAGE_WORKSPACE_USERS] = {workspace_users, RIGHT_READ},
    [MESSAGE_WORKSPACE_ROLES] = {workspace_roles, RIGHT_READ},
    [MESSAGE_WORKSPACE_ASSIGNABLE] = {workspace_assignable, RIGHT_ADMINISTER},
    [MESSAGE_WORKSPACE_CREATE] = {workspace_create, RIGHT_ADMINISTER},
    [MESSAGE_WORKSPACE_UPDATE] = {workspace_update, RIGHT_ADMINISTER},
    [MESSAGE_ROLE_ASSIGN] = {people_assign, RIGHT_ADMINISTER},
    [MESSAGE_ROLE_REMOVE] = {people_remove, RIGHT_ADMINISTER},
    [MESSAGE_NOTHING_OF_TRE] = {nothing_of_tre, RIGHT_LOOK_AROUND},
    [MESSAGE_NOTHING_FOR_ADMIN] = {nothing_of_tre, RIGHT_ADMINISTER},
    [MESSAGE_NOTHING_OF_WORKSPACE] = {nothing_of_workspace, RIGHT_TAKE_PART},
    [MESSAGE_NOTHING_FOR_OWNER] = {nothing_of_workspace, RIGHT_OVERSEE},
    [MESSAGE_REQUEST_CREATE] = {request_create, RIGHT_CREATE},
    [MESSAGE_REQUEST_LIST] = {request_list, RIGHT_READ},
    [MESSAGE_REQUEST_LIST_ALL] = {request_list_all, RIGHT_LOOK_AROUND},
    [MESSAGE_REQUEST_GET] = {request_get, RIGHT_READ},
    [MESSAGE_REQUEST_SUBMIT] = {request_submit, RIGHT_SUBMIT},
    [MESSAGE_REQUEST_CANCEL] = {request_cancel, RIGHT_CANCEL},
    [MESSAGE_REQUEST_REVIEW] = {request_review, RIGHT_REVIEW},
    [MESSAGE_REQUEST_REVOKE] = {request_revoke, RIGHT_REVOKE},
    [MESSAGE_REQUEST_LINK] = {request_link, RIGHT_LINK},
    [MESSAGE_REQUEST_LINK_REVOKE_ALL] = {request_link_revoke_all, RIGHT_END_LINKS},
    [MESSAGE_REQUEST_GATES] = {request_gates, RIGHT_READ},
    [MESSAGE_REQUEST_CHECK] = {request_check, RIGHT_SUBMIT},
    [MESSAGE_REQUEST_CHECK_RESULT] = {request_check_result, RIGHT_SUBMIT},
    [MESSAGE_REQUEST_REVIEW_RESOURCE] = {request_review_resource, RIGHT_PREPARE_REVIEW},
    [MESSAGE_REQUEST_ANSWER_GATE] = {request_answer_gate, RIGHT_ANSWER_GATE},
    [MESSAGE_ADMIN_RETRY] = {admin_retry, RIGHT_RETRY},
    [MESSAGE_ADMIN_AUDIT] = {admin_audit, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_JOBS] = {admin_jobs, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_EVENTS] = {admin_events, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_EVENTS_REPLAY] = {admin_events_replay, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_EVENTS_DROP] = {admin_events_drop, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_RULES_TEST] = {admin_rules_test, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_METRICS] = {admin_metrics, RIGHT_ADMINISTER},
    [MESSAGE_EVENT_READ] = {event_read, RIGHT_LOOK_AROUND},
    [MESSAGE_EVENT_READ_IN_WORKSPACE] = {event_read, RIGHT_READ},
    [MESSAGE_ADMIN_ROTATE_KEYS] = {admin_rotate_keys, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_USER_LIST] = {admin_user_list, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_USER_ADD] = {admin_user_add, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_USER_DISABLE] = {admin_user_disable, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_USER_ENABLE] = {admin_user_enable, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_USER_RESET] = {admin_user_reset, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_ROLE_ASSIGN] = {admin_role_assign, RIGHT_ADMINISTER},
    [MESSAGE_ADMIN_ROLE_REMOVE] = {admin_role_remove, RIGHT_ADMINISTER},

    /* airlock's own processes */
    [MESSAGE_BLOB_ACCESS] = {.handle = blob_access},
    [MESSAGE_BLOB_OPEN] = {.handle = blob_open},
    [MESSAGE_BLOB_CLOSED] = {.handle = blob_closed},
    [MESSAGE_BLOB_LIST] = {.handle = blob_list},
    [MESSAGE_BLOB_BEGIN] = {.handle = blob_begin},
    [MESSAGE_BLOB_PUT] = {.handle = blob_put},
    [MESSAGE_BLOB_UPDATE] = {.handle = blob_update},
    [MESSAGE_BLOB_DELETE] = {.handle = blob_delete},
    [MESSAGE_BLOCK_BEGIN] = {.handle = block_begin},
    [MESSAGE_BLOCK_PUT] = {.handle = block_put},
    [MESSAGE_BLOCK_COMMIT] = {.handle = block_commit},
    [MESSAGE_BLOCK_LIST] = {.handle = block_list},
    [MESSAGE_OBJECT_KNOWN] = {.handle = object_known},
    [MESSAGE_BLOB_DRAINED] = {.handle = blob_drained},
    [MESSAGE_JOB_LEASE] = {.handle = job_lease},
    [MESSAGE_JOB_FILES] = {.handle = job_files},
    [MESSAGE_JOB_HEARTBEAT] = {.handle = job_heartbeat},
    [MESSAGE_JOB_RESULT] = {.handle = job_result},
    [MESSAGE_DIR_KNOWN] = {.handle = dir_known},
    [MESSAGE_IDP_PUBLISH] = {.handle = idp_publish},
    [MESSAGE_ACCOUNT_DONE] = {.handle = account_done},
    [MESSAGE_IDP_SCOPE] = {.handle = idp_scope},
    [MESSAGE_IDP_EVENT] = {.handle = idp_event},
    [MESSAGE_CALL_LEASE] = {.handle = call_lease},
    [MESSAGE_CALL_RESULT] = {.handle = call_result},
    [MESSAGE_EVENT_LEASE] = {.handle = event_lease},
    [MESSAGE_EVENT_RESULT] = {.handle = event_result},
    [MESSAGE_JWKS_PUBLISH] = {.handle = jwks_publish},
};

enum right dispatch_right(enum message message)
{
    return HANDLERS[message].right;
}

int dispatch_self_check(struct error *err)
{
    for (int m = 0; m < MESSAGE_COUNT; m++) {
        enum message message = (enum message)m;
        bool of_people = message_allowed(message, PEER_API, PEER_CORE);
        if (of_people && (!HANDLERS[m].handle || HANDLERS[m].right == RIGHT_OF_NOBODY))
            return error_set(err, E_INTERNAL, "%s has no right or no handler", message_op(message));
        if (!of_people && HANDLERS[m].right != RIGHT_OF_NOBODY)
            return error_set(err, E_INTERNAL, "%s has a right, but no person can send it", message_op(message));
    }
    return right_self_check(err);
}

/* Who may say what is a table; what is not in it is refused and told to the operator. */
static int call_begin(struct core *core, enum peer from, const json_t *message, struct call *ret, struct error *err)
{
    const char *op = json_text(message, "op");
    enum message kind;

    if (!message_by_op(op, &kind) || !message_allowed(kind, from, PEER_CORE) || !HANDLERS[kind].handle) {
        log_error("%s sent \"%.60s\", which it may not", peer_name(from), op);
        return error_set(err, E_PROTOCOL, "This process may not ask that");
    }
    *ret = (struct call){
        .message = kind, .from = from, .in = message, .now = core_now(core), .address = json_text(message, "address")};
    return 0;
}

static bool transaction_lost(struct core *core, const struct error *why)
{
    return !db_in_transaction(core->db) || why->code == E_NO_SPACE || why->code == E_IO;
}

/* Undoes what the handler wrote, then records the refusal outside of it. */
static int call_undo(struct core *core, struct call *call, const struct error *why, size_t effects_before,
                     struct error *err)
{
    core->effects.count = effects_before;
    if (transaction_lost(core, why))
        return error_set(err, why->code, "%s", why->detail);
    int r = db_rollback_to(core->db, err);
    if (r == 0 && audit_is_refusal(why->code))
        r = audit_refusal(core, call, why, err);
    if (r == 0)
        r = link_note_leak(core, call, why, err);
    return r;
}

/* A person's message is judged here, before any handler: no handler can forget it. */
static int call_answer(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    enum right right = HANDLERS[call->message].right;
    int r = right == RIGHT_OF_NOBODY ? 0 : caller_authorise(core, call, right, err);
    return r ? r : HANDLERS[call->message].handle(core, call, ret_ok, err);
}

int dispatch(struct core *core, enum peer from, const json_t *message, json_t **ret_answer, struct error *err)
{
    struct error why = {0};
    struct call call;
    json_t *ok = NULL;
    int64_t id = json_int(message, "id");
    size_t effects_before = core->effects.count;
    int r = call_begin(core, from, message, &call, &why);

    if (r == 0) {
        r = db_savepoint(core->db, err);
        if (r != 0)
            return r;
        r = call_answer(core, &call, &ok, &why);
        json_decref(TAKE_PTR(call.claims));
        int kept = r == 0 ? db_release(core->db, err) : call_undo(core, &call, &why, effects_before, err);
        if (kept != 0) {
            json_decref(ok);
            return kept;
        }
    }
    if (id <= 0 || (r == 0 && call.late))
        json_decref(ok);
    else
        *ret_answer = r == 0 ? message_answer(id, ok ? ok : json_object()) : message_refusal(id, &why);
    return 0;
}
