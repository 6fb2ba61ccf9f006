/* The operations of the data plane, one function each, called on a worker thread once the request is understood. Each
 * ends in exactly one reply, now or through the body it accepts. airlock-blob only. */
#ifndef AIRLOCK_BLOB_OPERATIONS_H
#define AIRLOCK_BLOB_OPERATIONS_H

#include "blob/request.h"

/* Azure's limits of the newest protocol versions, for all versions. */
#define PUT_BLOB_BYTES_MAX ((uint64_t)5000 * 1024 * 1024)
#define PUT_BLOCK_BYTES_MAX ((uint64_t)4000 * 1024 * 1024)
#define PUT_BLOB_MD5_MAX ((uint64_t)64 * 1024 * 1024) /* up to here every blob gets its MD5 (see upload.c) */
#define RANGE_DIGEST_BYTES_MAX ((uint64_t)4 * 1024 * 1024)
#define LIST_RESULTS_MAX 5000u

void preflight(struct request *rq);                /* cors.c */
void get_account_info(struct request *rq);         /* account_info.c */
void get_container_properties(struct request *rq); /* account_info.c */
void list_blobs(struct request *rq);               /* listing.c */
void put_blob(struct request *rq);                 /* upload.c */
void put_block(struct request *rq);                /* upload.c */
void put_block_list(struct request *rq);           /* commit.c */
void get_block_list(struct request *rq);           /* listing.c */
void put_blob_from_url(struct request *rq);        /* copy.c */
void put_block_from_url(struct request *rq);       /* copy.c */
void copy_blob(struct request *rq);                /* copy.c */
void abort_copy(struct request *rq);               /* copy.c */
void get_blob(struct request *rq);                 /* download.c */
void head_blob(struct request *rq);                /* download.c */
void get_metadata(struct request *rq);             /* download.c */
void set_metadata(struct request *rq);             /* setters.c */
void set_properties(struct request *rq);           /* setters.c */
void delete_blob(struct request *rq);              /* delete.c */

/* Unlinks an object file that nothing refers to; a failure is logged and left to the next start (reconcile.c). */
void drop_object(const struct app *app, const char *dir, const char *object); /* delete.c */
/* The same for what an answer of core names in `drop`. */
void drop_objects(const struct app *app, const char *dir, const json_t *ok); /* delete.c */

#endif
