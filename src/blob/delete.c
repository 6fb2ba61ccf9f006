/* Delete Blob, and the unlinking of object files that no blob needs any more. Runs in airlock-blob on worker threads.
 * Must never unlink what core has not named. */
#include <strings.h>

#include "base/log.h"
#include "blob/operations.h"
#include "blob/reply.h"

void drop_object(const struct app *app, const char *dir, const char *object)
{
    struct error err = {0};

    if (store_object_remove(app->store, dir, object, &err) != 0)
        log_warning("object %s in %s is left behind until the next start: %s", object, dir, err.detail);
}

void drop_objects(const struct app *app, const char *dir, const json_t *ok)
{
    size_t i;
    json_t *object;

    json_array_foreach(json_object_get(ok, "drop"), i,
                       object) if (uuid_is_v4(json_string_value(object) ? json_string_value(object) : ""))
        drop_object(app, dir, json_string_value(object));
}

/* There are no snapshots: "include" adds nothing, "only" would leave the blob where it is. */
static bool keeps_blob(const struct request *rq)
{
    const char *snapshots = request_header(rq, "x-ms-delete-snapshots");
    return snapshots && strcasecmp(snapshots, "include") != 0;
}

void delete_blob(struct request *rq)
{
    AUTO_JSON json_t *ok = NULL;
    struct error err = {0};

    if (keeps_blob(rq)) {
        reply_azure(rq, AZURE_INVALID_HEADER_VALUE, "There are no snapshots to delete");
        return;
    }
    if (ipc_call(rq->app->core, MESSAGE_BLOB_DELETE, request_fields_conditional(rq), &ok, &err) < 0) {
        reply_error(rq, &err);
        return;
    }
    drop_objects(rq->app, json_text(ok, "dir"), ok);
    http_header_add(rq->x, "x-ms-delete-type-permanent", "true");
    reply_empty(rq, 202);
}
