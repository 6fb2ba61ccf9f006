/* The blobs of a container: rows over object files that airlock-blob writes and airlock-mover seals. */
#ifndef AIRLOCK_CORE_BLOBS_H
#define AIRLOCK_CORE_BLOBS_H

#include "core/link.h"

#define ETAG_SIZE 24
#define BLOB_JSON_MAX (64 * 1024) /* bytes of the JSON of properties, and of metadata */

struct blob {
    int64_t id; /* 0: there is none */
    int64_t size;
    int64_t footprint; /* bytes its object files take, with blocks that it does not show */
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

/* The object that the uncommitted blocks of one name are written to. */
struct staging {
    char object[UUID_TEXT_SIZE]; /* "": there is none */
    int64_t high;                /* first offset never given away */
    int64_t block_size;          /* the largest block seen */
    int64_t blocks;
    int64_t bytes;
};

/* What stands under a name of a draft: committed, and staged. */
struct standing {
    struct blob blob;
    struct staging staged;
};
static inline void standing_done(struct standing *s)
{
    blob_done(&s->blob);
}
#define AUTO_STANDING CLEANUP(standing_done)
int standing_load(struct core *core, const char *request, const char *name, struct standing *ret,
                  struct error *err) MUST_USE;
/* The same; E_BLOB_NOT_FOUND when nothing stands there. */
int standing_need(struct core *core, const char *request, const char *name, struct standing *ret,
                  struct error *err) MUST_USE;
/* Appends the object files of all that stands there to a JSON array. */
int standing_objects(struct core *core, const struct standing *s, json_t *ret_list, struct error *err) MUST_USE;
/* Removes it, with its counts; a repeat of the commit that made the blob is remembered for a while. */
int standing_remove(struct core *core, const struct call *call, const struct access *a, const char *name,
                    const struct standing *s, struct error *err) MUST_USE;

/* A commit in the making: replaces what stands under the name. */
struct blob_commit {
    const struct access *access;
    const struct standing *old;
    const char *name;
    const char *commit_id;
    int64_t size;
    int64_t footprint;
    const char *sha256; /* NULL when only the parts are known */
};
/* Checks the limits, removes what stands under the name and inserts the new row; its id, and what the frame's answer
 * says of it. Name and conditions were checked before. */
int blob_replace(struct core *core, struct call *call, const struct blob_commit *commit, struct blob *ret_blob,
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
int blob_check_conditions(const struct call *call, const struct blob *b, struct error *err) MUST_USE;
/* May the frame's name be one of this request: its form, and no twin. */
int blob_check_name(struct core *core, const struct call *call, const struct access *a, struct error *err) MUST_USE;
/* Blocks that no list has named die with the draft. Their files go with its directory, or are swept. */
int staging_drop_all(struct core *core, const struct request *req, struct error *err) MUST_USE;
/* Of the object files named in candidates (a JSON array), those nothing refers to any more. */
int objects_unused(struct core *core, const json_t *candidates, json_t *ret_list, struct error *err) MUST_USE;
/* ok of a commit; candidates as above. */
int blob_commit_answer(struct core *core, const struct access *a, const struct blob *b, const json_t *candidates,
                       json_t **ret_ok, struct error *err) MUST_USE;
/* A commit frame that was counted before and comes again, because its answer was lost, is the same effect: 1 and the
 * answer; 0 otherwise. Asked before the link is judged: the request may have moved on meanwhile, and a refusal would
 * make the sender unlink bytes that count. Only the sender knows the id, which it drew. Also true of a commit whose
 * content was replaced or deleted in the last hour. */
int blob_is_repeat(struct core *core, const struct call *call, const char *commit_id, json_t **ret_ok,
                   struct error *err) MUST_USE;

/* Writes the closing audit row of each download that has come to rest. */
int downloads_tell_ended(struct core *core, int64_t now, struct error *err) MUST_USE;
/* Forgets commits that cannot be sent again any more, and minutes that are over. */
int blobs_forget(struct core *core, int64_t now, struct error *err) MUST_USE;

call_handler blob_open, blob_closed, blob_list, blob_begin, blob_put, blob_update, blob_delete, object_known,
    block_begin, block_put, block_commit, block_list;

#endif
