/* What a request's Host and path name: account, container, blob. Pure; runs in airlock-blob.
 * Host style: https://ACCOUNT.blob.SUFFIX/CONTAINER/BLOB, when the host's first label is followed by ".blob.".
 * Path style: https://HOST/ACCOUNT/CONTAINER/BLOB, otherwise.
 * Source: Azure "Naming and referencing containers, blobs, and metadata". A blob's name is data, never a file's path.
 */
#ifndef AIRLOCK_BLOB_LOCATION_H
#define AIRLOCK_BLOB_LOCATION_H

#include "blob/azure.h"
#include "model/account.h"

#define CONTAINER_NAME_MAX 63

enum location_level { LEVEL_ACCOUNT = 1 << 0, LEVEL_CONTAINER = 1 << 1, LEVEL_BLOB = 1 << 2 };

struct location {
    bool host_style;
    enum location_level level;
    char account[ACCOUNT_NAME_MAX + 1];
    char container[CONTAINER_NAME_MAX + 1]; /* "" at LEVEL_ACCOUNT */
    char *blob;                             /* NULL above LEVEL_BLOB; UTF-8 that passed name_check */
};

/* path: as sent, percent-encoded. The whole of it is decoded once, then split: "%2F" is "/", "\" becomes "/", "+"
 * stays,
 * "." and ".." are ordinary names. AZURE_OK: *ret must be given to location_done. */
enum azure_code location_parse(const char *host, const char *path, struct location *ret, struct error *err) MUST_USE;
void location_done(struct location *location);

#endif
