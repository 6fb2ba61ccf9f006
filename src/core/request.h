/* Requests: the row, how it is shown, and who stands in which relation to it. Changing a status is core/apply's. */
#ifndef AIRLOCK_CORE_REQUEST_H
#define AIRLOCK_CORE_REQUEST_H

#include "core/core.h"
#include "core/workspace.h"

struct request {
    char id[UUID_TEXT_SIZE];
    char workspace[UUID_TEXT_SIZE];
    enum request_type type;
    enum status status;
    enum status failed_from; /* STATUS_NONE unless status is failed */
    char *title;
    char *justification;
    char *status_message; /* or NULL */
    int64_t version;
    int64_t generation;
    int64_t fence;
    char dir[PATH_MAX_TEXT];
    char manifest_digest[SHA256_HEX_SIZE]; /* "" before the seal */
    char *policy_note;                     /* or NULL */
    int64_t delivered;                     /* 0: not */
    char creator[SUBJECT_MAX];
    char *created_by; /* JSON */
    int64_t created;
    char *updated_by; /* JSON */
    int64_t updated;
    char *gate_report; /* JSON, what the gates said in short; NULL before they did */
};
void request_done(struct request *r);
#define AUTO_REQUEST CLEANUP(request_done)

void request_read(const struct db_rows *row, struct request *ret); /* the columns of REQUEST_GET */
/* By id AND workspace, always: another workspace's request is E_NOT_FOUND. */
int request_load(struct core *core, const char *workspace, const char *id, struct request *ret, struct error *err)
    MUST_USE;
/* For what was found by id and workspace before: jobs and links. */
int request_load_by_id(struct core *core, const char *id, struct request *ret, struct error *err) MUST_USE;

/* Loads the request that the frame names, in the caller's workspace. Fills call->request. */
int request_for_call(struct core *core, struct call *call, struct request *ret, struct error *err) MUST_USE;
struct actor request_actor(const struct request *r, const struct call *call);

int request_render(struct core *core, const struct request *r, json_t **ret, struct error *err) MUST_USE;
/* {"airlockRequest", "allowedUserActions"}; reads the request again, so that it shows what was just written. */
int request_envelope(struct core *core, const struct call *call, const char *id, json_t **ret_ok, struct error *err)
    MUST_USE;
/* Appends the request, or its envelope, to a list. */
int request_append(struct core *core, const struct call *call, const struct request *r, bool with_actions,
                   json_t *ret_list, struct error *err) MUST_USE;

call_handler request_create, request_list, request_list_all, request_get;

#endif
