/* Changing what a draft's blob says about itself, not its bytes. Part of airlock-core. */
#include <string.h>

#include "core/audit.h"
#include "core/blobs.h"
#include "core/usage.h"

static int update_write(struct core *core, struct call *call, const struct access *a, const struct blob *b,
                        bool is_metadata, json_t **ret_ok, struct error *err)
{
    const char *part = is_metadata ? "metadata" : "properties";
    AUTO_STR struct str text = STR_INIT(BLOB_JSON_MAX);
    char etag[ETAG_SIZE];

    json_append_value(&text, json_object_get(call->in, part));
    if (text.overflow)
        return error_set(err, E_TOO_LARGE, "The blob's headers or metadata are too large");
    etag_new(etag);
    const char *before = is_metadata ? b->metadata : b->properties;
    struct usage change = {.text_bytes = (int64_t)text.len - (int64_t)strlen(before)};
    int r = usage_check(core, &a->request, &change, err);
    if (r == 0)
        r = usage_add(core, &a->request, &change, err);
    if (r == 0)
        r = db_exec(core->db, is_metadata ? Q_BLOB_SET_METADATA : Q_BLOB_SET_PROPERTIES,
                    ARGS(DB_I(b->id), DB_T(str_text(&text)), DB_T(etag), DB_I(call->now)), err);
    if (r >= 0)
        r = audit_add(core, call, "update", a->subject,
                      json_pack("{s:s, s:s}", "name", json_text(call->in, "blob"), "part", part), err);
    if (r == 0)
        *ret_ok = json_pack("{s:s, s:I}", "etag", etag, "modified", (json_int_t)call->now);
    return r;
}

int blob_update(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_BLOB struct blob b = {0};
    const char *name = json_text(call->in, "blob");
    bool has_properties = json_is_object(json_object_get(call->in, "properties"));
    bool has_metadata = json_is_object(json_object_get(call->in, "metadata"));
    int r = access_check(core, call, PERM_WRITE, &a, err);

    if (r != 0)
        return r;
    if (has_properties == has_metadata)
        return error_set(err, E_INVALID, "An update names properties or metadata");
    r = blob_find(core, a.request.id, name, &b, err);
    if (r == 0)
        return error_set(err, E_BLOB_NOT_FOUND, "The specified blob does not exist");
    if (r == 1)
        r = blob_check_conditions(call, &b, err);
    return r ? r : update_write(core, call, &a, &b, has_metadata, ret_ok, err);
}
