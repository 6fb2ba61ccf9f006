/* Put Block List: the XML is read as it comes and goes to core as one question. Runs in airlock-blob on worker threads.
 * Must never rewrite data: blocks stay where they were put. */
#include <string.h>

#include "blob/block_list.h"
#include "blob/body_check.h"
#include "blob/operations.h"
#include "blob/properties.h"
#include "blob/reply.h"

struct commit {
    struct request *rq;
    struct block_list *list;
    uint64_t length;
    struct body_check check; /* of the XML: Azure answers its MD5 */
    json_t *properties;
    json_t *metadata;
    char *dir;
};

static void commit_free(void *work)
{
    struct commit *commit = work;

    block_list_free(commit->list);
    body_check_done(&commit->check);
    json_decref(commit->properties);
    json_decref(commit->metadata);
    free(commit->dir);
    free(commit);
}

static int on_write(struct http_exchange *x UNUSED, const void *bytes, size_t len, void *ctx)
{
    struct commit *commit = ctx;
    enum azure_code code = AZURE_OK;

    commit->length += len;
    if (commit->length > BLOCK_LIST_BYTES_MAX)
        code = AZURE_REQUEST_BODY_TOO_LARGE; /* only a chunked body comes so far */
    if (code == AZURE_OK)
        code = block_list_feed(commit->list, bytes, len, false);
    if (code != AZURE_OK) {
        reply_azure(commit->rq, code, "");
        return -1;
    }
    body_check_update(&commit->check, bytes, len);
    return 0;
}

static void on_aborted(struct http_exchange *x UNUSED, void *ctx UNUSED)
{
}

static int commit_ask(struct commit *commit, json_t **ret_ok, struct error *err)
{
    json_t *fields = request_fields_conditional(commit->rq);
    char id[UUID_TEXT_SIZE];

    uuid_new(id);
    (void)json_object_set_new(fields, "commit", json_string(id));
    (void)json_object_set_new(fields, "list", block_list_take(commit->list));
    (void)json_object_set(fields, "properties", commit->properties);
    (void)json_object_set(fields, "metadata", commit->metadata);
    return ipc_call(commit->rq->app->core, MESSAGE_BLOCK_COMMIT, fields, ret_ok, err);
}

static void on_finish(struct http_exchange *x UNUSED, void *ctx)
{
    struct commit *commit = ctx;
    struct request *rq = commit->rq;
    AUTO_JSON json_t *ok = NULL;
    struct error err = {0};

    enum azure_code code = block_list_feed(commit->list, "", 0, true);
    if (code == AZURE_OK)
        code = body_check_verify(&commit->check);
    if (code != AZURE_OK) {
        reply_azure(rq, code, "");
        return;
    }
    if (commit_ask(commit, &ok, &err) < 0) {
        reply_error(rq, &err);
        return;
    }
    reply_add_tags(rq, ok);
    body_check_add_headers(&commit->check, rq->x);
    http_header_add(rq->x, "x-ms-request-server-encrypted", "false");
    reply_empty(rq, 201);
    drop_objects(rq->app, commit->dir, ok); /* of a big blob it takes 100 ms, for which nobody should wait */
}

static enum azure_code commit_read_head(struct commit *commit)
{
    const struct http_head *head = commit->rq->head;

    if (!head->has_length && !head->chunked)
        return AZURE_MISSING_CONTENT_LENGTH;
    if (head->content_length > BLOCK_LIST_BYTES_MAX)
        return AZURE_REQUEST_BODY_TOO_LARGE;
    enum azure_code code = body_check_init(&commit->check, head, BODY_XML, true);
    if (code == AZURE_OK)
        code = properties_from_head(head, false, &commit->properties);
    if (code == AZURE_OK)
        code = metadata_from_head(head, &commit->metadata);
    return code;
}

/* May a body come at all? The commit is judged again when it has come. */
static int commit_begin(struct commit *commit, struct error *err)
{
    AUTO_JSON json_t *ok = NULL;
    json_t *fields = request_fields_conditional(commit->rq);

    (void)json_object_set_new(fields, "size", json_integer(-1));
    int r = ipc_call(commit->rq->app->core, MESSAGE_BLOB_BEGIN, fields, &ok, err);
    if (r == 0)
        commit->dir = xstrdup(json_text(ok, "dir"));
    return r;
}

void put_block_list(struct request *rq)
{
    struct commit *commit = xcalloc(1, sizeof *commit);
    struct http_sink sink = {.write = on_write, .finish = on_finish, .aborted = on_aborted, .ctx = commit};
    struct error err = {0};

    commit->rq = rq;
    commit->list = block_list_new();
    rq->work = commit;
    rq->work_free = commit_free;
    enum azure_code code = commit_read_head(commit);
    if (code != AZURE_OK)
        reply_azure(rq, code, "");
    else if (commit_begin(commit, &err) < 0)
        reply_error(rq, &err);
    else
        http_accept_body(rq->x, &sink);
}
