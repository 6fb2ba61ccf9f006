/* What x-ms-copy-source names: a blob of this very listener, with the link that opens it. Pure; runs in airlock-blob.
 * A URL of anybody else is refused and nothing is ever fetched: no connection is made for a copy. Source: Azure "Put
 * Blob From URL", "Put Block From URL", "Copy Blob". */
#ifndef AIRLOCK_BLOB_SOURCE_URL_H
#define AIRLOCK_BLOB_SOURCE_URL_H

#include "base/json.h"
#include "blob/location.h"

#define SOURCE_URL_TEXT_MAX 2048 /* of a source's address without its link, as it is shown afterwards */

/* How URLs of this listener begin. */
struct source_bases {
    const char *public_url; /* scheme://host[:port]; the host may begin with "{account}" */
    const char *scheme;     /* and as the request itself came */
    const char *host;
};

struct source_url {
    struct location location; /* LEVEL_BLOB */
    json_t *sas;              /* the link's parameters, as request_sas_pairs makes them */
    char *shown;              /* the URL without its query; NULL when it is longer than SOURCE_URL_TEXT_MAX */
};

/* AZURE_OK: *ret must be given to source_url_done. AZURE_CANNOT_VERIFY_COPY_SOURCE: not a blob of this listener. */
enum azure_code source_url_parse(const struct source_bases *bases, const char *url, struct source_url *ret,
                                 struct error *err) MUST_USE;
void source_url_done(struct source_url *source);

#endif
