/* The blobs of a container: rows over object files that airlock-blob writes and airlock-mover seals. */
#ifndef AIRLOCK_CORE_BLOBS_H
#define AIRLOCK_CORE_BLOBS_H

#include "core/link.h"

#define ETAG_SIZE 24
#define BLOB_JSON_MAX (64 * 1024) /* bytes of the JSON of properties, and of metadata */

struct blob {
    int64_t id;
    int64_t size;
    char *etag;
    char *properties; /* JSON */
    char *metadata;   /* JSON */
    char *object;     /* the sealed file, or NULL */
    char *commit_id;
    int64_t created;
    int64_t modified;
};
void blob_done(struct blob *b);
#define AUTO_BLOB CLEANUP(blob_done)

/* 1 found, 0 none, negative. */
int blob_find(struct core *core, const char *request, const char *name, struct blob *ret, struct error *err) MUST_USE;

/* A commit in the making: replaces what stands under the name. */
struct blob_commit {
    const struct access *access;
    const char *name;
    const char *commit_id;
    int64_t size;
    const char *sha256; /* NULL when only the parts are known */
};
/* Removes the blob under the name (if any) and inserts the new row; its id. Conditions were checked before. */
int blob_replace(struct core *core, struct call *call, const struct blob_commit *commit, int64_t *ret_id,
                 struct error *err) MUST_USE;

/* A piece of a blob: length bytes from start on of an object file, seq-th of the blob's, at bytes into it. */
struct extent {
    int64_t seq;
    const char *block_id; /* NULL where the blob came in one piece */
    const char *object;
    int64_t start;
    int64_t length;
    const char *sha256;
    int64_t at;
};
int extent_add(struct core *core, int64_t blob, const struct extent *extent, struct error *err) MUST_USE;
/* A new entity tag, without quotes. */
void etag_new(char out[static ETAG_SIZE]);
/* Evaluates the frame's conditional headers against the blob as it is. */
int blob_check_conditions(struct core *core, const struct call *call, const char *request, const char *name,
                          struct error *err) MUST_USE;
/* Checks name, twins, count and size policy before bytes are taken. */
int blob_check_new(struct core *core, const struct call *call, const struct access *a, int64_t size, struct error *err)
    MUST_USE;
/* May this link write this blob: create or write when it is new, write when it is there. */
int blob_check_write(struct core *core, struct call *call, struct access *ret, struct error *err) MUST_USE;
/* Blocks that no list has named die with the draft. Their files go with its directory, or are swept. */
int staging_drop_all(struct core *core, const char *request, struct error *err) MUST_USE;
/* Of the object files named in candidates (a JSON array), those nothing refers to any more. */
int objects_unused(struct core *core, const json_t *candidates, json_t *ret_list, struct error *err) MUST_USE;
/* Collects the object files of a blob and of its staged blocks. */
int blob_objects(struct core *core, const char *request, const char *name, json_t *ret_list,
                 struct error *err) MUST_USE;
int blob_commit_answer(struct core *core, const struct access *a, const char *name, const json_t *candidates,
                       json_t **ret_ok, struct error *err) MUST_USE;
/* A commit frame that was counted before and comes again, because its answer was lost, is the same effect: 1 and the
 * answer; 0 otherwise. Asked before the link is judged: the request may have moved on meanwhile, and a refusal would
 * make the sender unlink bytes that count. Only the sender knows the id, which it drew. */
int blob_is_repeat(struct core *core, const struct call *call, const char *commit_id, json_t **ret_ok,
                   struct error *err) MUST_USE;

/* Writes the closing audit row of each download that has come to rest. */
int downloads_tell_ended(struct core *core, int64_t now, struct error *err) MUST_USE;

call_handler blob_open, blob_closed, blob_list, blob_begin, blob_put, blob_update, blob_delete, object_known,
    block_begin, block_put, block_commit, block_list;

#endif
