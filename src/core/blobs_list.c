/* Lists of blobs, page by page. Part of airlock-core.
 *
 * A page takes names in byte order from a place on. A name below a common prefix becomes that prefix, and everything
 * else below it is skipped; so a continuation, which is the first name that did not fit, never repeats a prefix nor
 * leaves one out. Names that have blocks and no content yet are in the same order, pages and prefixes. */
#include <string.h>

#include "core/blobs.h"
#include "core/link_use.h"

#define LIST_MAX 5000
#define LIST_BYTES_MAX (4 << 20) /* of names, properties and metadata: an answer must fit a frame */
#define NAME_BEYOND "\xf4\x8f\xbf\xbf" /* no name has this noncharacter: it sorts behind whatever a prefix begins */

/* One page of a list in the making. Prefixes and blobs both count. */
struct page {
    const char *prefix;
    const char *delimiter;
    const char *marker;
    char *beyond;        /* first text behind all names with the prefix */
    int64_t limit;
    bool with_metadata;
    bool with_uncommitted;
    size_t bytes;
    json_t *blobs;
    json_t *prefixes;
    char *next_marker;
};

static void page_done(struct page *p)
{
    free(p->beyond);
    free(p->next_marker);
    json_decref(p->blobs);
    json_decref(p->prefixes);
}

static int64_t page_count(const struct page *p)
{
    return (int64_t)(json_array_size(p->blobs) + json_array_size(p->prefixes));
}

/* The name up to and with the first delimiter behind the prefix, or NULL. */
static char *page_common_prefix(const struct page *p, const char *name)
{
    const char *at = *p->delimiter ? strstr(name + strlen(p->prefix), p->delimiter) : NULL;
    return at ? xstrndup(name, (size_t)(at - name) + strlen(p->delimiter)) : NULL;
}

static bool page_is_full(const struct page *p)
{
    return page_count(p) == p->limit || p->bytes > LIST_BYTES_MAX;
}

static json_t *page_blob(struct page *p, const struct db_rows *row)
{
    const char *name = db_text(row, 0);
    json_t *blob = json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "name", name, "etag", db_text(row, 2), "size",
                             (json_int_t)db_int(row, 1), "created", (json_int_t)db_int(row, 5), "modified",
                             (json_int_t)db_int(row, 6), "properties", json_loads(db_text(row, 3), 0, NULL));
    p->bytes += strlen(name) + strlen(db_text(row, 3));
    if (db_is_null(row, 2)) /* no entity tag: blocks that wait for their list */
        json_object_set_new(blob, "uncommitted", json_true());
    if (p->with_metadata) {
        json_object_set_new(blob, "metadata", json_loads(db_text(row, 4), 0, NULL));
        p->bytes += strlen(db_text(row, 4));
    }
    return blob;
}

/* Takes rows from the name on until the page is full, a prefix was found (*ret_from: where to go on), or the end. */
static int page_take(struct core *core, const char *request, struct page *p, char **from, bool *ret_more,
                     struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, p->with_uncommitted ? Q_BLOB_LIST_UNCOMMITTED : Q_BLOB_LIST,
                      ARGS(DB_T(request), DB_T(*from), DB_T(p->beyond), DB_I(p->limit + 1)), &rows, err);

    *ret_more = false;
    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1) {
        const char *name = db_text(rows, 0);
        if (page_is_full(p)) {
            p->next_marker = xstrdup(name);
            return 0;
        }
        char *common = page_common_prefix(p, name);
        if (common) {
            p->bytes += strlen(common);
            json_array_append_new(p->prefixes, json_string(common));
            free(*from);
            *from = xasprintf("%s" NAME_BEYOND, common); /* skip everything below it */
            free(common);
            *ret_more = true;
            return 0;
        }
        json_array_append_new(p->blobs, page_blob(p, rows));
    }
    return r;
}

int blob_list(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    CLEANUP(page_done) struct page p = {.prefix = json_text(call->in, "prefix"),
                                        .delimiter = json_text(call->in, "delimiter"),
                                        .marker = json_text(call->in, "marker"),
                                        .limit = json_int(call->in, "maxresults"),
                                        .with_metadata = json_flag(call->in, "metadata"),
                                        .with_uncommitted = json_flag(call->in, "uncommitted"),
                                        .blobs = json_array(),
                                        .prefixes = json_array()};
    bool more = true;
    int r = access_check(core, call, PERM_LIST, &a, err);

    if (r == 0)
        r = link_use_record(core, call, &a, "list", err);
    if (r != 0)
        return r;
    if (p.limit < 1 || p.limit > LIST_MAX)
        p.limit = LIST_MAX;
    p.beyond = *p.prefix ? xasprintf("%s" NAME_BEYOND, p.prefix) : xstrdup("");
    AUTO_FREE char *from = xstrdup(strcmp(p.marker, p.prefix) > 0 ? p.marker : p.prefix);
    while (r == 0 && more)
        r = page_take(core, a.request.id, &p, &from, &more, err);
    if (r == 0)
        *ret_ok = json_pack("{s:O, s:O, s:s}", "blobs", p.blobs, "prefixes", p.prefixes, "nextMarker",
                            p.next_marker ? p.next_marker : "");
    return r;
}
