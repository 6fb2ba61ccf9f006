/* Counting approvals, each of another person and of the present manifest. Part of airlock-core; it writes nothing. */
#include "core/approvals.h"

#include <string.h>
#include <strings.h>

/* One account has one subject, but a person may have two accounts: an address that both have names the same person. */
static bool is_same_person(const struct principal *who, const json_t *reviewer)
{
    const char *email = json_text(reviewer, "email");

    return strcmp(json_text(reviewer, "id"), who->subject) == 0 || (*email && strcasecmp(email, who->email) == 0);
}

/* One review; *count counts it when it approves this manifest. */
static int approval_count(const struct db_rows *row, const struct call *call, const struct request *req, int64_t *count,
                          struct error *err)
{
    const char *status = db_text(row, 2), *digest = db_text(row, 4); /* "" of a review that names none */

    if (strcmp(status, "approved") != 0 || strcmp(digest, req->manifest_digest) != 0) /* NOLINT: an array, never NULL */
        return 0;
    AUTO_JSON json_t *reviewer = json_loads(db_text(row, 1), 0, NULL);
    if (is_same_person(&call->who, reviewer))
        return error_set(err, E_CONFLICT, "You have approved this request already; another person must");
    (*count)++;
    return 0;
}

int approvals_missing(struct core *core, const struct call *call, const struct request *req, int64_t *ret_missing,
                      struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t count = 1; /* the caller's own */
    int r = workspace_load(core, req->workspace, &w, err);

    if (r == 0)
        r = db_select(core->db, Q_REVIEW_LIST, ARGS(DB_T(req->id)), &rows, err);
    while (r == 0 && (r = db_rows_next(rows, err)) == 1)
        r = approval_count(rows, call, req, &count, err);
    if (r == 0)
        *ret_missing = w.policy.approvals > count ? w.policy.approvals - count : 0;
    return r;
}
