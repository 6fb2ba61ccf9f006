/* One frame, one savepoint, one answer. Part of airlock-core. */
#include "core/dispatch.h"

#include <string.h>

#include "base/log.h"
#include "core/actions.h"
#include "core/admin.h"
#include "core/audit.h"
#include "core/blobs.h"
#include "core/drain.h"
#include "core/identity.h"
#include "core/jobs.h"
#include "core/keys.h"
#include "core/link.h"
#include "core/logins.h"
#include "core/nothing.h"
#include "core/provider_keys.h"
#include "core/request.h"
#include "core/time.h"

static call_handler *const HANDLERS[MESSAGE_COUNT] = {
    [MESSAGE_CORE_HEALTH] = core_health,
    [MESSAGE_CORE_METADATA] = core_metadata,
    [MESSAGE_WORKSPACE_LIST] = workspace_list,
    [MESSAGE_WORKSPACE_GET] = workspace_get,
    [MESSAGE_WORKSPACE_SCOPE] = workspace_scope,
    [MESSAGE_WORKSPACE_USERS] = workspace_users,
    [MESSAGE_WORKSPACE_ROLES] = workspace_roles,
    [MESSAGE_WORKSPACE_ASSIGNABLE] = workspace_assignable,
    [MESSAGE_WORKSPACE_CREATE] = workspace_create,
    [MESSAGE_WORKSPACE_UPDATE] = workspace_update,
    [MESSAGE_ROLE_ASSIGN] = people_assign,
    [MESSAGE_ROLE_REMOVE] = people_remove,
    [MESSAGE_NOTHING_OF_TRE] = nothing_of_tre,
    [MESSAGE_NOTHING_FOR_ADMIN] = nothing_for_admin,
    [MESSAGE_NOTHING_OF_WORKSPACE] = nothing_of_workspace,
    [MESSAGE_NOTHING_FOR_OWNER] = nothing_for_owner,
    [MESSAGE_REQUEST_CREATE] = request_create,
    [MESSAGE_REQUEST_LIST] = request_list,
    [MESSAGE_REQUEST_LIST_ALL] = request_list_all,
    [MESSAGE_REQUEST_GET] = request_get,
    [MESSAGE_REQUEST_SUBMIT] = request_submit,
    [MESSAGE_REQUEST_CANCEL] = request_cancel,
    [MESSAGE_REQUEST_REVIEW] = request_review,
    [MESSAGE_REQUEST_REVOKE] = request_revoke,
    [MESSAGE_REQUEST_LINK] = request_link,
    [MESSAGE_REQUEST_LINK_REVOKE_ALL] = request_link_revoke_all,
    [MESSAGE_REQUEST_REVIEW_RESOURCE] = request_review_resource,
    [MESSAGE_ADMIN_RETRY] = admin_retry,
    [MESSAGE_ADMIN_AUDIT] = admin_audit,
    [MESSAGE_ADMIN_JOBS] = admin_jobs,
    [MESSAGE_ADMIN_ROTATE_KEYS] = admin_rotate_keys,
    [MESSAGE_BLOB_ACCESS] = blob_access,
    [MESSAGE_BLOB_OPEN] = blob_open,
    [MESSAGE_BLOB_CLOSED] = blob_closed,
    [MESSAGE_BLOB_LIST] = blob_list,
    [MESSAGE_BLOB_BEGIN] = blob_begin,
    [MESSAGE_BLOB_PUT] = blob_put,
    [MESSAGE_BLOB_UPDATE] = blob_update,
    [MESSAGE_BLOB_DELETE] = blob_delete,
    [MESSAGE_BLOCK_BEGIN] = block_begin,
    [MESSAGE_BLOCK_PUT] = block_put,
    [MESSAGE_BLOCK_COMMIT] = block_commit,
    [MESSAGE_BLOCK_LIST] = block_list,
    [MESSAGE_OBJECT_KNOWN] = object_known,
    [MESSAGE_BLOB_DRAINED] = blob_drained,
    [MESSAGE_JOB_LEASE] = job_lease,
    [MESSAGE_JOB_FILES] = job_files,
    [MESSAGE_JOB_HEARTBEAT] = job_heartbeat,
    [MESSAGE_JOB_RESULT] = job_result,
    [MESSAGE_DIR_KNOWN] = dir_known,
    [MESSAGE_IDP_PUBLISH] = idp_publish,
    [MESSAGE_IDP_SCOPE] = idp_scope,
    [MESSAGE_IDP_EVENT] = idp_event,
    [MESSAGE_JWKS_PUBLISH] = jwks_publish,
};

/* Who may say what is a table; what is not in it is refused and told to the operator. */
static int call_begin(struct core *core, enum peer from, const json_t *message, struct call *ret, struct error *err)
{
    const char *op = json_text(message, "op");
    enum message kind;

    if (!message_by_op(op, &kind) || !message_allowed(kind, from, PEER_CORE) || !HANDLERS[kind]) {
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
        r = HANDLERS[call.message](core, &call, &ok, &why);
        json_decref(TAKE_PTR(call.claims));
        int kept = r == 0 ? db_release(core->db, err) : call_undo(core, &call, &why, effects_before, err);
        if (kept != 0) {
            json_decref(ok);
            return kept;
        }
    }
    if (id <= 0)
        json_decref(ok);
    else
        *ret_answer = r == 0 ? message_answer(id, ok ? ok : json_object()) : message_refusal(id, &why);
    return 0;
}
